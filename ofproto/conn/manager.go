package conn

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"govs/internal/clock"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/openflow"
)

// DefaultVersions are the protocols of a bridge that does not say.
var DefaultVersions = openflow.SetOf(openflow.OF10, openflow.OF11, openflow.OF12, openflow.OF13, openflow.OF14, openflow.OF15)

// Options are what a Manager is made with.
type Options struct {
	Bridge string // the bridge's name
	Switch Switch
	// RunDir is where BRIDGE.mgmt and BRIDGE.snoop are made; empty for neither.
	RunDir string
	Clock  clock.Clock
	Stream *stream.Options // nil: no SSL
	// Logf, if not nil, writes to the log of a module at a level ("err", "warn", "info", "dbg").
	Logf func(module, level, format string, args ...any)
	// Changed, if not nil, is called when a primary controller has connected or gone. It must not call the Manager.
	Changed func()
}

// Controller is one configured controller.
type Controller struct {
	Target     string        // a connection name; passive ones are listened on
	MaxBackoff time.Duration // 0: 8 s
	Probe      time.Duration // 0: 5 s; negative: never
	RateLimit  int           // packet_ins per second, 0: no limit
	BurstLimit int           // 0: a quarter of RateLimit
	Async      bool          // false: no asynchronous messages unless asked for
	Service    bool          // a management connection, which does not count for the fail mode
}

// Config is what Configure applies.
type Config struct {
	Versions    openflow.Versions // 0: DefaultVersions
	Controllers []Controller
}

// Status is the state of a configured controller, for the Controller table.
type Status struct {
	Target      string
	IsConnected bool
	Role        string // "primary", "secondary", "other"; empty when not connected
	Status      map[string]string
}

// Manager holds the connections of one bridge. Its methods may be called from any goroutine.
type Manager struct {
	opts Options
	xid  atomic.Uint32
	vers atomic.Uint32 // openflow.Versions

	nconns   atomic.Int32 // connections, so that broadcasts to nobody are cheap
	monitors atomic.Int32 // flow monitors of all connections
	nsnoop   atomic.Int32
	nservice atomic.Int64 // number in the names of accepted connections

	mu       sync.Mutex // guards the fields below; taken before a Conn's mu
	conns    map[*Conn]*controller
	snoopers map[*Conn]bool
	targets  map[string]*controller
	fixed    []*controller // mgmt and snoop
	hasGen   bool
	gen      uint64 // generation_id of roles
	closed   bool
	wg       sync.WaitGroup
}

// controller is a configured target: a goroutine that connects or listens.
type controller struct {
	cfg    Controller
	snoop  bool
	cancel context.CancelFunc
	limit  *bucket

	mu      sync.Mutex // guards the fields below
	conn    *Conn      // active targets
	state   string     // BACKOFF, CONNECTING, ACTIVE, IDLE, VOID
	lastErr error
	since   time.Time // of the last change of being connected
	ever    bool
}

// New returns a Manager that listens on the management sockets.
func New(o Options) *Manager {
	if o.Logf == nil {
		o.Logf = func(string, string, string, ...any) {}
	}
	if o.Stream == nil {
		o.Stream = &stream.Options{DefaultPort: stream.OpenFlowPort}
	}
	m := &Manager{opts: o, conns: make(map[*Conn]*controller), snoopers: make(map[*Conn]bool), targets: make(map[string]*controller)}
	m.vers.Store(uint32(DefaultVersions))
	if o.RunDir != "" {
		mgmt := Controller{Target: "punix:" + filepath.Join(o.RunDir, o.Bridge+".mgmt"), Service: true, Async: true, Probe: -1}
		m.fixed = append(m.fixed, m.start(mgmt, false))
		snoop := Controller{Target: "punix:" + filepath.Join(o.RunDir, o.Bridge+".snoop"), Service: true, Probe: -1}
		m.fixed = append(m.fixed, m.start(snoop, true))
		o.Logf("connmgr", "info", "%s: added service controller \"%s\"", o.Bridge, mgmt.Target)
	}
	return m
}

func (m *Manager) versions() openflow.Versions { return openflow.Versions(m.vers.Load()) }

func (m *Manager) nextXID() uint32 { return m.xid.Add(1) }

func (m *Manager) logf(level, format string, args ...any) {
	m.opts.Logf("rconn", level, format, args...)
}

