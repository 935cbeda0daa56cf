package xlate

import (
	"math/rand/v2"
	"testing"

	"govs/classifier/oftable"
	"govs/dpif"
	"govs/flow"
	"govs/openflow"
)

// testSwitch is a bridge of four ports, the last of which is a patch port to a second bridge.
func testSwitch(r *rand.Rand) *Snapshot {
	snap := &Snapshot{ByDP: make([]*Port, 8)}
	mk := func(name string) *Bridge {
		st := &BridgeState{Name: name, MAC: NewMACTable(func(uint32) {}), Hooks: &Hooks{}}
		st.Version.Store(1)
		g := map[uint32]*Group{}
		st.Groups.Store(&g)
		for _, k := range []struct {
			p    **Rule
			kind RuleKind
		}{{&st.Miss, RuleMiss}, {&st.NoPktIn, RuleNoPacketIn}, {&st.DropFrag, RuleDropFrags}} {
			*k.p = oftable.NewRule[RuleData](&flow.Match{}, 0)
			(*k.p).Data = RuleData{Kind: k.kind, Stats: &RuleStats{}}
		}
		b := &Bridge{State: st, Snap: snap, VLANLimit: 1, FloodVLANs: map[uint16]bool{}}
		snap.Bridges = append(snap.Bridges, b)
		return b
	}
	br0, br1 := mk("br0"), mk("br1")
	add := func(b *Bridge, no int, dp dpif.PortNo, mode VLANMode, vlan int) *Port {
		p := &Port{Bridge: b, Name: string(rune('a' + no)), No: openflow.Port(no), DP: dp, LinkUp: true, Counters: &Counters{}}
		bu := &Bundle{State: &BundleState{}, Name: p.Name, Ports: []*Port{p}, Mode: mode, VLAN: vlan, Floodable: true}
		bu.State.Cur.Store(bu)
		p.Bundle = bu
		b.Bundles = append(b.Bundles, bu)
		b.AddPort(p)
		if dp != DPNone {
			snap.ByDP[dp] = p
		}
		return p
	}
	add(br0, 1, 1, VLANTrunk, -1)
	add(br0, 2, 2, VLANAccess, 5)
	add(br0, 3, 3, VLANNativeUntagged, 5)
	p4 := add(br0, 4, DPNone, VLANTrunk, -1)
	q1 := add(br1, 1, DPNone, VLANTrunk, -1)
	add(br1, 2, 5, VLANTrunk, -1)
	p4.Patch, q1.Patch, p4.Peer, q1.Peer = true, true, q1, p4
	for i := range 4 {
		br0.State.MAC.Learn(uint16(i%2*5), 0x020000000000+uint64(i), br0.Bundles[i].State, 1)
	}
	fillTables(r, br0)
	fillTables(r, br1)
	return snap
}

// choice returns one of a list.
func choice[T any](r *rand.Rand, l ...T) T { return l[r.IntN(len(l))] }

func randomRule(r *rand.Rand) *flow.Match {
	m := &flow.Match{}
	maybe := func(id flow.FieldID, masks []uint64, values ...uint64) {
		if r.IntN(4) == 0 {
			m.Set(id, flow.U(choice(r, values...)), flow.U(choice(r, masks...)))
		}
	}
	full := []uint64{^uint64(0)}
	maybe(flow.FieldInPort, full, 1, 2, 3)
	maybe(flow.FieldEthDst, []uint64{^uint64(0), 0x010000000000, 0xfffffffffffe}, 0x020000000000, 0x020000000001, 0x020000000002, 0xffffffffffff)
	maybe(flow.FieldEthSrc, []uint64{^uint64(0), 0xff}, 0x020000000000, 0x020000000001, 0x020000000003)
	maybe(flow.FieldVlanTCI, []uint64{0x1fff, 0x1000, 0xffff}, 0, 0x1005, 0x2006|0x1000)
	maybe(flow.FieldReg0, full, 0, 1, 2)
	if r.IntN(2) == 0 {
		return m
	}
	t := choice[uint64](r, 0x800, 0x86dd, 0x806)
	m.SetExact(flow.FieldEthType, flow.U(t))
	switch t {
	case 0x800:
		maybe(flow.FieldNwSrc, []uint64{0xffffffff, 0xffffff00, 0xff000000, 0xfffffff8}, 0x0a000001, 0x0a000101, 0x0b000001, 0xc0000001)
		maybe(flow.FieldNwDst, []uint64{0xffffffff, 0xffff0000, 0xf0000000}, 0x0a000001, 0x0a010001, 0xc0000001)
		maybe(flow.FieldNwTTL, full, 1, 64)
		maybe(flow.FieldNwTOS, []uint64{0xfc}, 0, 0x10)
		if r.IntN(2) == 0 {
			m.SetExact(flow.FieldNwProto, flow.U(choice[uint64](r, 6, 17)))
			maybe(flow.FieldTpSrc, []uint64{0xffff, 0xff00}, 1, 2, 0x1001)
			maybe(flow.FieldTpDst, []uint64{0xffff, 0xfff0}, 1, 2, 0x8001)
		}
	case 0x86dd:
		if r.IntN(2) == 0 {
			m.Set(flow.FieldIPv6Dst, flow.Value{Hi: choice[uint64](r, 0x20010db800000000, 0x20010db900000000), Lo: choice[uint64](r, 1, 2)},
				flow.Value{Hi: ^uint64(0), Lo: choice(r, 0, ^uint64(0))})
		}
	case 0x806:
		maybe(flow.FieldNwProto, full, 1, 2)
		maybe(flow.FieldNwDst, full, 0x0a000001)
	}
	return m
}

