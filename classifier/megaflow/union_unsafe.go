package megaflow

import (
	"unsafe"

	"govs/flow"
)

// shortWords is the most words of a mask that hashing and comparing treat specially, in_port's included.
const shortWords = 4

// Union is how keys are hashed and compared for a mask: the OR of a classifier's masks, or a subtable's own.
//
// A mask is compact words: the first is in_port's, each of the others a word that the mask reads, and where there are more than fit an entry's
// first line, two words whose masks have no bit in common (the Ethernet type and the VLAN tag, usually) share one: see compact.
//
// A mask is short when it has at most four compact words, all of them in the shape of IPv4 packets: a five-tuple, or Ethernet
// addresses, for example. Then only those words are loaded.
type Union struct {
	Len    int                     // leading key words that the mask reads
	off    [shortWords - 1]uintptr // byte offsets in a key of the words after the first
	mask   [shortWords - 1]uint64  // and what of them counts
	off2   uintptr                 // of the word that shares the first's place
	mask2  uint64                  // 0 when there is none
	Layout uint32                  // changes when the set of words that are read does; unique in a Store
	Short  bool
	Simple bool // it reads nothing but in_port, recirc_id, eth_type, nw_frag and VLAN tags
	Mask   flow.Mask
}

// compacted is a mask's compact words after in_port's: which key word each is, and the one that shares the first's place, 0 for none.
type compacted struct {
	n      int
	idx    [flow.Words]uint8
	shared uint8
}

func compact(m *flow.Mask) (c compacted) {
	for i := 1; i < len(m); i++ {
		if m[i] != 0 {
			c.idx[c.n] = uint8(i)
			c.n++
		}
	}
	if c.n < shortWords {
		return c
	}
	for i := 0; i < c.n && c.idx[i] < HashWords; i++ {
		for j := i + 1; j < c.n && c.idx[j] < HashWords; j++ {
			if m[c.idx[i]]&m[c.idx[j]] != 0 {
				continue
			}
			first := c.idx[i]
			c.shared = c.idx[j]
			copy(c.idx[j:], c.idx[j+1:c.n])
			copy(c.idx[1:], c.idx[:i])
			c.idx[0] = first
			c.n--
			c.idx[c.n] = 0
			return c
		}
	}
	return c
}

// simpleMask has the bits that a Simple mask may have.
var simpleMask = flow.Mask{flow.WInPort: ^uint64(0), flow.WEthDst: 0xffff, flow.WL4: 0xff << 32, flow.WVLAN: ^uint64(0)}

// set makes u describe m.
func (u *Union) set(m *flow.Mask) {
	*u = Union{Mask: *m, Layout: u.Layout, Short: true, Simple: true}
	for i, w := range m {
		if w != 0 {
			u.Len = i + 1
			u.Simple = u.Simple && w&^simpleMask[i] == 0
		}
	}
	c := compact(m)
	for n, i := range c.idx[:c.n] {
		if n == len(u.off) || i >= HashWords {
			u.Short = false
			break
		}
		u.off[n], u.mask[n] = uintptr(i)*8, m[i]
	}
	if c.shared != 0 {
		u.off2, u.mask2 = uintptr(c.shared)*8, m[c.shared]
	}
}

// sameLayout says whether u and o put the same key words in the same places.
func (u *Union) sameLayout(o *Union) bool {
	for i := range u.Mask {
		if (u.Mask[i] == 0) != (o.Mask[i] == 0) {
			return false
		}
	}
	return u.Short == o.Short && (!u.Short || u.off == o.off && u.off2 == o.off2)
}

// Words returns the compact words after the first of a key, for a short mask. Those that the mask does not have are 0.
func (u *Union) Words(k *flow.Key) (a, b, c uint64) {
	p := unsafe.Pointer(k)
	return *(*uint64)(unsafe.Add(p, u.off[0]))&u.mask[0] | *(*uint64)(unsafe.Add(p, u.off2))&u.mask2, *(*uint64)(unsafe.Add(p, u.off[1])) & u.mask[1], *(*uint64)(unsafe.Add(p, u.off[2])) & u.mask[2]
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
