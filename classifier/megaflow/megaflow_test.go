package megaflow

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"govs/flow"
)

func newStore(t testing.TB, n int) *Store {
	t.Helper()
	s, err := NewStore(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// fiveTuple is the mask of a five-tuple rule.
func fiveTuple() *flow.Mask {
	var m flow.Mask
	m[flow.WInPort] = ^uint64(0)
	m[flow.WEthDst] = 0xffff
	m[flow.WIPv4] = ^uint64(0)
	m[flow.WL4] = 0xff000000ffffffff
	return &m
}

// packetKey is the i-th IPv4 packet of in_port 1.
func packetKey(i int) flow.Key {
	var k flow.Key
	k[flow.WInPort] = 1 << 32
	k[flow.WEthDst] = 0x0202_0202_0202_0800
	k[flow.WEthSrc] = 0x0404_0404_0404_0010
	k[flow.WIPv4] = 0x0a000000_0b000000 + uint64(i)
	k[flow.WL4] = 17<<56 | 64<<40 | uint64(i*7)&0xffff<<16 | 53
	return k
}

// randomMask is one of masks masks of in_port and random words.
func randomMask(r *rand.Rand) *flow.Mask {
	var m flow.Mask
	m[0] = ^uint64(0)
	for range r.IntN(6) {
		w := 1 + r.IntN(flow.LenARP-1)
		m[w] = ^uint64(0) << r.IntN(64) >> r.IntN(8)
	}
	if r.IntN(2) == 0 { // a five-tuple and parts of words, some of which share a place
		m[flow.WIPv4], m[flow.WL4] = ^uint64(0), 0xff0000ffffffffff
		m[flow.WEthDst], m[flow.WVLAN] = []uint64{0, 0xffff, ^uint64(0)}[r.IntN(3)], []uint64{0, 0x1fff << 32, 0xffff1fff << 32}[r.IntN(3)]
	}
	return &m
}

// model is the classifier done plainly: flows in insertion order.
type model struct {
	k   flow.Key
	m   flow.Mask
	ref Ref
}

func (f *model) matches(k *flow.Key, n int) bool {
	for i := range f.m {
		if f.m[i] != 0 && (i >= n || k[i]&f.m[i] != f.k[i]&f.m[i]) {
			return false
		}
	}
	return true
}

func TestAgainstModel(t *testing.T) {
	for seed := uint64(0); seed < 8; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testModel(t, seed) })
	}
}

func testModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	s := newStore(t, 10000)
	c := New(s)
	defer c.Close()
	masks := make([]*flow.Mask, 1+seed*6)
	for i := range masks {
		masks[i] = randomMask(r)
	}
	randomKey := func() flow.Key {
		k := packetKey(r.IntN(200))
		k[flow.WVLAN] = uint64(r.IntN(3)) << 32
		k[flow.WEthDst] ^= uint64(r.IntN(2))
		for i := flow.LenBase; i < flow.LenARP; i++ {
			k[i] = uint64(r.IntN(3)) * 0x0123456789abcdef
		}
		return k
	}
	var flows []model
	for step := 0; step < 4000; step++ {
		switch op := r.IntN(10); {
		case op < 5:
			k, m := randomKey(), masks[r.IntN(len(masks))]
			have := Ref(0)
			for i := range flows {
				if flows[i].m == *m && flows[i].matches(&k, flow.Words) {
					have = flows[i].ref
				}
			}
			ref, sub, err := c.Insert(&k, m)
			if have != 0 {
				if !errors.Is(err, ErrExists) || ref != have {
					t.Fatalf("insert of an existing flow: %d, %v; want %d", ref, err, have)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if *sub.Mask() != *m {
				t.Fatal("subtable has another mask")
			}
			if got := c.FindExact(&k, m); got != ref {
				t.Fatalf("FindExact: %d, want %d", got, ref)
			}
			var x flow.Key
			s.Expand(s.Entry(ref), &x)
			for i := range x {
				if x[i] != k[i]&m[i] {
					t.Fatalf("word %d of the entry: %#x, want %#x", i, x[i], k[i]&m[i])
				}
			}
			flows = append(flows, model{k, *m, ref})
		case op < 7 && len(flows) > 0:
			i := r.IntN(len(flows))
			lines := c.Remove(flows[i].ref)
			if lines == 0 || c.Remove(flows[i].ref) != 0 {
				t.Fatal("remove")
			}
			if s.Matches(flows[i].ref, &flows[i].k, flow.Words) {
				t.Fatal("a removed flow matches")
			}
			s.Free(flows[i].ref, lines)
			flows = append(flows[:i], flows[i+1:]...)
		default:
			var keys [Burst]flow.Key
			var lens [Burst]uint8
			var idx [Burst]uint8
			var refs [Burst]Ref
			var hashes [Burst]uint64
			n := r.IntN(Burst + 1)
			for i := 0; i < n; i++ {
				keys[i] = randomKey()
				lens[i] = []uint8{flow.LenBase, flow.LenIPv6, flow.LenARP}[r.IntN(3)]
				idx[i] = uint8(i)
			}
			for i := range n {
				hashes[i] = s.Seeds.HashUnder(c.Union(), &keys[i], int(lens[i]))
			}
			left := c.Lookup(&keys, &lens, &hashes, &idx, n, &refs)
			missed := map[uint8]bool{}
			for j, i := range idx[:left] {
				missed[i] = true
				if j > 0 && idx[j-1] >= i {
					t.Fatal("misses are out of order")
				}
			}
			for i := 0; i < n; i++ {
				found := false
				any := false
				for f := range flows {
					if flows[f].matches(&keys[i], int(lens[i])) {
						any = true
						found = found || flows[f].ref == refs[i]
					}
				}
				if any == missed[uint8(i)] || any && !found {
					t.Fatalf("packet %d: a flow matches: %v; missed: %v, the right flow: %v", i, any, missed[uint8(i)], found)
				}
				if got := c.Find(&keys[i], int(lens[i])); (got != 0) != any {
					t.Fatalf("Find: %d, want a flow: %v", got, any)
				}
				if !missed[uint8(i)] && !s.Matches(refs[i], &keys[i], int(lens[i])) {
					t.Fatal("Matches denies what Lookup found")
				}
			}
			c.Sort()
		}
		if c.Len() != len(flows) || s.Len() != len(flows) {
			t.Fatalf("%d flows, %d entries; want %d", c.Len(), s.Len(), len(flows))
		}
	}
	var want flow.Mask
	for i := range flows {
		for w := range want {
			want[w] |= flows[i].m[w]
		}
	}
	if got := c.Union(); got.Mask != want {
		t.Fatal("the union mask is wrong")
	}
	n := 0
	c.Each(func(Ref) { n++ })
	if n != len(flows) {
		t.Fatalf("Each: %d flows, want %d", n, len(flows))
	}
	for _, f := range flows {
		s.Free(f.ref, c.Remove(f.ref))
	}
	if len(c.Subtables()) != 0 || c.Len() != 0 {
		t.Fatal("subtables are left over")
	}
}

// TestCompact checks the common masks' entries: one cache line each.
func TestCompact(t *testing.T) {
	s := newStore(t, 100)
	c := New(s)
	defer c.Close()
	m := fiveTuple()
	m[flow.WL4] |= 0xff << 32
	m[flow.WVLAN] = 0x1fff << 32
	k := packetKey(1)
	ref, sub, err := c.Insert(&k, m)
	if err != nil {
		t.Fatal(err)
	}
	if sub.Lines() != 1 || !c.Union().Short {
		t.Errorf("a five-tuple with type, fragment and VLAN takes %d lines; short: %v", sub.Lines(), c.Union().Short)
	}
	for _, w := range []int{flow.WEthDst, flow.WVLAN, flow.WIPv4, flow.WL4} {
		other := k
		other[w] ^= m[w] & -m[w]
		if s.Matches(ref, &other, flow.LenBase) || c.Find(&other, flow.LenBase) != 0 {
			t.Errorf("a packet that differs in word %d matches", w)
		}
	}
	layout := c.Union().Layout
	m[flow.WEthDst] = ^uint64(0) // shares no word with the VLAN tag any more
	if _, _, err := c.Insert(&k, m); err != nil || c.Union().Layout == layout {
		t.Errorf("the words' places changed, the layout did not (%v)", err)
	}
}

// TestGrowth fills one subtable, looks everything up, and empties it.
func TestGrowth(t *testing.T) {
	const n = 200000
	s := newStore(t, n)
	c := New(s)
	defer c.Close()
	m := fiveTuple()
	refs := make([]Ref, n)
	for i := range refs {
		k := packetKey(i)
		r, _, err := c.Insert(&k, m)
		if err != nil {
			t.Fatal(err)
		}
		refs[i] = r
	}
	for i, r := range refs {
		k := packetKey(i)
		if got := c.Find(&k, flow.LenBase); got != r {
			t.Fatalf("flow %d: entry %d, want %d", i, got, r)
		}
	}
	k := packetKey(n)
	if c.Find(&k, flow.LenBase) != 0 {
		t.Fatal("found what is not there")
	}
	for i, r := range refs {
		if i%2 == 0 {
			s.Free(r, c.Remove(r))
		}
	}
	for i, r := range refs {
		k := packetKey(i)
		if got := c.Find(&k, flow.LenBase); (got == r) != (i%2 == 1) {
			t.Fatalf("flow %d after removals: entry %d, was %d", i, got, r)
		}
	}
}

func TestErrors(t *testing.T) {
	s := newStore(t, 0)
	c := New(s)
	defer c.Close()
	k := packetKey(0)
	if _, _, err := c.Insert(&k, &flow.Mask{}); !errors.Is(err, ErrMask) {
		t.Errorf("mask without in_port: %v", err)
	}
	m := fiveTuple()
	for i := 0; ; i++ {
		k := packetKey(i)
		if _, _, err := c.Insert(&k, m); err != nil {
			if !errors.Is(err, ErrFull) || i < 1000 {
				t.Errorf("after %d flows: %v", i, err)
			}
			if c.Len() != i {
				t.Errorf("%d flows, want %d", c.Len(), i)
			}
			break
		}
	}
}

func bench(b *testing.B, flows, subtables int) {
	s := newStore(b, flows)
	c := New(s)
	defer c.Close()
	ms := make([]*flow.Mask, subtables)
	for i := range ms {
		ms[i] = fiveTuple()
		ms[i][flow.WEthSrc] = 0xffff << 16 << i >> 16 & 0xffffffff0000 << 16
	}
	all := make([]flow.Key, flows)
	r := rand.New(rand.NewPCG(1, 2))
	for i, p := range r.Perm(flows) {
		all[p] = packetKey(i)
		all[p][flow.WEthSrc] = uint64(i%subtables) << 48
		if _, _, err := c.Insert(&all[p], ms[i%subtables]); err != nil {
			b.Fatal(err)
		}
	}
	var keys [Burst]flow.Key
	var lens, idx [Burst]uint8
	var refs [Burst]Ref
	var hashes [Burst]uint64
	for i := range lens {
		lens[i] = flow.LenBase
	}
	b.ReportAllocs()
	b.ResetTimer()
	at := 0
	for i := 0; i < b.N; i += Burst {
		for j := range idx {
			idx[j] = uint8(j)
			copy(keys[j][:flow.LenBase], all[at][:flow.LenBase])
			if at++; at == flows {
				at = 0
			}
		}
		for j := range hashes {
			hashes[j] = s.Seeds.HashUnder(c.Union(), &keys[j], flow.LenBase)
		}
		if c.Lookup(&keys, &lens, &hashes, &idx, Burst, &refs) != 0 {
			b.Fatal("missed")
		}
	}
}

// The figures are per packet and include copying a key of six words.
func BenchmarkLookup(b *testing.B) {
	for _, x := range []struct{ flows, subtables int }{{1, 1}, {1000, 1}, {10000, 1}, {100000, 1}, {1000000, 1}, {1000, 5}, {1000, 20}} {
		b.Run(fmt.Sprintf("flows=%d/subtables=%d", x.flows, x.subtables), func(b *testing.B) { bench(b, x.flows, x.subtables) })
	}
}

func BenchmarkInsertRemove(b *testing.B) {
	s := newStore(b, 1000000)
	c := New(s)
	defer c.Close()
	m := fiveTuple()
	refs := make([]Ref, 0, b.N)
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		k := packetKey(i)
		if r, _, err := c.Insert(&k, m); err == nil {
			refs = append(refs, r)
		}
		if len(refs) == 500000 {
			for _, r := range refs {
				s.Free(r, c.Remove(r))
			}
			refs = refs[:0]
		}
	}
}

