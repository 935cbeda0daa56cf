package megaflow

import (
	"unsafe"

	"govs/flow"
)

// shortWords is the most words of a mask that hashing and comparing treat specially, in_port's included.
const shortWords = 4

// Union is how keys are hashed and compared for a mask: the OR of a classifier's masks, or a subtable's own.
//
// A mask is short when it reads at most four words, all of them in the shape of IPv4 packets: a five-tuple, or Ethernet
// addresses, for example. Then only those words are loaded.
type Union struct {
	Mask   flow.Mask
	Len    int    // leading key words that the mask reads
	Layout uint32 // changes when the set of words that are read does; unique in a Store
	Short  bool
	Simple bool                    // it reads nothing but in_port, recirc_id, eth_type, nw_frag and VLAN tags
	off    [shortWords - 1]uintptr // byte offsets in a key of the words after the first
	mask   [shortWords - 1]uint64  // and what of them counts
}

// simpleMask has the bits that a Simple mask may have.
var simpleMask = flow.Mask{flow.WInPort: ^uint64(0), flow.WEthDst: 0xffff, flow.WL4: 0xff << 32, flow.WVLAN: ^uint64(0)}

// set makes u describe m.
func (u *Union) set(m *flow.Mask) {
	*u = Union{Mask: *m, Layout: u.Layout, Short: true, Simple: true}
	n := 0
	for i, w := range m {
		if w == 0 {
			continue
		}
		u.Len = i + 1
		u.Simple = u.Simple && w&^simpleMask[i] == 0
		if i == 0 {
			continue
		}
		if n == len(u.off) || i >= HashWords {
			u.Short = false
			continue
		}
		u.off[n], u.mask[n] = uintptr(i)*8, w
		n++
	}
}

// Words returns the masked words after the first of a key, for a short mask. Those that the mask does not have are 0.
func (u *Union) Words(k *flow.Key) (a, b, c uint64) {
	p := unsafe.Pointer(k)
	return *(*uint64)(unsafe.Add(p, u.off[0])) & u.mask[0], *(*uint64)(unsafe.Add(p, u.off[1])) & u.mask[1], *(*uint64)(unsafe.Add(p, u.off[2])) & u.mask[2]
}

// HashShort hashes what Words returns, and the key's first word.
func (s *Seeds) HashShort(first, a, b, c uint64) uint64 {
	return Mix(Mix(a^s[1], b^s[2])^first, c^s[3])
}

// HashUnder hashes a key of n valid words.
func (s *Seeds) HashUnder(u *Union, k *flow.Key, n int) uint64 {
	if u.Short {
		a, b, c := u.Words(k)
		return s.HashShort(k[0], a, b, c)
	}
	h := s.Hash(k, &u.Mask)
	if u.Len > HashWords {
		h = s.HashRest(h, k, &u.Mask, min(u.Len, n))
	}
	return h
}
