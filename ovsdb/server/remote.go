package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"govs/internal/replay"
	"govs/internal/stream"
	"govs/internal/strerror"
)

// remote is one way of connecting: a listener, or an active connection that is kept up.
type remote struct {
	srv  *Server
	name string // connection name
	ctx  context.Context
	stop context.CancelFunc
	turn *replay.Party // of the goroutine of listenLoop or connectLoop; nil without a journal

	mu       sync.Mutex // guards the fields below; nothing else is locked while it is held
	opts     remoteOptions
	listener *stream.Listener
	stats    remoteStats
}

// remoteOptions are what a row in the database may say about a remote.
type remoteOptions struct {
	maxBackoff time.Duration
	probe      time.Duration // 0 for no probes, negative for the default
	readOnly   bool
	role       string
}

func defaultRemoteOptions() remoteOptions { return remoteOptions{maxBackoff: maxBackoff, probe: -1} }

// remoteStats is what the status column of a remote's row shows.
type remoteStats struct {
	state                   string // of an active remote
	connected, disconnected time.Time
	lastErr                 error
}

const (
	defaultProbe = 5 * time.Second
	minBackoff   = time.Second
	maxBackoff   = 8 * time.Second

	handshakeTimeout = 10 * time.Second // of TLS, by the machine's clock
)

// AddRemote adds a remote: an active or passive connection name, or db:DB,TABLE,COLUMN. Adding one that is there
// already does nothing. It fails only for a db: name that is not usable; a connection or a listener that cannot be
// made is logged and tried again. When it returns, a listener that can be made is listening.
func (srv *Server) AddRemote(name string) error {
	if spec, ok := parseDBSpec(name); ok {
		if err := srv.checkDBSpec(name, spec); err != nil {
			return err
		}
	}
	srv.mu.Lock()
	if srv.closed {
		srv.mu.Unlock()
		return errors.New("server is closed")
	}
	srv.remotes[name] = true
	srv.mu.Unlock()
	srv.reconfigure()
	return nil
}

// RemoveRemote removes a remote that AddRemote added and ends its sessions.
func (srv *Server) RemoveRemote(name string) error {
	srv.mu.Lock()
	ok := srv.remotes[name]
	delete(srv.remotes, name)
	srv.mu.Unlock()
	if !ok {
		return errors.New("no such remote")
	}
	srv.reconfigure()
	return nil
}

// Remotes returns the names of the remotes that AddRemote added, sorted.
func (srv *Server) Remotes() []string {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return sortedKeys(srv.remotes)
}

func (srv *Server) streamOptions() *stream.Options {
	return &stream.Options{RunDir: srv.opts.RunDir, DefaultPort: stream.OVSDBPort, TLS: srv.opts.TLS, Log: srv.opts.Log}
}

// streamOptions are the server's, with the remote's part of the journal.
func (r *remote) streamOptions() *stream.Options {
	o := r.srv.streamOptions()
	o.Journal, o.Party = r.srv.opts.Journal, r.turn
	return o
}

// setActive makes the running remotes the given ones. srv.remoteMu is held.
func (srv *Server) setActive(want map[string]remoteOptions) {
	for name, r := range srv.active {
		if _, ok := want[name]; !ok {
			delete(srv.active, name)
			r.shutdown("")
		}
	}
	for name, opts := range want {
		r := srv.active[name]
		if r == nil {
			if !stream.IsPassive(name) && !stream.IsActive(name) {
				srv.log("ovsdb_jsonrpc_server").Errf("%s: unsupported remote", name)
				continue
			}
			r = &remote{srv: srv, name: name, opts: opts}
			r.ctx, r.stop = context.WithCancel(context.Background())
			r.turn = srv.opts.Journal.Party(srv.opts.Journal.Unique("remote"))
			srv.active[name] = r
			r.start()
			continue
		}
		r.mu.Lock()
		old := r.opts
		r.opts = opts
		r.mu.Unlock()
		if old.readOnly != opts.readOnly || old.role != opts.role {
			r.endSessions("configuration of " + name + " changed")
		}
	}
}

// start begins to listen or to connect, and goes on in the background.
func (r *remote) start() {
	if !stream.IsPassive(r.name) {
		r.srv.wg.Add(1)
		go r.connectLoop()
		return
	}
	l, err := stream.Listen(r.name, r.streamOptions())
	if err != nil {
		r.srv.log("ovsdb_jsonrpc_server").Errf("%s: listen failed: %s", r.name, strerror.Text(err))
	}
	r.srv.wg.Add(1)
	go r.listenLoop(l)
}

