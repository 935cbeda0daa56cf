package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"govs/internal/clock"
	"govs/internal/jsonrpc"
	"govs/internal/stream"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// Options says what a Client connects to and monitors.
type Options struct {
	Remotes  []string // active connection names, tried in turn
	Database string
	// Tables are the columns to monitor, by table; a nil list means all columns of the table, a nil map all tables. Tables and
	// columns that the server's schema does not have are left out.
	Tables map[string][]string
	Stream *stream.Options
	Clock  clock.Clock    // nil: the machine's
	Log    *vlog.Registry // may be nil
	// Lock, if not empty, is the lock (RFC 7047 section 4.1.8) that the client asks for after each connection.
	Lock          string
	ProbeInterval time.Duration // as jsonrpc.SessionOptions
	MaxTries      int           // as jsonrpc.SessionOptions
}

// Errors of Transact and WaitFor.
var (
	// ErrDisconnected means that the connection was lost or is not up: the transaction may or may not have happened.
	ErrDisconnected = errors.New("not connected to the database server")
	// ErrNoDatabase means that the server does not serve the database.
	ErrNoDatabase = errors.New("unknown database")
)

// Client is a connection to a database server with a copy of one of its databases.
type Client struct {
	opts    Options
	session *jsonrpc.Session
	log     *vlog.Module

	mu      sync.Mutex // guards the fields below
	snap    *Snapshot
	changed chan struct{} // closed and replaced at every snapshot and lock change
	pending map[string]chan *jsonrpc.Message
	nextID  uint64
	up      bool
	locked  bool
	lockAns bool // the server has answered the lock request
	lastErr error

	// The fields below belong to Run's goroutine.
	schema  *ovsdb.DatabaseSchema
	lastTxn string // last-txn-id of monitor_cond_since
	method  string // the monitor method in use
}

// New returns a client that connects when Run is called.
func New(o Options) *Client {
	c := &Client{opts: o, changed: make(chan struct{}), pending: make(map[string]chan *jsonrpc.Message)}
	if o.Log != nil {
		c.log = o.Log.Module("ovsdb_idl")
	}
	if o.Stream == nil {
		o.Stream = &stream.Options{DefaultPort: stream.OVSDBPort}
	}
	c.session = jsonrpc.NewSession(jsonrpc.SessionOptions{
		Remotes: o.Remotes, Stream: o.Stream, Clock: o.Clock, Log: o.Log, ProbeInterval: o.ProbeInterval, MaxTries: o.MaxTries,
	})
	return c
}

// Run keeps the client connected until ctx is done, or, with MaxTries, until it has failed too often.
func (c *Client) Run(ctx context.Context) error {
	err := c.session.Run(ctx, (*handler)(c))
	c.mu.Lock()
	if c.lastErr == nil || err != nil {
		c.lastErr = err
	}
	c.wake()
	c.mu.Unlock()
	return err
}

// Snapshot returns the newest state, or nil before the first one. A snapshot stays the newest while the client is
// disconnected.
func (c *Client) Snapshot() *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snap
}

// Changed returns a channel that is closed at the next new snapshot, change of the lock, or end of the connection. Take the
// channel before looking at the state.
func (c *Client) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Connected tells whether a connection is up.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// HasLock tells whether the client holds Options.Lock. LockContended tells that another client does.
func (c *Client) HasLock() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.locked
}

// LockContended tells whether the server has said that another client holds the lock.
func (c *Client) LockContended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lockAns && !c.locked
}

// Err returns why the last connection failed, or nil.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}

// ForceReconnect drops the connection and connects again at once.
func (c *Client) ForceReconnect() { c.session.ForceReconnect() }

// WaitFor waits until a snapshot satisfies ok and returns it.
func (c *Client) WaitFor(ctx context.Context, ok func(*Snapshot) bool) (*Snapshot, error) {
	for {
		ch := c.Changed()
		if s := c.Snapshot(); s != nil && ok(s) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ch:
		}
	}
}

