package jsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"govs/internal/clock"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/vlog"
)

// Back-off and probe interval of a Session unless told otherwise.
const (
	MinBackoff           = time.Second
	MaxBackoff           = 8 * time.Second
	DefaultProbeInterval = 5 * time.Second
)

// SessionOptions says how a Session connects.
type SessionOptions struct {
	Remotes []string // names of connections, tried in turn; a passive one waits for the server to connect
	Stream  *stream.Options
	Clock   clock.Clock
	Conn    Options
	Log     *vlog.Registry // module "reconnect"; may be nil
	// ProbeInterval is how long the peer may be silent before it is probed,
	// and how long it may then take to answer. 0 means DefaultProbeInterval,
	// a negative value no probes. Unix sockets are probed only if it is set.
	ProbeInterval time.Duration
	// MaxTries ends Run after that many failures; 0 retries for ever.
	MaxTries int
}

// Handler is told what happens to a Session, on the goroutine of Run.
type Handler interface {
	// Connected is called when a connection is up, before any message. An
	// error drops the connection.
	Connected(c *Conn) error
	// Received is called for every message but probes and their answers. An
	// error drops the connection.
	Received(c *Conn, m *Message) error
	// Disconnected is called after a connection ended or an attempt failed.
	Disconnected(err error)
}

// Session keeps a client connected to one of several remotes.
type Session struct {
	opts  SessionOptions
	log   *vlog.Module
	clock clock.Clock

	// mu guards the fields below.
	mu    sync.Mutex
	conn  *Conn
	force chan struct{} // closed to skip the back-off
	probe time.Duration
}

// NewSession returns a session that connects when Run is called.
func NewSession(o SessionOptions) *Session {
	s := &Session{opts: o, clock: o.Clock, force: make(chan struct{}), probe: o.ProbeInterval}
	if s.clock == nil {
		s.clock = clock.Real{}
	}
	if o.Log != nil {
		s.log = o.Log.Module("reconnect")
		if s.opts.Conn.Log == nil {
			s.opts.Conn.Log = o.Log.Module("jsonrpc")
		}
	}
	return s
}

// SetProbeInterval changes the probe interval from the next connection on.
func (s *Session) SetProbeInterval(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probe = d
}

// ForceReconnect drops the connection, or cuts the back-off short.
func (s *Session) ForceReconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.fail(errReconnect)
	}
	close(s.force)
	s.force = make(chan struct{})
}

var errReconnect = errors.New("reconnecting on request")

// Send sends on the current connection; it returns ENOTCONN if there is none.
func (s *Session) Send(m *Message) error {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c == nil {
		return syscall.ENOTCONN
	}
	return c.Send(m)
}

// Run connects, reads and reconnects until ctx is done, whose error it
// returns, or until MaxTries attempts failed, when it returns the last error.
func (s *Session) Run(ctx context.Context, h Handler) error {
	backoff := time.Duration(0)
	failures := 0
	for i := 0; ; i++ {
		remote := s.opts.Remotes[i%len(s.opts.Remotes)]
		quiet := backoff >= MaxBackoff
		started := s.clock.Now()
		up, err := s.once(ctx, remote, h, quiet)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if up && s.clock.Since(started) >= backoff {
			backoff, failures = 0, 0
		}
		h.Disconnected(err)
		failures++
		if s.opts.MaxTries > 0 && failures >= s.opts.MaxTries && !up {
			return err
		}
		if errors.Is(err, errReconnect) {
			backoff = 0
			continue
		}
		if len(s.opts.Remotes) > 1 && i%len(s.opts.Remotes) != len(s.opts.Remotes)-1 {
			continue // try the others before waiting
		}
		switch {
		case backoff == 0:
			backoff = MinBackoff
		default:
			backoff = min(2*backoff, MaxBackoff)
		}
		if !quiet && backoff > MinBackoff {
			s.log.Infof("%s: waiting %d seconds before reconnect", remote, int(backoff.Seconds()))
			if backoff >= MaxBackoff {
				s.log.Infof("%s: continuing to reconnect in the background but suppressing further logging", remote)
			}
		}
		s.mu.Lock()
		force := s.force
		s.mu.Unlock()
		t := s.clock.NewTimer(backoff)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-force:
			t.Stop()
			backoff = 0
		case <-t.C():
		}
	}
}

