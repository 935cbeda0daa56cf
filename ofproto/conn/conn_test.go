package conn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"govs/flow"
	"govs/internal/clock"
	"govs/openflow"
)

// fake is a switch that keeps flows in a list.
type fake struct {
	mu    sync.Mutex
	flows []openflow.FlowStats
	outs  []*openflow.PacketOut
	frag  openflow.FragMode
	out   chan struct{} // signalled for each packet_out
}

func (f *fake) Handle(_ *Conn, m *openflow.Msg) ([]openflow.Body, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := func(b openflow.Body) ([]openflow.Body, error) { return []openflow.Body{b}, nil }
	ports := []openflow.PortDesc{
		{Port: 1, Name: "p1", HWAddr: [6]byte{2, 0, 0, 0, 0, 1}},
		{Port: openflow.PortLocal, Name: "br0", HWAddr: [6]byte{2, 0, 0, 0, 0, 0}, State: openflow.PortLinkDown},
	}
	switch b := m.Body.(type) {
	case *openflow.FeaturesRequest:
		r := &openflow.FeaturesReply{DatapathID: 0xabcd, NTables: 254, Capabilities: openflow.CapFlowStats, Actions: 1}
		if m.Version < openflow.OF13 {
			r.Ports = ports
		}
		return one(r)
	case *openflow.PortDescRequest:
		return one(&openflow.PortDescReply{Ports: ports})
	case *openflow.DescRequest:
		return one(&openflow.DescReply{Manufacturer: "govs"})
	case *openflow.FlowMod:
		if b.Command == openflow.FlowDelete {
			f.flows = nil
			return nil, nil
		}
		t := b.Table
		if t == openflow.TableAll {
			t = 0
		}
		if b.Priority == 666 {
			return nil, &openflow.Error{Code: openflow.OFPFMFC_TABLE_FULL, Text: "priority 666"}
		}
		f.flows = append(f.flows, openflow.FlowStats{Table: t, Priority: b.Priority, Cookie: b.NewCookie, Match: b.Match, Actions: b.Actions, IdleAge: -1, HardAge: -1})
		return nil, nil
	case *openflow.FlowStatsRequest:
		return one(&openflow.FlowStatsReply{NX: b.NX, Flows: append([]openflow.FlowStats(nil), f.flows...)})
	case *openflow.TableStatsRequest:
		return one(&openflow.TableStatsReply{Tables: []openflow.TableStats{{Table: 0, Name: "table0"}}})
	case *openflow.TableFeaturesRequest:
		return nil, openflow.OFPBRC_BAD_STAT
	case *openflow.PacketOut:
		f.outs = append(f.outs, b)
		if f.out != nil {
			f.out <- struct{}{}
		}
		return nil, nil
	}
	return nil, openflow.OFPBRC_BAD_TYPE
}

func (f *fake) Commit(_ *Conn, _ openflow.BundleFlags, msgs iter.Seq[*openflow.Msg]) (int, error) {
	i := 0
	for m := range msgs {
		if _, err := f.Handle(nil, m); err != nil {
			return i, err
		}
		i++
	}
	return 0, nil
}

func (f *fake) Frag() openflow.FragMode { return f.frag }

func (f *fake) SetFrag(m openflow.FragMode) error { f.frag = m; return nil }

func (f *fake) MonitorFlows(*openflow.FlowMonitor) []openflow.FlowUpdate {
	return []openflow.FlowUpdate{{Event: openflow.FlowAdded, Table: 3, Priority: 7}}
}

// logbuf collects the log.
type logbuf struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logbuf) logf(module, level, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.b, "%s|%s|%s\n", module, level, fmt.Sprintf(format, args...))
}

func (l *logbuf) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a manager with its fake switch.
type rig struct {
	*Manager
	sw  *fake
	log *logbuf
	dir string
	clk *clock.Warp
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &rig{sw: &fake{}, log: &logbuf{}, dir: dir, clk: clock.NewWarp()}
	r.clk.Stop()
	r.Manager = New(Options{Bridge: "br0", Switch: r.sw, RunDir: dir, Clock: r.clk, Logf: r.log.logf})
	t.Cleanup(r.Close)
	return r
}

func (r *rig) mgmt() string { return filepath.Join(r.dir, "br0.mgmt") }

// client is a raw OpenFlow client.
type client struct {
	t *testing.T
	net.Conn
	v openflow.Version
}

