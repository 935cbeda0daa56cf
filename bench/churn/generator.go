package main

import (
	"bytes"
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
	burst      = packet.BatchSize
	ringSize   = 4096
	sampleMask = 63         // one of so many received packets, less one, is compared whole
	backlogMax = 16 * burst // packets that may be due at once; the rest of a pause is not made up for

	offTag     = 6 // the source address: two bytes that are always the same, and the version
	tag0, tag1 = 0x02, 0xcc

	netEstablished = 10 << 24
	netOthers      = 11 << 24
)

// OpenFlow ports.
const (
	portA = 1 + iota
	portB
	portD
)

// outcome is what came of a phase.
type outcome struct {
	sent, refused uint64
	got           [2]uint64 // at b and at d
	disorder      uint64
	wrong         uint64
	misrouted     uint64
	unknown       uint64 // of those: by a version that there is not; the others were late, or at the wrong port
	astray        uint64 // of those: at another port than their version's
	old           uint64 // by a version that had been replaced, but within the time allowed
	latency       *guest.Hist
	disturbed     uint64 // packets not counted in latency: the generator was away
	stalled       float64
	active        float64 // seconds
}

func (o *outcome) add(p *outcome) {
	o.sent += p.sent
	o.refused += p.refused
	o.got[0] += p.got[0]
	o.got[1] += p.got[1]
	o.disorder += p.disorder
	o.wrong += p.wrong
	o.misrouted += p.misrouted
	o.unknown += p.unknown
	o.astray += p.astray
	o.old += p.old
}

// generator makes and checks the traffic. Its methods run on its own thread.
type generator struct {
	pool   *dpdk.Mempool
	ports  []uint16 // a, b, d
	hz     float64
	doze   time.Duration
	within uint64 // cycles in which a change must be in force
	rules  *changer
	tx, rx *packet.Batch
	frames [flows][]byte
	seq    [flows]uint64    // next to send
	next   [2][flows]uint64 // least number to come
	flow   int
	// When the generator looked at the clock last, how long it must have been away if that is longer ago than this, and when
	// it was away last until.
	looked, stall, after uint64
}

func newGenerator(pool *dpdk.Mempool, ports []uint16, rules *changer, doze time.Duration) *generator {
	x := &generator{pool: pool, ports: ports, hz: rules.hz, doze: doze, within: uint64(rules.hz), rules: rules, tx: packet.NewBatch(), rx: packet.NewBatch()}
	for f := range flows {
		x.frames[f] = guest.Template(netEstablished, 0xaa)
		guest.SetTuple(x.frames[f], netEstablished, uint64(f))
	}
	return x
}

func (x *generator) close() {
	packet.FreeBatch(x.tx)
	packet.FreeBatch(x.rx)
}

// run sends at a rate for a while and receives until nothing comes any more.
func (x *generator) run(rate float64, length time.Duration) *outcome {
	o := &outcome{latency: new(guest.Hist)}
	gc := debug.SetGCPercent(-1)
	guest.Pin()
	x.send(rate, length, o)
	x.drain(o)
	guest.Unpin()
	debug.SetGCPercent(gc)
	return o
}

func (x *generator) send(rate float64, length time.Duration, o *outcome) {
	pause := unix.NsecToTimespec(x.doze.Nanoseconds())
	perCycle := rate / x.hz
	begin := tsc.Read()
	end := begin + uint64(length.Seconds()*x.hz)
	origin, credit := begin, uint64(0) // packets due since origin; those sent
	x.looked, x.stall, x.after = begin, uint64((10*x.doze+50*time.Microsecond).Seconds()*x.hz), 0
	for now := begin; now < end; now = tsc.Read() {
		x.look(now, o)
		due := uint64(float64(now-origin) * perCycle)
		if due > credit+backlogMax { // nothing is made up for
			origin, credit, due = now, 0, burst
		}
		for ; due >= credit+burst; credit += burst {
			x.established(o)
		}
		for i := range 2 {
			for x.receive(i, o) == burst {
			}
		}
		guest.Nap(&pause)
	}
	o.active = float64(tsc.Read()-begin)/x.hz - o.stalled
}

