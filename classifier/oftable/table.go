package oftable

import (
	"container/heap"
	"math"
	"slices"
	"sync/atomic"

	"govs/flow"
)

// Forever is the removal version of a rule that nobody has removed.
const Forever = math.MaxUint64

// Rule is one rule. T is what the user of the table keeps with it; its members may be used freely.
// A Rule belongs to at most one Table.
type Rule[T any] struct {
	Data T

	sub      *subtable[T]
	vals     []uint64 // the key under the subtable's mask, one for each of its words
	next     atomic.Pointer[Rule[T]]
	added    atomic.Uint64
	removed  atomic.Uint64
	seq      uint32 // place in listings
	priority int32
	match    *flow.Match // before Insert only
}

// NewRule returns a rule that is in no table. The match is kept, and read by Insert.
func NewRule[T any](m *flow.Match, priority int) *Rule[T] {
	r := &Rule[T]{match: m, priority: int32(priority)}
	r.added.Store(Forever)
	r.removed.Store(Forever)
	return r
}

// Priority is the rule's priority. Higher wins.
func (r *Rule[T]) Priority() int { return int(r.priority) }

// Seq orders the rules of a table by their insertion; 0 before it.
func (r *Rule[T]) Seq() uint32 { return r.seq }

// Match fills m with the rule's match.
func (r *Rule[T]) Match(m *flow.Match) {
	if r.match != nil {
		*m = *r.match
		return
	}
	*m = flow.Match{Mask: r.sub.mask()}
	for i := range r.sub.words {
		w := &r.sub.words[i]
		m.Key[w.idx] |= r.vals[i]
	}
}

// MaskInto adds the rule's mask to m.
func (r *Rule[T]) MaskInto(m *flow.Mask) {
	if r.match != nil {
		m.Or(&r.match.Mask)
		return
	}
	r.sub.fold(m, numStages)
}

// MaskID identifies the rule's mask among those of a table: rules with equal MaskIDs have equal masks. Only for rules that have
// been inserted.
func (r *Rule[T]) MaskID() any { return r.sub }

// NumWords is the number of pieces of the rule's match that Word returns. Only for rules that have been inserted; they may
// have been removed again.
func (r *Rule[T]) NumWords() int { return len(r.vals) }

// Word is the i-th piece of the rule's match: a word of the key, bits of its mask, and their values. A word may come
// in more than one piece. Rules of equal MaskIDs have equal pieces but for the values.
func (r *Rule[T]) Word(i int) (idx int, mask, val uint64) {
	w := &r.sub.words[i]
	return int(w.idx), w.mask, r.vals[i]
}

// Visible says whether lookups at version v find the rule.
func (r *Rule[T]) Visible(v uint64) bool {
	return r.added.Load() <= v && v < r.removed.Load()
}

// SetRemoved makes the rule invisible from version v on; Forever takes that back. Writer only.
func (r *Rule[T]) SetRemoved(v uint64) { r.removed.Store(v) }

// Removed is the version from which on the rule is invisible, or Forever.
func (r *Rule[T]) Removed() uint64 { return r.removed.Load() }

// word is one word of a subtable's mask, or the part of it that belongs to one stage.
type word struct {
	idx  uint8
	mask uint64
}

// maxPrefixes is the most prefix fields of a table, as in Open vSwitch.
const maxPrefixes = 3

// subtable holds the rules of one mask. Everything but the atomics, and what they point to, is constant or the writer's.
type subtable[T any] struct {
	words    []word                     // in stage order
	end      [numStages]int             // words[:end[s]] are those of stages up to s
	last     int                        // the last stage that has words, 0 if none
	indexed  [numStages]bool            // stage has words and is not the last: index[s] tells which hashes exist
	index    [numStages]tagSet          // hashes of the words of stages up to s
	portBits int                        // length of the prefix of tp_src,tp_dst that is matched; 0: no ports trie
	portMask uint32                     // mask of tp_src,tp_dst
	ports    trie                       // of tp_src,tp_dst
	plens    prefixLens                 // for the table's present prefix fields; writer only, readers have a copy in ranked
	tab      atomic.Pointer[ruleTab[T]] // hash of all words -> rules

	used  int // slots of tab that are not empty
	live  int // slots of tab that hold rules
	rules int // all rules
	prios prioCount
}

// ruleTab is an open-addressing table. Each slot holds the rules of one match, linked in order of falling priority.
type ruleTab[T any] struct {
	tags  []atomic.Uint32
	rules []atomic.Pointer[Rule[T]]
}

// prefixLens is, for each prefix field of a table, the length of a subtable's prefix; 0 when its mask of the field is not one.
type prefixLens [maxPrefixes]uint8

