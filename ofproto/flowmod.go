package ofproto

import (
	"cmp"
	"errors"
	"slices"

	"govs/classifier/oftable"
	"govs/flow"
	"govs/ofproto/xlate"
	"govs/openflow"
)

// removedRules are rules that lookups no longer see, to be taken out of their tables once no translation is at an older version.
type removedRules struct {
	mark  uint64
	rules []*xlate.Rule
}

// change is a set of modifications that becomes visible as one new version, or not at all.
type change struct {
	b       *Bridge
	version uint64
	added   []*xlate.Rule
	removed []*xlate.Rule
	events  []event
	undo    []func() // what else to take back
}

// event is something to tell controllers once the change is visible.
type event struct {
	kind   openflow.FlowEvent
	rule   *xlate.Rule
	reason openflow.FlowRemovedReason
}

// begin starts a change. sw.mu is held until commit or abort.
func (b *Bridge) begin() *change {
	return &change{b: b, version: b.state.Version.Load() + 1}
}

// commit makes the change visible and returns what to tell controllers.
func (c *change) commit() []event {
	b := c.b
	if len(c.added)+len(c.removed) == 0 {
		return c.events
	}
	b.state.Version.Store(c.version)
	if len(c.removed) > 0 {
		b.removed = append(b.removed, removedRules{b.sw.readers.Advance(), c.removed})
		b.purgeLocked(purgeAtOnce)
	}
	b.sw.changedBy(xlate.Change{Bridge: b.state, Added: c.added, Removed: c.removed})
	return c.events
}

// abort takes everything back.
func (c *change) abort() {
	for i := len(c.undo) - 1; i >= 0; i-- {
		c.undo[i]()
	}
	added := make(map[*xlate.Rule]struct{}, len(c.added))
	for _, r := range c.added {
		added[r] = struct{}{}
	}
	for _, r := range slices.Backward(c.removed) {
		if _, both := added[r]; !both {
			r.SetRemoved(oftable.Forever)
			c.b.account(r, 1)
		}
	}
	for _, r := range slices.Backward(c.added) {
		if r.Removed() == oftable.Forever {
			c.b.account(r, -1)
		}
		c.b.table(r.Data.Table).Rules.Remove(r)
	}
}

// account counts a rule that came (1) or went (-1).
func (b *Bridge) account(r *xlate.Rule, n int) {
	if r.Data.Flags&openflow.FlowHidden == 0 {
		b.tables[r.Data.Table].count += n
	}
	if r.Data.IdleTimeout|r.Data.HardTimeout != 0 || hasFinTimeout(r.Data.Actions) {
		if n > 0 {
			b.timed[r] = struct{}{}
		} else {
			delete(b.timed, r)
		}
	}
}

func hasFinTimeout(l []openflow.Action) bool {
	for _, a := range l {
		if _, ok := a.(*openflow.FinTimeout); ok {
			return true
		}
	}
	return false
}

// insert adds a rule, in the place of old in listings if there is one.
func (c *change) insert(r, old *xlate.Rule) {
	t := c.b.table(r.Data.Table).Rules
	if old != nil {
		t.InsertLike(r, old, c.version)
	} else {
		t.Insert(r, c.version)
	}
	c.added = append(c.added, r)
	c.b.account(r, 1)
}

// remove makes a rule invisible.
func (c *change) remove(r *xlate.Rule) {
	r.SetRemoved(c.version)
	c.removed = append(c.removed, r)
	c.b.account(r, -1)
}

// How many rules are taken out of their tables by a change, and by each turn of purge.
const (
	purgeAtOnce = 16
	purgeTurn   = 1024
)

// purge takes out rules that no translation can be using any more, without keeping changes waiting for long.
func (b *Bridge) purge() {
	for more := true; more; {
		b.sw.mu.Lock()
		more = b.purgeLocked(purgeTurn)
		b.sw.mu.Unlock()
	}
}

// purgeLocked takes out at most n rules, and says whether there are more that could be. sw.mu is held.
func (b *Bridge) purgeLocked(n int) (more bool) {
	for len(b.removed) > 0 && b.sw.readers.Passed(b.removed[0].mark) {
		first := &b.removed[0]
		for len(first.rules) > 0 {
			if n == 0 {
				return true
			}
			n--
			r := first.rules[0]
			first.rules = first.rules[1:]
			b.table(r.Data.Table).Rules.Remove(r)
		}
		b.removed[0] = removedRules{}
		b.removed = b.removed[1:]
	}
	if len(b.removed) == 0 {
		b.removed = nil
	}
	return false
}

