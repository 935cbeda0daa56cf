package server

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"strings"
	"testing"

	"govs/internal/clock"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

// testClock is the machine's clock.
type testClock struct{ clock.Real }

// randomTxn returns a random transaction on the test schema; many fail some constraint.
func randomTxn(r *rand.Rand, names []string) string {
	name := func() string { return names[r.Intn(len(names))] }
	where := func() string {
		switch r.Intn(4) {
		case 0:
			return `[]`
		case 1:
			return fmt.Sprintf(`[["i","<",%d]]`, r.Intn(100))
		default:
			return fmt.Sprintf(`[["name","==","%s"]]`, name())
		}
	}
	set := func() string {
		var s []string
		seen := map[int]bool{}
		for n := r.Intn(4); n > 0; n-- {
			if x := r.Intn(20); !seen[x] {
				seen[x] = true
				s = append(s, fmt.Sprint(x))
			}
		}
		return `["set",[` + strings.Join(s, ",") + `]]`
	}
	smap := func() string {
		return fmt.Sprintf(`["map",[["k%d",%d],["l%d",%d]]]`, r.Intn(4), r.Intn(9), r.Intn(4), r.Intn(9))
	}
	var ops []string
	for n := 1 + r.Intn(4); n > 0; n-- {
		switch r.Intn(9) {
		case 0, 1:
			ops = append(ops, fmt.Sprintf(`{"op":"insert","table":"B","uuid-name":"b%d","row":{"n":%d}},`+
				`{"op":"insert","table":"A","row":{"name":"%s","i":%d,"r":%g,"is":%s,"m":%s,"eph":"x","strong":["named-uuid","b%d"],`+
				`"m2":["map",[["q",["named-uuid","b%d"]]]],"weak":["named-uuid","b%d"]}}`,
				n, r.Intn(100), name(), r.Intn(100), float64(r.Intn(4000))/16, set(), smap(), n, n, n))
		case 2:
			ops = append(ops, fmt.Sprintf(`{"op":"update","table":"A","where":%s,"row":{"oi":%d,"is":%s,"b":%v}}`,
				where(), r.Intn(9), set(), r.Intn(2) == 0))
		case 3:
			ops = append(ops, fmt.Sprintf(`{"op":"mutate","table":"A","where":%s,"mutations":[["is","insert",%s],["is","delete",%s],["m","insert",%s],["i","+=",%d]]}`,
				where(), set(), set(), smap(), r.Intn(7)))
		case 4:
			ops = append(ops, fmt.Sprintf(`{"op":"delete","table":"A","where":[["name","==","%s"]]}`, name()))
		case 5:
			ops = append(ops, fmt.Sprintf(`{"op":"update","table":"A","where":%s,"row":{"strong":["set",[]]}}`, where()))
		case 6:
			ops = append(ops, fmt.Sprintf(`{"op":"update","table":"A","where":%s,"row":{"m2":["map",[]],"m":%s}}`, where(), smap()))
		case 7:
			ops = append(ops, fmt.Sprintf(`{"op":"insert","table":"W","uuid-name":"w%d","row":{"n":%d,"must":["named-uuid","w%d"]}}`, n, r.Intn(50), n))
		case 8:
			ops = append(ops, fmt.Sprintf(`{"op":"delete","table":"W","where":[["n","<",%d]]},{"op":"comment","comment":"x"}`, r.Intn(50)))
		}
	}
	return `["T",` + strings.Join(ops, ",") + `]`
}

// withoutEphemeral replaces the ephemeral column by its default.
func withoutEphemeral(s string) string { return strings.ReplaceAll(s, `"eph":"x"`, `"eph":""`) }

// TestHistory runs random histories of transactions and checks that the contents are the same in memory, in a replica,
// after a compaction, after opening the file again, and in what the original's ovsdb-tool makes of the file.
func TestHistory(t *testing.T) {
	for seed := int64(1); seed <= 4; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { history(t, seed) })
	}
}

