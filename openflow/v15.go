package openflow

import "govs/flow"

// What OpenFlow 1.4 and 1.5 changed in the form of statistics and groups.

// OXS: flow statistics as a list of fields (OpenFlow 1.5, section 7.2.4).
const (
	classOXS = 0x8002

	oxsDuration  = 0
	oxsIdleTime  = 1
	oxsFlowCount = 3
	oxsPackets   = 4
	oxsBytes     = 5
)

// oxs reads a list of statistics with its header and padding. It returns the flow count, which only sums have.
func (d *dec) oxs(f *FlowStats) (flows uint32, err error) {
	d.u16()
	n := int(d.u16())
	if d.short || n < 4 || n-4+(-n&7) > len(d.b) {
		return 0, OFPBRC_BAD_LEN
	}
	x := d.sub(n - 4)
	d.skip(-n & 7)
	for len(x.b) > 0 {
		h := x.u32()
		l := int(h & 0xff)
		v := x.sub(l)
		if x.short {
			return 0, OFPBRC_BAD_LEN
		}
		if h>>16 != classOXS {
			continue
		}
		switch h >> 9 & 0x7f {
		case oxsDuration:
			f.DurationSec, f.DurationNsec = v.u32(), v.u32()
		case oxsIdleTime:
			f.IdleAge = int(v.u32())
			v.skip(4)
		case oxsFlowCount:
			flows = v.u32()
		case oxsPackets:
			f.Packets = v.u64()
		case oxsBytes:
			f.Bytes = v.u64()
		default:
			continue
		}
		if v.done() != nil {
			return 0, OFPBRC_BAD_LEN
		}
	}
	return flows, nil
}

// oxs writes a list of statistics: those of a flow, or if flows is not nil, those of a sum.
func (e *enc) oxs(f *FlowStats, flows *uint32) {
	at := len(e.b)
	e.zero(4)
	head := func(field uint32, n uint32) { e.u32(classOXS<<16 | field<<9 | n) }
	if flows == nil {
		head(oxsDuration, 8)
		e.u32(f.DurationSec)
		e.u32(f.DurationNsec)
		if f.IdleAge >= 0 {
			head(oxsIdleTime, 8)
			e.u32(uint32(f.IdleAge))
			e.u32(0)
		}
	}
	head(oxsPackets, 8)
	e.u64(f.Packets)
	head(oxsBytes, 8)
	e.u64(f.Bytes)
	if flows != nil {
		head(oxsFlowCount, 4)
		e.u32(*flows)
	}
	e.put16(at+2, len(e.b)-at)
	e.align(at)
}

// flowDesc reads one flow of 1.5's list, after its length.
func (d *dec) flowDesc(f *FlowStats) error {
	d.skip(2)
	f.Table = d.u8()
	d.skip(1)
	f.Priority, f.IdleTimeout, f.HardTimeout = d.u16(), d.u16(), d.u16()
	f.Flags, f.Importance, f.Cookie = FlowModFlags(d.u16()), d.u16(), d.u64()
	if err := d.match(&f.Match, true); err != nil {
		return err
	}
	if _, err := d.oxs(f); err != nil {
		return err
	}
	var err error
	f.Actions, err = d.instructions()
	if err == nil {
		err = d.lenErr()
	}
	return err
}

func (e *enc) flowDesc(f *FlowStats) {
	e.zero(4)
	e.u8(f.Table)
	e.zero(1)
	e.u16(f.Priority)
	e.u16(f.IdleTimeout)
	e.u16(f.HardTimeout)
	e.u16(e.flowFlags(f.Flags))
	e.u16(f.Importance)
	e.u64(f.Cookie)
	e.match(&f.Match)
	e.oxs(f, nil)
	e.flowActions(f.Actions)
}

