package actions_test

import (
	"encoding/binary"
	"math/rand"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"govs/actions"
	"govs/flow"
	"govs/packet"
)

// baseFlows are packets of each shape that can be edited.
var baseFlows = []string{
	"tcp,dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,nw_tos=4,nw_ecn=1,tp_src=1000,tp_dst=80,tcp_flags=psh",
	"udp,dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=80",
	"udp,nw_frag=first,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=80",
	"ip,nw_proto=17,nw_frag=later,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64",
	"sctp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,sctp_src=1000,sctp_dst=80",
	"icmp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,icmp_type=8,icmp_code=0",
	"tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,ipv6_label=0x12345,nw_ttl=64,nw_tos=8,tp_src=1000,tp_dst=80,tcp_flags=ack",
	"udp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=64,udp_src=1000,udp_dst=80",
	"icmp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=64,icmpv6_type=128,icmpv6_code=0",
	"icmp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=255,icmpv6_type=135,icmpv6_code=0,nd_target=fe80::3,nd_sll=50:54:00:00:00:05",
	"icmp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,nw_ttl=255,icmpv6_type=136,icmpv6_code=0,nd_target=fe80::3,nd_tll=50:54:00:00:00:05",
	"arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=50:54:00:00:00:05,arp_tha=00:00:00:00:00:00",
	"mpls,mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=1",
	"dl_type=0x1234,dl_src=50:54:00:00:00:05,dl_dst=50:54:00:00:00:07",
}

// editable lists what may change in a packet, given its key.
func editable(k *flow.Key) []flow.FieldID {
	ids := []flow.FieldID{flow.FieldEthSrc, flow.FieldEthDst, flow.FieldVlanTCI}
	later := k.NwFrag()&flow.FragLater != 0
	switch k.EthType() {
	case packet.EtherTypeIPv4:
		ids = append(ids, flow.FieldNwSrc, flow.FieldNwDst, flow.FieldNwTOS, flow.FieldNwTTL)
	case packet.EtherTypeIPv6:
		ids = append(ids, flow.FieldIPv6Src, flow.FieldIPv6Dst, flow.FieldNwTOS, flow.FieldNwTTL, flow.FieldIPv6Label)
	case packet.EtherTypeARP:
		return append(ids, flow.FieldNwSrc, flow.FieldNwDst, flow.FieldNwProto, flow.FieldARPSha, flow.FieldARPTha)
	case packet.EtherTypeMPLS:
		return append(ids, flow.FieldMPLSLabel, flow.FieldMPLSTTL)
	default:
		return ids
	}
	switch k.NwProto() {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoSCTP:
		if !later {
			ids = append(ids, flow.FieldTpSrc, flow.FieldTpDst)
		}
	case packet.ProtoICMPv6:
		if k.TpSrc() == packet.ND_NS || k.TpSrc() == packet.ND_NA {
			ids = append(ids, flow.FieldNDTarget, flow.FieldNDReserved)
			if k.NDSll() != 0 {
				ids = append(ids, flow.FieldNDSll)
			}
			if k.NDTll() != 0 {
				ids = append(ids, flow.FieldNDTll)
			}
		}
	}
	return ids
}

// makePacket composes the packet of k in p, with a right SCTP checksum too.
func makePacket(t testing.TB, p *packet.Buf, k *flow.Key, size int) {
	t.Helper()
	b, err := flow.Compose(k, size)
	if err != nil {
		t.Fatal(err)
	}
	if !p.SetData(b) {
		t.Fatal("packet too long")
	}
	if k.NwProto() == packet.ProtoSCTP {
		var x flow.Key
		_, l := flow.ExtractVLAN(p, 0, 2, &x)
		c := p.SCTPChecksum(int(l.L4), p.Len()-int(l.L4), packet.MakeCRC32c())
		binary.LittleEndian.PutUint32(p.Bytes()[int(l.L4)+packet.SCTPCsum:], c)
	}
}

