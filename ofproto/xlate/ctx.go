package xlate

import (
	"sync/atomic"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/openflow"
)

// Bounds of one translation, those of Open vSwitch.
const (
	maxDepth     = 64             // nested resubmits, patch ports and groups
	maxResubmits = maxDepth * 64  // in all
	maxActions   = 64 * 1024 / 8  // datapath actions in the result
	maxStack     = 64 * 1024 / 16 // values on the stack
)

// Error is why a translation failed. The packet is dropped then.
type Error uint8

// Errors of a translation.
const (
	OK Error = iota
	ErrBridgeNotFound
	ErrRecursionTooDeep
	ErrTooManyResubmits
	ErrStackTooDeep
	ErrNoRecircContext
	ErrInvalidTunnel
	ErrTooManyMPLS
)

var errorText = [...]string{
	OK:                  "OK",
	ErrBridgeNotFound:   "Bridge not found",
	ErrRecursionTooDeep: "Recursion too deep",
	ErrTooManyResubmits: "Too many resubmits",
	ErrStackTooDeep:     "Stack too deep",
	ErrNoRecircContext:  "No recirculation context",
	ErrInvalidTunnel:    "Invalid tunnel metadata",
	ErrTooManyMPLS:      "Too many MPLS labels",
}

// String is the error as ofproto/trace prints it.
func (e Error) String() string { return errorText[e] }

// Input is what to translate.
type Input struct {
	Snap *Snapshot
	// Key is the packet's whole key (unused words zero), with the datapath's in_port unless Bridge is set.
	Key *flow.Key
	// Bridge, if set, is where the packet is taken to enter; Key's in_port is an OpenFlow number then.
	Bridge *Bridge
	// Actions, if not nil, are executed instead of a lookup in table 0 (packet_out).
	Actions   []openflow.Action
	PacketOut bool
	// Learn says that a packet really came: MAC learning and learn actions take effect.
	Learn bool
	Now   int64  // ms
	Trace *Trace // nil: none
}

// Result of a translation. Its slices belong to the Ctx and are valid until its next Translate.
type Result struct {
	Actions actions.List
	Mask    *flow.Mask
	Effects []Effect
	Recircs []uint32 // frozen states that Actions refer to; released by who drops them
	Err     Error
	Port    *Port // where the packet came in; nil if it is none of ours
	Bridge  *Bridge
	Flow    *flow.Key // the key as it was at the end
	Deps    Deps
	Slow    uint32 // actions.Slow… bits: why the datapath is to hand each packet to the slow path; 0 for most flows
}

// Installed returns the actions that a megaflow of this translation gets: Actions, or the one that hands packets to the slow path, which
// translates each packet again and executes what comes out. Like Actions it is valid until the Ctx is used again.
func (r *Result) Installed() actions.List {
	if r.Slow == 0 || r.Err != OK {
		return r.Actions
	}
	return actions.List{actions.SlowPath(r.Slow)}
}

// Push is what happened to packets of a flow since the last time.
type Push struct {
	Packets, Bytes uint64
	Used           int64 // ms; when the last one came
	TCPFlags       uint16
}

// Effect is something that is counted or refreshed when packets take a translated path. Push may be called from any goroutine.
type Effect interface{ Push(p *Push) }

// Push implements Effect.
func (s *RuleStats) Push(p *Push) {
	s.Packets.Add(p.Packets)
	s.Bytes.Add(p.Bytes)
	for {
		old := s.Used.Load()
		if p.Used <= old || s.Used.CompareAndSwap(old, p.Used) {
			return
		}
	}
}

// tableMatch and tableMiss count lookups of a table.
type (
	tableMatch Table
	tableMiss  Table
)

// Push implements Effect.
func (t *tableMatch) Push(p *Push) { t.Matched.Add(p.Packets) }

// Push implements Effect.
func (t *tableMiss) Push(p *Push) { t.Missed.Add(p.Packets) }

// patchTx and patchRx count packets of a patch port.
type (
	patchTx Counters
	patchRx Counters
)

// Push implements Effect.
func (c *patchTx) Push(p *Push) { c.TxPackets.Add(p.Packets); c.TxBytes.Add(p.Bytes) }

// Push implements Effect.
func (c *patchRx) Push(p *Push) { c.RxPackets.Add(p.Packets); c.RxBytes.Add(p.Bytes) }

