package pmd

import (
	"runtime"
	"testing"

	"govs/dpif"
	"govs/flow"
)

// maxFlowBytes is what one megaflow may cost here, so that with ofproto's record of it it stays within 512 bytes.
const maxFlowBytes = 300

// TestMemoryPerFlow installs many flows and measures what they take, in the Go heap and outside.
func TestMemoryPerFlow(t *testing.T) {
	const n = 50000
	r := newRig(t, nil)
	r.port(1, "dummy")
	a := outputs(2)
	put := func(i int) {
		var k flow.Key
		k[flow.WInPort] = 1 << 32
		k[flow.WEthDst] = 0x0800
		k[flow.WIPv4] = uint64(i)
		if err := r.d.FlowPut(dpif.NonPMD, &k, fiveTuple(), a); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2000 { // fixed costs
		put(i)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, off := r.d.Memory()
	for i := 2000; i < 2000+n; i++ {
		put(i)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	flows, offNow := r.d.Memory()
	heap := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	outside := int64(offNow-off) / n
	t.Logf("a flow takes %d bytes of heap and %d outside", heap, outside)
	if flows != n+2000 || heap <= 0 || outside < 64 || heap+outside > maxFlowBytes {
		t.Errorf("%d flows of %d + %d bytes, more than %d", flows, heap, outside, maxFlowBytes)
	}
	runtime.KeepAlive(r)
}
