package upcall

import (
	"context"
	"reflect"
	"runtime"
	"testing"

	"govs/actions"
	"govs/classifier/oftable"
	"govs/dpif"
	"govs/flow"
	"govs/internal/clock"
	"govs/ofproto/xlate"
	"govs/openflow"
	"govs/openflow/text"
	"govs/packet"
)

// sink is a datapath that takes verdicts and does nothing with them.
type sink struct {
	dpif.Datapath
	verdicts int
	install  bool
	flows    []*dpif.Flow
}

func (s *sink) SetHandlers(int) {}
func (s *sink) Recv(ctx context.Context, _ int, _ []*dpif.Upcall) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}
func (s *sink) Flows(f func(*dpif.Flow) bool) {
	for _, fl := range s.flows {
		if !f(fl) {
			return
		}
	}
}
func (s *sink) Post(u *dpif.Upcall, v dpif.Verdict) {
	s.verdicts++
	if !s.install || !v.Install {
		return
	}
	f := dpif.NewFlow(u.Poller, u.Key, u.KeyLen, v.Actions, v.Owner)
	f.Mask = v.Mask
	f.Bind(&dpif.Counters{})
	s.flows = append(s.flows, f)
	v.OnInstalled(v.Owner, f)
}
func (s *sink) FlowMod(_ *dpif.Flow, _ *actions.List, done func()) { done() }
func (s *sink) FlowDel(f *dpif.Flow, done func()) {
	f.Dead.Store(true)
	done()
}

// switchOf makes a bridge of n ports with the given rules.
func switchOf(n int, rules func(t *oftable.Table[xlate.RuleData])) *xlate.Snapshot {
	st := &xlate.BridgeState{Name: "br0", MAC: xlate.NewMACTable(func(uint32) {}), Hooks: &xlate.Hooks{}}
	st.Version.Store(1)
	groups := map[uint32]*xlate.Group{}
	st.Groups.Store(&groups)
	st.NoPktIn = oftable.NewRule[xlate.RuleData](&flow.Match{}, 0)
	st.NoPktIn.Data.Kind = xlate.RuleNoPacketIn
	tab := &xlate.Table{Rules: oftable.New[xlate.RuleData]()}
	tab.Miss.Store(xlate.MissDefault)
	rules(tab.Rules)
	st.Tables[0].Store(tab)
	snap := &xlate.Snapshot{}
	br := &xlate.Bridge{State: st, Snap: snap, VLANLimit: 1}
	snap.Bridges = append(snap.Bridges, br)
	snap.ByDP = make([]*xlate.Port, n+1)
	for i := 1; i <= n; i++ {
		p := &xlate.Port{Bridge: br, Name: "p", No: openflow.Port(i), DP: dpif.PortNo(i), LinkUp: true}
		bu := &xlate.Bundle{State: &xlate.BundleState{}, Name: "p", Ports: []*xlate.Port{p}, Mode: xlate.VLANTrunk, VLAN: -1, Floodable: true}
		bu.State.Cur.Store(bu)
		p.Bundle = bu
		br.Bundles = append(br.Bundles, bu)
		br.AddPort(p)
		snap.ByDP[i] = p
	}
	return snap
}

func put(t *oftable.Table[xlate.RuleData], m *flow.Match, prio int, acts ...openflow.Action) {
	r := oftable.NewRule[xlate.RuleData](m, prio)
	r.Data = xlate.RuleData{Stats: &xlate.RuleStats{}, Actions: acts}
	t.Insert(r, 1)
}

func tuple(i int) *flow.Match {
	m := &flow.Match{}
	m.SetExact(flow.FieldEthType, flow.U(0x800))
	m.SetExact(flow.FieldNwSrc, flow.U(uint64(0x0a000000+i)))
	m.SetExact(flow.FieldNwDst, flow.U(uint64(0xc0a80000+i%251)))
	m.SetExact(flow.FieldNwProto, flow.U(17))
	m.SetExact(flow.FieldTpSrc, flow.U(uint64(i&0xffff)))
	m.SetExact(flow.FieldTpDst, flow.U(53))
	return m
}

