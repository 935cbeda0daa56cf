package actions

import (
	"math/bits"
	"unsafe"

	"govs/flow"
	"govs/packet"
)

// ld16, ld32, ld64, st16, st32 and st64 load and store big-endian integers in a packet. The caller has checked that they are there.
func ld16(d unsafe.Pointer, o int) uint16 { return bits.ReverseBytes16(*(*uint16)(unsafe.Add(d, o))) }
func ld32(d unsafe.Pointer, o int) uint32 { return bits.ReverseBytes32(*(*uint32)(unsafe.Add(d, o))) }
func ld64(d unsafe.Pointer, o int) uint64 { return bits.ReverseBytes64(*(*uint64)(unsafe.Add(d, o))) }

func st16(d unsafe.Pointer, o int, v uint16) {
	*(*uint16)(unsafe.Add(d, o)) = bits.ReverseBytes16(v)
}

func st32(d unsafe.Pointer, o int, v uint32) {
	*(*uint32)(unsafe.Add(d, o)) = bits.ReverseBytes32(v)
}

func st64(d unsafe.Pointer, o int, v uint64) {
	*(*uint64)(unsafe.Add(d, o)) = bits.ReverseBytes64(v)
}

// delta returns what replacing old by new adds to a one's complement sum (RFC 1071); both are aligned as in the packet. The
// result has at most 18 bits; that of equal words is a multiple of 0xffff, which is zero.
func delta(old, new uint64) uint32 {
	s, carry := bits.Add64(^old, new, 0)
	s += carry
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	return uint32(s)
}

// adjust adds a delta to the checksum at o.
func adjust(d unsafe.Pointer, o int, add uint32) {
	sum := uint32(^ld16(d, o)) + add
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	st16(d, o, ^uint16(sum))
}

// adjustUDP is adjust for a UDP checksum: 0 says that there is none, and a computed 0 is sent as 0xffff (RFC 768).
func adjustUDP(d unsafe.Pointer, o int, add uint32) {
	if ld16(d, o) == 0 {
		return
	}
	adjust(d, o, add)
	if ld16(d, o) == 0 {
		st16(d, o, 0xffff)
	}
}

// adjustL4 adds a change of the pseudo header to the transport checksum.
func adjustL4(p *packet.Buf, l4 int, proto uint8, add uint32) {
	d, size := p.Data(), p.SegLen()-l4
	switch proto {
	case packet.ProtoTCP:
		if size >= packet.TCPHdrLen {
			adjust(d, l4+packet.TCPCsum, add)
		}
	case packet.ProtoUDP:
		if size >= packet.UDPHdrLen {
			adjustUDP(d, l4+packet.UDPCsum, add)
		}
	case packet.ProtoICMPv6:
		if size >= packet.ICMPHdrLen {
			adjust(d, l4+packet.ICMPCsum, add)
		}
	}
}

func (s *Set) eth(p *packet.Buf) {
	if p.SegLen() < packet.EthHdrLen {
		return
	}
	d := p.Data()
	if s.M[1] != 0 {
		st64(d, packet.EthSrc, ld64(d, packet.EthSrc)&^s.M[1]|s.V[1])
	}
	if m := s.M[0]; m != 0 {
		st32(d, packet.EthDst, ld32(d, packet.EthDst)&^uint32(m>>32)|uint32(s.V[0]>>32))
		st16(d, packet.EthDst+4, ld16(d, packet.EthDst+4)&^uint16(m>>16)|uint16(s.V[0]>>16))
	}
}

