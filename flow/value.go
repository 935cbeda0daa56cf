package flow

import "math/bits"

// Value is the value of one field, right-aligned, as a natural integer of up to 128 bits.
type Value struct{ Hi, Lo uint64 }

// U returns v as a Value.
func U(v uint64) Value { return Value{0, v} }

// IsZero reports whether v is 0.
func (v Value) IsZero() bool { return v.Hi|v.Lo == 0 }

// And returns the bitwise and.
func (v Value) And(w Value) Value { return Value{v.Hi & w.Hi, v.Lo & w.Lo} }

// AndNot returns v with the bits of w cleared.
func (v Value) AndNot(w Value) Value { return Value{v.Hi &^ w.Hi, v.Lo &^ w.Lo} }

// Or returns the bitwise or.
func (v Value) Or(w Value) Value { return Value{v.Hi | w.Hi, v.Lo | w.Lo} }

// Xor returns the bitwise exclusive or.
func (v Value) Xor(w Value) Value { return Value{v.Hi ^ w.Hi, v.Lo ^ w.Lo} }

// Shl returns v shifted left by n bits, 0 to 128.
func (v Value) Shl(n uint) Value {
	if n >= 64 {
		return Value{v.Lo << (n - 64), 0}
	}
	return Value{v.Hi<<n | v.Lo>>(64-n), v.Lo << n}
}

// Shr returns v shifted right by n bits, 0 to 128.
func (v Value) Shr(n uint) Value {
	if n >= 64 {
		return Value{0, v.Hi >> (n - 64)}
	}
	return Value{v.Hi >> n, v.Lo>>n | v.Hi<<(64-n)}
}

// OnesCount returns the number of one bits.
func (v Value) OnesCount() int { return bits.OnesCount64(v.Hi) + bits.OnesCount64(v.Lo) }

// Less reports whether v is below w.
func (v Value) Less(w Value) bool { return v.Hi < w.Hi || v.Hi == w.Hi && v.Lo < w.Lo }

// Bytes appends v to b in n bytes, most significant first.
func (v Value) Bytes(b []byte, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v.Shr(uint(8*i)).Lo))
	}
	return b
}

// ValueOf returns the value of up to 16 bytes, most significant first.
func ValueOf(b []byte) Value {
	var v Value
	for _, c := range b {
		v = v.Shl(8)
		v.Lo |= uint64(c)
	}
	return v
}
