package ovsdb

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"govs/ovsdb/ojson"
)

// This file has the text form of atoms and datums that the command-line tools print and take: ovs-vsctl(8),
// "Values", and the table formats of ovsdb-client(1).

// Text returns the text form of a: a string is quoted when it is not a plain word.
func (a Atom) Text() string { return string(a.AppendText(nil)) }

// AppendText appends the text form of a.
func (a Atom) AppendText(b []byte) []byte {
	switch a.typ {
	case Integer, Real, Boolean:
		return a.AppendJSON(b)
	case String:
		if needsQuotes(a.s) {
			return ojson.AppendString(b, a.s)
		}
		return append(b, a.s...)
	case UUIDType:
		return a.UUID().Append(b)
	}
	return b
}

// AppendBare appends a without quotes.
func (a Atom) AppendBare(b []byte) []byte {
	if a.typ == String {
		return append(b, a.s...)
	}
	return a.AppendText(b)
}

func needsQuotes(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.'):
		default:
			return true
		}
	}
	if s == "" || s == "true" || s == "false" {
		return true
	}
	_, isUUID := parseUUID(s)
	return isUUID
}

// Text returns the text form of d as a value of type t: "x", "[x, y]" or "{k=v}".
func (d Datum) Text(t *Type) string {
	n := d.Len()
	var b []byte
	brackets := t.Max > 1 || n == 0
	if brackets {
		b = append(b, "[{"[b2i(t.IsMap())])
	}
	first := true
	for k, v := range d.All() {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = k.AppendText(b)
		if t.IsMap() {
			b = append(b, '=')
			b = v.AppendText(b)
		}
	}
	if brackets {
		b = append(b, "]}"[b2i(t.IsMap())])
	}
	return string(b)
}

// BareText returns d without brackets and quotes, elements separated by spaces (--data=bare).
func (d Datum) BareText(t *Type) string {
	var b []byte
	first := true
	for k, v := range d.All() {
		if !first {
			b = append(b, ' ')
		}
		first = false
		b = k.AppendBare(b)
		if t.IsMap() {
			b = append(b, '=')
			b = v.AppendBare(b)
		}
	}
	return string(b)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ParseAtomText parses the text form of an atom of base type bt and checks bt's constraints. A UUID may be
// "@name" when syms is not nil.
func ParseAtomText(s string, bt *BaseType, syms *Symbols) (Atom, error) {
	a, err := parseAtomText(s, bt, syms)
	if err != nil {
		return Atom{}, err
	}
	if err := bt.CheckAtom(a); err != nil {
		return Atom{}, err
	}
	return a, nil
}

func parseAtomText(s string, bt *BaseType, syms *Symbols) (Atom, error) {
	switch bt.Type {
	case Integer:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
			return IntAtom(n), nil
		}
		return Atom{}, fmt.Errorf("\"%s\" is not a valid integer", s)
	case Real:
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return RealAtom(f), nil
		}
		return Atom{}, fmt.Errorf("\"%s\" is not a valid real number", s)
	case Boolean:
		switch s {
		case "true", "yes", "on", "1":
			return BoolAtom(true), nil
		case "false", "no", "off", "0":
			return BoolAtom(false), nil
		}
		return Atom{}, fmt.Errorf("\"%s\" is not a valid boolean (use \"true\" or \"false\")", s)
	case String:
		if s == "" {
			return Atom{}, fmt.Errorf("An empty string is not valid as input; use \"\" to represent the empty string")
		}
		if s[0] != '"' {
			return StringAtom(s), nil
		}
		if len(s) < 2 || s[len(s)-1] != '"' {
			return Atom{}, fmt.Errorf("%s: missing quote at end of quoted string", s)
		}
		v, err := ojson.Parse(s)
		if err != nil || v.Kind() != ojson.String {
			msg := "syntax error"
			if se, ok := err.(*ojson.SyntaxError); ok {
				msg = se.Msg
			}
			return Atom{}, fmt.Errorf("%s: %s", s, msg)
		}
		return StringAtom(v.Str()), nil
	case UUIDType:
		if strings.HasPrefix(s, "@") && syms != nil {
			return UUIDAtom(syms.Get(s).UUID), nil
		}
		u, err := ParseUUID(s)
		return UUIDAtom(u), err
	}
	return Atom{}, fmt.Errorf("no values of type %s", bt.Type)
}

const tokenDelims = ":=, []{}!<>"

// NextToken splits the first token off s: a run of characters that are no delimiters, in which double quotes
// protect delimiters, or a single delimiter. The token is "" at the end of s.
func NextToken(s string) (token, rest string, err error) {
	if s == "" {
		return "", "", nil
	}
	if strings.IndexByte(tokenDelims, s[0]) >= 0 {
		return s[:1], s[1:], nil
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quoted && c == '\\' && i+1 < len(s):
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(tokenDelims, c) >= 0:
			return s[:i], s[i:], nil
		}
	}
	if quoted {
		return "", s, fmt.Errorf("%s: quoted string extends past end of argument", s)
	}
	return s, "", nil
}

