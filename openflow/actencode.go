package openflow

import (
	"math/bits"

	"govs/flow"
)

// actions writes a list of actions (instructions in it are written by instructions).
func (e *enc) actions(list []Action) {
	for _, a := range list {
		e.action(a)
	}
}

// std starts standard action r and returns its offset.
func (e *enc) std(r rawAction) int {
	at := len(e.b)
	e.u16(uint16(actionTable[r].num[e.v-1]))
	e.u16(0)
	return at
}

// nx starts Nicira action r.
func (e *enc) nx(r rawAction) int {
	at := len(e.b)
	e.u16(0xffff)
	e.u16(0)
	e.u32(VendorNicira)
	e.u16(uint16(actionTable[r].nx))
	return at
}

// end pads the action that began at at to its length.
func (e *enc) end(at int, r rawAction) {
	if n := int(actionTable[r].size) - (len(e.b) - at); n > 0 {
		e.zero(n)
	}
	e.align(at)
	e.put16(at+2, len(e.b)-at)
}

// simple writes an action with one number of n bytes: standard form r if the version has it, else Nicira form x, which has pad
// bytes before the number.
func (e *enc) simple(r, x rawAction, v uint32, n, pad int) {
	var at int
	if r != rawNone && r.has(e.v) {
		at = e.std(r)
		x = r
	} else {
		at = e.nx(x)
		e.zero(pad)
	}
	e.b = flow.U(uint64(v)).Bytes(e.b, n)
	e.end(at, x)
}

// nxmHeader writes a field's header as Nicira's actions do, whatever the version.
func (e *enc) nxmHeader(f flow.FieldID) {
	v := e.v
	e.v = OF10
	e.oxmHeader(f, false, wireLen(f))
	e.v = v
}

func (e *enc) action(a Action) {
	switch a := a.(type) {
	case *Output:
		at := e.std(rawOutput)
		e.port(a.Port)
		e.u16(a.MaxLen)
		if e.v != OF10 {
			e.zero(6)
		}
		e.end(at, rawOutput)
	case *Enqueue:
		e.enqueue(a)
	case *SetVLANVID:
		if rawSetVLANVID.has(e.v) {
			if e.v != OF10 {
				e.pushIfMissing(a.PushIfMissing, a.FlowHasVLAN)
			}
			e.simple(rawSetVLANVID, 0, uint32(a.VID), 2, 0)
			return
		}
		e.pushIfMissing(a.PushIfMissing, a.FlowHasVLAN)
		e.setOXM(flow.FieldVlanVID, flow.U(uint64(a.VID|flow.VLANPresent)))
	case *SetVLANPCP:
		if rawSetVLANPCP.has(e.v) {
			if e.v != OF10 {
				e.pushIfMissing(a.PushIfMissing, a.FlowHasVLAN)
			}
			e.simple(rawSetVLANPCP, 0, uint32(a.PCP), 1, 0)
			return
		}
		e.pushIfMissing(a.PushIfMissing, a.FlowHasVLAN)
		e.setOXM(flow.FieldVlanPCP, flow.U(uint64(a.PCP)))
	case *StripVLAN:
		r := rawPopVLAN
		if e.v == OF10 {
			r = rawStripVLAN
		}
		e.end(e.std(r), r)
	case *PushVLAN:
		// OpenFlow 1.0 cannot say it; Open vSwitch leaves it out, too.
		if rawPushVLAN.has(e.v) {
			e.simple(rawPushVLAN, 0, uint32(a.EthType), 2, 0)
		}
	case *PushMPLS:
		e.simple(rawPushMPLS, rawNXPushMPLS, uint32(a.EthType), 2, 0)
	case *PopMPLS:
		e.simple(rawPopMPLS, rawNXPopMPLS, uint32(a.EthType), 2, 0)
	case *SetMPLSLabel:
		if e.v >= OF12 {
			e.setOXM(flow.FieldMPLSLabel, flow.U(uint64(a.Label)))
			return
		}
		e.simple(rawSetMPLSLabel, rawNXSetMPLSLabel, a.Label, 4, 2)
	case *SetMPLSTC:
		if e.v >= OF12 {
			e.setOXM(flow.FieldMPLSTC, flow.U(uint64(a.TC)))
			return
		}
		e.simple(rawSetMPLSTC, rawNXSetMPLSTC, uint32(a.TC), 1, 0)
	case *SetMPLSTTL:
		e.simple(rawSetMPLSTTL, rawNXSetMPLSTTL, uint32(a.TTL), 1, 0)
	case *DecMPLSTTL:
		e.simple(rawDecMPLSTTL, rawNXDecMPLSTTL, 0, 0, 0)
	case *SetTTL:
		if !rawSetNwTTL.has(e.v) {
			e.regLoad(Whole(flow.FieldNwTTL), uint64(a.TTL))
			return
		}
		e.simple(rawSetNwTTL, 0, uint32(a.TTL), 1, 0)
	case *DecTTL:
		e.decTTL(a)
	case *SetTunnel:
		switch {
		case e.v >= OF12:
			e.setOXM(flow.FieldTunID, flow.U(a.ID))
		case a.Wide || a.ID > 0xffffffff:
			at := e.nx(rawNXSetTunnel64)
			e.zero(6)
			e.u64(a.ID)
			e.end(at, rawNXSetTunnel64)
		default:
			e.simple(0, rawNXSetTunnel, uint32(a.ID), 4, 2)
		}
	case *SetQueue:
		e.simple(rawSetQueue, rawNXSetQueue, a.Queue, 4, 2)
	case *Group:
		e.simple(rawGroup, rawNXGroup, a.ID, 4, 2)
	case *SetField:
		e.setField(a)
	case *Meter:
		if rawMeter.has(e.v) {
			e.simple(rawMeter, 0, a.ID, 4, 0)
		}
	default:
		e.nxActionOut(a)
	}
}

