package ovsdbclient

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"govs/internal/jsonrpc"
	"govs/internal/strerror"
	"govs/internal/table"
	"govs/internal/unixctl"
	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/ojson"
)

// Monitor is a running monitor command. Its commands on the control socket may run on any goroutine.
type Monitor struct {
	r       *runner
	method  string // the request
	multi   bool   // tables are printed with their names
	tables  []*monitored
	schema  *ovsdb.DatabaseSchema
	lastID  string
	arrived chan arrival

	// mu guards the fields below and the connection's request ids.
	mu      sync.Mutex
	blocked bool
	wake    chan struct{} // signalled when blocked or exiting changes
	exiting *unixctl.Reply
}

type arrival struct {
	m   *jsonrpc.Message
	err error
}

// monitored is a table that is monitored.
type monitored struct {
	ts   *ovsdb.TableSchema
	cols []*ovsdb.ColumnSchema // as they are printed
	req  ojson.Value           // array of <monitor-request>
	cond ojson.Value           // null for none
}

func (r *runner) monitor(args []string) error {
	if args[0] == "ALL" && len(args) == 1 {
		schema, err := r.schemaOf(r.db)
		if err != nil {
			return err
		}
		m := &Monitor{r: r, method: "monitor", schema: schema, multi: true}
		for _, ts := range schema.TableList {
			if err := m.add(ts, nil, ojson.Value{}); err != nil {
				return err
			}
		}
		return m.run()
	}
	return r.monitorTable("monitor", "", ojson.Value{}, args)
}

func (r *runner) monitorCond(args []string) error {
	return r.monitorWithCondition("monitor_cond", "", args)
}

func (r *runner) monitorCondSince(args []string) error {
	last := ovsdb.UUID{}.String()
	if len(args) > 2 {
		if _, err := ovsdb.ParseUUID(args[0]); err == nil {
			last, args = args[0], args[1:]
		}
	}
	return r.monitorWithCondition("monitor_cond_since", last, args)
}

func (r *runner) monitorWithCondition(method, last string, args []string) error {
	schema, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	ts := schema.Tables[args[1]]
	if ts == nil {
		return fmt.Errorf("%s does not have a table named \"%s\"", r.db, args[1])
	}
	cond, err := parseJSON(args[0])
	if err != nil {
		return err
	}
	if cond.Kind() != ojson.Array {
		return ovsdb.SyntaxErrorf(&cond, "array expected")
	}
	if _, err := ovsdb.ParseCondition(&cond, ts, nil); err != nil {
		return err
	}
	return r.monitorTable(method, last, cond, args[1:])
}

// monitorTable monitors the table args[0], the columns of which the further arguments name.
func (r *runner) monitorTable(method, last string, cond ojson.Value, args []string) error {
	schema, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	ts := schema.Tables[args[0]]
	if ts == nil {
		return fmt.Errorf("%s: %s does not have a table named \"%s\"", r.conn.Name(), r.db, args[0])
	}
	m := &Monitor{r: r, method: method, schema: schema, lastID: last}
	if err := m.add(ts, args[1:], cond); err != nil {
		return err
	}
	return m.run()
}

// add adds a table. Each group is a list of columns with selections such as "!initial".
func (m *Monitor) add(ts *ovsdb.TableSchema, groups []string, cond ojson.Value) error {
	t := &monitored{ts: ts, cond: cond}
	if len(groups) == 0 {
		groups = []string{""}
	}
	var reqs []ojson.Value
	for _, g := range groups {
		req, err := m.group(t, g)
		if err != nil {
			return err
		}
		reqs = append(reqs, req)
	}
	t.req = ojson.Arr(reqs...)
	m.tables = append(m.tables, t)
	return nil
}

