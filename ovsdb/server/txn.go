package server

import (
	"govs/ovsdb"
)

// Txn is a transaction under way: the rows that it changed, laid over the database. It is used with Database.mu
// held and ends with commit or with being dropped.
type Txn struct {
	db       *Database
	tables   []*txnTable // by table.num; nil for tables without changes
	comments []string
	durable  bool
}

type txnTable struct {
	t    *table
	rows map[ovsdb.UUID]*txnRow
	list []*txnRow // in the order in which the transaction first touched them
}

// txnRow is a row that the transaction touched. old is nil for a row that it inserted, new is nil for one that it
// deleted, both are nil for one that it inserted and deleted.
type txnRow struct {
	table    *table
	uuid     ovsdb.UUID
	old, new *ovsdb.Row
	owned    bool // new is a copy of this transaction, which may be changed in place
}

func newTxn(db *Database) *Txn { return &Txn{db: db, tables: make([]*txnTable, len(db.tables))} }

func (x *Txn) tab(t *table) *txnTable {
	tt := x.tables[t.num]
	if tt == nil {
		tt = &txnTable{t: t, rows: make(map[ovsdb.UUID]*txnRow)}
		x.tables[t.num] = tt
	}
	return tt
}

// get returns the row as the transaction sees it, or nil.
func (x *Txn) get(t *table, u ovsdb.UUID) *ovsdb.Row {
	if tt := x.tables[t.num]; tt != nil {
		if r := tt.rows[u]; r != nil {
			return r.new
		}
	}
	return t.rows[u].row
}

// touch returns the transaction's record of an existing row.
func (x *Txn) touch(t *table, u ovsdb.UUID) *txnRow {
	tt := x.tab(t)
	r := tt.rows[u]
	if r == nil {
		old := t.rows[u].row
		r = &txnRow{table: t, uuid: u, old: old, new: old}
		tt.rows[u] = r
		tt.list = append(tt.list, r)
	}
	return r
}

// insert adds a row, which the transaction owns from now on. The UUID must not be in use.
func (x *Txn) insert(t *table, u ovsdb.UUID, row *ovsdb.Row) {
	row.Cols[ovsdb.ColUUID] = ovsdb.NewScalar(ovsdb.UUIDAtom(u))
	row.Cols[ovsdb.ColVersion] = newVersion()
	tt := x.tab(t)
	r := &txnRow{table: t, uuid: u, new: row, owned: true}
	tt.rows[u] = r
	tt.list = append(tt.list, r)
}

// uuidUsed reports whether the table has, or had at the start of the transaction, a row with UUID u.
func (x *Txn) uuidUsed(t *table, u ovsdb.UUID) bool {
	if tt := x.tables[t.num]; tt != nil && tt.rows[u] != nil {
		return true
	}
	_, ok := t.rows[u]
	return ok
}

// modify returns the row for changing in place.
func (x *Txn) modify(t *table, u ovsdb.UUID) *ovsdb.Row {
	r := x.touch(t, u)
	if !r.owned {
		r.new = r.new.Clone()
		r.new.Cols[ovsdb.ColVersion] = newVersion()
		r.owned = true
	}
	return r.new
}

func (x *Txn) delete(t *table, u ovsdb.UUID) {
	r := x.touch(t, u)
	r.new, r.owned = nil, false
}

func newVersion() ovsdb.Datum { return ovsdb.NewScalar(ovsdb.UUIDAtom(ovsdb.NewUUID())) }

// query calls f for each row of t, as the transaction sees it, that cond matches, until f returns false. f must
// not change the table; matching collects first.
func (x *Txn) query(t *table, cond ovsdb.Condition, f func(u ovsdb.UUID, row *ovsdb.Row) bool) {
	if u, ok := cond.UUID(); ok {
		if row := x.get(t, u); row != nil && cond.Match(row.Cols) {
			f(u, row)
		}
		return
	}
	tt := x.tables[t.num]
	if u, ok := x.lookupIndex(t, cond); ok {
		// The rows that the transaction did not touch can match only through the index.
		if row := t.rows[u].row; row != nil && (tt == nil || tt.rows[u] == nil) && cond.Match(row.Cols) {
			if !f(u, row) {
				return
			}
		}
	} else {
		for u, e := range t.rows {
			if tt != nil && tt.rows[u] != nil {
				continue
			}
			if cond.Match(e.row.Cols) && !f(u, e.row) {
				return
			}
		}
	}
	if tt != nil {
		for _, r := range tt.list {
			if r.new != nil && cond.Match(r.new.Cols) && !f(r.uuid, r.new) {
				return
			}
		}
	}
}

// lookupIndex tells whether cond pins all columns of an index of one column, and if so the committed row that has
// the value (the zero UUID if there is none).
func (x *Txn) lookupIndex(t *table, cond ovsdb.Condition) (ovsdb.UUID, bool) {
	for i, cols := range t.schema.Indexes {
		if len(cols) != 1 {
			continue
		}
		for j := range cond {
			if c := &cond[j]; c.Function == ovsdb.FuncEQ && c.Column == cols[0] {
				return t.indexes[i][c.Arg], true
			}
		}
	}
	return ovsdb.UUID{}, false
}

// matching returns the UUIDs of the rows that cond matches.
func (x *Txn) matching(t *table, cond ovsdb.Condition) []ovsdb.UUID {
	var us []ovsdb.UUID
	x.query(t, cond, func(u ovsdb.UUID, _ *ovsdb.Row) bool {
		us = append(us, u)
		return true
	})
	return us
}
