package flow

import (
	"math/bits"
	"unsafe"

	"govs/packet"
)

// be16, be32 and be64 load a big-endian integer at offset o of the packet at d. The caller has checked that it is there.
func be16(d unsafe.Pointer, o int) uint16 {
	return bits.ReverseBytes16(*(*uint16)(unsafe.Add(d, o)))
}

func be32(d unsafe.Pointer, o int) uint32 {
	return bits.ReverseBytes32(*(*uint32)(unsafe.Add(d, o)))
}

func be64(d unsafe.Pointer, o int) uint64 {
	return bits.ReverseBytes64(*(*uint64)(unsafe.Add(d, o)))
}

func u8(d unsafe.Pointer, o int) uint8 { return *(*uint8)(unsafe.Add(d, o)) }

// Extract writes to k the fields of a packet that was received on inPort: the leading n words; the others are left as they
// were. recirc_id and all metadata are 0. It also finds the packet's headers. Headers are looked for in the first segment
// only. A header that is truncated or contradicts itself leaves its fields 0 and ends the parse, but n still covers every word
// that a mask whose prerequisites the packet meets may read.
//
// It parses DefaultVLANLimit VLAN tags; see ExtractVLAN for other limits. It neither allocates nor panics, and may run on
// any goroutine that owns p.
func Extract(p *packet.Buf, inPort uint32, k *Key) (n int, l Layers) {
	return extract(p.Data(), p.SegLen(), p.Len(), inPort, DefaultVLANLimit, k)
}

// ExtractVLAN is Extract with another limit to the VLAN tags that are parsed (other_config:vlan-limit), 0 to MaxVLANs.
func ExtractVLAN(p *packet.Buf, inPort uint32, vlanLimit int, k *Key) (n int, l Layers) {
	return extract(p.Data(), p.SegLen(), p.Len(), inPort, vlanLimit, k)
}

// ExtractBytes is ExtractVLAN for a packet in a slice, for the slow path and tests.
func ExtractBytes(b []byte, inPort uint32, vlanLimit int, k *Key) (n int, l Layers) {
	return extract(unsafe.Pointer(unsafe.SliceData(b)), len(b), len(b), inPort, vlanLimit, k)
}

// ExtractBatch is Extract for each packet of b: keys[i], lens[i] and layers[i] belong to b.Bufs[i]. Untagged UDP and TCP over
// IPv4 without options, most of all traffic, is dealt with in its loop, by the same rules as in extract.
func ExtractBatch(b *packet.Batch, inPort uint32, vlanLimit int, keys *[packet.BatchSize]Key, lens *[packet.BatchSize]uint8, layers *[packet.BatchSize]Layers) {
	const ip, l4 = packet.EthHdrLen, packet.EthHdrLen + packet.IPv4HdrLen
	port := uint64(inPort) << 32
	for i := 0; i < b.N && i < packet.BatchSize; i++ {
		p := b.Bufs[i]
		d, size := p.Data(), p.SegLen()
		if size >= l4+packet.UDPHdrLen {
			src, head := be64(d, packet.EthSrc), be64(d, ip)
			proto, totLen := u8(d, ip+packet.IPv4Proto), int(head>>32&0xffff)
			if uint16(src) == packet.EtherTypeIPv4 && head&0xff00_0000_0000_3fff == 0x4500_0000_0000_0000 && totLen <= size-ip {
				tcpFlags, payload := uint64(0), uint16(l4+packet.UDPHdrLen)
				ok := proto == packet.ProtoUDP && totLen >= packet.IPv4HdrLen+packet.UDPHdrLen
				if proto == packet.ProtoTCP && totLen >= packet.IPv4HdrLen+packet.TCPHdrLen {
					tcpFlags, payload = tcpCtl(d, l4, ip+totLen)
					ok = payload != NoLayer
				}
				if ok {
					k := &keys[i]
					k[WInPort] = port
					k[WEthDst] = be64(d, packet.EthDst)&^0xffff | packet.EtherTypeIPv4
					k[WEthSrc] = src&^0xffff | tcpFlags
					k[WIPv4] = be64(d, ip+packet.IPv4Src)
					k[WL4] = uint64(proto)<<56 | head>>48&0xff<<48 | uint64(u8(d, ip+packet.IPv4TTL))<<40 | uint64(be32(d, l4))
					k[WVLAN] = 0
					lens[i], layers[i] = LenBase, Layers{NoLayer, ip, l4, payload}
					continue
				}
			}
		}
		n, l := extract(d, size, p.Len(), inPort, vlanLimit, &keys[i])
		lens[i], layers[i] = uint8(n), l
	}
}