// enqueue writes OpenFlow 1.0's enqueue, which later versions say with set_queue, output and pop_queue.
func (e *enc) enqueue(a *Enqueue) {
	if e.v == OF10 {
		at := e.std(rawEnqueue)
		e.u16(uint16(a.Port))
		e.zero(6)
		e.u32(a.Queue)
		e.end(at, rawEnqueue)
		return
	}
	e.action(&SetQueue{a.Queue})
	e.action(&Output{Port: a.Port, MaxLen: 0xffff})
	e.action(&PopQueue{})
}

// pushIfMissing writes the push_vlan that OpenFlow 1.0's set_vlan_vid implies.
func (e *enc) pushIfMissing(push, has bool) {
	if push && !has {
		e.simple(rawPushVLAN, 0, ethVLAN, 2, 0)
	}
}

// setOXM writes a set_field of a whole field (1.2 and later).
func (e *enc) setOXM(f flow.FieldID, v flow.Value) {
	at := e.std(rawSetField)
	e.oxmEntry(f, v, f.Info().AllOnes())
	e.end(at, rawSetField)
}

func (e *enc) decTTL(a *DecTTL) {
	if a.List || len(a.IDs) > 1 || len(a.IDs) == 1 && a.IDs[0] != 0 {
		at := e.nx(rawNXDecTTLIDs)
		e.u16(uint16(len(a.IDs)))
		e.zero(4)
		for _, id := range a.IDs {
			e.u16(id)
		}
		e.end(at, rawNXDecTTLIDs)
		return
	}
	e.simple(rawDecNwTTL, rawNXDecTTL, 0, 0, 0)
}

// setField writes a SetField: as set_field where the version can, as the version's own action for that field, or as register
// loads.
func (e *enc) setField(a *SetField) {
	all := a.Field.Info().AllOnes()
	exact := a.Mask == all
	switch {
	case e.v >= OF15:
		f := of12Field(a)
		at := e.std(rawSetField)
		e.oxmEntry(f, of12Value(a), of12Mask(a, f))
		e.end(at, rawSetField)
	case a.Legacy == FormRegLoad && e.v < OF15:
		e.regLoads(a)
	case e.v >= OF12 && (exact || a.Field == flow.FieldNwTOS):
		e.setOXM(of12Field(a), of12Value(a))
	case e.v <= OF11 && (exact || a.Field == flow.FieldNwTOS) && e.legacySet(a):
	default:
		e.regLoads(a)
	}
}

