package flow

import (
	"encoding/binary"
	"errors"

	"govs/packet"
)

// ErrShort says that a packet cannot be made as short as was asked for.
var ErrShort = errors.New("too small packet len")

// composePayload is the length in bytes of the payload of UDP, SYN-less TCP and echo packets when no length is asked for.
const composePayload = 64

// Compose makes a packet of which Extract would say k, with right lengths and checksums. size is the packet's length in
// bytes, filled up with zeros, and ErrShort is returned if the headers alone are longer; 0 means a default payload of
// 64 counting bytes where the protocol has one. Headers that k does not know of are left out (extension headers, options, what
// is inside MPLS), and an IPv6 fragment gets no fragment header, as in the original's netdev-dummy/receive.
func Compose(k *Key, size int) ([]byte, error) {
	be := binary.BigEndian
	b := make([]byte, packet.EthHdrLen, 256)
	putEth(b[packet.EthDst:], k.EthDst())
	putEth(b[packet.EthSrc:], k.EthSrc())
	b = b[:packet.EthType]
	for i := 0; i < MaxVLANs; i++ {
		t := uint32(k[WVLAN] >> (32 - 32*i))
		if t&VLANPresent == 0 {
			break
		}
		if t>>16 == 0 {
			t |= packet.EtherTypeVLAN << 16
		}
		b = be.AppendUint32(b, t&^VLANPresent)
	}
	typeAt := len(b)
	b = be.AppendUint16(b, k.EthType())
	llc := k.EthType() < packet.EthTypeMin
	l3 := len(b)
	switch k.EthType() {
	case packet.EtherTypeIPv4:
		b = append(b, make([]byte, packet.IPv4HdrLen)...)
		ip := b[l3:]
		ip[packet.IPv4VerIHL], ip[packet.IPv4TOS] = 0x45, k.NwTOS()
		ip[packet.IPv4TTL], ip[packet.IPv4Proto] = k.NwTTL(), k.NwProto()
		be.PutUint64(ip[packet.IPv4Src:], k[WIPv4])
		const laterOffset = 100 // any but 0
		switch {
		case k.NwFrag()&FragLater != 0:
			be.PutUint16(ip[packet.IPv4Frag:], packet.IPv4MF|laterOffset)
		case k.NwFrag() != 0:
			be.PutUint16(ip[packet.IPv4Frag:], packet.IPv4MF)
		}
	case packet.EtherTypeIPv6:
		b = be.AppendUint32(b, 6<<28|uint32(k.NwTOS())<<20|k.IPv6Label()&packet.IPv6LabelMask)
		b = append(b, 0, 0, k.NwProto(), k.NwTTL())
		for w := WIPv6Src; w < WIPv6Misc; w++ {
			b = be.AppendUint64(b, k[w])
		}
	case packet.EtherTypeARP, packet.EtherTypeRARP:
		b = composeARP(b, k)
	case packet.EtherTypeMPLS, packet.EtherTypeMPLSM:
		for i := 0; i < MaxMPLS; i++ {
			lse := mplsEntry(k, i)
			b = be.AppendUint32(b, lse)
			if lse&packet.MPLSBoS != 0 {
				break
			}
		}
	case packet.EtherTypeNSH:
		b = composeNSH(b, k)
	}
	l4 := len(b)
	ip := k.EthType() == packet.EtherTypeIPv4 || k.EthType() == packet.EtherTypeIPv6
	if ip && k.NwFrag()&FragLater == 0 {
		payload := composePayload
		if size > 0 {
			payload = 0
		}
		b = composeL4(b, k, payload)
	}
	if size > 0 {
		if size < len(b) {
			return nil, ErrShort
		}
		b = append(b, make([]byte, size-len(b))...)
	}
	if llc {
		be.PutUint16(b[typeAt:], uint16(len(b)))
	}
	if ip {
		finishIP(b, l3, l4, k)
	}
	return b, nil
}

