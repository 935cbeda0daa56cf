package ofswitch

import (
	"testing"
	"time"

	"govs/flow"
	"govs/openflow"
)

// TestDumpManyFlows holds the time to list 100,000 flows, and to encode the list.
func TestDumpManyFlows(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	const n = 100_000
	begin := time.Now()
	for i := range n {
		var m flow.Match
		m.SetExact(flow.FieldEthType, flow.U(0x800))
		m.SetExact(flow.FieldNwSrc, flow.U(uint64(0x0a000000+i)))
		mod(t, b, openflow.FlowMod{Match: m, Priority: 10, Actions: out(2)})
	}
	t.Logf("%v a rule", time.Since(begin)/n)
	begin = time.Now()
	bodies, err := b.Handle(nil, &openflow.Msg{Version: openflow.OF10, Body: &openflow.FlowStatsRequest{
		NX: true, Table: openflow.TableAll, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny,
	}})
	if err != nil {
		t.Fatal(err)
	}
	listed := time.Since(begin)
	begin = time.Now()
	flows, bytes := 0, 0
	for _, body := range bodies {
		body.(*openflow.FlowStatsReply).Each(func(*openflow.FlowStats) bool { flows++; return true })
		wire, err := openflow.Append(nil, &openflow.Msg{Version: openflow.OF10, Body: body}, openflow.Options{})
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(wire)
	}
	t.Logf("%d flows listed in %v, encoded in %v to %d bytes", flows, listed, time.Since(begin), bytes)
	if flows != n+1 {
		t.Errorf("%d flows listed, want %d", flows, n+1)
	}
}
