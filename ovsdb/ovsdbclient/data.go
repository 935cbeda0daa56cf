package ovsdbclient

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"govs/internal/jsonrpc"
	"govs/internal/table"
	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/dbfile"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

// parseJSON parses an argument.
func parseJSON(s string) (ojson.Value, error) {
	v, err := ojson.Parse(s)
	if err != nil {
		return v, fmt.Errorf("\"%s\": %w", s, err)
	}
	return v, nil
}

// parseTransaction parses an argument that is the params of "transact".
func parseTransaction(s string) (ojson.Value, error) {
	v, err := parseJSON(s)
	if err != nil {
		return v, err
	}
	if v.Kind() != ojson.Array || v.Len() == 0 || v.Elems()[0].Kind() != ojson.String {
		return v, errors.New("not a valid OVSDB query")
	}
	return v, nil
}

// runTransaction sends a transaction and returns the results.
func (r *runner) runTransaction(params ojson.Value) (ojson.Value, error) {
	m, err := r.request("transact", params)
	if err != nil {
		return ojson.Value{}, err
	}
	if m.Type == jsonrpc.Error {
		v, err := ojson.Parse(string(m.Error))
		if err != nil {
			return ojson.Value{}, err
		}
		return ojson.Value{}, fmt.Errorf("transaction returned error: %s", v)
	}
	return ojson.Parse(string(m.Result))
}

func (r *runner) transact(args []string) error {
	v, err := parseTransaction(args[0])
	if err != nil {
		return err
	}
	res, err := r.runTransaction(v)
	if err != nil {
		return err
	}
	return r.printJSON(res)
}

// query runs a transaction that an appended operation aborts.
func (r *runner) query(args []string) error {
	v, err := parseTransaction(args[0])
	if err != nil {
		return err
	}
	n := v.Len()
	params := append(slices.Clone(v.Elems()), ojson.Obj("op", ojson.Str("abort")))
	res, err := r.runTransaction(ojson.Arr(params...))
	if err != nil {
		return err
	}
	elems := res.Elems()
	if len(elems) == n && n > 0 && elems[n-1].Kind() == ojson.Object {
		if e := elems[n-1].Get("error"); e != nil && e.Str() == "aborted" {
			res = ojson.Arr(elems[:n-1]...)
		}
	}
	return r.printJSON(res)
}

// selectAll is an operation that selects columns of all rows of a table.
func selectAll(ts *ovsdb.TableSchema, cols []*ovsdb.ColumnSchema) ojson.Value {
	return ojson.Obj("op", ojson.Str("select"), "table", ojson.Str(ts.Name), "where", ojson.Arr(), "columns", ovsdb.ColumnSetJSON(cols))
}

// selectTables gets rows of tables in one transaction.
func (r *runner) selectTables(db string, tables []*ovsdb.TableSchema, cols func(*ovsdb.TableSchema) []*ovsdb.ColumnSchema) ([][]*ovsdb.Row, error) {
	params := []ojson.Value{ojson.Str(db)}
	for _, ts := range tables {
		params = append(params, selectAll(ts, cols(ts)))
	}
	res, err := r.runTransaction(ojson.Arr(params...))
	if err != nil {
		return nil, err
	}
	out := make([][]*ovsdb.Row, len(tables))
	for i, ts := range tables {
		if i >= res.Len() || res.Elems()[i].Kind() != ojson.Object || res.Elems()[i].Get("rows") == nil {
			return nil, fmt.Errorf("transact command returned unexpected result: %s", res)
		}
		rows := res.Elems()[i].Get("rows").Elems()
		for j := range rows {
			row, _, err := ovsdb.ParseRow(&rows[j], ts, nil)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], row)
		}
	}
	return out, nil
}

