package oftable

import "govs/flow"

// trieState is one prefix field during one lookup.
type trieState struct {
	done   bool    // the trie has been asked
	lens   bits128 // prefix lengths of rules that cover the packet
	looked int     // leading bits that this answer depends on
}

// Lookup returns the rule of the highest priority among those that are visible at version v and match k, or nil.
// If wc is not nil, the bits of k that the answer depended on are added to it. The caller of a lookup with
// wc must have the Ethernet type in it already, as prefix fields depend on it. k is only read.
func (t *Table[T]) Lookup(v uint64, k *flow.Key, wc *flow.Mask) *Rule[T] {
	o := t.order.Load()
	var best *Rule[T]
	if wc == nil {
		for i := range o.subs {
			e := &o.subs[i]
			if best != nil && e.max <= best.priority {
				break
			}
			if r := visible(e.sub.find(k), v); r != nil && (best == nil || r.priority > best.priority) {
				best = r
			}
		}
		return best
	}
	var tries [maxPrefixes]trieState
	for i := range o.subs {
		e := &o.subs[i]
		if best != nil && e.max <= best.priority {
			break
		}
		if r := e.lookup(o.pfx, &tries, v, k, wc); r != nil && (best == nil || r.priority > best.priority) {
			best = r
		}
	}
	return best
}

// visible returns the first rule of the chain that is visible at v.
func visible[T any](r *Rule[T], v uint64) *Rule[T] {
	for r != nil && !r.Visible(v) {
		r = r.next.Load()
	}
	return r
}

// lookup finds the rule of one subtable and adds to wc what that depended on.
func (e *ranked[T]) lookup(pfx *prefixSet, tries *[maxPrefixes]trieState, v uint64, k *flow.Key, wc *flow.Mask) *Rule[T] {
	s := e.sub
	h := uint64(hashSeed)
	j := 0
	for st := stageMetadata; st < s.last; st++ {
		if !s.indexed[st] {
			continue
		}
		for ; j < s.end[st]; j++ {
			h = hashAdd(h, k[s.words[j].idx]&s.words[j].mask)
		}
		if !s.index[st].Has(tag(h)) {
			// The tries are asked only now: they know the prefixes of every rule that the index does.
			if !e.ruledOut(pfx, tries, st, k, wc) {
				st++
			}
			s.fold(wc, st)
			return nil
		}
	}
	for ; j < len(s.words); j++ {
		h = hashAdd(h, k[s.words[j].idx]&s.words[j].mask)
	}
	r := visible(s.probe(tag(h), k), v)
	if r == nil && e.ruledOut(pfx, tries, s.last, k, wc) {
		s.fold(wc, s.last)
		return nil
	}
	if r == nil && s.portBits > 0 {
		// Only the ports can have failed, as far as hashes tell. They always are of the last stage.
		_, looked := s.ports.lookup(portsOf(k[flow.WL4]&uint64(s.portMask)), 32)
		wc[flow.WL4] |= uint64(^uint32(0)<<(32-looked)) & uint64(s.portMask)
		// The other fields of the last stage count whole, as in Open vSwitch.
		for i := range s.words {
			if w := &s.words[i]; w.idx != flow.WL4 || w.mask>>32 != 0 {
				wc[w.idx] |= w.mask
			}
		}
		return nil
	}
	s.fold(wc, numStages)
	return r
}

// ruledOut says whether a prefix trie tells that the subtable has no rule for k, looking only at the prefix
// fields of one stage. It then has added the prefix bits that this depended on to wc.
func (e *ranked[T]) ruledOut(pfx *prefixSet, tries *[maxPrefixes]trieState, stage int, k *flow.Key, wc *flow.Mask) bool {
	for i := range pfx.fields {
		f := &pfx.fields[i]
		plen := int(e.plens[i])
		if plen == 0 || f.stage != stage {
			continue
		}
		ts := &tries[i]
		if !ts.done {
			ts.lens, ts.looked = pfx.tries[i].lookup(f.get((*[flow.Words]uint64)(k)), f.width)
			ts.done = true
		}
		if ts.lens.bit(plen-1) != 0 {
			continue
		}
		// The trie is of all subtables: it may have needed more bits than this one's prefix has. Then it only
		// helps if they are in wc anyway.
		if ts.looked <= plen {
			f.setPrefix(wc, ts.looked)
			return true
		}
		if f.hasPrefix(wc, ts.looked) {
			return true
		}
	}
	return false
}
