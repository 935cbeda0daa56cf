package ofproto

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/ofproto/upcall"
	"govs/ofproto/xlate"
	"govs/openflow"
	"govs/packet"
)

// Switch is all bridges of one datapath.
type Switch struct {
	opt     Options
	readers xlate.Readers
	recirc  *xlate.RecircPool
	snap    atomic.Pointer[xlate.Snapshot] // what translations read; replaced whole
	up      *upcall.Set

	mu       sync.Mutex // guards all below, all of each Bridge, and every change of flow tables
	settings Settings
	bridges  map[string]*Bridge
	nextID   uint32     // of the next bridge's state
	tracer   *xlate.Ctx // for traces and packet_outs
	traceMu  sync.Mutex // guards tracer; taken before mu if both are
}

// New starts a switch without bridges.
func New(o Options) *Switch {
	s := &Switch{opt: o, recirc: xlate.NewRecircPool(), bridges: map[string]*Bridge{}}
	if s.opt.Logf == nil {
		s.opt.Logf = func(string, string, string, ...any) {}
	}
	s.snap.Store(&xlate.Snapshot{})
	s.tracer = xlate.NewCtx(&s.readers, s.recirc)
	s.up = upcall.New(upcall.Config{
		Datapath: o.Datapath, Clock: o.Clock, Readers: &s.readers, Recirc: s.recirc,
		Snapshot: s.snap.Load, Tick: s.tick, AfterWalk: s.afterWalk,
	})
	return s
}

// Close ends the handlers, the revalidators and all controller connections. Megaflows stay in the datapath.
func (s *Switch) Close() {
	s.mu.Lock()
	bridges := s.sorted()
	s.mu.Unlock()
	for _, b := range bridges {
		b.closeConns()
	}
	s.up.Close()
}

// Configure applies settings.
func (s *Switch) Configure(c Settings) {
	s.mu.Lock()
	old := s.settings
	s.settings = c
	if old.VLANLimit != c.VLANLimit {
		s.publish()
	}
	s.mu.Unlock()
	s.up.Configure(upcall.Settings{
		FlowLimit: c.FlowLimit, MaxIdle: c.MaxIdle, MaxRevalidator: c.MaxRevalidator, MinRevalidatePPS: c.MinRevalidatePPS,
		Handlers: c.Handlers, Revalidators: c.Revalidators,
	})
}

// VLANLimit is how many VLAN tags are parsed (other_config:vlan-limit).
func (s *Switch) VLANLimit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.settings.VLANLimit, flow.DefaultVLANLimit)
}

// Settle returns when the datapath's megaflows are in step with every change that was made before the call (for test hooks such as
// netdev-dummy/receive; operation needs no such thing).
func (s *Switch) Settle() { s.up.Settle() }

// AddBridge makes a bridge.
func (s *Switch) AddBridge(name string, c BridgeConfig) (*Bridge, error) {
	s.mu.Lock()
	if s.bridges[name] != nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("bridge %s exists", name)
	}
	b := newBridge(s, name)
	s.bridges[name] = b
	s.publish()
	s.mu.Unlock()
	if err := b.Configure(c); err != nil {
		s.DelBridge(name)
		return nil, err
	}
	return b, nil
}

// DelBridge removes a bridge, closes its connections and forgets its flows.
func (s *Switch) DelBridge(name string) {
	s.mu.Lock()
	b := s.bridges[name]
	if b == nil {
		s.mu.Unlock()
		return
	}
	delete(s.bridges, name)
	b.deleted = true
	for _, bu := range b.bundles {
		bu.state.Cur.Store(nil)
	}
	s.publish()
	s.mu.Unlock()
	b.closeConns()
}

// Bridge returns the bridge of that name, or nil.
func (s *Switch) Bridge(name string) *Bridge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bridges[name]
}

// Bridges returns all bridges, sorted by name.
func (s *Switch) Bridges() []*Bridge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted()
}

func (s *Switch) sorted() []*Bridge {
	var l []*Bridge
	for _, b := range s.bridges {
		l = append(l, b)
	}
	slices.SortFunc(l, func(a, b *Bridge) int { return cmp.Compare(a.name, b.name) })
	return l
}

// now is the time in ms.
func (s *Switch) now() int64 { return s.opt.Clock.Now().UnixMilli() }

// changed makes the revalidators translate all megaflows again. Any goroutine may call it.
func (s *Switch) changed() { s.changedBy(xlate.Change{All: true}) }

// changedBy makes them translate those again that the change can concern.
func (s *Switch) changedBy(c xlate.Change) {
	if s.up != nil {
		s.up.Changed(c)
	}
}

// changedMAC is changedBy for an entry of a MAC table; 0 stands for many.
func (s *Switch) changedMAC(entry uint32) { s.changedBy(xlate.Change{All: entry == 0, MAC: entry}) }

