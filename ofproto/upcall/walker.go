package upcall

import (
	"slices"
	"sync"

	"govs/dpif"
	"govs/flow"
	"govs/ofproto/xlate"
)

// walk is what holds for one walk of the megaflows.
type walk struct {
	seq  uint64 // change number at its start
	now  int64
	idle int64 // ms after which a flow is removed
	all  bool  // remove every flow
	slow bool  // the last walk was slow: flows with little traffic are not worth translating
	pps  int64
}

// walker is one revalidator: in a walk, one goroutine uses it.
type walker struct {
	walk
	set   *Set
	ctx   *xlate.Ctx
	in    xlate.Input
	res   xlate.Result
	what  xlate.Push
	key   flow.Key
	judge *xlate.Judge
	interned
	gone  sync.WaitGroup // commands to the datapath that are under way
	asked bool

	done    func() // ends a command
	removed func() // ends one that has taken out a flow of a ukey

	dead []*dpif.Flow // that the datapath was asked to take out, to be settled
}

func newWalker(s *Set) *walker {
	w := &walker{set: s, ctx: xlate.NewCtx(s.cfg.Readers, s.cfg.Recirc), interned: newInterned()}
	w.done = w.gone.Done
	w.removed = func() {
		s.flows.Add(-1)
		w.gone.Done()
	}
	return w
}

// settle waits until the datapath has taken out what it was asked to, and pushes the last of those flows' counters.
func (w *walker) settle() {
	if !w.asked {
		w.dead = nil // one walk after the last that needed it
		return
	}
	w.asked = false
	w.gone.Wait()
	for _, f := range w.dead {
		k := f.Owner.(*ukey)
		w.push(k, f.Stats()) // final
		w.set.release(k)
	}
	clear(w.dead)
	w.dead = w.dead[:0]
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
	fresh := k.packets == 0
	used := max(st.Used, k.created)
	w.push(k, st)
	switch {
	case w.all || used < w.now-w.idle:
		w.remove(f, k)
	case k.seq >= w.seq:
	case !w.judge.Concerned(k.seq, k.deps, f.Whole(), f.Mask):
		k.seq = w.seq
	case !fresh && !w.worthwhile(packets, used) || !w.again(f, k):
		w.remove(f, k)
	}
}

// worthwhile says whether a flow is translated again rather than removed: always, unless walks are slow and the flow has had
// fewer than min-revalidate-pps packets. (A flow that has had none at all so far may be new.)
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
	w.what = xlate.Push{Packets: st.Packets - k.packets, Bytes: st.Bytes - k.bytes, Used: st.Used, TCPFlags: st.TCPFlags}
	k.packets, k.bytes = st.Packets, st.Bytes
	k.flags |= st.TCPFlags
	for _, e := range k.effects {
		e.Push(&w.what)
	}
}

// again translates the flow once more. It returns false if the flow is to be removed.
func (w *walker) again(f *dpif.Flow, k *ukey) bool {
	w.key = Key(f)
	if w.in.Snap.Port(w.key.InPort()) == nil {
		return false
	}
	w.set.Revalidated.Add(1)
	w.in.Key = &w.key
	w.ctx.Translate(&w.in, &w.res)
	res := &w.res
	marks := marksOf(res.Mask)
	clear(res.Mask[len(f.Whole()):])
	if wider(res.Mask, f.Mask) || marks&^k.marks != 0 {
		w.set.cfg.Recirc.Release(res.Recircs)
		return false
	}
	// Installed too narrowly, a flow is right but there are more of them than need be; it goes when it is idle.
	k.seq = w.seq
	if *k.deps != res.Deps {
		k.deps = w.deps(&res.Deps)
	}
	if !slices.Equal(k.effects, res.Effects) {
		k.effects = w.effects(res.Effects)
	}
	w.set.release(k)
	k.recircs = w.recircs(res.Recircs)
	want := res.Installed()
	if have := f.Actions.Load(); have == nil || !equalLists(*have, want) {
		w.set.cfg.Datapath.FlowMod(f, w.list(want), w.pending(w.done))
	}
	return true
}

// pending counts a command to the datapath, which calls done when it has been carried out.
func (w *walker) pending(done func()) func() {
	w.asked = true
	w.gone.Add(1)
	return done
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
		w.set.cfg.Datapath.FlowDel(f, w.pending(w.done))
		return
	}
	k.going = true
	w.dead = append(w.dead, f)
	w.set.cfg.Datapath.FlowDel(f, w.pending(w.removed))
}
