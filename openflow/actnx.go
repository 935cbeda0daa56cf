package openflow

import (
	"govs/flow"
)

// nxAction reads the body of a Nicira action.
func (d *dec) nxAction(r rawAction, n int, list []Action, depth int) ([]Action, error) {
	add := func(a Action) ([]Action, error) { return append(list, a), nil }
	switch r {
	case rawNXResubmit:
		return add(&Resubmit{InPort: Port(d.u16()), Table: TableAll})
	case rawNXResubmitTable, rawNXResubmitCT:
		a := &Resubmit{InPort: Port(d.u16()), Table: d.u8(), WithCT: r == rawNXResubmitCT}
		if !d.allZero(3) {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(a)
	case rawNXSetTunnel:
		d.skip(2)
		return add(&SetTunnel{ID: uint64(d.u32())})
	case rawNXSetTunnel64:
		d.skip(6)
		return add(&SetTunnel{ID: d.u64(), Wide: true})
	case rawNXPopQueue:
		return add(&PopQueue{})
	case rawNXRegMove:
		nb, so, do := int(d.u16()), int(d.u16()), int(d.u16())
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
	case rawNXRegLoad:
		o, nb := ofsNBits(d.u16())
		dst, err := d.subfield(o, nb, true)
		if err != nil {
			return nil, err
		}
		v := d.u64()
		if nb < 64 && v>>nb != 0 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&SetField{dst.Field, flow.U(v).Shl(uint(o)), onesV(nb).Shl(uint(o)), FormRegLoad})
	case rawNXRegLoad2:
		return d.setField(list, true, FormSetField)
	case rawNXNote:
		return add(&Note{d.rest()})
	case rawNXMultipath:
		a := &Multipath{Fields: HashFields(d.u16()), Basis: d.u16()}
		d.skip(2)
		a.Algorithm, a.MaxLink, a.Arg = d.u16(), d.u16(), d.u32()
		d.skip(2)
		o, nb := ofsNBits(d.u16())
		if a.Fields > HashSymmetricL3 {
			return nil, errf(OFPBAC_BAD_ARGUMENT, "unsupported fields %d", a.Fields)
		}
		if a.Algorithm > MultipathIterHash {
			return nil, errf(OFPBAC_BAD_ARGUMENT, "unsupported algorithm %d", a.Algorithm)
		}
		var err error
		if a.Dst, err = d.subfield(o, nb, true); err != nil {
			return nil, err
		}
		if nb < 16 && int(a.MaxLink) >= 1<<nb {
			return nil, errf(OFPBAC_BAD_ARGUMENT, "%d-bit destination field has %d possible values, less than specified n_links %d", nb, 1<<nb, int(a.MaxLink)+1)
		}
		return add(a)
	case rawNXBundle, rawNXBundleLoad:
		return d.nxBundle(r, list)
	case rawNXOutputReg:
		o, nb := ofsNBits(d.u16())
		src, err := d.subfield(o, nb, false)
		if err != nil {
			return nil, err
		}
		a := &OutputReg{src, d.u16()}
		if !d.allZero(6) {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(a)
	case rawNXOutputReg2:
		o, nb := ofsNBits(d.u16())
		max := d.u16()
		src, err := d.subfield(o, nb, false)
		if err != nil {
			return nil, err
		}
		if !d.allZero(len(d.b)) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		return add(&OutputReg{src, max})
	case rawNXOutputTrunc:
		p, max := Port(d.u16()), d.u32()
		if max < 14 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(&OutputTrunc{p, max})
	case rawNXLearn, rawNXLearn2:
		return d.nxLearn(r, list)
	case rawNXExit:
		return add(&Exit{})
	case rawNXFinTimeout:
		return add(&FinTimeout{d.u16(), d.u16()})
	case rawNXController:
		a := &Controller{MaxLen: d.u16(), ControllerID: d.u16(), Reason: PacketInReason(d.u8()), Meter: MeterNone, Raw: 1}
		if !d.allZero(1) {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(a)
	case rawNXController2:
		return d.nxController2(list)
	case rawNXDecTTLIDs:
		k := int(d.u16())
		if !d.allZero(4) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		if k == 0 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		a := &DecTTL{List: true}
		if 2*k > len(d.b) {
			return nil, OFPBAC_BAD_LEN
		}
		for range k {
			a.IDs = append(a.IDs, d.u16())
		}
		return add(a)
	case rawNXWriteMetadata:
		if !d.allZero(6) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		return add(&WriteMetadata{d.u64(), d.u64()})
	case rawNXStackPush, rawNXStackPop:
		o := int(d.u16())
		f, err := d.fieldHeader()
		if err != nil {
			return nil, err
		}
		s := Subfield{f, uint16(o), d.u16()}
		if err := s.check(r == rawNXStackPop); err != nil {
			return nil, err
		}
		if !d.allZero(len(d.b)) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		if r == rawNXStackPop {
			return add(&StackPop{s})
		}
		return add(&StackPush{s})
	case rawNXSample, rawNXSample2, rawNXSample3:
		a := &Sample{Probability: d.u16(), CollectorSet: d.u32(), ObsDomain: d.u32(), ObsPoint: d.u32(), SamplingPort: PortNone, Raw: 1}
		if r != rawNXSample {
			a.Raw = 2
			a.SamplingPort, a.Direction = Port(d.u16()), SampleDirection(d.u8())
			if r == rawNXSample3 {
				a.Raw = 3
			}
			if !d.allZero(5) {
				return nil, NXBRC_MUST_BE_ZERO
			}
			if a.Direction > SampleEgress {
				return nil, OFPBAC_BAD_ARGUMENT
			}
		}
		if a.Probability == 0 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		return add(a)
	case rawNXConjunction:
		a := &Conjunction{Clause: d.u8(), NClauses: d.u8(), ID: d.u32()}
		if a.NClauses < 2 || a.NClauses > 64 || a.Clause >= a.NClauses {
			return nil, NXBAC_BAD_CONJUNCTION
		}
		return add(a)
	case rawNXCT:
		return d.nxCT(list, depth)
	case rawNXNAT:
		return d.nxNAT(list)
	case rawNXClone:
		d.skip(6)
		acts, err := d.actions(depth + 1)
		if err != nil {
			return nil, err
		}
		return add(&Clone{acts})
	case rawNXCTClear:
		return add(&CTClear{})
	case rawNXEncap:
		return d.nxEncap(list)
	case rawNXDecap:
		d.skip(2)
		return add(&Decap{d.u32()})
	case rawNXDecNSHTTL:
		return add(&DecNSHTTL{})
	case rawNXCheckPktLarger:
		// The destination is always a single bit; offset is followed by the field.
		a := &CheckPktLarger{Len: d.u16()}
		o := int(d.u16())
		var err error
		if a.Dst, err = d.longSubfield(o, 1, true); err != nil {
			return nil, err
		}
		if !d.allZero(len(d.b)) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		return add(a)
	case rawNXDeleteField:
		f, err := d.fieldHeader()
		if err != nil {
			return nil, err
		}
		d.rest()
		return add(&DeleteField{f})
	case rawNXDebugRecirc:
		return add(&DebugRecirc{})
	case rawNXDebugSlow:
		return add(&DebugSlow{})
	}
	return nil, OFPBAC_BAD_VENDOR_TYPE
}

// onesV is a value with the low n bits set.
func onesV(n int) flow.Value {
	return flow.Value{Hi: ^uint64(0), Lo: ^uint64(0)}.Shr(uint(128 - min(n, 128)))
}

func (d *dec) nxBundle(r rawAction, list []Action) ([]Action, error) {
	a := &Bundle{Algorithm: d.u16(), Fields: HashFields(d.u16()), Basis: d.u16(), Load: r == rawNXBundleLoad}
	typ, k := d.u32(), int(d.u16())
	o, nb := ofsNBits(d.u16())
	dst := d.sub(4)
	if !d.allZero(4) {
		return nil, OFPBAC_BAD_ARGUMENT
	}
	switch {
	case a.Algorithm > BundleHRW:
		return nil, errf(OFPBAC_BAD_ARGUMENT, "unsupported algorithm %d", a.Algorithm)
	case typ != 2: // NXM_OF_IN_PORT
		return nil, errf(OFPBAC_BAD_ARGUMENT, "unsupported port type %d", typ)
	case k > 2048:
		return nil, errf(OFPBAC_BAD_ARGUMENT, "too many members")
	case 2*k > len(d.b):
		return nil, OFPBAC_BAD_LEN
	}
	if a.Load {
		var err error
		if a.Dst, err = dst.subfield(o, nb, true); err != nil {
			return nil, err
		}
		if nb < 16 {
			return nil, errf(OFPBAC_BAD_ARGUMENT, "bundle_load action requires at least 16 bit destination.")
		}
	} else if o != 0 || nb != 1 || !dst.allZero(4) {
		return nil, errf(OFPBAC_BAD_ARGUMENT, "bundle action has nonzero ofs_nbits or dst")
	}
	for range k {
		a.Members = append(a.Members, Port(d.u16()))
	}
	d.rest()
	return append(list, a), nil
}

// Header bits of a flow_mod_spec of learn.
const (
	learnNBits  = 0x3ff
	learnSrcImm = 1 << 13
	learnDst    = 11
	learnZero   = 1<<14 | 1<<15 | 1<<10
)

func (d *dec) nxLearn(r rawAction, list []Action) ([]Action, error) {
	a := &Learn{IdleTimeout: d.u16(), HardTimeout: d.u16(), Priority: d.u16(), Cookie: d.u64(), Flags: LearnFlags(d.u16()), Table: d.u8()}
	d.skip(1)
	a.FinIdleTimeout, a.FinHardTimeout = d.u16(), d.u16()
	known := LearnSendFlowRem | LearnDeleteLearned
	if r == rawNXLearn2 {
		known |= LearnWriteResult
		a.Limit = d.u32()
		o := int(d.u16())
		d.skip(2)
		if a.Flags&LearnWriteResult != 0 {
			var err error
			if a.ResultDst, err = d.subfield(o, 1, true); err != nil {
				return nil, err
			}
		}
	}
	if a.Flags&^known != 0 || a.Table == TableAll {
		return nil, OFPBAC_BAD_ARGUMENT
	}
	for len(d.b) >= 2 {
		h := d.u16()
		if h == 0 {
			break
		}
		s := LearnSpec{NBits: h & learnNBits, SrcImm: h&learnSrcImm != 0, Type: LearnDstType(h >> learnDst & 3)}
		if h&learnZero != 0 || s.Type > LearnOutput || s.Type == LearnOutput && s.SrcImm {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		nb := int(s.NBits)
		if s.SrcImm {
			b := d.take((nb + 15) / 16 * 2)
			if b == nil && nb != 0 {
				return nil, OFPBAC_BAD_LEN
			}
			s.Imm = flow.ValueOf(b)
			if len(b) > 16 || !s.Imm.AndNot(onesV(nb)).IsZero() {
				return nil, OFPBAC_BAD_ARGUMENT
			}
		} else {
			f, err := d.fieldHeader()
			if err != nil {
				return nil, setType(err)
			}
			s.Src = Subfield{f, d.u16(), s.NBits}
			if err := s.Src.check(false); err != nil {
				return nil, err
			}
		}
		if s.Type != LearnOutput {
			f, err := d.fieldHeader()
			if err != nil {
				return nil, setType(err)
			}
			s.Dst = Subfield{f, d.u16(), s.NBits}
			if err := s.Dst.check(s.Type == LearnLoad); err != nil {
				return nil, err
			}
		}
		a.Specs = append(a.Specs, s)
	}
	if !d.allZero(len(d.b)) {
		return nil, OFPBAC_BAD_ARGUMENT
	}
	return append(list, a), nil
}

// Properties of NXAST_CONTROLLER2.
const (
	ctlMaxLen = iota
	ctlID
	ctlReason
	ctlUserdata
	ctlPause
	ctlMeter
)

func (d *dec) nxController2(list []Action) ([]Action, error) {
	if !d.allZero(6) {
		return nil, NXBRC_MUST_BE_ZERO
	}
	a := &Controller{MaxLen: 0xffff, Reason: ReasonAction, Meter: MeterNone, Raw: 2}
	for len(d.b) > 0 {
		typ, p, err := d.prop()
		if err != nil {
			return nil, err
		}
		switch typ {
		case ctlMaxLen:
			a.MaxLen = p.u16()
		case ctlID:
			a.ControllerID = p.u16()
		case ctlReason:
			a.Reason = PacketInReason(p.u8())
		case ctlUserdata:
			a.Userdata = p.rest()
		case ctlPause:
			a.Pause = true
		case ctlMeter:
			a.Meter = p.u32()
		default:
			return nil, OFPBPC_BAD_TYPE
		}
		if p.done() != nil {
			return nil, OFPBPC_BAD_LEN
		}
	}
	return append(list, a), nil
}

// prop reads a property: type, length, value, padding to 8 bytes.
func (d *dec) prop() (typ uint16, p *dec, err error) {
	typ = d.u16()
	n := int(d.u16())
	if d.short || n < 4 || n-4 > len(d.b) {
		return 0, nil, OFPBPC_BAD_LEN
	}
	p = d.sub(n - 4)
	if pad := -n & 7; pad > 0 {
		if pad > len(d.b) {
			return 0, nil, OFPBPC_BAD_LEN
		}
		d.skip(pad)
	}
	return typ, p, nil
}

func (d *dec) nxCT(list []Action, depth int) ([]Action, error) {
	a := &CT{Flags: CTFlags(d.u16())}
	src := d.sub(4)
	imm := d.u16()
	a.RecircTab = d.u8()
	d.skip(3)
	a.ALG = d.u16()
	a.Flags &= CTForce | CTCommit // the others are reserved
	if a.Flags == CTForce {
		return nil, OFPBAC_BAD_ARGUMENT
	}
	if srcSet := !(&dec{b: src.b}).allZero(4); srcSet {
		o, nb := ofsNBits(imm)
		var err error
		if a.ZoneSrc, err = src.subfield(o, nb, false); err != nil {
			return nil, err
		}
		if nb != 16 {
			return nil, errf(OFPBAC_BAD_SET_LEN, "zone n_bits %d not within valid range [16..16]", nb)
		}
	} else {
		a.ZoneImm = imm
	}
	var err error
	if a.Actions, err = d.actions(depth + 1); err != nil {
		return nil, err
	}
	for _, x := range a.Actions {
		if err := ctNested(x); err != nil {
			return nil, err
		}
		if _, nat := x.(*NAT); !nat && a.Flags&CTCommit == 0 {
			return nil, errf(OFPBAC_BAD_ARGUMENT, "ct(commit) is needed for exec actions")
		}
	}
	return append(list, a), nil
}

// ctNested says whether an action may be inside ct.
func ctNested(x Action) error {
	switch x := x.(type) {
	case *NAT:
		return nil
	case *SetField:
		if x.Field == flow.FieldCtMark || x.Field == flow.FieldCtLabel {
			return nil
		}
	case *RegMove:
		if x.Dst.Field == flow.FieldCtMark || x.Dst.Field == flow.FieldCtLabel {
			return nil
		}
	}
	return OFPBAC_BAD_ARGUMENT
}

// Bits of range_present of NXAST_NAT.
const (
	natIPv4Min = 1 << iota
	natIPv4Max
	natIPv6Min
	natIPv6Max
	natProtoMin
	natProtoMax
)

func (d *dec) nxNAT(list []Action) ([]Action, error) {
	d.skip(2)
	a := &NAT{Flags: NATFlags(d.u16())}
	r := d.u16()
	v4, v6 := r&(natIPv4Min|natIPv4Max) != 0, r&(natIPv6Min|natIPv6Max) != 0
	switch {
	case a.Flags&^(NATSrc|NATDst|NATPersistent|NATProtoHash|NATProtoRandom) != 0,
		a.Flags&NATSrc != 0 && a.Flags&NATDst != 0,
		a.Flags&(NATSrc|NATDst) == 0 && (a.Flags != 0 || r != 0),
		a.Flags&NATProtoHash != 0 && a.Flags&NATProtoRandom != 0,
		v4 && v6, r&natIPv4Max != 0 && r&natIPv4Min == 0, r&natIPv6Max != 0 && r&natIPv6Min == 0,
		r&natProtoMax != 0 && r&natProtoMin == 0, r >= natProtoMax<<1:
		return nil, OFPBAC_BAD_ARGUMENT
	}
	addr := func() flow.Value {
		if v6 {
			return flow.ValueOf(d.take(16))
		}
		return flow.U(uint64(d.u32()))
	}
	a.IsIPv6, a.HasAddr = v6, v4 || v6
	if a.HasAddr {
		a.AddrMin = addr()
		a.AddrMax = a.AddrMin
		if r&(natIPv4Max|natIPv6Max) != 0 {
			a.AddrMax = addr()
			if a.AddrMax.Less(a.AddrMin) {
				return nil, OFPBAC_BAD_ARGUMENT
			}
		}
	}
	if r&natProtoMin != 0 {
		a.PortMin = d.u16()
		if a.PortMin == 0 {
			return nil, OFPBAC_BAD_ARGUMENT
		}
		a.PortMax = a.PortMin
		if r&natProtoMax != 0 {
			if a.PortMax = d.u16(); a.PortMax < a.PortMin {
				return nil, OFPBAC_BAD_ARGUMENT
			}
		}
	}
	d.rest()
	return append(list, a), nil
}

func (d *dec) nxEncap(list []Action) ([]Action, error) {
	size := d.u16()
	a := &Encap{PacketType: d.u32()}
	if size != 0 {
		return nil, OFPBAC_BAD_ARGUMENT
	}
	switch a.PacketType {
	case 0, 1<<16 | ethNSH, 1<<16 | ethMPLS, 1<<16 | ethMPLSM:
	default:
		return nil, NXBAC_BAD_HEADER_TYPE
	}
	for len(d.b) > 0 {
		p := EncapProp{Class: d.u16(), Type: d.u8()}
		n := int(d.u8())
		if d.short || n < 4 {
			return nil, NXBAC_BAD_ED_PROP
		}
		p.Data = append([]byte(nil), d.take(n-4)...)
		if d.short {
			return nil, NXBAC_BAD_ED_PROP
		}
		d.skip(min(-n&7, len(d.b)))
		a.Props = append(a.Props, p)
	}
	return append(list, a), nil
}