// dial connects to the management socket and exchanges hellos.
func (r *rig) dial(t *testing.T, v openflow.Version) *client {
	t.Helper()
	n, err := net.Dial("unix", r.mgmt())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	n.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t, n, v}
	c.send(1, &openflow.Hello{Versions: openflow.SetOf(v)})
	if _, ok := c.recv().Body.(*openflow.Hello); !ok {
		t.Fatal("no hello")
	}
	return c
}

func (c *client) send(xid uint32, b openflow.Body) {
	c.t.Helper()
	x, err := openflow.Append(nil, &openflow.Msg{Version: c.v, XID: xid, Body: b}, openflow.Options{})
	if err == nil {
		_, err = c.Write(x)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) recv() *openflow.Msg {
	c.t.Helper()
	b, err := openflow.ReadMsg(c)
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := openflow.Decode(b, openflow.Options{})
	if err != nil {
		c.t.Fatalf("%x: %v", b, err)
	}
	return m
}

// want receives a message of b's type.
func want[T openflow.Body](c *client) T {
	c.t.Helper()
	m := c.recv()
	b, ok := m.Body.(T)
	if !ok {
		c.t.Fatalf("got %T %+v", m.Body, m.Body)
	}
	return b
}

func TestErrorsAndOrder(t *testing.T) {
	r := newRig(t)
	c := r.dial(t, openflow.OF13)
	// A bad message between good ones: each is answered, in order, and the connection lives on.
	c.send(1, &openflow.EchoRequest{Data: []byte("x")})
	c.Write([]byte{4, 14, 0, 16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}) // a flow_mod that is cut off
	c.Write([]byte{4, 99, 0, 8, 0, 0, 0, 3})                          // a type that does not exist
	c.send(4, &openflow.FlowMod{Priority: 666, BufferID: openflow.NoBuffer, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny})
	c.send(5, &openflow.PortStatus{}) // what only switches send
	c.send(6, &openflow.BarrierRequest{})
	if e := want[*openflow.EchoReply](c); string(e.Data) != "x" {
		t.Errorf("echo %q", e.Data)
	}
	for i, code := range []openflow.ErrCode{openflow.OFPBRC_BAD_LEN, openflow.OFPBRC_BAD_TYPE, openflow.OFPFMFC_TABLE_FULL, openflow.OFPBRC_BAD_TYPE} {
		m := c.recv()
		e, ok := m.Body.(*openflow.ErrorMsg)
		if !ok || e.Code != code || m.XID != uint32(i+2) || len(e.Data) < 8 {
			t.Errorf("reply %d is %T %+v", i, m.Body, m.Body)
		}
	}
	want[*openflow.BarrierReply](c)
	if l := r.log.String(); !strings.Contains(l, "connmgr|info|br0<->unix#") || !strings.Contains(l, ": sending OFPFMFC_TABLE_FULL error reply to OFPT_FLOW_MOD message") {
		t.Errorf("log:\n%s", l)
	}
}

func TestNegotiation(t *testing.T) {
	r := newRig(t)
	r.Configure(Config{Versions: openflow.SetOf(openflow.OF13)})
	n, err := net.Dial("unix", r.mgmt())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.SetDeadline(time.Now().Add(20 * time.Second))
	c := &client{t, n, openflow.OF10}
	c.send(7, &openflow.Hello{})
	want[*openflow.Hello](c)
	e := want[*openflow.ErrorMsg](c)
	if e.Code != openflow.OFPHFC_INCOMPATIBLE || !strings.HasPrefix(string(e.Data), "We support version 0x04, you support version 0x01") {
		t.Errorf("%v %q", e.Code, e.Data)
	}
	if _, err := openflow.ReadMsg(c); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still there: %v", err)
	}
	// Without a bitmap a hello means its version and all below.
	c13 := &client{t, nil, openflow.OF13}
	if c13.Conn, err = net.Dial("unix", r.mgmt()); err != nil {
		t.Fatal(err)
	}
	defer c13.Close()
	c13.SetDeadline(time.Now().Add(20 * time.Second))
	c13.Write([]byte{5, 0, 0, 8, 0, 0, 0, 1})
	want[*openflow.Hello](c13)
	c13.send(2, &openflow.BarrierRequest{})
	want[*openflow.BarrierReply](c13)
}

func TestSilentPeerIsDropped(t *testing.T) {
	r := newRig(t)
	n, err := net.Dial("unix", r.mgmt())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := openflow.ReadMsg(n); err != nil { // the switch's hello; ours never comes
		t.Fatal(err)
	}
	r.clk.Advance(helloTime)
	if _, err := openflow.ReadMsg(n); err == nil {
		t.Error("still there")
	}
}

