package ojson

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may nest.
const MaxDepth = 1000

// SyntaxError says what is wrong with a JSON text and where. Line and Column count from 0, Byte is the
// offset, as in the original's messages.
type SyntaxError struct {
	Line, Column, Byte int
	Msg                string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d, byte %d: %s", e.Line, e.Column, e.Byte, e.Msg)
}

// Parse parses text, which must hold one JSON value and nothing else but white space. The value shares
// text's memory.
func Parse(text string) (Value, error) {
	v, n, err := ParsePrefix(text)
	if err != nil {
		return Value{}, err
	}
	p := parser{s: text, i: n}
	p.space()
	if p.i < len(p.s) {
		return Value{}, p.errorf(p.i, "trailing garbage at end of input")
	}
	return v, nil
}

// ParsePrefix parses the JSON value at the start of text and returns how many bytes it took.
func ParsePrefix(text string) (Value, int, error) {
	p := parser{s: text, stack: make([]Value, 0, 32)}
	p.space()
	if p.i == len(p.s) {
		return Value{}, p.i, p.errorf(p.i, "empty input stream")
	}
	v, err := p.value(0)
	if err != nil {
		return Value{}, p.i, err
	}
	return v, p.i, nil
}

type parser struct {
	s     string
	i     int
	stack []Value // elements of the arrays and objects being parsed
}

func (p *parser) errorf(at int, format string, args ...any) *SyntaxError {
	line, col := 0, 0
	for _, c := range []byte(p.s[:at]) {
		if c == '\n' {
			line, col = line+1, 0
		} else {
			col++
		}
	}
	return &SyntaxError{Line: line, Column: col, Byte: at, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) (Value, error) {
	p.space()
	if p.i >= len(p.s) {
		return Value{}, p.errorf(p.i, "unexpected end of input")
	}
	if depth > MaxDepth {
		return Value{}, p.errorf(p.i, "input exceeds maximum nesting depth %d", MaxDepth)
	}
	switch c := p.s[p.i]; c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		s, err := p.str()
		return Value{kind: String, str: s}, err
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number()
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return p.keyword()
		}
		if c < 0x20 || c >= 0x7f {
			return Value{}, p.errorf(p.i, "invalid character U+%04x", c)
		}
		return Value{}, p.errorf(p.i, "syntax error parsing value")
	}
}

func (p *parser) keyword() (Value, error) {
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			p.i++
			continue
		}
		break
	}
	switch p.s[start:p.i] {
	case "true":
		return Value{kind: True}, nil
	case "false":
		return Value{kind: False}, nil
	case "null":
		return Value{}, nil
	}
	return Value{}, p.errorf(start, "invalid keyword '%s'", p.s[start:p.i])
}

func (p *parser) array(depth int) (Value, error) {
	p.i++
	base := len(p.stack)
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.i++
		return Value{kind: Array}, nil
	}
	for {
		e, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.stack = append(p.stack, e)
		p.space()
		if p.i >= len(p.s) {
			return Value{}, p.errorf(p.i, "unexpected end of input in array")
		}
		c := p.s[p.i]
		p.i++
		if c == ',' {
			continue
		}
		if c == ']' {
			break
		}
		return Value{}, p.errorf(p.i-1, "syntax error expecting ']' or ','")
	}
	return Value{kind: Array, list: p.pop(base)}, nil
}

func (p *parser) pop(base int) []Value {
	l := append([]Value(nil), p.stack[base:]...)
	clear(p.stack[base:])
	p.stack = p.stack[:base]
	return l
}

func (p *parser) object(depth int) (Value, error) {
	p.i++
	base := len(p.stack)
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		return Value{kind: Object}, nil
	}
	for {
		p.space()
		if p.i >= len(p.s) {
			return Value{}, p.errorf(p.i, "unexpected end of input in object")
		}
		if p.s[p.i] != '"' {
			return Value{}, p.errorf(p.i, "syntax error parsing object expecting string")
		}
		k, err := p.str()
		if err != nil {
			return Value{}, err
		}
		p.space()
		if p.i >= len(p.s) {
			return Value{}, p.errorf(p.i, "unexpected end of input in object")
		}
		if p.s[p.i] != ':' {
			return Value{}, p.errorf(p.i, "syntax error parsing object expecting ':'")
		}
		p.i++
		e, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.stack = append(p.stack, Value{kind: String, str: k}, e)
		p.space()
		if p.i >= len(p.s) {
			return Value{}, p.errorf(p.i, "unexpected end of input in object")
		}
		c := p.s[p.i]
		p.i++
		if c == ',' {
			continue
		}
		if c == '}' {
			break
		}
		return Value{}, p.errorf(p.i-1, "syntax error expecting '}' or ','")
	}
	return Value{kind: Object, list: p.pop(base)}, nil
}

