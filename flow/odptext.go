package flow

import (
	"strconv"

	"govs/packet"
)

// ODPFormat says how AppendODP prints.
type ODPFormat struct {
	Verbose bool       // print wildcarded fields too, with their masks (dpctl/dump-flows -m)
	Ports   *PortNames // names for in_port; nil prints the datapath port number
}

// exactMask has all bits.
var exactMask = func() (m Mask) {
	for i := range m {
		m[i] = ^uint64(0)
	}
	return m
}()

// AppendODP appends a datapath flow key and mask in the form of dpctl/dump-flows: "recirc_id(0),in_port(1),…". k must be a
// whole key, unmasked (as the original does, values are printed with their wildcarded bits). A nil m prints
// every field of the key.
func AppendODP(b []byte, k *Key, m *Mask, o ODPFormat) []byte {
	if m == nil {
		m = &exactMask
	}
	f := odpWriter{b: b, k: k, m: m, v: o.Verbose, ports: o.Ports}
	f.metadata()
	f.ethernet()
	if n := len(f.b); n > len(b) && f.b[n-1] == ',' {
		f.b = f.b[:n-1]
	}
	return f.b
}

// odpWriter builds the text of a datapath flow. Attributes and the fields in them end with a comma, which close removes.
type odpWriter struct {
	b     []byte
	k     *Key
	m     *Mask
	v     bool
	ports *PortNames
}

// open begins an attribute, "name(", and close ends it.
func (f *odpWriter) open(name string) { f.b = append(append(f.b, name...), '(') }

func (f *odpWriter) close() {
	if n := len(f.b); f.b[n-1] == ',' {
		f.b = f.b[:n-1]
	}
	f.b = append(f.b, ')', ',')
}

// hexAttr appends "name(0xv/0xm)" if m is not 0 or the form is verbose.
func (f *odpWriter) hexAttr(name string, v, m Value, width uint8) {
	if m.IsZero() && !f.v {
		return
	}
	f.open(name)
	f.b = appendHexMasked(f.b, v, m, width)
	f.close()
}

// hex, dec, ipv4, ipv6 and eth append "name=value/mask,".
func (f *odpWriter) hex(name string, v, m uint64, width uint8) {
	if m == 0 && !f.v {
		return
	}
	f.b = append(append(f.b, name...), '=')
	f.b = append(appendHexMasked(f.b, U(v), U(m), width), ',')
}

func (f *odpWriter) dec(name string, v, m uint64, width uint8) {
	if m == 0 && !f.v {
		return
	}
	f.b = append(append(f.b, name...), '=')
	f.b = strconv.AppendUint(f.b, v, 10)
	if m != ones(width).Lo {
		f.b = appendHex(append(f.b, '/'), m)
	}
	f.b = append(f.b, ',')
}

func (f *odpWriter) ipv4(name string, v, m uint32) {
	if m == 0 && !f.v {
		return
	}
	f.b = append(append(f.b, name...), '=')
	f.b = AppendIPv4(f.b, v)
	if m != ^uint32(0) {
		f.b = AppendIPv4(append(f.b, '/'), m)
	}
	f.b = append(f.b, ',')
}

func (f *odpWriter) ipv6(name string, v, m Value) {
	if m.IsZero() && !f.v {
		return
	}
	f.b = append(append(f.b, name...), '=')
	f.b = AppendIPv6(f.b, v)
	if m != ones(128) {
		f.b = AppendIPv6(append(f.b, '/'), m)
	}
	f.b = append(f.b, ',')
}

func (f *odpWriter) eth(name string, v, m uint64) {
	if m == 0 && !f.v {
		return
	}
	f.b = append(append(f.b, name...), '=')
	f.b = append(appendEthMasked(f.b, v, m), ',')
}