func putEth(b []byte, v uint64) {
	binary.BigEndian.PutUint16(b, uint16(v>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(v))
}

func appendEth48(b []byte, v uint64) []byte {
	b = append(b, 0, 0, 0, 0, 0, 0)
	putEth(b[len(b)-6:], v)
	return b
}

func composeARP(b []byte, k *Key) []byte {
	be := binary.BigEndian
	b = append(b, 0, 1, 8, 0, 6, 4)
	b = be.AppendUint16(b, uint16(k.NwProto()))
	if op := k.NwProto(); op != packet.ARPRequest && op != packet.ARPReply {
		return append(b, make([]byte, packet.ARPHdrLen-packet.ARPSHA)...)
	}
	b = appendEth48(b, k.ARPSha())
	b = be.AppendUint32(b, k.NwSrc())
	b = appendEth48(b, k.ARPTha())
	return be.AppendUint32(b, k.NwDst())
}

func composeNSH(b []byte, k *Key) []byte {
	be := binary.BigEndian
	length := uint32(nshBaseLen / 4)
	if k.NSHMdType() == nshMD1 {
		length = nshMD1Len / 4
	}
	b = be.AppendUint32(b, uint32(k.NSHFlags()&3)<<28|uint32(k.NSHTTL()&0x3f)<<22|length<<16|uint32(k.NSHMdType())<<8|uint32(k.NSHNp()))
	b = be.AppendUint32(b, uint32(k[WIPv6Src]))
	if k.NSHMdType() == nshMD1 {
		b = be.AppendUint64(b, k[WIPv6Src+1])
		b = be.AppendUint64(b, k[WIPv6Dst])
	}
	return b
}

// counting appends n bytes 0, 1, 2….
func counting(b []byte, n int) []byte {
	for i := 0; i < n; i++ {
		b = append(b, byte(i))
	}
	return b
}

func composeL4(b []byte, k *Key, payload int) []byte {
	be := binary.BigEndian
	v6 := k.EthType() == packet.EtherTypeIPv6
	typeCode := []byte{byte(k.TpSrc()), byte(k.TpDst()), 0, 0}
	switch p := k.NwProto(); {
	case p == packet.ProtoTCP:
		const opening = 1<<0 | 1<<1 | 1<<2 // FIN, SYN, RST
		b = be.AppendUint32(b, uint32(k[WL4]))
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
		b = be.AppendUint16(b, 5<<12|k.TCPFlags()&packet.TCPFlagsMk)
		b = append(b, 0, 0, 0, 0, 0, 0)
		if k.TCPFlags()&opening == 0 {
			b = counting(b, payload)
		}
	case p == packet.ProtoUDP:
		b = be.AppendUint32(b, uint32(k[WL4]))
		b = counting(append(b, 0, 0, 0, 0), payload)
	case p == packet.ProtoSCTP:
		b = be.AppendUint32(b, uint32(k[WL4]))
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	case p == packet.ProtoICMP && !v6:
		const reply, request = 0, 8
		b = append(append(b, typeCode...), 0, 0, 0, 0)
		if t := k.TpSrc(); t == reply || t == request {
			b = counting(b, payload)
		}
	case p == packet.ProtoIGMP && !v6:
		b = be.AppendUint32(append(b, typeCode...), k.IGMPGroup())
	case p == packet.ProtoICMPv6 && v6:
		const request, reply = 128, 129
		b = be.AppendUint32(append(b, typeCode...), k.NDReserved())
		switch t := k.TpSrc(); {
		case k.TpDst() == 0 && (t == packet.ND_NS || t == packet.ND_NA):
			b = be.AppendUint64(be.AppendUint64(b, k[WNDTarget]), k[WNDTarget+1])
			for i, lla := range [2]uint64{k.NDSll(), k.NDTll()} {
				if lla != 0 {
					b = appendEth48(append(b, byte(packet.NDOptSrcLLA+i), 1), lla)
				}
			}
		case t == request || t == reply:
			b = counting(b, payload)
		}
	}
	return b
}

// finishIP fills in the lengths and checksums of an IP packet.
func finishIP(b []byte, l3, l4 int, k *Key) {
	be := binary.BigEndian
	ip, seg := b[l3:], b[l4:]
	pseudo := uint32(0)
	if k.EthType() == packet.EtherTypeIPv4 {
		be.PutUint16(ip[packet.IPv4TotLen:], uint16(len(ip)))
		be.PutUint16(ip[packet.IPv4Csum:], packet.IPv4HeaderChecksum(ip[:packet.IPv4HdrLen]))
		pseudo = packet.PseudoIPv4(ip, k.NwProto(), len(seg))
	} else {
		be.PutUint16(ip[packet.IPv6PayloadLen:], uint16(len(seg)))
		pseudo = packet.PseudoIPv6(ip, k.NwProto(), len(seg))
	}
	if k.NwFrag()&FragLater != 0 {
		return
	}
	switch p := k.NwProto(); {
	case p == packet.ProtoTCP:
		be.PutUint16(seg[packet.TCPCsum:], packet.Fold(packet.Sum(seg, pseudo)))
	case p == packet.ProtoUDP:
		be.PutUint16(seg[packet.UDPLen:], uint16(len(seg)))
		c := packet.Fold(packet.Sum(seg, pseudo))
		if c == 0 {
			c = 0xffff
		}
		be.PutUint16(seg[packet.UDPCsum:], c)
	case p == packet.ProtoICMPv6 && k.EthType() == packet.EtherTypeIPv6:
		be.PutUint16(seg[packet.ICMPCsum:], packet.Fold(packet.Sum(seg, pseudo)))
	case (p == packet.ProtoICMP || p == packet.ProtoIGMP) && k.EthType() == packet.EtherTypeIPv4:
		be.PutUint16(seg[packet.ICMPCsum:], packet.Checksum(seg))
	}
}