// queueDescs reads 1.4's descriptions of queues.
func (d *dec) queueDescs() (Body, error) {
	m := &QueueGetConfigReply{Port: PortNone}
	return m, d.each(func() error {
		p, err := d.port()
		if err != nil {
			return err
		}
		m.Port = p
		q := QueueConfig{Queue: d.u32(), MinRate: 0xffff, MaxRate: 0xffff}
		n := int(d.u16())
		d.skip(6)
		if n < 16 || n-16 > len(d.b) {
			return OFPBRC_BAD_LEN
		}
		for ps := d.sub(n - 16); len(ps.b) > 0; {
			typ, x, err := ps.prop()
			if err != nil {
				return err
			}
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
}

func (e *enc) queueDesc(p Port, q QueueConfig) {
	at := len(e.b)
	e.u32(p.Wire32())
	e.u32(q.Queue)
	e.zero(8)
	for i, r := range []uint16{q.MinRate, q.MaxRate} {
		if r != 0xffff {
			e.prop(uint16(1+i), func() { e.u16(r); e.zero(2) })
		}
	}
	e.put16(at+8, len(e.b)-at)
}

// Properties of 1.5's buckets.
const (
	bucketWeight = iota
	bucketWatchPort
	bucketWatchGroup
)

// buckets15 reads 1.5's buckets that fill d.
func (d *dec) buckets15() ([]Bucket, error) {
	var list []Bucket
	seen := map[uint32]bool{}
	for len(d.b) > 0 {
		n, al := int(d.u16()), int(d.u16())
		if d.short || n < 8 || n%8 != 0 || n-4 > len(d.b) || al > n-8 {
			return nil, OFPGMFC_BAD_BUCKET
		}
		x := d.sub(n - 4)
		b := Bucket{ID: x.u32(), WatchPort: PortNone, WatchGroup: GroupAny}
		if b.ID > 0xffffff00 {
			return nil, errf(OFPGMFC_BAD_BUCKET, "bucket id (%d) is out of range", b.ID)
		}
		if seen[b.ID] {
			return nil, OFPGMFC_BUCKET_EXISTS
		}
		seen[b.ID] = true
		var err error
		if b.Actions, err = x.sub(al).actions(0); err != nil {
			return nil, err
		}
		for len(x.b) > 0 {
			typ, p, err := x.prop()
			if err != nil {
				return nil, err
			}
			switch typ {
			case bucketWeight:
				b.Weight = p.u16()
			case bucketWatchPort:
				port, ok := PortFromWire32(p.u32())
				if !ok {
					return nil, OFPGMFC_BAD_WATCH
				}
				b.WatchPort = port
			case bucketWatchGroup:
				b.WatchGroup = p.u32()
			default:
				return nil, OFPBPC_BAD_TYPE
			}
			if p.short {
				return nil, OFPBPC_BAD_LEN
			}
		}
		list = append(list, b)
	}
	return list, nil
}

func (e *enc) buckets15(bs []Bucket) {
	for _, b := range bs {
		at := len(e.b)
		e.zero(4)
		e.u32(b.ID)
		e.actions(b.Actions)
		e.put16(at+2, len(e.b)-at-8)
		if b.Weight != 0 {
			e.prop(bucketWeight, func() { e.u16(b.Weight); e.zero(2) })
		}
		if b.WatchPort != PortNone {
			e.prop(bucketWatchPort, func() { e.u32(b.WatchPort.Wire32()) })
		}
		if b.WatchGroup != GroupAny {
			e.prop(bucketWatchGroup, func() { e.u32(b.WatchGroup) })
		}
		e.put16(at, len(e.b)-at)
	}
}

// Netronome's extension: how a select group chooses its bucket.
const (
	vendorNTR          = 0x0000154d
	ntrSelectionMethod = 1
)

// groupProps reads the properties of a group; the fields that a selection method hashes are kept by their masks.
func (d *dec) groupProps() (GroupProps, error) {
	var g GroupProps
	for len(d.b) > 0 {
		typ, p, err := d.prop()
		if err != nil {
			return g, err
		}
		vendor, sub := p.u32(), p.u32()
		if typ != 0xffff || p.short {
			return g, OFPBPC_BAD_TYPE
		}
		if vendor != vendorNTR {
			return g, OFPBPC_BAD_EXPERIMENTER
		}
		if sub != ntrSelectionMethod {
			return g, OFPBPC_BAD_EXP_TYPE
		}
		p.skip(4)
		g.Method, g.MethodParam = p.str(16), p.u64()
		if p.short {
			return g, OFPBPC_BAD_LEN
		}
		for len(p.b) > 0 {
			h, ok := p.oxmHeader()
			if !ok {
				return g, OFPBPC_BAD_LEN
			}
			f, ok := oxmIndex[h.oxmKey]
			if !ok {
				return g, OFPBMC_BAD_FIELD
			}
			// What follows in place of a value is the mask.
			x := p.take(wireLen(f))
			if x == nil || h.length != wireLen(f) || h.hasMask {
				return g, OFPBPC_BAD_LEN
			}
			m := flow.ValueOf(x)
			g.Fields.Set(f, m, m)
		}
	}
	return g, nil
}

func (e *enc) groupProps(g *GroupProps) {
	if g.Method == "" {
		return
	}
	e.prop(0xffff, func() {
		e.u32(vendorNTR)
		e.u32(ntrSelectionMethod)
		e.zero(4)
		e.str(g.Method, 16)
		e.u64(g.MethodParam)
		for _, f := range matchOrder {
			if m := g.Fields.Mask.Get(f).And(f.Info().AllOnes()); !m.IsZero() && e.oxmHeader(f, false, wireLen(f)) {
				e.b = m.Bytes(e.b, wireLen(f))
			}
		}
	})
}
