package server

import (
	"errors"
	"net"
	"sync"
	"time"

	"govs/internal/stream"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// remote is one way of connecting: a listener, or an active connection that is kept up.
type remote struct {
	srv  *Server
	name string // as configured
	opts remoteOptions

	mu       sync.Mutex // guards the fields below
	listener *stream.Listener
	stopped  bool
	cancel   func()
}

// remoteOptions are what a row in the database may say about a remote.
type remoteOptions struct {
	maxBackoff time.Duration
	probe      time.Duration // 0 no probes, negative the default
	readOnly   bool
	role       string
}

const defaultProbe = 5 * time.Second

// AddRemote adds a remote: an active or passive connection name, or db:DB,TABLE,COLUMN. Adding one that is there
// already does nothing.
func (srv *Server) AddRemote(name string) error {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closed {
		return errors.New("server is closed")
	}
	if srv.remotes[name] != nil {
		return nil
	}
	r := &remote{srv: srv, name: name, opts: remoteOptions{probe: -1}}
	if err := r.start(); err != nil {
		return err
	}
	srv.remotes[name] = r
	return nil
}

func (srv *Server) streamOptions() *stream.Options {
	return &stream.Options{RunDir: srv.opts.RunDir, DefaultPort: stream.OVSDBPort, TLS: srv.opts.TLS, Log: srv.opts.Log}
}

// start begins to listen or to connect. srv.mu is held.
func (r *remote) start() error {
	if stream.IsPassive(r.name) {
		l, err := stream.Listen(r.name, r.srv.streamOptions())
		if err != nil {
			return err
		}
		r.listener = l
		r.srv.wg.Add(1)
		go r.accept(l)
		return nil
	}
	return errors.New("unsupported remote " + r.name)
}

func (r *remote) accept(l *stream.Listener) {
	defer r.srv.wg.Done()
	for {
		c, err := l.Accept()
		if err != nil {
			r.mu.Lock()
			stopped := r.stopped
			r.mu.Unlock()
			if stopped || errors.Is(err, net.ErrClosed) {
				return
			}
			r.srv.log("ovsdb_jsonrpc_server").Warnf("%s: accept failed: %s", r.name, err)
			<-r.srv.clock.After(100 * time.Millisecond)
			continue
		}
		client := Client{ReadOnly: r.opts.readOnly, Role: r.opts.role}
		go func() {
			if cert := c.PeerCertificate(); cert != nil {
				client.ID = cert.Subject.CommonName
			}
			r.srv.serve(c, c.Name, client, r, r.probeInterval(r.name))
		}()
	}
}

func (r *remote) probeInterval(name string) time.Duration {
	if r.opts.probe >= 0 {
		return r.opts.probe
	}
	if t, err := stream.Parse(name, "", stream.OVSDBPort); err == nil && t.Scheme == "unix" {
		return 0
	}
	return defaultProbe
}

// stop ends the remote and its sessions.
func (r *remote) stop() {
	r.mu.Lock()
	r.stopped = true
	l := r.listener
	r.mu.Unlock()
	if l != nil {
		l.Close()
	}
}

// serve runs a session on conn.
func (srv *Server) serve(conn net.Conn, name string, client Client, r *remote, probe time.Duration) error {
	s := srv.newSession(conn, name, client, r)
	srv.mu.Lock()
	if srv.closed {
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

// finish ends the session after what is in its outbox has been sent, if that does not take long.
func (s *session) finish() {
	s.conn.SetReadDeadline(time.Unix(1, 0))
	s.close(errors.New("disconnected by server"))
}

// followCommit returns what is to be done after each commit in db.
func (srv *Server) followCommit(db *Database) func([]change) { return nil }

// reconfigure looks at everything that the server takes from databases: remotes and TLS files.
func (srv *Server) reconfigure() {}

func arr(v ojson.Value) ojson.Value { return ojson.Arr(v) }

func (s *session) convert(params, id *ojson.Value) {
	s.replyError(id, ovsdb.Errorf("not supported", "convert"))
}
