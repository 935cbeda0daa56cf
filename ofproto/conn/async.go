package conn

import (
	"govs/flow"
	"govs/openflow"
)

// defaultAsync is what a new connection gets: what OpenFlow 1.3.5 section 6.3.6 says of masters, equals and slaves, but packets with an
// invalid TTL only when they are asked for.
func defaultAsync() openflow.AsyncConfig {
	var a openflow.AsyncConfig
	a.Master[openflow.AsyncPacketIn] = 1<<openflow.ReasonNoMatch | 1<<openflow.ReasonAction | 1<<openflow.ReasonActionSet |
		1<<openflow.ReasonGroup | 1<<openflow.ReasonPacketOut | 1<<openflow.ReasonExplicitMiss | 1<<openflow.ReasonImplicitMiss
	ports := uint32(1<<openflow.PortAdd | 1<<openflow.PortDelete | 1<<openflow.PortModify)
	a.Master[openflow.AsyncPortStatus] = ports
	a.Slave[openflow.AsyncPortStatus] = ports
	a.Master[openflow.AsyncFlowRemoved] = 1<<openflow.RemovedIdleTimeout | 1<<openflow.RemovedHardTimeout | 1<<openflow.RemovedDelete |
		1<<openflow.RemovedGroupDelete | 1<<openflow.RemovedMeterDelete | 1<<openflow.RemovedEviction
	return a
}

// wantsLocked tells whether the connection gets asynchronous messages of that kind and reason. mu is held.
func (c *Conn) wantsLocked(t openflow.AsyncType, reason uint8) bool {
	if c.version == 0 || c.closed {
		return false
	}
	// A management connection gets nothing until it has asked for packets (ovs-ofctl monitor sets miss_send_len).
	if c.service && c.missSendLen == 0 {
		return false
	}
	mask := c.async_.Master[t]
	if c.role == openflow.RoleSlave {
		mask = c.async_.Slave[t]
	}
	return mask&(1<<reason) != 0
}

// each calls f, with its mu held, for every connection.
func (m *Manager) each(f func(c *Conn, ct *controller)) {
	if m.nconns.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for c, ct := range m.conns {
		c.mu.Lock()
		f(c, ct)
		c.mu.Unlock()
	}
}

// PacketIn sends a packet to the controllers with the given id that want it, whole, since nothing is buffered: maxLen, which the
// action or the connection's miss_send_len gave, does not shorten it. p.Format is chosen for each connection; the rest
// of p is read only.
func (m *Manager) PacketIn(p *openflow.PacketIn, controllerID, maxLen uint16) {
	m.each(func(c *Conn, ct *controller) {
		reason := wireReason(p.Reason, c.version)
		if c.controllerID != controllerID || !c.wantsLocked(openflow.AsyncPacketIn, uint8(reason)) {
			return
		}
		if ct.limit != nil && !ct.limit.take() {
			c.dropped++
			return
		}
		q := *p
		q.Format, q.Reason = c.format, reason
		c.notifyLocked(&openflow.Msg{Version: c.version, Body: &q})
	})
}

// Connected tells whether there is any connection, so that callers can save the work of making messages for nobody.
func (m *Manager) Connected() bool { return m.nconns.Load() > 0 }

// WantsUpdates tells whether any connection has a flow monitor.
func (m *Manager) WantsUpdates() bool { return m.monitors.Load() > 0 }

// wireReason turns a reason into one that version v has.
func wireReason(r openflow.PacketInReason, v openflow.Version) openflow.PacketInReason {
	switch r {
	case openflow.ReasonActionSet, openflow.ReasonGroup, openflow.ReasonPacketOut:
		if v < openflow.OF14 {
			return openflow.ReasonAction
		}
	case openflow.ReasonExplicitMiss:
		if v < openflow.OF13 {
			return openflow.ReasonAction
		}
		return openflow.ReasonNoMatch
	case openflow.ReasonImplicitMiss:
		return openflow.ReasonNoMatch
	}
	return r
}