func rig(t testing.TB, dp *sink, snap *xlate.Snapshot) *handler {
	var readers xlate.Readers
	s := New(Config{
		Datapath: dp, Clock: clock.NewStopped(clock.Real{}.Now()), Readers: &readers, Recirc: xlate.NewRecircPool(),
		Snapshot: func() *xlate.Snapshot { return snap },
	})
	t.Cleanup(s.Close)
	s.limit.Store(1 << 40)
	return newHandler(s, 0)
}

func upcallOf(t testing.TB, m *flow.Match) *dpif.Upcall {
	arena, err := packet.NewArena(256, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var b packet.Batch
	arena.Alloc(&b, 1)
	b.Bufs[0].SetData(make([]byte, 64))
	k := m.Key
	k.SetInPort(1)
	k.SetEthSrc(0x505400000001)
	k.SetEthDst(0x505400000002)
	return &dpif.Upcall{Key: &k, KeyLen: flow.LenBase, Packet: b.Bufs[0]}
}

func benchMiss(b *testing.B, snap *xlate.Snapshot, flows int) {
	dp := &sink{}
	h := rig(b, dp, snap)
	us := make([]*dpif.Upcall, 0, flows)
	one := upcallOf(b, tuple(0))
	for i := range flows {
		u := *one
		k := tuple(i).Key
		k.SetInPort(1)
		k.SetEthSrc(0x505400000001)
		k.SetEthDst(uint64(0x505400000002 + i%500))
		k.SetNwTTL(64)
		u.Key = &k
		us = append(us, &u)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		h.miss(us[i])
		if i++; i == len(us) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}

// BenchmarkFiveTuple translates misses against 100,000 five-tuple rules.
func BenchmarkFiveTuple(b *testing.B) {
	benchMiss(b, switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		for i := range 100_000 {
			put(t, tuple(i), 100, &openflow.Output{Port: 2})
		}
	}), 20_000)
}

// BenchmarkNormal translates misses of a learning switch that knows the destinations.
func BenchmarkNormal(b *testing.B) {
	snap := switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		put(t, &flow.Match{}, 0, &openflow.Output{Port: openflow.PortNormal})
	})
	for i := range 500 {
		snap.Bridges[0].State.MAC.Learn(0, uint64(0x505400000002+i), snap.Bridges[0].Bundles[1].State, 1)
	}
	benchMiss(b, snap, 20_000)
}

// BenchmarkRevalidate walks flows that a change made stale.
func BenchmarkRevalidate(b *testing.B) {
	dp := &sink{install: true}
	snap := switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		for i := range 20_000 {
			put(t, tuple(i), 100, &openflow.Output{Port: 2})
		}
	})
	h := rig(b, dp, snap)
	one := upcallOf(b, tuple(0))
	for i := range 20_000 {
		u := *one
		k := tuple(i).Key
		k.SetInPort(1)
		u.Key = &k
		h.miss(&u)
	}
	w := newWalker(h.set)
	w.judge = xlate.NewJudge(h.set.changes.Round(), snap)
	w.in = xlate.Input{Snap: snap}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		f := dp.flows[i]
		if !w.again(f, f.Owner.(*ukey)) {
			b.Fatal("a flow that has not changed is to be removed")
		}
		if i++; i == len(dp.flows) {
			i = 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
}

