package emc

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"govs/classifier/megaflow"
	"govs/flow"
)

// Entries is the number of flows that a Cache holds, as many as OVS's.
const Entries = 8192

const (
	ways  = 2
	sets  = Entries / ways
	burst = megaflow.Burst
	rest  = 8 // words in an entry's second line

	// MaxWords is the longest key, in words, that a Cache holds.
	MaxWords = megaflow.HashWords + rest
)

// entry is the first line of a cache entry.
type entry struct {
	words [megaflow.HashWords]uint64 // key under the union mask; of a short union its four words
	tag   uint64                     // layout of the union, 28 bits of hash and the number of words that count (see tagOf); 0 free
	ref   megaflow.Ref
	_     uint32
}

// second is the second line, for longer keys.
type second [rest]uint64

// Cache is one poller's exact-match cache.
type Cache struct {
	s   *megaflow.Store
	mem unsafe.Pointer
	ext unsafe.Pointer
	rnd uint32
	inv uint32 // insert one in inv, 0 never

	waiting  megaflow.List // may still be in the cache before the cursor has passed it
	sweeping megaflow.List // will be free when the cursor comes round
	cursor   int
}

const memSize = Entries * megaflow.Line * 2

// New returns an empty cache of flows in s; insertions happen with probability 1/invProb, never if that is 0.
func New(s *megaflow.Store, invProb uint32) (*Cache, error) {
	p, err := unix.MmapPtr(-1, 0, nil, memSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("mmap of the exact-match cache: %w", err)
	}
	c := &Cache{s: s, mem: p, ext: unsafe.Add(p, Entries*megaflow.Line), rnd: 0x9e3779b9}
	c.SetInvProb(invProb)
	return c, nil
}

// Close gives the memory back.
func (c *Cache) Close() {
	if c.mem != nil {
		_ = unix.MunmapPtr(c.mem, memSize)
		c.mem = nil
	}
}

// SetInvProb changes the insertion probability; 0 also stops lookups, and empties the cache.
func (c *Cache) SetInvProb(invProb uint32) {
	c.inv = invProb
	if invProb == 0 {
		c.Clear()
	}
}

// Clear empties the cache.
func (c *Cache) Clear() {
	clear(unsafe.Slice((*byte)(c.mem), Entries*megaflow.Line))
}

// Judge watches whether one stream of packets, a receive queue's, gains by a Cache. A stream of more flows than the cache has entries
// does not; nor must it fill the cache for others. The zero Judge begins with yes.
type Judge struct {
	hit   uint32 // lookups that hit in this window
	seen  uint32 // lookups in this window
	rests uint32 // lookups that are still to be skipped
}

// Lookups are judged in windows of this many. A window in which fewer than four fifths hit is followed by restWindows windows
// without lookups.
const (
	window      = 1 << 16
	restWindows = 40
)

// Active says whether to look up n packets of j's stream now, or, with n 0, whether to insert one. The answer is no while
// insertion is off, and for a while after lookups have mostly missed, as then they cost more than they save.
func (c *Cache) Active(j *Judge, n int) bool {
	if c.inv == 0 {
		return false
	}
	if j.rests > 0 {
		j.rests -= min(j.rests, uint32(n))
		return false
	}
	return true
}

// Count tells j of n lookups of which that many hit.
func (j *Judge) Count(n, hits int) {
	j.seen += uint32(n)
	j.hit += uint32(hits)
	if j.seen >= window {
		if j.hit < window/5*4 {
			j.rests = window * restWindows
		}
		j.seen, j.hit = 0, 0
	}
}

func (c *Cache) at(set, way uint32) *entry {
	return (*entry)(unsafe.Add(c.mem, uintptr(set*ways+way)*megaflow.Line))
}

func (c *Cache) second(e *entry) *second {
	return (*second)(unsafe.Add(c.ext, uintptr(unsafe.Pointer(e))-uintptr(c.mem)))
}

func (e *entry) equal(k *flow.Key, u *flow.Mask) bool {
	w := &e.words
	return (w[0]^k[0]&u[0])|(w[1]^k[1]&u[1])|(w[2]^k[2]&u[2])|(w[3]^k[3]&u[3])|(w[4]^k[4]&u[4])|(w[5]^k[5]&u[5]) == 0
}

func (e *entry) equalShort(first, x, y, z uint64) bool {
	return (e.words[0]^first)|(e.words[1]^x)|(e.words[2]^y)|(e.words[3]^z) == 0
}

