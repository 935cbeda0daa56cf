package xlate

import (
	"govs/actions"
	"govs/flow"
	"govs/openflow"
)

// doActions executes an action list. last says that nothing of the translation comes after it.
func (c *Ctx) doActions(list []openflow.Action, last bool) {
	if c.tr != nil && len(list) == 0 {
		c.tr.add(nodeAction, "drop")
	}
	for i, a := range list {
		if c.err != OK || c.exit {
			return
		}
		if c.tr != nil {
			c.traceAction(a)
		}
		isLast := last && i == len(list)-1 && len(c.set) == 0
		switch a := a.(type) {
		case *openflow.Output:
			c.output(a.Port, a.MaxLen, true)
		case *openflow.OutputReg:
			c.outputReg(a)
		case *openflow.OutputTrunc:
			c.outputTrunc(a)
		case *openflow.Enqueue:
			c.enqueue(a)
		case *openflow.Controller:
			c.controller(a.MaxLen, a.Reason, a.ControllerID, a.Userdata)
		case *openflow.Group:
			c.group(a.ID, isLast)
		case *openflow.SetField:
			c.setField(a)
		case *openflow.RegMove:
			c.regMove(a)
		case *openflow.StackPush:
			c.push(a.Src)
		case *openflow.StackPop:
			c.pop(a.Dst)
		case *openflow.SetVLANVID:
			c.setVLAN(flow.FieldDlVlan, uint64(a.VID), a.PushIfMissing)
		case *openflow.SetVLANPCP:
			c.setVLAN(flow.FieldDlVlanPCP, uint64(a.PCP), a.PushIfMissing)
		case *openflow.StripVLAN:
			c.popVLAN()
		case *openflow.PushVLAN:
			c.pushVLAN(a.EthType)
		case *openflow.PushMPLS:
			c.pushMPLS(a.EthType)
		case *openflow.PopMPLS:
			c.popMPLS(a.EthType)
		case *openflow.SetMPLSLabel:
			c.setMPLS(flow.FieldMPLSLabel, uint64(a.Label))
		case *openflow.SetMPLSTC:
			c.setMPLS(flow.FieldMPLSTC, uint64(a.TC))
		case *openflow.SetMPLSTTL:
			c.setMPLS(flow.FieldMPLSTTL, uint64(a.TTL))
		case *openflow.DecMPLSTTL:
			if c.decMPLSTTL() {
				return
			}
		case *openflow.DecTTL:
			if c.decTTL(a.IDs) {
				return
			}
		case *openflow.SetTTL:
			if isIP(&c.flow) {
				c.wc.SetExact(flow.FieldNwTTL)
				c.wc.SetExact(flow.FieldNwProto)
				c.flow.SetNwTTL(a.TTL)
			}
		case *openflow.SetTunnel:
			c.flow.SetTunID(a.ID)
		case *openflow.SetQueue:
			c.wc.SetExact(flow.FieldSkbPriority)
			c.flow.SetSkbPriority(a.Queue)
		case *openflow.PopQueue:
			c.flow.SetSkbPriority(c.in.Key.SkbPriority())
		case *openflow.Resubmit:
			c.resubmit(a, isLast)
		case *openflow.Clone:
			c.clone(a.Actions)
		case *openflow.Exit:
			c.exit = true
		case *openflow.Note:
		case *openflow.FinTimeout:
			c.finTimeout(a)
		case *openflow.Multipath:
			c.multipath(a)
		case *openflow.Bundle:
			c.bundle(a)
		case *openflow.Learn:
			c.learn(a)
		case *openflow.ClearActions:
			c.set = c.set[:0]
			c.flow.SetActsetOutput(openflow.PortUnset.Wire32())
		case *openflow.WriteActions:
			c.writeActions(a.Actions)
		case *openflow.WriteMetadata:
			c.flow[flow.WMetadata] = c.flow[flow.WMetadata]&^a.Mask | a.Metadata&a.Mask
		case *openflow.GotoTable:
			c.lookupAndRun(a.Table, true, isLast)
		}
	}
}

