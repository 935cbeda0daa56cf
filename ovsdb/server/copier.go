package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"govs/internal/jsonrpc"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// copier keeps local databases the same as another server's: those of a backup server, or that of a relay. Its
// goroutine (run) connects, asks for everything, applies updates, and starts over when the connection is lost.
type copier struct {
	srv     *Server
	remotes []string // tried in turn
	policy  copyPolicy
	cancel  context.CancelFunc
	done    chan struct{}

	mu        sync.Mutex // guards the fields below; it may be taken with Database.mu held
	conn      *stream.Conn
	connected bool // the contents are being kept up to date
	lastErr   error
	nextID    int64
	forwarded map[int64]forwardedTxn
	probe     time.Duration
}

// copierWriteTimeout bounds how long a message to the source may take to send, by the machine's clock.
const copierWriteTimeout = 5 * time.Second

// copyPolicy is what differs between a backup and a relay.
type copyPolicy interface {
	// wanted returns the local databases to copy.
	wanted() []*Database
	// schema is told the remote schema of a database and returns whether to copy it.
	schema(db *Database, remote *ovsdb.DatabaseSchema) bool
	// excluded reports whether a table stays as it is.
	excluded(db, table string) bool
	// state is told when the copy becomes or ceases to be up to date.
	state(connected bool)
	// self is told that the remote is this server, and what to do about it.
	self()
}

// forwardedTxn is a transaction that a relay passed on.
type forwardedTxn struct {
	s  *session
	id ojson.Value
}

func newCopier(srv *Server, remotes []string, p copyPolicy, probe time.Duration) *copier {
	ctx, cancel := context.WithCancel(context.Background())
	c := &copier{srv: srv, remotes: remotes, policy: p, cancel: cancel, done: make(chan struct{}),
		forwarded: make(map[int64]forwardedTxn), probe: probe}
	go c.run(ctx)
	return c
}

// stop ends the copying and waits for that. No lock may be held.
func (c *copier) stop() {
	c.cancel()
	c.mu.Lock()
	if c.conn != nil {
		c.conn.Close()
	}
	c.mu.Unlock()
	<-c.done
}

func (c *copier) run(ctx context.Context) {
	defer close(c.done)
	log := c.srv.log("reconnect")
	backoff := minBackoff
	for i := 0; ctx.Err() == nil; i++ {
		name := c.remotes[i%len(c.remotes)]
		log.Infof("%s: connecting...", name)
		conn, err := stream.Dial(ctx, name, c.srv.streamOptions())
		if err == nil {
			log.Infof("%s: connected", name)
			backoff = minBackoff
			err = c.session(ctx, conn)
			log.Infof("%s: connection closed (%s)", name, strerror.Text(err))
		} else if ctx.Err() == nil {
			log.Infof("%s: connection attempt failed (%s)", name, strerror.Text(err))
		}
		c.mu.Lock()
		was := c.connected
		c.conn, c.connected, c.lastErr = nil, false, err
		lost := c.forwarded
		c.forwarded = make(map[int64]forwardedTxn)
		c.mu.Unlock()
		for _, f := range lost {
			f.s.replyError(&f.id, errors.New("connection to the relay source was lost"))
		}
		if was {
			c.policy.state(false)
		}
		if (i+1)%len(c.remotes) != 0 {
			continue
		}
		select {
		case <-c.srv.clock.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(backoff*2, maxBackoff)
	}
}

// send sends a message. c.mu is held.
func (c *copier) send(msg []byte) error {
	if c.conn == nil {
		return errors.New("not connected")
	}
	// A peer that does not read must not hold up whoever holds the locks.
	c.conn.SetWriteDeadline(time.Now().Add(copierWriteTimeout))
	_, err := c.conn.Write(msg)
	return err
}

// request sends a request with a new ID, which it returns.
func (c *copier) request(method string, params ...ojson.Value) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	v := ojson.Obj("id", ojson.Int(c.nextID), "method", ojson.Str(method), "params", ojson.Arr(params...))
	return c.nextID, c.send(v.Append(nil))
}

// copySession is what one connection is doing.
type copySession struct {
	c       *copier
	dec     *jsonrpc.Decoder
	handle  map[int64]func(result *ojson.Value) error
	copying map[string]*Database // by monitor ID
	waiting int                  // databases whose contents have not come yet
}

