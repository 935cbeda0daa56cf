package openflow

import "govs/flow"

// Action is one OpenFlow action or instruction. An action list keeps instructions as actions, in the order in which they
// are executed (Meter, apply-actions as plain actions, ClearActions, WriteActions, WriteMetadata, GotoTable). The set is closed:
// the pointer types of this file.
type Action interface{ action() }

// Subfield is a range of bits of a field.
type Subfield struct {
	Field flow.FieldID
	Ofs   uint16 // least significant bit
	NBits uint16 // number of bits; 0 says that there is no subfield
}

// Whole is the subfield of all bits of f.
func Whole(f flow.FieldID) Subfield { return Subfield{f, 0, uint16(f.Info().Bits)} }

// IsSet says whether the subfield is there.
func (s Subfield) IsSet() bool { return s.NBits != 0 }

// Output actions.
type (
	// Output sends the packet to a port. MaxLen bounds the bytes that PortController gets.
	Output struct {
		Port   Port
		MaxLen uint16 // 0xffff (OFPCML_NO_BUFFER): the whole packet
	}
	// OutputReg sends to the port whose number is in Src.
	OutputReg struct {
		Src    Subfield
		MaxLen uint16
	}
	// OutputTrunc sends at most MaxLen bytes (at least 14) to Port.
	OutputTrunc struct {
		Port   Port
		MaxLen uint32
	}
	// Enqueue sends to Port by Queue.
	Enqueue struct {
		Port  Port
		Queue uint32
	}
	// Group executes a group.
	Group struct{ ID uint32 }
	// Controller sends the packet to the controllers whose id is ControllerID.
	Controller struct {
		MaxLen       uint16
		ControllerID uint16
		Reason       PacketInReason
		Userdata     []byte
		Pause        bool   // freeze the translation into a continuation
		Meter        uint32 // provider meter, 0xffffffff none
		Raw          uint8  // which encoding it came in: 0 output/controller, 1 NXAST_CONTROLLER, 2 NXAST_CONTROLLER2
	}
	// Bundle chooses one of several ports by a hash of the packet.
	Bundle struct {
		Fields    HashFields
		Basis     uint16
		Algorithm uint16 // BundleActiveBackup, BundleHRW
		Load      bool   // bundle_load: store the chosen port in Dst
		Dst       Subfield
		Members   []Port
	}
)

// Header and field changes.
type (
	// SetField stores Value in the bits of Field that Mask has. It is also what mod_dl_src and its like mean, where Legacy
	// keeps which of these actions it was, because they print and encode differently.
	SetField struct {
		Field  flow.FieldID
		Value  flow.Value
		Mask   flow.Value // all ones of the field: the whole field
		Legacy SetFieldForm
	}
	// RegMove copies Src to Dst, which are of equal width.
	RegMove struct{ Src, Dst Subfield }
	// StackPush pushes Src; StackPop pops to Dst.
	StackPush struct{ Src Subfield }
	// StackPop pops the stack's top to Dst.
	StackPop struct{ Dst Subfield }
	// SetVLANVID sets the VLAN id. If there is no tag, PushIfMissing adds one (OpenFlow 1.0's action does, later ones do not).
	SetVLANVID struct {
		VID           uint16
		PushIfMissing bool
		FlowHasVLAN   bool // the flow matches on a tag or pushes one before
	}
	// SetVLANPCP sets the VLAN priority; see SetVLANVID.
	SetVLANPCP struct {
		PCP           uint8
		PushIfMissing bool
		FlowHasVLAN   bool
	}
	// StripVLAN removes the outer tag, if there is one: OpenFlow 1.0's strip_vlan and 1.1's pop_vlan.
	StripVLAN struct{ Pop bool } // Pop: written as pop_vlan
	// PushVLAN adds a tag with TPID EthType.
	PushVLAN struct{ EthType uint16 }
	// PushMPLS adds a label stack entry.
	PushMPLS struct{ EthType uint16 }
	// PopMPLS removes the outermost label stack entry; the packet's type is EthType then.
	PopMPLS struct{ EthType uint16 }
	// SetMPLSLabel, SetMPLSTC and SetMPLSTTL change the outermost label stack entry.
	SetMPLSLabel struct{ Label uint32 }
	// SetMPLSTC sets the traffic class.
	SetMPLSTC struct{ TC uint8 }
	// SetMPLSTTL sets the TTL.
	SetMPLSTTL struct{ TTL uint8 }
	// DecMPLSTTL decrements the outermost label's TTL.
	DecMPLSTTL struct{}
	// DecTTL decrements the IP TTL. A packet whose TTL is 1 or less goes to the controllers of the ids in IDs ({0} by default).
	DecTTL struct {
		IDs  []uint16
		List bool // written with a list of ids: NXAST_DEC_TTL_CNT_IDS
	}
	// SetTTL sets the IP TTL (mod_nw_ttl).
	SetTTL struct{ TTL uint8 }
	// DecNSHTTL decrements the NSH TTL.
	DecNSHTTL struct{}
	// SetTunnel sets tun_id: set_tunnel, or set_tunnel64 if Wide or if ID needs it.
	SetTunnel struct {
		ID   uint64
		Wide bool
	}
	// SetQueue chooses the queue of later outputs; PopQueue goes back to the packet's own.
	SetQueue struct{ Queue uint32 }
	// PopQueue goes back to the queue that the packet had.
	PopQueue struct{}
	// DeleteField removes a tunnel option.
	DeleteField struct{ Field flow.FieldID }
	// CheckPktLarger stores in the bit Dst whether the packet is longer than Len bytes.
	CheckPktLarger struct {
		Dst Subfield
		Len uint16
	}
	// Encap pushes a header of the packet type.
	Encap struct {
		PacketType uint32 // name space in the upper half
		Props      []EncapProp
	}
	// Decap pops the outermost header.
	Decap struct{ NewType uint32 } // 0xfffe: as the header says
)

