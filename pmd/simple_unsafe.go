package pmd

import (
	"math/bits"
	"unsafe"

	"govs/classifier/megaflow"
	"govs/flow"
	"govs/packet"
)

// simple is the shortcut for an in_port whose megaflows read nothing of a packet but what kind it is (Union.Simple): one
// rule for the whole port, say. A burst of one common kind, unfragmented and untagged IPv4 or IPv6 with a plausible
// transport header, is then looked up once, and not parsed. It does the whole of the burst and says true, or nothing.
func (p *poller) simple(q *rxq, c *megaflow.Classifier) bool {
	b := q.batch
	n := b.N
	kind, flags := kindOf(b.Bufs[0])
	if kind == 0 {
		return false
	}
	bytes := b.Bufs[0].Len()
	for i := 1; i < n && i < burst; i++ {
		k, f := kindOf(b.Bufs[i])
		if k != kind {
			return false
		}
		flags |= f
		bytes += b.Bufs[i].Len()
	}
	if q.simpleKind != kind || q.simpleGen != c.Gen || q.simpleOf != c {
		if p.detached {
			return false
		}
		w := p.work
		words, _ := flow.ExtractVLAN(b.Bufs[0], q.no, p.settings.vlanLimit, &w.keys[0])
		r := c.Find(&w.keys[0], words)
		if r == 0 {
			return false
		}
		q.simpleKind, q.simpleGen, q.simpleOf, q.simpleRef = kind, c.Gen, c, r // never while detached
	}
	e := p.store.Entry(q.simpleRef)
	if e.Out >= maxPort {
		return false
	}
	o := p.out(uint32(e.Out))
	if o == nil || p.detached && o.bound {
		return false
	}
	p.stats.simpleHits.add(uint64(n))
	p.account(e, uint64(n), uint64(bytes), flags)
	p.output(o, b, 0, n)
	b.N = 0
	return true
}

// kindOf returns the Ethernet type of a packet that simple may deal with, else 0, and its TCP flags.
func kindOf(buf *packet.Buf) (kind, flags uint64) {
	const ip = packet.EthHdrLen
	size := buf.SegLen()
	if size < ip+packet.IPv4HdrLen+packet.UDPHdrLen {
		return 0, 0
	}
	d := buf.Data()
	head := bits.ReverseBytes64(*(*uint64)(unsafe.Add(d, packet.EthHdrLen-2))) // type, version, ihl, tos, total length, id
	switch {
	case head>>40 == packet.EtherTypeIPv4<<8|0x45:
		if bits.ReverseBytes16(*(*uint16)(unsafe.Add(d, ip+6)))&0x3fff != 0 { // more fragments, or an offset
			return 0, 0
		}
		total := int(head >> 16 & 0xffff)
		if total > size-ip || total < packet.IPv4HdrLen+packet.UDPHdrLen {
			return 0, 0
		}
		if *(*uint8)(unsafe.Add(d, ip+packet.IPv4Proto)) != packet.ProtoTCP {
			return packet.EtherTypeIPv4, 0
		}
		return tcpKind(packet.EtherTypeIPv4, d, ip+packet.IPv4HdrLen, total-packet.IPv4HdrLen)
	case head>>44 == packet.EtherTypeIPv6<<4|6:
		const hdr = 40
		if size < ip+hdr+packet.TCPHdrLen {
			return 0, 0
		}
		payload := int(bits.ReverseBytes16(*(*uint16)(unsafe.Add(d, ip+4))))
		if payload > size-ip-hdr {
			return 0, 0
		}
		switch *(*uint8)(unsafe.Add(d, ip+6)) {
		case packet.ProtoUDP:
			return packet.EtherTypeIPv6, 0
		case packet.ProtoTCP:
			return tcpKind(packet.EtherTypeIPv6, d, ip+hdr, payload)
		}
	}
	return 0, 0
}

// tcpKind is kindOf for a packet with n bytes of TCP header and payload at offset at.
func tcpKind(kind uint64, d unsafe.Pointer, at, n int) (uint64, uint64) {
	if n < packet.TCPHdrLen {
		return 0, 0
	}
	ctl := uint64(bits.ReverseBytes16(*(*uint16)(unsafe.Add(d, at+packet.TCPFlags))))
	if hdr := int(ctl >> 12 * 4); hdr < packet.TCPHdrLen || hdr > n {
		return 0, 0
	}
	return kind, ctl & 0xfff
}
