package openflow

import "govs/flow"

const match11Len = 88

// match11 reads OpenFlow 1.1's fixed match (OFPMT_STANDARD).
func (d *dec) match11(m *flow.Match) error {
	typ, n := d.u16(), d.u16()
	if typ != 0 {
		return OFPBMC_BAD_TYPE
	}
	if n != match11Len {
		return OFPBMC_BAD_LEN
	}
	in, wc := d.u32(), d.u32()
	src, srcMask, dst, dstMask := flow.ValueOf(d.take(6)), flow.ValueOf(d.take(6)), flow.ValueOf(d.take(6)), flow.ValueOf(d.take(6))
	vlan, pcp := d.u16(), d.u8()
	d.skip(1)
	typEth, tos, proto := d.u16(), d.u8(), d.u8()
	nwSrc, nwSrcMask, nwDst, nwDstMask := d.u32(), d.u32(), d.u32(), d.u32()
	tpSrc, tpDst := d.u16(), d.u16()
	label, tc := d.u32(), d.u8()
	d.skip(3)
	md, mdMask := d.u64(), d.u64()
	if d.short {
		return OFPBMC_BAD_LEN
	}
	all6 := flow.FieldEthSrc.Info().AllOnes()
	m.Set(flow.FieldEthSrc, src, srcMask.Xor(all6))
	m.Set(flow.FieldEthDst, dst, dstMask.Xor(all6))
	set := func(bit uint32, f flow.FieldID, v uint64) {
		if wc&bit == 0 {
			SetMatchField(m, f, flow.U(v), f.Info().AllOnes())
		}
	}
	if wc&1 == 0 {
		p, ok := PortFromWire32(in)
		if !ok {
			return OFPBMC_BAD_VALUE
		}
		setInPort(m, p)
	}
	if wc&2 == 0 {
		switch vlan {
		case 0xffff: // none
			m.SetExact(flow.FieldVlanTCI, flow.Value{})
		case 0xfffe: // any
			m.Set(flow.FieldVlanTCI, flow.U(flow.VLANPresent), flow.U(flow.VLANPresent))
		default:
			if vlan > 0xfff {
				return OFPBMC_BAD_VALUE
			}
			set(2, flow.FieldDlVlan, uint64(vlan))
		}
		if vlan != 0xffff {
			set(4, flow.FieldDlVlanPCP, uint64(pcp))
		}
	}
	set(8, flow.FieldEthType, uint64(typEth))
	if wc&16 == 0 {
		SetMatchField(m, flow.FieldNwTOS, flow.U(uint64(tos<<2)), flow.U(0xfc))
	}
	set(32, flow.FieldNwProto, uint64(proto))
	m.Set(flow.FieldNwSrc, flow.U(uint64(nwSrc)), flow.U(uint64(^nwSrcMask)))
	m.Set(flow.FieldNwDst, flow.U(uint64(nwDst)), flow.U(uint64(^nwDstMask)))
	set(64, flow.FieldTpSrc, uint64(tpSrc))
	set(128, flow.FieldTpDst, uint64(tpDst))
	if typEth == ethMPLS || typEth == ethMPLSM {
		set(256, flow.FieldMPLSLabel, uint64(label))
		set(512, flow.FieldMPLSTC, uint64(tc))
	}
	m.Set(flow.FieldMetadata, flow.U(md), flow.U(^mdMask))
	Normalize(m)
	return nil
}

// match11 writes OpenFlow 1.1's fixed match, with what of m it can express.
func (e *enc) match11(m *flow.Match) {
	wc := uint32(0x3ff)
	e.u16(0)
	e.u16(match11Len)
	exact := func(f flow.FieldID, bit uint32) {
		if m.IsExact(f) {
			wc &^= bit
		}
	}
	exact(flow.FieldInPort, 1)
	exact(flow.FieldEthType, 8)
	exact(flow.FieldNwProto, 32)
	exact(flow.FieldTpSrc, 64)
	exact(flow.FieldTpDst, 128)
	exact(flow.FieldMPLSLabel, 256)
	exact(flow.FieldMPLSTC, 512)
	if m.Mask.NwTOS()&0xfc == 0xfc {
		wc &^= 16
	}
	tci, mask := m.Key.VlanTCI(), m.Mask.VlanTCI()
	vlan := uint16(0)
	if mask&flow.VLANPresent != 0 {
		wc &^= 2
		switch {
		case tci&flow.VLANPresent == 0:
			vlan = 0xffff
		case mask&0xfff == 0:
			vlan = 0xfffe
		default:
			vlan = tci & 0xfff
		}
		if mask&0xe000 != 0 && vlan != 0xffff {
			wc &^= 4
		}
	}
	in, _ := PortFromWire32(m.Key.InPort())
	e.u32(in.Wire32())
	e.u32(wc)
	all6 := flow.FieldEthSrc.Info().AllOnes()
	for _, f := range []flow.FieldID{flow.FieldEthSrc, flow.FieldEthDst} {
		v, w := m.Get(f)
		e.b = v.Bytes(e.b, 6)
		e.b = w.Xor(all6).Bytes(e.b, 6)
	}
	e.u16(vlan)
	e.u8(uint8(tci >> 13))
	e.zero(1)
	e.u16(m.Key.EthType())
	e.u8(m.Key.NwTOS() >> 2)
	e.u8(m.Key.NwProto())
	e.u32(m.Key.NwSrc())
	e.u32(^m.Mask.NwSrc())
	e.u32(m.Key.NwDst())
	e.u32(^m.Mask.NwDst())
	e.u16(m.Key.TpSrc())
	e.u16(m.Key.TpDst())
	e.u32(uint32(m.Key.Get(flow.FieldMPLSLabel).Lo))
	e.u8(uint8(m.Key.Get(flow.FieldMPLSTC).Lo))
	e.zero(3)
	e.u64(m.Key.Metadata())
	e.u64(^m.Mask.Metadata())
}
