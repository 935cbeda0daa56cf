package main

import (
	"encoding/binary"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"govs/bench/guest"
	"govs/cgo/dpdk"
	"govs/internal/tsc"
	"govs/packet"
)

const (
	burst       = packet.BatchSize
	established = 1000      // flows from a to b
	ringSize    = 1024      // descriptors of each guest's queues
	sampleMask  = 63        // one of so many received packets, less one, is compared whole
	backlogMax  = 2 * burst // packets that may be due at once; the rest of a pause is not made up for
)

// guests are the generator's ports.
type guests struct {
	pool       *dpdk.Mempool
	a, b, c, d uint16
}

// phase is what the generator does for a while.
type phase struct {
	rate   float64       // established packets a second
	storm  bool          // new flows from c, without limit
	few    float64       // new flows a second from d
	doze   time.Duration // pause of the generator in each round, so that other threads of its processor run
	length time.Duration
}

// outcome is what came of a phase. Latencies are in cycles.
type outcome struct {
	sent, received uint64 // established packets
	refused        uint64 // of those sent: the switch had left no room in the ring
	apart          uint64 // of those sent, in windows in which the poll-mode thread was kept from its processor
	apartRefused   uint64 // of those refused
	disorder       uint64 // packets that came after a later one of their flow
	wrong          uint64 // packets with wrong contents
	storm          uint64 // packets that the switch took from c
	few, fewBack   uint64
	latency, first *guest.Hist
	disturbed      uint64        // packets not counted in latency
	stalls         int           // times that the generator was not on its processor
	stalled        time.Duration // for how long in all
	active         float64       // seconds
}

// lost are the packets that did not arrive, but for those of disturbed windows.
func (o *outcome) lost() uint64 { return o.sent - min(o.received, o.sent) - o.apartRefused }

// generator makes and checks the traffic. Its methods run on its own thread.
type generator struct {
	guests
	hz     float64
	tx, rx *packet.Batch
	frames [][]byte
	seq    []uint64 // next to send, by flow
	next   []uint64 // least number to come, by flow
	flow   int
	nStorm uint64
	nFew   uint64
	storm  []byte // templates
	few    []byte
	win    *windows
	// When the generator looked at the clock last, how long it must have been away if that is longer ago than this, and when
	// it was away last until.
	looked, stall, after uint64
}

func newGenerator(g guests, hz float64, schedstat string) *generator {
	x := &generator{win: newWindows(schedstat), guests: g, hz: hz, tx: packet.NewBatch(), rx: packet.NewBatch(), storm: guest.Template(netStorm, 0xcc), few: guest.Template(netFew, 0xdd)}
	x.seq, x.next = make([]uint64, established), make([]uint64, established)
	for i := range established {
		f := guest.Template(netEstablished, 0xaa)
		guest.SetTuple(f, netEstablished, uint64(i))
		x.frames = append(x.frames, f)
	}
	return x
}

func (x *generator) close() {
	packet.FreeBatch(x.tx)
	packet.FreeBatch(x.rx)
	x.win.close()
}

// run does one phase. It is called on the generator's thread.
func (x *generator) run(p phase) *outcome {
	o := &outcome{latency: new(guest.Hist), first: new(guest.Hist)}
	gc := debug.SetGCPercent(-1)
	guest.Pin()
	x.send(p, o)
	x.drain(p, o)
	x.win.finish(o)
	guest.Unpin()
	debug.SetGCPercent(gc)
	return o
}

// stallCycles is the length of a round from which the generator must have been away from its processor.
func (x *generator) stallCycles(p phase) uint64 {
	return uint64(x.hz * (p.doze + 30*time.Microsecond + 10*p.doze).Seconds())
}

func (x *generator) send(p phase, o *outcome) {
	perCycle, fewEvery := p.rate/x.hz, uint64(0)
	if p.few > 0 {
		fewEvery = uint64(x.hz / p.few)
	}
	pause := unix.NsecToTimespec(p.doze.Nanoseconds())
	begin := tsc.Read()
	x.win.start(begin)
	end := begin + uint64(p.length.Seconds()*x.hz)
	origin, credit := begin, uint64(0) // packets due since origin; those sent
	nextFew := begin + fewEvery/2
	x.looked, x.stall, x.after = begin, x.stallCycles(p), 0
	for now := begin; now < end; now = tsc.Read() {
		x.look(now, o)
		x.win.turn(now, x.hz, o)
		idle := true
		if p.rate > 0 {
			due := uint64(float64(now-origin) * perCycle)
			if due > credit+backlogMax { // nothing is made up for
				origin, credit, due = now, 0, burst
			}
			if due >= credit+burst {
				credit += burst
				x.established(o)
				idle = due >= credit+burst
				idle = !idle
			}
		}
		if fewEvery != 0 && now >= nextFew {
			nextFew += fewEvery
			x.one(o)
		}
		for x.receive(o) == burst {
		}
		if p.storm && idle {
			for x.blast(o) == burst && p.doze != 0 {
			}
		}
		if p.doze != 0 {
			guest.Nap(&pause)
		}
	}
	o.active = float64(tsc.Read()-begin)/x.hz - o.stalled.Seconds()
}

