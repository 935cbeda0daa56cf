package flow

import (
	"fmt"
	"strconv"
	"strings"

	"govs/packet"
)

// ODPFlow is a datapath flow read from text.
type ODPFlow struct {
	Key     Key // whole and unmasked
	Mask    Mask
	UFID    UFID
	HasUFID bool
}

// ParseODP parses a datapath flow as dpctl/dump-flows prints it and netdev-dummy/receive takes it: an optional "ufid:…", then
// attributes. A field without a mask is exact, and one that is not mentioned is wildcarded. The error reads "syntax error at"
// and the rest of the text.
func ParseODP(s string, ports *PortNames) (ODPFlow, error) {
	p := odpParser{ports: ports}
	rest, err := p.ufid(strings.TrimLeft(s, odpDelimiters))
	if err == nil {
		err = p.attrs(rest)
	}
	if err != nil {
		return ODPFlow{}, err
	}
	p.finish()
	return p.f, nil
}

const odpDelimiters = ", \t\r\n"

// odpParser is the state of ParseODP.
type odpParser struct {
	f             ODPFlow
	ports         *PortNames
	tags          int    // VLAN tags seen
	ethType       uint16 // type that the last eth_type() gave
	hasType       bool
	hasEth, hasPT bool
}

func syntaxError(at string) error { return fmt.Errorf("syntax error at %s", at) }

// ParseUFID parses a unique flow id, xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.
func ParseUFID(s string) (u UFID, ok bool) {
	if len(s) != 36 {
		return u, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return u, false
			}
			continue
		}
		d := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if d < 0 || s[i] == '-' {
			return u, false
		}
		u[n/2] = u[n/2]<<4 | byte(d)
		n++
	}
	return u, true
}

// String returns the id as dpctl/dump-flows -m prints it, without "ufid:".
func (u UFID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func (p *odpParser) ufid(s string) (string, error) {
	rest, ok := strings.CutPrefix(s, "ufid:")
	if !ok {
		return s, nil
	}
	if len(rest) < 36 {
		return s, syntaxError(s)
	}
	if p.f.UFID, ok = ParseUFID(rest[:36]); !ok {
		return s, syntaxError(s)
	}
	p.f.HasUFID = true
	return rest[36:], nil
}

// cutAttr splits "name(body)rest" at the parenthesis that closes the first one.
func cutAttr(s string) (name, body, rest string, ok bool) {
	open := strings.IndexByte(s, '(')
	if open < 0 {
		return
	}
	depth := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return s[:open], s[open+1 : i], s[i+1:], true
			}
		}
	}
	return
}

func (p *odpParser) attrs(s string) error {
	for {
		s = strings.TrimLeft(s, odpDelimiters)
		if s == "" {
			return nil
		}
		name, body, rest, ok := cutAttr(s)
		if !ok || !p.attr(name, body) {
			return syntaxError(s)
		}
		s = rest
	}
}