func (f *odpWriter) metadata() {
	k, m := f.k, f.m
	f.hexAttr("skb_priority", U(uint64(k.SkbPriority())), U(uint64(m.SkbPriority())), 32)
	f.tunnel()
	f.hexAttr("skb_mark", U(uint64(k.PktMark())), U(uint64(m.PktMark())), 32)
	if v, w := uint64(k.CtState()), uint64(m.CtState()); f.v {
		f.hexAttr("ct_state", U(v), U(w), 16)
	} else if w != 0 {
		f.open("ct_state")
		f.b = appendFlagsMasked(f.b, ctStateNames, v, w&0xff)
		f.close()
	}
	f.hexAttr("ct_zone", U(uint64(k.CtZone())), U(uint64(m.CtZone())), 16)
	f.hexAttr("ct_mark", U(uint64(k.CtMark())), U(uint64(m.CtMark())), 32)
	f.hexAttr("ct_label", k.CtLabel(), m.CtLabel(), 128)
	f.ctTuple()
	f.open("recirc_id")
	f.b = appendHexMasked(f.b, U(uint64(k.RecircID())), U(uint64(m.RecircID())), 32)
	f.close()
	f.hexAttr("dp_hash", U(uint64(k.DpHash())), U(uint64(m.DpHash())), 32)
	if m.InPort() != 0 || f.v {
		f.open("in_port")
		f.b = appendODPPort(f.b, k.InPort(), f.ports)
		if m.InPort() == 0 {
			f.b = append(f.b, "/0"...)
		}
		f.close()
	}
	f.packetType()
}

// appendODPPort appends a datapath port by name, or else by number.
func appendODPPort(b []byte, port uint32, names *PortNames) []byte {
	if n := names.name(port); n != "" {
		return append(b, n...)
	}
	return strconv.AppendUint(b, uint64(port), 10)
}

func (f *odpWriter) packetType() {
	pt, m := f.k.PacketType(), f.m.PacketType()
	if m == 0 && !f.v {
		return
	}
	f.open("packet_type")
	f.dec("ns", uint64(pt>>16), uint64(m>>16), 16)
	if pt>>16 == 0 {
		f.dec("id", uint64(pt&0xffff), uint64(m&0xffff), 16)
	} else {
		f.hex("id", uint64(pt&0xffff), uint64(m&0xffff), 16)
	}
	f.close()
}

// Bits of tun_flags. The low one is visible to OpenFlow.
const (
	TunOAM  = 1 << 0
	TunDF   = 1 << 1
	TunCsum = 1 << 2
	TunKey  = 1 << 3
)

var odpTunFlagNames = []string{"oam", "df", "csum", "key"}

// hasTunnel reports whether the key is of a packet that came through a tunnel.
func hasTunnel(k *Key) bool {
	return k.TunDst() != 0 || !k.TunIPv6Dst().IsZero()
}

