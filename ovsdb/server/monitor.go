package server

import (
	"sort"
	"strings"
	"sync"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

// monVersion is the form in which a monitor reports changes.
type monVersion uint8

const (
	monV1 monVersion = iota + 1 // "update": monitor
	monV2                       // "update2": monitor_cond
	monV3                       // "update3": monitor_cond_since
)

// selects says which kinds of changes a monitor wants of a column.
type selects uint8

const (
	selInitial selects = 1 << iota
	selInsert
	selDelete
	selModify
	selAll = selInitial | selInsert | selDelete | selModify
)

// monSpec is what a monitor watches. It is immutable, and monitors of different sessions with the same
// parameters share one, so that a change is put into JSON once for all of them.
type monSpec struct {
	version monVersion
	tables  []*monTable // by table.num; nil for tables not watched
	key     string
}

// monTable is what a monitor watches in one table.
type monTable struct {
	t       *table
	columns []monColumn // in the order of the schema
	selects selects     // union over the columns and the table
	cond    ovsdb.Condition
}

type monColumn struct {
	col *ovsdb.ColumnSchema
	sel selects
}

// commitSet is the changes of one commit, shared by all monitors that have not reported them yet.
type commitSet struct {
	changes []change
	durable uint64 // the record that must be on the disk before clients hear of it; 0 for none

	mu    sync.Mutex // guards cache
	cache map[*monSpec][]byte
}

// encode returns the <table-updates> of the commit for spec, nil when there is nothing to report. Any goroutine.
func (c *commitSet) encode(spec *monSpec) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.cache[spec]; ok {
		return b
	}
	b := spec.appendUpdates(nil, c.changes, 0)
	if c.cache == nil {
		c.cache = make(map[*monSpec][]byte, 1)
	}
	c.cache[spec] = b
	return b
}

// monitor is one monitor of one session.
type monitor struct {
	session *session
	db      *Database
	id      ojson.Value // guarded by session.outMu, written with Database.mu held too
	idKey   string
	v3      bool

	spec *monSpec // guarded by Database.mu; replaced by monitor_cond_change

	// batch collects what is still to be reported; a token for it is in the session's outbox. nil when
	// there is nothing. Guarded by session.outMu.
	batch     *monBatch
	cancelled bool // guarded by session.outMu
}

// monBatch is what a monitor will report when the session's outbox comes to it. Normally that is a list of
// commits; when the client is too slow for that, merged holds the difference per row instead. session.outMu guards
// it.
type monBatch struct {
	mon     *monitor
	id      ojson.Value // the monitor's ID when the batch was begun
	spec    *monSpec
	commits []*commitSet
	n       int // number of row changes in commits
	merged  map[rowKey]change
	file    *storage.Log
	durable uint64 // the last record of them that must be on the disk before they are reported
}

// maxPendingChanges is how many row changes a monitor keeps commit by commit before it merges them.
const maxPendingChanges = 4096

// watches reports whether any of the changes is in a table that spec watches.
func (spec *monSpec) watches(changes []change) bool {
	for i := range changes {
		if n := changes[i].table.num; n < len(spec.tables) && spec.tables[n] != nil {
			return true
		}
	}
	return false
}

// notifyMonitors hands changes to the monitors of db, to be reported when record durable is on the disk. db.mu is held.
func (db *Database) notifyMonitors(changes []change, durable uint64) {
	set := &commitSet{changes: changes, durable: durable}
	for _, m := range db.monitors {
		if m.spec.watches(changes) {
			m.add(set)
		}
	}
}

// add notes a commit to be reported. db.mu is held.
func (m *monitor) add(set *commitSet) {
	s := m.session
	s.outMu.Lock()
	defer s.outMu.Unlock()
	if m.cancelled {
		return
	}
	b := m.batch
	if b == nil {
		b = &monBatch{mon: m, id: m.id, spec: m.spec, file: m.db.file}
		m.batch = b
		s.enqueueLocked(outItem{batch: b})
	}
	b.durable = max(b.durable, set.durable)
	if b.merged != nil {
		mergeChanges(b.merged, set.changes, b.spec)
		return
	}
	b.commits = append(b.commits, set)
	b.n += len(set.changes)
	if b.n > maxPendingChanges && len(b.commits) > 1 {
		b.merged = make(map[rowKey]change)
		for _, c := range b.commits {
			mergeChanges(b.merged, c.changes, b.spec)
		}
		b.commits = nil
	}
}