// group returns the <monitor-request> of a group of columns.
func (m *Monitor) group(t *monitored, group string) (ojson.Value, error) {
	var cols []*ovsdb.ColumnSchema
	sel := map[string]bool{"initial": true, "insert": true, "delete": true, "modify": true}
	for _, name := range strings.FieldsFunc(group, func(c rune) bool { return c == ',' }) {
		if kind, ok := strings.CutPrefix(name, "!"); ok && sel[kind] {
			sel[kind] = false
			continue
		}
		c := t.ts.Column(name)
		if c == nil {
			return ojson.Value{}, fmt.Errorf("%s: table \"%s\" in %s does not have a column named \"%s\"", m.r.conn.Name(),
				t.ts.Name, m.r.db, name)
		}
		cols = append(cols, c)
	}
	if len(cols) == 0 {
		cols = append(slices.Clone(t.ts.UserColumns()), t.ts.Columns[ovsdb.ColVersion])
	}
	for _, c := range cols {
		if slices.Contains(t.cols, c) {
			return ojson.Value{}, fmt.Errorf("%s: column \"%s\" mentioned multiple times", m.r.conn.Name(), c.Name)
		}
		t.cols = append(t.cols, c)
	}
	var kinds []any
	for _, k := range []string{"initial", "insert", "delete", "modify"} {
		kinds = append(kinds, k, ojson.Bool(sel[k]))
	}
	kv := []any{"columns", ovsdb.ColumnSetJSON(cols), "select", ojson.Obj(kinds...)}
	if !t.cond.IsNull() {
		kv = append(kv, "where", t.cond)
	}
	return ojson.Obj(kv...), nil
}

// run sends the request and prints what comes until the connection or the program ends.
func (m *Monitor) run() error {
	r := m.r
	reqs := make([]any, 0, 2*len(m.tables))
	for _, t := range m.tables {
		reqs = append(reqs, t.ts.Name, t.req)
	}
	params := []ojson.Value{ojson.Str(r.db), ojson.Value{}, ojson.Obj(reqs...)}
	if m.lastID != "" {
		params = append(params, ojson.Str(m.lastID))
	}
	v, err := r.call(m.method, ojson.Arr(params...))
	if err != nil {
		return err
	}
	if m.method == "monitor_cond_since" {
		if v.Len() != 3 {
			return fmt.Errorf("unexpected reply to %s: %s", m.method, v)
		}
		found, _ := v.Elems()[0].Bool()
		if err := r.println(fmt.Sprintf("found: %t, last_id: %s", found, v.Elems()[1].Str())); err != nil {
			return err
		}
		v = v.Elems()[2]
	}
	if err := m.print(&v, true); err != nil {
		return err
	}
	m.wake, m.arrived = make(chan struct{}, 1), make(chan arrival)
	if r.o.Detach != nil {
		if err := r.o.Detach(m); err != nil {
			return err
		}
	}
	go m.receive()
	return m.loop()
}

