package openflow

// kind identifies one wire message.
type kind uint8

// class is the numbering space of a message.
type class uint8

const (
	clsOFPT  class = iota // type of the header
	clsReq                // multipart request type
	clsReply              // multipart reply type
	clsNX                 // Nicira message subtype
	clsNXReq              // Nicira multipart request subtype
	clsNXRep              // Nicira multipart reply subtype
	clsONF                // ONF extension message type
)

// The messages.
const (
	kNone kind = iota
	kHello
	kError
	kEchoRequest
	kEchoReply
	kFeaturesRequest
	kFeaturesReply
	kGetConfigRequest
	kGetConfigReply
	kSetConfig
	kPacketIn
	kFlowRemoved
	kPortStatus
	kPacketOut
	kFlowMod
	kGroupMod
	kPortMod
	kTableMod
	kBarrierRequest
	kBarrierReply
	kQueueGetConfigRequest
	kQueueGetConfigReply
	kRoleRequest
	kRoleReply
	kGetAsyncRequest
	kGetAsyncReply
	kSetAsync
	kMeterMod
	kRoleStatus
	kBundleCtrl
	kBundleAdd

	kDescRequest
	kDescReply
	kFlowRequest
	kFlowReply
	kAggregateRequest
	kAggregateReply
	kTableRequest
	kTableReply
	kPortRequest
	kPortReply
	kQueueRequest
	kQueueReply
	kGroupRequest
	kGroupReply
	kGroupDescRequest
	kGroupDescReply
	kGroupFeaturesRequest
	kGroupFeaturesReply
	kMeterRequest
	kMeterReply
	kMeterConfigRequest
	kMeterConfigReply
	kMeterFeaturesRequest
	kMeterFeaturesReply
	kTableFeaturesRequest
	kTableFeaturesReply
	kPortDescRequest
	kPortDescReply
	kTableDescRequest
	kTableDescReply
	kQueueDescRequest
	kQueueDescReply

	kNXRoleRequest
	kNXRoleReply
	kNXSetFlowFormat
	kNXFlowMod
	kNXFlowRemoved
	kNXFlowModTableID
	kNXSetPacketInFormat
	kNXPacketIn
	kNXFlowAge
	kNXSetAsync
	kNXSetAsync2
	kNXSetControllerID
	kNXFlowMonitorCancel
	kNXFlowMonitorPaused
	kNXFlowMonitorResumed
	kNXResume
	kNXPacketIn2
	kNXGroupMod
	kNXGroupRequest
	kNXGroupReply
	kNXGroupDescRequest
	kNXGroupDescReply
	kNXGroupFeaturesRequest
	kNXGroupFeaturesReply
	kNXFlowRequest
	kNXFlowReply
	kNXAggregateRequest
	kNXAggregateReply
	kNXFlowMonitorRequest
	kNXFlowMonitorReply
	kONFBundleCtrl
	kONFBundleAdd

	numKinds
)

// msgDef is one line of the message table.
type msgDef struct {
	name string // as printed, without "request" and "reply"
	cls  class
	num  [6]int32 // number in each version, -1 if the version lacks it
}

func all(n int32) [6]int32 { return [6]int32{n, n, n, n, n, n} }
func from(v Version, n int32) [6]int32 {
	a := all(n)
	for i := range a {
		if Version(i+1) < v {
			a[i] = -1
		}
	}
	return a
}

// only10 is a message that only 1.0 needs, because later versions have a standard one.
func only10(n int32) [6]int32 { return [6]int32{n, -1, -1, -1, -1, -1} }

// ver gives the numbers of 1.0, of 1.1 to 1.3, and of 1.4 and 1.5.
func ver(v10, v11, v14 int32) [6]int32 { return [6]int32{v10, v11, v11, v11, v14, v14} }

// Positions of the multipart messages.
var statsType = [2][6]int32{ver(16, 18, 18), ver(17, 19, 19)} // request, reply

const (
	typeVendor  = 4
	statsVendor = 0xffff
)

