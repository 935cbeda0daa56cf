package flow

import (
	"math/bits"
)

// Match is a key and the bits of it that matter. Bits of Key outside Mask are zero. Matches are values: any goroutine may read
// one that nobody writes.
type Match struct {
	Key  Key
	Mask Mask
}

// Set matches the bits of the field that are ones in mask to those of value, as OpenFlow means the field: earlier constraints
// on it are dropped, dl_vlan and the VLAN priorities also match on the tag's presence, and dl_vlan 0xffff on its absence.
func (m *Match) Set(id FieldID, value, mask Value) {
	switch id {
	case FieldDlVlan:
		if value.Lo == 0xffff {
			m.Set(FieldVlanTCI, Value{}, U(0xffff))
			return
		}
		id, value.Lo, mask.Lo = FieldVlanVID, value.Lo|VLANPresent, mask.Lo|VLANPresent
	case FieldDlVlanPCP, FieldVlanPCP:
		if !mask.IsZero() {
			m.Mask.SetVlanTCI(m.Mask.VlanTCI() | VLANPresent)
			m.Key.SetVlanTCI(m.Key.VlanTCI() | VLANPresent)
		}
	}
	m.setRaw(id, value, mask)
}

func (m *Match) setRaw(id FieldID, value, mask Value) {
	f := &fields[id]
	mask = mask.And(f.AllOnes())
	keep := ones(f.Width).AndNot(f.AllOnes()) // bits of another field, e.g. nw_ecn beside nw_tos
	oldMask, oldKey := m.Mask.Get(id).And(keep), m.Key.Get(id).And(keep)
	f.set((*[Words]uint64)(&m.Mask), mask.Or(oldMask))
	f.set((*[Words]uint64)(&m.Key), value.And(mask).Or(oldKey))
}

// SetExact matches the whole field to value.
func (m *Match) SetExact(id FieldID, value Value) { m.Set(id, value, fields[id].AllOnes()) }

// Get returns the field's value and mask.
func (m *Match) Get(id FieldID) (value, mask Value) {
	all := fields[id].AllOnes()
	return m.Key.Get(id).And(all), m.Mask.Get(id).And(all)
}

// IsWild reports whether no bit of the field matters.
func (m *Mask) IsWild(id FieldID) bool { return m.Get(id).And(fields[id].AllOnes()).IsZero() }

// IsExact reports whether every bit of the field matters.
func (m *Mask) IsExact(id FieldID) bool {
	all := fields[id].AllOnes()
	return m.Get(id).And(all) == all
}

// IsWild reports whether no bit of the field is matched.
func (m *Match) IsWild(id FieldID) bool { return m.Mask.IsWild(id) }

// IsExact reports whether every bit of the field is matched.
func (m *Match) IsExact(id FieldID) bool { return m.Mask.IsExact(id) }

// Normalize clears the bits of Key that Mask does not have.
func (m *Match) Normalize() {
	for i := range m.Key {
		m.Key[i] &= m.Mask[i]
	}
}

// Matches reports whether k has m's values in all the bits of m's mask.
func (m *Match) Matches(k *Key) bool {
	for i, w := range m.Mask {
		if w != 0 && (k[i]^m.Key[i])&w != 0 {
			return false
		}
	}
	return true
}

// Covers reports whether every key that o matches is also matched by m: m is as wide as o or wider. It is the test by which
// non-strict OpenFlow modifications and deletions choose their flows.
func (m *Match) Covers(o *Match) bool {
	for i, w := range m.Mask {
		if w&^o.Mask[i] != 0 || (m.Key[i]^o.Key[i])&w != 0 {
			return false
		}
	}
	return true
}

// Overlaps reports whether some key is matched by both m and o.
func (m *Match) Overlaps(o *Match) bool {
	for i, w := range m.Mask {
		if (m.Key[i]^o.Key[i])&w&o.Mask[i] != 0 {
			return false
		}
	}
	return true
}

// Equal reports whether both match exactly the same keys.
func (m *Match) Equal(o *Match) bool { return m.Mask == o.Mask && m.Key == o.Key }

// Hash returns a hash of the match with the given seed.
func (m *Match) Hash(seed uint64) uint64 {
	h := seed
	for i, w := range m.Mask {
		if w != 0 {
			h = mix(h^uint64(i), w)
			h = mix(h, m.Key[i]&w)
		}
	}
	return h
}

// mix folds v into h with one wide multiplication.
func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, v^0xd1b54a32d192ed03)
	return hi ^ lo ^ h<<1
}

// NumWords returns the index of the last non-zero word plus one: the words of a key that the mask reads.
func (m *Mask) NumWords() int {
	for i := Words - 1; i >= 0; i-- {
		if m[i] != 0 {
			return i + 1
		}
	}
	return 0
}

// Or adds the bits of o to m.
func (m *Mask) Or(o *Mask) {
	for i, w := range o {
		m[i] |= w
	}
}

// WordList appends the indexes of m's non-zero words to dst, in ascending order.
func (m *Mask) WordList(dst []uint8) []uint8 {
	for i, w := range m {
		if w != 0 {
			dst = append(dst, uint8(i))
		}
	}
	return dst
}

// Covers reports whether m has every bit of o.
func (m *Mask) Covers(o *Mask) bool {
	for i, w := range o {
		if w&^m[i] != 0 {
			return false
		}
	}
	return true
}

// Hash returns a hash of the mask with the given seed.
func (m *Mask) Hash(seed uint64) uint64 {
	h := seed
	for i, w := range m {
		if w != 0 {
			h = mix(h^uint64(i), w)
		}
	}
	return h
}

// And writes k's bits under m to dst: the masked key.
func (m *Mask) And(dst, k *Key) {
	for i, w := range m {
		dst[i] = k[i] & w
	}
}

// ClearFrom zeroes the words of k from n on. A caller that needs a whole key from one that Extract wrote (n words) uses it,
// and so does a lookup whose mask reads metadata words that the packet's shape does not reach.
func (k *Key) ClearFrom(n int) {
	if n < Words {
		clear(k[n:])
	}
}
