package pmd

// A load history is what pmd-rxq-show and pmd-rxq-assign go by: cycles in the last intervals of five seconds.
const (
	intervalSeconds  = 5
	historyIntervals = 12
)

// history holds a number for each of the last intervals. Its poller writes it, anybody reads.
type history struct {
	intervals [historyIntervals]counter
	at        counter // intervals so far
	before    uint64  // the source's value when the present interval began; the writer's own
}

// sample ends an interval: value is the source's present value, which only grows. It returns the interval's part.
func (h *history) sample(value uint64) uint64 {
	at := h.at.mine()
	part := value - h.before
	h.intervals[at%historyIntervals].set(part)
	h.before = value
	h.at.set(at + 1)
	return part
}

// last is the sum of the last n intervals.
func (h *history) last(n int) uint64 {
	sum, at := uint64(0), h.at.load()
	for i := uint64(1); i <= uint64(n) && i <= at && i <= historyIntervals; i++ {
		sum += h.intervals[(at-i)%historyIntervals].load()
	}
	return sum
}

// sample ends an interval of the poller's and its queues' histories when it is time.
func (p *poller) sample() {
	if p.now < p.sampleAt {
		return
	}
	first := p.sampleAt == 0
	p.sampleAt = p.now + intervalSeconds*1000
	busy, all := p.stats.busyCycles.mine(), p.stats.busyCycles.mine()+p.stats.idleCycles.mine()
	if first {
		p.history.before, p.allBefore = busy, all
		return
	}
	p.history.sample(busy)
	p.interval.set(all - p.allBefore)
	p.allBefore = all
	for _, q := range p.rxqs {
		q.history.sample(q.cycles.mine())
	}
}
