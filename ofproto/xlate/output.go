package xlate

import (
	"govs/actions"
	"govs/flow"
	"govs/openflow"
)

// output carries out an output action to a port of any kind.
func (c *Ctx) output(port openflow.Port, maxLen uint16, tableOK bool) {
	switch port {
	case openflow.PortInPort:
		c.send(openflow.Port(c.flow.InPort()))
	case openflow.PortTable:
		c.lookupAndRun(0, true, false)
	case openflow.PortNormal:
		c.normal()
	case openflow.PortFlood:
		c.flood(openflow.PortNoFlood)
	case openflow.PortAll:
		c.flood(0)
	case openflow.PortController:
		c.controller(maxLen, openflow.ReasonAction, 0, nil)
	case openflow.PortNone, openflow.PortUnset:
	default:
		if port.Wire32() == c.flow.InPort() {
			c.warn("skipping output to input port")
			return
		}
		c.send(port)
	}
}

// flood sends to all ports but the one that the packet came in by and those with a bit of skip in their configuration.
func (c *Ctx) flood(skip openflow.PortConfig) {
	in := c.flow.InPort()
	for _, p := range c.bridge.Ports {
		if p.No.Wire32() == in || p.Config&skip != 0 {
			continue
		}
		c.sendPort(p)
	}
}

func (c *Ctx) outputReg(a *openflow.OutputReg) {
	v := c.flow.Get(a.Src.Field).Shr(uint(a.Src.Ofs)).And(onesValue(int(a.Src.NBits)))
	if p, ok := openflow.PortFromWire32(uint32(v.Lo)); ok && v.Hi == 0 && v.Lo > 0xffff && v.Lo <= 0xffffffff {
		v.Lo = uint64(p)
	}
	if v.Hi != 0 || v.Lo > 0xffff {
		c.warn("output port %s is out of range", valueText(v))
		return
	}
	c.detail("output port is %d", v.Lo)
	c.read(a.Src)
	c.output(openflow.Port(v.Lo), a.MaxLen, false)
}

func (c *Ctx) outputTrunc(a *openflow.OutputTrunc) {
	no := a.Port
	switch no {
	case openflow.PortTable, openflow.PortNormal, openflow.PortFlood, openflow.PortAll, openflow.PortController, openflow.PortNone:
		c.warn("output_trunc does not support port: %d", no)
		return
	case openflow.PortInPort:
		no = openflow.Port(c.flow.InPort())
	default:
		if no.Wire32() == c.flow.InPort() {
			c.warn("skipping output to input port")
			return
		}
	}
	if c.bridge.Port(no) == nil {
		c.warn("Nonexistent output port")
		return
	}
	c.commit()
	c.emit(actions.Trunc(a.MaxLen))
	c.send(no)
}

// send sends the packet to one port.
func (c *Ctx) send(no openflow.Port) {
	p := c.bridge.Port(no)
	if p == nil {
		c.warn("Nonexistent output port")
		return
	}
	c.sendPort(p)
}

func (c *Ctx) sendPort(p *Port) {
	if p.Config&openflow.PortNoFwd != 0 {
		c.warn("OFPPC_NO_FWD set, skipping output")
		return
	}
	if p.Bundle != nil && p.Bundle.Protected {
		if in := c.inPort(); in != nil && in.Bundle != nil && in.Bundle.Protected {
			c.warn("Flow is between protected ports, skipping output.")
			return
		}
	}
	if p.Patch {
		if p.Peer == nil {
			c.warn("Nonexistent output port")
			return
		}
		c.cross(p)
		return
	}
	if p.DP == DPNone {
		return
	}
	c.commit()
	c.emit(actions.Output(p.DP))
}

// cross goes on in the bridge of p's peer. What happens to the packet there is not seen here.
func (c *Ctx) cross(p *Port) {
	peer := p.Peer
	c.effects = append(c.effects, (*patchTx)(p.Counters), (*patchRx)(peer.Counters))
	if peer.Config&openflow.PortNoRecv != 0 {
		return
	}
	s := c.save()
	bridge, version, exit := c.bridge, c.version, c.exit
	table, rule, cookie, inSet, inGroup := c.table, c.rule, c.cookie, c.inSet, c.inGroup

	c.bridge, c.version = peer.Bridge, peer.Bridge.State.Version.Load()
	c.flow.SetInPort(peer.No.Wire32())
	clear(c.flow[flow.WMetadata:])
	clear(c.flow[flow.WTunID:flow.WMetadata])
	c.flow.SetActsetOutput(openflow.PortUnset.Wire32())
	c.set, c.stack, c.inSet, c.inGroup = c.set[:0], c.stack[:0], false, false
	var back *node
	if c.tr != nil {
		back = c.tr.enter(nodeBridge, "bridge(%q)", c.bridge.State.Name)
	}
	c.lookupAndRun(0, true, false)
	if c.err == OK {
		c.runActionSet()
	}
	if c.tr != nil {
		c.tr.leave(back)
	}
	c.bridge, c.version, c.exit = bridge, version, exit
	c.table, c.rule, c.cookie, c.inSet, c.inGroup = table, rule, cookie, inSet, inGroup
	c.restore(s)
	// The packet is as the other bridge left it; the tunnel fields were not the packet's own.
}
