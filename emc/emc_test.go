package emc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"govs/classifier/megaflow"
	"govs/flow"
)

type rig struct {
	s *megaflow.Store
	c *megaflow.Classifier
	e *Cache
	g *Signatures
}

func newRig(t testing.TB, flows int, inv uint32) *rig {
	t.Helper()
	s, err := megaflow.NewStore(flows, 3)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(s, inv)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewSignatures(s)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{s, megaflow.New(s), e, g}
	t.Cleanup(func() { r.c.Close(); e.Close(); g.Close(); s.Close() })
	return r
}

func fiveTuple() *flow.Mask {
	var m flow.Mask
	m[flow.WInPort] = ^uint64(0)
	m[flow.WEthDst] = 0xffff
	m[flow.WIPv4] = ^uint64(0)
	m[flow.WL4] = 0xff000000ffffffff
	return &m
}

func ipv6() *flow.Mask {
	m := fiveTuple()
	m[flow.WIPv4] = 0
	m[flow.WIPv6Src+1] = ^uint64(0)
	return m
}

func v4Key(i int) flow.Key {
	var k flow.Key
	k[flow.WInPort] = 1 << 32
	k[flow.WEthDst] = 0x0202_0202_0202_0800
	k[flow.WIPv4] = 0x0a000000_0b000000 + uint64(i)
	k[flow.WL4] = 17<<56 | uint64(i%64)<<40 | 53
	return k
}

func v6Key(i int) flow.Key {
	k := v4Key(0)
	k[flow.WEthDst] = 0x0202_0202_0202_86dd
	k[flow.WIPv6Src+1] = uint64(i / 8)
	k[flow.WIPv6Dst+1] = uint64(i / 4 % 2)
	k[flow.WIPv6Misc] = uint64(i/2%2) << 32
	k[flow.WL4] |= uint64(i%8) << 16
	return k
}