func (m *Monitor) receive() {
	for {
		msg, err := m.r.conn.Recv()
		select {
		case m.arrived <- arrival{msg, err}:
		case <-m.r.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// loop prints updates. While it is blocked it does not read, so that updates pile up at the server.
func (m *Monitor) loop() error {
	for {
		m.mu.Lock()
		in, exiting := m.arrived, m.exiting
		if m.blocked {
			in = nil
		}
		m.mu.Unlock()
		if exiting != nil {
			exiting.Reply("")
			return nil
		}
		select {
		case <-m.r.ctx.Done():
			return m.r.ctx.Err()
		case <-m.wake:
		case a := <-in:
			if a.err != nil {
				return fmt.Errorf("%s: receive failed (%s)", m.r.conn.Name(), strerror.Text(a.err))
			}
			if err := m.handle(a.m); err != nil {
				return err
			}
		}
	}
}

func (m *Monitor) handle(msg *jsonrpc.Message) error {
	if msg.IsEcho() {
		return m.r.conn.Send(jsonrpc.NewReply(msg.ID, msg.Params))
	}
	if msg.Type != jsonrpc.Notification {
		return nil
	}
	v, err := ojson.Parse(string(msg.Params))
	if err != nil {
		return err
	}
	p := v.Elems()
	switch {
	case (msg.Method == "update" || msg.Method == "update2") && len(p) == 2:
		return m.print(&p[1], false)
	case msg.Method == "update3" && len(p) == 3:
		if _, err := fmt.Fprintf(m.r.o.Out, "\nlast_id: %s", p[1].Str()); err != nil {
			return err
		}
		return m.print(&p[2], false)
	case msg.Method == "monitor_canceled":
		return errors.New("the server canceled the monitor")
	}
	return nil
}

// print prints <table-updates> or <table-updates2>.
func (m *Monitor) print(v *ojson.Value, initial bool) error {
	if v.Kind() != ojson.Object {
		return fmt.Errorf("table updates are not an object: %s", v)
	}
	for _, t := range m.tables {
		rows := v.Get(t.ts.Name)
		if rows == nil || rows.Kind() != ojson.Object {
			continue
		}
		out := &table.Table{Timestamp: m.r.stamp(), Columns: []string{"row", "action"}}
		if m.multi {
			out.Caption = t.ts.Name
		}
		for _, c := range t.cols {
			out.Columns = append(out.Columns, c.Name)
		}
		for i := range rows.Len() {
			uuid, up := rows.Member(i)
			if up.Kind() != ojson.Object {
				return fmt.Errorf("row update is not an object: %s", up)
			}
			if err := t.rows(out, uuid, up, m.method == "monitor", initial); err != nil {
				return err
			}
		}
		if err := m.r.o.Style.Print(m.r.o.Out, out); err != nil {
			return err
		}
	}
	return nil
}

// rows adds the lines for one <row-update> (old) or <row-update2>.
func (t *monitored) rows(out *table.Table, uuid string, up *ojson.Value, old, initial bool) error {
	if !old {
		for i := range up.Len() {
			action, row := up.Member(i)
			return t.row(out, uuid, action, row)
		}
		return nil
	}
	before, after := up.Get("old"), up.Get("new")
	switch {
	case before != nil && after != nil:
		if err := t.row(out, uuid, "old", before); err != nil {
			return err
		}
		return t.row(out, "", "new", after)
	case before != nil:
		return t.row(out, uuid, "delete", before)
	case initial:
		return t.row(out, uuid, "initial", after)
	}
	return t.row(out, uuid, "insert", after)
}

// absent is the cell of a column that an update does not tell.
type absent struct{}

func (absent) Text() string               { return "" }
func (absent) Bare() string               { return "" }
func (absent) AppendJSON(b []byte) []byte { return append(b, "null"...) }

func (t *monitored) row(out *table.Table, uuid, action string, row *ojson.Value) error {
	cells := []table.Cell{table.Text(uuid), table.Text(action)}
	for _, c := range t.cols {
		var v *ojson.Value
		if row != nil && row.Kind() == ojson.Object {
			v = row.Get(c.Name)
		}
		if v == nil {
			cells = append(cells, absent{})
			continue
		}
		d, err := ovsdb.ParseDatumUnchecked(v, &c.Type)
		if err != nil {
			return err
		}
		cells = append(cells, dbctl.Cell{Datum: d, Type: &c.Type})
	}
	out.Rows = append(out.Rows, cells)
	return nil
}

// Register adds the commands of the control socket.
func (m *Monitor) Register(s *unixctl.Server) {
	signal := func() {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	block := func(on bool) func([]string) (string, error) {
		return func([]string) (string, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.blocked = on
			signal()
			return "", nil
		}
	}
	s.RegisterFunc("ovsdb-client/block", "", 0, 0, block(true))
	s.RegisterFunc("ovsdb-client/unblock", "", 0, 0, block(false))
	s.RegisterFunc("ovsdb-client/cond_change", "TABLE COND", 2, 2, func(args []string) (string, error) {
		if err := m.changeCondition(args[0], args[1]); err != nil {
			return "", err
		}
		return "condition changed", nil
	})
	s.Register("exit", "", 0, 0, func(_ ctx, _ []string, reply *unixctl.Reply) {
		m.mu.Lock()
		m.exiting = reply
		m.mu.Unlock()
		signal()
	})
}

// changeCondition replaces the condition of a monitored table.
func (m *Monitor) changeCondition(name, text string) error {
	ts := m.schema.Tables[name]
	if ts == nil {
		return fmt.Errorf("%s does not have a table named \"%s\"", m.r.db, name)
	}
	cond, err := parseJSON(text)
	if err != nil {
		return err
	}
	if _, err := ovsdb.ParseCondition(&cond, ts, nil); err != nil {
		return err
	}
	params := ojson.Arr(ojson.Value{}, ojson.Value{}, ojson.Obj(name, ojson.Arr(ojson.Obj("where", cond))))
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.r.conn.Send(jsonrpc.NewRequest(m.r.id(), "monitor_cond_change", params.Append(nil)))
}
