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

// ExtractBatch is Extract for each packet of b: keys[i], lens[i] and layers[i] belong to b.Bufs[i].
func ExtractBatch(b *packet.Batch, inPort uint32, vlanLimit int, keys *[packet.BatchSize]Key, lens *[packet.BatchSize]uint8, layers *[packet.BatchSize]Layers) {
	for i := 0; i < b.N && i < packet.BatchSize; i++ {
		p := b.Bufs[i]
		n, l := extract(p.Data(), p.SegLen(), p.Len(), inPort, vlanLimit, &keys[i])
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

// extract parses the packet of total bytes whose first size bytes are at d. The commonest shape, untagged IPv4 without options
// carrying TCP or UDP in a single segment, is handled here; everything else by extractSlow.
func extract(d unsafe.Pointer, size, total int, inPort uint32, vlanLimit int, k *Key) (int, Layers) {
	if size < packet.EthHdrLen+packet.IPv4HdrLen+packet.UDPHdrLen {
		return extractSlow(d, size, total, inPort, vlanLimit, k)
	}
	srcType := be64(d, packet.EthSrc)
	const ip = packet.EthHdrLen
	head := be64(d, ip) // version, ihl, tos, tot_len, id, fragment
	if srcType&0xffff != packet.EtherTypeIPv4 || head&0xff00_0000_0000_3fff != 0x4500_0000_0000_0000 {
		return extractSlow(d, size, total, inPort, vlanLimit, k)
	}
	totLen := int(head >> 32 & 0xffff)
	proto := u8(d, ip+packet.IPv4Proto)
	l := Layers{NoLayer, ip, ip + packet.IPv4HdrLen, ip + packet.IPv4HdrLen + packet.UDPHdrLen}
	tcpFlags := uint64(0)
	switch {
	case totLen > size-ip || totLen < packet.IPv4HdrLen+packet.UDPHdrLen:
		return extractSlow(d, size, total, inPort, vlanLimit, k)
	case proto == packet.ProtoUDP:
	case proto == packet.ProtoTCP && totLen >= packet.IPv4HdrLen+packet.TCPHdrLen:
		if tcpFlags, l.Payload = tcpCtl(d, ip+packet.IPv4HdrLen, ip+totLen); l.Payload == NoLayer {
			return extractSlow(d, size, total, inPort, vlanLimit, k)
		}
	default:
		return extractSlow(d, size, total, inPort, vlanLimit, k)
	}
	k[WInPort] = uint64(inPort) << 32
	k[WEthDst] = be64(d, packet.EthDst)&^0xffff | packet.EtherTypeIPv4
	k[WEthSrc] = srcType&^0xffff | tcpFlags
	k[WIPv4] = be64(d, ip+packet.IPv4Src)
	k[WL4] = uint64(proto)<<56 | head>>48&0xff<<48 | uint64(u8(d, ip+packet.IPv4TTL))<<40 | uint64(be32(d, ip+packet.IPv4HdrLen))
	k[WVLAN] = 0
	return LenBase, l
}
