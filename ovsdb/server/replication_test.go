package server

import (
	"fmt"
	"strings"
	"testing"

	"govs/ovsdb/ojson"
)

// contents returns the rows of all tables but those in skip, one line a row, without versions, sorted.
func contents(db *Database, skip ...string) string {
	db.mu.Lock()
	defer db.mu.Unlock()
	var lines []string
	for _, t := range db.tables {
		omit := false
		for _, s := range skip {
			omit = omit || s == t.schema.Name
		}
		if omit {
			continue
		}
		for u, e := range t.rows {
			lines = append(lines, fmt.Sprintf("%s %s %s", t.schema.Name, u, e.row.AppendJSON(nil, t.schema.UserColumns())))
		}
	}
	return strings.Join(sortedStrings(lines), "\n")
}

func sortedStrings(s []string) []string {
	m := make(map[string]bool, len(s))
	for _, x := range s {
		m[x] = true
	}
	return sortedKeys(m)
}

// dumpOf reads the contents of a database of any server in the same form as contents.
func dumpOf(t *testing.T, c *rawClient, db *Database) string {
	t.Helper()
	var lines []string
	for _, ts := range db.Schema().TableList {
		out := c.call(fmt.Sprintf(`["%s",{"op":"select","table":"%s","where":[]}]`, db.name, ts.Name))
		v, err := ojson.Parse(out[len(out)-1])
		if err != nil {
			t.Fatal(err)
		}
		rows := v.Get("result").Elems()[0].Get("rows")
		for i := range rows.Elems() {
			r := &rows.Elems()[i]
			b := []byte("{")
			for j, col := range ts.UserColumns() {
				if j > 0 {
					b = append(b, ',')
				}
				b = ojson.AppendString(b, col.Name)
				b = append(b, ':')
				b = r.Get(col.Name).Append(b)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s}", ts.Name, r.Get("_uuid").Elems()[1].Str(), b))
		}
	}
	return strings.Join(sortedStrings(lines), "\n")
}

const someRows = `["T",{"op":"insert","table":"A","row":{"name":"a%d","i":%d,"m":["map",[["x",1]]],"is":["set",[1,2]],` +
	`"strong":["named-uuid","b"],"eph":"e"}},{"op":"insert","table":"B","uuid-name":"b","row":{"n":%d}},` +
	`{"op":"insert","table":"W","uuid-name":"w","row":{"n":1,"must":["named-uuid","w"]}}]`

func insertSome(c *rawClient, i int) { c.call(fmt.Sprintf(someRows, i, i, i)) }

// TestReplication makes ours a backup of the original and the original a backup of ours.
func TestReplication(t *testing.T) {
	ad, bd := shortTempDir(t), shortTempDir(t)
	createFromSchema(t, ad+"/t.db", "testdata/t.ovsschema")
	createFromSchema(t, bd+"/t.db", "testdata/t.ovsschema")
	t.Run("ours copies the original", func(t *testing.T) {
		asock := startOriginal(t, ad, "t.db")
		a := dialRaw(t, asock)
		insertSome(a, 1)
		srv, bsock := startOurs(t, bd, bd+"/t.db")
		b := dialRaw(t, bsock)
		insertSome(b, 7) // must vanish
		srv.SetActiveServer("unix:" + asock)
		if err := srv.StartBackup(); err != nil {
			t.Fatal(err)
		}
		db := srv.DB("T")
		same := func() bool { return contents(db) == dumpOf(t, a, db) }
		waitFor(t, "the first copy", same)
		if want := "state: backup\nreplicating: unix:" + asock + "\ndatabase: T\n"; srv.SyncStatus() != want {
			t.Errorf("status %q", srv.SyncStatus())
		}
		insertSome(a, 2)
		a.call(`["T",{"op":"mutate","table":"A","where":[["name","==","a1"]],"mutations":[["is","insert",["set",[7,8]]],["m","delete",["set",["x"]]]]},{"op":"update","table":"A","where":[["name","==","a2"]],"row":{"strong":["set",[]]}}]`)
		waitFor(t, "the changes", same)
		out := b.call(fmt.Sprintf(someRows, 9, 9, 9))
		if !strings.Contains(out[0], "insert operation not allowed when database server is in read only mode") {
			t.Errorf("write to the backup: %s", out)
		}
		if out := b.call(`{"method":"lock","params":["x"],"id":1}`); !strings.Contains(out[0], "lock and unlock methods not allowed, DB server is read only.") {
			t.Errorf("lock on the backup: %s", out)
		}
		srv.StopBackup()
		b = dialRaw(t, bsock)
		b.call(`["T",{"op":"delete","table":"A","where":[]}]`)
		insertSome(b, 3)
		if !strings.Contains(contents(db), `"a3"`) {
			t.Error("write after becoming active failed")
		}
	})
	t.Run("the original copies ours", func(t *testing.T) {
		ad, bd := shortTempDir(t), shortTempDir(t)
		createFromSchema(t, ad+"/t.db", "testdata/t.ovsschema")
		createFromSchema(t, bd+"/t.db", "testdata/t.ovsschema")
		srv, asock := startOurs(t, ad, ad+"/t.db")
		a := dialRaw(t, asock)
		insertSome(a, 1)
		bsock := startOriginal(t, bd, "--sync-from=unix:"+asock, "t.db")
		b := dialRaw(t, bsock)
		db := srv.DB("T")
		same := func() bool { return contents(db) == dumpOf(t, b, db) }
		waitFor(t, "the first copy", same)
		insertSome(a, 2)
		waitFor(t, "the changes", same)
	})
}

