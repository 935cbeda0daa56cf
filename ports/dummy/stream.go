package dummy

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// A stream ties a dummy port to peers on a stream socket: option pstream listens (punix:PATH, ptcp:PORT[:IP]),
// option stream connects (unix:PATH, tcp:IP:PORT) and tries again when the connection is lost. On the wire each frame
// follows its length as 16 bits in network order, the original's form, so that the two can be joined.
type stream struct {
	port *Port
	key  string // the option's text, to see whether it changed
	stop context.CancelFunc
	done sync.WaitGroup

	mu     sync.Mutex // guards conns and active; taken after Port.mu if both
	conns  map[net.Conn]chan []byte
	active bool // a "stream", whose state conn-state shows
}

// sendQueue is how many frames wait for a slow peer; more are lost to that peer.
const sendQueue = 64

// reconnectDelay is the pause before a lost or refused connection is tried again.
const reconnectDelay = time.Second

// setStream opens, keeps or closes the port's stream as the options say. Called with p.mu held.
func (p *Port) setStream(options map[string]string) {
	key := ""
	if v := options["pstream"]; v != "" {
		key = "pstream=" + v
	} else if v := options["stream"]; v != "" {
		key = "stream=" + v
	}
	if p.stream != nil && p.stream.key == key {
		return
	}
	if p.stream != nil {
		go p.stream.close() // its readers may be waiting for p.mu
		p.stream = nil
	}
	if key == "" {
		return
	}
	kind, target, _ := strings.Cut(key, "=")
	ctx, stop := context.WithCancel(context.Background())
	s := &stream{port: p, key: key, stop: stop, conns: map[net.Conn]chan []byte{}, active: kind == "stream"}
	network, address, err := parseTarget(target, kind == "pstream")
	if err != nil {
		stop()
		p.opener.logf("%s: open failed (%s)", target, errnoText(err))
		return
	}
	if kind == "pstream" {
		if network == "unix" {
			_ = os.Remove(address)
		}
		l, err := net.Listen(network, address)
		if err != nil {
			stop()
			p.opener.logf("%s: open failed (%s)", target, errnoText(err))
			return
		}
		s.done.Go(func() { s.accept(ctx, l) })
	} else {
		s.done.Go(func() { s.connect(ctx, network, address) })
	}
	p.stream = s
}

// parseTarget splits an original's stream name into Go's network and address.
func parseTarget(target string, passive bool) (network, address string, err error) {
	kind, rest, _ := strings.Cut(target, ":")
	switch {
	case passive && kind == "punix", !passive && kind == "unix":
		return "unix", rest, nil
	case passive && kind == "ptcp":
		port, host, _ := strings.Cut(rest, ":")
		return "tcp", net.JoinHostPort(strings.Trim(host, "[]"), port), nil
	case !passive && kind == "tcp":
		return "tcp", rest, nil
	}
	return "", "", fmt.Errorf("Address family not supported by protocol")
}

func (s *stream) accept(ctx context.Context, l net.Listener) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.done.Go(func() { s.serve(ctx, c) })
	}
}

func (s *stream) connect(ctx context.Context, network, address string) {
	var d net.Dialer
	for ctx.Err() == nil {
		if c, err := d.DialContext(ctx, network, address); err == nil {
			s.serve(ctx, c)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectDelay):
		}
	}
}

// serve exchanges frames with one peer until either side ends.
func (s *stream) serve(ctx context.Context, c net.Conn) {
	out := make(chan []byte, sendQueue)
	s.mu.Lock()
	s.conns[c] = out
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	go func() {
		for f := range out {
			if _, err := c.Write(f); err != nil {
				c.Close()
			}
		}
	}()
	_ = readFrames(c, func(f []byte) { _ = s.port.Inject(0, f) })
	s.mu.Lock()
	delete(s.conns, c)
	close(out)
	s.mu.Unlock()
	stop()
	c.Close()
}

// readFrames calls f for each frame until r ends or its framing is broken. f must not keep its argument.
func readFrames(r io.Reader, f func([]byte)) error {
	br := bufio.NewReaderSize(r, 1<<16)
	var head [2]byte
	buf := make([]byte, 1<<16)
	for {
		if _, err := io.ReadFull(br, head[:]); err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint16(head[:]))
		if n < 14 {
			return fmt.Errorf("frame of %d bytes is shorter than an Ethernet header", n)
		}
		if _, err := io.ReadFull(br, buf[:n]); err != nil {
			return err
		}
		f(buf[:n])
	}
}

// send passes a frame to every peer that keeps up.
func (s *stream) send(frame []byte) {
	if len(frame) > 0xffff {
		return
	}
	m := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(frame)), uint16(len(frame)))
	m = append(m, frame...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, out := range s.conns {
		select {
		case out <- m:
		default:
		}
	}
}

func (s *stream) close() {
	s.stop()
	s.done.Wait()
}

// ConnState is netdev-dummy/conn-state's word for the port: "connected" or "disconnected" for one with option
// stream, else "unknown".
func (p *Port) ConnState() string {
	p.mu.Lock()
	s := p.stream
	p.mu.Unlock()
	if s == nil || !s.active {
		return "unknown"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) > 0 {
		return "connected"
	}
	return "disconnected"
}
