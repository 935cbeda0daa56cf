package oftable

import (
	"cmp"
	"math/bits"
	"slices"
	"sync/atomic"

	"govs/flow"
)

// The stages of a lookup. A packet that fails in one does not depend on the fields of the later ones.
const (
	stageMetadata = iota
	stageL2
	stageL3
	stageL4
	numStages
)

// stageOf splits bits of key word i by stage.
func stageOf(i int, w uint64) (parts [numStages]uint64) {
	const hi32, lo32 = uint64(0xffffffff) << 32, uint64(0xffffffff)
	switch i {
	case flow.WEthDst, flow.WVLAN, flow.WMPLS:
		parts[stageL2] = w
	case flow.WEthSrc: // eth_src:48 tcp_flags:16
		parts[stageL2], parts[stageL4] = w&^0xffff, w&0xffff
	case flow.WMPLS + 1: // lse2:32 igmp_group:32
		parts[stageL2], parts[stageL4] = w&hi32, w&lo32
	case flow.WL4: // protocol, TOS, TTL, fragment : 32 tp_src:16 tp_dst:16
		parts[stageL3], parts[stageL4] = w&hi32, w&lo32
	case flow.WCTPort: // ct_tp_src:16 ct_tp_dst:16 packet_type:32
		parts[stageL4], parts[stageMetadata] = w&hi32, w&lo32
	case flow.WIPv6Misc: // ipv6_label:32 nd_reserved:32
		parts[stageL3], parts[stageL4] = w&hi32, w&lo32
	case flow.WIPv4, flow.WIPv6Src, flow.WIPv6Src + 1, flow.WIPv6Dst, flow.WIPv6Dst + 1,
		flow.WCTIPv4, flow.WCTIPv6, flow.WCTIPv6 + 1, flow.WCTIPv6 + 2, flow.WCTIPv6 + 3:
		parts[stageL3] = w
	case flow.WARPSha, flow.WARPTha, flow.WNDTarget, flow.WNDTarget + 1:
		parts[stageL4] = w
	default:
		parts[stageMetadata] = w
	}
	return parts
}

func newSubtable[T any](m *flow.Mask) *subtable[T] {
	s := &subtable[T]{}
	var split [flow.Words][numStages]uint64
	for i, w := range m {
		if w != 0 {
			split[i] = stageOf(i, w)
		}
	}
	for st := range s.end {
		for i := range m {
			if p := split[i][st]; p != 0 {
				s.words = append(s.words, word{uint8(i), p})
				s.last = st
			}
		}
		s.end[st] = len(s.words)
	}
	s.words = append([]word(nil), s.words...) // exact size
	for st := range s.end {
		begin := 0
		if st > 0 {
			begin = s.end[st-1]
		}
		s.indexed[st] = s.end[st] > begin && st < s.last
	}
	if pm := uint32(m[flow.WL4]); pm != 0 {
		s.portMask = pm
		s.portBits = 32 - bits.TrailingZeros32(pm)
	}
	return s
}

func (s *subtable[T]) mask() flow.Mask {
	var m flow.Mask
	for i := range s.words {
		m[s.words[i].idx] |= s.words[i].mask
	}
	return m
}

// fold adds to wc the masks of the stages before stage.
func (s *subtable[T]) fold(wc *flow.Mask, stage int) {
	n := 0
	if stage > 0 {
		n = s.end[stage-1]
	}
	for i := range s.words[:n] {
		wc[s.words[i].idx] |= s.words[i].mask
	}
}

// keyWord rebuilds one word of the rule's masked key.
func (s *subtable[T]) keyWord(r *Rule[T], idx int) (w uint64) {
	for i := range s.words {
		if int(s.words[i].idx) == idx {
			w |= r.vals[i]
		}
	}
	return w
}

// portsOf is tp_src,tp_dst of word WL4 for the ports trie.
func portsOf(w uint64) bits128 { return bits128{hi: w << 32} }

// equal says whether r's match has k's values.
func (s *subtable[T]) equal(r *Rule[T], k *flow.Key) bool {
	for i := range s.words {
		w := &s.words[i]
		if k[w.idx]&w.mask != r.vals[i] {
			return false
		}
	}
	return true
}

