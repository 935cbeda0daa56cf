package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"govs/internal/unixctl"
)

// client is a JSON-RPC connection of a test.
type client struct {
	t    *testing.T
	conn net.Conn
	dec  *json.Decoder
	id   int
}

// dial connects to a socket, which may still have to be made.
func dial(t *testing.T, path string) *client {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("unix", path)
		if err == nil {
			t.Cleanup(func() { c.Close() })
			return &client{t: t, conn: c, dec: json.NewDecoder(c)}
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// transact runs operations and returns the result's JSON. It may be called from any goroutine.
func (c *client) transact(ops string) string {
	c.id++
	fmt.Fprintf(c.conn, `{"id":%d,"method":"transact","params":["T",%s}`, c.id, strings.TrimPrefix(ops, "["))
	var m struct {
		Result json.RawMessage
	}
	c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err := c.dec.Decode(&m); err != nil {
		c.t.Error(err)
	}
	return string(m.Result)
}

// play starts ours with args in dir, runs f, and returns when the program has ended.
func play(t *testing.T, dir string, f func(), args ...string) string {
	t.Helper()
	cmd := command(true, dir, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	f()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v %s", args, err, &out)
	}
	return out.String()
}

// TestRecordReplay records clients that work at once, waiting and timed-out transactions, control commands, and a connection that breaks
// off, and plays that back on a copy of the database: the two files must have the same records, times and UUIDs included.
func TestRecordReplay(t *testing.T) {
	dir := tempDir(t)
	createDB(t, dir)
	if b, err := os.ReadFile(dir + "/t.db"); err != nil || os.WriteFile(dir+"/copy.db", b, 0o600) != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/rec", 0o755); err != nil {
		t.Fatal(err)
	}
	common := []string{"--unixctl=ctl", "--remote=punix:db.sock"}
	play(t, dir, func() {
		c := dial(t, dir+"/db.sock")
		var wg sync.WaitGroup
		for i := range 8 {
			c := dial(t, dir+"/db.sock")
			wg.Go(func() {
				for n := range 20 {
					c.transact(fmt.Sprintf(`[{"op":"insert","table":"A","row":{"n":%d},"uuid-name":"x"},
						{"op":"insert","table":"A","row":{"n":%d}},{"op":"mutate","table":"A","where":[["n","<",5]],"mutations":[["n","+=",1]]}]`, n, 100*i+n))
				}
			})
		}
		waiter := dial(t, dir+"/db.sock")
		wg.Go(func() {
			if r := waiter.transact(`[{"op":"wait","table":"A","where":[["n","==",4711]],"columns":["n"],"until":"==","rows":[{"n":4711}],"timeout":20000},
				{"op":"insert","table":"A","row":{"n":4712}}]`); !strings.Contains(r, "uuid") {
				t.Errorf("a transaction that waited: %s", r)
			}
		})
		if r := c.transact(`[{"op":"wait","table":"A","where":[["n","==",9999]],"columns":["n"],"until":"==","rows":[{"n":1}],"timeout":50}]`); !strings.Contains(r, "timed out") {
			t.Errorf("a transaction that waits in vain: %s", r)
		}
		c.transact(`[{"op":"insert","table":"A","row":{"n":4711}}]`)
		wg.Wait()
		broken := dial(t, dir+"/db.sock")
		fmt.Fprint(broken.conn, `{"id":1,"method":"transact","params":["T",{"op":"ins`)
		broken.conn.Close()
		u, err := unixctl.Dial(context.Background(), dir+"/ctl")
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		if _, err := u.Transact("ovsdb-server/add-remote", "punix:"+dir+"/more.sock"); err != nil {
			t.Error(err)
		}
		dial(t, dir+"/more.sock").transact(`[{"op":"insert","table":"A","row":{"n":-1}},{"op":"commit","durable":true}]`)
		if _, err := u.Transact("exit"); err != nil {
			t.Error(err)
		}
	}, append(common, "--record=rec", "t.db")...)

	play(t, dir, func() {}, append(common, "--replay=rec", "copy.db")...)
	a, b := records(t, dir+"/t.db"), records(t, dir+"/copy.db")
	if len(a) < 160 || len(a) != len(b) {
		t.Fatalf("%d records, and %d of the replay", len(a), len(b))
	}
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Fatalf("record %d differs:\n%v\n%v", i, a[i], b[i])
		}
	}
}

// records are the records of a database file, in which the order of rows does not count.
func records(t *testing.T, file string) (all []any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		if bytes.HasPrefix(line, []byte("OVSDB JSON")) {
			continue
		}
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TestRecordErrors checks what is said of directories and files that are not usable.
func TestRecordErrors(t *testing.T) {
	dir := tempDir(t)
	createDB(t, dir)
	os.WriteFile(dir+"/ovsdb-server.replay", []byte("{}\n"), 0o600)
	for _, c := range []struct{ args, want string }{
		{"--record=nope", dir + "/nope/ovsdb-server.replay: fopen failed: No such file or directory"},
		{"--replay=nope", "ovsdb-server: failed to open replay file: No such file or directory."},
		{"--record=nope --replay", "ovsdb-server.replay: not a recording"},
		{"--replay --record=nope", "nope/ovsdb-server.replay: fopen failed"},
		{"--replay --sync-from=unix:x", "not a recording"},
		{"--record --sync-from=unix:x", "replication and relay databases cannot be recorded"},
	} {
		out, err := command(true, dir, append(strings.Fields(c.args), "t.db")...).CombinedOutput()
		if _, failed := err.(*exec.ExitError); !failed || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v %s", c.args, err, out)
		}
	}
}
