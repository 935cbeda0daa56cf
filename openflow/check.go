package openflow

import "govs/flow"

// CheckOptions are what Check must know of the switch.
type CheckOptions struct {
	Table   uint8 // of the flow; TableAll if it has none (packet_out)
	Tables  int   // number of tables
	Version Version
}

// Check looks for actions that cannot follow the match or one another: prerequisites of fields (OpenFlow 1.3, section 5.12), outputs to ports
// that are none, tables that lie behind. It notes in SetVLANVID and SetVLANPCP whether there is a tag then, so it must be
// called before the actions are shared. An error has the OpenFlow code to send.
func Check(list []Action, m *flow.Match, o CheckOptions) error {
	c := checker{m: *m, o: o}
	if err := c.list(list, false); err != nil {
		return err
	}
	if c.soft && o.Version != OF10 {
		return OFPBAC_MATCH_INCONSISTENT
	}
	return nil
}

// checker follows what is known of a packet through its actions.
type checker struct {
	m    flow.Match
	o    CheckOptions
	soft bool // something was inconsistent that 1.0 allows
	inCT bool
}

func (c *checker) list(list []Action, inCT bool) error {
	was := c.inCT
	c.inCT = inCT
	defer func() { c.inCT = was }()
	for _, a := range list {
		if err := c.action(a); err != nil {
			return err
		}
	}
	return nil
}

// want notes that something is inconsistent if ok is false.
func (c *checker) want(ok bool) {
	if !ok {
		c.soft = true
	}
}

// field says whether f may be read or written now.
func (c *checker) field(f flow.FieldID) error {
	ok := prereqOK(f, &c.m)
	switch f {
	case flow.FieldVlanVID, flow.FieldVlanPCP:
		ok = c.tagged()
	}
	if !ok {
		return errf(OFPBAC_MATCH_INCONSISTENT, "field %s lacks correct prerequisites", f)
	}
	return nil
}

func (c *checker) tagged() bool { return PrereqOK(flow.PrereqVLAN, &c.m) }

func (c *checker) setTagged(on bool) {
	v := flow.Value{}
	if on {
		v = flow.U(flow.VLANPresent)
	}
	c.m.Set(flow.FieldVlanTCI, v, flow.U(flow.VLANPresent))
}

func (c *checker) pre(p flow.Prereq) bool { return PrereqOK(p, &c.m) }

func (c *checker) setType(t uint16) { c.m.SetExact(flow.FieldEthType, flow.U(uint64(t))) }

func outPort(p Port) error {
	switch p {
	case PortInPort, PortTable, PortNormal, PortFlood, PortAll, PortController, PortLocal:
		return nil
	}
	if p < PortMax {
		return nil
	}
	return OFPBAC_BAD_OUT_PORT
}

func (c *checker) action(a Action) error {
	switch a := a.(type) {
	case *Output:
		return outPort(a.Port)
	case *OutputTrunc:
		return outPort(a.Port)
	case *OutputReg:
		return c.field(a.Src.Field)
	case *Enqueue:
		if a.Port >= PortMax && a.Port != PortInPort && a.Port != PortLocal {
			return OFPBAC_BAD_OUT_PORT
		}
	case *Bundle:
		if a.Load {
			return c.field(a.Dst.Field)
		}
	case *SetVLANVID:
		a.FlowHasVLAN = c.tagged()
		c.want(a.FlowHasVLAN || a.PushIfMissing)
		c.setTagged(true)
	case *SetVLANPCP:
		a.FlowHasVLAN = c.tagged()
		c.want(a.FlowHasVLAN || a.PushIfMissing)
		c.setTagged(true)
	case *StripVLAN:
		c.want(c.tagged())
		c.setTagged(false)
	case *PushVLAN:
		c.setTagged(true)
	case *PushMPLS:
		c.setType(a.EthType)
	case *PopMPLS:
		c.want(c.pre(flow.PrereqMPLS))
		c.setType(a.EthType)
	case *SetMPLSLabel, *SetMPLSTC, *SetMPLSTTL, *DecMPLSTTL:
		c.want(c.pre(flow.PrereqMPLS))
	case *SetTTL, *DecTTL:
		c.want(c.pre(flow.PrereqIP))
	case *SetField:
		return c.setField(a)
	case *RegMove:
		if err := c.field(a.Src.Field); err != nil {
			return err
		}
		return c.field(a.Dst.Field)
	case *StackPush:
		return c.field(a.Src.Field)
	case *StackPop:
		return c.field(a.Dst.Field)
	case *CheckPktLarger:
		return c.field(a.Dst.Field)
	case *Multipath:
		return c.field(a.Dst.Field)
	case *DecNSHTTL:
		if !c.pre(flow.PrereqNSH) && c.m.Mask.EthType() != 0 {
			return OFPBAC_MATCH_INCONSISTENT
		}
	case *Encap:
		c.m.SetExact(flow.FieldPacketType, flow.Value{})
		if a.PacketType != 0 {
			c.setType(uint16(a.PacketType))
		}
	case *Decap: // what is inside is not known
		c.m.Set(flow.FieldEthType, flow.Value{}, flow.Value{})
	}
	return c.control(a)
}

