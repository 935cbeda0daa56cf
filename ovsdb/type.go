package ovsdb

import (
	"fmt"
	"math"

	"govs/ovsdb/ojson"
)

// RefType is how a UUID refers to a row of RefTable.
type RefType uint8

// The reference types.
const (
	Strong RefType = iota // the row must exist and is kept alive
	Weak                  // the reference is removed when the row is deleted
)

// Unlimited is the Max of a type without an upper limit of elements.
const Unlimited = math.MaxUint32

// BaseType is an atomic type with its constraints (RFC 7047 section 3.2 <base-type>). It is immutable once made.
type BaseType struct {
	Type AtomicType
	Enum Datum // set of the allowed values; empty when there is no enum

	MinInt, MaxInt   int64   // Integer
	MinReal, MaxReal float64 // Real
	MinLen, MaxLen   uint32  // String, in characters

	RefTable string // UUID: the table that it refers to, or ""
	RefType  RefType
}

// MakeBaseType returns the base type of t without constraints.
func MakeBaseType(t AtomicType) BaseType {
	return BaseType{Type: t, MinInt: math.MinInt64, MaxInt: math.MaxInt64,
		MinReal: -math.MaxFloat64, MaxReal: math.MaxFloat64, MaxLen: math.MaxUint32}
}

func parseBaseType(v *ojson.Value) (BaseType, error) {
	if v.Kind() == ojson.String {
		t, ok := atomicTypeFromString(v.Str())
		if !ok {
			return BaseType{}, SyntaxErrorf(v, "\"%s\" is not an atomic-type", v.Str())
		}
		return MakeBaseType(t), nil
	}
	p := NewParser(v, "ovsdb type")
	tv := p.Member("type", kString)
	if p.err != nil {
		return BaseType{}, p.err
	}
	t, ok := atomicTypeFromString(tv.Str())
	if !ok {
		return BaseType{}, SyntaxErrorf(tv, "\"%s\" is not an atomic-type", tv.Str())
	}
	bt := MakeBaseType(t)
	if e := p.Optional("enum", kAny); e != nil {
		et := Type{Key: MakeBaseType(t), Min: 1, Max: Unlimited}
		d, err := ParseDatum(e, &et, nil)
		if err != nil {
			return BaseType{}, err
		}
		bt.Enum = d
		return bt, p.Finish()
	}
	switch t {
	case Integer:
		if m := p.Optional("minInteger", kInt); m != nil {
			bt.MinInt = m.Int()
		}
		if m := p.Optional("maxInteger", kInt); m != nil {
			bt.MaxInt = m.Int()
		}
		if bt.MinInt > bt.MaxInt {
			p.Fail(SyntaxErrorf(v, "minInteger exceeds maxInteger"))
		}
	case Real:
		if m := p.Optional("minReal", kNumber); m != nil {
			bt.MinReal = m.Float()
		}
		if m := p.Optional("maxReal", kNumber); m != nil {
			bt.MaxReal = m.Float()
		}
		if bt.MinReal > bt.MaxReal {
			p.Fail(SyntaxErrorf(v, "minReal exceeds maxReal"))
		}
	case String:
		bt.MinLen = parseUint32(p, "minLength", bt.MinLen)
		bt.MaxLen = parseUint32(p, "maxLength", bt.MaxLen)
		if bt.MinLen > bt.MaxLen {
			p.Fail(SyntaxErrorf(v, "minLength exceeds maxLength"))
		}
	case UUIDType:
		if rt := p.Optional("refTable", kID); rt != nil {
			bt.RefTable = rt.Str()
			if m := p.Optional("refType", kString); m != nil {
				switch m.Str() {
				case "strong":
				case "weak":
					bt.RefType = Weak
				default:
					p.Fail(SyntaxErrorf(v, "refType must be \"strong\" or \"weak\" (not \"%s\")", m.Str()))
				}
			}
		}
	}
	return bt, p.Finish()
}

func parseUint32(p *Parser, name string, def uint32) uint32 {
	m := p.Optional(name, kInt)
	if m == nil {
		return def
	}
	if m.Int() < 0 || m.Int() > math.MaxUint32 {
		p.Fail(SyntaxErrorf(m, "%s out of valid range 0 to %d", name, uint32(math.MaxUint32)))
		return def
	}
	return uint32(m.Int())
}

