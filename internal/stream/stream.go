package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"govs/internal/replay"
	"govs/internal/strerror"
	"govs/internal/vlog"
)

// Options says how to open connections.
type Options struct {
	RunDir      string         // directory of relative socket names
	DefaultPort int            // port of TCP and SSL names that have none; 0 makes it mandatory
	TLS         *TLS           // keys of ssl: and pssl:; nil if not configured
	Log         *vlog.Registry // may be nil
	// SocketMode is the mode of passive unix sockets before the umask, 0770 if 0.
	SocketMode os.FileMode
	// Journal, if not nil, records the streams or plays them back, and Party is the goroutine that dials or accepts.
	Journal *replay.Journal
	Party   *replay.Party
}

func (o *Options) module(name string) *vlog.Module {
	if o == nil || o.Log == nil {
		return nil
	}
	return o.Log.Module(name)
}

// Conn is an open stream with the name that messages about it use.
type Conn struct {
	net.Conn
	// Name is the connection name for an active stream, "unix#N" or
	// "tcp:HOST:PORT" for an accepted one.
	Name string

	party *replay.Party // of a stream with a journal
	inner *Conn         // the stream that is recorded
	peer  string        // see PeerName
}

// Syscall returns the underlying system connection, or nil for SSL.
func (c *Conn) Syscall() syscall.RawConn {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// parse is Parse that also logs what the original logs.
func (o *Options) parse(name string) (Target, error) {
	t, err := Parse(name, o.RunDir, o.DefaultPort)
	var ne *NameError
	if errors.As(err, &ne) && ne.Reason != "" {
		o.module("socket_util").Errf("%s", ne)
	}
	return t, err
}

// Dial opens the active stream with the given name, handshake included. It
// gives up when ctx is done.
func Dial(ctx context.Context, name string, o *Options) (*Conn, error) {
	if o != nil && o.Journal != nil {
		return dialJournal(o, name, func() (*Conn, error) { return dial(ctx, name, o) })
	}
	return dial(ctx, name, o)
}

func dial(ctx context.Context, name string, o *Options) (*Conn, error) {
	t, err := o.parse(name)
	if err != nil {
		return nil, err
	}
	if t.Passive {
		return nil, &NameError{Name: name}
	}
	var d net.Dialer
	switch t.Scheme {
	case "unix":
		c, err := d.DialContext(ctx, "unix", t.Path)
		if err != nil {
			return nil, err
		}
		return &Conn{Conn: c, Name: name}, nil
	case "ssl":
		if err := o.TLS.check(o.module("stream_ssl")); err != nil {
			return nil, err
		}
	}
	c, err := d.DialContext(ctx, "tcp", t.Address())
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return nil, fmt.Errorf("%s: %w", dns.Error(), syscall.ENXIO)
		}
		return nil, err
	}
	if t.Scheme == "tcp" {
		return &Conn{Conn: c, Name: name}, nil
	}
	tc, err := o.TLS.client(ctx, c, o.module("stream_ssl"))
	if err != nil {
		c.Close()
		return nil, err
	}
	return &Conn{Conn: tc, Name: name}, nil
}

// Listener accepts streams.
type Listener struct {
	net.Listener
	// Name is the connection name, with the port that the system chose.
	Name   string
	scheme string
	serial *atomic.Uint64
	tls    *tls.Config

	journal *replay.Journal // nil if there is none
	party   *replay.Party
}

// Port returns the TCP port that the listener is bound to, or 0.
func (l *Listener) Port() int {
	if a, ok := l.Listener.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// Accept waits for the next stream. An SSL stream's handshake takes place at
// its first Read or Write.
func (l *Listener) Accept() (*Conn, error) {
	if l.journal != nil {
		return l.acceptJournal()
	}
	return l.accept()
}

func (l *Listener) accept() (*Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.scheme == "unix" {
		return &Conn{Conn: c, Name: fmt.Sprintf("unix#%d", l.serial.Add(1)-1)}, nil
	}
	name := l.scheme + ":" + c.RemoteAddr().String()
	if l.scheme == "ssl" {
		return &Conn{Conn: tls.Server(c, l.tls), Name: name}, nil
	}
	return &Conn{Conn: c, Name: name}, nil
}

// Listen opens the passive stream with the given name. A socket file that is
// in the way is replaced.
func Listen(name string, o *Options) (*Listener, error) {
	if o != nil && o.Journal != nil {
		return listenJournal(name, o)
	}
	return listen(name, o)
}

func listen(name string, o *Options) (*Listener, error) {
	t, err := o.parse(name)
	if err != nil {
		return nil, err
	}
	if !t.Passive {
		return nil, &NameError{Name: name}
	}
	if t.Scheme == "unix" {
		return listenUnix(name, t.Path, o)
	}
	l := &Listener{Name: name, scheme: t.Scheme}
	if t.Scheme == "ssl" {
		if err := o.TLS.check(o.module("stream_ssl")); err != nil {
			return nil, err
		}
		l.tls = o.TLS.server(o.module("stream_ssl"))
	}
	network := "tcp"
	if t.Host == "" {
		network = "tcp4"
	}
	l.Listener, err = net.Listen(network, t.Address())
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return nil, fmt.Errorf("%s: %w", dns.Error(), syscall.ENXIO)
		}
		o.module("socket_util").Errf("%s: bind: %s", t.Address(), strerror.Text(err))
		return nil, err
	}
	l.Name = fmt.Sprintf("p%s:%d", t.Scheme, l.Port())
	if t.Host != "" {
		host := t.Host
		if net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
			host = "[" + host + "]"
		}
		l.Name += ":" + host
	}
	return l, nil
}

func listenUnix(name, path string, o *Options) (*Listener, error) {
	log := o.module("stream_unix")
	if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSocket != 0 {
		// Left by a process that was killed; bind would fail.
		_ = os.Remove(path)
	} else if err == nil && st.IsDir() {
		log.Errf("%s: binding failed: %s", path, strerror.Text(syscall.EISDIR))
		return nil, fmt.Errorf("%s: %w", path, syscall.EISDIR)
	}
	mode := o.SocketMode
	if mode == 0 {
		mode = 0o770
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		// The file gets the socket's mode less the umask, at bind.
		cerr := raw.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), uint32(mode)) })
		return errors.Join(cerr, err)
	}}
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		log.Errf("%s: binding failed: %s", path, strerror.Text(err))
		return nil, err
	}
	return &Listener{Listener: l, Name: name, scheme: "unix", serial: new(atomic.Uint64)}, nil
}
