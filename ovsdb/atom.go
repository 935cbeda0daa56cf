package ovsdb

import (
	"math"
	"strings"

	"govs/ovsdb/ojson"
)

// AtomicType is the type of an atom.
type AtomicType uint8

// The atomic types. Void is the "value type" of a set.
const (
	Void AtomicType = iota
	Integer
	Real
	Boolean
	String
	UUIDType
)

var atomicTypeNames = [...]string{"void", "integer", "real", "boolean", "string", "uuid"}

// String returns the name that schemas use.
func (t AtomicType) String() string { return atomicTypeNames[t] }

func atomicTypeFromString(s string) (AtomicType, bool) {
	for i, n := range atomicTypeNames {
		if s == n && i != int(Void) {
			return AtomicType(i), true
		}
	}
	return Void, false
}

// Atom is one scalar value. The zero Atom is of type Void and means "nothing". Atoms of the same type can be
// compared with == except for reals, for which -0 is stored as 0 so that == is right too.
type Atom struct {
	s      string
	hi, lo uint64 // Integer, Real, Boolean: lo; UUID: both, big-endian order
	typ    AtomicType
}

// IntAtom returns an integer atom.
func IntAtom(n int64) Atom { return Atom{typ: Integer, lo: uint64(n)} }

// RealAtom returns a real atom.
func RealAtom(f float64) Atom {
	if f == 0 {
		f = 0
	}
	return Atom{typ: Real, lo: math.Float64bits(f)}
}

// BoolAtom returns a boolean atom.
func BoolAtom(b bool) Atom {
	a := Atom{typ: Boolean}
	if b {
		a.lo = 1
	}
	return a
}

// StringAtom returns a string atom.
func StringAtom(s string) Atom { return Atom{typ: String, s: s} }

// UUIDAtom returns a UUID atom.
func UUIDAtom(u UUID) Atom {
	return Atom{typ: UUIDType, hi: be64(u[0:8]), lo: be64(u[8:16])}
}

// DefaultAtom returns the default value of type t: 0, false, "", the zero UUID.
func DefaultAtom(t AtomicType) Atom { return Atom{typ: t} }

// Type returns the atom's type.
func (a Atom) Type() AtomicType { return a.typ }

// Int returns the value of an integer atom.
func (a Atom) Int() int64 { return int64(a.lo) }

// Real returns the value of a real atom.
func (a Atom) Real() float64 { return math.Float64frombits(a.lo) }

// Bool returns the value of a boolean atom.
func (a Atom) Bool() bool { return a.lo != 0 }

// Str returns the value of a string atom.
func (a Atom) Str() string { return a.s }

// UUID returns the value of a UUID atom.
func (a Atom) UUID() UUID {
	var u UUID
	putBE64(u[0:8], a.hi)
	putBE64(u[8:16], a.lo)
	return u
}

// Compare orders two atoms of the same type: numbers by value, false before true, strings by bytes.
func (a Atom) Compare(b Atom) int {
	switch a.typ {
	case Integer:
		return cmpOrdered(int64(a.lo), int64(b.lo))
	case Real:
		return cmpOrdered(a.Real(), b.Real())
	case String:
		return strings.Compare(a.s, b.s)
	default:
		if c := cmpOrdered(a.hi, b.hi); c != 0 {
			return c
		}
		return cmpOrdered(a.lo, b.lo)
	}
}