func TestNoAllocation(t *testing.T) {
	s := newStore(t, 100)
	c := New(s)
	defer c.Close()
	var keys [Burst]flow.Key
	var lens, idx [Burst]uint8
	var refs [Burst]Ref
	var hashes [Burst]uint64
	for i := range keys {
		keys[i] = packetKey(i)
		lens[i] = flow.LenBase
		if i%2 == 0 {
			if _, _, err := c.Insert(&keys[i], fiveTuple()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range idx {
			idx[i] = uint8(i)
		}
		for j := range hashes {
			hashes[j] = s.Seeds.HashUnder(c.Union(), &keys[j], flow.LenBase)
		}
		if c.Lookup(&keys, &lens, &hashes, &idx, Burst, &refs) != Burst/2 {
			t.Fatal("misses")
		}
	}); n != 0 {
		t.Fatalf("%v allocations a burst", n)
	}
}

// TestEveryBit looks for packets that have the hash of a flow's and differ from it in a bit of what its mask reads, all other words being ones.
func TestEveryBit(t *testing.T) {
	long := fiveTuple()
	for i := range flow.LenIPv6 {
		long[i] = ^uint64(0)
	}
	for name, mask := range map[string]*flow.Mask{"short": fiveTuple(), "long": long} {
		s := newStore(t, 10)
		c := New(s)
		defer c.Close()
		k := packetKey(0)
		for i := 1; i < flow.LenIPv6; i++ {
			k[i] = ^uint64(0)
		}
		want, _, err := c.Insert(&k, mask)
		if err != nil {
			t.Fatal(err)
		}
		find := func(k flow.Key, h uint64) Ref {
			keys, lens, idx, hashes, refs := [Burst]flow.Key{k}, [Burst]uint8{flow.LenIPv6}, [Burst]uint8{}, [Burst]uint64{h}, [Burst]Ref{}
			c.Lookup(&keys, &lens, &hashes, &idx, 1, &refs)
			return refs[0]
		}
		h := s.Seeds.HashUnder(c.Union(), &k, flow.LenIPv6)
		if got := find(k, h); got != want {
			t.Fatalf("%s: found %d, want %d", name, got, want)
		}
		for w := range flow.LenIPv6 {
			for bit := range 64 {
				k2 := k
				k2[w] ^= 1 << bit
				if mask[w]>>bit&1 != 0 && find(k2, h) != 0 {
					t.Errorf("%s: bit %d of word %d makes no difference", name, bit, w)
				}
				if mask[w]>>bit&1 != 0 && s.Matches(want, &k2, flow.LenIPv6) {
					t.Errorf("%s: bit %d of word %d makes no difference to Matches", name, bit, w)
				}
			}
		}
	}
}