func (c *copier) session(ctx context.Context, conn *stream.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c.mu.Lock()
	c.conn = conn
	probe := c.probe
	c.mu.Unlock()
	cs := &copySession{c: c, dec: jsonrpc.NewDecoder(conn, jsonrpc.Limits{MaxBytes: maxMessage, MaxDepth: ojson.MaxDepth}),
		handle: make(map[int64]func(*ojson.Value) error), copying: make(map[string]*Database)}
	if probe > 0 {
		defer c.startProbes(conn, probe)()
	}
	if err := cs.ask("get_server_id", cs.serverID); err != nil {
		return err
	}
	for {
		if probe > 0 {
			conn.SetReadDeadline(time.Now().Add(2*probe + time.Second))
		}
		raw, err := cs.dec.Next()
		if err != nil {
			if err == io.EOF {
				return errors.New("connection closed by peer")
			}
			return err
		}
		v, err := ojson.Parse(string(raw))
		if err != nil {
			return err
		}
		if err := cs.message(&v); err != nil {
			return err
		}
	}
}

// startProbes sends an echo request at every interval; session gives up when no answer comes. It returns what ends
// that.
func (c *copier) startProbes(conn *stream.Conn, interval time.Duration) func() {
	stop := make(chan struct{})
	go func() {
		tick := c.srv.clock.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C():
				c.mu.Lock()
				c.send([]byte(`{"id":"echo","method":"echo","params":[]}`))
				c.mu.Unlock()
			case <-stop:
				return
			}
		}
	}()
	return func() { close(stop) }
}

func (cs *copySession) ask(method string, f func(result *ojson.Value) error, params ...ojson.Value) error {
	id, err := cs.c.request(method, params...)
	cs.handle[id] = f
	return err
}

func (cs *copySession) message(v *ojson.Value) error {
	method, id := v.Get("method"), v.Get("id")
	if method != nil && method.Kind() == ojson.String {
		params := v.Get("params")
		if params == nil {
			return errors.New("message without params")
		}
		switch {
		case method.Str() == "echo" && id != nil && !id.IsNull():
			cs.c.mu.Lock()
			defer cs.c.mu.Unlock()
			return cs.c.send(appendReply(nil, id, params.Append(nil)))
		case method.Str() == "update2" || method.Str() == "update3":
			return cs.update(params)
		case method.Str() == "monitor_canceled":
			return errors.New("monitor canceled")
		}
		return nil
	}
	if id == nil || id.Kind() != ojson.Integer {
		return nil
	}
	result, errv := v.Get("result"), v.Get("error")
	cs.c.mu.Lock()
	f, isForwarded := cs.c.forwarded[id.Int()]
	delete(cs.c.forwarded, id.Int())
	cs.c.mu.Unlock()
	if isForwarded {
		if errv != nil && !errv.IsNull() {
			b := append([]byte(`{"error":`), errv.Append(nil)...)
			b = append(b, `,"id":`...)
			b = f.id.Append(b)
			f.s.enqueue(outItem{data: append(b, '}')})
		} else if result != nil {
			f.s.reply(&f.id, result.Append(nil))
		}
		return nil
	}
	h := cs.handle[id.Int()]
	if h == nil {
		return nil
	}
	delete(cs.handle, id.Int())
	if errv != nil && !errv.IsNull() {
		return fmt.Errorf("received error: %s", errv.String())
	}
	if result == nil {
		return errors.New("reply without result")
	}
	return h(result)
}

func (cs *copySession) serverID(result *ojson.Value) error {
	if result.Str() == cs.c.srv.id.String() {
		cs.c.policy.self()
		return errors.New("remote server is this server")
	}
	for _, db := range cs.c.policy.wanted() {
		cs.waiting++
		err := cs.ask("get_schema", func(r *ojson.Value) error { return cs.gotSchema(db, r) }, ojson.Str(db.name))
		if err != nil {
			return err
		}
	}
	return nil
}

