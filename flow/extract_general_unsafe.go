package flow

import (
	"unsafe"

	"govs/packet"
)

// ethTypeNone is the eth_type of an 802.2 frame without a SNAP header, or with one that is not an Ethernet type.
const ethTypeNone = 0x05ff

// extractSlow parses any packet; see Extract. It is slow only beside extract's inlined case.
func extractSlow(d unsafe.Pointer, size, total int, inPort uint32, vlanLimit int, k *Key) (int, Layers) {
	l := noLayers
	k[WInPort] = uint64(inPort) << 32
	k[WIPv4], k[WL4], k[WVLAN] = 0, 0, 0
	if size < packet.EthHdrLen {
		k[WEthDst], k[WEthSrc] = 0, 0
		return LenBase, l
	}
	if size > NoLayer-1 {
		size = NoLayer - 1 // offsets are 16 bits
	}
	k[WEthSrc] = be64(d, packet.EthSrc) &^ 0xffff
	o := packet.EthType
	if t := be16(d, o); t == packet.EtherTypeVLAN || t == packet.EtherTypeQinQ {
		o, k[WVLAN] = vlans(d, o, size, vlanLimit)
	}
	ethType, o := etherType(d, o, size)
	k[WEthDst] = be64(d, packet.EthDst)&^0xffff | uint64(ethType)
	n := LenBase
	if ethType == packet.EtherTypeMPLS || ethType == packet.EtherTypeMPLSM {
		l.L25 = uint16(o)
		o = mplsLabels(d, o, size, k)
		n = LenMPLS
	}
	l.L3 = uint16(o)
	switch ethType {
	case packet.EtherTypeIPv4:
		n = extractIPv4(d, o, size, total, k, &l)
	case packet.EtherTypeIPv6:
		n = extractIPv6(d, o, size, total, k, &l)
	case packet.EtherTypeARP, packet.EtherTypeRARP:
		extractARP(d, o, size, k)
		n = LenARP
	case packet.EtherTypeNSH:
		extractNSH(d, o, size, k)
		n = LenIPv6
	}
	return n, l
}

// vlans reads up to limit tags at o and returns the offset of the type behind them and the VLAN word. A tag counts only if the
// type behind it is there too.
func vlans(d unsafe.Pointer, o, size, limit int) (int, uint64) {
	word := uint64(0)
	for i := 0; i < limit && i < MaxVLANs; i++ {
		t := be16(d, o)
		if t != packet.EtherTypeVLAN && t != packet.EtherTypeQinQ || o+packet.VLANHdrLen+2 > size {
			break
		}
		word |= (uint64(be32(d, o)) | VLANPresent) << (32 - 32*i)
		o += packet.VLANHdrLen
	}
	return o, word
}

// etherType reads the Ethernet type at o, through an 802.2 LLC and SNAP header if there is one, and returns the offset behind it.
func etherType(d unsafe.Pointer, o, size int) (uint16, int) {
	t := be16(d, o)
	o += 2
	if t >= packet.EthTypeMin {
		return t, o
	}
	const hdr = packet.LLCHdrLen + packet.SNAPHdrLen
	if o+hdr > size || be64(d, o)>>16 != packet.LLCSNAP<<24 {
		return ethTypeNone, o
	}
	if t = be16(d, o+packet.SNAPType); t < packet.EthTypeMin {
		return ethTypeNone, o + hdr
	}
	return t, o + hdr
}

// mplsLabels reads the label stack at o: the first MaxMPLS entries go to the key, the whole stack is skipped.
func mplsLabels(d unsafe.Pointer, o, size int, k *Key) int {
	clear(k[LenBase:LenMPLS])
	for i := 0; o+packet.MPLSHdrLen <= size; i++ {
		lse := be32(d, o)
		o += packet.MPLSHdrLen
		if i < MaxMPLS {
			k[WMPLS+i/2] |= uint64(lse) << (32 - 32*(i%2))
		}
		if lse&packet.MPLSBoS != 0 {
			break
		}
	}
	return o
}

func extractARP(d unsafe.Pointer, o, size int, k *Key) {
	clear(k[LenBase:LenARP])
	// Hardware type Ethernet, protocol IPv4, address lengths 6 and 4.
	if o+packet.ARPHdrLen > size || be64(d, o)>>16 != 0x0001_0800_0604 {
		return
	}
	if op := be16(d, o+packet.ARPOp); op <= 0xff {
		k[WL4] = uint64(op) << 56
	}
	k[WIPv4] = uint64(be32(d, o+packet.ARPSPA))<<32 | uint64(be32(d, o+packet.ARPTPA))
	k[WARPSha] = be64(d, o+packet.ARPSHA) &^ 0xffff
	k[WARPTha] = be64(d, o+packet.ARPTHA) &^ 0xffff
}

