package openflow

import (
	"govs/flow"
)

// body reads the body of a message of kind k.
func (d *dec) body(k kind, o Options) (Body, error) {
	switch k {
	case kHello:
		return d.hello(), nil
	case kError:
		m, err := decodeError(d.v, d.b)
		d.b = nil
		if err != nil {
			return nil, err
		}
		return m, nil
	case kEchoRequest:
		return &EchoRequest{d.rest()}, nil
	case kEchoReply:
		return &EchoReply{d.rest()}, nil
	case kFeaturesRequest:
		return &FeaturesRequest{}, nil
	case kFeaturesReply:
		return d.featuresReply()
	case kGetConfigRequest:
		return &GetConfigRequest{}, nil
	case kGetConfigReply:
		c, _ := d.config()
		return &GetConfigReply{c}, nil
	case kSetConfig:
		c, err := d.config()
		return &SetConfig{c}, err
	case kBarrierRequest:
		return &BarrierRequest{}, nil
	case kBarrierReply:
		return &BarrierReply{}, nil
	case kRoleRequest, kRoleReply, kNXRoleRequest, kNXRoleReply:
		return d.role(k)
	case kGetAsyncRequest:
		return &GetAsyncRequest{}, nil
	case kGetAsyncReply:
		a, r := &SetAsync{}, &GetAsyncReply{}
		return r, d.async(a, d.v >= OF14, &r.Config)
	case kSetAsync:
		a := &SetAsync{}
		return a, d.async(a, d.v >= OF14, &a.Config)
	case kNXSetAsync:
		a := &SetAsync{NX: true}
		return a, d.async(a, false, &a.Config)
	case kNXSetAsync2:
		a := &SetAsync{NX: true, Props: true}
		return a, d.async(a, true, &a.Config)
	case kNXSetFlowFormat:
		f := d.u32()
		if f != 0 && f != 2 {
			return nil, OFPBRC_EPERM
		}
		return &SetFlowFormat{f == 2}, nil
	case kNXFlowModTableID:
		m := &FlowModTableID{d.u8() != 0}
		d.skip(7)
		return m, nil
	case kNXSetPacketInFormat:
		f := d.u32()
		if f > uint32(PacketInNXT2) {
			return nil, errf(OFPBRC_EPERM, "NXT_SET_PACKET_IN_FORMAT message specified invalid packet-in format %d", f)
		}
		return &SetPacketInFormat{PacketInFormat(f)}, nil
	case kNXFlowAge:
		return &FlowAge{}, nil
	case kNXSetControllerID:
		if !d.allZero(6) {
			return nil, NXBRC_MUST_BE_ZERO
		}
		return &SetControllerID{d.u16()}, nil
	case kRoleStatus:
		m := &RoleStatus{}
		r := d.u32()
		m.Reason = d.u8()
		d.skip(3)
		m.Generation = d.u64()
		if r > uint32(RoleSlave) {
			return nil, OFPBRC_BAD_TYPE
		}
		m.Role = Role(r)
		d.rest()
		return m, nil

	case kPacketIn:
		return d.packetIn()
	case kNXPacketIn:
		return d.nxPacketIn()
	case kNXPacketIn2:
		p, err := d.packetIn2()
		if err != nil {
			return nil, err
		}
		return p, nil
	case kNXResume:
		p, err := d.packetIn2()
		if err != nil {
			return nil, err
		}
		return &Resume{*p}, nil
	case kPacketOut:
		return d.packetOut()
	case kFlowRemoved, kNXFlowRemoved:
		return d.flowRemoved(k == kNXFlowRemoved)
	case kPortStatus:
		m := &PortStatus{Reason: PortReason(d.u8())}
		d.skip(7)
		if m.Reason > PortModify {
			return nil, NXBRC_BAD_REASON
		}
		var err error
		m.Desc, err = d.portDesc()
		return m, err

	case kFlowMod:
		if d.v == OF10 {
			return d.flowMod10(o)
		}
		return d.flowMod11()
	case kNXFlowMod:
		return d.nxFlowMod(o)
	case kPortMod:
		return d.portMod()
	case kTableMod:
		m := &TableMod{Table: d.u8()}
		d.skip(3)
		m.Config = TableConfig(d.u32())
		return m, nil
	case kGroupMod, kNXGroupMod:
		return d.groupMod(k == kNXGroupMod || d.v >= OF15)
	case kMeterMod:
		return d.meterMod()
	case kBundleCtrl, kONFBundleCtrl:
		m := &BundleCtrl{d.u32(), BundleCtrlType(d.u16()), BundleFlags(d.u16())}
		if k == kBundleCtrl {
			d.rest()
		}
		return m, nil
	case kBundleAdd, kONFBundleAdd:
		return d.bundleAdd(o)
	case kNXFlowMonitorCancel:
		return &FlowMonitorCancel{d.u32()}, nil
	case kNXFlowMonitorPaused:
		return &FlowMonitorPaused{}, nil
	case kNXFlowMonitorResumed:
		return &FlowMonitorResumed{}, nil
	}
	return d.stats(k)
}

