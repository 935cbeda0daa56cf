package openflow

// nxActionOut writes the actions that are Nicira's in every version.
func (e *enc) nxActionOut(a Action) {
	var at int
	var r rawAction
	begin := func(x rawAction) { r, at = x, e.nx(x) }
	switch a := a.(type) {
	case *Resubmit:
		switch {
		case a.WithCT:
			begin(rawNXResubmitCT)
		default:
			begin(rawNXResubmitTable)
		}
		e.u16(uint16(a.InPort))
		e.u8(a.Table)
	case *OutputReg:
		if o, _ := oxmFor(a.Src.Field, OF10); o.Class == classExperimenter {
			begin(rawNXOutputReg2)
			e.u16(toOfsNBits(a.Src))
			e.u16(a.MaxLen)
			e.nxmHeader(a.Src.Field)
			break
		}
		begin(rawNXOutputReg)
		e.u16(toOfsNBits(a.Src))
		e.nxmHeader(a.Src.Field)
		e.u16(a.MaxLen)
	case *OutputTrunc:
		begin(rawNXOutputTrunc)
		e.u16(uint16(a.Port))
		e.u32(a.MaxLen)
	case *PopQueue:
		begin(rawNXPopQueue)
	case *RegMove:
		if rawCopyField.has(e.v) {
			e.copyField(a)
			return
		}
		begin(rawNXRegMove)
		e.u16(a.Src.NBits)
		e.u16(a.Src.Ofs)
		e.u16(a.Dst.Ofs)
		e.nxmHeader(a.Src.Field)
		e.nxmHeader(a.Dst.Field)
	case *StackPush:
		begin(rawNXStackPush)
		e.stack(a.Src)
	case *StackPop:
		begin(rawNXStackPop)
		e.stack(a.Dst)
	case *Controller:
		if len(a.Userdata) > 0 || a.Pause || a.Meter != MeterNone || a.Raw == 2 {
			begin(rawNXController2)
			e.controller2(a)
			break
		}
		begin(rawNXController)
		e.u16(a.MaxLen)
		e.u16(a.ControllerID)
		e.u8(uint8(a.Reason))
	case *Bundle:
		r = rawNXBundle
		if a.Load {
			r = rawNXBundleLoad
		}
		begin(r)
		e.u16(a.Algorithm)
		e.u16(uint16(a.Fields))
		e.u16(a.Basis)
		e.u32(2) // NXM_OF_IN_PORT
		e.u16(uint16(len(a.Members)))
		if a.Load {
			e.u16(toOfsNBits(a.Dst))
			e.nxmHeader(a.Dst.Field)
		} else {
			e.zero(6)
		}
		e.zero(4)
		for _, p := range a.Members {
			e.u16(uint16(p))
		}
	case *Multipath:
		begin(rawNXMultipath)
		e.u16(uint16(a.Fields))
		e.u16(a.Basis)
		e.zero(2)
		e.u16(a.Algorithm)
		e.u16(a.MaxLink)
		e.u32(a.Arg)
		e.zero(2)
		e.u16(toOfsNBits(a.Dst))
		e.nxmHeader(a.Dst.Field)
	case *Learn:
		r = rawNXLearn
		if a.Limit != 0 || a.Flags&LearnWriteResult != 0 {
			r = rawNXLearn2
		}
		begin(r)
		e.learn(a, r == rawNXLearn2)
	case *Conjunction:
		begin(rawNXConjunction)
		e.u8(a.Clause)
		e.u8(a.NClauses)
		e.u32(a.ID)
	case *Exit:
		begin(rawNXExit)
	case *Note:
		begin(rawNXNote)
		e.bytes(a.Data)
	case *FinTimeout:
		begin(rawNXFinTimeout)
		e.u16(a.Idle)
		e.u16(a.Hard)
	case *Sample:
		switch {
		case a.Raw >= 3 || a.Direction != SampleDefault:
			begin(rawNXSample3)
		case a.Raw == 2 || a.SamplingPort != PortNone:
			begin(rawNXSample2)
		default:
			begin(rawNXSample)
		}
		e.u16(a.Probability)
		e.u32(a.CollectorSet)
		e.u32(a.ObsDomain)
		e.u32(a.ObsPoint)
		if r != rawNXSample {
			e.u16(uint16(a.SamplingPort))
			e.u8(uint8(a.Direction))
		}
	case *CT:
		begin(rawNXCT)
		e.u16(uint16(a.Flags))
		if a.ZoneSrc.IsSet() {
			e.nxmHeader(a.ZoneSrc.Field)
			e.u16(toOfsNBits(a.ZoneSrc))
		} else {
			e.u32(0)
			e.u16(a.ZoneImm)
		}
		e.u8(a.RecircTab)
		e.zero(3)
		e.u16(a.ALG)
		e.actions(a.Actions)
	case *NAT:
		begin(rawNXNAT)
		e.nat(a)
	case *CTClear:
		begin(rawNXCTClear)
	case *Clone:
		begin(rawNXClone)
		e.zero(6)
		e.actions(a.Actions)
	case *Encap:
		begin(rawNXEncap)
		e.u16(0)
		e.u32(a.PacketType)
		for _, p := range a.Props {
			n := 4 + len(p.Data)
			e.u16(p.Class)
			e.u8(p.Type)
			e.u8(uint8(n))
			e.bytes(p.Data)
			e.zero(-n & 7)
		}
	case *Decap:
		begin(rawNXDecap)
		e.zero(2)
		e.u32(a.NewType)
	case *DecNSHTTL:
		begin(rawNXDecNSHTTL)
	case *CheckPktLarger:
		begin(rawNXCheckPktLarger)
		e.u16(a.Len)
		e.u16(a.Dst.Ofs)
		e.nxmHeader(a.Dst.Field)
	case *DeleteField:
		begin(rawNXDeleteField)
		e.nxmHeader(a.Field)
	case *DebugRecirc:
		begin(rawNXDebugRecirc)
	case *DebugSlow:
		begin(rawNXDebugSlow)
	case *WriteMetadata: // OpenFlow 1.0 only; later versions have an instruction
		begin(rawNXWriteMetadata)
		e.zero(6)
		e.u64(a.Metadata)
		e.u64(a.Mask)
	case *GotoTable: // as in 1.0
		e.action(&Resubmit{InPort: PortInPort, Table: a.Table})
		return
	default:
		return // instructions that 1.0 lacks
	}
	e.end(at, r)
}

