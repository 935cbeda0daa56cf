package clock

import (
	"testing"
	"time"
)

var start = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func TestWarpFiresInOrder(t *testing.T) {
	w := NewStopped(start)
	var got []string
	note := func(s string) func() {
		return func() { got = append(got, s+w.Now().Sub(start).String()) }
	}
	w.AfterFunc(30*time.Millisecond, note("c"))
	w.AfterFunc(10*time.Millisecond, func() {
		note("a")()
		w.AfterFunc(5*time.Millisecond, note("b"))
	})
	w.AfterFunc(2*time.Second, note("never"))
	tick := w.NewTicker(20 * time.Millisecond)
	w.Advance(time.Second)
	want := []string{"a10ms", "b15ms", "c30ms"}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if at := <-tick.C(); at.Sub(start) != 20*time.Millisecond {
		t.Errorf("first tick at %v", at)
	}
	if w.Since(start) != time.Second {
		t.Errorf("now %v", w.Since(start))
	}
}

func TestWarpTimerStopReset(t *testing.T) {
	w := NewStopped(start)
	tm := w.NewTimer(time.Second)
	if !tm.Stop() || tm.Stop() {
		t.Error("stop of a pending, then of a stopped timer")
	}
	w.Advance(2 * time.Second)
	select {
	case <-tm.C():
		t.Error("stopped timer fired")
	default:
	}
	if tm.Reset(time.Second) {
		t.Error("reset of a stopped timer says pending")
	}
	w.Advance(time.Second)
	<-tm.C()
	tm.Reset(0)
	<-tm.C()
}

func TestWarpRunsThenStops(t *testing.T) {
	w := NewWarp()
	<-w.After(time.Millisecond)
	before := w.Now()
	w.Advance(time.Hour)
	if d := w.Since(before); d < time.Hour {
		t.Errorf("advanced by %v", d)
	}
	done := make(chan struct{})
	w.AfterFunc(time.Millisecond, func() { close(done) })
	<-done
	w.Stop()
	if a, b := w.Now(), w.Now(); !a.Equal(b) {
		t.Error("stopped clock moves")
	}
	hooked := 0
	w.OnAdvance(func() { hooked++ })
	far := w.After(time.Minute)
	w.Advance(time.Minute)
	<-far
	if hooked != 1 {
		t.Errorf("hook ran %d times", hooked)
	}
}
