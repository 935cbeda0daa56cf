package server

import (
	"context"
	"errors"
	"net"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"govs/internal/clock"
	"govs/internal/replay"
	"govs/internal/stream"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/storage"
)

// Options says how to make a Server. The zero value is usable.
type Options struct {
	Clock  clock.Clock    // source of time; the machine's clock if nil
	Log    *vlog.Registry // may be nil
	RunDir string         // directory of relative socket names
	DBDir  string         // directory of relative database names given to add-db; "" is the current one
	// TLS holds the keys for ssl: and pssl: remotes; nil if there are none. The server configures it from
	// TLSConfig, in which each string may be db:DB,TABLE,COLUMN.
	TLS       *stream.TLS
	TLSConfig stream.TLSConfig
	// Journal, if not nil, records what the server takes in, or plays it back; Clock is its clock then. Replication and relays cannot be
	// recorded.
	Journal *replay.Journal
	// NoColumnDiff writes whole columns to the database file instead of differences.
	NoColumnDiff bool
}

// Server serves databases to JSON-RPC clients. All methods may be called from any goroutine.
type Server struct {
	opts  Options
	clock clock.Clock
	id    ovsdb.UUID
	locks map[string][]*lockWaiter // guarded by lockMu
	files storage.Locks
	disk  *Database // the _Server database

	// lockMu guards locks and session.locks. It may be taken with Database.mu held.
	lockMu sync.Mutex

	// mu guards the fields below.
	mu       sync.Mutex
	dbs      map[string]*Database
	remotes  map[string]bool // names given to AddRemote, db: ones included
	sessions map[*session]struct{}
	closed   bool
	noCond   bool
	backup   bool
	repl     replication

	// remoteMu guards the fields below. It is taken before any other lock.
	remoteMu  sync.Mutex
	active    map[string]*remote // running remotes by connection name
	dbRemotes []dbSpec
	tlsNow    stream.TLSConfig
	tlsSet    bool

	bigMu sync.Mutex // held while a big message is handled; no other lock is held when it is taken

	followed   atomic.Pointer[map[string]map[string]bool] // tables that configuration comes from, by database
	trim       atomic.Bool                                // memory-trim-on-compaction
	reconfigCh chan struct{}                              // a commit asks for reconfigure
	quit       chan struct{}                              // closed when the server begins to close
	done       chan struct{}                              // closed when it is closed
	wg         sync.WaitGroup
}

// New returns a server without databases (but for _Server) and remotes.
func New(o Options) *Server {
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	srv := &Server{opts: o, clock: o.Clock, id: ovsdb.NewUUID(), locks: make(map[string][]*lockWaiter),
		dbs: make(map[string]*Database), remotes: make(map[string]bool), sessions: make(map[*session]struct{}),
		active: make(map[string]*remote), done: make(chan struct{}), quit: make(chan struct{}),
		reconfigCh: make(chan struct{}, 1)}
	srv.disk = newServerDB(srv)
	srv.dbs[srv.disk.name] = srv.disk
	srv.repl.probe = defaultSyncProbe
	srv.describeDBs()
	srv.wg.Add(1)
	go srv.housekeeping()
	return srv
}

// errJournal says what a journal does not know.
var errJournal = errors.New("replication and relay databases cannot be recorded")

// log returns the log module with the given name; it may be nil, which discards.
func (srv *Server) log(module string) *vlog.Module {
	if srv.opts.Log == nil {
		return nil
	}
	return srv.opts.Log.Module(module)
}

// DB returns the database with the given name, or nil.
func (srv *Server) DB(name string) *Database {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.dbs[name]
}

