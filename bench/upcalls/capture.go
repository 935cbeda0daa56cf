package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
)

// A flow is the five-tuple of one UDP flow.
type flow struct {
	src, dst     uint32
	sport, dport uint16
}

// flowN is the i-th flow: neighbours differ in several places, as those of real traffic do.
func flowN(i int) flow {
	u := uint32(i)
	return flow{
		src: 0x0a000000 | u&0xffffff, dst: 0xc0a80000 | u*0x9e37&0xffff,
		sport: uint16(1024 + u%40000), dport: uint16(1 + u*7%200),
	}
}

// rule is the flow's rule as ovs-ofctl takes it.
func (f flow) rule() string {
	return fmt.Sprintf("priority=100,udp,nw_src=%s,nw_dst=%s,tp_src=%d,tp_dst=%d,actions=output:2", ip(f.src), ip(f.dst), f.sport, f.dport)
}

func ip(a uint32) string { return fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255) }

// frame is a frame of 64 bytes, without the FCS.
func (f flow) frame() []byte {
	b := []byte{0x50, 0x54, 1, 0, 0, 1, 0x50, 0x54, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0}
	b = binary.BigEndian.AppendUint32(b, f.src)
	b = binary.BigEndian.AppendUint32(b, f.dst)
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(b[24:], ^uint16(sum+sum>>16))
	b = binary.BigEndian.AppendUint16(b, f.sport)
	b = binary.BigEndian.AppendUint16(b, f.dport)
	b = append(b, 0, 30, 0, 0)
	return append(b, make([]byte, 64-len(b))...)
}

// capture writes a capture of n flows, one frame each, in an order that visits neighbours far apart.
func capture(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	le := binary.LittleEndian
	h := le.AppendUint32(nil, 0xa1b2c3d4)
	h = le.AppendUint16(h, 2)
	h = le.AppendUint16(h, 4)
	h = append(h, make([]byte, 8)...)
	h = le.AppendUint32(h, 65535)
	w.Write(le.AppendUint32(h, 1)) // Ethernet
	for i := range n {
		b := flowN(i * 7919 % n).frame() // 7919 is prime: each flow once
		r := le.AppendUint32(nil, 0)
		r = le.AppendUint32(r, uint32(i))
		r = le.AppendUint32(r, uint32(len(b)))
		w.Write(le.AppendUint32(r, uint32(len(b))))
		w.Write(b)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
