package flow

import (
	"strconv"

	"govs/packet"
)

// String returns the match's text with numbers for ports; see AppendText.
func (m *Match) String() string { return string(m.AppendText(nil, nil)) }

// AppendText appends the match as ovs-ofctl prints it, "tcp,in_port=1,tp_dst=80" (ovs-fields(7)), without a trailing comma; a
// match of everything is the empty string. The keyword for the Ethernet type and IP protocol is the most exact one, and
// fields that it implies are left out.
func (m *Match) AppendText(b []byte, ports *PortNames) []byte {
	f := matchWriter{b: b, m: m, ports: ports}
	f.metadata()
	f.protocol()
	f.pipeline()
	f.tunnel()
	if v, w := m.Get(FieldMetadata); !w.IsZero() {
		f.name("metadata")
		f.b = append(appendHexMasked(f.b, v, w, 64), ',')
	}
	f.port("in_port", FieldInPort)
	f.vlan(0)
	f.vlan(1)
	f.field("dl_src", FieldEthSrc)
	f.field("dl_dst", FieldEthDst)
	if !f.skipType {
		if v, w := m.Get(FieldEthType); !w.IsZero() {
			f.name("dl_type")
			f.b = appendHexPad(append(f.b, "0x"...), v.Lo, 4)
			if w.Lo != 0xffff {
				f.b = appendHexPad(append(f.b, "/0x"...), w.Lo, 4)
			}
			f.b = append(f.b, ',')
		}
	}
	f.network()
	f.transport()
	if n := len(f.b); n > len(b) && f.b[n-1] == ',' {
		f.b = f.b[:n-1]
	}
	return f.b
}

// matchWriter builds the text of a match. Every part ends with a comma.
type matchWriter struct {
	b                   []byte
	m                   *Match
	ports               *PortNames
	skipType, skipProto bool
	ethType             uint16 // the matched Ethernet type, also from packet_type; 0 if none
	proto               uint8  // the matched IP protocol; 0 if none
}

func (f *matchWriter) name(n string) { f.b = append(append(f.b, n...), '=') }

// field appends the field in its text form if any bit of it is matched.
func (f *matchWriter) field(name string, id FieldID) {
	v, w := f.m.Get(id)
	if w.IsZero() {
		return
	}
	f.name(name)
	f.b = append(appendField(f.b, id.Info(), v, w, f.ports), ',')
}

func (f *matchWriter) port(name string, id FieldID) {
	if v, w := f.m.Get(id); !w.IsZero() {
		f.name(name)
		f.b = append(AppendPort(f.b, uint32(v.Lo), f.ports), ',')
	}
}

// appendField appends a masked value in the field's text form.
func appendField(b []byte, fd *Field, v, w Value, ports *PortNames) []byte {
	switch fd.Form {
	case FormEth:
		return appendEthMasked(b, v.Lo, w.Lo)
	case FormIPv4:
		return appendIPv4Masked(b, uint32(v.Lo), uint32(w.Lo))
	case FormIPv6:
		return appendIPv6Masked(b, v, w)
	case FormHex:
		return appendHexMasked(b, v, w, fd.Width)
	case FormPort:
		return AppendPort(b, uint32(v.Lo), ports)
	case FormFrag:
		return append(b, fragName(uint8(v.Lo), uint8(w.Lo))...)
	case FormTCPFlags:
		if w.Lo == 0xffff || w.Lo == 0xfff {
			return appendFlags(b, tcpFlagNames, v.Lo, '|')
		}
		return appendFlagsMasked(b, tcpFlagNames, v.Lo, w.Lo)
	case FormCtState:
		if w.Lo&0xff == 0xff {
			return appendFlags(b, ctStateNames, v.Lo, '|')
		}
		return appendFlagsMasked(b, ctStateNames, v.Lo, w.Lo)
	case FormTunFlags:
		return appendFlagsMasked(b, tunFlagNames, v.Lo, w.Lo&1)
	case FormPacketType:
		b = append(b, '(')
		b = strconv.AppendUint(b, v.Lo>>16, 10)
		b = append(b, ',')
		b = appendHex(b, v.Lo&0xffff)
		return append(b, ')')
	}
	return appendDecMasked(b, v.Lo, w.Lo, fd.Width)
}