// hello reads the elements of a hello; what is not understood is skipped.
func (d *dec) hello() *Hello {
	m := &Hello{}
	for len(d.b) >= 4 {
		typ, n := d.u16(), int(d.u16())
		if n < 4 || n-4 > len(d.b) {
			break
		}
		el := d.sub(n - 4)
		if typ == 1 && len(el.b) >= 4 && m.Versions == 0 {
			m.Versions = Versions(el.u32())
		}
		d.skip(min(-n&7, len(d.b)))
	}
	d.rest()
	d.short = false
	return m
}

func (d *dec) featuresReply() (Body, error) {
	m := &FeaturesReply{DatapathID: d.u64(), NBuffers: d.u32(), NTables: d.u8()}
	m.AuxiliaryID = d.u8()
	d.skip(2)
	m.Capabilities = Capabilities(d.u32())
	m.Actions = d.u32()
	if d.v == OF10 {
		m.AuxiliaryID = 0
	} else {
		m.Actions = 0
		if m.Capabilities &^= CapGroupStats; m.Capabilities&CapSTP != 0 {
			m.Capabilities = m.Capabilities&^CapSTP | CapGroupStats
		}
	}
	if d.v > OF12 {
		return m, nil
	}
	for len(d.b) > 0 {
		p, err := d.portDesc()
		if err != nil {
			return nil, err
		}
		m.Ports = append(m.Ports, p)
	}
	return m, nil
}

func (d *dec) config() (SwitchConfig, error) {
	f := d.u16()
	c := SwitchConfig{Frag: FragMode(f & 3), MissSendLen: d.u16()}
	if d.v == OF11 || d.v == OF12 {
		c.HasInvalid, c.InvalidTTL = true, f&4 != 0
		f &^= 4
	}
	if f > 3 {
		return c, OFPSCFC_BAD_FLAGS
	}
	return c, nil
}

func (d *dec) role(k kind) (Body, error) {
	var r Role
	hasGen := false
	gen := uint64(0)
	if k == kNXRoleRequest || k == kNXRoleReply {
		n := d.u32()
		if n > 2 {
			return nil, OFPRRFC_BAD_ROLE
		}
		r = Role(n + 1)
	} else {
		n := d.u32()
		d.skip(4)
		gen = d.u64()
		if n > uint32(RoleSlave) {
			return nil, OFPRRFC_BAD_ROLE
		}
		r = Role(n)
		hasGen = k == kRoleReply && gen != ^uint64(0) || k == kRoleRequest && (r == RoleMaster || r == RoleSlave)
	}
	switch k {
	case kNXRoleRequest:
		return &RoleRequest{true, r, false, 0}, nil
	case kRoleRequest:
		return &RoleRequest{false, r, hasGen, gen}, nil
	}
	return &RoleReply{k == kNXRoleReply, r, hasGen, gen}, nil
}

// async reads the masks of 1.3's and Nicira's set_async, or the properties of 1.4's, and notes in a which were there.
func (d *dec) async(a *SetAsync, props bool, c *AsyncConfig) error {
	if !props {
		for _, t := range []AsyncType{AsyncPacketIn, AsyncPortStatus, AsyncFlowRemoved} {
			c.Master[t], c.Slave[t] = d.u32(), d.u32()
		}
		a.HasMaster, a.HasSlave = 7, 7
		return nil
	}
	for len(d.b) > 0 {
		typ, p, err := d.prop()
		switch {
		case err != nil:
			return err
		case typ >= 0xfffe && len(p.b) < 8:
			return OFPBPC_BAD_LEN
		case typ >= 0xfffe:
			return OFPBPC_BAD_EXPERIMENTER
		case typ >= 2*uint16(NumAsync):
			return OFPACFC_UNSUPPORTED
		}
		t, m := typ/2, p.u32()
		if p.done() != nil {
			return OFPBPC_BAD_LEN
		}
		// Even properties are a slave's.
		if typ%2 == 0 {
			c.Slave[t] = m
			a.HasSlave |= 1 << t
		} else {
			c.Master[t] = m
			a.HasMaster |= 1 << t
		}
	}
	return nil
}