// TestApply changes random fields, commits and applies, and compares the packet's key with what was wanted; checksums must still
// be right.
func TestApply(t *testing.T) {
	a, err := packet.NewArena(64, 2048)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var batch packet.Batch
	a.Alloc(&batch, 1)
	p := batch.Bufs[0]
	r := rand.New(rand.NewSource(1))
	for _, text := range baseFlows {
		start, err := flow.ParseFlow(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 400 {
			base := start
			for i := r.Intn(3); i > 0; i-- { // VLAN tags
				base[flow.WVLAN] = base[flow.WVLAN]>>32 | uint64(0x8100<<16|flow.VLANPresent|r.Intn(0xfff))<<32
			}
			size := 0
			if base.NwProto() != packet.ProtoSCTP {
				size = 120 + r.Intn(40)
			}
			makePacket(t, p, &base, size)
			var got flow.Key
			n, l := flow.ExtractVLAN(p, 0, 2, &got)
			got.ClearFrom(n)
			base = got
			now := base
			var mask flow.Mask
			for _, id := range editable(&base) {
				if r.Intn(3) == 0 {
					m := flow.Value{Hi: r.Uint64() | r.Uint64(), Lo: r.Uint64() | r.Uint64()}.And(id.Info().AllOnes())
					if id == flow.FieldVlanTCI {
						m = flow.U(0xffff)
					}
					v := base.Get(id).AndNot(m).Or(flow.Value{Hi: r.Uint64(), Lo: r.Uint64()}.And(m))
					switch id {
					case flow.FieldVlanTCI:
						switch r.Intn(3) {
						case 0:
							now[flow.WVLAN] <<= 32 // pop
							continue
						case 1:
							if base.VlanTCI1() == 0 { // push
								now[flow.WVLAN] = now[flow.WVLAN]>>32 | 0x88a8<<48
							}
						}
						v.Lo |= flow.VLANPresent
						now.SetVlanTCI(uint16(v.Lo))
						now.FixVLAN()
						continue
					case flow.FieldNwProto: // arp_op
						v = flow.U(1 + v.Lo%9)
					case flow.FieldNDSll, flow.FieldNDTll:
						v.Lo |= 1
					}
					mask.Set(id, m)
					now.Set(id, v)
				}
			}
			want := now
			list, _ := actions.Commit(&base, &now, &mask, nil, nil)
			if base != now {
				t.Fatalf("%s: base is %s, now is %s", text, base.String(), now.String())
			}
			if done, ok := list.Apply(p, &l); !ok || done != len(list) {
				t.Fatalf("%s: stopped at %d of %s", text, done, list)
			}
			var out flow.Key
			n, after := flow.ExtractVLAN(p, 0, 2, &out)
			out.ClearFrom(n)
			if out != want {
				t.Fatalf("%s\n%s\n got %s\nwant %s", text, list, out.String(), want.String())
			}
			if after != l {
				t.Fatalf("%s\n%s: layers %v, extracted %v", text, list, l, after)
			}
			checkSums(t, text+" "+list.String(), p.Contents())
		}
	}
}

// checkSums compares all checksums in a frame with gopacket's; those of first fragments cover what is there.
func checkSums(t *testing.T, what string, b []byte) {
	t.Helper()
	g := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: false, NoCopy: true})
	var ls []gopacket.SerializableLayer
	var network gopacket.NetworkLayer
	for _, l := range g.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			if l.Flags&layers.IPv4MoreFragments != 0 && l.FragOffset == 0 {
				return // gopacket does not look into fragments
			}
			network = l
		case *layers.IPv6:
			network = l
		case *layers.TCP:
			if err := l.SetNetworkLayerForChecksum(network); err != nil {
				t.Fatal(err)
			}
		case *layers.UDP:
			if err := l.SetNetworkLayerForChecksum(network); err != nil {
				t.Fatal(err)
			}
		case *layers.ICMPv6:
			if err := l.SetNetworkLayerForChecksum(network); err != nil {
				t.Fatal(err)
			}
		case *layers.MPLS:
			return
		}
		s, ok := l.(gopacket.SerializableLayer)
		if !ok {
			s = gopacket.Payload(l.LayerContents())
		}
		ls = append(ls, s)
		if _, ok := l.(*layers.ICMPv6); ok {
			ls = append(ls, gopacket.Payload(l.LayerPayload()))
			break
		}
	}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{ComputeChecksums: true}, ls...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if got := buf.Bytes(); string(got[:min(len(got), len(b))]) != string(b[:min(len(got), len(b))]) {
		t.Fatalf("%s\npacket  %x\nrebuilt %x", what, b, got)
	}
}