func fragName(v, m uint8) string {
	switch {
	case m&3 == 3 && v == FragAny|FragLater:
		return "later"
	case m&3 == 3 && v == FragAny:
		return "first"
	case m&3 == 3 && v == 0:
		return "no"
	case m&3 == FragAny && v == FragAny:
		return "yes"
	case m&3 == FragAny && v == 0:
		return "no"
	case m&3 == FragLater && v == FragLater:
		return "later"
	case m&3 == FragLater && v == 0:
		return "not_later"
	}
	return "<error>"
}

// metadata appends what is known of a packet beside its headers.
func (f *matchWriter) metadata() {
	f.field("pkt_mark", FieldPktMark)
	f.field("recirc_id", FieldRecircID)
	f.field("dp_hash", FieldDpHash)
	f.field("conj_id", FieldConjID)
	f.field("skb_priority", FieldSkbPriority)
	f.port("actset_output", FieldActsetOutput)
	f.field("ct_state", FieldCtState)
	f.field("ct_zone", FieldCtZone)
	f.field("ct_mark", FieldCtMark)
	f.field("ct_label", FieldCtLabel)
	f.field("ct_nw_src", FieldCtNwSrc)
	f.field("ct_ipv6_src", FieldCtIPv6Src)
	f.field("ct_nw_dst", FieldCtNwDst)
	f.field("ct_ipv6_dst", FieldCtIPv6Dst)
	f.field("ct_nw_proto", FieldCtNwProto)
	f.field("ct_tp_src", FieldCtTpSrc)
	f.field("ct_tp_dst", FieldCtTpDst)
}

// protocol appends the packet type and the protocol keyword.
func (f *matchWriter) protocol() {
	m := f.m
	if m.Mask.PacketType() != 0 {
		if pt := m.Key.PacketType(); pt == 0 {
			f.b = append(f.b, "eth,"...)
		} else {
			f.field("packet_type", FieldPacketType)
			if pt>>16 == 1 {
				f.ethType = uint16(pt)
			}
		}
	}
	if m.Mask.EthType() != 0 {
		f.ethType = m.Key.EthType()
	}
	exactProto := m.Mask.NwProto() == 0xff
	if exactProto {
		f.proto = m.Key.NwProto()
	}
	if m.Mask.EthType() != 0xffff {
		return
	}
	word := ""
	switch m.Key.EthType() {
	case packet.EtherTypeIPv4:
		word = "ip"
		if exactProto {
			word, f.skipProto = ipKeyword(f.proto, false)
		}
	case packet.EtherTypeIPv6:
		word = "ipv6"
		if exactProto {
			word, f.skipProto = ipKeyword(f.proto, true)
		}
	case packet.EtherTypeARP:
		word = "arp"
	case packet.EtherTypeRARP:
		word = "rarp"
	case packet.EtherTypeMPLS:
		word = "mpls"
	case packet.EtherTypeMPLSM:
		word = "mplsm"
	default:
		return
	}
	f.skipType = true
	f.b = append(append(f.b, word...), ',')
}

// ipKeyword returns the keyword of an IP protocol and whether it says which protocol it is.
func ipKeyword(proto uint8, v6 bool) (string, bool) {
	switch {
	case proto == packet.ProtoTCP && v6:
		return "tcp6", true
	case proto == packet.ProtoTCP:
		return "tcp", true
	case proto == packet.ProtoUDP && v6:
		return "udp6", true
	case proto == packet.ProtoUDP:
		return "udp", true
	case proto == packet.ProtoSCTP && v6:
		return "sctp6", true
	case proto == packet.ProtoSCTP:
		return "sctp", true
	case proto == packet.ProtoICMPv6 && v6:
		return "icmp6", true
	case proto == packet.ProtoICMP && !v6:
		return "icmp", true
	case v6:
		return "ipv6", false
	}
	return "ip", false
}

func (f *matchWriter) pipeline() {
	for i := FieldID(0); i < 16; i++ {
		f.field(regNames[i], FieldReg0+i)
	}
}

