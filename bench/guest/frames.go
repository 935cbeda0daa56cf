package guest

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"govs/packet"
)

// Frames are of 64 bytes with the four of the checksum that DPDK does not carry: 60 here.
const (
	FrameLen = 60
	OffSum   = 14 + 10
	OffSrc   = 14 + 12
	OffDst   = 14 + 16
	OffPorts = 14 + 20
	OffSeq   = 14 + 28 // number of the packet within its flow
	OffTime  = OffSeq + 8
	OffRest  = OffTime + 8
)

// Template is a UDP packet from the network to 192.168.0.0 with zero ports and a right header checksum.
func Template(network uint32, mac byte) []byte {
	b := []byte{0x50, 0x54, 0, 0, 0, 0xbb, 0x50, 0x54, 0, 0, 0, mac, 0x08, 0x00, 0x45, 0, 0, FrameLen - 14, 0, 0, 0, 0, 64, 17, 0, 0}
	b = binary.BigEndian.AppendUint32(b, network)
	b = binary.BigEndian.AppendUint32(b, 192<<24|168<<16)
	b = append(b, 0, 0, 0, 0, 0, FrameLen-34, 0, 0)
	b = append(b, make([]byte, FrameLen-len(b))...)
	binary.BigEndian.PutUint16(b[OffSum:], packet.Checksum(b[14:34]))
	return b
}

// SetTuple writes the n-th five-tuple of a network over a copy of its template; each n below 2^48 has its own.
func SetTuple(b []byte, network uint32, n uint64) {
	src := network | uint32(n)&0xffffff
	port := uint16(n >> 24)
	dst := uint32(192<<24|168<<16) | uint32(n*0x9e37>>4)&0xffff
	sum := packet.Update32(binary.BigEndian.Uint16(b[OffSum:]), network, src)
	sum = packet.Update32(sum, 192<<24|168<<16, dst)
	binary.BigEndian.PutUint16(b[OffSum:], sum)
	binary.BigEndian.PutUint32(b[OffSrc:], src)
	binary.BigEndian.PutUint32(b[OffDst:], dst)
	binary.BigEndian.PutUint16(b[OffPorts:], 1024+port)
	binary.BigEndian.PutUint16(b[OffPorts+2:], uint16(7+n%31))
}

// MatchOf is the n-th five-tuple of a network as an ovs-ofctl match.
func MatchOf(network uint32, n uint64) string {
	b := Template(network, 0)
	SetTuple(b, network, n)
	return fmt.Sprintf("udp,nw_src=%s,nw_dst=%s,tp_src=%d,tp_dst=%d", ip(b[OffSrc:]), ip(b[OffDst:]),
		binary.BigEndian.Uint16(b[OffPorts:]), binary.BigEndian.Uint16(b[OffPorts+2:]))
}

func ip(b []byte) string { return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3]) }

// Same says whether got is the frame want but for its number and time.
func Same(got, want []byte) bool {
	return len(got) == len(want) && bytes.Equal(got[:OffSeq], want[:OffSeq]) && bytes.Equal(got[OffRest:], want[OffRest:])
}