func mergeChanges(into map[rowKey]change, changes []change, spec *monSpec) {
	for _, c := range changes {
		if spec.tables[c.table.num] == nil {
			continue
		}
		k := rowKey{c.table, c.uuid}
		if old, ok := into[k]; ok {
			if old.old == nil && c.new == nil {
				delete(into, k)
				continue
			}
			old.new = c.new
			into[k] = old
			continue
		}
		into[k] = c
	}
}

// appendTo appends the notifications for everything in the batch, which ends with that, after waiting for the disk if a commit in it
// asked for durability. session.outMu is not held. The error is the disk's.
func (b *monBatch) appendTo(out []byte) ([]byte, error) {
	m := b.mon
	m.session.outMu.Lock()
	if m.batch == b {
		m.batch = nil
		for i, o := range m.session.open {
			if o == b {
				m.session.open = append(m.session.open[:i], m.session.open[i+1:]...)
				break
			}
		}
	}
	cancelled := m.cancelled
	m.session.outMu.Unlock()
	if cancelled {
		return out, nil
	}
	if b.durable != 0 {
		if err := b.file.WaitDurable(b.durable); err != nil {
			return out, err
		}
	}
	for _, c := range b.commits {
		if u := c.encode(b.spec); u != nil {
			out = appendNotification(out, &b.id, m.v3, b.spec, u)
		}
	}
	if len(b.merged) > 0 {
		changes := make([]change, 0, len(b.merged))
		for _, c := range b.merged {
			changes = append(changes, c)
		}
		if u := b.spec.appendUpdates(nil, changes, 0); u != nil {
			out = appendNotification(out, &b.id, m.v3, b.spec, u)
		}
	}
	return out, nil
}

// appendNotification appends the message that reports updates to the monitor with the given ID.
func appendNotification(b []byte, id *ojson.Value, v3 bool, spec *monSpec, updates []byte) []byte {
	switch {
	case v3:
		b = append(b, `{"id":null,"method":"update3","params":[`...)
		b = id.Append(b)
		b = append(b, `,"00000000-0000-0000-0000-000000000000",`...)
	case spec.version == monV2:
		b = append(b, `{"id":null,"method":"update2","params":[`...)
		b = id.Append(b)
		b = append(b, ',')
	default:
		b = append(b, `{"id":null,"method":"update","params":[`...)
		b = id.Append(b)
		b = append(b, ',')
	}
	b = append(b, updates...)
	return append(b, "]}"...)
}

// appendUpdates appends the <table-updates> object for changes; it returns b unchanged (nil for a nil b) when there
// is nothing to report. initial is selInitial for the reply to a monitor request, in which every change is an
// insertion.
func (spec *monSpec) appendUpdates(b []byte, changes []change, initial selects) []byte {
	start := len(b)
	// Changes come grouped by table from a commit; merged ones do not.
	sorted := sort.SliceIsSorted(changes, func(i, j int) bool { return changes[i].table.num < changes[j].table.num })
	if !sorted {
		sort.SliceStable(changes, func(i, j int) bool { return changes[i].table.num < changes[j].table.num })
	}
	open := -1 // number of the table whose object is open
	for i := range changes {
		c := &changes[i]
		if c.table.num >= len(spec.tables) {
			continue
		}
		mt := spec.tables[c.table.num]
		if mt == nil {
			continue
		}
		mark := len(b)
		switch {
		case open == c.table.num:
			b = append(b, ',')
		case open >= 0:
			b = append(b, "},"...)
		default:
			b = append(b, '{')
		}
		if open != c.table.num {
			b = ojson.AppendString(b, c.table.schema.Name)
			b = append(b, ":{"...)
		}
		b = append(b, '"')
		b = c.uuid.Append(b)
		b = append(b, `":`...)
		var ok bool
		if spec.version == monV1 {
			b, ok = mt.appendV1(b, c, initial)
		} else {
			b, ok = mt.appendV2(b, c, initial)
		}
		if !ok {
			b = b[:mark]
			continue
		}
		open = c.table.num
	}
	if open < 0 {
		if start == 0 {
			return nil
		}
		return b[:start]
	}
	return append(b, "}}"...)
}

