package ojson

import (
	"fmt"
	"math"
	"strconv"
	"strings"
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

// ParseDocument is Parse for text that must hold an object or an array, as files and messages do.
func ParseDocument(text string) (Value, error) {
	p := parser{s: text, stack: make([]Value, 0, 32)}
	p.space()
	if p.i == len(p.s) {
		return Value{}, p.errorf(p.i, "empty input stream")
	}
	if c := p.s[p.i]; c != '{' && c != '[' {
		return Value{}, p.unexpected("syntax error at beginning of input")
	}
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.i < len(p.s) {
		return Value{}, p.unexpected("trailing garbage at end of input")
	}
	return v, nil
}

// Parse parses text, which must hold one JSON value and nothing else but white space. The value shares text's memory.
// Errors are *SyntaxError with the original's words and its way of counting positions.
func Parse(text string) (Value, error) {
	p := parser{s: text, stack: make([]Value, 0, 32)}
	p.space()
	if p.i == len(p.s) {
		return Value{}, p.errorf(p.i, "empty input stream")
	}
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.i < len(p.s) {
		return Value{}, p.unexpected("trailing garbage at end of input")
	}
	return v, nil
}

type parser struct {
	s     string
	i     int
	stack []Value // elements of the arrays and objects being parsed
}

func (p *parser) errorf(at int, format string, args ...any) *SyntaxError {
	line, col := 0, at-min(at, len(p.s))
	for _, c := range []byte(p.s[:min(at, len(p.s))]) {
		if c == '\n' {
			line, col = line+1, 0
		} else {
			col++
		}
	}
	return &SyntaxError{Line: line, Column: col, Byte: at, Msg: fmt.Sprintf(format, args...)}
}

// unexpected returns an error with the given words about the token at p.i, unless there is something wrong with the
// token itself. The position is where the original's lexer is when it has the token: at a punctuation mark, at the
// closing quote of a string, and behind a number or a keyword.
func (p *parser) unexpected(msg string) error {
	p.space()
	if p.i >= len(p.s) {
		at := p.i
		if at > 0 && (isAlpha(p.s[at-1]) || isNumeric(p.s[at-1])) {
			at++ // the lexer saw the end of the token by a space that it made up
		}
		return p.errorf(at, "unexpected end of input")
	}
	at := p.i
	switch c := p.s[p.i]; {
	case c == '"':
		if _, err := p.str(); err != nil {
			return err
		}
		at = p.i - 1
	case c == '-' || c >= '0' && c <= '9':
		if _, err := p.number(); err != nil {
			return err
		}
		at = p.i
	case c >= 'a' && c <= 'z':
		if _, err := p.keyword(); err != nil {
			return err
		}
		at = p.i
	case strings.IndexByte("[]{}:,", c) >= 0:
	default:
		if c >= 0x20 && c < 0x7f {
			return p.errorf(p.i, "invalid character '%c'", c)
		}
		return p.errorf(p.i, "invalid character U+%04x", c)
	}
	return p.errorf(at, "%s", msg)
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
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
		return Value{}, p.unexpected("")
	}
	switch c := p.s[p.i]; c {
	case '{', '[':
		if depth >= MaxDepth {
			return Value{}, p.errorf(p.i, "input exceeds maximum nesting depth %d", MaxDepth)
		}
		if c == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case '"':
		s, err := p.str()
		return Value{kind: String, str: s}, err
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number()
		}
		if c >= 'a' && c <= 'z' {
			return p.keyword()
		}
		return Value{}, p.unexpected("syntax error expecting value")
	}
}

func (p *parser) keyword() (Value, error) {
	start := p.i
	for p.i < len(p.s) && isAlpha(p.s[p.i]) {
		p.i++
	}
	switch p.s[start:p.i] {
	case "true":
		return Value{kind: True}, nil
	case "false":
		return Value{kind: False}, nil
	case "null":
		return Value{}, nil
	}
	return Value{}, p.errorf(p.i, "invalid keyword '%s'", p.s[start:p.i])
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
		if p.i < len(p.s) && p.s[p.i] == ',' {
			p.i++
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == ']' {
			p.i++
			return Value{kind: Array, list: p.pop(base)}, nil
		}
		return Value{}, p.unexpected("syntax error expecting ']' or ','")
	}
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
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return Value{}, p.unexpected("syntax error parsing object expecting string")
		}
		k, err := p.str()
		if err != nil {
			return Value{}, err
		}
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return Value{}, p.unexpected("syntax error parsing object expecting ':'")
		}
		p.i++
		e, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		p.stack = append(p.stack, Value{kind: String, str: k}, e)
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ',' {
			p.i++
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == '}' {
			p.i++
			return Value{kind: Object, list: p.pop(base)}, nil
		}
		return Value{}, p.unexpected("syntax error expecting '}' or ','")
	}
}

