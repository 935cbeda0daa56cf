package jsonrpc

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError is returned for a stream that is not JSON. Nothing can be
// decoded after it.
type SyntaxError struct {
	Offset int64 // bytes of the stream before the error
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason) }

// scanner is an incremental recogniser of one JSON object or array. It is fed
// bytes and tells where the value ends; its state survives the end of a buffer.
type scanner struct {
	maxDepth int
	state    scanState
	stack    []byte // '{' or '[' for each open value
	lit      string // rest of a literal, or digits seen of \uXXXX
	hex      int
	utf      [4]byte // an incomplete UTF-8 sequence in a string
	utfLen   int
	inKey    bool
}

type scanState uint8

const (
	scanStart      scanState = iota // before the outermost value
	scanValue                       // a value must come
	scanFirstValue                  // a value or ']'
	scanFirstKey                    // a member name or '}'
	scanKey                         // a member name
	scanColon                       // ':'
	scanAfter                       // ',' or the end of the container
	scanString                      // inside a string
	scanEscape                      // after '\'
	scanHex                         // in the four digits of \uXXXX
	scanLiteral                     // in true, false or null
	scanMinus                       // after '-'
	scanZero                        // after a leading 0
	scanInt                         // in the digits before a point
	scanPoint                       // after the point
	scanFrac                        // in the digits after the point
	scanE                           // after e or E
	scanESign                       // after the sign of an exponent
	scanExp                         // in the digits of an exponent
)

// reset prepares for the next value.
func (s *scanner) reset() { *s = scanner{maxDepth: s.maxDepth, stack: s.stack[:0]} }

// scan consumes bytes of b. It returns how many, and whether the value ended
// with the last of them. Space before the value is consumed as part of it.
func (s *scanner) scan(b []byte) (n int, done bool, reason string) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch s.state {
		case scanString:
			// The common case: run over plain characters.
			if s.utfLen == 0 {
				for c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
					i++
					if i == len(b) {
						return i, false, ""
					}
					c = b[i]
				}
			}
			if reason := s.stringByte(c); reason != "" {
				return i, false, reason
			}
			continue
		case scanEscape:
			switch c {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				s.state = scanString
			case 'u':
				s.state, s.hex = scanHex, 0
			default:
				return i, false, fmt.Sprintf("bad escape \\%c", c)
			}
			continue
		case scanHex:
			if !isHex(c) {
				return i, false, "malformed \\u escape"
			}
			if s.hex++; s.hex == 4 {
				s.state = scanString
			}
			continue
		case scanLiteral:
			if c != s.lit[0] {
				return i, false, "invalid keyword"
			}
			if s.lit = s.lit[1:]; s.lit == "" {
				s.state = scanAfter
			}
			continue
		case scanMinus, scanZero, scanInt, scanPoint, scanFrac, scanE, scanESign, scanExp:
			ended, reason := s.numberByte(c)
			if reason != "" {
				return i, false, reason
			}
			if !ended {
				continue
			}
			s.state = scanAfter // and handle c below
		}
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			continue
		}
		if reason := s.structural(c); reason != "" {
			return i, false, reason
		}
		if len(s.stack) == 0 && s.state == scanAfter {
			return i + 1, true, ""
		}
	}
	return len(b), false, ""
}