// kind returns which of old and new the monitor sees of a change and what kind of change that makes it; 0 if none.
func (mt *monTable) kind(c *change, initial selects) (old, row *ovsdb.Row, k selects) {
	old, row = c.old, c.new
	if len(mt.cond) > 0 {
		if old != nil && !mt.cond.MatchAny(old.Cols) {
			old = nil
		}
		if row != nil && !mt.cond.MatchAny(row.Cols) {
			row = nil
		}
	}
	switch {
	case old == nil && row == nil:
		return nil, nil, 0
	case initial != 0:
		k = initial
	case old == nil:
		k = selInsert
	case row == nil:
		k = selDelete
	default:
		k = selModify
	}
	if mt.selects&k == 0 {
		return nil, nil, 0
	}
	return old, row, k
}

// appendV1 appends a <row-update>.
func (mt *monTable) appendV1(b []byte, c *change, initial selects) ([]byte, bool) {
	old, row, k := mt.kind(c, initial)
	if k == 0 {
		return b, false
	}
	b = append(b, '{')
	if old != nil {
		b = append(b, `"old":{`...)
		any, changed := false, false
		for i := range mt.columns {
			mc := &mt.columns[i]
			d := old.Cols[mc.col.Index]
			if k == selModify && row.Cols[mc.col.Index] == d {
				continue
			}
			changed = true
			if mc.sel&k == 0 {
				continue
			}
			if any {
				b = append(b, ',')
			}
			any = true
			b = ojson.AppendString(b, mc.col.Name)
			b = append(b, ':')
			b = d.AppendJSON(b, &mc.col.Type)
		}
		if k == selModify && !changed {
			return b, false
		}
		b = append(b, '}')
	}
	if row != nil {
		if old != nil {
			b = append(b, ',')
		}
		b = append(b, `"new":{`...)
		any := false
		for i := range mt.columns {
			mc := &mt.columns[i]
			if mc.sel&k == 0 {
				continue
			}
			if any {
				b = append(b, ',')
			}
			any = true
			b = ojson.AppendString(b, mc.col.Name)
			b = append(b, ':')
			b = row.Cols[mc.col.Index].AppendJSON(b, &mc.col.Type)
		}
		b = append(b, '}')
	}
	return append(b, '}'), true
}

// appendV2 appends a <row-update2>.
func (mt *monTable) appendV2(b []byte, c *change, initial selects) ([]byte, bool) {
	old, row, k := mt.kind(c, initial)
	switch k {
	case 0:
		return b, false
	case selDelete:
		return append(b, `{"delete":null}`...), true
	case selInitial:
		b = append(b, `{"initial":{`...)
	case selInsert:
		b = append(b, `{"insert":{`...)
	case selModify:
		b = append(b, `{"modify":{`...)
	}
	any, changed := false, false
	for i := range mt.columns {
		mc := &mt.columns[i]
		d := row.Cols[mc.col.Index]
		if k == selModify && old.Cols[mc.col.Index] != d {
			changed = true
		}
		if mc.sel&k == 0 {
			continue
		}
		if k == selModify {
			o := old.Cols[mc.col.Index]
			if o == d {
				continue
			}
			d = ovsdb.Diff(o, d, &mc.col.Type)
		} else if d == mc.col.Default {
			continue
		}
		if any {
			b = append(b, ',')
		}
		any = true
		b = ojson.AppendString(b, mc.col.Name)
		b = append(b, ':')
		b = d.AppendJSON(b, &mc.col.Type)
	}
	if k == selModify && !changed {
		return b, false
	}
	return append(b, "}}"...), true
}

// parseMonitorRequests parses the <monitor-requests> or <monitor-cond-requests> object v. db.mu is held.
func (db *Database) parseMonitorRequests(v *ojson.Value, version monVersion) (*monSpec, error) {
	spec := &monSpec{version: version, tables: make([]*monTable, len(db.tables))}
	for i := 0; i < v.Len(); i++ {
		name, tv := v.Member(i)
		t := db.table(name)
		if t == nil {
			return nil, ovsdb.Errorf("syntax error", "no table named %s", name)
		}
		mt := &monTable{t: t}
		list := []ojson.Value{*tv}
		if tv.Kind() == ojson.Array {
			list = tv.Elems()
		}
		seen := make(map[*ovsdb.ColumnSchema]bool)
		for j := range list {
			if err := mt.parseRequest(&list[j], version, seen); err != nil {
				return nil, err
			}
		}
		sort.Slice(mt.columns, func(a, b int) bool { return mt.columns[a].col.Index < mt.columns[b].col.Index })
		spec.tables[t.num] = mt
	}
	spec.key = spec.canonical()
	return spec, nil
}

