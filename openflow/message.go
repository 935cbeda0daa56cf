package openflow

import "govs/flow"

// Msg is one OpenFlow message.
type Msg struct {
	Version Version
	XID     uint32
	More    bool // a multipart message that is continued in the next one of this XID
	Body    Body
	Raw     []byte // the message as it was received (shared with the caller of Decode); nil in messages that we make
}

// Body is the content of a message: one of the pointer types of this package whose comment names a message.
type Body interface{ body() }

// Symmetric messages.
type (
	// Hello is OFPT_HELLO.
	Hello struct {
		Versions Versions // from the bitmap; 0 if there is none, then the header's version is the highest of all
	}
	// ErrorMsg is OFPT_ERROR.
	ErrorMsg struct {
		Code ErrCode
		Type uint16 // raw type, code and vendor where Code is ErrUnknown
		Num  uint16
		Exp  uint32
		Data []byte
	}
	// EchoRequest is OFPT_ECHO_REQUEST.
	EchoRequest struct{ Data []byte }
	// EchoReply is OFPT_ECHO_REPLY.
	EchoReply struct{ Data []byte }
	// Experimenter is a vendor or experimenter message that nothing else of this package stands for. Decode returns an error for
	// one, so it is only made by callers.
	Experimenter struct {
		ID, Type uint32
		Data     []byte
	}
)

// Features, configuration, roles.
type (
	// FeaturesRequest is OFPT_FEATURES_REQUEST.
	FeaturesRequest struct{}
	// FeaturesReply is OFPT_FEATURES_REPLY.
	FeaturesReply struct {
		DatapathID   uint64
		NBuffers     uint32
		NTables      uint8
		AuxiliaryID  uint8
		Capabilities Capabilities
		Actions      uint32     // 1.0: bitmap of OFPAT10_ numbers
		Ports        []PortDesc // 1.0 to 1.2
	}
	// GetConfigRequest is OFPT_GET_CONFIG_REQUEST.
	GetConfigRequest struct{}
	// GetConfigReply is OFPT_GET_CONFIG_REPLY.
	GetConfigReply struct{ Config SwitchConfig }
	// SetConfig is OFPT_SET_CONFIG.
	SetConfig struct{ Config SwitchConfig }
	// BarrierRequest is OFPT_BARRIER_REQUEST.
	BarrierRequest struct{}
	// BarrierReply is OFPT_BARRIER_REPLY.
	BarrierReply struct{}
	// RoleRequest is OFPT_ROLE_REQUEST and NXT_ROLE_REQUEST.
	RoleRequest struct {
		NX            bool
		Role          Role
		HasGeneration bool
		Generation    uint64
	}
	// RoleReply is OFPT_ROLE_REPLY and NXT_ROLE_REPLY.
	RoleReply struct {
		NX            bool
		Role          Role
		HasGeneration bool
		Generation    uint64
	}
	// RoleStatus is OFPT_ROLE_STATUS (1.4), an extension for 1.3.
	RoleStatus struct {
		Role       Role
		Reason     uint8
		Generation uint64
	}
	// GetAsyncRequest is OFPT_GET_ASYNC_REQUEST.
	GetAsyncRequest struct{}
	// GetAsyncReply is OFPT_GET_ASYNC_REPLY.
	GetAsyncReply struct{ Config AsyncConfig }
	// SetAsync is OFPT_SET_ASYNC and NXT_SET_ASYNC_CONFIG (and its second form, which has the properties of 1.4). What it does not
	// give stays as it is: bit t of HasMaster says that Config.Master[t] is given.
	SetAsync struct {
		NX                  bool
		Props               bool // NXT_SET_ASYNC_CONFIG2
		Config              AsyncConfig
		HasMaster, HasSlave uint8
	}
	// SetFlowFormat is NXT_SET_FLOW_FORMAT.
	SetFlowFormat struct{ NXM bool }
	// FlowModTableID is NXT_FLOW_MOD_TABLE_ID.
	FlowModTableID struct{ Set bool }
	// SetPacketInFormat is NXT_SET_PACKET_IN_FORMAT.
	SetPacketInFormat struct{ Format PacketInFormat }
	// FlowAge is NXT_FLOW_AGE: an obsolete message that asks for nothing.
	FlowAge struct{}
	// SetControllerID is NXT_SET_CONTROLLER_ID.
	SetControllerID struct{ ID uint16 }
)

// Capabilities of a switch.
type Capabilities uint32

// Capability bits, as on the wire but for CapGroupStats, which from 1.1 on has the bit that CapSTP has in 1.0.
const (
	CapFlowStats   Capabilities = 1 << 0
	CapTableStats  Capabilities = 1 << 1
	CapPortStats   Capabilities = 1 << 2
	CapSTP         Capabilities = 1 << 3 // 1.0
	CapGroupStats  Capabilities = 1 << 4 // 1.1 and later
	CapIPReasm     Capabilities = 1 << 5
	CapQueueStats  Capabilities = 1 << 6
	CapARPMatchIP  Capabilities = 1 << 7  // 1.0
	CapPortBlocked Capabilities = 1 << 8  // 1.2 and later
	CapBundles     Capabilities = 1 << 9  // 1.4
	CapFlowMon     Capabilities = 1 << 10 // 1.4
)