// Configure brings the controllers and versions to c. Connections of controllers that stay are kept, unless their version is
// no longer allowed.
func (m *Manager) Configure(c Config) {
	v := c.Versions
	if v == 0 {
		v = DefaultVersions
	}
	m.vers.Store(uint32(v))
	want := make(map[string]Controller)
	for _, ct := range c.Controllers {
		want[ct.Target] = ct
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	var gone []*controller
	for t, ct := range m.targets {
		if w, ok := want[t]; !ok || w != ct.cfg {
			gone = append(gone, ct)
			delete(m.targets, t)
			if !ok {
				m.opts.Logf("connmgr", "info", "%s: removed %s controller \"%s\"", m.opts.Bridge, kind(ct.cfg), t)
			}
		}
	}
	for conn := range m.conns {
		if conn.version != 0 && !v.Has(conn.version) {
			conn.shut(errVersion)
		}
	}
	m.mu.Unlock()
	for _, ct := range gone {
		m.end(ct)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for t, w := range want {
		if m.targets[t] != nil {
			continue
		}
		if !stream.IsActive(t) && !stream.IsPassive(t) {
			m.opts.Logf("connmgr", "warn", "%s: connection method is not supported: \"%s\"", m.opts.Bridge, t)
			continue
		}
		m.targets[t] = m.start(w, false)
		m.opts.Logf("connmgr", "info", "%s: added %s controller \"%s\"", m.opts.Bridge, kind(w), t)
	}
}

// kind is what the log calls a controller.
func kind(c Controller) string {
	if c.Service || stream.IsPassive(c.Target) {
		return "service"
	}
	return "primary"
}

// start begins to serve a target.
func (m *Manager) start(c Controller, snoop bool) *controller {
	ctx, cancel := context.WithCancel(context.Background())
	ct := &controller{cfg: c, snoop: snoop, cancel: cancel, state: "VOID", since: m.opts.Clock.Now()}
	if c.RateLimit > 0 {
		ct.limit = newBucket(c.RateLimit, c.BurstLimit, m.opts.Clock)
	}
	if stream.IsPassive(c.Target) {
		l, err := stream.Listen(c.Target, m.opts.Stream)
		if err != nil {
			m.opts.Logf("connmgr", "err", "failed to listen on %s: %s", c.Target, strerror.Text(err))
			ct.lastErr = err
			return ct
		}
		m.wg.Add(2)
		go func() { defer m.wg.Done(); <-ctx.Done(); _ = l.Close() }()
		go func() { defer m.wg.Done(); m.accept(ct, l) }()
		return ct
	}
	m.wg.Add(1)
	go func() { defer m.wg.Done(); m.connect(ctx, ct) }()
	return ct
}

// end stops serving a target and drops its connections.
func (m *Manager) end(ct *controller) {
	ct.cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	for c, owner := range m.conns {
		if owner == ct {
			c.shut(nil)
			_ = c.net.SetReadDeadline(time.Now())
		}
	}
	for c := range m.snoopers {
		if ct.snoop {
			c.shut(nil)
			_ = c.net.SetReadDeadline(time.Now())
		}
	}
}

// Close drops all connections and returns when their goroutines have ended.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	all := append([]*controller{}, m.fixed...)
	for _, ct := range m.targets {
		all = append(all, ct)
	}
	m.mu.Unlock()
	for _, ct := range all {
		m.end(ct)
	}
	m.wg.Wait()
}

// accept serves the clients of a listener until it is closed.
func (m *Manager) accept(ct *controller, l *stream.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		name := nc.Name
		if strings.HasPrefix(ct.cfg.Target, "punix:") {
			name = fmt.Sprintf("unix#%d", m.nservice.Add(1)-1)
		}
		c := newConn(m, m.opts.Bridge+"<->"+name, nc, true)
		if ct.snoop {
			c.version = openflow.OF10 // nothing is negotiated: it only listens
		}
		if !m.add(c, ct) {
			_ = nc.Close()
			return
		}
		m.wg.Add(1)
		go func() {
			defer m.wg.Done()
			err := m.run(c, ct)
			m.remove(c)
			if !errors.Is(err, errProbe) {
				m.logf("dbg", "%s: %s", c.name, closeReason(err))
			}
		}()
	}
}

// run serves a connection, with probes if they are configured.
func (m *Manager) run(c *Conn, ct *controller) error {
	if ct.snoop {
		return c.idle()
	}
	stop := m.probe(c, ct.cfg.Probe)
	defer stop()
	return c.serve()
}