// Configuration bits that 1.0 and later versions know.
const (
	config11 = PortDown | PortNoRecv | PortNoFwd | PortNoPktIn
	config10 = config11 | PortNoSTP | PortNoRecvSTP | PortNoFlood
)

// portDesc reads a port description.
func (d *dec) portDesc() (PortDesc, error) {
	var p PortDesc
	var err error
	if p.Port, err = d.port(); err != nil {
		return p, err
	}
	switch {
	case d.v == OF10:
		copy(p.HWAddr[:], d.take(6))
		p.Name = d.str(16)
		p.Config = PortConfig(d.u32()) & config10
		p.State = PortState(d.u32()) & (PortLinkDown | PortSTPMask)
		for _, f := range []*PortFeatures{&p.Curr, &p.Advertised, &p.Supported, &p.Peer} {
			*f = features10(d.u32())
		}
		p.CurrSpeed, p.MaxSpeed = p.Curr.Speed(), p.Supported.Speed()
		return p, d.lenErr()
	case d.v >= OF14:
		n := int(d.u16())
		d.skip(2)
		if n < 40 || n-8 > len(d.b) {
			return p, OFPBRC_BAD_LEN
		}
		d2 := d.sub(n - 8)
		copy(p.HWAddr[:], d2.take(6))
		d2.skip(2)
		p.Name = d2.str(16)
		p.Config, p.State = PortConfig(d2.u32())&config11, PortState(d2.u32())&(PortLinkDown|PortBlocked|PortLive)
		for len(d2.b) > 0 {
			typ, x, err := d2.prop()
			if err != nil {
				return p, err
			}
			if typ != 0 { // not Ethernet
				continue
			}
			x.skip(4)
			x.portFeatures(&p)
		}
		return p, d2.lenErr()
	}
	d.skip(4)
	copy(p.HWAddr[:], d.take(6))
	d.skip(2)
	p.Name = d.str(16)
	p.Config, p.State = PortConfig(d.u32())&config11, PortState(d.u32())&(PortLinkDown|PortBlocked|PortLive)
	d.portFeatures(&p)
	return p, d.lenErr()
}

func (d *dec) portFeatures(p *PortDesc) {
	for _, f := range []*PortFeatures{&p.Curr, &p.Advertised, &p.Supported, &p.Peer} {
		*f = PortFeatures(d.u32() & 0xffff)
	}
	p.CurrSpeed, p.MaxSpeed = d.u32(), d.u32()
}

func (d *dec) lenErr() error {
	if d.short {
		return OFPBRC_BAD_LEN
	}
	return nil
}

// features10 converts OpenFlow 1.0's feature bits, which lack the speeds above 10 Gb/s.
func features10(n uint32) PortFeatures { return PortFeatures(n&0x7f | n>>7&0x1f<<11) }

// bits10 is the inverse of features10.
func (f PortFeatures) bits10() uint32 { return uint32(f&0x7f) | uint32(f>>11&0x1f)<<7 }

// Speed is the highest speed among the modes, in kbit/s; 0 if there is none.
func (f PortFeatures) Speed() uint32 {
	for _, s := range []struct {
		bits  PortFeatures
		speed uint32
	}{
		{Feat1TbFD, 1000000000}, {Feat100GbFD, 100000000}, {Feat40GbFD, 40000000}, {Feat10GbFD, 10000000},
		{Feat1GbFD | Feat1GbHD, 1000000}, {Feat100MbFD | Feat100MbHD, 100000}, {Feat10MbFD | Feat10MbHD, 10000},
	} {
		if f&s.bits != 0 {
			return s.speed
		}
	}
	return 0
}

// match reads the match of 1.2 and later, with its padding.
func (d *dec) match(m *flow.Match, loose bool) error {
	if d.v == OF11 {
		return d.match11(m)
	}
	if d.short || len(d.b) < 4 {
		return OFPBMC_BAD_LEN
	}
	typ, n := d.u16(), int(d.u16())
	switch typ {
	case 1:
	case 0: // 1.1's form
		return OFPBMC_BAD_LEN
	default:
		return OFPBMC_BAD_TYPE
	}
	if n < 4 || n-4 > len(d.b) {
		return OFPBMC_BAD_LEN
	}
	f := d.sub(n - 4)
	pad := -n & 7
	if pad > len(d.b) {
		return OFPBMC_BAD_LEN
	}
	d.skip(pad)
	return f.oxmFields(m, nil, loose)
}

