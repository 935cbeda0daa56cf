package netdev

import (
	"encoding/binary"

	"govs/packet"
)

// VnetHdr is struct virtio_net_hdr (VIRTIO 1.1 section 5.1.6), which the kernel puts before a packet to say what its
// sender left to the device. Its fields are in the machine's byte order on a packet socket.
type VnetHdr struct {
	Flags                                  uint8
	GSOType                                uint8
	HdrLen, GSOSize, CsumStart, CsumOffset uint16
}

// VnetHdrLen is the size of a VnetHdr in front of a packet.
const VnetHdrLen = 10

const (
	needsCsum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM

	gsoNone  = 0
	gsoTCPv4 = 1
	gsoTCPv6 = 4
	gsoUDP   = 5    // VIRTIO_NET_HDR_GSO_UDP_L4
	gsoECN   = 0x80 // the first segment carries CWR
)

// ParseVnetHdr reads the header at the beginning of b, which has VnetHdrLen bytes.
func ParseVnetHdr(b []byte) VnetHdr {
	return VnetHdr{
		Flags: b[0], GSOType: b[1], HdrLen: binary.NativeEndian.Uint16(b[2:]), GSOSize: binary.NativeEndian.Uint16(b[4:]),
		CsumStart: binary.NativeEndian.Uint16(b[6:]), CsumOffset: binary.NativeEndian.Uint16(b[8:]),
	}
}

// Segmenter cuts one packet that the kernel handed over into the frames that a device would have put on the wire.
// The zero value has no frame left.
type Segmenter struct {
	frame []byte
	hdr   VnetHdr
	off   int // payload bytes that were cut off already
	l3    int // offset of the IP header; segmentation only
	l4    int // offset of the TCP or UDP header
	data  int // offset of the payload
	seg   int // payload bytes of a segment, 0: the frame goes as it is
	count uint16
	done  bool
}

// Set gives the segmenter a frame (aliased until Next has returned its last segment). It says false when the header
// asks for something that does not fit the frame: that packet must be dropped.
func (s *Segmenter) Set(frame []byte, h VnetHdr) bool {
	*s = Segmenter{frame: frame, hdr: h}
	if h.GSOType&^gsoECN == gsoNone {
		return h.Flags&needsCsum == 0 || int(h.CsumStart)+int(h.CsumOffset)+2 <= len(frame)
	}
	l3, proto := ipOffset(frame)
	s.l3, s.l4, s.seg = l3, int(h.CsumStart), int(h.GSOSize)
	if l3 == 0 || s.seg == 0 || h.Flags&needsCsum == 0 {
		return false
	}
	least := packet.IPv4HdrLen
	if proto == 6 {
		least = packet.IPv6HdrLen
	}
	if s.l4 < l3+least {
		return false
	}
	switch h.GSOType &^ gsoECN {
	case gsoTCPv4, gsoTCPv6:
		if len(frame) < s.l4+packet.TCPHdrLen {
			return false
		}
		s.data = s.l4 + int(frame[s.l4+packet.TCPOff]>>4)*4
		if s.data < s.l4+packet.TCPHdrLen {
			return false
		}
	case gsoUDP:
		s.data = s.l4 + packet.UDPHdrLen
	default:
		return false
	}
	return len(frame) > s.data
}

// ipOffset finds the IP header behind Ethernet and any VLAN tags; 0 when there is none.
func ipOffset(f []byte) (l3, version int) {
	at := packet.EthType
	for at+2 < len(f) {
		switch binary.BigEndian.Uint16(f[at:]) {
		case packet.EtherTypeVLAN, packet.EtherTypeQinQ:
			at += packet.VLANHdrLen
		case packet.EtherTypeIPv4:
			if f[at+2]>>4 == 4 {
				return at + 2, 4
			}
			return 0, 0
		case packet.EtherTypeIPv6:
			if f[at+2]>>4 == 6 {
				return at + 2, 6
			}
			return 0, 0
		default:
			return 0, 0
		}
	}
	return 0, 0
}

