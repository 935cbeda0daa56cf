package unixctl

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"govs/internal/jsonrpc"
	"govs/internal/replay"
	"govs/internal/stream"
	"govs/internal/vlog"
)

// Handler runs a command. args does not include the command's name. It, or
// something that it started, calls r.Reply or r.Error exactly once.
type Handler func(ctx context.Context, args []string, r *Reply)

// Reply is the answer to one command. Its methods may be called from any
// goroutine; calls after the first do nothing.
type Reply struct {
	once   sync.Once
	done   chan result
	unsent *sync.WaitGroup // answers given but not sent
}

type result struct {
	text string
	fail bool
}

// Reply answers with text, to which a newline is added unless it is empty or
// ends in one.
func (r *Reply) Reply(text string) { r.finish(result{text: text}) }

// Error answers that the command failed, with the reason.
func (r *Reply) Error(text string) { r.finish(result{text: text, fail: true}) }

// Errorf is Error with formatting.
func (r *Reply) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *Reply) finish(res result) {
	r.once.Do(func() {
		if res.text != "" && !strings.HasSuffix(res.text, "\n") {
			res.text += "\n"
		}
		r.unsent.Add(1)
		r.done <- res
	})
}

type command struct {
	usage    string
	min, max int
	run      Handler
}

// Server serves the control socket of a program.
type Server struct {
	version string
	log     *vlog.Module
	rpcLog  *vlog.Module

	// mu guards the fields below.
	mu       sync.Mutex
	journal  *replay.Journal
	commands map[string]command
	conns    map[*jsonrpc.Conn]bool
	listener *stream.Listener
	path     string
	closed   bool
	wg       sync.WaitGroup // goroutines of connections
	unsent   sync.WaitGroup // answers given but not sent
}

// NewServer returns a server with the commands list-commands and version.
// version is the text of the latter. log may be nil.
func NewServer(version string, log *vlog.Registry) *Server {
	s := &Server{version: version, commands: map[string]command{}, conns: map[*jsonrpc.Conn]bool{}}
	if log != nil {
		s.log = log.Module("unixctl")
		s.rpcLog = log.Module("jsonrpc")
		s.RegisterVlog(log)
	}
	s.RegisterFunc("list-commands", "", 0, 0, func([]string) (string, error) { return s.list(), nil })
	s.RegisterFunc("version", "", 0, 0, func([]string) (string, error) { return s.version, nil })
	return s
}

// Register adds a command that takes min to max arguments; a negative max is
// no bound. A name that is registered already keeps its first handler.
func (s *Server) Register(name, usage string, min, max int, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, dup := s.commands[name]; !dup {
		s.commands[name] = command{usage, min, max, h}
	}
}

// RegisterFunc is Register for a command that answers when f returns: with the
// text, or with the error's text.
func (s *Server) RegisterFunc(name, usage string, min, max int, f func(args []string) (string, error)) {
	s.Register(name, usage, min, max, func(_ context.Context, args []string, r *Reply) {
		text, err := f(args)
		if err != nil {
			r.Error(err.Error())
			return
		}
		r.Reply(text)
	})
}

// list returns the text of list-commands.
func (s *Server) list() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.commands))
	for name := range s.commands {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("The available commands are:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "  %-23s %s\n", name, s.commands[name].usage)
	}
	return b.String()
}

// SocketPath returns where a program's control socket is: the argument of
// --unixctl, relative to the run directory, or the default if that is empty.
// With "none" there is no socket and the result is "".
func SocketPath(option, runDir, program string, pid int) string {
	switch {
	case option == "none":
		return ""
	case option == "":
		return fmt.Sprintf("%s/%s.%d.ctl", runDir, program, pid)
	case filepath.IsAbs(option):
		return option
	}
	return runDir + "/" + option
}

// SetJournal makes the server record the commands that it is given, or run those of a recording, in which case Listen opens no socket.
// The commands about time are not recorded. It is called before Listen.
func (s *Server) SetJournal(j *replay.Journal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = j
}

// replay runs the commands of a recording.
func (s *Server) replay(turn *replay.Party) {
	defer turn.Leave()
	for {
		b, err := turn.Wait(nil)
		if err != nil {
			return
		}
		m, err := jsonrpc.Parse(b)
		if err != nil || m.Type != jsonrpc.Request {
			s.log.Warnf("bad command in the recording: %q", b)
			continue
		}
		r := &Reply{done: make(chan result, 1), unsent: &s.unsent}
		s.dispatch(context.Background(), m, r)
		<-r.done
		s.unsent.Done()
	}
}