// SwitchConfig is the content of get_config and set_config.
type SwitchConfig struct {
	Frag        FragMode
	InvalidTTL  bool // send packets with an invalid TTL to the controller (1.1, 1.2)
	HasInvalid  bool // InvalidTTL is given (1.1, 1.2)
	MissSendLen uint16
}

// FragMode is what the switch does with IP fragments.
type FragMode uint8

// Fragment modes.
const (
	FragNormal FragMode = iota
	FragDrop
	FragReasm
	FragNXMatch
)

// Role of a controller.
type Role uint8

// Roles; the values are those of OpenFlow 1.2.
const (
	RoleNoChange Role = iota
	RoleEqual
	RoleMaster // called primary, too
	RoleSlave  // called secondary, too
)

// AsyncType is a kind of asynchronous message.
type AsyncType uint8

// Kinds of asynchronous messages.
const (
	AsyncPacketIn AsyncType = iota
	AsyncPortStatus
	AsyncFlowRemoved
	AsyncRoleStatus
	AsyncTableStatus
	AsyncRequestForward
	NumAsync
)

// AsyncConfig says, for each kind of message, which reasons (a bit each) are sent to a master or equal and to a slave.
type AsyncConfig struct {
	Master [NumAsync]uint32
	Slave  [NumAsync]uint32
}

// PacketInFormat is a form of packet_in messages.
type PacketInFormat uint8

// Forms of packet_in messages.
const (
	PacketInStd  PacketInFormat = iota // the version's own
	PacketInNXT                        // NXT_PACKET_IN
	PacketInNXT2                       // NXT_PACKET_IN2
)

// Packets.
type (
	// PacketIn is OFPT_PACKET_IN, NXT_PACKET_IN and NXT_PACKET_IN2.
	PacketIn struct {
		Format   PacketInFormat
		Packet   []byte
		TotalLen uint32 // length of the whole packet
		BufferID uint32
		Reason   PacketInReason
		Table    uint8
		Cookie   uint64
		// Metadata are the pipeline fields: in_port, metadata, registers, tunnel and ct fields.
		Metadata flow.Match
		Userdata []byte
		// Continuation is the frozen state of the pipeline, nil if the translation was not paused. It is opaque to controllers,
		// who send it back in a Resume.
		Continuation []byte
	}
	// Resume is NXT_RESUME.
	Resume struct{ PacketIn }
	// PacketOut is OFPT_PACKET_OUT.
	PacketOut struct {
		BufferID uint32
		InPort   Port
		Metadata flow.Match // in_port and, from 1.5 on, more
		Actions  []Action
		Packet   []byte
	}
	// FlowRemoved is OFPT_FLOW_REMOVED and NXT_FLOW_REMOVED.
	FlowRemoved struct {
		NX           bool
		Cookie       uint64
		Priority     uint16
		Reason       FlowRemovedReason
		Table        uint8
		DurationSec  uint32
		DurationNsec uint32
		IdleTimeout  uint16
		HardTimeout  uint16
		Packets      uint64
		Bytes        uint64
		Match        flow.Match
	}
	// PortStatus is OFPT_PORT_STATUS.
	PortStatus struct {
		Reason PortReason
		Desc   PortDesc
	}
)

// PacketInReason is why a packet went to the controller.
type PacketInReason uint8

// Reasons of packet_in.
const (
	ReasonNoMatch PacketInReason = iota
	ReasonAction
	ReasonInvalidTTL
	ReasonActionSet // 1.4 and later; ReasonAction before
	ReasonGroup     // 1.4 and later
	ReasonPacketOut // 1.4 and later
	ReasonExplicitMiss
	ReasonImplicitMiss
)

// FlowRemovedReason is why a flow was removed.
type FlowRemovedReason uint8

// Reasons of flow_removed.
const (
	RemovedIdleTimeout FlowRemovedReason = iota
	RemovedHardTimeout
	RemovedDelete
	RemovedGroupDelete
	RemovedMeterDelete // 1.4
	RemovedEviction    // 1.4
)

// PortReason is what happened to a port.
type PortReason uint8

// Reasons of port_status.
const (
	PortAdd PortReason = iota
	PortDelete
	PortModify
)

