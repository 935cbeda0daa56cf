package server

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"govs/internal/clock"
	"govs/internal/jsonrpc"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// errDisconnected ends sessions that the server wants to connect anew.
var errDisconnected = errors.New("disconnected by server")

// Bounds on what one session may hold.
const (
	maxMessage     = 256 << 20 // bytes of one request
	bigMessage     = 4 << 20   // bytes from which on requests are handled one at a time
	maxMonitors    = 4096      // monitors
	maxTriggers    = 4096      // transactions that wait
	maxLocks       = 4096      // locks held or waited for
	maxQueuedValue = 1 << 10   // bytes of a lock's name
)

// session is one JSON-RPC connection. Its goroutine (run) reads requests and handles them one after another; commits
// of other sessions and expiring waits put messages into its outbox.
type session struct {
	srv    *Server
	conn   net.Conn
	name   string
	remote *remote // nil for connections handed to ServeConn
	client Client
	since  time.Time // when it began

	// Owned by the goroutine of run.
	decoder         *jsonrpc.Decoder
	closeAfterReply bool // the request being handled makes the server drop this session
	changeAware     atomic.Bool
	locks           map[string]*lockWaiter // guarded by Server.lockMu

	// outMu guards the fields below. It may be taken with Database.mu held.
	outMu    sync.Mutex
	outCond  *sync.Cond
	out      []outItem
	spare    []outItem
	writeBuf []byte // belongs to whoever drains
	outBytes int
	open     []*monBatch // batches in out that take further changes
	draining bool
	holdOut  bool
	closed   bool
	closeErr error

	// mu guards the fields below; it may be taken with Database.mu held.
	mu       sync.Mutex
	monitors map[string]*monitor // by the JSON of the ID
	triggers map[string]*trigger // by the JSON of the request ID

	lastRx  atomic.Int64 // UnixNano of the last received byte
	probing atomic.Bool
	probe   clock.Timer // guarded by mu
}

// trigger is a transaction that waits.
type trigger struct {
	session *session
	db      *Database
	id      ojson.Value
	idKey   string
	params  ojson.Value
	since   time.Time
	timer   clock.Timer
	done    bool // guarded by Database.mu
}

func (srv *Server) newSession(conn net.Conn, name string, client Client, r *remote) *session {
	s := &session{srv: srv, conn: conn, name: name, remote: r, client: client, since: srv.clock.Now(),
		monitors: make(map[string]*monitor), triggers: make(map[string]*trigger), locks: make(map[string]*lockWaiter)}
	s.outCond = sync.NewCond(&s.outMu)
	s.client.holdsLock = func(name string) bool { return srv.holdsLock(s, name) }
	s.decoder = jsonrpc.NewDecoder(rxReader{s}, jsonrpc.Limits{MaxBytes: maxMessage, MaxDepth: ojson.MaxDepth})
	s.lastRx.Store(srv.clock.Now().UnixNano())
	return s
}

// rxReader reads from the connection and notes when it received something.
type rxReader struct{ s *session }

func (r rxReader) Read(b []byte) (int, error) {
	n, err := r.s.conn.Read(b)
	if n > 0 {
		r.s.lastRx.Store(r.s.srv.clock.Now().UnixNano())
		r.s.probing.Store(false)
	}
	return n, err
}

// run serves the session until the connection ends. It returns why.
func (s *session) run() error {
	defer s.cleanup()
	for {
		raw, err := s.decoder.Next()
		if err != nil {
			var se *jsonrpc.SyntaxError
			if errors.As(err, &se) {
				s.srv.log("jsonrpc").Warnf("%s: received bad JSON (%s)", s.name, err)
			}
			s.close(err)
			return err
		}
		s.beginRequest()
		err = s.rawMessage(raw)
		s.endRequest(s.decoder.Buffered() && !s.closeAfterReply)
		if s.closeAfterReply {
			s.flush()
			s.close(errDisconnected)
			return errDisconnected
		}
		if err != nil {
			s.srv.log("jsonrpc").Warnf("%s: received bad JSON-RPC message: %s", s.name, err)
			s.close(err)
			return err
		}
	}
}