type textParser struct {
	all  string // the whole argument, for errors
	rest string
	t    *Type
	syms *Symbols
}

func (p *textParser) spaces() { p.rest = strings.TrimLeft(p.rest, " \t\n\r\v\f") }

func (p *textParser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", p.all, fmt.Sprintf(format, args...))
}

func (p *textParser) token() (string, error) {
	tok, rest, err := NextToken(p.rest)
	if err != nil {
		return "", err
	}
	if len(tok) == 1 && strings.IndexByte(tokenDelims, tok[0]) >= 0 {
		return "", p.errorf("unexpected \"%s\" parsing %s", tok, p.t.English())
	}
	p.rest = rest
	return tok, nil
}

// ParseDatumText parses the text form of a value of type t: elements separated by spaces or commas, with optional
// brackets, and for sets of integers ranges "1-3". syms may be nil when "@name" is not allowed.
func ParseDatumText(s string, t *Type, syms *Symbols) (Datum, error) {
	p := textParser{all: s, rest: s, t: t, syms: syms}
	var b Builder
	b.Init(t.Key.Type, t.Value.Type)
	open, shut := byte('['), byte(']')
	if t.IsMap() {
		open, shut = '{', '}'
	}
	p.spaces()
	closed := p.rest != "" && p.rest[0] == open
	if closed {
		p.rest = p.rest[1:]
		p.spaces()
	}
	for p.rest != "" && !(closed && p.rest[0] == shut) {
		if err := p.element(&b); err != nil {
			return Datum{}, err
		}
		p.spaces()
		if p.rest != "" && p.rest[0] == ',' {
			p.rest = p.rest[1:]
			p.spaces()
		}
	}
	if closed {
		if p.rest == "" {
			return Datum{}, p.errorf("missing \"%c\" at end of data", shut)
		}
		p.rest = p.rest[1:]
		p.spaces()
		if p.rest != "" {
			return Datum{}, p.errorf("trailing garbage after \"%c\"", shut)
		}
	}
	if n := b.Len(); n < int(t.Min) {
		return Datum{}, p.errorf("%d value(s) specified but the minimum number is %d", n, t.Min)
	} else if n > int(t.Max) {
		return Datum{}, p.errorf("%d value(s) specified but the maximum number is %d", n, t.Max)
	}
	d, err := b.BuildUnique()
	if err != nil && t.IsMap() {
		return Datum{}, p.errorf("map contains duplicate key")
	} else if err != nil {
		return Datum{}, p.errorf("set contains duplicate value")
	}
	return d, nil
}

// maxRange bounds what one range may expand to, so that "0-9000000000000000000" cannot eat the memory.
const maxRange = 1 << 22

func (p *textParser) element(b *Builder) error {
	tok, err := p.token()
	if err != nil {
		return err
	}
	if !p.t.IsMap() {
		if p.t.Key.Type == Integer {
			return p.intRange(tok, b)
		}
		k, err := ParseAtomText(tok, &p.t.Key, p.syms)
		if err != nil {
			return err
		}
		b.Add(k)
		return nil
	}
	k, err := ParseAtomText(tok, &p.t.Key, p.syms)
	if err != nil {
		return err
	}
	p.spaces()
	if p.rest == "" {
		return fmt.Errorf("%s: syntax error at \"", p.all)
	}
	if p.rest[0] != '=' {
		return p.errorf("syntax error at \"%c\" expecting \"=\"", p.rest[0])
	}
	p.rest = p.rest[1:]
	p.spaces()
	if tok, err = p.token(); err != nil {
		return err
	}
	v, err := ParseAtomText(tok, &p.t.Value, p.syms)
	if err != nil {
		return err
	}
	b.AddPair(k, v)
	return nil
}

func (p *textParser) intRange(tok string, b *Builder) error {
	bad := fmt.Errorf("\"%s\" is not a valid integer or range", tok)
	lo, hi := tok, tok
	if i := strings.IndexByte(tok[b2i(tok != ""):], '-'); i >= 0 {
		lo, hi = tok[:i+1], tok[i+2:]
	}
	n, err := strconv.ParseInt(lo, 10, 64)
	if err != nil || lo[0] == '+' {
		return bad
	}
	m, err := strconv.ParseInt(hi, 10, 64)
	if err != nil || hi[0] == '+' {
		return bad
	}
	if m < n {
		return fmt.Errorf("\"%s\" is not a valid range. Range end cannot be before start.", tok)
	}
	for _, x := range []int64{n, m} {
		if err := p.t.Key.CheckAtom(IntAtom(x)); err != nil {
			return err
		}
	}
	if width := uint64(m) - uint64(n); width >= maxRange || width >= uint64(p.t.Max) {
		return p.errorf("%d value(s) specified but the maximum number is %d", width+1, p.t.Max)
	}
	for x := n; ; x++ {
		b.Add(IntAtom(x))
		if x == m {
			return nil
		}
	}
}
