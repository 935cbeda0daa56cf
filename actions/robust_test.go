package actions_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"govs/actions"
	"govs/flow"
	"govs/packet"
)

// edits has each kind of edit once.
const edits = "set(eth(src=00:11:22:33:44:55,dst=00:11:22:33:44:66)),set(eth(dst=00:11:22:33:44:66)),set(ipv4(src=1.2.3.4,dst=5.6.7.8,tos=0x10,ttl=3))," +
	"set(ipv6(src=::1,dst=::2,label=0x5,tclass=0x10,hlimit=3)),set(tcp(src=5,dst=6)),set(udp(src=5,dst=6)),set(sctp(src=5,dst=6)),set(icmp(type=1,code=2))," +
	"set(icmpv6(type=1,code=2)),set(arp(sip=1.2.3.4,tip=2.3.4.5,op=1,sha=00:11:22:33:44:55,tha=00:11:22:33:44:66))," +
	"set(nd(target=::1,sll=00:11:22:33:44:55,tll=00:11:22:33:44:66)),set(nd_ext(nd_reserved=0x1,nd_options_type=1)),set(mpls(label=5,tc=1,ttl=3,bos=1))," +
	"set(vlan(vid=3,pcp=4)),push_vlan(vid=10,pcp=3),pop_vlan,push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800)," +
	"push_eth(src=00:11:22:33:44:55,dst=00:11:22:33:44:66),pop_eth"

// applyTo applies one edit to a packet whose buffer is filled with a pattern, and checks that only the packet and its headroom
// change.
func applyTo(t *testing.T, p *packet.Buf, data []byte, a *actions.Action, lie bool) {
	t.Helper()
	p.Reset()
	room := p.Append(1024)
	for i := range room {
		room[i] = 0xa5
	}
	p.Trim(len(data))
	copy(p.Bytes(), data)
	var k flow.Key
	_, l := flow.ExtractVLAN(p, 0, 2, &k)
	if lie { // layers of another packet: nothing may be written outside
		l = flow.Layers{L25: 14, L3: 14, L4: 34, Payload: 42}
	}
	a.Apply(p, &l)
	rest := 1024 - len(data)
	if tail := p.Append(rest); !bytes.Equal(tail, bytes.Repeat([]byte{0xa5}, rest)) {
		t.Fatalf("%s wrote behind the packet %x", a.AppendText(nil, nil), data)
	}
}

// FuzzApply applies every edit to arbitrary bytes.
func FuzzApply(f *testing.F) {
	for _, text := range baseFlows {
		k, err := flow.ParseFlow(text, nil)
		if err != nil {
			f.Fatal(err)
		}
		b, err := flow.Compose(&k, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		for i := range b {
			f.Add(b[:i])
		}
	}
	list, err := actions.Parse(edits, nil)
	if err != nil {
		f.Fatal(err)
	}
	a, err := packet.NewArena(8, 2048)
	if err != nil {
		f.Fatal(err)
	}
	var b packet.Batch
	a.Alloc(&b, 1)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1000 {
			return
		}
		for i := range list {
			applyTo(t, b.Bufs[0], data, &list[i], false)
			applyTo(t, b.Bufs[0], data, &list[i], true)
		}
	})
}