// Call sends a request and waits for the reply. A reply with an error becomes an *ovsdb.Error if it is an object, else an error
// with its text.
func (c *Client) Call(ctx context.Context, method string, params ojson.Value) (ojson.Value, error) {
	ch, id, err := c.send(method, params)
	if err != nil {
		return ojson.Value{}, err
	}
	select {
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
		return ojson.Value{}, ctx.Err()
	case m := <-ch:
		return decodeReply(m)
	}
}

func decodeReply(m *jsonrpc.Message) (ojson.Value, error) {
	if m == nil {
		return ojson.Value{}, ErrDisconnected
	}
	if m.Type == jsonrpc.Error {
		v, err := ojson.Parse(string(m.Error))
		if err != nil {
			return ojson.Value{}, err
		}
		return ojson.Value{}, errorOf(&v)
	}
	return ojson.Parse(string(m.Result))
}

func (c *Client) send(method string, params ojson.Value) (chan *jsonrpc.Message, string, error) {
	ch := make(chan *jsonrpc.Message, 1)
	c.mu.Lock()
	if !c.up {
		c.mu.Unlock()
		return nil, "", ErrDisconnected
	}
	c.nextID++
	id := fmt.Sprint(c.nextID)
	c.pending[id] = ch
	c.mu.Unlock()
	if err := c.session.Send(jsonrpc.NewRequest(json.RawMessage(id), method, params.Append(nil))); err != nil {
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
		return nil, "", fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	return ch, id, nil
}

// wake announces a change. mu is held.
func (c *Client) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// handler is Client as the session sees it; its methods run on Run's goroutine.
type handler Client

func (h *handler) Connected(conn *jsonrpc.Conn) error {
	c := (*Client)(h)
	c.mu.Lock()
	c.up, c.lastErr = true, nil
	c.mu.Unlock()
	return conn.Send(jsonrpc.NewRequest(idSchema, "get_schema", rawArray(ojson.Str(c.opts.Database))))
}

// Ids of the requests that the handler itself makes.
var (
	idSchema  = json.RawMessage(`"schema"`)
	idMonitor = json.RawMessage(`"monitor"`)
	idLock    = json.RawMessage(`"lock"`)
)

func rawArray(vs ...ojson.Value) json.RawMessage {
	v := ojson.Arr(vs...)
	return v.Append(nil)
}

func (h *handler) Disconnected(err error) {
	c := (*Client)(h)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up, c.locked, c.lockAns, c.lastErr = false, false, false, err
	for id, ch := range c.pending {
		ch <- nil
		delete(c.pending, id)
	}
	c.wake()
}

func (h *handler) Received(conn *jsonrpc.Conn, m *jsonrpc.Message) error {
	c := (*Client)(h)
	switch m.Type {
	case jsonrpc.Reply, jsonrpc.Error:
		switch string(m.ID) {
		case string(idSchema):
			return c.gotSchema(conn, m)
		case string(idMonitor):
			return c.gotMonitor(conn, m)
		case string(idLock):
			return c.gotLock(m)
		}
		c.mu.Lock()
		ch := c.pending[string(m.ID)]
		delete(c.pending, string(m.ID))
		c.mu.Unlock()
		if ch != nil {
			ch <- m
		}
		return nil
	case jsonrpc.Notification:
		return c.notified(m)
	}
	return conn.Send(jsonrpc.NewError(m.ID, json.RawMessage(`"unknown method"`)))
}

func (c *Client) gotSchema(conn *jsonrpc.Conn, m *jsonrpc.Message) error {
	v, err := decodeReply(m)
	if err != nil {
		return fmt.Errorf("get_schema %s: %w", c.opts.Database, err)
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		return err
	}
	if c.schema == nil || !c.schema.Equal(schema) {
		c.schema, c.lastTxn = schema, ""
	}
	if c.opts.Lock != "" {
		if err := conn.Send(jsonrpc.NewRequest(idLock, "lock", rawArray(ojson.Str(c.opts.Lock)))); err != nil {
			return err
		}
	}
	return c.monitor(conn, "monitor_cond_since")
}

// monitor asks for the tables. gotMonitor falls back to an older method when the server does not know this one.
func (c *Client) monitor(conn *jsonrpc.Conn, method string) error {
	c.method = method
	var reqs []any
	for _, t := range c.schema.TableList {
		cols, ok := c.opts.Tables[t.Name]
		if c.opts.Tables != nil && !ok {
			continue
		}
		var names []ojson.Value
		for _, col := range t.UserColumns() {
			if cols == nil || contains(cols, col.Name) {
				names = append(names, ojson.Str(col.Name))
			}
		}
		reqs = append(reqs, t.Name, ojson.Arr(ojson.Obj("columns", ojson.Arr(names...))))
	}
	params := []ojson.Value{ojson.Str(c.opts.Database), ojson.Arr(ojson.Str("monid"), ojson.Str(c.opts.Database)), ojson.Obj(reqs...)}
	if method == "monitor_cond_since" {
		last := c.lastTxn
		if last == "" {
			last = ovsdb.UUID{}.String()
		}
		params = append(params, ojson.Str(last))
	}
	return conn.Send(jsonrpc.NewRequest(idMonitor, method, rawArray(params...)))
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (c *Client) gotMonitor(conn *jsonrpc.Conn, m *jsonrpc.Message) error {
	if m.Type == jsonrpc.Error {
		switch c.method {
		case "monitor_cond_since":
			return c.monitor(conn, "monitor_cond")
		case "monitor_cond":
			return c.monitor(conn, "monitor")
		}
	}
	v, err := decodeReply(m)
	if err != nil {
		return fmt.Errorf("%s: %w", c.method, err)
	}
	switch c.method {
	case "monitor":
		return c.update(&v, 1, false)
	case "monitor_cond":
		return c.update(&v, 2, false)
	}
	e := v.Elems()
	if len(e) != 3 {
		return fmt.Errorf("monitor_cond_since: reply has %d elements, not 3", len(e))
	}
	found, _ := e[0].Bool()
	if err := c.update(&e[2], 2, found); err != nil {
		return err
	}
	c.lastTxn = e[1].Str()
	return nil
}

func (c *Client) gotLock(m *jsonrpc.Message) error {
	v, err := decodeReply(m)
	if err != nil {
		return fmt.Errorf("lock %s: %w", c.opts.Lock, err)
	}
	locked := false
	if l := v.Get("locked"); l != nil {
		locked, _ = l.Bool()
	}
	c.setLock(locked)
	return nil
}

func (c *Client) setLock(locked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locked, c.lockAns = locked, true
	c.wake()
}

func (c *Client) notified(m *jsonrpc.Message) error {
	v, err := ojson.Parse(string(m.Params))
	if err != nil {
		return err
	}
	p := v.Elems()
	switch m.Method {
	case "locked", "stolen":
		if len(p) == 1 && p[0].Str() == c.opts.Lock {
			c.setLock(m.Method == "locked")
		}
		return nil
	case "update":
		if len(p) == 2 {
			return c.update(&p[1], 1, true)
		}
	case "update2":
		if len(p) == 2 {
			return c.update(&p[1], 2, true)
		}
	case "update3":
		if len(p) == 3 {
			if err := c.update(&p[2], 2, true); err != nil {
				return err
			}
			c.lastTxn = p[1].Str()
			return nil
		}
	case "monitor_canceled":
		c.lastTxn = ""
		return errors.New("the server canceled the monitor")
	default:
		return nil
	}
	return fmt.Errorf("%s notification has %d parameters", m.Method, len(p))
}

// update applies <table-updates> (version 1) or <table-updates2> to the last snapshot, or to an empty one if !incremental, and
// publishes the result.
func (c *Client) update(v *ojson.Value, version int, incremental bool) error {
	c.mu.Lock()
	base := c.snap
	c.mu.Unlock()
	seq := uint64(1)
	if base != nil {
		seq = base.Seq + 1
	}
	if !incremental {
		base = nil
	}
	b := newBuilder(base, c.schema)
	if err := applyUpdates(b, v, version); err != nil {
		// What the server said does not fit what we have: start afresh.
		c.lastTxn = ""
		return err
	}
	if !incremental {
		b.ensureTables(c.opts.Tables)
	}
	c.mu.Lock()
	c.snap = b.snapshot(seq)
	c.wake()
	c.mu.Unlock()
	return nil
}
