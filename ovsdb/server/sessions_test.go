package server

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"govs/internal/unixctl"
	"govs/ovsdb/storage"
)

// barrier returns what the client has received by the time that the server answers an echo.
func (c *rawClient) barrier() []string {
	c.t.Helper()
	out := c.call(`{"method":"echo","params":["barrier"],"id":"barrier"}`)
	for len(out) > 0 && !strings.Contains(out[len(out)-1], `"barrier"`) {
		// A reply of an earlier request ended the call.
		last := out[len(out)-1]
		if last == "closed" {
			return out
		}
		out = append(out, c.read()...)
	}
	if len(out) > 0 {
		out = out[:len(out)-1]
	}
	return out
}

// read returns the next message.
func (c *rawClient) read() []string {
	var m json.RawMessage
	if err := c.dec.Decode(&m); err != nil {
		return []string{"closed"}
	}
	return []string{string(m)}
}

var msRE = regexp.MustCompile(`after \d+ ms`)

// TestSessionsLikeOriginal lets three sessions lock, steal, wait, cancel and watch each other, on the original and on
// ours, and compares what each of them sees.
func TestSessionsLikeOriginal(t *testing.T) {
	needOriginal(t, "ovsdb-server")
	od, gd := shortTempDir(t), shortTempDir(t)
	for _, d := range []string{od, gd} {
		createFromSchema(t, d+"/t.db", "testdata/t.ovsschema")
	}
	socks := []string{startOriginal(t, od, "t.db"), ""}
	_, socks[1] = startOurs(t, gd, gd+"/t.db")
	var clients [2][3]*rawClient
	for i := range socks {
		for j := range clients[i] {
			clients[i][j] = dialRaw(t, socks[i])
		}
	}
	wait := func(id, timeout int, until, name string) string {
		return fmt.Sprintf(`{"method":"transact","params":["T",{"op":"wait","table":"A","where":[["name","==","%s"]],"columns":["name"],`+
			`"until":"%s","rows":[{"name":"%s"}],"timeout":%d},{"op":"insert","table":"W","uuid-name":"w","row":{"n":%d,"must":["named-uuid","w"]}}],"id":%d}`,
			name, until, name, timeout, id, id)
	}
	steps := []struct {
		who   int
		line  string
		pause time.Duration
	}{
		{0, `{"method":"lock","params":["l"],"id":1}`, 0},
		{1, `{"method":"lock","params":["l"],"id":1}`, 0},
		{2, `{"method":"lock","params":["l"],"id":1}`, 0},
		{0, `{"method":"transact","params":["T",{"op":"assert","lock":"l"}],"id":2}`, 0},
		{1, `{"method":"transact","params":["T",{"op":"assert","lock":"l"}],"id":2}`, 0},
		{2, `{"method":"unlock","params":["l"],"id":3}`, 0},
		{2, `{"method":"steal","params":["l"],"id":4}`, 0},
		{0, `{"method":"transact","params":["T",{"op":"assert","lock":"l"}],"id":5}`, 0},
		{2, `{"method":"transact","params":["T",{"op":"assert","lock":"l"}],"id":5}`, 0},
		{2, `{"method":"unlock","params":["l"],"id":6}`, 0},
		{0, `{"method":"unlock","params":["l"],"id":7}`, 0},
		{1, `{"method":"unlock","params":["l"],"id":8}`, 0},
		{1, `{"method":"steal","params":["l"],"id":9}`, 0},
		{0, `{"method":"steal","params":["l"],"id":10}`, 0},
		{0, `{"method":"unlock","params":["l"],"id":11}`, 0},
		{1, `{"method":"unlock","params":["l"],"id":12}`, 0},
		{1, `{"method":"unlock","params":["l"],"id":12}`, 0},
		// Waits: satisfied by another session, timed out, cancelled, without limit.
		{2, `{"method":"monitor","params":["T","mon",{"A":{"columns":["name"]},"W":{"columns":["n"]}}],"id":1}`, 0},
		{0, wait(20, 60000, "==", "a"), 0},
		{0, wait(20, 60000, "==", "a"), 0}, // duplicate ID
		{1, wait(22, 50, "==", "c"), 300 * time.Millisecond},
		{2, `["T",{"op":"insert","table":"A","row":{"name":"a"}}]`, 0},
		{1, `{"method":"cancel","params":[99],"id":null}`, 0},
		{2, `["T",{"op":"insert","table":"A","row":{"name":"b","i":1}}]`, 0},
		{0, wait(23, 60000, "!=", "b"), 0},
		{2, `["T",{"op":"update","table":"A","where":[["name","==","b"]],"row":{"name":"d"}}]`, 0},
		{0, wait(24, 60000, "==", "x1"), 0},
		{2, `["T",{"op":"update","table":"A","where":[["name","==","d"]],"row":{"name":"x1"}}]`, 0},
		{1, strings.Replace(wait(25, 60000, "==", "x2"), `,"timeout":60000`, "", 1), 0},
		{2, `["T",{"op":"insert","table":"A","row":{"name":"x2","i":2}}]`, 0},
		// A chain: the first wait's insertion satisfies nothing, a failing one aborts.
		{0, `{"method":"transact","params":["T",{"op":"wait","table":"A","where":[],"columns":["name"],"until":"==","rows":[],"timeout":60000},{"op":"insert","table":"A","row":{"i":5000}}],"id":30}`, 0},
		{2, `["T",{"op":"delete","table":"A","where":[]}]`, 0},
		// The database goes through a conversion while a transaction waits; only who is aware stays.
		{0, `{"method":"set_db_change_aware","params":[true],"id":40}`, 0},
		{2, `{"method":"set_db_change_aware","params":[true],"id":40}`, 0},
		{0, wait(41, 60000, "==", "never"), 0},
		{2, `{"method":"convert","params":["T",{"name":"T","version":"9.9.9","tables":{"A":{"columns":{"name":{"type":"string"}}}}}],"id":42}`, 0},
		{2, `{"method":"get_schema","params":["T"],"id":43}`, 0},
		{0, `["T",{"op":"insert","table":"A","row":{"name":"n"}},{"op":"select","table":"A","where":[],"columns":["name"]}]`, 0},
		{2, `["T",{"op":"select","table":"W","where":[]}]`, 0},
	}
	for n, st := range steps {
		line := st.line
		if line[0] == '[' {
			line = `{"method":"transact","params":` + line + `,"id":"t"}`
		}
		var seen [2]string
		for i := range clients {
			clients[i][st.who].conn.SetDeadline(time.Now().Add(10 * time.Second))
			io.WriteString(clients[i][st.who].conn, line)
		}
		time.Sleep(st.pause) // for a wait to time out by the servers' clock
		for i := range clients {
			var sb strings.Builder
			// The acting session first: its barrier shows that the request is done.
			for _, j := range []int{st.who, (st.who + 1) % 3, (st.who + 2) % 3} {
				msgs := clients[i][j].barrier()
				for k := range msgs {
					msgs[k] = msRE.ReplaceAllString(canonical(msgs[k]), "after N ms")
				}
				if j != st.who {
					sort.Strings(msgs)
				}
				fmt.Fprintf(&sb, "  client %d: %s\n", j, strings.Join(msgs, "\n            "))
			}
			seen[i] = sb.String()
		}
		if seen[0] != seen[1] {
			t.Errorf("step %d: client %d sends %s\noriginal:\n%sours:\n%s", n, st.who, line, seen[0], seen[1])
		}
	}
}

