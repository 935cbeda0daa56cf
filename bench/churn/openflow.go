package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

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

// connect opens an OpenFlow connection.
func connect(sock string) (net.Conn, error) {
	c, err := net.Dial("unix", sock)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte{1, ofHello, 0, 8, 0, 0, 0, 0}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// sendAll sends messages and a barrier, and returns when the reply to it has come.
func sendAll(c net.Conn, out []byte) error {
	if _, err := c.Write(append(out, 1, ofBarrierRequest, 0, 8, 0, 0, 0, 1)); err != nil {
		return err
	}
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
