package ofswitch

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"govs/dpif"
	"govs/ofproto"
	"govs/openflow"
)

// maxMegaflowBytes is what a megaflow may take in all: in the datapath's tables, in its record of the flow, and in ofproto's.
const maxMegaflowBytes = 512

// TestMemoryPerMegaflow lets packets make 200,000 megaflows of a five-tuple each, and measures what each takes.
func TestMemoryPerMegaflow(t *testing.T) {
	const warm, n = 20_000, 200_000
	if testing.Short() {
		t.Skip("-short: 220,000 rules and as many packets")
	}
	r := newRig(t)
	b := r.bridge("br0")
	p := r.port(b, "p1", 1, ofproto.BundleConfig{})
	r.port(b, "p2", 2, ofproto.BundleConfig{}).KeepSent(false)
	r.command("upcall/set-flow-limit", fmt.Sprint(2*(warm+n)))
	for i := range warm + n {
		m := match("udp,in_port=1,tp_dst=53,nw_dst=10.1.2.3,tp_src=7")
		m.Key.SetNwSrc(0x0b000000 + uint32(i))
		m.Mask.SetNwSrc(^uint32(0))
		mod(t, b, openflow.FlowMod{Match: m, Priority: 10, Actions: out(2)})
	}
	f := frame(macB, macA, "0800 4500 0028 0000 0000 4011 0000 0b000000 0a010203 0007 0035 0014 0000")
	send := func(from, to int) {
		for i := from; i < to; i++ {
			binary.BigEndian.PutUint32(f[26:], 0x0b000000+uint32(i))
			for p.Inject(0, f) != nil {
				r.settle()
			}
			if i%512 == 0 { // no more than may wait for verdicts
				r.settle()
				r.command("upcall/set-flow-limit", fmt.Sprint(2*(warm+n))) // it adapts to the time that revalidation takes
			}
		}
		r.settle()
	}
	// Half-used pages and tables that double count for little beside so many flows.
	measure := func() (heap int64, outside int64, flows int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		flows, off := r.dp.Memory()
		return int64(m.HeapAlloc), int64(off), flows
	}
	send(0, warm)
	h0, o0, n0 := measure()
	send(warm, warm+n)
	h1, o1, n1 := measure()
	made := int64(n1 - n0)
	if made < n*9/10 {
		t.Fatalf("%d megaflows were made, want %d", made, n)
	}
	words := 0
	r.dp.Flows(func(f *dpif.Flow) bool { words = len(f.Words); return false })
	heap, outside := (h1-h0)/made, (o1-o0)/made
	t.Logf("%d megaflows of %d key words: %d bytes of heap and %d outside each", made, words, heap, outside)
	if heap < 100 || outside < 64 || heap+outside > maxMegaflowBytes {
		t.Errorf("%d + %d bytes, want at most %d", heap, outside, maxMegaflowBytes)
	}
	runtime.KeepAlive(r)
}
