package system

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
	"govs/ports/netdev/netdevtest"
)

type bench struct {
	t      testing.TB
	arena  *packet.Arena
	sw     *netdevtest.NS
	opener *Opener
}

// setup makes a namespace for the switch and an Opener in it.
func setup(t testing.TB) *bench {
	t.Helper()
	a, err := packet.NewArena(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, arena: a, sw: netdevtest.New(t), opener: NewOpener()}
	t.Cleanup(func() {
		b.opener.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) open(name string) *Port {
	b.t.Helper()
	var p *Port
	b.sw.Must(func() error {
		q, err := b.opener.Open(ports.Config{Name: name, Type: "system", Alloc: b.arena})
		if err == nil {
			p = q.(*Port)
		}
		return err
	})
	b.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return p
}

// wire passes packets between two ports until the test ends, each through look.
func (b *bench) wire(p, q ports.Port, look func(*packet.Buf)) {
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		batch := packet.NewBatch()
		defer packet.FreeBatch(batch)
		fds := []unix.PollFd{{Fd: int32(p.(ports.Waiter).WaitFD()), Events: unix.POLLIN}, {Fd: int32(q.(ports.Waiter).WaitFD()), Events: unix.POLLIN}}
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, _ = unix.Poll(fds, 10)
			for i, pair := range [][2]ports.Port{{p, q}, {q, p}} {
				if fds[i].Revents == 0 {
					continue
				}
				pair[0].Rx(0, batch)
				for _, k := range batch.Bufs[:batch.N] {
					look(k)
				}
				pair[1].Tx(0, batch)
			}
		}
	}()
	b.t.Cleanup(func() { close(stop); <-done })
}

// TestTCP sends megabytes over TCP between two namespaces through two system ports, over IPv4 and IPv6. The kernel
// hands over packets of up to 64 KB with unfinished checksums; what passes must be frames.
func TestTCP(t *testing.T) {
	b := setup(t)
	left, right := netdevtest.New(t), netdevtest.New(t)
	b.sw.Veth("l", left, "e", "10.1.0.1/24", "fd01::1/64")
	b.sw.Veth("r", right, "e", "10.1.0.2/24", "fd01::2/64")
	p, q := b.open("l"), b.open("r")
	var longest, segs atomic.Int64
	b.wire(p, q, func(k *packet.Buf) {
		longest.Store(max(longest.Load(), int64(k.Len())))
		segs.Add(1)
	})
	for _, addr := range []string{"10.1.0.2", "fd01::2"} {
		data := make([]byte, 5<<20)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		var l net.Listener
		right.Must(func() (err error) {
			l, err = net.Listen("tcp", net.JoinHostPort(addr, "0"))
			return err
		})
		got := make(chan [32]byte, 1)
		go func() {
			defer l.Close()
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			h := sha256.New()
			n, err := io.Copy(h, c)
			t.Log(n, "bytes over", addr, err)
			_, _ = c.Write([]byte("done"))
			c.Close()
			got <- [32]byte(h.Sum(nil))
		}()
		start := time.Now()
		var c net.Conn
		left.Must(func() (err error) {
			d := net.Dialer{Timeout: 10 * time.Second}
			c, err = d.Dial("tcp", l.Addr().String())
			return err
		})
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := c.Write(data); err != nil {
			t.Fatal(err)
		}
		_ = c.(*net.TCPConn).CloseWrite()
		if r, err := io.ReadAll(c); string(r) != "done" {
			t.Fatal(err)
		}
		c.Close()
		if <-got != sha256.Sum256(data) {
			t.Fatal("the data differs")
		}
		t.Log(time.Since(start))
	}
	var s ports.Stats
	p.Stats(&s)
	if longest.Load() > 1514 || segs.Load() == 0 || s.RxPackets == 0 || s.TxPackets == 0 || s.TxDropped == ports.NotCounted {
		t.Fatalf("longest %d, %d packets, %+v", longest.Load(), segs.Load(), s)
	}
}

