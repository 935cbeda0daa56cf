package ofswitch

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"govs/flow"
	"govs/internal/clock"
	"govs/ofproto"
	"govs/openflow"
	"govs/packet"
	"govs/pmd"
	"govs/ports"
	"govs/ports/dummy"
)

// rig is a switch with bridges of dummy ports.
type rig struct {
	t     testing.TB
	clk   *clock.Warp
	dp    *pmd.Datapath
	sw    *ofproto.Switch
	open  *dummy.Opener
	arena *packet.Arena
}

func newRig(t testing.TB) *rig {
	t.Helper()
	arena, err := packet.NewArena(1<<16, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, clk: clock.NewWarp(), arena: arena}
	r.clk.Stop()
	now := func() int64 { return r.clk.Now().UnixMilli() }
	r.dp, err = pmd.New(pmd.Options{Name: "ovs-dummy", Alloc: arena, Now: now, MaxFlows: 1 << 18})
	if err != nil {
		t.Fatal(err)
	}
	r.open = dummy.NewOpener(nil, r.clk.Now, nil)
	r.sw = ofproto.New(ofproto.Options{Datapath: r.dp, DatapathName: "ovs-dummy", DatapathType: "dummy", Clock: r.clk, Version: "3.1.0"})
	t.Cleanup(func() {
		r.sw.Close()
		r.dp.Close()
	})
	return r
}