// Supported says whether a translation knows what to do with the action. flow_mods with other actions are refused.
func Supported(a openflow.Action) bool {
	switch a := a.(type) {
	case *openflow.CT, *openflow.NAT, *openflow.CTClear, *openflow.Meter, *openflow.Sample, *openflow.Encap, *openflow.Decap,
		*openflow.Conjunction, *openflow.DecNSHTTL, *openflow.CheckPktLarger, *openflow.DeleteField, *openflow.DebugRecirc, *openflow.DebugSlow:
		return false
	case *openflow.Controller:
		return !a.Pause
	}
	return true
}

// onesValue is n one bits.
func onesValue(n int) flow.Value {
	switch {
	case n >= 128:
		return flow.Value{Hi: ^uint64(0), Lo: ^uint64(0)}
	case n > 64:
		return flow.Value{Hi: 1<<(n-64) - 1, Lo: ^uint64(0)}
	case n == 64:
		return flow.Value{Lo: ^uint64(0)}
	}
	return flow.Value{Lo: 1<<n - 1}
}

// read returns the bits of a subfield, and notes that the result depends on them.
func (c *Ctx) read(sf openflow.Subfield) flow.Value {
	m := onesValue(int(sf.NBits)).Shl(uint(sf.Ofs))
	c.wc.Set(sf.Field, c.wc.Get(sf.Field).Or(m))
	return c.flow.Get(sf.Field).Shr(uint(sf.Ofs)).And(onesValue(int(sf.NBits)))
}

// write stores v in the bits of a subfield, and notes that they matter.
func (c *Ctx) write(sf openflow.Subfield, v flow.Value) {
	m := onesValue(int(sf.NBits)).Shl(uint(sf.Ofs))
	c.wc.Set(sf.Field, c.wc.Get(sf.Field).Or(m))
	c.flow.Set(sf.Field, c.flow.Get(sf.Field).AndNot(m).Or(v.Shl(uint(sf.Ofs)).And(m)))
}

// hasPrereq says whether the packet has the headers that p asks for, and notes that the result depends on it.
func (c *Ctx) hasPrereq(p flow.Prereq) bool {
	k := &c.flow
	et := k.EthType()
	proto := func(want uint8) bool {
		c.wc.SetExact(flow.FieldNwProto)
		return k.NwProto() == want && k.NwFrag()&flow.FragLater == 0
	}
	nd := func(types ...uint16) bool {
		if et != 0x86dd || !proto(58) {
			return false
		}
		c.wc[flow.WL4] |= 0xffffffff
		if k.TpDst() != 0 {
			return false
		}
		for _, t := range types {
			if k.TpSrc() == t {
				return true
			}
		}
		return false
	}
	switch p {
	case flow.PrereqVLAN:
		c.wc[flow.WVLAN] |= flow.VLANPresent << 32
		return k.VlanTCI()&flow.VLANPresent != 0
	case flow.PrereqIPv4:
		return et == 0x0800
	case flow.PrereqIPv6:
		return et == 0x86dd
	case flow.PrereqIP:
		return isIP(k)
	case flow.PrereqMPLS:
		return isMPLS(k)
	case flow.PrereqARP:
		return et == 0x0806 || et == 0x8035
	case flow.PrereqNSH:
		return et == 0x894f
	case flow.PrereqTCP:
		return isIP(k) && proto(6)
	case flow.PrereqUDP:
		return isIP(k) && proto(17)
	case flow.PrereqSCTP:
		return isIP(k) && proto(132)
	case flow.PrereqICMPv4:
		return et == 0x0800 && proto(1)
	case flow.PrereqICMPv6:
		return et == 0x86dd && proto(58)
	case flow.PrereqND:
		return nd(135, 136)
	case flow.PrereqNDSolicit:
		return nd(135)
	case flow.PrereqNDAdvert:
		return nd(136)
	}
	return true
}