// once makes one connection and serves it until it ends. It tells whether the
// connection came up.
func (s *Session) once(ctx context.Context, remote string, h Handler, quiet bool) (up bool, err error) {
	doing, attempt, open := "connecting", "connection", stream.Dial
	if stream.IsPassive(remote) {
		doing, attempt, open = "listening", "listen", acceptOne
	}
	if !quiet {
		s.log.Infof("%s: %s...", remote, doing)
	}
	st, err := open(ctx, remote, s.opts.Stream)
	if err != nil {
		if !quiet && ctx.Err() == nil {
			s.log.Infof("%s: %s attempt failed (%s)", remote, attempt, strerror.Text(err))
		}
		return false, err
	}
	s.log.Infof("%s: connected", remote)
	c := NewConn(st, s.opts.Conn)
	s.mu.Lock()
	s.conn = c
	probe := s.probe
	s.mu.Unlock()
	if probe == 0 {
		probe = DefaultProbeInterval
		if t, err := stream.Parse(remote, "", 1); err == nil && t.Scheme == "unix" {
			probe = -1
		}
	}

	done := make(chan struct{})
	in := make(chan arrival)
	go func() {
		for {
			m, err := c.Recv()
			select {
			case in <- arrival{m, err}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	err = s.serve(ctx, remote, c, h, in, probe)
	close(done)
	c.Close()
	s.mu.Lock()
	s.conn = nil
	s.mu.Unlock()
	if ctx.Err() == nil {
		switch {
		case errors.Is(err, errProbe):
		case errors.Is(err, io.EOF):
			s.log.Infof("%s: connection closed by peer", remote)
		default:
			s.log.Infof("%s: connection dropped (%s)", remote, strerror.Text(err))
		}
	}
	return true, err
}

// acceptOne listens until one peer has connected.
func acceptOne(ctx context.Context, name string, o *stream.Options) (*stream.Conn, error) {
	l, err := stream.Listen(name, o)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	return l.Accept()
}

// arrival is what the reading goroutine hands over.
type arrival struct {
	m   *Message
	err error
}

var errProbe = fmt.Errorf("no response to inactivity probe: %w", syscall.ETIMEDOUT)

// probeID is the id of the probes that a Session sends.
var probeID = json.RawMessage(`"echo"`)

func (s *Session) serve(ctx context.Context, remote string, c *Conn, h Handler, in <-chan arrival,
	probe time.Duration) error {
	if err := h.Connected(c); err != nil {
		return err
	}
	var timer clock.Timer
	var silent <-chan time.Time
	if probe > 0 {
		timer = s.clock.NewTimer(probe)
		defer timer.Stop()
		silent = timer.C()
	}
	probing := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-silent:
			if probing {
				s.log.Errf("%s: no response to inactivity probe after %.3g seconds, disconnecting",
					remote, probe.Seconds())
				return errProbe
			}
			s.log.Dbgf("%s: idle %d ms, sending inactivity probe", remote, probe.Milliseconds())
			probing = true
			if err := c.Send(NewRequest(probeID, "echo", json.RawMessage("[]"))); err != nil {
				return err
			}
			timer.Reset(probe)
		case r := <-in:
			if r.err != nil {
				return r.err
			}
			probing = false
			if timer != nil {
				timer.Reset(probe)
			}
			switch {
			case r.m.IsEcho():
				if err := c.Send(NewReply(r.m.ID, r.m.Params)); err != nil {
					return err
				}
			case r.m.Type == Reply && string(r.m.ID) == string(probeID):
			default:
				if err := h.Received(c, r.m); err != nil {
					return err
				}
			}
		}
	}
}
