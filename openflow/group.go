package openflow

// groupStats reads the multipart messages of groups and meters.
func (d *dec) groupStats(k kind) (Body, error) {
	switch k {
	case kGroupRequest, kNXGroupRequest:
		m := &GroupStatsRequest{d.u32()}
		d.skip(4)
		return m, nil
	case kGroupDescRequest, kNXGroupDescRequest:
		m := &GroupDescRequest{GroupAll}
		if d.v >= OF15 || d.v == OF10 {
			m.Group = d.u32()
			d.skip(4)
		}
		return m, nil
	case kGroupFeaturesRequest, kNXGroupFeaturesRequest:
		return &GroupFeaturesRequest{}, nil
	case kGroupFeaturesReply, kNXGroupFeaturesReply:
		m := &GroupFeaturesReply{Types: d.u32(), Capabilities: d.u32()}
		for _, a := range []*[4]uint32{&m.MaxGroups, &m.Actions} {
			for i := range a {
				a[i] = d.u32()
			}
		}
		return m, nil
	case kGroupReply, kNXGroupReply:
		m := &GroupStatsReply{}
		return m, d.each(func() error {
			g, err := d.group()
			m.Groups = append(m.Groups, g)
			return err
		})
	case kGroupDescReply, kNXGroupDescReply:
		m := &GroupDescReply{}
		return m, d.each(func() error {
			n := int(d.u16())
			if n < 8 || n-2 > len(d.b) {
				return OFPBRC_BAD_LEN
			}
			x := d.sub(n - 2)
			g := GroupDesc{Type: GroupType(x.u8())}
			x.skip(1)
			g.Group = x.u32()
			var err error
			if d.v >= OF15 || d.v == OF10 {
				bl := int(x.u16())
				x.skip(6)
				if bl > len(x.b) {
					return OFPBRC_BAD_LEN
				}
				if g.Buckets, err = x.sub(bl).buckets15(); err == nil {
					g.Props, err = x.groupProps()
				}
			} else {
				g.Buckets, err = x.buckets()
			}
			m.Groups = append(m.Groups, g)
			return err
		})
	case kMeterRequest, kMeterConfigRequest:
		id := d.u32()
		d.skip(4)
		if k == kMeterRequest {
			return &MeterStatsRequest{id}, nil
		}
		return &MeterConfigRequest{id}, nil
	case kMeterReply:
		m := &MeterStatsReply{}
		return m, d.each(func() error {
			s, err := d.meterStats()
			m.Meters = append(m.Meters, s)
			return err
		})
	case kMeterConfigReply:
		m := &MeterConfigReply{}
		return m, d.each(func() error {
			n := int(d.u16())
			if n < 8 || n-2 > len(d.b) {
				return OFPBRC_BAD_LEN
			}
			x := d.sub(n - 2)
			c := MeterConfig{Flags: MeterFlags(x.u16()), ID: x.u32()}
			var err error
			c.Bands, err = x.bands()
			m.Meters = append(m.Meters, c)
			return err
		})
	case kMeterFeaturesRequest:
		return &MeterFeaturesRequest{}, nil
	case kMeterFeaturesReply:
		m := &MeterFeaturesReply{d.u32(), d.u32(), d.u32(), d.u8(), d.u8()}
		d.skip(2)
		return m, nil
	}
	return nil, OFPBRC_BAD_TYPE
}

func (d *dec) group() (g GroupStats, err error) {
	n := int(d.u16())
	if n < 32 || n-2 > len(d.b) {
		return g, OFPBRC_BAD_LEN
	}
	d = d.sub(n - 2)
	d.skip(2)
	g.Group, g.RefCount = d.u32(), d.u32()
	d.skip(4)
	g.Packets, g.Bytes = d.u64(), d.u64()
	g.DurationSec = ^uint32(0)
	if d.v >= OF13 || d.v == OF10 {
		g.DurationSec, g.DurationNsec = d.u32(), d.u32()
	}
	for len(d.b) > 0 && !d.short {
		g.Buckets = append(g.Buckets, BucketCounter{d.u64(), d.u64()})
	}
	return g, d.lenErr()
}

