package client_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/ojson"
	"govs/ovsdb/vswitch"
)

// startServer runs the original ovsdb-server on a new Open_vSwitch database until the test ends or stop is called.
func startServer(t *testing.T, dir string) (stop func()) {
	t.Helper()
	if _, err := exec.LookPath("ovsdb-server"); err != nil {
		t.Skip("ovsdb-server is not installed")
	}
	schema := filepath.Join(dir, "schema")
	db := filepath.Join(dir, "db")
	if err := os.WriteFile(schema, []byte(vswitch.SchemaJSON), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(db); err != nil {
		if out, err := exec.Command("ovsdb-tool", "create", db, schema).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command("ovsdb-server", "--remote=punix:"+filepath.Join(dir, "s"), "--unixctl="+filepath.Join(dir, "c"), "-vconsole:off", db)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestClientFollowsServer(t *testing.T) {
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	stop := startServer(t, dir)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	newClient := func() *client.Client {
		c := client.New(client.Options{Remotes: []string{"unix:" + filepath.Join(dir, "s")}, Database: vswitch.Database, Lock: "test"})
		go func() { _ = c.Run(ctx) }()
		return c
	}
	a := newClient()
	if _, err := a.WaitFor(ctx, func(s *client.Snapshot) bool { return s.Table("Bridge").Schema != nil }); err != nil {
		t.Fatal(err)
	}
	insert := func(name string) []client.Op {
		row := ojson.Obj("name", ojson.Str(name), "external_ids", ojson.Arr(ojson.Str("map"), ojson.Arr(ojson.Arr(ojson.Str("k"), ojson.Str("v")))))
		return []client.Op{
			ojson.Obj("op", ojson.Str("insert"), "table", ojson.Str("Bridge"), "row", row, "uuid-name", ojson.Str("b")),
			ojson.Obj("op", ojson.Str("insert"), "table", ojson.Str("Open_vSwitch"), "row",
				ojson.Obj("bridges", ojson.Arr(ojson.Str("set"), ojson.Arr(ojson.Arr(ojson.Str("named-uuid"), ojson.Str("b")))))),
		}
	}
	if _, err := a.Transact(ctx, insert("br0")...); err != nil {
		t.Fatal(err)
	}
	hasBridge := func(s *client.Snapshot) bool { return s.Table("Bridge").Len() == 1 }
	s1, err := a.WaitFor(ctx, hasBridge)
	if err != nil {
		t.Fatal(err)
	}
	br := vswitch.AllBridge(s1)[0]
	if br.Name != "br0" || br.ExternalIds["k"] != "v" || br.FailMode != nil {
		t.Errorf("bridge is %+v", br)
	}
	// A failing transaction reports the server's error and changes nothing.
	_, err = a.Transact(ctx, insert("br0")...)
	var oe *ovsdb.Error
	if !errors.As(err, &oe) || oe.Tag != "constraint violation" {
		t.Errorf("second insert: %v", err)
	}

	b := newClient()
	if _, err := b.WaitFor(ctx, func(s *client.Snapshot) bool { return hasBridge(s) && b.LockContended() }); err != nil {
		t.Fatal(err)
	}
	if !a.HasLock() {
		t.Error("the first client does not hold the lock")
	}
	// A modification reaches both, and Compare names it.
	if _, err := a.Transact(ctx, client.Assert("test"), client.Update("Bridge", br.UUID, ojson.Obj("fail_mode", ojson.Str("secure")))); err != nil {
		t.Fatal(err)
	}
	s2, err := b.WaitFor(ctx, func(s *client.Snapshot) bool {
		n := vswitch.GetBridge(s, br.UUID)
		return n.FailMode != nil && *n.FailMode == "secure"
	})
	if err != nil {
		t.Fatal(err)
	}
	if ch := client.Compare(s1, s2); len(ch) != 1 || ch[0].Table != "Bridge" || ch[0].UUID != br.UUID || ch[0].Old == nil || ch[0].New == nil {
		t.Errorf("changes %+v", ch)
	}
	if vswitch.GetBridge(s1, br.UUID).FailMode != nil {
		t.Error("an old snapshot has changed")
	}
	if _, err := b.Transact(ctx, client.Assert("test")); err == nil {
		t.Error("assert succeeded without the lock")
	}

	// The server goes away and comes back with the same file: the clients come back, too.
	stop()
	for ch := a.Changed(); a.Connected(); ch = a.Changed() {
		select {
		case <-ch:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	if _, err := a.Transact(ctx, client.Assert("test")); !errors.Is(err, client.ErrDisconnected) {
		t.Errorf("transaction without a server: %v", err)
	}
	startServer(t, dir)
	for ch := a.Changed(); !a.Connected(); ch = a.Changed() {
		select {
		case <-ch:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	if _, err := a.Transact(ctx, client.Update("Bridge", br.UUID, ojson.Obj("fail_mode", ojson.Str("standalone")))); err != nil {
		t.Fatal(err)
	}
	if _, err := a.WaitFor(ctx, func(s *client.Snapshot) bool { return *vswitch.GetBridge(s, br.UUID).FailMode == "standalone" }); err != nil {
		t.Fatal(err)
	}
}
