package emc

import (
	"fmt"
	"math/bits"
	"unsafe"

	"golang.org/x/sys/unix"

	"govs/classifier/megaflow"
	"govs/flow"
)

const (
	smcWays    = 8
	smcMinBits = 10 // 8,192 flows
	smcMaxBits = 17 // 1,048,576 flows
	smcOnes    = 0x0001000100010001
	smcTops    = 0x8000800080008000
)

// smcBucket is one cache line; a tag of 0 is a free slot.
type smcBucket struct {
	tags [2]uint64 // eight 16-bit lanes
	refs [smcWays]megaflow.Ref
	_    [2]uint64
}

// Signatures is one poller's signature cache. It starts small and grows, forgetting all, when Resize asks for it.
type Signatures struct {
	s    *megaflow.Store
	mem  unsafe.Pointer
	mask uint32 // buckets - 1
	next uint32 // the mask for which memory has been asked
	rnd  uint32

	addrs [burst]uintptr // a Lookup's working memory
	cand  [burst]megaflow.Ref
}

const smcSize = megaflow.Line << smcMaxBits

// NewSignatures returns an empty signature cache of flows in s.
func NewSignatures(s *megaflow.Store) (*Signatures, error) {
	p, err := unix.MmapPtr(-1, 0, nil, smcSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("mmap of the signature cache: %w", err)
	}
	return &Signatures{s: s, mem: p, mask: 1<<smcMinBits - 1, rnd: 1}, nil
}

// Close gives the memory back.
func (c *Signatures) Close() {
	if c.mem != nil {
		_ = unix.MunmapPtr(c.mem, smcSize)
		c.mem = nil
	}
}

// Resize fits the cache to that many flows; it never shrinks. The memory is asked for first, and used from the next call on. Growing
// moves no entries: those that were cached under the smaller size and are not found any more are replaced in time.
func (c *Signatures) Resize(flows int) {
	b := bits.Len32(uint32(min(flows, 1<<30)) / (smcWays / 2))
	b = min(max(b, smcMinBits), smcMaxBits)
	c.mask = max(c.mask, c.next)
	if m := uint32(1)<<b - 1; m > c.mask {
		c.s.Ask(c.mem, (uintptr(m)+1)*megaflow.Line)
		c.next = m
	}
}

func (c *Signatures) bucket(h uint64) *smcBucket {
	return (*smcBucket)(unsafe.Add(c.mem, uintptr(uint32(h>>32)&c.mask)*megaflow.Line))
}

func smcTag(h uint64) uint64 { return h>>8&0xffff | 1 }

func (b *smcBucket) match(tag uint64) uint64 {
	t := tag * smcOnes
	x, y := b.tags[0]^t, b.tags[1]^t
	return (x-smcOnes)&^x&smcTops>>15 | (y-smcOnes)&^y&smcTops>>14
}

func smcLane(m uint64) int {
	p := bits.TrailingZeros64(m)
	return p>>4&3 + p&1<<2
}

// Lookup looks up the packets idx[0..n-1], writes refs[i] of those it finds, leaves in idx the others, in their order, and
// returns how many they are. What it finds is never a dead flow.
func (c *Signatures) Lookup(keys *[burst]flow.Key, lens *[burst]uint8, hashes *[burst]uint64, idx *[burst]uint8, n int, refs *[burst]megaflow.Ref) int {
	n = min(n, burst)
	large := c.mask >= 1<<12
	if large {
		for j := 0; j < n; j++ {
			c.addrs[j] = uintptr(unsafe.Pointer(c.bucket(hashes[idx[j]&(burst-1)])))
		}
		megaflow.Prefetch(&c.addrs, n)
	}
	cand := &c.cand
	for j := 0; j < n; j++ {
		h := hashes[idx[j]&(burst-1)]
		b := c.bucket(h)
		m := b.match(smcTag(h))
		r := b.refs[smcLane(m)&(smcWays-1)]
		if m == 0 {
			r = 0
		}
		cand[j] = r
	}
	if large || c.s.Many() {
		c.s.PrefetchAll(cand, n)
	}
	left := 0
	for j := 0; j < n; j++ {
		i := idx[j] & (burst - 1)
		if r := cand[j]; r != 0 {
			if c.s.Matches(r, &keys[i], int(lens[i])) {
				refs[i] = r
				continue
			}
			if r = c.others(&keys[i], int(lens[i]), hashes[i]); r != 0 {
				refs[i] = r
				continue
			}
		}
		idx[left&(burst-1)] = i
		left++
	}
	return left
}

// others tries the slots after the first whose tag is h's.
func (c *Signatures) others(k *flow.Key, n int, h uint64) megaflow.Ref {
	b := c.bucket(h)
	m := b.match(smcTag(h))
	for m &= m - 1; m != 0; m &= m - 1 {
		if r := b.refs[smcLane(m)&(smcWays-1)]; r != 0 && c.s.Matches(r, k, n) {
			return r
		}
	}
	return 0
}

// Insert makes a later Lookup of a packet with hash h try r.
func (c *Signatures) Insert(h uint64, r megaflow.Ref) {
	b := c.bucket(h)
	tag := smcTag(h)
	slot := -1
	for i := 0; i < smcWays; i++ {
		t := b.tags[i>>2] >> (i & 3 * 16) & 0xffff
		if t == tag {
			slot = i
			break
		}
		if t == 0 && slot < 0 {
			slot = i
		}
	}
	if slot < 0 {
		c.rnd = c.rnd*1664525 + 1013904223
		slot = int(c.rnd >> 29)
	}
	w, sh := &b.tags[slot>>2], uint(slot)&3*16
	*w = *w&^(0xffff<<sh) | tag<<sh
	b.refs[slot] = r
}