func (f *odpWriter) tunnel() {
	k, m := f.k, f.m
	any := uint64(0)
	for w := WTunID; w < WMetadata; w++ {
		any |= m[w]
	}
	if any == 0 || !hasTunnel(k) {
		return
	}
	f.open("tunnel")
	if k.TunFlags()&TunKey != 0 || m.TunID() != 0 && k.TunID() != 0 {
		f.hex("tun_id", k.TunID(), m.TunID(), 64)
	}
	if k.TunDst() != 0 {
		f.ipv4("src", k.TunSrc(), m.TunSrc())
		f.ipv4("dst", k.TunDst(), m.TunDst())
	} else {
		f.ipv6("ipv6_src", k.TunIPv6Src(), m.TunIPv6Src())
		f.ipv6("ipv6_dst", k.TunIPv6Dst(), m.TunIPv6Dst())
	}
	if k.TunTOS() != 0 || m.TunTOS() != 0 {
		f.hex("tos", uint64(k.TunTOS()), uint64(m.TunTOS()), 8)
	}
	f.dec("ttl", uint64(k.TunTTL()), uint64(m.TunTTL()), 8)
	if k.TunTpSrc() != 0 {
		f.dec("tp_src", uint64(k.TunTpSrc()), uint64(m.TunTpSrc()), 16)
	}
	if k.TunTpDst() != 0 {
		f.dec("tp_dst", uint64(k.TunTpDst()), uint64(m.TunTpDst()), 16)
	}
	if k.TunGBPID() != 0 || k.TunGBPFlags() != 0 {
		f.open("vxlan")
		f.open("gbp")
		f.dec("id", uint64(k.TunGBPID()), uint64(m.TunGBPID()), 16)
		f.hex("flags", uint64(k.TunGBPFlags()), uint64(m.TunGBPFlags()), 8)
		f.close()
		f.close()
	}
	if k.TunERSPANVer() != 0 {
		f.open("erspan")
		f.dec("ver", uint64(k.TunERSPANVer()), uint64(m.TunERSPANVer()), 8)
		if k.TunERSPANVer() == 1 {
			f.hex("idx", uint64(k.TunERSPANIdx()), uint64(m.TunERSPANIdx()), 32)
		} else {
			f.dec("dir", uint64(k.TunERSPANDir()), uint64(m.TunERSPANDir()), 8)
			f.hex("hwid", uint64(k.TunERSPANHwid()), uint64(m.TunERSPANHwid()), 8)
		}
		f.close()
	}
	if k.TunGTPUMsgType() != 0 {
		f.open("gtpu")
		f.hex("flags", uint64(k.TunGTPUFlags()), uint64(m.TunGTPUFlags()), 8)
		f.dec("msgtype", uint64(k.TunGTPUMsgType()), uint64(m.TunGTPUMsgType()), 8)
		f.close()
	}
	f.open("flags")
	f.b = appendFlagsMasked(f.b, odpTunFlagNames, uint64(k.TunFlags()), uint64(m.TunFlags()&0xf))
	f.close()
	f.close()
}

func (f *odpWriter) ctTuple() {
	k, m := f.k, f.m
	if k.CtNwProto() == 0 || m[WCTPort]>>32|m[WCTIPv4]|m[WCTIPv6]|m[WCTIPv6+1]|m[WCTIPv6+2]|m[WCTIPv6+3]|uint64(m.CtNwProto()) == 0 {
		return
	}
	if k.EthType() == packet.EtherTypeIPv6 {
		f.open("ct_tuple6")
		f.ipv6("src", k.CtIPv6Src(), m.CtIPv6Src())
		f.ipv6("dst", k.CtIPv6Dst(), m.CtIPv6Dst())
	} else {
		f.open("ct_tuple4")
		f.ipv4("src", k.CtNwSrc(), m.CtNwSrc())
		f.ipv4("dst", k.CtNwDst(), m.CtNwDst())
	}
	f.dec("proto", uint64(k.CtNwProto()), uint64(m.CtNwProto()), 8)
	f.dec("tp_src", uint64(k.CtTpSrc()), uint64(m.CtTpSrc()), 16)
	f.dec("tp_dst", uint64(k.CtTpDst()), uint64(m.CtTpDst()), 16)
	f.close()
}

func (f *odpWriter) ethernet() {
	k, m := f.k, f.m
	pt := k.PacketType()
	if pt == 0 && (f.v || m.EthSrc() != 0 || m.EthDst() != 0 || m.PacketType() == 0) {
		f.open("eth")
		f.eth("src", k.EthSrc(), m.EthSrc())
		f.eth("dst", k.EthDst(), m.EthDst())
		f.close()
	}
	f.vlan(0)
}

