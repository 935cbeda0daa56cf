package ovsdb

import (
	"fmt"

	"govs/ovsdb/ojson"
)

// kinds is a set of JSON kinds that a member may have.
type kinds uint16

const (
	kString kinds = 1 << ojson.String
	kObject kinds = 1 << ojson.Object
	kArray  kinds = 1 << ojson.Array
	kInt    kinds = 1 << ojson.Integer
	kNumber kinds = 1<<ojson.Integer | 1<<ojson.Real
	kBool   kinds = 1<<ojson.True | 1<<ojson.False
	kAny    kinds = 0xff
	kID     kinds = 1 << 14 // a string that is an <id>
)

// Exported names of the member kinds, for the other ovsdb packages.
const (
	KindString = kString
	KindObject = kObject
	KindArray  = kArray
	KindInt    = kInt
	KindNumber = kNumber
	KindBool   = kBool
	KindAny    = kAny
	KindID     = kID
)

// Parser takes an object apart member by member and reports the first thing that is wrong with it: a member
// that is missing, that has the wrong type, or that nobody asked for. It belongs to one goroutine.
type Parser struct {
	name string
	v    *ojson.Value
	asks []string
	err  error
}

// NewParser returns a parser of the object v. name says what is being parsed and appears in errors.
func NewParser(v *ojson.Value, name string) *Parser {
	p := &Parser{}
	p.Init(v, name)
	return p
}

// Init makes p a parser of v, as NewParser does, without allocating.
func (p *Parser) Init(v *ojson.Value, name string) {
	*p = Parser{name: name, v: v, asks: p.asks[:0]}
	if v.Kind() != ojson.Object {
		p.err = Errorf("syntax error", "Parsing %s failed: Object expected.", name)
	}
}

// Member returns the member called name, or nil with an error noted when it is missing or of the wrong kind.
func (p *Parser) Member(name string, k kinds) *ojson.Value { return p.member(name, k, false) }

// Optional is like Member, but the member may be missing, which gives nil without an error.
func (p *Parser) Optional(name string, k kinds) *ojson.Value { return p.member(name, k, true) }

func (p *Parser) member(name string, k kinds, optional bool) *ojson.Value {
	p.asks = append(p.asks, name)
	if p.v.Kind() != ojson.Object {
		return nil
	}
	m := p.v.Get(name)
	if m == nil {
		if !optional {
			p.Errorf("Required '%s' member is missing.", name)
		}
		return nil
	}
	if kinds(1)<<m.Kind()&k != 0 || k&kID != 0 && m.Kind() == ojson.String && IsID(m.Str()) {
		return m
	}
	p.Errorf("Type mismatch for member '%s'.", name)
	return nil
}

// Errorf notes an error about the object, unless one is noted already.
func (p *Parser) Errorf(format string, args ...any) {
	if p.err == nil {
		p.err = SyntaxErrorf(p.v, "Parsing %s failed: %s", p.name, fmt.Sprintf(format, args...))
	}
}

// Fail notes err, unless an error is noted already.
func (p *Parser) Fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Err returns the error noted so far.
func (p *Parser) Err() error { return p.err }

// Finish returns the first error, which may be that the object has members that nobody asked for.
func (p *Parser) Finish() error {
	if p.err != nil {
		return p.err
	}
	first, extra := "", 0
	for i := 0; i < p.v.Len(); i++ {
		k, _ := p.v.Member(i)
		known := false
		for _, a := range p.asks {
			if a == k {
				known = true
				break
			}
		}
		if known {
			continue
		}
		extra++
		if extra == 1 || k < first {
			first = k
		}
	}
	switch {
	case extra == 1:
		p.Errorf("Member '%s' is present but not allowed here.", first)
	case extra > 1:
		s := ""
		if extra > 2 {
			s = "s"
		}
		p.Errorf("Member '%s' and %d other member%s are present but not allowed here.", first, extra-1, s)
	}
	return p.err
}

// Value returns the object that is being parsed.
func (p *Parser) Value() *ojson.Value { return p.v }
