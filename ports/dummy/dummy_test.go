package dummy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
)

func setup(t *testing.T) (*Opener, *packet.Arena, *[]string) {
	t.Helper()
	a, err := packet.NewArena(2000, 1600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	var log []string
	o := NewOpener(nil, func() time.Time { return time.Unix(5, 6000) }, func(f string, v ...any) { log = append(log, f) })
	return o, a, &log
}

func open(t *testing.T, o *Opener, c ports.Config) *Port {
	t.Helper()
	if c.Type == "" {
		c.Type = "dummy"
	}
	p, err := o.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*Port)
}

func frame(n int, fill byte) []byte { return bytes.Repeat([]byte{fill}, n) }

func readable(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, _ := unix.Poll(p, 0)
	return n == 1
}

func TestRxTx(t *testing.T) {
	o, a, _ := setup(t)
	p := open(t, o, ports.Config{Name: "p1", Alloc: a, RxQs: 2, TxQs: 3})
	var _ ports.Waiter = p
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	p.Rx(0, b)
	if b.N != 0 || readable(p.WaitFD()) {
		t.Fatal("something to receive")
	}
	for i := range 40 {
		if err := p.Inject(1, frame(60+i, byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	if !readable(p.WaitFD()) {
		t.Fatal("frames wait, but the descriptor is not readable")
	}
	p.Rx(0, b)
	if b.N != 0 {
		t.Fatal("received on the wrong queue")
	}
	p.KeepSent(true)
	for _, n := range []int{32, 8, 0} {
		p.Rx(1, b)
		if b.N != n {
			t.Fatalf("received %d, want %d", b.N, n)
		}
		p.Tx(2, b)
		if b.N != 0 {
			t.Fatal("Tx left the batch full")
		}
	}
	if readable(p.WaitFD()) {
		t.Fatal("readable with nothing to receive")
	}
	sent := p.TakeSent()
	for i := range 40 {
		if !bytes.Equal(sent[i], frame(60+i, byte(i))) {
			t.Fatalf("frame %d: %x", i, sent[i])
		}
	}
	var s ports.Stats
	p.Stats(&s)
	if s.RxPackets != 40 || s.TxPackets != 40 || s.RxBytes != 40*60+39*40/2 || s.TxBytes != s.RxBytes ||
		s.Custom["rx_q1_packets"] != 40 || s.Custom["rx_q0_packets"] != 0 || s.Custom["tx_q2_packets"] != 40 ||
		s.RxDropped != ports.NotCounted || s.TxErrors != ports.NotCounted {
		t.Fatalf("%+v", s)
	}
	// A frame over the MTU is dropped, one with a tag may be 4 bytes longer, and a jumbo frame is received in segments.
	long := frame(1518, 0)
	_ = p.Inject(0, long)
	binary.BigEndian.PutUint16(long[12:], packet.EtherTypeVLAN)
	_ = p.Inject(0, long)
	_ = p.Inject(0, frame(4000, 9))
	_ = p.Inject(0, frame(13, 9))
	p.Rx(0, b)
	if b.N != 4 || b.Bufs[2].Segs() != 3 || b.Bufs[2].Len() != 4000 {
		t.Fatalf("%d packets", b.N)
	}
	p.Tx(0, b)
	p.Stats(&s)
	if s.TxPackets != 41 || s.TxDropped != 3 {
		t.Fatalf("sent %d, dropped %d", s.TxPackets, s.TxDropped)
	}
	if a.InUse() != 0 {
		t.Fatalf("%d buffers leaked", a.InUse())
	}
	for i := range queueLimit + 1 {
		if err := p.Inject(0, frame(60, 0)); (err != nil) != (i == queueLimit) || i == queueLimit && !errors.Is(err, ErrQueueFull) {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	if p.Inject(2, nil) == nil || p.Inject(-1, nil) == nil {
		t.Fatal("injected to a queue that is not there")
	}
}

func TestOutOfMemory(t *testing.T) {
	a, err := packet.NewArena(2, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	o := NewOpener(nil, nil, nil)
	p := open(t, o, ports.Config{Name: "p", Alloc: a})
	_ = p.Inject(0, frame(500, 1))
	_ = p.Inject(0, frame(60, 1))
	_ = p.Inject(0, frame(60, 1))
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	p.Rx(0, b)
	var s ports.Stats
	p.Stats(&s)
	if b.N+int(s.RxDropped) != 3 || s.RxDropped == 0 {
		t.Fatalf("%d received, %d dropped, of 3", b.N, s.RxDropped)
	}
	a.Free(b)
	if a.InUse() != 0 {
		t.Fatalf("%d buffers leaked", a.InUse())
	}
}

func TestState(t *testing.T) {
	o, a, _ := setup(t)
	p := open(t, o, ports.Config{Name: "p1", Alloc: a, MTU: 1400})
	q := open(t, o, ports.Config{Name: "q1", Type: "dummy-pmd", Alloc: a})
	if _, err := o.Open(ports.Config{Name: "p1", Type: "dummy", Alloc: a}); err == nil {
		t.Fatal("opened twice")
	}
	if p.Polled() || !q.Polled() || p.Status().MAC.String() != "aa:55:aa:55:00:00" || q.Status().MAC.String() != "aa:55:aa:55:00:01" {
		t.Fatal(p.Status(), q.Status())
	}
	seq := p.Seq()
	mac, _ := net.ParseMAC("00:01:02:03:04:05")
	if p.SetMAC(mac) != nil || p.SetMTU(9000) != nil || o.SetAdminState("p1", false) != nil || p.SetMAC(mac[:3]) == nil {
		t.Fatal("setting failed")
	}
	if s := p.Status(); s.MTU != 9000 || s.MAC.String() != mac.String() || s.AdminUp || s.LinkUp || p.Seq() == seq {
		t.Fatalf("%+v", s)
	}
	if err := o.SetAdminState("nobody", true); err == nil || err.Error() != "Unknown Dummy Interface" {
		t.Fatal(err)
	}
	if o.SetAdminState("", true) != nil || !p.Status().AdminUp || o.Lookup("q1") != q || len(o.All()) != 2 {
		t.Fatal("all up")
	}
	if err := p.Reconfigure(ports.Config{RxQs: 2}); !errors.Is(err, ports.ErrReopen) {
		t.Fatal(err)
	}
	_ = p.Close()
	if o.Lookup("p1") != nil || !errors.Is(p.Inject(0, frame(60, 0)), net.ErrClosed) {
		t.Fatal("still there after Close")
	}
}

func TestCapture(t *testing.T) {
	o, a, log := setup(t)
	dir := t.TempDir()
	both, rx, tx := filepath.Join(dir, "both"), filepath.Join(dir, "rx"), filepath.Join(dir, "tx")
	p := open(t, o, ports.Config{Name: "p", Alloc: a, Options: map[string]string{"pcap": both}})
	pass := func() {
		b := packet.NewBatch()
		defer packet.FreeBatch(b)
		_ = p.Inject(0, frame(20, 1))
		p.Rx(0, b)
		b.Bufs[0].Pop(2)
		p.Tx(0, b)
	}
	pass()
	if err := p.Reconfigure(ports.Config{Options: map[string]string{"rxq_pcap": rx, "tx_pcap": tx}}); err != nil {
		t.Fatal(err)
	}
	pass()
	_ = p.Reconfigure(ports.Config{Options: map[string]string{"pcap": filepath.Join(dir, "no", "where")}})
	if len(*log) != 1 {
		t.Fatalf("log %q", *log)
	}
	_ = p.Reconfigure(ports.Config{Options: map[string]string{"pcap": both}})
	pass()
	header := "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xee\x05\x00\x00\x01\x00\x00\x00"
	rec := func(n byte) string {
		return "\x05\x00\x00\x00\x06\x00\x00\x00" + string(n) + "\x00\x00\x00" + string(n) + "\x00\x00\x00" + strings.Repeat("\x01", int(n))
	}
	for path, want := range map[string]string{
		both: header + rec(20) + rec(18) + rec(20) + rec(18), rx: header + rec(20), tx: header + rec(18),
	} {
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("%s: % x", path, got)
		}
	}
}

// TestStream joins two ports, one listening and one connecting, and sends frames both ways.
func TestStream(t *testing.T) {
	o, a, log := setup(t)
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	sock := filepath.Join(dir, "s")
	l := open(t, o, ports.Config{Name: "l", Alloc: a, Options: map[string]string{"pstream": "punix:" + sock}})
	c := open(t, o, ports.Config{Name: "c", Alloc: a, Options: map[string]string{"stream": "unix:" + sock}})
	bad := open(t, o, ports.Config{Name: "b", Alloc: a, Options: map[string]string{"pstream": "bad:x"}})
	if l.ConnState() != "unknown" || bad.ConnState() != "unknown" || len(*log) != 1 {
		t.Fatal(l.ConnState(), *log)
	}
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	wait := func(what string, f func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !f(); {
			if time.Now().After(end) {
				t.Fatal("no " + what)
			}
			time.Sleep(time.Millisecond)
		}
	}
	wait("connection", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.stream.mu.Lock()
		defer l.stream.mu.Unlock()
		return c.ConnState() == "connected" && len(l.stream.conns) == 1
	})
	for _, pair := range [][2]*Port{{l, c}, {c, l}} {
		from, to := pair[0], pair[1]
		a.Alloc(b, 2)
		b.Bufs[0].SetData(frame(60, 1))
		b.Bufs[1].SetData(frame(1500, 2))
		from.Tx(0, b)
		var got [][]byte
		wait("frames", func() bool {
			to.Rx(0, b)
			for _, p := range b.Bufs[:b.N] {
				got = append(got, p.Contents())
			}
			a.Free(b)
			return len(got) == 2
		})
		if !bytes.Equal(got[0], frame(60, 1)) || !bytes.Equal(got[1], frame(1500, 2)) {
			t.Fatal("frames differ")
		}
	}
	_ = l.Close()
	wait("disconnection", func() bool { return c.ConnState() == "disconnected" })
}

func FuzzReadFrames(f *testing.F) {
	f.Add([]byte{0, 14, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
	f.Add([]byte{0, 0})
	f.Add([]byte{255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		if readFrames(bytes.NewReader(b), func(f []byte) { n += 2 + len(f) }) == nil {
			t.Fatal("ended without an error")
		}
		if n > len(b) {
			t.Fatal("more frames than bytes")
		}
	})
}