// ranked is a subtable in probing order.
type ranked[T any] struct {
	max   int32
	plens prefixLens
	sub   *subtable[T]
}

// order is what a lookup goes through; immutable, but for what it points to.
type order[T any] struct {
	subs []ranked[T] // by falling maximum priority, older subtables first
	pfx  *prefixSet
}

// Table is a classifier. The zero Table is not ready; use New.
type Table[T any] struct {
	order  atomic.Pointer[order[T]]   // what readers go through; replaced whole
	byMask map[flow.Mask]*subtable[T] // writer only
	last   *subtable[T]               // what withMask found last, whose mask is mask; writer only
	mask   flow.Mask
	n      atomic.Int64 // rules of all versions
	seq    uint32       // of the newest rule; writer only
}

// New returns an empty table with the default prefix fields.
func New[T any]() *Table[T] {
	t := &Table[T]{byMask: make(map[flow.Mask]*subtable[T])}
	t.order.Store(&order[T]{pfx: newPrefixSet(DefaultPrefixes())})
	return t
}

// Len is the number of rules of all versions.
func (t *Table[T]) Len() int { return int(t.n.Load()) }

// Subtables is the number of distinct masks.
func (t *Table[T]) Subtables() int { return len(t.order.Load().subs) }

// Insert adds a rule that is visible from version v on. A rule with equal match and priority that is visible at v
// must have been given a removal version of at most v before.
func (t *Table[T]) Insert(r *Rule[T], v uint64) {
	m := r.match
	pfx := t.order.Load().pfx
	s := t.withMask(&m.Mask)
	isNew := s == nil
	if isNew {
		s = newSubtable[T](&m.Mask)
		s.plens = pfx.lens(&m.Mask)
		t.byMask[m.Mask] = s
	}
	r.sub = s
	r.vals = make([]uint64, len(s.words))
	for i := range s.words {
		r.vals[i] = m.Key[s.words[i].idx] & s.words[i].mask
	}
	r.match = nil
	r.added.Store(v)
	r.removed.Store(Forever)

	// Indexes and tries first: a reader that finds the rule must not have been turned away by them. (A
	// reader that needs this version comes later anyway.)
	h := uint64(hashSeed)
	j := 0
	for st := range s.end {
		for ; j < s.end[st]; j++ {
			h = hashAdd(h, r.vals[j])
		}
		if s.indexed[st] {
			s.index[st].Add(tag(h))
		}
	}
	t.seq++
	r.seq = t.seq
	s.eachPrefix(pfx, r, (*trie).insert)
	if s.portBits > 0 {
		s.ports.insert(portsOf(m.Key[flow.WL4]), s.portBits)
	}
	s.put(r, tag(h))
	s.rules++
	t.n.Add(1)
	old, had := s.prios.max()
	s.prios.add(r.priority)
	if isNew || !had || r.priority > old {
		t.rank(s, isNew)
	}
}

// Remove takes a rule out at once, whatever its versions. Readers that are at it still see a consistent chain.
func (t *Table[T]) Remove(r *Rule[T]) {
	s := r.sub
	if !s.take(r, s.hashOf(r)) {
		return
	}
	if s.portBits > 0 {
		s.ports.remove(portsOf(s.keyWord(r, flow.WL4)), s.portBits)
	}
	s.eachPrefix(t.order.Load().pfx, r, (*trie).remove)
	h := uint64(hashSeed)
	j := 0
	for st := range s.end {
		for ; j < s.end[st]; j++ {
			h = hashAdd(h, r.vals[j])
		}
		if s.indexed[st] {
			s.index[st].Remove(tag(h))
		}
	}
	s.rules--
	t.n.Add(-1)
	old, _ := s.prios.max()
	s.prios.remove(r.priority)
	if s.rules == 0 {
		delete(t.byMask, s.mask())
		t.last = nil
		t.unrank(s)
	} else if now, _ := s.prios.max(); now != old {
		t.rank(s, false)
	}
}

// withMask returns the subtable of a mask, or nil. Rules often come many of one mask in a row, and hashing a mask takes longer than
// comparing two.
func (t *Table[T]) withMask(m *flow.Mask) *subtable[T] {
	if t.last != nil && t.mask == *m {
		return t.last
	}
	s := t.byMask[*m]
	if s != nil {
		t.last, t.mask = s, *m
	}
	return s
}

