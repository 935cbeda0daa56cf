package ofproto

import (
	"strings"

	"govs/dpif"
	"govs/flow"
	"govs/ofproto/xlate"
	"govs/openflow"
)

func (b *Bridge) descStats() *openflow.DescReply {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.DescReply{
		Manufacturer: "Nicira, Inc.", Hardware: "Open vSwitch", Software: b.sw.opt.Version, Serial: "None", Datapath: b.cfg.DPDesc,
	}
	if b.cfg.Serial != "" {
		r.Serial = b.cfg.Serial
	}
	if r.Datapath == "" {
		r.Datapath = "None"
	}
	return r
}

// matching calls f for the rules that a statistics request is about. sw.mu is held.
func (b *Bridge) matching(q *openflow.FlowStatsRequest, f func(*xlate.Rule)) {
	v := b.state.Version.Load()
	b.eachTable(q.Table, func(_ uint8, t *xlate.Table) {
		t.Rules.EachCovered(v, &q.Match, func(r *xlate.Rule) bool {
			d := &r.Data
			if d.Flags&openflow.FlowHidden == 0 && (d.Cookie^q.Cookie)&q.CookieMask == 0 &&
				(q.OutPort == openflow.PortNone || outputsTo(d.Actions, q.OutPort)) &&
				(q.OutGroup == openflow.GroupAny || usesGroup(d.Actions, q.OutGroup)) {
				f(r)
			}
			return true
		})
	})
}

func (b *Bridge) flowStats(q *openflow.FlowStatsRequest) ([]openflow.Body, error) {
	if q.Table != openflow.TableAll && int(q.Table) >= xlate.NumTables {
		return nil, openflow.OFPBRC_BAD_TABLE_ID
	}
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	if q.Aggregate {
		r := &openflow.AggregateReply{NX: q.NX}
		b.matching(q, func(rule *xlate.Rule) {
			r.Flows++
			r.Packets += rule.Data.Stats.Packets.Load()
			r.Bytes += rule.Data.Stats.Bytes.Load()
		})
		return one(r), nil
	}
	var rules []*xlate.Rule
	b.matching(q, func(rule *xlate.Rule) { rules = append(rules, rule) })
	return one(&openflow.FlowStatsReply{NX: q.NX, Each: func(yield func(*openflow.FlowStats) bool) {
		// Without a lock: rules do not change, and their counters are atomic.
		now := b.sw.now()
		var fs openflow.FlowStats
		for _, rule := range rules {
			d := &rule.Data
			fs = openflow.FlowStats{
				Cookie: d.Cookie, Table: d.Table, Priority: uint16(rule.Priority()),
				IdleTimeout: uint16(reduced(d.IdleTimeout, d.Stats.Idle.Load())), HardTimeout: uint16(reduced(d.HardTimeout, d.Stats.Hard.Load())),
				IdleAge: int(max(now-d.Stats.Used.Load(), 0) / 1000), HardAge: int(max(now-d.Modified, 0) / 1000),
				Packets: d.Stats.Packets.Load(), Bytes: d.Stats.Bytes.Load(), Flags: d.Flags, Importance: d.Importance, Actions: d.Actions,
			}
			fs.DurationSec, fs.DurationNsec = b.sw.age(d.Created)
			rule.Match(&fs.Match)
			if !yield(&fs) {
				return
			}
		}
	}}), nil
}

// maxEntries is what a table says that it can hold at most.
const maxEntries = 1_000_000

func (b *Bridge) tableName(id int) string {
	if n := b.tables[id].cfg.Name; n != "" {
		return n
	}
	return ""
}

func (b *Bridge) tableStats(v openflow.Version) *openflow.TableStatsReply {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.TableStatsReply{}
	for id := range b.tables {
		s := openflow.TableStats{Table: uint8(id), Name: b.tableName(id), MaxEntries: maxEntries, Active: uint32(b.tables[id].count), Wildcards: 0x3fffff}
		if n := b.tables[id].cfg.FlowLimit; n > 0 {
			s.MaxEntries = uint32(n)
		}
		if t := b.state.Tables[id].Load(); t != nil {
			s.Matched = t.Matched.Load()
			s.Lookups = s.Matched + t.Missed.Load()
		}
		if v == openflow.OF11 || v == openflow.OF12 {
			s.Features = b.featuresOf(id)
		}
		r.Tables = append(r.Tables, s)
	}
	return r
}