// macRefresh keeps a learned address alive.
type macRefresh struct {
	table  *MACTable
	bundle *BundleState
	mac    uint64
	vlan   uint16
}

// Push implements Effect.
func (m macRefresh) Push(p *Push) {
	if p.Packets > 0 {
		m.table.Learn(m.vlan, m.mac, m.bundle, p.Used)
	}
}

// refreshed is the number of macRefresh effects that a Ctx remembers.
const refreshed = 1 << 8

// finTimeout reduces a rule's timeouts when a connection ends.
type finTimeout struct {
	stats      *RuleStats
	idle, hard uint16
}

// Push implements Effect.
func (f finTimeout) Push(p *Push) {
	if p.TCPFlags&0x005 != 0 { // FIN or RST
		if f.idle != 0 {
			f.stats.Idle.Store(uint32(f.idle) + 1)
		}
		if f.hard != 0 {
			f.stats.Hard.Store(uint32(f.hard) + 1)
		}
	}
}

// stackEntry is a value that push saved.
type stackEntry struct {
	v     flow.Value
	nbits uint16
}

// Ctx is the working memory of translations.
type Ctx struct {
	readers *Readers
	slot    *atomic.Uint64
	recirc  *RecircPool

	in      *Input
	bridge  *Bridge
	version uint64 // of bridge's tables
	port    *Port  // where the packet came in
	flow    flow.Key
	base    flow.Key // as the datapath's packet is after out
	word0   uint64   // of flow, as the packet came in
	deps    Deps
	wc      flow.Mask
	out     actions.List
	effects []Effect
	recircs []uint32
	stack   []stackEntry
	set     []openflow.Action // the action set, in the order of writing

	table     uint8
	rule      *Rule
	cookie    uint64
	depth     int
	resubmits int
	exit      bool
	inSet     bool // executing the action set
	inGroup   bool
	err       Error
	slow      uint32 // actions.Slow… bits: why the packets are not left to the datapath
	tr        *Trace

	// Of late translations, for the next ones.
	sets    actions.Sets
	refresh [refreshed]Effect // macRefresh effects, by hash
}

// NewCtx returns a context whose translations r knows of and whose frozen states pool keeps.
func NewCtx(r *Readers, pool *RecircPool) *Ctx {
	return &Ctx{readers: r, slot: r.add(), recirc: pool}
}

// Translate translates in. The result is valid until the next call.
func (c *Ctx) Translate(in *Input, res *Result) {
	c.readers.begin(c.slot)
	c.translate(in, res)
	c.readers.end(c.slot)
}

func (c *Ctx) translate(in *Input, res *Result) {
	c.in, c.tr = in, in.Trace
	c.flow = *in.Key
	c.base = c.flow
	c.wc = flow.Mask{}
	c.out, c.effects, c.recircs, c.stack, c.set = c.out[:0], c.effects[:0], c.recircs[:0], c.stack[:0], c.set[:0]
	c.table, c.rule, c.cookie, c.depth, c.resubmits = 0, nil, ^uint64(0), 0, 0
	c.deps = Deps{}
	c.exit, c.inSet, c.inGroup, c.err, c.slow = false, false, false, OK, 0
	c.bridge, c.port = in.Bridge, nil

	// Fields that every translation depends on.
	c.wc[flow.WInPort] = ^uint64(0)
	c.wc.SetExact(flow.FieldPacketType)
	c.wc[flow.WEthDst] |= 0xffff
	if isIP(&c.flow) {
		c.wc.SetNwFrag(flow.FragAny | flow.FragLater)
	}

	if c.bridge == nil {
		if c.port = in.Snap.Port(c.flow.InPort()); c.port != nil {
			c.bridge = c.port.Bridge
			c.flow.SetInPort(c.port.No.Wire32())
			c.base.SetInPort(c.port.No.Wire32())
		}
	} else {
		c.port = c.bridge.Port(openflow.Port(c.flow.InPort()))
	}
	c.flow.SetActsetOutput(openflow.PortUnset.Wire32())
	c.base.SetActsetOutput(openflow.PortUnset.Wire32())
	if c.bridge == nil {
		c.err = ErrBridgeNotFound
		c.finish(res)
		return
	}
	c.word0 = c.flow[0]
	c.version = c.bridge.State.Version.Load()
	var back *node
	if c.tr != nil {
		back = c.tr.enter(nodeBridge, "bridge(%q)", c.bridge.State.Name)
	}
	switch {
	case in.Actions != nil:
		c.doActions(in.Actions, true)
	case c.port != nil && c.port.Config&openflow.PortNoRecv != 0:
		c.notReceived()
	default:
		c.depth, c.resubmits = -1, -1 // the first lookup is no resubmit
		c.lookupAndRun(0, true, true)
		c.depth = 0
	}
	if c.err == OK {
		c.runActionSet()
	}
	if c.tr != nil {
		c.tr.leave(back)
	}
	c.finish(res)
}

