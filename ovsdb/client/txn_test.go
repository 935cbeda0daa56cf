package client

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"govs/internal/stream"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/server"
)

const txnSchema = `{"name":"T","version":"1.0.0","tables":{
"Root":{"columns":{"n":{"type":"integer"},"kids":{"type":{"key":{"type":"uuid","refTable":"Kid"},"min":0,"max":"unlimited"}}},
 "isRoot":true,"maxRows":1},
"Kid":{"columns":{"name":{"type":"string"},
 "friend":{"type":{"key":{"type":"uuid","refTable":"Kid","refType":"weak"},"min":0}},
 "by":{"type":{"key":"string","value":{"type":"uuid","refTable":"Kid","refType":"weak"},"min":0,"max":"unlimited"}}},
 "indexes":[["name"]]}}}`

// connect serves a new database with our server and returns a connected client.
func connect(t *testing.T, lock string) (*Client, context.Context) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	v, err := ojson.Parse(txnSchema)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateFile(dir+"/db", schema, nil); err != nil {
		t.Fatal(err)
	}
	srv := server.New(server.Options{RunDir: dir})
	if err := srv.AddDB(dir + "/db"); err != nil {
		t.Fatal(err)
	}
	if err := srv.AddRemote("punix:" + dir + "/s"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return dial(t, dir, lock)
}

func dial(t *testing.T, dir, lock string) (*Client, context.Context) {
	t.Helper()
	c := New(Options{Remotes: []string{"unix:" + dir + "/s"}, Database: "T", Stream: &stream.Options{RunDir: dir}, Lock: lock})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if _, err := c.WaitFor(ctx, func(*Snapshot) bool { return lock == "" || c.HasLock() }); err != nil {
		t.Fatal(err)
	}
	return c, ctx
}

func commit(t *testing.T, ctx context.Context, c *Client, txn *Txn, want Status) *Outcome {
	t.Helper()
	out, err := c.Commit(ctx, txn)
	if err != nil {
		t.Fatal(err)
	}
	if out.Status != want {
		t.Fatalf("status %s, want %s", out.Status, want)
	}
	return out
}

func strDatum(s string) ovsdb.Datum { return ovsdb.NewScalar(ovsdb.StringAtom(s)) }

func TestTxn(t *testing.T) {
	c, ctx := connect(t, "")
	commit(t, ctx, c, NewTxn(c.Snapshot()), Unchanged)

	// Rows that refer to each other by the names they have in the transaction.
	txn := NewTxn(c.Snapshot())
	root := txn.Insert("Root", ovsdb.UUID{}, false).UUID()
	a := txn.Insert("Kid", ovsdb.UUID{}, false).UUID()
	keep := ovsdb.NewUUID()
	b := txn.Insert("Kid", keep, true).UUID()
	txn.Set("Kid", a, "name", strDatum("a"))
	txn.Set("Kid", b, "name", strDatum("b"))
	txn.Set("Kid", a, "friend", ovsdb.NewUUIDSet(b))
	var by ovsdb.Builder
	by.Init(ovsdb.String, ovsdb.UUIDType)
	by.AddPair(ovsdb.StringAtom("x"), ovsdb.UUIDAtom(a))
	txn.Set("Kid", b, "by", by.Build())
	txn.Set("Root", root, "kids", ovsdb.NewUUIDSet(a, b))
	txn.Comment("two kids")
	txn.Increment("Root", root, "n") // of a row that is inserted here
	if strong, weak := txn.References(a); !strong || !weak {
		t.Errorf("references to a: %v, %v", strong, weak)
	}
	if rows := txn.Rows("Kid"); len(rows) != 2 || txn.Get("Kid", a, "name") != strDatum("a") {
		t.Errorf("the transaction does not show what it did: %v", rows)
	}
	out := commit(t, ctx, c, txn, Success)
	if out.Incremented != 1 {
		t.Errorf("incremented to %d", out.Incremented)
	}
	root, a = out.Inserted[root], out.Inserted[a]
	if out.Inserted[b] != keep {
		t.Errorf("UUID %s, want %s", out.Inserted[b], keep)
	}
	// The snapshot shows it when Commit has returned.
	s := c.Snapshot()
	kids := s.Table("Kid")
	if kids.Len() != 2 || kids.Column(kids.Row(a), "friend") != ovsdb.NewUUIDSet(keep) {
		t.Errorf("kids in the snapshot: %d", kids.Len())
	}
	if v, ok := kids.Column(kids.Row(keep), "by").Lookup(ovsdb.StringAtom("x")); !ok || v.UUID() != a {
		t.Errorf("map value %v", v)
	}

	// A transaction on an old snapshot fails if it verified what has changed, and else overwrites.
	old := NewTxn(s)
	old.Verify("Kid", a, "name")
	old.Set("Root", root, "n", ovsdb.NewScalar(ovsdb.IntAtom(5)))
	txn = NewTxn(s)
	txn.Set("Kid", a, "name", strDatum("aa"))
	txn.Increment("Root", root, "n")
	if out := commit(t, ctx, c, txn, Success); out.Incremented != 2 {
		t.Errorf("incremented to %d", out.Incremented)
	}
	commit(t, ctx, c, old, TryAgain)

	// Errors are the server's.
	txn = NewTxn(c.Snapshot())
	txn.Set("Kid", a, "name", strDatum("b"))
	var te *TxnError
	if _, err := c.Commit(ctx, txn); !errors.As(err, &te) || !strings.Contains(err.Error(), `"error":"constraint violation"`) {
		t.Errorf("duplicate name: %v", err)
	}

	// SetIfChanged of what is there already changes nothing; a row inserted and deleted again does not either.
	txn = NewTxn(c.Snapshot())
	txn.SetIfChanged("Kid", a, "name", strDatum("aa"))
	txn.Delete("Kid", txn.Insert("Kid", ovsdb.UUID{}, false).UUID())
	if txn.Changed() {
		t.Error("nothing is a change")
	}
	commit(t, ctx, c, txn, Unchanged)

	// Deleting the references deletes the rows.
	txn = NewTxn(c.Snapshot())
	txn.Delete("Root", root)
	if txn.Row("Root", root) != nil || len(txn.Rows("Root")) != 0 {
		t.Error("deleted row is shown")
	}
	commit(t, ctx, c, txn, Success)
	if n := c.Snapshot().Table("Kid").Len(); n != 0 {
		t.Errorf("%d kids are left", n)
	}
}

func TestTxnLock(t *testing.T) {
	c, ctx := connect(t, "l")
	txn := NewTxn(c.Snapshot())
	txn.Insert("Root", ovsdb.UUID{}, false)
	commit(t, ctx, c, txn, Success)
	// Another client steals the lock.
	dir := strings.TrimSuffix(strings.TrimPrefix(c.opts.Remotes[0], "unix:"), "/s")
	thief, _ := dial(t, dir, "")
	changed := c.Changed()
	if _, err := thief.Call(ctx, "steal", ojson.Arr(ojson.Str("l"))); err != nil {
		t.Fatal(err)
	}
	<-changed
	txn = NewTxn(c.Snapshot())
	txn.Insert("Kid", ovsdb.UUID{}, false)
	commit(t, ctx, c, txn, NotLocked)
}

func TestTxnDisconnected(t *testing.T) {
	c, ctx := connect(t, "")
	txn := NewTxn(c.Snapshot())
	txn.Insert("Root", ovsdb.UUID{}, false)
	gone := New(Options{Remotes: []string{"unix:/nonexistent"}, Database: "T"})
	commit(t, ctx, gone, txn, TryAgain)
}
