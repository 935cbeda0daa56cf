package tap

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
	"govs/ports/netdev"
)

// Opener opens tap and internal ports in the network namespace of the thread that made it and that calls Open.
type Opener struct {
	mu     sync.Mutex // guards kernel
	kernel *netdev.Kernel
}

// NewOpener returns an Opener.
func NewOpener() *Opener { return &Opener{} }

// Types implements ports.Opener.
func (o *Opener) Types() []string { return []string{"tap", "internal"} }

// Close ends the watching of devices. All ports must be closed.
func (o *Opener) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kernel != nil {
		o.kernel.Close()
		o.kernel = nil
	}
}

func (o *Opener) open() (*netdev.Kernel, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kernel == nil {
		k, err := netdev.Open()
		if err != nil {
			return nil, err
		}
		o.kernel = k
	}
	return o.kernel, nil
}

// Open implements ports.Opener: it creates the device, or takes over a persistent TAP device that nobody uses.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	fail := func(err error) (ports.Port, error) { return nil, &ports.OpenError{Name: c.Name, Err: err} }
	k, err := o.open()
	if err != nil {
		return fail(err)
	}
	req, err := unix.NewIfreq(c.Name)
	if err != nil || c.Name == "" {
		return fail(unix.ENAMETOOLONG)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	p := &Port{name: c.Name, typ: c.Type, alloc: c.Alloc, kernel: k, fd: fd, txQs: max(1, c.TxQs), buf: make([]byte, 1<<16), spare: packet.NewBatch()}
	p.seq.Store(1)
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		packet.FreeBatch(p.spare)
		unix.Close(fd)
		return fail(err)
	}
	if p.index, err = k.Index(c.Name); err != nil {
		packet.FreeBatch(p.spare)
		unix.Close(fd)
		return fail(err)
	}
	p.unwatch = k.Watch(p.index, func() { p.seq.Add(1) })
	if c.MAC != nil {
		err = p.SetMAC(c.MAC)
	}
	if err == nil && c.MTU > 0 {
		err = p.SetMTU(c.MTU)
	}
	if err != nil {
		_ = p.Close()
		return fail(errors.Unwrap(err))
	}
	return p, nil
}

// Port is a TAP device.
type Port struct {
	name    string
	typ     string
	alloc   packet.Allocator
	kernel  *netdev.Kernel
	fd      int
	index   int
	txQs    int
	seq     atomic.Uint64
	unwatch func()
	buf     []byte        // Rx's: a frame
	spare   *packet.Batch // Rx's: buffers to fill

	txDropped, rxDropped atomic.Uint64

	mu     sync.Mutex // guards closed
	closed bool
}

// Name implements ports.Port.
func (p *Port) Name() string { return p.name }

// Type implements ports.Port.
func (p *Port) Type() string { return p.typ }

// Polled implements ports.Port.
func (p *Port) Polled() bool { return false }

// RxQueues implements ports.Port.
func (p *Port) RxQueues() int { return 1 }

// TxQueues implements ports.Port.
func (p *Port) TxQueues() int { return p.txQs }

// WaitFD implements ports.Waiter.
func (p *Port) WaitFD() int { return p.fd }

// Seq implements ports.Port.
func (p *Port) Seq() uint64 { return p.seq.Load() }

// Rx implements ports.Port.
func (p *Port) Rx(_ int, b *packet.Batch) {
	b.N = 0
	for reads := 0; reads < packet.BatchSize; reads++ {
		n, err := unix.Read(p.fd, p.buf)
		for err == unix.EINTR {
			n, err = unix.Read(p.fd, p.buf)
		}
		if err != nil { // EAGAIN; EIO or EBADFD while the device is down
			break
		}
		if reads == 0 {
			p.alloc.Alloc(p.spare, packet.BatchSize)
		}
		if n < packet.EthHdrLen || p.spare.N == 0 || !netdev.Fill(p.alloc, p.spare.Bufs[p.spare.N-1], p.buf[:n]) {
			p.rxDropped.Add(1)
			if p.spare.N > 0 {
				p.spare.N--
				p.alloc.FreeOne(p.spare.Bufs[p.spare.N])
			}
			continue
		}
		p.spare.N--
		b.Bufs[b.N] = p.spare.Bufs[p.spare.N]
		b.N++
	}
	if p.spare.N > 0 {
		p.alloc.Free(p.spare)
	}
}

// Tx implements ports.Port.
func (p *Port) Tx(_ int, b *packet.Batch) {
	dropped := 0
	for _, q := range b.Bufs[:b.N] {
		if !p.write(q) {
			dropped++
		}
	}
	if dropped != 0 {
		p.txDropped.Add(uint64(dropped))
	}
	p.alloc.Free(b)
}

func (p *Port) write(q *packet.Buf) bool {
	for {
		var err error
		if q.Next() == nil {
			_, err = unix.Write(p.fd, q.Bytes())
		} else {
			var v [][]byte
			for s := q; s != nil; s = s.Next() {
				if s.SegLen() > 0 {
					v = append(v, s.Bytes())
				}
			}
			_, err = unix.Writev(p.fd, v)
		}
		if err != unix.EINTR {
			return err == nil
		}
	}
}

// Stats implements ports.Port.
func (p *Port) Stats(s *ports.Stats) {
	if p.kernel.Stats(p.index, s) != nil {
		return
	}
	s.RxPackets, s.TxPackets = s.TxPackets, s.RxPackets
	s.RxBytes, s.TxBytes = s.TxBytes, s.RxBytes
	s.RxErrors, s.TxErrors = s.TxErrors, s.RxErrors
	s.RxDropped, s.TxDropped = s.TxDropped+p.rxDropped.Load(), s.RxDropped+p.txDropped.Load()
	s.RxOverErrors, s.RxCRCErrors, s.RxFrameErrors, s.RxMissed, s.Multicast = 0, 0, 0, 0, 0
}

// Status implements ports.Port.
func (p *Port) Status() ports.Status {
	s := p.kernel.Status(p.index)
	s.RxQueues, s.TxQueues = 1, p.txQs
	return s
}

// SetMTU implements ports.Port.
func (p *Port) SetMTU(mtu int) error { return p.set("MTU", p.kernel.SetMTU(p.index, mtu)) }

// SetMAC implements ports.Port.
func (p *Port) SetMAC(mac net.HardwareAddr) error {
	return p.set("address", p.kernel.SetMAC(p.index, mac))
}

// SetAdminUp implements ports.Port.
func (p *Port) SetAdminUp(up bool) error { return p.set("state", p.kernel.SetUp(p.index, up)) }

func (p *Port) set(what string, err error) error {
	p.seq.Add(1)
	if err != nil {
		return fmt.Errorf("%s: cannot set the %s: %w", p.name, what, err)
	}
	return nil
}

// Close implements ports.Port; the device disappears.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.unwatch()
	packet.FreeBatch(p.spare)
	return unix.Close(p.fd)
}