func TestRoles(t *testing.T) {
	r := newRig(t)
	a, b := r.dial(t, openflow.OF13), r.dial(t, openflow.OF13)
	a.send(1, &openflow.RoleRequest{Role: openflow.RoleMaster, Generation: 5})
	if x := want[*openflow.RoleReply](a); x.Role != openflow.RoleMaster || x.Generation != 5 {
		t.Errorf("%+v", x)
	}
	b.send(1, &openflow.RoleRequest{Role: openflow.RoleMaster, Generation: 4})
	if e := want[*openflow.ErrorMsg](b); e.Code != openflow.OFPRRFC_STALE {
		t.Errorf("%v", e.Code)
	}
	b.send(1, &openflow.RoleRequest{Role: openflow.RoleMaster, Generation: 6})
	want[*openflow.RoleReply](b)
	a.send(2, &openflow.FlowMod{BufferID: openflow.NoBuffer, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny})
	if e := want[*openflow.ErrorMsg](a); e.Code != openflow.OFPBRC_IS_SECONDARY {
		t.Errorf("%v", e.Code)
	}
	a.send(3, &openflow.RoleRequest{})
	if x := want[*openflow.RoleReply](a); x.Role != openflow.RoleSlave || x.Generation != 6 {
		t.Errorf("%+v", x)
	}
}

func TestAsync(t *testing.T) {
	r := newRig(t)
	c := r.dial(t, openflow.OF13)
	pin := &openflow.PacketIn{Packet: bytes.Repeat([]byte{1}, 60), TotalLen: 60, Reason: openflow.ReasonAction, Cookie: 9}
	pin.Metadata.SetExact(flow.FieldInPort, flow.U(3))
	r.PacketIn(pin, 0, 0xffff) // a management connection gets nothing before it asks
	c.send(1, &openflow.SetConfig{Config: openflow.SwitchConfig{MissSendLen: 128}})
	c.send(2, &openflow.BarrierRequest{})
	want[*openflow.BarrierReply](c)
	r.PacketIn(pin, 0, 0xffff)
	if p := want[*openflow.PacketIn](c); p.Cookie != 9 || p.Metadata.Key.InPort() != 3 || len(p.Packet) != 60 {
		t.Errorf("%+v", p)
	}
	r.PacketIn(pin, 7, 0xffff) // for another controller id
	c.send(3, &openflow.SetPacketInFormat{Format: openflow.PacketInNXT2})
	c.send(4, &openflow.SetControllerID{ID: 7})
	c.send(5, &openflow.BarrierRequest{})
	want[*openflow.BarrierReply](c)
	r.PacketIn(pin, 7, 0xffff)
	if p := want[*openflow.PacketIn](c); p.Format != openflow.PacketInNXT2 {
		t.Errorf("%+v", p)
	}
	r.PortStatus(openflow.PortAdd, &openflow.PortDesc{Port: 4, Name: "p4"})
	if p := want[*openflow.PortStatus](c); p.Desc.Name != "p4" || p.Reason != openflow.PortAdd {
		t.Errorf("%+v", p)
	}
	off := openflow.AsyncConfig{}
	off.Master[openflow.AsyncFlowRemoved] = 1 << openflow.RemovedIdleTimeout
	c.send(6, &openflow.SetAsync{Config: off, HasMaster: 7, HasSlave: 7})
	c.send(7, &openflow.BarrierRequest{})
	want[*openflow.BarrierReply](c)
	r.PortStatus(openflow.PortDelete, &openflow.PortDesc{Port: 4, Name: "p4"})
	r.FlowRemoved(&openflow.FlowRemoved{Reason: openflow.RemovedDelete})
	r.FlowRemoved(&openflow.FlowRemoved{Reason: openflow.RemovedIdleTimeout, Cookie: 77})
	if f := want[*openflow.FlowRemoved](c); f.Cookie != 77 {
		t.Errorf("%+v", f)
	}
}

func TestBundle(t *testing.T) {
	r := newRig(t)
	c := r.dial(t, openflow.OF14)
	mod := func(prio uint16) *openflow.BundleAdd {
		f := &openflow.FlowMod{Priority: prio, BufferID: openflow.NoBuffer, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny}
		return &openflow.BundleAdd{ID: 1, Flags: openflow.BundleOrdered, Msg: &openflow.Msg{Version: openflow.OF14, XID: 5, Body: f}}
	}
	ctl := func(typ openflow.BundleCtrlType) *openflow.BundleCtrl {
		return &openflow.BundleCtrl{ID: 1, Type: typ, Flags: openflow.BundleOrdered}
	}
	c.send(1, ctl(openflow.BundleOpenRequest))
	want[*openflow.BundleCtrl](c)
	c.send(2, mod(1))
	c.send(3, mod(2))
	c.send(4, ctl(openflow.BundleCommitRequest))
	if x := want[*openflow.BundleCtrl](c); x.Type != openflow.BundleCommitReply {
		t.Errorf("%+v", x)
	}
	if len(r.sw.flows) != 2 {
		t.Errorf("%d flows", len(r.sw.flows))
	}
	c.send(5, ctl(openflow.BundleCommitRequest))
	if e := want[*openflow.ErrorMsg](c); e.Code != openflow.OFPBFC_BAD_ID {
		t.Errorf("%v", e.Code)
	}
}

