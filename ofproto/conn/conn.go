package conn

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/openflow"
)

// Bounds of what a client can make a Conn hold.
const (
	// maxReplies is how many bytes of replies may wait to be written before the connection's reader waits.
	maxReplies = 1 << 20
	// maxAsync is how many bytes of unrequested messages may wait to be written; more are dropped and counted.
	maxAsync = 1 << 20
	// maxMultipart bounds the bytes of the parts of one multipart request.
	maxMultipart = 4 << 20
	// maxBundles and maxBundleMsgs bound a connection's open bundles and the messages in one.
	maxBundles    = 64
	maxBundleMsgs = 1 << 20
	// maxMonitors bounds a connection's flow monitors.
	maxMonitors = 1024
)

// Conn is one OpenFlow connection. Its exported methods may be called from any goroutine.
type Conn struct {
	name    string
	m       *Manager
	net     net.Conn
	raw     syscall.RawConn // of net; nil if it is no socket (TLS)
	service bool            // a management connection: gets only what it asks for

	// Owned by the reading goroutine.
	in       *bufio.Reader
	opts     openflow.Options
	parts    map[uint32]*openflow.Msg // multipart requests under way, by transaction
	partLen  int
	bundles  map[uint32]*bundle
	monitors map[uint32]*openflow.FlowMonitor // also read by broadcasts: guarded by mu

	mu sync.Mutex // guards the fields below and monitors
	state
	wake    *sync.Cond // signalled when out or closed changes
	out     []byte     // encoded messages to write
	writing bool       // the writer has taken some and is at it
	async   int        // bytes of out that nobody asked for
	dropped uint64     // unrequested messages that were dropped
	closed  bool
	err     error // why it was closed
	mods    modCount
}

// state is what a controller has asked of its connection.
type state struct {
	version      openflow.Version // 0 until negotiated
	role         openflow.Role
	async_       openflow.AsyncConfig
	format       openflow.PacketInFormat
	missSendLen  uint16
	invalidTTL   bool
	controllerID uint16
}

// bundle is a bundle that is being filled.
type bundle struct {
	flags  openflow.BundleFlags
	closed bool
	msgs   []pending
}

// pending is a message that waits for its bundle's commit: as it came, because that is a tenth of what it is decoded. It has been
// decoded once already, to see that it can be.
type pending struct {
	raw  []byte
	opts openflow.Options // that it came under
}

func (p *pending) msg() *openflow.Msg {
	m, _ := openflow.Decode(p.raw, p.opts)
	return m
}

// all yields the messages in order.
func (b *bundle) all(yield func(*openflow.Msg) bool) {
	for i := range b.msgs {
		if !yield(b.msgs[i].msg()) {
			return
		}
	}
}

func newConn(m *Manager, name string, nc net.Conn, service bool) *Conn {
	c := &Conn{
		name: name, m: m, net: nc, service: service, parts: make(map[uint32]*openflow.Msg), bundles: make(map[uint32]*bundle),
		monitors: make(map[uint32]*openflow.FlowMonitor),
	}
	c.wake = sync.NewCond(&c.mu)
	switch s := nc.(type) {
	case *stream.Conn:
		c.raw = s.Syscall()
	case syscall.Conn:
		c.raw, _ = s.SyscallConn()
	}
	c.role = openflow.RoleEqual
	c.async_ = defaultAsync()
	if !service {
		c.missSendLen = defaultMissSendLen
	}
	return c
}

// defaultMissSendLen is OFP_DEFAULT_MISS_SEND_LEN of the OpenFlow specifications.
const defaultMissSendLen = 128

// Name is the connection's name in the log, such as "br0<->unix#3" or "br0<->tcp:127.0.0.1:6653".
func (c *Conn) Name() string { return c.name }

// Version is the negotiated version, 0 before.
func (c *Conn) Version() openflow.Version {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// ControllerID is the connection's id for controller actions (NXT_SET_CONTROLLER_ID), 0 unless it was set.
func (c *Conn) ControllerID() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.controllerID
}

