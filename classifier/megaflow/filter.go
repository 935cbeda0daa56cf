package megaflow

import (
	"math/bits"
	"slices"

	"govs/flow"
)

// filterFrom is the number of subtables from which a Classifier asks its filter. Those of the most hit subtables that find more than one
// in filterShare packets it searches before, but at most filterAfter.
const (
	filterFrom  = 32
	filterAfter = 4
	filterShare = 16
)

const (
	filterBits = 11  // a slot's number
	maxAtoms   = 512 // in all
	laneAtoms  = 64  // in a lane
)

// filter says which subtables may hold a packet's flow, so that a packet which none of them holds need not be looked for in all:
// otherwise, who can make a switch have many masks makes every miss expensive.
//
// A mask is cut into lanes, pieces of a field's size. What one mask, or many, have in a lane is an atom: bits of a key word.
// However many masks there are, they are combinations of few atoms: the prefixes of two addresses and two ports, 1.1 million
// combinations, are 96 atoms. Each atom knows, but for collisions, which values the flows of its subtables have in it. Only the subtables
// whose atoms all have the packet's values may hold its flow.
//
// Which atoms of a lane have a value, two tables tell. The first says for each hexadecimal digit of the value which atoms have a flow that
// agrees in it: a load and an AND a digit, for all atoms at once. Of prefixes few are left, and those look the value up among their own. The
// lanes with the most atoms come first, and mostly two of them leave one subtable.
type filter struct {
	lanes []*lane     // those with the most atoms first
	slots []*Subtable // by number in sets; nil when free
	all   []uint64    // set of those that are not nil
	atoms int         // of all lanes
	mult  uint64
	spare []*atom // that no subtable has any more, without a flow
}

// maxSpare is how many of those are kept: megaflows come and go, and mostly with the same masks.
const maxSpare = 32

// lane has the atoms of one piece of a key word. A subtable has at most one of them.
type lane struct {
	word  uint8
	shift uint8               // of the lowest digit
	n     int                 // atoms
	used  uint64              // by bit, as are all sets of atoms
	exact uint64              // atoms whose flows all agree in every digit: what agrees with one has its value
	may   [][16]uint64        // by digit, the lowest first, and its value: the atoms with a flow that has it there or, under their mask, does not care
	none  []uint64            // set of the subtables that have none of the atoms, by slot
	subs  [laneAtoms][]uint64 // of those that have the atom
	atoms [laneAtoms]*atom
	piece uint64
}

// atom is what the masks of one subtable or more have in a lane.
type atom struct {
	lane    *lane
	bit     int // in the lane's words
	mask    uint64
	users   int // subtables that have it
	kinds   int // digits and values that flows have
	present [1 << filterBits / 64]uint64
	counts  [1 << filterBits]uint32 // flows by slot of their value
	digits  [][16]uint32            // flows by digit, as the lane has them, and its value
}

// pieces cut the words of a mask whose fields vary independently; of other words each is one lane.
var pieces = [flow.LenBase][]uint64{
	flow.WEthDst: {^uint64(0xffff), 0xffff},
	flow.WEthSrc: {^uint64(0xffff), 0xffff},
	flow.WIPv4:   {0xffffffff << 32, 0xffffffff},
	flow.WL4:     {0xffffffff << 32, 0xffff0000, 0xffff},
}

