package main

import (
	"encoding/binary"
	"fmt"
)

// A flow is the five-tuple of one UDP flow, and the MAC addresses that NORMAL learns.
type flow struct {
	src, dst     uint32
	sport, dport uint16
	smac, dmac   uint64
}

// flowN is the i-th flow of every capture: the addresses and ports of neighbours differ in several places, as
// those of real traffic do, and every flow is different for 2^32 of them. traffic.c knows it too.
func flowN(i int) flow {
	u := uint32(i)
	return flow{
		src:   0x0a000000 | u&0xffffff,
		dst:   0xc0a80000 | u*0x9e37&0xffff,
		sport: uint16(1024 + u%40000),
		dport: uint16(1 + u>>24<<8 + u*7%200),
		smac:  0x505400000000 | uint64(u&0xffff),
		dmac:  0x505401000000 | uint64(u*13&0xffff),
	}
}

// match is the flow as an ovs-ofctl match on the five-tuple.
func (f flow) match() string {
	return fmt.Sprintf("udp,nw_src=%s,nw_dst=%s,tp_src=%d,tp_dst=%d", ip(f.src), ip(f.dst), f.sport, f.dport)
}

// match6 is the flow as TCP over IPv6.
func (f flow) match6() string {
	return fmt.Sprintf("tcp6,ipv6_src=%s,ipv6_dst=%s,tp_src=%d,tp_dst=%d", ip6(f.src), ip6(f.dst), f.sport, f.dport)
}

func ip(a uint32) string {
	return fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255)
}

// ip6 is an IPv4 address as the end of one of 2001:db8::/32.
func ip6(a uint32) string { return fmt.Sprintf("2001:db8::%x:%x", a>>16, a&0xffff) }

func mac(m uint64) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m>>40&255, m>>32&255, m>>24&255, m>>16&255, m>>8&255, m&255)
}

func appendMAC(b []byte, m uint64) []byte {
	return append(b, byte(m>>40), byte(m>>32), byte(m>>24), byte(m>>16), byte(m>>8), byte(m))
}

var be = binary.BigEndian

// ethernet begins a frame of the flow: both addresses, and the VLAN tags' types and values.
func (f flow) ethernet(tags ...uint16) []byte {
	b := appendMAC(appendMAC(nil, f.dmac), f.smac)
	for _, t := range tags {
		b = be.AppendUint16(b, t)
	}
	return b
}

// udp is a frame of size bytes, without the FCS, of the flow as UDP over IPv4. Its last four bytes are tail.
func (f flow) udp(size int, tail uint32, tags ...uint16) []byte {
	b := be.AppendUint16(f.ethernet(tags...), 0x0800)
	h := len(b)
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, uint16(size-h))
	b = append(b, 0, 0, 0, 0, 64, 17, 0, 0)
	b = be.AppendUint32(b, f.src)
	b = be.AppendUint32(b, f.dst)
	b = be.AppendUint16(b, f.sport)
	b = be.AppendUint16(b, f.dport)
	b = be.AppendUint16(b, uint16(size-h-20))
	b = append(b, make([]byte, size-len(b))...)
	be.PutUint32(b[size-4:], tail)
	fix(b)
	return b
}

// tcp6 is a frame of the flow as TCP over IPv6, of 78 bytes: the headers and the tail.
func (f flow) tcp6(tail uint32) []byte {
	b := be.AppendUint16(f.ethernet(), 0x86dd)
	b = append(b, 0x60, 0, 0, 0, 0, 24, 6, 64)
	b = append(b, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0)
	b = be.AppendUint32(b, f.src)
	b = append(b, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0)
	b = be.AppendUint32(b, f.dst)
	b = be.AppendUint16(b, f.sport)
	b = be.AppendUint16(b, f.dport)
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0)
	b = be.AppendUint32(b, tail)
	fix(b)
	return b
}

// arp is an ARP request (op 1) or reply (op 2) between the flow's addresses, padded to 64 bytes.
func (f flow) arp(op byte, tail uint32) []byte {
	b := f.ethernet()
	if op == 1 {
		b = appendMAC(appendMAC(nil, 0xffffffffffff), f.smac)
	}
	b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, op)
	b = be.AppendUint32(appendMAC(b, f.smac), f.src)
	target := f.dmac
	if op == 1 {
		target = 0
	}
	b = be.AppendUint32(appendMAC(b, target), f.dst)
	b = append(b, make([]byte, 64-len(b))...)
	be.PutUint32(b[60:], tail)
	return b
}

// network is where the network header of a frame begins, behind its tags, and its Ethernet type.
func network(b []byte) (at int, kind uint16) {
	at = 12
	for kind = be.Uint16(b[at:]); kind == 0x8100 || kind == 0x88a8; kind = be.Uint16(b[at:]) {
		at += 4
	}
	return at + 2, kind
}

// fix writes the checksums of an IPv4/UDP or IPv6/TCP frame anew.
func fix(b []byte) {
	at, kind := network(b)
	switch kind {
	case 0x0800:
		ip := b[at : at+20]
		be.PutUint16(ip[10:], 0)
		be.PutUint16(ip[10:], ^sum(0, ip))
		udp := b[at+20:]
		be.PutUint16(udp[6:], 0)
		s := ^sum(17+uint32(len(udp))+uint32(sum(0, ip[12:20])), udp)
		if s == 0 {
			s = 0xffff
		}
		be.PutUint16(udp[6:], s)
	case 0x86dd:
		tcp := b[at+40:]
		be.PutUint16(tcp[16:], 0)
		be.PutUint16(tcp[16:], ^sum(6+uint32(len(tcp))+uint32(sum(0, b[at+8:at+40])), tcp))
	}
}

// sum is the Internet checksum's ones' complement sum (RFC 1071), not inverted.
func sum(s uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(be.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// What the edit rows' actions make of a frame, for the check of what leaves.

func setMACs(b []byte) []byte {
	return append(appendMAC(appendMAC(nil, 2), 1), b[12:]...)
}

func setAddresses(b []byte) []byte {
	at, _ := network(b)
	be.PutUint32(b[at+12:], 0x01010101)
	be.PutUint32(b[at+16:], 0x02020202)
	be.PutUint16(b[at+20:], 3)
	be.PutUint16(b[at+22:], 4)
	fix(b)
	return b
}

func pushTag(b []byte) []byte {
	return append(append(append([]byte(nil), b[:12]...), 0x81, 0, 0, 7), b[12:]...)
}

func popTag(b []byte) []byte { return append(append([]byte(nil), b[:12]...), b[16:]...) }

func decTTL(b []byte) []byte {
	at, _ := network(b)
	b[at+8]--
	fix(b)
	return b
}

func swapMACs(b []byte) []byte {
	return append(append(append([]byte(nil), b[6:12]...), b[:6]...), b[12:]...)
}