// Modifications of the switch.
type (
	// FlowMod is OFPT_FLOW_MOD and NXT_FLOW_MOD.
	FlowMod struct {
		NX      bool // NXT_FLOW_MOD
		Command FlowModCommand
		Table   uint8 // TableAll: the switch chooses (add), all tables (delete)
		// Modify and delete affect only flows with (cookie & CookieMask) == Cookie.
		Cookie, CookieMask uint64
		// NewCookie is what an add gives the flow, and a modify too if ModifyCookie.
		NewCookie    uint64
		ModifyCookie bool
		IdleTimeout  uint16
		HardTimeout  uint16
		Priority     uint16
		BufferID     uint32
		OutPort      Port   // delete only flows with an output to this; PortNone: all
		OutGroup     uint32 // GroupAny: all
		Flags        FlowModFlags
		Importance   uint16 // 1.4
		Match        flow.Match
		Actions      []Action
	}
	// PortMod is OFPT_PORT_MOD.
	PortMod struct {
		Port      Port
		HWAddr    [6]byte
		Config    PortConfig
		Mask      PortConfig
		Advertise PortFeatures
	}
	// TableMod is OFPT_TABLE_MOD.
	TableMod struct {
		Table  uint8
		Config TableConfig
	}
	// GroupMod is OFPT_GROUP_MOD.
	GroupMod struct {
		Command         GroupModCommand
		Type            GroupType
		Group           uint32
		CommandBucketID uint32
		Buckets         []Bucket
		Props           GroupProps
	}
	// MeterMod is OFPT_METER_MOD.
	MeterMod struct {
		Command MeterModCommand
		Meter   MeterConfig
	}
)

// FlowModCommand is what a FlowMod does.
type FlowModCommand uint8

// Commands of FlowMod.
const (
	FlowAdd FlowModCommand = iota
	FlowModify
	FlowModifyStrict
	FlowDelete
	FlowDeleteStrict
)

// FlowModFlags are flags of a flow.
type FlowModFlags uint16

// Flags of a flow, as on the wire of 1.3; Emergency is bit 2 of OpenFlow 1.0.
const (
	FlowSendFlowRem  FlowModFlags = 1 << 0
	FlowCheckOverlap FlowModFlags = 1 << 1
	FlowResetCounts  FlowModFlags = 1 << 2 // 1.2 and later; earlier versions imply it for modify... (see decodeFlowMod)
	FlowNoPktCounts  FlowModFlags = 1 << 3 // 1.3 and later
	FlowNoBytCounts  FlowModFlags = 1 << 4 // 1.3 and later
	FlowHidden       FlowModFlags = 1 << 8 // set by the switch itself: not listed
	FlowNoReadonly   FlowModFlags = 1 << 9 // set by the switch itself: may change read-only tables
)

// TableConfig is the configuration of a table.
type TableConfig uint32

// Configuration of tables: what to do with a packet that misses (1.1 and 1.2), and 1.4's bits.
const (
	TableMissController TableConfig = 0 << 0
	TableMissContinue   TableConfig = 1 << 0
	TableMissDrop       TableConfig = 2 << 0
	TableMissMask       TableConfig = 3 << 0
	TableEviction       TableConfig = 1 << 2
	TableVacancy        TableConfig = 1 << 3
)

// GroupType is the type of a group.
type GroupType uint8

// Types of groups.
const (
	GroupAllType GroupType = iota
	GroupSelect
	GroupIndirect
	GroupFastFailover
)

// GroupModCommand is what a GroupMod does.
type GroupModCommand uint16

// Commands of GroupMod.
const (
	GroupAdd          GroupModCommand = 0
	GroupModify       GroupModCommand = 1
	GroupDelete       GroupModCommand = 2
	GroupInsertBucket GroupModCommand = 3
	GroupRemoveBucket GroupModCommand = 5
	GroupAddOrMod     GroupModCommand = 0x8000
)

// Bucket is a bucket of a group.
type Bucket struct {
	ID         uint32
	Weight     uint16
	WatchPort  Port
	WatchGroup uint32
	Actions    []Action
}

// GroupProps are the selection method and its parameters (Nicira extension, 1.5).
type GroupProps struct {
	Method      string
	MethodParam uint64
	Fields      flow.Match
}

// MeterModCommand is what a MeterMod does.
type MeterModCommand uint16

// Commands of MeterMod.
const (
	MeterAdd MeterModCommand = iota
	MeterModify
	MeterDelete
)

// Special meters.
const (
	MeterMax        uint32 = 0xffff0000
	MeterSlowpath   uint32 = 0xfffffffd
	MeterController uint32 = 0xfffffffe
	MeterAll        uint32 = 0xffffffff
	MeterNone       uint32 = 0xffffffff // in Controller.Meter
)

// MeterFlags are flags of a meter.
type MeterFlags uint16

// Flags of a meter.
const (
	MeterKbps  MeterFlags = 1 << 0
	MeterPktps MeterFlags = 1 << 1
	MeterBurst MeterFlags = 1 << 2
	MeterStat  MeterFlags = 1 << 3
)

// MeterConfig is a meter and its bands.
type MeterConfig struct {
	ID    uint32
	Flags MeterFlags
	Bands []MeterBand
}

// MeterBand is one band of a meter.
type MeterBand struct {
	Type      uint16 // 1 drop, 2 dscp_remark
	Rate      uint32
	Burst     uint32
	PrecLevel uint8
}