// notReceived looks up a packet that its port's configuration drops, as the mask and the counters want it.
func (c *Ctx) notReceived() {
	r := c.find(0)
	if r == nil {
		r, _ = c.missRule(0, true)
	}
	if r != nil && r.Data.Kind == RuleNormal {
		c.effects = append(c.effects, r.Data.Stats)
	}
	if c.tr != nil {
		c.tr.leave(c.traceRule(r))
	}
}

// finish makes the mask one that a datapath can use, and fills res.
func (c *Ctx) finish(res *Result) {
	if c.err != OK {
		c.out = c.out[:0]
	}
	orig := c.in.Key
	// Pipeline fields are not the packet's.
	clear(c.wc[flow.WMetadata:])
	if orig.VlanTCI()&flow.VLANPresent == 0 {
		c.wc[flow.WVLAN] = 0
	} else {
		if c.wc[flow.WVLAN]>>32&0xffff != 0 {
			c.wc[flow.WVLAN] |= flow.VLANPresent << 32
		}
		if orig.VlanTCI1()&flow.VLANPresent == 0 {
			c.wc[flow.WVLAN] &^= 0xffffffff
		} else if c.wc[flow.WVLAN]&0xffff != 0 {
			c.wc[flow.WVLAN] |= flow.VLANPresent
		}
	}
	if isIP(orig) {
		if orig.NwFrag()&flow.FragLater != 0 {
			c.wc[flow.WL4] &^= 0xffffffff
		} else if isICMP(orig) {
			c.wc[flow.WL4] &^= 0xff00ff00
		}
	}
	res.Actions, res.Mask, res.Effects, res.Recircs = c.out, &c.wc, c.effects, c.recircs
	res.Err, res.Port, res.Bridge, res.Flow = c.err, c.port, c.bridge, &c.flow
	res.Deps, res.Slow = c.deps, c.slow
}

// fail records the first error.
func (c *Ctx) fail(e Error) {
	if c.err == OK {
		c.err = e
	}
}

// table returns a table of the present bridge, or nil if nothing was ever in it.
func (c *Ctx) tableOf(id uint8) *Table {
	if int(id) >= NumTables {
		return nil
	}
	return c.bridge.State.Tables[id].Load()
}

// find looks the flow up in a table. It returns nil if no rule matches.
func (c *Ctx) find(id uint8) *Rule {
	st := c.bridge.State
	frag := c.flow.NwFrag()
	if frag != 0 && isIP(&c.flow) {
		switch openflow.FragMode(st.Frag.Load()) {
		case openflow.FragDrop:
			return st.DropFrag
		case openflow.FragNormal:
			// The ports of a fragment count as zero.
			saved := c.flow[flow.WL4]
			c.flow[flow.WL4] &^= 0xffffffff
			r := c.findRule(id)
			c.flow[flow.WL4] = saved
			return r
		}
	}
	return c.findRule(id)
}

func (c *Ctx) findRule(id uint8) *Rule {
	c.noteTable(id)
	t := c.tableOf(id)
	if t == nil {
		return nil
	}
	r := t.Rules.Lookup(c.version, &c.flow, &c.wc)
	if r != nil {
		c.effects = append(c.effects, (*tableMatch)(t))
	} else {
		c.effects = append(c.effects, (*tableMiss)(t))
	}
	return r
}