func cmpOrdered[T int64 | uint64 | float64](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// AppendJSON appends the atom's JSON form (RFC 7047 section 5.1 <atom>).
func (a Atom) AppendJSON(b []byte) []byte {
	switch a.typ {
	case Integer:
		v := ojson.Int(a.Int())
		return v.Append(b)
	case Real:
		return ojson.AppendReal(b, a.Real())
	case Boolean:
		if a.lo != 0 {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case String:
		return ojson.AppendString(b, a.s)
	case UUIDType:
		b = append(b, `["uuid","`...)
		b = a.UUID().Append(b)
		return append(b, `"]`...)
	}
	return append(b, "null"...)
}

// JSON returns the atom's JSON form as a value.
func (a Atom) JSON() ojson.Value {
	switch a.typ {
	case Integer:
		return ojson.Int(a.Int())
	case Real:
		return ojson.Float(a.Real())
	case Boolean:
		return ojson.Bool(a.Bool())
	case String:
		return ojson.Str(a.s)
	case UUIDType:
		return ojson.Arr(ojson.Str("uuid"), ojson.Str(a.UUID().String()))
	}
	return ojson.Value{}
}

// Symbols maps the names of ["named-uuid", name] to UUIDs within one transaction. A nil *Symbols means that
// named UUIDs are not allowed. It belongs to one goroutine.
type Symbols struct {
	New func() UUID // makes the UUIDs; NewUUID if nil
	m   map[string]*Symbol
}

// Symbol is one named UUID.
type Symbol struct {
	Name    string
	UUID    UUID
	Created bool // an insert operation gave this name to a row
}

// NewSymbols returns an empty symbol table.
func NewSymbols() *Symbols { return &Symbols{} }

// Get returns the symbol with the given name, making it with a new UUID when it is not there.
func (s *Symbols) Get(name string) *Symbol {
	if sym := s.m[name]; sym != nil {
		return sym
	}
	if s.m == nil {
		s.m = make(map[string]*Symbol)
	}
	newUUID := s.New
	if newUUID == nil {
		newUUID = NewUUID
	}
	sym := &Symbol{Name: strings.Clone(name), UUID: newUUID()}
	s.m[sym.Name] = sym
	return sym
}

// All calls f for each symbol, in no special order.
func (s *Symbols) All(f func(*Symbol)) {
	for _, sym := range s.m {
		f(sym)
	}
}

// ParseAtom parses the JSON form of an atom of base type bt and checks bt's constraints. syms may be nil.
func ParseAtom(v *ojson.Value, bt *BaseType, syms *Symbols) (Atom, error) {
	a, err := parseAtomUnchecked(v, bt.Type, syms)
	if err != nil {
		return Atom{}, err
	}
	if err := bt.CheckAtom(a); err != nil {
		return Atom{}, err
	}
	return a, nil
}

// parseAtomUnchecked parses the JSON form of an atom of type t, without constraints.
func parseAtomUnchecked(v *ojson.Value, t AtomicType, syms *Symbols) (Atom, error) {
	switch t {
	case Integer:
		if v.Kind() == ojson.Integer {
			return IntAtom(v.Int()), nil
		}
	case Real:
		if v.Kind() == ojson.Integer || v.Kind() == ojson.Real {
			return RealAtom(v.Float()), nil
		}
	case Boolean:
		if b, ok := v.Bool(); ok {
			return BoolAtom(b), nil
		}
	case String:
		if v.Kind() == ojson.String {
			return StringAtom(v.Str()), nil
		}
	case UUIDType:
		return parseUUIDAtom(v, syms)
	}
	return Atom{}, SyntaxErrorf(v, "expected %s", t)
}

func parseUUIDAtom(v *ojson.Value, syms *Symbols) (Atom, error) {
	s, err := unwrapJSON(v, "uuid", ojson.String)
	if err == nil {
		u, ok := parseUUID(s.Str())
		if ok {
			return UUIDAtom(u), nil
		}
		return Atom{}, SyntaxErrorf(v, "\"%s\" is not a valid UUID", s.Str())
	}
	if syms == nil {
		return Atom{}, err
	}
	n, err2 := unwrapJSON(v, "named-uuid", ojson.String)
	if err2 != nil {
		return Atom{}, err
	}
	if !IsID(n.Str()) {
		return Atom{}, SyntaxErrorf(v, "named-uuid string is not a valid <id>")
	}
	return UUIDAtom(syms.Get(n.Str()).UUID), nil
}

// unwrapJSON expects [name, X] with X of the given kind and returns X.
func unwrapJSON(v *ojson.Value, name string, kind ojson.Kind) (*ojson.Value, error) {
	e := v.Elems()
	if len(e) != 2 || e[0].Kind() != ojson.String || e[0].Str() != name || e[1].Kind() != kind {
		what := "string"
		if kind == ojson.Array {
			what = "array"
		}
		return nil, SyntaxErrorf(v, "expected [\"%s\", <%s>]", name, what)
	}
	return &e[1], nil
}

// IsID reports whether s is an <id> (RFC 7047 section 3.1): [a-zA-Z_][a-zA-Z0-9_]*.
func IsID(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}

func be64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0])<<56 | uint64(b[1])<<48 | uint64(b[2])<<40 | uint64(b[3])<<32 |
		uint64(b[4])<<24 | uint64(b[5])<<16 | uint64(b[6])<<8 | uint64(b[7])
}

func putBE64(b []byte, n uint64) {
	_ = b[7]
	for i := 7; i >= 0; i-- {
		b[i] = byte(n)
		n >>= 8
	}
}