// TestRelay puts a relay of ours before an original server and one of the original before ours.
func TestRelay(t *testing.T) {
	t.Run("ours relays the original", func(t *testing.T) {
		ad, bd := shortTempDir(t), shortTempDir(t)
		createFromSchema(t, ad+"/t.db", "testdata/t.ovsschema")
		asock := startOriginal(t, ad, "t.db")
		srv, bsock := startOurs(t, bd)
		if err := srv.AddRelay("T:unix:" + asock); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the relay", func() bool {
			db := srv.DB("T")
			db.mu.Lock()
			defer db.mu.Unlock()
			return db.relay.connected
		})
		b := dialRaw(t, bsock)
		m := b.call(`{"method":"monitor_cond","params":["T","m",{"B":[{}]}],"id":5}`)
		insertSome(b, 4)
		out := b.call(`["T",{"op":"select","table":"A","where":[],"columns":["name"]}]`)
		if !strings.Contains(strings.Join(out, ""), `"a4"`) {
			t.Errorf("the row is not there: %s %s", m, out)
		}
		db := srv.DB("T")
		if a := dialRaw(t, asock); contents(db) != dumpOf(t, a, db) {
			t.Error("contents differ")
		}
		out = b.call(`["T",{"op":"insert","table":"A","row":{"i":5000}}]`)
		if !strings.Contains(out[0], "5000 is not in the valid range") {
			t.Errorf("error through the relay: %s", out)
		}
		out = b.call(`["_Server",{"op":"select","table":"Database","where":[["name","==","T"]],"columns":["model","connected","leader"]}]`)
		if want := `{"rows":[{"model":"relay","connected":true,"leader":false}]}`; !strings.Contains(out[0], want) {
			t.Errorf("_Server: %s", out)
		}
	})
	t.Run("the original relays ours", func(t *testing.T) {
		ad, bd := shortTempDir(t), shortTempDir(t)
		createFromSchema(t, ad+"/t.db", "testdata/t.ovsschema")
		srv, asock := startOurs(t, ad, ad+"/t.db")
		bsock := startOriginal(t, bd, "relay:T:unix:"+asock)
		var b *rawClient
		waitFor(t, "the relay", func() bool {
			b = dialRaw(t, bsock) // it drops clients when the schema comes
			return strings.Contains(b.call(`["_Server",{"op":"select","table":"Database","where":[["name","==","T"]],"columns":["connected"]}]`)[0], "true")
		})
		insertSome(b, 5)
		if !strings.Contains(contents(srv.DB("T")), `"a5"`) {
			t.Error("the row did not arrive")
		}
	})
}
