package megaflow

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// bucket is one cache line: seven slots and the number of an overflow bucket.
//
// A slot's 32-bit hash is kept as tag (its upper half, with the top bit set so that 0 means free) and low (its lower
// half), so that growing needs no look at the entries. The lanes of slot 7 hold no flow: refs[7] is the overflow bucket's
// number, 0 for none.
type bucket struct {
	tags [2]uint64 // eight 16-bit lanes
	lows [8]uint16
	refs [8]Ref
}

const (
	slots       = 7
	meanLoad    = 7 // the table grows when it holds more than meanLoad/2 flows a bucket
	laneOnes    = 0x0001000100010001
	laneTops    = 0x8000800080008000
	maxLevel    = 19                  // at most 1<<maxLevel buckets: 1.8 million flows
	maxOverflow = 1 << (maxLevel - 2) // overflow buckets
	askFrom     = 64 << 10            // from this many bytes on a table's memory is asked for before it is used
	smallTable  = 256 << 10           // below this many bytes a table stays in the second-level cache: no prefetching
)

// table is a hash table of entry numbers that grows bucket by bucket (linear hashing), so that no insertion takes long.
//
// Its first buckets are the store's: who has a thousand masks has mostly a flow or few of each, and tables of a page each would share few
// of the caches' sets. When they do not suffice, address space is reserved for a table of full size; memory is used as it grows.
type table struct {
	overflow unsafe.Pointer // overflow buckets; number 0 is not used; nil while the buckets are the store's
	level    uint32         // 1<<level buckets have been there since the last doubling
	ovNext   uint32         // first overflow bucket that was never used
	ovFree   []uint32       // freed overflow buckets
	huge     uintptr        // bytes from base up to which huge pages were asked for
	s        *Store
	count    int            // flows
	base     unsafe.Pointer // buckets
	n        uint32         // buckets, 1<<level to 2<<level
	lowMask  uint32         // 1<<level - 1
}

const (
	mainBytes     = unsafe.Sizeof(bucket{}) << maxLevel
	overflowBytes = unsafe.Sizeof(bucket{}) * maxOverflow
	minLevel      = 2
)

// smallBytes is the size of a table whose buckets are the store's.
const smallBytes = unsafe.Sizeof(bucket{}) << minLevel

// init makes t an empty table, that of the subtable with that number.
func (t *table) init(s *Store, id uint16) {
	p := s.small(id)
	*(*[1 << minLevel]bucket)(p) = [1 << minLevel]bucket{}
	*t = table{s: s, base: p, level: minLevel, n: 1 << minLevel, lowMask: 1<<minLevel - 1, ovNext: 1}
}

// move takes the buckets to a place of their own, where they can become more.
func (t *table) move() error {
	p, err := reserve(mainBytes + overflowBytes)
	if err != nil {
		return err
	}
	*(*[1 << minLevel]bucket)(p) = *(*[1 << minLevel]bucket)(t.base)
	t.base, t.overflow = p, unsafe.Add(p, mainBytes)
	return nil
}

func (t *table) close() {
	if t.overflow != nil {
		unmapTable(t.base, mainBytes+overflowBytes)
	}
	t.base, t.overflow = nil, nil
}

// large says whether bucket accesses are worth a prefetch.
func (t *table) large() bool { return t.n > smallTable/Line }

// index is the number of the bucket that hash h belongs in.
func (t *table) index(h uint32) uint32 {
	i := h & (t.lowMask<<1 | 1)
	if i >= t.n {
		i &= t.lowMask
	}
	return i
}

func (t *table) bucket(i uint32) *bucket {
	return (*bucket)(unsafe.Add(t.base, uintptr(i)*unsafe.Sizeof(bucket{})))
}

func (t *table) over(i Ref) *bucket {
	return (*bucket)(unsafe.Add(t.overflow, uintptr(i)*unsafe.Sizeof(bucket{})))
}

// addr is the address of h's bucket, for prefetch.
func (t *table) addr(h uint32) uintptr {
	return uintptr(t.base) + uintptr(t.index(h))*unsafe.Sizeof(bucket{})
}

func tagOf(h uint32) uint64 { return uint64(h>>16 | 0x8000) }

// match returns a bit for each slot whose tag is tag; see lane. Bits above the lowest may be wrong, which the comparison of
// the entries finds out.
func (b *bucket) match(tag uint64) uint64 {
	t := tag * laneOnes
	x, y := b.tags[0]^t, b.tags[1]^t
	return (x-laneOnes)&^x&laneTops>>15 | (y-laneOnes)&^y&laneTops>>14
}

// laneOf is the slot of the lowest bit of m.
func laneOf(m uint64) int {
	p := bits.TrailingZeros64(m)
	return p>>4&3 + p&1<<2
}

// ref returns the entry number in a slot from lane.
func (b *bucket) ref(slot int) Ref { return b.refs[slot&7] }