var regNames = [16]string{"reg0", "reg1", "reg2", "reg3", "reg4", "reg5", "reg6", "reg7", "reg8", "reg9", "reg10", "reg11",
	"reg12", "reg13", "reg14", "reg15"}

func (f *matchWriter) tunnel() {
	f.field("tun_id", FieldTunID)
	f.field("tun_src", FieldTunSrc)
	f.field("tun_dst", FieldTunDst)
	f.field("tun_ipv6_src", FieldTunIPv6Src)
	f.field("tun_ipv6_dst", FieldTunIPv6Dst)
	f.field("tun_gbp_id", FieldTunGBPID)
	f.field("tun_gbp_flags", FieldTunGBPFlags)
	if f.m.Mask.TunTOS() != 0 {
		f.b = append(f.b, "tun_tos="...)
		f.b = append(strconv.AppendUint(f.b, uint64(f.m.Key.TunTOS()), 16), ',')
	}
	f.field("tun_ttl", FieldTunTTL)
	f.narrow("tun_erspan_ver", FieldTunERSPANVer, 4)
	f.narrow("tun_erspan_idx", FieldTunERSPANIdx, 20)
	f.narrow("tun_erspan_dir", FieldTunERSPANDir, 1)
	f.narrow("tun_erspan_hwid", FieldTunERSPANHwid, 6)
	f.field("gtpu_flags", FieldTunGTPUFlags)
	f.field("gtpu_msgtype", FieldTunGTPUMsgType)
	switch v, w := f.m.Key.TunFlags(), f.m.Mask.TunFlags(); {
	case w == 0xffff:
		f.name("tun_flags")
		f.b = append(appendFlags(f.b, odpTunFlagNames, uint64(v), '|'), ',')
	case w&1 != 0:
		f.field("tun_flags", FieldTunFlags)
	}
}

// narrow appends a field of which only the low bits can be set.
func (f *matchWriter) narrow(name string, id FieldID, width uint8) {
	v, w := f.m.Get(id)
	if w.IsZero() {
		return
	}
	fd := *id.Info()
	fd.Width = width
	f.name(name)
	f.b = append(appendField(f.b, &fd, v, w, f.ports), ',')
}

// vlan appends VLAN tag i, 0 for the outer one.
func (f *matchWriter) vlan(i int) {
	tci, w := f.m.Key.VlanTCI(), f.m.Mask.VlanTCI()
	suffix := ""
	if i == 1 {
		tci, w = f.m.Key.VlanTCI1(), f.m.Mask.VlanTCI1()
		suffix = "1"
	}
	if w == 0 {
		return
	}
	vid, pcp := w&packet.VLANVIDMask, w&packet.VLANPCPMask
	whole := w&VLANPresent != 0 && tci&VLANPresent != 0 && (vid == 0 || vid == packet.VLANVIDMask) && (pcp == 0 || pcp == packet.VLANPCPMask) && vid|pcp != 0
	switch {
	case whole:
		if vid != 0 {
			f.name("dl_vlan" + suffix)
			f.b = append(strconv.AppendUint(f.b, uint64(tci&packet.VLANVIDMask), 10), ',')
		}
		if pcp != 0 {
			f.name("dl_vlan_pcp" + suffix)
			f.b = append(strconv.AppendUint(f.b, uint64(tci>>packet.VLANPCPShift), 10), ',')
		}
	default:
		f.name("vlan_tci" + suffix)
		f.b = appendHexPad(append(f.b, "0x"...), uint64(tci), 4)
		if w != 0xffff {
			f.b = appendHexPad(append(f.b, "/0x"...), uint64(w), 4)
		}
		f.b = append(f.b, ',')
	}
}

