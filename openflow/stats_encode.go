package openflow

import (
	"sort"

	"govs/flow"
)

// stats writes the body of a multipart message or of queue_get_config.
func (w *writer) stats(b Body) error {
	switch b := b.(type) {
	case *DescRequest, *TableStatsRequest, *TableDescRequest:
	case *DescReply:
		w.str(b.Manufacturer, 256)
		w.str(b.Hardware, 256)
		w.str(b.Software, 256)
		w.str(b.Serial, 32)
		w.str(b.Datapath, 256)
	case *FlowStatsRequest:
		w.flowStatsRequest(b)
	case *FlowStatsReply:
		for i := range b.Flows {
			w.entry(func() { w.flowStats(&b.Flows[i], b.NX) })
		}
		if b.Each != nil {
			b.Each(func(f *FlowStats) bool {
				w.entry(func() { w.flowStats(f, b.NX) })
				return true
			})
		}
	case *AggregateReply:
		if w.v >= OF15 && !b.NX {
			w.oxs(&FlowStats{Packets: b.Packets, Bytes: b.Bytes, IdleAge: -1}, &b.Flows)
			break
		}
		w.u64(b.Packets)
		w.u64(b.Bytes)
		w.u32(b.Flows)
		w.zero(4)
	case *TableStatsReply:
		for i := range b.Tables {
			w.entry(func() { w.tableStats(&b.Tables[i]) })
		}
	case *PortStatsRequest:
		w.port(b.Port)
		w.zero(8 - len16or32(w.v))
	case *PortStatsReply:
		for i := range b.Ports {
			w.entry(func() { w.portStats(&b.Ports[i]) })
		}
	case *QueueStatsRequest:
		p := b.Port
		if w.v == OF10 && p == PortNone {
			p = PortAll
		}
		w.port(p)
		w.zero(4 - len16or32(w.v))
		w.u32(b.Queue)
	case *QueueStatsReply:
		for i := range b.Queues {
			w.entry(func() { w.queueStats(&b.Queues[i]) })
		}
	case *PortDescRequest:
		if w.v >= OF15 {
			w.port(b.Port)
			w.zero(4)
		}
	case *PortDescReply:
		for i := range b.Ports {
			w.entry(func() { w.portDesc(&b.Ports[i]) })
		}
	case *TableFeaturesRequest:
		for i := range b.Tables {
			w.entry(func() { w.tableFeatures(&b.Tables[i]) })
		}
	case *TableFeaturesReply:
		for i := range b.Tables {
			w.entry(func() { w.tableFeatures(&b.Tables[i]) })
		}
	case *TableDescReply:
		for _, t := range b.Tables {
			w.entry(func() {
				w.u16(8)
				w.u8(t.Table)
				w.zero(1)
				w.u32(uint32(t.Config))
			})
		}
	case *QueueGetConfigRequest:
		w.port(b.Port)
		if w.v >= OF14 {
			w.u32(b.Queue)
			break
		}
		w.zero(map[bool]int{true: 2, false: 4}[w.v == OF10])
	case *QueueGetConfigReply:
		if w.v >= OF14 {
			for _, q := range b.Queues {
				w.entry(func() { w.queueDesc(b.Port, q) })
			}
			break
		}
		w.port(b.Port)
		w.zero(8 - len16or32(w.v))
		for _, q := range b.Queues {
			w.queueConfig(b.Port, q)
		}
	case *FlowMonitorRequest:
		for i := range b.Monitors {
			f := &b.Monitors[i]
			w.entry(func() {
				w.u32(f.ID)
				w.u16(uint16(f.Flags))
				w.u16(uint16(f.OutPort))
				at := len(w.b)
				w.zero(2)
				w.u8(f.Table)
				w.zero(5)
				w.nxMatch(&f.Match, 0, 0, at)
			})
		}
	case *FlowMonitorReply:
		for i := range b.Updates {
			w.entry(func() { w.flowUpdate(&b.Updates[i]) })
		}
	default:
		return w.groupStats(b)
	}
	return nil
}

// len16or32 is the width of a port number.
func len16or32(v Version) int {
	if v == OF10 {
		return 2
	}
	return 4
}