func history(t *testing.T, seed int64) {
	r := rand.New(rand.NewSource(seed))
	dir, rdir := shortTempDir(t), shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/history.ovsschema")
	createFromSchema(t, rdir+"/t.db", "testdata/history.ovsschema")
	srv, sock := startOurs(t, dir, dir+"/t.db")
	replica, _ := startOurs(t, rdir, rdir+"/t.db")
	replica.SetActiveServer("unix:" + sock)
	if err := replica.StartBackup(); err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	c := dialRaw(t, sock)
	db := srv.DB("T")
	good := 0
	for i := 0; i < 400; i++ {
		out := c.call(randomTxn(r, names))
		if !strings.Contains(out[0], "details") {
			good++
		}
		if i%150 == 100 {
			if err := db.Compact("test"); err != nil {
				t.Fatal(err)
			}
		}
		if i%50 == 0 {
			checkInvariants(t, db)
		}
	}
	if good < 100 {
		t.Errorf("only %d transactions succeeded", good)
	}
	checkInvariants(t, db)
	want := contents(db)
	waitFor(t, "the replica", func() bool { return contents(replica.DB("T")) == want })
	checkInvariants(t, replica.DB("T"))
	reopened := func(what string) {
		file, err := storage.Open(dir+"/t.db", storage.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		odb, err := readDatabase(file, testClock{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := contents(odb); got != withoutEphemeral(want) {
			t.Errorf("%s: contents differ:\n%s\nwant\n%s", what, got, want)
		}
		checkInvariants(t, odb)
		compareWithTool(t, dir+"/t.db", odb)
	}
	reopened("after reopening")
	if err := db.Compact("test"); err != nil {
		t.Fatal(err)
	}
	reopened("after compaction")
	if got := contents(db); got != want {
		t.Error("compaction changed the contents")
	}
}

// checkInvariants recomputes everything that the tables keep about their rows.
func checkInvariants(t *testing.T, db *Database) {
	t.Helper()
	db.mu.Lock()
	defer db.mu.Unlock()
	refs := make(map[rowKey]int32)
	weak := make(map[rowKey]int)
	for _, tb := range db.tables {
		for u, e := range tb.rows {
			if e.row.UUID() != u {
				t.Errorf("row %s has UUID %s", u, e.row.UUID())
			}
			for _, col := range tb.schema.Columns {
				if err := e.row.Cols[col.Index].Check(&col.Type); err != nil {
					t.Errorf("table %s row %s column %s: %s", tb.schema.Name, u, col.Name, err)
				}
			}
			for i := range tb.strongCols {
				c := &tb.strongCols[i]
				c.eachRef(e.row.Cols[c.col.Index], func(target *table, to ovsdb.UUID) {
					if target.rows[to].row == nil {
						t.Errorf("dangling reference to %s", to)
					}
					if to != u {
						refs[rowKey{target, to}]++
					}
				})
			}
			for i := range tb.weakCols {
				c := &tb.weakCols[i]
				c.eachRef(e.row.Cols[c.col.Index], func(target *table, to ovsdb.UUID) {
					if target.rows[to].row == nil {
						t.Errorf("dangling weak reference to %s", to)
					}
					weak[rowKey{target, to}]++
				})
			}
			for i := range tb.indexes {
				if tb.indexes[i][tb.indexKey(i, e.row)] != u {
					t.Errorf("row %s is not in index %d", u, i)
				}
			}
		}
		for i := range tb.indexes {
			if len(tb.indexes[i]) != len(tb.rows) {
				t.Errorf("index %d of %s has %d entries for %d rows", i, tb.schema.Name, len(tb.indexes[i]), len(tb.rows))
			}
		}
	}
	for _, tb := range db.tables {
		for u, e := range tb.rows {
			if e.refs != refs[rowKey{tb, u}] {
				t.Errorf("row %s counts %d references, has %d", u, e.refs, refs[rowKey{tb, u}])
			}
			if e.refs == 0 && !tb.schema.IsRoot {
				t.Errorf("row %s is garbage", u)
			}
		}
		for u, w := range tb.weak {
			n := 0
			for _, s := range w.list {
				n += int(s.n)
			}
			if n != weak[rowKey{tb, u}] {
				t.Errorf("row %s: %d weak references kept, %d found", u, n, weak[rowKey{tb, u}])
			}
		}
	}
}

// compareWithTool compares the number of rows and the values of table A with what the original's ovsdb-tool reads.
func compareWithTool(t *testing.T, name string, db *Database) {
	t.Helper()
	if _, err := exec.LookPath("ovsdb-tool"); err != nil {
		t.Log("the original ovsdb-tool is not installed")
		return
	}
	var ops []string
	for _, ts := range db.schema.TableList {
		ops = append(ops, `{"op":"select","table":"`+ts.Name+`","where":[]}`)
	}
	copied := name + ".copy"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ovsdb-tool", "query", copied, `["T",`+strings.Join(ops, ",")+`]`).CombinedOutput()
	if err != nil {
		t.Fatalf("ovsdb-tool: %s\n%s", err, out)
	}
	v, err := ojson.Parse(string(out))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, ts := range db.schema.TableList {
		rows := v.Elems()[i].Get("rows")
		for j := range rows.Elems() {
			row := &rows.Elems()[j]
			b := []byte("{")
			for k, col := range ts.UserColumns() {
				if k > 0 {
					b = append(b, ',')
				}
				b = ojson.AppendString(b, col.Name)
				b = append(b, ':')
				d, err := ovsdb.ParseDatum(row.Get(col.Name), &col.Type, nil)
				if err != nil {
					t.Fatal(err)
				}
				b = d.AppendJSON(b, &col.Type)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s}", ts.Name, row.Get("_uuid").Elems()[1].Str(), b))
		}
	}
	if got := strings.Join(sortedStrings(lines), "\n"); got != contents(db) {
		t.Errorf("the original reads\n%s\nwant\n%s", got, contents(db))
	}
}
