package server

import (
	"io"
	"sync"
	"time"

	"govs/internal/clock"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

// Database is one database: its schema and rows in memory, and its log file if it has one. All methods may be
// called from any goroutine unless they say that mu must be held.
type Database struct {
	name  string
	clock clock.Clock
	log   *vlog.Module
	tlog  *vlog.Module // for tlog-set

	// mu guards everything below, and serialises transactions.
	mu       sync.Mutex
	schema   *ovsdb.DatabaseSchema
	tables   []*table // in the order of schema.TableList
	byName   map[string]*table
	file     *storage.Log // nil for a database that lives in memory only
	removed  bool         // no longer served
	readOnly bool         // a backup or a relay: clients may not change it
	monitors []*monitor
	triggers []*trigger
	serial   uint64 // counts commits

	// onCommit, if set, is called with mu held after each commit, to tell the server of changes that it
	// follows itself (remotes, TLS files).
	onCommit func([]change)
	// relay is set when the database is a copy of another server's that passes transactions on.
	relay *relay

	columnDiff bool              // write differences of columns to the log
	newUUID    func() ovsdb.UUID // makes the UUIDs of new rows
	compact    compaction
}

// compaction is what automatic compaction goes by.
type compaction struct {
	running  bool
	last     time.Time
	lastSize int64
	commits  int // since last
}

func newDatabase(schema *ovsdb.DatabaseSchema, clk clock.Clock, log *vlog.Module) *Database {
	db := &Database{name: schema.Name, clock: clk, log: log, columnDiff: true, newUUID: ovsdb.NewUUID}
	db.setSchema(schema)
	return db
}

// setSchema makes db an empty database with the given schema.
func (db *Database) setSchema(schema *ovsdb.DatabaseSchema) {
	db.schema = schema
	db.tables = newTables(schema)
	db.byName = make(map[string]*table, len(db.tables))
	for _, t := range db.tables {
		db.byName[t.schema.Name] = t
	}
}

// Name returns the database's name.
func (db *Database) Name() string { return db.name }

// Schema returns the current schema.
func (db *Database) Schema() *ovsdb.DatabaseSchema {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.schema
}

func (db *Database) table(name string) *table { return db.byName[name] }

func (db *Database) isReadOnly() bool { return db.readOnly }

// openDatabase opens the database file name and reads it.
func openDatabase(name string, locks *storage.Locks, clk clock.Clock, log *vlog.Module) (*Database, error) {
	file, err := storage.Open(name, storage.Options{Locks: locks, Clock: clk})
	if err != nil {
		return nil, err
	}
	db, err := readDatabase(file, clk, log)
	if err != nil {
		file.Close()
		return nil, err
	}
	db.file = file
	db.compact.last = clk.Now()
	db.compact.lastSize = file.Size()
	return db, nil
}

// readDatabase reads the records of file. A record that cannot be read or understood ends the log with a warning.
func readDatabase(file *storage.Log, clk clock.Clock, log *vlog.Module) (*Database, error) {
	r := file.Reader()
	v, err := r.Next()
	if err == io.EOF {
		return nil, ovsdb.Errorf("I/O error", "%s: database file contains no schema", file.Name())
	} else if err != nil {
		return nil, err
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		return nil, err
	}
	db := newDatabase(schema, clk, log)
	l := newLoader(db)
	for {
		v, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			if err = l.record(&v); err != nil {
				r.Unread(err)
			}
		}
		if err != nil {
			db.log.Errf("%s", err)
			break
		}
	}
	if err := l.finish(); err != nil {
		return nil, err
	}
	return db, nil
}

// loader builds the tables from the records of a log. Rows are changed in place, as nobody else sees them yet.
type loader struct {
	db *Database
}

func newLoader(db *Database) *loader { return &loader{db: db} }

