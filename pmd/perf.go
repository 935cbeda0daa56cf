package pmd

import (
	"math"
	"sort"

	"govs/ports"
)

// What pmd-perf-show shows beyond the counters: histograms over iterations, the last iterations and the last milliseconds. It is
// collected while other_config:pmd-perf-metrics is true. The poller writes, anybody reads: a reader may see an iteration half
// entered, which harms nothing but that line of a table.

const (
	perfBins    = 32   // of a histogram
	perfHistory = 1000 // iterations and milliseconds that are kept
)

// The histograms, in the order of the table's columns.
const (
	histCycles = iota
	histPackets
	histCyclesPerPacket
	histPacketsPerBatch
	histQueue
	histUpcalls
	histCyclesPerUpcall
	numHists
)

// perf is what one poller collects.
type perf struct {
	hists  [numHists]histogram
	total  sample
	iters  [perfHistory]sample // by number of iterations collected
	nIters counter
	ms     [perfHistory]sample // by number of milliseconds in which there was an iteration
	nMs    counter             // the last of them is not over yet

	// The state of the log of suspicious iterations; the poller's own.
	suspect      uint64 // nIters after the iteration that is to be logged, 0 none
	suspectWhy   string
	suspectAt    uint64 // its number
	suspectTook  uint64 // its cycles
	logAt        uint64 // nIters at which its neighbourhood is complete
	logBefore    int
	upcalls      uint64 // what the counters said after the previous iteration
	upcallCycles uint64
}

// sample is an iteration, or the sum of some.
type sample struct {
	stamp        counter // number of the iteration, or milliseconds since the datapath was made
	iterations   counter
	cycles       counter
	busyCycles   counter // in iterations with packets
	packets      counter
	batches      counter // of received packets
	queue        counter // packets found waiting in the fullest vhost-user queue
	upcalls      counter // misses whose verdict came
	upcallCycles counter // between a miss and its verdict; the poller did other things meanwhile
}

// reading is a sample read by somebody.
type reading struct {
	stamp, iterations, cycles, busyCycles, packets, batches, queue, upcalls, upcallCycles uint64
}

func (s *sample) read() reading {
	return reading{
		s.stamp.load(), s.iterations.load(), s.cycles.load(), s.busyCycles.load(), s.packets.load(), s.batches.load(), s.queue.load(),
		s.upcalls.load(), s.upcallCycles.load(),
	}
}

// start makes s a sample with a stamp and nothing in it.
func (s *sample) start(stamp uint64) {
	s.stamp.set(stamp)
	for _, c := range []*counter{&s.iterations, &s.cycles, &s.busyCycles, &s.packets, &s.batches, &s.queue, &s.upcalls, &s.upcallCycles} {
		c.set(0)
	}
}

func (s *sample) add(r *reading) {
	s.iterations.add(1)
	s.cycles.add(r.cycles)
	s.busyCycles.add(r.busyCycles)
	s.packets.add(r.packets)
	s.batches.add(r.batches)
	s.queue.add(r.queue)
	s.upcalls.add(r.upcalls)
	s.upcallCycles.add(r.upcallCycles)
}

// histogram counts values: bins[i] those of at most walls[i] that are above walls[i-1]; the last bin has no wall.
type histogram struct {
	walls *[perfBins - 1]uint64
	bins  [perfBins]counter
}

