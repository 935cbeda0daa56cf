package oftable

import (
	"math/rand/v2"
	"testing"
)

// TestTrie compares a trie with the list of its prefixes: which lengths cover a value, and that any value that shares
// the bits that were looked at gets the same answer.
func TestTrie(t *testing.T) {
	type pfx struct {
		v bits128
		n int
	}
	for seed := uint64(0); seed < 40; seed++ {
		r := rand.New(rand.NewPCG(seed, 3))
		width := []int{32, 128}[seed%2]
		random := func() bits128 {
			v := bits128{r.Uint64(), r.Uint64()}
			if r.IntN(2) == 0 { // cluster, so that prefixes nest
				v.hi &= 0x0101010100000000
				v.lo &= 3
			}
			return v.keep(width)
		}
		var tr trie
		var all []pfx
		lookup := func(v bits128) (lens bits128) {
			for _, p := range all {
				if v.keep(p.n) == p.v {
					lens.set(p.n - 1)
				}
			}
			return lens
		}
		for range 500 {
			if len(all) == 0 || r.IntN(3) > 0 && len(all) < 60 {
				n := 1 + r.IntN(width)
				p := pfx{random().keep(n), n}
				all = append(all, p)
				tr.insert(p.v, p.n)
			} else {
				i := r.IntN(len(all))
				tr.remove(all[i].v, all[i].n)
				all[i] = all[len(all)-1]
				all = all[:len(all)-1]
			}
			for range 5 {
				v := random()
				if len(all) > 0 && r.IntN(2) == 0 {
					v = all[r.IntN(len(all))].v
					v.lo ^= uint64(r.IntN(3))
					v = v.keep(width)
				}
				got, looked := tr.lookup(v, width)
				// Lengths beyond what was looked at are not reported; all others must be.
				if got != lookup(v) {
					t.Fatalf("%x: lengths %x, want %x", v, got, lookup(v))
				}
				for range 5 {
					o := random()
					k := v.keep(looked)
					x := bits128{o.hi ^ o.keep(looked).hi | k.hi, o.lo ^ o.keep(looked).lo | k.lo}
					if lookup(x) != got {
						t.Fatalf("%x, of which %d bits were looked at, and %x differ", v, looked, x)
					}
				}
			}
		}
		for _, p := range all {
			tr.remove(p.v, p.n)
		}
		if tr.root.Load() != nil {
			t.Fatal("nodes are left")
		}
	}
}