// nxMatch reads a Nicira match of n bytes and its padding.
func (d *dec) nxMatch(n int, m *flow.Match, c *nxmCookieMatch, loose bool) error {
	if n+(-n&7) > len(d.b) {
		return OFPBMC_BAD_LEN
	}
	f := d.sub(n)
	d.skip(-n & 7)
	return f.oxmFields(m, c, loose)
}

func (d *dec) packetIn() (Body, error) {
	m := &PacketIn{BufferID: d.u32()}
	var err error
	switch d.v {
	case OF10:
		m.TotalLen = uint32(d.u16())
		setInPort(&m.Metadata, Port(d.u16()))
		m.Reason = PacketInReason(d.u8())
		d.skip(1)
	case OF11:
		var p Port
		p, err = d.port()
		d.skip(4)
		setInPort(&m.Metadata, p)
		m.TotalLen = uint32(d.u16())
		m.Reason, m.Table = PacketInReason(d.u8()), d.u8()
	default:
		m.TotalLen = uint32(d.u16())
		m.Reason, m.Table = PacketInReason(d.u8()), d.u8()
		if d.v >= OF13 {
			m.Cookie = d.u64()
		}
		err = d.match(&m.Metadata, true)
		d.skip(2)
	}
	if d.v < OF13 {
		m.Cookie = ^uint64(0)
	}
	m.Packet = d.rest()
	return m, err
}

func setInPort(m *flow.Match, p Port) { m.SetExact(flow.FieldInPort, flow.U(uint64(p.Wire32()))) }

func (d *dec) nxPacketIn() (Body, error) {
	m := &PacketIn{Format: PacketInNXT, BufferID: d.u32(), TotalLen: uint32(d.u16()), Reason: PacketInReason(d.u8()), Table: d.u8(), Cookie: d.u64()}
	n := int(d.u16())
	d.skip(6)
	err := d.nxMatch(n, &m.Metadata, nil, true)
	d.skip(2)
	m.Packet = d.rest()
	return m, err
}

// Properties of NXT_PACKET_IN2.
const (
	pinPacket = iota
	pinFullLen
	pinBufferID
	pinTableID
	pinCookie
	pinReason
	pinMetadata
	pinUserdata
	pinContinuation
)

func (d *dec) packetIn2() (*PacketIn, error) {
	m := &PacketIn{Format: PacketInNXT2, BufferID: NoBuffer, Cookie: ^uint64(0)}
	full := false
	for len(d.b) > 0 {
		typ, p, err := d.prop()
		if err != nil {
			return nil, err
		}
		switch typ {
		case pinPacket:
			m.Packet = p.rest()
		case pinFullLen:
			m.TotalLen, full = p.u32(), true
		case pinBufferID:
			m.BufferID = p.u32()
		case pinTableID:
			m.Table = p.u8()
		case pinCookie:
			p.skip(4)
			m.Cookie = p.u64()
		case pinReason:
			m.Reason = PacketInReason(p.u8())
		case pinMetadata:
			p.skip(4)
			if err := p.oxmFields(&m.Metadata, nil, true); err != nil {
				return nil, err
			}
		case pinUserdata:
			m.Userdata = p.rest()
		case pinContinuation:
			p.skip(4)
			m.Continuation = p.rest()
		default:
			return nil, OFPBPC_BAD_TYPE
		}
		if p.done() != nil {
			return nil, OFPBPC_BAD_LEN
		}
	}
	if !full {
		m.TotalLen = uint32(len(m.Packet))
	}
	return m, nil
}

func (d *dec) packetOut() (Body, error) {
	m := &PacketOut{BufferID: d.u32()}
	if d.v >= OF15 {
		n := int(d.u16())
		d.skip(2)
		if err := d.match(&m.Metadata, false); err != nil {
			return nil, err
		}
		p, _ := PortFromWire32(uint32(m.Metadata.Key.Get(flow.FieldInPort).Lo))
		m.InPort = p
		return m, d.packetOutRest(m, n)
	}
	p, err := d.port()
	if err != nil {
		return nil, err
	}
	n := int(d.u16())
	if d.v != OF10 {
		d.skip(6)
	}
	m.InPort = p
	setInPort(&m.Metadata, p)
	return m, d.packetOutRest(m, n)
}

func (d *dec) packetOutRest(m *PacketOut, n int) error {
	if m.InPort >= PortMax && m.InPort != PortLocal && m.InPort != PortNone && m.InPort != PortController {
		return errf(OFPBRC_BAD_PORT, "packet-out has bad input port %#x", uint16(m.InPort))
	}
	if n > len(d.b) {
		return errf(OFPBRC_BAD_LEN, "OpenFlow message actions length %d exceeds the %d bytes left", n, len(d.b))
	}
	var err error
	if m.Actions, err = d.sub(n).actions(0); err != nil {
		return err
	}
	m.Packet = d.rest()
	return nil
}

