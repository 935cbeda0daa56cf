package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// OpenFlow 1.0 (openflow-spec-v1.0.0), as much of it as the stream of changes needs.
const (
	ofHello, ofError, ofEchoRequest, ofEchoReply, ofFlowMod, ofBarrierRequest, ofBarrierReply = 0, 1, 2, 3, 14, 18, 19

	flowModLen  = 80
	wildcardAll = 0x3fffff
)

// flowMod appends a message that adds (or modifies) the rule on a source address, with its output port.
func flowMod(out []byte, xid, src uint32, port uint16) []byte {
	n := len(out)
	out = append(out, make([]byte, flowModLen)...)
	b := out[n:]
	be := binary.BigEndian
	b[0], b[1] = 1, ofFlowMod
	be.PutUint16(b[2:], flowModLen)
	be.PutUint32(b[4:], xid)
	be.PutUint32(b[8:], wildcardAll&^(1<<4|0x3f<<8)) // dl_type and nw_src are matched
	be.PutUint16(b[30:], 0x0800)
	be.PutUint32(b[36:], src)
	be.PutUint16(b[62:], 1) // priority
	be.PutUint32(b[64:], 0xffffffff)
	be.PutUint16(b[68:], 0xffff)
	be.PutUint16(b[74:], 8) // action: output
	be.PutUint16(b[76:], port)
	return out
}

// connect opens an OpenFlow connection. The result gets what ends it: an error, or nil for the reply to a barrier.
func connect(sock string) (net.Conn, chan error, error) {
	c, err := net.Dial("unix", sock)
	if err != nil {
		return nil, nil, err
	}
	if _, err := c.Write([]byte{1, ofHello, 0, 8, 0, 0, 0, 0}); err != nil {
		c.Close()
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- answer(c) }()
	return c, ended, nil
}

// load adds n rules on source addresses that no packet has, and returns when the switch has them.
func load(sock string, n int) error {
	c, ended, err := connect(sock)
	if err != nil {
		return err
	}
	defer c.Close()
	const batch = 1000
	for i := 0; i < n; i += batch {
		out := make([]byte, 0, batch*flowModLen)
		for j := i; j < min(i+batch, n); j++ {
			out = flowMod(out, uint32(j), 10<<24|uint32(j), 2)
		}
		if _, err := c.Write(out); err != nil {
			return err
		}
	}
	if _, err := c.Write([]byte{1, ofBarrierRequest, 0, 8, 0, 0, 0, 1}); err != nil {
		return err
	}
	return <-ended
}

// changing is the number of rules that change again and again.
const changing = 50_000

// change sends flow_mods at a rate until ctx ends, and returns how many the switch took.
func change(ctx context.Context, sock string, rate int) (sent int, err error) {
	c, failed, err := connect(sock)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	const step = 5 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	begin := time.Now()
	for {
		select {
		case <-ctx.Done():
			return sent, nil
		case err := <-failed:
			return sent, err
		case <-tick.C:
		}
		var out []byte
		for due := int(time.Since(begin).Seconds() * float64(rate)); sent < due; sent++ {
			out = flowMod(out, uint32(sent), 11<<24|uint32(sent%changing), uint16(1+sent/changing%2))
		}
		if _, err := c.Write(out); err != nil {
			return sent, err
		}
	}
}

// answer replies to the switch's echo requests until it closes the connection, says that a request was wrong, or has come to a barrier.
func answer(c net.Conn) error {
	var head [8]byte
	for {
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return err
		}
		body := make([]byte, max(int(binary.BigEndian.Uint16(head[2:]))-len(head), 0))
		if _, err := io.ReadFull(c, body); err != nil {
			return err
		}
		switch head[1] {
		case ofEchoRequest:
			head[1] = ofEchoReply
			if _, err := c.Write(append(head[:], body...)); err != nil {
				return err
			}
		case ofBarrierReply:
			return nil
		case ofError:
			return fmt.Errorf("the switch refused a flow_mod: %x", body)
		}
	}
}