func (c *checker) setField(a *SetField) error {
	switch a.Legacy {
	case FormModNwSrc, FormModNwDst:
		c.want(c.pre(flow.PrereqIPv4))
		return nil
	case FormModNwTos, FormModNwECN:
		c.want(c.pre(flow.PrereqIP))
		return nil
	case FormModTpSrc, FormModTpDst:
		c.want(c.pre(flow.PrereqTCP) || c.pre(flow.PrereqUDP) || c.pre(flow.PrereqSCTP))
		return nil
	case FormModDlSrc, FormModDlDst:
		return nil
	}
	if err := c.field(a.Field); err != nil {
		return err
	}
	switch a.Field {
	case flow.FieldVlanTCI, flow.FieldVlanVID:
		if a.Mask.Lo&flow.VLANPresent != 0 {
			c.setTagged(a.Value.Lo&flow.VLANPresent != 0)
		}
	case flow.FieldNwProto:
		c.m.SetExact(flow.FieldNwProto, a.Value)
	}
	return nil
}

// control checks the actions that steer the pipeline, and instructions.
func (c *checker) control(a Action) error {
	switch a := a.(type) {
	case *Resubmit:
		if a.WithCT && !c.pre(flow.PrereqCT) {
			return OFPBAC_MATCH_INCONSISTENT
		}
	case *Learn:
		return c.learn(a)
	case *CT:
		return c.ct(a)
	case *Clone:
		m := c.m
		err := c.list(a.Actions, false)
		c.m = m
		return err
	case *WriteActions:
		// They run later, so what the match says proves little about them: only what no version allows is an error.
		w := checker{m: c.m, o: c.o}
		return w.list(a.Actions, false)
	case *GotoTable:
		if c.o.Table != TableAll && a.Table <= c.o.Table || c.o.Tables > 0 && int(a.Table) >= c.o.Tables {
			return OFPBIC_BAD_TABLE_ID
		}
	case *Meter:
		if a.ID == 0 || a.ID > MeterMax {
			return OFPMMFC_INVALID_METER
		}
	}
	return nil
}

func (c *checker) ct(a *CT) error {
	if !c.pre(flow.PrereqIP) {
		return OFPBAC_MATCH_INCONSISTENT
	}
	proto := map[uint16]flow.Prereq{ALGFTP: flow.PrereqTCP, ALGTFTP: flow.PrereqUDP}[a.ALG]
	if !c.pre(proto) {
		return OFPBAC_MATCH_INCONSISTENT
	}
	if a.ZoneSrc.IsSet() {
		if err := c.field(a.ZoneSrc.Field); err != nil {
			return err
		}
	}
	m := c.m
	err := c.list(a.Actions, true)
	c.m = m
	return err
}

// learn checks that the fields that are read are there, and that those of the new flow have their prerequisites among its
// matches.
func (c *checker) learn(a *Learn) error {
	n := flow.Match{}
	for i := range a.Specs {
		s := &a.Specs[i]
		if !s.SrcImm {
			if err := c.field(s.Src.Field); err != nil {
				return err
			}
		}
		switch s.Type {
		case LearnMatch:
			if !prereqOK(s.Dst.Field, &n) {
				return errf(OFPBAC_MATCH_INCONSISTENT, "field %s lacks correct prerequisites", s.Dst.Field)
			}
			if s.SrcImm {
				ofs := uint(s.Dst.Ofs)
				SetMatchField(&n, s.Dst.Field, s.Imm.Shl(ofs), onesV(int(s.NBits)).Shl(ofs))
			}
		case LearnLoad:
			if !prereqOK(s.Dst.Field, &n) {
				return errf(OFPBAC_MATCH_INCONSISTENT, "field %s lacks correct prerequisites", s.Dst.Field)
			}
		}
	}
	return nil
}