func (c *Ctx) setField(a *openflow.SetField) {
	k := &c.flow
	switch a.Legacy {
	case openflow.FormModDlSrc, openflow.FormModDlDst:
	case openflow.FormModNwSrc, openflow.FormModNwDst:
		if k.EthType() != 0x0800 {
			return
		}
	case openflow.FormModNwTos, openflow.FormModNwECN:
		if !isIP(k) {
			return
		}
	case openflow.FormModTpSrc, openflow.FormModTpDst:
		if !isIP(k) || k.NwFrag()&flow.FragLater != 0 {
			return
		}
		c.wc.SetExact(flow.FieldNwProto)
	default:
		f := a.Field.Info()
		switch a.Field {
		case flow.FieldTpSrc, flow.FieldTpDst:
			if !isIP(k) || k.NwFrag()&flow.FragLater != 0 {
				return
			}
			c.wc.SetExact(flow.FieldNwProto)
		default:
			if !c.hasPrereq(f.Prereq) {
				c.warn("unmet prerequisites for %s, set_field ignored", f.Name)
				return
			}
		}
	}
	if a.Field == flow.FieldVlanVID || a.Field == flow.FieldVlanTCI || a.Field == flow.FieldDlVlan || a.Field == flow.FieldDlVlanPCP {
		if k.VlanTPID0() == 0 && a.Value.And(a.Mask).Lo != 0 {
			k.SetVlanTPID0(0x8100)
		}
	}
	switch a.Field {
	case flow.FieldNwSrc, flow.FieldNwDst, flow.FieldIPv6Src, flow.FieldIPv6Dst, flow.FieldIPv6Label, flow.FieldNwTOS, flow.FieldNwECN, flow.FieldNwTTL,
		flow.FieldARPOp, flow.FieldARPSpa, flow.FieldARPTpa, flow.FieldARPSha, flow.FieldARPTha:
		c.wc.SetExact(flow.FieldNwProto) // as Open vSwitch's megaflows have it
	}
	mask := a.Mask
	c.wc.Set(a.Field, c.wc.Get(a.Field).Or(mask))
	k.Set(a.Field, k.Get(a.Field).AndNot(mask).Or(a.Value.And(mask)))
}

func (c *Ctx) regMove(a *openflow.RegMove) {
	if c.hasPrereq(a.Dst.Field.Info().Prereq) && c.hasPrereq(a.Src.Field.Info().Prereq) {
		c.write(a.Dst, c.read(a.Src))
	}
	c.traceField(a.Dst)
}

func (c *Ctx) push(src openflow.Subfield) {
	c.stack = append(c.stack, stackEntry{c.read(src), src.NBits})
}

func (c *Ctx) pop(dst openflow.Subfield) {
	if len(c.stack) == 0 {
		c.warn("stack underflow")
		return
	}
	e := c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
	c.write(dst, e.v)
	c.traceField(dst)
}

// setVLAN sets the id or the priority of the outer tag, and adds a tag if there is none and pushing is asked for.
func (c *Ctx) setVLAN(f flow.FieldID, v uint64, push bool) {
	c.wc.SetExact(f)
	c.wc[flow.WVLAN] |= flow.VLANPresent << 32
	tci := c.flow.VlanTCI()
	if tci&flow.VLANPresent == 0 {
		if !push {
			return
		}
		tci = flow.VLANPresent
	}
	if c.flow.VlanTPID0() == 0 {
		c.flow.SetVlanTPID0(0x8100)
	}
	c.flow.SetVlanTCI(tci)
	c.flow.Set(f, flow.U(v))
}

// pushVLAN adds an outer tag of id and priority 0.
func (c *Ctx) pushVLAN(tpid uint16) {
	c.wc[flow.WVLAN] = ^uint64(0)
	c.flow[flow.WVLAN] = c.flow[flow.WVLAN]>>32 | uint64(tpid)<<48 | flow.VLANPresent<<32
}

func (c *Ctx) popVLAN() {
	c.wc[flow.WVLAN] |= flow.VLANPresent << 32
	if c.flow.VlanTCI()&flow.VLANPresent == 0 {
		return
	}
	c.wc[flow.WVLAN] = ^uint64(0)
	c.flow[flow.WVLAN] <<= 32
}

