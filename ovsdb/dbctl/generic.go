package dbctl

import (
	"fmt"
	"strings"

	"govs/internal/table"
	"govs/ovsdb"
)

// generic are the commands that every tool has. It is never written.
var generic = []Syntax{
	{Name: "comment", Args: "*ARG", ReadOnly: true, MinArgs: 0, MaxArgs: Unlimited, Run: func(*Context) error { return nil }},
	{Name: "get", Args: "!TABLE !RECORD *COLUMN?:KEY", ReadOnly: true, MinArgs: 2, MaxArgs: Unlimited, Options: []string{"--if-exists", "--id="}, Prepare: prepareGet, Run: runGet},
	{Name: "list", Args: "!TABLE *RECORD", ReadOnly: true, MinArgs: 1, MaxArgs: Unlimited, Options: []string{"--if-exists", "--columns="}, Prepare: prepareList, Run: runList},
	{Name: "find", Args: "!TABLE *COLUMN?:KEY=VALUE", ReadOnly: true, MinArgs: 1, MaxArgs: Unlimited, Options: []string{"--columns="}, Prepare: prepareFind, Run: runFind},
	{Name: "set", Args: "!TABLE !RECORD +COLUMN?:KEY=VALUE", MinArgs: 3, MaxArgs: Unlimited, Options: []string{"--if-exists"}, Prepare: prepareSet, Run: runSet},
	{Name: "add", Args: "!TABLE !RECORD !COLUMN +?KEY=VALUE", MinArgs: 4, MaxArgs: Unlimited, Options: []string{"--if-exists"},
		Prepare: func(c *Context) error { return prepareColumn(c, c.Args[3]) }, Run: runAdd},
	{Name: "remove", Args: "!TABLE !RECORD !COLUMN +KEY|VALUE|KEY=VALUE", MinArgs: 4, MaxArgs: Unlimited, Options: []string{"--if-exists"},
		Prepare: func(c *Context) error { return prepareColumn(c, c.Args[3]) }, Run: runRemove},
	{Name: "clear", Args: "!TABLE !RECORD +COLUMN", MinArgs: 3, MaxArgs: Unlimited, Options: []string{"--if-exists"},
		Prepare: func(c *Context) error { return prepareColumn(c, c.Args[3:]...) }, Run: runClear},
	{Name: "create", Args: "!TABLE +COLUMN?:KEY=VALUE", MinArgs: 2, MaxArgs: Unlimited, Options: []string{"--id="}, Prepare: prepareTable, Run: runCreate,
		Finish: finishCreate},
	{Name: "destroy", Args: "!TABLE *RECORD", MinArgs: 1, MaxArgs: Unlimited, Options: []string{"--if-exists", "--all"}, Prepare: prepareTable, Run: runDestroy},
	{Name: "wait-until", Args: "!TABLE !RECORD *COLUMN?:KEY=VALUE", ReadOnly: true, MinArgs: 2, MaxArgs: Unlimited, Prepare: prepareWaitUntil, Run: runWaitUntil},
	{Name: "show", ReadOnly: true, MinArgs: 0, MaxArgs: 0, Prepare: prepareShow, Run: runShow},
}

func prepareTable(c *Context) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err == nil {
		c.needRow(ts)
	}
	return err
}

func prepareGet(c *Context) error {
	if c.Has("--if-exists") && c.Has("--id") {
		return fmt.Errorf("--if-exists and --id may not be specified together")
	}
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	c.needRow(ts)
	return c.needColumns(ts, c.Args[3:], true)
}

func runGet(c *Context) error {
	must := !c.Has("--if-exists")
	ts, row, err := c.target(must)
	if row == nil {
		return err
	}
	if id, ok := c.Options["--id"]; ok {
		s, err := c.newSymbol(id, ts.Name)
		if err != nil {
			return err
		}
		s.uuid = row.UUID()
		// Uses of the name that came earlier stand for a UUID that was made up.
		c.alias(s)
	}
	for _, arg := range c.Args[3:] {
		kv, err := parseKeyValue(arg, ts, nil)
		if err != nil {
			return err
		}
		d := c.value(ts, row, kv.column)
		c.Txn.Verify(ts.Name, row.UUID(), kv.column.Name)
		if !kv.hasKey {
			c.Out.WriteString(d.Text(&kv.column.Type) + "\n")
			continue
		}
		if !kv.column.Type.IsMap() {
			return fmt.Errorf("cannot specify key to get for non-map column %s", kv.column.Name)
		}
		key, err := ovsdb.ParseAtomText(kv.key, &kv.column.Type.Key, c.syms)
		if err != nil {
			return err
		}
		if v, ok := d.Lookup(key); ok {
			c.Out.WriteString(v.Text())
		} else if must {
			return fmt.Errorf("no key \"%s\" in %s record \"%s\" column %s", kv.key, ts.Name, c.Args[2], kv.column.Name)
		}
		c.Out.WriteByte('\n')
	}
	return nil
}

// alias makes later uses of a name mean a row that exists.
func (c *Context) alias(s *symbol) { c.syms.Get(s.name).UUID = s.uuid }

