package openflow

import "govs/flow"

// flowMod10 reads OpenFlow 1.0's flow_mod.
func (d *dec) flowMod10(o Options) (Body, error) {
	m := &FlowMod{OutGroup: GroupAny}
	d.match10(&m.Match)
	m.Cookie = d.u64()
	return m, d.flowModTail(m, o, func() error { return nil })
}

// nxFlowMod reads NXT_FLOW_MOD.
func (d *dec) nxFlowMod(o Options) (Body, error) {
	m := &FlowMod{NX: true, OutGroup: GroupAny}
	m.Cookie = d.u64()
	var c nxmCookieMatch
	err := d.flowModTail(m, o, func() error {
		n := int(d.u16())
		d.skip(6)
		return d.nxMatch(n, &m.Match, &c, false)
	})
	if err != nil {
		return nil, err
	}
	// The cookie of the message is the new one; the one to match is in the match.
	m.Cookie, m.CookieMask = c.cookie, c.mask
	if m.Command == FlowAdd && c.mask != 0 {
		return nil, NXBRC_NXM_INVALID
	}
	return m, nil
}

// flowModTail reads what the two 1.0 forms share: command to flags, the Nicira match, actions.
func (d *dec) flowModTail(m *FlowMod, o Options, match func() error) error {
	cmd := d.u16()
	m.IdleTimeout, m.HardTimeout, m.Priority, m.BufferID = d.u16(), d.u16(), d.u16(), d.u32()
	m.OutPort = Port(d.u16())
	flags := d.u16()
	if err := match(); err != nil {
		return err
	}
	m.Table = TableAll
	if o.TableID {
		m.Table, cmd = uint8(cmd>>8), cmd&0xff
	}
	if cmd > uint16(FlowDeleteStrict) {
		return OFPFMFC_BAD_COMMAND
	}
	m.Command = FlowModCommand(cmd)
	m.NewCookie, m.Cookie = m.Cookie, 0
	m.ModifyCookie = m.NewCookie != ^uint64(0)
	var err error
	if m.Actions, err = d.actions(0); err != nil {
		return err
	}
	if flags&^7 != 0 {
		return OFPFMFC_BAD_FLAGS
	}
	if flags&4 != 0 { // emergency flows are not supported
		return OFPFMFC_TABLE_FULL
	}
	m.Flags = FlowModFlags(flags)
	return d.lenErr()
}

// flowMod11 reads the flow_mod of 1.1 and later.
func (d *dec) flowMod11() (Body, error) {
	m := &FlowMod{Cookie: d.u64(), CookieMask: d.u64(), Table: d.u8()}
	cmd := d.u8()
	m.IdleTimeout, m.HardTimeout, m.Priority, m.BufferID = d.u16(), d.u16(), d.u16(), d.u32()
	out := d.u32()
	m.OutGroup = d.u32()
	flags := d.u16()
	imp := d.u16()
	if d.v >= OF14 && cmd <= uint8(FlowModifyStrict) {
		m.Importance = imp
	}
	if err := d.match(&m.Match, false); err != nil {
		return nil, err
	}
	if d.short {
		return nil, OFPBRC_BAD_LEN
	}
	if m.Table == TableAll && cmd != uint8(FlowDelete) && cmd != uint8(FlowDeleteStrict) {
		return nil, OFPFMFC_BAD_TABLE_ID
	}
	if cmd > uint8(FlowDeleteStrict) {
		return nil, OFPFMFC_BAD_COMMAND
	}
	m.Command = FlowModCommand(cmd)
	switch m.Command {
	case FlowAdd:
		m.NewCookie, m.ModifyCookie, m.Cookie, m.CookieMask = m.Cookie, true, 0, 0
	case FlowModify, FlowModifyStrict:
		// In 1.1 a modify that matches no cookie sets it.
		if d.v == OF11 && m.CookieMask == 0 {
			m.NewCookie, m.ModifyCookie, m.Cookie = m.Cookie, true, 0
			break
		}
		m.NewCookie = ^uint64(0)
	default:
		m.NewCookie = ^uint64(0)
	}
	var err error
	if m.OutPort, err = port32(out); err != nil {
		return nil, err
	}
	if m.Actions, err = d.instructions(); err != nil {
		return nil, err
	}
	known := uint16(FlowSendFlowRem | FlowCheckOverlap)
	if d.v >= OF12 {
		known |= uint16(FlowResetCounts)
	}
	if d.v >= OF13 {
		known |= uint16(FlowNoPktCounts | FlowNoBytCounts)
	}
	if flags&^known != 0 {
		return nil, OFPFMFC_BAD_FLAGS
	}
	m.Flags = FlowModFlags(flags)
	if d.v == OF11 && m.Command == FlowAdd {
		m.Flags |= FlowResetCounts
	}
	return m, nil
}

// Instruction numbers.
const (
	insGoto = 1 + iota
	insWriteMetadata
	insWriteActions
	insApplyActions
	insClearActions
	insMeter
	numIns
)

