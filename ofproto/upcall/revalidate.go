package upcall

import (
	"slices"
	"sync"
	"time"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/ofproto/xlate"
)

// revalidator is the goroutine that walks the megaflows.
func (s *Set) revalidator() {
	w := &walker{set: s, ctx: xlate.NewCtx(s.cfg.Readers, s.cfg.Recirc)}
	var ask chan struct{} // somebody who waits for the next walk
	for {
		waiting, ok := s.pause(ask)
		if !ok {
			return
		}
		w.round()
		if len(waiting) > 0 {
			// A round may itself have changed something, such as rules that expired.
			for s.seq.Load() != w.seq && s.ctx.Err() == nil {
				w.round()
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

// rest keeps a storm of changes from taking a whole core: after a long walk the next one begins after as much time again, unless
// somebody asks for one.
func (s *Set) rest(walk time.Duration) (ask chan struct{}) {
	if walk < longWalk {
		return nil
	}
	t := time.NewTimer(min(walk, maxRest))
	defer t.Stop()
	select {
	case <-s.ctx.Done():
	case <-t.C:
	case ask = <-s.asks:
	}
	return ask
}

// longWalk is a walk that is followed by a rest of at most maxRest.
const (
	longWalk = 20 * time.Millisecond
	maxRest  = 250 * time.Millisecond
)

// walker is the working memory of the revalidator.
type walker struct {
	set   *Set
	ctx   *xlate.Ctx
	in    xlate.Input
	res   xlate.Result
	seq   uint64 // change number at the start of the walk
	now   int64
	idle  int64 // ms after which a flow is removed
	all   bool  // remove every flow
	slow  bool  // the last walk was slow: flows with little traffic are not worth translating
	pps   int64
	gone  sync.WaitGroup // removals that were asked for in this round
	asked int
}

// round walks all megaflows once.
func (w *walker) round() {
	s := w.set
	begin := time.Now()
	w.now = s.now()
	if s.cfg.Tick != nil {
		s.cfg.Tick(w.now)
	}
	cfg := s.settings.Load()
	w.seq = s.seq.Load()
	purge := s.purge.Swap(false)
	n := s.flows.Load()
	limit := s.limit.Load()
	w.idle = int64(cfg.MaxIdle)
	w.all = purge || n > 2*limit
	if n > limit {
		w.idle = 100
	}
	w.pps = int64(cfg.MinRevalidatePPS)
	w.slow = s.duration.Load() > int64(cfg.MaxRevalidator)/2
	w.in = xlate.Input{Snap: s.cfg.Snapshot(), Now: w.now}
	w.asked = 0
	s.cfg.Datapath.Flows(func(f *dpif.Flow) bool {
		w.visit(f)
		return s.ctx.Err() == nil
	})
	if w.asked > 0 {
		w.settle()
	}
	s.settled.Store(w.seq)
	s.cfg.Recirc.Expire()
	if s.cfg.AfterWalk != nil {
		s.cfg.AfterWalk(w.now)
	}

	n = s.flows.Load()
	s.maxFlows.Store(max(n, s.maxFlows.Load()))
	s.avgFlows.Store((s.avgFlows.Load() + n) / 2)
	ms := max(time.Since(begin).Milliseconds(), 1)
	s.duration.Store(ms)
	switch {
	case ms > 2000:
		limit /= ms / 1000
	case ms > 1300:
		limit = limit * 3 / 4
	case ms < 1000 && limit < n*1000/ms:
		limit += 1000
	}
	s.limit.Store(min(int64(cfg.FlowLimit), max(limit, minFlowLimit)))
}

// settle waits until the datapath has taken out what it was asked to, and pushes the last of those flows' counters.
func (w *walker) settle() {
	s := w.set
	w.gone.Wait()
	s.deadMu.Lock()
	dead := s.dead
	s.dead = nil
	s.deadMu.Unlock()
	for _, k := range dead {
		w.push(k, k.flow.Stats()) // final
		k.release()
	}
}

// visit deals with one megaflow.
func (w *walker) visit(f *dpif.Flow) {
	k, ok := f.Owner.(*ukey)
	if !ok || k == nil {
		if w.all {
			w.remove(f, nil)
		}
		return
	}
	if k.going {
		return
	}
	st := f.Stats()
	packets := st.Packets - k.packets
	used := max(st.Used, k.created)
	w.push(k, st)
	switch {
	case w.all || used < w.now-w.idle:
		w.remove(f, k)
	case k.seq < w.seq:
		if !w.worthwhile(packets, used) || !w.again(f, k) {
			w.remove(f, k)
		}
	}
}

// worthwhile says whether a flow is translated again rather than removed: always, unless walks are slow and the flow has had
// fewer than min-revalidate-pps packets.
func (w *walker) worthwhile(packets uint64, used int64) bool {
	if !w.slow || w.pps == 0 {
		return true
	}
	if packets == 0 {
		return false
	}
	return (w.now-used)/int64(packets) < 1000/w.pps
}

// push moves what the datapath has counted since the last time to where it belongs.
func (w *walker) push(k *ukey, st dpif.FlowStats) {
	if st.Packets == k.packets && st.TCPFlags|k.flags == k.flags {
		return
	}
	p := xlate.Push{Packets: st.Packets - k.packets, Bytes: st.Bytes - k.bytes, Used: st.Used, TCPFlags: st.TCPFlags}
	k.packets, k.bytes = st.Packets, st.Bytes
	k.flags |= st.TCPFlags
	for _, e := range k.effects {
		e.Push(&p)
	}
}

// again translates the flow once more. It returns false if the flow is to be removed.
func (w *walker) again(f *dpif.Flow, k *ukey) bool {
	key := Key(f)
	if w.in.Snap.Port(key.InPort()) == nil {
		return false
	}
	w.in.Key = &key
	w.ctx.Translate(&w.in, &w.res)
	res := &w.res
	marks := marksOf(res.Mask)
	clear(res.Mask[len(k.key):])
	if wider(res.Mask, f.Mask) || marks&^k.marks != 0 {
		w.set.cfg.Recirc.Release(res.Recircs)
		return false
	}
	// Installed too narrowly, a flow is right but there are more of them than need be; it goes when it is idle.
	k.seq = w.seq
	if !slices.Equal(k.effects, res.Effects) {
		k.effects = append(k.effects[:0:0], res.Effects...)
	}
	k.release()
	if len(res.Recircs) > 0 {
		ids := append([]uint32(nil), res.Recircs...)
		k.recircs = &ids
	}
	want := res.Installed()
	if have := f.Actions.Load(); have == nil || !equalLists(*have, want) {
		l := new(actions.List)
		*l = append(make(actions.List, 0, len(want)), want...)
		w.set.cfg.Datapath.FlowMod(f, l, w.pending(nil))
	}
	return true
}

// pending counts a command to the datapath; the result is called when it has been carried out.
func (w *walker) pending(then func()) func() {
	w.asked++
	w.gone.Add(1)
	return func() {
		if then != nil {
			then()
		}
		w.gone.Done()
	}
}

// wider says whether m reads bits that installed does not match.
func wider(m, installed *flow.Mask) bool {
	for i := range m {
		if m[i]&^installed[i] != 0 {
			return true
		}
	}
	return false
}

// remove takes a flow out.
func (w *walker) remove(f *dpif.Flow, k *ukey) {
	if k == nil {
		w.set.cfg.Datapath.FlowDel(f, w.pending(nil))
		return
	}
	k.going, k.flow = true, f
	s := w.set
	s.cfg.Datapath.FlowDel(f, w.pending(func() {
		s.flows.Add(-1)
		s.deadMu.Lock()
		s.dead = append(s.dead, k)
		s.deadMu.Unlock()
	}))
}