// flowMod carries out one flow_mod within a change.
func (c *change) flowMod(fm *openflow.FlowMod) error {
	b := c.b
	b.flowMods++
	if err := b.checkFlowMod(fm); err != nil {
		return err
	}
	switch fm.Command {
	case openflow.FlowAdd:
		return c.add(fm)
	case openflow.FlowModify, openflow.FlowModifyStrict:
		rules := c.collect(fm, fm.Command == openflow.FlowModifyStrict, false)
		if len(rules) == 0 {
			if fm.NewCookie == ^uint64(0) && fm.CookieMask == 0 || fm.CookieMask != 0 {
				return nil
			}
			return c.add(fm)
		}
		for _, r := range rules {
			c.modify(r, fm)
		}
		return nil
	case openflow.FlowDelete, openflow.FlowDeleteStrict:
		for _, r := range c.collect(fm, fm.Command == openflow.FlowDeleteStrict, true) {
			c.remove(r)
			c.events = append(c.events, event{openflow.FlowDeleted, r, openflow.RemovedDelete})
		}
		return nil
	}
	return openflow.OFPFMFC_BAD_COMMAND
}

// checkFlowMod refuses what no table can take.
func (b *Bridge) checkFlowMod(fm *openflow.FlowMod) error {
	isAdd := fm.Command == openflow.FlowAdd
	// Every packet is Ethernet: matching that is matching nothing.
	if fm.Match.Key.PacketType() == 0 {
		fm.Match.Mask.SetPacketType(0)
	}
	if fm.Table == openflow.TableAll {
		if isAdd {
			fm.Table = 0
		}
	} else if int(fm.Table) >= xlate.NumTables {
		if fm.Table == xlate.NumTables {
			return openflow.OFPBRC_EPERM
		}
		return openflow.OFPBRC_BAD_TABLE_ID
	}
	if fm.Command == openflow.FlowDelete || fm.Command == openflow.FlowDeleteStrict {
		return nil
	}
	return b.checkActions(fm.Actions, fm.Table)
}