// publish makes a snapshot of the bridges and their ports. s.mu is held.
func (s *Switch) publish() {
	snap := &xlate.Snapshot{ByDPBig: map[dpif.PortNo]*xlate.Port{}}
	type end struct {
		p *port
		x *xlate.Port
	}
	patches := map[string]end{}
	for _, b := range s.sorted() {
		x := &xlate.Bridge{
			State: b.state, Snap: snap, ForwardBPDU: b.cfg.ForwardBPDU, FloodVLANs: map[uint16]bool{}, VLANLimit: max(s.settings.VLANLimit, 1),
		}
		for _, v := range b.cfg.FloodVLANs {
			x.FloodVLANs[v] = true
		}
		snap.Bridges = append(snap.Bridges, x)
		byName := map[string]*xlate.Port{}
		for _, p := range b.listed() {
			xp := &xlate.Port{
				Bridge: x, Name: p.cfg.Name, No: p.no, DP: p.cfg.DPPort, Config: p.config, Patch: p.isPatch(), Counters: p.counters,
				LinkUp: p.linkUp,
			}
			x.AddPort(xp)
			byName[xp.Name] = xp
			if p.isPatch() {
				patches[xp.Name] = end{p, xp}
				continue
			}
			if n := int(xp.DP); xp.DP != dpif.PortNone && n < 65536 {
				for len(snap.ByDP) <= n {
					snap.ByDP = append(snap.ByDP, nil)
				}
				snap.ByDP[n] = xp
			} else if xp.DP != dpif.PortNone {
				snap.ByDPBig[xp.DP] = xp
			}
		}
		for _, bu := range b.bundles {
			xb := bu.snapshot(byName)
			if len(xb.Ports) == 0 {
				continue
			}
			x.Bundles = append(x.Bundles, xb)
			bu.state.Cur.Store(xb)
		}
	}
	for _, e := range patches {
		if o, ok := patches[e.p.cfg.Peer]; ok && o.p.cfg.Peer == e.p.cfg.Name {
			e.x.Peer = o.x
		}
	}
	s.snap.Store(snap)
	s.changed()
}

// tick is called by the revalidator before each walk of the megaflows.
func (s *Switch) tick(now int64) {
	for _, b := range s.Bridges() {
		b.state.MAC.Expire(now)
		b.refreshPorts()
		b.failOpen()
		if w := b.wantMiss(); b.missIn.Swap(w) != w {
			s.changed()
		}
	}
}

// afterWalk is called when all counters are up to date: the time to see which rules are idle.
func (s *Switch) afterWalk(now int64) {
	for _, b := range s.Bridges() {
		b.expire(now)
		b.purge()
	}
}

// execute translates and executes actions on a packet of a controller.
func (s *Switch) execute(b *Bridge, data []byte, md *flow.Key, inPort openflow.Port, list []openflow.Action) error {
	s.traceMu.Lock()
	defer s.traceMu.Unlock()
	snap := s.snap.Load()
	xb := snap.Bridge(b.name)
	if xb == nil {
		return openflow.OFPBRC_EPERM
	}
	var k flow.Key
	n, _ := flow.ExtractBytes(data, inPort.Wire32(), xb.VLANLimit, &k)
	k.ClearFrom(n)
	copy(k[flow.WMetadata:], md[flow.WMetadata:])
	k.SetTunID(md.TunID())
	in := xlate.Input{Snap: snap, Key: &k, Bridge: xb, Actions: list, PacketOut: true, Learn: true, Now: s.now()}
	if list == nil {
		in.Actions = []openflow.Action{}
	}
	var res xlate.Result
	s.tracer.Translate(&in, &res)
	push := xlate.Push{Packets: 1, Bytes: uint64(len(data)), Used: in.Now, TCPFlags: k.TCPFlags()}
	for _, e := range res.Effects {
		e.Push(&push)
	}
	// Frozen states must outlive the execution, which may go on for a moment.
	defer s.recirc.Release(append([]uint32(nil), res.Recircs...))
	if len(res.Actions) == 0 {
		return nil
	}
	var one packet.Batch
	s.opt.Datapath.Alloc().Alloc(&one, 1)
	if one.N == 0 {
		return fmt.Errorf("no packet buffer")
	}
	buf := one.Bufs[0]
	if !buf.SetData(data) {
		s.opt.Datapath.Alloc().FreeOne(buf)
		return openflow.OFPBRC_BAD_LEN
	}
	acts := append(res.Actions[:0:0], res.Actions...)
	dk := k
	clear(dk[flow.WMetadata:])
	dk.SetInPort(dpif.PortNone)
	if p := xb.Port(inPort); p != nil && p.DP != dpif.PortNone {
		dk.SetInPort(p.DP)
	}
	s.opt.Datapath.Execute(buf, &dk, &acts, true)
	if slices.ContainsFunc(acts, func(a actions.Action) bool { return a.Type == actions.TypeUserspace }) {
		// So that a barrier comes after the packet_in. When there is much else to do, it need not.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		_ = s.opt.Datapath.Quiesce(ctx)
	}
	return nil
}