// copyField writes a RegMove as OpenFlow 1.5 has it.
func (e *enc) copyField(a *RegMove) {
	at := e.std(rawCopyField)
	e.u16(a.Src.NBits)
	e.u16(a.Src.Ofs)
	e.u16(a.Dst.Ofs)
	e.zero(2)
	e.oxmHeader(a.Src.Field, false, wireLen(a.Src.Field))
	e.oxmHeader(a.Dst.Field, false, wireLen(a.Dst.Field))
	e.end(at, rawCopyField)
}

func (e *enc) stack(s Subfield) {
	e.u16(s.Ofs)
	e.nxmHeader(s.Field)
	e.u16(s.NBits)
}

// prop writes a property with a value of the bytes that f writes.
func (e *enc) prop(typ uint16, f func()) {
	at := len(e.b)
	e.u16(typ)
	e.u16(0)
	f()
	e.put16(at+2, len(e.b)-at)
	e.align(at)
}

func (e *enc) controller2(a *Controller) {
	e.zero(6)
	if a.MaxLen != 0xffff {
		e.prop(ctlMaxLen, func() { e.u16(a.MaxLen) })
	}
	if a.ControllerID != 0 {
		e.prop(ctlID, func() { e.u16(a.ControllerID) })
	}
	if a.Reason != ReasonAction {
		e.prop(ctlReason, func() { e.u8(uint8(a.Reason)) })
	}
	if len(a.Userdata) > 0 {
		e.prop(ctlUserdata, func() { e.bytes(a.Userdata) })
	}
	if a.Pause {
		e.prop(ctlPause, func() {})
	}
	if a.Meter != MeterNone {
		e.prop(ctlMeter, func() { e.u32(a.Meter) })
	}
}

func (e *enc) learn(a *Learn, v2 bool) {
	e.u16(a.IdleTimeout)
	e.u16(a.HardTimeout)
	e.u16(a.Priority)
	e.u64(a.Cookie)
	e.u16(uint16(a.Flags))
	e.u8(a.Table)
	e.zero(1)
	e.u16(a.FinIdleTimeout)
	e.u16(a.FinHardTimeout)
	if v2 {
		e.u32(a.Limit)
		e.u16(a.ResultDst.Ofs)
		e.zero(2)
		if a.Flags&LearnWriteResult != 0 {
			e.nxmHeader(a.ResultDst.Field)
		}
	}
	for _, s := range a.Specs {
		h := s.NBits&learnNBits | uint16(s.Type)<<learnDst
		if s.SrcImm {
			h |= learnSrcImm
		}
		e.u16(h)
		if s.SrcImm {
			e.b = s.Imm.Bytes(e.b, (int(s.NBits)+15)/16*2)
		} else {
			e.nxmHeader(s.Src.Field)
			e.u16(s.Src.Ofs)
		}
		if s.Type != LearnOutput {
			e.nxmHeader(s.Dst.Field)
			e.u16(s.Dst.Ofs)
		}
	}
}

func (e *enc) nat(a *NAT) {
	e.zero(2)
	e.u16(uint16(a.Flags))
	r := uint16(0)
	if a.HasAddr {
		r |= natIPv4Min
		if a.AddrMax != a.AddrMin {
			r |= natIPv4Max
		}
		if a.IsIPv6 {
			r <<= 2
		}
	}
	if a.PortMin != 0 {
		r |= natProtoMin
		if a.PortMax > a.PortMin {
			r |= natProtoMax
		}
	}
	e.u16(r)
	n := 4
	if a.IsIPv6 {
		n = 16
	}
	if a.HasAddr {
		e.b = a.AddrMin.Bytes(e.b, n)
		if r&(natIPv4Max|natIPv6Max) != 0 {
			e.b = a.AddrMax.Bytes(e.b, n)
		}
	}
	if r&natProtoMin != 0 {
		e.u16(a.PortMin)
	}
	if r&natProtoMax != 0 {
		e.u16(a.PortMax)
	}
}
