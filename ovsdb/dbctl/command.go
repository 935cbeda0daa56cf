package dbctl

import (
	"fmt"
	"slices"
	"strings"

	"govs/internal/table"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/client"
)

// Unlimited is the MaxArgs of a command that takes any number of arguments.
const Unlimited = -1

// Syntax describes a command.
type Syntax struct {
	Name    string
	MinArgs int
	MaxArgs int
	// Args describes the arguments for shells that complete command lines: names with "!" for mandatory, "?" for optional, "*" for
	// any number of, "+" for at least one.
	Args string
	// ReadOnly tells that the command never changes the database.
	ReadOnly bool
	// Options are the command's options: "--name" takes no argument, "--name=" needs one.
	Options []string
	Run     func(*Context) error
	// Prepare looks for errors in the arguments before the database is contacted, and tells which tables the command reads; may
	// be nil.
	Prepare func(*Context) error
	// Finish runs after the commit; may be nil.
	Finish func(*Context)
}

// Tool describes a tool: its database and its commands.
type Tool struct {
	Program  string
	Schema   *ovsdb.DatabaseSchema // the schema that the tool was made for
	Classes  []Class
	Shows    []Show
	Commands []Syntax
	Log      *vlog.Module // of the generic commands, "db_ctl_base"
	RowLog   *vlog.Module // of warnings about rows that will not last
}

// Class says how the rows of a table may be named, besides by UUID.
type Class struct {
	Table string
	Names []Naming
}

// Naming is one way to name a row: by the value of Column in the row itself; or, with Table, by the value of Column in the row of
// Table whose Ref column refers to it. An empty Column is ".", the table's only row.
type Naming struct {
	Table  string
	Column string
	Ref    string
}

// Show says what "show" prints of a table.
type Show struct {
	Table   string
	Name    string // column whose value follows the table's name; "" if none
	Columns []string
}

// Command is one command of a command line.
type Command struct {
	Syntax  *Syntax
	Options map[string]string // those given, with their arguments
	Args    []string          // the name and the arguments
}

// Has tells whether an option, such as "--may-exist", was given.
func (c *Command) Has(option string) bool {
	_, ok := c.Options[option]
	return ok
}

// Lookup finds a command among the tool's and the generic ones.
func (t *Tool) Lookup(name string) *Syntax {
	for i := range t.Commands {
		if t.Commands[i].Name == name {
			return &t.Commands[i]
		}
	}
	for i, s := range generic {
		if s.Name == name {
			return &generic[i]
		}
	}
	return nil
}

// AllOptions returns the names of the options of all commands, without "--"; a name that ends in "=" takes an argument.
func (t *Tool) AllOptions() []string {
	var all []string
	for _, set := range [][]Syntax{t.Commands, generic} {
		for _, s := range set {
			for _, o := range s.Options {
				if o = strings.TrimPrefix(o, "--"); !slices.Contains(all, o) {
					all = append(all, o)
				}
			}
		}
	}
	return all
}

// ParseCommands splits arguments into commands at "--". first are options that came before the first command's name.
func (t *Tool) ParseCommands(args []string, first map[string]string) ([]*Command, error) {
	var cmds []*Command
	for start, i := 0, 0; i <= len(args); i++ {
		if i < len(args) && args[i] != "--" {
			continue
		}
		if i > start {
			c, err := t.parseCommand(args[start:i], first)
			if err != nil {
				return nil, err
			}
			cmds = append(cmds, c)
			first = nil
		} else if len(first) > 0 {
			return nil, fmt.Errorf("missing command name (use --help for help)")
		}
		start = i + 1
	}
	if len(cmds) == 0 {
		return nil, fmt.Errorf("missing command name (use --help for help)")
	}
	return cmds, nil
}

