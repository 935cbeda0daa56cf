package conn

import (
	"fmt"
	"syscall"

	"govs/openflow"
)

var errProtocol = fmt.Errorf("protocol error: %w", syscall.EPROTO)

// handle executes a message and sends its replies.
func (c *Conn) handle(m *openflow.Msg) {
	if whole, ok := c.reassemble(m); !ok {
		return
	} else {
		m = whole
	}
	c.mu.Lock()
	slave := c.role == openflow.RoleSlave
	c.mu.Unlock()
	if slave && changes(m.Body) {
		c.fail(m, openflow.OFPBRC_IS_SECONDARY)
		return
	}
	replies, err := c.dispatch(m)
	for _, r := range replies {
		c.send(&openflow.Msg{Version: m.Version, XID: m.XID, Body: r})
	}
	if err != nil {
		c.fail(m, err)
	}
}

// changes tells whether a message is one that a slave may not send (OpenFlow 1.3.5 section 6.3.6).
func changes(b openflow.Body) bool {
	switch b.(type) {
	case *openflow.FlowMod, *openflow.GroupMod, *openflow.MeterMod, *openflow.PortMod, *openflow.TableMod, *openflow.PacketOut,
		*openflow.BundleCtrl, *openflow.BundleAdd:
		return true
	}
	return false
}

// reassemble keeps the parts of a multipart request until the last one has come. Only table features requests come in
// parts that carry something.
func (c *Conn) reassemble(m *openflow.Msg) (*openflow.Msg, bool) {
	first := c.parts[m.XID]
	if first == nil && !m.More {
		return m, true
	}
	c.partLen += len(m.Raw)
	if c.partLen > maxMultipart {
		c.partLen = 0
		clear(c.parts)
		c.fail(m, openflow.OFPBRC_MULTIPART_BUFFER_OVERFLOW)
		return nil, false
	}
	switch {
	case first == nil:
		c.parts[m.XID] = m
	default:
		a, ok1 := first.Body.(*openflow.TableFeaturesRequest)
		b, ok2 := m.Body.(*openflow.TableFeaturesRequest)
		if ok1 && ok2 {
			a.Tables = append(a.Tables, b.Tables...)
		}
	}
	if m.More {
		return nil, false
	}
	whole := c.parts[m.XID]
	delete(c.parts, m.XID)
	if len(c.parts) == 0 {
		c.partLen = 0
	}
	whole.More = false
	return whole, true
}

// dispatch answers what concerns the connection itself and gives the rest to the Switch.
func (c *Conn) dispatch(m *openflow.Msg) ([]openflow.Body, error) {
	switch b := m.Body.(type) {
	case *openflow.Hello, *openflow.EchoReply, *openflow.ErrorMsg:
		return nil, nil
	case *openflow.EchoRequest:
		return []openflow.Body{&openflow.EchoReply{Data: b.Data}}, nil
	case *openflow.BarrierRequest:
		return []openflow.Body{&openflow.BarrierReply{}}, nil
	case *openflow.GetConfigRequest:
		return []openflow.Body{c.getConfig()}, nil
	case *openflow.SetConfig:
		return nil, c.setConfig(b)
	case *openflow.RoleRequest:
		return c.setRole(b)
	case *openflow.GetAsyncRequest:
		c.mu.Lock()
		defer c.mu.Unlock()
		return []openflow.Body{&openflow.GetAsyncReply{Config: c.async_}}, nil
	case *openflow.SetAsync:
		c.mu.Lock()
		defer c.mu.Unlock()
		for t := range openflow.NumAsync {
			if b.HasMaster&(1<<t) != 0 {
				c.async_.Master[t] = b.Config.Master[t]
			}
			if b.HasSlave&(1<<t) != 0 {
				c.async_.Slave[t] = b.Config.Slave[t]
			}
		}
		return nil, nil
	case *openflow.SetFlowFormat, *openflow.FlowAge:
		return nil, nil // every format is understood at any time
	case *openflow.FlowModTableID:
		c.opts.TableID = b.Set
		return nil, nil
	case *openflow.SetPacketInFormat:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.format = b.Format
		return nil, nil
	case *openflow.SetControllerID:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.controllerID = b.ID
		return nil, nil
	case *openflow.FlowMonitorRequest:
		return c.addMonitors(b)
	case *openflow.FlowMonitorCancel:
		return nil, c.cancelMonitor(b.ID)
	case *openflow.BundleCtrl:
		return c.bundleCtrl(b)
	case *openflow.BundleAdd:
		return nil, c.bundleAdd(b)
	case *openflow.FlowMod:
		c.countMod(b.Command)
	}
	return c.m.opts.Switch.Handle(c, m)
}

func (c *Conn) getConfig() *openflow.GetConfigReply {
	frag := c.m.opts.Switch.Frag()
	c.mu.Lock()
	defer c.mu.Unlock()
	return &openflow.GetConfigReply{Config: openflow.SwitchConfig{Frag: frag, InvalidTTL: c.invalidTTL, HasInvalid: true, MissSendLen: c.missSendLen}}
}

