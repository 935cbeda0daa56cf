package dbctl

import (
	"fmt"

	"govs/ovsdb"
)

// satisfies tells whether a row fulfils a condition of find or wait-until.
func (c *Context) satisfies(ts *ovsdb.TableSchema, row *ovsdb.Row, arg string) (bool, error) {
	kv, err := parseKeyValue(arg, ts, operators)
	if err != nil {
		return false, err
	}
	have := c.value(ts, row, kv.column)
	t := kv.column.Type
	if kv.hasKey {
		if !t.IsMap() {
			return false, fmt.Errorf("cannot specify key to check for non-map column %s", kv.column.Name)
		}
		key, err := ovsdb.ParseAtomText(kv.key, &t.Key, c.syms)
		if err != nil {
			return false, err
		}
		t.Key, t.Value = t.Value, ovsdb.MakeBaseType(ovsdb.Void)
		v, ok := have.Lookup(key)
		set := kv.operator[0] == '{'
		if !ok && !set {
			return false, nil
		}
		have = ovsdb.Datum{}
		if ok {
			have = ovsdb.NewSet(v)
		}
		t.Min, t.Max = 0, ovsdb.Unlimited
		if !set {
			t.Min, t.Max = 1, 1
		}
	}
	want, err := ovsdb.ParseDatumText(kv.value, &t, c.syms)
	if err != nil {
		return false, err
	}
	return compare(have, want, kv.operator, t.IsMap()), nil
}

// compare applies an operator to two values.
func compare(have, want ovsdb.Datum, op string, isMap bool) bool {
	in := func(a, b ovsdb.Datum) bool { return b.IncludesAll(a) }
	switch op {
	case "=", "{=}":
		return have == want
	case "!=", "{!=}":
		return have != want
	case "<":
		return order(have, want) < 0
	case ">":
		return order(have, want) > 0
	case "<=":
		return order(have, want) <= 0
	case ">=":
		return order(have, want) >= 0
	case "{<}":
		return have.Len() < want.Len() && in(have, want)
	case "{<=}", "{in}":
		return in(have, want)
	case "{>}":
		return have.Len() > want.Len() && in(want, have)
	case "{>=}":
		return in(want, have)
	}
	return have.ExcludesAll(want) // {not-in}
}

// order compares two sets or maps: the larger one is greater; of those of one size the first element that differs counts.
func order(a, b ovsdb.Datum) int {
	if a.Len() != b.Len() {
		return a.Len() - b.Len()
	}
	return a.Compare(b)
}