func (c *Cache) equalRest(e *entry, k *flow.Key, u *flow.Mask, words int) bool {
	x := c.second(e)
	d := uint64(0)
	for i := 0; i < words-megaflow.HashWords && i < rest; i++ {
		d |= x[i] ^ k[i+megaflow.HashWords]&u[i+megaflow.HashWords]
	}
	return d == 0
}

// Hash computes the packets' hashes under the union mask: what Lookup, Insert, Signatures and the classifier ask for. lens
// are the keys' valid words.
func Hash(s *megaflow.Store, keys *[burst]flow.Key, lens *[burst]uint8, n int, union *megaflow.Union, hashes *[burst]uint64) {
	seeds := &s.Seeds
	n = min(n, burst)
	if union.Short {
		for i := 0; i < n; i++ {
			x, y, z := union.Words(&keys[i])
			hashes[i] = seeds.HashShort(keys[i][0], x, y, z)
		}
		return
	}
	for i := 0; i < n; i++ {
		hashes[i] = seeds.HashUnder(union, &keys[i], int(lens[i]))
	}
}

// tagOf joins the union's layout, 28 bits of hash and the number of words that count.
func tagOf(u *megaflow.Union, h uint64, words int) uint64 {
	return uint64(u.Layout)<<32 | h&0xfffffff0 | uint64(words-megaflow.HashWords+1)
}

// setOf is the set of a hash: bits that are not in the tag.
func setOf(h uint64) uint32 { return uint32(h>>32) & (sets - 1) }

// HashLookup computes the hashes of packets 0 to n-1, as Hash does, and looks them up: it writes refs[i] of those it
// finds, puts the numbers of the others in idx and returns how many they are. An entry that it finds may be dead (OutDead).
func (c *Cache) HashLookup(keys *[burst]flow.Key, lens *[burst]uint8, n int, union *megaflow.Union, hashes *[burst]uint64, idx *[burst]uint8, refs *[burst]megaflow.Ref) int {
	n = min(n, burst)
	left := 0
	switch {
	case union.Short:
		left = c.lookupShort(keys, n, union, hashes, idx, refs)
	case union.Len <= megaflow.HashWords:
		left = c.lookupFull(keys, n, union, hashes, idx, refs)
	case union.Len == flow.WIPv6Dst+2 || union.Len == flow.LenIPv6:
		left = c.lookupIPv6(keys, lens, n, union, hashes, idx, refs)
	default:
		Hash(c.s, keys, lens, n, union, hashes)
		left = c.lookup(keys, lens, n, union, hashes, idx, refs)
	}
	return left
}

// lookupShort is HashLookup for a short union: in one loop, so that the words are loaded once.
func (c *Cache) lookupShort(keys *[burst]flow.Key, n int, union *megaflow.Union, hashes *[burst]uint64, idx *[burst]uint8, refs *[burst]megaflow.Ref) int {
	left := 0
	seeds := &c.s.Seeds
	mem := c.mem
	layout := uint64(union.Layout)<<32 | 1
	var last struct { // the packet before, if it was found
		x, y, z, first, hash uint64
		ref                  megaflow.Ref
	}
	for i := 0; i < n && i < burst; i++ {
		k := &keys[i]
		x, y, z := union.Words(k)
		first := k[0]
		if y == last.y && z == last.z && x == last.x && first == last.first && last.ref != 0 {
			refs[i], hashes[i] = last.ref, last.hash
			continue
		}
		h := seeds.HashShort(first, x, y, z)
		hashes[i] = h
		tag := layout | h&0xfffffff0
		e := (*entry)(unsafe.Add(mem, uintptr(setOf(h))*(ways*megaflow.Line)))
		if e.tag == tag && e.equalShort(first, x, y, z) {
			refs[i] = e.ref
			last.x, last.y, last.z, last.first, last.hash, last.ref = x, y, z, first, h, e.ref
			continue
		}
		e = (*entry)(unsafe.Add(unsafe.Pointer(e), megaflow.Line))
		if e.tag == tag && e.equalShort(first, x, y, z) {
			refs[i] = e.ref
			last.x, last.y, last.z, last.first, last.hash, last.ref = x, y, z, first, h, e.ref
			continue
		}
		idx[left&(burst-1)] = uint8(i)
		left++
	}
	return left
}

