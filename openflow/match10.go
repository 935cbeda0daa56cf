package openflow

import (
	"math/bits"

	"govs/flow"
)

// Wildcard bits of struct ofp10_match (OpenFlow 1.0, section 5.2.3).
const (
	wcInPort  = 1 << 0
	wcVlan    = 1 << 1
	wcDlSrc   = 1 << 2
	wcDlDst   = 1 << 3
	wcDlType  = 1 << 4
	wcNwProto = 1 << 5
	wcTpSrc   = 1 << 6
	wcTpDst   = 1 << 7
	wcNwSrc   = 8  // shift of a 6-bit count of wildcarded low bits
	wcNwDst   = 14 // the same
	wcPCP     = 1 << 20
	wcNwTOS   = 1 << 21
	wcAll     = 1<<22 - 1

	vlanNone10 = 0xffff
	match10Len = 40
)

// match10 reads a struct ofp10_match. Fields without their prerequisites are dropped, as the specification says.
func (d *dec) match10(m *flow.Match) {
	wc := d.u32()
	inPort := d.u16()
	src := d.take(6)
	dst := d.take(6)
	vlan := d.u16()
	pcp := d.u8()
	d.skip(1)
	typ := d.u16()
	tos := d.u8()
	proto := d.u8()
	d.skip(2)
	nwSrc, nwDst := d.u32(), d.u32()
	tpSrc, tpDst := d.u16(), d.u16()
	if d.short {
		return
	}
	if wc&wcInPort == 0 {
		m.SetExact(flow.FieldInPort, flow.U(uint64(Port(inPort).Wire32())))
	}
	if wc&wcDlSrc == 0 {
		m.SetExact(flow.FieldEthSrc, flow.ValueOf(src))
	}
	if wc&wcDlDst == 0 {
		m.SetExact(flow.FieldEthDst, flow.ValueOf(dst))
	}
	if wc&wcDlType == 0 {
		m.SetExact(flow.FieldEthType, flow.U(uint64(typ)))
	}
	if wc&wcVlan == 0 && vlan == vlanNone10 {
		m.SetExact(flow.FieldVlanTCI, flow.U(0))
	} else {
		if wc&wcVlan == 0 {
			m.SetExact(flow.FieldDlVlan, flow.U(uint64(vlan&0xfff)))
		}
		if wc&wcPCP == 0 {
			m.SetExact(flow.FieldDlVlanPCP, flow.U(uint64(pcp)))
		}
	}
	if wc&wcNwTOS == 0 {
		SetMatchField(m, flow.FieldNwTOS, flow.U(uint64(tos&0xfc)), flow.U(0xfc))
	}
	if wc&wcNwProto == 0 {
		m.SetExact(flow.FieldNwProto, flow.U(uint64(proto)))
	}
	m.Set(flow.FieldNwSrc, flow.U(uint64(nwSrc)), flow.U(uint64(prefixMask(wc>>wcNwSrc&63))))
	m.Set(flow.FieldNwDst, flow.U(uint64(nwDst)), flow.U(uint64(prefixMask(wc>>wcNwDst&63))))
	if wc&wcTpSrc == 0 {
		m.SetExact(flow.FieldTpSrc, flow.U(uint64(tpSrc)))
	}
	if wc&wcTpDst == 0 {
		m.SetExact(flow.FieldTpDst, flow.U(uint64(tpDst)))
	}
	Normalize(m)
}

// prefixMask is the mask with the low wild bits cleared.
func prefixMask(wild uint32) uint32 {
	if wild >= 32 {
		return 0
	}
	return ^uint32(0) << wild
}

