package server

import (
	"govs/ovsdb"
)

// table is one table in memory. Database.mu guards it.
type table struct {
	schema *ovsdb.TableSchema
	num    int  // position in Database.tables
	logged bool // tlog-set: log its changes
	rows   map[ovsdb.UUID]entry
	// indexes has one map for each of schema.Indexes, from the row's index key to its UUID.
	indexes []map[ovsdb.Datum]ovsdb.UUID
	// weak maps the UUID of a row to the rows whose weak references name it.
	weak map[ovsdb.UUID]*weakSources

	strongCols []refColumn // the columns with strong references
	weakCols   []refColumn // the columns with weak references
}

// entry is a committed row with the number of strong references to it from other rows.
type entry struct {
	row  *ovsdb.Row
	refs int32
}

// refColumn is a column that refers to rows. key and value are the tables that keys and values refer to, or nil.
type refColumn struct {
	col        *ovsdb.ColumnSchema
	key, value *table
}

func newTables(s *ovsdb.DatabaseSchema) []*table {
	byName := make(map[string]*table, len(s.TableList))
	tables := make([]*table, len(s.TableList))
	for i, ts := range s.TableList {
		t := &table{schema: ts, num: i, rows: make(map[ovsdb.UUID]entry)}
		for range ts.Indexes {
			t.indexes = append(t.indexes, make(map[ovsdb.Datum]ovsdb.UUID))
		}
		tables[i] = t
		byName[ts.Name] = t
	}
	for _, t := range tables {
		for _, c := range t.schema.Columns {
			k, v := &c.Type.Key, &c.Type.Value
			strong, weak := refColumn{col: c}, refColumn{col: c}
			if k.IsStrongRef() {
				strong.key = byName[k.RefTable]
			} else if k.IsWeakRef() {
				weak.key = byName[k.RefTable]
			}
			if v.IsStrongRef() {
				strong.value = byName[v.RefTable]
			} else if v.IsWeakRef() {
				weak.value = byName[v.RefTable]
			}
			if strong.key != nil || strong.value != nil {
				t.strongCols = append(t.strongCols, strong)
			}
			if weak.key != nil || weak.value != nil {
				t.weakCols = append(t.weakCols, weak)
			}
		}
	}
	return tables
}

// eachRef calls f for each row that d refers to through column c.
func (c *refColumn) eachRef(d ovsdb.Datum, f func(target *table, u ovsdb.UUID)) {
	if d.IsEmpty() {
		return
	}
	for k, v := range d.All() {
		if c.key != nil {
			f(c.key, k.UUID())
		}
		if c.value != nil {
			f(c.value, v.UUID())
		}
	}
}

// indexKey returns the key of row in index i: the column's value, or for several columns an injective string of
// them.
func (t *table) indexKey(i int, row *ovsdb.Row) ovsdb.Datum {
	cols := t.schema.Indexes[i]
	if len(cols) == 1 {
		return row.Cols[cols[0].Index]
	}
	return ovsdb.ConcatDatums(row.Cols, cols)
}

// weakSources are the rows that refer weakly to one row. Small sets are a plain list.
type weakSources struct {
	list []weakSource
	pos  map[ovsdb.UUID]int // source to position in list; nil while the list is short
}

type weakSource struct {
	table *table
	uuid  ovsdb.UUID
	n     int32 // number of references from this row
}

const weakListMax = 16

func (w *weakSources) find(u ovsdb.UUID) int {
	if w.pos != nil {
		if i, ok := w.pos[u]; ok {
			return i
		}
		return -1
	}
	for i := range w.list {
		if w.list[i].uuid == u {
			return i
		}
	}
	return -1
}

func (w *weakSources) add(t *table, u ovsdb.UUID) {
	if i := w.find(u); i >= 0 {
		w.list[i].n++
		return
	}
	w.list = append(w.list, weakSource{table: t, uuid: u, n: 1})
	if w.pos != nil {
		w.pos[u] = len(w.list) - 1
	} else if len(w.list) > weakListMax {
		w.pos = make(map[ovsdb.UUID]int, len(w.list)*2)
		for i := range w.list {
			w.pos[w.list[i].uuid] = i
		}
	}
}

func (w *weakSources) remove(u ovsdb.UUID) {
	i := w.find(u)
	if i < 0 {
		return
	}
	if w.list[i].n--; w.list[i].n > 0 {
		return
	}
	last := len(w.list) - 1
	w.list[i] = w.list[last]
	w.list = w.list[:last]
	if w.pos != nil {
		delete(w.pos, u)
		if i < last {
			w.pos[w.list[i].uuid] = i
		}
	}
}

// trackWeak notes that the weak references of the row with UUID u change from old's to row's; either may be nil.
func (t *table) trackWeak(u ovsdb.UUID, old, row *ovsdb.Row) {
	for i := range t.weakCols {
		c := &t.weakCols[i]
		var before, after ovsdb.Datum
		if old != nil {
			before = old.Cols[c.col.Index]
		}
		if row != nil {
			after = row.Cols[c.col.Index]
		}
		if before == after {
			continue
		}
		c.eachRef(before, func(target *table, to ovsdb.UUID) {
			if w := target.weak[to]; w != nil {
				if w.remove(u); len(w.list) == 0 {
					delete(target.weak, to)
				}
			}
		})
		c.eachRef(after, func(target *table, to ovsdb.UUID) {
			w := target.weak[to]
			if w == nil {
				if target.weak == nil {
					target.weak = make(map[ovsdb.UUID]*weakSources)
				}
				w = &weakSources{}
				target.weak[to] = w
			}
			w.add(t, u)
		})
	}
}

// put makes row the committed version of its UUID in place of old (either may be nil), indexes and weak references
// included. Strong reference counts are the caller's business.
func (t *table) put(u ovsdb.UUID, old, row *ovsdb.Row) {
	for i := range t.indexes {
		var oldKey, newKey ovsdb.Datum
		if old != nil {
			oldKey = t.indexKey(i, old)
		}
		if row != nil {
			newKey = t.indexKey(i, row)
		}
		if old != nil && (row == nil || oldKey != newKey) {
			// Another row may have taken the key in the same transaction.
			if t.indexes[i][oldKey] == u {
				delete(t.indexes[i], oldKey)
			}
		}
		if row != nil && (old == nil || oldKey != newKey) {
			t.indexes[i][newKey] = u
		}
	}
	t.trackWeak(u, old, row)
	if row == nil {
		delete(t.rows, u)
		return
	}
	e := t.rows[u]
	e.row = row
	t.rows[u] = e
}