// vlan appends tag i and what it encapsulates, or the network layer if there is no tag i.
func (f *odpWriter) vlan(i int) {
	if i == MaxVLANs {
		f.network()
		return
	}
	word, mask := f.k[WVLAN]>>(32-32*i), f.m[WVLAN]>>(32-32*i)
	cut := i == 0 && f.k[WVLAN] == 0 && (f.k.EthType() == packet.EtherTypeVLAN || f.k.EthType() == packet.EtherTypeQinQ) && f.k.PacketType() == 0
	if cut { // the type of a tag, and no tag
		word = uint64(f.k.EthType()) << 16
	}
	if word&0xffff0000 == 0 && word&VLANPresent == 0 {
		f.network()
		return
	}
	tci, w := word&0xffff, mask&0xffff
	tpid := word >> 16 & 0xffff
	if tpid == 0 {
		tpid = packet.EtherTypeVLAN
	}
	f.b = append(f.b, "eth_type(0x"...)
	f.b = appendHexPad(f.b, tpid, 4)
	f.close()
	if i > 0 && w == VLANPresent { // that there is a second tag is said by the type
		w = 0
	}
	if w != 0 || f.v {
		f.open("vlan")
		vid, wvid := tci&packet.VLANVIDMask, w&packet.VLANVIDMask
		if f.v || vid|wvid != 0 {
			f.b = append(f.b, "vid="...)
			f.b = strconv.AppendUint(f.b, vid, 10)
			if wvid != packet.VLANVIDMask {
				f.b = strconv.AppendUint(append(f.b, "/0x"...), wvid, 16)
			}
			f.b = append(f.b, ',')
		}
		pcp, wpcp := tci>>packet.VLANPCPShift, w>>packet.VLANPCPShift
		if f.v || pcp|wpcp != 0 {
			f.b = append(f.b, "pcp="...)
			f.b = strconv.AppendUint(f.b, pcp, 10)
			if wpcp != 7 {
				f.b = strconv.AppendUint(append(f.b, "/0x"...), wpcp, 16)
			}
			f.b = append(f.b, ',')
		}
		if tci&VLANPresent == 0 {
			f.b = append(f.b, "cfi=0,"...)
		}
		f.close()
	}
	f.open("encap")
	if !cut {
		f.vlan(i + 1)
	}
	f.close()
}

// network appends the Ethernet type and the headers behind it.
func (f *odpWriter) network() {
	k, m := f.k, f.m
	t := k.EthType()
	switch {
	case t == ethTypeNone || t < packet.EthTypeMin:
		if m.EthType() != 0 {
			f.b = append(f.b, "eth_type(0/0xffff),"...)
		}
	case m.EthType() == 0xffff || f.v || k.PacketType()>>16 == 1:
		f.b = append(f.b, "eth_type(0x"...)
		f.b = appendHexPad(f.b, uint64(t), 4)
		if m.EthType() != 0xffff && k.PacketType() == 0 {
			f.b = appendHexPad(append(f.b, "/0x"...), uint64(m.EthType()), 4)
		}
		f.close()
	}
	switch t {
	case packet.EtherTypeIPv4:
		if f.v || m[WIPv4]|m[WL4]>>32 != 0 {
			f.open("ipv4")
			f.ipv4("src", k.NwSrc(), m.NwSrc())
			f.ipv4("dst", k.NwDst(), m.NwDst())
			f.dec("proto", uint64(k.NwProto()), uint64(m.NwProto()), 8)
			f.hex("tos", uint64(k.NwTOS()), uint64(m.NwTOS()), 8)
			f.dec("ttl", uint64(k.NwTTL()), uint64(m.NwTTL()), 8)
			f.frag()
			f.close()
		}
		f.transport()
	case packet.EtherTypeIPv6:
		if f.v || m[WIPv6Src]|m[WIPv6Src+1]|m[WIPv6Dst]|m[WIPv6Dst+1]|m[WIPv6Misc]>>32|m[WL4]>>32 != 0 {
			f.open("ipv6")
			f.ipv6("src", k.IPv6Src(), m.IPv6Src())
			f.ipv6("dst", k.IPv6Dst(), m.IPv6Dst())
			f.hex("label", uint64(k.IPv6Label()), uint64(m.IPv6Label()&packet.IPv6LabelMask), 20)
			f.dec("proto", uint64(k.NwProto()), uint64(m.NwProto()), 8)
			f.hex("tclass", uint64(k.NwTOS()), uint64(m.NwTOS()), 8)
			f.dec("hlimit", uint64(k.NwTTL()), uint64(m.NwTTL()), 8)
			f.frag()
			f.close()
		}
		f.transport()
	case packet.EtherTypeARP, packet.EtherTypeRARP:
		if f.v || m[WIPv4]|uint64(m.NwProto())|m.ARPSha()|m.ARPTha() != 0 {
			f.open("arp")
			f.ipv4("sip", k.NwSrc(), m.NwSrc())
			f.ipv4("tip", k.NwDst(), m.NwDst())
			w := uint64(m.NwProto())
			if w == 0xff {
				w = 0xffff
			}
			f.dec("op", uint64(k.NwProto()), w, 16)
			f.eth("sha", k.ARPSha(), m.ARPSha())
			f.eth("tha", k.ARPTha(), m.ARPTha())
			f.close()
		}
	case packet.EtherTypeMPLS, packet.EtherTypeMPLSM:
		f.mpls()
	case packet.EtherTypeNSH:
		f.nsh()
	}
}