// rawMessage parses and handles one message. What is parsed takes many times the memory of its text, so big messages
// take turns.
func (s *session) rawMessage(raw []byte) error {
	if len(raw) > bigMessage {
		s.srv.bigMu.Lock()
		defer s.srv.bigMu.Unlock()
	}
	v, err := ojson.ParseDocument(string(raw))
	if err != nil {
		return err
	}
	return s.message(&v)
}

// close ends the connection. Any goroutine.
func (s *session) close(err error) {
	s.outMu.Lock()
	if !s.closed {
		s.closed = true
		s.closeErr = err
		s.out = nil
	}
	s.outCond.Broadcast()
	s.outMu.Unlock()
	s.conn.Close()
}

// cleanup gives up what the session holds: monitors, waiting transactions, locks.
func (s *session) cleanup() {
	s.close(io.EOF)
	s.mu.Lock()
	var dbs []*Database
	seen := make(map[*Database]bool)
	for _, m := range s.monitors {
		if !seen[m.db] {
			seen[m.db] = true
			dbs = append(dbs, m.db)
		}
	}
	for _, t := range s.triggers {
		if !seen[t.db] {
			seen[t.db] = true
			dbs = append(dbs, t.db)
		}
	}
	if s.probe != nil {
		s.probe.Stop()
	}
	s.mu.Unlock()
	for _, db := range dbs {
		db.mu.Lock()
		s.mu.Lock()
		for k, m := range s.monitors {
			if m.db == db {
				delete(s.monitors, k)
				db.removeMonitor(m)
			}
		}
		for k, t := range s.triggers {
			if t.db == db {
				delete(s.triggers, k)
				db.removeTrigger(t)
			}
		}
		s.mu.Unlock()
		db.mu.Unlock()
	}
	s.srv.dropLocks(s)
}

// startProbes makes the session probe its peer when it is silent for interval, and give up when it stays silent.
func (s *session) startProbes(interval time.Duration) {
	if interval <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	check := func() {
		idle := time.Duration(s.srv.clock.Now().UnixNano() - s.lastRx.Load())
		next := interval
		switch {
		case idle < interval:
			next = interval - idle
		case s.probing.Load():
			s.srv.log("reconnect").Errf("%s: no response to inactivity probe after %.3g seconds, disconnecting",
				s.name, interval.Seconds())
			s.close(errors.New("no response to inactivity probe"))
			return
		default:
			s.probing.Store(true)
			s.enqueue(outItem{data: []byte(`{"id":"echo","method":"echo","params":[]}`)})
		}
		s.mu.Lock()
		if s.probe != nil {
			s.probe.Reset(next)
		}
		s.mu.Unlock()
	}
	s.probe = s.srv.clock.AfterFunc(interval, check)
}

// reply queues a successful reply whose result is the given JSON text.
func (s *session) reply(id *ojson.Value, result []byte) {
	s.enqueue(outItem{data: appendReply(nil, id, result)})
}

func appendReply(b []byte, id *ojson.Value, result []byte) []byte {
	if b == nil {
		b = make([]byte, 0, len(result)+64)
	}
	b = append(b, `{"error":null,"id":`...)
	b = id.Append(b)
	b = append(b, `,"result":`...)
	b = append(b, result...)
	return append(b, '}')
}

// replyError queues an error reply. err is an *ovsdb.Error, or anything else for a plain string.
func (s *session) replyError(id *ojson.Value, err error) {
	var v ojson.Value
	if oe, ok := err.(*ovsdb.Error); ok {
		v = oe.JSON()
	} else {
		v = ojson.Str(err.Error())
	}
	b := append(make([]byte, 0, 128), `{"error":`...)
	b = v.Append(b)
	b = append(b, `,"id":`...)
	b = id.Append(b)
	// The original leaves result out of an error reply, although JSON-RPC 1.0 wants it there as null.
	s.enqueue(outItem{data: append(b, '}')})
}

// notify queues a notification.
func (s *session) notify(method string, params ojson.Value) {
	b := append(make([]byte, 0, 128), `{"id":null,"method":`...)
	b = ojson.AppendString(b, method)
	b = append(b, `,"params":`...)
	b = params.Append(b)
	s.enqueue(outItem{data: append(b, '}')})
}