// record applies one transaction record, or nothing of it when it is not acceptable.
func (l *loader) record(v *ojson.Value) error {
	diff := false
	if d := v.Get("_is_diff"); d != nil {
		diff = d.Kind() == ojson.True
	}
	type rowUpdate struct {
		t   *table
		u   ovsdb.UUID
		row *ovsdb.Row
	}
	var updates []rowUpdate
	for i := 0; i < v.Len(); i++ {
		name, tv := v.Member(i)
		t := l.db.table(name)
		if t == nil {
			if name == "_date" || name == "_comment" || name == "_is_diff" {
				continue
			}
			return ovsdb.TaggedSyntaxErrorf("unknown table", v, "No table named %s.", name)
		}
		if tv.Kind() != ojson.Object {
			return ovsdb.SyntaxErrorf(tv, "object expected")
		}
		for j := 0; j < tv.Len(); j++ {
			us, rv := tv.Member(j)
			u, err := ovsdb.ParseUUID(us)
			if err != nil {
				return ovsdb.SyntaxErrorf(tv, "\"%s\" is not a valid UUID", us)
			}
			if rv.IsNull() {
				if _, ok := t.rows[u]; ok {
					updates = append(updates, rowUpdate{t, u, nil})
					continue
				}
				return ovsdb.SyntaxErrorf(nil, "No row with UUID %s.", u)
			}
			row, err := parseFileRow(rv, t, t.rows[u].row, diff)
			if err != nil {
				return err
			}
			row.Cols[ovsdb.ColUUID] = ovsdb.NewScalar(ovsdb.UUIDAtom(u))
			updates = append(updates, rowUpdate{t, u, row})
		}
	}
	for _, up := range updates {
		if up.row == nil {
			delete(up.t.rows, up.u)
		} else {
			up.t.rows[up.u] = entry{row: up.row}
		}
	}
	return nil
}

// parseFileRow returns the row that old (nil if it is new) becomes by the record's object v.
func parseFileRow(v *ojson.Value, t *table, old *ovsdb.Row, diff bool) (*ovsdb.Row, error) {
	if v.Kind() != ojson.Object {
		return nil, ovsdb.SyntaxErrorf(v, "row must be JSON object")
	}
	var row *ovsdb.Row
	if old != nil {
		row = old.Clone()
	} else {
		row = ovsdb.NewRow(t.schema, ovsdb.UUID{})
	}
	for i := 0; i < v.Len(); i++ {
		name, cv := v.Member(i)
		c := t.schema.Column(name)
		if c == nil {
			return nil, ovsdb.TaggedSyntaxErrorf("unknown column", v, "No column %s in table %s.", name, t.schema.Name)
		}
		isDiff := diff && old != nil && c.Type.Max > 1
		var d ovsdb.Datum
		var err error
		if isDiff {
			d, err = ovsdb.ParseDatumLoose(cv, &c.Type, 0, ovsdb.Unlimited, nil)
			d = ovsdb.ApplyDiff(row.Cols[c.Index], d, &c.Type)
		} else {
			d, err = ovsdb.ParseDatum(cv, &c.Type, nil)
		}
		if err != nil {
			return nil, err
		}
		row.Cols[c.Index] = d
	}
	return row, nil
}

