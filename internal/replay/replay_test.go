package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"govs/internal/clock"
)

func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// run lets workers take numbered inputs and note the order, and a timer, in the way of a server.
func run(t *testing.T, j *Journal, main *Party) (order []string) {
	var wg sync.WaitGroup
	clk := j.Clock()
	timer := make(chan struct{})
	clk.AfterFunc(time.Millisecond, func() {
		u := j.UUID()
		order = append(order, fmt.Sprintf("timer %d %x", clk.Now().UnixNano(), u))
		close(timer)
	})
	if _, err := j.Inline("listen", func() ([]byte, error) { return []byte("5"), nil }); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		p := j.Party(name)
		wg.Go(func() {
			defer p.Leave()
			for n := 0; ; n++ {
				b, err := p.Wait(func() ([]byte, error) {
					if n == 50 {
						return nil, io.EOF
					}
					return []byte{byte(n)}, nil
				})
				if err != nil {
					if err != io.EOF {
						t.Error(err)
					}
					return
				}
				u := j.UUID()
				order = append(order, fmt.Sprintf("%s%d %d %x", name, b, clk.Now().UnixNano(), u))
			}
		})
	}
	main.Leave()
	wg.Wait()
	<-timer
	return order
}

func TestReplay(t *testing.T) {
	dir := tempDir(t)
	j, main, err := Record(dir, clock.Real{})
	if err != nil {
		t.Fatal(err)
	}
	first := run(t, j, main)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(first) != 201 {
		t.Fatalf("%d events", len(first))
	}
	if j, main, err = Replay(dir, clock.Real{}); err != nil {
		t.Fatal(err)
	}
	second := run(t, j, main)
	<-j.Done()
	if !slices.Equal(first, second) || j.Err() != nil {
		t.Errorf("the replay differs (%v):\n%q\n%q", j.Err(), first, second)
	}
	if _, err := j.Party("late").Wait(nil); err != ErrEnded {
		t.Errorf("after the end: %v", err)
	}
}

// TestNil is what a server without a journal does.
func TestNil(t *testing.T) {
	var j *Journal
	p := j.Party(j.Unique("x"))
	b, err := p.Wait(func() ([]byte, error) { return []byte("x"), io.EOF })
	p.Leave()
	if string(b) != "x" || err != io.EOF || j.Replaying() || j.Done() != nil || j.Err() != nil || j.Close() != nil {
		t.Error("a nil journal is not transparent")
	}
}

func TestAnotherWay(t *testing.T) {
	dir := tempDir(t)
	j, main, err := Record(dir, clock.Real{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Inline("one", func() ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	main.Leave()
	j.Close()
	if j, main, err = Replay(dir, clock.Real{}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Inline("two", nil); !errors.Is(err, ErrEnded) || j.Err() == nil {
		t.Errorf("%v, %v", err, j.Err())
	}
	main.Leave()
	if j, main, err = Replay(dir, clock.Real{}); err != nil {
		t.Fatal(err)
	}
	main.Leave()
	<-j.Done()
	if j.Err() == nil {
		t.Error("an answer that nobody asks for is no error")
	}
}

// FuzzReplay plays back anything: no panic, and an end.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"govs-replay":1,"seed":"kvit4/QiL1oLuKm7Ki+q5tGGTJYtb+YzZnmIZFy8BLQ="}` + "\n" + `{"t":1,"p":"x","d":"AAAA"}` + "\n" + `{"t":2,"p":"x","e":"EOF"}`))
	f.Add([]byte(`{"govs-replay":2}`))
	f.Add([]byte(`{"govs-replay":1,"seed":"kvit4/QiL1oLuKm7Ki+q5tGGTJYtb+YzZnmIZFy8BLQ="}` + "\n" + `{"t":1,"p":"y","i":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, l := range bytes.Split(b, []byte("\n"))[min(1, bytes.Count(b, []byte("\n"))):] {
			if !bytes.Contains(l, []byte(`"p":"x"`)) && len(l) > 0 && bytes.Contains(l, []byte(`"p"`)) {
				t.Skip("an event for somebody else makes the replay wait")
			}
		}
		dir := tempDir(t)
		if err := os.WriteFile(dir+"/"+FileName, b, 0o600); err != nil {
			t.Fatal(err)
		}
		j, main, err := Replay(dir, clock.Real{})
		if err != nil {
			return
		}
		p := j.Party("x")
		go func() {
			for {
				if _, err := p.Wait(nil); err == ErrEnded {
					return
				}
			}
		}()
		main.Leave()
		select {
		case <-j.Done():
		case <-time.After(arriveTimeout / 2):
			j.Close()
		}
	})
}