// structural handles a byte outside of strings, numbers and literals.
func (s *scanner) structural(c byte) (reason string) {
	switch s.state {
	case scanStart:
		if c != '{' && c != '[' {
			return "syntax error at beginning of input"
		}
		return s.push(c)
	case scanFirstKey, scanKey:
		if c == '"' {
			s.state, s.inKey = scanString, true
			return ""
		}
		if c == '}' && s.state == scanFirstKey {
			s.pop()
			return ""
		}
		return "syntax error parsing object expecting string"
	case scanColon:
		if c != ':' {
			return "syntax error parsing object expecting ':'"
		}
		s.state = scanValue
		return ""
	case scanAfter:
		top := s.stack[len(s.stack)-1]
		switch {
		case c == ',' && top == '{':
			s.state = scanKey
		case c == ',':
			s.state = scanValue
		case c == '}' && top == '{', c == ']' && top == '[':
			s.pop()
		case top == '{':
			return "syntax error expecting '}' or ','"
		default:
			return "syntax error expecting ']' or ','"
		}
		return ""
	}
	// scanValue, scanFirstValue
	switch {
	case c == '{', c == '[':
		return s.push(c)
	case c == '"':
		s.state, s.inKey = scanString, false
	case c == 't':
		s.state, s.lit = scanLiteral, "rue"
	case c == 'f':
		s.state, s.lit = scanLiteral, "alse"
	case c == 'n':
		s.state, s.lit = scanLiteral, "ull"
	case c == '-':
		s.state = scanMinus
	case c == '0':
		s.state = scanZero
	case c >= '1' && c <= '9':
		s.state = scanInt
	case c == ']' && s.state == scanFirstValue:
		s.pop()
	default:
		return "syntax error expecting value"
	}
	return ""
}

func (s *scanner) push(c byte) (reason string) {
	if len(s.stack) >= s.maxDepth {
		return fmt.Sprintf("input exceeds maximum nesting depth %d", s.maxDepth)
	}
	s.stack = append(s.stack, c)
	s.state = scanFirstValue
	if c == '{' {
		s.state = scanFirstKey
	}
	return ""
}

func (s *scanner) pop() {
	s.stack = s.stack[:len(s.stack)-1]
	s.state = scanAfter
}

// stringByte handles a byte of a string that is not plain ASCII.
func (s *scanner) stringByte(c byte) (reason string) {
	if s.utfLen > 0 || c >= utf8.RuneSelf {
		s.utf[s.utfLen] = c
		s.utfLen++
		if !utf8.FullRune(s.utf[:s.utfLen]) {
			return ""
		}
		r, n := utf8.DecodeRune(s.utf[:s.utfLen])
		if r == utf8.RuneError && n <= 1 || n != s.utfLen {
			return "invalid UTF-8"
		}
		s.utfLen = 0
		return ""
	}
	switch {
	case c == '"':
		s.state = scanAfter
		if s.inKey {
			s.state = scanColon
		}
	case c == '\\':
		s.state = scanEscape
	case c < 0x20:
		return fmt.Sprintf("U+%04X must be escaped in quoted string", c)
	}
	return ""
}

// numberByte handles a byte of a number, or the one after it (ended).
func (s *scanner) numberByte(c byte) (ended bool, reason string) {
	digit := c >= '0' && c <= '9'
	switch s.state {
	case scanMinus:
		switch {
		case c == '0':
			s.state = scanZero
		case digit:
			s.state = scanInt
		default:
			return false, "'-' must be followed by digit"
		}
		return false, ""
	case scanZero:
		if digit {
			return false, "leading zeros not allowed"
		}
	case scanPoint:
		if !digit {
			return false, "decimal point must be followed by digit"
		}
		s.state = scanFrac
		return false, ""
	case scanE:
		if c == '+' || c == '-' {
			s.state = scanESign
			return false, ""
		}
		fallthrough
	case scanESign:
		if !digit {
			return false, "exponent must contain at least one digit"
		}
		s.state = scanExp
		return false, ""
	}
	// scanZero, scanInt, scanFrac, scanExp: complete so far.
	switch {
	case digit:
		return false, ""
	case c == '.' && (s.state == scanZero || s.state == scanInt):
		s.state = scanPoint
		return false, ""
	case (c == 'e' || c == 'E') && s.state != scanExp:
		s.state = scanE
		return false, ""
	}
	return true, ""
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// The functions below walk over JSON that has been checked.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the index after the value that begins at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for {
			switch b[i] {
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			case '"':
				i = skipString(b, i) - 1
			}
			i++
		}
	}
	for b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] != ' ' && b[i] != '\t' && b[i] != '\n' && b[i] != '\r' {
		i++
	}
	return i
}
