package xlate

import (
	"sync/atomic"

	"govs/classifier/oftable"
	"govs/dpif"
	"govs/flow"
	"govs/openflow"
)

// RuleData is what a flow table keeps with each rule. It is constant but for Stats; a changed flow is a new rule.
type RuleData struct {
	Stats       *RuleStats // shared with the rule that replaces this one, unless counters are reset
	Actions     []openflow.Action
	Cookie      uint64
	Created     int64 // ms
	Modified    int64 // ms: created or last changed by a flow_mod
	IdleTimeout uint16
	HardTimeout uint16
	Flags       openflow.FlowModFlags
	Importance  uint16
	Table       uint8
	Kind        RuleKind
}

// RuleKind tells ordinary rules from those that the switch itself uses.
type RuleKind uint8

// Kinds of rules.
const (
	RuleNormal     RuleKind = iota
	RuleMiss                // table miss that goes to the controllers
	RuleNoPacketIn          // table miss that is dropped
	RuleDropFrags           // fragments, in the mode that drops them
)

// Rule is an OpenFlow rule.
type Rule = oftable.Rule[RuleData]

// RuleStats are a rule's counters. Any goroutine may add to them.
type RuleStats struct {
	Packets atomic.Uint64
	Bytes   atomic.Uint64
	Used    atomic.Int64 // ms; when the last packet came
	// Idle and Hard are timeouts that fin_timeout has reduced, plus one; 0: not reduced.
	Idle, Hard atomic.Uint32
}

// Table is one flow table of a bridge.
type Table struct {
	Rules   *oftable.Table[RuleData]
	Matched atomic.Uint64 // packets that found a rule
	Missed  atomic.Uint64
	Miss    atomic.Uint32 // openflow.TableConfig bits of the table-miss setting, MissDefault if not set
}

// MissDefault is Table.Miss as it is before a table_mod.
const MissDefault = ^uint32(0)

// NumTables is the number of tables that controllers can use; the numbers are 0 to 253.
const NumTables = 254

// BridgeState is what of a bridge outlives snapshots.
type BridgeState struct {
	Name   string
	ID     uint32                           // tells bridges apart in Deps; need not be unique
	Tables [NumTables]atomic.Pointer[Table] // nil: no rule was ever in it
	// Version is the version of the tables that lookups use.
	Version  atomic.Uint64
	MAC      *MACTable
	Groups   atomic.Pointer[map[uint32]*Group]
	Frag     atomic.Uint32 // openflow.FragMode
	Miss     *Rule
	NoPktIn  *Rule
	DropFrag *Rule
	Hooks    *Hooks
}

// Hooks are calls out of a translation that was made for a real packet.
type Hooks struct {
	// WantMiss says whether some controller wants a packet_in for each table miss, so that the default is to send it.
	WantMiss func() bool
	// PacketIn sends a packet to the controllers of b.
	PacketIn func(b *BridgeState, p *PacketIn)
	// Learn carries out a flow_mod that a learn action made.
	Learn func(b *BridgeState, fm *openflow.FlowMod) error
}

// PacketIn is a packet for controllers.
type PacketIn struct {
	Packet       []byte
	Reason       openflow.PacketInReason
	Table        uint8
	Cookie       uint64
	ControllerID uint16
	MaxLen       uint16
	Key          *flow.Key // metadata, with OpenFlow's in_port
	Userdata     []byte
}

// Group is an OpenFlow group. It is constant but for the counters.
type Group struct {
	ID       uint32
	Type     openflow.GroupType
	Buckets  []openflow.Bucket
	Props    openflow.GroupProps
	Created  int64 // ms
	Stats    *RuleStats
	PerBkt   []*RuleStats
	RefCount atomic.Uint32
}

// Counters are a patch port's, which no datapath counts.
type Counters struct {
	RxPackets, RxBytes, TxPackets, TxBytes atomic.Uint64
}

// Snapshot is the switch at one time. It is immutable.
type Snapshot struct {
	Bridges []*Bridge
	ByDP    []*Port // by datapath port number; nil where there is none
	ByDPBig map[dpif.PortNo]*Port
}

// Port of the datapath number, or nil.
func (s *Snapshot) Port(no dpif.PortNo) *Port {
	if int(no) < len(s.ByDP) {
		return s.ByDP[no]
	}
	return s.ByDPBig[no]
}

