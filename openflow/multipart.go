package openflow

import "govs/flow"

// Multipart messages (statistics). A reply whose list does not fit in one message is split by Encode; a received one keeps its
// parts, with Msg.More on all but the last.
type (
	// DescRequest is OFPMP_DESC.
	DescRequest struct{}
	// DescReply is the switch's description.
	DescReply struct{ Manufacturer, Hardware, Software, Serial, Datapath string }

	// FlowStatsRequest is OFPMP_FLOW, OFPMP_AGGREGATE, NXST_FLOW and NXST_AGGREGATE.
	FlowStatsRequest struct {
		NX         bool
		Aggregate  bool
		Table      uint8
		OutPort    Port
		OutGroup   uint32
		Cookie     uint64
		CookieMask uint64
		Match      flow.Match
	}
	// FlowStatsReply is the list of flows.
	FlowStatsReply struct {
		NX    bool
		Flows []FlowStats
		// Each, if not nil, stands for Flows when the message is encoded: it calls yield for each flow, until that returns
		// false. The flow is yield's until it returns. So a switch need not hold a long list.
		Each func(yield func(*FlowStats) bool)
	}
	// AggregateReply is a sum over flows. A counter of all ones is unknown.
	AggregateReply struct {
		NX      bool
		Packets uint64
		Bytes   uint64
		Flows   uint32
	}

	// TableStatsRequest is OFPMP_TABLE.
	TableStatsRequest struct{}
	// TableStatsReply is the list of tables.
	TableStatsReply struct{ Tables []TableStats }

	// PortStatsRequest is OFPMP_PORT_STATS; PortNone asks for all ports.
	PortStatsRequest struct{ Port Port }
	// PortStatsReply is the list of port statistics.
	PortStatsReply struct{ Ports []PortStats }

	// QueueStatsRequest is OFPMP_QUEUE; PortNone (PortAll in 1.0) and QueueAll ask for all.
	QueueStatsRequest struct {
		Port  Port
		Queue uint32
	}
	// QueueStatsReply is the list of queue statistics.
	QueueStatsReply struct{ Queues []QueueStats }

	// PortDescRequest is OFPMP_PORT_DESC; in 1.5 it may ask for one port.
	PortDescRequest struct{ Port Port }
	// PortDescReply is the list of ports.
	PortDescReply struct{ Ports []PortDesc }

	// TableFeaturesRequest is OFPMP_TABLE_FEATURES; a request with tables would change them.
	TableFeaturesRequest struct {
		Set    bool // the request has a body
		Tables []TableFeatures
	}
	// TableFeaturesReply is the list of tables.
	TableFeaturesReply struct{ Tables []TableFeatures }

	// TableDescRequest is OFPMP_TABLE_DESC (1.4).
	TableDescRequest struct{}
	// TableDescReply is the list of tables.
	TableDescReply struct {
		Tables []TableDesc
	}

	// QueueGetConfigRequest is OFPT_QUEUE_GET_CONFIG_REQUEST.
	QueueGetConfigRequest struct {
		Port  Port
		Queue uint32 // 1.4 and later may ask for one queue, else QueueAll
	}
	// QueueGetConfigReply is the list of a port's queues.
	QueueGetConfigReply struct {
		Port   Port
		Queues []QueueConfig
	}

	// GroupStatsRequest is OFPMP_GROUP.
	GroupStatsRequest struct{ Group uint32 }
	// GroupStatsReply is the list of groups' statistics.
	GroupStatsReply struct{ Groups []GroupStats }
	// GroupDescRequest is OFPMP_GROUP_DESC; in 1.5 it may ask for one group, else it is GroupAll.
	GroupDescRequest struct{ Group uint32 }
	// GroupDescReply is the list of groups.
	GroupDescReply struct{ Groups []GroupDesc }
	// GroupFeaturesRequest is OFPMP_GROUP_FEATURES.
	GroupFeaturesRequest struct{}
	// GroupFeaturesReply says what groups the switch can do.
	GroupFeaturesReply struct {
		Types        uint32
		Capabilities uint32
		MaxGroups    [4]uint32
		Actions      [4]uint32
	}

	// MeterStatsRequest is OFPMP_METER.
	MeterStatsRequest struct{ Meter uint32 }
	// MeterStatsReply is the list of meters' statistics.
	MeterStatsReply struct{ Meters []MeterStats }
	// MeterConfigRequest is OFPMP_METER_CONFIG.
	MeterConfigRequest struct{ Meter uint32 }
	// MeterConfigReply is the list of meters.
	MeterConfigReply struct{ Meters []MeterConfig }
	// MeterFeaturesRequest is OFPMP_METER_FEATURES.
	MeterFeaturesRequest struct{}
	// MeterFeaturesReply says what meters the switch can do.
	MeterFeaturesReply struct {
		MaxMeters    uint32
		BandTypes    uint32
		Capabilities uint32
		MaxBands     uint8
		MaxColor     uint8
	}

	// FlowMonitorRequest is NXST_FLOW_MONITOR: a list of monitors to add.
	FlowMonitorRequest struct{ Monitors []FlowMonitor }
	// FlowMonitorReply is the list of updates, both the reply to the request and what is sent later.
	FlowMonitorReply struct{ Updates []FlowUpdate }
	// FlowMonitorCancel is NXT_FLOW_MONITOR_CANCEL.
	FlowMonitorCancel struct{ ID uint32 }
	// FlowMonitorPaused is NXT_FLOW_MONITOR_PAUSED.
	FlowMonitorPaused struct{}
	// FlowMonitorResumed is NXT_FLOW_MONITOR_RESUMED.
	FlowMonitorResumed struct{}
)