// msgTable holds every message's number in every version (OpenFlow 1.0 to 1.5, section "ofp_type" and "ofp_multipart_type").
var msgTable = [numKinds]msgDef{
	kNone:                  {"", clsOFPT, all(-1)},
	kHello:                 {"OFPT_HELLO", clsOFPT, all(0)},
	kError:                 {"OFPT_ERROR", clsOFPT, all(1)},
	kEchoRequest:           {"OFPT_ECHO_REQUEST", clsOFPT, all(2)},
	kEchoReply:             {"OFPT_ECHO_REPLY", clsOFPT, all(3)},
	kFeaturesRequest:       {"OFPT_FEATURES_REQUEST", clsOFPT, all(5)},
	kFeaturesReply:         {"OFPT_FEATURES_REPLY", clsOFPT, all(6)},
	kGetConfigRequest:      {"OFPT_GET_CONFIG_REQUEST", clsOFPT, all(7)},
	kGetConfigReply:        {"OFPT_GET_CONFIG_REPLY", clsOFPT, all(8)},
	kSetConfig:             {"OFPT_SET_CONFIG", clsOFPT, all(9)},
	kPacketIn:              {"OFPT_PACKET_IN", clsOFPT, all(10)},
	kFlowRemoved:           {"OFPT_FLOW_REMOVED", clsOFPT, all(11)},
	kPortStatus:            {"OFPT_PORT_STATUS", clsOFPT, all(12)},
	kPacketOut:             {"OFPT_PACKET_OUT", clsOFPT, all(13)},
	kFlowMod:               {"OFPT_FLOW_MOD", clsOFPT, all(14)},
	kGroupMod:              {"OFPT_GROUP_MOD", clsOFPT, from(OF11, 15)},
	kPortMod:               {"OFPT_PORT_MOD", clsOFPT, ver(15, 16, 16)},
	kTableMod:              {"OFPT_TABLE_MOD", clsOFPT, from(OF11, 17)},
	kBarrierRequest:        {"OFPT_BARRIER_REQUEST", clsOFPT, ver(18, 20, 20)},
	kBarrierReply:          {"OFPT_BARRIER_REPLY", clsOFPT, ver(19, 21, 21)},
	kQueueGetConfigRequest: {"OFPT_QUEUE_GET_CONFIG_REQUEST", clsOFPT, ver(20, 22, -1)},
	kQueueGetConfigReply:   {"OFPT_QUEUE_GET_CONFIG_REPLY", clsOFPT, ver(21, 23, -1)},
	kRoleRequest:           {"OFPT_ROLE_REQUEST", clsOFPT, from(OF12, 24)},
	kRoleReply:             {"OFPT_ROLE_REPLY", clsOFPT, from(OF12, 25)},
	kGetAsyncRequest:       {"OFPT_GET_ASYNC_REQUEST", clsOFPT, from(OF13, 26)},
	kGetAsyncReply:         {"OFPT_GET_ASYNC_REPLY", clsOFPT, from(OF13, 27)},
	kSetAsync:              {"OFPT_SET_ASYNC", clsOFPT, from(OF13, 28)},
	kMeterMod:              {"OFPT_METER_MOD", clsOFPT, from(OF13, 29)},
	kRoleStatus:            {"OFPT_ROLE_STATUS", clsOFPT, from(OF14, 30)},
	kBundleCtrl:            {"OFPT_BUNDLE_CONTROL", clsOFPT, from(OF14, 33)},
	kBundleAdd:             {"OFPT_BUNDLE_ADD_MESSAGE", clsOFPT, from(OF14, 34)},

	kDescRequest:          {"OFPST_DESC", clsReq, all(0)},
	kDescReply:            {"OFPST_DESC", clsReply, all(0)},
	kFlowRequest:          {"OFPST_FLOW", clsReq, all(1)},
	kFlowReply:            {"OFPST_FLOW", clsReply, all(1)},
	kAggregateRequest:     {"OFPST_AGGREGATE", clsReq, all(2)},
	kAggregateReply:       {"OFPST_AGGREGATE", clsReply, all(2)},
	kTableRequest:         {"OFPST_TABLE", clsReq, all(3)},
	kTableReply:           {"OFPST_TABLE", clsReply, all(3)},
	kPortRequest:          {"OFPST_PORT", clsReq, all(4)},
	kPortReply:            {"OFPST_PORT", clsReply, all(4)},
	kQueueRequest:         {"OFPST_QUEUE", clsReq, all(5)},
	kQueueReply:           {"OFPST_QUEUE", clsReply, all(5)},
	kGroupRequest:         {"OFPST_GROUP", clsReq, from(OF11, 6)},
	kGroupReply:           {"OFPST_GROUP", clsReply, from(OF11, 6)},
	kGroupDescRequest:     {"OFPST_GROUP_DESC", clsReq, from(OF11, 7)},
	kGroupDescReply:       {"OFPST_GROUP_DESC", clsReply, from(OF11, 7)},
	kGroupFeaturesRequest: {"OFPST_GROUP_FEATURES", clsReq, from(OF12, 8)},
	kGroupFeaturesReply:   {"OFPST_GROUP_FEATURES", clsReply, from(OF12, 8)},
	kMeterRequest:         {"OFPST_METER", clsReq, from(OF13, 9)},
	kMeterReply:           {"OFPST_METER", clsReply, from(OF13, 9)},
	kMeterConfigRequest:   {"OFPST_METER_CONFIG", clsReq, from(OF13, 10)},
	kMeterConfigReply:     {"OFPST_METER_CONFIG", clsReply, from(OF13, 10)},
	kMeterFeaturesRequest: {"OFPST_METER_FEATURES", clsReq, from(OF13, 11)},
	kMeterFeaturesReply:   {"OFPST_METER_FEATURES", clsReply, from(OF13, 11)},
	kTableFeaturesRequest: {"OFPST_TABLE_FEATURES", clsReq, from(OF13, 12)},
	kTableFeaturesReply:   {"OFPST_TABLE_FEATURES", clsReply, from(OF13, 12)},
	kPortDescRequest:      {"OFPST_PORT_DESC", clsReq, all(13)},
	kPortDescReply:        {"OFPST_PORT_DESC", clsReply, all(13)},
	kTableDescRequest:     {"OFPST_TABLE_DESC", clsReq, from(OF14, 14)},
	kTableDescReply:       {"OFPST_TABLE_DESC", clsReply, from(OF14, 14)},

	kQueueDescRequest: {"OFPST_QUEUE_DESC", clsReq, from(OF14, 15)},
	kQueueDescReply:   {"OFPST_QUEUE_DESC", clsReply, from(OF14, 15)},

	kNXGroupMod:             {"NXT_GROUP_MOD", clsNX, all(31)},
	kNXGroupRequest:         {"NXST_GROUP", clsNXReq, only10(7)},
	kNXGroupReply:           {"NXST_GROUP", clsNXRep, only10(7)},
	kNXGroupDescRequest:     {"NXST_GROUP_DESC", clsNXReq, only10(8)},
	kNXGroupDescReply:       {"NXST_GROUP_DESC", clsNXRep, only10(8)},
	kNXGroupFeaturesRequest: {"NXST_GROUP_FEATURES", clsNXReq, [6]int32{9, 9, -1, -1, -1, -1}},
	kNXGroupFeaturesReply:   {"NXST_GROUP_FEATURES", clsNXRep, [6]int32{9, 9, -1, -1, -1, -1}},

	kNXRoleRequest:        {"NXT_ROLE_REQUEST", clsNX, all(10)},
	kNXRoleReply:          {"NXT_ROLE_REPLY", clsNX, all(11)},
	kNXSetFlowFormat:      {"NXT_SET_FLOW_FORMAT", clsNX, all(12)},
	kNXFlowMod:            {"NXT_FLOW_MOD", clsNX, all(13)},
	kNXFlowRemoved:        {"NXT_FLOW_REMOVED", clsNX, all(14)},
	kNXFlowModTableID:     {"NXT_FLOW_MOD_TABLE_ID", clsNX, all(15)},
	kNXSetPacketInFormat:  {"NXT_SET_PACKET_IN_FORMAT", clsNX, all(16)},
	kNXPacketIn:           {"NXT_PACKET_IN", clsNX, all(17)},
	kNXFlowAge:            {"NXT_FLOW_AGE", clsNX, all(18)},
	kNXSetAsync:           {"NXT_SET_ASYNC_CONFIG", clsNX, all(19)},
	kNXSetAsync2:          {"NXT_SET_ASYNC_CONFIG2", clsNX, all(27)},
	kNXSetControllerID:    {"NXT_SET_CONTROLLER_ID", clsNX, all(20)},
	kNXFlowMonitorCancel:  {"NXT_FLOW_MONITOR_CANCEL", clsNX, all(21)},
	kNXFlowMonitorPaused:  {"NXT_FLOW_MONITOR_PAUSED", clsNX, all(22)},
	kNXFlowMonitorResumed: {"NXT_FLOW_MONITOR_RESUMED", clsNX, all(23)},
	kNXResume:             {"NXT_RESUME", clsNX, all(28)},
	kNXPacketIn2:          {"NXT_PACKET_IN2", clsNX, all(30)},
	kNXFlowRequest:        {"NXST_FLOW", clsNXReq, all(0)},
	kNXFlowReply:          {"NXST_FLOW", clsNXRep, all(0)},
	kNXAggregateRequest:   {"NXST_AGGREGATE", clsNXReq, all(1)},
	kNXAggregateReply:     {"NXST_AGGREGATE", clsNXRep, all(1)},
	kNXFlowMonitorRequest: {"NXST_FLOW_MONITOR", clsNXReq, all(2)},
	kNXFlowMonitorReply:   {"NXST_FLOW_MONITOR", clsNXRep, all(2)},
	kONFBundleCtrl:        {"ONFT_BUNDLE_CONTROL", clsONF, all(2300)},
	kONFBundleAdd:         {"ONFT_BUNDLE_ADD_MESSAGE", clsONF, all(2301)},
}