func (s *Set) ipv4(p *packet.Buf, l *flow.Layers) {
	o := int(l.L3)
	if o+packet.IPv4HdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	add := uint32(0)
	if m := s.M[0]; m != 0 {
		old := ld64(d, o+packet.IPv4Src)
		v := old&^m | s.V[0]
		st64(d, o+packet.IPv4Src, v)
		add = delta(old, v)
		if l.L4 != flow.NoLayer {
			if proto := *(*uint8)(unsafe.Add(d, o+packet.IPv4Proto)); proto == packet.ProtoTCP || proto == packet.ProtoUDP {
				adjustL4(p, int(l.L4), proto, add)
			}
		}
	}
	if m := uint8(s.M[1] >> 48); m != 0 {
		b := (*uint8)(unsafe.Add(d, o+packet.IPv4TOS))
		v := *b&^m | uint8(s.V[1]>>48)
		add += delta(uint64(*b), uint64(v))
		*b = v
	}
	if m := uint8(s.M[1] >> 40); m != 0 {
		b := (*uint8)(unsafe.Add(d, o+packet.IPv4TTL))
		v := *b&^m | uint8(s.V[1]>>40)
		add += delta(uint64(*b)<<8, uint64(v)<<8)
		*b = v
	}
	adjust(d, o+packet.IPv4Csum, add)
}

// l4Proto returns the protocol of the transport header of an IPv6 packet and whether a routing header comes before it. The
// headers were checked by Extract, which found l.L4.
func l4Proto(p *packet.Buf, l *flow.Layers) (proto uint8, routed bool) {
	d := p.Data()
	o := int(l.L3)
	proto = *(*uint8)(unsafe.Add(d, o+packet.IPv6NextHdr))
	for o += packet.IPv6HdrLen; o < int(l.L4) && o+packet.IPv6ExtMinLen <= p.SegLen(); {
		n := (int(*(*uint8)(unsafe.Add(d, o+packet.IPv6ExtLen))) + 1) * 8
		switch proto {
		case packet.ExtHdrRouting:
			const segmentsLeft = 3 // RFC 8200 section 4.4
			routed = routed || *(*uint8)(unsafe.Add(d, o+segmentsLeft)) > 0
		case packet.ExtHdrAH:
			n = n/2 + 4
		case packet.ExtHdrFragment:
			n = packet.IPv6FragHdrLen
		}
		proto = *(*uint8)(unsafe.Add(d, o+packet.IPv6ExtNextHdr))
		o += n
	}
	return proto, routed
}

func (s *Set) ipv6(p *packet.Buf, l *flow.Layers) {
	o := int(l.L3)
	if o+packet.IPv6HdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	add := [2]uint32{}
	for i := 0; i < 4; i++ {
		if m := s.M[i]; m != 0 {
			old := ld64(d, o+packet.IPv6Src+8*i)
			v := old&^m | s.V[i]
			st64(d, o+packet.IPv6Src+8*i, v)
			add[i/2] += delta(old, v)
		}
	}
	if add != [2]uint32{} && l.L4 != flow.NoLayer {
		proto, routed := l4Proto(p, l)
		if routed {
			add[1] = 0 // the pseudo header has the final destination, which lies in the routing header
		}
		adjustL4(p, int(l.L4), proto, add[0]+add[1])
	}
	m := uint32(s.M[4]>>32)&packet.IPv6LabelMask | uint32(s.M[5]>>48&0xff)<<20
	if m != 0 {
		v := uint32(s.V[4]>>32)&packet.IPv6LabelMask | uint32(s.V[5]>>48&0xff)<<20
		st32(d, o, ld32(d, o)&^m|v&m)
	}
	if m := uint8(s.M[5] >> 40); m != 0 {
		b := (*uint8)(unsafe.Add(d, o+packet.IPv6HopLimit))
		*b = *b&^m | uint8(s.V[5]>>40)
	}
}

// ports edits the ports of TCP or UDP, whose checksum is csum bytes into the header.
func (s *Set) ports(p *packet.Buf, l *flow.Layers, csum, hdrLen int, udp bool) {
	o := int(l.L4)
	if o+hdrLen > p.SegLen() {
		return // including NoLayer
	}
	d := p.Data()
	old := ld32(d, o)
	v := old&^uint32(s.M[0]) | uint32(s.V[0])
	st32(d, o, v)
	if add := delta(uint64(old), uint64(v)); udp {
		adjustUDP(d, o+csum, add)
	} else {
		adjust(d, o+csum, add)
	}
}

