package ovsdb

import (
	"math"

	"govs/ovsdb/ojson"
)

// Mutator is the operation of a mutation (RFC 7047 section 5.1 <mutator>).
type Mutator uint8

// The mutators.
const (
	MutAdd Mutator = iota
	MutSub
	MutMul
	MutDiv
	MutMod
	MutInsert
	MutDelete
)

var mutatorNames = [...]string{"+=", "-=", "*=", "/=", "%=", "insert", "delete"}

// String returns the mutator's name in JSON.
func (m Mutator) String() string { return mutatorNames[m] }

// Mutation changes one column of a row.
type Mutation struct {
	Column  *ColumnSchema
	Mutator Mutator
	Arg     Datum
	argType Type // a delete from a map may name keys only
}

// ParseMutations parses the JSON array of mutations v for the rows of table t.
func ParseMutations(v *ojson.Value, t *TableSchema, syms *Symbols) ([]Mutation, error) {
	if v.Kind() != ojson.Array {
		return nil, SyntaxErrorf(v, "array expected")
	}
	ms := make([]Mutation, 0, v.Len())
	for i := range v.Elems() {
		m, err := parseMutation(&v.Elems()[i], t, syms)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

func parseMutation(v *ojson.Value, t *TableSchema, syms *Symbols) (Mutation, error) {
	e := v.Elems()
	if len(e) != 3 || e[0].Kind() != ojson.String || e[1].Kind() != ojson.String {
		return Mutation{}, SyntaxErrorf(v, "Parse error in mutation.")
	}
	col := t.Column(e[0].Str())
	if col == nil {
		return Mutation{}, TaggedSyntaxErrorf("unknown column", v, "No column %s in table %s.", e[0].Str(), t.Name)
	}
	if !col.Mutable {
		return Mutation{}, TaggedSyntaxErrorf("constraint violation", v, "Cannot mutate immutable column %s in table %s.",
			col.Name, t.Name)
	}
	m := Mutation{Column: col}
	found := false
	for i, n := range mutatorNames {
		if n == e[1].Str() {
			m.Mutator, found = Mutator(i), true
		}
	}
	if !found {
		return Mutation{}, Errorf("unknown mutator", "No mutator named %s.", e[1].Str())
	}
	mismatch := func() (Mutation, error) {
		return Mutation{}, SyntaxErrorf(v, "Type mismatch: \"%s\" operator may not be applied to column %s of type %s.",
			m.Mutator, col.Name, col.Type.English())
	}
	ty := &col.Type
	var err error
	switch m.Mutator {
	case MutInsert:
		if !ty.IsSet() && !ty.IsMap() {
			return mismatch()
		}
		m.argType = *ty
		m.Arg, err = ParseDatumLoose(&e[2], ty, 0, ty.Max, syms)
	case MutDelete:
		if !ty.IsSet() && !ty.IsMap() {
			return mismatch()
		}
		m.argType = *ty
		m.Arg, err = ParseDatumLoose(&e[2], ty, 0, Unlimited, syms)
		if err != nil && ty.IsMap() {
			keys := Type{Key: ty.Key, Min: 0, Max: Unlimited}
			m.argType = keys
			m.Arg, err = ParseDatumLoose(&e[2], &keys, 0, Unlimited, syms)
		}
	default:
		if ty.IsMap() || ty.Key.Type != Integer && (ty.Key.Type != Real || m.Mutator == MutMod) {
			return mismatch()
		}
		arg := ScalarType(MakeBaseType(ty.Key.Type))
		if m.Mutator == MutAdd || m.Mutator == MutSub {
			arg.Key = ty.Key
		}
		m.argType = arg
		m.Arg, err = ParseDatum(&e[2], &arg, syms)
	}
	return m, err
}

// Apply returns what the column's value d becomes.
func (m *Mutation) Apply(d Datum) (Datum, error) {
	ty := &m.Column.Type
	switch m.Mutator {
	case MutInsert:
		out := d.Union(m.Arg, ty)
		return out, out.CheckSize(ty)
	case MutDelete:
		out := d.Subtract(m.Arg, ty, m.argType.IsMap())
		return out, out.CheckSize(ty)
	}
	arg := m.Arg.Scalar()
	var b Builder
	b.Init(ty.Key.Type, Void)
	for k := range d.Keys() {
		var a Atom
		var err error
		if k.typ == Integer {
			a, err = m.applyInt(k.Int(), arg.Int())
		} else {
			a, err = m.applyReal(k.Real(), arg.Real())
		}
		if err != nil {
			return d, err
		}
		if err := ty.Key.CheckAtom(a); err != nil {
			return d, err
		}
		b.Add(a)
	}
	out, err := b.BuildUnique()
	if err != nil {
		return d, Errorf("constraint violation", "Result of \"%s\" operation contains duplicates.", m.Mutator)
	}
	return out, nil
}

func (m *Mutation) rangeError() error {
	return Errorf("range error", "Result of \"%s\" operation is out of range.", m.Mutator)
}

func divZero() error { return Errorf("domain error", "Division by zero.") }

func (m *Mutation) applyInt(x, y int64) (Atom, error) {
	var z int64
	ok := true
	switch m.Mutator {
	case MutAdd:
		z = x + y
		ok = y == 0 || (z > x) == (y > 0)
	case MutSub:
		z = x - y
		ok = y == 0 || (z < x) == (y > 0)
	case MutMul:
		z = x * y
		ok = x == 0 || z/x == y && !(x == -1 && y == math.MinInt64)
	default:
		if y == 0 {
			return Atom{}, divZero()
		}
		if y == -1 { // the hardware cannot divide MinInt64 by it
			if m.Mutator == MutDiv {
				z, ok = -x, x != math.MinInt64
			}
			break
		}
		z = x / y
		if m.Mutator == MutMod {
			z = x % y
		}
	}
	if !ok {
		return Atom{}, m.rangeError()
	}
	return IntAtom(z), nil
}

func (m *Mutation) applyReal(x, y float64) (Atom, error) {
	var z float64
	switch m.Mutator {
	case MutAdd:
		z = x + y
	case MutSub:
		z = x - y
	case MutMul:
		z = x * y
	default:
		if y == 0 {
			return Atom{}, divZero()
		}
		z = x / y
	}
	if math.IsInf(z, 0) || math.IsNaN(z) {
		return Atom{}, m.rangeError()
	}
	return RealAtom(z), nil
}
