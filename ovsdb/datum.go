package ovsdb

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"govs/ovsdb/ojson"
)

// Datum is the value of a column: a scalar, a set or a map. A scalar is a set of one element.
//
// It is one immutable string, so it is 16 bytes plus one allocation without pointers, and two datums of one type
// are equal exactly when they are ==. The zero Datum is the empty set and the empty map. The encoding, which is
// private to this file, is: one byte (key type | value type << 4), the number of elements as a uvarint, then the
// keys in ascending order, then for maps the values in the order of their keys. Integers, reals and UUIDs take 8,
// 8 and 16 bytes in an order-preserving big-endian form, booleans one byte, strings a uvarint length and the bytes.
type Datum struct{ enc string }

// Width of the fixed-size atoms; 0 for strings.
var atomWidth = [...]int{Integer: 8, Real: 8, Boolean: 1, String: 0, UUIDType: 16}

func appendAtom(b []byte, a Atom) []byte {
	switch a.typ {
	case Integer:
		return binary.BigEndian.AppendUint64(b, a.lo^1<<63)
	case Real:
		n := a.lo
		if n>>63 != 0 {
			n = ^n
		} else {
			n |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(b, n)
	case Boolean:
		return append(b, byte(a.lo))
	case String:
		b = binary.AppendUvarint(b, uint64(len(a.s)))
		return append(b, a.s...)
	case UUIDType:
		b = binary.BigEndian.AppendUint64(b, a.hi)
		return binary.BigEndian.AppendUint64(b, a.lo)
	}
	return b
}

// decodeAtom decodes an atom of type t at offset i of s and returns the offset behind it.
func decodeAtom(s string, i int, t AtomicType) (Atom, int) {
	switch t {
	case Integer:
		return Atom{typ: t, lo: strBE64(s[i:]) ^ 1<<63}, i + 8
	case Real:
		n := strBE64(s[i:])
		if n>>63 != 0 {
			n &^= 1 << 63
		} else {
			n = ^n
		}
		return Atom{typ: t, lo: n}, i + 8
	case Boolean:
		return Atom{typ: t, lo: uint64(s[i])}, i + 1
	case String:
		n, w := strUvarint(s[i:])
		i += w
		return Atom{typ: t, s: s[i : i+n]}, i + n
	case UUIDType:
		return Atom{typ: t, hi: strBE64(s[i:]), lo: strBE64(s[i+8:])}, i + 16
	}
	return Atom{}, i
}

func skipAtom(s string, i int, t AtomicType) int {
	if t == String {
		n, w := strUvarint(s[i:])
		return i + w + n
	}
	return i + atomWidth[t]
}

func strBE64(s string) uint64 {
	_ = s[7]
	return uint64(s[0])<<56 | uint64(s[1])<<48 | uint64(s[2])<<40 | uint64(s[3])<<32 |
		uint64(s[4])<<24 | uint64(s[5])<<16 | uint64(s[6])<<8 | uint64(s[7])
}

func strUvarint(s string) (n, width int) {
	shift := 0
	for i := 0; ; i++ {
		c := s[i]
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return n, i + 1
		}
		shift += 7
	}
}

// head returns the number of elements and where the keys start.
func (d Datum) head() (n, at int) {
	if d.enc == "" {
		return 0, 0
	}
	n, w := strUvarint(d.enc[1:])
	return n, 1 + w
}

// Len returns the number of elements (for a map, of pairs).
func (d Datum) Len() int {
	n, _ := d.head()
	return n
}

// IsEmpty reports whether d has no elements.
func (d Datum) IsEmpty() bool { return d.enc == "" }

// Size returns the number of bytes that d takes, for accounting.
func (d Datum) Size() int { return len(d.enc) }

// KeyType returns the type of the keys; Void for an empty datum.
func (d Datum) KeyType() AtomicType {
	if d.enc == "" {
		return Void
	}
	return AtomicType(d.enc[0] & 15)
}

