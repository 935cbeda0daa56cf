package oftable

import (
	"fmt"
	"math/bits"

	"govs/flow"
)

// prefixField is a field that a prefix trie can be built on: up to 128 bits at a place in the key.
type prefixField struct {
	id    flow.FieldID
	word  int
	shift int // of a field of 32 bits; 0 for one of two whole words
	width int // 32 or 128
	stage int
}

// get returns the field's bits of a key or mask, left-aligned.
func (f *prefixField) get(k *[flow.Words]uint64) bits128 {
	if f.width == 128 {
		return bits128{k[f.word], k[f.word+1]}
	}
	return bits128{hi: k[f.word] >> f.shift << 32}
}

// prefixBits returns the length of the mask if it is a prefix, else 0.
func (f *prefixField) prefixBits(m *flow.Mask) int {
	b := f.get((*[flow.Words]uint64)(m))
	n := 0
	if b.hi == ^uint64(0) {
		n = 64 + bits.LeadingZeros64(^b.lo)
	} else {
		n = bits.LeadingZeros64(^b.hi)
	}
	if b.keep(n) != b {
		return 0
	}
	return n
}

// setPrefix adds the first n bits of the field to wc.
func (f *prefixField) setPrefix(wc *flow.Mask, n int) {
	p := bits128{^uint64(0), ^uint64(0)}.keep(n)
	if f.width == 128 {
		wc[f.word] |= p.hi
		wc[f.word+1] |= p.lo
		return
	}
	wc[f.word] |= p.hi >> 32 << f.shift
}

// hasPrefix says whether wc has the first n bits of the field.
func (f *prefixField) hasPrefix(wc *flow.Mask, n int) bool {
	p := bits128{^uint64(0), ^uint64(0)}.keep(n)
	b := f.get((*[flow.Words]uint64)(wc))
	return b.hi&p.hi == p.hi && b.lo&p.lo == p.lo
}

// prefixSet is a table's prefix fields with their tries.
type prefixSet struct {
	fields []prefixField
	tries  [maxPrefixes]trie
}

// DefaultPrefixes are the prefix fields of a new table: nw_dst and nw_src, as Open vSwitch's.
func DefaultPrefixes() []flow.FieldID { return []flow.FieldID{flow.FieldNwDst, flow.FieldNwSrc} }

// prefixFieldOf describes the field, if it can be a prefix field.
func prefixFieldOf(id flow.FieldID) (prefixField, bool) {
	switch id {
	case flow.FieldNwSrc:
		return prefixField{id, flow.WIPv4, 32, 32, stageL3}, true
	case flow.FieldNwDst:
		return prefixField{id, flow.WIPv4, 0, 32, stageL3}, true
	case flow.FieldTunSrc:
		return prefixField{id, flow.WTunIPv4, 32, 32, stageMetadata}, true
	case flow.FieldTunDst:
		return prefixField{id, flow.WTunIPv4, 0, 32, stageMetadata}, true
	case flow.FieldIPv6Src:
		return prefixField{id, flow.WIPv6Src, 0, 128, stageL3}, true
	case flow.FieldIPv6Dst:
		return prefixField{id, flow.WIPv6Dst, 0, 128, stageL3}, true
	}
	return prefixField{}, false
}

func newPrefixSet(ids []flow.FieldID) *prefixSet {
	p := &prefixSet{}
	for _, id := range ids {
		if f, ok := prefixFieldOf(id); ok && len(p.fields) < maxPrefixes {
			p.fields = append(p.fields, f)
		}
	}
	return p
}

// SetPrefixes replaces the table's prefix fields (the Flow_Table table's prefixes column) and rebuilds the tries.
// At most three fields, each nw_src, nw_dst, tun_src, tun_dst, ipv6_src or ipv6_dst. Writer only.
func (t *Table[T]) SetPrefixes(ids []flow.FieldID) error {
	if len(ids) > maxPrefixes {
		return fmt.Errorf("maximum number of prefixes exceeded: %d, at most %d", len(ids), maxPrefixes)
	}
	for _, id := range ids {
		if _, ok := prefixFieldOf(id); !ok {
			return fmt.Errorf("field %v cannot be a prefix field", id)
		}
	}
	old := t.order.Load()
	next := &order[T]{pfx: newPrefixSet(ids), subs: make([]ranked[T], 0, len(old.subs))}
	for _, e := range old.subs {
		m := e.sub.mask()
		e.sub.plens = next.pfx.lens(&m)
		e.plens = e.sub.plens
		next.subs = append(next.subs, e)
		tab := e.sub.tab.Load()
		for i := range tab.rules {
			for r := tab.rules[i].Load(); r != nil; r = r.next.Load() {
				e.sub.eachPrefix(next.pfx, r, (*trie).insert)
			}
		}
	}
	t.order.Store(next)
	return nil
}

// lens are the lengths of m's prefixes of the set's fields.
func (p *prefixSet) lens(m *flow.Mask) (l prefixLens) {
	for i := range p.fields {
		l[i] = uint8(p.fields[i].prefixBits(m))
	}
	return l
}

// eachPrefix applies f to every trie that the rule's prefix belongs in.
func (s *subtable[T]) eachPrefix(p *prefixSet, r *Rule[T], f func(*trie, bits128, int)) {
	for i := range p.fields {
		n := int(s.plens[i])
		if n == 0 {
			continue
		}
		pf := &p.fields[i]
		var v bits128
		if pf.width == 128 {
			v = bits128{s.keyWord(r, pf.word), s.keyWord(r, pf.word+1)}
		} else {
			v = bits128{hi: s.keyWord(r, pf.word) >> pf.shift << 32}
		}
		f(&p.tries[i], v, n)
	}
}

// SamePrefixes says whether ids are the table's prefix fields already.
func (t *Table[T]) SamePrefixes(ids []flow.FieldID) bool {
	pfx := t.order.Load().pfx
	if len(ids) != len(pfx.fields) {
		return false
	}
	for i, id := range ids {
		if pfx.fields[i].id != id {
			return false
		}
	}
	return true
}