// message handles one message. An error means that it is no JSON-RPC message, which ends the session.
func (s *session) message(v *ojson.Value) error {
	if v.Kind() != ojson.Object {
		return errors.New("message is not a JSON object")
	}
	method, params, id := v.Get("method"), v.Get("params"), v.Get("id")
	if method != nil && !method.IsNull() {
		if method.Kind() != ojson.String {
			return errors.New("method is not JSON string")
		}
		if params == nil || params.Kind() != ojson.Array {
			if params == nil || params.IsNull() {
				return errors.New("request must have \"params\"")
			}
			return errors.New("\"params\" must be JSON array")
		}
		if id == nil || id.IsNull() {
			return s.notification(method.Str(), params)
		}
		s.request(method.Str(), params, id)
		return nil
	}
	result, errv := v.Get("result"), v.Get("error")
	if (result == nil || result.IsNull()) && (errv == nil || errv.IsNull()) {
		return errors.New("message has neither method nor result nor error")
	}
	// A reply: to a probe of ours. That it came is all that matters.
	return nil
}

func (s *session) notification(method string, params *ojson.Value) error {
	if method != "cancel" {
		return errors.New("unexpected notification " + method)
	}
	if params.Len() != 1 {
		return nil
	}
	key := params.Elems()[0].String()
	s.mu.Lock()
	t := s.triggers[key]
	s.mu.Unlock()
	if t == nil {
		return nil
	}
	t.db.mu.Lock()
	defer t.db.mu.Unlock()
	if t.done {
		return nil
	}
	t.db.removeTrigger(t)
	s.forgetTrigger(t)
	s.replyError(&t.id, errors.New("canceled"))
	return nil
}

func (s *session) request(method string, params, id *ojson.Value) {
	switch method {
	case "transact":
		s.transact(params, id)
	case "echo":
		s.reply(id, params.Append(nil))
	case "monitor":
		s.monitor(params, id, monV1)
	case "monitor_cond", "monitor_cond_since":
		if s.srv.condMonitorsDisabled() {
			s.replyError(id, errors.New("unknown method"))
		} else if method == "monitor_cond" {
			s.monitor(params, id, monV2)
		} else {
			s.monitor(params, id, monV3)
		}
	case "monitor_cond_change":
		s.monitorCondChange(params, id)
	case "monitor_cancel":
		s.monitorCancel(params, id)
	case "lock", "steal":
		s.lock(params, id, method == "steal")
	case "unlock":
		s.unlock(params, id)
	case "list_dbs":
		var names []ojson.Value
		for _, n := range s.srv.DBNames() {
			names = append(names, ojson.Str(n))
		}
		v := ojson.Arr(names...)
		s.reply(id, v.Append(nil))
	case "get_schema":
		if db, err := s.database("get_schema", params); err != nil {
			s.replyError(id, err)
		} else {
			v := db.Schema().JSON()
			s.reply(id, v.Append(nil))
		}
	case "get_server_id":
		s.reply(id, ojson.AppendString(nil, s.srv.id.String()))
	case "set_db_change_aware":
		e := params.Elems()
		if len(e) == 1 {
			if b, ok := e[0].Bool(); ok {
				s.changeAware.Store(b)
				s.reply(id, []byte("{}"))
				return
			}
		}
		s.replyError(id, ovsdb.SyntaxErrorf(params, "set_db_change_aware: true or false parameter expected"))
	case "convert":
		s.convert(params, id)
	default:
		s.replyError(id, errors.New("unknown method"))
	}
}

// database finds the database that the first element of params names.
func (s *session) database(method string, params *ojson.Value) (*Database, error) {
	e := params.Elems()
	if len(e) < 1 || e[0].Kind() != ojson.String {
		return nil, ovsdb.SyntaxErrorf(params, "%s request params must begin with <db-name>", method)
	}
	db := s.srv.DB(e[0].Str())
	if db == nil {
		return nil, ovsdb.TaggedSyntaxErrorf("unknown database", params, "%s request specifies unknown database %s",
			method, e[0].Str())
	}
	return db, nil
}

