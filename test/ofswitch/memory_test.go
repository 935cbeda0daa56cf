package ofswitch

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"govs/dpif"
	"govs/flow"
	"govs/ofproto"
	"govs/openflow"
	"govs/ports/dummy"
)

// maxMegaflowBytes is what a megaflow may take in all: in the datapath's tables, in its record of the flow, and in ofproto's.
const maxMegaflowBytes = 512

// tuples is a kind of packets that have a megaflow each.
type tuples struct {
	name  string
	match string // what they have in common
	frame []byte
	addr  int // where in frame the 32 bits are that tell them apart
	set   func(m *flow.Match, i uint32)
}

var tupleKinds = []tuples{
	{
		"IPv4", "udp,in_port=1,tp_dst=53,nw_dst=10.1.2.3,tp_src=7",
		frame(macB, macA, "0800 4500 0028 0000 0000 4011 0000 0b000000 0a010203 0007 0035 0014 0000"), 26,
		func(m *flow.Match, i uint32) {
			m.Key.SetNwSrc(i)
			m.Mask.SetNwSrc(^uint32(0))
		},
	},
	{
		"IPv6", "tcp6,in_port=1,tp_dst=53,ipv6_dst=2001:db8::1,tp_src=7",
		frame(macB, macA, "86dd 60000000 0014 06 40 20010db8000000000000000100000000 20010db8000000000000000000000001"+
			"0007 0035 00000000 00000000 5002 0000 0000 0000"), 34,
		func(m *flow.Match, i uint32) {
			m.Key[flow.WIPv6Src], m.Key[flow.WIPv6Src+1] = 0x20010db800000000, 1<<32|uint64(i)
			m.Mask[flow.WIPv6Src], m.Mask[flow.WIPv6Src+1] = ^uint64(0), ^uint64(0)
		},
	},
}

// missRig is a switch with a rule for each of n packets of a kind.
type missRig struct {
	*rig
	port  *dummy.Port
	kind  *tuples
	limit int
}

func newMissRig(t testing.TB, kind *tuples, n int) *missRig {
	r := &missRig{rig: newRig(t), kind: kind, limit: 2 * n}
	b := r.bridge("br0")
	r.port = r.rig.port(b, "p1", 1, ofproto.BundleConfig{})
	r.rig.port(b, "p2", 2, ofproto.BundleConfig{}).KeepSent(false)
	for i := range n {
		m := match(kind.match)
		kind.set(&m, uint32(i))
		mod(t, b, openflow.FlowMod{Match: m, Priority: 10, Actions: out(2)})
	}
	r.setLimit()
	return r
}

// setLimit keeps the flow limit from adapting to the time that revalidation takes.
func (r *missRig) setLimit() { r.command("upcall/set-flow-limit", fmt.Sprint(r.limit)) }

// send sends the packets [from, to), no more at once than may wait for verdicts.
func (r *missRig) send(from, to int) {
	f := r.kind.frame
	for i := from; i < to; i++ {
		binary.BigEndian.PutUint32(f[r.kind.addr:], uint32(i))
		for r.port.Inject(0, f) != nil {
			r.settle()
		}
		if i%512 == 0 {
			r.settle()
			r.setLimit()
		}
	}
	r.settle()
}

// TestMemoryPerMegaflow lets packets make 200,000 megaflows of a five-tuple each, and measures what each takes.
func TestMemoryPerMegaflow(t *testing.T) {
	const warm, n = 20_000, 200_000
	if testing.Short() {
		t.Skip("-short: 220,000 rules and as many packets")
	}
	for _, kind := range tupleKinds {
		t.Run(kind.name, func(t *testing.T) {
			r := newMissRig(t, &kind, warm+n)
			// Half-used pages and tables that double count for little beside so many flows.
			measure := func() (heap int64, outside int64, flows int) {
				runtime.GC()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				flows, off := r.dp.Memory()
				return int64(m.HeapAlloc), int64(off), flows
			}
			r.send(0, warm)
			h0, o0, n0 := measure()
			r.send(warm, warm+n)
			h1, o1, n1 := measure()
			made := int64(n1 - n0)
			if made < n*9/10 {
				t.Fatalf("%d megaflows were made, want %d", made, n)
			}
			words := 0
			r.dp.Flows(func(f *dpif.Flow) bool {
				for _, w := range f.Mask {
					if w != 0 {
						words++
					}
				}
				return false
			})
			heap, outside := (h1-h0)/made, (o1-o0)/made
			t.Logf("%d megaflows of %d key words: %d bytes of heap and %d outside each", made, words, heap, outside)
			if heap < 100 || outside < 64 || heap+outside > maxMegaflowBytes {
				t.Errorf("%d + %d bytes, want at most %d", heap, outside, maxMegaflowBytes)
			}
			runtime.KeepAlive(r)
		})
	}
}

// BenchmarkMegaflow counts what is allocated for a megaflow from its first packet to its removal: in the heap of the whole switch,
// by the miss (with all that it leaves behind) and by the removal. What a packet costs that makes none is subtracted.
func BenchmarkMegaflow(b *testing.B) {
	const n = 100_000
	for _, kind := range tupleKinds {
		b.Run(kind.name, func(b *testing.B) {
			r := newMissRig(b, &kind, n)
			var m runtime.MemStats
			// allocated is bytes and objects allocated by f for each of n.
			allocated := func(f func()) (bytes, objects float64) {
				runtime.ReadMemStats(&m)
				b0, o0 := m.TotalAlloc, m.Mallocs
				f()
				runtime.ReadMemStats(&m)
				return float64(m.TotalAlloc-b0) / n, float64(m.Mallocs-o0) / n
			}
			var sum [4]float64
			rounds := 0.0
			for b.Loop() {
				mb, mo := allocated(func() { r.send(0, n) })
				if flows, _ := r.dp.Memory(); flows < n*9/10 {
					b.Fatalf("%d megaflows", flows)
				}
				hb, ho := allocated(func() { r.send(0, n) })
				rb, ro := allocated(func() { r.command("revalidator/purge") })
				for i, v := range [4]float64{mb - hb, mo - ho, rb, ro} {
					sum[i] += v
				}
				rounds++
			}
			for i, unit := range [4]string{"B/miss", "allocs/miss", "B/removal", "allocs/removal"} {
				b.ReportMetric(sum[i]/rounds, unit)
			}
		})
	}
}