func (mt *monTable) parseRequest(v *ojson.Value, version monVersion, seen map[*ovsdb.ColumnSchema]bool) error {
	t := mt.t
	p := ovsdb.NewParser(v, "table "+t.schema.Name)
	var whereV *ojson.Value
	if version >= monV2 {
		whereV = p.Optional("where", ovsdb.KindArray|ovsdb.KindBool)
	}
	colsV := p.Optional("columns", ovsdb.KindArray)
	selV := p.Optional("select", ovsdb.KindObject)
	if err := p.Finish(); err != nil {
		return err
	}
	sel := selAll
	if selV != nil {
		sp := ovsdb.NewParser(selV, "table "+t.schema.Name+" select")
		for _, f := range []struct {
			name string
			bit  selects
		}{{"initial", selInitial}, {"insert", selInsert}, {"delete", selDelete}, {"modify", selModify}} {
			if b := sp.Optional(f.name, ovsdb.KindBool); b != nil && b.Kind() == ojson.False {
				sel &^= f.bit
			}
		}
		if err := sp.Finish(); err != nil {
			return err
		}
	}
	mt.selects |= sel
	if colsV == nil {
		for _, c := range t.schema.Columns[ovsdb.ColVersion:] {
			if seen[c] {
				return ovsdb.SyntaxErrorf(v, "column %s mentioned more than once", c.Name)
			}
			seen[c] = true
			mt.columns = append(mt.columns, monColumn{c, sel})
		}
	} else {
		for i := range colsV.Elems() {
			e := &colsV.Elems()[i]
			if e.Kind() != ojson.String {
				return ovsdb.SyntaxErrorf(colsV, "array of column names expected")
			}
			c := t.schema.Column(e.Str())
			if c == nil {
				return ovsdb.SyntaxErrorf(colsV, "%s is not a valid column name", e.Str())
			}
			if seen[c] {
				return ovsdb.SyntaxErrorf(colsV, "column %s mentioned more than once", c.Name)
			}
			seen[c] = true
			mt.columns = append(mt.columns, monColumn{c, sel})
		}
	}
	if whereV != nil {
		cond, err := parseMonitorCondition(whereV, t)
		if err != nil {
			return err
		}
		mt.cond = append(mt.cond, cond...)
	}
	return nil
}

// parseMonitorCondition parses the "where" of a monitor, of which any clause suffices. nil is always true.
func parseMonitorCondition(v *ojson.Value, t *table) (ovsdb.Condition, error) {
	if b, ok := v.Bool(); ok {
		if b {
			return nil, nil
		}
		return ovsdb.Condition{{Function: ovsdb.FuncFalse}}, nil
	}
	cond, err := ovsdb.ParseCondition(v, t.schema, nil)
	if err != nil {
		return nil, err
	}
	for i := range cond {
		if cond[i].Function == ovsdb.FuncTrue {
			return nil, nil
		}
	}
	return cond, nil
}

// canonical returns a string that two specs have in common exactly when they watch the same.
func (spec *monSpec) canonical() string {
	var sb strings.Builder
	sb.WriteByte('0' + byte(spec.version))
	for _, mt := range spec.tables {
		if mt == nil {
			continue
		}
		sb.WriteByte('\n')
		sb.WriteString(mt.t.schema.Name)
		sb.WriteByte(byte(mt.selects))
		for _, mc := range mt.columns {
			sb.WriteByte(' ')
			sb.WriteString(mc.col.Name)
			sb.WriteByte(byte(mc.sel))
		}
		for i := range mt.cond {
			v := mt.cond[i].JSON()
			sb.WriteByte('\t')
			sb.WriteString(v.String())
		}
	}
	return sb.String()
}

// share returns the spec that other monitors of db use already if there is an equal one. db.mu is held.
func (db *Database) share(spec *monSpec) *monSpec {
	for _, m := range db.monitors {
		if m.spec.key == spec.key {
			return m.spec
		}
	}
	return spec
}