func (b *Bridge) portStats(q *openflow.PortStatsRequest) ([]openflow.Body, error) {
	b.sw.mu.Lock()
	var ports []*port
	if q.Port == openflow.PortNone {
		ports = b.listed()
	} else if p := b.byNo[q.Port]; p != nil {
		ports = append(ports, p)
	}
	b.sw.mu.Unlock()
	r := &openflow.PortStatsReply{}
	for _, p := range ports {
		var s dpif.PortStats
		p.stats(&s)
		o := openflow.PortStats{
			Port: p.no, RxPackets: s.RxPackets, TxPackets: s.TxPackets, RxBytes: s.RxBytes, TxBytes: s.TxBytes,
			RxDropped: s.RxDropped, TxDropped: s.TxDropped, RxErrors: s.RxErrors, TxErrors: s.TxErrors,
			RxFrameErr: s.RxFrameErrors, RxOverErr: s.RxOverErrors, RxCRCErr: s.RxCRCErrors, Collisions: s.Collisions,
		}
		o.DurationSec, o.DurationNsec = b.sw.age(p.created)
		if p.cfg.Device == nil {
			for _, f := range []*uint64{&o.RxDropped, &o.TxDropped, &o.RxErrors, &o.TxErrors, &o.RxFrameErr, &o.RxOverErr, &o.RxCRCErr, &o.Collisions} {
				*f = openflow.Unknown
			}
		}
		r.Ports = append(r.Ports, o)
	}
	return one(r), nil
}

func (b *Bridge) portDesc(q *openflow.PortDescRequest) *openflow.PortDescReply {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.PortDescReply{}
	for _, p := range b.listed() {
		if q.Port == openflow.PortNone || q.Port == p.no {
			r.Ports = append(r.Ports, p.desc())
		}
	}
	return r
}

// hasQueue says whether the port's device has a queue 0 to show: only dummy devices do.
func (p *port) hasQueue() bool {
	return p.cfg.Device != nil && strings.HasPrefix(p.cfg.Device.Type(), "dummy")
}

func (b *Bridge) queueStats(q *openflow.QueueStatsRequest) ([]openflow.Body, error) {
	if q.Port != openflow.PortNone && q.Port != openflow.PortAll {
		b.sw.mu.Lock()
		p := b.byNo[q.Port]
		b.sw.mu.Unlock()
		if p == nil {
			return nil, openflow.OFPQOFC_BAD_PORT
		}
		if q.Queue != openflow.QueueAll && (q.Queue != 0 || !p.hasQueue()) {
			return nil, openflow.OFPQOFC_BAD_QUEUE
		}
	}
	r := &openflow.QueueStatsReply{}
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	for _, p := range b.listed() {
		if p.hasQueue() && (q.Port == p.no || q.Port == openflow.PortNone || q.Port == openflow.PortAll) {
			r.Queues = append(r.Queues, openflow.QueueStats{
				Port: p.no, TxBytes: openflow.Unknown, TxPackets: openflow.Unknown, TxErrors: openflow.Unknown,
				DurationSec: ^uint32(0), DurationNsec: ^uint32(0),
			})
		}
	}
	return one(r), nil
}

func (b *Bridge) queueConfig(q *openflow.QueueGetConfigRequest) ([]openflow.Body, error) {
	b.sw.mu.Lock()
	p := b.byNo[q.Port]
	b.sw.mu.Unlock()
	if p == nil && q.Port != openflow.PortNone {
		return nil, openflow.OFPQOFC_BAD_PORT
	}
	r := &openflow.QueueGetConfigReply{Port: q.Port}
	if p != nil && p.hasQueue() {
		r.Queues = append(r.Queues, openflow.QueueConfig{MinRate: 0xffff, MaxRate: 0xffff})
	}
	return one(r), nil
}

func (b *Bridge) tableDesc() *openflow.TableDescReply {
	r := &openflow.TableDescReply{}
	for id := range uint8(xlate.NumTables) {
		r.Tables = append(r.Tables, openflow.TableDesc{Table: id})
	}
	return r
}

func (b *Bridge) tableFeatures(q *openflow.TableFeaturesRequest) ([]openflow.Body, error) {
	if q.Set {
		return nil, openflow.OFPTFFC_EPERM
	}
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.TableFeaturesReply{}
	for id := range b.tables {
		r.Tables = append(r.Tables, *b.featuresOf(id))
	}
	return one(r), nil
}

// featuresOf describes a table. Tables differ only in name, size and the tables that can be reached from them.
func (b *Bridge) featuresOf(id int) *openflow.TableFeatures {
	f := &openflow.TableFeatures{
		Table: uint8(id), Name: b.tableName(id), MetadataMatch: ^uint64(0), MetadataWrite: ^uint64(0), MaxEntries: maxEntries,
	}
	if n := b.tables[id].cfg.FlowLimit; n > 0 {
		f.MaxEntries = uint32(n)
	}
	set := openflow.TableFeatureSet{Instructions: 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5}
	for n := id + 1; n < xlate.NumTables; n++ {
		set.Next[n/64] |= 1 << (n % 64)
	}
	var acts openflow.ActionFeatures
	acts.Actions = []uint16{0, 11, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}
	for i := range flow.Fields() {
		fd := flow.FieldID(i).Info()
		standard := false
		for _, o := range fd.OXM {
			standard = standard || o.Class == 0x8000
		}
		if !standard {
			continue
		}
		f.Match.Add(fd.ID)
		f.Wildcard.Add(fd.ID)
		if fd.Maskable {
			f.Mask.Add(fd.ID)
		}
		if fd.Writable {
			acts.SetField.Add(fd.ID)
		}
	}
	set.Write, set.Apply = acts, acts
	f.NonMiss, f.Miss = set, set
	return f
}