// sctp edits ports. The CRC32c cannot be updated in place: the difference between the right sums before and after goes into it,
// so that a wrong one stays wrong.
func (s *Set) sctp(p *packet.Buf, l *flow.Layers) {
	o := int(l.L4)
	if o+packet.SCTPHdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	n := l4Len(p, l)
	table := packet.MakeCRC32c()
	before := p.SCTPChecksum(o, n, table)
	st32(d, o, ld32(d, o)&^uint32(s.M[0])|uint32(s.V[0]))
	diff := before ^ p.SCTPChecksum(o, n, table)
	*(*uint32)(unsafe.Add(d, o+packet.SCTPCsum)) ^= diff // little-endian on the wire
}

// l4Len returns the length of the transport header and its data, from the network header: a frame may be padded.
func l4Len(p *packet.Buf, l *flow.Layers) int {
	d, o := p.Data(), int(l.L3)
	end := p.Len()
	if *(*uint8)(unsafe.Add(d, o))>>4 == 6 {
		end = min(end, o+packet.IPv6HdrLen+int(ld16(d, o+packet.IPv6PayloadLen)))
	} else {
		end = min(end, o+int(ld16(d, o+packet.IPv4TotLen)))
	}
	return max(end-int(l.L4), 0)
}

func (s *Set) icmp(p *packet.Buf, l *flow.Layers) {
	o := int(l.L4)
	if o+packet.ICMPHdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	m, v := uint16(s.M[0]>>16&0xff<<8|s.M[0]&0xff), uint16(s.V[0]>>16&0xff<<8|s.V[0]&0xff)
	old := ld16(d, o)
	st16(d, o, old&^m|v&m)
	adjust(d, o+packet.ICMPCsum, delta(uint64(old), uint64(old&^m|v&m)))
}

func (s *Set) arp(p *packet.Buf, l *flow.Layers) {
	o := int(l.L3)
	if o+packet.ARPHdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	if m := uint32(s.M[0] >> 32); m != 0 {
		st32(d, o+packet.ARPSPA, ld32(d, o+packet.ARPSPA)&^m|uint32(s.V[0]>>32))
	}
	if m := uint32(s.M[0]); m != 0 {
		st32(d, o+packet.ARPTPA, ld32(d, o+packet.ARPTPA)&^m|uint32(s.V[0]))
	}
	if m := uint16(s.M[1] >> 56); m != 0 {
		st16(d, o+packet.ARPOp, ld16(d, o+packet.ARPOp)&^(m|0xff00)|uint16(s.V[1]>>56))
	}
	if m := s.M[2]; m != 0 {
		st64(d, o+packet.ARPSHA, ld64(d, o+packet.ARPSHA)&^m|s.V[2])
	}
	if m := s.M[3]; m != 0 {
		st64(d, o+packet.ARPTHA, ld64(d, o+packet.ARPTHA)&^m|s.V[3])
	}
}

// nd edits a neighbour discovery message: target and link layer addresses, where it has those options.
func (s *Set) nd(p *packet.Buf, l *flow.Layers) {
	o := int(l.L4)
	if o+packet.NDHdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	add := uint32(0)
	for i := 0; i < 2; i++ {
		old := ld64(d, o+packet.NDTarget+8*i)
		v := old&^s.M[i] | s.V[i]
		st64(d, o+packet.NDTarget+8*i, v)
		add += delta(old, v)
		add = add>>16 + add&0xffff
	}
	for i := 0; i < 2; i++ {
		if s.M[2+i]>>16 == 0 {
			continue
		}
		if at := ndOption(p, l, uint8(packet.NDOptSrcLLA+i)); at != 0 {
			old := ld64(d, at)
			v := old&^(s.M[2+i]>>16) | s.V[2+i]>>16
			st64(d, at, v)
			add += delta(old, v)
			add = add>>16 + add&0xffff
		}
	}
	adjust(d, o+packet.ICMPCsum, add)
}

