package dpif

import (
	"reflect"
	"testing"

	"govs/flow"
)

func fiveTuple() *flow.Mask {
	m := &flow.Mask{}
	m[flow.WInPort], m[flow.WEthDst], m[flow.WIPv4], m[flow.WL4] = ^uint64(0), 0xffff, ^uint64(0), 0xff000000ffffffff
	return m
}

// TestFlowKey: a flow has the whole key that it was made for, whatever its length, and the key under its mask.
func TestFlowKey(t *testing.T) {
	var k flow.Key
	for i := range k {
		k[i] = uint64(i+1) * 0x9e3779b97f4a7c15
	}
	for n := 1; n <= flow.Words; n++ {
		f := NewFlow(3, &k, n, nil, t)
		f.Mask = fiveTuple()
		if len(f.Whole()) != n || cap(f.Whole()) != n || f.Poller != 3 || f.Owner != t || f.Actions.Load() == nil {
			t.Fatalf("%d words: %+v", n, f)
		}
		got := f.Key()
		for i, w := range got {
			want := k[i] & f.Mask[i]
			if i >= n {
				want = 0
			} else if f.Whole()[i] != k[i] {
				t.Fatalf("%d words: word %d is %x, want %x", n, i, f.Whole()[i], k[i])
			}
			if w != want {
				t.Fatalf("%d words: word %d of the key is %x, want %x", n, i, w, want)
			}
		}
	}
}

// TestUFID: what the mask leaves out makes no difference to a flow's name, and what it has does.
func TestUFID(t *testing.T) {
	of := func(f func(k *flow.Key, m *flow.Mask)) UFID {
		k, m := flow.Key{1 << 32, 0x800, 3, 4, 5, 6}, fiveTuple()
		f(&k, m)
		x := NewFlow(0, &k, flow.LenBase, nil, nil)
		x.Mask = m
		return x.UFID()
	}
	u := of(func(*flow.Key, *flow.Mask) {})
	if u[6]>>4 != 4 || u[8]>>6 != 2 {
		t.Errorf("%x is no UUID of version 4", u)
	}
	if of(func(k *flow.Key, _ *flow.Mask) { k[flow.WEthSrc]++ }) != u {
		t.Error("the name depends on a word that the mask lacks")
	}
	if of(func(k *flow.Key, _ *flow.Mask) { k[flow.WIPv4]++ }) == u {
		t.Error("the name does not depend on the key")
	}
	if of(func(_ *flow.Key, m *flow.Mask) { m[flow.WEthSrc]++ }) == u {
		t.Error("the name does not depend on the mask")
	}
}

// TestFlowSize holds a Flow of the usual shapes to one allocation, of a size that the allocator has.
func TestFlowSize(t *testing.T) {
	if n := reflect.TypeFor[flowBase]().Size(); n > 128 {
		t.Errorf("a flow of the base shape takes %d bytes", n)
	}
	if n := reflect.TypeFor[flowIPv6]().Size(); n > 176 {
		t.Errorf("a flow with IPv6 takes %d bytes", n)
	}
	var k flow.Key
	a := NewFlow(0, &k, 1, nil, nil).Actions.Load()
	for _, n := range []int{flow.LenBase, flow.LenIPv6} {
		if got := testing.AllocsPerRun(100, func() { sink = NewFlow(0, &k, n, a, nil) }); got != 1 {
			t.Errorf("a flow of %d words takes %v allocations", n, got)
		}
	}
}

var sink *Flow
