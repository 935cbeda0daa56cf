package ovsdbclient

import (
	"context"
	"errors"
	"fmt"

	"govs/internal/stream"
	"govs/ovsdb/client"
)

// ctx is what handlers of the control socket get.
type ctx = context.Context

// wait waits until the server's _Server database says that a database is there, connected or gone.
func (r *runner) wait(args []string) error {
	server := r.o.DefaultServer
	if len(args) == 3 {
		server, args = args[0], args[1:]
	}
	db, state := args[0], args[1]
	switch state {
	case "added", "connected", "removed":
	default:
		return fmt.Errorf("%s: unknown state", state)
	}
	if len(args) != 2 || !stream.IsActive(server) && !stream.IsPassive(server) {
		return fmt.Errorf("failed to connect or listen to \"%s\"", server)
	}
	c := client.New(client.Options{Remotes: []string{server}, Database: "_Server", Stream: r.o.Stream, Clock: r.o.Clock, Log: r.o.Log,
		Tables: map[string][]string{"Database": {"name", "connected"}}})
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	_, err := c.WaitFor(ctx, func(s *client.Snapshot) bool {
		t := s.Table("Database")
		for _, row := range t.All() {
			if t.Column(row, "name").Scalar().Str() == db {
				return state == "added" || state == "connected" && t.Column(row, "connected").Scalar().Bool()
			}
		}
		return state == "removed"
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	cancel()
	<-ended
	return err
}
