package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"govs/internal/clock"
)

// TestProbe has a TCP client that says nothing: it is probed after five seconds, and dropped after five more.
func TestProbe(t *testing.T) {
	clk := clock.NewStopped(time.Unix(1e9, 0))
	srv := New(Options{Clock: clk})
	t.Cleanup(func() { srv.Close() })
	port := freePort(t)
	if err := srv.AddRemote(fmt.Sprintf("ptcp:%d:127.0.0.1", port)); err != nil {
		t.Fatal(err)
	}
	dial := func() *rawClient {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		r := &rawClient{t: t, conn: c, dec: json.NewDecoder(bufio.NewReader(c))}
		if out := r.call(`{"method":"echo","params":[1],"id":1}`); !strings.Contains(out[0], "[1]") {
			t.Fatal(out)
		}
		return r
	}
	answers, silent := dial(), dial()
	for _, c := range []*rawClient{answers, silent} {
		c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	}
	clk.Advance(5 * time.Second)
	for _, c := range []*rawClient{answers, silent} {
		if out := c.read()[0]; out != `{"id":"echo","method":"echo","params":[]}` {
			t.Fatalf("probe %s", out)
		}
	}
	if out := answers.call(`{"error":null,"result":[],"id":"echo"}{"method":"echo","params":[2],"id":2}`); !strings.Contains(out[0], "[2]") {
		t.Fatal(out)
	}
	clk.Advance(5 * time.Second)
	if out := silent.read()[0]; out != "closed" {
		t.Errorf("the silent client got %s", out)
	}
	if out := answers.call(`{"method":"echo","params":[3],"id":3}`); !strings.Contains(strings.Join(out, ""), "[3]") {
		t.Errorf("the other client got %s", out)
	}
}

// TestActiveRemote lets the server connect to a client that listens, and connect again when the connection is lost.
func TestActiveRemote(t *testing.T) {
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/r.db", "testdata/rbac.ovsschema")
	clk := clock.NewStopped(time.Unix(1e9, 0))
	srv := New(Options{Clock: clk, RunDir: dir})
	t.Cleanup(func() { srv.Close() })
	if err := srv.AddDB(dir + "/r.db"); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	target := "tcp:" + l.Addr().String()
	accept := func() *rawClient {
		l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return &rawClient{t: t, conn: c, dec: json.NewDecoder(bufio.NewReader(c))}
	}
	for _, r := range []string{"punix:" + dir + "/s", "db:R,Global,connections"} {
		if err := srv.AddRemote(r); err != nil {
			t.Fatal(err)
		}
	}
	admin := dialRaw(t, dir+"/s")
	out := admin.call(fmt.Sprintf(`["R",{"op":"insert","table":"Connection","uuid-name":"c","row":{"target":"%s"}},`+
		`{"op":"insert","table":"Global","row":{"connections":["named-uuid","c"]}}]`, target))
	if strings.Contains(out[0], "details") {
		t.Fatal(out)
	}
	c := accept()
	if out := c.call(`{"method":"list_dbs","params":[],"id":1}`); !strings.Contains(out[0], `"R"`) {
		t.Fatal(out)
	}
	status := func() string {
		clk.Advance(statusInterval)
		return admin.call(`["R",{"op":"select","table":"Connection","where":[],"columns":["is_connected","status"]}]`)[0]
	}
	waitFor(t, "the status", func() bool {
		s := status()
		return strings.Contains(s, `"is_connected":true`) && strings.Contains(s, `["state","ACTIVE"]`)
	})
	c.conn.Close()
	done := make(chan *rawClient)
	go func() { done <- accept() }()
	var c2 *rawClient
	for c2 == nil {
		select {
		case c2 = <-done:
		case <-time.After(20 * time.Millisecond):
			clk.Advance(time.Second) // the back-off
		}
	}
	if out := c2.call(`{"method":"list_dbs","params":[],"id":1}`); !strings.Contains(out[len(out)-1], `"R"`) {
		t.Fatal(out)
	}
	// Without its row the remote goes.
	admin.call(`["R",{"op":"update","table":"Global","where":[],"row":{"connections":["set",[]]}}]`)
	waitFor(t, "the end of the connection", func() bool {
		return c2.call(`{"method":"echo","params":[],"id":9}`)[0] == "closed"
	})
}

// TestConvertLikeOriginal converts a database with rows to other schemas, on the original and on ours.
func TestConvertLikeOriginal(t *testing.T) {
	needOriginal(t, "ovsdb-server")
	od, gd := shortTempDir(t), shortTempDir(t)
	for _, d := range []string{od, gd} {
		createFromSchema(t, d+"/t.db", "testdata/t.ovsschema")
	}
	osock := startOriginal(t, od, "t.db")
	srv, gsock := startOurs(t, gd, gd+"/t.db")
	orig, ours := dialRaw(t, osock), dialRaw(t, gsock)
	table := func(cols string) string {
		return `{"method":"convert","params":["T",{"name":"T","version":"2.0.0","tables":{"A":{"isRoot":true,"columns":{` + cols + `}}}}],"id":1}`
	}
	sel := `["T",{"op":"select","table":"A","where":[]}]`
	for _, line := range []string{
		`{"method":"set_db_change_aware","params":[true],"id":1}`,
		`["T",{"op":"insert","table":"A","row":{"name":"a","i":5,"is":["set",[1,2]],"m":["map",[["k",1]]],"s":"abc","r":1.5,"strong":["named-uuid","b"]}},{"op":"insert","table":"B","uuid-name":"b","row":{}}]`,
		table(`"name":{"type":"string"},"i":{"type":{"key":{"type":"integer","maxInteger":4}}}`),
		table(`"name":{"type":"integer"}`),
		table(`"is":{"type":"integer"}`),
		table(`"s":{"type":{"key":{"type":"string","minLength":5}}}`),
		table(`"strong":{"type":{"key":{"type":"uuid","refTable":"A"},"min":0,"max":"unlimited"}}`),
		sel,
		table(`"name":{"type":"string"},"i":{"type":{"key":"integer","min":0,"max":5}},"is":{"type":{"key":"integer","min":0,"max":2}},"fresh":{"type":{"key":"string"}},"r":{"type":"real"}`),
		sel,
		`{"method":"get_schema","params":["T"],"id":1}`,
		table(`"r":{"type":{"key":"real","min":0,"max":"unlimited"}},"i":{"type":{"key":"real","min":0,"max":5}}`),
		sel,
		`["T",{"op":"insert","table":"A","row":{"r":2.5}}]`,
		sel,
	} {
		w, g := orig.call(line), ours.call(line)
		for i := range w {
			w[i] = canonical(w[i])
		}
		for i := range g {
			g[i] = canonical(g[i])
		}
		if strings.Join(w, "\n") != strings.Join(g, "\n") {
			t.Errorf("%s\noriginal: %s\nours:     %s", line, w, g)
		}
	}
	want := contents(srv.DB("T"))
	srv.Close()
	again, _ := startOurs(t, shortTempDir(t), gd+"/t.db")
	if got := contents(again.DB("T")); got != want {
		t.Errorf("after reopening: %s\nwant %s", got, want)
	}
}
