package server

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/ovsdb"
)

// This file takes configuration from databases: remotes and names of TLS files given as db:DB,TABLE,COLUMN
// (ovsdb-server(1)), and writes the status of such remotes back.

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// dbSpec is a parsed db:DB,TABLE,COLUMN.
type dbSpec struct{ db, table, column string }

// parseDBSpec parses a name that begins with "db:"; a malformed one gives an empty dbSpec.
func parseDBSpec(name string) (dbSpec, bool) {
	rest, ok := strings.CutPrefix(name, "db:")
	if !ok {
		return dbSpec{}, false
	}
	f := strings.FieldsFunc(rest, func(r rune) bool { return r == ',' })
	if len(f) != 3 {
		return dbSpec{}, true
	}
	return dbSpec{f[0], f[1], f[2]}, true
}

// checkDBSpec fails when spec names nothing that can hold remotes.
func (srv *Server) checkDBSpec(name string, spec dbSpec) error {
	if spec.db == "" {
		return fmt.Errorf("\"%s\": invalid syntax", name)
	}
	db := srv.DB(spec.db)
	if db == nil {
		return fmt.Errorf("\"%s\": no database named %s", name, spec.db)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	t := db.table(spec.table)
	if t == nil {
		return fmt.Errorf("\"%s\": no table named %s", name, spec.table)
	}
	if t.schema.Column(spec.column) == nil {
		return fmt.Errorf("\"%s\": table \"%s\" has no column \"%s\"", name, spec.table, spec.column)
	}
	return nil
}

// reconfigure looks at everything that the server takes from databases and makes the running remotes and the TLS
// files match it.
func (srv *Server) reconfigure() {
	srv.remoteMu.Lock()
	defer srv.remoteMu.Unlock()
	srv.mu.Lock()
	closed := srv.closed
	names := sortedKeys(srv.remotes)
	srv.mu.Unlock()
	if closed {
		return
	}
	followed := make(map[string]map[string]bool)
	follow := func(db, table string) {
		if followed[db] == nil {
			followed[db] = make(map[string]bool)
		}
		followed[db][table] = true
	}
	want := make(map[string]remoteOptions)
	var specs []dbSpec
	for _, name := range names {
		spec, isDB := parseDBSpec(name)
		if !isDB {
			want[name] = defaultRemoteOptions()
			continue
		}
		specs = append(specs, spec)
		srv.readRemotes(spec, want, follow)
	}
	srv.dbRemotes = specs
	cfg := srv.opts.TLSConfig
	for _, f := range []*string{&cfg.PrivateKey, &cfg.Certificate, &cfg.CACert, &cfg.Protocols, &cfg.Ciphers} {
		if spec, ok := parseDBSpec(*f); ok {
			*f = srv.readString(spec, follow)
		}
	}
	srv.followed.Store(&followed)
	if srv.opts.TLS != nil && (!srv.tlsSet || cfg != srv.tlsNow) {
		srv.tlsNow, srv.tlsSet = cfg, true
		if err := srv.opts.TLS.Configure(cfg); err != nil {
			srv.log("stream_ssl").Errf("%s", err)
		}
	}
	srv.setActive(want)
}

// readRemotes adds the remotes that spec's column names to want.
func (srv *Server) readRemotes(spec dbSpec, want map[string]remoteOptions, follow func(db, table string)) {
	db := srv.DB(spec.db)
	if db == nil {
		return
	}
	follow(spec.db, spec.table)
	db.mu.Lock()
	defer db.mu.Unlock()
	t := db.table(spec.table)
	if t == nil {
		return
	}
	c := t.schema.Column(spec.column)
	if c == nil || c.Type.IsMap() {
		return
	}
	switch {
	case c.Type.Key.Type == ovsdb.String:
		for _, e := range t.rows {
			for _, target := range e.row.Cols[c.Index].Strings() {
				if target != "" {
					want[target] = defaultRemoteOptions()
				}
			}
		}
	case c.Type.Key.IsRef():
		follow(spec.db, c.Type.Key.RefTable)
		rt := db.table(c.Type.Key.RefTable)
		for _, e := range t.rows {
			for _, u := range e.row.Cols[c.Index].UUIDs() {
				if row := rt.rows[u].row; row != nil {
					addRemoteRow(rt, row, want)
				}
			}
		}
	}
}

// scalarColumn returns the value of a column of the given type, if the row has one.
func scalarColumn(t *table, row *ovsdb.Row, name string, typ ovsdb.AtomicType) (ovsdb.Atom, bool) {
	c := t.schema.Column(name)
	if c == nil || c.Type.IsMap() || c.Type.Key.Type != typ || row.Cols[c.Index].IsEmpty() {
		return ovsdb.Atom{}, false
	}
	return row.Cols[c.Index].Scalar(), true
}

func addRemoteRow(t *table, row *ovsdb.Row, want map[string]remoteOptions) {
	target, ok := scalarColumn(t, row, "target", ovsdb.String)
	if !ok || target.Str() == "" {
		return
	}
	o := defaultRemoteOptions()
	if a, ok := scalarColumn(t, row, "max_backoff", ovsdb.Integer); ok {
		o.maxBackoff = time.Duration(a.Int()) * time.Millisecond
	}
	if a, ok := scalarColumn(t, row, "inactivity_probe", ovsdb.Integer); ok && a.Int() >= 0 {
		o.probe = time.Duration(a.Int()) * time.Millisecond
	}
	if a, ok := scalarColumn(t, row, "read_only", ovsdb.Boolean); ok {
		o.readOnly = a.Bool()
	}
	if a, ok := scalarColumn(t, row, "role", ovsdb.String); ok {
		o.role = a.Str()
	}
	want[target.Str()] = o
}

// readString returns the first nonempty string in spec's column.
func (srv *Server) readString(spec dbSpec, follow func(db, table string)) string {
	db := srv.DB(spec.db)
	if db == nil {
		return ""
	}
	follow(spec.db, spec.table)
	db.mu.Lock()
	defer db.mu.Unlock()
	t := db.table(spec.table)
	if t == nil {
		return ""
	}
	c := t.schema.Column(spec.column)
	if c == nil || c.Type.Key.Type != ovsdb.String {
		return ""
	}
	for _, e := range t.rows {
		for _, s := range e.row.Cols[c.Index].Strings() {
			if s != "" {
				return s
			}
		}
	}
	return ""
}

// followCommit returns what is to be done after each commit in db, with db.mu held: to have the server look at its
// configuration when a table that it comes from has changed.
func (srv *Server) followCommit(db *Database) func([]change) {
	return func(changes []change) {
		followed := srv.followed.Load()
		if followed == nil {
			return
		}
		tables := (*followed)[db.name]
		if tables == nil {
			return
		}
		for i := range changes {
			if tables[changes[i].table.schema.Name] {
				select {
				case srv.reconfigCh <- struct{}{}:
				default: // it will look anyway
				}
				return
			}
		}
	}
}

// statusInterval is how often the status of remotes is written to their rows.
const statusInterval = 5 * time.Second

// housekeeping reconfigures when a commit asks for it and writes the status of remotes, until the server closes.
func (srv *Server) housekeeping() {
	defer srv.wg.Done()
	turn := srv.opts.Journal.Party("housekeeping")
	defer turn.Leave()
	tick := srv.clock.NewTicker(statusInterval)
	defer tick.Stop()
	for {
		what, err := turn.Wait(func() ([]byte, error) {
			select {
			case <-srv.reconfigCh:
				return []byte("reconfigure"), nil
			case <-tick.C():
				return []byte("status"), nil
			case <-srv.quit:
				return nil, net.ErrClosed
			}
		})
		switch {
		case err != nil:
			return
		case string(what) == "reconfigure":
			srv.reconfigure()
		default:
			srv.updateRemoteStatus()
		}
	}
}

// updateRemoteStatus writes is_connected and status to the rows of remotes that came from a table.
func (srv *Server) updateRemoteStatus() {
	srv.remoteMu.Lock()
	specs := srv.dbRemotes
	active := maps.Clone(srv.active)
	srv.remoteMu.Unlock()
	for _, spec := range specs {
		db := srv.DB(spec.db)
		if db == nil {
			continue
		}
		status := make(map[string]map[string]string, len(active))
		for name, r := range active {
			status[name] = r.status()
		}
		db.mu.Lock()
		db.writeRemoteStatus(spec, status)
		db.mu.Unlock()
	}
}

// writeRemoteStatus writes status, by target, to the rows that spec leads to. db.mu is held.
func (db *Database) writeRemoteStatus(spec dbSpec, status map[string]map[string]string) {
	t := db.table(spec.table)
	if t == nil || db.readOnly || db.removed {
		return
	}
	c := t.schema.Column(spec.column)
	if c == nil || !c.Type.Key.IsRef() {
		return
	}
	rt := db.table(c.Type.Key.RefTable)
	x := newTxn(db)
	for _, e := range t.rows {
		for _, u := range e.row.Cols[c.Index].UUIDs() {
			row := rt.rows[u].row
			if row == nil {
				continue
			}
			target, ok := scalarColumn(rt, row, "target", ovsdb.String)
			st := status[target.Str()]
			if !ok || st == nil {
				continue
			}
			connected := st["is_connected"] == "true"
			delete(st, "is_connected")
			if c := rt.schema.Column("is_connected"); c != nil && c.Type.Key.Type == ovsdb.Boolean {
				x.modify(rt, u).Cols[c.Index] = ovsdb.NewScalar(ovsdb.BoolAtom(connected))
			}
			if c := rt.schema.Column("status"); c != nil && c.Type.IsMap() && c.Type.Key.Type == ovsdb.String &&
				c.Type.Value.Type == ovsdb.String {
				x.modify(rt, u).Cols[c.Index] = ovsdb.NewStringMap(st)
			}
		}
	}
	if changes, _, err := db.commit(x); err == nil && len(changes) > 0 {
		db.runTriggers()
	}
}

// status returns what the status column of the remote's row shows, and "is_connected".
func (r *remote) status() map[string]string {
	ss := r.sessions()
	m := make(map[string]string)
	now := r.srv.clock.Now()
	seconds := func(t time.Time) string { return strconv.FormatInt(int64(now.Sub(t)/time.Second), 10) }
	r.mu.Lock()
	st, l := r.stats, r.listener
	r.mu.Unlock()
	if stream.IsPassive(r.name) {
		m["n_connections"] = strconv.Itoa(len(ss))
		if l != nil && l.Port() != 0 {
			m["bound_port"] = strconv.Itoa(l.Port())
		}
		m["is_connected"] = strconv.FormatBool(len(ss) > 0)
		if len(ss) == 1 {
			m["state"] = "ACTIVE"
			m["sec_since_connect"] = seconds(ss[0].since)
			m["sec_since_disconnect"] = "0"
		}
		return addLockStatus(r.srv, ss, m)
	}
	m["state"] = st.state
	m["is_connected"] = strconv.FormatBool(st.state == "ACTIVE")
	if !st.connected.IsZero() {
		m["sec_since_connect"] = seconds(st.connected)
	}
	if !st.disconnected.IsZero() {
		m["sec_since_disconnect"] = seconds(st.disconnected)
	}
	if st.lastErr != nil && st.state != "ACTIVE" {
		m["last_error"] = strerror.Text(st.lastErr)
	}
	return addLockStatus(r.srv, ss, m)
}

// addLockStatus adds the names of the locks that the only session of a remote holds and waits for.
func addLockStatus(srv *Server, ss []*session, m map[string]string) map[string]string {
	if len(ss) != 1 {
		return m
	}
	srv.lockMu.Lock()
	defer srv.lockMu.Unlock()
	var held, waiting []string
	for _, name := range sortedKeys(ss[0].locks) {
		if q := srv.locks[name]; len(q) > 0 && q[0].session == ss[0] {
			held = append(held, name)
		} else {
			waiting = append(waiting, name)
		}
	}
	if len(held) > 0 {
		m["locks_held"] = strings.Join(held, " ")
	}
	if len(waiting) > 0 {
		m["locks_waiting"] = strings.Join(waiting, " ")
	}
	return m
}
