package dummy

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/packet"
	"govs/ports"
)

// queueLimit is how many injected frames a receive queue holds; more are refused, as by the original.
const queueLimit = 100

// ErrQueueFull is returned by Inject when the receive queue holds queueLimit frames.
var ErrQueueFull = errors.New("receive queue is full")

// Port is a dummy port. Rx on one queue and Tx on one queue are each used by one goroutine at a time; all other
// methods may be called from any goroutine.
type Port struct {
	opener *Opener
	name   string
	typ    string
	alloc  packet.Allocator
	pmd    bool
	event  int // eventfd, readable while a frame is queued
	rx     []rxQueue
	txQs   int
	tx     []queueCount
	seq    atomic.Uint64

	txDropped, rxDropped atomic.Uint64

	mu      sync.Mutex // guards everything below
	mac     net.HardwareAddr
	mtu     int
	up      bool
	resets  uint64
	ifindex int
	closed  bool
	caps    captures
	stream  *stream
	keep    bool
	sent    [][]byte
}

// queueCount counts a queue's packets; written by the queue's user, read by anyone.
type queueCount struct{ packets, bytes atomic.Uint64 }

// rxQueue holds frames between Inject and Rx.
type rxQueue struct {
	n      atomic.Int32 // len(frames), so that an idle Rx takes no lock
	mu     sync.Mutex   // guards frames; taken after Port.mu if both
	frames [][]byte
	count  queueCount
}

func newPort(o *Opener, c ports.Config, mac net.HardwareAddr) (*Port, error) {
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("could not open network device %s (%w)", c.Name, err)
	}
	rxqs := c.RxQs
	if rxqs <= 0 {
		rxqs = positive(c.Options, "n_rxq", 1)
	}
	txqs := max(c.TxQs, 1)
	mtu := c.MTU
	if mtu <= 0 {
		mtu = 1500
	}
	p := &Port{
		opener: o, name: c.Name, typ: c.Type, alloc: c.Alloc, event: event, pmd: c.Type == "dummy-pmd",
		rx: make([]rxQueue, rxqs), tx: make([]queueCount, txqs), txQs: txqs,
		mac: mac, mtu: mtu, up: true, ifindex: positive(c.Options, "ifindex", 0),
	}
	p.seq.Store(1)
	p.apply(c.Options)
	return p, nil
}

// apply puts the capture and stream options into force.
func (p *Port) apply(options map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.caps.open(options, p.opener.logf)
	p.setStream(options)
}

// Reconfigure implements ports.Reconfigurer: capture and stream options may change while the port is open.
func (p *Port) Reconfigure(c ports.Config) error {
	rxqs := c.RxQs
	if rxqs <= 0 {
		rxqs = positive(c.Options, "n_rxq", 1)
	}
	if rxqs != len(p.rx) || c.TxQs > 0 && c.TxQs != p.txQs {
		return ports.ErrReopen
	}
	p.apply(c.Options)
	return nil
}

// Name implements ports.Port.
func (p *Port) Name() string { return p.name }

// Type implements ports.Port.
func (p *Port) Type() string { return p.typ }

// Polled implements ports.Port: only dummy-pmd is polled by PMDs.
func (p *Port) Polled() bool { return p.pmd }

// RxQueues implements ports.Port.
func (p *Port) RxQueues() int { return len(p.rx) }

// TxQueues implements ports.Port.
func (p *Port) TxQueues() int { return p.txQs }

// WaitFD implements ports.Waiter.
func (p *Port) WaitFD() int { return p.event }

// Seq implements ports.Port.
func (p *Port) Seq() uint64 { return p.seq.Load() }

// Inject queues a copy of frame on receive queue q, as if it had come in from the wire.
func (p *Port) Inject(q int, frame []byte) error {
	if q < 0 || q >= len(p.rx) {
		return fmt.Errorf("%s: no receive queue %d", p.name, q)
	}
	p.mu.Lock() // to the end: Close must not close the eventfd meanwhile
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	p.caps.received(frame, p.opener.now())
	rx := &p.rx[q]
	rx.mu.Lock()
	if len(rx.frames) >= queueLimit {
		rx.mu.Unlock()
		p.rxDropped.Add(1)
		return ErrQueueFull
	}
	rx.frames = append(rx.frames, append([]byte(nil), frame...))
	rx.n.Store(int32(len(rx.frames)))
	rx.mu.Unlock()
	p.wake()
	return nil
}

// wake makes WaitFD readable.
func (p *Port) wake() {
	one := [8]byte{0: 1}
	_, _ = unix.Write(p.event, one[:])
}

// Rx implements ports.Port.
func (p *Port) Rx(q int, b *packet.Batch) {
	b.N = 0
	rx := &p.rx[q]
	if rx.n.Load() == 0 {
		return
	}
	rx.mu.Lock()
	n := min(len(rx.frames), packet.BatchSize)
	frames := rx.frames[:n:n]
	rx.frames = rx.frames[n:]
	left := len(rx.frames)
	if left == 0 {
		rx.frames = nil
	}
	rx.n.Store(int32(left))
	rx.mu.Unlock()
	if left == 0 {
		p.rest()
	}
	p.alloc.Alloc(b, n)
	got, bytes := 0, 0
	for i := range b.N {
		if !fill(p.alloc, b.Bufs[i], frames[i]) {
			p.alloc.FreeOne(b.Bufs[i])
			p.rxDropped.Add(1)
			continue
		}
		b.Bufs[got] = b.Bufs[i]
		got++
		bytes += len(frames[i])
	}
	p.rxDropped.Add(uint64(n - b.N))
	b.N = got
	rx.count.packets.Add(uint64(got))
	rx.count.bytes.Add(uint64(bytes))
}

