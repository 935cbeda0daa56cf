package tap

import (
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
	"govs/ports/netdev"
)

// Opener opens tap and internal ports in the network namespace of the thread that made it and that calls Open.
type Opener struct{ netdev.Shared }

// NewOpener returns an Opener.
func NewOpener() *Opener { return &Opener{} }

// Types implements ports.Opener.
func (o *Opener) Types() []string { return []string{"tap", "internal"} }

// Open implements ports.Opener: it creates the device, or takes over a persistent TAP device that nobody uses.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	fail := func(err error) (ports.Port, error) { return nil, &ports.OpenError{Name: c.Name, Err: err} }
	k, err := o.Kernel()
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
	p := &Port{alloc: c.Alloc, fd: fd, buf: make([]byte, 1<<16), spare: packet.NewBatch()}
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		packet.FreeBatch(p.spare)
		unix.Close(fd)
		return fail(err)
	}
	index, err := k.Index(c.Name)
	if err != nil {
		packet.FreeBatch(p.spare)
		unix.Close(fd)
		return fail(err)
	}
	p.Bind(k, index, c)
	if err := p.Configure(c); err != nil {
		_ = p.Close()
		return fail(errors.Unwrap(err))
	}
	return p, nil
}

// Port is a TAP device.
type Port struct {
	netdev.Device
	alloc packet.Allocator
	fd    int
	buf   []byte        // Rx's: a frame
	spare *packet.Batch // Rx's: buffers to fill

	txDropped, rxDropped atomic.Uint64

	mu     sync.Mutex // guards closed
	closed bool
}

// WaitFD implements ports.Waiter.
func (p *Port) WaitFD() int { return p.fd }

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
	if !p.KernelStats(s) {
		return
	}
	s.RxPackets, s.TxPackets = s.TxPackets, s.RxPackets
	s.RxBytes, s.TxBytes = s.TxBytes, s.RxBytes
	s.RxErrors, s.TxErrors = s.TxErrors, s.RxErrors
	s.RxDropped, s.TxDropped = s.TxDropped+p.rxDropped.Load(), s.RxDropped+p.txDropped.Load()
	s.RxOverErrors, s.RxCRCErrors, s.RxFrameErrors, s.RxMissed, s.Multicast = 0, 0, 0, 0, 0
}

// Close implements ports.Port; the device disappears.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.Unbind()
	packet.FreeBatch(p.spare)
	return unix.Close(p.fd)
}
