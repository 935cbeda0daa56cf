package ojson

import (
	"math"
	"sort"
	"strconv"
	"unicode/utf8"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds. Integer and Real are two kinds here although JSON has one number type.
const (
	Null Kind = iota
	False
	True
	Object
	Array
	Integer
	Real
	String
)

// Value is one JSON value. The zero Value is null.
type Value struct {
	kind Kind
	num  uint64  // Integer: the int64's bits; Real: the float64's bits
	str  string  // String
	list []Value // Array: elements; Object: key, value, key, value...
}

// Constructors. The arguments are not copied: the caller must not change them afterwards.

// Str returns a string value.
func Str(s string) Value { return Value{kind: String, str: s} }

// Int returns an integer value.
func Int(n int64) Value { return Value{kind: Integer, num: uint64(n)} }

// Float returns a real value, also of a whole number (which the parser would make an integer).
func Float(f float64) Value { return Value{kind: Real, num: math.Float64bits(f)} }

// Bool returns true or false.
func Bool(b bool) Value {
	if b {
		return Value{kind: True}
	}
	return Value{kind: False}
}

// Arr returns an array of the given elements.
func Arr(elems ...Value) Value { return Value{kind: Array, list: elems} }

// Obj returns an object from alternating keys and values: Obj("a", Int(1), "b", Str("x")).
// A key that is not a string, or a value that is not a Value, panics: it is a programming error.
func Obj(kv ...any) Value {
	list := make([]Value, 0, len(kv))
	for i := 0; i+1 < len(kv); i += 2 {
		list = append(list, Str(kv[i].(string)), kv[i+1].(Value))
	}
	return Value{kind: Object, list: list}
}

// ObjFromList returns an object whose members are the alternating String keys and values of list.
func ObjFromList(list []Value) Value { return Value{kind: Object, list: list} }

// Kind returns the kind of v.
func (v *Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v *Value) IsNull() bool { return v.kind == Null }

// Bool returns the boolean and whether v is one.
func (v *Value) Bool() (b, ok bool) { return v.kind == True, v.kind == True || v.kind == False }

// Int returns the integer of an Integer value, otherwise 0.
func (v *Value) Int() int64 {
	if v.kind == Integer {
		return int64(v.num)
	}
	return 0
}

// Float returns the number of an Integer or Real value, otherwise 0.
func (v *Value) Float() float64 {
	switch v.kind {
	case Integer:
		return float64(int64(v.num))
	case Real:
		return math.Float64frombits(v.num)
	}
	return 0
}

// Str returns the string of a String value, otherwise "".
func (v *Value) Str() string { return v.str }

// Elems returns the elements of an Array, otherwise nil. The caller must not change them.
func (v *Value) Elems() []Value {
	if v.kind == Array {
		return v.list
	}
	return nil
}

// Len returns the number of elements of an array or of members of an object.
func (v *Value) Len() int {
	if v.kind == Object {
		return len(v.list) / 2
	}
	return len(v.list)
}

// Member returns key and value of the i'th member of an Object.
func (v *Value) Member(i int) (key string, val *Value) {
	return v.list[2*i].str, &v.list[2*i+1]
}

// Get returns the member with the given key, or nil. Of duplicate keys the last one counts.
func (v *Value) Get(key string) *Value {
	if v.kind != Object {
		return nil
	}
	for i := len(v.list) - 2; i >= 0; i -= 2 {
		if v.list[i].str == key {
			return &v.list[i+1]
		}
	}
	return nil
}

// Equal reports whether a and b are the same JSON value. The order of the members of objects does not
// count, duplicate keys count once (the last), and an integer never equals a real.
func Equal(a, b *Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case String:
		return a.str == b.str
	case Integer, Real:
		return a.num == b.num
	case Array:
		if len(a.list) != len(b.list) {
			return false
		}
		for i := range a.list {
			if !Equal(&a.list[i], &b.list[i]) {
				return false
			}
		}
	case Object:
		am, bm := a.index(), b.index()
		if len(am) != len(bm) {
			return false
		}
		for k, x := range am {
			y, ok := bm[k]
			if !ok || !Equal(x, y) {
				return false
			}
		}
	}
	return true
}

func (v *Value) index() map[string]*Value {
	m := make(map[string]*Value, v.Len())
	for i := 0; i < v.Len(); i++ {
		k, x := v.Member(i)
		m[k] = x
	}
	return m
}

// String returns v as compact JSON with the members of objects sorted by key, the form that OVSDB puts in
// the "syntax" member of errors.
func (v Value) String() string { return string(v.AppendSorted(nil)) }

// Append appends v as compact JSON, with object members in their own order.
func (v *Value) Append(b []byte) []byte { return v.appendTo(b, false) }

// AppendSorted appends v as compact JSON with object members sorted by key.
func (v *Value) AppendSorted(b []byte) []byte { return v.appendTo(b, true) }

func (v *Value) appendTo(b []byte, sorted bool) []byte {
	switch v.kind {
	case Null:
		return append(b, "null"...)
	case False:
		return append(b, "false"...)
	case True:
		return append(b, "true"...)
	case Integer:
		return strconv.AppendInt(b, int64(v.num), 10)
	case Real:
		return AppendReal(b, math.Float64frombits(v.num))
	case String:
		return AppendString(b, v.str)
	case Array:
		b = append(b, '[')
		for i := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.list[i].appendTo(b, sorted)
		}
		return append(b, ']')
	default:
		b = append(b, '{')
		n := v.Len()
		var order []int
		if sorted && n > 1 {
			order = make([]int, n)
			for i := range order {
				order[i] = i
			}
			sort.SliceStable(order, func(i, j int) bool { return v.list[2*order[i]].str < v.list[2*order[j]].str })
		}
		first := true
		for i := 0; i < n; i++ {
			j := i
			if order != nil {
				j = order[i]
				if i+1 < n && v.list[2*order[i+1]].str == v.list[2*j].str {
					continue // a later duplicate replaces it
				}
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = AppendString(b, v.list[2*j].str)
			b = append(b, ':')
			b = v.list[2*j+1].appendTo(b, sorted)
		}
		return append(b, '}')
	}
}

// AppendReal appends f as OVSDB writes reals: "%.15g" where that keeps the value, and otherwise with as many
// digits as it takes to keep it. Infinities and NaN have no JSON form and are written as null.
func AppendReal(b []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(b, "null"...)
	}
	n := len(b)
	b = strconv.AppendFloat(b, f, 'g', 15, 64)
	if g, err := strconv.ParseFloat(string(b[n:]), 64); err == nil && g == f {
		return b
	}
	return strconv.AppendFloat(b[:n], f, 'g', 17, 64)
}

const hexDigits = "0123456789abcdef"

// plain tells which bytes stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\' && c != 0x7f
	}
	t[0x7f] = true
	for c := 0x80; c < 0x100; c++ {
		t[c] = true
	}
	return
}()

// AppendString appends s as a JSON string, quotes included. Bytes that are not valid UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	nonASCII := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 {
			nonASCII = true
		}
		if plain[c] {
			continue
		}
		b = appendRun(b, s[start:i], nonASCII)
		start = i + 1
		switch c {
		case '"':
			b = append(b, '\\', '"')
		case '\\':
			b = append(b, '\\', '\\')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	b = appendRun(b, s[start:], nonASCII)
	return append(b, '"')
}

func appendRun(b []byte, s string, nonASCII bool) []byte {
	if !nonASCII || utf8.ValidString(s) {
		return append(b, s...)
	}
	for _, r := range s {
		b = utf8.AppendRune(b, r)
	}
	return b
}
