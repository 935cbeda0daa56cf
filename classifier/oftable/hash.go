package oftable

import (
	"math/bits"
	"sync/atomic"
)

const (
	hashSeed = 0x9e3779b97f4a7c15
	hashMul  = 0xd6e8feb86659fd93
)

// hashAdd mixes w into the running hash h.
func hashAdd(h, w uint64) uint64 {
	hi, lo := bits.Mul64(h^w, hashMul)
	return hi ^ lo ^ hashSeed
}

// tag folds a running hash to a slot tag, which is never one of the reserved values.
func tag(h uint64) uint32 {
	t := uint32(h>>32) ^ uint32(h)
	if t < tagFirst {
		t += tagFirst
	}
	return t
}

// Reserved slot tags.
const (
	tagEmpty   = 0 // never used: ends a probe
	tagDeleted = 1 // was used: a probe goes on
	tagFirst   = 2
)

// minSlots is the size of a new open-addressing table; sizes are powers of two.
const minSlots = 4

// tagSet is a multiset of tags that one writer changes while others ask Has.
type tagSet struct {
	tab  atomic.Pointer[tagTab] // what readers probe; replaced when it grows
	used int                    // slots that are not empty; writer only
	live int                    // distinct tags; writer only
}

type tagTab struct {
	tags   []atomic.Uint32
	counts []uint32 // writer only
}

func newTagTab(n int) *tagTab {
	return &tagTab{tags: make([]atomic.Uint32, n), counts: make([]uint32, n)}
}

// Has says whether t is in the set.
func (s *tagSet) Has(t uint32) bool {
	tab := s.tab.Load()
	if tab == nil {
		return false
	}
	m := uint32(len(tab.tags) - 1)
	for i := t & m; ; i = (i + 1) & m {
		switch tab.tags[i].Load() {
		case t:
			return true
		case tagEmpty:
			return false
		}
	}
}

// Add counts t once more.
func (s *tagSet) Add(t uint32) {
	tab := s.tab.Load()
	if tab == nil || s.used*4 >= len(tab.tags)*3 {
		tab = s.grow(tab)
	}
	m := uint32(len(tab.tags) - 1)
	for i := t & m; ; i = (i + 1) & m {
		switch tab.tags[i].Load() {
		case t:
			tab.counts[i]++
			return
		case tagEmpty:
			tab.counts[i] = 1
			tab.tags[i].Store(t)
			s.used++
			s.live++
			return
		}
	}
}

// Remove takes back one Add.
func (s *tagSet) Remove(t uint32) {
	tab := s.tab.Load()
	m := uint32(len(tab.tags) - 1)
	for i := t & m; ; i = (i + 1) & m {
		switch tab.tags[i].Load() {
		case t:
			if tab.counts[i]--; tab.counts[i] == 0 {
				tab.tags[i].Store(tagDeleted)
				s.live--
			}
			return
		case tagEmpty:
			return
		}
	}
}

// grow makes room: a table at most half full.
func (s *tagSet) grow(old *tagTab) *tagTab {
	n := minSlots
	for n < (s.live+1)*2 {
		n *= 2
	}
	tab := newTagTab(n)
	s.used = 0
	if old != nil {
		m := uint32(n - 1)
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
			tab.counts[i] = old.counts[j]
			s.used++
		}
	}
	s.tab.Store(tab)
	return tab
}
