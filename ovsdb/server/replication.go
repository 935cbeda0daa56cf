package server

import (
	"errors"

	"govs/internal/unixctl"
)

func (srv *Server) registerReplication(u *unixctl.Server, changed func()) {}

// SetSyncExclude sets the tables that replication leaves alone: "DB:TABLE,...".
func (srv *Server) SetSyncExclude(list string) error { return nil }

// SetActiveServer sets the server that StartBackup replicates.
func (srv *Server) SetActiveServer(name string) {}

// StartBackup makes the server a backup of the active server.
func (srv *Server) StartBackup() error { return errors.New("replication is not available") }

// AddRelay serves a copy of another server's database: "NAME:REMOTE[,REMOTE...]".
func (srv *Server) AddRelay(spec string) error { return errors.New("relay is not available") }