// PortStatus tells controllers that a port was added, deleted or modified.
func (m *Manager) PortStatus(reason openflow.PortReason, desc *openflow.PortDesc) {
	m.each(func(c *Conn, _ *controller) {
		if c.wantsLocked(openflow.AsyncPortStatus, uint8(reason)) {
			c.notifyLocked(&openflow.Msg{Version: c.version, Body: &openflow.PortStatus{Reason: reason, Desc: *desc}})
		}
	})
}

// PortLive tells controllers that a port came to be live or is no longer. OpenFlow 1.0 does not know of that.
func (m *Manager) PortLive(desc *openflow.PortDesc) {
	m.each(func(c *Conn, _ *controller) {
		if c.version > openflow.OF10 && c.wantsLocked(openflow.AsyncPortStatus, uint8(openflow.PortModify)) {
			c.notifyLocked(&openflow.Msg{Version: c.version, Body: &openflow.PortStatus{Reason: openflow.PortModify, Desc: *desc}})
		}
	})
}

// FlowRemoved tells controllers that a flow with FlowSendFlowRem is gone.
func (m *Manager) FlowRemoved(fr *openflow.FlowRemoved) {
	m.each(func(c *Conn, _ *controller) {
		if c.wantsLocked(openflow.AsyncFlowRemoved, uint8(fr.Reason)) {
			q := *fr
			q.NX = c.version == openflow.OF10 && c.format != openflow.PacketInStd
			c.notifyLocked(&openflow.Msg{Version: c.version, Body: &q})
		}
	})
}

// FlowUpdate tells the flow monitors that select it that a flow was added, deleted or modified; u has its actions. by is the
// connection whose message did it, with its transaction, or nil.
func (m *Manager) FlowUpdate(u *openflow.FlowUpdate, by *Conn, xid uint32) {
	m.each(func(c *Conn, _ *controller) {
		for _, mon := range c.monitors {
			if !selects(mon, u) {
				continue
			}
			q := *u
			switch {
			case c == by && mon.Flags&openflow.MonitorOwn == 0:
				q = openflow.FlowUpdate{Event: openflow.FlowAbbrev, XID: xid}
			case mon.Flags&openflow.MonitorActions == 0:
				q.Actions = nil
			}
			c.notifyLocked(&openflow.Msg{Version: c.version, Body: &openflow.FlowMonitorReply{Updates: []openflow.FlowUpdate{q}}})
			break
		}
	})
}

// selects tells whether a monitor wants an update of a flow.
func selects(mon *openflow.FlowMonitor, u *openflow.FlowUpdate) bool {
	want := map[openflow.FlowEvent]openflow.MonitorFlags{
		openflow.FlowAdded: openflow.MonitorAdd, openflow.FlowDeleted: openflow.MonitorDelete, openflow.FlowModified: openflow.MonitorModify,
	}[u.Event]
	if mon.Flags&want == 0 || mon.Table != 0xff && mon.Table != u.Table {
		return false
	}
	if mon.OutPort != openflow.PortNone && !outputsTo(u.Actions, mon.OutPort) {
		return false
	}
	return covers(&mon.Match, &u.Match)
}

// covers tells whether every packet that b matches is matched by a.
func covers(a, b *flow.Match) bool {
	for i := range a.Mask {
		if a.Mask[i]&^b.Mask[i] != 0 || (a.Key[i]^b.Key[i])&a.Mask[i] != 0 {
			return false
		}
	}
	return true
}

// outputsTo tells whether actions send packets to a port.
func outputsTo(list []openflow.Action, port openflow.Port) bool {
	for _, a := range list {
		switch a := a.(type) {
		case *openflow.Output:
			if a.Port == port {
				return true
			}
		case *openflow.WriteActions:
			if outputsTo(a.Actions, port) {
				return true
			}
		}
	}
	return false
}
