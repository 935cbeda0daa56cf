package client

import (
	"fmt"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// ensureTables makes the tables that have no rows, so that Compare sees rows that went away.
func (b *builder) ensureTables(want map[string][]string) {
	for name, t := range b.schema.Tables {
		if _, ok := want[name]; (ok || want == nil) && b.tables[name] == nil {
			b.tables[name] = &Table{Schema: t}
		}
	}
}

// applyUpdates applies a <table-updates> (RFC 7047 section 4.1.6) or <table-updates2> (ovsdb-server(7) section 4.1.14) object.
func applyUpdates(b *builder, v *ojson.Value, version int) error {
	if v.Kind() != ojson.Object {
		return fmt.Errorf("table updates are not an object")
	}
	for i := range v.Len() {
		name, rows := v.Member(i)
		t := b.schema.Tables[name]
		if t == nil {
			return fmt.Errorf("update of unknown table %q", name)
		}
		if rows.Kind() != ojson.Object {
			return fmt.Errorf("table update for %s is not an object", name)
		}
		for j := range rows.Len() {
			id, ru := rows.Member(j)
			u, err := ovsdb.ParseUUID(id)
			if err != nil {
				return fmt.Errorf("table update for %s: %w", name, err)
			}
			if version == 1 {
				err = applyRow1(b, t, u, ru)
			} else {
				err = applyRow2(b, t, u, ru)
			}
			if err != nil {
				return fmt.Errorf("update of row %s in table %s: %w", u, name, err)
			}
		}
	}
	return nil
}

// applyRow1 applies a <row-update>: the new row's monitored columns, or a deletion.
func applyRow1(b *builder, t *ovsdb.TableSchema, u ovsdb.UUID, v *ojson.Value) error {
	n := v.Get("new")
	if n == nil {
		b.delete(t.Name, u)
		return nil
	}
	row := ovsdb.NewRow(t, u)
	if old := b.row(t.Name, u); old != nil {
		row = old.Clone()
	}
	return setColumns(b, t, u, row, n)
}

// applyRow2 applies a <row-update2>.
func applyRow2(b *builder, t *ovsdb.TableSchema, u ovsdb.UUID, v *ojson.Value) error {
	if v.Len() != 1 {
		return fmt.Errorf("row update has %d members, not 1", v.Len())
	}
	kind, val := v.Member(0)
	switch kind {
	case "initial", "insert":
		return setColumns(b, t, u, ovsdb.NewRow(t, u), val)
	case "delete":
		b.delete(t.Name, u)
		return nil
	case "modify":
		old := b.row(t.Name, u)
		if old == nil {
			return fmt.Errorf("modification of a row that is not there")
		}
		row := old.Clone()
		for i := range val.Len() {
			name, d := val.Member(i)
			c := t.Column(name)
			if c == nil {
				return fmt.Errorf("unknown column %q", name)
			}
			diff, err := ovsdb.ParseDatumUnchecked(d, &c.Type)
			if err != nil {
				return err
			}
			row.Cols[c.Index] = ovsdb.ApplyDiff(row.Cols[c.Index], diff, &c.Type)
		}
		b.set(t.Name, u, row)
		return nil
	}
	return fmt.Errorf("unknown kind of row update %q", kind)
}

func setColumns(b *builder, t *ovsdb.TableSchema, u ovsdb.UUID, row *ovsdb.Row, v *ojson.Value) error {
	if v.Kind() != ojson.Object {
		return fmt.Errorf("row is not an object")
	}
	for i := range v.Len() {
		name, d := v.Member(i)
		c := t.Column(name)
		if c == nil {
			return fmt.Errorf("unknown column %q", name)
		}
		val, err := ovsdb.ParseDatumUnchecked(d, &c.Type)
		if err != nil {
			return err
		}
		row.Cols[c.Index] = val
	}
	b.set(t.Name, u, row)
	return nil
}