// TestSlowClient floods a client that does not read: its queue stays bounded, others are served, and Close does not hang.
func TestSlowClient(t *testing.T) {
	r := newRig(t)
	slow, quick := r.dial(t, openflow.OF13), r.dial(t, openflow.OF13)
	slow.send(1, &openflow.SetConfig{Config: openflow.SwitchConfig{MissSendLen: 0xffff}})
	slow.send(2, &openflow.BarrierRequest{})
	want[*openflow.BarrierReply](slow)
	pin := &openflow.PacketIn{Packet: make([]byte, 1400), TotalLen: 1400, Reason: openflow.ReasonAction}
	for range 10000 {
		r.PacketIn(pin, 0, 0xffff)
	}
	queued, dropped := 0, uint64(0)
	r.mu.Lock()
	for c := range r.conns {
		c.mu.Lock()
		queued = max(queued, len(c.out))
		dropped += c.dropped
		c.mu.Unlock()
	}
	r.mu.Unlock()
	if queued > maxAsync+maxReplies || dropped == 0 {
		t.Errorf("%d bytes queued, %d messages dropped", queued, dropped)
	}
	// Requests whose answers are not read stop the reader, not the switch.
	go func() {
		b, _ := openflow.Append(nil, &openflow.Msg{Version: openflow.OF13, Body: &openflow.DescRequest{}}, openflow.Options{})
		for range 20000 {
			if _, err := slow.Write(b); err != nil {
				return
			}
		}
	}()
	quick.send(1, &openflow.EchoRequest{})
	want[*openflow.EchoReply](quick)
}

// TestProbe drops a controller that does not answer the inactivity probe, and connects again.
func TestProbe(t *testing.T) {
	r := newRig(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	target := "tcp:" + ln.Addr().String()
	r.Configure(Config{Controllers: []Controller{{Target: target, Probe: 5 * time.Second, Async: true}}})
	accept := func() *client {
		n, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		n.SetDeadline(time.Now().Add(20 * time.Second))
		c := &client{t, n, openflow.OF13}
		c.send(1, &openflow.Hello{Versions: openflow.SetOf(openflow.OF13)})
		want[*openflow.Hello](c)
		c.send(2, &openflow.BarrierRequest{})
		want[*openflow.BarrierReply](c)
		return c
	}
	c := accept()
	if s := r.Status(); len(s) != 1 || !s[0].IsConnected || s[0].Status["state"] != "ACTIVE" {
		t.Errorf("%+v", s)
	}
	// echo lets time pass until the probe comes: once for what was heard before, and again for a tick that the prober's goroutine
	// was too slow for.
	echo := func() {
		t.Helper()
		for range 20 {
			r.clk.Advance(5 * time.Second)
			c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			b, err := openflow.ReadMsg(c)
			if err == nil && b[1] == 2 {
				return
			}
			if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%x %v", b, err)
			}
		}
		t.Fatal("no probe")
	}
	echo()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.send(3, &openflow.EchoReply{})
	c.send(4, &openflow.BarrierRequest{})
	want[*openflow.BarrierReply](c)
	echo()
	// No answer: the connection ends.
	for range 20 {
		r.clk.Advance(5 * time.Second)
		c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		_, err := openflow.ReadMsg(c)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err == nil {
			t.Error("another message")
		}
	}
	again := make(chan *client)
	go func() { again <- accept() }()
	for done := false; !done; {
		select {
		case c := <-again:
			c.Close()
			done = true
		case <-time.After(200 * time.Millisecond):
			// Not faster: the new connection must not look silent before its hello has come.
			r.clk.Advance(time.Second)
		}
	}
	l := r.log.String()
	for _, s := range []string{": connecting...", ": connected", ": no response to inactivity probe after 5 seconds, disconnecting"} {
		if !strings.Contains(l, "br0<->"+target+s) {
			t.Errorf("the log lacks %q:\n%s", s, l)
		}
	}
}
