package storage

import (
	"bytes"
	"errors"
	"fmt"
	"govs/internal/clock"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"govs/ovsdb"
)

func tempDB(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "x.db")
}

func readAll(t *testing.T, name string) (recs []string, err error) {
	t.Helper()
	l, err := Open(name, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for {
		v, err := l.Reader().Next()
		if err == io.EOF {
			return recs, nil
		}
		if err != nil {
			return recs, err
		}
		recs = append(recs, string(v.Append(nil)))
	}
}

func TestRoundTripAndTornTail(t *testing.T) {
	name := tempDB(t)
	l, err := Create(name, []byte(`{"name":"x"}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3; i++ {
		seq, err := l.Append([]byte(fmt.Sprintf(`{"n":%d}`, i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.WaitDurable(seq); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	recs, err := readAll(t, name)
	if err != nil || fmt.Sprint(recs) != `[{"name":"x"} {"n":0} {"n":1} {"n":2}]` {
		t.Fatalf("%v %v", recs, err)
	}
	whole, _ := os.ReadFile(name)
	for cut := 1; cut < 60; cut++ {
		if err := os.WriteFile(name, whole[:len(whole)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		recs, err := readAll(t, name)
		if len(recs) != 3 || err == nil {
			t.Fatalf("cut %d: %v %v", cut, recs, err)
		}
		l, err := Open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := l.Reader().Next(); err != nil {
				break
			}
		}
		if _, err := l.Append([]byte(`{"n":7}`)); err != nil {
			t.Fatal(err)
		}
		l.Close()
		recs, err = readAll(t, name)
		if err != nil || fmt.Sprint(recs) != `[{"name":"x"} {"n":0} {"n":1} {"n":7}]` {
			t.Fatalf("cut %d: after append: %v %v", cut, recs, err)
		}
	}
}

func TestErrors(t *testing.T) {
	name := tempDB(t)
	for _, tc := range []struct{ content, err string }{
		{"", "ovsdb error: F: cannot identify file type"},
		{"hello\n", "ovsdb error: F: unexpected file format"},
		{"OVSDB JSON 10 x\n", "ovsdb error: F: unexpected file format"},
		{"OVSDB CLUSTER 1 x\n", "ovsdb error: F: clustered databases are not supported"},
	} {
		os.WriteFile(name, []byte(tc.content), 0o600)
		_, err := Open(name, Options{})
		if want := "F"; err == nil || replaceName(err.Error(), name, want) != tc.err {
			t.Errorf("%q: %v", tc.content, err)
		}
	}
	for _, tc := range []struct{ content, err string }{
		{"OVSDB JSON 3 c5b5a5a3d1a7a8cb21a8d9a2d8e4c8b1ad8b5ec6\n[]\n",
			"syntax error: F: 3 bytes starting at offset 54 have SHA-1 hash e22fd8da7b65dac0842bb32f4d0d7a85bd36e14b" +
				" but should have hash c5b5a5a3d1a7a8cb21a8d9a2d8e4c8b1ad8b5ec6"},
		{"OVSDB JSON 3 c5b5a5a3d1a7a8cb21a8d9a2d8e4c8b1ad8b5ec6\n[",
			"I/O error: F: error reading 2 bytes starting at offset 55 (End of file)"},
	} {
		os.WriteFile(name, []byte(tc.content), 0o600)
		_, err := readAll(t, name)
		if err == nil {
			t.Errorf("%q: no error", tc.content)
		} else if got := replaceName(err.Error(), name, "F"); len(tc.err) < 100 && got != tc.err ||
			len(tc.err) >= 100 && got[:60] != tc.err[:60] {
			t.Errorf("%q: %s", tc.content, got)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no"), Options{}); err == nil ||
		!ovsdb.IsTag(err, "I/O error") {
		t.Errorf("open of a missing file: %v", err)
	}
}

func replaceName(s, name, with string) string {
	for i := 0; i+len(name) <= len(s); i++ {
		if s[i:i+len(name)] == name {
			return s[:i] + with + s[i+len(name):]
		}
	}
	return s
}

func TestLocking(t *testing.T) {
	name := tempDB(t)
	var locks Locks
	l, err := Create(name, []byte(`{}`), Options{Locks: &locks})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(name, Options{Locks: &locks})
	var le *LockedError
	if !errors.As(err, &le) || !le.Own {
		t.Fatalf("second open: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(name, link)
	if _, err = Open(link, Options{Locks: &locks}); !errors.As(err, &le) {
		t.Fatalf("open through a link: %v", err)
	}
	l.Close()
	l, err = Open(name, Options{Locks: &locks})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestReplaceWhileAppending(t *testing.T) {
	name := tempDB(t)
	l, err := Create(name, []byte(`{"schema":1}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	var wg sync.WaitGroup
	for w := 0; w < 4; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < n; i++ {
				seq, err := l.Append([]byte(fmt.Sprintf(`{"w":%d,"i":%d}`, w, i)))
				if err == nil {
					err = l.WaitDurable(seq)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for i := 0; i < 5; i++ {
		// The snapshot keeps every record before the mark.
		mark := l.Mark()
		data := make([]byte, mark.offset)
		l.mu.Lock()
		f := l.f
		f.ReadAt(data, 0)
		l.mu.Unlock()
		r := NewReader(bytes.NewReader(data), name)
		var keep [][]byte
		for {
			v, err := r.Next()
			if err != nil {
				break
			}
			keep = append(keep, v.Append(nil))
		}
		if err := l.Replace(mark, keep...); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	l.Close()
	recs, err := readAll(t, name)
	if err != nil || len(recs) != 1+4*n {
		t.Fatalf("%d records, %v", len(recs), err)
	}
	seen := map[string]bool{}
	for _, r := range recs {
		if seen[r] {
			t.Fatalf("duplicate %s", r)
		}
		seen[r] = true
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("OVSDB JSON 3 c5b5a5a3d1a7a8cb21a8d9a2d8e4c8b1ad8b5ec6\n{}\n"))
	f.Add(appendRecord(nil, []byte(`{"name":"x","tables":{}}`)))
	f.Add(appendRecord(appendRecord(nil, []byte(`{"a":1}`)), []byte(`[]`)))
	f.Add([]byte("OVSDB JSON 99999999999 c5b5a5a3d1a7a8cb21a8d9a2d8e4c8b1ad8b5ec6\n{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data), "f")
		for {
			v, err := r.Next()
			if err != nil {
				if err != io.EOF && err.Error() == "" {
					t.Fatal("empty error")
				}
				break
			}
			if len(v.Append(nil)) == 0 {
				t.Fatal("empty record")
			}
		}
		if r.Offset() > int64(len(data)) {
			t.Fatal("offset behind the end")
		}
	})
}

func TestFiller(t *testing.T) {
	var h fillerHasher
	for size := fillerMin; size < 3000; size++ {
		f, ok := h.record(nil, size)
		if !ok {
			if _, ok := h.record(nil, size+1); !ok {
				t.Fatalf("no filler of %d and %d bytes", size, size+1)
			}
			continue
		}
		if len(f) != size {
			t.Fatalf("size %d: %d bytes", size, len(f))
		}
		v, err := NewReader(bytes.NewReader(f), "f").Next()
		if err != nil || v.Len() != 0 {
			t.Fatalf("size %d: %v", size, err)
		}
	}
	name := tempDB(t)
	clk := clock.NewStopped(time.Unix(1e9, 0))
	l, err := Create(name, []byte(`{"name":"x"}`), Options{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`{"name":"x"}`}
	add := func(i int) {
		body := fmt.Sprintf(`{"n":%d,"s":%q}`, i, strings.Repeat("x", i*37%5000))
		seq, err := l.Append([]byte(body))
		if err == nil {
			err = l.WaitDurable(seq)
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, body)
	}
	check := func(fill bool) {
		t.Helper()
		recs, err := readAll(t, name)
		if err != nil {
			t.Fatal(err)
		}
		if fill {
			if last := len(recs) - 1; recs[last] != "{}" {
				t.Fatalf("no filler at the end of %d records", len(recs))
			} else {
				recs = recs[:last]
			}
		}
		if fmt.Sprint(recs) != fmt.Sprint(want) {
			t.Fatalf("read %d records, want %d", len(recs), len(want))
		}
	}
	for i := 0; i < 300; i++ {
		add(i)
		if i < 40 || i%20 == 0 {
			check(i >= burstSyncs)
		}
	}
	// A crash now leaves the filler; the next Log cuts it off.
	crashed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	copied := tempDB(t)
	os.WriteFile(copied, crashed, 0o600)
	l2, err := Open(copied, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := l2.Reader().Next(); err != nil {
			break
		}
	}
	if _, err := l2.Append([]byte(`{"last":1}`)); err != nil {
		t.Fatal(err)
	}
	l2.Close()
	if recs, err := readAll(t, copied); err != nil || len(recs) != len(want)+1 || recs[len(recs)-2] != want[len(want)-1] {
		t.Fatalf("after a crash: %d records, %v", len(recs), err)
	}
	// So does the passing of time, and the end.
	clk.Advance(burstTime)
	clk.Advance(burstTime)
	check(false)
	for i := 0; i < 2*burstSyncs; i++ {
		add(i)
	}
	check(true)
	l.Close()
	check(false)
}

// TestWriteFailure makes a write fail: the record is not there, the error says why, and the next one goes well.
func TestWriteFailure(t *testing.T) {
	name := tempDB(t)
	l, err := Create(name, []byte(`{"name":"x"}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append([]byte(`{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	good := l.f
	if l.f, err = os.Open(name); err != nil { // not for writing
		t.Fatal(err)
	}
	if _, err := l.Append([]byte(`{"n":2}`)); !ovsdb.IsTag(err, "I/O error") {
		t.Fatalf("append to a file that cannot be written: %v", err)
	}
	l.f.Close()
	l.f = good
	seq, err := l.Append([]byte(`{"n":3}`))
	if err == nil {
		err = l.WaitDurable(seq)
	}
	if err != nil {
		t.Fatal(err)
	}
	if recs, err := readAll(t, name); err != nil || fmt.Sprint(recs) != `[{"name":"x"} {"n":1} {"n":3}]` {
		t.Fatalf("%v %v", recs, err)
	}
}
