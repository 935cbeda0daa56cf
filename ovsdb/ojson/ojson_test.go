package ojson

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
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
		{`5`, "line 0, column 1, byte 1: syntax error at beginning of input"},
		{`]`, "line 0, column 0, byte 0: syntax error at beginning of input"},
		{`"a"`, "line 0, column 2, byte 2: syntax error at beginning of input"},
		{`{`, "line 0, column 1, byte 1: unexpected end of input"},
		{`[1`, "line 0, column 3, byte 3: unexpected end of input"},
		{`[1 2]`, "line 0, column 4, byte 4: syntax error expecting ']' or ','"},
		{`[1,]`, "line 0, column 3, byte 3: syntax error expecting value"},
		{`{5:1}`, "line 0, column 2, byte 2: syntax error parsing object expecting string"},
		{`{"a" 1}`, "line 0, column 6, byte 6: syntax error parsing object expecting ':'"},
		{`{"a":1 "b"}`, "line 0, column 9, byte 9: syntax error expecting '}' or ','"},
		{"[1\n,\n\nfoo]", "line 3, column 3, byte 9: invalid keyword 'foo'"},
		{`[01]`, "line 0, column 3, byte 3: leading zeros not allowed"},
		{`[1-]`, "line 0, column 3, byte 3: syntax error in number"},
		{`{} {}`, "line 0, column 3, byte 3: trailing garbage at end of input"},
		{`{}x`, "line 0, column 3, byte 3: invalid keyword 'x'"},
		{"[\"a\nb\"]", "line 0, column 3, byte 3: U+000A must be escaped in quoted string"},
		{`["\x"]`, `line 0, column 4, byte 4: bad escape \x`},
		{`["\u0000"]`, "line 0, column 8, byte 8: null bytes not supported in quoted strings"},
		{`["\ud800"]`, "line 0, column 8, byte 8: malformed escaped surrogate pair"},
		{`[@]`, "line 0, column 1, byte 1: invalid character '@'"},
		{"[\xff]", "line 0, column 1, byte 1: invalid character U+00ff"},
		{strings.Repeat("[", 2000), "line 0, column 1000, byte 1000: input exceeds maximum nesting depth 1000"},
	} {
		if _, err := ParseDocument(tc.in); err == nil || err.Error() != tc.err {
			t.Errorf("%.20q: %v, want %s", tc.in, err, tc.err)
		}
	}
}

// TestParseErrorsLikeOriginal gives broken JSON to the original's ovsdb-tool as a schema and compares the words.
func TestParseErrorsLikeOriginal(t *testing.T) {
	if _, err := exec.LookPath("ovsdb-tool"); err != nil {
		t.Skip("the original ovsdb-tool is not installed")
	}
	dir := t.TempDir()
	for _, in := range []string{"", "x", "[", "[1", "[1,", "[1 2]", "[1,]", "[,1]", "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`,
		`{"a" 1}`, `{"a":1 "b"}`, `{"a":1,}`, "{5:1}", "{,}", `{"a":}`, `{"a",1}`, "foo", "[foo]", "[01]", "[-]", "[-x]", "[1.]",
		"[1e]", "[1e+]", "[\"a\nb\"]", `["\x"]`, `["\u12"]`, `["\u0000"]`, `["\ud800"]`, `["\ud800\u0041"]`, `["abc`, `["\`,
		"[1e999]", "[@]", "[\x01]", "{} {}", "{}x", "[}", "{]", "[1}", `{"a":1]`, "]", `"a"`, "[+1]", "[.5]", "[True]", "[nul]",
		"[1true]", `["a"true]`, `["a" true]`, "[é]", "[/]", "[1e5.5]", "[0x1]", "[--1]", "[1-]", `["a":1]`, `["\ud800x"]`,
		"[1\n,\n\nfoo]", "[123abc]", `["\u00zz"]`, "[-01]", "[0.5.5]", "[1 , 2 ,, 3]", "[trueX]", "[tr_ue]", "[\"tab\t\"]",
		"[1 ", "[true", "[true ", "{} 5", `{} "a"`, strings.Repeat("[", 1005)} {
		file := filepath.Join(dir, "s.json")
		os.WriteFile(file, []byte(in), 0o600)
		out, _ := exec.Command("ovsdb-tool", "create", filepath.Join(dir, "x.db"), file).CombinedOutput()
		_, want, ok := strings.Cut(strings.TrimSpace(string(out)), "could not be read as JSON (")
		if !ok {
			t.Errorf("%q: the original says %s", in, out)
			continue
		}
		want = strings.TrimSuffix(want, ")")
		if _, err := ParseDocument(in); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, the original says %s", in, err, want)
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
		if err != nil || !utf8.ValidString(s) {
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
