package system

import (
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
	"govs/ports/netdev"
)

// Opener opens system ports in the network namespace of the thread that makes the first port.
type Opener struct{ netdev.Shared }

// NewOpener returns an Opener.
func NewOpener() *Opener { return &Opener{} }

// Types implements ports.Opener.
func (o *Opener) Types() []string { return []string{"system"} }

// Open implements ports.Opener.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	fail := func(err error) (ports.Port, error) { return nil, &ports.OpenError{Name: c.Name, Err: err} }
	k, err := o.Kernel()
	if err != nil {
		return fail(err)
	}
	index, err := k.Index(c.Name)
	if err != nil {
		return fail(err)
	}
	p := &Port{alloc: c.Alloc, rx: -1, tx: -1, event: -1, wait: -1}
	if err := p.openSockets(index); err != nil {
		p.closeAll()
		return fail(err)
	}
	p.spare = packet.NewBatch()
	p.in = newReceiver()
	p.Bind(k, index, c)
	p.out = make([]*sender, p.TxQueues())
	for i := range p.out {
		p.out[i] = newSender()
	}
	if err := p.Configure(c); err != nil {
		_ = p.Close()
		return fail(errors.Unwrap(err))
	}
	return p, nil
}

// Port is a kernel device seen through packet sockets.
type Port struct {
	netdev.Device
	alloc packet.Allocator

	rx, tx, event, wait int // descriptors: receiving and sending sockets; eventfd and epoll that make WaitFD

	in    *receiver        // Rx's
	cut   netdev.Segmenter // Rx's: the packet that is being cut
	rang  bool             // Rx's: event is readable
	spare *packet.Batch    // Rx's: buffers to fill
	out   []*sender        // of each transmit queue

	rxDropped, txDropped atomic.Uint64

	mu     sync.Mutex // guards closed
	closed bool
}

const packetIgnoreOutgoing = 23 // PACKET_IGNORE_OUTGOING of linux/if_packet.h

// openSockets makes a socket that receives everything that comes in on the device, one that only sends, and an
// epoll descriptor that is readable when either the first is or event is.
func (p *Port) openSockets(index int) error {
	var err error
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // network order
	if p.rx, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	for _, o := range []struct{ level, opt, val int }{
		{unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1}, {unix.SOL_PACKET, unix.PACKET_AUXDATA, 1}, {unix.SOL_PACKET, packetIgnoreOutgoing, 1},
	} {
		if err = unix.SetsockoptInt(p.rx, o.level, o.opt, o.val); err != nil {
			return err
		}
	}
	_ = unix.SetsockoptInt(p.rx, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	if err = unix.SetsockoptPacketMreq(p.rx, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}); err != nil {
		return err
	}
	if err = unix.Bind(p.rx, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		return err
	}
	if p.tx, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	_ = unix.SetsockoptInt(p.tx, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20)
	if err = unix.Bind(p.tx, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
		return err
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return err
	}
	if p.wait, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	for _, fd := range []int{p.rx, p.event} {
		if err = unix.EpollCtl(p.wait, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Port) closeAll() {
	for _, fd := range []int{p.wait, p.event, p.rx, p.tx} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// WaitFD implements ports.Waiter.
func (p *Port) WaitFD() int { return p.wait }

// Rx implements ports.Port.
func (p *Port) Rx(_ int, b *packet.Batch) {
	b.N = 0
	for b.N < packet.BatchSize {
		if p.cut.More() {
			p.receiveNext(b)
			continue
		}
		frame, h, ok := p.in.next(p.rx)
		if !ok {
			break
		}
		if len(frame) < packet.EthHdrLen || !p.cut.Set(frame, h) {
			p.cut = netdev.Segmenter{}
			p.rxDropped.Add(1)
		}
	}
	if p.spare.N > 0 {
		p.alloc.Free(p.spare)
	}
	if more := p.cut.More() || p.in.more(); more != p.rang {
		p.ring(more)
	}
}

// receiveNext puts the next frame of p.cut into b.
func (p *Port) receiveNext(b *packet.Batch) {
	if p.spare.N == 0 {
		p.alloc.Alloc(p.spare, packet.BatchSize-b.N)
	}
	if p.spare.N == 0 { // no memory: the whole packet is lost
		p.cut = netdev.Segmenter{}
		p.rxDropped.Add(1)
		return
	}
	p.spare.N--
	q := p.spare.Bufs[p.spare.N]
	if !p.cut.Next(p.alloc, q) {
		p.alloc.FreeOne(q)
		p.rxDropped.Add(1)
		return
	}
	b.Bufs[b.N] = q
	b.N++
}

// ring makes WaitFD readable, because frames are left in memory, or lets it be what the socket is.
func (p *Port) ring(on bool) {
	buf := [8]byte{0: 1}
	if on {
		_, _ = unix.Write(p.event, buf[:])
	} else {
		_, _ = unix.Read(p.event, buf[:])
	}
	p.rang = on
}

// Tx implements ports.Port.
func (p *Port) Tx(q int, b *packet.Batch) {
	if b.N == 0 {
		return
	}
	if sent := p.out[q].send(p.tx, b); sent < b.N {
		p.txDropped.Add(uint64(b.N - sent))
	}
	p.alloc.Free(b)
}

// Stats implements ports.Port.
func (p *Port) Stats(s *ports.Stats) {
	if !p.KernelStats(s) {
		return
	}
	s.RxDropped += p.rxDropped.Load() + p.kernelDrops()
	s.TxDropped += p.txDropped.Load()
}

// kernelDrops counts what the kernel could not queue on our socket, since the port was opened.
func (p *Port) kernelDrops() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0
	}
	return p.in.drops(p.rx)
}

// Close implements ports.Port; the device stays as it is.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.Unbind()
	packet.FreeBatch(p.spare)
	p.closeAll()
	return nil
}