// serve runs the connection until it ends: hello, then messages. It returns why it ended.
func (c *Conn) serve() error {
	done := make(chan struct{})
	go func() { defer close(done); c.write() }()
	err := c.read()
	c.shut(err)
	<-done
	c.logMods()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// shut closes the connection; what waits to be written is given a moment.
func (c *Conn) shut(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed, c.err = true, err
	_ = c.net.SetWriteDeadline(time.Now().Add(time.Second))
	c.wake.Broadcast()
}

// write sends what is queued until the connection is closed.
func (c *Conn) write() {
	defer c.net.Close()
	var spare []byte
	for {
		c.mu.Lock()
		c.writing = false
		for len(c.out) == 0 && !c.closed {
			c.wake.Wait()
		}
		b := c.out
		if len(b) == 0 {
			c.mu.Unlock()
			return
		}
		c.out, c.async, c.writing = spare[:0], 0, true
		c.wake.Broadcast()
		c.mu.Unlock()
		if _, err := c.net.Write(b); err != nil {
			c.shut(err)
			c.mu.Lock()
			c.out = nil
			c.mu.Unlock()
			return
		}
		if spare = b; cap(spare) > maxReplies {
			spare = nil
		}
	}
}

// reply queues an answer, and waits while too much is queued, so that a client that does not read is not read from. Only the reading
// goroutine calls it.
func (c *Conn) reply(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b = c.direct(b); len(b) == 0 {
		return
	}
	for len(c.out) > maxReplies+maxAsync && !c.closed {
		c.wake.Wait()
	}
	if !c.closed {
		c.out = append(c.out, b...)
		c.wake.Broadcast()
	}
}

// direct writes an answer at once, if nothing is to go before it and the peer has sent nothing more, and returns what the socket did
// not take. A client that waits for each answer is not made to wait for another goroutine. mu is held.
func (c *Conn) direct(b []byte) []byte {
	if c.raw == nil || c.writing || c.closed || len(c.out) > 0 || c.in == nil || c.in.Buffered() > 0 {
		return b
	}
	_ = c.raw.Write(func(fd uintptr) bool {
		// An error comes again when the writer tries.
		if n, err := syscall.Write(int(fd), b); err == nil {
			b = b[n:]
		}
		return true
	})
	return b
}

// notifyLocked queues a message that nobody asked for, unless too many wait. mu is held.
func (c *Conn) notifyLocked(m *openflow.Msg) {
	if c.closed {
		return
	}
	if c.async > maxAsync {
		c.dropped++
		return
	}
	n := len(c.out)
	b, err := openflow.Append(c.out, m, openflow.Options{})
	if err != nil {
		c.out = c.out[:n]
		c.m.logf("dbg", "%s: cannot send: %v", c.name, err)
		return
	}
	c.m.snoop(c, b[n:])
	c.out = b
	c.async += len(b) - n
	c.wake.Broadcast()
}

// send encodes and queues a reply.
func (c *Conn) send(m *openflow.Msg) {
	b, err := openflow.Append(nil, m, c.opts)
	if err != nil {
		c.m.logf("warn", "%s: cannot send: %v", c.name, err)
		return
	}
	c.m.snoop(c, b)
	c.reply(b)
}

var errVersion = errors.New("version negotiation failed")

// helloTime is how long a peer may take to say hello.
const helloTime = 10 * time.Second

// read negotiates the version, then reads and handles messages until the connection ends.
func (c *Conn) read() error {
	allowed := c.m.versions()
	c.in = bufio.NewReaderSize(c.net, 64<<10)
	hello := c.m.opts.Clock.AfterFunc(helloTime, func() { c.net.SetReadDeadline(time.Unix(1, 0)) })
	defer hello.Stop()
	c.send(&openflow.Msg{Version: allowed.Max(), XID: c.m.nextXID(), Body: &openflow.Hello{Versions: allowed}})
	for {
		raw, err := openflow.ReadMsg(c.in)
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return err
		}
		c.m.snoop(c, raw)
		m, err := openflow.Decode(raw, c.opts)
		if c.version == 0 {
			if err := c.negotiate(allowed, m, err); err != nil {
				// The peer finds out for itself, and may still be writing about it.
				_ = c.net.SetReadDeadline(time.Now().Add(time.Second))
				_, _ = io.Copy(io.Discard, c.net)
				return err
			}
			hello.Stop()
			continue
		}
		if err == nil && m.Version != c.version {
			if _, isHello := m.Body.(*openflow.Hello); !isHello {
				err = &openflow.Error{Code: openflow.OFPBRC_BAD_VERSION, Text: fmt.Sprintf("received OpenFlow version 0x%02x != expected %02x", uint8(m.Version), uint8(c.version))}
			}
		}
		if err != nil {
			m.Version = c.version
			c.fail(m, err)
			continue
		}
		c.handle(m)
	}
}

