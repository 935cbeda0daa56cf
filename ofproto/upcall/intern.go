package upcall

import (
	"govs/actions"
	"govs/flow"
)

// maxInterned bounds the masks and the lists that an interned remembers.
const maxInterned = 4096

// interned is masks and action lists that megaflows share. One goroutine uses it.
type interned struct {
	masks map[uint64]*flow.Mask    // by hash
	lists map[uint64]*actions.List // by hash
}

func newInterned() interned {
	return interned{masks: map[uint64]*flow.Mask{}, lists: map[uint64]*actions.List{}}
}

// intern returns a lasting copy of m.
func (h *interned) intern(m *flow.Mask) *flow.Mask {
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

// list returns a lasting copy of an action list. Lists of plain actions and of sets are shared, also so that the datapath may execute
// packets of several flows together.
func (h *interned) list(l actions.List) *actions.List {
	hash := uint64(len(l))
	plain := true
	for i := range l {
		a := &l[i]
		plain = plain && a.Userspace == nil && a.Nested == nil && a.CT == nil && a.Tunnel == nil
		hash = (hash ^ uint64(a.Type)<<56 ^ uint64(a.Attr)<<48 ^ uint64(a.Arg2)<<32 ^ uint64(a.Arg)) * 0x9e3779b97f4a7c15
		hash ^= hash >> 29
		if a.Set != nil {
			for i := range a.Set.V {
				hash = (hash ^ a.Set.V[i]) * 0x9e3779b97f4a7c15
				hash = (hash ^ hash>>31 ^ a.Set.M[i]) * 0xbf58476d1ce4e5b9
				hash ^= hash >> 29
			}
		}
	}
	if plain {
		if c := h.lists[hash]; c != nil && equalLists(*c, l) {
			return c
		}
	}
	c := new(actions.List)
	*c = append(make(actions.List, 0, len(l)), l...)
	if plain {
		if len(h.lists) >= maxInterned {
			clear(h.lists)
		}
		h.lists[hash] = c
	}
	return c
}
