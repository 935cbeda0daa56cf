package packet

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// The Internet checksum (RFC 1071) here is a sum of big-endian 16-bit words in ones-complement arithmetic; partial sums
// are folded to at most 17 bits and may be added up, then Fold gives the value to store.

// Sum adds the bytes of b, as big-endian 16-bit words with a zero byte behind an odd length, to the partial sum.
func Sum(b []byte, sum uint32) uint32 {
	acc, carry := uint64(sum), uint64(0)
	for len(b) >= 32 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), 0)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[24:]), carry)
		acc, carry = bits.Add64(acc, 0, carry)
		acc += carry
		b = b[32:]
	}
	for len(b) >= 8 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), 0)
		acc += carry
		b = b[8:]
	}
	acc = acc>>32 + acc&0xffffffff
	for len(b) >= 2 {
		acc += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint64(b[0]) << 8
	}
	return reduce(acc)
}

// reduce folds a sum to 16 bits with end-around carries.
func reduce(acc uint64) uint32 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	return uint32(acc)
}

// Fold turns a partial sum into the checksum to store.
func Fold(sum uint32) uint16 { return ^uint16(reduce(uint64(sum))) }

// Checksum is the Internet checksum of b. Over data that contains its own right checksum it is 0.
func Checksum(b []byte) uint16 { return Fold(Sum(b, 0)) }

// Update16 is the checksum csum after a 16-bit word that it covers changed from old to new (RFC 1624, equation 3).
func Update16(csum, old, new uint16) uint16 {
	return Fold(uint32(^csum) + uint32(^old) + uint32(new))
}

// Update32 is Update16 for an aligned 32-bit field.
func Update32(csum uint16, old, new uint32) uint16 {
	return Fold(uint32(^csum) + uint32(uint16(^old)) + uint32(^old>>16) + uint32(uint16(new)) + new>>16)
}

// Update64 is Update16 for an aligned 64-bit field.
func Update64(csum uint16, old, new uint64) uint16 {
	return Update32(Update32(csum, uint32(old>>32), uint32(new>>32)), uint32(old), uint32(new))
}

// Update128 is Update16 for an IPv6 address.
func Update128(csum uint16, old, new *[16]byte) uint16 {
	csum = Update64(csum, binary.BigEndian.Uint64(old[:8]), binary.BigEndian.Uint64(new[:8]))
	return Update64(csum, binary.BigEndian.Uint64(old[8:]), binary.BigEndian.Uint64(new[8:]))
}

// IPv4HeaderChecksum is the checksum to store in an IPv4 header (with options), whatever is stored now. hdr has at
// least 20 bytes.
func IPv4HeaderChecksum(hdr []byte) uint16 {
	return Fold(Sum(hdr[IPv4Csum+2:], Sum(hdr[:IPv4Csum], 0)))
}

// PseudoIPv4 is the partial sum of the TCP or UDP pseudo-header (RFC 9293 section 3.1): hdr is the IPv4 header, l4Len
// the length in bytes of the transport header and its data.
func PseudoIPv4(hdr []byte, proto uint8, l4Len int) uint32 {
	return reduce(uint64(Sum(hdr[IPv4Src:IPv4Src+8], 0)) + uint64(proto) + uint64(l4Len))
}

// PseudoIPv6 is the partial sum of the IPv6 pseudo-header (RFC 8200 section 8.1): hdr is the IPv6 header, proto the
// transport protocol behind the extension headers.
func PseudoIPv6(hdr []byte, proto uint8, l4Len int) uint32 {
	return reduce(uint64(Sum(hdr[IPv6Src:IPv6Src+32], 0)) + uint64(proto) + uint64(l4Len))
}

