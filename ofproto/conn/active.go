package conn

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"govs/internal/clock"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/openflow"
)

// Defaults of active connections (ovs-vswitchd.conf.db(5), Controller table).
const (
	minBackoff   = time.Second
	maxBackoff   = 8 * time.Second
	defaultProbe = 5 * time.Second
)

// connect keeps a target connected until ctx ends.
func (m *Manager) connect(ctx context.Context, ct *controller) {
	limit := ct.cfg.MaxBackoff
	if limit == 0 {
		limit = maxBackoff
	}
	limit = max(limit, minBackoff)
	name := m.opts.Bridge + "<->" + ct.cfg.Target
	backoff := time.Duration(0)
	quiet := false // the longest pause has been reached: no more is logged until a connection comes about
	for ctx.Err() == nil {
		ct.set("CONNECTING", nil)
		if !quiet {
			m.logf("info", "%s: connecting...", name)
		}
		dctx, cancel := context.WithTimeout(ctx, limit)
		nc, err := stream.Dial(dctx, ct.cfg.Target, m.opts.Stream)
		cancel()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if !quiet {
				m.logf("warn", "%s: connection failed (%s)", name, strerror.Text(err))
			}
		} else {
			backoff, quiet = 0, false
			err = m.serveActive(ctx, ct, name, nc)
			if ctx.Err() != nil {
				return
			}
			if !errors.Is(err, errProbe) {
				m.logf("info", "%s: %s", name, closeReason(err))
			}
		}
		if backoff == 0 {
			backoff = minBackoff
		} else {
			backoff = min(2*backoff, limit)
		}
		ct.set("BACKOFF", err)
		switch {
		case quiet, backoff < 2*minBackoff:
		case backoff >= limit:
			quiet = true
			m.logf("info", "%s: continuing to retry connections in the background but suppressing further logging", name)
		default:
			m.logf("info", "%s: waiting %d seconds before reconnect", name, int(backoff.Seconds()))
		}
		t := m.opts.Clock.NewTimer(backoff)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C():
		}
	}
}

// serveActive serves one connection to a controller.
func (m *Manager) serveActive(ctx context.Context, ct *controller, name string, nc *stream.Conn) error {
	c := newConn(m, name, nc, ct.cfg.Service)
	if !ct.cfg.Async {
		c.async_ = openflow.AsyncConfig{}
	}
	if !m.add(c, ct) {
		_ = nc.Close()
		return context.Canceled
	}
	stop := context.AfterFunc(ctx, func() {
		c.shut(nil)
		_ = nc.SetReadDeadline(time.Now())
	})
	defer stop()
	err := m.run(c, ct)
	m.remove(c)
	ct.mu.Lock()
	was := ct.state == "ACTIVE"
	ct.conn = nil
	if was {
		ct.state, ct.since = "BACKOFF", m.opts.Clock.Now()
	}
	ct.mu.Unlock()
	if was && m.opts.Changed != nil {
		m.opts.Changed()
	}
	return err
}

// negotiated notes that a connection is up.
func (m *Manager) negotiated(c *Conn) {
	m.mu.Lock()
	ct := m.conns[c]
	m.mu.Unlock()
	if ct == nil || stream.IsPassive(ct.cfg.Target) {
		return
	}
	m.logf("info", "%s: connected", c.name)
	ct.mu.Lock()
	ct.conn, ct.state, ct.since, ct.ever, ct.lastErr = c, "ACTIVE", m.opts.Clock.Now(), true, nil
	ct.mu.Unlock()
	if m.opts.Changed != nil {
		m.opts.Changed()
	}
}

func (ct *controller) set(state string, err error) {
	ct.mu.Lock()
	defer ct.mu.Unlock()
	ct.state = state
	if err != nil {
		ct.lastErr = err
	}
}

// netConn lets watched embed the interface without exporting it.
type netConn = net.Conn

var errProbe = errors.New("no response to inactivity probe")

// probe sends an echo request when the peer has been silent for d, and drops the connection when it stays so for as long again.
func (m *Manager) probe(c *Conn, d time.Duration) (stop func()) {
	if d < 0 {
		return func() {}
	}
	if d == 0 {
		d = defaultProbe
	}
	w := &watched{netConn: c.net}
	c.net = w
	done := make(chan struct{})
	go func() {
		tick := m.opts.Clock.NewTicker(d)
		defer tick.Stop()
		probing := false
		for {
			select {
			case <-done:
				return
			case <-tick.C():
			}
			switch {
			case w.heard.Swap(false):
				probing = false
			case probing:
				m.logf("err", "%s: no response to inactivity probe after %v seconds, disconnecting", c.name, d.Seconds())
				c.shut(errProbe)
				_ = c.net.SetReadDeadline(time.Now())
				return
			default:
				probing = true
				c.mu.Lock()
				if c.version != 0 {
					c.notifyLocked(&openflow.Msg{Version: c.version, XID: m.nextXID(), Body: &openflow.EchoRequest{}})
				}
				c.mu.Unlock()
			}
		}
	}()
	var once sync.Once
	return func() { once.Do(func() { close(done) }) }
}

// watched notes that something was read.
type watched struct {
	netConn
	heard atomic.Bool
}

// Read implements net.Conn.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.netConn.Read(b)
	if n > 0 {
		w.heard.Store(true)
	}
	return n, err
}

// bucket is a token bucket: rate tokens a second, at most burst of them.
type bucket struct {
	clk clock.Clock

	mu     sync.Mutex // guards the fields below
	rate   float64
	burst  float64
	tokens float64
	last   time.Time
}

func newBucket(rate, burst int, clk clock.Clock) *bucket {
	if burst <= 0 {
		burst = rate / 4
	}
	burst = max(burst, 1)
	return &bucket{clk: clk, rate: float64(rate), burst: float64(burst), tokens: float64(burst), last: clk.Now()}
}

// take takes a token if there is one.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clk.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