func extractIPv4(d unsafe.Pointer, o, size, total int, k *Key, l *Layers) int {
	if o+packet.IPv4HdrLen > size {
		return LenBase
	}
	hdr := int(u8(d, o)&0x0f) * 4
	totLen := int(be16(d, o+packet.IPv4TotLen))
	if hdr < packet.IPv4HdrLen || o+hdr > size || totLen > total-o || hdr > totLen {
		return LenBase
	}
	if o+totLen < size {
		size = o + totLen // the rest is padding
	}
	k[WIPv4] = be64(d, o+packet.IPv4Src)
	proto, frag := u8(d, o+packet.IPv4Proto), uint64(0)
	if f := be16(d, o+packet.IPv4Frag); f&(packet.IPv4MF|packet.IPv4FragMask) != 0 {
		frag = FragAny
		if f&packet.IPv4FragMask != 0 {
			frag |= FragLater
		}
	}
	k[WL4] = uint64(proto)<<56 | uint64(u8(d, o+packet.IPv4TOS))<<48 | uint64(u8(d, o+packet.IPv4TTL))<<40 | frag<<32
	n := LenBase
	if proto == packet.ProtoIGMP {
		clear(k[LenBase:LenMPLS])
		n = LenMPLS
	}
	if frag&FragLater == 0 {
		l.L4 = uint16(o + hdr)
		extractL4(d, o+hdr, size, proto, k, l)
	}
	return n
}

func extractIPv6(d unsafe.Pointer, o, size, total int, k *Key, l *Layers) int {
	k[WIPv6Misc] = 0
	if o+packet.IPv6HdrLen > size || int(be16(d, o+packet.IPv6PayloadLen)) > total-o-packet.IPv6HdrLen {
		clear(k[LenBase:LenIPv6])
		return LenIPv6
	}
	k[WIPv6Src], k[WIPv6Src+1] = be64(d, o+packet.IPv6Src), be64(d, o+packet.IPv6Src+8)
	k[WIPv6Dst], k[WIPv6Dst+1] = be64(d, o+packet.IPv6Dst), be64(d, o+packet.IPv6Dst+8)
	if end := o + packet.IPv6HdrLen + int(be16(d, o+packet.IPv6PayloadLen)); end < size {
		size = end
	}
	vtf := be32(d, o)
	proto, frag := u8(d, o+packet.IPv6NextHdr), uint64(0)
	l4 := o + packet.IPv6HdrLen
	if isExtHdr(proto) {
		var ok bool
		if l4, proto, frag, ok = extHdrs(d, l4, size, proto); !ok {
			return LenIPv6
		}
	}
	k[WIPv6Misc] = uint64(vtf&packet.IPv6LabelMask) << 32
	k[WL4] = uint64(proto)<<56 | uint64(vtf>>20&0xff)<<48 | uint64(u8(d, o+packet.IPv6HopLimit))<<40 | frag<<32
	if frag&FragLater != 0 {
		return LenIPv6
	}
	l.L4 = uint16(l4)
	if proto == packet.ProtoICMPv6 {
		return extractICMPv6(d, l4, size, k, l)
	}
	extractL4(d, l4, size, proto, k, l)
	return LenIPv6
}

// isExtHdr reports whether the next header is an extension header that is skipped.
func isExtHdr(proto uint8) bool {
	switch proto {
	case packet.ExtHdrHopByHop, packet.ExtHdrRouting, packet.ExtHdrDstOptions, packet.ExtHdrAH, packet.ExtHdrFragment:
		return true
	}
	return false
}

// extHdrs skips the extension headers at o (RFC 8200 section 4). A later fragment ends them, with protocol 44. It is false if
// one is truncated.
func extHdrs(d unsafe.Pointer, o, size int, proto uint8) (l4 int, _ uint8, frag uint64, ok bool) {
	for isExtHdr(proto) {
		if o+packet.IPv6ExtMinLen > size {
			return o, proto, frag, false
		}
		next, n := u8(d, o+packet.IPv6ExtNextHdr), (int(u8(d, o+packet.IPv6ExtLen))+1)*8
		switch proto {
		case packet.ExtHdrAH:
			n = (int(u8(d, o+packet.IPv6ExtLen)) + 2) * 4
		case packet.ExtHdrFragment:
			n = packet.IPv6FragHdrLen
			if off := be16(d, o+packet.IPv6FragOff); off != 0 {
				frag = FragAny
				if off&packet.IPv6FragOffMask != 0 {
					return o + n, packet.ExtHdrFragment, FragAny | FragLater, true
				}
			}
		}
		if o+n > size {
			return o, proto, frag, false
		}
		o += n
		proto = next
	}
	return o, proto, frag, true
}