func (f *matchWriter) network() {
	m := f.m
	arp := f.ethType == packet.EtherTypeARP || f.ethType == packet.EtherTypeRARP
	switch {
	case f.ethType == packet.EtherTypeIPv6:
		f.field("ipv6_src", FieldIPv6Src)
		f.field("ipv6_dst", FieldIPv6Dst)
		if v, w := m.Key.IPv6Label(), m.Mask.IPv6Label(); w != 0 {
			f.name("ipv6_label")
			f.b = appendHexPad(append(f.b, "0x"...), uint64(v), 5)
			if w&packet.IPv6LabelMask != packet.IPv6LabelMask {
				f.b = appendHexPad(append(f.b, "/0x"...), uint64(w), 5)
			}
			f.b = append(f.b, ',')
		}
	case arp:
		f.field("arp_spa", FieldNwSrc)
		f.field("arp_tpa", FieldNwDst)
	case f.ethType == packet.EtherTypeNSH:
		f.nsh()
	default:
		f.field("nw_src", FieldNwSrc)
		f.field("nw_dst", FieldNwDst)
	}
	if !f.skipProto && m.Mask.NwProto() != 0 {
		if arp {
			f.field("arp_op", FieldNwProto)
		} else {
			f.field("nw_proto", FieldNwProto)
		}
	}
	if arp {
		f.field("arp_sha", FieldARPSha)
		f.field("arp_tha", FieldARPTha)
	}
	if tos := m.Mask.NwTOS(); tos&0xfc != 0 {
		f.name("nw_tos")
		f.b = append(strconv.AppendUint(f.b, uint64(m.Key.NwTOS()&0xfc), 10), ',')
	}
	if tos := m.Mask.NwTOS(); tos&3 != 0 {
		f.name("nw_ecn")
		f.b = append(strconv.AppendUint(f.b, uint64(m.Key.NwTOS()&3), 10), ',')
	}
	f.field("nw_ttl", FieldNwTTL)
	f.field("mpls_label", FieldMPLSLabel)
	f.field("mpls_tc", FieldMPLSTC)
	f.field("mpls_ttl", FieldMPLSTTL)
	f.field("mpls_bos", FieldMPLSBOS)
	f.dec("mpls_lse1", m.Key.MPLSLSE1(), m.Mask.MPLSLSE1())
	f.dec("mpls_lse2", m.Key.MPLSLSE2(), m.Mask.MPLSLSE2())
	f.field("nw_frag", FieldNwFrag)
}

// dec appends a value in decimal whatever its mask.
func (f *matchWriter) dec(name string, v, mask uint32) {
	if mask != 0 {
		f.name(name)
		f.b = append(strconv.AppendUint(f.b, uint64(v), 10), ',')
	}
}

func (f *matchWriter) nsh() {
	f.field("nsh_flags", FieldNSHFlags)
	f.field("nsh_ttl", FieldNSHTTL)
	f.field("nsh_mdtype", FieldNSHMdType)
	f.field("nsh_np", FieldNSHNp)
	if v, w := f.m.Get(FieldNSHSpi); !w.IsZero() {
		f.b = append(f.b, "nsh_spi=0x"...)
		f.b = append(strconv.AppendUint(f.b, v.Lo, 16), ',')
	}
	f.field("nsh_si", FieldNSHSi)
	f.field("nsh_c1", FieldNSHC1)
	f.field("nsh_c2", FieldNSHC2)
	f.field("nsh_c3", FieldNSHC3)
	f.field("nsh_c4", FieldNSHC4)
}

func (f *matchWriter) transport() {
	icmp := f.ethType == packet.EtherTypeIPv4 && f.proto == packet.ProtoICMP
	icmp6 := f.ethType == packet.EtherTypeIPv6 && f.proto == packet.ProtoICMPv6
	switch {
	case icmp, icmp6:
		f.field("icmp_type", FieldTpSrc)
		f.field("icmp_code", FieldTpDst)
	default:
		f.field("tp_src", FieldTpSrc)
		f.field("tp_dst", FieldTpDst)
	}
	if icmp6 {
		f.field("nd_target", FieldNDTarget)
		f.field("nd_sll", FieldARPSha)
		f.field("nd_tll", FieldARPTha)
		f.field("nd_reserved", FieldNDReserved)
		f.field("nd_options_type", FieldNDOptionsType)
	}
	if f.proto == packet.ProtoTCP {
		f.field("tcp_flags", FieldTCPFlags)
	}
}
