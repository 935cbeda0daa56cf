package openflow

// Port is an OpenFlow port number in its 16-bit form.
type Port uint16

// Reserved ports. PortMax is the first number that is not a physical or logical port.
const (
	PortMax        Port = 0xff00
	PortUnset      Port = 0xfff7 // the output action that no action set has: actset_output's initial value
	PortInPort     Port = 0xfff8
	PortTable      Port = 0xfff9
	PortNormal     Port = 0xfffa
	PortFlood      Port = 0xfffb
	PortAll        Port = 0xfffc
	PortController Port = 0xfffd
	PortLocal      Port = 0xfffe
	PortNone       Port = 0xffff // OFPP_NONE in 1.0, OFPP_ANY from 1.1 on
)

// PortFromWire32 converts OpenFlow 1.1's 32-bit port number. Numbers from 0xff00 to 0xfffffeff have no 16-bit form: ok is false.
func PortFromWire32(n uint32) (p Port, ok bool) {
	switch {
	case n < uint32(PortMax):
		return Port(n), true
	case n >= 0xffffff00:
		return Port(n), true
	}
	return 0, false
}

// Wire32 is the 32-bit form of p.
func (p Port) Wire32() uint32 {
	if p < PortMax {
		return uint32(p)
	}
	return 0xffff0000 | uint32(p)
}

// Group numbers.
const (
	GroupMax uint32 = 0xffffff00
	GroupAll uint32 = 0xfffffffc
	GroupAny uint32 = 0xffffffff
)

// Table numbers. TableAll is OFPTT_ALL; in a flow_mod of OpenFlow 1.0 it says that the switch chooses the table.
const TableAll uint8 = 0xff

// NoBuffer is the buffer id of a packet that is not buffered. govs never buffers packets.
const NoBuffer uint32 = 0xffffffff

// Queue numbers.
const QueueAll uint32 = 0xffffffff

// PortConfig are configuration bits of a port (a union of those of all versions).
type PortConfig uint32

// Port configuration bits; the values are OpenFlow 1.0's.
const (
	PortDown      PortConfig = 1 << 0
	PortNoSTP     PortConfig = 1 << 1 // 1.0 only
	PortNoRecv    PortConfig = 1 << 2
	PortNoRecvSTP PortConfig = 1 << 3 // 1.0 only
	PortNoFlood   PortConfig = 1 << 4 // 1.0 only
	PortNoFwd     PortConfig = 1 << 5
	PortNoPktIn   PortConfig = 1 << 6
)

// PortState are state bits of a port.
type PortState uint32

// Port state bits.
const (
	PortLinkDown PortState = 1 << 0
	PortBlocked  PortState = 1 << 1 // 1.1 and later
	PortLive     PortState = 1 << 2 // 1.1 and later

	PortSTPMask    PortState = 3 << 8 // 1.0 only: the spanning-tree state
	PortSTPListen  PortState = 0 << 8
	PortSTPLearn   PortState = 1 << 8
	PortSTPForward PortState = 2 << 8
	PortSTPBlock   PortState = 3 << 8
)

// PortFeatures are link modes; the bits are OpenFlow 1.1's.
type PortFeatures uint32

// Link modes and features of a port.
const (
	Feat10MbHD  PortFeatures = 1 << 0
	Feat10MbFD  PortFeatures = 1 << 1
	Feat100MbHD PortFeatures = 1 << 2
	Feat100MbFD PortFeatures = 1 << 3
	Feat1GbHD   PortFeatures = 1 << 4
	Feat1GbFD   PortFeatures = 1 << 5
	Feat10GbFD  PortFeatures = 1 << 6
	Feat40GbFD  PortFeatures = 1 << 7
	Feat100GbFD PortFeatures = 1 << 8
	Feat1TbFD   PortFeatures = 1 << 9
	FeatOther   PortFeatures = 1 << 10
	FeatCopper  PortFeatures = 1 << 11
	FeatFiber   PortFeatures = 1 << 12
	FeatAutoneg PortFeatures = 1 << 13
	FeatPause   PortFeatures = 1 << 14
	FeatPauseA  PortFeatures = 1 << 15
)

// PortDesc describes a port.
type PortDesc struct {
	Port       Port
	HWAddr     [6]byte
	Name       string
	Config     PortConfig
	State      PortState
	Curr       PortFeatures
	Advertised PortFeatures
	Supported  PortFeatures
	Peer       PortFeatures
	CurrSpeed  uint32 // kbit/s
	MaxSpeed   uint32 // kbit/s
}