// established sends a burst, the flows in turn.
func (x *generator) established(o *outcome) {
	x.pool.Alloc(x.tx, burst)
	n := int(x.tx.N)
	now := tsc.Read()
	for i := range n {
		f := x.flow
		if x.flow++; x.flow == flows {
			x.flow = 0
		}
		b := x.tx.Bufs[i].Append(guest.FrameLen)
		copy(b, x.frames[f])
		binary.LittleEndian.PutUint64(b[guest.OffSeq:], x.seq[f])
		binary.LittleEndian.PutUint64(b[guest.OffTime:], now)
		x.seq[f]++
	}
	_, refused := dpdk.EthTx(x.ports[0], 0, x.tx, guest.FrameLen)
	o.sent += uint64(n)
	o.refused += uint64(refused)
}

// look notes the time and whether the generator has been away since the last look.
func (x *generator) look(now uint64, o *outcome) {
	if now-x.looked > x.stall {
		o.stalled += float64(now-x.looked) / x.hz
		x.after = now
	}
	x.looked = now
}

// receive takes a burst from b (0) or d (1) and checks it.
func (x *generator) receive(port int, o *outcome) int {
	dpdk.EthRx(x.ports[1+port], 0, x.rx)
	n := int(x.rx.N)
	if n == 0 {
		return 0
	}
	now := tsc.Read()
	x.look(now, o) // it may have been away just before it received
	for i := range n {
		x.check(x.rx.Bufs[i].Bytes(), port, now, o)
	}
	x.pool.Free(x.rx)
	return n
}

// check holds a received packet to what it says of itself, and to the versions of its flow's rule.
func (x *generator) check(b []byte, port int, now uint64, o *outcome) {
	if len(b) != guest.FrameLen {
		o.wrong++
		return
	}
	f := int(binary.BigEndian.Uint32(b[guest.OffSrc:]) - netEstablished)
	if f < 0 || f >= flows || b[offTag] != tag0 || b[offTag+1] != tag1 {
		o.wrong++
		return
	}
	o.got[port]++
	at := binary.LittleEndian.Uint64(b[guest.OffTime:])
	if seq := binary.LittleEndian.Uint64(b[guest.OffSeq:]); seq < x.next[port][f] {
		o.disorder++
	} else {
		x.next[port][f] = seq + 1
	}
	if (o.got[0]+o.got[1])&sampleMask == 0 && !same(b, x.frames[f]) {
		o.wrong++
	}
	if at < x.after {
		o.disturbed++
	} else {
		o.latency.Add(now - at)
	}
	versions, v := x.rules.versions[f], binary.BigEndian.Uint32(b[offTag+2:])
	if v >= uint32(len(versions)) || versions[v].before.Load() == 0 {
		o.misrouted++
		o.unknown++
		return
	}
	versions[v].last = max(versions[v].last, at)
	if int(v&1) != port {
		o.misrouted++
		o.astray++
		return
	}
	if int(v)+1 < len(versions) {
		if after := versions[v+1].after.Load(); after != 0 && at > after {
			if at > after+x.within {
				o.misrouted++
			} else {
				o.old++
			}
		}
	}
}

// same says whether got is the frame want but for its version, number and time.
func same(got, want []byte) bool {
	const behind = offTag + 6
	return bytes.Equal(got[:offTag], want[:offTag]) && bytes.Equal(got[behind:guest.OffSeq], want[behind:guest.OffSeq]) &&
		bytes.Equal(got[guest.OffRest:], want[guest.OffRest:])
}

// drain receives what is still on its way, until nothing has come for a while.
func (x *generator) drain(o *outcome) {
	const quiet = 50 * time.Millisecond
	pause := unix.NsecToTimespec(int64(20 * time.Microsecond))
	wait := uint64(quiet.Seconds() * x.hz)
	x.after, x.stall = ^uint64(0), ^uint64(0) // latencies do not count any more, nor stalls
	for last := tsc.Read(); tsc.Read()-last < wait; {
		if x.receive(0, o)+x.receive(1, o) > 0 {
			last = tsc.Read()
		}
		guest.Nap(&pause)
	}
}
