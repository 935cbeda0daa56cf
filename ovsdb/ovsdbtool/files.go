package ovsdbtool

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"govs/internal/jsonrpc"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/ovsdb"
	"govs/ovsdb/dbfile"
	"govs/ovsdb/ojson"
	"govs/ovsdb/server"
	"govs/ovsdb/storage"
)

// logLock logs why a file could not be locked.
func (t *tool) logLock(err error) {
	var le *storage.LockedError
	if errors.As(err, &le) {
		t.o.Log.Module("lockfile").Warnf("%s", le)
	}
}

func (t *tool) create(args []string) error {
	name := arg(args, 0, t.o.DefaultDB)
	schema, err := ovsdb.ReadSchemaFile(arg(args, 1, t.o.DefaultSchema))
	if err != nil {
		return err
	}
	err = server.CreateFile(name, schema, nil)
	t.logLock(err)
	return err
}

// readAll reads a whole file: its schema and its rows. Any record that cannot be read is an error.
func readAll(l *storage.Log, name string) (*ovsdb.DatabaseSchema, dbfile.Contents, error) {
	schema, err := firstRecord(l, name)
	if err != nil {
		return nil, nil, err
	}
	contents, err := dbfile.Read(l.Reader(), schema)
	return schema, contents, err
}

// rewrite replaces a file, or makes dst, from what change makes of its contents. In place, the file is locked meanwhile.
func (t *tool) rewrite(name, dst string, change func(tmp string, schema *ovsdb.DatabaseSchema, contents dbfile.Contents) error) error {
	inPlace := dst == ""
	l, err := storage.Open(name, storage.Options{ReadOnly: !inPlace})
	if err != nil {
		t.logLock(err)
		return err
	}
	defer l.Close()
	schema, contents, err := readAll(l, name)
	if err != nil {
		return err
	}
	target := dst
	if inPlace {
		if target, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	} else if lock, err := t.lockNew(dst); err != nil {
		return err
	} else if lock != nil {
		defer lock.Close()
	}
	tmp := target + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("failed to remove \"%s\" (%s)", tmp, strerror.Text(err))
	}
	if err := change(tmp, schema, contents); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	if inPlace {
		if st, err := os.Stat(target); err == nil {
			_ = os.Chmod(tmp, st.Mode().Perm())
		}
	}
	if err := os.Rename(tmp, target); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("failed to rename \"%s\" to \"%s\" (%s)", tmp, target, strerror.Text(err))
	}
	return nil
}

// lockNew locks a file that is about to be replaced, if it is a database.
func (t *tool) lockNew(name string) (*storage.Log, error) {
	l, err := storage.Open(name, storage.Options{})
	var le *storage.LockedError
	if errors.As(err, &le) {
		t.logLock(err)
		return nil, err
	}
	if err != nil {
		return nil, nil // whatever it is, it is no database in use
	}
	return l, nil
}

// writeFile writes a new database file and makes it durable.
func writeFile(name string, schema *ovsdb.DatabaseSchema, contents dbfile.Contents, comment string, t *tool) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return &ovsdb.Error{Tag: "I/O error", Details: name + ": create failed", IOError: strerror.Text(err)}
	}
	w := bufio.NewWriter(f)
	err = dbfile.Write(w, schema, contents, comment, t.o.Clock.Now())
	err = errors.Join(err, w.Flush(), f.Sync(), f.Close())
	if err != nil {
		return &ovsdb.Error{Tag: "I/O error", Details: name + ": write failed", IOError: strerror.Text(err)}
	}
	return nil
}

func (t *tool) compact(args []string) error {
	return t.rewrite(arg(args, 0, t.o.DefaultDB), arg(args, 1, ""),
		func(tmp string, schema *ovsdb.DatabaseSchema, contents dbfile.Contents) error {
			return writeFile(tmp, schema, contents, "compacted by ovsdb-tool "+t.o.Version, t)
		})
}