func (r *rig) bridge(name string) *ofproto.Bridge {
	b, err := r.sw.AddBridge(name, ofproto.BridgeConfig{DatapathID: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// port adds a dummy port with a Port record of its own.
func (r *rig) port(b *ofproto.Bridge, name string, no int, bundle ofproto.BundleConfig) *dummy.Port {
	r.t.Helper()
	p, err := r.open.Open(ports.Config{Name: name, Type: "dummy", Alloc: r.arena, TxQs: 2})
	if err != nil {
		r.t.Fatal(err)
	}
	dpno, err := r.dp.PortAdd(p, ^uint32(0))
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := b.AddPort(ofproto.PortConfig{Name: name, Type: "dummy", Request: openflow.Port(no), DPPort: dpno, Device: p}); err != nil {
		r.t.Fatal(err)
	}
	bundle.Name, bundle.Ports = name, []string{name}
	if bundle.Mode == ofproto.VLANDefault && bundle.Tag == 0 {
		bundle.Tag = -1
	}
	if err := b.SetBundle(bundle); err != nil {
		r.t.Fatal(err)
	}
	d := p.(*dummy.Port)
	d.KeepSent(true)
	return d
}

func (r *rig) patch(b *ofproto.Bridge, name, peer string, no int) {
	r.t.Helper()
	if _, err := b.AddPort(ofproto.PortConfig{Name: name, Type: "patch", Peer: peer, Request: openflow.Port(no), DPPort: ^uint32(0)}); err != nil {
		r.t.Fatal(err)
	}
	if err := b.SetBundle(ofproto.BundleConfig{Name: name, Ports: []string{name}, Tag: -1}); err != nil {
		r.t.Fatal(err)
	}
}

// send injects a frame and waits until it has been dealt with.
func (r *rig) send(p *dummy.Port, frame []byte) {
	r.t.Helper()
	r.sw.Settle()
	if err := p.Inject(0, frame); err != nil {
		r.t.Fatal(err)
	}
	r.settle()
}

func (r *rig) settle() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.dp.Quiesce(ctx); err != nil {
		r.t.Fatal(err)
	}
}

// frame makes an Ethernet frame of at least 60 bytes.
func frame(dst, src string, rest string) []byte {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(dst + src + rest))
	if err != nil {
		panic(err)
	}
	for len(b) < 60 {
		b = append(b, 0)
	}
	return b
}

const (
	macA = "50:54:00:00:00:0a"
	macB = "50:54:00:00:00:0b"
	macC = "50:54:00:00:00:0c"
)

// want checks how many frames each port has sent since the last time.
func want(t testing.TB, what string, n map[*dummy.Port]int) {
	t.Helper()
	for p, k := range n {
		if got := len(p.TakeSent()); got != k {
			t.Errorf("%s: %s sent %d frames, want %d", what, p.Name(), got, k)
		}
	}
}

func (r *rig) command(name string, args ...string) string {
	r.t.Helper()
	for _, c := range r.sw.Commands() {
		if c.Name == name {
			out, err := c.Run(args)
			if err != nil {
				return err.Error() + "\n"
			}
			return out
		}
	}
	r.t.Fatalf("no command %s", name)
	return ""
}

// sorted sorts lines.
func sorted(s string) string {
	l := strings.SplitAfter(s, "\n")
	slices.Sort(l)
	return strings.Join(l, "")
}

// mod sends a flow_mod.
func mod(t testing.TB, b *ofproto.Bridge, fm openflow.FlowMod) {
	t.Helper()
	if fm.OutPort == 0 {
		fm.OutPort = openflow.PortNone
	}
	fm.OutGroup, fm.BufferID = openflow.GroupAny, openflow.NoBuffer
	if _, err := b.Handle(nil, &openflow.Msg{Version: openflow.OF13, Body: &fm}); err != nil {
		t.Fatal(err)
	}
}

func match(s string) flow.Match {
	m, err := flow.ParseMatch(s, nil)
	if err != nil {
		panic(err)
	}
	return m
}

func out(p int) []openflow.Action { return []openflow.Action{&openflow.Output{Port: openflow.Port(p)}} }

// packets is n_packets of the flows that a match covers.
func packets(t testing.TB, b *ofproto.Bridge, m string) (n uint64, flows uint32) {
	t.Helper()
	r, err := b.Handle(nil, &openflow.Msg{Version: openflow.OF13, Body: &openflow.FlowStatsRequest{
		Aggregate: true, Table: openflow.TableAll, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny, Match: match(m),
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := r[0].(*openflow.AggregateReply)
	return a.Packets, a.Flows
}

// TestNormal: flooding, learning, forwarding, moving, VLANs.
func TestNormal(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	p1 := r.port(b, "p1", 1, ofproto.BundleConfig{})
	p2 := r.port(b, "p2", 2, ofproto.BundleConfig{})
	p3 := r.port(b, "p3", 3, ofproto.BundleConfig{})

	r.send(p1, frame(macB, macA, "1234"))
	want(t, "unknown destination floods", map[*dummy.Port]int{p1: 0, p2: 1, p3: 1})
	r.send(p2, frame(macA, macB, "1234"))
	want(t, "reply goes to the learned port", map[*dummy.Port]int{p1: 1, p2: 0, p3: 0})
	r.sw.Commands()
	r.command("revalidator/wait")
	r.send(p1, frame(macB, macA, "1234"))
	want(t, "known destination", map[*dummy.Port]int{p1: 0, p2: 1, p3: 0})
	if got, w := sorted(r.command("fdb/show", "br0")), "    1     0  "+macA+"    0\n    2     0  "+macB+"    0\n port  VLAN  MAC                Age\n"; got != w {
		t.Errorf("fdb/show:\n%swant\n%s", got, w)
	}

	// The station moves.
	r.clk.Advance(time.Second)
	r.send(p3, frame(macA, macB, "1234"))
	want(t, "from the new port", map[*dummy.Port]int{p1: 1, p2: 0, p3: 0})
	r.command("revalidator/wait")
	r.send(p1, frame(macB, macA, "1234"))
	want(t, "to the new port", map[*dummy.Port]int{p1: 0, p2: 0, p3: 1})

	// Counters: every packet is one of the NORMAL rule's.
	r.command("revalidator/wait")
	if n, flows := packets(t, b, ""); n != 5 || flows != 1 {
		t.Errorf("n_packets=%d in %d flows, want 5 in 1", n, flows)
	}
	// Addresses age out.
	r.clk.Advance(301 * time.Second)
	r.command("revalidator/wait")
	if got, w := r.command("fdb/show", "br0"), " port  VLAN  MAC                Age\n"; got != w {
		t.Errorf("fdb/show:\n%swant\n%s", got, w)
	}
}

func TestVLAN(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	access := r.port(b, "access", 1, ofproto.BundleConfig{Tag: 10})
	trunk := r.port(b, "trunk", 2, ofproto.BundleConfig{})
	other := r.port(b, "other", 3, ofproto.BundleConfig{Tag: 20})
	native := r.port(b, "native", 4, ofproto.BundleConfig{Tag: 10, Mode: ofproto.VLANNativeUntagged, Trunks: []uint16{20}})
	some := r.port(b, "some", 5, ofproto.BundleConfig{Tag: -1, Trunks: []uint16{20}, Mode: ofproto.VLANTrunk})

	r.send(access, frame(macB, macA, "1234"))
	if s := trunk.TakeSent(); len(s) != 1 || hex.EncodeToString(s[0][12:18]) != "8100000a1234" {
		t.Errorf("trunk sent %x", s)
	}
	if s := native.TakeSent(); len(s) != 1 || hex.EncodeToString(s[0][12:14]) != "1234" {
		t.Errorf("native sent %x", s)
	}
	want(t, "VLAN 10", map[*dummy.Port]int{access: 0, other: 0, some: 0})

	r.send(trunk, frame(macC, macB, "8100 6014 1234")) // VLAN 20, priority 3
	if s := other.TakeSent(); len(s) != 1 || hex.EncodeToString(s[0][12:14]) != "1234" {
		t.Errorf("other sent %x", s)
	}
	if s := some.TakeSent(); len(s) != 1 || hex.EncodeToString(s[0][12:18]) != "810060141234" {
		t.Errorf("some sent %x", s)
	}
	want(t, "VLAN 20", map[*dummy.Port]int{access: 0, native: 1, trunk: 0})

	r.send(access, frame(macC, macA, "8100 0014 1234"))
	want(t, "tagged into an access port", map[*dummy.Port]int{trunk: 0, other: 0, native: 0, some: 0})
}

// TestRules: explicit rules, priorities, changes that reach the datapath, counters, timeouts.
func TestRules(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	p1 := r.port(b, "p1", 1, ofproto.BundleConfig{})
	p2 := r.port(b, "p2", 2, ofproto.BundleConfig{})
	p3 := r.port(b, "p3", 3, ofproto.BundleConfig{})
	mod(t, b, openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll})
	mod(t, b, openflow.FlowMod{Match: match("in_port=1"), Priority: 10, Actions: out(2)})
	f := frame(macB, macA, "1234")
	for range 3 {
		r.send(p1, f)
	}
	want(t, "rule", map[*dummy.Port]int{p2: 3, p3: 0})
	r.command("revalidator/wait")
	if n, _ := packets(t, b, "in_port=1"); n != 3 {
		t.Errorf("n_packets=%d, want 3", n)
	}
	if got := r.command("dpctl/dump-flows"); strings.Count(got, "\n") != 2 || !strings.Contains(got, "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x1234), packets:2,") {
		t.Errorf("dpctl/dump-flows:\n%s", got)
	}

	// A rule of higher priority takes over, at once and for flows that are there.
	mod(t, b, openflow.FlowMod{Match: match("in_port=1,dl_dst=" + macB), Priority: 20, IdleTimeout: 10, Actions: out(3)})
	r.command("revalidator/wait")
	r.send(p1, f)
	want(t, "higher priority", map[*dummy.Port]int{p2: 0, p3: 1})

	// Modified: same rule, other actions; the counters stay.
	mod(t, b, openflow.FlowMod{Command: openflow.FlowModifyStrict, Match: match("in_port=1,dl_dst=" + macB), Priority: 20, Actions: out(2), NewCookie: ^uint64(0)})
	r.command("revalidator/wait")
	r.send(p1, f)
	want(t, "modified", map[*dummy.Port]int{p2: 1, p3: 0})
	r.command("revalidator/wait")
	if n, _ := packets(t, b, "in_port=1,dl_dst="+macB); n != 2 {
		t.Errorf("n_packets=%d, want 2", n)
	}

	// It is idle: it goes, and the first rule is in force again.
	r.clk.Advance(9 * time.Second)
	r.command("revalidator/wait")
	if _, n := packets(t, b, ""); n != 2 {
		t.Errorf("%d flows, want 2", n)
	}
	r.clk.Advance(2 * time.Second)
	r.command("revalidator/wait")
	if _, n := packets(t, b, ""); n != 1 {
		t.Errorf("%d flows, want 1", n)
	}
	r.send(p1, f)
	want(t, "expired", map[*dummy.Port]int{p2: 1, p3: 0})

	// Megaflows go when they are idle.
	r.clk.Advance(11 * time.Second)
	r.command("revalidator/wait")
	if got := r.command("dpctl/dump-flows"); got != "" {
		t.Errorf("dpctl/dump-flows:\n%s", got)
	}
	if n, _ := packets(t, b, "in_port=1"); n != 4 {
		t.Errorf("n_packets=%d, want 4", n)
	}
}

// TestPatch: two bridges.
func TestPatch(t *testing.T) {
	r := newRig(t)
	b0, b1 := r.bridge("br0"), r.bridge("br1")
	p1 := r.port(b0, "p1", 1, ofproto.BundleConfig{})
	q1 := r.port(b1, "q1", 1, ofproto.BundleConfig{})
	r.patch(b0, "to1", "to0", 10)
	r.patch(b1, "to0", "to1", 20)
	r.send(p1, frame(macB, macA, "1234"))
	want(t, "across", map[*dummy.Port]int{q1: 1})
	r.send(q1, frame(macA, macB, "1234"))
	want(t, "back", map[*dummy.Port]int{p1: 1})
	r.command("revalidator/wait")
	if got := r.command("fdb/show", "br1"); !strings.Contains(got, "   20     0  "+macA) || !strings.Contains(got, "    1     0  "+macB) {
		t.Errorf("fdb/show br1:\n%s", got)
	}
	rep, err := b0.Handle(nil, &openflow.Msg{Version: openflow.OF13, Body: &openflow.PortStatsRequest{Port: 10}})
	if err != nil {
		t.Fatal(err)
	}
	if s := rep[0].(*openflow.PortStatsReply).Ports[0]; s.TxPackets != 1 || s.RxPackets != 1 || s.RxBytes != 60 {
		t.Errorf("patch port: %+v", s)
	}
}

// TestBundle: all or nothing.
func TestBundle(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	add := func(m string, p int) *openflow.Msg {
		return &openflow.Msg{Version: openflow.OF14, Body: &openflow.FlowMod{
			Match: match(m), Actions: out(p), OutPort: openflow.PortNone, OutGroup: openflow.GroupAny, Priority: 5}}
	}
	bad := &openflow.Msg{Version: openflow.OF14, Body: &openflow.FlowMod{
		Actions: []openflow.Action{&openflow.GotoTable{Table: 0}}, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny}}
	del := &openflow.Msg{Version: openflow.OF14, Body: &openflow.FlowMod{Command: openflow.FlowDelete, Table: 255, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny}}
	if i, err := b.Commit(nil, 0, slices.Values([]*openflow.Msg{add("in_port=1", 2), del, add("in_port=2", 3), bad})); i != 3 || err != openflow.OFPBIC_BAD_TABLE_ID {
		t.Fatalf("commit: %d, %v", i, err)
	}
	if _, n := packets(t, b, ""); n != 1 {
		t.Errorf("%d flows after a failed bundle, want 1", n)
	}
	if _, err := b.Commit(nil, 0, slices.Values([]*openflow.Msg{add("in_port=1", 2), del, add("in_port=2", 3), add("in_port=3", 3)})); err != nil {
		t.Fatal(err)
	}
	if _, n := packets(t, b, ""); n != 2 {
		t.Errorf("%d flows after the bundle, want 2", n)
	}
}

// TestManyRules holds insertion to a few microseconds a rule.
func TestManyRules(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	const n = 20_000
	begin := time.Now()
	for i := range n {
		mod(t, b, openflow.FlowMod{Match: match(fmt.Sprintf("udp,nw_src=10.0.%d.%d,tp_dst=53", i>>8, i&255)), Priority: 10, Actions: out(2)})
	}
	t.Logf("%v a rule (parsing included)", time.Since(begin)/n)
	begin = time.Now()
	mod(t, b, openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll})
	t.Logf("%v for deleting all", time.Since(begin))
	if _, k := packets(t, b, ""); k != 0 {
		t.Errorf("%d flows are left", k)
	}
}