type msgKey struct {
	v   Version
	cls class
	num uint32
}

var msgIndex = func() map[msgKey]kind {
	m := map[msgKey]kind{}
	for k := kNone + 1; k < numKinds; k++ {
		for i, n := range msgTable[k].num {
			if n >= 0 {
				m[msgKey{Version(i + 1), msgTable[k].cls, uint32(n)}] = k
			}
		}
	}
	return m
}()

// kindOf finds the wire message that stands for a body in version v.
func kindOf(b Body, v Version) kind {
	nx := func(is bool, n, s kind) kind {
		if is {
			return n
		}
		return s
	}
	switch b := b.(type) {
	case *Hello:
		return kHello
	case *ErrorMsg:
		return kError
	case *EchoRequest:
		return kEchoRequest
	case *EchoReply:
		return kEchoReply
	case *FeaturesRequest:
		return kFeaturesRequest
	case *FeaturesReply:
		return kFeaturesReply
	case *GetConfigRequest:
		return kGetConfigRequest
	case *GetConfigReply:
		return kGetConfigReply
	case *SetConfig:
		return kSetConfig
	case *BarrierRequest:
		return kBarrierRequest
	case *BarrierReply:
		return kBarrierReply
	case *RoleRequest:
		return nx(b.NX, kNXRoleRequest, kRoleRequest)
	case *RoleReply:
		return nx(b.NX, kNXRoleReply, kRoleReply)
	case *RoleStatus:
		return kRoleStatus
	case *GetAsyncRequest:
		return kGetAsyncRequest
	case *GetAsyncReply:
		return kGetAsyncReply
	case *SetAsync:
		if b.Props {
			return kNXSetAsync2
		}
		return nx(b.NX, kNXSetAsync, kSetAsync)
	case *SetFlowFormat:
		return kNXSetFlowFormat
	case *FlowModTableID:
		return kNXFlowModTableID
	case *SetPacketInFormat:
		return kNXSetPacketInFormat
	case *FlowAge:
		return kNXFlowAge
	case *SetControllerID:
		return kNXSetControllerID
	case *PacketIn:
		switch b.Format {
		case PacketInNXT:
			return kNXPacketIn
		case PacketInNXT2:
			return kNXPacketIn2
		}
		return kPacketIn
	case *Resume:
		return kNXResume
	case *PacketOut:
		return kPacketOut
	case *FlowRemoved:
		return nx(b.NX, kNXFlowRemoved, kFlowRemoved)
	case *PortStatus:
		return kPortStatus
	case *FlowMod:
		return nx(b.NX, kNXFlowMod, kFlowMod)
	case *PortMod:
		return kPortMod
	case *TableMod:
		return kTableMod
	case *GroupMod:
		return nx(v == OF10, kNXGroupMod, kGroupMod)
	case *MeterMod:
		return kMeterMod
	case *BundleCtrl:
		return nx(v < OF14, kONFBundleCtrl, kBundleCtrl)
	case *BundleAdd:
		return nx(v < OF14, kONFBundleAdd, kBundleAdd)
	case *FlowMonitorCancel:
		return kNXFlowMonitorCancel
	case *FlowMonitorPaused:
		return kNXFlowMonitorPaused
	case *FlowMonitorResumed:
		return kNXFlowMonitorResumed
	case *FlowMonitorRequest:
		return kNXFlowMonitorRequest
	case *FlowMonitorReply:
		return kNXFlowMonitorReply
	case *FlowStatsRequest:
		if b.Aggregate {
			return nx(b.NX, kNXAggregateRequest, kAggregateRequest)
		}
		return nx(b.NX, kNXFlowRequest, kFlowRequest)
	case *FlowStatsReply:
		return nx(b.NX, kNXFlowReply, kFlowReply)
	case *AggregateReply:
		return nx(b.NX, kNXAggregateReply, kAggregateReply)
	}
	return statsKind(b, v)
}