func (t *tool) convert(args []string) error {
	want, err := ovsdb.ReadSchemaFile(arg(args, 1, t.o.DefaultSchema))
	if err != nil {
		return err
	}
	return t.rewrite(arg(args, 0, t.o.DefaultDB), arg(args, 2, ""),
		func(tmp string, have *ovsdb.DatabaseSchema, contents dbfile.Contents) error {
			// The server converts only to a schema of the same name.
			named := *have
			named.Name = want.Name
			if err := writeFile(tmp, &named, contents, "", t); err != nil {
				return err
			}
			srv := server.New(server.Options{Clock: t.o.Clock})
			defer srv.Close()
			if err := srv.AddDB(absolute(tmp)); err != nil {
				return err
			}
			res, rerr, err := t.request(srv, "convert", ojson.Arr(ojson.Str(want.Name), want.JSON()))
			if err != nil {
				return err
			}
			if !rerr.IsNull() {
				return textOf(rerr)
			}
			_ = res
			return srv.DB(want.Name).Compact("converted by ovsdb-tool " + t.o.Version)
		})
}

func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// textOf returns an error with the text of the JSON of one.
func textOf(v ojson.Value) error {
	if v.Kind() != ojson.Object || v.Get("error") == nil {
		return fmt.Errorf("%s", v)
	}
	e := &ovsdb.Error{Tag: v.Get("error").Str()}
	for name, p := range map[string]*string{"details": &e.Details, "syntax": &e.Syntax, "io-error": &e.IOError} {
		if m := v.Get(name); m != nil {
			*p = m.Str()
		}
	}
	return e
}

// request runs one request on a server in this process and returns its result or its error.
func (t *tool) request(srv *server.Server, method string, params ojson.Value) (res, rerr ojson.Value, err error) {
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- srv.ServeConnAs(theirs, "ovsdb-tool", server.Client{Role: t.o.Role}) }()
	c := jsonrpc.NewConn(&stream.Conn{Conn: ours, Name: "ovsdb-tool"}, jsonrpc.Options{})
	defer func() { c.Close(); <-done }()
	m, err := c.Transact(jsonrpc.NewRequest(json.RawMessage("0"), method, params.Append(nil)))
	if err != nil {
		return res, rerr, err
	}
	if m.Type == jsonrpc.Error {
		rerr, err = ojson.Parse(string(m.Error))
		return res, rerr, err
	}
	res, err = ojson.Parse(string(m.Result))
	return res, rerr, err
}

func (t *tool) transact(args []string) error { return t.runTransaction(args, false) }

// query runs a transaction on a copy of the file, so that it changes nothing and a server may have the file open.
func (t *tool) query(args []string) error { return t.runTransaction(args, true) }

func (t *tool) runTransaction(args []string, onCopy bool) error {
	name, text := t.o.DefaultDB, args[len(args)-1]
	if len(args) == 2 {
		name = args[0]
	}
	// What the file holds must be whole: a server would cut a torn record off.
	l, err := open(name)
	if err != nil {
		return err
	}
	schema, contents, err := readAll(l, name)
	l.Close()
	if err != nil {
		return err
	}
	params, err := ojson.Parse(text)
	if err != nil {
		return fmt.Errorf("\"%s\": %w", text, err)
	}
	switch {
	case params.Kind() != ojson.Array:
		return t.printJSON(ovsdb.SyntaxErrorf(&params, "array expected").JSON())
	case params.Len() == 0 || params.Elems()[0].Kind() != ojson.String || params.Elems()[0].Str() != schema.Name:
		return t.printJSON(ovsdb.SyntaxErrorf(&params, "database name expected as first parameter").JSON())
	}
	if onCopy {
		dir, err := os.MkdirTemp("", "ovsdb-tool")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		name = filepath.Join(dir, "db")
		if err := writeFile(name, schema, contents, "", t); err != nil {
			return err
		}
	}
	srv := server.New(server.Options{Clock: t.o.Clock, Log: t.o.Log})
	defer srv.Close()
	if err := srv.AddDB(absolute(name)); err != nil {
		return err
	}
	res, rerr, err := t.request(srv, "transact", params)
	if err != nil {
		return err
	}
	if !rerr.IsNull() {
		res = rerr
	}
	return t.printJSON(res)
}

func (t *tool) printJSON(v ojson.Value) error {
	_, err := io.WriteString(t.o.Out, v.String()+"\n")
	return err
}
