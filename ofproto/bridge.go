package ofproto

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"govs/classifier/oftable"
	"govs/dpif"
	"govs/flow"
	"govs/ofproto/conn"
	"govs/ofproto/xlate"
	"govs/openflow"
)

// Bridge is one OpenFlow switch.
type Bridge struct {
	sw     *Switch
	name   string
	state  *xlate.BridgeState
	conns  *conn.Manager
	missIn atomic.Bool // whether some connection wanted table misses when last asked

	// Guarded by sw.mu.
	cfg      BridgeConfig
	ports    []*port // in the order of their making
	byNo     map[openflow.Port]*port
	nextNo   openflow.Port
	bundles  []*bundle // in the order of their making
	tables   [xlate.NumTables]tableInfo
	removed  []removedRules
	timed    map[*xlate.Rule]struct{} // rules with a timeout
	groups   map[uint32]*xlate.Group
	failRule *xlate.Rule // the rule of fail-open mode, while it is in force
	deleted  bool
	flushed  bool // the first configuration has been applied
	flowMods uint64
}

// tableInfo is the writer's side of a flow table.
type tableInfo struct {
	cfg   TableConfig
	count int // rules that are not hidden
}

// port is one OpenFlow port.
type port struct {
	cfg      PortConfig
	no       openflow.Port
	config   openflow.PortConfig
	state    openflow.PortState
	mac      [6]byte
	linkUp   bool
	counters *xlate.Counters
	created  int64  // ms
	seq      uint64 // the device's when its status was read
}

func (p *port) isPatch() bool { return p.cfg.Type == "patch" }

// bundle is one Port record.
type bundle struct {
	cfg   BundleConfig
	state *xlate.BundleState
}

func newBridge(s *Switch, name string) *Bridge {
	b := &Bridge{
		sw: s, name: name, byNo: map[openflow.Port]*port{}, nextNo: 1, timed: map[*xlate.Rule]struct{}{}, groups: map[uint32]*xlate.Group{},
	}
	b.state = &xlate.BridgeState{Name: name, ID: s.nextID, MAC: xlate.NewMACTable(s.changedMAC)}
	s.nextID++
	b.state.Version.Store(1)
	groups := map[uint32]*xlate.Group{}
	b.state.Groups.Store(&groups)
	internal := func(kind xlate.RuleKind, acts ...openflow.Action) *xlate.Rule {
		r := oftable.NewRule[xlate.RuleData](&flow.Match{}, 0)
		r.Data = xlate.RuleData{Stats: &xlate.RuleStats{}, Kind: kind, Actions: acts, Created: s.now()}
		return r
	}
	b.state.Miss = internal(xlate.RuleMiss, &openflow.Controller{MaxLen: 0xffff, Reason: openflow.ReasonImplicitMiss, Meter: openflow.MeterNone})
	b.state.NoPktIn = internal(xlate.RuleNoPacketIn)
	b.state.DropFrag = internal(xlate.RuleDropFrags)
	b.state.Hooks = &xlate.Hooks{
		PacketIn: func(_ *xlate.BridgeState, p *xlate.PacketIn) { b.packetIn(p) }, Learn: b.learn, WantMiss: b.wantMiss,
	}
	b.conns = conn.New(conn.Options{
		Bridge: name, Switch: b, RunDir: s.opt.RunDir, Clock: s.opt.Clock, Stream: s.opt.Stream, Logf: s.opt.Logf,
	})
	return b
}

// Name is the bridge's name.
func (b *Bridge) Name() string { return b.name }

// Configure applies the configuration of the bridge.
func (b *Bridge) Configure(c BridgeConfig) error {
	for id, t := range c.Tables {
		if int(id) >= xlate.NumTables {
			return fmt.Errorf("table %d does not exist", id)
		}
		if _, err := prefixFields(t.Prefixes); err != nil {
			return fmt.Errorf("table %d: %w", id, err)
		}
	}
	b.sw.mu.Lock()
	old := b.cfg
	b.cfg = c
	flood := map[uint16]bool{}
	for _, v := range c.FloodVLANs {
		flood[v] = true
	}
	size, aging := c.MACTableSize, c.MACAging
	if size == 0 {
		size = xlate.DefaultMACs
	}
	if aging == 0 {
		aging = xlate.DefaultMACIdle / 1000
	}
	b.configureTables()
	if b.flushed && (old.FailMode != c.FailMode || (len(old.Controllers) == 0) != (len(c.Controllers) == 0)) || !b.flushed {
		b.resetFlows(!b.flushed)
		b.flushed = true
	}
	b.sw.publish()
	b.sw.mu.Unlock()
	b.state.MAC.Configure(size, int64(aging)*1000, flood)
	b.configureConns(&c)
	return nil
}

