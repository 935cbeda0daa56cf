package pmd

import (
	"math/rand/v2"
	"testing"
)

// TestWaiting holds the table against a map.
func TestWaiting(t *testing.T) {
	var w waiting
	all := map[uint64]*upcall{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		h := r.Uint64N(3)<<60 | r.Uint64N(2000)%1500*(waitBuckets/4) // chains of some length
		u := all[h]
		if got := w.find(h); got != u {
			t.Fatalf("hash %#x: %p, want %p", h, got, u)
		}
		switch {
		case u == nil && r.IntN(2) == 0:
			u = &upcall{hash: h}
			w.add(u)
			all[h] = u
		case u != nil && r.IntN(2) == 0:
			w.remove(u)
			w.remove(u) // does nothing
			delete(all, h)
		}
		if w.n != len(all) || (w.first == nil) != (len(all) == 0) {
			t.Fatalf("%d, want %d", w.n, len(all))
		}
	}
	seen := map[*upcall]bool{}
	if !w.each(func(u *upcall) bool {
		if seen[u] || all[u.hash] != u {
			t.Fatalf("hash %#x twice, or not there", u.hash)
		}
		seen[u] = true
		if len(seen)%2 == 0 {
			w.remove(u)
			delete(all, u.hash)
		}
		return true
	}) {
		t.Error("stopped")
	}
	if w.n != len(all) || len(seen) != w.n+len(seen)/2 {
		t.Fatalf("%d are left of %d, want %d", w.n, len(seen), len(all))
	}
	n := 0
	if w.each(func(*upcall) bool { n++; return n < 10 }) || n != 10 {
		t.Errorf("%d were visited", n)
	}
	if got := testing.AllocsPerRun(100, func() {
		u := w.first
		w.remove(u)
		w.add(u)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
