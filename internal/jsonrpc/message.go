package jsonrpc

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Type is the kind of a message.
type Type int

// The kinds of messages. An error is a reply whose error member is not null.
const (
	Request Type = iota
	Notification
	Reply
	Error
)

// String returns the kind's name as log messages use it.
func (t Type) String() string {
	return [...]string{"request", "notification", "reply", "error"}[t]
}

// Message is one JSON-RPC message. The raw members hold exactly one JSON value
// each when they are there, and are not modified by anyone.
type Message struct {
	Type   Type
	Method string          // Request, Notification
	Params json.RawMessage // Request, Notification: an array
	Result json.RawMessage // Reply
	Error  json.RawMessage // Error
	ID     json.RawMessage // all but Notification, where it is null
}

var null = json.RawMessage("null")

// NewReply returns the reply to a request with the given id.
func NewReply(id, result json.RawMessage) *Message {
	return &Message{Type: Reply, Result: result, ID: id}
}

// NewError returns the error reply to a request with the given id.
func NewError(id, err json.RawMessage) *Message {
	return &Message{Type: Error, Error: err, ID: id}
}

// NewRequest returns a request.
func NewRequest(id json.RawMessage, method string, params json.RawMessage) *Message {
	return &Message{Type: Request, Method: method, Params: params, ID: id}
}

// NewNotification returns a notification.
func NewNotification(method string, params json.RawMessage) *Message {
	return &Message{Type: Notification, Method: method, Params: params}
}

// IsEcho tells whether m is a probe that wants an answer.
func (m *Message) IsEcho() bool { return m.Type == Request && m.Method == "echo" }

// Append appends the JSON form of m to b.
func (m *Message) Append(b []byte) []byte {
	switch m.Type {
	case Request, Notification:
		id := m.ID
		if m.Type == Notification || id == nil {
			id = null
		}
		b = append(b, `{"id":`...)
		b = append(b, id...)
		b = append(b, `,"method":`...)
		b = AppendString(b, m.Method)
		b = append(b, `,"params":`...)
		b = append(b, m.Params...)
		return append(b, '}')
	case Reply:
		b = append(b, `{"id":`...)
		b = append(b, m.ID...)
		b = append(b, `,"result":`...)
		b = append(b, m.Result...)
		return append(b, `,"error":null}`...)
	default:
		b = append(b, `{"id":`...)
		b = append(b, m.ID...)
		b = append(b, `,"error":`...)
		b = append(b, m.Error...)
		return append(b, '}')
	}
}

// String returns the message as log messages show it.
func (m *Message) String() string {
	b := []byte(m.Type.String())
	if m.Method != "" {
		b = append(fmt.Appendf(b, ", method=%q, params=", m.Method), m.Params...)
	}
	if m.Result != nil {
		b = append(append(b, ", result="...), m.Result...)
	}
	if m.Error != nil {
		b = append(append(b, ", error="...), m.Error...)
	}
	if m.ID != nil {
		b = append(append(b, ", id="...), m.ID...)
	}
	return string(b)
}

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(b, s[start:i]...)
			b = utf8.AppendRune(b, utf8.RuneError)
			i++
			start = i
			continue
		}
		i += n
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// String returns s as a JSON string.
func String(s string) json.RawMessage { return AppendString(nil, s) }

// ID returns a number as a message id.
func ID(n uint64) json.RawMessage { return strconv.AppendUint(nil, n, 10) }

// FormatError is returned for JSON that is no JSON-RPC message.
type FormatError struct{ Reason string }

// Error implements error.
func (e *FormatError) Error() string { return e.Reason }

func formatErr(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}

// Parse decodes one message from b, which must hold one JSON value that
// Decoder, or json.Valid, accepted. Raw members alias b.
func Parse(b []byte) (*Message, error) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return nil, formatErr("message is not a JSON object")
	}
	var method, params, result, rpcErr, id json.RawMessage
	i = skipSpace(b, i+1)
	for b[i] != '}' {
		keyEnd := skipString(b, i)
		key, err := strconv.Unquote(string(b[i:keyEnd]))
		if err != nil {
			// An escape that Go does not know, such as \/.
			if err := json.Unmarshal(b[i:keyEnd], &key); err != nil {
				return nil, formatErr("bad member name")
			}
		}
		i = skipSpace(b, keyEnd) // at the colon
		i = skipSpace(b, i+1)
		end := skipValue(b, i)
		v := json.RawMessage(b[i:end:end])
		switch key {
		case "method":
			method = v
		case "params":
			params = v
		case "result":
			result = v
		case "error":
			rpcErr = v
		case "id":
			id = v
		default:
			return nil, formatErr("message has unexpected member \"%s\"", key)
		}
		i = skipSpace(b, end)
		if b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}

	m := &Message{ID: id}
	if method != nil {
		if method[0] != '"' {
			return nil, formatErr("method is not JSON string")
		}
		if err := json.Unmarshal(method, &m.Method); err != nil {
			return nil, formatErr("method is not JSON string")
		}
	}
	isNull := func(v json.RawMessage) bool { return string(v) == "null" }
	if id == nil {
		id = null
	}
	if result != nil && isNull(result) && (method != nil || rpcErr != nil && !isNull(rpcErr)) {
		result = nil
	}
	if rpcErr != nil && isNull(rpcErr) {
		rpcErr = nil
	}
	switch {
	case result != nil:
		m.Type = Reply
	case rpcErr != nil:
		m.Type = Error
	case !isNull(id):
		m.Type = Request
	default:
		m.Type = Notification
		m.ID = nil
	}
	m.Params, m.Result, m.Error = params, result, rpcErr
	return m, m.check(isNull(id))
}

// check tells whether the members that are there fit the type.
func (m *Message) check(nullID bool) error {
	if m.Params != nil && m.Params[0] != '[' {
		return formatErr("\"params\" must be JSON array")
	}
	must := func(name string, want, have bool) error {
		if want && !have {
			return formatErr("%s must have \"%s\"", m.Type, name)
		}
		if !want && have {
			return formatErr("%s must not have \"%s\"", m.Type, name)
		}
		return nil
	}
	call := m.Type == Request || m.Type == Notification
	return firstError(
		must("method", call, m.Method != ""),
		must("params", call, m.Params != nil),
		must("result", m.Type == Reply, m.Result != nil),
		must("error", m.Type == Error, m.Error != nil),
		must("id", m.Type != Notification, !nullID))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