// extractL4 reads the transport header at o, if there is a whole one.
func extractL4(d unsafe.Pointer, o, size int, proto uint8, k *Key, l *Layers) {
	switch proto {
	case packet.ProtoTCP:
		if o+packet.TCPHdrLen <= size {
			flags, payload := tcpCtl(d, o, size)
			if payload != NoLayer {
				k[WEthSrc] |= flags
				k[WL4] |= uint64(be32(d, o))
				l.Payload = payload
			}
		}
	case packet.ProtoUDP:
		if o+packet.UDPHdrLen <= size {
			k[WL4] |= uint64(be32(d, o))
			l.Payload = uint16(o + packet.UDPHdrLen)
		}
	case packet.ProtoSCTP:
		if o+packet.SCTPHdrLen <= size {
			k[WL4] |= uint64(be32(d, o))
			l.Payload = uint16(o + packet.SCTPHdrLen)
		}
	case packet.ProtoICMP, packet.ProtoICMPv6: // the latter only over IPv4, where it means nothing
		if o+packet.ICMPHdrLen <= size {
			k[WL4] |= typeCode(d, o)
			l.Payload = uint16(o + packet.ICMPHdrLen)
		}
	case packet.ProtoIGMP:
		if o+packet.IGMPHdrLen <= size {
			k[WL4] |= typeCode(d, o)
			if k[WEthDst]&0xffff == packet.EtherTypeIPv4 { // over IPv6 the key is too short, and it means nothing
				k[WMPLS+1] = uint64(be32(d, o+packet.IGMPGroup))
			}
			l.Payload = uint16(o + packet.IGMPHdrLen)
		}
	}
}

// typeCode returns an ICMP or IGMP type and code as they stand in word WL4.
func typeCode(d unsafe.Pointer, o int) uint64 {
	t := be16(d, o)
	return uint64(t>>8)<<16 | uint64(t&0xff)
}

func extractICMPv6(d unsafe.Pointer, o, size int, k *Key, l *Layers) int {
	if o+packet.ICMPHdrLen > size {
		return LenIPv6
	}
	tc := typeCode(d, o)
	k[WL4] |= tc
	l.Payload = uint16(o + packet.ICMPHdrLen)
	if tc != packet.ND_NS<<16 && tc != packet.ND_NA<<16 {
		return LenIPv6
	}
	clear(k[LenIPv6:LenND])
	extractND(d, o, size, k)
	return LenND
}

// extractND reads a neighbour solicitation or advertisement (RFC 4861 sections 4.3, 4.4, 4.6.1) at o.
func extractND(d unsafe.Pointer, o, size int, k *Key) {
	k[WIPv6Misc] |= uint64(be32(d, o+packet.NDReserved))
	if o+packet.NDHdrLen > size {
		return
	}
	var lla [2]uint64 // source, target
	optType := uint64(0)
	target := o + packet.NDTarget
	for o += packet.NDHdrLen; o+8 <= size; {
		n := int(u8(d, o+packet.NDOptLen)) * 8
		if n == 0 || o+n > size {
			break // the options before count
		}
		if t := u8(d, o+packet.NDOptType); n == 8 && (t == packet.NDOptSrcLLA || t == packet.NDOptDstLLA) {
			if lla[t-1] != 0 {
				return // given twice: neither target nor options count
			}
			lla[t-1] = be64(d, o) << 16
			if optType == 0 {
				optType = uint64(t)
			}
		}
		o += n
	}
	k[WNDTarget], k[WNDTarget+1] = be64(d, target), be64(d, target+8)
	k[WARPSha], k[WARPTha] = lla[0]|optType, lla[1]
}

// NSH base and service path headers (RFC 8300 section 2).
const (
	nshBaseLen = 8
	nshMD1Len  = 24
	nshMD1     = 1
	nshMD2     = 2
)

// extractNSH reads the network service header at o.
func extractNSH(d unsafe.Pointer, o, size int, k *Key) {
	clear(k[LenBase:LenIPv6])
	if o+nshBaseLen > size {
		return
	}
	head := be32(d, o) // version:2 oam:1 unassigned:1 ttl:6 length:6 mdtype:8 (4 of them unassigned) np:8
	ver, length, mdtype := head>>30, int(head>>16&0x3f)*4, head>>8&0xff
	if ver != 0 || length > size-o || mdtype == nshMD1 && length != nshMD1Len || mdtype == nshMD2 && length < nshBaseLen {
		return
	}
	k[WIPv6Src] = uint64(head>>28&0x3)<<56 | uint64(head>>22&0x3f)<<48 | uint64(mdtype)<<40 | uint64(head&0xff)<<32 | uint64(be32(d, o+4))
	if mdtype == nshMD1 {
		k[WIPv6Src+1], k[WIPv6Dst] = be64(d, o+8), be64(d, o+16)
	}
}
