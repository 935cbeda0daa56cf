package oftable

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"govs/flow"
)

type rule = Rule[int]

// space is a small set of field values, so that random rules overlap and random packets hit them.
var space = []struct {
	id     flow.FieldID
	masks  []uint64
	values []uint64
}{
	{flow.FieldInPort, []uint64{0xffffffff}, []uint64{1, 2}},
	{flow.FieldReg0, []uint64{0xffffffff, 0xff}, []uint64{0, 1, 0x101}},
	{flow.FieldEthDst, []uint64{0xffffffffffff, 0x010000000000}, []uint64{0x010000000001, 0x2, 0x3}},
	{flow.FieldEthType, []uint64{0xffff}, []uint64{0x800, 0x806}},
	{flow.FieldNwSrc, []uint64{0xffffffff, 0xffffff00, 0xffff0000, 0xff0000ff}, []uint64{0x0a000001, 0x0a000101, 0x0a010001, 0x0b000001}},
	{flow.FieldNwDst, []uint64{0xffffffff, 0xfffffff0, 0x80000000}, []uint64{0x0a000001, 0x0a0000f1, 0xc0000001}},
	{flow.FieldNwProto, []uint64{0xff}, []uint64{6, 17}},
	{flow.FieldTpSrc, []uint64{0xffff, 0xfff0}, []uint64{80, 81, 443}},
	{flow.FieldTpDst, []uint64{0xffff, 0xff00}, []uint64{80, 0x1234, 0x12ff}},
}

func randomMatch(r *rand.Rand) *flow.Match {
	m := &flow.Match{}
	for _, f := range space {
		if r.IntN(3) == 0 {
			m.Set(f.id, flow.U(f.values[r.IntN(len(f.values))]), flow.U(f.masks[r.IntN(len(f.masks))]))
		}
	}
	return m
}

func randomKey(r *rand.Rand) *flow.Key {
	k := &flow.Key{}
	for _, f := range space {
		v := f.values[r.IntN(len(f.values))]
		if r.IntN(8) == 0 {
			v ^= 1 << r.IntN(8)
		}
		k.Set(f.id, flow.U(v))
	}
	return k
}

// model is the obvious classifier.
type model struct{ rules []*rule }

func (m *model) lookup(v uint64, k *flow.Key) *rule {
	var best *rule
	for _, r := range m.rules {
		var mt flow.Match
		r.Match(&mt)
		if r.Visible(v) && mt.Matches(k) && (best == nil || r.Priority() > best.Priority()) {
			best = r
		}
	}
	return best
}