// TestCancel cancels a transaction that waits. RFC 7047 section 4.1.4 wants a reply with the error "canceled"; the
// original sends none.
func TestCancel(t *testing.T) {
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/t.db", "testdata/t.ovsschema")
	srv, sock := startOurs(t, dir, dir+"/t.db")
	c := dialRaw(t, sock)
	io.WriteString(c.conn, `{"method":"transact","params":["T",{"op":"wait","table":"A","where":[],"until":"!=","rows":[]}],"id":"w"}`)
	if out := c.call(`{"method":"echo","params":[],"id":1}`); len(out) != 1 {
		t.Fatal(out)
	}
	io.WriteString(c.conn, `{"method":"cancel","params":["w"],"id":null}`)
	if out := c.read()[0]; out != `{"error":"canceled","id":"w"}` {
		t.Errorf("reply %s", out)
	}
	db := srv.DB("T")
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(db.triggers) != 0 {
		t.Error("the transaction still waits")
	}
}

// logLines returns the records of a database file with what differs from run to run taken out.
func logLines(t *testing.T, name string) []string {
	t.Helper()
	f, err := storage.Open(name, storage.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for {
		v, err := f.Reader().Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, canonical(regexp.MustCompile(`"_date":\d+`).ReplaceAllString(string(v.Append(nil)), `"_date":0`)))
	}
}

