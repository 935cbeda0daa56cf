package ofproto

import (
	"maps"
	"slices"

	"govs/ofproto/xlate"
	"govs/openflow"
)

// publishGroups makes the groups visible to translations. sw.mu is held.
func (b *Bridge) publishGroups() {
	m := maps.Clone(b.groups)
	b.state.Groups.Store(&m)
	b.sw.changed()
}

// maxGroups is how many groups a bridge may have of each type.
const maxGroups = openflow.GroupMax

// groupMod carries out one group_mod within a change.
func (c *change) groupMod(m *openflow.GroupMod) error {
	b := c.b
	old := maps.Clone(b.groups)
	c.undo = append(c.undo, func() { b.groups = old; b.publishGroups() })
	switch m.Command {
	case openflow.GroupAdd:
		if b.groups[m.Group] != nil {
			return openflow.OFPGMFC_GROUP_EXISTS
		}
		return b.setGroup(m, nil)
	case openflow.GroupModify:
		if b.groups[m.Group] == nil {
			return openflow.OFPGMFC_UNKNOWN_GROUP
		}
		return b.setGroup(m, b.groups[m.Group])
	case openflow.GroupAddOrMod:
		return b.setGroup(m, b.groups[m.Group])
	case openflow.GroupDelete:
		var ids []uint32
		if m.Group == openflow.GroupAll {
			ids = slices.Collect(maps.Keys(b.groups))
		} else if b.groups[m.Group] != nil {
			ids = append(ids, m.Group)
		}
		for _, id := range ids {
			delete(b.groups, id)
			c.dropUsers(id)
		}
		b.publishGroups()
		return nil
	case openflow.GroupInsertBucket, openflow.GroupRemoveBucket:
		g := b.groups[m.Group]
		if g == nil {
			return openflow.OFPGMFC_UNKNOWN_GROUP
		}
		return b.editBuckets(m, g)
	}
	return openflow.OFPGMFC_BAD_COMMAND
}

// dropUsers removes the flows that refer to a group.
func (c *change) dropUsers(id uint32) {
	c.b.eachTable(openflow.TableAll, func(_ uint8, t *xlate.Table) {
		var rules []*xlate.Rule
		t.Rules.Each(c.version, func(r *xlate.Rule) bool {
			if usesGroup(r.Data.Actions, id) {
				rules = append(rules, r)
			}
			return true
		})
		for _, r := range rules {
			c.remove(r)
			c.events = append(c.events, event{openflow.FlowDeleted, r, openflow.RemovedGroupDelete})
		}
	})
}

// setGroup makes a group or replaces old, whose counters it keeps.
func (b *Bridge) setGroup(m *openflow.GroupMod, old *xlate.Group) error {
	if m.Group > openflow.GroupMax {
		return openflow.OFPGMFC_INVALID_GROUP
	}
	if m.Type > openflow.GroupFastFailover {
		return openflow.OFPGMFC_BAD_TYPE
	}
	if m.Type == openflow.GroupIndirect && len(m.Buckets) != 1 {
		return openflow.OFPGMFC_INVALID_GROUP
	}
	if err := b.checkBuckets(m); err != nil {
		return err
	}
	g := &xlate.Group{ID: m.Group, Type: m.Type, Buckets: m.Buckets, Props: m.Props, Created: b.sw.now(), Stats: &xlate.RuleStats{}}
	if old != nil {
		g.Created, g.Stats = old.Created, old.Stats
	}
	byID := map[uint32]*xlate.RuleStats{}
	if old != nil {
		for i := range old.Buckets {
			byID[old.Buckets[i].ID] = old.PerBkt[i]
		}
	}
	for i := range g.Buckets {
		st := byID[g.Buckets[i].ID]
		if st == nil {
			st = &xlate.RuleStats{}
		}
		g.PerBkt = append(g.PerBkt, st)
	}
	b.groups[m.Group] = g
	b.publishGroups()
	return nil
}

func (b *Bridge) checkBuckets(m *openflow.GroupMod) error {
	seen := map[uint32]bool{}
	for i := range m.Buckets {
		bk := &m.Buckets[i]
		if seen[bk.ID] {
			return openflow.OFPGMFC_BUCKET_EXISTS
		}
		seen[bk.ID] = true
		if err := b.checkActions(bk.Actions, openflow.TableAll); err != nil {
			return err
		}
		if usesGroup(bk.Actions, m.Group) {
			return openflow.OFPGMFC_LOOP
		}
	}
	return nil
}

