package openflow

// stats reads the body of a multipart message or of queue_get_config.
func (d *dec) stats(k kind) (Body, error) {
	switch k {
	case kDescRequest:
		return &DescRequest{}, nil
	case kDescReply:
		return &DescReply{d.str(256), d.str(256), d.str(256), d.str(32), d.str(256)}, nil
	case kFlowRequest, kAggregateRequest, kNXFlowRequest, kNXAggregateRequest:
		return d.flowStatsRequest(k)
	case kFlowReply, kNXFlowReply:
		m := &FlowStatsReply{NX: k == kNXFlowReply}
		return m, d.each(func() error {
			f, err := d.flowStats(m.NX)
			m.Flows = append(m.Flows, f)
			return err
		})
	case kAggregateReply, kNXAggregateReply:
		if d.v >= OF15 && k == kAggregateReply {
			var s FlowStats
			n, err := d.oxs(&s)
			return &AggregateReply{Packets: s.Packets, Bytes: s.Bytes, Flows: n}, err
		}
		m := &AggregateReply{NX: k == kNXAggregateReply, Packets: d.u64(), Bytes: d.u64(), Flows: d.u32()}
		d.skip(4)
		return m, nil
	case kTableRequest:
		return &TableStatsRequest{}, nil
	case kTableReply:
		m := &TableStatsReply{}
		return m, d.each(func() error {
			m.Tables = append(m.Tables, d.tableStats())
			return nil
		})
	case kPortRequest:
		p, err := d.port()
		if err != nil {
			return nil, err
		}
		d.skip(map[bool]int{true: 6, false: 4}[d.v == OF10])
		return &PortStatsRequest{p}, nil
	case kPortReply:
		m := &PortStatsReply{}
		return m, d.each(func() error {
			p, err := d.portStats()
			m.Ports = append(m.Ports, p)
			return err
		})
	case kQueueRequest:
		p, err := d.port()
		if err != nil {
			return nil, err
		}
		if d.v == OF10 {
			d.skip(2)
			if p == PortAll {
				p = PortNone
			}
		}
		return &QueueStatsRequest{p, d.u32()}, nil
	case kQueueReply:
		m := &QueueStatsReply{}
		return m, d.each(func() error {
			q, err := d.queueStats()
			m.Queues = append(m.Queues, q)
			return err
		})
	case kPortDescRequest:
		m := &PortDescRequest{PortNone}
		if d.v >= OF15 {
			p, err := d.port()
			if err != nil {
				return nil, err
			}
			d.skip(4)
			m.Port = p
		}
		return m, nil
	case kPortDescReply:
		m := &PortDescReply{}
		return m, d.each(func() error {
			p, err := d.portDesc()
			m.Ports = append(m.Ports, p)
			return err
		})
	case kTableFeaturesRequest:
		m := &TableFeaturesRequest{Set: len(d.b) > 0}
		return m, d.each(func() error {
			t, err := d.tableFeatures()
			m.Tables = append(m.Tables, t)
			return err
		})
	case kTableFeaturesReply:
		m := &TableFeaturesReply{}
		return m, d.each(func() error {
			t, err := d.tableFeatures()
			m.Tables = append(m.Tables, t)
			return err
		})
	case kTableDescRequest:
		return &TableDescRequest{}, nil
	case kTableDescReply:
		m := &TableDescReply{}
		return m, d.each(func() error {
			n := int(d.u16())
			if n < 8 || n-2 > len(d.b) {
				return OFPBRC_BAD_LEN
			}
			t := d.sub(n - 2)
			x := TableDesc{Table: t.u8()}
			t.skip(1)
			x.Config = TableConfig(t.u32())
			m.Tables = append(m.Tables, x)
			return nil
		})
	case kQueueGetConfigRequest:
		p, err := d.port()
		if err != nil {
			return nil, err
		}
		d.skip(map[bool]int{true: 2, false: 4}[d.v == OF10])
		return &QueueGetConfigRequest{p, QueueAll}, nil
	case kQueueDescRequest:
		p, err := d.port()
		if err != nil {
			return nil, err
		}
		return &QueueGetConfigRequest{p, d.u32()}, nil
	case kQueueDescReply:
		return d.queueDescs()
	case kQueueGetConfigReply:
		return d.queueConfigs()
	case kNXFlowMonitorRequest:
		m := &FlowMonitorRequest{}
		return m, d.each(func() error {
			f := FlowMonitor{ID: d.u32(), Flags: MonitorFlags(d.u16()), OutPort: Port(d.u16()), OutGroup: GroupAny}
			n := int(d.u16())
			f.Table = d.u8()
			if !d.allZero(5) {
				return NXBRC_MUST_BE_ZERO
			}
			if f.Flags&(MonitorInitial|MonitorAdd|MonitorDelete|MonitorModify) == 0 || f.Flags >= MonitorOwn<<1 {
				return OFPMOFC_BAD_FLAGS
			}
			err := d.nxMatch(n, &f.Match, nil, false)
			m.Monitors = append(m.Monitors, f)
			return err
		})
	case kNXFlowMonitorReply:
		m := &FlowMonitorReply{}
		return m, d.each(func() error {
			u, err := d.flowUpdate()
			m.Updates = append(m.Updates, u)
			return err
		})
	}
	return d.groupStats(k)
}