// of12Field is the OXM field that a SetField means: nw_tos is ip_dscp there, and mod_tp_src says no protocol, which is TCP's.
func of12Field(a *SetField) flow.FieldID {
	if a.Field == flow.FieldNwTOS {
		return flow.FieldIPDSCP
	}
	return a.Field
}

func of12Value(a *SetField) flow.Value {
	if a.Field == flow.FieldNwTOS {
		return a.Value.Shr(2)
	}
	return a.Value
}

func of12Mask(a *SetField, f flow.FieldID) flow.Value {
	if a.Field == flow.FieldNwTOS {
		return f.Info().AllOnes()
	}
	return a.Mask
}

// legacySet writes OpenFlow 1.0's and 1.1's own action for the field, if there is one.
func (e *enc) legacySet(a *SetField) bool {
	v := uint32(a.Value.Lo)
	mac := func(r rawAction) {
		at := e.std(r)
		e.b = a.Value.Bytes(e.b, 6)
		e.end(at, r)
	}
	switch a.Field {
	case flow.FieldEthSrc:
		mac(rawSetDlSrc)
	case flow.FieldEthDst:
		mac(rawSetDlDst)
	case flow.FieldNwSrc:
		e.simple(rawSetNwSrc, 0, v, 4, 0)
	case flow.FieldNwDst:
		e.simple(rawSetNwDst, 0, v, 4, 0)
	case flow.FieldNwTOS:
		e.simple(rawSetNwTos, 0, v&0xfc, 1, 0)
	case flow.FieldIPDSCP:
		e.simple(rawSetNwTos, 0, v<<2, 1, 0)
	case flow.FieldNwECN:
		if !rawSetNwECN.has(e.v) {
			return false
		}
		e.simple(rawSetNwECN, 0, v, 1, 0)
	case flow.FieldTCPSrc, flow.FieldUDPSrc:
		e.simple(rawSetTpSrc, 0, v, 2, 0)
	case flow.FieldTCPDst, flow.FieldUDPDst:
		e.simple(rawSetTpDst, 0, v, 2, 0)
	case flow.FieldVlanVID, flow.FieldDlVlan:
		e.simple(rawSetVLANVID, 0, v&0xfff, 2, 0)
	case flow.FieldVlanPCP, flow.FieldDlVlanPCP:
		e.simple(rawSetVLANPCP, 0, v, 1, 0)
	default:
		return false
	}
	return true
}

// regLoads writes a SetField as one register load for each run of ones in the mask, lowest bits first. A field that needs an
// experimenter header is written with NXAST_REG_LOAD2.
func (e *enc) regLoads(a *SetField) {
	if o, ok := oxmFor(a.Field, OF10); ok && o.Class == classExperimenter {
		at := e.nx(rawNXRegLoad2)
		if a.Mask == a.Field.Info().AllOnes() && a.Legacy != FormRegLoad {
			e.oxmEntry(a.Field, a.Value, a.Mask)
		} else {
			e.masked(a.Field, a.Value, a.Mask)
		}
		e.end(at, rawNXRegLoad2)
		return
	}
	m := a.Mask
	for ofs := uint(0); !m.IsZero(); {
		skip := trailingZeros(m)
		m = m.Shr(skip)
		ofs += skip
		run := min(trailingZeros(flow.Value{Hi: ^m.Hi, Lo: ^m.Lo}), 64)
		e.regLoad(Subfield{a.Field, uint16(ofs), uint16(run)}, a.Value.Shr(ofs).And(onesV(int(run))).Lo)
		m = m.Shr(run)
		ofs += run
	}
}

func trailingZeros(v flow.Value) uint {
	if v.Lo != 0 {
		return uint(bits.TrailingZeros64(v.Lo))
	}
	return 64 + uint(bits.TrailingZeros64(v.Hi))
}

func (e *enc) regLoad(dst Subfield, v uint64) {
	at := e.nx(rawNXRegLoad)
	e.u16(toOfsNBits(dst))
	e.nxmHeader(dst.Field)
	e.u64(v)
	e.end(at, rawNXRegLoad)
}