// Bridge returns the bridge of that name, or nil.
func (s *Snapshot) Bridge(name string) *Bridge {
	for _, b := range s.Bridges {
		if b.State.Name == name {
			return b
		}
	}
	return nil
}

// Bridge is one bridge of a snapshot.
type Bridge struct {
	State       *BridgeState
	Snap        *Snapshot
	Ports       []*Port      // in the order in which FLOOD and ALL send
	byNo        [256][]*Port // by high and low byte of the number; a nil row is empty
	Bundles     []*Bundle    // in the order in which they were made
	FloodVLANs  map[uint16]bool
	ForwardBPDU bool
	VLANLimit   int
}

// Port returns the port of that number, or nil.
func (b *Bridge) Port(no openflow.Port) *Port {
	if row := b.byNo[no>>8]; row != nil {
		return row[no&0xff]
	}
	return nil
}

// AddPort makes the port known by its number. Only for who builds a snapshot.
func (b *Bridge) AddPort(p *Port) {
	if b.byNo[p.No>>8] == nil {
		b.byNo[p.No>>8] = make([]*Port, 256)
	}
	b.byNo[p.No>>8][p.No&0xff] = p
	b.Ports = append(b.Ports, p)
}

// Port is one port of a bridge.
type Port struct {
	Bridge   *Bridge
	Name     string
	No       openflow.Port
	DP       dpif.PortNo // dpif.PortNone for patch ports
	Config   openflow.PortConfig
	Bundle   *Bundle // nil: not part of NORMAL
	Patch    bool
	Peer     *Port     // patch ports: the other end, nil while there is none
	Counters *Counters // patch ports
	LinkUp   bool
	MTU      int
}

// Bundle is one or more ports that NORMAL treats as one.
type Bundle struct {
	State     *BundleState
	Name      string
	Ports     []*Port
	Mode      VLANMode
	VLAN      int // access or native VLAN; -1 none (a trunk)
	Trunks    *VLANSet
	CVLANs    *VLANSet
	QinQ      uint16 // TPID of the service tag in dot1q-tunnel mode
	Prio      PrioTags
	Protected bool
	Floodable bool
}

// BundleState identifies a bundle across snapshots.
type BundleState struct {
	Cur atomic.Pointer[Bundle] // as in the newest snapshot; nil once it is deleted
}

// VLANMode is how a bundle treats VLAN tags.
type VLANMode uint8

// VLAN modes.
const (
	VLANAccess VLANMode = iota
	VLANTrunk
	VLANNativeTagged
	VLANNativeUntagged
	VLANDot1qTunnel
)

// PrioTags says when a frame of VLAN 0 is sent with a tag, for its priority.
type PrioTags uint8

// When to send priority tags.
const (
	PrioNever PrioTags = iota
	PrioIfNonzero
	PrioAlways
)

// VLANSet is a set of VLAN ids.
type VLANSet [4096 / 64]uint64

// Has says whether v is in the set; a nil set has all.
func (s *VLANSet) Has(v uint16) bool { return s == nil || s[v>>6&63]&(1<<(v&63)) != 0 }

// Add adds v.
func (s *VLANSet) Add(v uint16) { s[v>>6&63] |= 1 << (v & 63) }

// Readers knows which translations are under way, so that a writer can tell when what it has unpublished is out of use.
// The zero Readers is ready.
type Readers struct {
	epoch atomic.Uint64
	slots atomic.Pointer[[]*atomic.Uint64] // of all contexts; grows only
}

// begin marks the start of a translation of the context that owns slot.
func (r *Readers) begin(slot *atomic.Uint64) { slot.Store(r.epoch.Load() + 1) }

func (r *Readers) end(slot *atomic.Uint64) { slot.Store(0) }

// Advance returns a mark for what was unpublished before the call.
func (r *Readers) Advance() uint64 { return r.epoch.Add(1) }

// Passed says whether every translation that began before the Advance that returned mark has ended.
func (r *Readers) Passed(mark uint64) bool {
	slots := r.slots.Load()
	if slots == nil {
		return true
	}
	for _, s := range *slots {
		if v := s.Load(); v != 0 && v <= mark {
			return false
		}
	}
	return true
}

func (r *Readers) add() *atomic.Uint64 {
	slot := new(atomic.Uint64)
	for {
		old := r.slots.Load()
		var next []*atomic.Uint64
		if old != nil {
			next = append(next, *old...)
		}
		next = append(next, slot)
		if r.slots.CompareAndSwap(old, &next) {
			return slot
		}
	}
}