// FlowStats is one flow of a FlowStatsReply.
type FlowStats struct {
	Cookie       uint64
	Table        uint8
	Priority     uint16
	IdleTimeout  uint16
	HardTimeout  uint16
	DurationSec  uint32
	DurationNsec uint32
	IdleAge      int // seconds since the last packet; -1 unknown (only NXST_FLOW has it)
	HardAge      int // seconds since the flow was modified; -1 unknown
	Packets      uint64
	Bytes        uint64
	Flags        FlowModFlags
	Importance   uint16
	Match        flow.Match
	Actions      []Action
}

// TableStats is one table of a TableStatsReply. Fields that a version lacks are not sent.
type TableStats struct {
	Table      uint8
	Name       string
	MaxEntries uint32
	Active     uint32
	Lookups    uint64
	Matched    uint64
	Wildcards  uint32         // 1.0, 1.1: OFPFW_ bits
	Features   *TableFeatures // 1.1 and 1.2 derive bitmaps from it; may be nil
}

// Unknown is the value of a counter that the switch cannot tell.
const Unknown = ^uint64(0)

// PortStats are the counters of a port. A counter that is Unknown prints as "?".
type PortStats struct {
	Port                                        Port
	RxPackets, TxPackets                        uint64
	RxBytes, TxBytes                            uint64
	RxDropped, TxDropped                        uint64
	RxErrors, TxErrors                          uint64
	RxFrameErr, RxOverErr, RxCRCErr, Collisions uint64
	DurationSec, DurationNsec                   uint32 // 1.3 and later; DurationSec of all ones: unknown
	// Custom are the named counters that 1.4 and later can carry.
	Custom []CustomCounter
}

// CustomCounter is a named counter of a port.
type CustomCounter struct {
	Name  string
	Value uint64
}

// QueueStats are the counters of a queue.
type QueueStats struct {
	Port                         Port
	Queue                        uint32
	TxBytes, TxPackets, TxErrors uint64
	DurationSec, DurationNsec    uint32
}

// QueueConfig describes a queue.
type QueueConfig struct {
	Queue            uint32
	MinRate, MaxRate uint16 // tenths of a percent; 0xffff: not given
}

// TableFeatures describes what a table can do (OpenFlow 1.3's OFPMP_TABLE_FEATURES).
type TableFeatures struct {
	Table         uint8
	Name          string
	MetadataMatch uint64
	MetadataWrite uint64
	Capabilities  uint32 // 1.4
	Config        TableConfig
	MaxEntries    uint32
	// For flows other than table-miss, and for table-miss.
	NonMiss, Miss TableFeatureSet
	// Fields that may be matched, with a mask, and that may be left out (wildcards).
	Match, Mask, Wildcard FieldSet
}