func (d *dec) flowRemoved(isNX bool) (Body, error) {
	m := &FlowRemoved{NX: isNX}
	var err error
	switch {
	case isNX:
		m.Cookie, m.Priority, m.Reason = d.u64(), d.u16(), FlowRemovedReason(d.u8())
		m.Table = d.u8() - 1
		m.DurationSec, m.DurationNsec, m.IdleTimeout = d.u32(), d.u32(), d.u16()
		n := int(d.u16())
		m.Packets, m.Bytes = d.u64(), d.u64()
		err = d.nxMatch(n, &m.Match, nil, false)
	case d.v == OF10:
		d.match10(&m.Match)
		m.Cookie, m.Priority, m.Reason = d.u64(), d.u16(), FlowRemovedReason(d.u8())
		d.skip(1)
		m.Table = TableAll
		m.DurationSec, m.DurationNsec, m.IdleTimeout = d.u32(), d.u32(), d.u16()
		d.skip(2)
		m.Packets, m.Bytes = d.u64(), d.u64()
	case d.v >= OF15:
		m.Table, m.Reason, m.Priority, m.IdleTimeout, m.HardTimeout, m.Cookie = d.u8(), FlowRemovedReason(d.u8()), d.u16(), d.u16(), d.u16(), d.u64()
		if err = d.match(&m.Match, false); err == nil {
			var s FlowStats
			_, err = d.oxs(&s)
			m.DurationSec, m.DurationNsec, m.Packets, m.Bytes = s.DurationSec, s.DurationNsec, s.Packets, s.Bytes
		}
	default:
		m.Cookie, m.Priority, m.Reason, m.Table = d.u64(), d.u16(), FlowRemovedReason(d.u8()), d.u8()
		m.DurationSec, m.DurationNsec, m.IdleTimeout, m.HardTimeout = d.u32(), d.u32(), d.u16(), d.u16()
		m.Packets, m.Bytes = d.u64(), d.u64()
		err = d.match(&m.Match, false)
	}
	return m, err
}

func (d *dec) portMod() (Body, error) {
	p, err := d.port()
	if err != nil {
		return nil, err
	}
	m := &PortMod{Port: p}
	if d.v != OF10 {
		d.skip(4)
	}
	copy(m.HWAddr[:], d.take(6))
	if d.v != OF10 {
		d.skip(2)
	}
	m.Config, m.Mask = PortConfig(d.u32()), PortConfig(d.u32())
	switch {
	case d.v == OF10:
		m.Advertise = features10(d.u32())
		d.skip(4)
	case d.v < OF14:
		m.Advertise = PortFeatures(d.u32())
		d.skip(4)
	default:
		for len(d.b) > 0 {
			typ, x, err := d.prop()
			if err != nil {
				return nil, err
			}
			if typ != 0 {
				return nil, OFPBPC_BAD_TYPE
			}
			m.Advertise = PortFeatures(x.u32())
		}
	}
	config := config11
	if d.v == OF10 {
		config = config10
	}
	m.Mask &= config
	m.Config &= m.Mask
	return m, nil
}

func (d *dec) bundleAdd(o Options) (Body, error) {
	m := &BundleAdd{ID: d.u32()}
	d.skip(2)
	m.Flags = BundleFlags(d.u16())
	if len(d.b) < HeaderLen {
		return nil, OFPBFC_MSG_BAD_LEN
	}
	n := int(d.b[2])<<8 | int(d.b[3])
	if n < HeaderLen || n > len(d.b) {
		return nil, OFPBFC_MSG_BAD_LEN
	}
	raw := d.take(n)
	d.rest() // properties
	if raw[0] != uint8(d.v) {
		return nil, OFPBFC_BAD_VERSION
	}
	// A bundle in a bundle would recurse without bound.
	if i := raw[1]; int32(i) == msgTable[kBundleAdd].num[d.v-1] || i == typeVendor && len(raw) >= 16 && raw[14] == 0x08 && raw[15] == 0xfd {
		return nil, OFPBFC_MSG_UNSUP
	}
	x, err := Decode(raw, o)
	if err != nil {
		return nil, err
	}
	switch x.Body.(type) {
	case *FlowMod, *PortMod, *GroupMod, *PacketOut:
	default:
		return nil, OFPBFC_MSG_UNSUP
	}
	m.Msg = x
	return m, nil
}
