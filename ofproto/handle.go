package ofproto

import (
	"fmt"
	"iter"
	"slices"

	"govs/flow"
	"govs/ofproto/conn"
	"govs/ofproto/xlate"
	"govs/openflow"
)

// Handle implements conn.Switch.
func (b *Bridge) Handle(c *conn.Conn, m *openflow.Msg) ([]openflow.Body, error) {
	switch body := m.Body.(type) {
	case *openflow.FeaturesRequest:
		b.refreshPorts()
		return one(b.features(m.Version)), nil
	case *openflow.PacketOut:
		return nil, b.packetOut(body)
	case *openflow.DescRequest:
		return one(b.descStats()), nil
	case *openflow.FlowStatsRequest:
		return b.flowStats(body)
	case *openflow.TableStatsRequest:
		return one(b.tableStats(m.Version)), nil
	case *openflow.PortStatsRequest:
		return b.portStats(body)
	case *openflow.PortDescRequest:
		b.refreshPorts()
		return one(b.portDesc(body)), nil
	case *openflow.QueueStatsRequest:
		return b.queueStats(body)
	case *openflow.QueueGetConfigRequest:
		return b.queueConfig(body)
	case *openflow.TableFeaturesRequest:
		return b.tableFeatures(body)
	case *openflow.TableDescRequest:
		return one(b.tableDesc()), nil
	case *openflow.GroupStatsRequest:
		return one(b.groupStats(body)), nil
	case *openflow.GroupDescRequest:
		return one(b.groupDesc(body)), nil
	case *openflow.GroupFeaturesRequest:
		return one(groupFeatures()), nil
	case *openflow.MeterStatsRequest:
		return one(&openflow.MeterStatsReply{}), nil
	case *openflow.MeterConfigRequest:
		return one(&openflow.MeterConfigReply{}), nil
	case *openflow.MeterFeaturesRequest:
		return one(&openflow.MeterFeaturesReply{}), nil
	case *openflow.Resume:
		return nil, &openflow.Error{Code: openflow.OFPBRC_EPERM, Text: "continuations are not supported"}
	}
	_, err := b.modify(c, slices.Values([]*openflow.Msg{m}))
	return nil, err
}

func one(b openflow.Body) []openflow.Body { return []openflow.Body{b} }

// Commit implements conn.Switch.
func (b *Bridge) Commit(c *conn.Conn, _ openflow.BundleFlags, msgs iter.Seq[*openflow.Msg]) (int, error) {
	return b.modify(c, msgs)
}

// modify carries out modifications as one change: all or nothing. On an error it returns the index of the message.
func (b *Bridge) modify(c *conn.Conn, msgs iter.Seq[*openflow.Msg]) (int, error) {
	var xid uint32 // of the last message
	b.sw.mu.Lock()
	if b.deleted {
		b.sw.mu.Unlock()
		return 0, openflow.OFPBRC_EPERM
	}
	ch := b.begin()
	var after []func()
	i := 0
	for m := range msgs {
		var err error
		xid = m.XID
		switch body := m.Body.(type) {
		case *openflow.FlowMod:
			if m.Version < openflow.OF12 && body.Command == openflow.FlowAdd {
				body.Flags |= openflow.FlowResetCounts // a flag of later versions, which these imply
			}
			if body.Command <= openflow.FlowModifyStrict {
				err = openflow.Check(body.Actions, &body.Match, openflow.CheckOptions{Table: body.Table, Version: m.Version})
			}
			if err == nil {
				err = ch.flowMod(body)
			}
		case *openflow.GroupMod:
			err = ch.groupMod(body)
		case *openflow.PortMod:
			var then func()
			if then, err = ch.portMod(body); then != nil {
				after = append(after, then)
			}
		case *openflow.TableMod:
			err = ch.tableMod(body)
		case *openflow.MeterMod:
			err = &openflow.Error{Code: openflow.OFPMMFC_OUT_OF_METERS, Text: "the datapath has no meters"}
		case *openflow.PacketOut:
			pb := body
			after = append(after, func() { b.packetOut(pb) })
		default:
			err = openflow.OFPBRC_BAD_TYPE
		}
		if err != nil {
			ch.abort()
			b.sw.mu.Unlock()
			return i, err
		}
		i++
	}
	ev := ch.commit()
	b.sw.mu.Unlock()
	for _, f := range after {
		f()
	}
	b.announce(ev, c, xid)
	return 0, nil
}