// established sends a burst of the established flows, in turn.
func (x *generator) established(o *outcome) {
	x.pool.Alloc(x.tx, burst)
	n := int(x.tx.N)
	now := tsc.Read()
	for i := range n {
		f := x.flow
		if x.flow++; x.flow == established {
			x.flow = 0
		}
		b := x.tx.Bufs[i].Append(guest.FrameLen)
		copy(b, x.frames[f])
		binary.LittleEndian.PutUint64(b[guest.OffSeq:], x.seq[f])
		binary.LittleEndian.PutUint64(b[guest.OffTime:], now)
		x.seq[f]++
	}
	_, refused := dpdk.EthTx(x.a, 0, x.tx, guest.FrameLen)
	o.sent += uint64(n)
	o.refused += uint64(refused)
	w := x.win.now()
	w.sent += uint64(n)
	w.refused += uint64(refused)
}

// one sends the first packet of a new flow from d.
func (x *generator) one(o *outcome) {
	x.pool.Alloc(x.tx, 1)
	if x.tx.N == 0 {
		return
	}
	b := x.tx.Bufs[0].Append(guest.FrameLen)
	copy(b, x.few)
	guest.SetTuple(b, netFew, x.nFew)
	x.nFew++
	binary.LittleEndian.PutUint64(b[guest.OffTime:], tsc.Read())
	dpdk.EthTx(x.d, 0, x.tx, guest.FrameLen)
	o.few++
}

// blast sends a burst of new flows from c and returns how many the switch had room for.
func (x *generator) blast(o *outcome) int {
	x.pool.Alloc(x.tx, burst)
	n := int(x.tx.N)
	for i := range n {
		b := x.tx.Bufs[i].Append(guest.FrameLen)
		copy(b, x.storm)
		guest.SetTuple(b, netStorm, x.nStorm)
		x.nStorm++
	}
	_, refused := dpdk.EthTx(x.c, 0, x.tx, guest.FrameLen)
	o.storm += uint64(n - refused)
	return n - refused
}

// look notes the time and whether the generator has been away since the last look.
func (x *generator) look(now uint64, o *outcome) {
	if now-x.looked > x.stall {
		o.stalls++
		o.stalled += time.Duration(float64(now-x.looked) / x.hz * 1e9)
		x.after = now
	}
	x.looked = now
}

// receive takes a burst from b and checks it.
func (x *generator) receive(o *outcome) int {
	dpdk.EthRx(x.b, 0, x.rx)
	n := int(x.rx.N)
	if n == 0 {
		return 0
	}
	now := tsc.Read()
	x.look(now, o) // it may have been away just before it received
	for i := range n {
		b := x.rx.Bufs[i].Bytes()
		if len(b) != guest.FrameLen {
			o.wrong++
			continue
		}
		src := binary.BigEndian.Uint32(b[guest.OffSrc:])
		at := binary.LittleEndian.Uint64(b[guest.OffTime:])
		f := int(src & 0xffffff)
		switch src &^ 0xffffff {
		case netEstablished:
			if f >= established {
				o.wrong++
				continue
			}
			o.received++
			seq := binary.LittleEndian.Uint64(b[guest.OffSeq:])
			if seq < x.next[f] {
				o.disorder++
			} else {
				x.next[f] = seq + 1
			}
			if o.received&sampleMask == 0 && !guest.Same(b, x.frames[f]) {
				o.wrong++
			}
			if w := x.win.now(); at < x.after || len(w.latency) == cap(w.latency) {
				o.disturbed++
			} else {
				w.latency = append(w.latency, uint32(min(now-at, 1<<32-1)))
			}
		case netFew:
			o.fewBack++
			if at < x.after {
				o.disturbed++
			} else {
				o.first.Add(now - at)
			}
		default:
			o.wrong++
		}
	}
	x.pool.Free(x.rx)
	return n
}

// drain receives what is still on its way, until nothing has come for a while.
func (x *generator) drain(p phase, o *outcome) {
	const quiet = 30 * time.Millisecond
	pause := unix.NsecToTimespec(int64(20 * time.Microsecond))
	wait := uint64(quiet.Seconds() * x.hz)
	limit := tsc.Read() + uint64(2*x.hz)
	x.after, x.stall = ^uint64(0), ^uint64(0) // latencies do not count any more, nor stalls
	for last := tsc.Read(); tsc.Read()-last < wait && tsc.Read() < limit; {
		if x.receive(o) > 0 {
			last = tsc.Read()
		}
		guest.Nap(&pause)
	}
}
