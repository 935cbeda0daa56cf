package packet

// Protocol headers as sizes and byte offsets from the header's first byte; all fields are big-endian (network order)
// unless said otherwise. The comment above a group names its source and draws its header.

// Ethernet (IEEE 802.3 clause 3.2; RFC 894).
const (
	EthDst     = 0 // 6 bytes
	EthSrc     = 6 // 6 bytes
	EthType    = 12
	EthHdrLen  = 14
	EthAddrLen = 6
	EthMinLen  = 60       // shortest frame, without FCS
	EthTypeMin = 0x0600   // smaller values are an 802.3 length
	EthCRCLen  = 4        // frame check sequence, which the datapath never sees
	LLCHdrLen  = 3        // IEEE 802.2 DSAP, SSAP, control
	SNAPHdrLen = 5        // OUI and type after an LLC header of aa-aa-03 (RFC 1042)
	SNAPType   = 3 + 3    // offset of the type from the LLC header
	LLCSNAP    = 0xaaaa03 // DSAP, SSAP and control that announce SNAP
)

// EtherTypes (IEEE registration; RFC 9542).
const (
	EtherTypeIPv4  = 0x0800
	EtherTypeARP   = 0x0806
	EtherTypeTEB   = 0x6558
	EtherTypeRARP  = 0x8035
	EtherTypeVLAN  = 0x8100 // 802.1Q C-tag
	EtherTypeIPv6  = 0x86dd
	EtherTypeMPLS  = 0x8847
	EtherTypeMPLSM = 0x8848
	EtherTypeQinQ  = 0x88a8 // 802.1ad S-tag
	EtherTypeNSH   = 0x894f
	EtherTypeQinQ1 = 0x9100 // pre-standard outer tag
)

// VLAN tag (IEEE 802.1Q-2018 clause 9): TPID in the place of the EtherType, then
//
//	 PCP |DEI|        VID
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// VLANTCI and VLANType count from the TPID.
const (
	VLANTPID     = 0
	VLANTCI      = 2
	VLANType     = 4
	VLANHdrLen   = 4
	VLANVIDMask  = 0x0fff
	VLANDEI      = 0x1000 // also "CFI"
	VLANPCPMask  = 0xe000
	VLANPCPShift = 13
)

// MPLS label stack entry (RFC 3032 section 2.1): label(20) TC(3) S(1) TTL(8).
const (
	MPLSHdrLen     = 4
	MPLSLabelShift = 12
	MPLSTCShift    = 9
	MPLSBoS        = 0x100
)

// ARP for Ethernet and IPv4 (RFC 826).
const (
	ARPHrd    = 0
	ARPPro    = 2
	ARPHln    = 4
	ARPPln    = 5
	ARPOp     = 6
	ARPSHA    = 8
	ARPSPA    = 14
	ARPTHA    = 18
	ARPTPA    = 24
	ARPHdrLen = 28

	ARPRequest = 1
	ARPReply   = 2
)

// IPv4 (RFC 791 section 3.1).
//
//	 0                   1                   2                   3
//	|Version|  IHL  |Type of Service|          Total Length         |
//	|         Identification        |Flags|      Fragment Offset    |
//	|  Time to Live |    Protocol   |         Header Checksum       |
//	|                       Source Address                          |
//	|                    Destination Address                        |
const (
	IPv4VerIHL   = 0
	IPv4TOS      = 1
	IPv4TotLen   = 2
	IPv4ID       = 4
	IPv4Frag     = 6
	IPv4TTL      = 8
	IPv4Proto    = 9
	IPv4Csum     = 10
	IPv4Src      = 12
	IPv4Dst      = 16
	IPv4HdrLen   = 20
	IPv4AddrLen  = 4
	IPv4DF       = 0x4000
	IPv4MF       = 0x2000
	IPv4FragMask = 0x1fff // in units of 8 bytes
)

// IPv6 (RFC 8200 section 3).
//
//	|Version| Traffic Class |           Flow Label                  |
//	|         Payload Length        |  Next Header  |   Hop Limit   |
//	|                       Source Address (16)                     |
//	|                    Destination Address (16)                   |
const (
	IPv6VTF        = 0 // version(4) traffic class(8) flow label(20)
	IPv6PayloadLen = 4
	IPv6NextHdr    = 6
	IPv6HopLimit   = 7
	IPv6Src        = 8
	IPv6Dst        = 24
	IPv6HdrLen     = 40
	IPv6AddrLen    = 16
	IPv6LabelMask  = 0x000fffff
)