func (cs *copySession) gotSchema(db *Database, result *ojson.Value) error {
	schema, err := ovsdb.ParseSchema(result)
	if err != nil {
		return err
	}
	if !cs.c.policy.schema(db, schema) {
		cs.waiting--
		return nil
	}
	reqs := []any{}
	for _, t := range schema.TableList {
		if cs.c.policy.excluded(db.name, t.Name) {
			continue
		}
		var cols []ojson.Value
		for _, c := range t.UserColumns() {
			cols = append(cols, ojson.Str(c.Name))
		}
		reqs = append(reqs, t.Name, ojson.Arr(ojson.Obj("columns", ojson.Arr(cols...))))
	}
	cs.copying[db.name] = db
	return cs.ask("monitor_cond", func(r *ojson.Value) error { return cs.gotContents(db, r) },
		ojson.Str(db.name), ojson.Str(db.name), ojson.Obj(reqs...))
}

func (cs *copySession) gotContents(db *Database, result *ojson.Value) error {
	cs.c.srv.log("replication").Infof("Monitor request received. Resetting the database")
	if err := db.applyUpdates2(result, func(table string) bool { return !cs.c.policy.excluded(db.name, table) }); err != nil {
		return err
	}
	if cs.waiting--; cs.waiting == 0 {
		cs.c.mu.Lock()
		cs.c.connected = true
		cs.c.mu.Unlock()
		cs.c.policy.state(true)
	}
	return nil
}

func (cs *copySession) update(params *ojson.Value) error {
	e := params.Elems()
	if len(e) < 2 {
		return errors.New("bad update")
	}
	db := cs.copying[e[0].Str()]
	if db == nil {
		return nil
	}
	return db.applyUpdates2(&e[len(e)-1], nil)
}

// applyUpdates2 carries out a <table-updates2> object. If reset is not nil the tables for which it is true first
// lose all rows that the object does not name.
func (db *Database) applyUpdates2(v *ojson.Value, reset func(table string) bool) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.removed {
		return errors.New("database was removed")
	}
	x := newTxn(db)
	for i := 0; i < v.Len(); i++ {
		name, tv := v.Member(i)
		t := db.table(name)
		if t == nil {
			return fmt.Errorf("update of unknown table %s", name)
		}
		for j := 0; j < tv.Len(); j++ {
			us, rv := tv.Member(j)
			u, err := ovsdb.ParseUUID(us)
			if err != nil {
				return err
			}
			if err := x.applyRow2(t, u, rv); err != nil {
				return err
			}
		}
	}
	if reset != nil {
		for _, t := range db.tables {
			if !reset(t.schema.Name) {
				continue
			}
			var named *ojson.Value
			if named = v.Get(t.schema.Name); named == nil {
				named = &ojson.Value{}
			}
			keep := make(map[ovsdb.UUID]bool, named.Len())
			for j := 0; j < named.Len(); j++ {
				us, _ := named.Member(j)
				if u, err := ovsdb.ParseUUID(us); err == nil {
					keep[u] = true
				}
			}
			for u := range t.rows {
				if !keep[u] {
					x.delete(t, u)
				}
			}
		}
	}
	changes, _, err := db.commit(x)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		db.runTriggers()
	}
	return nil
}

// applyRow2 carries out a <row-update2>.
func (x *Txn) applyRow2(t *table, u ovsdb.UUID, v *ojson.Value) error {
	if v.Len() != 1 {
		return errors.New("bad row update " + strconv.Quote(v.String()))
	}
	kind, rv := v.Member(0)
	old := x.get(t, u)
	switch kind {
	case "delete":
		if old != nil {
			x.delete(t, u)
		}
		return nil
	case "initial", "insert":
		row, _, err := ovsdb.ParseRow(rv, t.schema, nil)
		if err != nil {
			return err
		}
		if old == nil {
			x.insert(t, u, row)
			return nil
		}
		dst := x.modify(t, u)
		copy(dst.Cols[ovsdb.FirstCol:], row.Cols[ovsdb.FirstCol:])
		return nil
	case "modify":
		if old == nil {
			return errors.New("update of a row that does not exist")
		}
		dst := x.modify(t, u)
		for i := 0; i < rv.Len(); i++ {
			name, cv := rv.Member(i)
			c := t.schema.Column(name)
			if c == nil {
				return errors.New("update of unknown column " + name)
			}
			d, err := ovsdb.ParseDatumLoose(cv, &c.Type, 0, ovsdb.Unlimited, nil)
			if err != nil {
				return err
			}
			dst.Cols[c.Index] = ovsdb.ApplyDiff(dst.Cols[c.Index], d, &c.Type)
		}
		return nil
	}
	return errors.New("bad row update " + strconv.Quote(v.String()))
}
