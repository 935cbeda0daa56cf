package dbctl

import (
	"fmt"

	"govs/ovsdb"
)

// SetColumn applies an argument "COLUMN[:KEY]=VALUE" to a row.
func (c *Context) SetColumn(ts *ovsdb.TableSchema, row *ovsdb.Row, arg string) error {
	kv, err := parseKeyValue(arg, ts, []string{"="})
	if err != nil {
		return err
	}
	if kv.hasKey && !kv.column.Type.IsMap() {
		return fmt.Errorf("cannot specify key to set for non-map column %s", kv.column.Name)
	}
	t := &kv.column.Type
	var d ovsdb.Datum
	if kv.hasKey {
		key, err := ovsdb.ParseAtomText(kv.key, &t.Key, c.syms)
		if err != nil {
			return err
		}
		value, err := ovsdb.ParseAtomText(kv.value, &t.Value, c.syms)
		if err != nil {
			return err
		}
		var b ovsdb.Builder
		b.Init(t.Key.Type, t.Value.Type)
		b.AddPair(key, value)
		for k, v := range c.value(ts, row, kv.column).All() {
			if k != key {
				b.AddPair(k, v)
			}
		}
		d = b.Build()
		c.Txn.Verify(ts.Name, row.UUID(), kv.column.Name)
	} else if d, err = ovsdb.ParseDatumText(kv.value, t, c.syms); err != nil {
		return err
	}
	c.Txn.Set(ts.Name, row.UUID(), kv.column.Name, d)
	return nil
}

// value returns the value of a column as the transaction will leave it.
func (c *Context) value(ts *ovsdb.TableSchema, row *ovsdb.Row, col *ovsdb.ColumnSchema) ovsdb.Datum {
	if r := c.Txn.Row(ts.Name, row.UUID()); r != nil {
		row = r
	}
	return c.Txn.Snapshot().Table(ts.Name).Column(row, col.Name)
}

// target parses the first arguments, TABLE and RECORD. The row is nil without an error if it need not exist.
func (c *Context) target(must bool) (*ovsdb.TableSchema, *ovsdb.Row, error) {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return nil, nil, err
	}
	row, err := c.Row(ts, c.Args[2], must)
	return ts, row, err
}

func prepareSet(c *Context) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	c.needRow(ts)
	return c.needColumns(ts, c.Args[3:], false)
}

// needColumns notes the columns that arguments begin with.
func (c *Context) needColumns(ts *ovsdb.TableSchema, args []string, withUUID bool) error {
	for _, arg := range args {
		col, _, err := parseColumn(arg, ts, withUUID && arg == "_uuid")
		if err != nil {
			return err
		}
		if col.Index != ovsdb.ColUUID {
			c.Need(ts.Name, col.Name)
		}
	}
	return nil
}

func runSet(c *Context) error {
	ts, row, err := c.target(!c.Has("--if-exists"))
	if row == nil {
		return err
	}
	for _, arg := range c.Args[3:] {
		kv, err := parseKeyValue(arg, ts, []string{"="})
		if err != nil {
			return err
		}
		if err := c.checkMutable(ts, row, kv.column); err != nil {
			return err
		}
		if err := c.SetColumn(ts, row, arg); err != nil {
			return err
		}
	}
	return nil
}

// prepareColumn is the Prepare of commands TABLE RECORD COLUMN.
func prepareColumn(c *Context, names ...string) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	c.needRow(ts)
	for _, name := range names {
		col, err := Column(ts, name, false)
		if err != nil {
			return err
		}
		c.Need(ts.Name, col.Name)
	}
	return nil
}

// mutable finds a column that may be changed in a row.
func (c *Context) mutable(ts *ovsdb.TableSchema, row *ovsdb.Row, name string) (*ovsdb.ColumnSchema, error) {
	col, err := Column(ts, name, false)
	if err == nil {
		err = c.checkMutable(ts, row, col)
	}
	return col, err
}