// More says whether Next has another frame.
func (s *Segmenter) More() bool { return s.frame != nil && !s.done }

// NextLen is the length of the frame that Next will write.
func (s *Segmenter) NextLen() int {
	if s.seg == 0 {
		return len(s.frame)
	}
	return s.data + min(s.seg, len(s.frame)-s.data-s.off)
}

// Next writes the next frame, with its checksums complete, to p, which is empty, and takes more buffers from a if one
// does not hold it. It says false when memory was short: that frame is lost, and p is still the caller's.
func (s *Segmenter) Next(a packet.Allocator, p *packet.Buf) bool {
	if s.seg == 0 {
		s.done = true
		if !Fill(a, p, s.frame) {
			return false
		}
		if s.hdr.Flags&needsCsum != 0 {
			p.CompleteChecksum(int(s.hdr.CsumStart), int(s.hdr.CsumOffset))
		}
		return true
	}
	n := min(s.seg, len(s.frame)-s.data-s.off)
	last := s.off+n == len(s.frame)-s.data
	head := make([]byte, 0, 256)
	head = append(head, s.frame[:s.data]...)
	s.header(head, n, last)
	ok := Fill(a, p, head) && Fill(a, p, s.frame[s.data+s.off:s.data+s.off+n])
	s.off += n
	s.count++
	s.done = last
	if !ok {
		return false
	}
	proto, at := uint8(packet.ProtoTCP), packet.TCPCsum
	if s.hdr.GSOType&^gsoECN == gsoUDP {
		proto, at = packet.ProtoUDP, packet.UDPCsum
	}
	c, ok := p.L4Checksum(s.l3, s.l4, p.Len()-s.l4, proto)
	if ok {
		p.CopyIn([]byte{byte(c >> 8), byte(c)}, s.l4+at)
	}
	return ok
}

// header adapts the copied headers to a segment of n payload bytes (RFC 9293; IPv4's identification counts up).
func (s *Segmenter) header(h []byte, n int, last bool) {
	ip, l4 := h[s.l3:], h[s.l4:]
	if ip[0]>>4 == 4 {
		binary.BigEndian.PutUint16(ip[packet.IPv4TotLen:], uint16(s.data-s.l3+n))
		binary.BigEndian.PutUint16(ip[packet.IPv4ID:], binary.BigEndian.Uint16(ip[packet.IPv4ID:])+s.count)
		if hl := int(ip[0]&15) * 4; hl >= packet.IPv4HdrLen && hl <= s.l4-s.l3 {
			binary.BigEndian.PutUint16(ip[packet.IPv4Csum:], packet.IPv4HeaderChecksum(ip[:hl]))
		}
	} else {
		binary.BigEndian.PutUint16(ip[packet.IPv6PayloadLen:], uint16(s.data-s.l3-packet.IPv6HdrLen+n))
	}
	if s.hdr.GSOType&^gsoECN == gsoUDP {
		binary.BigEndian.PutUint16(l4[packet.UDPLen:], uint16(packet.UDPHdrLen+n))
		return
	}
	const fin, psh, cwr = 0x01, 0x08, 0x80
	binary.BigEndian.PutUint32(l4[packet.TCPSeq:], binary.BigEndian.Uint32(l4[packet.TCPSeq:])+uint32(s.off))
	if !last {
		l4[packet.TCPFlags+1] &^= fin | psh
	}
	if s.count > 0 {
		l4[packet.TCPFlags+1] &^= cwr
	}
}

// Fill appends b to p, taking more buffers from a when the last segment is full; false when memory is short.
func Fill(a packet.Allocator, p *packet.Buf, b []byte) bool {
	for {
		last := p
		for last.Next() != nil {
			last = last.Next()
		}
		n := min(len(b), last.TailRoom())
		copy(p.Append(n), b)
		if b = b[n:]; len(b) == 0 {
			return true
		}
		var more packet.Batch
		a.Alloc(&more, 1)
		if more.N == 0 {
			return false
		}
		p.Chain(more.Bufs[0])
	}
}