func (f *odpWriter) frag() {
	m := f.m.NwFrag() & 3
	if m == 0 {
		return
	}
	f.b = append(f.b, "frag="...)
	switch f.k.NwFrag() {
	case 0:
		f.b = append(f.b, "no"...)
	case FragAny:
		f.b = append(f.b, "first"...)
	case FragAny | FragLater:
		f.b = append(f.b, "later"...)
	default:
		f.b = append(f.b, "<error>"...)
	}
	f.b = append(f.b, ',')
}

// ports appends a transport header's ports, or its type and code.
func (f *odpWriter) tp(attr, src, dst string, width uint8) {
	k, m := f.k, f.m
	ws, wd := uint64(m.TpSrc()), uint64(m.TpDst())
	if ws|wd == 0 && !f.v {
		return
	}
	all := ones(width).Lo
	f.open(attr)
	f.dec(src, uint64(k.TpSrc()), ws&all, width)
	f.dec(dst, uint64(k.TpDst()), wd&all, width)
	f.close()
}

func (f *odpWriter) transport() {
	k, m := f.k, f.m
	if k.NwFrag()&FragLater != 0 {
		return
	}
	v6 := k.EthType() == packet.EtherTypeIPv6
	switch p := k.NwProto(); {
	case p == packet.ProtoTCP:
		f.tp("tcp", "src", "dst", 16)
		if w := m.TCPFlags(); w != 0 || f.v {
			f.open("tcp_flags")
			switch {
			case w == 0:
				f.b = append(f.b, "0/0"...) // whatever the flags are
			case w&packet.TCPFlagsMk == packet.TCPFlagsMk:
				f.b = appendFlags(f.b, tcpFlagNames, uint64(k.TCPFlags()), '|')
			default:
				f.b = appendFlagsMasked(f.b, tcpFlagNames, uint64(k.TCPFlags()), uint64(w))
			}
			f.close()
		}
	case p == packet.ProtoUDP:
		f.tp("udp", "src", "dst", 16)
	case p == packet.ProtoSCTP:
		f.tp("sctp", "src", "dst", 16)
	case p == packet.ProtoICMP && !v6:
		f.tp("icmp", "type", "code", 8)
	case p == packet.ProtoICMPv6 && v6:
		f.tp("icmpv6", "type", "code", 8)
		if k.TpDst() == 0 && (k.TpSrc() == packet.ND_NS || k.TpSrc() == packet.ND_NA) {
			f.nd()
		}
	}
}