// tcpCtl reads the flags of the TCP header at l4 and finds the end of the header, NoLayer if its length is wrong; the datagram
// ends at end.
func tcpCtl(d unsafe.Pointer, l4, end int) (flags uint64, payload uint16) {
	ctl := uint64(be16(d, l4+packet.TCPFlags))
	hdr := int(ctl>>12) * 4
	payload = uint16(l4 + hdr)
	if hdr < packet.TCPHdrLen || l4+hdr > end {
		payload = NoLayer
	}
	return ctl & packet.TCPFlagsMk, payload
}

// noLayers says that no header was found.
var noLayers = Layers{NoLayer, NoLayer, NoLayer, NoLayer}

// extract parses the packet of total bytes whose first size bytes are at d. The commonest shapes, IPv4 and IPv6 without options
// and extension headers carrying TCP or UDP in a single segment, with up to two VLAN tags, are handled here; everything else
// by extractSlow.
func extract(d unsafe.Pointer, size, total int, inPort uint32, vlanLimit int, k *Key) (int, Layers) {
	const minSize = packet.EthHdrLen + packet.IPv4HdrLen + packet.UDPHdrLen // more than two tags and a type
	if size < minSize {
		return extractSlow(d, size, total, inPort, vlanLimit, k)
	}
	src := be64(d, packet.EthSrc)
	ethType := uint16(src)
	o := packet.EthHdrLen
	vlan := uint64(0)
	if ethType == packet.EtherTypeVLAN || ethType == packet.EtherTypeQinQ {
		o, vlan = vlans(d, packet.EthType, size, vlanLimit)
		ethType = be16(d, o)
		o += 2
	}
	switch ethType {
	case packet.EtherTypeIPv4:
		head := be64(d, o) // version, ihl, tos, tot_len, id, fragment
		if o+packet.IPv4HdrLen+packet.UDPHdrLen > size || head&0xff00_0000_0000_3fff != 0x4500_0000_0000_0000 {
			break
		}
		totLen := int(head >> 32 & 0xffff)
		proto := u8(d, o+packet.IPv4Proto)
		l4 := o + packet.IPv4HdrLen
		if totLen > size-o || totLen < packet.IPv4HdrLen+packet.UDPHdrLen {
			break
		}
		tcpFlags, payload := uint64(0), uint16(l4+packet.UDPHdrLen)
		if proto != packet.ProtoUDP {
			if proto != packet.ProtoTCP || totLen < packet.IPv4HdrLen+packet.TCPHdrLen {
				break
			}
			if tcpFlags, payload = tcpCtl(d, l4, o+totLen); payload == NoLayer {
				break
			}
		}
		k[WInPort] = uint64(inPort) << 32
		k[WEthDst] = be64(d, packet.EthDst)&^0xffff | packet.EtherTypeIPv4
		k[WEthSrc] = src&^0xffff | tcpFlags
		k[WIPv4] = be64(d, o+packet.IPv4Src)
		k[WL4] = uint64(proto)<<56 | head>>48&0xff<<48 | uint64(u8(d, o+packet.IPv4TTL))<<40 | uint64(be32(d, l4))
		k[WVLAN] = vlan
		return LenBase, Layers{NoLayer, uint16(o), uint16(l4), payload}
	case packet.EtherTypeIPv6:
		l4 := o + packet.IPv6HdrLen
		if l4+packet.UDPHdrLen > size {
			break
		}
		head := be64(d, o) // version, traffic class, flow label, payload length, next header, hop limit
		payLen := int(head >> 16 & 0xffff)
		proto := uint8(head >> 8)
		if payLen > size-l4 || payLen < packet.UDPHdrLen {
			break
		}
		tcpFlags, payload := uint64(0), uint16(l4+packet.UDPHdrLen)
		if proto != packet.ProtoUDP {
			if proto != packet.ProtoTCP || payLen < packet.TCPHdrLen {
				break
			}
			if tcpFlags, payload = tcpCtl(d, l4, l4+payLen); payload == NoLayer {
				break
			}
		}
		k[WInPort] = uint64(inPort) << 32
		k[WEthDst] = be64(d, packet.EthDst)&^0xffff | packet.EtherTypeIPv6
		k[WEthSrc] = src&^0xffff | tcpFlags
		k[WIPv4] = 0
		k[WL4] = uint64(proto)<<56 | head>>52&0xff<<48 | head&0xff<<40 | uint64(be32(d, l4))
		k[WVLAN] = vlan
		k[WIPv6Src], k[WIPv6Src+1] = be64(d, o+packet.IPv6Src), be64(d, o+packet.IPv6Src+8)
		k[WIPv6Dst], k[WIPv6Dst+1] = be64(d, o+packet.IPv6Dst), be64(d, o+packet.IPv6Dst+8)
		k[WIPv6Misc] = head >> 32 & packet.IPv6LabelMask << 32
		return LenIPv6, Layers{NoLayer, uint16(o), uint16(l4), payload}
	}
	return extractSlow(d, size, total, inPort, vlanLimit, k)
}