// IPv6 extension headers (RFC 8200 section 4; AH: RFC 4302 section 2; mobility: RFC 6275; HIP: RFC 7401; Shim6: RFC
// 5533). Generic ones are next header, length in 8-byte units without the first 8, content; AH counts 4-byte units
// without the first 2.
const (
	IPv6ExtNextHdr   = 0
	IPv6ExtLen       = 1
	IPv6ExtMinLen    = 8
	IPv6FragHdrLen   = 8
	IPv6FragOff      = 2 // offset(13) in 8-byte units, reserved(2), M(1)
	IPv6FragID       = 4
	IPv6FragOffMask  = 0xfff8
	IPv6FragMore     = 1
	ExtHdrHopByHop   = 0
	ExtHdrRouting    = 43
	ExtHdrFragment   = 44
	ExtHdrESP        = 50
	ExtHdrAH         = 51
	ExtHdrNone       = 59
	ExtHdrDstOptions = 60
	ExtHdrMobility   = 135
	ExtHdrHIP        = 139
	ExtHdrShim6      = 140
)

// IP protocol numbers (IANA; RFC 5237).
const (
	ProtoICMP    = 1
	ProtoIGMP    = 2
	ProtoIPIP    = 4
	ProtoTCP     = 6
	ProtoUDP     = 17
	ProtoIPv6    = 41
	ProtoGRE     = 47
	ProtoICMPv6  = 58
	ProtoSCTP    = 132
	ProtoUDPLite = 136
)

// TCP (RFC 9293 section 3.1).
const (
	TCPSrc     = 0
	TCPDst     = 2
	TCPSeq     = 4
	TCPAck     = 8
	TCPOff     = 12 // data offset(4) reserved(3) flags(9); TCPFlags reads 16 bits here
	TCPFlags   = 12
	TCPWindow  = 14
	TCPCsum    = 16
	TCPUrgent  = 18
	TCPHdrLen  = 20
	TCPFlagsMk = 0x0fff
)

// UDP (RFC 768).
const (
	UDPSrc    = 0
	UDPDst    = 2
	UDPLen    = 4
	UDPCsum   = 6 // 0: none (IPv4; and some tunnels over IPv6, RFC 6935)
	UDPHdrLen = 8
)

// SCTP common header (RFC 9260 section 3.1). The checksum is CRC32c, stored little-endian.
const (
	SCTPSrc    = 0
	SCTPDst    = 2
	SCTPTag    = 4
	SCTPCsum   = 8
	SCTPHdrLen = 12
)

// ICMP (RFC 792) and ICMPv6 (RFC 4443); neighbour discovery (RFC 4861 sections 4.3, 4.4).
const (
	ICMPType   = 0
	ICMPCode   = 1
	ICMPCsum   = 2
	ICMPID     = 4
	ICMPSeq    = 6
	ICMPHdrLen = 8

	ICMPv6HdrLen = 4 // type, code, checksum; every message has 4 more bytes
	NDReserved   = 4 // flags of an advertisement
	NDTarget     = 8
	NDHdrLen     = 24 // up to the options

	ND_NS = 135 // neighbour solicitation
	ND_NA = 136 // neighbour advertisement

	NDOptType   = 0
	NDOptLen    = 1 // in units of 8 bytes
	NDOptLLA    = 2
	NDOptSrcLLA = 1
	NDOptDstLLA = 2
)

// IGMP (RFC 3376), for multicast snooping.
const (
	IGMPType   = 0
	IGMPCode   = 1
	IGMPCsum   = 2
	IGMPGroup  = 4
	IGMPHdrLen = 8
)

// GRE (RFC 2784, 2890), VXLAN (RFC 7348) and Geneve (RFC 8926), for tunnels.
const (
	GREHdrLen     = 4
	VXLANHdrLen   = 8
	GeneveHdrLen  = 8
	VXLANUDPPort  = 4789
	GeneveUDPPort = 6081
)