// TestModel makes random changes, and compares every lookup with the obvious classifier. It also checks what the mask
// promises: any key that agrees with the packet in the mask's bits gets the same rule.
func TestModel(t *testing.T) {
	for seed := uint64(0); seed < 30; seed++ {
		r := rand.New(rand.NewPCG(seed, 7))
		tab := New[int]()
		if seed%3 == 1 {
			if err := tab.SetPrefixes(nil); err != nil {
				t.Fatal(err)
			}
		}
		m := &model{}
		v := uint64(1)
		for step := range 400 {
			switch op := r.IntN(10); {
			case op < 6 || len(m.rules) == 0:
				v++
				mt, prio := randomMatch(r), r.IntN(5)
				if old := tab.Find(v, mt, prio); old != nil {
					old.SetRemoved(v)
				}
				nr := NewRule[int](mt, prio)
				nr.Data = step
				tab.Insert(nr, v)
				m.rules = append(m.rules, nr)
				var got flow.Match
				if nr.Match(&got); !got.Equal(mt) {
					t.Fatal("the rule does not give back its match")
				}
			case op < 8:
				i := r.IntN(len(m.rules))
				tab.Remove(m.rules[i])
				m.rules = append(m.rules[:i:i], m.rules[i+1:]...)
			case op < 9:
				v++
				if i := r.IntN(len(m.rules)); m.rules[i].Removed() == Forever {
					m.rules[i].SetRemoved(v)
				}
			case seed%5 == 0:
				tab.SetPrefixes([]flow.FieldID{flow.FieldNwDst, flow.FieldNwSrc}[:r.IntN(3)])
			}
			for range 5 {
				k := randomKey(r)
				at := v - uint64(r.IntN(2))
				var wc flow.Mask
				wc.SetExact(flow.FieldEthType)
				got, want := tab.Lookup(at, k, &wc), m.lookup(at, k)
				checkSame(t, got, want)
				checkSame(t, tab.Lookup(at, k, nil), want)
				for range 10 {
					k2 := randomKey(r)
					for i := range k2 {
						k2[i] = k[i]&wc[i] | k2[i]&^wc[i]
					}
					checkSame(t, m.lookup(at, k2), want)
				}
			}
		}
		n := 0
		tab.Each(v, func(*rule) bool { n++; return true })
		want := 0
		for _, r := range m.rules {
			if r.Visible(v) {
				want++
			}
		}
		if n != want || tab.Len() != len(m.rules) {
			t.Fatalf("%d rules visible, want %d; %d in all, want %d", n, want, tab.Len(), len(m.rules))
		}
		for range 50 {
			mt := randomMatch(r)
			n, want := 0, 0
			tab.EachCovered(v, mt, func(*rule) bool { n++; return true })
			prio := r.IntN(5)
			overlap := false
			for _, r := range m.rules {
				var rm flow.Match
				if r.Match(&rm); r.Visible(v) {
					if mt.Covers(&rm) {
						want++
					}
					overlap = overlap || r.Priority() == prio && rm.Overlaps(mt)
				}
			}
			if n != want {
				t.Fatalf("%d rules covered, want %d", n, want)
			}
			if got := tab.Overlap(v, mt, prio); (got != nil) != overlap {
				t.Fatalf("overlap %v, want %v", got, overlap)
			}
		}
		for _, r := range m.rules {
			tab.Remove(r)
		}
		if tab.Len() != 0 || tab.Subtables() != 0 {
			t.Fatalf("%d rules and %d subtables left", tab.Len(), tab.Subtables())
		}
	}
}