// announce tells controllers what happened to flows. by and xid are the connection and the message that did it.
func (b *Bridge) announce(events []event, by *conn.Conn, xid uint32) {
	for i := range events {
		e := &events[i]
		d := &e.rule.Data
		if d.Flags&openflow.FlowHidden != 0 {
			continue
		}
		if e.kind == openflow.FlowDeleted && d.Flags&openflow.FlowSendFlowRem != 0 {
			fr := &openflow.FlowRemoved{
				Cookie: d.Cookie, Priority: uint16(e.rule.Priority()), Reason: e.reason, Table: d.Table, IdleTimeout: d.IdleTimeout,
				HardTimeout: d.HardTimeout, Packets: d.Stats.Packets.Load(), Bytes: d.Stats.Bytes.Load(),
			}
			fr.DurationSec, fr.DurationNsec = b.sw.age(d.Created)
			e.rule.Match(&fr.Match)
			b.conns.FlowRemoved(fr)
		}
		if b.conns.WantsUpdates() {
			u := flowUpdate(e.rule, e.kind)
			u.Reason = e.reason
			b.conns.FlowUpdate(&u, by, xid)
		}
	}
}

func flowUpdate(r *xlate.Rule, kind openflow.FlowEvent) openflow.FlowUpdate {
	d := &r.Data
	u := openflow.FlowUpdate{
		Event: kind, IdleTimeout: d.IdleTimeout, HardTimeout: d.HardTimeout, Priority: uint16(r.Priority()), Table: d.Table,
		Cookie: d.Cookie, Actions: d.Actions,
	}
	r.Match(&u.Match)
	return u
}

// age is the time since t as OpenFlow writes it.
func (s *Switch) age(t int64) (sec, nsec uint32) {
	ms := max(s.now()-t, 0)
	return uint32(ms / 1000), uint32(ms%1000) * 1_000_000
}

// Frag implements conn.Switch.
func (b *Bridge) Frag() openflow.FragMode { return openflow.FragMode(b.state.Frag.Load()) }

// SetFrag implements conn.Switch.
func (b *Bridge) SetFrag(m openflow.FragMode) error {
	if m == openflow.FragReasm {
		return openflow.OFPSCFC_BAD_FLAGS
	}
	if b.state.Frag.Swap(uint32(m)) != uint32(m) {
		b.sw.changed()
	}
	return nil
}

// MonitorFlows implements conn.Switch.
func (b *Bridge) MonitorFlows(m *openflow.FlowMonitor) []openflow.FlowUpdate {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	var out []openflow.FlowUpdate
	v := b.state.Version.Load()
	b.eachTable(m.Table, func(_ uint8, t *xlate.Table) {
		t.Rules.EachCovered(v, &m.Match, func(r *xlate.Rule) bool {
			d := &r.Data
			if d.Flags&openflow.FlowHidden == 0 && (m.OutPort == openflow.PortNone || outputsTo(d.Actions, m.OutPort)) &&
				(m.OutGroup == openflow.GroupAny || usesGroup(d.Actions, m.OutGroup)) {
				out = append(out, flowUpdate(r, openflow.FlowAdded))
			}
			return true
		})
	})
	return out
}

// features answers a features request.
func (b *Bridge) features(v openflow.Version) *openflow.FeaturesReply {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.FeaturesReply{
		DatapathID: b.cfg.DatapathID, NTables: xlate.NumTables,
		Capabilities: openflow.CapFlowStats | openflow.CapTableStats | openflow.CapPortStats | openflow.CapQueueStats | openflow.CapGroupStats |
			openflow.CapARPMatchIP,
		Actions: 0xfff,
	}
	if v >= openflow.OF14 {
		r.Capabilities |= openflow.CapBundles
	}
	if v <= openflow.OF12 {
		for _, p := range b.listed() {
			r.Ports = append(r.Ports, p.desc())
		}
	}
	return r
}