// add counts a value.
func (h *histogram) add(v uint64) {
	if v <= h.walls[0] { // what an idle iteration has
		h.bins[0].add(1)
		return
	}
	low, high := 1, perfBins-1
	for low < high {
		if mid := (low + high) / 2; v <= h.walls[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	h.bins[low].add(1)
}

// linearWalls are equal steps from low to high.
func linearWalls(low, high int) *[perfBins - 1]uint64 {
	var w [perfBins - 1]uint64
	for i := range w {
		w[i] = uint64(low + i*(high-low)/(perfBins-2))
	}
	return &w
}

// logWalls are equal steps of the logarithm from low to high, at least 1 apart. A low of 0 is a wall before those from 1.
func logWalls(low, high int) *[perfBins - 1]uint64 {
	var w [perfBins - 1]uint64
	at, from := 0, low
	if low == 0 {
		at, from = 1, 1
	}
	start := math.Log(float64(from))
	step := (math.Log(float64(high)) - start) / float64(len(w)-1-at)
	for i := at; i < len(w); i++ {
		w[i] = uint64(math.Exp(start+float64(i-at)*step) * (1 - 1e-12)) // below a whole number, as the original's
		if i > 0 {
			w[i] = max(w[i], w[i-1]+1)
		}
	}
	w[len(w)-1] = uint64(high)
	return &w
}

func newPerf() *perf {
	f := &perf{}
	for i, w := range [numHists]*[perfBins - 1]uint64{
		logWalls(500, 24000000), logWalls(0, 1000), linearWalls(100, 30000), linearWalls(0, 32), logWalls(0, 512), linearWalls(0, 30),
		logWalls(1000, 1000000),
	} {
		f.hists[i].walls = w
	}
	return f
}

// clear forgets everything. The poller calls it, at the top of its loop.
func (f *perf) clear() {
	for i := range f.hists {
		for b := range f.hists[i].bins {
			f.hists[i].bins[b].set(0)
		}
	}
	f.total.start(0)
	for i := range f.iters {
		f.iters[i].start(0)
	}
	for i := range f.ms {
		f.ms[i].start(0)
	}
	f.nIters.set(0)
	f.nMs.set(0)
	f.suspect = 0
}

// iterated enters an iteration that took so many cycles, with r's packets, batches and queue.
func (p *poller) iterated(f *perf, took uint64, r *reading) {
	upcalls, upcallCycles := p.stats.missOK.mine()+p.stats.missFailed.mine(), p.stats.upcallCycles.mine()
	r.cycles, r.upcalls, r.upcallCycles = took, upcalls-f.upcalls, upcallCycles-f.upcallCycles
	f.upcalls, f.upcallCycles = upcalls, upcallCycles
	if r.packets != 0 {
		r.busyCycles = took
		f.hists[histCyclesPerPacket].add(took / r.packets)
	}
	f.hists[histCycles].add(took)
	f.hists[histPackets].add(r.packets)
	if r.batches != 0 {
		f.hists[histPacketsPerBatch].add(r.packets / r.batches)
	}
	f.hists[histQueue].add(r.queue)
	f.hists[histUpcalls].add(r.upcalls)
	if r.upcalls != 0 {
		f.hists[histCyclesPerUpcall].add(r.upcallCycles / r.upcalls)
	}
	f.total.add(r)
	n := f.nIters.mine()
	s := &f.iters[n%perfHistory]
	s.start(p.stats.iterations.mine())
	s.add(r)
	f.nIters.set(n + 1)
	m := f.nMs.mine()
	if s = &f.ms[(m+perfHistory-1)%perfHistory]; m == 0 || s.stamp.mine() != uint64(p.now-p.d.startMs) {
		s = &f.ms[m%perfHistory]
		s.start(uint64(p.now - p.d.startMs))
		f.nMs.set(m + 1)
	}
	s.add(r)
	if l := p.d.opt.PerfLog; l != nil && l.on.Load() {
		p.suspicious(f, l, r)
	}
}

// latest returns up to n of a history of which at entries have been made, the newest first.
func latest(ring *[perfHistory]sample, at uint64, n int) []reading {
	l := make([]reading, n)
	for i := range l {
		l[i] = ring[(at+2*perfHistory-1-uint64(i))%perfHistory].read()
	}
	return l
}

// backlog is the number of packets that q held when its full batch was taken, as far as its port knows. A batch that is
// not full has emptied the queue.
func (p *poller) backlog(q *rxq) uint64 {
	if b, ok := q.dev.(ports.Backlogger); ok && q.batch.N == burst {
		return uint64(burst + b.RxBacklog(q.q))
	}
	return 0
}

// sortedQueues returns a poller's receive queues by port name and number, as tables list them.
func sortedQueues(qs []*rxq) []*rxq {
	l := append([]*rxq(nil), qs...)
	sort.Slice(l, func(i, j int) bool {
		if l[i].port != l[j].port {
			return l[i].dev.Name() < l[j].dev.Name()
		}
		return l[i].q < l[j].q
	})
	return l
}
