package ovsdbtool

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"govs/internal/clock"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/storage"
)

// Options says how to run a command.
type Options struct {
	DefaultDB     string
	DefaultSchema string
	More          int // how often -m was given
	Role          string
	Version       string // ovsdb-tool's, for comments
	Clock         clock.Clock
	Log           *vlog.Registry
	Out           io.Writer
	Usage         func() string
}

// ExitError ends the program with a status and no message.
type ExitError int

// Error implements error.
func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

type command struct {
	name, usage string
	min, max    int // a negative max is no bound
	run         func(t *tool, args []string) error
}

// commands returns the commands in the order of list-commands.
func commands() []command {
	return []command{
		{"create", "[db [schema]]", 0, 2, (*tool).create},
		{"create-cluster", "db contents local", 3, 3, (*tool).cluster},
		{"join-cluster", "db name local remote...", 4, -1, (*tool).cluster},
		{"compact", "[db [dst]]", 0, 2, (*tool).compact},
		{"convert", "[db [schema [dst]]]", 0, 3, (*tool).convert},
		{"needs-conversion", "", 0, 2, (*tool).needsConversion},
		{"db-name", "[db]", 0, 1, (*tool).dbName},
		{"db-version", "[db]", 0, 1, (*tool).dbVersion},
		{"db-cksum", "[db]", 0, 1, (*tool).dbCksum},
		{"db-cid", "db", 1, 1, (*tool).clusterProperty},
		{"db-sid", "db", 1, 1, (*tool).clusterProperty},
		{"db-local-address", "db", 1, 1, (*tool).clusterProperty},
		{"db-is-clustered", "db", 1, 1, (*tool).isClustered},
		{"db-is-standalone", "db", 1, 1, (*tool).isStandalone},
		{"schema-name", "[schema]", 0, 1, (*tool).schemaName},
		{"schema-version", "[schema]", 0, 1, (*tool).schemaVersion},
		{"schema-cksum", "[schema]", 0, 1, (*tool).schemaCksum},
		{"query", "[db] trns", 1, 2, (*tool).query},
		{"transact", "[db] trns", 1, 2, (*tool).transact},
		{"show-log", "[db]", 0, 1, (*tool).showLog},
		{"check-cluster", "db...", 1, -1, (*tool).checkCluster},
		{"compare-versions", "a op b", 3, 3, (*tool).compareVersions},
		{"help", "", 0, -1, (*tool).help},
		{"list-commands", "", 0, -1, (*tool).listCommands},
		{"cluster-to-standalone", "db clusterdb", 2, 2, (*tool).clusterToStandalone},
	}
}

// tool is one run.
type tool struct {
	o    Options
	name string // of the command
}

// Run runs the command args[0] with its arguments.
func Run(o Options, args []string) error {
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		switch n := len(args) - 1; {
		case n < c.min:
			return fmt.Errorf("'%s' command requires at least %d arguments", c.name, c.min)
		case c.max >= 0 && n > c.max:
			return fmt.Errorf("'%s' command takes at most %d arguments", c.name, c.max)
		}
		return c.run(&tool{o, c.name}, args[1:])
	}
	return fmt.Errorf("unknown command '%s'; use --help for help", args[0])
}

func (t *tool) println(s string) error {
	_, err := io.WriteString(t.o.Out, s+"\n")
	return err
}

// arg returns argument i, or a default.
func arg(args []string, i int, def string) string {
	if len(args) > i {
		return args[i]
	}
	return def
}

func (t *tool) help([]string) error {
	_, err := io.WriteString(t.o.Out, t.o.Usage())
	return err
}

func (t *tool) listCommands([]string) error {
	var b strings.Builder
	b.WriteString("The available commands are:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-23s %s\n", c.name, c.usage)
	}
	_, err := io.WriteString(t.o.Out, b.String())
	return err
}

// open opens a file for reading.
func open(name string) (*storage.Log, error) {
	return storage.Open(name, storage.Options{ReadOnly: true})
}

// schemaOfDB returns the schema of a database file.
func schemaOfDB(name string) (*ovsdb.DatabaseSchema, error) {
	l, err := open(name)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return firstRecord(l, name)
}