// str parses the string that starts at the quote at p.i.
func (p *parser) str() (string, error) {
	p.i++
	start := p.i
	ascii := true
	for i := start; i < len(p.s); i++ {
		c := p.s[i]
		if c == '"' {
			s := p.s[start:i]
			if !ascii && !utf8.ValidString(s) {
				return "", p.errorf(start, "invalid UTF-8 sequence in string")
			}
			p.i = i + 1
			return s, nil
		}
		if c == '\\' {
			return p.escapedStr(start, i)
		}
		if c < 0x20 {
			return "", p.errorf(i, "U+%04X must be escaped in quoted string", c)
		}
		if c >= 0x80 {
			ascii = false
		}
	}
	return "", p.errorf(len(p.s), "unexpected end of input in quoted string")
}

func (p *parser) escapedStr(start, i int) (string, error) {
	b := append(make([]byte, 0, i-start+16), p.s[start:i]...)
	for i < len(p.s) {
		c := p.s[i]
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", p.errorf(start, "invalid UTF-8 sequence in string")
			}
			p.i = i + 1
			return string(b), nil
		case c < 0x20:
			return "", p.errorf(i, "U+%04X must be escaped in quoted string", c)
		case c != '\\':
			b = append(b, c)
			i++
			continue
		}
		i++
		if i >= len(p.s) {
			break
		}
		switch e := p.s[i]; e {
		case '"', '\\', '/':
			b = append(b, e)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, n, msg := unescape(p.s[i+1:])
			if msg != "" {
				return "", p.errorf(i-1, "%s", msg)
			}
			b = utf8.AppendRune(b, r)
			i += n
		default:
			return "", p.errorf(i-1, "bad escape \\%c", e)
		}
		i++
	}
	return "", p.errorf(len(p.s), "unexpected end of input in quoted string")
}

// unescape decodes what follows "\u": four hex digits, and the second half of a surrogate pair.
func unescape(s string) (r rune, n int, msg string) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0, "malformed \\u escape"
	}
	if hi == 0 {
		return 0, 0, "null bytes not supported in quoted strings"
	}
	if hi >= 0xdc00 && hi < 0xe000 || hi >= 0xd800 && hi < 0xdc00 && (len(s) < 6 || s[4] != '\\' || s[5] != 'u') {
		return 0, 0, "malformed escaped surrogate pair"
	}
	if hi < 0xd800 || hi >= 0xe000 {
		return hi, 4, ""
	}
	lo, ok := hex4(s[6:])
	if !ok || lo < 0xdc00 || lo >= 0xe000 {
		return 0, 0, "second half of escaped surrogate pair is not trailing surrogate"
	}
	return 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00), 10, ""
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := 0; i < 4; i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (p *parser) number() (Value, error) {
	start := p.i
	i := start
	if p.s[i] == '-' {
		i++
	}
	digits := func() bool {
		j := i
		for i < len(p.s) && p.s[i] >= '0' && p.s[i] <= '9' {
			i++
		}
		return i > j
	}
	intStart := i
	if !digits() {
		return Value{}, p.errorf(start, "'-' must be followed by digit")
	}
	if p.s[intStart] == '0' && i > intStart+1 {
		return Value{}, p.errorf(start, "leading zeros not allowed")
	}
	isInt := true
	if i < len(p.s) && p.s[i] == '.' {
		isInt = false
		i++
		if !digits() {
			return Value{}, p.errorf(start, "decimal point must be followed by digit")
		}
	}
	if i < len(p.s) && (p.s[i] == 'e' || p.s[i] == 'E') {
		isInt = false
		i++
		if i < len(p.s) && (p.s[i] == '+' || p.s[i] == '-') {
			i++
		}
		if !digits() {
			return Value{}, p.errorf(start, "exponent must contain at least one digit")
		}
	}
	text := p.s[start:i]
	p.i = i
	if isInt {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return Value{kind: Integer, num: uint64(n)}, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && math.IsInf(f, 0) {
		return Value{}, p.errorf(start, "number outside valid range")
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 && !isInt {
		// A whole number is an integer however it is written.
		return Value{kind: Integer, num: uint64(int64(f))}, nil
	}
	if f == 0 {
		f = 0 // no negative zero
	}
	return Value{kind: Real, num: math.Float64bits(f)}, nil
}