// ndOption returns the offset of the option with that type and a length of 8 bytes, or of the first option for type 0, or 0.
func ndOption(p *packet.Buf, l *flow.Layers, typ uint8) int {
	d := p.Data()
	end := min(p.SegLen(), int(l.L4)+l4Len(p, l))
	for o := int(l.L4) + packet.NDHdrLen; o+8 <= end; {
		n := int(*(*uint8)(unsafe.Add(d, o+packet.NDOptLen))) * 8
		if n == 0 || o+n > end {
			return 0
		}
		if t := *(*uint8)(unsafe.Add(d, o)); n == 8 && (t == typ || typ == 0 && (t == packet.NDOptSrcLLA || t == packet.NDOptDstLLA)) {
			return o
		}
		o += n
	}
	return 0
}

// ndExt edits the reserved word and the type of the link layer address option.
func (s *Set) ndExt(p *packet.Buf, l *flow.Layers) {
	o := int(l.L4)
	if o+packet.ICMPHdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	old := ld32(d, o+packet.NDReserved)
	v := old&^uint32(s.M[0]) | uint32(s.V[0])
	st32(d, o+packet.NDReserved, v)
	add := delta(uint64(old), uint64(v))
	if m := uint8(s.M[1]); m != 0 {
		if at := ndOption(p, l, 0); at != 0 {
			b := (*uint8)(unsafe.Add(d, at))
			w := *b&^m | uint8(s.V[1])
			add += delta(uint64(*b)<<8, uint64(w)<<8)
			*b = w
		}
	}
	adjust(d, o+packet.ICMPCsum, add)
}

func (s *Set) mpls(p *packet.Buf, l *flow.Layers) {
	o := int(l.L25)
	if o+packet.MPLSHdrLen > p.SegLen() {
		return
	}
	d := p.Data()
	st32(d, o, ld32(d, o)&^uint32(s.M[0]>>32)|uint32(s.V[0]>>32))
}

func (s *Set) nsh(p *packet.Buf, l *flow.Layers) {
	o := int(l.L3)
	if o+8 > p.SegLen() {
		return
	}
	d := p.Data()
	conv := func(v uint64) uint32 { return uint32(v>>56&3)<<28 | uint32(v>>48&0x3f)<<22 }
	st32(d, o, ld32(d, o)&^conv(s.M[0])|conv(s.V[0]))
	st32(d, o+4, ld32(d, o+4)&^uint32(s.M[0])|uint32(s.V[0]))
	if (s.M[1]|s.M[2]) != 0 && o+24 <= p.SegLen() {
		st64(d, o+8, ld64(d, o+8)&^s.M[1]|s.V[1])
		st64(d, o+16, ld64(d, o+16)&^s.M[2]|s.V[2])
	}
}

func isVLAN(t uint16) bool { return t == packet.EtherTypeVLAN || t == packet.EtherTypeQinQ }

func (s *Set) vlan(p *packet.Buf) {
	if p.SegLen() < packet.EthHdrLen+packet.VLANHdrLen {
		return
	}
	d := p.Data()
	if isVLAN(ld16(d, packet.EthType)) {
		const o = packet.EthType + packet.VLANTCI
		m := uint16(s.M[0]>>32) &^ flow.VLANPresent
		st16(d, o, ld16(d, o)&^m|uint16(s.V[0]>>32)&m)
	}
}

// shift moves the offsets of all headers by n bytes. It deals with the four of them, which are 16-bit lanes of a word, at once.
func shift(l *flow.Layers, n int) {
	const ones, tops = 0x0001_0001_0001_0001, 0x8000_8000_8000_8000
	w := (*uint64)(unsafe.Pointer(l))
	x, by := *w, uint64(uint16(n))*ones
	sum := (x&^tops + by&^tops) ^ (x^by)&tops // no carry from lane to lane
	there := (^x&^tops + ^uint64(tops) | ^x) & tops
	there = there >> 15 * 0xffff // of the lanes that are not NoLayer
	*w = sum&there | x&^there
}