// attr applies one attribute and reports whether it is well formed.
func (p *odpParser) attr(name, body string) bool {
	switch name {
	case "skb_priority":
		return p.single(FieldSkbPriority, body)
	case "skb_mark":
		return p.single(FieldPktMark, body)
	case "recirc_id":
		return p.single(FieldRecircID, body)
	case "dp_hash":
		return p.single(FieldDpHash, body)
	case "ct_state":
		return p.ctState(body)
	case "ct_zone":
		return p.single(FieldCtZone, body)
	case "ct_mark":
		return p.single(FieldCtMark, body)
	case "ct_label":
		return p.single(FieldCtLabel, body)
	case "ct_tuple4":
		return p.fields(body, []odpField{{"src", FieldCtNwSrc}, {"dst", FieldCtNwDst}, {"proto", FieldCtNwProto}, {"tp_src", FieldCtTpSrc}, {"tp_dst", FieldCtTpDst}})
	case "ct_tuple6":
		return p.fields(body, []odpField{{"src", FieldCtIPv6Src}, {"dst", FieldCtIPv6Dst}, {"proto", FieldCtNwProto}, {"tp_src", FieldCtTpSrc}, {"tp_dst", FieldCtTpDst}})
	case "tunnel":
		return p.tunnel(body)
	case "in_port":
		return p.inPort(body)
	case "packet_type":
		p.hasPT = true
		return eachODPField(body, p.packetType)
	case "eth":
		p.hasEth = true
		return p.fields(body, []odpField{{"src", FieldEthSrc}, {"dst", FieldEthDst}})
	case "eth_type":
		return p.ethTypeAttr(body)
	case "vlan":
		return p.vlan(body)
	case "encap":
		return p.attrs(body) == nil
	case "ipv4":
		return p.fields(body, []odpField{{"src", FieldNwSrc}, {"dst", FieldNwDst}, {"proto", FieldNwProto}, {"tos", FieldNwTOS}, {"ttl", FieldNwTTL}, {"frag", FieldNwFrag}})
	case "ipv6":
		return p.fields(body, []odpField{{"src", FieldIPv6Src}, {"dst", FieldIPv6Dst}, {"label", FieldIPv6Label}, {"proto", FieldNwProto}, {"tclass", FieldNwTOS}, {"hlimit", FieldNwTTL}, {"frag", FieldNwFrag}})
	case "tcp", "udp", "sctp":
		return p.fields(body, []odpField{{"src", FieldTpSrc}, {"dst", FieldTpDst}})
	case "tcp_flags":
		return p.tcpFlags(body)
	case "icmp", "icmpv6":
		return p.fields(body, []odpField{{"type", FieldTpSrc}, {"code", FieldTpDst}})
	case "arp":
		return p.fields(body, []odpField{{"sip", FieldNwSrc}, {"tip", FieldNwDst}, {"op", FieldNwProto}, {"sha", FieldARPSha}, {"tha", FieldARPTha}})
	case "nd":
		return p.fields(body, []odpField{{"target", FieldNDTarget}, {"sll", FieldNDSll}, {"tll", FieldNDTll}})
	case "nd_ext":
		return p.fields(body, []odpField{{"nd_reserved", FieldNDReserved}, {"nd_options_type", FieldNDOptionsType}})
	case "mpls":
		return p.mpls(body)
	case "nsh":
		return p.fields(body, []odpField{{"flags", FieldNSHFlags}, {"ttl", FieldNSHTTL}, {"mdtype", FieldNSHMdType}, {"np", FieldNSHNp}, {"spi", FieldNSHSpi}, {"si", FieldNSHSi}, {"c1", FieldNSHC1}, {"c2", FieldNSHC2}, {"c3", FieldNSHC3}, {"c4", FieldNSHC4}})
	}
	return false
}

// odpField names a field inside an attribute.
type odpField struct {
	name string
	id   FieldID
}

// eachODPField calls f for each "name=value" or "name(value)" of an attribute's body.
func eachODPField(body string, f func(name, value string) bool) bool {
	for body != "" {
		var part string
		end, depth := len(body), 0
	scan:
		for i := 0; i < len(body); i++ {
			switch body[i] {
			case '(', '{':
				depth++
			case ')', '}':
				depth--
			case ',':
				if depth <= 0 {
					end = i
					break scan
				}
			}
		}
		part, body = body[:end], strings.TrimPrefix(body[end:], ",")
		name, value, ok := strings.Cut(part, "=")
		if open := strings.IndexByte(part, '('); open >= 0 && (!ok || open < len(name)) && strings.HasSuffix(part, ")") {
			name, value, ok = part[:open], part[open+1:len(part)-1], true
		}
		if !ok || !f(strings.TrimSpace(name), value) {
			return false
		}
	}
	return true
}

func (p *odpParser) fields(body string, fs []odpField) bool {
	return eachODPField(body, func(name, value string) bool {
		for _, f := range fs {
			if f.name == name {
				return p.single(f.id, value)
			}
		}
		return false
	})
}