func (s *session) transact(params, id *ojson.Value) {
	db, err := s.database("transact", params)
	if err != nil {
		s.replyError(id, err)
		return
	}
	idKey := id.String()
	s.mu.Lock()
	dup, full := s.triggers[idKey] != nil, len(s.triggers) >= maxTriggers
	s.mu.Unlock()
	if dup {
		s.replyError(id, ovsdb.SyntaxErrorf(params, "transact: duplicate request ID"))
		return
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.removed {
		s.replyError(id, ovsdb.TaggedSyntaxErrorf("unknown database", params, "%s request specifies unknown database %s",
			"transact", db.name))
		return
	}
	if db.relay != nil && db.relay.forward(s, params, id) {
		return
	}
	res := db.execute(params, &s.client, 0)
	if res.reply == nil {
		if full {
			s.replyError(id, ovsdb.Errorf("resources exhausted", "too many transactions are waiting"))
			return
		}
		// What is kept while waiting must not pin the whole request's text... it is the request's text.
		t := &trigger{session: s, db: db, id: *id, idKey: idKey, params: *params, since: s.srv.clock.Now()}
		db.addTrigger(t, res)
		return
	}
	s.finishTransact(db, id, res)
	if len(res.changes) > 0 {
		db.runTriggers()
	}
}

// finishTransact queues the reply of a transaction. db.mu is held.
func (s *session) finishTransact(db *Database, id *ojson.Value, res execResult) {
	it := outItem{data: appendReply(nil, id, res.reply)}
	if res.durable != 0 {
		it.file, it.seq = db.file, res.durable
	}
	s.enqueue(it)
}

func (s *session) forgetTrigger(t *trigger) {
	s.mu.Lock()
	delete(s.triggers, t.idKey)
	s.mu.Unlock()
}

// addTrigger keeps a transaction that waits. db.mu is held.
func (db *Database) addTrigger(t *trigger, res execResult) {
	db.triggers = append(db.triggers, t)
	t.session.mu.Lock()
	t.session.triggers[t.idKey] = t
	t.session.mu.Unlock()
	if !res.forever {
		t.timer = db.clock.AfterFunc(res.wait, func() {
			db.mu.Lock()
			defer db.mu.Unlock()
			if !t.done && db.tryTrigger(t) {
				db.runTriggers()
			}
		})
	}
}

// removeTrigger forgets a waiting transaction. db.mu is held.
func (db *Database) removeTrigger(t *trigger) {
	t.done = true
	if t.timer != nil {
		t.timer.Stop()
	}
	for i, o := range db.triggers {
		if o == t {
			db.triggers = append(db.triggers[:i:i], db.triggers[i+1:]...)
			return
		}
	}
}

// tryTrigger runs a waiting transaction again and reports whether it changed the database. db.mu is held.
func (db *Database) tryTrigger(t *trigger) (changed bool) {
	elapsed := db.clock.Since(t.since)
	res := db.execute(&t.params, &t.session.client, elapsed)
	if res.reply == nil {
		if t.timer != nil && !res.forever {
			t.timer.Reset(max(res.wait, time.Millisecond))
		}
		return false
	}
	db.removeTrigger(t)
	t.session.forgetTrigger(t)
	t.session.finishTransact(db, &t.id, res)
	return len(res.changes) > 0
}

// runTriggers runs the waiting transactions until none of them changes anything more. db.mu is held.
func (db *Database) runTriggers() {
	for again := true; again && len(db.triggers) > 0; {
		again = false
		for _, t := range append([]*trigger(nil), db.triggers...) {
			if !t.done && db.tryTrigger(t) {
				again = true
			}
		}
	}
}

func (s *session) monitor(params, id *ojson.Value, version monVersion) {
	name := map[monVersion]string{monV1: "monitor", monV2: "monitor_cond", monV3: "monitor_cond_since"}[version]
	db, err := s.database(name, params)
	if err != nil {
		s.replyError(id, err)
		return
	}
	e := params.Elems()
	if want := map[monVersion]int{monV1: 3, monV2: 3, monV3: 4}[version]; len(e) != want {
		s.replyError(id, ovsdb.SyntaxErrorf(params, "invalid parameters"))
		return
	}
	if e[2].Kind() != ojson.Object {
		s.replyError(id, ovsdb.SyntaxErrorf(&e[2], "monitor-requests must be object"))
		return
	}
	idKey := e[1].String()
	s.mu.Lock()
	dup, n := s.monitors[idKey] != nil, len(s.monitors)
	s.mu.Unlock()
	if dup {
		s.replyError(id, ovsdb.SyntaxErrorf(&e[1], "duplicate monitor ID"))
		return
	}
	if n >= maxMonitors {
		s.replyError(id, ovsdb.Errorf("resources exhausted", "too many monitors"))
		return
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	specVersion := version
	if version == monV3 {
		specVersion = monV2
	}
	spec, err := db.parseMonitorRequests(&e[2], specVersion)
	if err != nil {
		s.replyError(id, err)
		return
	}
	if version == monV3 {
		if e[3].Kind() != ojson.String {
			s.replyError(id, ovsdb.SyntaxErrorf(&e[3], "last-txn-id must be string"))
			return
		}
		if _, err := ovsdb.ParseUUID(e[3].Str()); err != nil {
			s.replyError(id, ovsdb.SyntaxErrorf(&e[3], "last-txn-id must be UUID format."))
			return
		}
	}
	if db.removed {
		s.replyError(id, ovsdb.TaggedSyntaxErrorf("unknown database", params, "%s request specifies unknown database %s",
			name, db.name))
		return
	}
	// The ID lives as long as the monitor; it must not pin the request's text.
	idv, _ := ojson.Parse(idKey)
	m := &monitor{session: s, db: db, id: idv, idKey: idKey, spec: spec, v3: version == monV3}
	db.addMonitor(m)
	s.mu.Lock()
	s.monitors[idKey] = m
	s.mu.Unlock()
	b := db.initial(m.spec)
	if version == monV3 {
		b = append([]byte(`[false,"00000000-0000-0000-0000-000000000000",`), b...)
		b = append(b, ']')
	}
	s.reply(id, b)
}

func (s *session) monitorCondChange(params, id *ojson.Value) {
	e := params.Elems()
	if len(e) != 3 {
		s.replyError(id, ovsdb.SyntaxErrorf(params, "invalid parameters"))
		return
	}
	idKey := e[0].String()
	s.mu.Lock()
	m := s.monitors[idKey]
	newKey := e[1].String()
	dup := newKey != idKey && s.monitors[newKey] != nil
	s.mu.Unlock()
	if m == nil {
		s.replyError(id, ovsdb.SyntaxErrorf(&e[0], "unknown monitor session"))
		return
	}
	if dup {
		s.replyError(id, ovsdb.SyntaxErrorf(&e[1], "duplicate monitor ID"))
		return
	}
	if e[2].Kind() != ojson.Object {
		s.replyError(id, ovsdb.SyntaxErrorf(&e[2], "monitor-cond-change-requests must be object"))
		return
	}
	db := m.db
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.changeCondition(m, &e[1], &e[2]); err != nil {
		s.replyError(id, err)
		return
	}
	s.mu.Lock()
	delete(s.monitors, idKey)
	s.monitors[newKey] = m
	s.mu.Unlock()
	s.outMu.Lock()
	m.id, _ = ojson.Parse(newKey)
	m.idKey = newKey
	s.outMu.Unlock()
	s.reply(id, []byte("{}"))
}

func (s *session) monitorCancel(params, id *ojson.Value) {
	e := params.Elems()
	if len(e) != 1 {
		s.replyError(id, errors.New("invalid parameters"))
		return
	}
	key := e[0].String()
	s.mu.Lock()
	m := s.monitors[key]
	delete(s.monitors, key)
	s.mu.Unlock()
	if m == nil {
		s.replyError(id, errors.New("unknown monitor"))
		return
	}
	m.db.mu.Lock()
	m.db.removeMonitor(m)
	m.db.mu.Unlock()
	s.reply(id, []byte("{}"))
}