func firstRecord(l *storage.Log, name string) (*ovsdb.DatabaseSchema, error) {
	rec, err := l.Reader().Next()
	if err == io.EOF {
		return nil, ovsdb.Errorf("ovsdb error", "%s: cannot identify file type", name)
	} else if err != nil {
		return nil, err
	}
	s, err := ovsdb.ParseSchema(&rec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func (t *tool) dbName(args []string) error {
	return t.printSchema(schemaOfDB(arg(args, 0, t.o.DefaultDB)))(func(s *ovsdb.DatabaseSchema) string { return s.Name })
}

func (t *tool) dbVersion(args []string) error {
	return t.printSchema(schemaOfDB(arg(args, 0, t.o.DefaultDB)))(func(s *ovsdb.DatabaseSchema) string { return s.Version })
}

func (t *tool) dbCksum(args []string) error {
	return t.printSchema(schemaOfDB(arg(args, 0, t.o.DefaultDB)))(func(s *ovsdb.DatabaseSchema) string { return s.Cksum })
}

func (t *tool) schemaName(args []string) error {
	return t.printSchema(ovsdb.ReadSchemaFile(arg(args, 0, t.o.DefaultSchema)))(func(s *ovsdb.DatabaseSchema) string { return s.Name })
}

func (t *tool) schemaVersion(args []string) error {
	return t.printSchema(ovsdb.ReadSchemaFile(arg(args, 0, t.o.DefaultSchema)))(func(s *ovsdb.DatabaseSchema) string { return s.Version })
}

func (t *tool) schemaCksum(args []string) error {
	return t.printSchema(ovsdb.ReadSchemaFile(arg(args, 0, t.o.DefaultSchema)))(func(s *ovsdb.DatabaseSchema) string { return s.Cksum })
}

// printSchema returns a function that prints a property of a schema, or returns the error of getting it.
func (t *tool) printSchema(s *ovsdb.DatabaseSchema, err error) func(func(*ovsdb.DatabaseSchema) string) error {
	return func(property func(*ovsdb.DatabaseSchema) string) error {
		if err != nil {
			return err
		}
		return t.println(property(s))
	}
}

func (t *tool) needsConversion(args []string) error {
	have, err := schemaOfDB(arg(args, 0, t.o.DefaultDB))
	if err != nil {
		return err
	}
	want, err := ovsdb.ReadSchemaFile(arg(args, 1, t.o.DefaultSchema))
	if err != nil {
		return err
	}
	if have.Equal(want) {
		return t.println("no")
	}
	return t.println("yes")
}

// errClustered says that clustered databases are not supported.
var errClustered = errors.New("clustered databases are not supported")

func (t *tool) cluster([]string) error { return errClustered }

func (t *tool) clusterProperty(args []string) error {
	if _, err := schemaOfDB(args[0]); err != nil {
		return err
	}
	return fmt.Errorf("%s: not a clustered database", args[0])
}

// isClustered succeeds for no file: those that could be clustered cannot be read.
func (t *tool) isClustered(args []string) error {
	if _, err := schemaOfDB(args[0]); err != nil {
		return err
	}
	return ExitError(2)
}

func (t *tool) isStandalone(args []string) error {
	_, err := schemaOfDB(args[0])
	return err
}

func (t *tool) checkCluster(args []string) error {
	for _, a := range args {
		if _, err := schemaOfDB(a); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: not a clustered database", args[0])
}

func (t *tool) clusterToStandalone(args []string) error { return t.checkCluster(args[1:]) }

// compareVersions exits with status 2 if the relation does not hold.
func (t *tool) compareVersions(args []string) error {
	var v [2][3]uint
	for i, s := range []string{args[0], args[2]} {
		if !ovsdb.IsSchemaVersion(s) {
			return fmt.Errorf("%s: not an OVSDB version number in format x.y.z", s)
		}
		if _, err := fmt.Sscanf(s, "%d.%d.%d", &v[i][0], &v[i][1], &v[i][2]); err != nil {
			return fmt.Errorf("%s: not an OVSDB version number in format x.y.z", s)
		}
	}
	cmp := 0
	for i := range 3 {
		if cmp == 0 && v[0][i] != v[1][i] {
			cmp = 1
			if v[0][i] < v[1][i] {
				cmp = -1
			}
		}
	}
	holds, ok := map[string]bool{"<": cmp < 0, "<=": cmp <= 0, "==": cmp == 0, ">=": cmp >= 0, ">": cmp > 0, "!=": cmp != 0}[args[1]]
	if !ok {
		return fmt.Errorf("%s: not a relational operator", args[1])
	}
	if !holds {
		return ExitError(2)
	}
	return nil
}
