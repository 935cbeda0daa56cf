package main

import (
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"govs/bench/guest"
)

// OpenFlow 1.0 (openflow-spec-v1.0.0), as much of it as the stream of changes needs.
const (
	ofHello, ofError, ofEchoRequest, ofEchoReply, ofFlowMod, ofBarrierRequest, ofBarrierReply = 0, 1, 2, 3, 14, 18, 19

	cmdAdd, cmdModifyStrict, cmdDeleteStrict = 0, 2, 4

	flowModLen  = 72
	setSrcLen   = 16
	outputLen   = 8
	wildTheRest = 1<<1 | 1<<2 | 1<<3 | 1<<20 | 1<<21 // dl_vlan, dl_src, dl_dst, dl_vlan_pcp, nw_tos
	portNone    = 0xffff
)

// rule is what a flow_mod says: five-tuple n of a network from port a, to version's port, if it is not a deletion.
type rule struct {
	command  uint16
	priority uint16
	network  uint32
	n        uint64
	version  uint32
}

// flowMod appends a rule's message.
func flowMod(out []byte, xid uint32, r rule) []byte {
	size := flowModLen
	if r.command != cmdDeleteStrict {
		size += setSrcLen + outputLen
	}
	at := len(out)
	out = append(out, make([]byte, size)...)
	b := out[at:]
	be := binary.BigEndian
	b[0], b[1] = 1, ofFlowMod
	be.PutUint16(b[2:], uint16(size))
	be.PutUint32(b[4:], xid)
	be.PutUint32(b[8:], wildTheRest)
	be.PutUint16(b[12:], portA)
	be.PutUint16(b[30:], 0x0800)
	b[33] = 17
	var frame [guest.FrameLen]byte
	guest.SetTuple(frame[:], r.network, r.n)
	copy(b[36:], frame[guest.OffSrc:guest.OffSrc+8])
	copy(b[44:], frame[guest.OffPorts:guest.OffPorts+4])
	be.PutUint16(b[56:], r.command)
	be.PutUint16(b[62:], r.priority)
	be.PutUint32(b[64:], 0xffffffff)
	be.PutUint16(b[68:], portNone)
	if r.command == cmdDeleteStrict {
		return out
	}
	b = b[flowModLen:]
	be.PutUint16(b, 4) // set the source address
	be.PutUint16(b[2:], setSrcLen)
	b[4], b[5] = tag0, tag1
	be.PutUint32(b[6:], r.version)
	b = b[setSrcLen:]
	be.PutUint16(b[2:], outputLen)
	be.PutUint16(b[4:], [2]uint16{portB, portD}[r.version&1])
	return out
}

// conn is an OpenFlow connection. Its calls block their threads, and changer sleeps in system calls: with package net, channels and time.Sleep,
// which go through Go's scheduler, tens to hundreds of flow_mods a second were sent in place of 10,000 beside the pinned generator.
type conn struct {
	fd int
	in []byte // received, not yet read
}

// connect opens a connection.
func connect(sock string) (*conn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd}
	if err = unix.Connect(fd, &unix.SockaddrUnix{Name: sock}); err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20_000})
	}
	if err == nil {
		err = c.write([]byte{1, ofHello, 0, 8, 0, 0, 0, 0})
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) close() { unix.Close(c.fd) }

func (c *conn) write(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(c.fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// send sends messages and a barrier.
func (c *conn) send(out []byte) error {
	return c.write(append(out, 1, ofBarrierRequest, 0, 8, 0, 0, 0, 1))
}

// await waits a moment for the reply to a barrier, and says whether it has come.
func (c *conn) await() (bool, error) {
	for {
		for len(c.in) >= 8 && len(c.in) >= int(binary.BigEndian.Uint16(c.in[2:])) {
			m := c.in[:max(8, binary.BigEndian.Uint16(c.in[2:]))]
			c.in = c.in[len(m):]
			switch m[1] {
			case ofEchoRequest:
				m[1] = ofEchoReply
				if err := c.write(m); err != nil {
					return false, err
				}
			case ofBarrierReply:
				return true, nil
			case ofError:
				return false, fmt.Errorf("the switch refused a flow_mod: %x", m)
			}
		}
		var more [4096]byte
		n, err := unix.Read(c.fd, more[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false, nil
		case err != nil:
			return false, err
		case n == 0:
			return false, io.ErrUnexpectedEOF
		default:
			c.in = append(c.in, more[:n]...)
		}
	}
}