func (b *bucket) setTag(slot int, tag uint64) {
	s := uint(slot) & 3 * 16
	w := &b.tags[slot>>2&1]
	*w = *w&^(0xffff<<s) | tag<<s
}

func (b *bucket) tag(slot int) uint64 { return b.tags[slot>>2&1] >> (uint(slot) & 3 * 16) & 0xffff }

// freeSlot returns a free slot or -1.
func (b *bucket) freeSlot() int {
	for i := 0; i < slots; i++ {
		if b.tag(i) == 0 {
			return i
		}
	}
	return -1
}

func (b *bucket) set(slot int, h uint32, r Ref) {
	b.setTag(slot, tagOf(h))
	b.lows[slot] = uint16(h)
	b.refs[slot] = r
}

// hash is what is known of the hash in a slot: all bits but the top one.
func (b *bucket) hash(slot int) uint32 {
	return uint32(b.tag(slot))<<16 | uint32(b.lows[slot])
}

// insert adds r under hash h. The caller knows that it is not there.
func (t *table) insert(h uint32, r Ref) error {
	for t.count*2 >= int(t.n)*meanLoad && t.n < 1<<maxLevel {
		if err := t.grow(); err != nil {
			return err
		}
	}
	if err := t.place(t.index(h), h, r); err != nil {
		return err
	}
	t.count++
	return nil
}

func (t *table) place(i, h uint32, r Ref) error {
	b := t.bucket(i)
	for {
		if s := b.freeSlot(); s >= 0 {
			b.set(s, h, r)
			return nil
		}
		if b.refs[slots] == 0 {
			if t.overflow == nil {
				if err := t.move(); err != nil {
					return err
				}
				b = t.bucket(i)
			}
			o, ok := t.newOverflow()
			if !ok {
				return fmt.Errorf("%d flows of one mask: %w", t.count, ErrFull)
			}
			b.refs[slots] = o
		}
		b = t.over(b.refs[slots])
	}
}

func (t *table) newOverflow() (Ref, bool) {
	if n := len(t.ovFree); n > 0 {
		o := t.ovFree[n-1]
		t.ovFree = t.ovFree[:n-1]
		return Ref(o), true
	}
	if t.ovNext >= maxOverflow {
		return 0, false
	}
	t.ovNext++
	return Ref(t.ovNext - 1), true
}

// remove takes out r, which is under hash h, and says whether it was there.
func (t *table) remove(h uint32, r Ref) bool {
	b := t.bucket(t.index(h))
	for {
		for s := 0; s < slots; s++ {
			if b.refs[s] == r && b.tag(s) != 0 {
				b.setTag(s, 0)
				b.refs[s] = 0
				t.count--
				return true
			}
		}
		if b.refs[slots] == 0 {
			return false
		}
		b = t.over(b.refs[slots])
	}
}

// grow adds one bucket, and moves to it what belongs in it from the bucket that it is split off.
func (t *table) grow() error {
	if t.overflow == nil {
		if err := t.move(); err != nil {
			return err
		}
	}
	from, to := t.n&t.lowMask, t.n
	switch size := uintptr(to+1) * unsafe.Sizeof(bucket{}); {
	case t.huge == 0 && size > askFrom:
		t.ask(hugePage)
	case t.huge != 0 && size > hugePage/2 && size+hugePage > t.huge && t.huge < mainBytes:
		t.ask(hugePage * 2)
	}
	*t.bucket(to) = bucket{}
	// Collect the chain, free its overflow buckets, and place everything again.
	var hs [64]uint32
	var rs [64]Ref
	hashes, refs := hs[:0], rs[:0]
	b := t.bucket(from)
	for {
		for s := 0; s < slots; s++ {
			if b.tag(s) != 0 {
				hashes = append(hashes, b.hash(s))
				refs = append(refs, b.refs[s])
			}
		}
		o := b.refs[slots]
		*b = bucket{}
		if o == 0 {
			break
		}
		b = t.over(o)
		t.ovFree = append(t.ovFree, uint32(o))
	}
	t.n++
	if t.n == (t.lowMask+1)<<1 {
		t.level++
		t.lowMask = t.n - 1
	}
	for i, h := range hashes {
		if err := t.place(t.index(h), h, refs[i]); err != nil {
			return err
		}
	}
	return nil
}

// ask asks for the next size bytes of memory, and as much for overflow buckets as such a table may need.
func (t *table) ask(size uintptr) {
	const share = 16
	t.s.Ask(unsafe.Add(t.base, t.huge), size)
	t.s.Ask(unsafe.Add(t.overflow, t.huge/share), size/share)
	t.huge += size
}

// each calls f for every entry number.
func (t *table) each(f func(Ref)) {
	for i := uint32(0); i < t.n; i++ {
		for b := t.bucket(i); ; b = t.over(b.refs[slots]) {
			for s := 0; s < slots; s++ {
				if b.tag(s) != 0 {
					f(b.refs[s])
				}
			}
			if b.refs[slots] == 0 {
				break
			}
		}
	}
}
