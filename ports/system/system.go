package system

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

// Opener opens system ports in the network namespace of the thread that makes the first port.
type Opener struct {
	mu     sync.Mutex // guards kernel
	kernel *netdev.Kernel
}

// NewOpener returns an Opener.
func NewOpener() *Opener { return &Opener{} }

// Types implements ports.Opener.
func (o *Opener) Types() []string { return []string{"system"} }

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

// Open implements ports.Opener.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	fail := func(err error) (ports.Port, error) { return nil, &ports.OpenError{Name: c.Name, Err: err} }
	k, err := o.open()
	if err != nil {
		return fail(err)
	}
	index, err := k.Index(c.Name)
	if err != nil {
		return fail(err)
	}
	p := &Port{name: c.Name, typ: c.Type, alloc: c.Alloc, kernel: k, index: index, txQs: max(1, c.TxQs), rx: -1, tx: -1, event: -1, wait: -1}
	p.seq.Store(1)
	if err := p.openSockets(); err != nil {
		p.closeAll()
		return fail(err)
	}
	p.spare = packet.NewBatch()
	p.in = newReceiver()
	p.out = make([]*sender, p.txQs)
	for i := range p.out {
		p.out[i] = newSender()
	}
	p.unwatch = k.Watch(index, func() { p.seq.Add(1) })
	if c.MTU > 0 {
		err = p.SetMTU(c.MTU)
	}
	if err == nil && c.MAC != nil {
		err = p.SetMAC(c.MAC)
	}
	if err != nil {
		_ = p.Close()
		return fail(errors.Unwrap(err))
	}
	return p, nil
}

// Port is a kernel device seen through packet sockets.
type Port struct {
	name    string
	typ     string
	alloc   packet.Allocator
	kernel  *netdev.Kernel
	index   int
	txQs    int
	seq     atomic.Uint64
	unwatch func()

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
func (p *Port) openSockets() error {
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
		&unix.PacketMreq{Ifindex: int32(p.index), Type: unix.PACKET_MR_PROMISC}); err != nil {
		return err
	}
	if err = unix.Bind(p.rx, &unix.SockaddrLinklayer{Protocol: all, Ifindex: p.index}); err != nil {
		return err
	}
	if p.tx, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	_ = unix.SetsockoptInt(p.tx, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20)
	if err = unix.Bind(p.tx, &unix.SockaddrLinklayer{Ifindex: p.index}); err != nil {
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
func (p *Port) WaitFD() int { return p.wait }

// Seq implements ports.Port.
func (p *Port) Seq() uint64 { return p.seq.Load() }

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
	if p.kernel.Stats(p.index, s) != nil {
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

// Close implements ports.Port; the device stays as it is.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.unwatch()
	packet.FreeBatch(p.spare)
	p.closeAll()
	return nil
}
