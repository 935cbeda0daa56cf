package flow

import (
	"unsafe"

	"govs/packet"
)

// maxLikeWords is the most 8-byte words that a Like compares: enough for all headers of TCP over IPv6 with two tags.
const maxLikeWords = 12

// Like recognizes packets that Extract would give the same key, under a mask, as one packet before them, from their raw bytes
// and without extracting the key. It knows TCP and UDP over IPv4 without options or over IPv6 without extension headers, unfragmented, in one
// segment as far as the headers go, with up to two VLAN tags.
//
// The zero Like recognizes nothing. It is used by one goroutine.
type Like struct {
	words  int                   // words to compare, 0: nothing is alike
	off    [maxLikeWords]uintptr // of each word in the packet
	mask   [maxLikeWords]uint64
	value  [maxLikeWords]uint64
	end    int     // offset behind the words, and behind the transport header
	lenOff uintptr // of the IP length field
	base   int     // what that length is counted from
	minLen int     // the least length that holds the transport header
	tcp    uintptr // offset of the TCP header's flags, 0 for UDP
	layers Layers
}

// Layers are the offsets that all packets have which are alike.
func (l *Like) Layers() Layers { return l.layers }

// Reset makes l recognize nothing.
func (l *Like) Reset() { l.words = 0 }

// Set makes l recognize packets like p under m, where lay are the layers that Extract found in p on the same port, with the VLAN limit that will
// hold for the others. It returns false, and l recognizes nothing, when p is of another kind than l knows or when m
// reads a header that p has not. Metadata that received packets have as zeros may be read.
func (l *Like) Set(p *packet.Buf, lay Layers, m *Mask) bool {
	l.words = 0
	d := p.Data()
	o, l4 := int(lay.L3), int(lay.L4)
	if lay.L25 != NoLayer || lay.L4 == NoLayer || lay.Payload == NoLayer {
		return false
	}
	tags := (o - packet.EthHdrLen) / packet.VLANHdrLen
	if tags > MaxVLANs || o != packet.EthHdrLen+tags*packet.VLANHdrLen {
		return false // the type is behind an LLC header
	}
	r := rawMask{}
	r.put(packet.EthDst, 6, m[WEthDst]>>16)
	r.put(packet.EthSrc, 6, m[WEthSrc]>>16)
	for i := range tags {
		r.put(packet.EthType+packet.VLANHdrLen*i, 4, m[WVLAN]>>(32-32*i)&^VLANPresent|0xffff_0000)
	}
	r.put(o-2, 2, 0xffff)
	words := LenBase
	var proto uint8
	switch be16(d, o-2) {
	case packet.EtherTypeIPv4:
		if l4 != o+packet.IPv4HdrLen || be64(d, o)&0xff00_0000_0000_3fff != 0x4500_0000_0000_0000 {
			return false
		}
		proto = u8(d, o+packet.IPv4Proto)
		r.put(o, 8, 0xff00_0000_0000_3fff|m[WL4]&(0xff<<48))
		r.put(o+packet.IPv4TTL, 2, m[WL4]>>40<<8|0xff) // and the protocol
		r.put(o+packet.IPv4Src, 8, m[WIPv4])
		l.lenOff, l.base = uintptr(o+packet.IPv4TotLen), o
	case packet.EtherTypeIPv6:
		if l4 != o+packet.IPv6HdrLen || m[WIPv4] != 0 || m[WIPv6Misc]&0xffff_ffff != 0 {
			return false
		}
		words = LenIPv6
		proto = u8(d, o+packet.IPv6NextHdr)
		r.put(o, 4, m[WL4]>>48&0xff<<20|m[WIPv6Misc]>>32&packet.IPv6LabelMask)
		r.put(o+packet.IPv6NextHdr, 2, 0xff00|m[WL4]>>40&0xff)
		for i := range 4 {
			r.put(o+packet.IPv6Src+8*i, 8, m[WIPv6Src+i])
		}
		l.lenOff, l.base = uintptr(o+packet.IPv6PayloadLen), l4
	default:
		return false
	}
	for _, w := range m[words:WMark] {
		if w != 0 {
			return false
		}
	}
	r.put(l4, 4, m[WL4])
	l.tcp = 0
	switch proto {
	case packet.ProtoTCP:
		l.tcp = uintptr(l4 + packet.TCPFlags)
		r.put(l4+packet.TCPFlags, 2, 0xf000|m[WEthSrc]&packet.TCPFlagsMk) // the header's length counts
	case packet.ProtoUDP:
	default:
		return false
	}
	l.end, l.minLen, l.layers = int(lay.Payload), int(lay.Payload)-l.base, lay
	if l.end > p.SegLen() {
		return false
	}
	l.words = l.compile(&r, d)
	return l.words != 0
}

// rawMask has the bits of a packet's first bytes that count.
type rawMask [maxLikeWords*8 + 8]byte

// put sets the n bytes at o to the low bytes of v, big-endian.
func (r *rawMask) put(o, n int, v uint64) {
	for i := range n {
		r[o+i] |= byte(v >> (8 * (n - 1 - i)))
	}
}

// compile covers the bytes that count with words that end before l.end, and returns their number.
func (l *Like) compile(r *rawMask, d unsafe.Pointer) int {
	n := 0
	clear(l.off[:])
	clear(l.mask[:])
	clear(l.value[:])
	for i := 0; i < len(r)-8; i++ {
		if r[i] == 0 {
			continue
		}
		o := min(i, l.end-8)
		if n == maxLikeWords || o+8 <= i {
			return 0
		}
		l.off[n] = uintptr(o)
		l.mask[n] = *(*uint64)(unsafe.Pointer(&r[o]))
		l.value[n] = *(*uint64)(unsafe.Add(d, o)) & l.mask[n]
		n++
		i = o + 7
	}
	return n
}

// Match says how many leading packets of b are alike, their bytes in all, and the OR of their TCP flags.
func (l *Like) Match(b *packet.Batch) (n, bytes int, flags uint64) {
	if l.words == 0 {
		return 0, 0, 0
	}
	for n < b.N && n < packet.BatchSize {
		p := b.Bufs[n]
		d, size := p.Data(), p.SegLen()
		if size < l.end {
			return
		}
		length := int(be16(d, int(l.lenOff)))
		if length < l.minLen || length+l.base > size {
			return
		}
		x := *(*uint64)(unsafe.Add(d, l.off[0]))&l.mask[0] ^ l.value[0]
		x |= *(*uint64)(unsafe.Add(d, l.off[1]))&l.mask[1] ^ l.value[1]
		x |= *(*uint64)(unsafe.Add(d, l.off[2]))&l.mask[2] ^ l.value[2]
		x |= *(*uint64)(unsafe.Add(d, l.off[3]))&l.mask[3] ^ l.value[3]
		for i := 4; i < l.words && i < maxLikeWords; i++ {
			x |= *(*uint64)(unsafe.Add(d, l.off[i]))&l.mask[i] ^ l.value[i]
		}
		if x != 0 {
			return
		}
		if l.tcp != 0 {
			flags |= uint64(be16(d, int(l.tcp))) & packet.TCPFlagsMk
		}
		bytes += p.Len()
		n++
	}
	return
}
