package openflow

import (
	"errors"

	"govs/flow"
)

// maxDepth bounds the nesting of actions (clone, ct).
const maxDepth = 16

// actions reads a list of actions that fills d.
func (d *dec) actions(depth int) ([]Action, error) {
	if depth > maxDepth {
		return nil, OFPBAC_BAD_LEN
	}
	var list []Action
	for len(d.b) > 0 {
		if len(d.b) < 8 {
			return nil, OFPBAC_BAD_LEN
		}
		n := int(d.b[2])<<8 | int(d.b[3])
		if n < 8 || n%8 != 0 || n > len(d.b) {
			return nil, errf(OFPBAC_BAD_LEN, "OpenFlow action length %d is invalid or exceeds the %d bytes left", n, len(d.b))
		}
		a := d.sub(n)
		typ := a.u16()
		a.u16()
		var r rawAction
		var ok bool
		if typ == 0xffff {
			vendor, sub := a.u32(), a.u16()
			if vendor != VendorNicira {
				return nil, errf(OFPBAC_BAD_VENDOR, "bad action vendor 0x%x", vendor)
			}
			if a.short {
				return nil, OFPBAC_BAD_LEN
			}
			if r, ok = actionIndex[[2]uint16{0, sub}]; !ok || !r.allowed(d.v) {
				return nil, errf(OFPBAC_BAD_VENDOR_TYPE, "unknown Nicira action %d", sub)
			}
		} else if r, ok = actionIndex[[2]uint16{uint16(d.v), typ}]; !ok {
			return nil, errf(OFPBAC_BAD_TYPE, "unknown action %d in %s", typ, d.v)
		}
		def := &actionTable[r]
		if n < int(def.size) || n > int(def.size) && !def.variable {
			return nil, errf(OFPBAC_BAD_LEN, "action has length %d, not %d", n, def.size)
		}
		var err error
		if list, err = a.action(r, n, list, depth); err != nil {
			return nil, err
		}
		if a.short {
			return nil, OFPBAC_BAD_LEN
		}
	}
	for i, x := range list { // only 1.0 has this instruction among actions
		if _, is := x.(*WriteMetadata); is && i != len(list)-1 {
			return nil, OFPBAC_UNSUPPORTED_ORDER
		}
	}
	return list, nil
}

// setWhole makes a whole-field SetField.
func setWhole(f flow.FieldID, v flow.Value, form SetFieldForm) *SetField {
	return &SetField{f, v, f.Info().AllOnes(), form}
}