// Listen makes the socket and serves it in the background until Close. An
// empty path does nothing.
func (s *Server) Listen(path string) error {
	if path == "" {
		return nil
	}
	s.mu.Lock()
	journal := s.journal
	s.mu.Unlock()
	if journal.Replaying() {
		turn := journal.Party("unixctl")
		s.wg.Go(func() { s.replay(turn) })
		return nil
	}
	l, err := stream.Listen("punix:"+path, &stream.Options{})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener, s.path = l, path
	s.mu.Unlock()
	limit := vlog.NewRateLimit(60, 5)
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conn := jsonrpc.NewConn(c, jsonrpc.Options{Log: s.rpcLog, LogLimit: limit})
			s.mu.Lock()
			if s.closed {
				s.mu.Unlock()
				conn.Close()
				return
			}
			s.conns[conn] = true
			s.wg.Go(func() { s.serve(conn) })
			s.mu.Unlock()
		}
	})
	return nil
}

// Path returns the path of the socket, or "".
func (s *Server) Path() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.path
}

// Close removes the socket, sends the answers that are ready, and ends all
// connections. It does not wait for handlers that have not answered; their
// contexts end. It must not be called from a handler before its reply.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	if s.listener != nil {
		s.listener.Close()
		_ = os.Remove(s.path)
	}
	conns := make([]*jsonrpc.Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	s.unsent.Wait()
	for _, c := range conns {
		_ = c.Flush()
		c.Close()
	}
	s.wg.Wait()
}

// serve runs the commands of one connection in order.
func (s *Server) serve(c *jsonrpc.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.mu.Lock()
	turn := s.journal.Party("unixctl")
	s.mu.Unlock()
	defer turn.Leave()
	requests := make(chan *jsonrpc.Message)
	s.wg.Go(func() {
		defer cancel()
		for {
			m, err := c.Recv()
			if err != nil {
				return
			}
			select {
			case requests <- m:
			case <-ctx.Done():
				return
			}
		}
	})
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	for {
		var m *jsonrpc.Message
		select {
		case m = <-requests:
		case <-ctx.Done():
			return
		}
		if m.Type != jsonrpc.Request {
			s.log.Warnf("%s: received unexpected %s message", c.Name(), m.Type)
			return
		}
		if !strings.HasPrefix(m.Method, "time/") {
			_, _ = turn.Wait(func() ([]byte, error) { return m.Append(nil), nil })
		}
		r := &Reply{done: make(chan result, 1), unsent: &s.unsent}
		s.dispatch(ctx, m, r)
		turn.Leave()
		var res result
		select {
		case res = <-r.done:
		case <-ctx.Done():
			r.once.Do(func() {}) // nobody wants an answer any more
			select {
			case <-r.done:
				s.unsent.Done()
			default:
			}
			return
		}
		reply := jsonrpc.NewReply(m.ID, jsonrpc.String(res.text))
		if res.fail {
			reply = jsonrpc.NewError(m.ID, jsonrpc.String(res.text))
		}
		err := c.Send(reply)
		s.unsent.Done()
		if err != nil {
			return
		}
	}
}

// dispatch checks the arguments of a command and runs it.
func (s *Server) dispatch(ctx context.Context, m *jsonrpc.Message, r *Reply) {
	s.mu.Lock()
	cmd, ok := s.commands[m.Method]
	s.mu.Unlock()
	var params []json.RawMessage
	if err := json.Unmarshal(m.Params, &params); err != nil {
		r.Errorf("bad arguments: %v", err)
		return
	}
	switch {
	case !ok:
		r.Errorf("\"%s\" is not a valid command (use \"list-commands\" to see a list of valid commands)", m.Method)
		return
	case len(params) < cmd.min:
		r.Errorf("\"%s\" command requires at least %d arguments", m.Method, cmd.min)
		return
	case cmd.max >= 0 && len(params) > cmd.max:
		r.Errorf("\"%s\" command takes at most %d arguments", m.Method, cmd.max)
		return
	}
	args := make([]string, len(params))
	for i, p := range params {
		if p[0] != '"' || json.Unmarshal(p, &args[i]) != nil {
			r.Errorf("\"%s\" command has non-string argument", m.Method)
			return
		}
	}
	cmd.run(ctx, args, r)
}