// finish counts references, fills in the indexes and gives each row its version.
func (l *loader) finish() error {
	for _, t := range l.db.tables {
		for u, e := range t.rows {
			e.row.Cols[ovsdb.ColVersion] = newVersion()
			for i := range t.indexes {
				t.indexes[i][t.indexKey(i, e.row)] = u
			}
			t.trackWeak(u, nil, e.row)
		}
	}
	for _, t := range l.db.tables {
		for i := range t.strongCols {
			c := &t.strongCols[i]
			for u, e := range t.rows {
				var err error
				c.eachRef(e.row.Cols[c.col.Index], func(target *table, to ovsdb.UUID) {
					te, ok := target.rows[to]
					if !ok {
						err = ovsdb.Errorf("referential integrity violation",
							"Table %s column %s row %s references nonexistent row %s in table %s.",
							t.schema.Name, c.col.Name, u, to, target.schema.Name)
						return
					}
					if to != u {
						te.refs++
						target.rows[to] = te
					}
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// commit checks the transaction, writes it to the log and applies it. mu is held. durable is the record to wait for
// when the transaction asked for durability.
func (db *Database) commit(x *Txn) (changes []change, durable uint64, err error) {
	deltas, err := x.precommit()
	if err != nil {
		return nil, 0, err
	}
	if deltas == nil {
		return nil, 0, nil
	}
	var seq uint64
	if db.file != nil {
		if rec := db.record(x); rec != nil {
			if seq, err = db.file.Append(rec); err != nil {
				return nil, 0, err
			}
			db.compact.commits++
		}
	}
	changes = x.apply(deltas)
	db.serial++
	if !x.durable {
		seq = 0
	}
	db.publish(changes, seq)
	return changes, seq, nil
}

// publish tells monitors and the server of committed changes. mu is held. Clients hear of them when record durable is on the disk.
func (db *Database) publish(changes []change, durable uint64) {
	if len(changes) == 0 {
		return
	}
	if len(db.monitors) > 0 {
		db.notifyMonitors(changes, durable)
	}
	for i := range changes {
		if changes[i].table.logged {
			db.logChanges(changes)
			break
		}
	}
	if db.onCommit != nil {
		db.onCommit(changes)
	}
	db.maybeCompact()
}

// record returns the log record of the transaction, or nil when nothing of it is stored. mu is held.
func (db *Database) record(x *Txn) []byte {
	b := make([]byte, 0, 512)
	b = append(b, '{')
	any := false
	for _, tt := range x.tables {
		if tt == nil {
			continue
		}
		first := true
		for _, r := range tt.list {
			start := len(b)
			if first {
				if any {
					b = append(b, ',')
				}
				b = ojson.AppendString(b, tt.t.schema.Name)
				b = append(b, ':', '{')
			} else {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = r.uuid.Append(b)
			b = append(b, '"', ':')
			var stored bool
			if b, stored = appendFileRow(b, tt.t.schema, r.old, r.new, db.columnDiff); !stored {
				b = b[:start]
				continue
			}
			any, first = true, false
		}
		if !first {
			b = append(b, '}')
		}
	}
	if !any {
		return nil
	}
	if len(x.comments) > 0 {
		b = append(b, `,"_comment":`...)
		s := x.comments[0]
		for _, c := range x.comments[1:] {
			s += "\n" + c
		}
		b = ojson.AppendString(b, s)
	}
	b = append(b, `,"_date":`...)
	v := ojson.Int(db.clock.Now().UnixMilli())
	b = v.Append(b)
	if db.columnDiff {
		b = append(b, `,"_is_diff":true`...)
	}
	return append(b, '}')
}

// appendFileRow appends what the log says about the change of a row, and whether it says anything.
func appendFileRow(b []byte, t *ovsdb.TableSchema, old, row *ovsdb.Row, diff bool) ([]byte, bool) {
	if row == nil {
		return append(b, "null"...), true
	}
	b = append(b, '{')
	any := false
	for _, c := range t.Columns[ovsdb.FirstCol:] {
		if c.Ephemeral {
			continue
		}
		d := row.Cols[c.Index]
		if old != nil {
			o := old.Cols[c.Index]
			if d == o {
				continue
			}
			if diff {
				d = ovsdb.Diff(o, d, &c.Type)
			}
		} else if d == c.Default {
			continue
		}
		if any {
			b = append(b, ',')
		}
		any = true
		b = ojson.AppendString(b, c.Name)
		b = append(b, ':')
		b = d.AppendJSON(b, &c.Type)
	}
	return append(b, '}'), any || old == nil
}

// snapshotRecords returns the records of a compacted file. It is called without mu, on rows collected before.
func snapshotRecords(schema *ovsdb.DatabaseSchema, rows [][]*ovsdb.Row, comment string, now time.Time, diff bool) [][]byte {
	sv := schema.JSON()
	b := append(make([]byte, 0, 1<<16), '{')
	any := false
	for i, t := range schema.TableList {
		if len(rows[i]) == 0 {
			continue
		}
		if any {
			b = append(b, ',')
		}
		any = true
		b = ojson.AppendString(b, t.Name)
		b = append(b, ':', '{')
		for j, row := range rows[i] {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = row.UUID().Append(b)
			b = append(b, '"', ':')
			b, _ = appendFileRow(b, t, nil, row, false)
		}
		b = append(b, '}')
	}
	records := [][]byte{sv.Append(nil)}
	if !any && comment == "" {
		return records
	}
	if any {
		b = append(b, ',')
	}
	b = append(b, `"_comment":`...)
	b = ojson.AppendString(b, comment)
	b = append(b, `,"_date":`...)
	v := ojson.Int(now.UnixMilli())
	b = v.Append(b)
	if diff {
		b = append(b, `,"_is_diff":true`...)
	}
	return append(records, append(b, '}'))
}

// rowsSnapshot returns the committed rows of each table. mu is held.
func (db *Database) rowsSnapshot() [][]*ovsdb.Row {
	rows := make([][]*ovsdb.Row, len(db.tables))
	for i, t := range db.tables {
		rows[i] = make([]*ovsdb.Row, 0, len(t.rows))
		for _, e := range t.rows {
			rows[i] = append(rows[i], e.row)
		}
	}
	return rows
}

// Conditions of automatic compaction (ovsdb-server(1), ovsdb-server/compact).
const (
	compactMinSize    = 10 << 20
	compactMinCommits = 100
	compactMinTime    = 10 * time.Minute
	compactMaxTime    = 24 * time.Hour
)

// maybeCompact starts a compaction when it is due. mu is held.
func (db *Database) maybeCompact() {
	c := &db.compact
	if db.file == nil || c.running || c.commits == 0 {
		return
	}
	age := db.clock.Since(c.last)
	if c.commits < compactMinCommits && age < compactMinTime {
		return
	}
	size := db.file.Size()
	due := size >= compactMinSize && size/2 >= c.lastSize ||
		age >= compactMaxTime && c.commits >= compactMinCommits
	if !due {
		return
	}
	c.running = true
	go func() {
		if err := db.Compact("compacting database online"); err != nil {
			db.log.Warnf("%s: compaction failed: %s", db.name, err)
		}
	}()
}

// Compact replaces the database file by one that holds only the current contents. Transactions go on meanwhile.
func (db *Database) Compact(comment string) error {
	start := db.clock.Now()
	db.mu.Lock()
	file := db.file
	if file == nil || db.removed {
		db.compact.running = false
		db.mu.Unlock()
		return nil
	}
	mark := file.Mark()
	schema, rows := db.schema, db.rowsSnapshot()
	commits := db.compact.commits
	db.mu.Unlock()

	records := snapshotRecords(schema, rows, comment, start, db.columnDiff)
	err := file.Replace(mark, records...)

	db.mu.Lock()
	defer db.mu.Unlock()
	db.compact.running = false
	db.compact.last = db.clock.Now()
	if err != nil {
		return err
	}
	db.compact.lastSize = file.Size()
	db.compact.commits -= commits
	return nil
}

// Close closes the database's file.
func (db *Database) Close() error {
	db.mu.Lock()
	file := db.file
	db.removed = true
	db.mu.Unlock()
	if file == nil {
		return nil
	}
	return file.Close()
}

// CreateFile makes a new database file with the given schema and no rows; it must not exist.
func CreateFile(name string, schema *ovsdb.DatabaseSchema, locks *storage.Locks) error {
	v := schema.JSON()
	file, err := storage.Create(name, v.Append(nil), storage.Options{Locks: locks})
	if err != nil {
		return err
	}
	return file.Close()
}