// rank moves s, or puts it if it is new, to the place that its maximum priority gives it.
func (t *Table[T]) rank(s *subtable[T], isNew bool) {
	old := t.order.Load()
	subs := make([]ranked[T], 0, len(old.subs)+1)
	subs = append(subs, old.subs...)
	now, _ := s.prios.max()
	if isNew {
		subs = append(subs, ranked[T]{now, s.plens, s})
	} else {
		for i := range subs {
			if subs[i].sub == s {
				subs[i].max = now
			}
		}
	}
	slices.SortStableFunc(subs, func(a, b ranked[T]) int { return int(b.max) - int(a.max) })
	t.order.Store(&order[T]{subs, old.pfx})
}

func (t *Table[T]) unrank(s *subtable[T]) {
	old := t.order.Load()
	subs := make([]ranked[T], 0, len(old.subs))
	for _, e := range old.subs {
		if e.sub != s {
			subs = append(subs, e)
		}
	}
	t.order.Store(&order[T]{subs, old.pfx})
}

// InsertLike is Insert of a rule that takes the place of old in listings.
func (t *Table[T]) InsertLike(r, old *Rule[T], v uint64) {
	t.Insert(r, v)
	r.seq = old.seq
}

// Find returns the rule with exactly this match and priority that is visible at v, or nil. Writer only.
func (t *Table[T]) Find(v uint64, m *flow.Match, priority int) *Rule[T] {
	s := t.withMask(&m.Mask)
	if s == nil {
		return nil
	}
	for r := s.find(&m.Key); r != nil; r = r.next.Load() {
		if r.priority == int32(priority) && r.Visible(v) {
			return r
		}
	}
	return nil
}

// Each calls f for every rule that is visible at v until f returns false. f may Remove the rule. Rules come by subtable, in the
// order of lookup, and within one in the order of their insertion.
func (t *Table[T]) Each(v uint64, f func(*Rule[T]) bool) {
	for _, e := range t.order.Load().subs {
		if !e.sub.each(v, f) {
			return
		}
	}
}

// EachCovered calls f for every rule visible at v whose match is equal to or narrower than m, until f returns false.
func (t *Table[T]) EachCovered(v uint64, m *flow.Match, f func(*Rule[T]) bool) {
	for _, e := range t.order.Load().subs {
		if mask := e.sub.mask(); !mask.Covers(&m.Mask) {
			continue
		}
		var crit []word // of m, to compare rules with
		var want []uint64
		var at []int
		for i := range e.sub.words {
			w := e.sub.words[i]
			if bits := w.mask & m.Mask[w.idx]; bits != 0 {
				crit = append(crit, word{w.idx, bits})
				want = append(want, m.Key[w.idx]&bits)
				at = append(at, i)
			}
		}
		more := e.sub.each(v, func(r *Rule[T]) bool {
			for i, c := range crit {
				if r.vals[at[i]]&c.mask != want[i] {
					return true
				}
			}
			return f(r)
		})
		if !more {
			return
		}
	}
}

// Overlap returns a rule of the given priority, visible at v, that shares some packet with m, or nil.
func (t *Table[T]) Overlap(v uint64, m *flow.Match, priority int) *Rule[T] {
	var found *Rule[T]
	for _, e := range t.order.Load().subs {
		if e.max < int32(priority) {
			break
		}
		e.sub.each(v, func(r *Rule[T]) bool {
			if r.priority != int32(priority) {
				return true
			}
			for i := range e.sub.words {
				w := &e.sub.words[i]
				if (r.vals[i]^m.Key[w.idx])&w.mask&m.Mask[w.idx] != 0 {
					return true
				}
			}
			found = r
			return false
		})
		if found != nil {
			break
		}
	}
	return found
}

// prioCount counts rules by priority and knows the highest one.
type prioCount struct {
	count map[int32]int
	order prioHeap // may hold priorities whose count has gone to zero
}

type prioHeap []int32

func (h prioHeap) Len() int           { return len(h) }
func (h prioHeap) Less(i, j int) bool { return h[i] > h[j] }
func (h prioHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *prioHeap) Push(x any)        { *h = append(*h, x.(int32)) }
func (h *prioHeap) Pop() any {
	o := *h
	x := o[len(o)-1]
	*h = o[:len(o)-1]
	return x
}

func (p *prioCount) add(prio int32) {
	if p.count == nil {
		p.count = make(map[int32]int, 1)
	}
	n, known := p.count[prio]
	p.count[prio] = n + 1
	if !known {
		heap.Push(&p.order, prio)
	}
}

func (p *prioCount) remove(prio int32) {
	p.count[prio]--
}

// max returns the highest priority that is counted, if there is any.
func (p *prioCount) max() (int32, bool) {
	for len(p.order) > 0 {
		top := p.order[0]
		if p.count[top] > 0 {
			return top, true
		}
		delete(p.count, top)
		heap.Pop(&p.order)
	}
	return 0, false
}
