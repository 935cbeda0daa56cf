package megaflow

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"govs/flow"
)

// prefix is a mask of n leading bits of a field of width bits.
func prefix(n, width int) uint64 { return (1<<n - 1) << (width - n) }

// attackFlow is the megaflow that a switch makes of a packet which differs first in bit i from the nw_src, and first in bit j
// from the nw_dst, that a rule allows; and a packet of it.
func attackFlow(i, j int, r *rand.Rand) (flow.Key, *flow.Mask) {
	k := packetKey(0)
	src, dst := uint64(0x0a000001)^1<<(31-i), uint64(0x0b000001)^1<<(31-j)
	src ^= r.Uint64() & (1<<(31-i) - 1)
	dst ^= r.Uint64() & (1<<(31-j) - 1)
	k[flow.WIPv4] = src<<32 | dst
	k[flow.WL4] = 17<<56 | r.Uint64()&0xffffffff
	var m flow.Mask
	m[flow.WInPort] = ^uint64(0)
	m[flow.WEthDst] = 0xffff
	m[flow.WL4] = 0xff << 56
	m[flow.WIPv4] = prefix(i+1, 32)<<32 | prefix(j+1, 32)
	return k, &m
}

// attack fills c with 1,000 established flows and a flow of each of up to 1024 masks.
func attack(t testing.TB, c *Classifier, masks int) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		k := packetKey(1000 + i)
		if _, _, err := c.Insert(&k, fiveTuple()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range masks {
		k, m := attackFlow(n/32, n%32, r)
		if _, _, err := c.Insert(&k, m); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFilterAttack checks that packets which nothing matches, and packets of the attack's flows, are looked for in few subtables.
func TestFilterAttack(t *testing.T) {
	s := newStore(t, 10000)
	c := New(s)
	defer c.Close()
	attack(t, c, 1024)
	r := rand.New(rand.NewPCG(3, 4))
	probes, n := 0, 0
	for i := range 1024 {
		k, _ := attackFlow(i/32, i%32, r)
		got := c.filter.find(s, &k, flow.LenBase)
		if want := c.filter.findAll(s, &k, flow.LenBase); got.ref != want.ref || got.ref == 0 {
			t.Fatalf("mask %d: %d, want %d", i, got.ref, want.ref)
		}
		probes, n = probes+got.probes, n+1
		k[flow.WL4] = 6 << 56 // another protocol: no flow
		if got = c.filter.find(s, &k, flow.LenBase); got.ref != 0 {
			t.Fatalf("found %d", got.ref)
		}
		probes, n = probes+got.probes, n+1
		k[flow.WL4], k[flow.WIPv4] = 17<<56, r.Uint64()
		got = c.filter.find(s, &k, flow.LenBase)
		if want := c.filter.findAll(s, &k, flow.LenBase); got.ref != want.ref {
			t.Fatalf("found %d, want %d", got.ref, want.ref)
		}
		probes, n = probes+got.probes, n+1
	}
	if mean := float64(probes) / float64(n); mean > 4 {
		t.Errorf("%.1f subtables searched for a packet, want at most 4 of 1025", mean)
	}
	if a := c.filter.atoms; a > 80 {
		t.Errorf("%d atoms", a)
	}
}

// FuzzFilter puts flows in and takes them out as data says, and holds what the filter finds against a search in all subtables.
func FuzzFilter(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 4 {
		b := make([]byte, 100<<n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	s, err := NewStore(100000, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1000 {
			return // a subtable costs two system calls
		}
		c := New(s)
		defer c.Close()
		var live []Ref
		take := func() (b byte) {
			if len(data) > 0 {
				b, data = data[0], data[1:]
			}
			return b
		}
		for len(data) > 0 {
			op, x, y, z := take(), take(), take(), take()
			k := packetKey(int(z) % 8)
			n := []int{flow.LenBase, flow.LenIPv6, flow.LenPacket}[op>>6%3]
			k[flow.WIPv6Src] = uint64(z%4) << 60
			switch op % 4 {
			case 0, 1:
				var m flow.Mask
				m[flow.WInPort] = ^uint64(0)
				m[flow.WIPv4] = prefix(int(x%33), 32)<<32 | prefix(int(y%33), 32)
				m[flow.WL4] = uint64(op>>2) << 26
				m[flow.WEthSrc] = prefix(int(x>>5), 64)
				if op&0x20 != 0 {
					m[flow.WIPv6Src] = prefix(int(y>>5), 64)
				}
				ref, _, err := c.Insert(&k, &m)
				if err == nil {
					live = append(live, ref)
				}
			case 2:
				if len(live) > 0 {
					i := (int(x)<<8 | int(y)) % len(live)
					s.Free(live[i], c.Remove(live[i]))
					live[i] = live[len(live)-1]
					live = live[:len(live)-1]
				}
			case 3:
				k[flow.WIPv4] ^= 1<<(x%64) ^ 1<<(y%64)
				k[flow.WL4] ^= uint64(op>>2) << (x % 64)
				got, want := c.filter.find(s, &k, n), c.filter.findAll(s, &k, n)
				if (got.ref == 0) != (want.ref == 0) || got.ref != 0 && (!s.Matches(got.ref, &k, n) || s.Subtable(s.Entry(got.ref)) != got.sub) {
					t.Fatalf("%d subtables: found %d, the search in all found %d", len(c.subs), got.ref, want.ref)
				}
				keys, lens, idx, refs := [Burst]flow.Key{k}, [Burst]uint8{uint8(n)}, [Burst]uint8{}, [Burst]Ref{99}
				if left := c.lookupFiltered(&keys, &lens, &idx, 1, &refs); (left == 0) != (want.ref != 0) || (refs[0] == 0) != (want.ref == 0) ||
					refs[0] != 0 && !s.Matches(refs[0], &k, n) {
					t.Fatalf("%d subtables: found %d as of a burst, the search in all found %d", len(c.subs), refs[0], want.ref)
				}
			}
		}
		for _, ref := range live {
			s.Free(ref, c.Remove(ref))
		}
		if c.filter.atoms != 0 || len(c.filter.lanes) != 0 {
			t.Fatalf("%d atoms are left over", c.filter.atoms)
		}
	})
}

// BenchmarkMiss is the cost, per packet, of finding out that no megaflow matches.
func BenchmarkMiss(b *testing.B) {
	for _, masks := range []int{10, 40, 100, 500, 1024} {
		for _, all := range []bool{false, true} {
			b.Run(fmt.Sprintf("masks=%d/all=%v", masks, all), func(b *testing.B) {
				s := newStore(b, 10000)
				c := New(s)
				defer c.Close()
				attack(b, c, masks)
				r := rand.New(rand.NewPCG(3, 4))
				var keys [1024]flow.Key
				for i := range keys { // a source of the attack's, a destination that is established
					keys[i], _ = attackFlow(r.IntN(32), 0, r)
					keys[i][flow.WIPv4] = keys[i][flow.WIPv4]&^0xffffffff | 0x0b000001
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					if all {
						c.filter.findAll(s, &keys[i%1024], flow.LenBase)
					} else {
						c.filter.find(s, &keys[i%1024], flow.LenBase)
					}
				}
			})
		}
	}
}