// EncapProp is one property of Encap.
type EncapProp struct {
	Class uint16
	Type  uint8
	Data  []byte
}

// Control of the pipeline.
type (
	// Resubmit looks the packet up again.
	Resubmit struct {
		InPort Port  // PortInPort: unchanged
		Table  uint8 // 255: the current table
		WithCT bool  // with the connection's original 5-tuple
	}
	// Learn adds or changes a flow.
	Learn struct {
		IdleTimeout, HardTimeout       uint16
		Priority                       uint16
		Cookie                         uint64
		Flags                          LearnFlags
		Table                          uint8
		FinIdleTimeout, FinHardTimeout uint16
		Limit                          uint32   // learn2; 0 none
		ResultDst                      Subfield // learn2
		Specs                          []LearnSpec
	}
	// Multipath chooses a link by a hash and stores its number in Dst.
	Multipath struct {
		Fields    HashFields
		Basis     uint16
		Algorithm uint16
		MaxLink   uint16 // number of links - 1
		Arg       uint32
		Dst       Subfield
	}
	// Conjunction says that the flow is clause Clause (from 0) of NClauses of conjunction ID.
	Conjunction struct {
		ID       uint32
		Clause   uint8
		NClauses uint8
	}
	// Exit ends the translation of the packet.
	Exit struct{}
	// Note carries bytes and does nothing.
	Note struct{ Data []byte }
	// FinTimeout reduces the flow's timeouts when a TCP packet has FIN or RST.
	FinTimeout struct{ Idle, Hard uint16 }
	// Sample passes some packets to sFlow or IPFIX.
	Sample struct {
		Probability  uint16
		CollectorSet uint32
		ObsDomain    uint32
		ObsPoint     uint32
		SamplingPort Port // PortNone: none
		Direction    SampleDirection
		Raw          uint8 // 1 NXAST_SAMPLE, 2, 3
	}
	// CT passes the packet through the connection tracker.
	CT struct {
		Flags      CTFlags
		ZoneSrc    Subfield // not set: ZoneImm
		ZoneImm    uint16
		RecircTab  uint8 // CTNoRecirc: none
		ALG        uint16
		Actions    []Action // NAT, and SetField and RegMove on ct_mark and ct_label
		TimeoutTag uint16
	}
	// CTClear forgets the connection tracking state of the packet.
	CTClear struct{}
	// NAT is address translation, inside CT only.
	NAT struct {
		Flags            NATFlags
		IsIPv6           bool
		AddrMin, AddrMax flow.Value
		HasAddr          bool
		PortMin, PortMax uint16 // 0: not given
	}
	// Clone executes actions on a copy.
	Clone struct{ Actions []Action }
	// DebugRecirc forces a recirculation; DebugSlow forces the slow path.
	DebugRecirc struct{}
	// DebugSlow forces the slow path.
	DebugSlow struct{}
)

// Instructions of OpenFlow 1.1 and later that are not actions (apply_actions is the action list itself).
type (
	// Meter passes the packet through a meter.
	Meter struct{ ID uint32 }
	// ClearActions empties the action set.
	ClearActions struct{}
	// WriteActions adds to the action set.
	WriteActions struct{ Actions []Action }
	// WriteMetadata sets the bits of metadata that Mask has.
	WriteMetadata struct{ Metadata, Mask uint64 }
	// GotoTable continues in a later table.
	GotoTable struct{ Table uint8 }
)

