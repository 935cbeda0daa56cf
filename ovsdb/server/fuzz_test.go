package server

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

func fuzzDB(t testing.TB) *Database {
	t.Helper()
	schema, err := ovsdb.ReadSchemaFile("testdata/t.ovsschema")
	if err != nil {
		t.Fatal(err)
	}
	return newDatabase(schema, testClock{}, nil)
}

func addScript(f *testing.F) {
	b, err := os.ReadFile("testdata/transact.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "[") {
			f.Add(l)
		}
	}
}

// FuzzTransact runs arbitrary transactions and checks the tables afterwards.
func FuzzTransact(f *testing.F) {
	addScript(f)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ojson.Parse(s)
		if err != nil || v.Len() == 0 || v.Kind() != ojson.Array {
			return
		}
		db := fuzzDB(t)
		for _, setup := range []string{
			`["T",{"op":"insert","table":"A","row":{"name":"c1","i":1,"is":["set",[1,2]],"m":["map",[["x",1]]],"strong":["named-uuid","b"]}},{"op":"insert","table":"B","uuid-name":"b","row":{}}]`, s, s} {
			v, _ := ojson.Parse(setup)
			db.mu.Lock()
			res := db.execute(&v, &Client{}, 0)
			db.mu.Unlock()
			if res.reply != nil {
				if _, err := ojson.Parse(string(res.reply)); err != nil {
					t.Fatalf("reply %s: %v", res.reply, err)
				}
			}
		}
		checkInvariants(t, db)
	})
}

// FuzzRecords loads arbitrary records of a database file and checks that what was accepted is consistent.
func FuzzRecords(f *testing.F) {
	f.Add(`{"W":{"11111111-1111-4111-8111-111111111111":{"n":1,"must":["uuid","11111111-1111-4111-8111-111111111111"]}}}`,
		`{"W":{"11111111-1111-4111-8111-111111111111":null},"_date":5,"_comment":"x","_is_diff":true}`)
	f.Add(`{"A":{"11111111-1111-4111-8111-111111111111":{"is":["set",[1,2]]}}}`,
		`{"A":{"11111111-1111-4111-8111-111111111111":{"is":["set",[2,3]]}},"_is_diff":true}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		db := fuzzDB(t)
		l := newLoader(db)
		for _, s := range []string{a, b} {
			v, err := ojson.Parse(s)
			if err != nil || v.Kind() != ojson.Object {
				return
			}
			if err := l.record(&v); err != nil && err.Error() == "" {
				t.Fatal("empty error")
			}
		}
		l.finish()
	})
}

// FuzzSession feeds arbitrary bytes to a session.
func FuzzSession(f *testing.F) {
	b, err := os.ReadFile("testdata/transact.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, "{") {
			f.Add(l)
		}
	}
	f.Add(`{"method":"transact","params":["T",{"op":"wait","table":"A","where":[],"until":"!=","rows":[]}],"id":1}{"method":"cancel","params":[1],"id":null}`)
	f.Add(`{"id":1}`)
	f.Add(`[1]{}`)
	f.Add(`{"method":"monitor","params":["T",1],"id":1}`)
	f.Fuzz(func(t *testing.T, s string) {
		srv := New(Options{})
		defer srv.Close()
		db := fuzzDB(t)
		if err := srv.addDB(db); err != nil {
			t.Fatal(err)
		}
		a, b := net.Pipe()
		go srv.ServeConn(b, "fuzz")
		go func() {
			a.SetDeadline(time.Now().Add(5 * time.Second))
			io.WriteString(a, s)
			io.WriteString(a, ` {"method":"echo","params":["end"],"id":"end"}`)
		}()
		// The session ends or answers the echo.
		buf := make([]byte, 4096)
		var got []byte
		a.SetReadDeadline(time.Now().Add(5 * time.Second))
		for {
			n, err := a.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil || strings.Contains(string(got), `"end"`) {
				if ne, ok := err.(net.Error); ok && ne.Timeout() && !strings.Contains(s, `"`) {
					t.Fatalf("no answer to %q: %q", s, got)
				}
				break
			}
		}
		a.Close()
		checkInvariants(t, db)
	})
}