// listenLoop accepts connections; l is nil when it has to be made first.
func (r *remote) listenLoop(l *stream.Listener) {
	defer r.srv.wg.Done()
	defer r.turn.Leave()
	for {
		for l == nil {
			if !r.sleep(time.Second) {
				return
			}
			l, _ = stream.Listen(r.name, r.streamOptions())
		}
		r.mu.Lock()
		r.listener = l
		r.mu.Unlock()
		if r.ctx.Err() != nil {
			l.Close()
			return
		}
		c, err := l.Accept()
		if err != nil {
			if r.ctx.Err() != nil || errors.Is(err, net.ErrClosed) || errors.Is(err, replay.ErrEnded) {
				l.Close()
				return
			}
			r.srv.log("ovsdb_jsonrpc_server").Warnf("%s: accept failed: %s", r.name, strerror.Text(err))
			if !r.sleep(100 * time.Millisecond) {
				l.Close()
				return
			}
			continue
		}
		go r.serve(c)
	}
}

// sleep waits and reports whether the remote is still wanted.
func (r *remote) sleep(d time.Duration) bool {
	_, err := r.turn.Wait(func() ([]byte, error) {
		select {
		case <-r.srv.clock.After(d):
			return nil, nil
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		}
	})
	return err == nil
}

func (r *remote) options() remoteOptions {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opts
}

// serve runs a session on c.
func (r *remote) serve(c *stream.Conn) error {
	opts := r.options()
	client := Client{ReadOnly: opts.readOnly, Role: opts.role}
	if c.Begin(handshakeTimeout) {
		defer c.End()
		client.ID = c.PeerName()
	} else if c.Syscall() == nil {
		// SSL: the handshake takes place here and must not take for ever.
		c.SetDeadline(time.Now().Add(handshakeTimeout))
		if cert := c.PeerCertificate(); cert != nil {
			client.ID = cert.Subject.CommonName
		}
		c.SetDeadline(time.Time{})
	}
	return r.srv.serve(c, c.Name, client, r, r.probeInterval())
}

// connectLoop keeps an active connection up.
func (r *remote) connectLoop() {
	defer r.srv.wg.Done()
	defer r.turn.Leave()
	log := r.srv.log("reconnect")
	backoff := minBackoff
	for r.ctx.Err() == nil {
		r.setState("CONNECTING", nil)
		log.Infof("%s: connecting...", r.name)
		c, err := stream.Dial(r.ctx, r.name, r.streamOptions())
		if err == nil {
			log.Infof("%s: connected", r.name)
			r.mu.Lock()
			r.stats.state, r.stats.connected, r.stats.lastErr = "ACTIVE", r.srv.clock.Now(), nil
			r.mu.Unlock()
			start := r.srv.clock.Now()
			err = r.serve(c)
			if r.srv.clock.Since(start) >= backoff {
				backoff = minBackoff
			}
			r.mu.Lock()
			r.stats.disconnected = r.srv.clock.Now()
			r.mu.Unlock()
		} else if r.ctx.Err() == nil {
			log.Infof("%s: connection attempt failed (%s)", r.name, strerror.Text(err))
		}
		r.setState("BACKOFF", err)
		if !r.sleep(backoff) {
			return
		}
		limit := r.options().maxBackoff
		backoff = min(backoff*2, max(limit, minBackoff))
	}
}

func (r *remote) setState(state string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.state = state
	if err != nil {
		r.stats.lastErr = err
	}
}

func (r *remote) probeInterval() time.Duration {
	if p := r.options().probe; p >= 0 {
		return p
	}
	if t, err := stream.Parse(r.name, "", stream.OVSDBPort); err == nil && t.Scheme == "unix" {
		return 0
	}
	return defaultProbe
}

// shutdown ends the remote and its sessions.
func (r *remote) shutdown(why string) {
	r.stop()
	r.mu.Lock()
	l := r.listener
	r.mu.Unlock()
	if l != nil {
		l.Close()
	}
	r.endSessions(why)
}

func (r *remote) endSessions(why string) {
	for _, s := range r.sessions() {
		if why != "" {
			r.srv.log("ovsdb_jsonrpc_server").Infof("%s: disconnecting (%s)", s.name, why)
		}
		s.close(errDisconnected)
	}
}

// sessions returns the remote's sessions.
func (r *remote) sessions() []*session {
	r.srv.mu.Lock()
	defer r.srv.mu.Unlock()
	var ss []*session
	for s := range r.srv.sessions {
		if s.remote == r {
			ss = append(ss, s)
		}
	}
	return ss
}

// serve runs a session on conn.
func (srv *Server) serve(conn net.Conn, name string, client Client, r *remote, probe time.Duration) error {
	s := srv.newSession(conn, name, client, r)
	srv.mu.Lock()
	if srv.closed || r != nil && r.ctx.Err() != nil {
		srv.mu.Unlock()
		conn.Close()
		return errors.New("server is closed")
	}
	srv.sessions[s] = struct{}{}
	srv.wg.Add(1)
	srv.mu.Unlock()
	defer func() {
		srv.mu.Lock()
		delete(srv.sessions, s)
		srv.mu.Unlock()
		srv.wg.Done()
	}()
	s.startProbes(probe)
	return s.run()
}
