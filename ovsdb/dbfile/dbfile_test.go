package dbfile

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

const schemaText = `{"name":"T","version":"1.0.0","tables":{"A":{"columns":{"n":{"type":"integer"},
"s":{"type":{"key":"string","min":0,"max":"unlimited"}},"m":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
"e":{"type":"string","ephemeral":true}},"isRoot":true}}}`

func schema(t testing.TB) *ovsdb.DatabaseSchema {
	t.Helper()
	v, err := ojson.Parse(schemaText)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ovsdb.ParseSchema(&v)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read reads a file as the tools do.
func read(b []byte) (*ovsdb.DatabaseSchema, Contents, error) {
	r := storage.NewReader(bytes.NewReader(b), "f")
	first, err := r.Next()
	if err != nil {
		return nil, nil, err
	}
	s, err := ovsdb.ParseSchema(&first)
	if err != nil {
		return nil, nil, err
	}
	c, err := Read(r, s)
	return s, c, err
}

// file returns a file with the schema and the given transactions.
func file(t testing.TB, records ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, rec := range append([]string{schemaText}, records...) {
		if err := WriteRecord(&b, []byte(rec)); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

const u1, u2 = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"

func TestReplay(t *testing.T) {
	_, c, err := read(file(t,
		`{"A":{"`+u1+`":{"n":1,"s":["set",["a","b"]],"m":["map",[["k","v"]]]},"`+u2+`":{"n":2}},"_date":5}`,
		`{"A":{"`+u1+`":{"s":["set",["b","c"]],"m":["map",[["k","w"],["l","x"]]]}},"_is_diff":true}`,
		`{"A":{"`+u1+`":{"n":7},"`+u2+`":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := ovsdb.ParseUUID(u1)
	row := c[RowID{"A", id}]
	if len(c) != 1 || row == nil {
		t.Fatalf("rows %v", c)
	}
	ts := schema(t).Tables["A"]
	if got := row.Cols[ts.Column("n").Index].Scalar().Int(); got != 7 {
		t.Errorf("n is %d", got)
	}
	if got := row.Cols[ts.Column("s").Index].Strings(); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("s is %v", got)
	}
	if got := row.Cols[ts.Column("m").Index].StringMap(); !maps.Equal(got, map[string]string{"k": "w", "l": "x"}) {
		t.Errorf("m is %v", got)
	}
	for _, bad := range []string{`{"B":{}}`, `{"A":{"x":{}}}`, `{"A":{"` + u1 + `":{"zz":1}}}`, `{"A":{"` + u1 + `":{"n":"x"}}}`, `{"A":[]}`} {
		if _, _, err := read(file(t, bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// FuzzRead checks that no file crashes the reader and that what it reads survives being written and read again.
func FuzzRead(f *testing.F) {
	f.Add(file(f), `{"A":{"`+u1+`":{"n":1,"s":"x"}}}`)
	f.Add(file(f, `{"A":{"`+u1+`":{"s":["set",["b","c"]]}},"_is_diff":true}`), `{"A":{"`+u1+`":null}}`)
	f.Add([]byte("OVSDB JSON 3 x\n{}\n"), `[]`)
	f.Fuzz(func(t *testing.T, head []byte, record string) {
		var b bytes.Buffer
		b.Write(head)
		if err := WriteRecord(&b, []byte(record)); err != nil {
			t.Fatal(err)
		}
		s, c, err := read(b.Bytes())
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := Write(&again, s, c, "again", time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		s2, c2, err := read(again.Bytes())
		if err != nil || !s2.Equal(s) || len(c2) != len(c) {
			t.Fatalf("read again: %d rows of %d, %v", len(c2), len(c), err)
		}
		for id, row := range c {
			for _, col := range Persistent(s.Tables[id.Table]) {
				if c2[id] == nil || c2[id].Cols[col.Index] != row.Cols[col.Index] {
					t.Fatalf("row %v column %s changed", id, col.Name)
				}
			}
		}
	})
}
