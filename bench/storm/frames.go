package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"govs/packet"
)

// Frames are of 64 bytes with the four of the checksum that DPDK does not carry: 60 here.
const (
	frameLen = 60
	offSum   = 14 + 10
	offSrc   = 14 + 12
	offDst   = 14 + 16
	offPorts = 14 + 20
	offSeq   = 14 + 28 // number of the packet within its flow
	offTime  = offSeq + 8
	offRest  = offTime + 8
)

// OpenFlow ports.
const (
	portA = 1 + iota // established flows come in
	portB            // and leave, to be checked
	portC            // the storm
	portSink
	portD // few new flows
)

// Source networks of the three kinds of traffic.
const (
	netEstablished = 10 << 24
	netStorm       = 11 << 24
	netFew         = 12 << 24
)

// template is a UDP packet from the network to 192.168.0.0 with zero ports and a right header checksum.
func template(network uint32, mac byte) []byte {
	b := []byte{0x50, 0x54, 0, 0, 0, 0xbb, 0x50, 0x54, 0, 0, 0, mac, 0x08, 0x00, 0x45, 0, 0, frameLen - 14, 0, 0, 0, 0, 64, 17, 0, 0}
	b = binary.BigEndian.AppendUint32(b, network)
	b = binary.BigEndian.AppendUint32(b, 192<<24|168<<16)
	b = append(b, 0, 0, 0, 0, 0, frameLen-34, 0, 0)
	b = append(b, make([]byte, frameLen-len(b))...)
	binary.BigEndian.PutUint16(b[offSum:], packet.Checksum(b[14:34]))
	return b
}

// setTuple writes the n-th five-tuple of a network over a copy of its template; each n below 2^48 has its own.
func setTuple(b []byte, network uint32, n uint64) {
	src := network | uint32(n)&0xffffff
	port := uint16(n >> 24)
	dst := uint32(192<<24|168<<16) | uint32(n*0x9e37>>4)&0xffff
	sum := packet.Update32(binary.BigEndian.Uint16(b[offSum:]), network, src)
	sum = packet.Update32(sum, 192<<24|168<<16, dst)
	binary.BigEndian.PutUint16(b[offSum:], sum)
	binary.BigEndian.PutUint32(b[offSrc:], src)
	binary.BigEndian.PutUint32(b[offDst:], dst)
	binary.BigEndian.PutUint16(b[offPorts:], 1024+port)
	binary.BigEndian.PutUint16(b[offPorts+2:], uint16(7+n%31))
}

// matchOf is the n-th five-tuple of a network as an ovs-ofctl match.
func matchOf(network uint32, n uint64) string {
	b := template(network, 0)
	setTuple(b, network, n)
	return fmt.Sprintf("udp,nw_src=%s,nw_dst=%s,tp_src=%d,tp_dst=%d", ip(b[offSrc:]), ip(b[offDst:]),
		binary.BigEndian.Uint16(b[offPorts:]), binary.BigEndian.Uint16(b[offPorts+2:]))
}

func ip(b []byte) string { return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3]) }

// same says whether got is the frame want but for its number and time.
func same(got, want []byte) bool {
	return len(got) == len(want) && bytes.Equal(got[:offSeq], want[:offSeq]) && bytes.Equal(got[offRest:], want[offRest:])
}