// checkMutable refuses columns that may not be changed, unless the transaction made the row.
func (c *Context) checkMutable(ts *ovsdb.TableSchema, row *ovsdb.Row, col *ovsdb.ColumnSchema) error {
	if !col.Mutable && c.Txn.Snapshot().Table(ts.Name).Row(row.UUID()) != nil {
		return fmt.Errorf("cannot modify read-only column %s in table %s", col.Name, ts.Name)
	}
	return nil
}

func elements(t *ovsdb.Type) string {
	if t.IsMap() {
		return "pairs"
	}
	return "values"
}

func runAdd(c *Context) error {
	ts, row, err := c.target(!c.Has("--if-exists"))
	if row == nil {
		return err
	}
	col, err := c.mutable(ts, row, c.Args[3])
	if err != nil {
		return err
	}
	t := &col.Type
	one := *t // each argument must have exactly one element or a list of them
	one.Min, one.Max = 1, ovsdb.Unlimited
	d := c.value(ts, row, col)
	for _, arg := range c.Args[4:] {
		add, err := ovsdb.ParseDatumText(arg, &one, c.syms)
		if err != nil {
			return err
		}
		d = union(d, add, t)
	}
	c.Txn.Verify(ts.Name, row.UUID(), col.Name)
	c.Txn.Set(ts.Name, row.UUID(), col.Name, d)
	return nil
}

// union adds the elements of b to a; those of a stay where keys are the same.
func union(a, b ovsdb.Datum, t *ovsdb.Type) ovsdb.Datum { return a.Union(b, t) }

func runRemove(c *Context) error {
	ts, row, err := c.target(!c.Has("--if-exists"))
	if row == nil {
		return err
	}
	col, err := c.mutable(ts, row, c.Args[3])
	if err != nil {
		return err
	}
	t := &col.Type
	loose := *t
	loose.Min, loose.Max = 1, ovsdb.Unlimited
	d := c.value(ts, row, col)
	for _, arg := range c.Args[4:] {
		pairs := t.IsMap()
		rm, err := ovsdb.ParseDatumText(arg, &loose, c.syms)
		if err != nil && t.IsMap() {
			keys := loose
			keys.Value = ovsdb.MakeBaseType(ovsdb.Void)
			pairs = false
			if k, kerr := ovsdb.ParseDatumText(arg, &keys, c.syms); kerr == nil {
				rm, err = k, nil
			}
		}
		if err != nil {
			return err
		}
		d = subtract(d, rm, t, pairs)
	}
	if n := d.Len(); n < int(t.Min) {
		return fmt.Errorf("\"remove\" operation would put %d %s in column %s of table %s but the minimum number is %d",
			n, elements(t), col.Name, ts.Name, t.Min)
	}
	c.Txn.Verify(ts.Name, row.UUID(), col.Name)
	c.Txn.Set(ts.Name, row.UUID(), col.Name, d)
	return nil
}

// subtract removes the elements of b from a; with pairs, only where the values are the same too.
func subtract(a, b ovsdb.Datum, t *ovsdb.Type, pairs bool) ovsdb.Datum {
	var out ovsdb.Builder
	out.Init(t.Key.Type, t.Value.Type)
	for k, v := range a.All() {
		if pairs {
			if w, ok := b.Lookup(k); ok && w == v {
				continue
			}
		} else if b.Contains(k) {
			continue
		}
		out.AddPair(k, v)
	}
	return out.Build()
}

func runClear(c *Context) error {
	ts, row, err := c.target(!c.Has("--if-exists"))
	if row == nil {
		return err
	}
	for _, name := range c.Args[3:] {
		col, err := c.mutable(ts, row, name)
		if err != nil {
			return err
		}
		if col.Type.Min > 0 {
			return fmt.Errorf("\"clear\" operation cannot be applied to column %s of table %s, which is not allowed to be empty",
				col.Name, ts.Name)
		}
		c.Txn.Set(ts.Name, row.UUID(), col.Name, ovsdb.DefaultDatum(&col.Type))
	}
	return nil
}
