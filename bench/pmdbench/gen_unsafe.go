//go:build dpdk

package main

import (
	"encoding/binary"
	"unsafe"

	"govs/packet"
	"govs/ports"
)

// generator is a port whose packets are of so many flows in turn, but not in the order in which the flows were made.
type generator struct {
	ports.Port
	flows, step, at uint32
	head            [48]byte
}

// step is a number without a common factor with n, about 0.6 of it.
func step(n uint32) uint32 {
	s := uint32(float64(n)*0.618) | 1
	for gcd(s, n) != 1 {
		s += 2
	}
	return s
}

func gcd(a, b uint32) uint32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Rx implements ports.Port.
func (g *generator) Rx(q int, b *packet.Batch) {
	g.Port.Rx(q, b)
	if g.head[0] == 0 {
		copy(g.head[:], frame())
	}
	for _, p := range b.Bufs[:b.N] {
		d := (*[48]byte)(p.Data())
		*d = g.head
		f := g.at
		if g.at += g.step; g.at >= g.flows {
			g.at -= g.flows
		}
		*(*uint32)(unsafe.Pointer(&d[30])) = f*2654435761&0xffffff00 | 11
		binary.BigEndian.PutUint16(d[34:], uint16(f))
		d[29] = byte(f >> 16)
	}
}