// BenchmarkWalk is whole walks over many megaflows: with nothing to do, with counters to push for each, and after changes of rules that
// do not concern them.
func BenchmarkWalk(b *testing.B) {
	const n = 200_000
	dp := &sink{install: true}
	snap := switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		for i := range n {
			put(t, tuple(i), 100, &openflow.Output{Port: 2})
		}
	})
	h := rig(b, dp, snap)
	one := upcallOf(b, tuple(0))
	for i := range n {
		u := *one
		k := tuple(i).Key
		k.SetInPort(1)
		u.Key = &k
		h.miss(&u)
	}
	l := &leader{set: h.set, walkers: []*walker{newWalker(h.set)}}
	st := snap.Bridges[0].State
	tab := st.Tables[0].Load()
	for _, c := range []struct {
		name    string
		packets uint64
		rules   int
	}{{"idle", 0, 0}, {"counters", 1, 0}, {"change-1", 0, 1}, {"change-1000", 0, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			counters := make([]dpif.Counters, n)
			for i, f := range dp.flows {
				f.Bind(&counters[i])
				f.Owner.(*ukey).packets, f.Owner.(*ukey).bytes = 0, 0
			}
			again := h.set.Revalidated.Load()
			for b.Loop() {
				for i := range counters {
					counters[i].Packets += c.packets
				}
				change := xlate.Change{Bridge: st}
				for i := range c.rules {
					r := oftable.NewRule[xlate.RuleData](tuple(n+i), 100)
					r.Data = xlate.RuleData{Stats: &xlate.RuleStats{}}
					tab.Rules.Insert(r, 1)
					change.Added = append(change.Added, r)
				}
				if c.rules > 0 {
					h.set.changes.Add(change)
				}
				l.round()
				for _, r := range change.Added {
					tab.Rules.Remove(r)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/flow")
			b.ReportMetric(float64(h.set.Revalidated.Load()-again)/float64(b.N), "translated")
		})
	}
}

// TestMemory measures what ofproto keeps for a megaflow, beside dpif.Flow and the datapath's own.
func TestMemory(t *testing.T) {
	snap := switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		put(t, &flow.Match{}, 0, &openflow.Output{Port: openflow.PortNormal})
	})
	dp := &sink{install: true}
	h := rig(t, dp, snap)
	one := upcallOf(t, tuple(0))
	heapNow := func() uint64 {
		runtime.GC()
		var ms runtime.MemStats
		runtime.ReadMemStats(&ms)
		return ms.HeapAlloc
	}
	const n = 50_000
	dp.flows = make([]*dpif.Flow, 0, n)
	before := heapNow()
	for i := range n {
		u := *one
		k := tuple(i).Key
		k.SetInPort(1)
		k.SetEthSrc(uint64(0x505400000000 + i))
		u.Key = &k
		h.miss(&u)
	}
	macs := uint64(8192 * 150)
	per := (heapNow() - before - macs) / n
	t.Logf("%d bytes per megaflow, with dpif.Flow", per)
	if n := reflect.TypeFor[ukey]().Size(); n > 80 {
		t.Errorf("a ukey takes %d bytes, more than the 80 that the allocator has", n)
	}
	if per > 400 {
		t.Errorf("a megaflow takes %d bytes", per)
	}
	runtime.KeepAlive(dp)
	runtime.KeepAlive(snap)
}

// BenchmarkRouted translates misses of flows whose MACs and TTL a rule changes.
func BenchmarkRouted(b *testing.B) {
	benchMiss(b, switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		acts, err := text.ParseActions("set_field:50:54:00:00:00:01->eth_src,set_field:50:54:00:00:00:02->eth_dst,dec_ttl,output:2", nil)
		if err != nil {
			b.Fatal(err)
		}
		put(t, &flow.Match{}, 0, acts...)
	}), 20_000)
}

// BenchmarkController translates misses of flows that a controller gets, too.
func BenchmarkController(b *testing.B) {
	benchMiss(b, switchOf(4, func(t *oftable.Table[xlate.RuleData]) {
		acts, err := text.ParseActions("controller:128,output:2", nil)
		if err != nil {
			b.Fatal(err)
		}
		put(t, &flow.Match{}, 0, acts...)
	}), 20_000)
}
