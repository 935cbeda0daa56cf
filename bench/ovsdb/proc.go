package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"govs/ovsdb"
	"govs/ovsdb/ojson"
	"govs/ovsdb/server"
)

// schema is the database that is measured: a table like a logical switch port's, and a small one.
const schema = `{"name":"Bench","version":"1.0.0","tables":{
"Port":{"isRoot":true,"indexes":[["name"]],"columns":{
 "name":{"type":"string"},"type":{"type":"string"},"tag":{"type":{"key":"integer","min":0,"max":1}},
 "up":{"type":{"key":"boolean","min":0,"max":1}},"enabled":{"type":{"key":"boolean","min":0,"max":1}},
 "addresses":{"type":{"key":"string","min":0,"max":"unlimited"}},
 "options":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
 "external_ids":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}}}},
"Counter":{"isRoot":true,"columns":{"name":{"type":"string"},"n":{"type":"integer"}}}}}`

// serverProc is one server process under measurement.
type serverProc struct {
	prog, dir string
	cmd       *exec.Cmd
}

func (s *serverProc) file() string { return filepath.Join(s.dir, "b.db") }
func (s *serverProc) sock() string { return filepath.Join(s.dir, "s") }

// create makes an empty database file.
func (s *serverProc) create() error {
	v, err := ojson.Parse(schema)
	if err != nil {
		return err
	}
	sch, err := ovsdb.ParseSchema(&v)
	if err != nil {
		return err
	}
	return server.CreateFile(s.file(), sch, nil)
}

// start starts the server on the file and waits until it serves the database.
func (s *serverProc) start() (*client, error) {
	s.cmd = exec.Command(s.prog, "--remote=punix:"+s.sock(), "--unixctl="+s.dir+"/ctl", "-vconsole:off", s.file())
	s.cmd.Dir = s.dir
	s.cmd.Env = append(os.Environ(), "OVS_RUNDIR="+s.dir, "OVS_DBDIR="+s.dir, "OVS_LOGDIR="+s.dir, "OVS_SYSCONFDIR="+s.dir)
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		c, err := dial(s.sock())
		if err != nil {
			continue
		}
		reply, err := c.call(`{"method":"get_schema","params":["Bench"],"id":1}`)
		if err == nil && bytes.Contains(reply, []byte(`"Port"`)) {
			return c, nil
		}
		c.conn.Close()
	}
	return nil, fmt.Errorf("server does not answer: %s", out.String())
}

func (s *serverProc) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
		os.Remove(s.sock())
	}
}

// rss returns the resident memory of the server in MB.
func (s *serverProc) rss() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.Fields(l); len(f) >= 2 && f[0] == "VmRSS:" {
			kb, err := strconv.Atoi(f[1])
			return float64(kb) / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS")
}

// client is a JSON-RPC client that does as little as possible.
type client struct {
	conn io.ReadWriteCloser
	buf  []byte
	r, w int
}

func dial(sock string) (*client, error) {
	c, err := net.Dial("unix", sock)
	if err != nil {
		return nil, err
	}
	return &client{conn: c, buf: make([]byte, 1<<16)}, nil
}

// blockingConn is a socket in blocking mode, without Go's poller between the system and the caller: for clients that
// do one thing at a time, so that what is measured is the server.
type blockingConn int

func (c blockingConn) Read(b []byte) (int, error) {
	n, err := unix.Read(int(c), b)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}

func (c blockingConn) Write(b []byte) (int, error) {
	for done := 0; done < len(b); {
		n, err := unix.Write(int(c), b[done:])
		if err != nil {
			return done, err
		}
		done += n
	}
	return len(b), nil
}

func (c blockingConn) Close() error { return unix.Close(int(c)) }

func dialBlocking(sock string) (*client, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: sock}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &client{conn: blockingConn(fd), buf: make([]byte, 1<<16)}, nil
}

func (c *client) send(msg string) error {
	_, err := io.WriteString(c.conn, msg)
	return err
}

// next returns the next message, valid until the next call.
func (c *client) next() ([]byte, error) {
	depth, inStr := 0, false
	i := c.r
	for {
		for ; i < c.w; i++ {
			b := c.buf[i]
			if inStr {
				if b == '\\' {
					i++
				} else if b == '"' {
					inStr = false
				}
				continue
			}
			switch b {
			case '"':
				inStr = true
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					msg := c.buf[c.r : i+1]
					c.r = i + 1
					return msg, nil
				}
			}
		}
		if c.r > 0 && c.r == c.w {
			i, c.r, c.w = i-c.r, 0, 0
		}
		if c.w == len(c.buf) {
			if c.r > 0 {
				copy(c.buf, c.buf[c.r:c.w])
				i, c.w, c.r = i-c.r, c.w-c.r, 0
			} else {
				c.buf = append(c.buf, make([]byte, len(c.buf))...)
			}
		}
		n, err := c.conn.Read(c.buf[c.w:])
		c.w += n
		if err != nil && n == 0 {
			return nil, err
		}
	}
}

func (c *client) call(msg string) ([]byte, error) {
	if err := c.send(msg); err != nil {
		return nil, err
	}
	return c.next()
}