// HasConstraints reports whether bt limits the values of its atomic type (references count too).
func (bt *BaseType) HasConstraints() bool {
	if bt.Enum.Len() > 0 {
		return true
	}
	switch bt.Type {
	case Integer:
		return bt.MinInt != math.MinInt64 || bt.MaxInt != math.MaxInt64
	case Real:
		return bt.MinReal != -math.MaxFloat64 || bt.MaxReal != math.MaxFloat64
	case String:
		return bt.MinLen != 0 || bt.MaxLen != math.MaxUint32
	case UUIDType:
		return bt.RefTable != ""
	}
	return false
}

// IsRef reports whether bt is a UUID that refers to the rows of a table.
func (bt *BaseType) IsRef() bool { return bt.Type == UUIDType && bt.RefTable != "" }

// IsStrongRef reports whether bt is a strong reference.
func (bt *BaseType) IsStrongRef() bool { return bt.IsRef() && bt.RefType == Strong }

// IsWeakRef reports whether bt is a weak reference.
func (bt *BaseType) IsWeakRef() bool { return bt.IsRef() && bt.RefType == Weak }

// CheckAtom checks bt's constraints on a, whose type is bt.Type. References are not checked here.
func (bt *BaseType) CheckAtom(a Atom) error {
	if bt.Enum.Len() > 0 {
		if bt.Enum.Contains(a) {
			return nil
		}
		et := Type{Key: MakeBaseType(bt.Type), Min: 0, Max: Unlimited}
		return Errorf("constraint violation", "%s is not one of the allowed values (%s)", a.Text(), bt.Enum.Text(&et))
	}
	switch bt.Type {
	case Integer:
		return checkRange(a.Int() >= bt.MinInt, a.Int() <= bt.MaxInt, bt.MinInt != math.MinInt64,
			bt.MaxInt != math.MaxInt64, a, IntAtom(bt.MinInt), IntAtom(bt.MaxInt))
	case Real:
		return checkRange(a.Real() >= bt.MinReal, a.Real() <= bt.MaxReal, bt.MinReal != -math.MaxFloat64,
			bt.MaxReal != math.MaxFloat64, a, RealAtom(bt.MinReal), RealAtom(bt.MaxReal))
	case String:
		if bt.MinLen == 0 && bt.MaxLen == math.MaxUint32 {
			return nil
		}
		n := uint32(0)
		for range a.s {
			n++
		}
		if n < bt.MinLen {
			return Errorf("constraint violation", "\"%s\" length %d is less than minimum allowed length %d", a.s, n, bt.MinLen)
		}
		if n > bt.MaxLen {
			return Errorf("constraint violation", "\"%s\" length %d is greater than maximum allowed length %d", a.s, n, bt.MaxLen)
		}
	}
	return nil
}

func checkRange(geMin, leMax, hasMin, hasMax bool, a, lo, hi Atom) error {
	if geMin && leMax {
		return nil
	}
	text := func(a Atom) string {
		return string(a.AppendJSON(nil))
	}
	const tag = "constraint violation"
	switch {
	case hasMin && hasMax:
		return Errorf(tag, "%s is not in the valid range %s to %s (inclusive)", text(a), text(lo), text(hi))
	case hasMin:
		return Errorf(tag, "%s is less than minimum allowed value %s", text(a), text(lo))
	default:
		return Errorf(tag, "%s is greater than maximum allowed value %s", text(a), text(hi))
	}
}

func (bt *BaseType) json() ojson.Value {
	if !bt.HasConstraints() {
		return ojson.Str(bt.Type.String())
	}
	kv := []any{"type", ojson.Str(bt.Type.String())}
	if bt.Enum.Len() > 0 {
		et := Type{Key: MakeBaseType(bt.Type), Min: 1, Max: Unlimited}
		kv = append(kv, "enum", bt.Enum.JSON(&et))
	}
	switch bt.Type {
	case Integer:
		if bt.MinInt != math.MinInt64 {
			kv = append(kv, "minInteger", ojson.Int(bt.MinInt))
		}
		if bt.MaxInt != math.MaxInt64 {
			kv = append(kv, "maxInteger", ojson.Int(bt.MaxInt))
		}
	case Real:
		if bt.MinReal != -math.MaxFloat64 {
			kv = append(kv, "minReal", ojson.Float(bt.MinReal))
		}
		if bt.MaxReal != math.MaxFloat64 {
			kv = append(kv, "maxReal", ojson.Float(bt.MaxReal))
		}
	case String:
		if bt.MinLen != 0 {
			kv = append(kv, "minLength", ojson.Int(int64(bt.MinLen)))
		}
		if bt.MaxLen != math.MaxUint32 {
			kv = append(kv, "maxLength", ojson.Int(int64(bt.MaxLen)))
		}
	case UUIDType:
		if bt.RefTable != "" {
			kv = append(kv, "refTable", ojson.Str(bt.RefTable))
			if bt.RefType == Weak {
				kv = append(kv, "refType", ojson.Str("weak"))
			}
		}
	}
	return ojson.Obj(kv...)
}