func checkSame(t *testing.T, got, want *rule) {
	t.Helper()
	if got == want {
		return
	}
	if got == nil || want == nil || got.Priority() != want.Priority() {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// TestUnwildcard checks the three ways in which masks stay narrow, on rules whose masks are known.
func TestUnwildcard(t *testing.T) {
	parse := func(set func(*flow.Match)) *flow.Match { m := &flow.Match{}; set(m); return m }
	ip := func(m *flow.Match) { m.SetExact(flow.FieldEthType, flow.U(0x800)) }
	for _, c := range []struct {
		name  string
		rules []*flow.Match
		key   func(*flow.Match)
		want  func(*flow.Match)
	}{
		{"stage: L2 differs, L4 not read", []*flow.Match{parse(func(m *flow.Match) {
			ip(m)
			m.SetExact(flow.FieldNwProto, flow.U(6))
			m.SetExact(flow.FieldTpDst, flow.U(80))
		})}, func(k *flow.Match) { k.SetExact(flow.FieldEthType, flow.U(0x806)) }, func(w *flow.Match) {
			w.SetExact(flow.FieldEthType, flow.U(0))
		}},
		{"trie: the first byte rules out a /24", []*flow.Match{parse(func(m *flow.Match) {
			ip(m)
			m.Set(flow.FieldNwDst, flow.U(0x0a010200), flow.U(0xffffff00))
		})}, func(k *flow.Match) { ip(k); k.SetExact(flow.FieldNwDst, flow.U(0xc0010200)) }, func(w *flow.Match) {
			w.SetExact(flow.FieldEthType, flow.U(0))
			w.Set(flow.FieldNwDst, flow.U(0), flow.U(0x80000000))
		}},
		{"ports trie: 80 against 81", []*flow.Match{parse(func(m *flow.Match) {
			ip(m)
			m.SetExact(flow.FieldNwProto, flow.U(6))
			m.SetExact(flow.FieldTpDst, flow.U(0x8050))
		})}, func(k *flow.Match) {
			ip(k)
			k.SetExact(flow.FieldNwProto, flow.U(6))
			k.SetExact(flow.FieldTpDst, flow.U(0x0050))
		}, func(w *flow.Match) {
			w.SetExact(flow.FieldEthType, flow.U(0))
			w.SetExact(flow.FieldNwProto, flow.U(0))
			w.Set(flow.FieldTpDst, flow.U(0), flow.U(0x8000))
		}},
	} {
		tab := New[int]()
		for i, m := range c.rules {
			tab.Insert(NewRule[int](m, i), 1)
		}
		var key, want flow.Match
		c.key(&key)
		c.want(&want)
		var wc flow.Mask
		wc.SetExact(flow.FieldEthType)
		if r := tab.Lookup(1, &key.Key, &wc); r != nil {
			t.Errorf("%s: found %v", c.name, r)
		}
		if wc != want.Mask {
			t.Errorf("%s: mask %x, want %x", c.name, wc, want.Mask)
		}
	}
}

// TestConcurrent looks up rules that are always there while a writer changes others around them.
func TestConcurrent(t *testing.T) {
	tab := New[int]()
	var version atomic.Uint64
	version.Store(1)
	var keys []*flow.Key
	for i := range 64 {
		m := &flow.Match{}
		m.SetExact(flow.FieldInPort, flow.U(uint64(i)))
		m.SetExact(flow.FieldEthDst, flow.U(uint64(i)))
		r := NewRule[int](m, 10)
		r.Data = i
		tab.Insert(r, 1)
		keys = append(keys, &m.Key)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				v := version.Load()
				var wc flow.Mask
				r := tab.Lookup(v, keys[i%64], &wc)
				if r == nil || r.Data != i%64 {
					t.Errorf("lookup %d: got %v", i%64, r)
					return
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(1, 1))
	var mine []*rule
	for range 3000 {
		m := randomMatch(r)
		v := version.Load() + 1
		if old := tab.Find(v, m, 5); old == nil {
			nr := NewRule[int](m, 5)
			tab.Insert(nr, v)
			mine = append(mine, nr)
		}
		version.Store(v)
		if len(mine) > 40 {
			tab.Remove(mine[0])
			mine = mine[1:]
		}
	}
	close(stop)
	wg.Wait()
}

func fiveTuple(i int) *flow.Match {
	m := &flow.Match{}
	m.SetExact(flow.FieldEthType, flow.U(0x800))
	m.SetExact(flow.FieldNwSrc, flow.U(uint64(0x0a000000+i)))
	m.SetExact(flow.FieldNwDst, flow.U(uint64(0xc0a80000+i%251)))
	m.SetExact(flow.FieldNwProto, flow.U(17))
	m.SetExact(flow.FieldTpSrc, flow.U(uint64(i&0xffff)))
	m.SetExact(flow.FieldTpDst, flow.U(53))
	return m
}

func BenchmarkInsert100k(b *testing.B) {
	for range b.N {
		tab := New[int]()
		for i := range 100_000 {
			tab.Insert(NewRule[int](fiveTuple(i), 100), uint64(i))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/rule")
}

func BenchmarkLookup100k(b *testing.B) {
	tab := New[int]()
	var keys []flow.Key
	for i := range 100_000 {
		m := fiveTuple(i)
		if i%100 == 0 {
			keys = append(keys, m.Key)
		}
		tab.Insert(NewRule[int](m, 100), 1)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var wc flow.Mask
		if tab.Lookup(1, &keys[i%len(keys)], &wc) == nil {
			b.Fatal("miss")
		}
	}
}

// TestMemory holds the cost of a rule, without its actions, to 300 bytes.
func TestMemory(t *testing.T) {
	const n = 100_000
	heapNow := func() uint64 {
		runtime.GC()
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		return ms.HeapAlloc
	}
	before := heapNow()
	tab := New[int]()
	for i := range n {
		tab.Insert(NewRule[int](fiveTuple(i), 100), 1)
	}
	per := (heapNow() - before) / n
	t.Logf("%d bytes per rule", per)
	if per > 300 {
		t.Errorf("a rule takes %d bytes", per)
	}
	runtime.KeepAlive(tab)
}
