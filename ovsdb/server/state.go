package server

import (
	"sort"
	"strings"
)

// State is what commands can change of a server's configuration: enough to start another server like it.
type State struct {
	Remotes     []string `json:"remotes"` // given to AddRemote
	Databases   []string `json:"db_filenames"`
	SyncFrom    string   `json:"sync_from"`
	SyncExclude string   `json:"sync_exclude"`
	Backup      bool     `json:"is_backup"`
}

// State returns the server's present state. Relays are in Databases as "relay:NAME:REMOTES".
func (srv *Server) State() State {
	srv.mu.Lock()
	s := State{Remotes: sortedKeys(srv.remotes), SyncFrom: srv.repl.active, Backup: srv.backup}
	s.SyncExclude = strings.Join(sortedKeys(srv.repl.exclude), ",")
	var dbs []*Database
	for _, db := range srv.dbs {
		dbs = append(dbs, db)
	}
	srv.mu.Unlock()
	for _, db := range dbs {
		db.mu.Lock()
		switch {
		case db.relay != nil:
			s.Databases = append(s.Databases, "relay:"+db.relay.spec)
		case db.file != nil:
			s.Databases = append(s.Databases, db.file.Name())
		}
		db.mu.Unlock()
	}
	sort.Strings(s.Databases)
	return s
}