// DBNames returns the names of the databases, _Server included, sorted.
func (srv *Server) DBNames() []string {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	names := make([]string, 0, len(srv.dbs))
	for n := range srv.dbs {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// AddDB opens the database file and serves it. Errors are in the original's words.
func (srv *Server) AddDB(file string) error {
	name := file
	if !strings.HasPrefix(name, "/") && srv.opts.DBDir != "" {
		name = srv.opts.DBDir + "/" + name
	}
	db, err := openDatabase(name, &srv.files, srv.clock, srv.log("ovsdb_server"))
	if err != nil {
		var le *storage.LockedError
		if errors.As(err, &le) {
			srv.log("lockfile").Warnf("%s", le)
		}
		return err
	}
	db.columnDiff = !srv.opts.NoColumnDiff
	return srv.addDB(db)
}

func (srv *Server) addDB(db *Database) error {
	srv.mu.Lock()
	if srv.closed {
		srv.mu.Unlock()
		db.Close()
		return errors.New("server is closed")
	}
	if srv.dbs[db.name] != nil {
		srv.mu.Unlock()
		db.Close()
		return ovsdb.Errorf("ovsdb error", "%s: duplicate database name", db.name)
	}
	srv.dbs[db.name] = db
	db.onCommit = srv.followCommit(db)
	if srv.opts.Journal != nil {
		db.newUUID = func() ovsdb.UUID { return ovsdb.RandomUUID(srv.opts.Journal.UUID()) }
	}
	db.tlog = srv.log("table_log")
	db.readOnly = db.readOnly || srv.backup
	srv.mu.Unlock()
	srv.describeDBs()
	srv.reconnectUnaware("adding database " + db.name)
	srv.reconfigure()
	if db.relay == nil {
		return srv.restartBackup()
	}
	return nil
}

// RemoveDB stops serving the database with the given name: its monitors and waiting transactions end.
func (srv *Server) RemoveDB(name string) error {
	srv.mu.Lock()
	db := srv.dbs[name]
	if db == nil || db == srv.disk {
		srv.mu.Unlock()
		if db != nil {
			return errors.New("Cannot remove reserved database.")
		}
		return ErrNoDB
	}
	delete(srv.dbs, name)
	srv.mu.Unlock()
	db.mu.Lock()
	srv.endUse(db)
	db.removed = true
	db.mu.Unlock()
	if db.relay != nil && db.relay.copier != nil {
		db.relay.copier.stop()
	}
	srv.describeDBs()
	srv.reconnectUnaware("removing " + name + " database")
	srv.reconfigure()
	return db.Close()
}

// ErrNoDB says that there is no database with a given name.
var ErrNoDB = errors.New("Failed to find the database.")

// endUse ends the monitors and waiting transactions of db, telling the clients. db.mu is held.
func (srv *Server) endUse(db *Database) {
	for len(db.monitors) > 0 {
		m := db.monitors[len(db.monitors)-1]
		db.removeMonitor(m)
		s := m.session
		s.mu.Lock()
		delete(s.monitors, m.idKey)
		s.mu.Unlock()
		if s.changeAware.Load() {
			s.notify("monitor_canceled", ojson.Arr(m.id))
		}
	}
	for len(db.triggers) > 0 {
		t := db.triggers[0]
		db.removeTrigger(t)
		t.session.forgetTrigger(t)
		t.session.replyError(&t.id, errors.New("canceled"))
	}
}

// reconnectUnaware ends the sessions that do not follow changes of the set of databases themselves.
func (srv *Server) reconnectUnaware(why string) {
	srv.mu.Lock()
	var ss []*session
	for s := range srv.sessions {
		if !s.changeAware.Load() {
			ss = append(ss, s)
		}
	}
	srv.mu.Unlock()
	for _, s := range ss {
		srv.log("ovsdb_jsonrpc_server").Infof("%s: disconnecting (%s)", s.name, why)
		s.close(errDisconnected)
	}
}

// Reconnect ends all sessions, so that the clients connect anew.
func (srv *Server) Reconnect() {
	srv.mu.Lock()
	var ss []*session
	for s := range srv.sessions {
		ss = append(ss, s)
	}
	srv.mu.Unlock()
	for _, s := range ss {
		s.close(errDisconnected)
	}
}

// ServeConn serves JSON-RPC on conn, which may be one end of a net.Pipe, until the connection ends.
func (srv *Server) ServeConn(conn net.Conn, name string) error {
	return srv.serve(conn, name, Client{}, nil, 0)
}

// ServeConnAs is ServeConn on behalf of a client.
func (srv *Server) ServeConnAs(conn net.Conn, name string, client Client) error {
	return srv.serve(conn, name, client, nil, 0)
}

// Run serves until ctx is done, then closes the server.
func (srv *Server) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-srv.done:
	}
	return srv.Close()
}

// Close ends all sessions, remotes and databases, and returns when their goroutines are gone.
func (srv *Server) Close() error {
	srv.mu.Lock()
	if srv.closed {
		srv.mu.Unlock()
		<-srv.done
		return nil
	}
	srv.closed = true
	var ss []*session
	for s := range srv.sessions {
		ss = append(ss, s)
	}
	var dbs []*Database
	for _, db := range srv.dbs {
		dbs = append(dbs, db)
	}
	srv.mu.Unlock()
	close(srv.quit)
	srv.stopCopier()
	for _, db := range dbs {
		db.mu.Lock()
		r := db.relay
		db.mu.Unlock()
		if r != nil && r.copier != nil {
			r.copier.stop()
		}
	}
	srv.remoteMu.Lock()
	for _, r := range srv.active {
		r.shutdown("")
	}
	srv.active = nil
	srv.remoteMu.Unlock()
	for _, s := range ss {
		s.close(errors.New("server is closing"))
	}
	srv.wg.Wait()
	var err error
	for _, db := range dbs {
		if e := db.Close(); e != nil && err == nil {
			err = e
		}
	}
	close(srv.done)
	return err
}

// DisableCondMonitors makes the server refuse monitor_cond and monitor_cond_since, like old servers.
func (srv *Server) DisableCondMonitors() {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.noCond = true
}

func (srv *Server) condMonitorsDisabled() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.noCond
}

// OpenOrCreate serves the database file, making it with the schema file's schema if it does not exist.
func (srv *Server) OpenOrCreate(file, schemaFile string) error {
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		schema, err := ovsdb.ReadSchemaFile(schemaFile)
		if err != nil {
			return err
		}
		if err := CreateFile(file, schema, &srv.files); err != nil {
			return err
		}
	}
	return srv.AddDB(file)
}