// negotiate looks at the peer's first message, which must be a hello, and sets the version.
func (c *Conn) negotiate(allowed openflow.Versions, m *openflow.Msg, err error) error {
	hello, ok := m.Body.(*openflow.Hello)
	if err != nil || !ok {
		c.m.logf("warn", "%s: received OpenFlow message of type %d while expecting hello", c.name, typeOf(m.Raw))
		return fmt.Errorf("%w: %w", errVersion, errProtocol)
	}
	theirs := hello.Versions
	if theirs == 0 {
		theirs = openflow.UpTo(m.Version)
	}
	v := (theirs & allowed).Max()
	if v == 0 {
		text := fmt.Sprintf("We support %s, you support %s, no common versions.", describe(allowed), describe(theirs))
		c.m.logf("warn", "%s: version negotiation failed (we support %s, peer supports %s)", c.name, describe(allowed), describe(theirs))
		ev := allowed.Max()
		if m.Version < ev {
			ev = m.Version
		}
		c.send(&openflow.Msg{Version: ev, XID: m.XID, Body: &openflow.ErrorMsg{Code: openflow.OFPHFC_INCOMPATIBLE, Data: []byte(text)}})
		return fmt.Errorf("%w: %w", errVersion, errProtocol)
	}
	c.mu.Lock()
	c.version = v
	c.mu.Unlock()
	c.m.negotiated(c)
	return nil
}

func typeOf(b []byte) int {
	if len(b) < 2 {
		return -1
	}
	return int(b[1])
}

// describe words a set of versions as log messages do.
func describe(s openflow.Versions) string {
	var names []string
	for v := openflow.OF10; v < 32; v++ {
		if s.Has(v) {
			names = append(names, fmt.Sprintf("0x%02x", uint8(v)))
		}
	}
	switch len(names) {
	case 0:
		return "no versions"
	case 1:
		return "version " + names[0]
	case 2:
		return "versions " + names[0] + " and " + names[1]
	}
	out := "versions "
	for i, n := range names {
		if i == len(names)-1 {
			out += "and "
		}
		out += n
		if i < len(names)-1 {
			out += ", "
		}
	}
	return out
}

// maxErrorData is how much of a message an error quotes: all of it, unless the error would be too long.
const maxErrorData = 0xffff - 64

// fail answers message m with the OpenFlow error for err.
func (c *Conn) fail(m *openflow.Msg, err error) {
	e := &openflow.Error{Code: openflow.OFPBRC_EPERM}
	var code openflow.ErrCode
	switch {
	case errors.As(err, &e):
	case errors.As(err, &code):
		e = &openflow.Error{Code: code}
	}
	data := e.Data
	if data == nil {
		data = m.Raw[:min(len(m.Raw), maxErrorData)]
	}
	c.m.opts.Logf("connmgr", "info", "%s: sending %s error reply to %s message", c.name, e.Code, nameOf(m))
	if e.Text != "" {
		c.m.opts.Logf("connmgr", "dbg", "%s: %s", c.name, e.Text)
	}
	v := m.Version
	if v < openflow.OF10 || v > openflow.OF15 {
		v = c.version
	}
	c.send(&openflow.Msg{Version: v, XID: m.XID, Body: &openflow.ErrorMsg{Code: e.Code, Data: data}})
}

func nameOf(m *openflow.Msg) string {
	if m.Body == nil {
		if n := openflow.WireName(m.Raw); n != "" {
			return n
		}
		return "invalid"
	}
	return openflow.MessageName(m.Body, m.Version)
}

// closeReason words the end of a connection for the log.
func closeReason(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return "connection closed by peer"
	}
	return fmt.Sprintf("connection dropped (%s)", strerror.Text(err))
}
