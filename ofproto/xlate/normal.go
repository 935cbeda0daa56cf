package xlate

import (
	"govs/flow"
	"govs/openflow"
)

// normal forwards as a learning switch does.
func (c *Ctx) normal() {
	k := &c.flow
	c.wc[flow.WEthDst] |= ^uint64(0xffff)
	c.wc[flow.WEthSrc] |= ^uint64(0xffff)
	c.wc[flow.WVLAN] |= (flow.VLANPresent | 0xfff) << 32

	in := c.inPort()
	var from *Bundle
	if in != nil {
		from = in.Bundle
	}
	if in == nil && (k.InPort() == openflow.PortNone.Wire32() || k.InPort() == openflow.PortController.Wire32()) {
		from = &noneBundle
	}
	if from == nil {
		if in == nil {
			c.reportError("received packet on unknown port %d", uint16(k.InPort()))
		}
		c.warn("no input bundle, dropping")
		return
	}
	if k.EthType() == 0x8100 && k.VlanTCI()&flow.VLANPresent == 0 {
		c.warn("dropping packet with partial VLAN tag")
		return
	}
	vid := uint16(0)
	if k.VlanTCI()&flow.VLANPresent != 0 {
		vid = k.VlanTCI() & 0xfff
	}
	if from.Mode == VLANDot1qTunnel {
		// The customer's own tag stays inside.
	} else if !c.vidAllowed(vid, from) {
		c.warn("disallowed VLAN VID for this input port, dropping")
		return
	}
	vlan := inputVLAN(vid, from)
	if !c.bridge.ForwardBPDU && isReserved(k.EthDst()) {
		c.detail("packet has reserved destination MAC, dropping")
		return
	}
	c.isGratuitousARP()
	c.learnMAC(vlan, from)

	dst := k.EthDst()
	c.noteMAC(vlan, dst)
	if to := c.bridge.State.MAC.Lookup(vlan, dst); to != nil {
		out := to.Cur.Load()
		switch {
		case out == nil || !c.owns(out):
			c.warn("learned port is unknown, dropping")
		case out.State == from.State:
			c.detail("learned port is input port, dropping")
		default:
			c.detail("forwarding to learned port")
			c.outputBundle(out, vlan)
		}
		return
	}
	c.detail("no learned MAC for destination, flooding")
	for _, out := range c.bridge.Bundles {
		if out.State != from.State && out.Floodable && out.carries(vlan) {
			c.outputBundle(out, vlan)
		}
	}
}

// noneBundle is where packets of controllers come in that name no port.
var noneBundle = Bundle{Mode: VLANTrunk, VLAN: -1}

// owns says whether the bundle is one of the present bridge.
func (c *Ctx) owns(b *Bundle) bool {
	return len(b.Ports) > 0 && b.Ports[0].Bridge.State == c.bridge.State
}

// vidAllowed says whether a packet with a tag of vid (0 none) may come in by the bundle.
func (c *Ctx) vidAllowed(vid uint16, b *Bundle) bool {
	switch b.Mode {
	case VLANAccess:
		if vid != 0 {
			c.reportError("dropping VLAN %d tagged packet received on port %s configured as VLAN %d access port", vid, b.Name, b.VLAN)
			return false
		}
		return true
	case VLANNativeTagged, VLANNativeUntagged:
		if vid == 0 || int(vid) == b.VLAN {
			return true
		}
	}
	if !b.Trunks.Has(vid) {
		c.reportError("dropping VLAN %d packet received on port %s not configured for trunking VLAN %d", vid, b.Name, vid)
		return false
	}
	return true
}

// inputVLAN is the VLAN that a packet with a tag of vid belongs to.
func inputVLAN(vid uint16, b *Bundle) uint16 {
	switch b.Mode {
	case VLANAccess, VLANDot1qTunnel:
		return uint16(max(b.VLAN, 0))
	case VLANNativeTagged, VLANNativeUntagged:
		if vid == 0 {
			return uint16(max(b.VLAN, 0))
		}
	}
	return vid
}

// carries says whether the bundle takes part in the VLAN.
func (b *Bundle) carries(vlan uint16) bool {
	switch b.Mode {
	case VLANAccess, VLANDot1qTunnel:
		return int(vlan) == max(b.VLAN, 0)
	case VLANNativeTagged, VLANNativeUntagged:
		if int(vlan) == b.VLAN {
			return true
		}
	}
	return b.Trunks.Has(vlan)
}

