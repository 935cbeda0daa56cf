package ovsdb

import (
	"fmt"

	"govs/ovsdb/ojson"
)

// Error is an OVSDB error (RFC 7047 section 3.1 <error>). Tag is one of the strings that the RFC or the
// original defines ("constraint violation", "syntax error" ...).
type Error struct {
	Tag     string
	Details string
	Syntax  string // the JSON text that the error is about, if any
	IOError string // the system's error string of an I/O error, if any
	Cause   error  // what errors.Is and errors.As find behind it; may be nil
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Error returns the text that the original logs and prints.
func (e *Error) Error() string {
	s := ""
	if e.Syntax != "" {
		s = fmt.Sprintf("syntax \"%s\": ", e.Syntax)
	}
	s += e.Tag
	if e.Details != "" {
		s += ": " + e.Details
	}
	if e.IOError != "" {
		s += " (" + e.IOError + ")"
	}
	return s
}

// JSON returns the <error> object that goes into replies.
func (e *Error) JSON() ojson.Value {
	kv := make([]any, 0, 8)
	if e.Details != "" {
		kv = append(kv, "details", ojson.Str(e.Details))
	}
	kv = append(kv, "error", ojson.Str(e.Tag))
	if e.IOError != "" {
		kv = append(kv, "io-error", ojson.Str(e.IOError))
	}
	if e.Syntax != "" {
		kv = append(kv, "syntax", ojson.Str(e.Syntax))
	}
	return ojson.Obj(kv...)
}

// Errorf returns an Error with a tag and details.
func Errorf(tag, format string, args ...any) *Error {
	return &Error{Tag: tag, Details: fmt.Sprintf(format, args...)}
}

// SyntaxErrorf returns a "syntax error" about the JSON v.
func SyntaxErrorf(v *ojson.Value, format string, args ...any) *Error {
	return TaggedSyntaxErrorf("syntax error", v, format, args...)
}

// TaggedSyntaxErrorf returns an error with another tag ("unknown column"...) about the JSON v.
func TaggedSyntaxErrorf(tag string, v *ojson.Value, format string, args ...any) *Error {
	e := &Error{Tag: tag, Details: fmt.Sprintf(format, args...)}
	if v != nil {
		e.Syntax = v.String()
	}
	return e
}

// IsTag reports whether err is an *Error with the given tag.
func IsTag(err error, tag string) bool {
	e, ok := err.(*Error)
	return ok && e.Tag == tag
}
