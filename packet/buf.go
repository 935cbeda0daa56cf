package packet

import "unsafe"

// BatchSize is the largest number of packets in one Batch, DPDK's customary burst.
const BatchSize = 32

// Headroom is the room before the first byte of a received packet, in bytes (RTE_PKTMBUF_HEADROOM).
const Headroom = 128

// Buf is one packet segment: the first 128 bytes of an rte_mbuf (DPDK 22.11 and later, RTE_IOVA_IN_MBUF=1).
// Field order and sizes are asserted against the C structure in package cgo/dpdk.
type Buf struct {
	_          notInHeap
	addr       unsafe.Pointer // start of the segment's buffer
	iova       uint64         // DPDK's bus address of addr; unused by govs
	dataOff    uint16         // offset of the first packet byte from addr
	refcnt     uint16         // DPDK's reference count; 1 for a buffer that somebody owns
	nbSegs     uint16         // number of segments, in the first segment
	InPort     uint16         // DPDK's receiving port; govs keeps the datapath's in_port in flow.Key
	OlFlags    uint64         // offload flags (RTE_MBUF_F_RX_*, RTE_MBUF_F_TX_*)
	PacketType uint32         // packet type as classified by the device; 0 if unknown
	pktLen     uint32         // packet length in bytes, all segments
	dataLen    uint16         // length in bytes of this segment
	VlanTCI    uint16         // stripped VLAN tag, if OlFlags says so
	RSS        uint32         // RSS hash, if OlFlags says so
	hashHi     uint32         // rest of the hash union
	vlanOuter  uint16         // outer stripped VLAN tag
	bufLen     uint16         // length in bytes of the segment's buffer
	pool       unsafe.Pointer // the rte_mempool, or the first memory chunk of the Arena, that owns the buffer
	next       *Buf           // next segment or nil
	TxOffload  uint64         // packed l2_len, l3_len, l4_len, tso_segsz (rte_mbuf.tx_offload)
	shinfo     unsafe.Pointer // external buffer data, DPDK's
	privSize   uint16         // size of the application's private area
	timesync   uint16         // IEEE 1588 flags, DPDK's
	dynfield   [9]uint32      // DPDK's dynamic fields
}

// Batch is a burst of packets. It must come from NewBatch so that it lies outside the Go heap and may be passed to C.
type Batch struct {
	N    int             // number of valid entries in Bufs, 0 to BatchSize
	Bufs [BatchSize]*Buf // the packets, in arrival order; entries at or above N are not valid
}

// Allocator hands out and takes back buffers for a datapath. Its methods may be called from any goroutine, but cost
// least in bulk from a PMD. All ports of one datapath share one Allocator.
type Allocator interface {
	// Alloc fills b with up to n empty buffers (data offset at Headroom, length 0) and sets b.N; fewer when memory is short.
	Alloc(b *Batch, n int)
	// Free returns all packets of b, with all their segments, and sets b.N to 0.
	Free(b *Batch)
	// FreeOne returns one packet with all its segments.
	FreeOne(p *Buf)
	// Clone returns a deep, single-owner copy of p with the same headroom, or nil when memory is short.
	Clone(p *Buf) *Buf
	// BufSize is the most bytes that one segment of this allocator holds after Headroom.
	BufSize() int
	// InUse is the number of buffers that are allocated now, for leak checks and memory/show.
	InUse() int
}
