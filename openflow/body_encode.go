package openflow

import "fmt"

// body writes a message's body.
func (w *writer) body(b Body) error {
	switch b := b.(type) {
	case *Hello:
		if b.Versions != 0 {
			w.u16(1)
			w.u16(8)
			w.u32(uint32(b.Versions))
		}
	case *ErrorMsg:
		if b.Code == ErrUnknown {
			w.u16(b.Type)
			w.u16(b.Num)
		} else {
			w.b = b.Code.wire(w.b, w.v)
		}
		w.bytes(b.Data)
	case *EchoRequest:
		w.bytes(b.Data)
	case *EchoReply:
		w.bytes(b.Data)
	case *FeaturesRequest, *GetConfigRequest, *BarrierRequest, *BarrierReply, *GetAsyncRequest, *FlowAge,
		*FlowMonitorPaused, *FlowMonitorResumed:
	case *FeaturesReply:
		w.featuresReply(b)
	case *GetConfigReply:
		w.config(b.Config)
	case *SetConfig:
		w.config(b.Config)
	case *RoleRequest:
		w.role(b.NX, b.Role, b.Generation)
	case *RoleReply:
		gen := b.Generation
		if !b.HasGeneration {
			gen = ^uint64(0)
		}
		w.role(b.NX, b.Role, gen)
	case *RoleStatus:
		w.u32(uint32(b.Role))
		w.u8(b.Reason)
		w.zero(3)
		w.u64(b.Generation)
	case *GetAsyncReply:
		w.async(&b.Config, w.v >= OF14, 0xff, 0xff)
	case *SetAsync:
		w.async(&b.Config, w.v >= OF14 && !b.NX || b.Props, b.HasMaster, b.HasSlave)
	case *SetFlowFormat:
		f := uint32(0)
		if b.NXM {
			f = 2
		}
		w.u32(f)
	case *FlowModTableID:
		if b.Set {
			w.u8(1)
		} else {
			w.u8(0)
		}
		w.zero(7)
	case *SetPacketInFormat:
		w.u32(uint32(b.Format))
	case *SetControllerID:
		w.zero(6)
		w.u16(b.ID)
	case *PacketIn:
		w.packetIn(b)
	case *Resume:
		w.packetIn2(&b.PacketIn)
	case *PacketOut:
		w.packetOut(b)
	case *FlowRemoved:
		w.flowRemoved(b)
	case *PortStatus:
		w.u8(uint8(b.Reason))
		w.zero(7)
		w.portDesc(&b.Desc)
	case *FlowMod:
		w.flowMod(b)
	case *PortMod:
		w.portMod(b)
	case *TableMod:
		w.u8(b.Table)
		w.zero(3)
		w.u32(uint32(b.Config))
	case *GroupMod:
		return w.groupMod(b)
	case *MeterMod:
		w.u16(uint16(b.Command))
		w.u16(uint16(b.Meter.Flags))
		w.u32(b.Meter.ID)
		w.bands(b.Meter.Bands)
	case *BundleCtrl:
		w.u32(b.ID)
		w.u16(uint16(b.Type))
		w.u16(uint16(b.Flags))
	case *BundleAdd:
		w.u32(b.ID)
		w.zero(2)
		w.u16(uint16(b.Flags))
		x, err := Append(nil, b.Msg, w.o)
		if err != nil {
			return err
		}
		w.bytes(x)
	case *FlowMonitorCancel:
		w.u32(b.ID)
	default:
		return w.stats(b)
	}
	return nil
}

func (w *writer) featuresReply(m *FeaturesReply) {
	w.u64(m.DatapathID)
	w.u32(m.NBuffers)
	w.u8(m.NTables)
	if w.v >= OF13 {
		w.u8(m.AuxiliaryID)
	} else {
		w.zero(1)
	}
	w.zero(2)
	known := CapFlowStats | CapTableStats | CapPortStats | CapIPReasm | CapQueueStats
	switch {
	case w.v == OF10:
		known |= CapSTP | CapARPMatchIP
	case w.v == OF11:
		known |= CapGroupStats | CapARPMatchIP
	case w.v < OF14:
		known |= CapGroupStats | CapPortBlocked
	default:
		known |= CapGroupStats | CapPortBlocked | CapBundles | CapFlowMon
	}
	c := uint32(m.Capabilities & known)
	if w.v != OF10 && m.Capabilities&CapGroupStats != 0 { // 1.0 has spanning tree there
		c = c&^uint32(CapGroupStats) | uint32(CapSTP)
	}
	w.u32(c)
	if w.v == OF10 {
		w.u32(m.Actions)
	} else {
		w.u32(0)
	}
	if w.v > OF12 {
		return
	}
	for i := range m.Ports {
		// A reply that does not fit is cut; the port description statistics have all the ports.
		n := 64
		if w.v == OF10 {
			n = 48
		}
		if len(w.b)-w.at+n > 0xffff {
			break
		}
		w.portDesc(&m.Ports[i])
	}
}

