package ovsdb

import (
	"os"
	"testing"

	"govs/ovsdb/ojson"
)

// FuzzSchema checks that a schema that parses has a JSON form that gives the same schema.
func FuzzSchema(f *testing.F) {
	for _, name := range []string{"server/testdata/t.ovsschema", "server/testdata/types.ovsschema"} {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(string(b))
		}
	}
	f.Add(`{"name":"x","tables":{"A":{"columns":{"x":{"type":{"key":{"type":"string","enum":["set",["a","b"]]},"min":0,"max":"unlimited"}}}}}}`)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ojson.Parse(s)
		if err != nil {
			return
		}
		schema, err := ParseSchema(&v)
		if err != nil {
			return
		}
		j := schema.JSON()
		text := j.Append(nil)
		w, err := ojson.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseSchema(&w)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !again.Equal(schema) {
			t.Fatalf("%s differs", text)
		}
	})
}

var fuzzTypes = []string{`"integer"`, `"real"`, `"boolean"`, `"string"`, `"uuid"`,
	`{"key":"integer","min":0,"max":"unlimited"}`, `{"key":"string","min":0,"max":"unlimited"}`,
	`{"key":"real","min":0,"max":3}`, `{"key":"uuid","min":0,"max":"unlimited"}`,
	`{"key":"string","value":"string","min":0,"max":"unlimited"}`, `{"key":"integer","value":"uuid","min":0,"max":"unlimited"}`,
	`{"key":{"type":"integer","minInteger":1,"maxInteger":9},"min":0,"max":1}`}

// FuzzDatum checks that a value that parses survives its JSON form, and that differences and set operations agree.
func FuzzDatum(f *testing.F) {
	f.Add(`["set",[1,2,3]]`, `["set",[3,4]]`, 5)
	f.Add(`["map",[["a","b"],["c","d"]]]`, `["map",[["a","x"]]]`, 9)
	f.Add(`"x"`, `"y"`, 3)
	f.Add(`1.5`, `-2`, 1)
	f.Fuzz(func(t *testing.T, a, b string, n int) {
		ty := mustType(t, fuzzTypes[uint(n)%uint(len(fuzzTypes))])
		va, err := ojson.Parse(a)
		if err != nil {
			return
		}
		da, err := ParseDatum(&va, &ty, nil)
		if err != nil {
			return
		}
		if err := da.Check(&ty); err != nil {
			t.Fatalf("%s: parsed but %v", a, err)
		}
		text := string(da.AppendJSON(nil, &ty))
		vt, err := ojson.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseDatum(&vt, &ty, nil); err != nil || back != da {
			t.Fatalf("%s: %s: %v %v", a, text, back, err)
		}
		if text := da.Text(&ty); ty.Key.Type != Real {
			if back, err := ParseDatumText(text, &ty, nil); err != nil || back != da {
				t.Fatalf("%s: text %s: %v %v", a, text, back, err)
			}
		}
		vb, err := ojson.Parse(b)
		if err != nil {
			return
		}
		db, err := ParseDatum(&vb, &ty, nil)
		if err != nil {
			return
		}
		if got := ApplyDiff(da, Diff(da, db, &ty), &ty); got != db {
			t.Fatalf("from %v by difference to %v, want %v", da, got, db)
		}
		u := da.Union(db, &ty)
		for k := range db.Keys() {
			if !u.Contains(k) {
				t.Fatalf("union %v lacks %v", u, k)
			}
		}
		if !u.IncludesAll(da) {
			t.Fatalf("union %v does not include %v", u, da)
		}
		if s := da.Subtract(db, &ty, false); !s.ExcludesAll(da.Subtract(s, &ty, false)) {
			t.Fatalf("%v minus %v gives %v", da, db, s)
		}
		if c := da.Compare(db); (c == 0) != (da == db) || c != -db.Compare(da) {
			t.Fatalf("compare %v %v: %d", da, db, c)
		}
	})
}

// FuzzDatumText checks that the parser of the text form never fails badly.
func FuzzDatumText(f *testing.F) {
	for _, s := range []string{"{a=b, c=d}", "[1-5,7]", `"x\"y"`, "a,b c", "@x", "{", "1-99999999999"} {
		f.Add(s, 5)
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		ty := mustType(t, fuzzTypes[uint(n)%uint(len(fuzzTypes))])
		d, err := ParseDatumText(s, &ty, NewSymbols())
		if err == nil {
			if err := d.Check(&ty); err != nil {
				t.Fatalf("%q: %v", s, err)
			}
		}
	})
}
