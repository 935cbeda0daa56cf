package server

import (
	"fmt"
	"runtime/debug"
	"strings"

	"govs/internal/unixctl"
)

// RegisterUnixctl adds the server's commands (ovsdb-server(1), "Runtime management commands") to a control socket.
// dbsChanged and remotesChanged are called after a command changed the set of databases or remotes; they may be nil.
func (srv *Server) RegisterUnixctl(u *unixctl.Server, changed func()) {
	if changed == nil {
		changed = func() {}
	}
	simple := func(name, usage string, lo, hi int, f func(args []string) (string, error)) {
		u.RegisterFunc("ovsdb-server/"+name, usage, lo, hi, f)
	}
	lines := func(ss []string) string {
		if len(ss) == 0 {
			return ""
		}
		return strings.Join(ss, "\n") + "\n"
	}
	simple("add-remote", "REMOTE", 1, 1, func(a []string) (string, error) {
		err := srv.AddRemote(a[0])
		if err == nil {
			changed()
		}
		return "", err
	})
	simple("remove-remote", "REMOTE", 1, 1, func(a []string) (string, error) {
		err := srv.RemoveRemote(a[0])
		if err == nil {
			changed()
		}
		return "", err
	})
	simple("list-remotes", "", 0, 0, func([]string) (string, error) { return lines(srv.Remotes()), nil })
	simple("add-db", "DB", 1, 1, func(a []string) (string, error) {
		err := srv.AddDB(a[0])
		if err == nil {
			changed()
		}
		return "", err
	})
	simple("remove-db", "DB", 1, 1, func(a []string) (string, error) {
		err := srv.RemoveDB(a[0])
		if err == nil {
			changed()
		}
		return "", err
	})
	simple("list-dbs", "", 0, 0, func([]string) (string, error) { return lines(srv.DBNames()), nil })
	simple("get-db-storage-status", "DB", 1, 1, func(a []string) (string, error) {
		if srv.DB(a[0]) == nil {
			return "", ErrNoDB
		}
		return "status: ok", nil
	})
	simple("compact", "", 0, 1, srv.compactCommand)
	simple("memory-trim-on-compaction", "on|off", 1, 1, func(a []string) (string, error) {
		switch a[0] {
		case "on", "off":
			srv.trim.Store(a[0] == "on")
			return "", nil
		}
		return "", fmt.Errorf("invalid argument")
	})
	simple("reconnect", "", 0, 0, func([]string) (string, error) {
		srv.Reconnect()
		return "", nil
	})
	simple("perf-counters-show", "", 0, 0, func([]string) (string, error) {
		return "performance counter is not supported on this platform", nil
	})
	simple("perf-counters-clear", "", 0, 0, func([]string) (string, error) { return "", nil })
	simple("disable-monitor-cond", "", 0, 0, func([]string) (string, error) {
		srv.DisableCondMonitors()
		srv.Reconnect()
		return "", nil
	})
	simple("tlog-set", "DB:TABLE on|off", 2, 2, srv.tlogSet)
	simple("tlog-list", "", 0, 0, func([]string) (string, error) { return srv.tlogList(), nil })
	srv.registerReplication(u, changed)
	u.RegisterFunc("memory/show", "", 0, 0, func([]string) (string, error) { return srv.MemoryUsage(), nil })
}

func (srv *Server) compactCommand(a []string) (string, error) {
	names := srv.DBNames()
	if len(a) == 1 {
		if a[0] == srv.disk.name {
			return "", fmt.Errorf("cannot compact built-in databases")
		}
		if srv.DB(a[0]) == nil {
			return "", fmt.Errorf("no database by that name")
		}
		names = a
	}
	var errs []string
	for _, n := range names {
		db := srv.DB(n)
		if db == nil || db == srv.disk {
			continue
		}
		srv.log("ovsdb_server").Infof("compacting %s database by user request", n)
		if err := db.Compact("compacting database online"); err != nil {
			errs = append(errs, err.Error())
		}
	}
	if srv.trim.Load() {
		debug.FreeOSMemory()
	}
	if len(errs) > 0 {
		return "", fmt.Errorf("%s", strings.Join(errs, "\n"))
	}
	return "", nil
}

// tlogSet turns logging of the changes of a table on or off.
func (srv *Server) tlogSet(a []string) (string, error) {
	dbName, tableName, ok := strings.Cut(a[0], ":")
	if !ok {
		return "", fmt.Errorf("invalid DB:TABLE argument")
	}
	db := srv.DB(dbName)
	if db == nil {
		return "", fmt.Errorf("no such database")
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t := db.table(tableName)
	if t == nil {
		return "", fmt.Errorf("no such table")
	}
	switch strings.ToLower(a[1]) {
	case "on":
		t.logged = true
	case "off":
		t.logged = false
	default:
		return "", fmt.Errorf("invalid command argument")
	}
	return "", nil
}

func (srv *Server) tlogList() string {
	var sb strings.Builder
	sb.WriteString("database        table                       logging\n")
	sb.WriteString("--------        -----                       -------\n")
	for _, name := range srv.DBNames() {
		db := srv.DB(name)
		if db == nil {
			continue
		}
		fmt.Fprintf(&sb, "%-16s \n", name)
		db.mu.Lock()
		for _, t := range db.tables {
			state := "OFF"
			if t.logged {
				state = "ON"
			}
			fmt.Fprintf(&sb, "                %-27s %s\n", t.schema.Name, state)
		}
		db.mu.Unlock()
	}
	return sb.String()
}

// logChanges logs the changes of tables that tlog-set asked for. db.mu is held.
func (db *Database) logChanges(changes []change) {
	for i := range changes {
		c := &changes[i]
		if !c.table.logged {
			continue
		}
		what := "update"
		switch {
		case c.old == nil:
			what = "insert"
		case c.new == nil:
			what = "delete"
		}
		var sb strings.Builder
		for _, col := range c.table.schema.Columns[2:] {
			var was, is string
			if c.old != nil {
				was = c.old.Cols[col.Index].Text(&col.Type)
			}
			if c.new != nil {
				is = c.new.Cols[col.Index].Text(&col.Type)
			}
			if c.old != nil && c.new != nil && was == is {
				continue
			}
			if c.new == nil {
				is = was
			}
			fmt.Fprintf(&sb, "%s=%s ", col.Name, is)
		}
		db.tlog.Infof("table:%s,op:%s,%s", c.table.schema.Name, what, strings.TrimSpace(sb.String()))
	}
}

// MemoryUsage returns the text of memory/show.
func (srv *Server) MemoryUsage() string {
	var atoms, cells, weak, monitors, triggers int
	for _, name := range srv.DBNames() {
		db := srv.DB(name)
		if db == nil {
			continue
		}
		db.mu.Lock()
		for _, t := range db.tables {
			cells += len(t.rows) * len(t.schema.Columns)
			for _, w := range t.weak {
				weak += len(w.list)
			}
			for _, e := range t.rows {
				for _, d := range e.row.Cols {
					n := d.Len()
					atoms += n
					if d.ValueType() != 0 {
						atoms += n
					}
				}
			}
		}
		monitors += len(db.monitors)
		triggers += len(db.triggers)
		db.mu.Unlock()
	}
	srv.mu.Lock()
	sessions := len(srv.sessions)
	srv.mu.Unlock()
	s := fmt.Sprintf("atoms:%d cells:%d monitors:%d n-weak-refs:%d sessions:%d", atoms, cells, monitors, weak, sessions)
	if triggers > 0 {
		s += fmt.Sprintf(" triggers:%d", triggers)
	}
	return s
}