func (c *Conn) setConfig(b *openflow.SetConfig) error {
	if c.role != openflow.RoleSlave && b.Config.Frag != c.m.opts.Switch.Frag() {
		if err := c.m.opts.Switch.SetFrag(b.Config.Frag); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missSendLen = b.Config.MissSendLen
	if b.Config.HasInvalid {
		c.invalidTTL = b.Config.InvalidTTL
		bit := uint32(1) << openflow.ReasonInvalidTTL
		c.async_.Master[openflow.AsyncPacketIn] &^= bit
		if c.invalidTTL {
			c.async_.Master[openflow.AsyncPacketIn] |= bit
		}
	}
	return nil
}

// setRole executes a role request (OpenFlow 1.3.5 section 7.3.9). A new master makes the old one a slave.
func (c *Conn) setRole(b *openflow.RoleRequest) ([]openflow.Body, error) {
	if b.Role > openflow.RoleSlave {
		return nil, openflow.OFPRRFC_BAD_ROLE
	}
	gen, has, err := c.m.setRole(c, b)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return []openflow.Body{&openflow.RoleReply{NX: b.NX, Role: c.role, HasGeneration: has, Generation: gen}}, nil
}

func (c *Conn) addMonitors(b *openflow.FlowMonitorRequest) ([]openflow.Body, error) {
	var updates []openflow.FlowUpdate
	c.mu.Lock()
	for i := range b.Monitors {
		mon := b.Monitors[i]
		if c.monitors[mon.ID] != nil {
			c.mu.Unlock()
			return nil, openflow.OFPMOFC_MONITOR_EXISTS
		}
		if len(c.monitors) >= maxMonitors {
			c.mu.Unlock()
			return nil, openflow.OFPBRC_EPERM
		}
		c.monitors[mon.ID] = &mon
		c.m.monitors.Add(1)
	}
	c.mu.Unlock()
	for i := range b.Monitors {
		if b.Monitors[i].Flags&openflow.MonitorInitial != 0 {
			updates = append(updates, c.m.opts.Switch.MonitorFlows(&b.Monitors[i])...)
		}
	}
	return []openflow.Body{&openflow.FlowMonitorReply{Updates: updates}}, nil
}

func (c *Conn) cancelMonitor(id uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.monitors[id] == nil {
		return openflow.OFPMOFC_UNKNOWN_MONITOR
	}
	delete(c.monitors, id)
	c.m.monitors.Add(-1)
	return nil
}

func (c *Conn) bundleCtrl(b *openflow.BundleCtrl) ([]openflow.Body, error) {
	bu := c.bundles[b.ID]
	reply := func(t openflow.BundleCtrlType) []openflow.Body {
		return []openflow.Body{&openflow.BundleCtrl{ID: b.ID, Type: t, Flags: b.Flags}}
	}
	if b.Type != openflow.BundleOpenRequest && bu == nil && b.Type != openflow.BundleDiscardRequest {
		return nil, openflow.OFPBFC_BAD_ID
	}
	switch b.Type {
	case openflow.BundleOpenRequest:
		if bu != nil {
			delete(c.bundles, b.ID)
			return nil, openflow.OFPBFC_BAD_ID
		}
		if len(c.bundles) >= maxBundles {
			return nil, openflow.OFPBFC_OUT_OF_BUNDLES
		}
		c.bundles[b.ID] = &bundle{flags: b.Flags}
		return reply(openflow.BundleOpenReply), nil
	case openflow.BundleCloseRequest:
		if bu.closed {
			delete(c.bundles, b.ID)
			return nil, openflow.OFPBFC_BUNDLE_CLOSED
		}
		if bu.flags != b.Flags {
			delete(c.bundles, b.ID)
			return nil, openflow.OFPBFC_BAD_FLAGS
		}
		bu.closed = true
		return reply(openflow.BundleCloseReply), nil
	case openflow.BundleCommitRequest:
		delete(c.bundles, b.ID)
		if bu.flags != b.Flags {
			return nil, openflow.OFPBFC_BAD_FLAGS
		}
		failed, err := c.m.opts.Switch.Commit(c, bu.flags, bu.all)
		if err != nil {
			if failed >= 0 && failed < len(bu.msgs) {
				// The message that failed gets its own error reply, then the commit fails.
				c.fail(bu.msgs[failed].msg(), err)
			}
			return nil, openflow.OFPBFC_MSG_FAILED
		}
		return reply(openflow.BundleCommitReply), nil
	case openflow.BundleDiscardRequest:
		if bu == nil {
			return nil, openflow.OFPBFC_BAD_ID
		}
		delete(c.bundles, b.ID)
		return reply(openflow.BundleDiscardReply), nil
	}
	return nil, openflow.OFPBFC_BAD_TYPE
}

func (c *Conn) bundleAdd(b *openflow.BundleAdd) error {
	bu := c.bundles[b.ID]
	if bu == nil {
		if len(c.bundles) >= maxBundles {
			return openflow.OFPBFC_OUT_OF_BUNDLES
		}
		bu = &bundle{flags: b.Flags}
		c.bundles[b.ID] = bu
	}
	switch {
	case bu.closed:
		delete(c.bundles, b.ID)
		return openflow.OFPBFC_BUNDLE_CLOSED
	case bu.flags != b.Flags:
		delete(c.bundles, b.ID)
		return openflow.OFPBFC_BAD_FLAGS
	case len(bu.msgs) >= maxBundleMsgs:
		return openflow.OFPBFC_OUT_OF_BUNDLES
	}
	switch b.Msg.Body.(type) {
	case *openflow.FlowMod, *openflow.PortMod, *openflow.GroupMod, *openflow.PacketOut:
	default:
		return openflow.OFPBFC_MSG_UNSUP
	}
	bu.msgs = append(bu.msgs, pending{b.Msg.Raw, c.opts})
	return nil
}
