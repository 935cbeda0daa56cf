package ojson

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ in, out string }{
		{`{"b":1,"a":[true,false,null,-5,1.5,1e30,"x"]}`, `{"a":[true,false,null,-5,1.5,1e+30,"x"],"b":1}`},
		{`1.0`, `1`},
		{`1e3`, `1000`},
		{`-0.0`, `0`},
		{`12345678901234567890`, `1.23456789012346e+19`},
		{`9223372036854775807`, `9223372036854775807`},
		{`0.1`, `0.1`},
		{`"\u00e9\ud83d\ude00\n\/"`, "\"\u00e9\U0001F600\\n/\""},
		{`{"a":1,"a":2}`, `{"a":2}`},
		{" [ ] ", `[]`},
		{`"` + "\u007f" + `\u0001"`, "\"\u007f\\u0001\""},
	} {
		v, err := Parse(tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if got := v.String(); got != tc.out && got != strings.Replace(tc.out, "1.23456789012346e+19", "1.2345678901234567e+19", 1) {
			t.Errorf("%s: %s, want %s", tc.in, got, tc.out)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ in, err string }{
		{``, "line 0, column 0, byte 0: empty input stream"},
		{`{`, "line 0, column 1, byte 1: unexpected end of input in object"},
		{"[1,\n2", "line 1, column 1, byte 5: unexpected end of input in array"},
		{`[1 2]`, "line 0, column 3, byte 3: syntax error expecting ']' or ','"},
		{`{5:1}`, "line 0, column 1, byte 1: syntax error parsing object expecting string"},
		{`{"a" 1}`, "line 0, column 5, byte 5: syntax error parsing object expecting ':'"},
		{`foo`, "line 0, column 0, byte 0: invalid keyword 'foo'"},
		{`01`, "line 0, column 0, byte 0: leading zeros not allowed"},
		{`1 x`, "line 0, column 2, byte 2: trailing garbage at end of input"},
		{"\"a\nb\"", "line 0, column 2, byte 2: U+000A must be escaped in quoted string"},
		{`"\x"`, `line 0, column 1, byte 1: bad escape \x`},
		{`"\u0000"`, "line 0, column 1, byte 1: null bytes not supported in quoted strings"},
		{`"\ud800"`, "line 0, column 1, byte 1: malformed escaped surrogate pair"},
		{"\"\xff\"", "line 0, column 1, byte 1: invalid UTF-8 sequence in string"},
		{strings.Repeat("[", 2000), "line 0, column 1001, byte 1001: input exceeds maximum nesting depth 1000"},
	} {
		if _, err := Parse(tc.in); err == nil || err.Error() != tc.err {
			t.Errorf("%.20q: %v, want %s", tc.in, err, tc.err)
		}
	}
}

// FuzzParse checks that what parses survives a round trip, and that we accept no more than encoding/json does.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `[1,2.5,"x",null,true]`, `{"a":{"b":["set",[]]}}`, `"\ud83d\ude00"`, `-1e-5`, `{"a":1,"a":2}`, "[", `"\u12`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse(s)
		if err != nil {
			return
		}
		var std any
		if err := json.Unmarshal([]byte(s), &std); err != nil {
			t.Fatalf("%q: encoding/json says %v", s, err)
		}
		text := string(v.Append(nil))
		w, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !Equal(&v, &w) {
			t.Fatalf("%q becomes %q", s, text)
		}
		var std2 any
		if err := json.Unmarshal([]byte(text), &std2); err != nil || !reflect.DeepEqual(std, std2) {
			t.Fatalf("%q: %v is not %v (%v)", s, std, std2, err)
		}
	})
}
