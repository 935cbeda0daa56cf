package xlate

import (
	"govs/flow"
	"govs/openflow"
)

// learn makes the flow that a learn action describes, if a packet really came.
func (c *Ctx) learn(a *openflow.Learn) {
	fm := &openflow.FlowMod{
		Command: openflow.FlowAdd, Table: a.Table, IdleTimeout: a.IdleTimeout, HardTimeout: a.HardTimeout, Priority: a.Priority,
		NewCookie: a.Cookie, BufferID: openflow.NoBuffer, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny,
	}
	if a.Flags&openflow.LearnDeleteLearned == 0 && a.Flags&openflow.LearnSendFlowRem != 0 {
		fm.Flags |= openflow.FlowSendFlowRem
	}
	if a.FinIdleTimeout != 0 || a.FinHardTimeout != 0 {
		fm.Actions = append(fm.Actions, &openflow.FinTimeout{Idle: a.FinIdleTimeout, Hard: a.FinHardTimeout})
	}
	for i := range a.Specs {
		s := &a.Specs[i]
		v := s.Imm
		if !s.SrcImm {
			v = c.read(s.Src)
		}
		m := onesValue(int(s.NBits)).Shl(uint(s.Dst.Ofs))
		switch s.Type {
		case openflow.LearnMatch:
			old, om := fm.Match.Get(s.Dst.Field)
			fm.Match.Set(s.Dst.Field, old.AndNot(m).Or(v.Shl(uint(s.Dst.Ofs)).And(m)), om.Or(m))
			setPrereq(&fm.Match, &c.flow, s.Dst.Field)
		case openflow.LearnLoad:
			fm.Actions = append(fm.Actions, &openflow.SetField{Field: s.Dst.Field, Value: v.Shl(uint(s.Dst.Ofs)).And(m), Mask: m,
				Legacy: openflow.FormRegLoad})
		case openflow.LearnOutput:
			if v.Hi == 0 && v.Lo <= 0xffff {
				fm.Actions = append(fm.Actions, &openflow.Output{Port: openflow.Port(v.Lo)})
			}
		}
	}
	if !c.in.Learn {
		c.warn("suppressing side effects, so learn action ignored")
	}
	if c.in.Learn && c.bridge.State.Hooks != nil && c.bridge.State.Hooks.Learn != nil {
		if err := c.bridge.State.Hooks.Learn(c.bridge.State, fm); err != nil {
			c.reportError("LEARN action execution failed (%v).", err)
		}
	}
}

// setPrereq adds to m the prerequisites of a field, which learn takes from its own flow's packet.
func setPrereq(m *flow.Match, k *flow.Key, f flow.FieldID) {
	switch f.Info().Prereq {
	case flow.PrereqIPv4, flow.PrereqIPv6, flow.PrereqIP, flow.PrereqARP, flow.PrereqMPLS, flow.PrereqNSH:
		m.SetExact(flow.FieldEthType, flow.U(uint64(k.EthType())))
	case flow.PrereqTCP, flow.PrereqUDP, flow.PrereqSCTP, flow.PrereqICMPv4, flow.PrereqICMPv6, flow.PrereqND, flow.PrereqNDSolicit, flow.PrereqNDAdvert:
		m.SetExact(flow.FieldEthType, flow.U(uint64(k.EthType())))
		m.SetExact(flow.FieldNwProto, flow.U(uint64(k.NwProto())))
	}
}
