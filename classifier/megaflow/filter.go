package megaflow

import (
	"math/bits"

	"govs/flow"
)

// filterFrom is the number of subtables from which a Classifier asks its filter; filterAfter is how many of the most hit
// subtables it searches before.
const (
	filterFrom  = 32
	filterAfter = 4
)

const (
	filterBits = 11 // a slot's number
	maxAtoms   = 512
)

// filter says which subtables may hold a packet's flow, so that a packet which none of them holds need not be looked for in all:
// otherwise, who can make a switch have many masks makes every miss expensive.
//
// A mask is cut into lanes, pieces of a field's size. What one mask, or many, have in a lane is an atom: bits of a key word.
// However many masks there are, they are combinations of few atoms: the prefixes of two addresses and two ports, 1.1 million
// combinations, are 96 atoms. Each atom knows, but for collisions, which values the flows of its subtables have in it. A
// packet's value that is not among them rules all subtables of the atom out at once. So a look-up costs a little for each atom
// and, mostly, one or two searches.
type filter struct {
	atoms []*atom
	slots []*Subtable // by number in sets; nil when free
	all   []uint64    // set of those that are not nil
	mult  uint64
}

// atom is a lane of one mask or more.
type atom struct {
	word    uint8
	mask    uint64
	subs    []uint64 // set of the subtables that have it, by slot
	users   int      // their number
	present [1 << filterBits / 64]uint64
	counts  [1 << filterBits]uint32 // flows by slot of their value
}

// lanes cut the words of a mask whose fields vary independently; of other words each is one lane.
var lanes = [flow.LenBase][]uint64{
	flow.WEthDst: {^uint64(0xffff), 0xffff},
	flow.WEthSrc: {^uint64(0xffff), 0xffff},
	flow.WIPv4:   {0xffffffff << 32, 0xffffffff},
	flow.WL4:     {0xffffffff << 32, 0xffff0000, 0xffff},
}

// cut calls f for each lane of m but in_port's, which all packets of a classifier share.
func cut(m *flow.Mask, f func(word int, mask uint64)) {
	for i := 1; i < len(m); i++ {
		if m[i] == 0 {
			continue
		}
		if i >= len(lanes) || lanes[i] == nil {
			f(i, m[i])
			continue
		}
		for _, l := range lanes[i] {
			if m[i]&l != 0 {
				f(i, m[i]&l)
			}
		}
	}
}

func (f *filter) slot(v uint64) uint64 { return v * f.mult >> (64 - filterBits) }

// add gives t, which has no flow yet, its place.
func (f *filter) add(t *Subtable) {
	n := len(f.slots)
	for i, x := range f.slots {
		if x == nil {
			n = i
			break
		}
	}
	if n == len(f.slots) {
		f.slots = append(f.slots, nil)
		if n/64 == len(f.all) {
			f.all = append(f.all, 0)
			for _, a := range f.atoms {
				a.subs = append(a.subs, 0)
			}
		}
	}
	f.slots[n] = t
	f.all[n/64] |= 1 << (n % 64)
	t.slot = n
	t.atoms = t.atoms[:0]
	cut(&t.u.Mask, func(word int, mask uint64) {
		var a *atom
		for _, x := range f.atoms {
			if int(x.word) == word && x.mask == mask {
				a = x
				break
			}
		}
		if a == nil {
			if len(f.atoms) >= maxAtoms {
				return // this lane rules nothing out
			}
			a = &atom{word: uint8(word), mask: mask, subs: make([]uint64, len(f.all))}
			f.atoms = append(f.atoms, a)
		}
		a.subs[n/64] |= 1 << (n % 64)
		a.users++
		t.atoms = append(t.atoms, a)
	})
}

// drop takes t, which has no flow any more, out.
func (f *filter) drop(t *Subtable) {
	n := t.slot
	f.slots[n] = nil
	f.all[n/64] &^= 1 << (n % 64)
	for _, a := range t.atoms {
		a.subs[n/64] &^= 1 << (n % 64)
		if a.users--; a.users == 0 {
			for i, x := range f.atoms {
				if x == a {
					last := len(f.atoms) - 1
					f.atoms[i] = f.atoms[last]
					f.atoms[last] = nil
					f.atoms = f.atoms[:last]
					break
				}
			}
		}
	}
	t.atoms = nil
}

// insert notes a flow of t with k's bits.
func (f *filter) insert(t *Subtable, k *flow.Key) {
	for _, a := range t.atoms {
		s := f.slot(k[a.word] & a.mask)
		if a.counts[s]++; a.counts[s] == 1 {
			a.present[s/64] |= 1 << (s % 64)
		}
	}
}

// remove forgets a flow that insert noted.
func (f *filter) remove(t *Subtable, k *flow.Key) {
	for _, a := range t.atoms {
		s := f.slot(k[a.word] & a.mask)
		if a.counts[s]--; a.counts[s] == 0 {
			a.present[s/64] &^= 1 << (s % 64)
		}
	}
}

// maxCand is the most words of subtable sets that find works with: beyond 4096 subtables it does not filter.
const maxCand = 64

// find looks for k, of n valid words, in the subtables that may hold it, and counts those.
func (f *filter) find(s *Store, k *flow.Key, n int) (r Ref, t *Subtable, probes int) {
	var space [maxCand]uint64
	if len(f.all) > maxCand {
		return f.findAll(s, k, n)
	}
	if len(f.all) == 1 {
		space[0] = f.candidates(k, n)
		return f.search(s, k, n, space[:1])
	}
	cand := space[:len(f.all)]
	copy(cand, f.all)
	for _, a := range f.atoms {
		if int(a.word) < n {
			s := f.slot(keyWord(k, a.word) & a.mask)
			if a.present[s/64%uint64(len(a.present))]>>(s%64)&1 != 0 {
				continue
			}
		}
		any := uint64(0)
		subs := a.subs[:len(cand)]
		for i := range cand {
			cand[i] &^= subs[i]
			any |= cand[i]
		}
		if any == 0 {
			return 0, nil, 0
		}
	}
	return f.search(s, k, n, cand)
}

// candidates is the set of the subtables that may hold k, of n valid words, when there are at most 64. Which atoms have k's value cannot be
// predicted: so there is no branch on it.
func (f *filter) candidates(k *flow.Key, n int) uint64 {
	cand := f.all[0]
	for _, a := range f.atoms {
		s := f.slot(keyWord(k, a.word) & a.mask)
		absent := a.present[s/64%uint64(len(a.present))]>>(s%64)&1 - 1
		if int(a.word) >= n {
			absent = ^uint64(0)
		}
		cand &^= a.subs[0] & absent
	}
	return cand
}

// search looks for k in the subtables of a set.
func (f *filter) search(s *Store, k *flow.Key, n int, cand []uint64) (r Ref, t *Subtable, probes int) {
	for i, w := range cand {
		for ; w != 0; w &= w - 1 {
			t := f.slots[i*64+bits.TrailingZeros64(w)]
			if t.last > n {
				continue
			}
			probes++
			if r, _ := t.find(s, k); r != 0 {
				return r, t, probes
			}
		}
	}
	return 0, nil, probes
}

func (f *filter) findAll(s *Store, k *flow.Key, n int) (r Ref, t *Subtable, probes int) {
	for _, t := range f.slots {
		if t == nil || t.last > n {
			continue
		}
		probes++
		if r, _ := t.find(s, k); r != 0 {
			return r, t, probes
		}
	}
	return 0, nil, probes
}