// groupMod reads a group_mod, in 1.5's form if v15 is set.
func (d *dec) groupMod(v15 bool) (Body, error) {
	m := &GroupMod{Command: GroupModCommand(d.u16()), Type: GroupType(d.u8())}
	d.skip(1)
	m.Group = d.u32()
	m.CommandBucketID = 0xffffffff
	var err error
	if v15 {
		bl := int(d.u16())
		d.skip(2)
		m.CommandBucketID = d.u32()
		if bl > len(d.b) {
			return nil, OFPBRC_BAD_LEN
		}
		if c := m.CommandBucketID; c > 0xffffff00 && c < 0xfffffffd {
			return nil, errf(OFPGMFC_BAD_BUCKET, "command bucket id (%d) is out of range", c)
		}
		if m.Buckets, err = d.sub(bl).buckets15(); err == nil {
			m.Props, err = d.groupProps()
		}
	} else {
		m.Buckets, err = d.buckets()
	}
	if err != nil {
		return nil, err
	}
	switch m.Command {
	case GroupAdd, GroupModify, GroupDelete, GroupAddOrMod:
	case GroupInsertBucket, GroupRemoveBucket:
		if !v15 {
			return nil, OFPGMFC_BAD_COMMAND
		}
		return m, nil
	default:
		return nil, OFPGMFC_BAD_COMMAND
	}
	if m.Type > GroupFastFailover {
		return nil, errf(OFPGMFC_BAD_TYPE, "unknown group type %d", m.Type)
	}
	if v15 && m.CommandBucketID != 0xffffffff {
		return nil, errf(OFPGMFC_BAD_BUCKET, "command bucket id (%d) is not for this command", m.CommandBucketID)
	}
	if m.Command == GroupDelete {
		return m, nil
	}
	if m.Group >= GroupMax {
		return nil, OFPGMFC_INVALID_GROUP
	}
	if m.Type == GroupIndirect && len(m.Buckets) != 1 {
		return nil, OFPGMFC_INVALID_GROUP
	}
	for _, b := range m.Buckets {
		switch {
		case b.Weight != 0 && m.Type != GroupSelect:
			return nil, OFPGMFC_INVALID_GROUP
		case (m.Type == GroupAllType || m.Type == GroupIndirect) && (b.WatchPort != PortNone || b.WatchGroup != GroupAny):
			return nil, OFPGMFC_WATCH_UNSUPPORTED
		case m.Type == GroupFastFailover && b.WatchPort == PortNone && b.WatchGroup == GroupAny:
			return nil, OFPGMFC_INVALID_GROUP
		}
	}
	return m, nil
}