// action reads the body of one action of n bytes and appends it to list.
func (d *dec) action(r rawAction, n int, list []Action, depth int) ([]Action, error) {
	add := func(a Action) ([]Action, error) { return append(list, a), nil }
	switch r {
	case rawOutput:
		if d.v == OF10 && n != 8 || d.v != OF10 && n != 16 {
			return nil, OFPBAC_BAD_LEN
		}
		p, err := d.port()
		if err != nil {
			return nil, err
		}
		return add(&Output{p, d.u16()})
	case rawSetVLANVID:
		vid := d.u16()
		if vid > 0xfff {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&SetVLANVID{VID: vid, PushIfMissing: d.v == OF10})
	case rawSetVLANPCP:
		pcp := d.u8()
		if pcp > 7 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&SetVLANPCP{PCP: pcp, PushIfMissing: d.v == OF10})
	case rawStripVLAN:
		return add(&StripVLAN{})
	case rawPopVLAN:
		return add(&StripVLAN{Pop: true})
	case rawSetDlSrc:
		return add(setWhole(flow.FieldEthSrc, flow.ValueOf(d.take(6)), FormModDlSrc))
	case rawSetDlDst:
		return add(setWhole(flow.FieldEthDst, flow.ValueOf(d.take(6)), FormModDlDst))
	case rawSetNwSrc:
		return add(setWhole(flow.FieldNwSrc, flow.U(uint64(d.u32())), FormModNwSrc))
	case rawSetNwDst:
		return add(setWhole(flow.FieldNwDst, flow.U(uint64(d.u32())), FormModNwDst))
	case rawSetNwTos:
		tos := d.u8()
		if tos&3 != 0 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&SetField{flow.FieldNwTOS, flow.U(uint64(tos)), flow.U(0xfc), FormModNwTos})
	case rawSetNwECN:
		ecn := d.u8()
		if ecn > 3 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(setWhole(flow.FieldNwECN, flow.U(uint64(ecn)), FormModNwECN))
	case rawSetTpSrc:
		return add(setWhole(flow.FieldTCPSrc, flow.U(uint64(d.u16())), FormModTpSrc))
	case rawSetTpDst:
		return add(setWhole(flow.FieldTCPDst, flow.U(uint64(d.u16())), FormModTpDst))
	case rawEnqueue:
		p := Port(d.u16())
		d.skip(6)
		if p >= PortMax && p != PortInPort && p != PortLocal {
			return nil, OFPBAC_BAD_OUT_PORT
		}
		return add(&Enqueue{p, d.u32()})
	case rawSetMPLSLabel:
		return d.mplsLabel(list)
	case rawNXSetMPLSLabel:
		d.skip(2)
		return d.mplsLabel(list)
	case rawSetMPLSTC, rawNXSetMPLSTC:
		tc := d.u8()
		if tc > 7 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&SetMPLSTC{tc})
	case rawSetMPLSTTL, rawNXSetMPLSTTL:
		return add(&SetMPLSTTL{d.u8()})
	case rawDecMPLSTTL, rawNXDecMPLSTTL:
		return add(&DecMPLSTTL{})
	case rawPushVLAN:
		t := d.u16()
		if t != ethVLAN && t != ethQinQ {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&PushVLAN{t})
	case rawPushMPLS, rawNXPushMPLS:
		t := d.u16()
		if t != ethMPLS && t != ethMPLSM {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&PushMPLS{t})
	case rawPopMPLS, rawNXPopMPLS:
		return add(&PopMPLS{d.u16()})
	case rawSetQueue:
		return add(&SetQueue{d.u32()})
	case rawNXSetQueue:
		d.skip(2)
		return add(&SetQueue{d.u32()})
	case rawGroup:
		return add(&Group{d.u32()})
	case rawNXGroup:
		d.skip(2)
		return add(&Group{d.u32()})
	case rawSetNwTTL:
		return add(&SetTTL{d.u8()})
	case rawDecNwTTL, rawNXDecTTL:
		return add(&DecTTL{IDs: []uint16{0}})
	case rawSetField:
		return d.setField(list, d.v >= OF15, FormSetField)
	case rawCopyField:
		nb, so, do := int(d.u16()), int(d.u16()), int(d.u16())
		d.skip(2)
		src, err := d.longSubfield(so, nb, false)
		if err != nil {
			return nil, err
		}
		dst, err := d.longSubfield(do, nb, true)
		if err != nil {
			return nil, err
		}
		if !d.allZero(len(d.b)) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		return add(&RegMove{src, dst})
	case rawMeter:
		id := d.u32()
		if id == 0 || id > MeterMax {
			return nil, OFPBAC_BAD_METER
		}
		return add(&Meter{id})
	}
	return d.nxAction(r, n, list, depth)
}

func (d *dec) mplsLabel(list []Action) ([]Action, error) {
	l := d.u32()
	if l > 0xfffff {
		return nil, OFPBAC_BAD_ARGUMENT
	}
	return append(list, &SetMPLSLabel{l}), nil
}