// nd appends the fields of neighbour discovery, which count only if type and code are matched exactly.
func (f *odpWriter) nd() {
	k, m := f.k, *f.m
	if m.TpSrc()&0xff != 0xff || m.TpDst()&0xff != 0xff {
		m[WNDTarget], m[WNDTarget+1] = 0, 0
		m.SetNDSll(0)
		m.SetNDTll(0)
	}
	if m[WNDTarget]|m[WNDTarget+1]|m.NDSll()|m.NDTll() == 0 && !f.v {
		return
	}
	f.open("nd")
	f.ipv6("target", k.NDTarget(), m.NDTarget())
	f.eth("sll", k.NDSll(), m.NDSll())
	f.eth("tll", k.NDTll(), m.NDTll())
	f.close()
}

// mpls appends the label stack. With any bit wildcarded every part is printed with its mask.
func (f *odpWriter) mpls() {
	k, m := f.k, f.m
	if m[WMPLS]|m[WMPLS+1]>>32 == 0 && !f.v {
		return
	}
	f.open("mpls")
	exact := true
	n := 0
	for n < MaxMPLS {
		v, w := mplsEntry(k, n), mplsEntry((*Key)(m), n)
		if w != 1<<32-1 {
			exact = false
		}
		n++
		if v&packet.MPLSBoS != 0 {
			break
		}
	}
	for i := 0; i < n; i++ {
		v, w := mplsEntry(k, i), mplsEntry((*Key)(m), i)
		put := func(name string, shift uint, all uint32, label bool) {
			f.b = append(append(f.b, name...), '=')
			f.b = strconv.AppendUint(f.b, uint64(v>>shift&all), 10)
			if !exact {
				f.b = append(f.b, '/')
				if label || all == 0xff {
					f.b = strconv.AppendUint(append(f.b, "0x"...), uint64(w>>shift&all), 16)
				} else {
					f.b = strconv.AppendUint(f.b, uint64(w>>shift&all), 16)
				}
			}
			f.b = append(f.b, ',')
		}
		put("label", packet.MPLSLabelShift, 0xfffff, true)
		put("tc", packet.MPLSTCShift, 7, false)
		put("ttl", 0, 0xff, false)
		put("bos", 8, 1, false)
	}
	f.close()
}

// mplsEntry returns label stack entry i.
func mplsEntry(k *Key, i int) uint32 {
	return uint32(k[WMPLS+i/2] >> (32 - 32*(i%2)))
}

// nsh appends the network service header's matched fields; wildcarded ones are not printed even in the verbose form.
func (f *odpWriter) nsh() {
	k, m := f.k, f.m
	defer func(v bool) { f.v = v }(f.v)
	f.v = false
	f.open("nsh")
	f.dec("flags", uint64(k.NSHFlags()), uint64(m.NSHFlags()), 8)
	f.dec("ttl", uint64(k.NSHTTL()), uint64(m.NSHTTL()), 8)
	f.dec("mdtype", uint64(k.NSHMdType()), uint64(m.NSHMdType()), 8)
	f.dec("np", uint64(k.NSHNp()), uint64(m.NSHNp()), 8)
	f.hex("spi", uint64(k.NSHSpi()), uint64(m.NSHSpi()), 24)
	f.dec("si", uint64(k.NSHSi()), uint64(m.NSHSi()), 8)
	if k.NSHMdType() == nshMD1 {
		f.hex("c1", uint64(k.NSHC1()), uint64(m.NSHC1()), 32)
		f.hex("c2", uint64(k.NSHC2()), uint64(m.NSHC2()), 32)
		f.hex("c3", uint64(k.NSHC3()), uint64(m.NSHC3()), 32)
		f.hex("c4", uint64(k.NSHC4()), uint64(m.NSHC4()), 32)
	}
	f.close()
}