// TestFrames sends frames as they are, tagged ones too, and looks at them on the other side.
func TestFrames(t *testing.T) {
	b := setup(t)
	// All four ends are in the switch's namespace: x0-x1 and y0-y1 are pairs.
	b.sw.Veth("x0", b.sw, "x1")
	p := b.open("x0")
	q := b.open("x1")
	batch := packet.NewBatch()
	defer packet.FreeBatch(batch)
	recv := func(p *Port, want func([]byte) bool) []byte {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p.WaitFD()), Events: unix.POLLIN}}, 100)
			p.Rx(0, batch)
			var got []byte
			for _, k := range batch.Bufs[:batch.N] {
				if f := k.Contents(); want(f) {
					got = f
				}
			}
			b.arena.Free(batch)
			if got != nil {
				return got
			}
		}
		t.Fatal("nothing came")
		return nil
	}
	for _, tags := range []string{"", "\x81\x00\x60\x05", "\x88\xa8\x00\x07\x81\x00\x00\x08"} {
		for _, n := range []int{60, 1000, 1492} {
			f := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01" + tags + "\x88\xb5")
			f = append(f, bytes.Repeat([]byte{byte(n)}, n)...)
			b.arena.Alloc(batch, 2)
			batch.Bufs[0].SetData(f[:40])
			batch.Bufs[1].SetData(f[40:])
			batch.Bufs[0].Chain(batch.Bufs[1])
			batch.N = 1
			p.Tx(0, batch)
			if got := recv(q, func(g []byte) bool { return len(g) > 11 && g[11] == 1 }); !bytes.Equal(got, f) {
				t.Fatalf("tags %x, %d bytes:\n% x\n% x", tags, n, got[:24], f[:24])
			}
			// Nothing that we sent comes back.
			p.Rx(0, batch)
			for _, k := range batch.Bufs[:batch.N] {
				if k.Contents()[11] == 1 {
					t.Fatal("our own frame came back")
				}
			}
			b.arena.Free(batch)
		}
	}
	// Too long for the device.
	b.arena.Alloc(batch, 2)
	batch.Bufs[0].SetData(make([]byte, 2000))
	batch.Bufs[1].SetData(append([]byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x02\x88\xb5"), make([]byte, 46)...))
	p.Tx(0, batch)
	recv(q, func(g []byte) bool { return len(g) > 11 && g[11] == 2 })
	var s ports.Stats
	p.Stats(&s)
	if s.TxDropped != 1 {
		t.Fatalf("%d dropped", s.TxDropped)
	}
	st := p.Status()
	if st.MTU != 1500 || !st.AdminUp || !st.LinkUp || st.Driver["driver_name"] != "veth" || st.IfIndex == 0 || len(st.MAC) != 6 || st.LinkSpeed != 1e10 {
		t.Fatalf("%+v", st)
	}
	mac, _ := net.ParseMAC("02:00:00:00:00:77")
	seq := p.Seq()
	if err := errors.Join(p.SetMTU(2000), p.SetMAC(mac), p.SetAdminUp(false)); err != nil {
		t.Fatal(err)
	}
	if st = p.Status(); st.MTU != 2000 || st.AdminUp || st.MAC.String() != mac.String() || p.Seq() == seq {
		t.Fatalf("%+v", st)
	}
	if p.SetMTU(3) == nil {
		t.Fatal("an MTU of 3")
	}
	if err := p.SetAdminUp(true); err != nil {
		t.Fatal(err)
	}
}

func TestSeqOnCarrier(t *testing.T) {
	b := setup(t)
	other := netdevtest.New(t)
	b.sw.Veth("c0", other, "e")
	p := b.open("c0")
	for end := time.Now().Add(5 * time.Second); !p.Status().LinkUp && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
	seq := p.Seq()
	other.Must(func() error {
		l, err := netlink.LinkByName("e")
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(l)
	})
	for end := time.Now().Add(5 * time.Second); p.Seq() == seq || p.Status().LinkUp; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the carrier went unnoticed")
		}
	}
	// The device disappears under the open port.
	b.sw.Must(func() error {
		l, err := netlink.LinkByName("c0")
		if err != nil {
			return err
		}
		return netlink.LinkDel(l)
	})
	batch := packet.NewBatch()
	defer packet.FreeBatch(batch)
	for range 10 {
		p.Rx(0, batch)
		b.arena.Alloc(batch, 1)
		batch.Bufs[0].SetData(make([]byte, 60))
		p.Tx(0, batch)
	}
	if s := p.Status(); s.LinkUp || s.AdminUp {
		t.Fatalf("%+v", s)
	}
}

func TestErrors(t *testing.T) {
	b := setup(t)
	b.sw.Must(func() error {
		for name, want := range map[string]string{
			"sys0":                   "could not open network device sys0 (No such device)",
			"averyveryverylongname0": "could not open network device averyveryverylongname0 (No such device)",
			"":                       "could not open network device  (No such device)",
		} {
			if _, err := b.opener.Open(ports.Config{Name: name, Alloc: b.arena}); err == nil || err.Error() != want {
				return fmt.Errorf("%q: %w", name, err)
			}
		}
		return nil
	})
}

func TestOpenClose(t *testing.T) {
	b := setup(t)
	b.sw.Veth("o0", b.sw, "o1")
	b.open("o1")
	count := func() int {
		d, _ := os.ReadDir("/proc/self/fd")
		return len(d)
	}
	fds := count()
	b.sw.Must(func() error {
		for range 200 {
			p, err := b.opener.Open(ports.Config{Name: "o0", Alloc: b.arena})
			if err != nil {
				return err
			}
			if err := p.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if n := count(); n > fds+3 {
		t.Fatalf("%d descriptors, were %d", n, fds)
	}
}