// Bucket ids with a meaning in CommandBucketID.
const (
	bucketFirst = 0xfffffffd
	bucketLast  = 0xfffffffe
	bucketAll   = 0xffffffff
)

// editBuckets inserts or removes buckets of a group.
func (b *Bridge) editBuckets(m *openflow.GroupMod, g *xlate.Group) error {
	n := *m
	n.Type, n.Props = g.Type, g.Props
	at := slices.IndexFunc(g.Buckets, func(x openflow.Bucket) bool { return x.ID == m.CommandBucketID })
	if m.Command == openflow.GroupRemoveBucket {
		switch m.CommandBucketID {
		case bucketAll:
			n.Buckets = nil
		case bucketFirst:
			n.Buckets = slices.Clone(g.Buckets)[min(1, len(g.Buckets)):]
		case bucketLast:
			n.Buckets = slices.Clone(g.Buckets)[:max(len(g.Buckets)-1, 0)]
		default:
			if at < 0 {
				return openflow.OFPGMFC_UNKNOWN_BUCKET
			}
			n.Buckets = slices.Delete(slices.Clone(g.Buckets), at, at+1)
		}
	} else {
		pos := at + 1
		switch m.CommandBucketID {
		case bucketFirst:
			pos = 0
		case bucketLast, bucketAll:
			pos = len(g.Buckets)
		default:
			if at < 0 {
				return openflow.OFPGMFC_UNKNOWN_BUCKET
			}
		}
		n.Buckets = slices.Insert(slices.Clone(g.Buckets), pos, m.Buckets...)
	}
	return b.setGroup(&n, g)
}

func (b *Bridge) sortedGroups(id uint32) []*xlate.Group {
	var out []*xlate.Group
	for _, k := range slices.Sorted(maps.Keys(b.groups)) {
		if id >= openflow.GroupAll || id == k {
			out = append(out, b.groups[k])
		}
	}
	return out
}

func (b *Bridge) groupStats(q *openflow.GroupStatsRequest) *openflow.GroupStatsReply {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.GroupStatsReply{}
	for _, g := range b.sortedGroups(q.Group) {
		s := openflow.GroupStats{Group: g.ID, Packets: g.Stats.Packets.Load(), Bytes: g.Stats.Bytes.Load()}
		s.DurationSec, s.DurationNsec = b.sw.age(g.Created)
		v := b.state.Version.Load()
		b.eachTable(openflow.TableAll, func(_ uint8, t *xlate.Table) {
			t.Rules.Each(v, func(rule *xlate.Rule) bool {
				if usesGroup(rule.Data.Actions, g.ID) {
					s.RefCount++
				}
				return true
			})
		})
		for _, p := range g.PerBkt {
			s.Buckets = append(s.Buckets, openflow.BucketCounter{Packets: p.Packets.Load(), Bytes: p.Bytes.Load()})
		}
		r.Groups = append(r.Groups, s)
	}
	return r
}

func (b *Bridge) groupDesc(q *openflow.GroupDescRequest) *openflow.GroupDescReply {
	b.sw.mu.Lock()
	defer b.sw.mu.Unlock()
	r := &openflow.GroupDescReply{}
	for _, g := range b.sortedGroups(q.Group) {
		r.Groups = append(r.Groups, openflow.GroupDesc{Type: g.Type, Group: g.ID, Buckets: g.Buckets, Props: g.Props})
	}
	return r
}

func groupFeatures() *openflow.GroupFeaturesReply {
	r := &openflow.GroupFeaturesReply{Types: 0xf, Capabilities: 0x7}
	for i := range r.MaxGroups {
		r.MaxGroups[i] = maxGroups
		r.Actions[i] = 1<<0 | 1<<11 | 1<<12 | 1<<15 | 1<<16 | 1<<17 | 1<<18 | 1<<19 | 1<<20 | 1<<21 | 1<<22 | 1<<23 | 1<<24 | 1<<25
	}
	return r
}
