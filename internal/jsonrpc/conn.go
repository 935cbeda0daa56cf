package jsonrpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/vlog"
)

// Options says how a Conn behaves.
type Options struct {
	Limits     Limits
	MaxBacklog int          // bytes of output that may be queued; 0 for no bound
	Log        *vlog.Module // module "jsonrpc"; may be nil
	// LogLimit bounds messages about what peers send; nil for no bound. A connection logs at most one.
	LogLimit *vlog.RateLimit
	// OnDrain is called, from any goroutine and without locks held, whenever
	// the last queued byte of output has been handed to the system.
	OnDrain func()
}

// ErrBacklog ends a connection whose peer does not read what it is sent.
var ErrBacklog = errors.New("output queue is full")

// errClosed is the error of a connection that this side closed.
var errClosed = net.ErrClosed

// Conn sends and receives messages on one stream.
type Conn struct {
	name string
	rw   net.Conn
	raw  syscall.RawConn // for writes that do not block; nil if there are none
	opts Options
	dec  *Decoder

	// mu guards the fields below. It is held during a write that does not
	// block, never during one that may.
	mu      sync.Mutex
	out     []byte // queued output that no writer has taken
	writing int    // bytes that the writer goroutine has taken but not written
	spare   []byte // buffer to reuse for out
	err     error  // why the connection ended
	idle    *sync.Cond
	running bool // the writer goroutine exists
}

// NewConn returns a Conn on a stream, which it owns from now on.
func NewConn(s *stream.Conn, o Options) *Conn {
	c := &Conn{name: s.Name, rw: s.Conn, raw: s.Syscall(), opts: o}
	c.dec = NewDecoder(s.Conn, o.Limits)
	c.idle = sync.NewCond(&c.mu)
	return c
}

// Name returns the name of the stream.
func (c *Conn) Name() string { return c.name }

// NetConn returns the stream itself, for its addresses and certificates.
func (c *Conn) NetConn() net.Conn { return c.rw }

// Backlog returns the number of bytes that wait to be sent.
func (c *Conn) Backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out) + c.writing
}

// Send queues a message and, if that does not block, sends it at once. It
// returns the error that ended the connection, if something did.
func (c *Conn) Send(m *Message) error {
	if c.opts.Log.Enabled(vlog.Dbg) {
		c.opts.Log.Dbgf("%s: send %s", c.name, m)
	}
	c.mu.Lock()
	if c.err != nil {
		err := c.err
		c.mu.Unlock()
		return err
	}
	c.out = m.Append(c.out)
	return c.flushAndUnlock()
}

// SendRaw queues a message that is encoded already.
func (c *Conn) SendRaw(b []byte) error {
	c.mu.Lock()
	if c.err != nil {
		err := c.err
		c.mu.Unlock()
		return err
	}
	c.out = append(c.out, b...)
	return c.flushAndUnlock()
}

func (c *Conn) flushAndUnlock() error {
	if c.running {
		// Bytes ahead of these have not been written yet.
		over := c.opts.MaxBacklog > 0 && len(c.out)+c.writing > c.opts.MaxBacklog
		c.mu.Unlock()
		if over {
			c.fail(ErrBacklog)
			return ErrBacklog
		}
		return nil
	}
	if c.raw != nil {
		n, err := c.tryWrite(c.out)
		if err != nil {
			c.mu.Unlock()
			c.fail(err)
			return err
		}
		c.out = c.out[:copy(c.out, c.out[n:])]
	}
	drained := len(c.out) == 0
	over := c.opts.MaxBacklog > 0 && len(c.out) > c.opts.MaxBacklog
	if !drained && !over {
		c.running = true
		go c.writer()
	}
	if cap(c.out) > 1<<16 && drained {
		c.out = nil
	}
	c.mu.Unlock()
	if over {
		c.fail(ErrBacklog)
		return ErrBacklog
	}
	if drained && c.opts.OnDrain != nil {
		c.opts.OnDrain()
	}
	return nil
}