// lookupFull is HashLookup for a union of up to HashWords words: the hash is Seeds.Hash, written out so that each word is
// loaded once.
func (c *Cache) lookupFull(keys *[burst]flow.Key, n int, union *megaflow.Union, hashes *[burst]uint64, idx *[burst]uint8, refs *[burst]megaflow.Ref) int {
	left := 0
	s, m := &c.s.Seeds, &union.Mask
	mem := c.mem
	layout := uint64(union.Layout)<<32 | 1
	for i := 0; i < n && i < burst; i++ {
		k := &keys[i]
		k0, k1, k2, k3, k4, k5 := k[0]&m[0], k[1]&m[1], k[2]&m[2], k[3]&m[3], k[4]&m[4], k[5]&m[5]
		h := megaflow.Mix(megaflow.Mix(k0^s[0], k1^s[1])^megaflow.Mix(k2^s[2], k3^s[3])^s[6], megaflow.Mix(k4^s[4], k5^s[5])^s[7])
		hashes[i] = h
		tag := layout | h&0xfffffff0
		e := (*entry)(unsafe.Add(mem, uintptr(setOf(h))*(ways*megaflow.Line)))
		if e.tag == tag {
			if w := &e.words; (w[0]^k0)|(w[1]^k1)|(w[2]^k2)|(w[3]^k3)|(w[4]^k4)|(w[5]^k5) == 0 {
				refs[i] = e.ref
				continue
			}
		}
		e = (*entry)(unsafe.Add(unsafe.Pointer(e), megaflow.Line))
		if e.tag == tag {
			if w := &e.words; (w[0]^k0)|(w[1]^k1)|(w[2]^k2)|(w[3]^k3)|(w[4]^k4)|(w[5]^k5) == 0 {
				refs[i] = e.ref
				continue
			}
		}
		idx[left&(burst-1)] = uint8(i)
		left++
	}
	return left
}

// lookupIPv6 is HashLookup for a union that reads IPv6 addresses and perhaps the flow label: the hash is Seeds.HashUnder, written out as in
// lookupFull.
func (c *Cache) lookupIPv6(keys *[burst]flow.Key, lens *[burst]uint8, n int, union *megaflow.Union, hashes *[burst]uint64, idx *[burst]uint8, refs *[burst]megaflow.Ref) int {
	left := 0
	s, m := &c.s.Seeds, &union.Mask
	mem, ext := c.mem, c.ext
	layout := uint64(union.Layout) << 32
	for i := 0; i < n && i < burst; i++ {
		k := &keys[i]
		words := min(union.Len, int(lens[i]))
		k0, k1, k2, k3, k4, k5 := k[0]&m[0], k[1]&m[1], k[2]&m[2], k[3]&m[3], k[4]&m[4], k[5]&m[5]
		h := megaflow.Mix(megaflow.Mix(k0^s[0], k1^s[1])^megaflow.Mix(k2^s[2], k3^s[3])^s[6], megaflow.Mix(k4^s[4], k5^s[5])^s[7])
		var k6, k7, k8, k9, k10 uint64
		if words >= flow.WIPv6Dst+2 {
			k6, k7, k8, k9 = k[6]&m[6], k[7]&m[7], k[8]&m[8], k[9]&m[9]
			h = s.HashPair(s.HashPair(h, k6, k7, 1), k8, k9, 2)
			if words == flow.LenIPv6 {
				k10 = k[10] & m[10]
				h = s.HashLast(h, k10)
			}
		}
		hashes[i] = h
		tag := layout | h&0xfffffff0 | uint64(words-megaflow.HashWords+1)
		at := uintptr(setOf(h)) * (ways * megaflow.Line)
		found := megaflow.Ref(0)
		for way := 0; way < ways; way++ {
			e := (*entry)(unsafe.Add(mem, at))
			x := (*second)(unsafe.Add(ext, at))
			if w := &e.words; e.tag == tag && (w[0]^k0)|(w[1]^k1)|(w[2]^k2)|(w[3]^k3)|(w[4]^k4)|(w[5]^k5) == 0 &&
				(words == megaflow.HashWords || (x[0]^k6)|(x[1]^k7)|(x[2]^k8)|(x[3]^k9) == 0 && (x[4] == k10 || words < flow.LenIPv6)) {
				found = e.ref
				break
			}
			at += megaflow.Line
		}
		if found != 0 {
			refs[i] = found
			continue
		}
		idx[left&(burst-1)] = uint8(i)
		left++
	}
	return left
}

