package tap

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
	"govs/ports/netdev/netdevtest"
)

func setup(t *testing.T) (*netdevtest.NS, *Opener, *packet.Arena) {
	t.Helper()
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("no /dev/net/tun")
	}
	a, err := packet.NewArena(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := NewOpener()
	ns := netdevtest.New(t)
	t.Cleanup(func() {
		o.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return ns, o, a
}

// TestUDP exchanges datagrams between the kernel and the port, by answering ARP and UDP by hand.
func TestUDP(t *testing.T) {
	ns, o, a := setup(t)
	var p ports.Port
	ns.Must(func() (err error) {
		p, err = o.Open(ports.Config{Name: "gvt0", Type: "internal", Alloc: a, MTU: 3000, TxQs: 2,
			MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}})
		return err
	})
	defer p.Close()
	if s := p.Status(); s.MTU != 3000 || s.MAC.String() != "02:00:00:00:00:01" || s.AdminUp || s.LinkUp || s.Driver["driver_name"] != "tun" ||
		p.Type() != "internal" || p.Polled() || p.TxQueues() != 2 {
		t.Fatalf("%+v", s)
	}
	ns.AddAddrs("gvt0", "10.2.0.1/24")
	var conn net.PacketConn
	ns.Must(func() (err error) {
		conn, err = net.ListenPacket("udp4", "10.2.0.1:0")
		return err
	})
	defer conn.Close()
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	recv := func(etherType string, least int) []byte {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p.(*Port).WaitFD()), Events: unix.POLLIN}}, 100)
			p.Rx(0, b)
			var got []byte
			for _, k := range b.Bufs[:b.N] {
				if f := k.Contents(); string(f[12:14]) == etherType && len(f) > least {
					got = f
				}
			}
			a.Free(b)
			if got != nil {
				return got
			}
		}
		t.Fatal("nothing came")
		return nil
	}
	payload := bytes.Repeat([]byte("govs"), 600)
	if _, err := conn.WriteTo(payload, &net.UDPAddr{IP: net.IPv4(10, 2, 0, 2), Port: 7}); err != nil {
		t.Fatal(err)
	}
	arp := recv("\x08\x06", 0)
	reply := append([]byte{}, arp...)
	copy(reply[0:], arp[6:12])
	copy(reply[6:], "\x02\x00\x00\x00\x00\x02")
	reply[21] = packet.ARPReply
	copy(reply[22:], "\x02\x00\x00\x00\x00\x02\x0a\x02\x00\x02\x02\x00\x00\x00\x00\x01\x0a\x02\x00\x01")
	send := func(f []byte) {
		a.Alloc(b, 2)
		b.Bufs[0].SetData(f[:20])
		b.Bufs[1].SetData(f[20:min(len(f), 2000)])
		b.Bufs[0].Chain(b.Bufs[1])
		b.N = 1
		if len(f) > 2000 {
			var c packet.Batch
			a.Alloc(&c, 1)
			c.Bufs[0].SetData(f[2000:])
			b.Bufs[0].Chain(c.Bufs[0])
		}
		p.Tx(1, b)
	}
	send(reply)
	got := recv("\x08\x00", 1000)
	if !bytes.HasSuffix(got, payload) {
		t.Fatal("the datagram differs")
	}
	// Back with addresses and ports exchanged; the checksums stay right.
	copy(got[0:], got[6:12])
	copy(got[6:], "\x02\x00\x00\x00\x00\x02")
	swap := func(x, y, n int) {
		for i := range n {
			got[x+i], got[y+i] = got[y+i], got[x+i]
		}
	}
	swap(26, 30, 4)
	swap(34, 36, 2)
	send(got)
	buf := make([]byte, 4000)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, from, err := conn.ReadFrom(buf); err != nil || !bytes.Equal(buf[:n], payload) || !strings.HasPrefix(from.String(), "10.2.0.2:7") {
		t.Fatal(n, from, err)
	}
	var s ports.Stats
	p.Stats(&s)
	if s.RxPackets < 2 || s.TxPackets != 2 || s.TxDropped != 0 || s.TxBytes != uint64(len(reply)+len(got)) {
		t.Fatalf("%+v", s)
	}
	seq := p.Seq()
	if err := p.SetAdminUp(false); err != nil {
		t.Fatal(err)
	}
	send(reply) // the device is down: dropped
	p.Stats(&s)
	if s.TxDropped == 0 || p.Seq() == seq || p.Status().AdminUp {
		t.Fatalf("%+v", s)
	}
}

func TestErrors(t *testing.T) {
	ns, o, a := setup(t)
	ns.Must(func() error {
		p, err := o.Open(ports.Config{Name: "gvt1", Type: "tap", Alloc: a})
		if err != nil {
			return err
		}
		defer p.Close()
		for name, want := range map[string]string{
			"gvt1":                 "could not open network device gvt1 (Device or resource busy)",
			"lo":                   "could not open network device lo (Invalid argument)",
			"averyveryverylongone": "could not open network device averyveryverylongone (File name too long)",
			"":                     "could not open network device  (File name too long)",
			"a/b":                  "could not open network device a/b (Invalid argument)",
		} {
			if _, err := o.Open(ports.Config{Name: name, Type: "tap", Alloc: a}); err == nil || err.Error() != want {
				t.Errorf("%q: %v", name, err)
			}
		}
		if _, err := o.Open(ports.Config{Name: "gvt2", Type: "tap", Alloc: a, MTU: 1 << 30}); err == nil {
			t.Error("a mad MTU passed")
		}
		if err := p.SetMAC(net.HardwareAddr{1, 2, 3}); err == nil {
			t.Error("a short address passed")
		}
		return nil
	})
}

func TestOpenClose(t *testing.T) {
	ns, o, a := setup(t)
	fds := -1
	ns.Must(func() error {
		for i := range 200 {
			p, err := o.Open(ports.Config{Name: "gvt3", Type: "tap", Alloc: a})
			if err != nil {
				return err
			}
			if err := errors.Join(p.Close(), p.Close()); err != nil {
				return err
			}
			d, _ := os.ReadDir("/proc/self/fd")
			if i == 1 {
				fds = len(d)
			}
			if i > 1 && len(d) > fds+2 {
				t.Fatalf("round %d: %d descriptors, were %d", i, len(d), fds)
			}
		}
		_, err := net.InterfaceByName("gvt3")
		if err == nil {
			t.Error("the device is still there")
		}
		return nil
	})
}