// match10 writes a struct ofp10_match, with what of m it can express.
func (e *enc) match10(m *flow.Match) {
	wc := uint32(wcAll)
	// A match on some bits of a field goes as one on all of them, as Open vSwitch sends it to those who ask for this form.
	exact := func(f flow.FieldID, bit uint32) {
		if !m.IsWild(f) {
			wc &^= bit
		}
	}
	exact(flow.FieldInPort, wcInPort)
	exact(flow.FieldEthSrc, wcDlSrc)
	exact(flow.FieldEthDst, wcDlDst)
	exact(flow.FieldEthType, wcDlType)
	exact(flow.FieldNwProto, wcNwProto)
	exact(flow.FieldTpSrc, wcTpSrc)
	exact(flow.FieldTpDst, wcTpDst)
	if m.Mask.NwTOS()&0xfc == 0xfc {
		wc &^= wcNwTOS
	}
	wc &^= 63<<wcNwSrc | 63<<wcNwDst
	wc |= wildBits(m.Mask.NwSrc()) << wcNwSrc
	wc |= wildBits(m.Mask.NwDst()) << wcNwDst

	tci, tciMask := m.Key.VlanTCI(), m.Mask.VlanTCI()
	vid, pcp := uint16(0), uint8(0)
	switch {
	case tciMask&flow.VLANPresent == 0:
	case tci&flow.VLANPresent == 0:
		wc &^= wcVlan | wcPCP
		vid = vlanNone10
	default:
		if tciMask&0xfff != 0 {
			wc &^= wcVlan
			vid = tci & 0xfff
		}
		if tciMask&0xe000 != 0 {
			wc &^= wcPCP
			pcp = uint8(tci >> 13)
		}
	}
	e.u32(wc)
	e.u16(uint16(m.Key.Get(flow.FieldInPort).Lo))
	e.b = m.Key.Get(flow.FieldEthSrc).Bytes(e.b, 6)
	e.b = m.Key.Get(flow.FieldEthDst).Bytes(e.b, 6)
	e.u16(vid)
	e.u8(pcp)
	e.zero(1)
	e.u16(m.Key.EthType())
	e.u8(m.Key.NwTOS() & 0xfc)
	e.u8(m.Key.NwProto())
	e.zero(2)
	e.u32(m.Key.NwSrc())
	e.u32(m.Key.NwDst())
	e.u16(m.Key.TpSrc())
	e.u16(m.Key.TpDst())
}

// wildBits is the number of low bits that a prefix mask leaves open; a mask that is no prefix counts from its lowest one.
func wildBits(mask uint32) uint32 {
	if mask == 0 {
		return 32
	}
	return uint32(bits.TrailingZeros32(mask))
}

// Fits10 says whether a struct ofp10_match can express m; else OpenFlow 1.0 needs the Nicira messages.
func Fits10(m *flow.Match) bool {
	e := enc{v: OF10}
	e.match10(m)
	var n flow.Match
	d := dec{b: e.b, v: OF10}
	d.match10(&n)
	return n.Equal(m)
}

// Normalize drops the fields that m cannot match for lack of their prerequisites.
func Normalize(m *flow.Match) {
	const (
		nwProto = 1 << iota
		tosTTLFrag
		ip4
		ip6
		arp
		tp
		mpls
		tcpFlags
	)
	may := 0
	proto := uint8(0)
	if m.Mask.NwProto() == 0xff {
		proto = m.Key.NwProto()
	}
	frag := m.Mask.NwFrag()&m.Key.NwFrag()&2 != 0
	if m.Mask.EthType() == 0xffff {
		switch m.Key.EthType() {
		case ethIPv4, ethIPv6:
			may = nwProto | tosTTLFrag
			if m.Key.EthType() == ethIPv4 {
				may |= ip4
			} else {
				may |= ip6
			}
			switch {
			case frag:
			case proto == 6:
				may |= tp | tcpFlags
			case proto == 17, proto == 132, proto == 2 && may&ip4 != 0, proto == 1 && may&ip4 != 0, proto == 58 && may&ip6 != 0:
				may |= tp
			}
		case ethARP, ethRARP:
			may = nwProto | ip4 | arp
		case ethMPLS, ethMPLSM:
			may = mpls
		}
	}
	wild := func(ok int, fs ...flow.FieldID) {
		if may&ok == 0 {
			for _, f := range fs {
				m.Set(f, flow.Value{}, flow.Value{})
			}
		}
	}
	wild(nwProto, flow.FieldNwProto)
	wild(tosTTLFrag, flow.FieldNwTOS, flow.FieldNwECN, flow.FieldNwTTL, flow.FieldNwFrag)
	wild(ip4, flow.FieldNwSrc, flow.FieldNwDst)
	if m.Mask.EthType() != 0xffff || m.Key.EthType() != ethNSH {
		wild(ip6, flow.FieldIPv6Src, flow.FieldIPv6Dst, flow.FieldIPv6Label)
	}
	if may&ip6 == 0 || proto != 58 {
		wild(arp, flow.FieldARPSha, flow.FieldARPTha)
		m.Set(flow.FieldNDTarget, flow.Value{}, flow.Value{})
	}
	wild(tp, flow.FieldTpSrc, flow.FieldTpDst)
	wild(tcpFlags, flow.FieldTCPFlags)
	wild(mpls, flow.FieldMPLSLSE0)
}