// TestFileLikeOriginal runs the same transactions on the original and on ours and compares the database files record
// by record, before and after a compaction, and what the original's show-log prints.
func TestFileLikeOriginal(t *testing.T) {
	needOriginal(t, "ovsdb-server", "ovsdb-tool", "ovs-appctl")
	od, gd := shortTempDir(t), shortTempDir(t)
	for _, d := range []string{od, gd} {
		createFromSchema(t, d+"/t.db", "testdata/t.ovsschema")
	}
	osock := startOriginal(t, od, "t.db")
	srv, gsock := startOurs(t, gd, gd+"/t.db")
	orig, ours := dialRaw(t, osock), dialRaw(t, gsock)
	const u1, u2, u3 = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
	for _, line := range []string{
		`["T",{"op":"insert","table":"A","uuid":"` + u1 + `","row":{"name":"a","i":5,"r":1.5,"b":true,"e":"b","is":["set",[1,2,3]],"m":["map",[["x",1],["y",2]]],"oi":7,"eph":"gone","strong":["uuid","` + u2 + `"]}},{"op":"insert","table":"B","uuid":"` + u2 + `","row":{"n":1}}]`,
		`["T",{"op":"update","table":"A","where":[],"row":{"eph":"not stored"}}]`,
		`["T",{"op":"update","table":"A","where":[],"row":{"name":"a"}}]`,
		`["T",{"op":"comment","comment":"first"},{"op":"comment","comment":"second"},{"op":"update","table":"A","where":[],"row":{"i":6}}]`,
		`["T",{"op":"comment","comment":"nothing happens"}]`,
		`["T",{"op":"mutate","table":"A","where":[],"mutations":[["is","insert",["set",[9]]],["is","delete",1],["m","insert",["map",[["z",3]]]],["m","delete",["set",["x"]]],["oi","delete",7]]}]`,
		`["T",{"op":"update","table":"A","where":[],"row":{"is":["set",[]],"m":["map",[["y",3]]],"s":"q\"\n\u00e9","e":["set",[]]}}]`,
		`["T",{"op":"insert","table":"W","uuid":"` + u3 + `","row":{"must":["uuid","` + u3 + `"]}}]`,
		`["T",{"op":"update","table":"A","where":[],"row":{"strong":["set",[]],"b":false}},{"op":"commit","durable":true}]`,
		`["T",{"op":"delete","table":"W","where":[]}]`,
		`["T",{"op":"insert","table":"A","row":{"i":5000}}]`,
	} {
		w, g := canonical(orig.call(line)[0]), canonical(ours.call(line)[0])
		if w != g {
			t.Fatalf("%s\noriginal: %s\nours:     %s", line, w, g)
		}
	}
	compare := func(what string) {
		t.Helper()
		w, g := logLines(t, od+"/t.db"), logLines(t, gd+"/t.db")
		for i := range max(len(w), len(g)) {
			var a, b string
			if i < len(w) {
				a = w[i]
			}
			if i < len(g) {
				b = g[i]
			}
			if a != b {
				t.Errorf("%s: record %d\noriginal: %s\nours:     %s", what, i, a, b)
			}
		}
		var shown [2]string
		for i, d := range []string{od, gd} {
			out, err := runEnv(d, "ovsdb-tool", "-mm", "show-log", d+"/t.db")
			if err != nil {
				t.Errorf("show-log: %v %s", err, out)
			}
			out = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`).ReplaceAllString(out, "DATE")
			lines := strings.Split(out, "\n")
			sort.Strings(lines)
			shown[i] = strings.Join(lines, "\n")
		}
		if shown[0] != shown[1] {
			t.Errorf("%s: show-log\noriginal: %s\nours:     %s", what, shown[0], shown[1])
		}
	}
	compare("log")
	if out, err := runEnv(od, "ovs-appctl", "-t", od+"/ctl", "ovsdb-server/compact"); err != nil {
		t.Fatal(err, out)
	}
	if err := srv.DB("T").Compact("compacting database online"); err != nil {
		t.Fatal(err)
	}
	compare("compacted")
	after := `["T",{"op":"update","table":"A","where":[],"row":{"i":9}}]`
	orig.call(after)
	ours.call(after)
	compare("after compaction")
}

// TestOpenErrorsLikeOriginal opens damaged files with add-db on both servers and compares what they say, and what they
// serve of files that are good up to a point.
func TestOpenErrorsLikeOriginal(t *testing.T) {
	needOriginal(t, "ovsdb-server", "ovs-appctl")
	od, gd := shortTempDir(t), shortTempDir(t)
	for _, d := range []string{od, gd} {
		createFromSchema(t, d+"/base.db", "testdata/types.ovsschema")
	}
	osock := startOriginal(t, od, "base.db")
	srv, gsock := startOurs(t, gd, gd+"/base.db")
	u := unixctl.NewServer("x", nil)
	t.Cleanup(u.Close)
	srv.RegisterUnixctl(u, nil)
	if err := u.Listen(gd + "/ctl"); err != nil {
		t.Fatal(err)
	}
	// A good file with three records, made by ours.
	mk := shortTempDir(t)
	createFromSchema(t, mk+"/t.db", "testdata/t.ovsschema")
	msrv, msock := startOurs(t, mk, mk+"/t.db")
	mc := dialRaw(t, msock)
	for i := 0; i < 3; i++ {
		mc.call(fmt.Sprintf(`["T",{"op":"insert","table":"A","row":{"name":"r%d","i":%d}}]`, i, i))
	}
	msrv.Close()
	good, err := os.ReadFile(mk + "/t.db")
	if err != nil {
		t.Fatal(err)
	}
	record := func(body string) []byte {
		sum := sha1.Sum([]byte(body))
		return []byte(fmt.Sprintf("OVSDB JSON %d %x\n%s", len(body), sum, body))
	}
	add := func(b ...[]byte) []byte { return append(append([]byte(nil), good...), bytes.Join(b, nil)...) }
	last := bytes.LastIndex(good, []byte("OVSDB JSON"))
	flip := append([]byte(nil), good...)
	flip[len(flip)-10] ^= 1
	for i, data := range [][]byte{
		nil, []byte("hello\n"), []byte("OVSDB JSON 5 x\n"), good[:last], good[:len(good)-1], good[:len(good)-40], good[:last+5],
		good[:last+11], good[:last+30], flip, add([]byte("x")), add([]byte("OVSDB JSON 10 x\n")), add([]byte("\n")),
		add(record("[]\n")), add(record("{\n")), add(record(`{"Nope":{}}` + "\n")), add(record(`{"A":5}` + "\n")),
		add(record(`{"A":{"x":{}}}` + "\n")), add(record(`{"A":{"11111111-1111-4111-8111-111111111111":{"zz":1}}}` + "\n")),
		add(record(`{"A":{"11111111-1111-4111-8111-111111111111":{"i":"x"}}}` + "\n")),
		add(record(`{"A":{"11111111-1111-4111-8111-111111111111":{"i":5000}}}` + "\n")),
		add(record(`{"A":{"11111111-1111-4111-8111-111111111111":null}}` + "\n")),
		add(record(`{}` + "\n")), add(record(`{"_date":1,"_comment":"x"}` + "\n")),
		record(`{"name":"T"}` + "\n"), record(`{"name":"T","tables":{}}` + "\n"), record("5\n"),
	} {
		var seen [2]string
		for k, d := range []string{od, gd} {
			name := fmt.Sprintf("%s/f%d.db", d, i)
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := runEnv(d, "ovs-appctl", "-t", d+"/ctl", "ovsdb-server/add-db", name)
			seen[k] = strings.ReplaceAll(fmt.Sprintf("%s %v", out, err), d, "DIR")
			if err != nil {
				continue
			}
			c := dialRaw(t, map[string]string{od: osock, gd: gsock}[d])
			seen[k] += canonical(c.call(`["T",{"op":"select","table":"A","where":[],"columns":["name","i"]}]`)[0])
			if out, err := runEnv(d, "ovs-appctl", "-t", d+"/ctl", "ovsdb-server/remove-db", "T"); err != nil {
				t.Fatalf("remove-db: %s", out)
			}
		}
		if seen[0] != seen[1] {
			t.Errorf("file %d (%.60q...)\noriginal: %s\nours:     %s", i, data[max(0, len(data)-60):], seen[0], seen[1])
		}
	}
}
