package flow

import "govs/packet"

// Met reports whether the prerequisite holds of a flow with key k. If m is not nil, the fields that it depends on must
// also be matched exactly in m, as a match (rather than a packet) needs.
func (p Prereq) Met(k *Key, m *Mask) bool {
	exact := func(ids ...FieldID) bool {
		if m != nil {
			for _, id := range ids {
				if !m.IsExact(id) {
					return false
				}
			}
		}
		return true
	}
	eth := k.EthType()
	if k.PacketType()>>16 == 1 {
		eth = uint16(k.PacketType())
	} else if m != nil && p != PrereqNone && p != PrereqEth && p != PrereqVLAN && !exact(FieldEthType) {
		return false
	}
	ip := eth == packet.EtherTypeIPv4 || eth == packet.EtherTypeIPv6
	proto := func(n uint8) bool {
		return k.NwProto() == n && exact(FieldNwProto) && k.NwFrag()&FragLater == 0
	}
	nd := func(types ...uint16) bool {
		for _, t := range types {
			if k.TpSrc() == t {
				return eth == packet.EtherTypeIPv6 && proto(packet.ProtoICMPv6) && k.TpDst() == 0 && exact(FieldTpSrc, FieldTpDst)
			}
		}
		return false
	}
	tracked := func() bool {
		const usable = 1<<0 | 1<<1 | 1<<2 | 1<<3 // new, est, rel, rpl
		s := k.CtState()
		if m != nil {
			s &= m.CtState()
		}
		const inv, trk = 1 << 4, 1 << 5
		return s&trk != 0 && s&inv == 0 && s&usable != 0
	}
	switch p {
	case PrereqNone:
		return true
	case PrereqEth:
		return k.PacketType() == 0
	case PrereqVLAN:
		return k.VlanTCI()&VLANPresent != 0 && (m == nil || m.VlanTCI()&VLANPresent != 0)
	case PrereqIPv4:
		return eth == packet.EtherTypeIPv4
	case PrereqIPv6:
		return eth == packet.EtherTypeIPv6
	case PrereqIP:
		return ip
	case PrereqMPLS:
		return eth == packet.EtherTypeMPLS || eth == packet.EtherTypeMPLSM
	case PrereqARP:
		return eth == packet.EtherTypeARP || eth == packet.EtherTypeRARP
	case PrereqNSH:
		return eth == packet.EtherTypeNSH
	case PrereqTCP:
		return ip && proto(packet.ProtoTCP)
	case PrereqUDP:
		return ip && proto(packet.ProtoUDP)
	case PrereqSCTP:
		return ip && proto(packet.ProtoSCTP)
	case PrereqICMPv4:
		return eth == packet.EtherTypeIPv4 && proto(packet.ProtoICMP)
	case PrereqICMPv6:
		return eth == packet.EtherTypeIPv6 && proto(packet.ProtoICMPv6)
	case PrereqND:
		return nd(packet.ND_NS, packet.ND_NA)
	case PrereqNDSolicit:
		return nd(packet.ND_NS)
	case PrereqNDAdvert:
		return nd(packet.ND_NA)
	case PrereqCT:
		return ip && tracked()
	case PrereqCT4:
		return eth == packet.EtherTypeIPv4 && tracked()
	case PrereqCT6:
		return eth == packet.EtherTypeIPv6 && tracked()
	}
	return false
}

// Met reports whether the field's prerequisites hold of a flow with key k; see Prereq.Met.
func (id FieldID) Met(k *Key, m *Mask) bool { return fields[id].Prereq.Met(k, m) }