// TableFeatureSet is what flows of a table may do.
type TableFeatureSet struct {
	Next         [4]uint64 // bit n: table n can be reached
	Instructions uint32    // bit n: the instruction of number n (1.3)
	Write, Apply ActionFeatures
}

// ActionFeatures is what actions a table's flows may use.
type ActionFeatures struct {
	Actions  []uint16 // standard action numbers (1.3's)
	SetField FieldSet
}

// FieldSet is a set of fields.
type FieldSet [4]uint64

// Add adds a field.
func (s *FieldSet) Add(f flow.FieldID) { s[f/64] |= 1 << (f % 64) }

// Has says whether f is in the set.
func (s *FieldSet) Has(f flow.FieldID) bool { return s[f/64]&(1<<(f%64)) != 0 }

// TableDesc is one table of a TableDescReply.
type TableDesc struct {
	Table  uint8
	Config TableConfig
}

// GroupStats are the counters of a group.
type GroupStats struct {
	Group                     uint32
	RefCount                  uint32
	Packets, Bytes            uint64
	DurationSec, DurationNsec uint32
	Buckets                   []BucketCounter
}

// BucketCounter are the counters of a bucket.
type BucketCounter struct{ Packets, Bytes uint64 }

// GroupDesc describes a group.
type GroupDesc struct {
	Type    GroupType
	Group   uint32
	Buckets []Bucket
	Props   GroupProps
}

// MeterStats are the counters of a meter.
type MeterStats struct {
	Meter                     uint32
	FlowCount                 uint32
	PacketsIn, BytesIn        uint64
	DurationSec, DurationNsec uint32
	Bands                     []BandStats
}

// BandStats are the counters of a band.
type BandStats struct{ Packets, Bytes uint64 }

// MonitorFlags are flags of a flow monitor.
type MonitorFlags uint16

// Flags of a flow monitor.
const (
	MonitorInitial MonitorFlags = 1 << iota
	MonitorAdd
	MonitorDelete
	MonitorModify
	MonitorActions
	MonitorOwn
)

// FlowMonitor is one monitor of a FlowMonitorRequest.
type FlowMonitor struct {
	ID       uint32
	Flags    MonitorFlags
	OutPort  Port
	OutGroup uint32
	Table    uint8
	Match    flow.Match
}

// FlowEvent is what happened to a flow.
type FlowEvent uint16

// Events of FlowUpdate.
const (
	FlowAdded FlowEvent = iota
	FlowDeleted
	FlowModified
	FlowAbbrev // the receiver's own message of XID did it
)

// FlowUpdate is one update of a FlowMonitorReply.
type FlowUpdate struct {
	Event       FlowEvent
	XID         uint32            // FlowAbbrev only
	Reason      FlowRemovedReason // FlowDeleted only
	IdleTimeout uint16
	HardTimeout uint16
	Priority    uint16
	Table       uint8
	Cookie      uint64
	Match       flow.Match
	Actions     []Action
}

// Bundles (1.4, and an extension of 1.3).
type (
	// BundleCtrl is OFPT_BUNDLE_CONTROL.
	BundleCtrl struct {
		ID    uint32
		Type  BundleCtrlType
		Flags BundleFlags
	}
	// BundleAdd is OFPT_BUNDLE_ADD_MESSAGE.
	BundleAdd struct {
		ID    uint32
		Flags BundleFlags
		Msg   *Msg
	}
)

// BundleCtrlType is what a BundleCtrl asks or answers.
type BundleCtrlType uint16

// Types of BundleCtrl.
const (
	BundleOpenRequest BundleCtrlType = iota
	BundleOpenReply
	BundleCloseRequest
	BundleCloseReply
	BundleCommitRequest
	BundleCommitReply
	BundleDiscardRequest
	BundleDiscardReply
)

// BundleFlags are flags of a bundle.
type BundleFlags uint16

// Flags of a bundle.
const (
	BundleAtomic  BundleFlags = 1 << 0
	BundleOrdered BundleFlags = 1 << 1
)
