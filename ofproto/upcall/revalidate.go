package upcall

import (
	"sync"
	"time"

	"govs/dpif"
	"govs/ofproto/xlate"
)

// revalidator is the goroutine that leads the revalidation.
func (s *Set) revalidator() {
	l := &leader{set: s}
	var ask chan struct{} // somebody who waits for the next walk
	for {
		waiting, ok := s.pause(ask)
		if !ok {
			return
		}
		if ask = nil; s.paused.Load() && len(waiting) == 0 {
			continue
		}
		l.round()
		if len(waiting) > 0 {
			// A round may itself have changed something, such as rules that expired. Others may never cease to.
			for i := 0; i < 5 && s.changes.Seq() != l.seq && s.ctx.Err() == nil; i++ {
				l.round()
			}
		}
		for _, done := range waiting {
			close(done)
		}
		ask = s.rest(time.Duration(s.duration.Load()) * time.Millisecond)
	}
}

// pause returns when the next walk is due, with those who wait for it; false when the Set is closed.
func (s *Set) pause(ask chan struct{}) (waiting []chan struct{}, ok bool) {
	if ask != nil {
		waiting = append(waiting, ask)
	} else {
		c := s.settings.Load()
		next := s.cfg.Clock.NewTimer(time.Duration(min(c.MaxRevalidator, c.MaxIdle)) * time.Millisecond)
		select {
		case <-s.ctx.Done():
			next.Stop()
			return nil, false
		case <-next.C():
		case <-s.wake:
		case done := <-s.asks:
			waiting = append(waiting, done)
		}
		next.Stop()
	}
	for {
		select {
		case done := <-s.asks:
			waiting = append(waiting, done)
		default:
			return waiting, true
		}
	}
}

// rest keeps a storm of changes from taking a whole core: a change that comes during a walk or just after it waits a little, and
// after a long walk as long as that took, unless somebody asks for the next walk.
func (s *Set) rest(walk time.Duration) (ask chan struct{}) {
	t := time.NewTimer(min(max(walk, minRest), maxRest))
	defer t.Stop()
	select {
	case <-s.ctx.Done():
	case <-t.C:
	case ask = <-s.asks:
	}
	return ask
}

// Bounds of the rest after a walk.
const (
	minRest = 5 * time.Millisecond
	maxRest = 100 * time.Millisecond
)

// leader begins and ends the walks; other revalidators help it with the megaflows.
type leader struct {
	set     *Set
	seq     uint64 // change number of the last walk
	walkers []*walker
}

// share is how many megaflows a revalidator takes at once.
const share = 256

// round walks all megaflows once.
func (l *leader) round() {
	s := l.set
	begin := time.Now()
	now := s.now()
	if s.cfg.Tick != nil {
		s.cfg.Tick(now)
	}
	cfg := s.settings.Load()
	r := s.changes.Round()
	l.seq = r.Seq
	snap := s.cfg.Snapshot()
	n := s.flows.Load()
	limit := s.limit.Load()
	w := walk{
		seq: r.Seq, now: now, idle: int64(cfg.MaxIdle), all: s.purge.Swap(false) || n > 2*limit, pps: int64(cfg.MinRevalidatePPS),
		slow: s.duration.Load() > int64(cfg.MaxRevalidator)/2,
	}
	if n > limit {
		w.idle = 100
	}
	for len(l.walkers) < cfg.Revalidators {
		l.walkers = append(l.walkers, newWalker(s))
	}
	walkers := l.walkers[:max(cfg.Revalidators, 1)]
	for _, x := range walkers {
		x.walk = w
		x.judge = xlate.NewJudge(r, snap)
		x.in = xlate.Input{Snap: snap, Now: now}
	}
	l.visitAll(walkers)
	for _, x := range walkers {
		x.settle()
		x.judge = nil
	}
	s.settled.Store(r.Seq)
	s.cfg.Recirc.Expire()
	if s.cfg.AfterWalk != nil {
		s.cfg.AfterWalk(now)
	}
	s.adapt(time.Since(begin), cfg)
}

// visitAll has the walkers visit all megaflows. The leader's goroutine is the first walker, unless there are enough megaflows to
// keep others busy: then it hands them out.
func (l *leader) visitAll(walkers []*walker) {
	s := l.set
	if len(walkers) == 1 || s.flows.Load() < share {
		s.cfg.Datapath.Flows(func(f *dpif.Flow) bool {
			walkers[0].visit(f)
			return s.ctx.Err() == nil
		})
		return
	}
	full := make(chan []*dpif.Flow, len(walkers))
	spare := make(chan []*dpif.Flow, 2*len(walkers)+1)
	for range cap(spare) {
		spare <- make([]*dpif.Flow, 0, share)
	}
	var wg sync.WaitGroup
	for _, w := range walkers {
		wg.Go(func() {
			for b := range full {
				for _, f := range b {
					w.visit(f)
				}
				clear(b)
				spare <- b[:0]
			}
		})
	}
	b := <-spare
	s.cfg.Datapath.Flows(func(f *dpif.Flow) bool {
		if b = append(b, f); len(b) == share {
			full <- b
			b = <-spare
		}
		return s.ctx.Err() == nil
	})
	full <- b
	close(full)
	wg.Wait()
}

// adapt notes how long a walk took and sets the flow limit accordingly.
func (s *Set) adapt(took time.Duration, cfg *Settings) {
	n := s.flows.Load()
	s.maxFlows.Store(max(n, s.maxFlows.Load()))
	s.avgFlows.Store((s.avgFlows.Load() + n) / 2)
	ms := max(took.Milliseconds(), 1)
	s.duration.Store(ms)
	limit := s.limit.Load()
	switch {
	case ms > 2000:
		limit /= ms / 1000
	case ms > 1300:
		limit = limit * 3 / 4
	case ms < 1000 && limit < n*1000/ms:
		limit += 1000
		if n > limit/2 {
			// There is need of it and time for it: do not be long about it.
			limit = max(limit, min(limit+limit/4, n*1000/ms))
		}
	}
	s.limit.Store(min(int64(cfg.FlowLimit), max(limit, minFlowLimit)))
}
