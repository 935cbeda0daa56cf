package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"govs/internal/clock"
	"govs/internal/stream"
	"govs/internal/vlog"
)

// pair returns the two ends of a unix stream.
func pair(t *testing.T, o Options) (client, server *Conn, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	so := &stream.Options{RunDir: dir}
	l, err := stream.Listen("punix:s", so)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := stream.Dial(context.Background(), "unix:s", so)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	client, server = NewConn(c, Options{}), NewConn(s, o)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server, dir
}

func TestConnOrderAndBacklog(t *testing.T) {
	drained := make(chan struct{}, 10000)
	client, server, _ := pair(t, Options{OnDrain: func() { drained <- struct{}{} }})
	const n = 2000
	params := json.RawMessage(`["` + strings.Repeat("x", 1000) + `"]`)
	for i := range n { // far more than a socket buffer holds
		if err := server.Send(NewRequest(ID(uint64(i)), "m", params)); err != nil {
			t.Fatal(err)
		}
	}
	if server.Backlog() == 0 {
		t.Error("no backlog though nobody reads")
	}
	for len(drained) > 0 {
		<-drained
	}
	for i := range n {
		m, err := client.Recv()
		if err != nil || string(m.ID) != fmt.Sprint(i) {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
	<-drained
	if server.Backlog() != 0 {
		t.Errorf("backlog %d after all was read", server.Backlog())
	}
	server.Close()
	if _, err := client.Recv(); err != io.EOF {
		t.Errorf("after close: %v", err)
	}
}

func TestConnBacklogBound(t *testing.T) {
	_, server, _ := pair(t, Options{MaxBacklog: 1 << 20})
	params := json.RawMessage(`["` + strings.Repeat("x", 1000) + `"]`)
	for range 1 << 13 {
		if err := server.Send(NewNotification("m", params)); err != nil {
			if !errors.Is(err, ErrBacklog) {
				t.Errorf("got %v", err)
			}
			if server.Err() == nil {
				t.Error("connection goes on")
			}
			return
		}
	}
	t.Error("a peer that does not read was sent 8 MB")
}

func TestTransactAnswersEcho(t *testing.T) {
	client, server, _ := pair(t, Options{})
	go func() {
		m, _ := server.Recv()
		_ = server.Send(NewRequest(String("probe"), "echo", json.RawMessage("[1]")))
		echo, _ := server.Recv()
		_ = server.Send(NewNotification("update", json.RawMessage("[]")))
		_ = server.Send(NewReply(m.ID, echo.Result))
	}()
	r, err := client.Transact(NewRequest(ID(7), "x", json.RawMessage("[]")))
	if err != nil || string(r.Result) != "[1]" {
		t.Errorf("got %v, %v", r, err)
	}
}

// recorder is a Handler that notes what it is told.
type recorder struct {
	ch chan string
}

func (r recorder) Connected(*Conn) error { r.ch <- "connected"; return nil }
func (r recorder) Received(_ *Conn, m *Message) error {
	r.ch <- m.Method
	return nil
}
func (r recorder) Disconnected(error) { r.ch <- "disconnected" }

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestSession(t *testing.T) {
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	w := clock.NewStopped(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	var out lockedBuffer
	reg := vlog.New(vlog.Options{Program: "p", Clock: w, Console: &out})
	if err := reg.Set("PATTERN:console:%c %p %m"); err != nil {
		t.Fatal(err)
	}
	so := &stream.Options{RunDir: dir}
	rec := recorder{make(chan string)}
	s := NewSession(SessionOptions{Remotes: []string{"unix:s"}, Stream: so, Clock: w, Log: reg, ProbeInterval: 5 * time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx, rec) }()
	next := func(want string) {
		t.Helper()
		if got := <-rec.ch; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	next("disconnected")
	l, err := stream.Listen("punix:s", so)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The session waits one second of the stopped clock.
	warpUntil := func(ready <-chan *stream.Conn) *stream.Conn {
		for {
			select {
			case c := <-ready:
				return c
			case <-time.After(time.Millisecond): // give it time to set its timer
				w.Advance(time.Second)
			}
		}
	}
	accepted := make(chan *stream.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	server := NewConn(warpUntil(accepted), Options{})
	next("connected")
	if err := server.Send(NewNotification("hello", json.RawMessage("[]"))); err != nil {
		t.Fatal(err)
	}
	next("hello")
	if err := server.Send(NewRequest(ID(1), "echo", json.RawMessage("[42]"))); err != nil {
		t.Fatal(err)
	}
	if m, err := server.Recv(); err != nil || string(m.Result) != "[42]" {
		t.Fatalf("echo: %v, %v", m, err)
	}
	// It probes, and gives up when there is no answer.
	probed := make(chan struct{})
	go func() {
		for {
			m, err := server.Recv()
			if err != nil {
				return
			}
			if m.IsEcho() {
				close(probed)
				return
			}
		}
	}()
	for waiting := true; waiting; {
		select {
		case <-probed:
			waiting = false
		case <-time.After(time.Millisecond):
			w.Advance(5 * time.Second)
		}
	}
	for waiting := true; waiting; {
		select {
		case got := <-rec.ch:
			if got != "disconnected" {
				t.Fatalf("got %s", got)
			}
			waiting = false
		case <-time.After(time.Millisecond):
			w.Advance(5 * time.Second)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
	for _, want := range []string{
		"reconnect INFO unix:s: connecting...",
		"reconnect INFO unix:s: connection attempt failed (No such file or directory)",
		"reconnect INFO unix:s: connected",
		"reconnect ERR unix:s: no response to inactivity probe after 5 seconds, disconnecting",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