// decTTL returns true if the TTL is used up, so that the rest of the table's actions is not executed.
func (c *Ctx) decTTL(ids []uint16) bool {
	if !isIP(&c.flow) {
		return false
	}
	c.wc.SetExact(flow.FieldNwTTL)
	c.wc.SetExact(flow.FieldNwProto)
	if ttl := c.flow.NwTTL(); ttl > 1 {
		c.flow.SetNwTTL(ttl - 1)
		return false
	}
	for _, id := range ids {
		c.controller(0xffff, openflow.ReasonInvalidTTL, id, nil)
	}
	c.warn("IPv4 decrement TTL exception")
	return true
}

func (c *Ctx) enqueue(a *openflow.Enqueue) {
	c.wc.SetExact(flow.FieldSkbPriority)
	old := c.flow.SkbPriority()
	c.flow.SetSkbPriority(a.Queue)
	port := a.Port
	if port == openflow.PortInPort {
		port = openflow.Port(c.flow.InPort())
		c.send(port)
	} else if port.Wire32() != c.flow.InPort() {
		c.send(port)
	}
	c.flow.SetSkbPriority(old)
}

func (c *Ctx) finTimeout(a *openflow.FinTimeout) {
	if c.flow.EthType() != 0x0800 && c.flow.EthType() != 0x86dd || c.rule == nil {
		return
	}
	c.wc.SetExact(flow.FieldNwProto)
	if c.flow.NwProto() == 6 {
		c.effects = append(c.effects, finTimeout{c.rule.Data.Stats, a.Idle, a.Hard})
	}
}

// saved is what clone, buckets and patch ports put back afterwards.
type saved struct {
	flow flow.Key
	set  []openflow.Action
	nst  []stackEntry
}

// clone executes a list, and undoes what it did to the packet.
func (c *Ctx) clone(list []openflow.Action) {
	s := c.save()
	c.doActions(list, false)
	c.exit = false
	c.restore(s)
}

func (c *Ctx) save() saved {
	return saved{c.flow, append([]openflow.Action(nil), c.set...), append([]stackEntry(nil), c.stack...)}
}

func (c *Ctx) restore(s saved) {
	c.flow = s.flow
	c.set = append(c.set[:0], s.set...)
	c.stack = append(c.stack[:0], s.nst...)
}

// controller sends the packet, as it is now, to the controllers of an id.
func (c *Ctx) controller(maxLen uint16, reason openflow.PacketInReason, id uint16, userdata []byte) {
	if reason == openflow.ReasonAction {
		switch {
		case c.inGroup:
			reason = openflow.ReasonGroup
		case c.inSet:
			reason = openflow.ReasonActionSet
		case c.in.PacketOut:
			reason = openflow.ReasonPacketOut
		case c.rule != nil && c.isTableMiss(c.rule):
			reason = openflow.ReasonExplicitMiss
		}
	}
	c.commit()
	f := Frozen{
		Bridge: c.bridge.State, Table: c.table, Metadata: c.flow.Metadata(), InPort: c.flow.InPort(), TunID: c.flow.TunID(),
		Userdata: string(userdata),
	}
	copy(f.Regs[:], c.flow[flow.WReg:])
	rid := c.recirc.Get(&f)
	c.recircs = append(c.recircs, rid)
	c.emit(actions.ToUserspace(actions.Userspace{
		Kind: actions.UserspaceController, Reason: uint16(reason), DontSend: c.tr != nil, RecircID: rid,
		RuleCookie: c.cookie, ControllerID: id, MaxLen: maxLen,
	}))
}

// isTableMiss says whether r is a table-miss flow: of priority 0, matching everything.
func (c *Ctx) isTableMiss(r *Rule) bool {
	if r.Data.Kind != RuleNormal || r.Priority() != 0 {
		return false
	}
	var m flow.Mask
	r.MaskInto(&m)
	return m == flow.Mask{}
}