// ValueType returns the type of the values; Void for sets, scalars and an empty datum.
func (d Datum) ValueType() AtomicType {
	if d.enc == "" {
		return Void
	}
	return AtomicType(d.enc[0] >> 4)
}

// Scalar returns the only or first key; for an empty datum the zero Atom, whose Int, Str... are zero values.
func (d Datum) Scalar() Atom {
	n, at := d.head()
	if n == 0 {
		return Atom{}
	}
	a, _ := decodeAtom(d.enc, at, d.KeyType())
	return a
}

// Keys iterates over the keys in ascending order.
func (d Datum) Keys() iter.Seq[Atom] {
	return func(yield func(Atom) bool) {
		n, at := d.head()
		t := d.KeyType()
		for ; n > 0; n-- {
			var a Atom
			a, at = decodeAtom(d.enc, at, t)
			if !yield(a) {
				return
			}
		}
	}
}

// All iterates over the pairs of a map in ascending order of the keys; for a set the values are zero Atoms.
func (d Datum) All() iter.Seq2[Atom, Atom] {
	return func(yield func(Atom, Atom) bool) {
		n, at := d.head()
		kt, vt := d.KeyType(), d.ValueType()
		vat := at
		if vt != Void {
			for i := 0; i < n; i++ {
				vat = skipAtom(d.enc, vat, kt)
			}
		}
		for ; n > 0; n-- {
			var k, v Atom
			k, at = decodeAtom(d.enc, at, kt)
			if vt != Void {
				v, vat = decodeAtom(d.enc, vat, vt)
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

// find returns the index of key k and whether it is there.
func (d Datum) find(k Atom) (int, bool) {
	n, at := d.head()
	if n == 0 || d.KeyType() != k.typ {
		return 0, false
	}
	if w := atomWidth[k.typ]; w > 0 {
		var buf [16]byte
		key := string(appendAtom(buf[:0], k))
		lo, hi := 0, n
		for lo < hi {
			m := (lo + hi) / 2
			x := d.enc[at+m*w : at+(m+1)*w]
			if x == key {
				return m, true
			}
			if x < key {
				lo = m + 1
			} else {
				hi = m
			}
		}
		return 0, false
	}
	for i := 0; i < n; i++ {
		var a Atom
		a, at = decodeAtom(d.enc, at, String)
		if a.s == k.s {
			return i, true
		}
		if a.s > k.s {
			break
		}
	}
	return 0, false
}

// Contains reports whether k is one of the keys.
func (d Datum) Contains(k Atom) bool {
	_, ok := d.find(k)
	return ok
}

// Lookup returns the value of key k in a map.
func (d Datum) Lookup(k Atom) (Atom, bool) {
	i, ok := d.find(k)
	vt := d.ValueType()
	if !ok || vt == Void {
		return Atom{}, false
	}
	n, at := d.head()
	for j := 0; j < n; j++ {
		at = skipAtom(d.enc, at, d.KeyType())
	}
	for j := 0; j < i; j++ {
		at = skipAtom(d.enc, at, vt)
	}
	v, _ := decodeAtom(d.enc, at, vt)
	return v, true
}

// LookupString returns the value of a string key of a string-to-string map, "" when it is not there.
func (d Datum) LookupString(key string) (string, bool) {
	v, ok := d.Lookup(StringAtom(key))
	return v.s, ok
}

// Strings returns the keys of a set of strings.
func (d Datum) Strings() []string {
	out := make([]string, 0, d.Len())
	for a := range d.Keys() {
		out = append(out, a.s)
	}
	return out
}

// UUIDs returns the keys of a set of UUIDs.
func (d Datum) UUIDs() []UUID {
	out := make([]UUID, 0, d.Len())
	for a := range d.Keys() {
		out = append(out, a.UUID())
	}
	return out
}

// Ints returns the keys of a set of integers.
func (d Datum) Ints() []int64 {
	out := make([]int64, 0, d.Len())
	for a := range d.Keys() {
		out = append(out, a.Int())
	}
	return out
}

// StringMap returns a string-to-string map as a Go map.
func (d Datum) StringMap() map[string]string {
	out := make(map[string]string, d.Len())
	for k, v := range d.All() {
		out[k.s] = v.s
	}
	return out
}

// DefaultDatum returns the default value of a column of type t: empty if t allows it, else one default atom.
func DefaultDatum(t *Type) Datum {
	if t.Min == 0 {
		return Datum{}
	}
	var b Builder
	b.Init(t.Key.Type, t.Value.Type)
	b.AddPair(DefaultAtom(t.Key.Type), DefaultAtom(t.Value.Type))
	return b.Build()
}

// IsDefault reports whether d is the default value of a column of type t.
func (d Datum) IsDefault(t *Type) bool {
	if t.Min == 0 {
		return d.enc == ""
	}
	if d.Len() != 1 {
		return false
	}
	for k, v := range d.All() {
		return k.isDefault() && v.isDefault()
	}
	return false
}

func (a Atom) isDefault() bool { return a.hi == 0 && a.lo == 0 && a.s == "" }

// NewScalar returns the datum that holds just a.
func NewScalar(a Atom) Datum {
	var buf [64]byte
	b := append(buf[:0], byte(a.typ), 1)
	return Datum{string(appendAtom(b, a))}
}

// NewSet returns a set; duplicates count once. All atoms must have the same type.
func NewSet(atoms ...Atom) Datum {
	var b Builder
	if len(atoms) == 0 {
		return Datum{}
	}
	b.Init(atoms[0].typ, Void)
	for _, a := range atoms {
		b.Add(a)
	}
	return b.Build()
}

// NewStringSet returns a set of strings.
func NewStringSet(ss ...string) Datum {
	atoms := make([]Atom, len(ss))
	for i, s := range ss {
		atoms[i] = StringAtom(s)
	}
	return NewSet(atoms...)
}

// NewUUIDSet returns a set of UUIDs.
func NewUUIDSet(us ...UUID) Datum {
	atoms := make([]Atom, len(us))
	for i, u := range us {
		atoms[i] = UUIDAtom(u)
	}
	return NewSet(atoms...)
}

// NewStringMap returns a string-to-string map.
func NewStringMap(m map[string]string) Datum {
	var b Builder
	b.Init(String, String)
	for k, v := range m {
		b.AddPair(StringAtom(k), StringAtom(v))
	}
	return b.Build()
}

// Builder collects the elements of a Datum in any order. It belongs to one goroutine and may be used again
// after Init.
type Builder struct {
	kt, vt AtomicType
	pairs  []pair
	sorted bool
}

type pair struct{ k, v Atom }

// Init empties b and sets the types; vt is Void for sets.
func (b *Builder) Init(kt, vt AtomicType) {
	b.kt, b.vt, b.pairs, b.sorted = kt, vt, b.pairs[:0], true
}

// Add adds an element of a set.
func (b *Builder) Add(k Atom) { b.AddPair(k, Atom{}) }

// AddPair adds a pair of a map.
func (b *Builder) AddPair(k, v Atom) {
	if n := len(b.pairs); b.sorted && n > 0 && b.pairs[n-1].k.Compare(k) >= 0 {
		b.sorted = false
	}
	b.pairs = append(b.pairs, pair{k, v})
}

// Len returns the number of elements added.
func (b *Builder) Len() int { return len(b.pairs) }

func (b *Builder) sort() (dup bool) {
	if b.sorted {
		return false
	}
	slices.SortStableFunc(b.pairs, func(x, y pair) int { return x.k.Compare(y.k) })
	b.sorted = true
	n := len(b.pairs)
	b.pairs = slices.CompactFunc(b.pairs, func(x, y pair) bool { return x.k == y.k })
	return len(b.pairs) < n
}

// Build returns the datum. Of elements with equal keys the first one added counts.
func (b *Builder) Build() Datum {
	b.sort()
	if len(b.pairs) == 0 {
		return Datum{}
	}
	var buf [128]byte
	out := append(buf[:0], byte(b.kt)|byte(b.vt)<<4)
	out = binary.AppendUvarint(out, uint64(len(b.pairs)))
	for i := range b.pairs {
		out = appendAtom(out, b.pairs[i].k)
	}
	if b.vt != Void {
		for i := range b.pairs {
			out = appendAtom(out, b.pairs[i].v)
		}
	}
	return Datum{string(out)}
}

// BuildUnique is like Build but elements with equal keys are an error.
func (b *Builder) BuildUnique() (Datum, error) {
	if b.sort() {
		if b.vt != Void {
			return Datum{}, Errorf("ovsdb error", "map contains duplicate key")
		}
		return Datum{}, Errorf("ovsdb error", "set contains duplicate")
	}
	return b.Build(), nil
}

// CheckSize checks that t allows the number of elements of d, in the words of a failed mutation or a commit.
func (d Datum) CheckSize(t *Type) error {
	n := d.Len()
	if n >= int(t.Min) && n <= int(t.Max) {
		return nil
	}
	return Errorf("constraint violation", "Attempted to store %d elements in %s.", n, t.English())
}

// Check checks the constraints of t on every element and on the number of elements.
func (d Datum) Check(t *Type) error {
	if n := d.Len(); n < int(t.Min) || n > int(t.Max) {
		return d.CheckSize(t)
	}
	if !t.Key.HasConstraints() && (t.Value.Type == Void || !t.Value.HasConstraints()) {
		return nil
	}
	for k, v := range d.All() {
		if err := t.Key.CheckAtom(k); err != nil {
			return err
		}
		if t.Value.Type != Void {
			if err := t.Value.CheckAtom(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// ParseDatum parses the JSON form of a value of type t (RFC 7047 section 5.1 <value>) and checks t's
// constraints. syms may be nil when named UUIDs are not allowed.
func ParseDatum(v *ojson.Value, t *Type, syms *Symbols) (Datum, error) {
	return parseDatum(v, t, t.Min, t.Max, syms, true)
}

// ParseDatumLoose is ParseDatum with another allowed number of elements, for arguments of conditions and mutations
// and for the differences of update2 and of the database file.
func ParseDatumLoose(v *ojson.Value, t *Type, minN, maxN uint32, syms *Symbols) (Datum, error) {
	return parseDatum(v, t, minN, maxN, syms, true)
}

// ParseDatumUnchecked is ParseDatum without the constraints and with any number of elements: for data that
// another server, or this one, has checked already.
func ParseDatumUnchecked(v *ojson.Value, t *Type) (Datum, error) {
	return parseDatum(v, t, 0, Unlimited, nil, false)
}

func parseDatum(v *ojson.Value, t *Type, minN, maxN uint32, syms *Symbols, check bool) (Datum, error) {
	atom := func(v *ojson.Value, bt *BaseType) (Atom, error) {
		if check {
			return ParseAtom(v, bt, syms)
		}
		return parseAtomUnchecked(v, bt.Type, syms)
	}
	e := v.Elems()
	isSet := len(e) > 0 && e[0].Kind() == ojson.String && e[0].Str() == "set"
	if t.IsMap() || isSet {
		class := "set"
		if t.IsMap() {
			class = "map"
		}
		inner, err := unwrapJSON(v, class, ojson.Array)
		if err != nil {
			return Datum{}, err
		}
		elems := inner.Elems()
		if n := len(elems); uint64(n) < uint64(minN) || uint64(n) > uint64(maxN) {
			if minN == 1 && maxN == 1 {
				return Datum{}, SyntaxErrorf(v, "%s must have exactly one member but %d are present", class, n)
			}
			return Datum{}, SyntaxErrorf(v, "%s must have %d to %d members but %d are present", class, minN, maxN, n)
		}
		if len(elems) == 1 && !t.IsMap() {
			a, err := atom(&elems[0], &t.Key)
			if err != nil {
				return Datum{}, err
			}
			return NewScalar(a), nil
		}
		var b Builder
		b.Init(t.Key.Type, t.Value.Type)
		b.pairs = make([]pair, 0, len(elems))
		for i := range elems {
			key, p := &elems[i], elems[i].Elems()
			if t.IsMap() {
				if len(p) != 2 {
					return Datum{}, SyntaxErrorf(key, "expected 2-element array")
				}
				key = &p[0]
			}
			k, err := atom(key, &t.Key)
			if err != nil {
				return Datum{}, err
			}
			var val Atom
			if t.IsMap() {
				if val, err = atom(&p[1], &t.Value); err != nil {
					return Datum{}, err
				}
			}
			b.AddPair(k, val)
		}
		return b.BuildUnique()
	}
	a, err := atom(v, &t.Key)
	if err != nil {
		return Datum{}, err
	}
	return NewScalar(a), nil
}

// AppendJSON appends the JSON form of d as a value of type t.
func (d Datum) AppendJSON(b []byte, t *Type) []byte {
	n, at := d.head()
	kt := t.Key.Type
	if t.IsMap() {
		b = append(b, `["map",[`...)
		first := true
		for k, v := range d.All() {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(b, '[')
			b = k.AppendJSON(b)
			b = append(b, ',')
			b = v.AppendJSON(b)
			b = append(b, ']')
		}
		return append(b, "]]"...)
	}
	if n == 1 {
		a, _ := decodeAtom(d.enc, at, kt)
		return a.AppendJSON(b)
	}
	b = append(b, `["set",[`...)
	for i := 0; i < n; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		var a Atom
		a, at = decodeAtom(d.enc, at, kt)
		b = a.AppendJSON(b)
	}
	return append(b, "]]"...)
}

// JSON returns the JSON form of d as a value.
func (d Datum) JSON(t *Type) ojson.Value {
	if t.IsMap() {
		list := make([]ojson.Value, 0, d.Len())
		for k, v := range d.All() {
			list = append(list, ojson.Arr(k.JSON(), v.JSON()))
		}
		return ojson.Arr(ojson.Str("map"), ojson.Arr(list...))
	}
	if d.Len() == 1 {
		a := d.Scalar()
		return a.JSON()
	}
	list := make([]ojson.Value, 0, d.Len())
	for k := range d.Keys() {
		list = append(list, k.JSON())
	}
	return ojson.Arr(ojson.Str("set"), ojson.Arr(list...))
}

// Compare orders datums of one type: element by element, then by the number of elements.
func (d Datum) Compare(e Datum) int {
	a, b := slices.Collect(d.Keys()), slices.Collect(e.Keys())
	if c := slices.CompareFunc(a, b, Atom.Compare); c != 0 || d.ValueType() == Void {
		return c
	}
	for k, v := range d.All() {
		w, _ := e.Lookup(k)
		if c := v.Compare(w); c != 0 {
			return c
		}
	}
	return 0
}

// String returns a readable form for debugging and tests. Use Text for the form of the tools.
func (d Datum) String() string {
	var sb strings.Builder
	sb.WriteByte('[')
	for k, v := range d.All() {
		if sb.Len() > 1 {
			sb.WriteByte(' ')
		}
		sb.WriteString(k.Text())
		if v.typ != Void {
			fmt.Fprintf(&sb, "=%s", v.Text())
		}
	}
	sb.WriteByte(']')
	return sb.String()
}

// ConcatDatums returns an opaque datum that is equal for two rows exactly when the given columns are: a key for a Go
// map. Nothing else may be done with it.
func ConcatDatums(row []Datum, cols []*ColumnSchema) Datum {
	n := 0
	for _, c := range cols {
		n += len(row[c.Index].enc) + binary.MaxVarintLen32
	}
	b := make([]byte, 0, n)
	for _, c := range cols {
		enc := row[c.Index].enc
		b = binary.AppendUvarint(b, uint64(len(enc)))
		b = append(b, enc...)
	}
	return Datum{string(b)}
}
