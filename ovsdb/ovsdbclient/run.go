package ovsdbclient

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"govs/internal/clock"
	"govs/internal/jsonrpc"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/table"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// Options says how to run a command.
type Options struct {
	DefaultServer string // connection name
	Stream        *stream.Options
	Log           *vlog.Registry
	Clock         clock.Clock
	Style         *table.Style
	Timestamp     bool // mark what "monitor" prints
	Force         bool // restore in spite of differences between schemas
	In            io.Reader
	Out           io.Writer
	Err           io.Writer
	// Detach is called by the monitor commands when the initial contents have been printed; it starts the control socket too.
	Detach func(c *Monitor) error
	// ChangeAware is what set_db_change_aware is told; nil if it is not called.
	ChangeAware *bool
}

// command is one of ovsdb-client's.
type command struct {
	name     string
	server   bool // it takes [SERVER] and connects to it
	database bool // it takes [DATABASE]
	min, max int  // further arguments; a negative max is no bound
	run      func(r *runner, args []string) error
}

// commands is never written.
var commands = []command{
	{"list-dbs", true, false, 0, 0, (*runner).listDBs},
	{"get-schema", true, true, 0, 0, (*runner).getSchema},
	{"get-schema-version", true, true, 0, 0, (*runner).getSchemaVersion},
	{"get-schema-cksum", true, true, 0, 0, (*runner).getSchemaCksum},
	{"list-tables", true, true, 0, 0, (*runner).listTables},
	{"list-columns", true, true, 0, 1, (*runner).listColumns},
	{"transact", true, false, 1, 1, (*runner).transact},
	{"query", true, false, 1, 1, (*runner).query},
	{"monitor", true, true, 1, -1, (*runner).monitor},
	{"monitor-cond", true, true, 2, 3, (*runner).monitorCond},
	{"monitor-cond-since", true, true, 2, 4, (*runner).monitorCondSince},
	{"wait", false, false, 2, 3, (*runner).wait},
	{"convert", true, false, 1, 1, (*runner).convert},
	{"needs-conversion", true, false, 1, 1, (*runner).needsConversion},
	{"dump", true, true, 0, -1, (*runner).dump},
	{"backup", true, true, 0, 0, (*runner).backup},
	{"restore", true, true, 0, 0, (*runner).restore},
	{"lock", true, false, 1, 1, (*runner).lock},
	{"steal", true, false, 1, 1, (*runner).lock},
	{"unlock", true, false, 1, 1, (*runner).lock},
}

// runner is the run of one command.
type runner struct {
	o       Options
	ctx     context.Context
	command *command
	conn    *jsonrpc.Conn
	db      string
	nextID  uint64
}

// Run runs the command args[0] with its arguments.
func Run(ctx context.Context, o Options, args []string) error {
	r := &runner{o: o, ctx: ctx}
	for i := range commands {
		if commands[i].name == args[0] {
			r.command = &commands[i]
		}
	}
	if r.command == nil {
		return fmt.Errorf("unknown command '%s'; use --help for help", args[0])
	}
	args = args[1:]
	if (r.command.name == "transact" || r.command.name == "query") && (len(args) == 1 || len(args) == 2) {
		// Errors in it are reported before there is a connection.
		if _, err := parseTransaction(args[len(args)-1]); err != nil {
			return err
		}
	}
	syntax := fmt.Errorf("invalid syntax for '%s' (use --help for help)", r.command.name)
	if r.command.server {
		server := o.DefaultServer
		// An argument too many, or one that looks like it, is the server.
		// It may be a list of servers.
		if len(args) > r.command.min && (stream.IsActive(args[0]) || stream.IsPassive(args[0])) {
			server, args = args[0], args[1:]
		}
		if !r.command.database && !r.fits(len(args)) {
			return syntax
		}
		if err := r.connectAny(server); err != nil {
			return err
		}
		defer r.conn.Close()
		if r.command.database {
			var err error
			if args, err = r.chooseDB(args); err != nil {
				return err
			}
		}
	}
	if !r.fits(len(args)) {
		return syntax
	}
	return r.command.run(r, args)
}

func (r *runner) fits(n int) bool {
	return n >= r.command.min && (r.command.max < 0 || n <= r.command.max)
}

// connectAny connects to the first server of a list that can be connected to.
func (r *runner) connectAny(servers string) (err error) {
	for server := range strings.SplitSeq(servers, ",") {
		if err = r.connect(server); err == nil {
			return nil
		}
	}
	return err
}

