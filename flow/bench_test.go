package flow_test

import (
	"fmt"
	"testing"

	"govs/flow"
	"govs/packet"
)

// BenchmarkExtract measures whole Extracts of packets that lie in the cache, in bursts.
func BenchmarkExtract(b *testing.B) {
	for _, text := range []string{
		"udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=80",
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_src=1000,tp_dst=80",
		"udp,dl_vlan=5,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=80",
		"tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=64,tp_src=1000,tp_dst=80",
		"arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2",
	} {
		k, err := flow.ParseFlow(text, nil)
		if err != nil {
			b.Fatal(err)
		}
		p, err := flow.Compose(&k, 0)
		if err != nil {
			b.Fatal(err)
		}
		name := "other"
		fmt.Sscanf(text, "%s", &name)
		b.Run(text[:20], func(b *testing.B) {
			a, err := packet.NewArena(64, 2048)
			if err != nil {
				b.Fatal(err)
			}
			batch := packet.NewBatch()
			a.Alloc(batch, packet.BatchSize)
			for i := 0; i < batch.N; i++ {
				batch.Bufs[i].SetData(p)
			}
			var keys [packet.BatchSize]flow.Key
			var lens [packet.BatchSize]uint8
			var ls [packet.BatchSize]flow.Layers
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += packet.BatchSize {
				flow.ExtractBatch(batch, 1, 1, &keys, &lens, &ls)
			}
		})
	}
}
