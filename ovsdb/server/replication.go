package server

import (
	"errors"
	"sort"
	"strconv"
	"strings"
	"time"

	"govs/internal/unixctl"
	"govs/ovsdb"
)

// replication is the configuration and state of active-backup replication. Server.mu guards it.
type replication struct {
	active  string // the server to copy from
	exclude map[string]bool
	probe   time.Duration
	copier  *copier // nil when the server is active
	copied  map[string]bool
}

const defaultSyncProbe = 60 * time.Second

// backupPolicy copies all databases of a backup server.
type backupPolicy struct{ srv *Server }

func (p backupPolicy) wanted() []*Database {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	var dbs []*Database
	for _, db := range p.srv.dbs {
		if db != p.srv.disk && db.relay == nil {
			dbs = append(dbs, db)
		}
	}
	sort.Slice(dbs, func(i, j int) bool { return dbs[i].name < dbs[j].name })
	return dbs
}

func (p backupPolicy) schema(db *Database, remote *ovsdb.DatabaseSchema) bool {
	ok := db.Schema().Equal(remote) || sameTables(db.Schema(), remote)
	if !ok {
		p.srv.log("replication").Warnf("Schema version mismatch, database %s is not replicated", db.name)
	}
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	p.srv.repl.copied[db.name] = ok
	return ok
}

// sameTables reports whether two schemas differ in nothing but version and checksum.
func sameTables(a, b *ovsdb.DatabaseSchema) bool {
	x, y := *a, *b
	x.Version, x.Cksum, y.Version, y.Cksum = "", "", "", ""
	return x.Equal(&y)
}

func (p backupPolicy) excluded(db, table string) bool {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	return p.srv.repl.exclude[db+":"+table]
}

func (p backupPolicy) state(bool) {}

func (p backupPolicy) self() {
	p.srv.log("replication").Errf("Server ID check failed: Self replicating is not allowed")
}

// SetSyncExclude sets the tables that replication leaves alone: "DB:TABLE,...".
func (srv *Server) SetSyncExclude(list string) error {
	exclude := make(map[string]bool)
	for _, f := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		// Like the original, a name without a table excludes nothing but is remembered.
		db, table, _ := strings.Cut(f, ":")
		exclude[db+":"+table] = true
	}
	srv.mu.Lock()
	srv.repl.exclude = exclude
	srv.mu.Unlock()
	return srv.restartBackup()
}

func (srv *Server) syncExclude() string {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return strings.Join(sortedKeys(srv.repl.exclude), ",")
}

// SetActiveServer sets the server that StartBackup copies from.
func (srv *Server) SetActiveServer(name string) {
	srv.mu.Lock()
	srv.repl.active = name
	srv.mu.Unlock()
	srv.restartBackup()
}

func (srv *Server) restartBackup() error {
	srv.mu.Lock()
	running := srv.repl.copier != nil
	srv.mu.Unlock()
	if running {
		srv.stopCopier()
		return srv.StartBackup()
	}
	return nil
}

func (srv *Server) stopCopier() {
	srv.mu.Lock()
	c := srv.repl.copier
	srv.repl.copier = nil
	srv.mu.Unlock()
	if c != nil {
		c.stop()
	}
}

// StartBackup makes the server a backup of the active server: its databases become copies that clients may only
// read.
func (srv *Server) StartBackup() error {
	if srv.opts.Journal != nil {
		return errJournal
	}
	srv.mu.Lock()
	if srv.repl.active == "" {
		srv.mu.Unlock()
		return errors.New("Unable to connect: active server is not specified.\n")
	}
	if srv.repl.copier != nil || srv.closed {
		srv.mu.Unlock()
		return nil
	}
	srv.repl.copied = make(map[string]bool)
	srv.repl.copier = newCopier(srv, []string{srv.repl.active}, backupPolicy{srv}, srv.repl.probe)
	srv.mu.Unlock()
	srv.setBackup(true)
	return nil
}

// StopBackup makes a backup server an active one.
func (srv *Server) StopBackup() {
	srv.stopCopier()
	srv.setBackup(false)
}

func (srv *Server) setBackup(on bool) {
	srv.mu.Lock()
	changed := srv.backup != on
	srv.backup = on
	var dbs []*Database
	for _, db := range srv.dbs {
		if db != srv.disk {
			dbs = append(dbs, db)
		}
	}
	srv.mu.Unlock()
	for _, db := range dbs {
		db.mu.Lock()
		if db.relay == nil {
			db.readOnly = on
		}
		db.mu.Unlock()
	}
	if changed && !on {
		srv.Reconnect()
	}
}

// isBackup reports whether the server is the backup of another one.
func (srv *Server) isBackup() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.backup
}

// SyncStatus returns the text of ovsdb-server/sync-status.
func (srv *Server) SyncStatus() string {
	srv.mu.Lock()
	c, active := srv.repl.copier, srv.repl.active
	copied := sortedKeys(srv.repl.copied)
	var names, excluded []string
	for _, n := range copied {
		if srv.repl.copied[n] {
			names = append(names, n)
		}
	}
	excluded = sortedKeys(srv.repl.exclude)
	srv.mu.Unlock()
	if c == nil {
		return "state: active\n"
	}
	c.mu.Lock()
	connected := c.connected
	c.mu.Unlock()
	s := "state: backup\n"
	if !connected {
		return s + "connecting: " + active + "\n"
	}
	s += "replicating: " + active + "\n"
	if len(names) > 0 {
		s += "database: " + strings.Join(names, ", ") + "\n"
	}
	if len(excluded) > 0 {
		s += "exclude: " + strings.Join(excluded, ",") + "\n"
	}
	return s
}

func (srv *Server) registerReplication(u *unixctl.Server, changed func()) {
	cmd := func(name, usage string, n int, f func(a []string) (string, error)) {
		u.RegisterFunc("ovsdb-server/"+name, usage, n, n, f)
	}
	cmd("set-active-ovsdb-server", "", 1, func(a []string) (string, error) {
		srv.SetActiveServer(a[0])
		changed()
		return "", nil
	})
	cmd("get-active-ovsdb-server", "", 0, func([]string) (string, error) {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		return srv.repl.active, nil
	})
	cmd("connect-active-ovsdb-server", "", 0, func([]string) (string, error) {
		if err := srv.StartBackup(); err != nil {
			return err.Error(), nil // the original answers so, without an error status
		}
		changed()
		return "", nil
	})
	cmd("disconnect-active-ovsdb-server", "", 0, func([]string) (string, error) {
		srv.StopBackup()
		changed()
		return "", nil
	})
	cmd("set-active-ovsdb-server-probe-interval", "", 1, func(a []string) (string, error) {
		ms, err := strconv.Atoi(a[0])
		if err != nil {
			return "Invalid probe interval, integer value expected", nil
		}
		srv.mu.Lock()
		srv.repl.probe = time.Duration(max(ms, 0)) * time.Millisecond
		srv.mu.Unlock()
		return "", srv.restartBackup()
	})
	cmd("set-sync-exclude-tables", "", 1, func(a []string) (string, error) { return "", srv.SetSyncExclude(a[0]) })
	cmd("get-sync-exclude-tables", "", 0, func([]string) (string, error) { return srv.syncExclude(), nil })
	cmd("sync-status", "", 0, func([]string) (string, error) { return srv.SyncStatus(), nil })
}
