package client

import (
	"iter"

	"govs/ovsdb"
)

// Snapshot is one consistent state of the monitored tables. It is immutable.
type Snapshot struct {
	Schema *ovsdb.DatabaseSchema // the server's schema
	Seq    uint64                // grows with every snapshot of one Client
	tables map[string]*Table
}

// Table returns the rows of a table; an empty Table when it is not monitored or does not exist.
func (s *Snapshot) Table(name string) *Table {
	if t := s.tables[name]; t != nil {
		return t
	}
	return &Table{Schema: &ovsdb.TableSchema{Name: name}}
}

// shards is the number of parts of a Table's row index. A change copies only the parts that it touches.
const shards = 256

// Table is the rows of one table in a Snapshot. It is immutable.
type Table struct {
	Schema *ovsdb.TableSchema
	n      int
	parts  [shards]map[ovsdb.UUID]*ovsdb.Row
}

// Len is the number of rows.
func (t *Table) Len() int { return t.n }

// Row returns the row with the given UUID, or nil.
func (t *Table) Row(u ovsdb.UUID) *ovsdb.Row { return t.parts[u[0]][u] }

// All iterates over the rows in no special order.
func (t *Table) All() iter.Seq2[ovsdb.UUID, *ovsdb.Row] {
	return func(yield func(ovsdb.UUID, *ovsdb.Row) bool) {
		for _, p := range t.parts {
			for u, r := range p {
				if !yield(u, r) {
					return
				}
			}
		}
	}
}

// Column returns the value of a column of row r, or the zero Datum when the server's schema has no such column.
func (t *Table) Column(r *ovsdb.Row, name string) ovsdb.Datum {
	c := t.Schema.Column(name)
	if c == nil {
		return ovsdb.Datum{}
	}
	return r.Cols[c.Index]
}

// Change is one row that differs between two snapshots. Old is nil for a new row, New for a deleted one.
type Change struct {
	Table    string
	UUID     ovsdb.UUID
	Old, New *ovsdb.Row
}

// Compare returns the rows that differ between two snapshots, of which old may be nil.
func Compare(old, now *Snapshot) []Change {
	var out []Change
	for name, t := range now.tables {
		var before *Table
		if old != nil {
			before = old.tables[name]
		}
		if before == t {
			continue
		}
		if before == nil {
			before = &Table{}
		}
		for i := range t.parts {
			out = compareParts(out, name, before.parts[i], t.parts[i])
		}
	}
	if old != nil {
		for name, t := range old.tables {
			if now.tables[name] == nil {
				for u, r := range t.All() {
					out = append(out, Change{Table: name, UUID: u, Old: r})
				}
			}
		}
	}
	return out
}

func compareParts(out []Change, table string, a, b map[ovsdb.UUID]*ovsdb.Row) []Change {
	for u, r := range b {
		if o := a[u]; o != r && (o == nil || !equalRows(o, r)) {
			out = append(out, Change{Table: table, UUID: u, Old: o, New: r})
		}
	}
	for u, r := range a {
		if b[u] == nil {
			out = append(out, Change{Table: table, UUID: u, Old: r})
		}
	}
	return out
}

func equalRows(a, b *ovsdb.Row) bool {
	for i := range a.Cols {
		if i != ovsdb.ColVersion && a.Cols[i] != b.Cols[i] {
			return false
		}
	}
	return true
}

// builder makes a snapshot from another by copying what changes.
type builder struct {
	schema *ovsdb.DatabaseSchema
	tables map[string]*Table
	owned  map[*Table]*[shards]bool // tables that the builder has copied, and which parts of them
}

func newBuilder(from *Snapshot, schema *ovsdb.DatabaseSchema) *builder {
	b := &builder{schema: schema, tables: make(map[string]*Table), owned: make(map[*Table]*[shards]bool)}
	if from != nil {
		for n, t := range from.tables {
			b.tables[n] = t
		}
	}
	return b
}

// own returns the table for writing to the part that u is in.
func (b *builder) own(name string, u ovsdb.UUID) *Table {
	t := b.tables[name]
	if t == nil {
		t = &Table{Schema: b.schema.Tables[name]}
		b.tables[name] = t
		b.owned[t] = new([shards]bool)
	} else if b.owned[t] == nil {
		c := *t
		t = &c
		b.tables[name] = t
		b.owned[t] = new([shards]bool)
	}
	if parts := b.owned[t]; !parts[u[0]] {
		parts[u[0]] = true
		p := make(map[ovsdb.UUID]*ovsdb.Row, len(t.parts[u[0]])+1)
		for k, v := range t.parts[u[0]] {
			p[k] = v
		}
		t.parts[u[0]] = p
	}
	return t
}

func (b *builder) row(table string, u ovsdb.UUID) *ovsdb.Row {
	if t := b.tables[table]; t != nil {
		return t.Row(u)
	}
	return nil
}

func (b *builder) set(table string, u ovsdb.UUID, r *ovsdb.Row) {
	t := b.own(table, u)
	if t.parts[u[0]][u] == nil {
		t.n++
	}
	t.parts[u[0]][u] = r
}

func (b *builder) delete(table string, u ovsdb.UUID) {
	if b.row(table, u) == nil {
		return
	}
	t := b.own(table, u)
	delete(t.parts[u[0]], u)
	t.n--
}

func (b *builder) snapshot(seq uint64) *Snapshot {
	return &Snapshot{Schema: b.schema, Seq: seq, tables: b.tables}
}
