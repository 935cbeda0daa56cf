package openflow

import (
	"testing"

	"govs/flow"
)

// benchFlow is a five-tuple flow.
func benchFlow(b *testing.B) FlowStats {
	m, err := flow.ParseMatch("tcp,in_port=1,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=5,tp_dst=80", nil)
	if err != nil {
		b.Fatal(err)
	}
	return FlowStats{Match: m, Priority: 10, IdleAge: 5, HardAge: -1, Actions: []Action{&Output{Port: 2}}}
}

// BenchmarkFlowStats is the cost of one flow in a dump-flows reply.
func BenchmarkFlowStats(b *testing.B) {
	for _, v := range []Version{OF10, OF13} {
		b.Run(v.String(), func(b *testing.B) {
			r := &FlowStatsReply{NX: v == OF10, Flows: make([]FlowStats, 1000)}
			for i := range r.Flows {
				r.Flows[i] = benchFlow(b)
			}
			var buf []byte
			var err error
			for i := 0; i < b.N; i += len(r.Flows) {
				if buf, err = Append(buf[:0], &Msg{Version: v, Body: r}, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecodeFlowMod is the cost of reading one flow_mod.
func BenchmarkDecodeFlowMod(b *testing.B) {
	for _, v := range []Version{OF10, OF13} {
		b.Run(v.String(), func(b *testing.B) {
			f := benchFlow(b)
			fm := &FlowMod{Priority: 10, Match: f.Match, Actions: f.Actions, BufferID: NoBuffer, OutPort: PortNone, OutGroup: GroupAny}
			buf, err := Append(nil, &Msg{Version: v, Body: fm}, Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(buf, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