// connect opens the connection to a server, or waits for the server to connect to us.
func (r *runner) connect(server string) error {
	so := *r.o.Stream
	t, err := stream.Parse(server, so.RunDir, so.DefaultPort)
	var st *stream.Conn
	verb := "connect"
	switch {
	case err != nil:
		verb = "connect or listen"
		_, err = stream.Dial(r.ctx, server, &so) // logs what is wrong
	case t.Passive:
		verb = "connect or listen"
		var l *stream.Listener
		if l, err = stream.Listen(server, &so); err == nil {
			stop := context.AfterFunc(r.ctx, func() { l.Close() })
			st, err = l.Accept()
			stop()
			l.Close()
		}
	default:
		st, err = stream.Dial(r.ctx, server, &so)
	}
	if err != nil {
		return fmt.Errorf("failed to %s to \"%s\" (%s)", verb, server, strerror.Text(err))
	}
	st.Name = server
	if t.Scheme == "unix" && !t.Passive {
		st.Name = "unix:" + t.Path
	}
	r.conn = jsonrpc.NewConn(st, jsonrpc.Options{Log: r.o.Log.Module("jsonrpc")})
	if r.o.ChangeAware != nil {
		_, err := r.call("set_db_change_aware", ojson.Arr(ojson.Bool(*r.o.ChangeAware)))
		return err
	}
	return nil
}

// id returns the id of the next request.
func (r *runner) id() []byte {
	r.nextID++
	return jsonrpc.ID(r.nextID - 1)
}

// call sends a request and waits for the reply; an error reply is an error.
func (r *runner) call(method string, params ojson.Value) (ojson.Value, error) {
	m, err := r.request(method, params)
	if err != nil {
		return ojson.Value{}, err
	}
	if m.Type == jsonrpc.Error {
		v, err := ojson.Parse(string(m.Error))
		if err != nil {
			return ojson.Value{}, err
		}
		return ojson.Value{}, fmt.Errorf("server returned error reply: %s", v)
	}
	return ojson.Parse(string(m.Result))
}

func (r *runner) request(method string, params ojson.Value) (*jsonrpc.Message, error) {
	m, err := r.conn.Transact(jsonrpc.NewRequest(r.id(), method, params.Append(nil)))
	if err != nil {
		return nil, fmt.Errorf("%s: %s failed (%s)", r.conn.Name(), method, strerror.Text(err))
	}
	return m, nil
}

// databases returns the names of the server's databases.
func (r *runner) databases() ([]string, error) {
	v, err := r.call("list_dbs", ojson.Arr())
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range v.Elems() {
		names = append(names, v.Elems()[i].Str())
	}
	slices.Sort(names)
	return names, nil
}

// chooseDB takes the database from the arguments if it is there.
func (r *runner) chooseDB(args []string) ([]string, error) {
	dbs, err := r.databases()
	if err != nil {
		return nil, err
	}
	const usual = "Open_vSwitch"
	switch {
	case len(args) > 0 && len(args) > r.command.min && slices.Contains(dbs, args[0]):
		r.db = args[0]
		return args[1:], nil
	case slices.Contains(dbs, usual):
		r.db = usual
	default:
		dbs = slices.DeleteFunc(dbs, func(s string) bool { return s == "_Server" })
		if len(dbs) != 1 {
			return nil, fmt.Errorf("no default database for `%s' command, please specify a database name", r.command.name)
		}
		r.db = dbs[0]
	}
	return args, nil
}

// schemaOf gets the schema of a database.
func (r *runner) schemaOf(db string) (*ovsdb.DatabaseSchema, error) {
	v, err := r.call("get_schema", ojson.Arr(ojson.Str(db)))
	if err != nil {
		return nil, err
	}
	return ovsdb.ParseSchema(&v)
}

// printJSON prints a value on a line of its own, or several with --pretty.
func (r *runner) printJSON(v ojson.Value) error {
	b := v.AppendSorted(nil)
	if r.o.Style.Pretty {
		b = table.AppendPretty(nil, b)
	}
	_, err := r.o.Out.Write(append(b, '\n'))
	return err
}

func (r *runner) println(s string) error {
	_, err := io.WriteString(r.o.Out, s+"\n")
	return err
}

func (r *runner) listDBs([]string) error {
	names, err := r.databases()
	for _, n := range names {
		if err == nil {
			err = r.println(n)
		}
	}
	return err
}

func (r *runner) getSchema([]string) error {
	s, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	return r.printJSON(s.JSON())
}

func (r *runner) getSchemaVersion([]string) error {
	s, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	return r.println(s.Version)
}

func (r *runner) getSchemaCksum([]string) error {
	s, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	return r.println(s.Cksum)
}

func (r *runner) listTables([]string) error {
	s, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	t := &table.Table{Columns: []string{"Table"}}
	for _, ts := range s.TableList {
		t.Rows = append(t.Rows, []table.Cell{table.Text(ts.Name)})
	}
	return r.o.Style.Print(r.o.Out, t)
}

func (r *runner) listColumns(args []string) error {
	s, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	t := &table.Table{Columns: []string{"Table", "Column", "Type"}}
	if len(args) > 0 {
		t.Columns = t.Columns[1:]
	}
	for _, ts := range s.TableList {
		if len(args) > 0 && ts.Name != args[0] {
			continue
		}
		for _, c := range ts.Columns {
			v := c.Type.JSON()
			row := []table.Cell{table.Text(ts.Name), table.Text(c.Name), table.JSON(v.AppendSorted(nil))}
			t.Rows = append(t.Rows, row[3-len(t.Columns):])
		}
	}
	return r.o.Style.Print(r.o.Out, t)
}