// each calls f until d is empty.
func (d *dec) each(f func() error) error {
	for len(d.b) > 0 {
		if err := f(); err != nil {
			return err
		}
		if d.short {
			return OFPBRC_BAD_LEN
		}
	}
	return nil
}

func (d *dec) flowStatsRequest(k kind) (Body, error) {
	m := &FlowStatsRequest{NX: k == kNXFlowRequest || k == kNXAggregateRequest, Aggregate: k == kAggregateRequest || k == kNXAggregateRequest, OutGroup: GroupAny}
	switch {
	case m.NX:
		m.OutPort = Port(d.u16())
		n := int(d.u16())
		m.Table = d.u8()
		d.skip(3)
		var c nxmCookieMatch
		if err := d.nxMatch(n, &m.Match, &c, false); err != nil {
			return nil, err
		}
		m.Cookie, m.CookieMask = c.cookie, c.mask
	case d.v == OF10:
		d.match10(&m.Match)
		m.Table = d.u8()
		d.skip(1)
		m.OutPort = Port(d.u16())
	default:
		m.Table = d.u8()
		d.skip(3)
		p, err := d.port()
		if err != nil {
			return nil, err
		}
		m.OutPort, m.OutGroup = p, d.u32()
		d.skip(4)
		m.Cookie, m.CookieMask = d.u64(), d.u64()
		return m, d.match(&m.Match, false)
	}
	return m, nil
}

// flowStats reads one flow of a reply.
func (d *dec) flowStats(isNX bool) (f FlowStats, err error) {
	n := int(d.u16())
	if n < 40 || n-2 > len(d.b) {
		return f, OFPBRC_BAD_LEN
	}
	d = d.sub(n - 2)
	f.IdleAge, f.HardAge = -1, -1
	if d.v >= OF15 && !isNX {
		return f, d.flowDesc(&f)
	}
	f.Table = d.u8()
	d.skip(1)
	if d.v == OF10 && !isNX {
		d.match10(&f.Match)
	}
	f.DurationSec, f.DurationNsec, f.Priority, f.IdleTimeout, f.HardTimeout = d.u32(), d.u32(), d.u16(), d.u16(), d.u16()
	switch {
	case isNX:
		ml := int(d.u16())
		f.IdleAge, f.HardAge = int(d.u16())-1, int(d.u16())-1
		f.Cookie, f.Packets, f.Bytes = d.u64(), d.u64(), d.u64()
		if err := d.nxMatch(ml, &f.Match, nil, true); err != nil {
			return f, err
		}
		f.Actions, err = d.actions(0)
	case d.v == OF10:
		d.skip(6)
		f.Cookie, f.Packets, f.Bytes = d.u64(), d.u64(), d.u64()
		f.Actions, err = d.actions(0)
	default:
		flags, imp := d.u16(), d.u16()
		d.skip(2)
		if d.v >= OF13 {
			f.Flags = FlowModFlags(flags)
		}
		if d.v >= OF14 {
			f.Importance = imp
		}
		f.Cookie, f.Packets, f.Bytes = d.u64(), d.u64(), d.u64()
		if err := d.match(&f.Match, true); err != nil {
			return f, err
		}
		f.Actions, err = d.instructions()
	}
	if err == nil {
		err = d.lenErr()
	}
	return f, err
}

