package flow

// Word indexes of a Key. The bits of each word are given from most to least significant.
const (
	WInPort   = 0  // in_port:32 recirc_id:32 (datapath port number in datapath keys, OpenFlow port in OpenFlow matches)
	WEthDst   = 1  // eth_dst:48 eth_type:16 (the innermost known type, after the VLAN tags)
	WEthSrc   = 2  // eth_src:48 tcp_flags:16 (12 bits used)
	WIPv4     = 3  // nw_src:32 nw_dst:32 (IPv4; arp_spa and arp_tpa for ARP and RARP)
	WL4       = 4  // nw_proto:8 nw_tos:8 nw_ttl:8 nw_frag:8 tp_src:16 tp_dst:16 (also IPv6; nw_proto is arp_op for ARP; ICMP type and code in tp_src, tp_dst)
	WVLAN     = 5  // tpid0:16 tci0:16 tpid1:16 tci1:16, outer first; bit 12 of a tci is 1 when the tag is there
	WIPv6Src  = 6  // 6, 7: ipv6_src, high half first
	WIPv6Dst  = 8  // 8, 9: ipv6_dst
	WIPv6Misc = 10 // ipv6_label:32 nd_reserved:32
	WARPSha   = 11 // arp_sha or nd_sll:48 nd_options_type:16
	WARPTha   = 12 // arp_tha or nd_tll:48 unused:16
	WNDTarget = 13 // 13, 14: nd_target
	WMPLS     = 15 // 15: lse0:32 lse1:32, 16: lse2:32 igmp_group:32
	WMark     = 17 // pkt_mark:32 skb_priority:32
	WCT       = 18 // dp_hash:32 ct_state:16 ct_zone:16
	WCTMark   = 19 // ct_mark:32 ct_nw_proto:8 unused:24
	WCTLabel  = 20 // 20, 21: ct_label
	WCTIPv4   = 22 // ct_nw_src:32 ct_nw_dst:32
	WCTIPv6   = 23 // 23..26: ct_ipv6_src, ct_ipv6_dst
	WCTPort   = 27 // ct_tp_src:16 ct_tp_dst:16 packet_type:32
	WTunID    = 28 // tun_id
	WTunIPv4  = 29 // tun_src:32 tun_dst:32
	WTunIPv6  = 30 // 30..33: tun_ipv6_src, tun_ipv6_dst
	WTunMisc  = 34 // tun_flags:16 tun_tos:8 tun_ttl:8 tun_gbp_id:16 tun_gbp_flags:8 unused:8
	WTunL4    = 35 // tun_tp_src:16 tun_tp_dst:16 erspan_ver:8 erspan_dir:8 erspan_hwid:8 unused:8
	WTunSpan  = 36 // erspan_idx:32 gtpu_flags:8 gtpu_msgtype:8 unused:16
	WTunMap   = 37 // tun_metadata presence, one bit per option
	WTunMeta  = 38 // 38..69: tun_metadata, 256 bytes
	WMetadata = 70 // metadata
	WReg      = 71 // 71..78: reg0:32 reg1:32, reg2.. (16 registers)
	WPipeline = 79 // actset_output:32 conj_id:32

	// Words is the length of a Key in 64-bit words.
	Words = 80
)

// Lengths, in leading words, of the shapes that Extract writes.
const (
	LenBase   = WIPv6Src  // Ethernet, VLANs, IPv4, L4
	LenIPv6   = WARPSha   // and IPv6
	LenARP    = WNDTarget // and ARP
	LenND     = WMPLS     // and neighbour discovery
	LenMPLS   = WMark     // and MPLS or IGMP
	LenPacket = WMetadata // everything that a datapath can know of a packet
)

// Key is a packet's or a match's field values. The zero Key has every field zero.
type Key [Words]uint64

// Mask has a one for every bit of a Key that matters. The zero Mask matches everything.
type Mask [Words]uint64
