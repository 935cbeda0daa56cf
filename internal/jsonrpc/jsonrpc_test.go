package jsonrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecoderSplitsStream(t *testing.T) {
	in := `{"a":[1,{"b":"}\"]"}]} {"x":-1.5e+3,"y":"\u00e9é"}[true,false,null]` + "\n\n{}"
	want := []string{`{"a":[1,{"b":"}\"]"}]}`, `{"x":-1.5e+3,"y":"\u00e9é"}`, `[true,false,null]`, `{}`}
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
		d := NewDecoder(r, Limits{})
		for _, w := range want {
			b, err := d.Next()
			if err != nil || strings.TrimSpace(string(b)) != w {
				t.Fatalf("got %q, %v; want %q", b, err, w)
			}
		}
		if _, err := d.Next(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestDecoderErrors(t *testing.T) {
	for in, want := range map[string]string{
		"x":                            "byte 0: syntax error at beginning of input",
		`{"a" 1}`:                      "byte 5: syntax error parsing object expecting ':'",
		`{a:1}`:                        "byte 1: syntax error parsing object expecting string",
		`[1,]`:                         "byte 3: syntax error expecting value",
		`[1 2]`:                        "byte 3: syntax error expecting ']' or ','",
		`{"a":1]`:                      "byte 6: syntax error expecting '}' or ','",
		`[01]`:                         "byte 2: leading zeros not allowed",
		`[-x]`:                         "byte 2: '-' must be followed by digit",
		`[1.]`:                         "byte 3: decimal point must be followed by digit",
		`[1e]`:                         "byte 3: exponent must contain at least one digit",
		`["\x"]`:                       "byte 3: bad escape \\x",
		`["\u12g4"]`:                   "byte 6: malformed \\u escape",
		"[\"\n\"]":                     "byte 2: U+000A must be escaped in quoted string",
		"[\"\xff\"]":                   "byte 2: invalid UTF-8",
		"[\"\xc3x\"]":                  "byte 3: invalid UTF-8",
		`[nul]`:                        "byte 4: invalid keyword",
		`[[[[[]]]]]`:                   "byte 4: input exceeds maximum nesting depth 4",
		`["` + strings.Repeat("a", 99): "byte 101: message exceeds 50 bytes",
		`{"a":1`:                       "unexpected EOF",
	} {
		_, err := NewDecoder(strings.NewReader(in), Limits{MaxBytes: 50, MaxDepth: 4}).Next()
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]any{
		`{"id":1,"method":"m","params":[]}`:                            NewRequest(ID(1), "m", json.RawMessage("[]")),
		`{"method":"m\u0041","params":[1 , 2],"id":null}`:              NewNotification("mA", json.RawMessage("[1 , 2]")),
		`{"method":"m","params":[]}`:                                   NewNotification("m", json.RawMessage("[]")),
		` { "id" : [3], "result" : {"a":[]} , "error" : null } `:       NewReply(json.RawMessage("[3]"), json.RawMessage(`{"a":[]}`)),
		`{"id":1,"result":null,"error":"e"}`:                           NewError(ID(1), String("e")),
		`{"id":1,"error":"e"}`:                                         NewError(ID(1), String("e")),
		`{"id":1,"result":null}`:                                       NewReply(ID(1), null),
		`{"id":1,"method":"m","params":[],"result":null,"error":null}`: NewRequest(ID(1), "m", json.RawMessage("[]")),
		`[]`:                               "message is not a JSON object",
		`{"x":1}`:                          "message has unexpected member \"x\"",
		`{"method":1,"params":[]}`:         "method is not JSON string",
		`{"method":"m","params":{}}`:       "\"params\" must be JSON array",
		`{"method":"m","id":1}`:            "request must have \"params\"",
		`{"params":[]}`:                    "notification must have \"method\"",
		`{"id":null,"result":1}`:           "reply must have \"id\"",
		`{"id":1,"result":1,"method":"m"}`: "reply must not have \"method\"",
		`{"id":1,"result":1,"error":1}`:    "reply must not have \"error\"",
	} {
		m, err := Parse([]byte(in))
		if s, bad := want.(string); bad {
			if err == nil || err.Error() != s {
				t.Errorf("%s: got %v, %v; want %s", in, m, err, s)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(m, want) {
			t.Errorf("%s: got %v, %v; want %v", in, m, err, want)
		}
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "a\"\\/\b\f\n\r\t\x00\x1f", "é😀", "\xffx\xc3", "\u2028"} {
		b := AppendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
			t.Errorf("%q: %s, %v", s, b, err)
		}
	}
}

// FuzzDecoder checks that the stream decoder accepts what encoding/json
// accepts, however the stream is cut, and that what Parse accepts survives a
// round trip.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{`{"id":1,"method":"m","params":[]}`, `{"a":[1,{"b":"}\"]"}]}`, `[-1.5e+3,"\u00e9é"]`,
		`{"id":null,"result":null,"error":{"x":"\ud800"}}`, `[[[[`, `{"a":tru}`, "[\"\xe2\x82\"]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := NewDecoder(bytes.NewReader(in), Limits{}).Next()
		b1, err1 := NewDecoder(iotest.OneByteReader(bytes.NewReader(in)), Limits{}).Next()
		if (err == nil) != (err1 == nil) || !bytes.Equal(b, b1) {
			t.Fatalf("whole: %q, %v; byte by byte: %q, %v", b, err, b1, err1)
		}
		if err != nil {
			var syn *SyntaxError
			if !errors.As(err, &syn) && err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Fatalf("unexpected error %v", err)
			}
			trimmed := bytes.TrimLeft(in, " \t\r\n")
			if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(in) &&
				bytes.Equal(bytes.ToValidUTF8(in, nil), in) && !strings.Contains(err.Error(), "depth") {
				t.Fatalf("refused valid JSON: %v", err)
			}
			return
		}
		if !json.Valid(b) {
			t.Fatalf("accepted %q", b)
		}
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(m.Append(nil))
		if err != nil || m.String() != again.String() {
			t.Fatalf("%s became %s, %v", m, again, err)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	one := []byte(`{"id":1,"method":"transact","params":["db",{"op":"update","table":"T","row":{"a":"` +
		strings.Repeat("x", 100) + `","b":12345},"where":[["_uuid","==",["uuid","f0b2a1e4-0000-4000-8000-000000000000"]]]}]}`)
	b.SetBytes(int64(len(one)))
	b.ReportAllocs()
	d := NewDecoder(&repeat{one, 0}, Limits{})
	for b.Loop() {
		v, err := d.Next()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Parse(v); err != nil {
			b.Fatal(err)
		}
	}
}

type repeat struct {
	b   []byte
	pos int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.pos:])
	r.pos = (r.pos + n) % len(r.b)
	return n, nil
}