func (d *dec) tableStats() TableStats {
	t := TableStats{Table: d.u8()}
	switch d.v {
	case OF10:
		d.skip(3)
		t.Name = d.str(32)
		t.Wildcards, t.MaxEntries, t.Active = d.u32(), d.u32(), d.u32()
	case OF11:
		d.skip(7)
		t.Name = d.str(32)
		t.Wildcards = d.u32()
		d.skip(20)
		t.MaxEntries, t.Active = d.u32(), d.u32()
	case OF12:
		d.skip(7)
		t.Name = d.str(32)
		d.skip(8 + 8 + 4 + 4 + 8*4 + 4 + 4)
		t.MaxEntries, t.Active = d.u32(), d.u32()
	default:
		d.skip(3)
		t.Active = d.u32()
	}
	t.Lookups, t.Matched = d.u64(), d.u64()
	return t
}

func (d *dec) portStats() (p PortStats, err error) {
	end := 0
	if d.v >= OF14 {
		n := int(d.u16())
		d.skip(2)
		if n < 80 || n-4 > len(d.b) {
			return p, OFPBRC_BAD_LEN
		}
		end = len(d.b) - (n - 4)
	}
	if p.Port, err = d.port(); err != nil {
		return p, err
	}
	switch {
	case d.v == OF10:
		d.skip(6)
	case d.v < OF14:
		d.skip(4)
	default:
		p.DurationSec, p.DurationNsec = d.u32(), d.u32()
	}
	for _, c := range p.counters() {
		*c = d.u64()
	}
	p.RxFrameErr, p.RxOverErr, p.RxCRCErr, p.Collisions = Unknown, Unknown, Unknown, Unknown
	switch {
	case d.v < OF14:
		for _, c := range p.ethCounters() {
			*c = d.u64()
		}
		if d.v == OF13 {
			p.DurationSec, p.DurationNsec = d.u32(), d.u32()
		} else {
			p.DurationSec = ^uint32(0)
		}
	default:
		for len(d.b) > end {
			typ, x, err := d.prop()
			if err != nil {
				return p, err
			}
			if typ == 0 {
				x.skip(4)
				for _, c := range p.ethCounters() {
					*c = x.u64()
				}
			}
		}
		if len(d.b) < end {
			return p, OFPBRC_BAD_LEN
		}
	}
	return p, d.lenErr()
}

// counters are the counters that all versions have, in wire order.
func (p *PortStats) counters() []*uint64 {
	return []*uint64{&p.RxPackets, &p.TxPackets, &p.RxBytes, &p.TxBytes, &p.RxDropped, &p.TxDropped, &p.RxErrors, &p.TxErrors}
}

// ethCounters are those of Ethernet ports.
func (p *PortStats) ethCounters() []*uint64 {
	return []*uint64{&p.RxFrameErr, &p.RxOverErr, &p.RxCRCErr, &p.Collisions}
}

func (d *dec) queueStats() (q QueueStats, err error) {
	end := 0
	if d.v >= OF14 {
		n := int(d.u16())
		d.skip(6)
		if n < 48 || n-8 > len(d.b) {
			return q, OFPBRC_BAD_LEN
		}
		end = len(d.b) - (n - 8)
	}
	if q.Port, err = d.port(); err != nil {
		return q, err
	}
	if d.v == OF10 {
		d.skip(2)
	}
	q.Queue, q.TxBytes, q.TxPackets, q.TxErrors = d.u32(), d.u64(), d.u64(), d.u64()
	q.DurationSec = ^uint32(0)
	if d.v >= OF13 {
		q.DurationSec, q.DurationNsec = d.u32(), d.u32()
	}
	if d.v >= OF14 {
		d.skip(len(d.b) - end)
	}
	return q, d.lenErr()
}

func (d *dec) queueConfigs() (Body, error) {
	p, err := d.port()
	if err != nil {
		return nil, err
	}
	d.skip(map[bool]int{true: 6, false: 4}[d.v == OF10])
	m := &QueueGetConfigReply{Port: p}
	err = d.each(func() error {
		q := QueueConfig{Queue: d.u32(), MinRate: 0xffff, MaxRate: 0xffff}
		head := 8
		if d.v >= OF12 {
			d.skip(4)
			head = 16
		}
		n := int(d.u16())
		d.skip(map[bool]int{true: 2, false: 6}[d.v < OF12])
		if n < head || n-head > len(d.b) {
			return OFPBRC_BAD_LEN
		}
		ps := d.sub(n - head)
		for len(ps.b) > 0 {
			typ, l := ps.u16(), int(ps.u16())
			if l < 8 || l-4 > len(ps.b) {
				return OFPBRC_BAD_LEN
			}
			x := ps.sub(l - 4)
			x.skip(4)
			switch typ {
			case 1:
				q.MinRate = x.u16()
			case 2:
				q.MaxRate = x.u16()
			}
		}
		m.Queues = append(m.Queues, q)
		return nil
	})
	return m, err
}