func (w *writer) config(c SwitchConfig) {
	f := uint16(c.Frag)
	if c.InvalidTTL && (w.v == OF11 || w.v == OF12) {
		f |= 4
	}
	w.u16(f)
	w.u16(c.MissSendLen)
}

func (w *writer) role(isNX bool, r Role, gen uint64) {
	if isNX {
		w.u32(uint32(max(r, RoleEqual) - RoleEqual))
		return
	}
	w.u32(uint32(r))
	w.zero(4)
	w.u64(gen)
}

func (w *writer) async(c *AsyncConfig, props bool, master, slave uint8) {
	if !props {
		for _, t := range []AsyncType{AsyncPacketIn, AsyncPortStatus, AsyncFlowRemoved} {
			w.u32(c.Master[t])
			w.u32(c.Slave[t])
		}
		return
	}
	for t := range NumAsync {
		if slave&(1<<t) != 0 {
			w.prop(2*uint16(t), func() { w.u32(c.Slave[t]) })
		}
		if master&(1<<t) != 0 {
			w.prop(2*uint16(t)+1, func() { w.u32(c.Master[t]) })
		}
	}
}

// portDesc writes a port description.
func (e *enc) portDesc(p *PortDesc) {
	if e.v == OF10 {
		e.u16(uint16(p.Port))
		e.bytes(p.HWAddr[:])
		e.str(p.Name, 16)
		e.u32(uint32(p.Config))
		e.u32(uint32(p.State & (PortLinkDown | PortSTPMask)))
		for _, f := range []PortFeatures{p.Curr, p.Advertised, p.Supported, p.Peer} {
			e.u32(f.bits10())
		}
		return
	}
	at := len(e.b)
	e.u32(p.Port.Wire32())
	if e.v >= OF14 {
		e.zero(2) // length
		e.zero(2)
	} else {
		e.zero(4)
	}
	e.bytes(p.HWAddr[:])
	e.zero(2)
	e.str(p.Name, 16)
	e.u32(uint32(p.Config & (PortDown | PortNoRecv | PortNoFwd | PortNoPktIn)))
	e.u32(uint32(p.State & (PortLinkDown | PortBlocked | PortLive)))
	if e.v >= OF14 {
		e.prop(0, func() { e.zero(4); e.portFeatures(p) })
		e.put16(at+4, len(e.b)-at)
		return
	}
	e.portFeatures(p)
}

func (e *enc) portFeatures(p *PortDesc) {
	for _, f := range []PortFeatures{p.Curr, p.Advertised, p.Supported, p.Peer} {
		e.u32(uint32(f))
	}
	e.u32(p.CurrSpeed)
	e.u32(p.MaxSpeed)
}

// reason is the packet_in reason as the version knows it.
func (e *enc) reason(r PacketInReason) uint8 {
	switch r {
	case ReasonActionSet, ReasonGroup, ReasonPacketOut:
		if e.v < OF14 {
			return uint8(ReasonAction)
		}
	case ReasonExplicitMiss, ReasonImplicitMiss:
		return uint8(ReasonNoMatch)
	}
	return uint8(r)
}

func (w *writer) packetIn(m *PacketIn) {
	switch m.Format {
	case PacketInNXT2:
		w.packetIn2(m)
		return
	case PacketInNXT:
		w.u32(m.BufferID)
		w.u16(uint16(min(m.TotalLen, 0xffff)))
		w.u8(w.reason(m.Reason))
		w.u8(m.Table)
		w.u64(m.Cookie)
		at := len(w.b)
		w.zero(8)
		w.nxMatch(&m.Metadata, 0, 0, at)
		w.zero(2)
		w.bytes(m.Packet)
		return
	}
	in, _ := PortFromWire32(m.Metadata.Key.InPort())
	w.u32(m.BufferID)
	switch {
	case w.v == OF10:
		w.u16(uint16(min(m.TotalLen, 0xffff)))
		w.u16(uint16(in))
		w.u8(w.reason(m.Reason))
		w.zero(1)
	case w.v == OF11:
		w.u32(in.Wire32())
		w.u32(in.Wire32())
		w.u16(uint16(min(m.TotalLen, 0xffff)))
		w.u8(w.reason(m.Reason))
		w.u8(m.Table)
	default:
		w.u16(uint16(min(m.TotalLen, 0xffff)))
		w.u8(w.reason(m.Reason))
		w.u8(m.Table)
		if w.v >= OF13 {
			w.u64(m.Cookie)
		}
		w.match(&m.Metadata)
		w.zero(2)
	}
	w.bytes(m.Packet)
}