// statsKind finds the kind of the plain multipart messages and queue_get_config.
func statsKind(b Body, v Version) kind {
	pick := func(in bool, k, other kind) kind {
		if in {
			return k
		}
		return other
	}
	switch b.(type) {
	case *DescRequest:
		return kDescRequest
	case *DescReply:
		return kDescReply
	case *TableStatsRequest:
		return kTableRequest
	case *TableStatsReply:
		return kTableReply
	case *PortStatsRequest:
		return kPortRequest
	case *PortStatsReply:
		return kPortReply
	case *QueueStatsRequest:
		return kQueueRequest
	case *QueueStatsReply:
		return kQueueReply
	case *PortDescRequest:
		return kPortDescRequest
	case *PortDescReply:
		return kPortDescReply
	case *TableFeaturesRequest:
		return kTableFeaturesRequest
	case *TableFeaturesReply:
		return kTableFeaturesReply
	case *TableDescRequest:
		return kTableDescRequest
	case *TableDescReply:
		return kTableDescReply
	case *QueueGetConfigRequest:
		return pick(v >= OF14, kQueueDescRequest, kQueueGetConfigRequest)
	case *QueueGetConfigReply:
		return pick(v >= OF14, kQueueDescReply, kQueueGetConfigReply)
	case *GroupStatsRequest:
		return pick(v == OF10, kNXGroupRequest, kGroupRequest)
	case *GroupStatsReply:
		return pick(v == OF10, kNXGroupReply, kGroupReply)
	case *GroupDescRequest:
		return pick(v == OF10, kNXGroupDescRequest, kGroupDescRequest)
	case *GroupDescReply:
		return pick(v == OF10, kNXGroupDescReply, kGroupDescReply)
	case *GroupFeaturesRequest:
		return pick(v <= OF11, kNXGroupFeaturesRequest, kGroupFeaturesRequest)
	case *GroupFeaturesReply:
		return pick(v <= OF11, kNXGroupFeaturesReply, kGroupFeaturesReply)
	case *MeterStatsRequest:
		return kMeterRequest
	case *MeterStatsReply:
		return kMeterReply
	case *MeterConfigRequest:
		return kMeterConfigRequest
	case *MeterConfigReply:
		return kMeterConfigReply
	case *MeterFeaturesRequest:
		return kMeterFeaturesRequest
	case *MeterFeaturesReply:
		return kMeterFeaturesReply
	}
	return kNone
}

// MessageName is the name that ovs-ofctl prints for a message in version v, such as "OFPT_FLOW_MOD" or "OFPST_FLOW reply".
func MessageName(b Body, v Version) string {
	return kindOf(b, v).name()
}

// IsStats says whether b is a multipart message in version v.
func IsStats(b Body, v Version) bool {
	switch msgTable[kindOf(b, v)].cls {
	case clsReq, clsReply, clsNXReq, clsNXRep:
		return true
	}
	return false
}

// WireName is the name of an encoded message, as MessageName gives it for a decoded one; empty if its type is not known.
func WireName(b []byte) string {
	if len(b) < HeaderLen || b[0] < uint8(OF10) || b[0] > uint8(OF15) {
		return ""
	}
	d := &dec{b: b[HeaderLen:], v: Version(b[0])}
	k, err := d.kind(b[1], &Msg{Version: d.v})
	if err != nil {
		return ""
	}
	return k.name()
}

func (k kind) name() string {
	switch msgTable[k].cls {
	case clsReq, clsNXReq:
		return msgTable[k].name + " request"
	case clsReply, clsNXRep:
		return msgTable[k].name + " reply"
	}
	return msgTable[k].name
}