func (w *writer) flowStatsRequest(m *FlowStatsRequest) {
	switch {
	case m.NX:
		w.u16(uint16(m.OutPort))
		at := len(w.b)
		w.zero(2)
		w.u8(m.Table)
		w.zero(3)
		w.nxMatch(&m.Match, m.Cookie, m.CookieMask, at)
	case w.v == OF10:
		w.match10(&m.Match)
		w.u8(m.Table)
		w.zero(1)
		w.u16(uint16(m.OutPort))
	default:
		w.u8(m.Table)
		w.zero(3)
		w.u32(m.OutPort.Wire32())
		w.u32(m.OutGroup)
		w.zero(4)
		w.u64(m.Cookie)
		w.u64(m.CookieMask)
		w.match(&m.Match)
	}
}

// age is an age in seconds as NXST_FLOW carries it: one more, 0 unknown.
func age(s int) uint16 {
	return uint16(min(max(s+1, 0), 0xffff))
}

func (w *writer) flowStats(f *FlowStats, isNX bool) {
	at := len(w.b)
	if w.v >= OF15 && !isNX {
		w.flowDesc(f)
		w.put16(at, len(w.b)-at)
		return
	}
	w.zero(2)
	w.u8(f.Table)
	w.zero(1)
	if w.v == OF10 && !isNX {
		w.match10(&f.Match)
	}
	w.u32(f.DurationSec)
	w.u32(f.DurationNsec)
	w.u16(f.Priority)
	w.u16(f.IdleTimeout)
	w.u16(f.HardTimeout)
	counters := func() {
		w.u64(f.Cookie)
		w.u64(f.Packets)
		w.u64(f.Bytes)
	}
	switch {
	case isNX:
		ml := len(w.b)
		w.zero(2)
		w.u16(age(f.IdleAge))
		w.u16(age(f.HardAge))
		counters()
		w.nxMatch(&f.Match, 0, 0, ml)
		w.actions(f.Actions)
	case w.v == OF10:
		w.zero(6)
		counters()
		w.actions(f.Actions)
	default:
		flags, imp := uint16(0), uint16(0)
		if w.v >= OF13 {
			flags = w.flowFlags(f.Flags)
		}
		if w.v >= OF14 {
			imp = f.Importance
		}
		w.u16(flags)
		w.u16(imp)
		w.zero(2)
		counters()
		w.match(&f.Match)
		w.flowActions(f.Actions)
	}
	w.put16(at, len(w.b)-at)
}

func (w *writer) tableStats(t *TableStats) {
	w.u8(t.Table)
	switch w.v {
	case OF10:
		w.zero(3)
		w.str(t.Name, 32)
		w.u32(t.Wildcards)
		w.u32(t.MaxEntries)
		w.u32(t.Active)
	case OF11:
		w.zero(7)
		w.str(t.Name, 32)
		w.u32(t.Wildcards)
		w.zero(20)
		w.u32(t.MaxEntries)
		w.u32(t.Active)
	case OF12:
		w.zero(7)
		w.str(t.Name, 32)
		w.zero(8 + 8 + 4 + 4 + 8*4 + 4 + 4)
		w.u32(t.MaxEntries)
		w.u32(t.Active)
	default:
		w.zero(3)
		w.u32(t.Active)
	}
	w.u64(t.Lookups)
	w.u64(t.Matched)
}

func (w *writer) portStats(p *PortStats) {
	at := len(w.b)
	if w.v >= OF14 {
		w.zero(4)
	}
	w.port(p.Port)
	switch {
	case w.v == OF10:
		w.zero(6)
	case w.v < OF14:
		w.zero(4)
	default:
		w.u32(p.DurationSec)
		w.u32(p.DurationNsec)
	}
	for _, c := range p.counters() {
		w.u64(*c)
	}
	if w.v < OF14 {
		for _, c := range p.ethCounters() {
			w.u64(*c)
		}
		if w.v == OF13 {
			w.u32(p.DurationSec)
			w.u32(p.DurationNsec)
		}
		return
	}
	w.prop(0, func() {
		w.zero(4)
		for _, c := range p.ethCounters() {
			w.u64(*c)
		}
	})
	w.put16(at, len(w.b)-at)
}