// buckets reads the buckets of 1.1 to 1.4 that fill d.
func (d *dec) buckets() ([]Bucket, error) {
	var list []Bucket
	for len(d.b) > 0 {
		n := int(d.u16())
		if n < 16 || n%8 != 0 || n-2 > len(d.b) {
			return nil, OFPGMFC_BAD_BUCKET
		}
		x := d.sub(n - 2)
		b := Bucket{ID: uint32(len(list)), Weight: x.u16()}
		p, ok := PortFromWire32(x.u32())
		if !ok {
			return nil, OFPGMFC_BAD_WATCH
		}
		b.WatchPort, b.WatchGroup = p, x.u32()
		x.skip(4)
		var err error
		if b.Actions, err = x.actions(0); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, d.lenErr()
}

func (d *dec) meterMod() (Body, error) {
	m := &MeterMod{Command: MeterModCommand(d.u16())}
	m.Meter.Flags, m.Meter.ID = MeterFlags(d.u16()), d.u32()
	if m.Command > MeterDelete {
		return nil, OFPMMFC_BAD_COMMAND
	}
	if m.Command == MeterDelete {
		m.Meter.Flags = 0
		d.rest()
		return m, nil
	}
	var err error
	m.Meter.Bands, err = d.bands()
	return m, err
}

func (d *dec) bands() ([]MeterBand, error) {
	var list []MeterBand
	for len(d.b) > 0 {
		typ, n := d.u16(), int(d.u16())
		if n < 16 || n-4 > len(d.b) {
			return nil, OFPBRC_BAD_LEN
		}
		x := d.sub(n - 4)
		if typ != 1 && typ != 2 {
			return nil, OFPMMFC_BAD_BAND
		}
		b := MeterBand{Type: typ, Rate: x.u32(), Burst: x.u32()}
		if typ == 2 {
			b.PrecLevel = x.u8()
		}
		list = append(list, b)
	}
	return list, d.lenErr()
}

func (d *dec) meterStats() (s MeterStats, err error) {
	s.Meter = d.u32()
	n := int(d.u16())
	if n < 40 || n-6 > len(d.b) {
		return s, OFPBRC_BAD_LEN
	}
	d = d.sub(n - 6)
	d.skip(6)
	s.FlowCount, s.PacketsIn, s.BytesIn = d.u32(), d.u64(), d.u64()
	s.DurationSec, s.DurationNsec = d.u32(), d.u32()
	for len(d.b) > 0 && !d.short {
		s.Bands = append(s.Bands, BandStats{d.u64(), d.u64()})
	}
	return s, d.lenErr()
}

func (w *writer) bands(bs []MeterBand) {
	for _, b := range bs {
		w.u16(b.Type)
		w.u16(16)
		w.u32(b.Rate)
		w.u32(b.Burst)
		w.u8(b.PrecLevel)
		w.zero(3)
	}
}

func (w *writer) groupMod(m *GroupMod) error {
	w.u16(uint16(m.Command))
	w.u8(uint8(m.Type))
	w.zero(1)
	w.u32(m.Group)
	if w.v >= OF15 || w.v == OF10 {
		at := len(w.b)
		w.zero(4)
		w.u32(m.CommandBucketID)
		start := len(w.b)
		w.buckets15(m.Buckets)
		w.put16(at, len(w.b)-start)
		w.groupProps(&m.Props)
		return nil
	}
	w.buckets(m.Buckets)
	return nil
}

func (w *writer) buckets(bs []Bucket) {
	for _, b := range bs {
		at := len(w.b)
		w.u16(0)
		w.u16(b.Weight)
		w.u32(b.WatchPort.Wire32())
		w.u32(b.WatchGroup)
		w.zero(4)
		w.actions(b.Actions)
		w.put16(at, len(w.b)-at)
	}
}

// groupStats writes the multipart messages of groups and meters.
func (w *writer) groupStats(b Body) error {
	switch b := b.(type) {
	case *GroupStatsRequest:
		w.u32(b.Group)
		w.zero(4)
	case *GroupDescRequest:
		if w.v >= OF15 || w.v == OF10 {
			w.u32(b.Group)
			w.zero(4)
		}
	case *GroupFeaturesRequest, *MeterFeaturesRequest:
	case *GroupFeaturesReply:
		w.u32(b.Types)
		w.u32(b.Capabilities)
		for _, a := range [][4]uint32{b.MaxGroups, b.Actions} {
			for _, x := range a {
				w.u32(x)
			}
		}
	case *GroupStatsReply:
		for _, g := range b.Groups {
			w.entry(func() {
				at := len(w.b)
				w.zero(4)
				w.u32(g.Group)
				w.u32(g.RefCount)
				w.zero(4)
				w.u64(g.Packets)
				w.u64(g.Bytes)
				if w.v >= OF13 || w.v == OF10 {
					w.u32(g.DurationSec)
					w.u32(g.DurationNsec)
				}
				for _, c := range g.Buckets {
					w.u64(c.Packets)
					w.u64(c.Bytes)
				}
				w.put16(at, len(w.b)-at)
			})
		}
	case *GroupDescReply:
		for _, g := range b.Groups {
			w.entry(func() {
				at := len(w.b)
				w.u16(0)
				w.u8(uint8(g.Type))
				w.zero(1)
				w.u32(g.Group)
				if w.v >= OF15 || w.v == OF10 {
					lenAt := len(w.b)
					w.zero(8)
					w.buckets15(g.Buckets)
					w.put16(lenAt, len(w.b)-lenAt-8)
					w.groupProps(&g.Props)
				} else {
					w.buckets(g.Buckets)
				}
				w.put16(at, len(w.b)-at)
			})
		}
	case *MeterStatsRequest:
		w.u32(b.Meter)
		w.zero(4)
	case *MeterConfigRequest:
		w.u32(b.Meter)
		w.zero(4)
	case *MeterStatsReply:
		for _, m := range b.Meters {
			w.entry(func() {
				w.u32(m.Meter)
				w.u16(uint16(40 + 16*len(m.Bands)))
				w.zero(6)
				w.u32(m.FlowCount)
				w.u64(m.PacketsIn)
				w.u64(m.BytesIn)
				w.u32(m.DurationSec)
				w.u32(m.DurationNsec)
				for _, s := range m.Bands {
					w.u64(s.Packets)
					w.u64(s.Bytes)
				}
			})
		}
	case *MeterConfigReply:
		for _, m := range b.Meters {
			w.entry(func() {
				at := len(w.b)
				w.u16(0)
				w.u16(uint16(m.Flags))
				w.u32(m.ID)
				w.bands(m.Bands)
				w.put16(at, len(w.b)-at)
			})
		}
	case *MeterFeaturesReply:
		w.u32(b.MaxMeters)
		w.u32(b.BandTypes)
		w.u32(b.Capabilities)
		w.u8(b.MaxBands)
		w.u8(b.MaxColor)
		w.zero(2)
	default:
		return w.errNo("such message")
	}
	return nil
}