// lookup looks hashed packets up under a union that is longer.
func (c *Cache) lookup(keys *[burst]flow.Key, lens *[burst]uint8, n int, union *megaflow.Union, hashes *[burst]uint64, idx *[burst]uint8, refs *[burst]megaflow.Ref) int {
	left := 0
	long := union.Len > megaflow.HashWords
	u := &union.Mask
	for i := 0; i < n && i < burst; i++ {
		k, h := &keys[i], hashes[i]
		words := megaflow.HashWords
		if long {
			words = max(min(union.Len, int(lens[i])), megaflow.HashWords)
		}
		tag := tagOf(union, h, words)
		e := c.at(setOf(h), 0)
		if e.tag != tag || !e.equal(k, u) {
			e = c.at(setOf(h), 1)
			if e.tag != tag || !e.equal(k, u) {
				e = nil
			}
		}
		if e != nil && (words == megaflow.HashWords || words <= MaxWords && c.equalRest(e, k, u, words)) {
			refs[i] = e.ref
			continue
		}
		idx[left&(burst-1)] = uint8(i)
		left++
	}
	return left
}

// Chance says, with the insertion probability, whether to Insert a packet that a megaflow answered.
func (c *Cache) Chance() bool {
	if c.inv <= 1 {
		return c.inv == 1
	}
	x := c.rnd
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	c.rnd = x
	return uint64(x)*uint64(c.inv)>>32 == 0
}

// Insert makes a later HashLookup of k, of n valid words and hash h, find r. Keys of more than MaxWords words are not cached.
func (c *Cache) Insert(k *flow.Key, n int, union *megaflow.Union, h uint64, r megaflow.Ref) {
	words := max(min(union.Len, n), megaflow.HashWords)
	if words > MaxWords {
		return
	}
	var masked [megaflow.HashWords]uint64
	if union.Short {
		masked[0] = k[0]
		masked[1], masked[2], masked[3] = union.Words(k)
	} else {
		for i := range masked {
			masked[i] = k[i] & union.Mask[i]
		}
	}
	tag := tagOf(union, h, words)
	e := c.at(setOf(h), 0)
	if !(e.tag == tag && e.words == masked) && c.alive(e) {
		f := c.at(setOf(h), 1)
		if f.tag == tag && f.words == masked || !c.alive(f) || c.rnd&1 != 0 {
			e = f
		}
	}
	e.tag, e.ref, e.words = tag, r, masked
	if words > megaflow.HashWords {
		x := c.second(e)
		for i := megaflow.HashWords; i < words; i++ {
			x[i-megaflow.HashWords] = k[i] & union.Mask[i]
		}
	}
}

func (c *Cache) alive(e *entry) bool {
	return e.tag != 0 && c.s.Entry(e.ref).Out != megaflow.OutDead
}

// Retire takes over the entry of a removed flow (dead already), of lines cache lines, and frees it in the Store once no cache
// entry can name it.
func (c *Cache) Retire(r megaflow.Ref, lines int) {
	c.s.Push(&c.waiting, r, lines)
}

// sweepStep is how many entries one Sweep looks at, freeStep how many flows it frees.
const (
	sweepStep = 64
	freeStep  = 32
)

// Sweep clears some cache entries of dead flows, and frees retired flows when it has been over all entries since. Call it
// once per poll loop iteration; it does nothing unless flows have been retired. It says whether there is more to do.
func (c *Cache) Sweep() bool {
	if c.sweeping.Len() == 0 {
		if c.waiting.Len() == 0 {
			return false
		}
		c.waiting, c.sweeping = c.sweeping, c.waiting
		c.cursor = 0
	}
	if c.cursor == Entries { // no entry names them any more
		for n := 0; n < freeStep && c.sweeping.Len() > 0; n++ {
			c.s.Free(c.s.Pop(&c.sweeping))
		}
		return true
	}
	for i := 0; i < sweepStep; i++ {
		e := (*entry)(unsafe.Add(c.mem, uintptr(c.cursor+i)*megaflow.Line))
		if e.tag != 0 && c.s.Entry(e.ref).Out == megaflow.OutDead {
			e.tag = 0
		}
	}
	c.cursor += sweepStep
	return true
}

// Retired is the number of removed flows that are not freed yet.
func (c *Cache) Retired() int { return c.waiting.Len() + c.sweeping.Len() }