func (d *dec) flowUpdate() (u FlowUpdate, err error) {
	n := int(d.u16())
	if n < 4 || n%8 != 0 || n-2 > len(d.b) {
		return u, OFPBRC_BAD_LEN
	}
	d = d.sub(n - 2)
	u.Event = FlowEvent(d.u16())
	if u.Event == FlowAbbrev {
		u.XID = d.u32()
		return u, d.done()
	}
	if u.Event > FlowAbbrev {
		return u, NXBRC_FM_BAD_EVENT
	}
	reason := d.u16()
	u.Priority, u.IdleTimeout, u.HardTimeout = d.u16(), d.u16(), d.u16()
	ml := int(d.u16())
	u.Table = d.u8()
	d.skip(1)
	u.Cookie = d.u64()
	if u.Event == FlowDeleted {
		u.Reason = FlowRemovedReason(reason)
	}
	if err := d.nxMatch(ml, &u.Match, nil, true); err != nil {
		return u, err
	}
	u.Actions, err = d.actions(0)
	if err == nil {
		err = d.lenErr()
	}
	return u, err
}

// Table features properties (OpenFlow 1.3, section 7.3.5.5.2). The miss form has the next number.
const (
	tfpInstructions  = 0
	tfpNextTables    = 2
	tfpWriteActions  = 4
	tfpApplyActions  = 6
	tfpMatch         = 8
	tfpWildcards     = 10
	tfpWriteSetField = 12
	tfpApplySetField = 14
)

func (d *dec) tableFeatures() (t TableFeatures, err error) {
	n := int(d.u16())
	if n < 64 || n%8 != 0 || n-2 > len(d.b) {
		return t, OFPTFFC_BAD_FEATURES
	}
	d = d.sub(n - 2)
	t.Table = d.u8()
	d.skip(5)
	t.Name = d.str(32)
	t.MetadataMatch, t.MetadataWrite = d.u64(), d.u64()
	c := d.u32()
	if d.v >= OF14 {
		t.Capabilities = c
	} else {
		t.Config = TableConfig(c)
	}
	t.MaxEntries = d.u32()
	for len(d.b) > 0 {
		typ, p, err := d.prop()
		if err != nil {
			return t, err
		}
		set := &t.NonMiss
		if typ < 16 && typ&1 == 1 {
			set = &t.Miss
			typ--
		}
		switch typ {
		case tfpInstructions:
			err = p.ids(func(id uint16, _ *dec) {
				if id < 32 {
					set.Instructions |= 1 << id
				}
			})
		case tfpNextTables:
			for len(p.b) > 0 {
				b := p.u8()
				set.Next[b/64] |= 1 << (b % 64)
			}
		case tfpWriteActions:
			err = p.ids(func(id uint16, _ *dec) { set.Write.Actions = append(set.Write.Actions, id) })
		case tfpApplyActions:
			err = p.ids(func(id uint16, _ *dec) { set.Apply.Actions = append(set.Apply.Actions, id) })
		case tfpMatch:
			err = p.oxmIDs(&t.Match, &t.Mask)
		case tfpWildcards:
			err = p.oxmIDs(&t.Wildcard, nil)
		case tfpWriteSetField:
			err = p.oxmIDs(&set.Write.SetField, nil)
		case tfpApplySetField:
			err = p.oxmIDs(&set.Apply.SetField, nil)
		}
		if err != nil {
			return t, err
		}
	}
	return t, d.lenErr()
}

// ids reads instruction or action ids.
func (d *dec) ids(f func(uint16, *dec)) error {
	for len(d.b) > 0 {
		id, n := d.u16(), int(d.u16())
		if n < 4 || n-4 > len(d.b) {
			return OFPTFFC_BAD_FEATURES
		}
		x := d.sub(n - 4)
		if id != 0xffff {
			f(id, x)
		}
	}
	return d.lenErr()
}

// oxmIDs reads headers of fields.
func (d *dec) oxmIDs(set, mask *FieldSet) error {
	for len(d.b) > 0 {
		h, ok := d.oxmHeader()
		if !ok {
			return OFPTFFC_BAD_FEATURES
		}
		f, ok := oxmIndex[h.oxmKey]
		if !ok {
			continue
		}
		set.Add(f)
		if h.hasMask && mask != nil {
			mask.Add(f)
		}
	}
	return nil
}