func (t *Tool) parseCommand(args []string, first map[string]string) (*Command, error) {
	c := &Command{Options: map[string]string{}}
	for k, v := range first {
		c.Options[k] = v
	}
	i := 0
	for ; i < len(args) && strings.HasPrefix(args[i], "-"); i++ {
		name, value, _ := strings.Cut(args[i], "=")
		if c.Has(name) {
			return nil, fmt.Errorf("'%s' option specified multiple times", name)
		}
		if strings.Contains(args[i], "=") {
			value = "=" + value // tells "--x=" from "--x"
		}
		c.Options[name] = value
	}
	if i == len(args) {
		return nil, fmt.Errorf("missing command name (use --help for help)")
	}
	s := t.Lookup(args[i])
	if s == nil {
		return nil, fmt.Errorf("unknown command '%s'; use --help for help", args[i])
	}
	for name, value := range c.Options {
		given := strings.HasPrefix(value, "=")
		switch {
		case slices.Contains(s.Options, name):
			if given {
				return nil, fmt.Errorf("'%s' option on '%s' does not accept an argument", name, s.Name)
			}
		case slices.Contains(s.Options, name+"="):
			if !given {
				return nil, fmt.Errorf("missing argument to '%s' option on '%s' command", name, s.Name)
			}
			c.Options[name] = value[1:]
		default:
			return nil, fmt.Errorf("'%s' command has no '%s' option", s.Name, name)
		}
	}
	c.Syntax, c.Args = s, args[i:]
	switch n := len(c.Args) - 1; {
	case n < s.MinArgs:
		return nil, fmt.Errorf("'%s' command requires at least %d arguments", s.Name, s.MinArgs)
	case s.MaxArgs != Unlimited && n > s.MaxArgs:
		for _, arg := range c.Args[1:] {
			if strings.HasPrefix(arg, "-") {
				return nil, fmt.Errorf("'%s' command takes at most %d arguments (note that options must precede command "+
					"names and follow a \"--\" argument)", s.Name, s.MaxArgs)
			}
		}
		return nil, fmt.Errorf("'%s' command takes at most %d arguments", s.Name, s.MaxArgs)
	}
	return c, nil
}

// Completion returns the text of --commands, by which shells complete command lines.
func (t *Tool) Completion() string {
	var lines []string
	for _, set := range [][]Syntax{t.Commands, generic} {
		for _, s := range set {
			opts := ""
			for _, o := range s.Options {
				opts += "[" + o + "] "
			}
			lines = append(lines, opts+","+s.Name+","+s.Args+"\n")
		}
	}
	slices.SortFunc(lines, func(a, b string) int {
		return strings.Compare(a[strings.Index(a, ","):], b[strings.Index(b, ","):])
	})
	return strings.Join(lines, "")
}

// ReadOnly tells whether none of the commands changes the database.
func ReadOnly(cmds []*Command) bool {
	for _, c := range cmds {
		if !c.Syntax.ReadOnly {
			return false
		}
	}
	return true
}

// Context is what a command runs with.
type Context struct {
	*Command
	Tool *Tool
	// Txn is the transaction that all commands share; nil in Prepare.
	Txn *client.Txn
	Out strings.Builder // what the command prints
	// Table is printed instead of Out if it is set.
	Table *table.Table
	// TryAgain is set by a command that cannot run before the database changes.
	TryAgain bool
	// Inserted are the UUIDs of inserted rows, for Finish.
	Inserted map[ovsdb.UUID]ovsdb.UUID
	// needs are what the commands read, collected by Prepare.
	needs Needs
	// State is the tool's own, shared by all commands.
	State any

	syms    *ovsdb.Symbols
	symbols map[string]*symbol
	created ovsdb.UUID // row that "create" made
}

// symbol is a name given by --id.
type symbol struct {
	name    string
	table   string
	uuid    ovsdb.UUID
	created bool // by "create", not by "get"
}

// Needs are the columns that commands read, by table. All of a table's columns are the key "*".
type Needs map[string]map[string]bool