// idle is serve for a snooper, which is only written to.
func (c *Conn) idle() error {
	done := make(chan struct{})
	go func() { defer close(done); c.write() }()
	var b [512]byte
	var err error
	for err == nil {
		_, err = c.net.Read(b[:])
	}
	c.shut(err)
	<-done
	return err
}

func (m *Manager) add(c *Conn, ct *controller) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	if ct.snoop {
		m.snoopers[c] = true
		m.nsnoop.Add(1)
		return true
	}
	m.conns[c] = ct
	m.nconns.Add(1)
	return true
}

func (m *Manager) remove(c *Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.snoopers[c] {
		delete(m.snoopers, c)
		m.nsnoop.Add(-1)
		return
	}
	if _, ok := m.conns[c]; ok {
		delete(m.conns, c)
		m.nconns.Add(-1)
		c.mu.Lock()
		m.monitors.Add(int32(-len(c.monitors)))
		clear(c.monitors)
		c.mu.Unlock()
	}
}

// snoop copies a message to whoever listens on the snoop socket, if it belongs to a controller connection.
func (m *Manager) snoop(c *Conn, b []byte) {
	if m.nsnoop.Load() == 0 || c.service {
		return
	}
	go func(b []byte) {
		m.mu.Lock()
		defer m.mu.Unlock()
		for s := range m.snoopers {
			s.mu.Lock()
			if len(s.out) < maxAsync && !s.closed {
				s.out = append(s.out, b...)
				s.wake.Broadcast()
			}
			s.mu.Unlock()
		}
	}(append([]byte(nil), b...))
}

// setRole changes c's role, and other connections' when c becomes the master.
func (m *Manager) setRole(c *Conn, b *openflow.RoleRequest) (gen uint64, has bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.Role != openflow.RoleNoChange {
		if b.HasGeneration && b.Role != openflow.RoleEqual {
			if m.hasGen && int64(b.Generation-m.gen) < 0 {
				return 0, false, openflow.OFPRRFC_STALE
			}
			m.hasGen, m.gen = true, b.Generation
		}
		if b.Role == openflow.RoleMaster {
			for o := range m.conns {
				if o != c {
					m.demote(o)
				}
			}
		}
		c.mu.Lock()
		c.role = b.Role
		c.mu.Unlock()
	}
	return m.gen, m.hasGen, nil
}

// demote makes a master a slave and tells it.
func (m *Manager) demote(o *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.role != openflow.RoleMaster {
		return
	}
	o.role = openflow.RoleSlave
	if o.version >= openflow.OF14 {
		o.notifyLocked(&openflow.Msg{Version: o.version, Body: &openflow.RoleStatus{Role: o.role, Generation: m.gen}})
	}
}

// Status returns the state of the configured controllers.
func (m *Manager) Status() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Status
	for t, ct := range m.targets {
		s := Status{Target: t, Status: make(map[string]string)}
		now := m.opts.Clock.Now()
		for c, owner := range m.conns {
			if owner == ct && c.Version() != 0 {
				s.IsConnected = true
				s.Role = c.roleName()
			}
		}
		ct.mu.Lock()
		if !stream.IsPassive(t) {
			if ct.lastErr != nil && !s.IsConnected {
				s.Status["last_error"] = strerror.Text(ct.lastErr)
			}
			s.Status["state"] = ct.state
			if ct.ever {
				key := "sec_since_disconnect"
				if s.IsConnected {
					key = "sec_since_connect"
				}
				s.Status[key] = fmt.Sprint(int(now.Sub(ct.since).Seconds()))
			}
		}
		ct.mu.Unlock()
		out = append(out, s)
	}
	return out
}

// roleName is the role column's word.
func (c *Conn) roleName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.role {
	case openflow.RoleMaster:
		return "primary"
	case openflow.RoleSlave:
		return "secondary"
	}
	return "other"
}

// Primaries tells whether primary controllers are configured, whether one is connected, and if not, since when none is.
func (m *Manager) Primaries() (configured, connected bool, since time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for t, ct := range m.targets {
		if stream.IsPassive(t) || ct.cfg.Service {
			continue
		}
		configured = true
		ct.mu.Lock()
		if ct.state == "ACTIVE" {
			connected = true
		} else if since.Before(ct.since) {
			since = ct.since
		}
		ct.mu.Unlock()
	}
	return configured, connected, since
}