// str parses the string that starts at the quote at p.i. Bytes that are not UTF-8 are taken as they are, as the
// original takes them: a database that has some must stay readable.
func (p *parser) str() (string, error) {
	p.i++
	start := p.i
	escaped := false
	for i := start; i < len(p.s); i++ {
		c := p.s[i]
		switch {
		case c == '"':
			p.i = i + 1
			if !escaped {
				return p.s[start:i], nil
			}
			s, msg := unescape(p.s[start:i])
			if msg != "" {
				return "", p.errorf(i, "%s", msg)
			}
			return s, nil
		case c == '\\':
			escaped = true
			if i++; i < len(p.s) && p.s[i] < 0x20 {
				return "", p.errorf(i, "U+%04X must be escaped in quoted string", p.s[i])
			}
		case c < 0x20:
			return "", p.errorf(i, "U+%04X must be escaped in quoted string", c)
		}
	}
	return "", p.errorf(len(p.s), "unexpected end of input in quoted string")
}

// unescape returns the string that the text s between quotes stands for, or what is wrong with it.
func unescape(s string) (out, msg string) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++ // str made sure that something follows
		switch e := s[i]; e {
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
			r, n, msg := unescapeU(s[i+1:])
			if msg != "" {
				return "", msg
			}
			b = utf8.AppendRune(b, r)
			i += n
		default:
			return "", fmt.Sprintf("bad escape \\%c", e)
		}
	}
	return string(b), ""
}

// unescapeU decodes what follows "\u": four hex digits, and the second half of a surrogate pair.
func unescapeU(s string) (r rune, n int, msg string) {
	hi, msg := hex4(s)
	if msg != "" {
		return 0, 0, msg
	}
	if hi == 0 {
		return 0, 0, "null bytes not supported in quoted strings"
	}
	if hi < 0xd800 || hi >= 0xdc00 {
		return hi, 4, "" // half a pair becomes U+FFFD
	}
	if len(s) < 6 || s[4] != '\\' || s[5] != 'u' {
		return 0, 0, "malformed escaped surrogate pair"
	}
	lo, msg := hex4(s[6:])
	if msg != "" {
		return 0, 0, msg
	}
	if lo < 0xdc00 || lo >= 0xe000 {
		return 0, 0, "second half of escaped surrogate pair is not trailing surrogate"
	}
	return 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00), 10, ""
}

func hex4(s string) (rune, string) {
	if len(s) < 4 {
		return 0, "quoted string ends within \\u escape"
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
			return 0, "malformed \\u escape"
		}
		r = r<<4 | rune(c)
	}
	return r, ""
}

func (p *parser) number() (Value, error) {
	start := p.i
	for p.i < len(p.s) && isNumeric(p.s[p.i]) {
		p.i++
	}
	text := p.s[start:p.i]
	isInt, msg := checkNumber(text)
	if msg != "" {
		return Value{}, p.errorf(p.i, "%s", msg)
	}
	if isInt {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return Value{kind: Integer, num: uint64(n)}, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && math.IsInf(f, 0) {
		return Value{}, p.errorf(p.i, "number outside valid range")
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

// checkNumber checks that text is a JSON number and tells whether it is written as an integer.
func checkNumber(text string) (isInt bool, msg string) {
	i := 0
	digits := func() bool {
		j := i
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		return i > j
	}
	if text[0] == '-' {
		i++
	}
	first := i
	if !digits() {
		return false, "'-' must be followed by digit"
	}
	if text[first] == '0' && i > first+1 {
		return false, "leading zeros not allowed"
	}
	isInt = true
	if i < len(text) && text[i] == '.' {
		isInt = false
		i++
		if !digits() {
			return false, "decimal point must be followed by digit"
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		isInt = false
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if !digits() {
			return false, "exponent must contain at least one digit"
		}
	}
	if i < len(text) {
		return false, "syntax error in number"
	}
	return isInt, ""
}