func randomActions(r *rand.Rand, table int) (l []openflow.Action) {
	set := func(f flow.FieldID, v uint64) openflow.Action {
		return &openflow.SetField{Field: f, Value: flow.U(v), Mask: f.Info().AllOnes()}
	}
	for range r.IntN(4) {
		switch r.IntN(16) {
		case 0, 1, 2:
			l = append(l, &openflow.Output{Port: choice[openflow.Port](r, 1, 2, 3, 4, openflow.PortInPort)})
		case 3, 4:
			l = append(l, &openflow.Output{Port: openflow.PortNormal})
		case 5:
			l = append(l, &openflow.Output{Port: openflow.PortFlood})
		case 6, 7:
			if table < 3 {
				l = append(l, &openflow.Resubmit{InPort: openflow.PortInPort, Table: uint8(table + 1)})
			}
		case 8:
			l = append(l, set(flow.FieldReg0, uint64(r.IntN(3))))
		case 9:
			l = append(l, set(flow.FieldEthDst, 0x020000000002))
		case 10:
			l = append(l, set(flow.FieldNwSrc, 0x0a000001))
		case 11:
			l = append(l, &openflow.SetVLANVID{VID: uint16(r.IntN(3)), PushIfMissing: true})
		case 12:
			l = append(l, &openflow.StripVLAN{})
		case 13:
			l = append(l, &openflow.PushVLAN{EthType: 0x8100})
		case 14:
			l = append(l, &openflow.DecTTL{})
		case 15:
			l = append(l, &openflow.RegMove{Src: openflow.Subfield{Field: flow.FieldEthSrc, NBits: 8}, Dst: openflow.Subfield{Field: flow.FieldReg0, NBits: 8}})
		}
	}
	return l
}

func fillTables(r *rand.Rand, b *Bridge) {
	for id := range 4 {
		t := &Table{Rules: oftable.New[RuleData]()}
		t.Miss.Store(MissDefault)
		for i := range 1 + r.IntN(12) {
			m, prio := randomRule(r), r.IntN(6)<<16|i
			if t.Rules.Find(1, m, prio) == nil {
				rule := oftable.NewRule[RuleData](m, prio)
				rule.Data = RuleData{Stats: &RuleStats{}, Actions: randomActions(r, id), Table: uint8(id)}
				t.Rules.Insert(rule, 1)
			}
		}
		b.State.Tables[id].Store(t)
	}
}