// configureTables applies the Flow_Table records. sw.mu is held.
func (b *Bridge) configureTables() {
	for id := range b.tables {
		cfg, ok := b.cfg.Tables[uint8(id)]
		b.tables[id].cfg = cfg
		if !ok && b.state.Tables[id].Load() == nil {
			continue
		}
		t := b.table(uint8(id))
		want, _ := prefixFields(cfg.Prefixes)
		if t.Rules.SamePrefixes(want) {
			continue
		}
		t.Rules.SetPrefixes(want)
	}
}

// prefixFields are the fields of a Flow_Table's prefixes column.
func prefixFields(names []string) ([]flow.FieldID, error) {
	if names == nil {
		return oftable.DefaultPrefixes(), nil
	}
	var ids []flow.FieldID
	for _, n := range names {
		if n == "none" {
			return nil, nil
		}
		id, ok := flow.FieldByName(n)
		if !ok {
			return nil, fmt.Errorf("%s is not a field", n)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// table returns a table, which it makes if nothing was in it yet. sw.mu is held.
func (b *Bridge) table(id uint8) *xlate.Table {
	t := b.state.Tables[id].Load()
	if t == nil {
		t = &xlate.Table{Rules: oftable.New[xlate.RuleData]()}
		t.Miss.Store(xlate.MissDefault)
		b.state.Tables[id].Store(t)
	}
	return t
}

// AddPort adds an interface and returns its OpenFlow number.
func (b *Bridge) AddPort(c PortConfig) (openflow.Port, error) {
	b.sw.mu.Lock()
	for _, p := range b.ports {
		if p.cfg.Name == c.Name {
			b.sw.mu.Unlock()
			return 0, fmt.Errorf("%s: port exists", c.Name)
		}
	}
	no := c.Request
	switch {
	case c.Local:
		no = openflow.PortLocal
	case no == 0 || no >= openflow.PortMax || b.byNo[no] != nil:
		no = b.allocPort()
	}
	if no == 0 || b.byNo[no] != nil {
		b.sw.mu.Unlock()
		return 0, fmt.Errorf("%s: no free OpenFlow port number", c.Name)
	}
	p := &port{cfg: c, no: no, counters: &xlate.Counters{}, created: b.sw.now()}
	b.ports = append(b.ports, p)
	b.byNo[no] = p
	p.refresh()
	desc := p.desc()
	b.sw.publish()
	b.sw.mu.Unlock()
	b.announceAdd(desc)
	return no, nil
}

// announceAdd tells the controllers of a new port: first that it is there, then, if so, that it is live, as Open vSwitch does.
func (b *Bridge) announceAdd(desc openflow.PortDesc) {
	live := desc
	desc.State &^= openflow.PortLive
	b.conns.PortStatus(openflow.PortAdd, &desc)
	if live != desc {
		b.conns.PortLive(&live)
	}
}

// announceChange tells the controllers of a port's changed status. That a port is no longer live is said first.
func (b *Bridge) announceChange(old, desc openflow.PortDesc) {
	gone := old
	gone.State &^= openflow.PortLive
	if old != gone && desc.State&openflow.PortLive == 0 {
		b.conns.PortLive(&gone)
	}
	if gone != desc {
		b.conns.PortStatus(openflow.PortModify, &desc)
	}
}

// allocPort finds a free number; they are used in turn. 0 if there is none.
func (b *Bridge) allocPort() openflow.Port {
	for range int(openflow.PortMax) {
		no := b.nextNo
		if b.nextNo++; b.nextNo >= openflow.PortMax {
			b.nextNo = 1
		}
		if b.byNo[no] == nil {
			return no
		}
	}
	return 0
}

func (b *Bridge) find(name string) *port {
	for _, p := range b.ports {
		if p.cfg.Name == name {
			return p
		}
	}
	return nil
}

// DelPort removes an interface.
func (b *Bridge) DelPort(name string) {
	b.sw.mu.Lock()
	p := b.find(name)
	if p == nil {
		b.sw.mu.Unlock()
		return
	}
	b.ports = slices.DeleteFunc(b.ports, func(q *port) bool { return q == p })
	delete(b.byNo, p.no)
	desc := p.desc()
	b.sw.publish()
	b.sw.mu.Unlock()
	b.conns.PortStatus(openflow.PortDelete, &desc)
}

// SetPort changes an interface's number, peer or device. It returns the number that it has now.
func (b *Bridge) SetPort(c PortConfig) (openflow.Port, error) {
	b.sw.mu.Lock()
	p := b.find(c.Name)
	if p == nil {
		b.sw.mu.Unlock()
		return 0, fmt.Errorf("%s: no such port", c.Name)
	}
	old := p.desc()
	p.cfg = c
	renumbered := c.Request != 0 && c.Request != p.no && !c.Local && c.Request < openflow.PortMax && b.byNo[c.Request] == nil
	if renumbered {
		delete(b.byNo, p.no)
		p.no = c.Request
		b.byNo[p.no] = p
	}
	p.refresh()
	desc := p.desc()
	no := p.no
	b.sw.publish()
	b.sw.mu.Unlock()
	switch {
	case renumbered:
		b.conns.PortStatus(openflow.PortDelete, &old)
		b.announceAdd(desc)
	case old != desc:
		b.announceChange(old, desc)
	}
	return no, nil
}

// PortChanged rereads the status of a port's device, and tells the controllers what has changed.
func (b *Bridge) PortChanged(name string) {
	b.sw.mu.Lock()
	p := b.find(name)
	if p == nil {
		b.sw.mu.Unlock()
		return
	}
	old := p.desc()
	p.refresh()
	desc := p.desc()
	if old == desc {
		b.sw.mu.Unlock()
		return
	}
	b.sw.publish()
	b.sw.mu.Unlock()
	b.announceChange(old, desc)
}

// refreshPorts rereads the status of the ports whose devices say that it has changed.
func (b *Bridge) refreshPorts() {
	b.sw.mu.Lock()
	var names []string
	for _, p := range b.ports {
		if d := p.cfg.Device; d != nil && d.Seq() != p.seq {
			names = append(names, p.cfg.Name)
		}
	}
	b.sw.mu.Unlock()
	for _, n := range names {
		b.PortChanged(n)
	}
}

// refresh reads the device's status.
func (p *port) refresh() {
	p.mac, p.linkUp = p.cfg.MAC, true
	down := false
	if d := p.cfg.Device; d != nil {
		p.seq = d.Seq()
		st := d.Status()
		if len(st.MAC) == 6 {
			copy(p.mac[:], st.MAC)
		}
		p.linkUp, down = st.LinkUp, !st.AdminUp
	}
	p.config &^= openflow.PortDown
	if down {
		p.config |= openflow.PortDown
	}
	p.state &^= openflow.PortLinkDown | openflow.PortLive
	if p.linkUp {
		p.state |= openflow.PortLive
	} else {
		p.state |= openflow.PortLinkDown
	}
}

// desc describes the port as OpenFlow does.
func (p *port) desc() openflow.PortDesc {
	d := openflow.PortDesc{Port: p.no, HWAddr: p.mac, Name: p.cfg.Name, Config: p.config, State: p.state}
	if dev := p.cfg.Device; dev != nil {
		st := dev.Status()
		d.Curr = speedFeature(st.LinkSpeed, st.FullDuplex)
		d.CurrSpeed = uint32(st.LinkSpeed / 1000)
	}
	return d
}

func speedFeature(bps uint64, full bool) openflow.PortFeatures {
	switch bps {
	case 10_000_000:
		if full {
			return openflow.Feat10MbFD
		}
		return openflow.Feat10MbHD
	case 100_000_000:
		if full {
			return openflow.Feat100MbFD
		}
		return openflow.Feat100MbHD
	case 1_000_000_000:
		if full {
			return openflow.Feat1GbFD
		}
		return openflow.Feat1GbHD
	case 10_000_000_000:
		return openflow.Feat10GbFD
	case 40_000_000_000:
		return openflow.Feat40GbFD
	case 100_000_000_000:
		return openflow.Feat100GbFD
	case 1_000_000_000_000:
		return openflow.Feat1TbFD
	case 0:
		return 0
	}
	return openflow.FeatOther
}

func (p *port) info() PortInfo {
	return PortInfo{Name: p.cfg.Name, Number: p.no, DPPort: p.cfg.DPPort, Type: p.cfg.Type, Peer: p.cfg.Peer}
}

// Port returns the state of an interface.
func (b *Bridge) Port(name string) (PortInfo, bool) {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	if p := b.find(name); p != nil {
		return p.info(), true
	}
	return PortInfo{}, false
}

// Ports returns all interfaces, sorted by number.
func (b *Bridge) Ports() []PortInfo {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	var l []PortInfo
	for _, p := range b.byNumber() {
		l = append(l, p.info())
	}
	return l
}

// listed are the ports in the order in which OpenFlow lists them.
func (b *Bridge) listed() []*port {
	return hashOrder(b.ports, func(p *port) openflow.Port { return p.no })
}

func (b *Bridge) byNumber() []*port {
	l := slices.Clone(b.ports)
	slices.SortFunc(l, func(x, y *port) int { return int(x.no) - int(y.no) })
	return l
}

// PortStats fills s with the counters of an interface, and says whether there is one of that name.
func (b *Bridge) PortStats(name string, s *dpif.PortStats) bool {
	b.sw.mu.Lock()
	p := b.find(name)
	b.sw.mu.Unlock()
	if p == nil {
		return false
	}
	p.stats(s)
	return true
}

func (p *port) stats(s *dpif.PortStats) {
	if p.cfg.Device != nil {
		p.cfg.Device.Stats(s)
		return
	}
	*s = dpif.PortStats{
		RxPackets: p.counters.RxPackets.Load(), RxBytes: p.counters.RxBytes.Load(),
		TxPackets: p.counters.TxPackets.Load(), TxBytes: p.counters.TxBytes.Load(),
	}
}

// SetBundle makes or changes a Port record.
func (b *Bridge) SetBundle(c BundleConfig) error {
	if c.Tag < -1 || c.Tag > 4095 {
		return fmt.Errorf("%s: VLAN tag %d is out of range", c.Name, c.Tag)
	}
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	for _, bu := range b.bundles {
		if bu.cfg.Name == c.Name {
			flush := bu.cfg.Mode != c.Mode || bu.cfg.Tag != c.Tag || !slices.Equal(bu.cfg.Trunks, c.Trunks)
			bu.cfg = c
			if flush {
				b.state.MAC.Flush(bu.state)
			}
			b.sw.publish()
			return nil
		}
	}
	b.bundles = append(b.bundles, &bundle{cfg: c, state: &xlate.BundleState{}})
	b.sw.publish()
	return nil
}

// DelBundle removes a Port record. Its interfaces are removed with DelPort.
func (b *Bridge) DelBundle(name string) {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	b.bundles = slices.DeleteFunc(b.bundles, func(bu *bundle) bool {
		if bu.cfg.Name != name {
			return false
		}
		bu.state.Cur.Store(nil)
		b.state.MAC.Flush(bu.state)
		return true
	})
	b.sw.publish()
}

// snapshot is the bundle as translations see it.
func (bu *bundle) snapshot(ports map[string]*xlate.Port) *xlate.Bundle {
	c := &bu.cfg
	x := &xlate.Bundle{State: bu.state, Name: c.Name, VLAN: c.Tag, QinQ: c.QinQEth, Protected: c.Protected, Floodable: true}
	for _, n := range c.Ports {
		if p := ports[n]; p != nil {
			x.Ports = append(x.Ports, p)
			p.Bundle = x
			if p.Config&openflow.PortNoFlood != 0 {
				x.Floodable = false
			}
		}
	}
	switch c.Mode {
	case VLANAccess:
		x.Mode = xlate.VLANAccess
	case VLANTrunk:
		x.Mode = xlate.VLANTrunk
	case VLANNativeTagged:
		x.Mode = xlate.VLANNativeTagged
	case VLANNativeUntagged:
		x.Mode = xlate.VLANNativeUntagged
	case VLANDot1qTunnel:
		x.Mode = xlate.VLANDot1qTunnel
	default:
		x.Mode = xlate.VLANTrunk
		if c.Tag >= 0 {
			x.Mode = xlate.VLANAccess
		}
	}
	if x.Mode == xlate.VLANTrunk {
		x.VLAN = -1
	} else if x.VLAN < 0 {
		x.VLAN = 0
	}
	if len(c.Trunks) > 0 && x.Mode != xlate.VLANAccess {
		x.Trunks = vlanSet(c.Trunks)
	}
	if x.Mode == xlate.VLANNativeTagged || x.Mode == xlate.VLANNativeUntagged {
		// Such a port is in its native VLAN, and not in VLAN 0.
		if x.Trunks == nil {
			x.Trunks = &xlate.VLANSet{}
			for i := range x.Trunks {
				x.Trunks[i] = ^uint64(0)
			}
		}
		x.Trunks[0] &^= 1
		x.Trunks.Add(uint16(x.VLAN))
	}
	if len(c.CVLANs) > 0 {
		x.CVLANs = vlanSet(c.CVLANs)
	}
	switch c.PrioTags {
	case "if-nonzero", "true":
		x.Prio = xlate.PrioIfNonzero
	case "always":
		x.Prio = xlate.PrioAlways
	}
	return x
}

func vlanSet(l []uint16) *xlate.VLANSet {
	s := &xlate.VLANSet{}
	for _, v := range l {
		if v < 4096 {
			s.Add(v)
		}
	}
	return s
}

func (b *Bridge) byName() []*port {
	l := slices.Clone(b.ports)
	slices.SortFunc(l, func(x, y *port) int { return strings.Compare(x.cfg.Name, y.cfg.Name) })
	return l
}