// probe returns the first rule of the slot with k's values, whose hash is t.
func (s *subtable[T]) probe(t uint32, k *flow.Key) *Rule[T] {
	tab := s.tab.Load()
	if tab == nil {
		return nil
	}
	m := uint32(len(tab.tags) - 1)
	for i := t & m; ; i = (i + 1) & m {
		switch tab.tags[i].Load() {
		case t:
			if r := tab.rules[i].Load(); r != nil && s.equal(r, k) {
				return r
			}
		case tagEmpty:
			return nil
		}
	}
}

// find returns the first rule with k's values, of any priority.
func (s *subtable[T]) find(k *flow.Key) *Rule[T] {
	h := uint64(hashSeed)
	for i := range s.words {
		h = hashAdd(h, k[s.words[i].idx]&s.words[i].mask)
	}
	return s.probe(tag(h), k)
}

// sameMatch says whether two rules of the subtable have the same match.
func sameMatch[T any](a, b *Rule[T]) bool {
	for i, v := range a.vals {
		if b.vals[i] != v {
			return false
		}
	}
	return true
}

// hashOf is the tag of the rule's match.
func (s *subtable[T]) hashOf(r *Rule[T]) uint32 {
	h := uint64(hashSeed)
	for _, v := range r.vals {
		h = hashAdd(h, v)
	}
	return tag(h)
}

// put links r, whose hash is t, into its slot, before rules of the same match with lower or equal priority.
func (s *subtable[T]) put(r *Rule[T], t uint32) {
	tab := s.tab.Load()
	if tab == nil || s.used*4 >= len(tab.tags)*3 {
		tab = s.grow(tab)
	}
	m := uint32(len(tab.tags) - 1)
	for i := t & m; ; i = (i + 1) & m {
		switch tab.tags[i].Load() {
		case t:
			head := tab.rules[i].Load()
			if head == nil || !sameMatch(head, r) {
				continue
			}
			if head.priority <= r.priority {
				r.next.Store(head)
				tab.rules[i].Store(r)
				return
			}
			for {
				n := head.next.Load()
				if n == nil || n.priority <= r.priority {
					r.next.Store(n)
					head.next.Store(r)
					return
				}
				head = n
			}
		case tagEmpty:
			tab.rules[i].Store(r)
			tab.tags[i].Store(t)
			s.used++
			s.live++
			return
		}
	}
}

// take unlinks r, whose hash is t. It returns false if r is not in the table. r keeps its next pointer for readers that are at it.
func (s *subtable[T]) take(r *Rule[T], t uint32) bool {
	tab := s.tab.Load()
	if tab == nil {
		return false
	}
	m := uint32(len(tab.tags) - 1)
	for i := t & m; ; i = (i + 1) & m {
		switch tab.tags[i].Load() {
		case t:
			head := tab.rules[i].Load()
			if head == nil || !sameMatch(head, r) {
				continue
			}
			if head == r {
				if n := r.next.Load(); n != nil {
					tab.rules[i].Store(n)
					return true
				}
				tab.tags[i].Store(tagDeleted)
				tab.rules[i].Store(nil)
				s.live--
				return true
			}
			for n := head.next.Load(); n != nil; head, n = n, n.next.Load() {
				if n == r {
					head.next.Store(r.next.Load())
					return true
				}
			}
			return false
		case tagEmpty:
			return false
		}
	}
}

// grow makes room: a table at most half full.
func (s *subtable[T]) grow(old *ruleTab[T]) *ruleTab[T] {
	n := minSlots
	for n < (s.live+1)*2 {
		n *= 2
	}
	tab := &ruleTab[T]{tags: make([]atomic.Uint32, n), rules: make([]atomic.Pointer[Rule[T]], n)}
	m := uint32(n - 1)
	s.used = 0
	if old != nil {
		for j := range old.tags {
			t := old.tags[j].Load()
			if t < tagFirst {
				continue
			}
			i := t & m
			for tab.tags[i].Load() != tagEmpty {
				i = (i + 1) & m
			}
			tab.tags[i].Store(t)
			tab.rules[i].Store(old.rules[j].Load())
			s.used++
		}
	}
	s.tab.Store(tab)
	return tab
}

// each calls f for the rules visible at v, in the order of their insertion. It walks the table as it was at the call.
func (s *subtable[T]) each(v uint64, f func(*Rule[T]) bool) bool {
	tab := s.tab.Load()
	if tab == nil {
		return true
	}
	var all []*Rule[T]
	for i := range tab.rules {
		for r := tab.rules[i].Load(); r != nil; r = r.next.Load() {
			if r.Visible(v) {
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Rule[T]) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range all {
		if !f(r) {
			return false
		}
	}
	return true
}
