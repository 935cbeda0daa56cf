package pmd

import (
	"govs/actions"
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// Go stops the world for every collection of garbage, twice, and until all its threads have been scheduled and have stopped: on a
// machine whose other processors are busy that takes milliseconds, in which a poller that stopped, too, would lose thousands of packets.
// So a poller does not stop. While it is not allowed to be a running goroutine it is detached: to the runtime it is in a system
// call (see hold_unsafe.go), and in truth it goes on with packets whose flow is installed, for which it needs nothing
// that the runtime manages. It reads Go memory that only it changes, it writes numbers to it, and all else is outside the heap.
//
// While it is detached a poller must not allocate, not store a pointer into Go's heap (there is no P for the write barrier), not wait,
// and not use more stack than was reserved. TestDetachedWriteBarriers asks the compiler. What needs more is put off: packets that
// no flow matches, and those whose actions are not plain, or end at a port that is shared or not ports.Steady, are detained, in order, and
// dealt with before anything else is received; a port of which many are is not polled for a while. Commands wait. Pollers that receive from
// ports that are not ports.Steady stop as other goroutines do.

const (
	// detachedMax is how long a poller goes on without the runtime, in cycles: some 100 milliseconds.
	detachedMax = 1 << 28

	detainedMax     = 4096 // packets
	detainedPerPort = 1024 // of one port, as many as may wait for verdicts, or of several whose numbers are congruent
	detainedPorts   = 64
)

// detainedWait is how long, in cycles, a port may not be polled because no more of its packets can be detained: some 1.6 milliseconds.
var detainedWait uint64 = 1 << 22

// detention holds the packets that wait for the end of the detachment.
type detention struct {
	batches [detainedMax / burst]*packet.Batch // nil until the poller may detach
	tags    [detainedMax]uint32                // port << 1, and 1 for a packet whose flow was found
	n       int
	byPort  [detainedPorts]uint16
	since   uint64 // when the poller detached
}

// prepare makes room.
func (d *detention) prepare() {
	for i := range d.batches {
		if d.batches[i] == nil {
			d.batches[i] = packet.NewBatch()
		}
	}
}

func (d *detention) release() {
	for i, b := range d.batches {
		if b != nil {
			packet.FreeBatch(b)
		}
		d.batches[i] = nil
	}
}

// mayDetach says whether the poller's devices allow it to go on while the world is stopped.
func (p *poller) mayDetach() bool { return p.steady && p.runtime.known() }

// detachedPasses is the poll loop while the poller is detached: for so many cycles, and as long as it would have to wait
// for the runtime.
func (p *poller) detachedPasses(wait uint64) {
	begin := cycles()
	p.held, p.detached = false, true
	p.detained.since = begin
	for {
		p.pass()
		if d := cycles() - begin; d >= wait && p.runtime.returns() || d > detachedMax {
			p.away += d
			p.stats.detached.add(1)
			p.stats.awayCycles.add(d)
			break
		}
	}
	p.held, p.detached = true, false
}

// full says whether to leave a port's packets where they are, now, as another burst of them might not find room. Most stops of the world are
// over before a port loses anything; in a longer one the packets of installed flows are not to wait behind those that have none.
func (d *detention) full(no dpif.PortNo, now uint64) bool {
	return d.byPort[no%detainedPorts] > detainedPerPort-burst && now-d.since < detainedWait
}

// detain keeps a packet for later. found says that its flow was found, and counted as such, but that its actions are to be done.
func (p *poller) detain(buf *packet.Buf, no dpif.PortNo, found bool) {
	d := &p.detained
	at := &d.byPort[no%detainedPorts]
	if d.n == detainedMax || *at == detainedPerPort {
		if !found {
			p.stats.lost.add(1)
		}
		p.drop(buf, dpif.DropUpcallQueueFull)
		return
	}
	*at++
	tag := no << 1
	if found {
		tag |= 1
	}
	d.batches[d.n/burst].Bufs[d.n%burst] = buf
	d.tags[d.n] = tag
	d.n++
}

// attend deals with the detained packets, in the order in which they came.
func (p *poller) attend() {
	d := &p.detained
	var k flow.Key
	for i := range d.n {
		buf := d.batches[i/burst].Bufs[i%burst]
		no := dpif.PortNo(d.tags[i] >> 1)
		n, l := flow.ExtractVLAN(buf, no, p.settings.vlanLimit, &k)
		if d.tags[i]&1 == 0 || !p.forward(buf, &k, n) {
			p.miss(buf, &k, n, l, no)
		}
	}
	d.n = 0
	d.byPort = [detainedPorts]uint16{}
	p.empty()
	if len(p.notify) != 0 {
		p.wakeHandlers()
	}
}

// plain says whether a detached poller may do e's actions.
func (p *poller) plain(e *megaflow.Entry) bool {
	if e.Out < maxPort {
		return !p.bound(uint32(e.Out))
	}
	if e.Out != megaflow.OutComplex {
		return true
	}
	l := p.actionsOf(e)
	for i := range l {
		if l[i].Type == actions.TypeOutput && p.bound(l[i].Arg) {
			return false
		}
	}
	return plain(l)
}

// bound says whether sending to that port needs the runtime.
func (p *poller) bound(no dpif.PortNo) bool {
	o := p.out(no)
	return o != nil && o.bound
}

// plain says whether l is edits and outputs, for which a poller needs nobody.
func plain(l actions.List) bool {
	for i := range l {
		switch a := &l[i]; a.Type {
		case actions.TypeOutput, actions.TypeTrunc, actions.TypeDrop:
		default:
			if !a.IsEdit() {
				return false
			}
		}
	}
	return true
}
