package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// A flow is the five-tuple of one UDP flow, and the MAC addresses that NORMAL learns.
type flow struct {
	src, dst     uint32
	sport, dport uint16
	smac, dmac   uint64
}

// flowN is the i-th flow of every capture: the addresses and ports of neighbours differ in several places, as
// those of real traffic do, and every flow is different for 2^32 of them.
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

func ip(a uint32) string {
	return fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255)
}

// frame is a frame of size bytes, without the FCS, of the flow.
func (f flow) frame(size int, vlan bool) []byte {
	b := make([]byte, 0, size)
	b = append(b, byte(f.dmac>>40), byte(f.dmac>>32), byte(f.dmac>>24), byte(f.dmac>>16), byte(f.dmac>>8), byte(f.dmac))
	b = append(b, byte(f.smac>>40), byte(f.smac>>32), byte(f.smac>>24), byte(f.smac>>16), byte(f.smac>>8), byte(f.smac))
	if vlan {
		b = append(b, 0x81, 0x00, 0x00, 0x05)
	}
	b = append(b, 0x08, 0x00)
	h := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size-h))
	b = append(b, 0, 0, 0, 0, 64, 17, 0, 0)
	b = binary.BigEndian.AppendUint32(b, f.src)
	b = binary.BigEndian.AppendUint32(b, f.dst)
	binary.BigEndian.PutUint16(b[h+10:], checksum(b[h:h+20]))
	b = binary.BigEndian.AppendUint16(b, f.sport)
	b = binary.BigEndian.AppendUint16(b, f.dport)
	b = binary.BigEndian.AppendUint16(b, uint16(size-h-20))
	b = append(b, 0, 0)
	return append(b, make([]byte, size-len(b))...)
}

func checksum(h []byte) uint16 {
	var s uint32
	for i := 0; i < len(h); i += 2 {
		s += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// capture writes a capture of the first n flows to dir, one frame each, in an order that visits neighbours far
// apart, and returns its path. A capture of fewer than 64 flows repeats them, so that a burst is full.
func capture(dir string, n, size int, vlan bool) (string, error) {
	path := filepath.Join(dir, fmt.Sprintf("%d-%d-%t.pcap", n, size, vlan))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	le := binary.LittleEndian
	h := le.AppendUint32(nil, 0xa1b2c3d4)
	h = le.AppendUint16(h, 2)
	h = le.AppendUint16(h, 4)
	h = append(h, make([]byte, 8)...)
	h = le.AppendUint32(h, 65535)
	h = le.AppendUint32(h, 1) // Ethernet
	w.Write(h)
	frames := max(n, 64)
	frames -= frames % n // whole rounds
	for i := range frames {
		// 7919 is prime, so the steps visit each flow once in n.
		b := flowN(i*7919%n).frame(size, vlan)
		r := le.AppendUint32(nil, 0)
		r = le.AppendUint32(r, uint32(i))
		r = le.AppendUint32(r, uint32(len(b)))
		r = le.AppendUint32(r, uint32(len(b)))
		w.Write(r)
		w.Write(b)
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return path, f.Close()
}