// single parses "value" or "value/mask" of a field.
func (p *odpParser) single(id FieldID, s string) bool {
	f := &fields[id]
	var v, m Value
	var err error
	switch f.Form {
	case FormEth:
		v, m, err = parseEthMasked(s)
	case FormIPv4:
		v, m, err = parseIPv4Masked(s)
	case FormIPv6:
		v, m, err = parseIPv6Masked(s)
	case FormFrag:
		switch s {
		case "no":
		case "first":
			v = U(FragAny)
		case "later":
			v = U(FragAny | FragLater)
		default:
			return false
		}
		m = U(0xff)
	default:
		var ok bool
		if v, m, ok = parseODPInt(s, f.Width); !ok {
			return false
		}
		if id == FieldIPv6Label && v.Or(m).AndNot(f.AllOnes()) != (Value{}) && m != ones(f.Width) {
			return false
		}
	}
	if err != nil {
		return false
	}
	if id == FieldIPv6Label {
		if v.Lo > packet.IPv6LabelMask {
			return false
		}
		m = m.And(f.AllOnes())
	}
	f.set((*[Words]uint64)(&p.f.Key), v)
	f.set((*[Words]uint64)(&p.f.Mask), m)
	return true
}

// parseODPInt parses a C integer with an optional mask, cut to width bits. Without one the mask is all ones.
func parseODPInt(s string, width uint8) (v, mask Value, ok bool) {
	a, m, masked := strings.Cut(s, "/")
	v, e := parseUint(a, 16)
	if e != intOK || a == "" {
		return v, mask, false
	}
	mask = ones(width)
	if masked {
		if mask, e = parseUint(m, 16); e != intOK || m == "" {
			return v, mask, false
		}
	}
	return v.And(ones(width)), mask.And(ones(width)), true
}

func (p *odpParser) inPort(s string) bool {
	a, m, masked := strings.Cut(s, "/")
	port, err := strconv.ParseUint(a, 0, 32)
	if err != nil {
		n, ok := p.ports.number(a)
		if !ok {
			return false
		}
		port = uint64(n)
	}
	w := uint64(1<<32 - 1)
	if masked {
		if w, err = strconv.ParseUint(m, 0, 32); err != nil {
			return false
		}
	}
	p.f.Key.SetInPort(uint32(port))
	p.f.Mask.SetInPort(uint32(w))
	return true
}

func (p *odpParser) packetType(name, value string) bool {
	v, m, ok := parseODPInt(value, 16)
	shift := uint(0)
	switch name {
	case "ns":
		shift = 16
	case "id":
	default:
		return false
	}
	p.f.Key.SetPacketType(p.f.Key.PacketType() | uint32(v.Lo)<<shift)
	p.f.Mask.SetPacketType(p.f.Mask.PacketType() | uint32(m.Lo)<<shift)
	return ok
}

func (p *odpParser) ethTypeAttr(body string) bool {
	v, m, ok := parseODPInt(body, 16)
	if !ok {
		return false
	}
	p.ethType, p.hasType = uint16(v.Lo), true
	if v.IsZero() && m.Lo == 0xffff {
		p.ethType = ethTypeNone
	}
	p.f.Key.SetEthType(p.ethType)
	p.f.Mask.SetEthType(uint16(m.Lo))
	return true
}

func (p *odpParser) vlan(body string) bool {
	if p.tags == MaxVLANs || !p.hasType {
		return false
	}
	tci, mask := uint64(VLANPresent), uint64(VLANPresent)
	if !eachODPField(body, func(name, value string) bool {
		v, m, ok := parseODPInt(value, 16)
		if !ok {
			return false
		}
		plain := !strings.Contains(value, "/")
		switch name {
		case "vid":
			if plain {
				m.Lo = packet.VLANVIDMask
			}
			if (v.Lo|m.Lo)&^packet.VLANVIDMask != 0 {
				return false
			}
			tci, mask = tci|v.Lo, mask|m.Lo
		case "pcp":
			if plain {
				m.Lo = 7
			}
			if (v.Lo|m.Lo)&^7 != 0 {
				return false
			}
			tci, mask = tci|v.Lo<<packet.VLANPCPShift, mask|m.Lo<<packet.VLANPCPShift
		case "cfi":
			if v.Lo > 1 {
				return false
			}
			tci = tci&^VLANPresent | v.Lo<<12
		default:
			return false
		}
		return true
	}) {
		return false
	}
	shift := 32 - 32*p.tags
	p.f.Key[WVLAN] |= (uint64(p.ethType)<<16 | tci) << shift
	p.f.Mask[WVLAN] |= (0xffff<<16 | mask) << shift
	p.tags++
	p.hasType = false
	p.f.Key.SetEthType(0)
	return true
}

