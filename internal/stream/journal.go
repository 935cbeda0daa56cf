package stream

import (
	"net"
	"strconv"
	"strings"
	"time"

	"govs/internal/replay"
)

// journalWriteTimeout is how long a peer of a recorded stream may take to read what it is sent, by the machine's clock: the server
// waits for it.
const journalWriteTimeout = 10 * time.Second

// listenJournal is Listen for Options with a Journal.
func listenJournal(name string, o *Options) (*Listener, error) {
	var l *Listener
	b, err := o.Journal.Inline("listen "+name, func() ([]byte, error) {
		var err error
		if l, err = listen(name, o); err != nil {
			return nil, err
		}
		return []byte(strconv.Itoa(l.Port()) + " " + l.Name), nil
	})
	if err != nil {
		return nil, err
	}
	if l == nil {
		port, bound, _ := strings.Cut(string(b), " ")
		n, _ := strconv.Atoi(port)
		l = &Listener{Listener: replayListener{port: n}, Name: bound}
	}
	l.journal, l.party = o.Journal, o.Party
	return l, nil
}

// acceptJournal is Accept for a listener with a journal. The new stream is a party of its own.
func (l *Listener) acceptJournal() (*Conn, error) {
	var c *Conn
	b, err := l.party.Wait(func() ([]byte, error) {
		var err error
		if c, err = l.accept(); err != nil {
			return nil, err
		}
		return []byte(c.Name), nil
	})
	if err != nil {
		return nil, err
	}
	return journaled(c, string(b), l.journal.Party(l.journal.Unique("conn"))), nil
}

// journaled wraps a stream, or makes up one if c is nil.
func journaled(c *Conn, name string, p *replay.Party) *Conn {
	if c == nil {
		return &Conn{Conn: &replayConn{party: p}, Name: name, party: p}
	}
	return &Conn{Conn: &recordConn{Conn: c.Conn, party: p}, Name: name, party: p, inner: c}
}

// Begin waits for the stream's turn, if it has a journal, and reports whether it has. An SSL handshake takes place here. End must follow.
func (c *Conn) Begin(handshake time.Duration) bool {
	if c.party == nil {
		return false
	}
	b, _ := c.party.Wait(func() ([]byte, error) {
		_ = c.inner.SetDeadline(time.Now().Add(handshake))
		defer c.inner.SetDeadline(time.Time{})
		if cert := c.inner.PeerCertificate(); cert != nil {
			return []byte(cert.Subject.CommonName), nil
		}
		return nil, nil
	})
	c.peer = string(b)
	return true
}

// End gives the turn back that Begin or a Read took.
func (c *Conn) End() { c.party.Leave() }

// PeerName is the common name that the peer of a stream with a journal presented in its certificate, or "".
func (c *Conn) PeerName() string { return c.peer }

// recordConn is a stream that is recorded.
type recordConn struct {
	net.Conn
	party *replay.Party
}

func (c *recordConn) Read(b []byte) (n int, err error) {
	_, err = c.party.Wait(func() ([]byte, error) {
		var err error
		n, err = c.Conn.Read(b)
		return b[:n], err
	})
	return n, err
}

func (c *recordConn) Write(b []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(journalWriteTimeout))
	return c.Conn.Write(b)
}

// replayConn is a stream that is played back. What is written to it is thrown away.
type replayConn struct {
	party *replay.Party
	rest  []byte
	err   error
}

func (c *replayConn) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.rest, c.err = c.party.Wait(nil)
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *replayConn) Write(b []byte) (int, error)      { return len(b), nil }
func (c *replayConn) Close() error                     { return nil }
func (c *replayConn) LocalAddr() net.Addr              { return &net.UnixAddr{Net: "unix"} }
func (c *replayConn) RemoteAddr() net.Addr             { return &net.UnixAddr{Net: "unix"} }
func (c *replayConn) SetDeadline(time.Time) error      { return nil }
func (c *replayConn) SetReadDeadline(time.Time) error  { return nil }
func (c *replayConn) SetWriteDeadline(time.Time) error { return nil }

// replayListener stands for the socket that a recording was made with.
type replayListener struct{ port int }

func (replayListener) Accept() (net.Conn, error) { return nil, replay.ErrEnded }
func (replayListener) Close() error              { return nil }
func (l replayListener) Addr() net.Addr {
	if l.port != 0 {
		return &net.TCPAddr{Port: l.port}
	}
	return &net.UnixAddr{Net: "unix"}
}

// dialJournal dials on behalf of o.Party, whose stream it is.
func dialJournal(o *Options, name string, dial func() (*Conn, error)) (*Conn, error) {
	var c *Conn
	_, err := o.Party.Wait(func() ([]byte, error) {
		var err error
		c, err = dial()
		return nil, err
	})
	if err != nil {
		if c != nil {
			c.Close()
		}
		return nil, err
	}
	return journaled(c, name, o.Party), nil
}