// TestUDPChecksum checks the rules for a UDP checksum of zero (RFC 768).
func TestUDPChecksum(t *testing.T) {
	a, err := packet.NewArena(8, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var b packet.Batch
	a.Alloc(&b, 1)
	p := b.Bufs[0]
	k, err := flow.ParseFlow("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=80", nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := actions.Parse("set(ipv4(dst=10.0.0.9)),set(udp(dst=81))", nil)
	if err != nil {
		t.Fatal(err)
	}
	const csum = 34 + packet.UDPCsum
	apply := func() uint16 {
		var x flow.Key
		_, l := flow.Extract(p, 0, &x)
		list.Apply(p, &l)
		return binary.BigEndian.Uint16(p.Bytes()[csum:])
	}
	makePacket(t, p, &k, 0)
	binary.BigEndian.PutUint16(p.Bytes()[csum:], 0)
	if c := apply(); c != 0 {
		t.Errorf("a packet without a checksum got %#x", c)
	}
	// Find the payload for which the edited packet's checksum computes to zero.
	makePacket(t, p, &k, 0)
	c := apply()
	makePacket(t, p, &k, 0)
	pay := p.Bytes()[42:]
	binary.BigEndian.PutUint16(pay, packet.Fold(uint32(^binary.BigEndian.Uint16(pay))+uint32(^c)))
	seg := p.Bytes()[34:]
	binary.BigEndian.PutUint16(seg[packet.UDPCsum:], 0)
	binary.BigEndian.PutUint16(seg[packet.UDPCsum:], packet.Fold(packet.Sum(seg, packet.PseudoIPv4(p.Bytes()[14:], 17, len(seg)))))
	if c := apply(); c != 0xffff {
		t.Errorf("a checksum of zero is stored as %#x", c)
	}
}

// TestNoHeadroom checks that a push without room fails and leaves the packet alone.
func TestNoHeadroom(t *testing.T) {
	a, err := packet.NewArena(8, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var b packet.Batch
	a.Alloc(&b, 1)
	p := b.Bufs[0]
	p.Append(100)
	p.Push(p.HeadRoom() - 3)
	for _, text := range []string{"push_vlan(vid=1,pcp=0)", "push_mpls(label=5,tc=1,ttl=3,bos=1,eth_type=0x8847)", "push_eth(src=00:11:22:33:44:55,dst=00:11:22:33:44:66)"} {
		list, err := actions.Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := flow.Layers{L25: flow.NoLayer, L3: 14, L4: flow.NoLayer, Payload: flow.NoLayer}
		n := p.Len()
		if done, ok := list.Apply(p, &l); ok || done != 0 || p.Len() != n || l.L3 != 14 {
			t.Errorf("%s: %d done, %v, length %d, layers %v", text, done, ok, p.Len(), l)
		}
	}
}

// BenchmarkApplyBatch measures edits of bursts of packets in the cache; ns/op is per packet.
func BenchmarkApplyBatch(b *testing.B) {
	for _, text := range []string{"set(eth(src=00:11:22:33:44:55,dst=00:11:22:33:44:66))", "set(ipv4(src=1.2.3.4,dst=5.6.7.8))", "set(ipv4(ttl=3))", "set(udp(src=5,dst=6))",
		"push_vlan(vid=10,pcp=3),pop_vlan"} {
		b.Run(text, func(b *testing.B) {
			a, err := packet.NewArena(64, 2048)
			if err != nil {
				b.Fatal(err)
			}
			batch := packet.NewBatch()
			a.Alloc(batch, packet.BatchSize)
			k, err := flow.ParseFlow("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_src=1000,udp_dst=80", nil)
			if err != nil {
				b.Fatal(err)
			}
			var ls [packet.BatchSize]flow.Layers
			for i := 0; i < batch.N; i++ {
				makePacket(b, batch.Bufs[i], &k, 0)
				var x flow.Key
				_, ls[i] = flow.Extract(batch.Bufs[i], 0, &x)
			}
			list, err := actions.Parse(text, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += packet.BatchSize {
				for j := range list {
					list[j].ApplyBatch(batch.Bufs[:], ls[:])
				}
			}
		})
	}
}

// TestApplyLikeOriginal applies the original's actions to what it received and compares the frame with what it sent.
func TestApplyLikeOriginal(t *testing.T) {
	a, err := packet.NewArena(8, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var b packet.Batch
	a.Alloc(&b, 1)
	for _, line := range goldenLines(t, "apply.txt") {
		f := strings.Split(line, "\t")
		in, err := hex.DecodeString(f[0])
		if err != nil {
			t.Fatal(err)
		}
		list, err := actions.Parse(f[1], nil)
		if err != nil {
			t.Fatalf("%s: %v", f[1], err)
		}
		p := b.Bufs[0]
		p.SetData(in)
		var k flow.Key
		_, l := flow.Extract(p, 1, &k)
		for i := range list {
			if list[i].IsEdit() {
				list[i].Apply(p, &l)
			}
		}
		if got := hex.EncodeToString(p.Contents()); got != f[2] {
			t.Errorf("%s\nframe %s\n got %s\nwant %s", f[1], f[0], got, f[2])
		}
	}
}
