package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"govs/internal/clock"
	"govs/internal/stream"
	"govs/ovsdb"
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

// close ends the server; what was committed is in the file.
func (e *embedded) close() {
	e.stop()
	<-e.done
}
