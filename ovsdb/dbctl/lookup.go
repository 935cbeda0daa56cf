package dbctl

import (
	"fmt"
	"slices"
	"strings"

	"govs/ovsdb"
)

// match scores how well an abbreviation fits a name: 0 not, 1 as a prefix, 2 exactly. Case does not count, nor does the
// difference between '-' and '_'.
func match(name, abbrev string) int {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	name, abbrev = fold(name), fold(abbrev)
	switch {
	case name == abbrev:
		return 2
	case strings.HasPrefix(name, abbrev):
		return 1
	}
	return 0
}

// Table finds a table by its name or an abbreviation.
func (t *Tool) Table(name string) (*ovsdb.TableSchema, error) {
	var best *ovsdb.TableSchema
	score, several := 0, false
	for _, ts := range t.Schema.TableList {
		switch m := match(ts.Name, name); {
		case m > score:
			best, score, several = ts, m, false
		case m == score && m > 0:
			several = true
		}
	}
	switch {
	case best == nil:
		return nil, fmt.Errorf("unknown table \"%s\"", name)
	case several:
		return nil, fmt.Errorf("multiple table names match \"%s\"", name)
	}
	return best, nil
}

// Column finds a column of a table by its name or an abbreviation. "_uuid" is found only if withUUID.
func Column(ts *ovsdb.TableSchema, name string, withUUID bool) (*ovsdb.ColumnSchema, error) {
	if withUUID && match("_uuid", name) == 2 {
		return ts.Columns[ovsdb.ColUUID], nil
	}
	score := 1
	var found []*ovsdb.ColumnSchema
	for _, c := range ts.UserColumns() {
		switch m := match(c.Name, name); {
		case m > score:
			score, found = m, []*ovsdb.ColumnSchema{c}
		case m == score:
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s does not contain a column whose name matches \"%s\"", ts.Name, name)
	case 1:
		return found[0], nil
	}
	names := make([]string, len(found))
	for i, c := range found {
		names[i] = c.Name
	}
	return nil, fmt.Errorf("%s contains more than one column whose name matches \"%s\": %s", ts.Name, name, strings.Join(names, ", "))
}

// needRow notes what is read to find rows of a table by their names.
func (c *Context) needRow(ts *ovsdb.TableSchema) {
	if c.needs[ts.Name] == nil {
		c.needs[ts.Name] = map[string]bool{}
	}
	for _, cl := range c.Tool.Classes {
		if cl.Table != ts.Name {
			continue
		}
		for _, n := range cl.Names {
			switch {
			case n.Table != "":
				c.Need(n.Table, n.Column, n.Ref)
			case n.Column != "":
				c.Need(ts.Name, n.Column)
			}
		}
	}
}

// Row finds the row that a record argument names. It returns nil if there is none and must is false.
func (c *Context) Row(ts *ovsdb.TableSchema, record string, must bool) (*ovsdb.Row, error) {
	if u, err := ovsdb.ParseUUID(record); err == nil {
		if r := c.Txn.Row(ts.Name, u); r != nil {
			return r, nil
		}
	}
	if strings.HasPrefix(record, "@") {
		if s := c.symbols[record]; s != nil {
			if r := c.Txn.Row(ts.Name, s.uuid); r != nil {
				return r, nil
			}
		}
	}
	for _, cl := range c.Tool.Classes {
		if cl.Table != ts.Name {
			continue
		}
		for _, n := range cl.Names {
			if r, err := c.rowByName(ts, n, record); r != nil || err != nil {
				return r, err
			}
		}
	}
	if r := c.rowByPrefix(ts, record); r != nil {
		return r, nil
	}
	if must {
		return nil, fmt.Errorf("no row \"%s\" in table %s", record, ts.Name)
	}
	return nil, nil
}

// rowByPrefix finds the only row whose UUID begins with at least 4 given digits.
func (c *Context) rowByPrefix(ts *ovsdb.TableSchema, record string) *ovsdb.Row {
	if len(record) < 4 || strings.Trim(record, "0123456789abcdefABCDEF-") != "" {
		return nil
	}
	var found *ovsdb.Row
	for _, r := range c.Txn.Rows(ts.Name) {
		if strings.HasPrefix(r.UUID().String(), strings.ToLower(record)) {
			if found != nil {
				return nil
			}
			found = r
		}
	}
	return found
}