// columns returns the columns that --columns names, or all.
func (c *Context) columns(ts *ovsdb.TableSchema) ([]*ovsdb.ColumnSchema, error) {
	names, ok := c.Options["--columns"]
	if !ok {
		return append([]*ovsdb.ColumnSchema{ts.Columns[ovsdb.ColUUID]}, ts.UserColumns()...), nil
	}
	var cols []*ovsdb.ColumnSchema
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return strings.ContainsRune(", ", r) }) {
		col, err := Column(ts, name, true)
		if err != nil {
			return nil, err
		}
		cols = append(cols, col)
	}
	if len(cols) == 0 {
		return nil, fmt.Errorf("must specify at least one column name")
	}
	return cols, nil
}

func prepareList(c *Context) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	c.needRow(ts)
	cols, err := c.columns(ts)
	for _, col := range cols {
		if col.Index != ovsdb.ColUUID {
			c.Need(ts.Name, col.Name)
		}
	}
	return err
}

func (c *Context) newTable(ts *ovsdb.TableSchema) ([]*ovsdb.ColumnSchema, error) {
	cols, err := c.columns(ts)
	if err != nil {
		return nil, err
	}
	c.Table = &table.Table{}
	for _, col := range cols {
		c.Table.Columns = append(c.Table.Columns, col.Name)
	}
	return cols, nil
}

func (c *Context) addRow(ts *ovsdb.TableSchema, row *ovsdb.Row, cols []*ovsdb.ColumnSchema) {
	cells := make([]table.Cell, len(cols))
	for i, col := range cols {
		cells[i] = Cell{c.value(ts, row, col), &col.Type}
	}
	c.Table.Rows = append(c.Table.Rows, cells)
}

func runList(c *Context) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	cols, err := c.newTable(ts)
	if err != nil {
		return err
	}
	if len(c.Args) == 2 {
		for _, row := range c.Txn.Rows(ts.Name) {
			c.addRow(ts, row, cols)
		}
		return nil
	}
	for _, record := range c.Args[2:] {
		row, err := c.Row(ts, record, !c.Has("--if-exists"))
		if err != nil {
			return err
		}
		if row != nil {
			c.addRow(ts, row, cols)
		}
	}
	return nil
}

func prepareFind(c *Context) error {
	if err := prepareList(c); err != nil {
		return err
	}
	return checkConditions(c, c.Args[2:])
}

// checkConditions looks for errors in conditions before the database is contacted.
func checkConditions(c *Context, args []string) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	return c.needColumns(ts, args, false)
}

func runFind(c *Context) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	cols, err := c.newTable(ts)
	if err != nil {
		return err
	}
rows:
	for _, row := range c.Txn.Rows(ts.Name) {
		for _, arg := range c.Args[2:] {
			ok, err := c.satisfies(ts, row, arg)
			if err != nil {
				return err
			}
			if !ok {
				continue rows
			}
		}
		c.addRow(ts, row, cols)
	}
	return nil
}

func prepareWaitUntil(c *Context) error {
	if err := prepareTable(c); err != nil {
		return err
	}
	return checkConditions(c, c.Args[3:])
}

func runWaitUntil(c *Context) error {
	ts, row, err := c.target(false)
	if err != nil {
		return err
	}
	if row == nil {
		c.TryAgain = true
		return nil
	}
	for _, arg := range c.Args[3:] {
		ok, err := c.satisfies(ts, row, arg)
		if err != nil {
			return err
		}
		if !ok {
			c.TryAgain = true
			return nil
		}
	}
	return nil
}

func runCreate(c *Context) error {
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	var u ovsdb.UUID
	keep := false
	if id, ok := c.Options["--id"]; ok {
		if given, err := ovsdb.ParseUUID(id); err == nil {
			u, keep = given, true
		} else {
			s, err := c.newSymbol(id, ts.Name)
			if err != nil {
				return err
			}
			u = c.syms.Get(id).UUID
			s.uuid, s.created = u, true
		}
	} else if !ts.IsRoot {
		c.Tool.Log.Warnf("applying \"create\" command to table %s without --id option will have no effect", ts.Name)
	}
	row := c.Txn.Insert(ts.Name, u, keep)
	if row == nil {
		return fmt.Errorf("the database has no table %s", ts.Name)
	}
	c.created = row.UUID()
	for _, arg := range c.Args[2:] {
		if err := c.SetColumn(ts, row, arg); err != nil {
			return err
		}
	}
	fmt.Fprintf(&c.Out, "%s", row.UUID())
	return nil
}

// finishCreate prints the UUID that the row got.
func finishCreate(c *Context) {
	if u, ok := c.Inserted[c.created]; ok {
		c.Out.Reset()
		fmt.Fprintf(&c.Out, "%s\n", u)
	} else {
		c.Out.WriteByte('\n')
	}
}

func runDestroy(c *Context) error {
	all, lenient := c.Has("--all"), c.Has("--if-exists")
	switch {
	case all && len(c.Args) > 2:
		return fmt.Errorf("--all and records argument should not be specified together")
	case all && lenient:
		return fmt.Errorf("--all and --if-exists should not be specified together")
	}
	ts, err := c.Tool.Table(c.Args[1])
	if err != nil {
		return err
	}
	if all {
		for _, row := range c.Txn.Rows(ts.Name) {
			c.Txn.Delete(ts.Name, row.UUID())
		}
		return nil
	}
	if len(c.Args) == 2 {
		c.Tool.Log.Warnf("either --all or records argument should be specified")
	}
	for _, record := range c.Args[2:] {
		row, err := c.Row(ts, record, !lenient)
		if err != nil {
			return err
		}
		if row != nil {
			c.Txn.Delete(ts.Name, row.UUID())
		}
	}
	return nil
}