func (r *runner) dump(args []string) error {
	schema, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	tables := schema.TableList
	all := func(ts *ovsdb.TableSchema) []*ovsdb.ColumnSchema {
		return slices.DeleteFunc(slices.Clone(ts.Columns), func(c *ovsdb.ColumnSchema) bool { return c.Index == ovsdb.ColVersion })
	}
	cols := all
	if len(args) > 0 {
		ts := schema.Tables[args[0]]
		if ts == nil {
			return fmt.Errorf("No table \"%s\" found.", args[0])
		}
		tables = []*ovsdb.TableSchema{ts}
		if len(args) > 1 {
			var chosen []*ovsdb.ColumnSchema
			for _, name := range args[1:] {
				c := ts.Column(name)
				if c == nil {
					return fmt.Errorf("Table \"%s\" has no column %s.", ts.Name, name)
				}
				chosen = append(chosen, c)
			}
			slices.SortFunc(chosen, func(a, b *ovsdb.ColumnSchema) int { return strings.Compare(a.Name, b.Name) })
			cols = func(*ovsdb.TableSchema) []*ovsdb.ColumnSchema { return chosen }
		}
	}
	rows, err := r.selectTables(r.db, tables, cols)
	if err != nil {
		return err
	}
	for i, ts := range tables {
		if err := r.dumpTable(ts, cols(ts), rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) dumpTable(ts *ovsdb.TableSchema, cols []*ovsdb.ColumnSchema, rows []*ovsdb.Row) error {
	slices.SortFunc(rows, func(a, b *ovsdb.Row) int {
		for _, c := range cols {
			if n := a.Cols[c.Index].Compare(b.Cols[c.Index]); n != 0 {
				return n
			}
		}
		return 0
	})
	t := &table.Table{Caption: ts.Name + " table"}
	for _, c := range cols {
		t.Columns = append(t.Columns, c.Name)
	}
	for _, row := range rows {
		cells := make([]table.Cell, len(cols))
		for i, c := range cols {
			cells[i] = dbctl.Cell{Datum: row.Cols[c.Index], Type: &c.Type}
		}
		t.Rows = append(t.Rows, cells)
	}
	return r.o.Style.Print(r.o.Out, t)
}

func (r *runner) backup([]string) error {
	if f, ok := r.o.Out.(interface{ Fd() uintptr }); ok && isTerminal(f.Fd()) {
		return errors.New("not writing backup to a terminal; please redirect stdout to a file")
	}
	schema, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	rows, err := r.selectTables(r.db, schema.TableList, dbfile.Persistent)
	if err != nil {
		return err
	}
	contents := dbfile.Contents{}
	for i, ts := range schema.TableList {
		for _, row := range rows[i] {
			contents[dbfile.RowID{Table: ts.Name, UUID: row.UUID()}] = row
		}
	}
	w := bufio.NewWriter(r.o.Out)
	if err := dbfile.Write(w, schema, contents, "produced by \"ovsdb-client backup\"", r.o.Clock.Now()); err != nil {
		return err
	}
	return w.Flush()
}

// restore replaces the database's contents by those of a file on standard input.
func (r *runner) restore([]string) error {
	reader := storage.NewReader(r.o.In, "/dev/stdin")
	first, err := reader.Next()
	if err == io.EOF {
		return errors.New("ovsdb error: /dev/stdin: cannot identify file type")
	} else if err != nil {
		return err
	}
	backup, err := ovsdb.ParseSchema(&first)
	if err != nil {
		return err
	}
	schema, err := r.schemaOf(r.db)
	if err != nil {
		return err
	}
	if err := r.sameSchemas(backup, schema); err != nil {
		return err
	}
	contents, err := dbfile.Read(reader, backup)
	if err != nil {
		return err
	}
	params := []ojson.Value{ojson.Str(r.db)}
	for _, ts := range backup.TableList {
		params = append(params, ojson.Obj("op", ojson.Str("delete"), "table", ojson.Str(ts.Name), "where", ojson.Arr()))
	}
	for id, row := range contents {
		params = append(params, insertOp(backup, schema, id, row))
	}
	params = append(params, ojson.Obj("op", ojson.Str("comment"), "comment", ojson.Str("ovsdb-client: ovsdb-client restore")))
	res, err := r.call("transact", ojson.Arr(params...))
	if err != nil {
		return err
	}
	for i := range res.Elems() {
		if e := &res.Elems()[i]; e.Kind() == ojson.Object && e.Get("error") != nil {
			return fmt.Errorf("server returned error reply: %s", e)
		}
	}
	return nil
}

// sameSchemas complains about differences between the schemas of a backup and of the database.
func (r *runner) sameSchemas(backup, schema *ovsdb.DatabaseSchema) error {
	diff := ""
	switch {
	case backup.Name != schema.Name:
		diff = fmt.Sprintf("backup schema has name \"%s\" but database schema has name \"%s\"", backup.Name, schema.Name)
	case backup.Version != schema.Version:
		diff = fmt.Sprintf("backup schema has version \"%s\" but database schema has version \"%s\"", backup.Version, schema.Version)
	case backup.Cksum != schema.Cksum:
		diff = fmt.Sprintf("backup schema has checksum \"%s\" but database schema has checksum \"%s\"", backup.Cksum, schema.Cksum)
	case !backup.Equal(schema):
		diff = "backup schema and database schema are different"
	default:
		return nil
	}
	if r.o.Force {
		r.o.Log.Module("ovsdb_client").Infof("%s", diff)
		return nil
	}
	return fmt.Errorf("%s (use --force to override differences, or \"ovsdb-client convert\" to change the schema)", diff)
}

// insertOp returns the operation that inserts a row of a backup. Rows refer to each other by name, for the server gives them new
// UUIDs.
func insertOp(backup, schema *ovsdb.DatabaseSchema, id dbfile.RowID, row *ovsdb.Row) ojson.Value {
	ts := backup.Tables[id.Table]
	var kv []any
	for _, c := range ts.UserColumns() {
		d := row.Cols[c.Index]
		if target := schema.Tables[id.Table]; c.Ephemeral || d.IsDefault(&c.Type) || target == nil || target.Column(c.Name) == nil {
			continue
		}
		kv = append(kv, c.Name, namedRefs(d, &c.Type))
	}
	return ojson.Obj("op", ojson.Str("insert"), "table", ojson.Str(id.Table), "uuid-name", ojson.Str(rowName(id.UUID)), "row", ojson.Obj(kv...))
}

func rowName(u ovsdb.UUID) string { return "row" + strings.ReplaceAll(u.String(), "-", "_") }

func namedRefs(d ovsdb.Datum, t *ovsdb.Type) ojson.Value {
	atom := func(a ovsdb.Atom, bt *ovsdb.BaseType) ojson.Value {
		if bt.IsRef() {
			return ojson.Arr(ojson.Str("named-uuid"), ojson.Str(rowName(a.UUID())))
		}
		return a.JSON()
	}
	var elems []ojson.Value
	for k, v := range d.All() {
		e := atom(k, &t.Key)
		if t.IsMap() {
			e = ojson.Arr(e, atom(v, &t.Value))
		}
		elems = append(elems, e)
	}
	switch {
	case t.IsMap():
		return ojson.Arr(ojson.Str("map"), ojson.Arr(elems...))
	case len(elems) == 1:
		return elems[0]
	}
	return ojson.Arr(ojson.Str("set"), ojson.Arr(elems...))
}

func (r *runner) convert(args []string) error {
	schema, err := ovsdb.ReadSchemaFile(args[0])
	if err != nil {
		return err
	}
	_, err = r.call("convert", ojson.Arr(ojson.Str(schema.Name), schema.JSON()))
	return err
}

func (r *runner) needsConversion(args []string) error {
	want, err := ovsdb.ReadSchemaFile(args[0])
	if err != nil {
		return err
	}
	have, err := r.schemaOf(want.Name)
	if err != nil {
		return err
	}
	if have.Equal(want) {
		return r.println("no")
	}
	return r.println("yes")
}

// lock is lock, steal and unlock. lock and steal go on printing what the server says about locks.
func (r *runner) lock(args []string) error {
	if !ovsdb.IsID(args[0]) {
		return fmt.Errorf("\"%s\" is not a valid lock name", args[0])
	}
	id := r.id()
	method := r.command.name
	if err := r.conn.Send(jsonrpc.NewRequest(id, method, []byte(`["`+args[0]+`"]`))); err != nil {
		return err
	}
	for {
		m, err := r.conn.Recv()
		if err != nil {
			return fmt.Errorf("%s: receive failed (%w)", r.conn.Name(), err)
		}
		switch {
		case m.IsEcho():
			if err := r.conn.Send(jsonrpc.NewReply(m.ID, m.Params)); err != nil {
				return err
			}
		case m.Type == jsonrpc.Notification:
			v, err := ojson.Parse(string(m.Params))
			if err != nil {
				return err
			}
			if err := r.println(m.Method); err != nil {
				return err
			}
			if err := r.printJSON(v); err != nil {
				return err
			}
		case string(m.ID) == string(id):
			raw := m.Result
			if m.Type == jsonrpc.Error {
				raw = m.Error
			}
			v, err := ojson.Parse(string(raw))
			if err != nil {
				return err
			}
			if m.Type == jsonrpc.Error {
				return fmt.Errorf("server returned error reply: %s", v)
			}
			if err := r.printJSON(v); err != nil {
				return err
			}
		}
	}
}

// stamp returns the time to mark output with, zero for none.
func (r *runner) stamp() time.Time {
	if r.o.Timestamp {
		return r.o.Clock.Now()
	}
	return time.Time{}
}