func (p *odpParser) ctState(s string) bool {
	f := &fields[FieldCtState]
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return p.single(FieldCtState, s)
	}
	v, m, err := f.parseFlags(s, ctStateNames, "ct_state")
	if err != nil {
		return false
	}
	f.set((*[Words]uint64)(&p.f.Key), v)
	f.set((*[Words]uint64)(&p.f.Mask), m)
	return true
}

func (p *odpParser) tcpFlags(s string) bool {
	f := &fields[FieldTCPFlags]
	v, m, err := f.parseFlags(s, tcpFlagNames, "TCP")
	if err != nil {
		return false
	}
	f.set((*[Words]uint64)(&p.f.Key), v)
	f.set((*[Words]uint64)(&p.f.Mask), m)
	return true
}

func (p *odpParser) mpls(body string) bool {
	n := -1
	return eachODPField(body, func(name, value string) bool {
		var width uint8
		var shift uint
		switch name {
		case "label":
			width, shift = 20, packet.MPLSLabelShift
			n++
		case "tc":
			width, shift = 3, packet.MPLSTCShift
		case "ttl":
			width, shift = 8, 0
		case "bos":
			width, shift = 1, 8
		default:
			return false
		}
		v, m, ok := parseODPInt(value, width)
		if !ok || n < 0 || n >= MaxMPLS {
			return false
		}
		shift += uint(32 - 32*(n%2))
		p.f.Key[WMPLS+n/2] |= v.Lo << shift
		p.f.Mask[WMPLS+n/2] |= m.Lo << shift
		return true
	})
}

func (p *odpParser) tunnel(body string) bool {
	k, m := &p.f.Key, &p.f.Mask
	return eachODPField(body, func(name, value string) bool {
		switch name {
		case "tun_id":
			k.SetTunFlags(k.TunFlags() | TunKey)
			return p.single(FieldTunID, value)
		case "src":
			return p.single(FieldTunSrc, value)
		case "dst":
			return p.single(FieldTunDst, value)
		case "ipv6_src":
			return p.single(FieldTunIPv6Src, value)
		case "ipv6_dst":
			return p.single(FieldTunIPv6Dst, value)
		case "tos":
			return p.single(FieldTunTOS, value)
		case "ttl":
			return p.single(FieldTunTTL, value)
		case "tp_src":
			return p.single(FieldTunTpSrc, value)
		case "tp_dst":
			return p.single(FieldTunTpDst, value)
		case "vxlan":
			gbp, ok := strings.CutPrefix(value, "gbp(")
			return ok && p.fields(strings.TrimSuffix(gbp, ")"), []odpField{{"id", FieldTunGBPID}, {"flags", FieldTunGBPFlags}})
		case "erspan":
			return p.fields(value, []odpField{{"ver", FieldTunERSPANVer}, {"idx", FieldTunERSPANIdx}, {"dir", FieldTunERSPANDir}, {"hwid", FieldTunERSPANHwid}})
		case "gtpu":
			return p.fields(value, []odpField{{"flags", FieldTunGTPUFlags}, {"msgtype", FieldTunGTPUMsgType}})
		case "flags":
			f := fields[FieldTunFlags]
			f.Valid = 0xf
			if value == "" || value == "0" {
				m.SetTunFlags(0xf)
				return true
			}
			v, w, err := f.parseFlags(value, odpTunFlagNames, "tunnel")
			k.SetTunFlags(uint16(v.Lo))
			m.SetTunFlags(uint16(w.Lo))
			return err == nil
		}
		return false
	})
}

// finish fills in what the text leaves open.
func (p *odpParser) finish() {
	k := &p.f.Key
	if !p.hasEth && !p.hasPT && p.hasType {
		k.SetPacketType(1<<16 | uint32(k.EthType()))
	}
	if p.hasPT && !p.hasType && k.PacketType()>>16 == 1 {
		k.SetEthType(uint16(k.PacketType()))
	}
}