// initial returns the contents of the tables that spec watches, "{}" if there is nothing. db.mu is held.
func (db *Database) initial(spec *monSpec) []byte {
	var changes []change
	for n, mt := range spec.tables {
		if mt == nil || mt.selects&selInitial == 0 {
			continue
		}
		t := db.tables[n]
		for u, e := range t.rows {
			changes = append(changes, change{table: t, uuid: u, new: e.row})
		}
	}
	if b := spec.appendUpdates(nil, changes, selInitial); b != nil {
		return b
	}
	return []byte("{}")
}

// addMonitor registers m. db.mu is held.
func (db *Database) addMonitor(m *monitor) {
	m.spec = db.share(m.spec)
	db.monitors = append(db.monitors, m)
}

// removeMonitor forgets m, which reports nothing any more. db.mu is held.
func (db *Database) removeMonitor(m *monitor) {
	m.session.outMu.Lock()
	m.cancelled = true
	m.batch = nil
	m.session.outMu.Unlock()
	for i, o := range db.monitors {
		if o == m {
			last := len(db.monitors) - 1
			db.monitors[i] = db.monitors[last]
			db.monitors[last] = nil
			db.monitors = db.monitors[:last]
			return
		}
	}
}

// changeCondition carries out a monitor_cond_change: m gets the new conditions, and the rows that come into or go out
// of its sight are queued as one update under its new ID. v maps tables to arrays of requests. db.mu is held.
func (db *Database) changeCondition(m *monitor, newID, v *ojson.Value) error {
	spec := *m.spec
	spec.tables = append([]*monTable(nil), m.spec.tables...)
	var changed []int
	for i := 0; i < v.Len(); i++ {
		name, tv := v.Member(i)
		t := db.table(name)
		if t == nil {
			return ovsdb.Errorf("syntax error", "no table named %s", name)
		}
		old := spec.tables[t.num]
		if old == nil {
			return ovsdb.Errorf("syntax error", "no table named %s in monitor session", name)
		}
		if tv.Kind() != ojson.Array {
			return ovsdb.Errorf("syntax error", "table %s no monitor-cond-change JSON array", name)
		}
		mt := *old
		mt.cond = nil
		for j := range tv.Elems() {
			p := ovsdb.NewParser(&tv.Elems()[j], "table "+name)
			p.Optional("columns", ovsdb.KindArray)
			whereV := p.Optional("where", ovsdb.KindArray|ovsdb.KindBool)
			if err := p.Finish(); err != nil {
				return err
			}
			if whereV == nil {
				continue
			}
			cond, err := parseMonitorCondition(whereV, t)
			if err != nil {
				return err
			}
			mt.cond = append(mt.cond, cond...)
		}
		spec.tables[t.num] = &mt
		changed = append(changed, t.num)
	}
	spec.key = spec.canonical()
	if spec.key == m.spec.key {
		return nil
	}
	var b []byte
	if b = db.condDifference(m.spec, &spec, changed); b != nil {
		m.session.enqueue(outItem{data: appendNotification(nil, newID, m.v3, &spec, b)})
	}
	m.spec = db.share(&spec)
	// Later commits must be reported behind this, and under the new conditions.
	m.session.outMu.Lock()
	m.batch = nil
	m.session.outMu.Unlock()
	return nil
}

// condDifference returns the updates that turn what old sees of the given tables into what spec sees.
func (db *Database) condDifference(old, spec *monSpec, tables []int) []byte {
	// Conditions do not matter to a spec without them: each change says itself what is seen.
	plain := *spec
	plain.tables = make([]*monTable, len(spec.tables))
	var changes []change
	sort.Ints(tables)
	for _, n := range tables {
		mt := *spec.tables[n]
		mt.cond = nil
		plain.tables[n] = &mt
		t := db.tables[n]
		for u, e := range t.rows {
			was := old.tables[n].cond.MatchAny(e.row.Cols)
			is := spec.tables[n].cond.MatchAny(e.row.Cols)
			switch {
			case was && !is:
				changes = append(changes, change{t, u, e.row, nil})
			case !was && is:
				changes = append(changes, change{t, u, nil, e.row})
			}
		}
	}
	return plain.appendUpdates(nil, changes, 0)
}