// packetOut executes a packet_out.
func (b *Bridge) packetOut(m *openflow.PacketOut) error {
	if m.BufferID != openflow.NoBuffer {
		return openflow.OFPBRC_BUFFER_UNKNOWN
	}
	inPort := m.InPort
	if inPort >= openflow.PortMax && inPort != openflow.PortLocal && inPort != openflow.PortNone && inPort != openflow.PortController {
		return openflow.OFPBRC_BAD_PORT
	}
	b.sw.mu.Lock()
	err := b.checkActions(m.Actions, openflow.TableAll)
	b.sw.mu.Unlock()
	if err != nil {
		return err
	}
	if len(m.Packet) < 14 {
		return nil // nothing that could be sent
	}
	return b.sw.execute(b, m.Packet, &m.Metadata.Key, inPort, m.Actions)
}

// packetIn passes a packet to the controllers.
func (b *Bridge) packetIn(p *xlate.PacketIn) {
	if !b.conns.Connected() {
		return
	}
	m := &openflow.PacketIn{
		Packet: append([]byte(nil), p.Packet...), TotalLen: uint32(len(p.Packet)), BufferID: openflow.NoBuffer, Reason: p.Reason,
		Table: p.Table, Cookie: p.Cookie, Userdata: p.Userdata,
	}
	m.Metadata.Set(flow.FieldInPort, flow.U(uint64(p.Key.InPort())), flow.U(0xffffffff))
	for id := range flow.Fields() {
		f := flow.FieldID(id).Info()
		if f.Overlay || f.ID == flow.FieldInPort || !isMetadata(f.ID) {
			continue
		}
		if v := p.Key.Get(f.ID); !v.IsZero() {
			m.Metadata.SetExact(f.ID, v)
		}
	}
	b.conns.PacketIn(m, p.ControllerID, p.MaxLen)
}

// isMetadata says whether a packet_in carries the field.
func isMetadata(id flow.FieldID) bool {
	w := int(id.Info().Word)
	if id == flow.FieldActsetOutput || id == flow.FieldConjID || id == flow.FieldPacketType || id == flow.FieldRecircID || id == flow.FieldSkbPriority {
		return false
	}
	return w >= flow.WMark && id != flow.FieldDpHash
}

// portMod changes a port's configuration.
func (c *change) portMod(m *openflow.PortMod) (func(), error) {
	b := c.b
	p := b.byNo[m.Port]
	if p == nil {
		return nil, openflow.OFPPMFC_BAD_PORT
	}
	if m.HWAddr != p.mac {
		return nil, openflow.OFPPMFC_BAD_HW_ADDR
	}
	old, oldState := p.config, p.state
	toggle := (p.config ^ m.Config) & m.Mask & (openflow.PortDown | openflow.PortNoRecv | openflow.PortNoFlood | openflow.PortNoFwd |
		openflow.PortNoPktIn | openflow.PortNoSTP | openflow.PortNoRecvSTP)
	if toggle == 0 {
		return nil, nil
	}
	p.config ^= toggle
	if p.config&openflow.PortDown != 0 {
		p.state &^= openflow.PortLive
	}
	c.undo = append(c.undo, func() { p.config, p.state = old, oldState; b.sw.publish() })
	b.sw.publish()
	dev := p.cfg.Device
	down := p.config&openflow.PortDown != 0
	desc := p.desc()
	return func() {
		b.conns.PortStatus(openflow.PortModify, &desc)
		if toggle&openflow.PortDown != 0 && dev != nil {
			if err := dev.SetAdminUp(!down); err != nil {
				b.sw.opt.Logf("ofproto", "warn", "%s: cannot change administrative state: %v", desc.Name, err)
			}
			b.PortChanged(desc.Name)
		}
	}, nil
}

// tableMod changes what a table does with packets that miss.
func (c *change) tableMod(m *openflow.TableMod) error {
	b := c.b
	set := func(id uint8) {
		t := b.table(id)
		old := t.Miss.Swap(uint32(m.Config & openflow.TableMissMask))
		c.undo = append(c.undo, func() { t.Miss.Store(old) })
	}
	if m.Table == openflow.TableAll {
		for id := range uint8(xlate.NumTables) {
			set(id)
		}
	} else if int(m.Table) < xlate.NumTables {
		set(m.Table)
	} else {
		return openflow.OFPTMFC_BAD_TABLE
	}
	b.sw.changed()
	return nil
}

// String names the bridge in messages.
func (b *Bridge) String() string { return fmt.Sprintf("bridge %s", b.name) }