// Type is the type of a column (RFC 7047 section 3.2 <type>). It is immutable once made.
type Type struct {
	Key   BaseType
	Value BaseType // Value.Type is Void for sets and scalars
	Min   uint32   // 0 or 1
	Max   uint32   // Unlimited for no limit
}

// ScalarType returns the type of exactly one value of base type bt.
func ScalarType(bt BaseType) Type { return Type{Key: bt, Min: 1, Max: 1} }

// ParseType parses the JSON form of a type.
func ParseType(v *ojson.Value) (Type, error) {
	t := Type{Min: 1, Max: 1}
	if v.Kind() == ojson.String {
		bt, err := parseBaseType(v)
		t.Key = bt
		return t, err
	}
	p := NewParser(v, "ovsdb type")
	key := p.Member("key", kString|kObject)
	value := p.Optional("value", kString|kObject)
	minV := p.Optional("min", kInt)
	maxV := p.Optional("max", kInt|kString)
	if err := p.Finish(); err != nil {
		return t, err
	}
	var err error
	if t.Key, err = parseBaseType(key); err != nil {
		return t, err
	}
	if value != nil {
		if t.Value, err = parseBaseType(value); err != nil {
			return t, err
		}
	}
	if t.Min, err = parseMinMax(minV, 1); err != nil {
		return t, err
	}
	if t.Max, err = parseMinMax(maxV, 1); err != nil {
		return t, err
	}
	if t.Min > 1 || t.Max == 0 || t.Min > t.Max {
		return t, SyntaxErrorf(v, "ovsdb type fails constraint checks")
	}
	return t, nil
}

func parseMinMax(v *ojson.Value, def uint32) (uint32, error) {
	switch {
	case v == nil:
		return def, nil
	case v.Kind() == ojson.Integer && v.Int() >= 0 && v.Int() < math.MaxUint32:
		return uint32(v.Int()), nil
	case v.Kind() == ojson.String && v.Str() == "unlimited":
		return Unlimited, nil
	}
	return 0, SyntaxErrorf(v, "bad min or max value")
}

// JSON returns the JSON form of t, as short as the original writes it.
func (t *Type) JSON() ojson.Value {
	if t.IsScalar() && !t.Key.HasConstraints() {
		return t.Key.json()
	}
	kv := []any{"key", t.Key.json()}
	if t.IsMap() {
		kv = append(kv, "value", t.Value.json())
	}
	if t.Min != 1 {
		kv = append(kv, "min", ojson.Int(int64(t.Min)))
	}
	if t.Max == Unlimited {
		kv = append(kv, "max", ojson.Str("unlimited"))
	} else if t.Max != 1 {
		kv = append(kv, "max", ojson.Int(int64(t.Max)))
	}
	return ojson.Obj(kv...)
}

// IsScalar reports whether t holds exactly one value and no map.
func (t *Type) IsScalar() bool { return t.Value.Type == Void && t.Min == 1 && t.Max == 1 }

// IsOptional reports whether t may be empty.
func (t *Type) IsOptional() bool { return t.Min == 0 }

// IsOptionalScalar reports whether t holds zero or one value and no map.
func (t *Type) IsOptionalScalar() bool { return t.Value.Type == Void && t.Min == 0 && t.Max == 1 }

// IsSet reports whether t can hold a number of values other than one and is no map.
func (t *Type) IsSet() bool { return t.Value.Type == Void && !(t.Min == 1 && t.Max == 1) }

// IsMap reports whether t is a map.
func (t *Type) IsMap() bool { return t.Value.Type != Void }

// English describes t in the words that error messages use: "set of up to 4 strings".
func (t *Type) English() string {
	key := t.Key.Type.String()
	if t.IsScalar() {
		return key
	}
	s := "set"
	if t.IsMap() {
		s = "map"
	}
	switch {
	case t.Max == Unlimited && t.Min > 0:
		s += fmt.Sprintf(" of %d or more", t.Min)
	case t.Max == Unlimited:
		s += " of"
	case t.Min > 0:
		s += fmt.Sprintf(" of %d to %d", t.Min, t.Max)
	default:
		s += fmt.Sprintf(" of up to %d", t.Max)
	}
	if t.IsMap() {
		return s + fmt.Sprintf(" (%s, %s) pairs", key, t.Value.Type)
	}
	return s + " " + key + "s"
}