// outputBundle sends the packet by the bundle, tagged as the bundle's mode says.
func (c *Ctx) outputBundle(b *Bundle, vlan uint16) {
	p := b.Ports[0]
	if len(b.Ports) > 1 {
		if p = b.active(); p == nil {
			return
		}
	}
	old := c.flow[flow.WVLAN]
	tagged := true
	switch b.Mode {
	case VLANAccess:
		tagged = false
	case VLANNativeUntagged:
		tagged = int(vlan) != b.VLAN
	}
	in := c.inPort()
	tunnel := in != nil && in.Bundle != nil && in.Bundle.Mode == VLANDot1qTunnel
	c.setTag(b, vlan, tagged, tunnel)
	c.sendPort(p)
	c.flow[flow.WVLAN] = old
}

// setTag gives the packet the tag that it leaves a bundle with. tunnel: the packet came in by a dot1q-tunnel port, so its own tag is data.
func (c *Ctx) setTag(b *Bundle, vlan uint16, tagged, tunnel bool) {
	tci, tpid := c.flow.VlanTCI(), c.flow.VlanTPID0()
	if tunnel != (b.Mode == VLANDot1qTunnel) {
		if tunnel {
			if tagged && vlan != 0 {
				c.flow[flow.WVLAN] = c.flow[flow.WVLAN]>>32 | uint64(b.qinq())<<48 | uint64(vlan|flow.VLANPresent)<<32
			}
		} else {
			c.flow[flow.WVLAN] <<= 32
		}
		return
	}
	if tunnel {
		return
	}
	pcp := uint16(0)
	if tci&flow.VLANPresent != 0 {
		pcp = tci & 0xe000
	}
	vid := vlan
	if !tagged {
		vid = 0
	}
	had := tci&flow.VLANPresent != 0
	if vid != 0 || b.Prio == PrioAlways && (had || pcp != 0) || b.Prio == PrioIfNonzero && pcp != 0 {
		if tpid == 0 || !had {
			tpid = 0x8100
		}
		if !had {
			c.flow[flow.WVLAN] >>= 32
		}
		c.flow.SetVlanTPID0(tpid)
		c.flow.SetVlanTCI(vid | pcp | flow.VLANPresent)
		return
	}
	if had {
		c.flow[flow.WVLAN] <<= 32
	}
}

func (b *Bundle) qinq() uint16 {
	if b.QinQ == 0 {
		return 0x88a8
	}
	return b.QinQ
}

// active is the port that a bundle of several sends by: the first that has link, as active-backup does.
func (b *Bundle) active() *Port {
	for _, p := range b.Ports {
		if p.LinkUp && p.Config&openflow.PortDown == 0 {
			return p
		}
	}
	return nil
}

// isReserved says whether a bridge must not forward the address: those of IEEE 802.1D-2004 table 7-10, and those of protocols
// of vendors (CDP and its kin, uplink fast, PVST+, STP uplink fast, ISL, and Extreme's EDP, loop detection and EAPS).
func isReserved(mac uint64) bool {
	if mac&^0xf == 0x0180c2000000 {
		return true
	}
	switch mac {
	case 0x01000cccccc0, 0x01000ccccccc, 0x01000ccccccd, 0x01000ccdcdcd, 0x01000c000000, 0x00e02b000000, 0x00e02b000004, 0x00e02b000006:
		return true
	}
	return false
}

// isGratuitousARP says whether a host announces itself.
func (c *Ctx) isGratuitousARP() bool {
	k := &c.flow
	if k.EthType() != 0x0806 || k.EthDst() != 0xffffffffffff {
		return false
	}
	c.wc.SetExact(flow.FieldNwProto)
	switch k.NwProto() {
	case 2:
		return true
	case 1:
		c.wc[flow.WIPv4] = ^uint64(0)
		return k.NwSrc() == k.NwDst()
	}
	return false
}

// learnMAC learns the source address, or arranges that packets of the flow keep it alive.
func (c *Ctx) learnMAC(vlan uint16, from *Bundle) {
	mac := c.flow.EthSrc()
	if from.State == nil || mac>>40&1 != 0 || c.bridge.FloodVLANs[vlan] {
		return
	}
	t := c.bridge.State.MAC
	if c.in.Learn {
		if c.tr != nil && !t.Known(vlan, mac, from.State) {
			c.detail("learned that %s is on port %s in VLAN %d", flow.AppendEth(nil, mac), from.Name, vlan)
		}
		t.Learn(vlan, mac, from.State, c.in.Now)
	}
	// A sender of many flows is refreshed by one and the same effect.
	p := &c.refresh[t.hash(vlan, mac)%refreshed]
	if m := (macRefresh{t, from.State, mac, vlan}); *p == nil || (*p).(macRefresh) != m {
		*p = m
	}
	c.effects = append(c.effects, *p)
}