func (w *writer) queueStats(q *QueueStats) {
	at := len(w.b)
	if w.v >= OF14 {
		w.zero(8)
	}
	w.port(q.Port)
	w.zero(4 - len16or32(w.v))
	w.u32(q.Queue)
	w.u64(q.TxBytes)
	w.u64(q.TxPackets)
	w.u64(q.TxErrors)
	if w.v >= OF13 {
		w.u32(q.DurationSec)
		w.u32(q.DurationNsec)
	}
	if w.v >= OF14 {
		w.put16(at, len(w.b)-at)
	}
}

func (w *writer) queueConfig(p Port, q QueueConfig) {
	w.u32(q.Queue)
	start := len(w.b) - 4
	if w.v >= OF12 {
		w.u32(p.Wire32())
	}
	at := len(w.b)
	w.zero(map[bool]int{true: 4, false: 8}[w.v < OF12])
	for i, r := range []uint16{q.MinRate, q.MaxRate} {
		if r == 0xffff {
			continue
		}
		w.u16(uint16(1 + i))
		w.u16(16)
		w.zero(4)
		w.u16(r)
		w.zero(6)
	}
	w.put16(at, len(w.b)-start)
}

func (w *writer) flowUpdate(u *FlowUpdate) {
	at := len(w.b)
	w.zero(2)
	w.u16(uint16(u.Event))
	if u.Event == FlowAbbrev {
		w.u32(u.XID)
	} else {
		reason := uint16(0)
		if u.Event == FlowDeleted {
			reason = uint16(w.removedReason(u.Reason))
		}
		w.u16(reason)
		w.u16(u.Priority)
		w.u16(u.IdleTimeout)
		w.u16(u.HardTimeout)
		ml := len(w.b)
		w.zero(2)
		w.u8(u.Table)
		w.zero(1)
		w.u64(u.Cookie)
		w.nxMatch(&u.Match, 0, 0, ml)
		w.actions(u.Actions)
	}
	w.put16(at, len(w.b)-at)
}

func (w *writer) tableFeatures(t *TableFeatures) {
	at := len(w.b)
	w.zero(2)
	w.u8(t.Table)
	w.zero(5)
	w.str(t.Name, 32)
	w.u64(t.MetadataMatch)
	w.u64(t.MetadataWrite)
	if w.v >= OF14 {
		w.u32(t.Capabilities)
	} else {
		w.u32(uint32(t.Config))
	}
	w.u32(t.MaxEntries)
	for miss, s := range []*TableFeatureSet{&t.NonMiss, &t.Miss} {
		m := uint16(miss)
		w.prop(tfpInstructions+m, func() {
			for i := range 32 {
				if s.Instructions&(1<<i) != 0 {
					w.u16(uint16(i))
					w.u16(4)
				}
			}
		})
		w.prop(tfpNextTables+m, func() {
			for i := range 256 {
				if s.Next[i/64]&(1<<(i%64)) != 0 {
					w.u8(uint8(i))
				}
			}
		})
		for i, a := range []*ActionFeatures{&s.Write, &s.Apply} {
			k := uint16(2 * i)
			w.prop(tfpWriteActions+k+m, func() {
				ids := append([]uint16(nil), a.Actions...)
				sort.Slice(ids, func(x, y int) bool { return ids[x] < ids[y] })
				for _, id := range ids {
					w.u16(id)
					w.u16(4)
				}
			})
			w.prop(tfpWriteSetField+k+m, func() { w.fieldIDs(&a.SetField, nil) })
		}
	}
	w.prop(tfpMatch, func() { w.fieldIDs(&t.Match, &t.Mask) })
	w.prop(tfpWildcards, func() { w.fieldIDs(&t.Wildcard, nil) })
	w.put16(at, len(w.b)-at)
}

// fieldIDs writes headers of the fields in set; those in mask have the mask bit.
func (w *writer) fieldIDs(set, mask *FieldSet) {
	for f := range flow.FieldID(flow.NumFields) {
		if set.Has(f) {
			w.oxmHeader(f, mask != nil && mask.Has(f), wireLen(f))
		}
	}
}