// setField reads the OXM of a set_field (or of NXAST_REG_LOAD2) that fills the rest of the action, up to padding.
func (d *dec) setField(list []Action, mayMask bool, form SetFieldForm) ([]Action, error) {
	h, ok := d.oxmHeader()
	if !ok || h.length > len(d.b) {
		return nil, OFPBAC_BAD_SET_LEN
	}
	f, ok := oxmIndex[h.oxmKey]
	if !ok {
		return nil, errf(OFPBAC_BAD_SET_TYPE, "unknown field %s", headerName(h))
	}
	if h.hasMask && !mayMask {
		return nil, OFPBAC_BAD_SET_TYPE
	}
	v, m, err := d.oxmValue(h, f)
	switch err {
	case nil:
	case OFPBMC_BAD_LEN:
		return nil, OFPBAC_BAD_SET_LEN
	case OFPBMC_BAD_FIELD:
		return nil, OFPBAC_BAD_SET_TYPE
	case OFPBMC_BAD_MASK, OFPBMC_BAD_WILDCARDS:
		return nil, err
	default:
		return nil, OFPBAC_BAD_SET_ARGUMENT
	}
	if !d.allZero(len(d.b)) {
		return nil, OFPBAC_BAD_SET_ARGUMENT
	}
	// The receiving port by its 1.1 number cannot be set (OpenFlow 1.3, section 7.2.5).
	if f == flow.FieldInPortOXM && form == FormSetField || !f.Info().Writable {
		return nil, errf(OFPBAC_BAD_SET_ARGUMENT, "set_field on read-only field %s", f)
	}
	if m.IsZero() {
		return nil, OFPBAC_BAD_SET_MASK
	}
	return append(list, &SetField{f, v, m, form}), nil
}

// subfield reads the header of a subfield of n bits at ofs in an action where headers have a fixed length. write says that it
// will be written.
func (d *dec) subfield(ofs, n int, write bool) (Subfield, error) {
	s, err := d.longSubfield(ofs, n, write)
	return s, setType(err)
}

// setType is the error of an unknown field in the older actions.
func setType(err error) error {
	if errors.Is(err, OFPBMC_BAD_FIELD) {
		return OFPBAC_BAD_SET_TYPE
	}
	return err
}

// longSubfield is subfield for actions where headers may be long.
func (d *dec) longSubfield(ofs, n int, write bool) (Subfield, error) {
	f, err := d.fieldHeader()
	if err != nil {
		return Subfield{}, err
	}
	s := Subfield{f, uint16(ofs), uint16(n)}
	return s, s.check(write)
}

// check says whether the subfield is inside its field and may be read or written.
func (s Subfield) check(write bool) error {
	info := s.Field.Info()
	switch {
	case s.NBits == 0:
		return errf(OFPBAC_BAD_SET_LEN, "zero-width subfield of %s", info.Name)
	case int(s.Ofs) >= int(info.Width) || int(s.Ofs)+int(s.NBits) > int(info.Width) && int(s.Ofs)+int(s.NBits) > int(info.Bits):
		return errf(OFPBAC_BAD_SET_LEN, "bits %d to %d are not in field %s of %d bits", s.Ofs, int(s.Ofs)+int(s.NBits)-1, info.Name, info.Width)
	case write && !info.Writable:
		return errf(OFPBAC_BAD_SET_ARGUMENT, "%s is not writable", info.Name)
	}
	return nil
}

// fieldHeader reads a header that names a field.
func (d *dec) fieldHeader() (flow.FieldID, error) {
	h, ok := d.oxmHeader()
	if !ok {
		return 0, OFPBAC_BAD_LEN
	}
	f, ok := oxmIndex[h.oxmKey]
	if !ok {
		return 0, errf(OFPBMC_BAD_FIELD, "unknown field %s", headerName(h))
	}
	if h.hasMask || h.length != wireLen(f) {
		return 0, errf(OFPBMC_BAD_FIELD, "unknown field %s", headerName(h))
	}
	return f, nil
}

// ofsNBits splits a 16-bit field with an offset and a number of bits less one.
func ofsNBits(x uint16) (ofs, n int) { return int(x >> 6), int(x&63) + 1 }

func toOfsNBits(s Subfield) uint16 { return s.Ofs<<6 | (s.NBits-1)&63 }
