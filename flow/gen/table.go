package main

// spec declares one match field. Everything that package flow knows of a field is derived from its line in specs.
type spec struct {
	name    string // the name that ovs-fields(7) gives first, or the name that ovs-ofctl prints
	goName  string // suffix of the generated constant and accessors
	aliases string // other accepted names, separated by spaces
	word    string // the Go constant of the (first) word
	shift   int    // position of the field's least significant bit in the word
	width   int    // bits that the field has in the key
	bits    int    // bits that the field has on the wire (OXM length)
	mask    string // "full" (arbitrary masks) or "no"
	prereq  string // prerequisite constant suffix
	write   bool   // whether OpenFlow may set it
	form    string // text form constant suffix
	oxm     string // OXM and NXM headers, preferred last, "OXM:34 NXM:3 ONF:43@13"
	overlay bool   // the field shares bits with a field that owns them
	doc     string
}

// specs is the field table: every field of ovs-fields(7) that has a place in the key, in the order of that page, and the
// fields that only the datapath knows (they have no OXM number and cannot be named in a match).
var specs = []spec{
	{"dp_hash", "DpHash", "", "WCT", 32, 32, 32, "full", "None", false, "Hex", "NX:35", false, "hash that the datapath computed for the packet"},
	{"recirc_id", "RecircID", "", "WInPort", 0, 32, 32, "no", "None", false, "Hex", "NX:36", false, "recirculation id; 0 for a packet that was just received"},
	{"packet_type", "PacketType", "", "WCTPort", 0, 32, 32, "no", "None", false, "PacketType", "OXM:44@15", false, "name space (high half) and type of the outermost header; 0 is Ethernet"},
	{"conj_id", "ConjID", "", "WPipeline", 0, 32, 32, "no", "None", false, "Dec", "NX:37", false, "conjunction id"},
	{"tun_id", "TunID", "tunnel_id", "WTunID", 0, 64, 64, "full", "None", true, "Hex", "NX:16 OXM:38@13", false, "tunnel key"},
	{"tun_src", "TunSrc", "", "WTunIPv4", 32, 32, 32, "full", "None", true, "IPv4", "NX:31", false, "outer IPv4 source"},
	{"tun_dst", "TunDst", "", "WTunIPv4", 0, 32, 32, "full", "None", true, "IPv4", "NX:32", false, "outer IPv4 destination"},
	{"tun_ipv6_src", "TunIPv6Src", "", "WTunIPv6", 0, 128, 128, "full", "None", true, "IPv6", "NX:109", false, "outer IPv6 source"},
	{"tun_ipv6_dst", "TunIPv6Dst", "", "WTunIPv6 + 2", 0, 128, 128, "full", "None", true, "IPv6", "NX:110", false, "outer IPv6 destination"},
	{"tun_flags", "TunFlags", "", "WTunMisc", 48, 16, 16, "full", "None", true, "TunFlags", "NX:104", false, "tunnel flags; only bit 0, oam, is visible to OpenFlow"},
	{"tun_ttl", "TunTTL", "", "WTunMisc", 32, 8, 8, "no", "None", false, "Dec", "", false, "outer TTL"},
	{"tun_tos", "TunTOS", "", "WTunMisc", 40, 8, 8, "no", "None", false, "Dec", "", false, "outer TOS"},
	{"tun_gbp_id", "TunGBPID", "", "WTunMisc", 16, 16, 16, "full", "None", true, "Dec", "NX:38", false, "VXLAN group policy id"},
	{"tun_gbp_flags", "TunGBPFlags", "", "WTunMisc", 8, 8, 8, "full", "None", true, "Hex", "NX:39", false, "VXLAN group policy flags"},
	{"tun_erspan_idx", "TunERSPANIdx", "", "WTunSpan", 32, 32, 32, "full", "None", true, "Hex", "NXET:11", false, "ERSPAN index, 20 bits"},
	{"tun_erspan_ver", "TunERSPANVer", "", "WTunL4", 24, 8, 8, "full", "None", true, "Dec", "NXET:12", false, "ERSPAN version, 4 bits"},
	{"tun_erspan_dir", "TunERSPANDir", "", "WTunL4", 16, 8, 8, "full", "None", true, "Dec", "NXET:13", false, "ERSPAN direction, 1 bit"},
	{"tun_erspan_hwid", "TunERSPANHwid", "", "WTunL4", 8, 8, 8, "full", "None", true, "Hex", "NXET:14", false, "ERSPAN hardware id, 6 bits"},
	{"tun_gtpu_flags", "TunGTPUFlags", "gtpu_flags", "WTunSpan", 24, 8, 8, "full", "None", false, "Hex", "NXET:15", false, "GTP-U flags"},
	{"tun_gtpu_msgtype", "TunGTPUMsgType", "gtpu_msgtype", "WTunSpan", 16, 8, 8, "full", "None", false, "Dec", "NXET:16", false, "GTP-U message type"},
	{"", "TunTpSrc", "", "WTunL4", 48, 16, 16, "no", "None", false, "Dec", "", false, "outer UDP source port"},
	{"", "TunTpDst", "", "WTunL4", 32, 16, 16, "no", "None", false, "Dec", "", false, "outer UDP destination port"},
	{"", "TunMetaPresent", "", "WTunMap", 0, 64, 64, "no", "None", false, "Hex", "", false, "presence of tun_metadata0 to 63, bit 0 for tun_metadata0"},
	{"in_port", "InPort", "", "WInPort", 32, 32, 16, "no", "None", true, "Port", "NXM:0", false, "receiving port, OpenFlow 1.0 numbers on the wire"},
	{"in_port_oxm", "InPortOXM", "", "WInPort", 32, 32, 32, "no", "None", true, "Port", "OXM:0@12", true, "receiving port, OpenFlow 1.1 numbers on the wire"},
	{"actset_output", "ActsetOutput", "", "WPipeline", 32, 32, 32, "no", "None", false, "Port", "ONF:43@13 OXM:43@15", false, "output port of the action set"},
	{"skb_priority", "SkbPriority", "", "WMark", 0, 32, 32, "no", "None", false, "Hex", "", false, "queueing priority"},
	{"pkt_mark", "PktMark", "", "WMark", 32, 32, 32, "full", "None", true, "Hex", "NX:33", false, "packet mark"},
	{"ct_state", "CtState", "", "WCT", 16, 16, 32, "full", "None", false, "CtState", "NX:105", false, "connection state; 16 of its 32 bits are kept, 8 defined"},
	{"ct_zone", "CtZone", "", "WCT", 0, 16, 16, "no", "None", false, "Dec", "NX:106", false, "connection tracking zone"},
	{"ct_mark", "CtMark", "", "WCTMark", 32, 32, 32, "full", "None", true, "Hex", "NX:107", false, "connection mark"},
	{"ct_label", "CtLabel", "", "WCTLabel", 0, 128, 128, "full", "None", true, "Hex", "NX:108", false, "connection label"},
	{"ct_nw_proto", "CtNwProto", "", "WCTMark", 24, 8, 8, "no", "CT", false, "Dec", "NX:119", false, "IP protocol of the connection's original direction"},
	{"ct_nw_src", "CtNwSrc", "", "WCTIPv4", 32, 32, 32, "full", "CT4", false, "IPv4", "NX:120", false, "IPv4 source of the original direction"},
	{"ct_nw_dst", "CtNwDst", "", "WCTIPv4", 0, 32, 32, "full", "CT4", false, "IPv4", "NX:121", false, "IPv4 destination of the original direction"},
	{"ct_ipv6_src", "CtIPv6Src", "", "WCTIPv6", 0, 128, 128, "full", "CT6", false, "IPv6", "NX:122", false, "IPv6 source of the original direction"},
	{"ct_ipv6_dst", "CtIPv6Dst", "", "WCTIPv6 + 2", 0, 128, 128, "full", "CT6", false, "IPv6", "NX:123", false, "IPv6 destination of the original direction"},
	{"ct_tp_src", "CtTpSrc", "", "WCTPort", 48, 16, 16, "full", "CT", false, "Dec", "NX:124", false, "L4 source port of the original direction"},
	{"ct_tp_dst", "CtTpDst", "", "WCTPort", 32, 16, 16, "full", "CT", false, "Dec", "NX:125", false, "L4 destination port of the original direction"},
	{"metadata", "Metadata", "", "WMetadata", 0, 64, 64, "full", "None", true, "Hex", "OXM:2@12", false, "pipeline metadata"},

	{"eth_src", "EthSrc", "dl_src", "WEthSrc", 16, 48, 48, "full", "Eth", true, "Eth", "NXM:2 OXM:4@12", false, "Ethernet source"},
	{"eth_dst", "EthDst", "dl_dst", "WEthDst", 16, 48, 48, "full", "Eth", true, "Eth", "NXM:1 OXM:3@12", false, "Ethernet destination"},
	{"eth_type", "EthType", "dl_type", "WEthDst", 0, 16, 16, "no", "Eth", false, "Hex", "NXM:3 OXM:5@12", false, "innermost known Ethernet type"},
	{"", "VlanTPID0", "", "WVLAN", 48, 16, 16, "no", "Eth", false, "Hex", "", false, "outer VLAN tag's TPID"},
	{"vlan_tci", "VlanTCI", "", "WVLAN", 32, 16, 16, "full", "Eth", true, "Hex", "NXM:4", false, "outer VLAN tag; bit 12 is 1 when there is one"},
	{"", "VlanTPID1", "", "WVLAN", 16, 16, 16, "no", "Eth", false, "Hex", "", false, "inner VLAN tag's TPID"},
	{"", "VlanTCI1", "", "WVLAN", 0, 16, 16, "full", "Eth", false, "Hex", "", false, "inner VLAN tag; bit 12 is 1 when there is one"},
	{"dl_vlan", "DlVlan", "", "WVLAN", 32, 12, 16, "no", "Eth", true, "Dec", "", true, "VLAN id, OpenFlow 1.0 (0xffff: no tag)"},
	{"vlan_vid", "VlanVID", "", "WVLAN", 32, 13, 16, "full", "Eth", true, "Dec", "OXM:6@12", true, "VLAN id and presence bit, OpenFlow 1.2"},
	{"dl_vlan_pcp", "DlVlanPCP", "", "WVLAN", 45, 3, 8, "no", "Eth", true, "Dec", "", true, "VLAN priority, OpenFlow 1.0"},
	{"vlan_pcp", "VlanPCP", "", "WVLAN", 45, 3, 8, "no", "VLAN", true, "Dec", "OXM:7@12", true, "VLAN priority, OpenFlow 1.2"},
	{"", "MPLSLSE0", "", "WMPLS", 32, 32, 32, "full", "MPLS", false, "Hex", "", false, "outermost MPLS label stack entry"},
	{"", "MPLSLSE1", "", "WMPLS", 0, 32, 32, "full", "MPLS", false, "Hex", "", false, "second MPLS label stack entry"},
	{"", "MPLSLSE2", "", "WMPLS + 1", 32, 32, 32, "full", "MPLS", false, "Hex", "", false, "third MPLS label stack entry"},
	{"mpls_label", "MPLSLabel", "", "WMPLS", 44, 20, 32, "no", "MPLS", true, "Dec", "OXM:34@12", true, "outermost MPLS label"},
	{"mpls_tc", "MPLSTC", "", "WMPLS", 41, 3, 8, "no", "MPLS", true, "Dec", "OXM:35@12", true, "outermost MPLS traffic class"},
	{"mpls_bos", "MPLSBOS", "", "WMPLS", 40, 1, 8, "no", "MPLS", false, "Dec", "OXM:36@13", true, "outermost MPLS bottom of stack bit"},
	{"mpls_ttl", "MPLSTTL", "", "WMPLS", 32, 8, 8, "no", "MPLS", true, "Dec", "NX:30", true, "outermost MPLS TTL"},
	{"ip_src", "NwSrc", "nw_src", "WIPv4", 32, 32, 32, "full", "IPv4", true, "IPv4", "NXM:7 OXM:11@12", false, "IPv4 source"},
	{"ip_dst", "NwDst", "nw_dst", "WIPv4", 0, 32, 32, "full", "IPv4", true, "IPv4", "NXM:8 OXM:12@12", false, "IPv4 destination"},
	{"ipv6_src", "IPv6Src", "", "WIPv6Src", 0, 128, 128, "full", "IPv6", true, "IPv6", "NX:19 OXM:26@12", false, "IPv6 source"},
	{"ipv6_dst", "IPv6Dst", "", "WIPv6Dst", 0, 128, 128, "full", "IPv6", true, "IPv6", "NX:20 OXM:27@12", false, "IPv6 destination"},
	{"ipv6_label", "IPv6Label", "", "WIPv6Misc", 32, 32, 32, "full", "IPv6", true, "Hex", "NX:27 OXM:28@12", false, "IPv6 flow label, 20 bits"},
	{"nw_proto", "NwProto", "ip_proto", "WL4", 56, 8, 8, "no", "IP", false, "Dec", "NXM:6 OXM:10@12", false, "IP protocol or next header; ARP opcode"},
	{"nw_tos", "NwTOS", "", "WL4", 48, 8, 8, "no", "IP", true, "Dec", "NXM:5", false, "IP DSCP (and, in the key, ECN)"},
	{"ip_dscp", "IPDSCP", "", "WL4", 50, 6, 8, "no", "IP", true, "Dec", "OXM:8@12", true, "IP DSCP, shifted down"},
	{"nw_ecn", "NwECN", "ip_ecn", "WL4", 48, 2, 8, "no", "IP", true, "Dec", "NX:28 OXM:9@12", true, "IP ECN"},
	{"nw_ttl", "NwTTL", "", "WL4", 40, 8, 8, "no", "IP", true, "Dec", "NX:29", false, "IP TTL or hop limit"},
	{"ip_frag", "NwFrag", "nw_frag", "WL4", 32, 8, 8, "full", "IP", false, "Frag", "NX:26", false, "fragment bits: 1 any fragment, 2 later fragment"},
	{"arp_op", "ARPOp", "", "WL4", 56, 8, 16, "no", "ARP", true, "Dec", "NXM:15 OXM:21@12", true, "ARP opcode; opcodes above 255 read as 0"},
	{"arp_spa", "ARPSpa", "", "WIPv4", 32, 32, 32, "full", "ARP", true, "IPv4", "NXM:16 OXM:22@12", true, "ARP sender protocol address"},
	{"arp_tpa", "ARPTpa", "", "WIPv4", 0, 32, 32, "full", "ARP", true, "IPv4", "NXM:17 OXM:23@12", true, "ARP target protocol address"},
	{"arp_sha", "ARPSha", "", "WARPSha", 16, 48, 48, "full", "ARP", true, "Eth", "NX:17 OXM:24@12", false, "ARP sender hardware address"},
	{"arp_tha", "ARPTha", "", "WARPTha", 16, 48, 48, "full", "ARP", true, "Eth", "NX:18 OXM:25@12", false, "ARP target hardware address"},
	{"tcp_src", "TCPSrc", "tp_src", "WL4", 16, 16, 16, "full", "TCP", true, "Dec", "NXM:9 OXM:13@12", true, "TCP source port"},
	{"tcp_dst", "TCPDst", "tp_dst", "WL4", 0, 16, 16, "full", "TCP", true, "Dec", "NXM:10 OXM:14@12", true, "TCP destination port"},
	{"tcp_flags", "TCPFlags", "", "WEthSrc", 0, 16, 16, "full", "TCP", false, "TCPFlags", "NX:34 ONF:42@13 OXM:42@15", false, "TCP flags, 12 bits"},
	{"udp_src", "UDPSrc", "", "WL4", 16, 16, 16, "full", "UDP", true, "Dec", "NXM:11 OXM:15@12", true, "UDP source port"},
	{"udp_dst", "UDPDst", "", "WL4", 0, 16, 16, "full", "UDP", true, "Dec", "NXM:12 OXM:16@12", true, "UDP destination port"},
	{"sctp_src", "SCTPSrc", "", "WL4", 16, 16, 16, "full", "SCTP", true, "Dec", "OXM:17@12", true, "SCTP source port"},
	{"sctp_dst", "SCTPDst", "", "WL4", 0, 16, 16, "full", "SCTP", true, "Dec", "OXM:18@12", true, "SCTP destination port"},
	{"icmp_type", "ICMPType", "", "WL4", 16, 16, 8, "no", "ICMPv4", true, "Dec", "NXM:13 OXM:19@12", true, "ICMP type (tp_src holds it)"},
	{"icmp_code", "ICMPCode", "", "WL4", 0, 16, 8, "no", "ICMPv4", true, "Dec", "NXM:14 OXM:20@12", true, "ICMP code (tp_dst holds it)"},
	{"icmpv6_type", "ICMPv6Type", "", "WL4", 16, 16, 8, "no", "ICMPv6", true, "Dec", "NX:21 OXM:29@12", true, "ICMPv6 type"},
	{"icmpv6_code", "ICMPv6Code", "", "WL4", 0, 16, 8, "no", "ICMPv6", true, "Dec", "NX:22 OXM:30@12", true, "ICMPv6 code"},
	{"", "TpSrc", "", "WL4", 16, 16, 16, "full", "IP", false, "Dec", "", false, "L4 source port; ICMP, ICMPv6 and IGMP type"},
	{"", "TpDst", "", "WL4", 0, 16, 16, "full", "IP", false, "Dec", "", false, "L4 destination port; ICMP, ICMPv6 and IGMP code"},
	{"nd_target", "NDTarget", "", "WNDTarget", 0, 128, 128, "full", "ND", true, "IPv6", "NX:23 OXM:31@12", false, "neighbour discovery target"},
	{"nd_sll", "NDSll", "", "WARPSha", 16, 48, 48, "full", "NDSolicit", true, "Eth", "NX:24 OXM:32@12", true, "neighbour discovery source link layer address"},
	{"nd_tll", "NDTll", "", "WARPTha", 16, 48, 48, "full", "NDAdvert", true, "Eth", "NX:25 OXM:33@12", true, "neighbour discovery target link layer address"},
	{"nd_reserved", "NDReserved", "", "WIPv6Misc", 0, 32, 32, "no", "ND", true, "Dec", "ERIC:1", false, "neighbour discovery reserved word"},
	{"nd_options_type", "NDOptionsType", "", "WARPSha", 0, 16, 8, "no", "ND", true, "Dec", "ERIC:2", false, "type of the neighbour discovery option"},
	{"", "IGMPGroup", "", "WMPLS + 1", 0, 32, 32, "full", "IPv4", false, "IPv4", "", false, "IGMP group address"},
	{"nsh_flags", "NSHFlags", "", "WIPv6Src", 56, 8, 8, "full", "NSH", true, "Dec", "NSH:1", true, "NSH flags"},
	{"nsh_mdtype", "NSHMdType", "", "WIPv6Src", 40, 8, 8, "no", "NSH", false, "Dec", "NSH:2", true, "NSH metadata type"},
	{"nsh_np", "NSHNp", "", "WIPv6Src", 32, 8, 8, "no", "NSH", false, "Dec", "NSH:3", true, "NSH next protocol"},
	{"nsh_spi", "NSHSpi", "nsp", "WIPv6Src", 8, 24, 32, "no", "NSH", true, "Hex", "NSH:4", true, "NSH service path id"},
	{"nsh_si", "NSHSi", "nsi", "WIPv6Src", 0, 8, 8, "no", "NSH", true, "Dec", "NSH:5", true, "NSH service index"},
	{"nsh_c1", "NSHC1", "nshc1", "WIPv6Src + 1", 32, 32, 32, "full", "NSH", true, "Hex", "NSH:6", true, "NSH context 1"},
	{"nsh_c2", "NSHC2", "nshc2", "WIPv6Src + 1", 0, 32, 32, "full", "NSH", true, "Hex", "NSH:7", true, "NSH context 2"},
	{"nsh_c3", "NSHC3", "nshc3", "WIPv6Dst", 32, 32, 32, "full", "NSH", true, "Hex", "NSH:8", true, "NSH context 3"},
	{"nsh_c4", "NSHC4", "nshc4", "WIPv6Dst", 0, 32, 32, "full", "NSH", true, "Hex", "NSH:9", true, "NSH context 4"},
	{"nsh_ttl", "NSHTTL", "", "WIPv6Src", 48, 8, 8, "no", "NSH", true, "Dec", "NSH:10", true, "NSH TTL"},
}
