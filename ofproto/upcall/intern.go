package upcall

import (
	"hash/maphash"
	"slices"

	"govs/actions"
	"govs/flow"
	"govs/ofproto/xlate"
)

const (
	maxInterned = 4096    // masks, and lists of actions, that an interned remembers
	recent      = 1 << 10 // of what often differs from one megaflow to the next: the last one for each value of a hash
)

// interned is what megaflows share: masks, action lists and parts of ukeys. Nothing that it returns may be changed. One goroutine
// uses it.
type interned struct {
	masks map[uint64]*flow.Mask    // by hash
	lists map[uint64]*actions.List // by hash

	seed          maphash.Seed
	recentDeps    [recent]*xlate.Deps
	recentEffects [recent][]xlate.Effect
	lastRecircs   *[]uint32
}

func newInterned() interned {
	return interned{masks: map[uint64]*flow.Mask{}, lists: map[uint64]*actions.List{}, seed: maphash.MakeSeed()}
}

// deps returns a lasting copy of d.
func (h *interned) deps(d *xlate.Deps) *xlate.Deps {
	p := &h.recentDeps[maphash.Comparable(h.seed, *d)%recent]
	if *p == nil || **p != *d {
		c := *d
		*p = &c
	}
	return *p
}

// effects returns a lasting copy of l.
func (h *interned) effects(l []xlate.Effect) []xlate.Effect {
	hash := uint64(len(l))
	for _, e := range l {
		hash = hash*0x9e3779b97f4a7c15 ^ maphash.Comparable(h.seed, e)
	}
	p := &h.recentEffects[hash%recent]
	if !slices.Equal(*p, l) {
		*p = append(make([]xlate.Effect, 0, len(l)), l...)
	}
	return *p
}

// recircs returns a lasting copy of l, nil if it is empty.
func (h *interned) recircs(l []uint32) *[]uint32 {
	if len(l) == 0 {
		return nil
	}
	if h.lastRecircs == nil || !slices.Equal(*h.lastRecircs, l) {
		c := slices.Clone(l)
		h.lastRecircs = &c
	}
	return h.lastRecircs
}

// mask returns a lasting copy of m.
func (h *interned) mask(m *flow.Mask) *flow.Mask {
	hash := m.Hash(0)
	if old := h.masks[hash]; old != nil && *old == *m {
		return old
	}
	if len(h.masks) >= maxInterned {
		clear(h.masks)
	}
	c := new(flow.Mask)
	*c = *m
	h.masks[hash] = c
	return c
}

// list returns a lasting copy of an action list. Lists are shared, also so that the datapath may execute packets of several flows
// together.
func (h *interned) list(l actions.List) *actions.List {
	hash := h.hash(l)
	if c := h.lists[hash]; c != nil && equalLists(*c, l) {
		return c
	}
	c := new(actions.List)
	*c = append(make(actions.List, 0, len(l)), l...)
	if len(h.lists) >= maxInterned {
		clear(h.lists)
	}
	h.lists[hash] = c
	return c
}

// hash hashes an action list, but for what seldom tells lists apart.
func (h *interned) hash(l actions.List) uint64 {
	hash := uint64(len(l))
	for i := range l {
		a := &l[i]
		hash = (hash ^ uint64(a.Type)<<56 ^ uint64(a.Attr)<<48 ^ uint64(a.Arg2)<<32 ^ uint64(a.Arg)) * 0x9e3779b97f4a7c15
		hash ^= hash >> 29
		if a.Set != nil {
			for i := range a.Set.V {
				hash = (hash ^ a.Set.V[i]) * 0x9e3779b97f4a7c15
				hash = (hash ^ hash>>31 ^ a.Set.M[i]) * 0xbf58476d1ce4e5b9
				hash ^= hash >> 29
			}
		}
		if u := a.Userspace; u != nil {
			hash = (hash ^ u.RuleCookie) * 0x9e3779b97f4a7c15
			hash = (hash ^ hash>>31 ^ uint64(u.RecircID)<<32 ^ uint64(u.Reason)<<16 ^ uint64(u.ControllerID)) * 0xbf58476d1ce4e5b9
			hash = (hash ^ hash>>29 ^ uint64(u.OpenFlowInPort)<<32 ^ uint64(u.Slow)) * 0x9e3779b97f4a7c15
			hash ^= hash >> 29
		}
		if n := a.Nested; n != nil {
			hash = (hash ^ h.hash(n.Actions)) * 0x9e3779b97f4a7c15
			hash = (hash ^ hash>>31 ^ h.hash(n.Else)) * 0xbf58476d1ce4e5b9
		}
		if c := a.CT; c != nil {
			p := *c
			p.NAT = nil
			hash ^= maphash.Comparable(h.seed, p)
			if c.NAT != nil {
				hash ^= maphash.Comparable(h.seed, *c.NAT)
			}
		}
		if t := a.Tunnel; t != nil {
			hash ^= maphash.Comparable(h.seed, t.Key) ^ uint64(t.Port)<<32 ^ uint64(t.OutPort)
		}
	}
	return hash
}