// Layers is four 16-bit offsets.
var _ = [1]struct{}{}[unsafe.Sizeof(flow.Layers{})-8]

func pushVLAN(tag uint32, ps []*packet.Buf, ls []flow.Layers) (failed uint32) {
	tag &^= flow.VLANPresent // the CFI bit of the key says only that there is a tag
	for i, p := range ps {
		if p.SegLen() < packet.EthHdrLen {
			continue
		}
		if !p.Push(packet.VLANHdrLen) {
			failed |= 1 << i
			continue
		}
		d := p.Data()
		a, b := ld64(d, packet.VLANHdrLen), ld32(d, packet.VLANHdrLen+8)
		st64(d, 0, a)
		st32(d, 8, b)
		st32(d, packet.EthType, tag)
		shift(&ls[i], packet.VLANHdrLen)
	}
	return failed
}

func popVLAN(ps []*packet.Buf, ls []flow.Layers) {
	for i, p := range ps {
		d := p.Data()
		if p.SegLen() < packet.EthHdrLen+packet.VLANHdrLen || !isVLAN(ld16(d, packet.EthType)) {
			continue
		}
		a, b := ld64(d, 0), ld32(d, 8)
		st32(d, packet.VLANHdrLen+8, b)
		st64(d, packet.VLANHdrLen, a)
		p.Pop(packet.VLANHdrLen)
		shift(&ls[i], -packet.VLANHdrLen)
	}
}

func pushMPLS(lse uint32, ethType uint16, ps []*packet.Buf, ls []flow.Layers) (failed uint32) {
	for i, p := range ps {
		l := &ls[i]
		at := int(l.L25)
		if l.L25 == flow.NoLayer {
			at = int(l.L3)
		}
		if at > p.SegLen() || at < packet.EthHdrLen {
			continue
		}
		if !p.Push(packet.MPLSHdrLen) {
			failed |= 1 << i
			continue
		}
		b := p.Bytes()
		copy(b[:at], b[packet.MPLSHdrLen:packet.MPLSHdrLen+at])
		st16(p.Data(), at-2, ethType)
		st32(p.Data(), at, lse)
		shift(l, packet.MPLSHdrLen)
		l.L25 = uint16(at)
	}
	return failed
}

func popMPLS(ethType uint16, ps []*packet.Buf, ls []flow.Layers) {
	for i, p := range ps {
		l := &ls[i]
		at := int(l.L25)
		if at+packet.MPLSHdrLen > p.SegLen() || at < packet.EthHdrLen {
			continue
		}
		st16(p.Data(), at-2, ethType)
		b := p.Bytes()
		copy(b[packet.MPLSHdrLen:packet.MPLSHdrLen+at], b[:at])
		p.Pop(packet.MPLSHdrLen)
		shift(l, -packet.MPLSHdrLen)
		l.L25 = flow.NoLayer
		if isMPLS(ethType) {
			l.L25 = uint16(at)
		}
	}
}

func pushEth(s *Set, ethType uint16, ps []*packet.Buf, ls []flow.Layers) (failed uint32) {
	for i, p := range ps {
		if !p.Push(packet.EthHdrLen) {
			failed |= 1 << i
			continue
		}
		d := p.Data()
		st64(d, packet.EthSrc, s.V[1]|uint64(ethType))
		st32(d, packet.EthDst, uint32(s.V[0]>>32))
		st16(d, packet.EthDst+4, uint16(s.V[0]>>16))
		shift(&ls[i], packet.EthHdrLen)
	}
	return failed
}

func popEth(ps []*packet.Buf, ls []flow.Layers) {
	for i, p := range ps {
		if ls[i].L3 == flow.NoLayer {
			continue
		}
		n := int(ls[i].L3)
		if ls[i].L25 != flow.NoLayer {
			n = int(ls[i].L25)
		}
		if p.Pop(n) {
			shift(&ls[i], -n)
		}
	}
}