// add installs a flow and returns its entry.
func (r *rig) add(t testing.TB, k flow.Key, m *flow.Mask) megaflow.Ref {
	t.Helper()
	ref, _, err := r.c.Insert(&k, m)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// look asks the exact-match cache for one packet.
func (r *rig) look(k flow.Key, n int) megaflow.Ref {
	var keys [burst]flow.Key
	var lens, idx [burst]uint8
	var h [burst]uint64
	var refs [burst]megaflow.Ref
	keys[0], lens[0] = k, uint8(n)
	if r.e.HashLookup(&keys, &lens, 1, r.c.Union(), &h, &idx, &refs) != 0 {
		return 0
	}
	return refs[0]
}

func (r *rig) hash(k flow.Key, n int) uint64 {
	var keys [burst]flow.Key
	var lens [burst]uint8
	var h [burst]uint64
	keys[0], lens[0] = k, uint8(n)
	Hash(r.s, &keys, &lens, 1, r.c.Union(), &h)
	return h[0]
}

func (r *rig) insert(k flow.Key, n int, ref megaflow.Ref) {
	r.e.Insert(&k, n, r.c.Union(), r.hash(k, n), ref)
}

func TestUnion(t *testing.T) {
	r := newRig(t, 100, 1)
	f1 := r.add(t, v4Key(1), fiveTuple())
	r.insert(v4Key(1), flow.LenBase, f1)
	k := v4Key(1)
	k[flow.WL4] ^= 0x3f << 40 // TTL, which no flow reads
	if got := r.look(k, flow.LenBase); got != f1 {
		t.Fatalf("a packet with another TTL: flow %d, want %d", got, f1)
	}
	if got := r.look(v4Key(2), flow.LenBase); got != 0 {
		t.Fatalf("another flow's packet: flow %d", got)
	}
	// A wider union: entries made before are either right or not found.
	f2 := r.add(t, v6Key(5), ipv6())
	if got := r.look(v4Key(1), flow.LenBase); got != f1 && got != 0 {
		t.Fatalf("after the union changed: flow %d", got)
	}
	r.insert(v6Key(5), flow.LenIPv6, f2)
	if got := r.look(v6Key(5), flow.LenIPv6); got != f2 {
		t.Fatalf("an IPv6 packet: flow %d, want %d", got, f2)
	}
	if got := r.look(v6Key(6), flow.LenIPv6); got != 0 {
		t.Fatalf("another IPv6 flow's packet: flow %d", got)
	}
	if got := r.look(v6Key(5), flow.LenBase); got != 0 {
		t.Fatalf("a shorter shape found the entry of a longer one: %d", got)
	}
}

func TestRetire(t *testing.T) {
	r := newRig(t, 100, 1)
	f1 := r.add(t, v4Key(1), fiveTuple())
	r.insert(v4Key(1), flow.LenBase, f1)
	r.g.Insert(r.hash(v4Key(1), flow.LenBase), f1)
	r.e.Retire(f1, r.c.Remove(f1))
	if f2 := r.add(t, v4Key(2), fiveTuple()); f2 == f1 {
		t.Fatal("an entry was reused while the cache may name it")
	}
	for r.e.Sweep() {
	}
	if r.e.Retired() != 0 {
		t.Fatal("not freed")
	}
	if got := r.look(v4Key(1), flow.LenBase); got != 0 {
		t.Fatalf("found a removed flow: %d", got)
	}
	if f3 := r.add(t, v4Key(3), fiveTuple()); f3 != f1 {
		t.Fatalf("the entry was not reused: %d, want %d", f3, f1)
	}
	if got := r.sig(v4Key(1)); got != 0 {
		t.Fatalf("the signature cache took a reused entry for the flow: %d", got)
	}
}

// sig asks the signature cache for one IPv4 packet.
func (r *rig) sig(k flow.Key) megaflow.Ref {
	var keys [burst]flow.Key
	var lens, idx [burst]uint8
	var h [burst]uint64
	var refs [burst]megaflow.Ref
	keys[0], lens[0], h[0] = k, flow.LenBase, r.hash(k, flow.LenBase)
	if r.g.Lookup(&keys, &lens, &h, &idx, 1, &refs) != 0 {
		return 0
	}
	return refs[0]
}

// TestRandom puts flows in and out of both caches and checks that whatever they find is what the classifier finds.
func TestRandom(t *testing.T) {
	t.Run("short", func(t *testing.T) { testRandom(t, fiveTuple(), fiveTuple()) })
	t.Run("long", func(t *testing.T) { testRandom(t, fiveTuple(), ipv6()) })
	full := fiveTuple()
	full[flow.WEthSrc], full[flow.WVLAN] = ^uint64(0), ^uint64(0)
	addresses := ipv6()
	addresses[flow.WIPv6Src], addresses[flow.WIPv6Dst], addresses[flow.WIPv6Dst+1] = ^uint64(0), ^uint64(0), ^uint64(0)
	t.Run("IPv6", func(t *testing.T) { testRandom(t, fiveTuple(), addresses) })
	label := *addresses
	label[flow.WIPv6Misc] = 0xfffff << 32
	t.Run("IPv6 label", func(t *testing.T) { testRandom(t, fiveTuple(), &label) })
	vlan := fiveTuple()
	vlan[flow.WVLAN] = 0x1fff << 32
	t.Run("shared word", func(t *testing.T) { testRandom(t, fiveTuple(), vlan) })
	vlan2 := *vlan
	vlan2[flow.WEthDst] = ^uint64(0)
	t.Run("places change", func(t *testing.T) { testRandom(t, vlan, &vlan2) })
	t.Run("full", func(t *testing.T) { testRandom(t, fiveTuple(), full) })
}

func testRandom(t *testing.T, masks ...*flow.Mask) {
	rnd := rand.New(rand.NewPCG(1, 2))
	r := newRig(t, 1000, 1)
	v6 := masks[1][flow.WIPv6Src+1] != 0
	live := map[int]megaflow.Ref{}
	key := func(i int) (flow.Key, int) {
		if i%2 == 1 && v6 {
			return v6Key(i), flow.LenIPv6
		}
		return v4Key(i), flow.LenBase
	}
	for step := 0; step < 50000; step++ {
		i := rnd.IntN(300)
		k, n := key(i)
		switch op := rnd.IntN(20); {
		case op == 0 && live[i] == 0:
			live[i] = r.add(t, k, masks[i%2])
		case op == 1 && live[i] != 0:
			r.e.Retire(live[i], r.c.Remove(live[i]))
			delete(live, i)
		case op == 2:
			r.e.Sweep()
		default:
			got := r.look(k, n)
			if got != 0 && r.s.Entry(got).Out == megaflow.OutDead {
				got = 0
			}
			if got != 0 && got != live[i] {
				t.Fatalf("step %d: the exact-match cache says %d, the truth is %d", step, got, live[i])
			}
			if n == flow.LenBase {
				if s := r.sig(k); s != 0 && s != live[i] {
					t.Fatalf("step %d: the signature cache says %d, the truth is %d", step, s, live[i])
				}
			}
			if got == 0 && live[i] != 0 {
				r.insert(k, n, live[i])
				r.g.Insert(r.hash(k, n), live[i])
				if r.look(k, n) != live[i] {
					t.Fatal("not found right after Insert")
				}
			}
		}
	}
}

func TestChanceAndActive(t *testing.T) {
	r := newRig(t, 10, 100)
	n := 0
	for range 1000000 {
		if r.e.Chance() {
			n++
		}
	}
	if n < 9000 || n > 11000 {
		t.Errorf("1 in 100: %d of a million", n)
	}
	var j, other Judge
	r.e.SetInvProb(0)
	if r.e.Chance() || r.e.Active(&j, 1) {
		t.Error("probability 0 inserts or looks up")
	}
	r.e.SetInvProb(1)
	if !r.e.Chance() || !r.e.Active(&j, 1) {
		t.Error("probability 1 does not insert or look up")
	}
	// Nothing but misses: the cache rests, then tries again.
	r.add(t, v4Key(1), fiveTuple())
	looked, rested, again := 0, 0, false
	for i := 0; i < window*(restWindows+2); i++ {
		if !r.e.Active(&other, 1) {
			t.Fatal("one stream's misses keep another from the cache")
		}
		other.Count(1, 1)
		if r.e.Active(&j, 1) {
			if r.look(v4Key(9), flow.LenBase) != 0 {
				t.Fatal("found")
			}
			j.Count(1, 0)
			looked++
			again = rested > 0
		} else {
			rested++
		}
	}
	if looked < window || rested != window*restWindows || !again {
		t.Errorf("%d lookups, %d skipped, tried again: %v", looked, rested, again)
	}
}

func bench(b *testing.B, flows int, smc bool, mask *flow.Mask) {
	r := newRig(b, flows, 1)
	all := make([][flow.LenBase]uint64, flows)
	var keys [burst]flow.Key
	var lens, idx [burst]uint8
	var h [burst]uint64
	var refs [burst]megaflow.Ref
	r.g.Resize(flows)
	r.g.Resize(flows)
	for i, p := range rand.New(rand.NewPCG(1, 2)).Perm(flows) {
		k := v4Key(i)
		copy(all[p][:], k[:])
		f := r.add(b, k, mask)
		r.insert(k, flow.LenBase, f)
		r.g.Insert(r.hash(k, flow.LenBase), f)
	}
	for i := range lens {
		lens[i] = flow.LenBase
	}
	b.ReportAllocs()
	b.ResetTimer()
	at, miss := 0, 0
	for i := 0; i < b.N; i += burst {
		for j := range keys {
			*(*[flow.LenBase]uint64)(keys[j][:]) = all[at]
			if at++; at == flows {
				at = 0
			}
		}
		if smc {
			Hash(r.s, &keys, &lens, burst, r.c.Union(), &h)
			for j := range idx {
				idx[j] = uint8(j)
			}
			miss += r.g.Lookup(&keys, &lens, &h, &idx, burst, &refs)
		} else {
			miss += r.e.HashLookup(&keys, &lens, burst, r.c.Union(), &h, &idx, &refs)
		}
	}
	b.ReportMetric(float64(miss)/float64(b.N), "misses/op")
}

// The figures are per packet and include copying a key of six words, and hashing it.
func BenchmarkCache(b *testing.B) {
	full := fiveTuple()
	full[flow.WEthSrc], full[flow.WVLAN] = ^uint64(0xffff), ^uint64(0)
	b.Run("flows=1000/all words", func(b *testing.B) { bench(b, 1000, false, full) })
	for _, n := range []int{1, 1000, 4000} {
		b.Run(fmt.Sprintf("flows=%d", n), func(b *testing.B) { bench(b, n, false, fiveTuple()) })
	}
	b.Run("flows=1000/IPv6", bench6)
}

// bench6 looks up keys of eleven words.
func bench6(b *testing.B) {
	m := fiveTuple()
	m[flow.WIPv4], m[flow.WVLAN] = 0, 0x1fff<<32
	for i := range 4 {
		m[flow.WIPv6Src+i] = ^uint64(0)
	}
	r := newRig(b, 1000, 1)
	all := make([]flow.Key, 1000)
	for i := range all {
		all[i] = v6Key(i)
		r.insert(all[i], flow.LenIPv6, r.add(b, all[i], m))
	}
	var keys [burst]flow.Key
	var lens, idx [burst]uint8
	var h [burst]uint64
	var refs [burst]megaflow.Ref
	for i := range lens {
		lens[i] = flow.LenIPv6
	}
	b.ResetTimer()
	at, miss := 0, 0
	for i := 0; i < b.N; i += burst {
		for j := range keys {
			*(*[flow.LenIPv6]uint64)(keys[j][:]) = *(*[flow.LenIPv6]uint64)(all[at][:])
			if at++; at == len(all) {
				at = 0
			}
		}
		miss += r.e.HashLookup(&keys, &lens, burst, r.c.Union(), &h, &idx, &refs)
	}
	b.ReportMetric(float64(miss)/float64(b.N), "misses/op")
}

func BenchmarkSignatures(b *testing.B) {
	for _, n := range []int{1, 1000, 10000, 100000, 1000000} {
		b.Run(fmt.Sprintf("flows=%d", n), func(b *testing.B) { bench(b, n, true, fiveTuple()) })
	}
}

func TestNoAllocation(t *testing.T) {
	r := newRig(t, 100, 1)
	f := r.add(t, v4Key(1), fiveTuple())
	var keys [burst]flow.Key
	var lens, idx [burst]uint8
	var h [burst]uint64
	var refs [burst]megaflow.Ref
	for i := range keys {
		keys[i], lens[i] = v4Key(i), flow.LenBase
	}
	u := r.c.Union()
	if n := testing.AllocsPerRun(100, func() {
		if left := r.e.HashLookup(&keys, &lens, burst, u, &h, &idx, &refs); left > 0 {
			r.g.Lookup(&keys, &lens, &h, &idx, left, &refs)
		}
		if r.e.Chance() {
			r.e.Insert(&keys[1], flow.LenBase, u, h[1], f)
			r.g.Insert(h[1], f)
		}
		r.e.Sweep()
	}); n != 0 {
		t.Fatalf("%v allocations a burst", n)
	}
}

// TestEveryBit looks for packets that differ from the one in the cache in a bit, all other words being ones, and have its hash: the seeds are
// chosen so that they do.
func TestEveryBit(t *testing.T) {
	ones := func(m *flow.Mask, words ...int) *flow.Mask {
		for _, w := range words {
			m[w] = ^uint64(0)
		}
		return m
	}
	full := ones(fiveTuple(), 1, 2, 3, 4, 5)
	v6 := ones(fiveTuple(), 1, 2, 3, 4, 5, flow.WIPv6Src, flow.WIPv6Src+1, flow.WIPv6Dst, flow.WIPv6Dst+1, flow.WIPv6Misc)
	base := func(s *megaflow.Seeds, k *flow.Key) { s[4], s[7] = k[4], 0 } // of words 4 to 7 nothing is left
	for _, c := range []struct {
		name  string
		mask  *flow.Mask
		n     int
		words []int // that differ
		seeds func(*megaflow.Seeds, *flow.Key)
	}{
		{"short", fiveTuple(), flow.LenBase, []int{0, 1, 3}, func(s *megaflow.Seeds, k *flow.Key) { s[3] = k[flow.WL4] & 0xff000000ffffffff }},
		{"full", full, flow.LenBase, []int{0, 1, 2, 3}, base},
		{"IPv6, first words", v6, flow.LenIPv6, []int{0, 1, 2, 3}, base},
		{"IPv6, an address", v6, flow.LenIPv6, []int{flow.WIPv6Src}, func(s *megaflow.Seeds, k *flow.Key) {
			p := uint64(0xbf58476d1ce4e5b9) // of the first pair: see Seeds.HashPair
			s[7] = k[flow.WIPv6Src+1] ^ -p
		}},
		{"longer", ones(fiveTuple(), 1, 2, 3, 4, 5, flow.LenIPv6), flow.LenIPv6 + 1, []int{0, 1, 2, 3}, base},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, 100, 1)
			k := v4Key(0)
			for i := 1; i < c.n; i++ {
				k[i] = ^uint64(0)
			}
			c.seeds(&r.s.Seeds, &k)
			ref := r.add(t, k, c.mask)
			r.insert(k, c.n, ref)
			if got := r.look(k, c.n); got != ref {
				t.Fatalf("found %d, want %d", got, ref)
			}
			alike := 0
			for _, w := range c.words {
				for bit := range 64 {
					k2 := k
					k2[w] ^= 1 << bit
					if k2[w]&c.mask[w] == k[w]&c.mask[w] {
						continue
					}
					if r.hash(k2, c.n) == r.hash(k, c.n) {
						alike++
					}
					if got := r.look(k2, c.n); got != 0 {
						t.Errorf("bit %d of word %d makes no difference", bit, w)
					}
				}
			}
			if alike == 0 {
				t.Error("no hash was the same")
			}
		})
	}
}