// tryWrite writes what the system takes without waiting.
func (c *Conn) tryWrite(b []byte) (n int, err error) {
	rerr := c.raw.Write(func(fd uintptr) bool {
		for {
			n, err = syscall.Write(int(fd), b)
			if err != syscall.EINTR {
				return true
			}
		}
	})
	if n < 0 {
		n = 0
	}
	if err == syscall.EAGAIN {
		err = nil
	}
	if err == nil {
		err = rerr
	}
	return n, err
}

// writer writes queued output, waiting for the peer, until there is none.
func (c *Conn) writer() {
	c.mu.Lock()
	for len(c.out) > 0 && c.err == nil {
		b := c.out
		c.out, c.writing = c.spare[:0], len(b)
		c.mu.Unlock()
		_, err := c.rw.Write(b)
		if err != nil {
			c.fail(err)
		}
		c.mu.Lock()
		c.writing = 0
		c.spare = nil
		if cap(b) <= 1<<16 {
			c.spare = b[:0]
		}
	}
	drained := c.err == nil
	c.running = false
	c.idle.Broadcast()
	c.mu.Unlock()
	if drained && c.opts.OnDrain != nil {
		c.opts.OnDrain()
	}
}

// Flush waits until everything queued has been handed to the system, or the
// connection ends.
func (c *Conn) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.running && c.err == nil {
		c.idle.Wait()
	}
	return c.err
}

// Recv waits for the next message. It answers nothing by itself. At the end of
// the stream it returns io.EOF.
func (c *Conn) Recv() (*Message, error) {
	b, err := c.dec.Next()
	if err != nil {
		c.mu.Lock()
		if c.err != nil {
			err = c.err
		}
		c.mu.Unlock()
		var syn *SyntaxError
		switch {
		case errors.As(err, &syn):
			c.warnf("%s: error parsing stream: %s", c.name, syn)
			err = fmt.Errorf("error parsing stream: %w: %w", syn, syscall.EPROTO)
		case errors.Is(err, io.ErrUnexpectedEOF):
			c.warnf("%s: receive error: %s", c.name, strerror.Errno(syscall.ECONNRESET))
			err = fmt.Errorf("%w: %w", err, syscall.ECONNRESET)
		case err != io.EOF && !errors.Is(err, errClosed):
			c.warnf("%s: receive error: %s", c.name, strerror.Text(err))
		}
		c.fail(err)
		return nil, err
	}
	m, err := Parse(b)
	if err != nil {
		c.warnf("%s: received bad JSON-RPC message: %s", c.name, err)
		err = fmt.Errorf("received bad JSON-RPC message: %w: %w", err, syscall.EPROTO)
		c.fail(err)
		return nil, err
	}
	if c.opts.Log.Enabled(vlog.Dbg) {
		c.opts.Log.Dbgf("%s: received %s", c.name, m)
	}
	return m, nil
}

// warnf logs what is wrong with the peer.
func (c *Conn) warnf(format string, args ...any) {
	if c.opts.LogLimit != nil {
		c.opts.Log.WarnRLf(c.opts.LogLimit, format, args...)
		return
	}
	c.opts.Log.Warnf(format, args...)
}

// Buffered tells whether Recv has bytes that it did not use yet.
func (c *Conn) Buffered() bool { return c.dec.Buffered() }

// fail ends the connection with an error, the first of which stays.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.idle.Broadcast()
	c.mu.Unlock()
	c.rw.Close()
}

// Close ends the connection. Queued output is lost; Flush before if it matters.
func (c *Conn) Close() error {
	c.fail(errClosed)
	return nil
}

// Err returns why the connection ended, or nil.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Transact sends a request and waits for its reply, for simple clients that
// have no other traffic: echo requests are answered, everything else that is
// not the reply is discarded.
func (c *Conn) Transact(m *Message) (*Message, error) {
	if err := c.Send(m); err != nil {
		return nil, err
	}
	for {
		r, err := c.Recv()
		if err != nil {
			return nil, err
		}
		switch {
		case r.IsEcho():
			if err := c.Send(NewReply(r.ID, json.RawMessage(r.Params))); err != nil {
				return nil, err
			}
		case (r.Type == Reply || r.Type == Error) && string(r.ID) == string(m.ID):
			return r, nil
		}
	}
}