// AppendODPValue appends one field's value and, unless it is all ones, its mask, in the form of the datapath's text.
func AppendODPValue(b []byte, id FieldID, v, m Value) []byte {
	f := odpWriter{b: b, v: true}
	fd := &fields[id]
	switch {
	case fd.Form == FormEth:
		f.eth("", v.Lo, m.Lo)
	case fd.Form == FormIPv4:
		f.ipv4("", uint32(v.Lo), uint32(m.Lo))
	case fd.Form == FormIPv6:
		f.ipv6("", v, m)
	case id == FieldIPv6Label:
		f.hex("", v.Lo, m.Lo, 20)
	case id == FieldNwTOS:
		f.hex("", v.Lo, m.Lo, 8)
	case id == FieldNDReserved:
		f.b = strconv.AppendUint(append(f.b, "0x"...), v.Lo, 16)
		if m.Lo != 1<<32-1 {
			f.b = strconv.AppendUint(append(f.b, "/0x"...), m.Lo, 16)
		}
		return f.b
	case id == FieldTpSrc || id == FieldTpDst:
		f.dec("", v.Lo, m.Lo, 16)
	case fd.Form == FormFrag:
		f.k, f.m = &Key{}, &Mask{}
		f.k.SetNwFrag(uint8(v.Lo))
		f.m.SetNwFrag(3)
		f.frag()
		return append(b, f.b[len(b)+len("frag="):len(f.b)-1]...)
	case fd.Form == FormHex:
		f.hex("", v.Lo, m.Lo, fd.Width)
	default:
		f.dec("", v.Lo, m.Lo, fd.Width)
	}
	return append(b, f.b[len(b)+1:len(f.b)-1]...) // without "=" and ","
}

// ParseODPValue parses what AppendODPValue appends.
func ParseODPValue(id FieldID, s string) (v, m Value, ok bool) {
	var p odpParser
	if !p.single(id, s) {
		return v, m, false
	}
	return p.f.Key.Get(id), p.f.Mask.Get(id), true
}

// AppendODPTunnel appends the tunnel() attribute of a set action: what is in parentheses, without wildcards.
func AppendODPTunnel(b []byte, k *Key) []byte {
	f := odpWriter{b: b, k: k, m: &exactMask}
	if k.TunFlags()&TunKey != 0 {
		f.hex("tun_id", k.TunID(), ^uint64(0), 64)
	}
	if k.TunSrc() != 0 {
		f.ipv4("src", k.TunSrc(), ^uint32(0))
	}
	if k.TunDst() != 0 {
		f.ipv4("dst", k.TunDst(), ^uint32(0))
	}
	if v := k.TunIPv6Src(); !v.IsZero() {
		f.ipv6("ipv6_src", v, ones(128))
	}
	if v := k.TunIPv6Dst(); !v.IsZero() {
		f.ipv6("ipv6_dst", v, ones(128))
	}
	if k.TunTOS() != 0 {
		f.hex("tos", uint64(k.TunTOS()), 0xff, 8)
	}
	f.dec("ttl", uint64(k.TunTTL()), 0xff, 8)
	if k.TunTpSrc() != 0 {
		f.dec("tp_src", uint64(k.TunTpSrc()), 0xffff, 16)
	}
	if k.TunTpDst() != 0 {
		f.dec("tp_dst", uint64(k.TunTpDst()), 0xffff, 16)
	}
	if k.TunGBPID() != 0 || k.TunGBPFlags() != 0 {
		f.open("vxlan")
		f.open("gbp")
		if k.TunGBPID() != 0 {
			f.dec("id", uint64(k.TunGBPID()), 0xffff, 16)
		}
		if k.TunGBPFlags() != 0 {
			f.hex("flags", uint64(k.TunGBPFlags()), 0xff, 8)
		}
		f.close()
		f.close()
	}
	f.open("flags")
	if n := uint64(k.TunFlags() & 0xf); n != 0 {
		f.b = appendFlags(f.b, odpTunFlagNames, n, '|')
	}
	f.close()
	return f.b[:len(f.b)-1]
}

// ParseODPTunnel parses what is in the parentheses of a tunnel() attribute into the tunnel words of k.
func ParseODPTunnel(s string, k *Key) bool {
	var p odpParser
	if !p.tunnel(s) {
		return false
	}
	copy(k[WTunID:WMetadata], p.f.Key[WTunID:WMetadata])
	return true
}