// cut calls f for each lane of m but in_port's, which all packets of a classifier share, with what m has in it.
func cut(m *flow.Mask, f func(word int, piece, mask uint64)) {
	for i := 1; i < len(m); i++ {
		if m[i] == 0 {
			continue
		}
		if i >= len(pieces) || pieces[i] == nil {
			f(i, ^uint64(0), m[i])
			continue
		}
		for _, l := range pieces[i] {
			if m[i]&l != 0 {
				f(i, l, m[i]&l)
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
			for _, l := range f.lanes {
				l.none = append(l.none, 0)
				for w := l.used; w != 0; w &= w - 1 {
					i := bits.TrailingZeros64(w)
					l.subs[i] = append(l.subs[i], 0)
				}
			}
		}
	}
	f.slots[n] = t
	t.slot = n
	t.atoms = t.atoms[:0]
	for _, l := range f.lanes {
		l.none[n/64] |= 1 << (n % 64)
	}
	cut(&t.u.Mask, func(word int, piece, mask uint64) {
		a := f.atom(word, piece, mask)
		if a == nil {
			return // this lane rules nothing out
		}
		a.lane.none[n/64] &^= 1 << (n % 64)
		a.lane.subs[a.bit][n/64] |= 1 << (n % 64)
		a.users++
		t.atoms = append(t.atoms, a)
	})
	f.all[n/64] |= 1 << (n % 64)
	f.order()
}

// order puts the lanes with the most atoms first.
func (f *filter) order() { slices.SortStableFunc(f.lanes, func(a, b *lane) int { return b.n - a.n }) }

// atom returns the atom of that mask, a new one if need be, or nil if there is no room for another.
func (f *filter) atom(word int, piece, mask uint64) *atom {
	var l *lane
	if i := slices.IndexFunc(f.lanes, func(l *lane) bool { return int(l.word) == word && l.piece == piece }); i >= 0 {
		l = f.lanes[i]
		for w := l.used; w != 0; w &= w - 1 {
			if a := l.atoms[bits.TrailingZeros64(w)]; a.mask == mask {
				return a
			}
		}
	}
	if f.atoms >= maxAtoms || l != nil && l.n == laneAtoms {
		return nil
	}
	if l == nil {
		shift := bits.TrailingZeros64(piece) &^ 3
		l = &lane{word: uint8(word), piece: piece, shift: uint8(shift), may: make([][16]uint64, (bits.Len64(piece)-shift+3)/4), none: slices.Clone(f.all)}
		f.lanes = append(f.lanes, l)
	}
	a := f.spareAtom(len(l.may))
	a.lane, a.bit, a.mask = l, bits.TrailingZeros64(^l.used), mask
	l.atoms[a.bit], l.subs[a.bit] = a, make([]uint64, len(f.all))
	l.used |= 1 << a.bit
	l.n++
	f.atoms++
	return a
}

// spareAtom returns an atom for a lane of so many digits.
func (f *filter) spareAtom(digits int) *atom {
	i := slices.IndexFunc(f.spare, func(a *atom) bool { return len(a.digits) == digits })
	if i < 0 {
		return &atom{digits: make([][16]uint32, digits)}
	}
	a := f.spare[i]
	f.spare = slices.Delete(f.spare, i, i+1)
	return a
}

// drop takes t, which has no flow any more, out.
func (f *filter) drop(t *Subtable) {
	n := t.slot
	f.slots[n] = nil
	f.all[n/64] &^= 1 << (n % 64)
	for _, a := range t.atoms {
		l := a.lane
		l.subs[a.bit][n/64] &^= 1 << (n % 64)
		if a.users--; a.users == 0 {
			l.atoms[a.bit], l.subs[a.bit] = nil, nil
			l.used &^= 1 << a.bit
			l.exact &^= 1 << a.bit
			l.n--
			f.atoms--
			if len(f.spare) < maxSpare {
				f.spare = append(f.spare, a)
			}
		}
	}
	f.lanes = slices.DeleteFunc(f.lanes, func(l *lane) bool { return l.n == 0 })
	for _, l := range f.lanes {
		l.none[n/64] &^= 1 << (n % 64)
	}
	f.order()
	t.atoms = nil
}

// insert notes a flow of t with k's bits.
func (f *filter) insert(t *Subtable, k *flow.Key) {
	for _, a := range t.atoms {
		v := k[a.lane.word] & a.mask
		s := f.slot(v)
		if a.counts[s]++; a.counts[s] == 1 {
			a.present[s/64] |= 1 << (s % 64)
		}
		a.eachDigit(v, func(count *uint32, care, d uint8, may *[16]uint64) {
			if *count++; *count == 1 {
				a.kinds++
				alike(care, d, func(x uint8) { may[x] |= 1 << a.bit })
			}
		})
		a.judge()
	}
}

// remove forgets a flow that insert noted.
func (f *filter) remove(t *Subtable, k *flow.Key) {
	for _, a := range t.atoms {
		v := k[a.lane.word] & a.mask
		s := f.slot(v)
		if a.counts[s]--; a.counts[s] == 0 {
			a.present[s/64] &^= 1 << (s % 64)
		}
		a.eachDigit(v, func(count *uint32, care, d uint8, may *[16]uint64) {
			if *count--; *count == 0 {
				a.kinds--
				alike(care, d, func(x uint8) { may[x] &^= 1 << a.bit })
			}
		})
		a.judge()
	}
}

// judge notes whether a's flows all agree in every digit.
func (a *atom) judge() {
	l := a.lane
	l.exact &^= 1 << a.bit
	if a.kinds == len(l.may) {
		l.exact |= 1 << a.bit
	}
}

// eachDigit calls f for each digit of v, a value under a's mask, with the number of flows that have it and the lane's table.
func (a *atom) eachDigit(v uint64, f func(count *uint32, care, d uint8, may *[16]uint64)) {
	l := a.lane
	for i := range a.digits {
		sh := l.shift + uint8(4*i)
		d := uint8(v>>sh) & 15
		f(&a.digits[i][d], uint8(a.mask>>sh)&15, d, &l.may[i])
	}
}

// alike calls f with every digit that is d in the bits of care.
func alike(care, d uint8, f func(uint8)) {
	for x := range uint8(16) {
		if x&care == d {
			f(x)
		}
	}
}

// maxCand is the most words of subtable sets that find works with: beyond 4096 subtables it does not filter.
const maxCand = 64

// found is what a search in the filter's subtables found: ref is 0 if nothing.
type found struct {
	ref    Ref
	sub    *Subtable
	probes int // subtables that were searched
}

// find looks for k, of n valid words, in the subtables that may hold it.
func (f *filter) find(s *Store, k *flow.Key, n int) found {
	var cand [maxCand]uint64
	if len(f.all) > maxCand {
		return f.findAll(s, k, n)
	}
	if f.candidates(k, n, &cand) == 0 {
		return found{}
	}
	return f.search(s, k, n, cand[:len(f.all)])
}

// candidates writes the set of the subtables that may hold k, of n valid words, to space, and returns how many they are.
func (f *filter) candidates(k *flow.Key, n int, space *[maxCand]uint64) int {
	cand, from := space[:len(f.all)], f.all
	count := maxCand * 64
	for _, l := range f.lanes {
		have := uint64(0)
		if int(l.word) < n {
			v := keyWord(k, l.word)
			have = l.agree(v)
			for w := have &^ l.exact; w != 0; w &= w - 1 {
				a := l.atoms[bits.TrailingZeros64(w)&(laneAtoms-1)]
				s := f.slot(v & a.mask)
				if a.present[s/64%uint64(len(a.present))]>>(s%64)&1 == 0 {
					have &^= w & -w
				}
			}
		}
		switch {
		case have == 0:
			count = keep(cand, from, l.none)
		case have&(have-1) == 0:
			count = keepEither(cand, from, l.none, l.set(have))
		default:
			count = l.keepAny(cand, from, have)
		}
		if count <= 1 {
			break
		}
		from = cand
	}
	if len(f.lanes) == 0 {
		copy(cand, from)
	}
	return count
}

// set is the set of the subtables that have the atom of the lowest bit in w.
func (l *lane) set(w uint64) []uint64 { return l.subs[bits.TrailingZeros64(w)&(laneAtoms-1)] }

// agree is the set of the atoms that may, as far as each digit tells, have v.
func (l *lane) agree(v uint64) uint64 {
	v >>= l.shift
	if may := l.may; len(may) == 8 { // an address: most often asked
		return may[0][v&15] & may[1][v>>4&15] & may[2][v>>8&15] & may[3][v>>12&15] &
			may[4][v>>16&15] & may[5][v>>20&15] & may[6][v>>24&15] & may[7][v>>28&15]
	}
	m := l.used
	for i := range l.may {
		m &= l.may[i][v&15]
		v >>= 4
	}
	return m
}

// keep writes what of from is in a to cand, and returns how many these are.
func keep(cand, from, a []uint64) (n int) {
	from, a = from[:len(cand)], a[:len(cand)]
	for i := range cand {
		w := from[i] & a[i]
		cand[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

// keepEither writes what of from is in a or in b.
func keepEither(cand, from, a, b []uint64) (n int) {
	from, a, b = from[:len(cand)], a[:len(cand)], b[:len(cand)]
	for i := range cand {
		w := from[i] & (a[i] | b[i])
		cand[i] = w
		n += bits.OnesCount64(w)
	}
	return n
}

// keepAny writes what of from has one of those atoms of l, or none.
func (l *lane) keepAny(cand, from []uint64, have uint64) (n int) {
	from, none := from[:len(cand)], l.none[:len(cand)]
	for i := range cand {
		m := none[i]
		for w := have; w != 0; w &= w - 1 {
			m |= l.set(w)[i]
		}
		m &= from[i]
		cand[i] = m
		n += bits.OnesCount64(m)
	}
	return n
}

// search looks for k in the subtables of a set.
func (f *filter) search(s *Store, k *flow.Key, n int, set []uint64) found {
	probes := 0
	for i, w := range set {
		for ; w != 0; w &= w - 1 {
			t := f.slots[i*64+bits.TrailingZeros64(w)]
			if r := t.look(s, k, n, &probes); r != 0 {
				return found{r, t, probes}
			}
		}
	}
	return found{probes: probes}
}

// findAll looks for k in all subtables.
func (f *filter) findAll(s *Store, k *flow.Key, n int) found {
	probes := 0
	for _, t := range f.slots {
		if t == nil {
			continue
		}
		if r := t.look(s, k, n, &probes); r != 0 {
			return found{r, t, probes}
		}
	}
	return found{probes: probes}
}

// look looks for k, of n valid words, in t, and counts the search.
func (t *Subtable) look(s *Store, k *flow.Key, n int, probes *int) Ref {
	if t.last > n {
		return 0
	}
	*probes++
	r, _ := t.find(s, k)
	return r
}

// few is the lowest and the highest number in a set that is not empty; the latter -1 if it is the same.
func few(set []uint64) (low, high int32) {
	low = -1
	for i, w := range set {
		if w == 0 {
			continue
		}
		if low < 0 {
			low = int32(i*64 + bits.TrailingZeros64(w))
		}
		high = int32(i*64 + 63 - bits.LeadingZeros64(w))
	}
	if low == high {
		high = -1
	}
	return low, high
}