// SetFieldForm is the action that a SetField came in.
type SetFieldForm uint8

// The forms of SetField. The mod forms set whole fields.
const (
	FormSetField SetFieldForm = iota // set_field:
	FormRegLoad                      // load:
	FormModDlSrc                     // mod_dl_src and so on
	FormModDlDst
	FormModNwSrc
	FormModNwDst
	FormModNwTos
	FormModNwECN
	FormModTpSrc
	FormModTpDst
)

// HashFields chooses what Bundle and Multipath hash.
type HashFields uint16

// The hash_fields of bundle and multipath.
const (
	HashEthSrc HashFields = iota
	HashSymmetricL4
	HashSymmetricL3L4
	HashSymmetricL3L4UDP
	HashNwSrc
	HashNwDst
	HashSymmetricL3
)

// Algorithms of Bundle.
const (
	BundleActiveBackup uint16 = 0
	BundleHRW          uint16 = 1
)

// Algorithms of Multipath.
const (
	MultipathModuloN uint16 = iota
	MultipathHashThreshold
	MultipathHRW
	MultipathIterHash
)

// LearnFlags are the flags of Learn.
type LearnFlags uint16

// Flags of Learn.
const (
	LearnSendFlowRem LearnFlags = 1 << iota
	LearnDeleteLearned
	LearnWriteResult
)

// LearnDstType is what a LearnSpec does.
type LearnDstType uint8

// What a LearnSpec does.
const (
	LearnMatch LearnDstType = iota
	LearnLoad
	LearnOutput
)

// LearnSpec is one match or action of the flow that Learn makes.
type LearnSpec struct {
	NBits  uint16
	SrcImm bool // the source is Imm, else Src
	Imm    flow.Value
	Src    Subfield
	Type   LearnDstType
	Dst    Subfield // not for LearnOutput
}

// SampleDirection is the direction of a Sample.
type SampleDirection uint8

// Directions of a Sample.
const (
	SampleDefault SampleDirection = iota
	SampleIngress
	SampleEgress
)

// CTFlags are the flags of CT.
type CTFlags uint16

// Flags of CT.
const (
	CTCommit CTFlags = 1 << 0
	CTForce  CTFlags = 1 << 1
)

// CTNoRecirc is the RecircTab that says that the packet is not recirculated.
const CTNoRecirc uint8 = 0xff

// Application layer gateways of CT.
const (
	ALGFTP  uint16 = 21
	ALGTFTP uint16 = 69
)

// NATFlags are the flags of NAT.
type NATFlags uint16

// Flags of NAT.
const (
	NATSrc NATFlags = 1 << iota
	NATDst
	NATPersistent
	NATProtoHash
	NATProtoRandom
)

func (*Output) action()         {}
func (*OutputReg) action()      {}
func (*OutputTrunc) action()    {}
func (*Enqueue) action()        {}
func (*Group) action()          {}
func (*Controller) action()     {}
func (*Bundle) action()         {}
func (*SetField) action()       {}
func (*RegMove) action()        {}
func (*StackPush) action()      {}
func (*StackPop) action()       {}
func (*SetVLANVID) action()     {}
func (*SetVLANPCP) action()     {}
func (*StripVLAN) action()      {}
func (*PushVLAN) action()       {}
func (*PushMPLS) action()       {}
func (*PopMPLS) action()        {}
func (*SetMPLSLabel) action()   {}
func (*SetMPLSTC) action()      {}
func (*SetMPLSTTL) action()     {}
func (*DecMPLSTTL) action()     {}
func (*DecTTL) action()         {}
func (*SetTTL) action()         {}
func (*DecNSHTTL) action()      {}
func (*SetTunnel) action()      {}
func (*SetQueue) action()       {}
func (*PopQueue) action()       {}
func (*DeleteField) action()    {}
func (*CheckPktLarger) action() {}
func (*Encap) action()          {}
func (*Decap) action()          {}
func (*Resubmit) action()       {}
func (*Learn) action()          {}
func (*Multipath) action()      {}
func (*Conjunction) action()    {}
func (*Exit) action()           {}
func (*Note) action()           {}
func (*FinTimeout) action()     {}
func (*Sample) action()         {}
func (*CT) action()             {}
func (*CTClear) action()        {}
func (*NAT) action()            {}
func (*Clone) action()          {}
func (*DebugRecirc) action()    {}
func (*DebugSlow) action()      {}
func (*Meter) action()          {}
func (*ClearActions) action()   {}
func (*WriteActions) action()   {}
func (*WriteMetadata) action()  {}
func (*GotoTable) action()      {}
