package ovsdb

import (
	"testing"

	"govs/ovsdb/ojson"
)

func mustType(t testing.TB, s string) Type {
	t.Helper()
	v, err := ojson.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	ty, err := ParseType(&v)
	if err != nil {
		t.Fatal(err)
	}
	return ty
}

func TestDatumForms(t *testing.T) {
	for _, tc := range []struct{ typ, in, json, text, bare string }{
		{`"integer"`, `5`, `5`, "5", "5"},
		{`"integer"`, `-5`, `-5`, "-5", "-5"},
		{`"real"`, `1.25e-7`, `1.25e-07`, "1.25e-07", "1.25e-07"},
		{`"real"`, `3`, `3`, "3", "3"},
		{`"boolean"`, `true`, `true`, "true", "true"},
		{`"string"`, `"a b"`, `"a b"`, `"a b"`, "a b"},
		{`"string"`, `"true"`, `"true"`, `"true"`, "true"},
		{`"string"`, `"a-b.c"`, `"a-b.c"`, `a-b.c`, "a-b.c"},
		{`"string"`, `"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"`, `"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"`,
			`"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"`, "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"},
		{`{"key":"integer","min":0,"max":"unlimited"}`, `["set",[3,-1,2]]`, `["set",[-1,2,3]]`, "[-1, 2, 3]", "-1 2 3"},
		{`{"key":"integer","min":0,"max":"unlimited"}`, `7`, `7`, "[7]", "7"},
		{`{"key":"integer","min":0,"max":1}`, `["set",[7]]`, `7`, "7", "7"},
		{`{"key":"integer","min":0,"max":1}`, `["set",[]]`, `["set",[]]`, "[]", ""},
		{`{"key":"string","value":"real","min":0,"max":"unlimited"}`, `["map",[["b",2.5],["a",-0.5]]]`,
			`["map",[["a",-0.5],["b",2.5]]]`, "{a=-0.5, b=2.5}", "a=-0.5 b=2.5"},
		{`{"key":"string","value":"string","min":0,"max":"unlimited"}`, `["map",[]]`, `["map",[]]`, "{}", ""},
		{`{"key":"uuid","min":0,"max":2}`, `["uuid","550e8400-e29b-41d4-a716-446655440000"]`,
			`["uuid","550e8400-e29b-41d4-a716-446655440000"]`, "[550e8400-e29b-41d4-a716-446655440000]",
			"550e8400-e29b-41d4-a716-446655440000"},
	} {
		ty := mustType(t, tc.typ)
		v, _ := ojson.Parse(tc.in)
		d, err := ParseDatum(&v, &ty, nil)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if got := string(d.AppendJSON(nil, &ty)); got != tc.json {
			t.Errorf("%s: JSON %s, want %s", tc.in, got, tc.json)
		}
		if got := d.JSON(&ty).String(); got != tc.json {
			t.Errorf("%s: JSON value %s, want %s", tc.in, got, tc.json)
		}
		if got := d.Text(&ty); got != tc.text {
			t.Errorf("%s: text %s, want %s", tc.in, got, tc.text)
		}
		if got := d.BareText(&ty); got != tc.bare {
			t.Errorf("%s: bare text %s, want %s", tc.in, got, tc.bare)
		}
		back, err := ParseDatumText(tc.text, &ty, nil)
		if err != nil || back != d {
			t.Errorf("%s: text parses back to %v, %v", tc.in, back, err)
		}
	}
}

func TestParseDatumTextErrors(t *testing.T) {
	const (
		str   = `"string"`
		ints  = `{"key":{"type":"integer","minInteger":0,"maxInteger":4095},"min":0,"max":4096}`
		smap  = `{"key":"string","value":"string","min":0,"max":"unlimited"}`
		boole = `"boolean"`
		uuids = `{"key":"uuid","min":0,"max":"unlimited"}`
	)
	for _, tc := range []struct{ typ, in, err string }{
		{ints, "a", `"a" is not a valid integer or range`},
		{ints, "3-1", `"3-1" is not a valid range. Range end cannot be before start.`},
		{ints, "1,1", `1,1: set contains duplicate value`},
		{ints, "{}", `{}: unexpected "{" parsing set of up to 4096 integers`},
		{ints, "1-", `"1-" is not a valid integer or range`},
		{ints, "-", `"-" is not a valid integer or range`},
		{ints, "4096", `constraint violation: 4096 is not in the valid range 0 to 4095 (inclusive)`},
		{str, "a,b", `a,b: 2 value(s) specified but the maximum number is 1`},
		{str, "[]", `[]: 0 value(s) specified but the minimum number is 1`},
		{str, `"`, `": quoted string extends past end of argument`},
		{str, `[a]x`, `[a]x: trailing garbage after "]"`},
		{str, `[a`, `[a: missing "]" at end of data`},
		{str, `"a"b`, `"a"b: missing quote at end of quoted string`},
		{smap, `a`, `a: syntax error at "`},
		{smap, `a,b`, `a,b: syntax error at "," expecting "="`},
		{smap, `a=b,a=c`, `a=b,a=c: map contains duplicate key`},
		{smap, `a=`, `An empty string is not valid as input; use "" to represent the empty string`},
		{smap, `{a=b, , c=d}`, `{a=b, , c=d}: unexpected "," parsing map of (string, string) pairs`},
		{boole, `a`, `"a" is not a valid boolean (use "true" or "false")`},
		{uuids, `a`, `"a" is not a valid UUID`},
	} {
		ty := mustType(t, tc.typ)
		_, err := ParseDatumText(tc.in, &ty, nil)
		if err == nil || err.Error() != tc.err {
			t.Errorf("%q as %s: error %v, want %s", tc.in, tc.typ, err, tc.err)
		}
	}
}