// checkActions refuses actions that this switch cannot carry out.
func (b *Bridge) checkActions(list []openflow.Action, table uint8) error {
	for _, a := range list {
		if _, ok := a.(*openflow.Meter); ok {
			return openflow.OFPMMFC_INVALID_METER
		}
		if !xlate.Supported(a) {
			return &openflow.Error{Code: openflow.OFPBAC_BAD_TYPE, Text: "action is not supported"}
		}
		switch a := a.(type) {
		case *openflow.Output:
			if err := checkPort(a.Port); err != nil {
				return err
			}
		case *openflow.OutputTrunc:
			if err := checkPort(a.Port); err != nil {
				return err
			}
		case *openflow.Enqueue:
			if a.Port >= openflow.PortMax && a.Port != openflow.PortInPort && a.Port != openflow.PortLocal {
				return openflow.OFPBAC_BAD_OUT_PORT
			}
		case *openflow.Group:
			if a.ID > openflow.GroupMax || b.groups[a.ID] == nil {
				return openflow.OFPBAC_BAD_OUT_GROUP
			}
		case *openflow.GotoTable:
			if table != openflow.TableAll && a.Table <= table || int(a.Table) >= xlate.NumTables {
				return openflow.OFPBIC_BAD_TABLE_ID
			}
		case *openflow.WriteActions:
			if err := b.checkActions(a.Actions, table); err != nil {
				return err
			}
		case *openflow.Clone:
			if err := b.checkActions(a.Actions, table); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkPort(p openflow.Port) error {
	switch p {
	case openflow.PortNone, openflow.PortUnset:
		return openflow.OFPBAC_BAD_OUT_PORT
	}
	if p >= openflow.PortMax && p < openflow.PortInPort {
		return openflow.OFPBAC_BAD_OUT_PORT
	}
	return nil
}

// add adds a flow, in the place of one with the same match and priority.
func (c *change) add(fm *openflow.FlowMod) error {
	b := c.b
	now := b.sw.now()
	table := fm.Table
	if table == openflow.TableAll {
		table = 0
	}
	t := b.table(table)
	old := t.Rules.Find(c.version, &fm.Match, int(fm.Priority))
	if fm.Flags&openflow.FlowCheckOverlap != 0 {
		if o := t.Rules.Overlap(c.version, &fm.Match, int(fm.Priority)); o != nil {
			return openflow.OFPFMFC_OVERLAP
		}
	}
	if old == nil {
		if lim := b.tables[table].cfg.FlowLimit; lim > 0 && b.tables[table].count >= lim {
			if !b.tables[table].cfg.Evict || !c.evict(table) {
				return openflow.OFPFMFC_TABLE_FULL
			}
		}
	}
	cookie := fm.NewCookie
	if cookie == ^uint64(0) && fm.Command != openflow.FlowAdd {
		cookie = 0
	}
	match := fm.Match
	r := oftable.NewRule[xlate.RuleData](&match, int(fm.Priority))
	r.Data = xlate.RuleData{
		Stats: &xlate.RuleStats{}, Actions: fm.Actions, Cookie: cookie, Created: now, Modified: now, IdleTimeout: fm.IdleTimeout,
		HardTimeout: fm.HardTimeout, Flags: fm.Flags, Importance: fm.Importance, Table: table,
	}
	r.Data.Stats.Used.Store(now)
	kind := openflow.FlowAdded
	if old != nil {
		if fm.Flags&openflow.FlowResetCounts == 0 {
			r.Data.Stats = old.Data.Stats
			r.Data.Stats.Used.Store(now)
		}
		c.remove(old)
		kind = openflow.FlowModified
	}
	c.insert(r, old)
	c.events = append(c.events, event{kind: kind, rule: r})
	return nil
}

// evict removes the rule of a full table that would expire first. It returns false if no rule may be evicted.
func (c *change) evict(table uint8) bool {
	var best *xlate.Rule
	var bestAt int64
	for r := range c.b.timed {
		if r.Data.Table != table || !r.Visible(c.version) {
			continue
		}
		at := expiresAt(r)
		if best == nil || r.Data.Importance < best.Data.Importance || r.Data.Importance == best.Data.Importance && at < bestAt {
			best, bestAt = r, at
		}
	}
	if best == nil {
		return false
	}
	c.remove(best)
	c.events = append(c.events, event{openflow.FlowDeleted, best, openflow.RemovedEviction})
	return true
}

// collect returns the rules that a modification or deletion is about.
func (c *change) collect(fm *openflow.FlowMod, strict, filterOut bool) []*xlate.Rule {
	var out []*xlate.Rule
	take := func(r *xlate.Rule) bool {
		d := &r.Data
		switch {
		case d.Flags&openflow.FlowHidden != 0,
			(d.Cookie^fm.Cookie)&fm.CookieMask != 0,
			strict && r.Priority() != int(fm.Priority),
			filterOut && fm.OutPort != openflow.PortNone && !outputsTo(d.Actions, fm.OutPort),
			filterOut && fm.OutGroup != openflow.GroupAny && !usesGroup(d.Actions, fm.OutGroup):
		default:
			out = append(out, r)
		}
		return true
	}
	c.b.eachTable(fm.Table, func(id uint8, t *xlate.Table) {
		if strict {
			if r := t.Rules.Find(c.version, &fm.Match, int(fm.Priority)); r != nil {
				take(r)
			}
			return
		}
		t.Rules.EachCovered(c.version, &fm.Match, take)
	})
	return out
}

// eachTable calls f for one table, or for all that have been used if id is TableAll.
func (b *Bridge) eachTable(id uint8, f func(uint8, *xlate.Table)) {
	if int(id) < xlate.NumTables {
		if t := b.state.Tables[id].Load(); t != nil {
			f(id, t)
		}
		return
	}
	if id != openflow.TableAll {
		return
	}
	for i := range b.state.Tables {
		if t := b.state.Tables[i].Load(); t != nil {
			f(uint8(i), t)
		}
	}
}

// modify gives a rule new actions.
func (c *change) modify(old *xlate.Rule, fm *openflow.FlowMod) {
	now := c.b.sw.now()
	var m flow.Match
	old.Match(&m)
	r := oftable.NewRule[xlate.RuleData](&m, old.Priority())
	r.Data = old.Data
	r.Data.Actions = fm.Actions
	r.Data.Modified = now
	if fm.ModifyCookie && fm.NewCookie != ^uint64(0) {
		r.Data.Cookie = fm.NewCookie
	}
	if fm.Flags&openflow.FlowResetCounts != 0 {
		r.Data.Stats = &xlate.RuleStats{}
		r.Data.Stats.Used.Store(now)
	}
	c.remove(old)
	c.insert(r, old)
	c.events = append(c.events, event{kind: openflow.FlowModified, rule: r})
}

// outputsTo says whether an action list sends to a port.
func outputsTo(l []openflow.Action, p openflow.Port) bool {
	for _, a := range l {
		switch a := a.(type) {
		case *openflow.Output:
			if a.Port == p {
				return true
			}
		case *openflow.OutputTrunc:
			if a.Port == p {
				return true
			}
		case *openflow.Enqueue:
			if a.Port == p {
				return true
			}
		case *openflow.Controller:
			if p == openflow.PortController {
				return true
			}
		case *openflow.WriteActions:
			if outputsTo(a.Actions, p) {
				return true
			}
		case *openflow.Clone:
			if outputsTo(a.Actions, p) {
				return true
			}
		}
	}
	return false
}

// usesGroup says whether an action list refers to a group.
func usesGroup(l []openflow.Action, id uint32) bool {
	for _, a := range l {
		switch a := a.(type) {
		case *openflow.Group:
			if a.ID == id {
				return true
			}
		case *openflow.WriteActions:
			if usesGroup(a.Actions, id) {
				return true
			}
		case *openflow.Clone:
			if usesGroup(a.Actions, id) {
				return true
			}
		}
	}
	return false
}

// learn carries out the flow_mod of a learn action.
func (b *Bridge) learn(_ *xlate.BridgeState, fm *openflow.FlowMod) error {
	b.sw.mu.Lock()
	if b.deleted {
		b.sw.mu.Unlock()
		return errors.New("bridge is gone")
	}
	// A flow that is there already, with the same actions, is only kept alive.
	if t := b.state.Tables[min(int(fm.Table), xlate.NumTables-1)].Load(); t != nil {
		if old := t.Rules.Find(b.state.Version.Load(), &fm.Match, int(fm.Priority)); old != nil && old.Data.Cookie == fm.NewCookie &&
			sameActions(old.Data.Actions, fm.Actions) {
			old.Data.Stats.Used.Store(b.sw.now())
			b.sw.mu.Unlock()
			return nil
		}
	}
	c := b.begin()
	if err := c.flowMod(fm); err != nil {
		c.abort()
		b.sw.mu.Unlock()
		return err
	}
	ev := c.commit()
	b.sw.mu.Unlock()
	b.announce(ev, nil, 0)
	return nil
}

// expiresAt is when a rule goes, in ms: the earlier of its two timeouts.
func expiresAt(r *xlate.Rule) int64 {
	d := &r.Data
	at := int64(1<<63 - 1)
	if h := d.HardTimeout; h != 0 || d.Stats.Hard.Load() != 0 {
		at = d.Modified + int64(reduced(h, d.Stats.Hard.Load()))*1000
	}
	if i := d.IdleTimeout; i != 0 || d.Stats.Idle.Load() != 0 {
		at = min(at, d.Stats.Used.Load()+int64(reduced(i, d.Stats.Idle.Load()))*1000)
	}
	return at
}

// reduced is a timeout in seconds that fin_timeout may have reduced: fin is its value plus one, or 0.
func reduced(t uint16, fin uint32) uint32 {
	if fin != 0 && (t == 0 || fin-1 < uint32(t)) {
		return fin - 1
	}
	return uint32(t)
}

// expire removes rules whose time is up. Their counters are up to date.
func (b *Bridge) expire(now int64) {
	b.sw.mu.Lock()
	var gone []event
	for r := range b.timed {
		d := &r.Data
		reason := openflow.RemovedIdleTimeout
		hard := reduced(d.HardTimeout, d.Stats.Hard.Load())
		idle := reduced(d.IdleTimeout, d.Stats.Idle.Load())
		switch {
		case hard != 0 && now >= d.Modified+int64(hard)*1000:
			reason = openflow.RemovedHardTimeout
		case idle != 0 && now >= d.Stats.Used.Load()+int64(idle)*1000:
		default:
			continue
		}
		gone = append(gone, event{openflow.FlowDeleted, r, reason})
	}
	var ev []event
	if gone != nil {
		slices.SortFunc(gone, func(x, y event) int {
			return cmp.Or(cmp.Compare(x.rule.Data.Table, y.rule.Data.Table), cmp.Compare(x.rule.Seq(), y.rule.Seq()))
		})
		c := b.begin()
		for _, e := range gone {
			c.remove(e.rule)
		}
		c.events = gone
		ev = c.commit()
	}
	b.sw.mu.Unlock()
	b.announce(ev, nil, 0)
}

// resetFlows removes all flows (unless it is the first time) and, for a bridge that is to work without controllers, puts the flow that makes it a
// learning switch. sw.mu is held.
func (b *Bridge) resetFlows(first bool) {
	c := b.begin()
	if !first {
		b.eachTable(openflow.TableAll, func(_ uint8, t *xlate.Table) {
			t.Rules.Each(c.version, func(r *xlate.Rule) bool { c.remove(r); return true })
		})
		b.failRule = nil
	}
	if len(b.cfg.Controllers) == 0 && b.cfg.FailMode == FailStandalone {
		c.add(&openflow.FlowMod{Actions: []openflow.Action{&openflow.Output{Port: openflow.PortNormal}}, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny})
	}
	c.commit()
}

// sameActions says whether two lists of the actions that learn makes do the same.
func sameActions(a, b []openflow.Action) bool {
	return slices.EqualFunc(a, b, func(x, y openflow.Action) bool {
		switch x := x.(type) {
		case *openflow.Output:
			y, ok := y.(*openflow.Output)
			return ok && *x == *y
		case *openflow.SetField:
			y, ok := y.(*openflow.SetField)
			return ok && *x == *y
		case *openflow.FinTimeout:
			y, ok := y.(*openflow.FinTimeout)
			return ok && *x == *y
		}
		return false
	})
}
