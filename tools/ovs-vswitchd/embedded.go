package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"govs/internal/clock"
	"govs/internal/daemon"
	"govs/internal/stream"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/ojson"
	"govs/ovsdb/server"
	"govs/ovsdb/vswitch"
)

// embedded is the database server that --embedded-db runs inside the daemon: on the usual socket, so that ovs-vsctl finds it,
// and on the remotes that the Manager table names.
type embedded struct {
	srv  *server.Server
	stop context.CancelFunc
	done chan struct{}
}

func startEmbedded(s *switchSystem, so *stream.Options) (*embedded, error) {
	file, err := filepath.Abs(s.cfg.embeddedFile)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(file); os.IsNotExist(err) {
		v, err := ojson.Parse(vswitch.SchemaJSON)
		if err != nil {
			return nil, err
		}
		schema, err := ovsdb.ParseSchema(&v)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := server.CreateFile(file, schema, nil); err != nil {
			return nil, fmt.Errorf("cannot create database: %w", err)
		}
	}
	srv := server.New(server.Options{Clock: clock.Real{}, Log: s.prog.Log, RunDir: s.prog.Dirs.Run, DBDir: s.prog.Dirs.DB, TLS: so.TLS})
	if err := srv.AddDB(file); err != nil {
		return nil, err
	}
	for _, remote := range []string{"punix:" + filepath.Join(s.prog.Dirs.Run, "db.sock"), "db:Open_vSwitch,Open_vSwitch,manager_options"} {
		if err := srv.AddRemote(remote); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &embedded{srv: srv, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		_ = srv.Run(ctx)
	}()
	return e, nil
}

// describe makes the root row of a new database, as ovs-vsctl init and the start script of an installed Open vSwitch do, and
// notes the versions. What is there already stays, but for the versions of this program and system.
func describe(ctx context.Context, db *client.Client, rundir string) error {
	s, err := db.WaitFor(ctx, func(*client.Snapshot) bool { return true })
	if err != nil {
		return err
	}
	system, version := osRelease()
	row := []any{"ovs_version", ojson.Str(daemon.Version), "db_version", ojson.Str(s.Schema.Version), "system_type", ojson.Str(system), "system_version", ojson.Str(version)}
	rows := vswitch.AllOpenvSwitch(s)
	if len(rows) > 0 {
		_, err = db.Transact(ctx, client.Update(vswitch.TableOpenvSwitch, rows[0].UUID, ojson.Obj(row...)))
		return err
	}
	ids := map[string]string{"system-id": ovsdb.NewUUID().String(), "rundir": rundir}
	if name, err := os.Hostname(); err == nil {
		ids["hostname"] = name
	}
	m := ovsdb.NewStringMap(ids)
	row = append(row, "external_ids", m.JSON(&s.Schema.Tables[vswitch.TableOpenvSwitch].Column("external_ids").Type))
	_, err = db.Transact(ctx, ojson.Obj("op", ojson.Str("insert"), "table", ojson.Str(vswitch.TableOpenvSwitch), "row", ojson.Obj(row...)))
	return err
}

// osRelease is the operating system's id and version, from os-release(5).
func osRelease() (id, version string) {
	id, version = "unknown", "unknown"
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return id, version
	}
	for line := range strings.Lines(string(text)) {
		key, val, _ := strings.Cut(strings.TrimSpace(line), "=")
		val = strings.Trim(val, `"'`)
		switch key {
		case "ID":
			id = val
		case "VERSION_ID":
			version = val
		}
	}
	return id, version
}

// close ends the server; what was committed is in the file.
func (e *embedded) close() {
	e.stop()
	<-e.done
}