// SumRange adds n packet bytes from offset off, over all segments, to the partial sum. It stops at the packet's end.
func (p *Buf) SumRange(off, n int, sum uint32) uint32 {
	odd := false
	for s := p; s != nil && n > 0; s = s.next {
		d := s.Bytes()
		if off >= len(d) {
			off -= len(d)
			continue
		}
		d = d[off:]
		off = 0
		if len(d) > n {
			d = d[:n]
		}
		n -= len(d)
		part := Sum(d, 0)
		if odd { // the segment began in the middle of a word
			part = uint32(bits.ReverseBytes16(uint16(reduce(uint64(part)))))
		}
		sum = reduce(uint64(sum) + uint64(part))
		if len(d)%2 == 1 {
			odd = !odd
		}
	}
	return sum
}

// L4Checksum is the checksum to store in the TCP, UDP or ICMPv6 message at offset l4 of the packet, l4Len bytes long,
// whose IPv4 or IPv6 header (chosen by its version field) is at l3 in the first segment. For UDP a sum of 0 is
// returned as 0xffff (RFC 768). The stored checksum counts as 0. It says false for another protocol or a
// header that is not there.
func (p *Buf) L4Checksum(l3, l4, l4Len int, proto uint8) (uint16, bool) {
	d := p.Bytes()
	var at int
	switch proto {
	case ProtoTCP:
		at = TCPCsum
	case ProtoUDP:
		at = UDPCsum
	case ProtoICMPv6:
		at = ICMPCsum
	default:
		return 0, false
	}
	if l3 < 0 || l4 < l3 || l4Len < at+2 || l4+l4Len > p.Len() {
		return 0, false
	}
	var sum uint32
	switch {
	case len(d) >= l3+IPv4HdrLen && d[l3]>>4 == 4:
		sum = PseudoIPv4(d[l3:], proto, l4Len)
	case len(d) >= l3+IPv6HdrLen && d[l3]>>4 == 6:
		sum = PseudoIPv6(d[l3:], proto, l4Len)
	default:
		return 0, false
	}
	sum = p.SumRange(l4, at, sum)
	sum = p.SumRange(l4+at+2, l4Len-at-2, sum)
	c := Fold(sum)
	if c == 0 && proto == ProtoUDP {
		c = 0xffff
	}
	return c, true
}

// CompleteChecksum finishes a checksum that a sender left to its device (VIRTIO 1.1 section 5.1.6.2, csum_start and
// csum_offset): the field at start+offset holds the pseudo-header's sum; it gets the checksum of everything from start
// on. It says false when the field lies outside the packet.
func (p *Buf) CompleteChecksum(start, offset int) bool {
	if start < 0 || offset < 0 || start+offset+2 > p.Len() {
		return false
	}
	c := Fold(p.SumRange(start, p.Len()-start, 0))
	if c == 0 {
		c = 0xffff
	}
	b := [2]byte{byte(c >> 8), byte(c)}
	return p.CopyIn(b[:], start+offset) == 2
}

// SCTPChecksum is the CRC32c (RFC 9260 appendix A) of the SCTP packet of n bytes at offset l4, with the stored
// checksum counting as 0. Store it with binary.LittleEndian. table is MakeCRC32c's.
func (p *Buf) SCTPChecksum(l4, n int, table *crc32.Table) uint32 {
	crc := p.crcRange(l4, min(n, SCTPCsum), 0, table)
	if n > SCTPCsum {
		zero := [4]byte{}
		crc = crc32.Update(crc, table, zero[:min(4, n-SCTPCsum)])
	}
	return p.crcRange(l4+SCTPHdrLen, n-SCTPHdrLen, crc, table)
}

// MakeCRC32c returns the table for SCTPChecksum; on amd64 and arm64 it makes crc32 use the processor's instruction.
func MakeCRC32c() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (p *Buf) crcRange(off, n int, crc uint32, table *crc32.Table) uint32 {
	for s := p; s != nil && n > 0; s = s.next {
		d := s.Bytes()
		if off >= len(d) {
			off -= len(d)
			continue
		}
		d = d[off:]
		off = 0
		if len(d) > n {
			d = d[:n]
		}
		n -= len(d)
		crc = crc32.Update(crc, table, d)
	}
	return crc
}
