package flow

import "govs/packet"

// MaskForPacket returns the mask with a one for every bit that means something for the packet of which k is the whole key:
// its metadata and the headers that its shape has.
func MaskForPacket(k *Key) Mask {
	var m Mask
	for w := WMark; w < Words; w++ {
		m[w] = ^uint64(0)
	}
	m[WInPort], m[WVLAN] = ^uint64(0), ^uint64(0)
	m[WEthDst], m[WEthSrc] = ^uint64(0), ^uint64(0xffff)
	switch k.EthType() {
	case packet.EtherTypeIPv4:
		m[WIPv4] = ^uint64(0)
		m[WL4] = 0xffffffff << 32
	case packet.EtherTypeIPv6:
		for w := WIPv6Src; w < WIPv6Misc; w++ {
			m[w] = ^uint64(0)
		}
		m.SetExact(FieldIPv6Label)
		m[WL4] = 0xffffffff << 32
	case packet.EtherTypeARP, packet.EtherTypeRARP:
		m[WIPv4] = ^uint64(0)
		m.SetExact(FieldNwProto)
		m.SetExact(FieldARPSha)
		m.SetExact(FieldARPTha)
		return m
	case packet.EtherTypeMPLS, packet.EtherTypeMPLSM:
		for i, id := range [MaxMPLS]FieldID{FieldMPLSLSE0, FieldMPLSLSE1, FieldMPLSLSE2} {
			m.SetExact(id)
			if i == MaxMPLS-1 || k.Get(id).Lo&packet.MPLSBoS != 0 {
				break
			}
		}
		return m
	case packet.EtherTypeNSH:
		m[WIPv6Src] = ^uint64(0)
		if k.NSHMdType() == nshMD1 {
			m[WIPv6Src+1], m[WIPv6Dst] = ^uint64(0), ^uint64(0)
		}
		m[WL4] = 0xffffffff << 32
		return m
	default:
		return m
	}
	if k.NwFrag()&FragLater != 0 {
		return m
	}
	switch k.NwProto() {
	case packet.ProtoICMP, packet.ProtoUDP, packet.ProtoSCTP:
	case packet.ProtoTCP:
		m.SetExact(FieldTCPFlags)
	case packet.ProtoICMPv6:
		if k.EthType() == packet.EtherTypeIPv6 && k.TpDst() == 0 && (k.TpSrc() == packet.ND_NS || k.TpSrc() == packet.ND_NA) {
			m.SetExact(FieldNDTarget)
			m.SetExact(FieldNDSll)
			m.SetExact(FieldNDTll)
		}
	case packet.ProtoIGMP:
		m.SetExact(FieldIGMPGroup)
	default:
		return m
	}
	m.SetExact(FieldTpSrc)
	m.SetExact(FieldTpDst)
	return m
}

// AppendText appends the key of a packet as ofproto/trace prints it after "Flow: ": every field that its shape has, metadata
// only where it is not zero. k must be whole (see Key.ClearFrom).
func (k *Key) AppendText(b []byte, ports *PortNames) []byte {
	m := Match{Key: *k, Mask: MaskForPacket(k)}
	tunnel := hasTunnel(k)
	for id := range fields {
		f := &fields[id]
		if int(f.Word) >= WMark && !f.Overlay && k.Get(FieldID(id)).IsZero() && !(tunnel && shownOfTunnel(FieldID(id))) {
			m.Mask.Set(FieldID(id), Value{})
		}
	}
	if tunnel && k.TunFlags()&TunKey == 0 {
		m.Mask.SetTunID(0)
	}
	if k.RecircID() == 0 {
		m.Mask.SetRecircID(0)
	}
	if k.VlanTCI() == 0 {
		m.Mask.SetVlanTCI1(0)
	}
	m.Mask.SetConjID(0)
	if k.RecircID() != 0 {
		m.Mask.SetPacketType(^uint32(0))
	}
	return m.AppendText(b, ports)
}

// shownOfTunnel reports whether the field is printed for each packet that came through a tunnel, even when it is zero.
func shownOfTunnel(id FieldID) bool {
	switch id {
	case FieldTunSrc, FieldTunDst, FieldTunIPv6Src, FieldTunIPv6Dst, FieldTunFlags, FieldTunTTL, FieldTunTOS, FieldTunGBPID, FieldTunGBPFlags,
		FieldTunERSPANVer, FieldTunGTPUFlags, FieldTunGTPUMsgType:
		return true
	}
	return false
}

// String returns the key's text with numbers for ports; see AppendText.
func (k *Key) String() string { return string(k.AppendText(nil, nil)) }
