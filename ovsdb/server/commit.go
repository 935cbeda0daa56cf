package server

import (
	"fmt"
	"strings"

	"govs/ovsdb"
)

// change is what one transaction did to one row. old is nil for an insertion, new for a deletion.
type change struct {
	table    *table
	uuid     ovsdb.UUID
	old, new *ovsdb.Row
}

type rowKey struct {
	table *table
	uuid  ovsdb.UUID
}

// precommit works out what the transaction really changed and checks everything that the schema demands of the
// result: it may delete further rows (garbage) and remove weak references. deltas are the changes of the numbers of
// strong references.
func (x *Txn) precommit() (deltas map[rowKey]int32, err error) {
	if !x.dropUnchanged() {
		return nil, nil
	}
	deltas = make(map[rowKey]int32)
	if err := x.countRefs(deltas); err != nil {
		return nil, err
	}
	if err := x.checkDeleted(deltas); err != nil {
		return nil, err
	}
	x.collectGarbage(deltas)
	if err := x.checkMaxRows(); err != nil {
		return nil, err
	}
	if err := x.fixWeakRefs(); err != nil {
		return nil, err
	}
	x.dropUnchanged()
	if err := x.checkIndexes(); err != nil {
		return nil, err
	}
	return deltas, nil
}

// eachRow calls f for each row that the transaction touched.
func (x *Txn) eachRow(f func(r *txnRow) error) error {
	for _, tt := range x.tables {
		if tt == nil {
			continue
		}
		// f may touch further rows, also of this table.
		for i := 0; i < len(tt.list); i++ {
			if err := f(tt.list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropUnchanged forgets the rows that are as they were and reports whether any is left.
func (x *Txn) dropUnchanged() bool {
	any := false
	for i, tt := range x.tables {
		if tt == nil {
			continue
		}
		keep := tt.list[:0]
		for _, r := range tt.list {
			if r.old == r.new || r.old != nil && r.new != nil && sameRow(r.old, r.new) {
				delete(tt.rows, r.uuid)
				continue
			}
			keep = append(keep, r)
		}
		clear(tt.list[len(keep):])
		tt.list = keep
		if len(keep) == 0 {
			x.tables[i] = nil
			continue
		}
		any = true
	}
	return any
}

func sameRow(a, b *ovsdb.Row) bool {
	for i := ovsdb.FirstCol; i < len(a.Cols); i++ {
		if a.Cols[i] != b.Cols[i] {
			return false
		}
	}
	return true
}

// countRefs counts how the numbers of strong references change, and fails on a reference to a row that is not
// there. A row's references to itself do not count.
func (x *Txn) countRefs(deltas map[rowKey]int32) error {
	for _, tt := range x.tables {
		if tt == nil {
			continue
		}
		for i := range tt.t.strongCols {
			c := &tt.t.strongCols[i]
			for _, r := range tt.list {
				var before, after ovsdb.Datum
				if r.old != nil {
					before = r.old.Cols[c.col.Index]
				}
				if r.new != nil {
					after = r.new.Cols[c.col.Index]
				}
				if before == after {
					continue
				}
				c.eachRef(before, func(t *table, u ovsdb.UUID) {
					if u != r.uuid {
						deltas[rowKey{t, u}]--
					}
				})
				c.eachRef(after, func(t *table, u ovsdb.UUID) {
					if u != r.uuid {
						deltas[rowKey{t, u}]++
					}
				})
			}
		}
	}
	for k, d := range deltas {
		if d <= 0 || x.get(k.table, k.uuid) != nil || x.uuidUsed(k.table, k.uuid) {
			continue
		}
		return x.danglingError(k)
	}
	return nil
}

// danglingError finds a reference to the row that k names, which does not exist, and describes it.
func (x *Txn) danglingError(k rowKey) error {
	var err error
	x.eachRow(func(r *txnRow) error {
		if r.new == nil || err != nil {
			return nil
		}
		for i := range r.table.strongCols {
			c := &r.table.strongCols[i]
			c.eachRef(r.new.Cols[c.col.Index], func(t *table, u ovsdb.UUID) {
				if t == k.table && u == k.uuid && err == nil {
					err = ovsdb.Errorf("referential integrity violation",
						"Table %s column %s row %s references nonexistent row %s in table %s.",
						r.table.schema.Name, c.col.Name, r.uuid, u, t.schema.Name)
				}
			})
		}
		return nil
	})
	return err
}

// checkDeleted fails when a row that was deleted still has strong references.
func (x *Txn) checkDeleted(deltas map[rowKey]int32) error {
	return x.eachRow(func(r *txnRow) error {
		if r.new != nil {
			return nil
		}
		if n := r.table.rows[r.uuid].refs + deltas[rowKey{r.table, r.uuid}]; n > 0 {
			return ovsdb.Errorf("referential integrity violation",
				"cannot delete %s row %s because of %d remaining reference(s)", r.table.schema.Name, r.uuid, n)
		}
		return nil
	})
}

// collectGarbage deletes the rows of non-root tables that have no strong reference any more.
func (x *Txn) collectGarbage(deltas map[rowKey]int32) {
	var work []rowKey
	check := func(k rowKey) {
		if !k.table.schema.IsRoot && k.table.rows[k.uuid].refs+deltas[k] == 0 && x.get(k.table, k.uuid) != nil {
			work = append(work, k)
		}
	}
	for k, d := range deltas {
		if d < 0 {
			check(k)
		}
	}
	x.eachRow(func(r *txnRow) error {
		if r.old == nil {
			check(rowKey{r.table, r.uuid})
		}
		return nil
	})
	for len(work) > 0 {
		k := work[len(work)-1]
		work = work[:len(work)-1]
		row := x.get(k.table, k.uuid)
		if row == nil {
			continue
		}
		x.delete(k.table, k.uuid)
		for i := range k.table.strongCols {
			c := &k.table.strongCols[i]
			c.eachRef(row.Cols[c.col.Index], func(t *table, u ovsdb.UUID) {
				if u != k.uuid {
					deltas[rowKey{t, u}]--
					check(rowKey{t, u})
				}
			})
		}
	}
}

func (x *Txn) checkMaxRows() error {
	for _, tt := range x.tables {
		if tt == nil || tt.t.schema.MaxRows == ovsdb.Unlimited {
			continue
		}
		n := len(tt.t.rows)
		for _, r := range tt.list {
			if r.old == nil && r.new != nil {
				n++
			} else if r.old != nil && r.new == nil {
				n--
			}
		}
		if n > int(tt.t.schema.MaxRows) && n > len(tt.t.rows) {
			return ovsdb.Errorf("constraint violation",
				"transaction causes \"%s\" table to contain %d rows, greater than the schema-defined limit of %d row(s)",
				tt.t.schema.Name, n, tt.t.schema.MaxRows)
		}
	}
	return nil
}

// fixWeakRefs removes weak references to rows that are not there (any more).
func (x *Txn) fixWeakRefs() error {
	// Rows that refer to deleted rows need a look too.
	for _, tt := range x.tables {
		if tt == nil || len(tt.t.weak) == 0 {
			continue
		}
		for _, r := range tt.list {
			if r.new != nil || r.old == nil {
				continue
			}
			if w := tt.t.weak[r.uuid]; w != nil {
				for _, src := range w.list {
					x.touch(src.table, src.uuid)
				}
			}
		}
	}
	return x.eachRow(func(r *txnRow) error {
		if r.new == nil {
			return nil
		}
		for i := range r.table.weakCols {
			if err := x.fixWeakColumn(r, &r.table.weakCols[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x *Txn) fixWeakColumn(r *txnRow, c *refColumn) error {
	d := r.new.Cols[c.col.Index]
	bad, zero := 0, false
	c.eachRef(d, func(t *table, u ovsdb.UUID) {
		if x.get(t, u) == nil {
			bad++
			zero = zero || u.IsZero()
		}
	})
	if bad == 0 {
		return nil
	}
	var b ovsdb.Builder
	ty := &c.col.Type
	b.Init(ty.Key.Type, ty.Value.Type)
	removed := 0
	for k, v := range d.All() {
		if c.key != nil && x.get(c.key, k.UUID()) == nil || c.value != nil && x.get(c.value, v.UUID()) == nil {
			removed++
			continue
		}
		b.AddPair(k, v)
	}
	d = b.Build()
	x.modify(r.table, r.uuid).Cols[c.col.Index] = d
	if d.Len() >= int(ty.Min) {
		return nil
	}
	when := "(inserted within this transaction) "
	if r.old != nil {
		when = ""
	}
	if zero {
		return ovsdb.Errorf("constraint violation", "Weak reference column \"%s\" in \"%s\" row %s %scontained all-zeros "+
			"UUID (probably as the default value for this column) but deleting this value caused a constraint volation "+
			"because this column is not allowed to be empty.", c.col.Name, r.table.schema.Name, r.uuid, when)
	}
	return ovsdb.Errorf("constraint violation", "Deletion of %d weak reference(s) to deleted (or never-existing) rows "+
		"from column \"%s\" in \"%s\" row %s %scaused this column to become empty, but constraints on this column "+
		"disallow an empty column.", removed, c.col.Name, r.table.schema.Name, r.uuid, when)
}

// checkIndexes fails when two rows have the same values in the columns of an index.
func (x *Txn) checkIndexes() error {
	for _, tt := range x.tables {
		if tt == nil {
			continue
		}
		if len(tt.t.indexes) == 0 {
			continue
		}
		seen := make([]map[ovsdb.Datum]*txnRow, len(tt.t.indexes))
		for i := range seen {
			seen[i] = make(map[ovsdb.Datum]*txnRow, len(tt.list))
		}
		for _, r := range tt.list {
			if r.new == nil {
				continue
			}
			for i := range seen {
				key := tt.t.indexKey(i, r.new)
				if other := seen[i][key]; other != nil {
					return x.indexError(tt.t, i, r.uuid, other.uuid)
				}
				seen[i][key] = r
				if u, ok := tt.t.indexes[i][key]; ok && u != r.uuid && tt.rows[u] == nil {
					return x.indexError(tt.t, i, r.uuid, u)
				}
			}
		}
	}
	return nil
}

func (x *Txn) indexError(t *table, i int, a, b ovsdb.UUID) error {
	cols := t.schema.Indexes[i]
	values := func(row *ovsdb.Row) string {
		var vs []string
		for _, c := range cols {
			d := row.Cols[c.Index]
			vs = append(vs, string(d.Text(&c.Type)))
		}
		return englishList(vs)
	}
	var names []string
	for _, c := range cols {
		names = append(names, "\""+c.Name+"\"")
	}
	plural := ""
	if len(cols) > 1 {
		plural = "s"
	}
	describe := func(u ovsdb.UUID) string {
		r := x.tab(t).rows[u]
		s := fmt.Sprintf("row, with UUID %s, ", u)
		switch {
		case r == nil || r.old == r.new:
			return s + "existed in the database before this transaction and was not modified by the transaction."
		case r.old == nil:
			return s + "was inserted by this transaction."
		case t.indexKey(i, r.old) == t.indexKey(i, r.new):
			return s + "existed in the database before this transaction, which modified some of the row's columns " +
				"but not any columns in this index."
		default:
			return s + "had the following index values before the transaction: " + values(r.old) + "."
		}
	}
	return ovsdb.Errorf("constraint violation", "Transaction causes multiple rows in \"%s\" table to have identical "+
		"values (%s) for index on column%s %s.  First %s  Second %s", t.schema.Name, values(x.get(t, a)), plural,
		englishList(names), describe(a), describe(b))
}

// englishList joins "a, b and c".
func englishList(s []string) string {
	switch len(s) {
	case 0:
		return ""
	case 1:
		return s[0]
	case 2:
		return s[0] + " and " + s[1]
	}
	return strings.Join(s[:len(s)-1], ", ") + ", and " + s[len(s)-1]
}

// apply makes the transaction's rows the committed ones and returns what changed.
func (x *Txn) apply(deltas map[rowKey]int32) []change {
	n := 0
	for _, tt := range x.tables {
		if tt != nil {
			n += len(tt.list)
		}
	}
	changes := make([]change, 0, n)
	for _, tt := range x.tables {
		if tt == nil {
			continue
		}
		for _, r := range tt.list {
			tt.t.put(r.uuid, r.old, r.new)
			changes = append(changes, change{tt.t, r.uuid, r.old, r.new})
		}
	}
	for k, d := range deltas {
		if d == 0 {
			continue
		}
		if e, ok := k.table.rows[k.uuid]; ok {
			e.refs += d
			k.table.rows[k.uuid] = e
		}
	}
	return changes
}