// randomPacket is the key of a packet that could be received.
func randomPacket(r *rand.Rand) *flow.Key {
	k := &flow.Key{}
	k.SetInPort(choice[uint32](r, 1, 2, 3, 5))
	k.SetEthSrc(choice[uint64](r, 0x020000000000, 0x020000000001, 0x020000000003, 0x0a0000000000))
	k.SetEthDst(choice[uint64](r, 0x020000000000, 0x020000000001, 0x020000000002, 0x020000000003, 0xffffffffffff, 0x0180c2000000))
	k.SetEthType(choice[uint16](r, 0x800, 0x800, 0x86dd, 0x806, 0x1234))
	if r.IntN(2) == 0 {
		k.SetVlanTPID0(0x8100)
		k.SetVlanTCI(flow.VLANPresent | choice[uint16](r, 0, 5, 6, 0x6005))
	}
	switch k.EthType() {
	case 0x800:
		k.SetNwSrc(choice[uint32](r, 0x0a000001, 0x0a000002, 0x0a000101, 0x0b000001, 0xc0000001, 0x0a800001))
		k[flow.WIPv4] |= uint64(choice[uint32](r, 0x0a000001, 0x0a010001, 0xc0000001, 0xd0000001))
		k.SetNwTTL(choice[uint8](r, 1, 2, 64))
		k.SetNwTOS(choice[uint8](r, 0, 0x10, 0x13))
		k.SetNwProto(choice[uint8](r, 6, 17, 1, 47))
		k.SetTpSrc(choice[uint16](r, 0, 1, 2, 0x1001))
		k[flow.WL4] |= uint64(choice[uint16](r, 0, 1, 2, 0x8001))
		if k.NwProto() == 47 {
			k[flow.WL4] &^= 0xffffffff
		}
		if k.NwProto() == 1 {
			k[flow.WL4] &^= 0xff00ff00
		}
	case 0x86dd:
		k[flow.WIPv6Dst], k[flow.WIPv6Dst+1] = choice[uint64](r, 0x20010db800000000, 0x20010db900000000), choice[uint64](r, 1, 2)
		k.SetNwTTL(choice[uint8](r, 1, 64))
		k.SetNwProto(59)
	case 0x806:
		k.SetNwProto(choice[uint8](r, 1, 2))
		k.SetNwSrc(choice[uint32](r, 0x0a000001, 0x0a000002))
		k[flow.WIPv4] |= uint64(choice[uint32](r, 0x0a000001, 0x0a000002))
	}
	return k
}

// TestMaskIsSound translates random packets on random switches. Whatever packet agrees with the first one in the bits of the mask must get
// the same actions: that is what a megaflow does. The mask is that which a datapath gets, which always tells tags apart.
func TestMaskIsSound(t *testing.T) {
	var readers Readers
	ctx := NewCtx(&readers, NewRecircPool())
	pairs := 0
	for seed := uint64(0); seed < 150; seed++ {
		r := rand.New(rand.NewPCG(seed, 11))
		snap := testSwitch(r)
		var packets []*flow.Key
		for range 150 {
			packets = append(packets, randomPacket(r))
		}
		texts := make([]string, len(packets))
		masks := make([]flow.Mask, len(packets))
		for i, k := range packets {
			var res Result
			ctx.Translate(&Input{Snap: snap, Key: k, Now: 1}, &res)
			texts[i], masks[i] = res.Actions.String(), *res.Mask
			masks[i][flow.WVLAN] |= (flow.VLANPresent | 0xfff) << 32
		}
		for i, a := range packets {
			for j, b := range packets {
				same := true
				for w := range a {
					if (a[w]^b[w])&masks[i][w] != 0 {
						same = false
						break
					}
				}
				if !same {
					continue
				}
				pairs++
				if texts[i] != texts[j] {
					t.Fatalf("seed %d:\n%s\n%s\nagree in\n%s\nbut get %q and %q", seed, a, b,
						(&flow.Match{Key: *a, Mask: masks[i]}).String(), texts[i], texts[j])
				}
			}
		}
	}
	t.Logf("%d pairs of packets of one megaflow", pairs)
}

// TestTranslateAllocates holds the hot part to what it returns: no allocation for rules that only output.
func TestTranslateAllocates(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	snap := testSwitch(r)
	tab := &Table{Rules: oftable.New[RuleData]()}
	rule := oftable.NewRule[RuleData](&flow.Match{}, 1)
	rule.Data = RuleData{Stats: &RuleStats{}, Actions: []openflow.Action{&openflow.Output{Port: 2}}}
	tab.Rules.Insert(rule, 1)
	snap.Bridges[0].State.Tables[0].Store(tab)
	var readers Readers
	ctx := NewCtx(&readers, NewRecircPool())
	k := &flow.Key{}
	k.SetInPort(1)
	in := Input{Snap: snap, Key: k, Now: 1}
	var res Result
	ctx.Translate(&in, &res)
	if n := testing.AllocsPerRun(100, func() { ctx.Translate(&in, &res) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := res.Actions.String(); got != "2" {
		t.Errorf("actions %s", got)
	}
}