// instructions reads instructions that fill d into an action list in execution order.
func (d *dec) instructions() ([]Action, error) {
	var seen [numIns]*dec
	for len(d.b) > 0 {
		if len(d.b) < 8 {
			return nil, OFPBIC_BAD_LEN
		}
		typ, n := d.u16(), int(d.u16())
		if n < 8 || n%8 != 0 || n-4 > len(d.b) {
			return nil, OFPBIC_BAD_LEN
		}
		b := d.sub(n - 4)
		if typ == 0xffff {
			return nil, OFPBIC_BAD_EXPERIMENTER
		}
		if typ == 0 || typ >= numIns || typ == insMeter && (d.v < OF13 || d.v >= OF15) {
			return nil, OFPBIC_UNKNOWN_INST
		}
		if seen[typ] != nil {
			return nil, OFPBIC_DUP_INST
		}
		fixed := [numIns]int{insGoto: 8, insWriteMetadata: 24, insClearActions: 8, insMeter: 8}[typ]
		if fixed != 0 && n != fixed {
			return nil, OFPBIC_BAD_LEN
		}
		seen[typ] = b
	}
	var list []Action
	if b := seen[insMeter]; b != nil {
		list = append(list, &Meter{b.u32()})
	}
	if b := seen[insApplyActions]; b != nil {
		b.skip(4)
		a, err := b.actions(0)
		if err != nil {
			return nil, err
		}
		list = append(list, a...)
	}
	if seen[insClearActions] != nil {
		list = append(list, &ClearActions{})
	}
	if b := seen[insWriteActions]; b != nil {
		b.skip(4)
		a, err := b.actions(0)
		if err != nil {
			return nil, err
		}
		list = append(list, &WriteActions{a})
	}
	if b := seen[insWriteMetadata]; b != nil {
		b.skip(4)
		list = append(list, &WriteMetadata{b.u64(), b.u64()})
	}
	if b := seen[insGoto]; b != nil {
		list = append(list, &GotoTable{b.u8()})
	}
	return list, nil
}

// flowActions writes a flow's action list: as actions in 1.0, else as instructions.
func (e *enc) flowActions(list []Action) {
	if e.v == OF10 {
		e.actions(list)
		return
	}
	ins := func(typ uint16, f func()) {
		at := len(e.b)
		e.u16(typ)
		e.u16(0)
		f()
		e.align(at)
		e.put16(at+2, len(e.b)-at)
	}
	var apply []Action
	for _, a := range list {
		switch a := a.(type) {
		case *Meter:
			if e.v >= OF15 {
				apply = append(apply, a)
			} else if e.v >= OF13 {
				ins(insMeter, func() { e.u32(a.ID) })
			}
		case *ClearActions, *WriteActions, *WriteMetadata, *GotoTable:
		default:
			apply = append(apply, a)
		}
	}
	if len(apply) > 0 {
		ins(insApplyActions, func() { e.zero(4); e.actions(apply) })
	}
	for _, a := range list {
		switch a := a.(type) {
		case *ClearActions:
			ins(insClearActions, func() { e.zero(4) })
		case *WriteActions:
			ins(insWriteActions, func() { e.zero(4); e.actions(a.Actions) })
		case *WriteMetadata:
			ins(insWriteMetadata, func() { e.zero(4); e.u64(a.Metadata); e.u64(a.Mask) })
		case *GotoTable:
			ins(insGoto, func() { e.u8(a.Table) })
		}
	}
}

// match writes a match in the form of 1.1 and later, with its padding.
func (e *enc) match(m *flow.Match) {
	if e.v == OF11 {
		e.match11(m)
		return
	}
	at := len(e.b)
	e.u16(1)
	e.u16(0)
	e.oxmFields(m, 0, 0)
	e.put16(at+2, len(e.b)-at)
	e.align(at)
}

// nxMatch writes a Nicira match with its padding and puts its length at offset lenAt.
func (e *enc) nxMatch(m *flow.Match, cookie, mask uint64, lenAt int) {
	v := e.v
	if v >= OF12 { // Nicira's matches use NXM numbers
		e.v = OF11
	}
	at := len(e.b)
	e.oxmFields(m, cookie, mask)
	e.put16(lenAt, len(e.b)-at)
	e.align(at)
	e.v = v
}

func (w *writer) flowMod(m *FlowMod) {
	if w.v != OF10 && !m.NX {
		w.flowMod11(m)
		return
	}
	if !m.NX {
		w.match10(&m.Match)
	}
	w.u64(m.NewCookie)
	cmd := uint16(m.Command)
	if w.o.TableID {
		cmd |= uint16(m.Table) << 8
	}
	w.u16(cmd)
	w.u16(m.IdleTimeout)
	w.u16(m.HardTimeout)
	w.u16(m.Priority)
	w.u32(m.BufferID)
	w.u16(uint16(m.OutPort))
	w.u16(uint16(m.Flags & (FlowSendFlowRem | FlowCheckOverlap)))
	if m.NX {
		at := len(w.b)
		w.zero(8)
		w.nxMatch(&m.Match, m.Cookie, m.CookieMask, at)
	}
	v := w.v
	w.actions(m.Actions)
	w.v = v
}

func (w *writer) flowMod11(m *FlowMod) {
	cookie := m.Cookie
	if m.Command == FlowAdd || w.v == OF11 && m.ModifyCookie && m.CookieMask == 0 {
		cookie = m.NewCookie
	}
	w.u64(cookie)
	w.u64(m.CookieMask)
	w.u8(m.Table)
	w.u8(uint8(m.Command))
	w.u16(m.IdleTimeout)
	w.u16(m.HardTimeout)
	w.u16(m.Priority)
	w.u32(m.BufferID)
	w.u32(m.OutPort.Wire32())
	w.u32(m.OutGroup)
	w.u16(w.flowFlags(m.Flags))
	if w.v >= OF14 {
		w.u16(m.Importance)
	} else {
		w.zero(2)
	}
	w.match(&m.Match)
	w.flowActions(m.Actions)
}

// flowFlags are the flags that the version has.
func (e *enc) flowFlags(f FlowModFlags) uint16 {
	known := FlowSendFlowRem | FlowCheckOverlap
	if e.v >= OF12 {
		known |= FlowResetCounts
	}
	if e.v >= OF13 {
		known |= FlowNoPktCounts | FlowNoBytCounts
	}
	return uint16(f & known)
}