// missRule is the rule for a miss in table id, and whether the lookup goes on in the next table instead.
func (c *Ctx) missRule(id uint8, honor bool) (r *Rule, next bool) {
	st := c.bridge.State
	if !honor {
		return st.NoPktIn, false
	}
	cfg := MissDefault
	if t := c.tableOf(id); t != nil {
		cfg = t.Miss.Load()
	}
	toController := st.Hooks != nil && st.Hooks.WantMiss != nil && st.Hooks.WantMiss()
	if cfg != MissDefault {
		switch openflow.TableConfig(cfg) & openflow.TableMissMask {
		case openflow.TableMissContinue:
			if int(id)+1 < NumTables {
				return nil, true
			}
			toController = true
		case openflow.TableMissDrop:
			toController = false
		default:
			toController = true
		}
	}
	if toController {
		if p := c.inPort(); p == nil || p.Config&openflow.PortNoPktIn == 0 {
			return st.Miss, false
		}
	}
	return st.NoPktIn, false
}

// lookupAndRun looks the flow up in table id and executes the rule's actions. honorMiss: a miss may go to the controllers.
func (c *Ctx) lookupAndRun(id uint8, honorMiss, last bool) {
	if !c.enterTable() {
		return
	}
	var r *Rule
	for {
		if r = c.find(id); r != nil {
			break
		}
		var next bool
		if r, next = c.missRule(id, honorMiss); !next {
			break
		}
		id++
	}
	oldTable, oldRule := c.table, c.rule
	depth := c.depth
	if id <= c.table {
		c.depth++ // going on in a later table is no recursion
	}
	c.table, c.rule = id, r
	var back *node
	if c.tr != nil {
		back = c.traceRule(r)
	}
	if r != nil {
		if r.Data.Kind == RuleNormal {
			c.effects = append(c.effects, r.Data.Stats)
		}
		oldCookie := c.cookie
		c.cookie = r.Data.Cookie
		c.doActions(r.Data.Actions, last)
		c.cookie = oldCookie
	}
	if c.tr != nil {
		c.tr.leave(back)
	}
	c.depth = depth
	c.table, c.rule = oldTable, oldRule
}

// enterTable checks the bounds on lookups.
func (c *Ctx) enterTable() bool {
	switch {
	case c.depth >= maxDepth:
		c.reportError("over max translation depth %d", maxDepth)
		c.fail(ErrRecursionTooDeep)
	case c.resubmits >= maxResubmits:
		c.reportError("over %d resubmit actions", maxResubmits)
		c.fail(ErrTooManyResubmits)
	case len(c.out) > maxActions:
		c.reportError("resubmits yielded over 64 kB of actions")
		c.fail(ErrTooManyResubmits)
		c.exit = true
	case len(c.stack) >= maxStack:
		c.reportError("resubmits yielded over 64 kB of stack")
		c.fail(ErrTooManyResubmits)
		c.exit = true
	default:
		c.resubmits++
		return true
	}
	return false
}

// resubmit looks the flow up again, with another in_port if that is asked for.
func (c *Ctx) resubmit(a *openflow.Resubmit, last bool) {
	inPort := c.flow.InPort()
	if a.InPort != openflow.PortInPort {
		c.flow.SetInPort(a.InPort.Wire32())
	}
	id := a.Table
	if id == openflow.TableAll {
		id = c.table
	}
	c.lookupAndRun(id, false, last)
	c.flow.SetInPort(inPort)
}

// inPort is the port that the packet came in by, or that resubmit says it did; nil if there is none.
func (c *Ctx) inPort() *Port { return c.bridge.Port(openflow.Port(c.flow.InPort())) }

// commit appends the actions that turn the packet, as it is after those so far, into what the flow says.
func (c *Ctx) commit() {
	const words = flow.WMark + 1 // beyond are fields that no action of a datapath sets
	if *(*[words]uint64)(c.flow[:words]) == *(*[words]uint64)(c.base[:words]) && c.flow.PacketType() == c.base.PacketType() {
		return
	}
	var slow uint32
	c.out, slow = actions.Commit(&c.base, &c.flow, &c.wc, c.out, &c.sets)
	c.slow |= slow
}

// emit appends a datapath action.
func (c *Ctx) emit(a actions.Action) { c.out = append(c.out, a) }

// DPNone is the datapath number of ports that no datapath has.
const DPNone = dpif.PortNone

func isIP(k *flow.Key) bool {
	t := k.EthType()
	return t == 0x0800 || t == 0x86dd
}

func isICMP(k *flow.Key) bool {
	return k.EthType() == 0x0800 && k.NwProto() == 1 || k.EthType() == 0x86dd && k.NwProto() == 58
}

func isMPLS(k *flow.Key) bool { return k.EthType() == 0x8847 || k.EthType() == 0x8848 }