func (c *Context) rowByName(ts *ovsdb.TableSchema, n Naming, record string) (*ovsdb.Row, error) {
	if n.Column == "" {
		if record != "." {
			return nil, nil
		}
		switch rows := c.Txn.Rows(ts.Name); len(rows) {
		case 0:
			return nil, nil
		case 1:
			return rows[0], nil
		}
		return nil, nil
	}
	search := n.Table
	if search == "" {
		search = ts.Name
	}
	sts := c.Txn.Snapshot().Schema.Tables[search]
	if sts == nil || sts.Column(n.Column) == nil {
		return nil, nil
	}
	col := sts.Column(n.Column)
	var want ovsdb.Atom
	switch col.Type.Key.Type {
	case ovsdb.String:
		want = ovsdb.StringAtom(record)
		if strings.HasPrefix(record, "\"") {
			if a, err := ovsdb.ParseAtomText(record, &col.Type.Key, nil); err == nil {
				want = a
			}
		}
	default:
		a, err := ovsdb.ParseAtomText(record, &col.Type.Key, nil)
		if err != nil {
			return nil, nil
		}
		want = a
	}
	var found *ovsdb.Row
	for _, r := range c.Txn.Rows(search) {
		if !r.Cols[col.Index].Contains(want) || r.Cols[col.Index].Len() != 1 {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("multiple rows in %s match \"%s\"", ts.Name, record)
		}
		found = r
	}
	if found == nil || n.Ref == "" {
		return found, nil
	}
	ref := sts.Column(n.Ref)
	if ref == nil {
		return nil, nil
	}
	us := found.Cols[ref.Index].UUIDs()
	if len(us) == 1 {
		return c.Txn.Row(ts.Name, us[0]), nil
	}
	return nil, nil
}

// operators are those of find and wait-until, longest first where one begins another.
var operators = []string{"{not-in}", "{!=}", "{<=}", "{>=}", "{in}", "{=}", "{<}", "{>}", "!=", "<=", ">=", "=", "<", ">"}

// keyValue is a parsed argument "COLUMN[:KEY][OPERATOR VALUE]".
type keyValue struct {
	column   *ovsdb.ColumnSchema
	key      string
	hasKey   bool
	operator string
	value    string
}

// parseColumn finds the column that an argument begins with, and returns the rest of the argument.
func parseColumn(arg string, ts *ovsdb.TableSchema, withUUID bool) (*ovsdb.ColumnSchema, string, error) {
	name, rest, err := ovsdb.NextToken(arg)
	if err != nil {
		return nil, "", err
	}
	if name == "" || strings.ContainsAny(name[:1], ":=, []{}!<>") {
		return nil, "", fmt.Errorf("%s: missing column name", arg)
	}
	col, err := Column(ts, name, withUUID)
	return col, rest, err
}

// parseKeyValue parses an argument. ops are the operators that may follow, of which one must; none if it is nil.
func parseKeyValue(arg string, ts *ovsdb.TableSchema, ops []string) (kv keyValue, err error) {
	var rest string
	if kv.column, rest, err = parseColumn(arg, ts, arg == "_uuid"); err != nil {
		return kv, err
	}
	if strings.HasPrefix(rest, ":") {
		kv.hasKey = true
		if kv.key, rest, err = ovsdb.NextToken(rest[1:]); err != nil {
			return kv, err
		}
		if ops == nil && kv.key == "" {
			return kv, fmt.Errorf("%s: missing key", arg)
		}
	}
	if ops == nil {
		if rest != "" {
			return kv, fmt.Errorf("%s: trailing garbage \"%s\" in argument", arg, rest)
		}
		return kv, nil
	}
	for _, op := range ops {
		if strings.HasPrefix(rest, op) && len(rest) > len(op) {
			kv.operator, kv.value = op, rest[len(op):]
			return kv, nil
		}
	}
	if slices.Equal(ops, []string{"="}) {
		return kv, fmt.Errorf("%s: argument does not end in \"=\" followed by a value.", arg)
	}
	return kv, fmt.Errorf("%s: argument does not end in \"=\", \"!=\", \"<\", \">\", \"<=\", \">=\", \"{=}\", \"{!=}\", "+
		"\"{<}\", \"{>}\", \"{<=}\", \"{>=}\", \"{in}\", or \"{not-in}\" followed by a value.", arg)
}