func (w *writer) packetIn2(m *PacketIn) {
	w.prop(pinPacket, func() { w.bytes(m.Packet) })
	if int(m.TotalLen) != len(m.Packet) {
		w.prop(pinFullLen, func() { w.u32(m.TotalLen) })
	}
	if m.BufferID != NoBuffer {
		w.prop(pinBufferID, func() { w.u32(m.BufferID) })
	}
	if m.Table != 0 {
		w.prop(pinTableID, func() { w.u8(m.Table) })
	}
	if m.Cookie != ^uint64(0) {
		w.prop(pinCookie, func() { w.zero(4); w.u64(m.Cookie) })
	}
	w.prop(pinReason, func() { w.u8(w.reason(m.Reason)) })
	w.prop(pinMetadata, func() {
		w.zero(4)
		w.oxmFields(&m.Metadata, 0, 0)
	})
	if len(m.Userdata) > 0 {
		w.prop(pinUserdata, func() { w.bytes(m.Userdata) })
	}
	if m.Continuation != nil {
		w.prop(pinContinuation, func() { w.zero(4); w.bytes(m.Continuation) })
	}
}

func (w *writer) packetOut(m *PacketOut) {
	w.u32(m.BufferID)
	var at int
	switch {
	case w.v >= OF15:
		at = len(w.b)
		w.zero(4)
		md := m.Metadata
		setInPort(&md, m.InPort)
		w.match(&md)
	case w.v == OF10:
		w.u16(uint16(m.InPort))
		at = len(w.b)
		w.zero(2)
	default:
		w.u32(m.InPort.Wire32())
		at = len(w.b)
		w.zero(8)
	}
	start := len(w.b)
	w.actions(m.Actions)
	w.put16(at, len(w.b)-start)
	w.bytes(m.Packet)
}

func (w *writer) flowRemoved(m *FlowRemoved) {
	head := func() {
		w.u64(m.Cookie)
		w.u16(m.Priority)
		w.u8(w.removedReason(m.Reason))
	}
	switch {
	case m.NX:
		head()
		w.u8(m.Table + 1)
		w.u32(m.DurationSec)
		w.u32(m.DurationNsec)
		w.u16(m.IdleTimeout)
		at := len(w.b)
		w.zero(2)
		w.u64(m.Packets)
		w.u64(m.Bytes)
		w.nxMatch(&m.Match, 0, 0, at)
	case w.v == OF10:
		w.match10(&m.Match)
		head()
		w.zero(1)
		w.u32(m.DurationSec)
		w.u32(m.DurationNsec)
		w.u16(m.IdleTimeout)
		w.zero(2)
		w.u64(m.Packets)
		w.u64(m.Bytes)
	case w.v >= OF15:
		w.u8(m.Table)
		w.u8(w.removedReason(m.Reason))
		w.u16(m.Priority)
		w.u16(m.IdleTimeout)
		w.u16(m.HardTimeout)
		w.u64(m.Cookie)
		w.match(&m.Match)
		w.oxs(&FlowStats{DurationSec: m.DurationSec, DurationNsec: m.DurationNsec, Packets: m.Packets, Bytes: m.Bytes, IdleAge: -1}, nil)
	default:
		head()
		w.u8(m.Table)
		w.u32(m.DurationSec)
		w.u32(m.DurationNsec)
		w.u16(m.IdleTimeout)
		w.u16(m.HardTimeout)
		w.u64(m.Packets)
		w.u64(m.Bytes)
		w.match(&m.Match)
	}
}

// removedReason is the reason as the version knows it.
func (e *enc) removedReason(r FlowRemovedReason) uint8 {
	switch {
	case r == RemovedMeterDelete && e.v < OF14, r == RemovedEviction && e.v < OF14, r == RemovedGroupDelete && e.v == OF10:
		return uint8(RemovedDelete)
	}
	return uint8(r)
}

func (w *writer) portMod(m *PortMod) {
	w.port(m.Port)
	if w.v != OF10 {
		w.zero(4)
	}
	w.bytes(m.HWAddr[:])
	known := ^PortConfig(0)
	if w.v != OF10 {
		w.zero(2)
		known = PortDown | PortNoRecv | PortNoFwd | PortNoPktIn
	}
	w.u32(uint32(m.Config & known))
	w.u32(uint32(m.Mask & known))
	switch {
	case w.v == OF10:
		w.u32(m.Advertise.bits10())
		w.zero(4)
	case w.v < OF14:
		w.u32(uint32(m.Advertise))
		w.zero(4)
	case m.Advertise != 0:
		w.prop(0, func() { w.u32(uint32(m.Advertise)) })
	}
}

// errNo says that a version lacks something that a body asks for.
func (w *writer) errNo(what string) error { return fmt.Errorf("%s has no %s", w.v, what) }