// rest makes WaitFD not readable, unless a queue holds frames again by now.
func (p *Port) rest() {
	var buf [8]byte
	_, _ = unix.Read(p.event, buf[:])
	for i := range p.rx {
		if p.rx[i].n.Load() != 0 {
			p.wake()
			return
		}
	}
}

// fill puts frame into buf, chaining more buffers when one is not enough.
func fill(a packet.Allocator, buf *packet.Buf, frame []byte) bool {
	first := min(len(frame), buf.TailRoom())
	copy(buf.Append(first), frame)
	frame = frame[first:]
	for len(frame) > 0 {
		more := packet.Batch{}
		a.Alloc(&more, 1)
		if more.N == 0 {
			return false
		}
		n := min(len(frame), more.Bufs[0].TailRoom())
		copy(more.Bufs[0].Append(n), frame)
		buf.Chain(more.Bufs[0])
		frame = frame[n:]
	}
	return true
}

// Tx implements ports.Port.
func (p *Port) Tx(q int, b *packet.Batch) {
	n, bytes := 0, 0
	p.mu.Lock()
	limit := p.mtu + packet.EthHdrLen
	look := p.keep || p.caps.tx != nil || p.stream != nil
	for _, buf := range b.Bufs[:b.N] {
		max := limit
		if t := vlanRoom(buf); t {
			max += packet.VLANHdrLen
		}
		if buf.Len() < packet.EthHdrLen || buf.Len() > max {
			p.txDropped.Add(1)
			continue
		}
		n++
		bytes += buf.Len()
		if look {
			frame := buf.Contents()
			p.caps.sent(frame, p.opener.now())
			if p.stream != nil {
				p.stream.send(frame)
			}
			if p.keep {
				p.sent = append(p.sent, frame)
			}
		}
	}
	p.mu.Unlock()
	p.tx[q].packets.Add(uint64(n))
	p.tx[q].bytes.Add(uint64(bytes))
	p.alloc.Free(b)
}

// vlanRoom says whether the frame is tagged, which lets it be four bytes longer than the MTU says.
func vlanRoom(b *packet.Buf) bool {
	d := b.Bytes()
	if len(d) < packet.EthHdrLen {
		return false
	}
	t := uint16(d[packet.EthType])<<8 | uint16(d[packet.EthType+1])
	return t == packet.EtherTypeVLAN || t == packet.EtherTypeQinQ
}

// KeepSent says whether Tx keeps copies of frames for TakeSent.
func (p *Port) KeepSent(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep = on
	p.sent = nil
}

// TakeSent returns the frames sent to the port since KeepSent(true) or the last TakeSent.
func (p *Port) TakeSent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sent
	p.sent = nil
	return s
}

// Stats implements ports.Port.
func (p *Port) Stats(s *ports.Stats) {
	*s = ports.Unset()
	s.RxPackets, s.RxBytes, s.TxPackets, s.TxBytes = 0, 0, 0, 0
	s.Custom = map[string]uint64{}
	for i := range p.rx {
		n, by := p.rx[i].count.packets.Load(), p.rx[i].count.bytes.Load()
		s.RxPackets += n
		s.RxBytes += by
		s.Custom[fmt.Sprintf("rx_q%d_packets", i)] = n
		s.Custom[fmt.Sprintf("rx_q%d_bytes", i)] = by
	}
	for i := range p.tx {
		n, by := p.tx[i].packets.Load(), p.tx[i].bytes.Load()
		s.TxPackets += n
		s.TxBytes += by
		if i > 0 && n == 0 {
			continue // the original's dummy ports have one transmit queue
		}
		s.Custom[fmt.Sprintf("tx_q%d_packets", i)] = n
		s.Custom[fmt.Sprintf("tx_q%d_bytes", i)] = by
	}
	s.Custom["rx_custom_packets_1"] = s.RxPackets
	s.Custom["rx_custom_packets_2"] = s.RxPackets
	// Not there in the original: shown only when something was lost.
	if n := p.txDropped.Load(); n != 0 {
		s.TxDropped = n
	}
	if n := p.rxDropped.Load(); n != 0 {
		s.RxDropped = n
	}
}

// Status implements ports.Port.
func (p *Port) Status() ports.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ports.Status{
		MAC: p.mac, MTU: p.mtu, AdminUp: p.up, LinkUp: p.up, LinkResets: p.resets, IfIndex: p.ifindex,
		RxQueues: len(p.rx), TxQueues: p.txQs,
	}
}

// SetMTU implements ports.Port.
func (p *Port) SetMTU(mtu int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mtu != mtu {
		p.mtu = mtu
		p.seq.Add(1)
	}
	return nil
}

// SetMAC implements ports.Port.
func (p *Port) SetMAC(mac net.HardwareAddr) error {
	if len(mac) != packet.EthAddrLen {
		return fmt.Errorf("%s: %q is no Ethernet address", p.name, mac)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mac = append(net.HardwareAddr(nil), mac...)
	p.seq.Add(1)
	return nil
}

// SetAdminUp implements ports.Port.
func (p *Port) SetAdminUp(up bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.up != up {
		p.up = up
		p.seq.Add(1)
	}
	return nil
}

// Close implements ports.Port.
func (p *Port) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.caps.close()
	s := p.stream
	p.stream = nil
	p.mu.Unlock()
	if s != nil {
		s.close()
	}
	p.opener.forget(p)
	return unix.Close(p.event)
}