// Columns returns the columns of a table, nil for all, in the form that client.Options takes.
func (n Needs) Columns() map[string][]string {
	out := map[string][]string{}
	for t, cols := range n {
		out[t] = []string{}
		for c := range cols {
			out[t] = append(out[t], c)
		}
		slices.Sort(out[t])
		if cols["*"] {
			out[t] = nil
		}
	}
	return out
}

// Need notes in Prepare that the command reads columns of a table, all of them if none are named. A column that is not noted
// seems to have its default value.
func (c *Context) Need(table string, columns ...string) {
	if c.needs[table] == nil {
		c.needs[table] = map[string]bool{}
	}
	if columns == nil {
		columns = []string{"*"}
	}
	for _, col := range columns {
		c.needs[table][col] = true
	}
}

// Prepare runs the Prepare functions of the commands and returns what they read.
func (t *Tool) Prepare(cmds []*Command) (Needs, error) {
	needs := Needs{}
	for _, c := range cmds {
		ctx := &Context{Command: c, Tool: t, needs: needs}
		if c.Syntax.Prepare == nil {
			continue
		}
		if err := c.Syntax.Prepare(ctx); err != nil {
			return nil, err
		}
	}
	return needs, nil
}

// Run runs the commands on a transaction. It returns their contexts, the last of which has TryAgain set if the commands must run
// again when the database has changed.
func (t *Tool) Run(txn *client.Txn, cmds []*Command, state any) ([]*Context, error) {
	syms, symbols := ovsdb.NewSymbols(), map[string]*symbol{}
	var all []*Context
	for _, c := range cmds {
		ctx := &Context{Command: c, Tool: t, Txn: txn, State: state, syms: syms, symbols: symbols}
		all = append(all, ctx)
		if err := c.Syntax.Run(ctx); err != nil {
			return all, err
		}
		if ctx.TryAgain {
			return all, nil
		}
	}
	return all, t.checkSymbols(txn, syms, symbols)
}

// checkSymbols complains about names that were used but not created, and warns of rows that will not last.
func (t *Tool) checkSymbols(txn *client.Txn, syms *ovsdb.Symbols, symbols map[string]*symbol) error {
	var missing []string
	syms.All(func(s *ovsdb.Symbol) {
		if symbols[s.Name] == nil {
			missing = append(missing, s.Name)
		}
	})
	if len(missing) > 0 {
		name := slices.Min(missing)
		return fmt.Errorf("row id \"%s\" is referenced but never created (e.g. with \"-- --id=%s create ...\")", name, name)
	}
	for _, s := range symbols {
		schema := txn.Snapshot().Schema.Tables[s.table]
		if !s.created || schema == nil || schema.IsRoot {
			continue
		}
		switch strong, weak := txn.References(s.uuid); {
		case strong:
		case weak:
			t.RowLog.Warnf("row id \"%s\" was created but only a weak reference to it was inserted, so it will not actually "+
				"appear in the database", s.name)
		default:
			t.RowLog.Warnf("row id \"%s\" was created but no reference to it was inserted, so it will not actually appear in "+
				"the database", s.name)
		}
	}
	return nil
}

// newSymbol makes the name of an --id option.
func (c *Context) newSymbol(name, tableName string) (*symbol, error) {
	if !strings.HasPrefix(name, "@") {
		return nil, fmt.Errorf("row id \"%s\" does not begin with \"@\"", name)
	}
	if c.symbols[name] != nil {
		return nil, fmt.Errorf("row id \"%s\" may only be specified on one --id option", name)
	}
	s := &symbol{name: name, table: tableName}
	c.symbols[name] = s
	return s, nil
}

// Cell is a table cell that holds a column's value.
type Cell struct {
	Datum ovsdb.Datum
	Type  *ovsdb.Type
}

// Text implements table.Cell.
func (c Cell) Text() string {
	return c.Datum.Text(c.Type)
}

// Bare implements table.Cell.
func (c Cell) Bare() string { return c.Datum.BareText(c.Type) }

// AppendJSON implements table.Cell.
func (c Cell) AppendJSON(b []byte) []byte { return c.Datum.AppendJSON(b, c.Type) }
