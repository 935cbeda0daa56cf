package packet

import "unsafe"

// Constants that package cgo/dpdk's users compare with offsetof and sizeof of struct rte_mbuf at compile time.
const (
	BufStructSize      = unsafe.Sizeof(Buf{})
	BufOffsetAddr      = unsafe.Offsetof(Buf{}.addr)
	BufOffsetIOVA      = unsafe.Offsetof(Buf{}.iova)
	BufOffsetDataOff   = unsafe.Offsetof(Buf{}.dataOff)
	BufOffsetRefcnt    = unsafe.Offsetof(Buf{}.refcnt)
	BufOffsetNbSegs    = unsafe.Offsetof(Buf{}.nbSegs)
	BufOffsetInPort    = unsafe.Offsetof(Buf{}.InPort)
	BufOffsetOlFlags   = unsafe.Offsetof(Buf{}.OlFlags)
	BufOffsetPType     = unsafe.Offsetof(Buf{}.PacketType)
	BufOffsetPktLen    = unsafe.Offsetof(Buf{}.pktLen)
	BufOffsetDataLen   = unsafe.Offsetof(Buf{}.dataLen)
	BufOffsetVlanTCI   = unsafe.Offsetof(Buf{}.VlanTCI)
	BufOffsetRSS       = unsafe.Offsetof(Buf{}.RSS)
	BufOffsetHashHi    = unsafe.Offsetof(Buf{}.hashHi)
	BufOffsetVlanOuter = unsafe.Offsetof(Buf{}.vlanOuter)
	BufOffsetBufLen    = unsafe.Offsetof(Buf{}.bufLen)
	BufOffsetPool      = unsafe.Offsetof(Buf{}.pool)
	BufOffsetNext      = unsafe.Offsetof(Buf{}.next)
	BufOffsetTxOffload = unsafe.Offsetof(Buf{}.TxOffload)
	BufOffsetShinfo    = unsafe.Offsetof(Buf{}.shinfo)
	BufOffsetPrivSize  = unsafe.Offsetof(Buf{}.privSize)
	BufOffsetTimesync  = unsafe.Offsetof(Buf{}.timesync)
	BufOffsetDynfield  = unsafe.Offsetof(Buf{}.dynfield)
	BatchOffsetBufs    = unsafe.Offsetof(Batch{}.Bufs)
)

// Offload flags (RTE_MBUF_F_*) that govs reads or writes; compared with DPDK's at compile time.
const (
	RxVLAN          = 1 << 0  // a tag was stripped into VlanTCI
	RxRSSHash       = 1 << 1  // RSS holds a hash
	RxL4CksumBad    = 1 << 3  // the device found a wrong TCP, UDP or SCTP checksum
	RxIPCksumBad    = 1 << 4  // the device found a wrong IPv4 header checksum
	RxIPCksumGood   = 1 << 7  // the device checked the IPv4 header checksum
	RxL4CksumGood   = 1 << 8  // the device checked the transport checksum
	TxTCPSeg        = 1 << 50 // TSO wanted: never set on a packet that leaves a Port's Rx
	TxTCPCksum      = 1 << 52 // TCP checksum to be completed by the device
	TxSCTPCksum     = 2 << 52
	TxUDPCksum      = 3 << 52
	TxL4Mask        = 3 << 52
	TxIPCksum       = 1 << 54
	TxIPv4          = 1 << 55
	TxIPv6          = 1 << 56
	TxOffloadMask   = TxTCPSeg | TxL4Mask | TxIPCksum // what a device must do for us before the packet is right
	dataOffDefault  = Headroom
	maxSegmentBytes = 1<<16 - 1 // dataLen and bufLen are 16 bits
)

// Data is the address of the first byte of the packet. At least SegLen bytes are readable there.
func (p *Buf) Data() unsafe.Pointer { return unsafe.Add(p.addr, uintptr(p.dataOff)) }

// Bytes is the first segment's data, for the slow path. It aliases the buffer: valid while the caller owns p.
func (p *Buf) Bytes() []byte { return unsafe.Slice((*byte)(p.Data()), int(p.dataLen)) }

// Len is the packet's length in bytes, all segments.
func (p *Buf) Len() int { return int(p.pktLen) }

// SegLen is the length in bytes of this segment.
func (p *Buf) SegLen() int { return int(p.dataLen) }

// Next is the following segment of the packet or nil.
func (p *Buf) Next() *Buf { return p.next }

// Segs is the number of segments; meaningful on a packet's first segment.
func (p *Buf) Segs() int { return int(p.nbSegs) }

// HeadRoom is the number of bytes that Push can still add.
func (p *Buf) HeadRoom() int { return int(p.dataOff) }

// TailRoom is the number of bytes that Append can still add to this segment.
func (p *Buf) TailRoom() int { return int(p.bufLen) - int(p.dataOff) - int(p.dataLen) }

// Push adds n bytes of undefined content in front of the packet and says whether there was room.
func (p *Buf) Push(n int) bool {
	if uint(n) > uint(p.dataOff) {
		return false
	}
	p.dataOff -= uint16(n)
	p.dataLen += uint16(n)
	p.pktLen += uint32(n)
	return true
}

// Pop removes the first n bytes of the packet and says whether the first segment had as many.
func (p *Buf) Pop(n int) bool {
	if uint(n) > uint(p.dataLen) {
		return false
	}
	p.dataOff += uint16(n)
	p.dataLen -= uint16(n)
	p.pktLen -= uint32(n)
	return true
}

// Adj moves the packet's start by n bytes: forward (Pop) when n is positive, backward (Push) when it is negative.
func (p *Buf) Adj(n int) bool {
	if n < 0 {
		return p.Push(-n)
	}
	return p.Pop(n)
}

// Append adds n bytes of undefined content at the end of a packet and returns them, or nil when the last segment has
// no room. p is the first segment.
func (p *Buf) Append(n int) []byte {
	last := p
	for last.next != nil {
		last = last.next
	}
	if n < 0 || n > last.TailRoom() {
		return nil
	}
	b := unsafe.Slice((*byte)(unsafe.Add(last.Data(), uintptr(last.dataLen))), n)
	last.dataLen += uint16(n)
	p.pktLen += uint32(n)
	return b
}

// Trim shortens the packet to n bytes; a longer n changes nothing. Segments that become empty stay chained, so that
// no Allocator is needed. p is the first segment.
func (p *Buf) Trim(n int) {
	if n < 0 || n >= p.Len() {
		return
	}
	p.pktLen = uint32(n)
	for s := p; s != nil; s = s.next {
		if int(s.dataLen) > n {
			s.dataLen = uint16(n)
		}
		n -= int(s.dataLen)
	}
}

// Reset makes p an empty packet of one segment: data offset at Headroom, no flags. It must have no next segment.
func (p *Buf) Reset() {
	p.dataOff = dataOffDefault
	if p.bufLen < dataOffDefault {
		p.dataOff = p.bufLen
	}
	p.nbSegs = 1
	p.InPort = 0xffff
	p.OlFlags = 0
	p.PacketType = 0
	p.pktLen = 0
	p.dataLen = 0
	p.VlanTCI = 0
	p.vlanOuter = 0
	p.RSS = 0
	p.next = nil
	p.TxOffload = 0
}

// SetData resets a single-segment p and copies b into it; false when b is longer than the segment holds.
func (p *Buf) SetData(b []byte) bool {
	p.Reset()
	d := p.Append(len(b))
	if d == nil && len(b) != 0 {
		return false
	}
	copy(d, b)
	return true
}

// SetLen says that n bytes at Data are now the whole, single-segment packet: for ports that let the kernel write
// into the buffer. n must be at most SegLen+TailRoom.
func (p *Buf) SetLen(n int) {
	p.dataLen = uint16(n)
	p.pktLen = uint32(n)
}

// Room is the address of the packet's first byte and how many bytes the segment holds from there, for ports that let
// the kernel write into an empty buffer; SetLen follows.
func (p *Buf) Room() (unsafe.Pointer, int) { return p.Data(), int(p.bufLen) - int(p.dataOff) }

// Chain makes tail the continuation of p's packet. Both are first segments, whose lengths and segment counts add up.
func (p *Buf) Chain(tail *Buf) {
	last := p
	for last.next != nil {
		last = last.next
	}
	last.next = tail
	p.nbSegs += tail.nbSegs
	p.pktLen += tail.pktLen
}

// CopyOut copies packet bytes from offset off into b, over all segments, and returns how many there were.
func (p *Buf) CopyOut(b []byte, off int) int {
	n := 0
	for s := p; s != nil && n < len(b); s = s.next {
		d := s.Bytes()
		if off >= len(d) {
			off -= len(d)
			continue
		}
		n += copy(b[n:], d[off:])
		off = 0
	}
	return n
}

// CopyIn writes b over the packet's bytes from offset off, over all segments, and returns how many fitted.
func (p *Buf) CopyIn(b []byte, off int) int {
	n := 0
	for s := p; s != nil && n < len(b); s = s.next {
		d := s.Bytes()
		if off >= len(d) {
			off -= len(d)
			continue
		}
		n += copy(d[off:], b[n:])
		off = 0
	}
	return n
}

// Contents returns a copy of the whole packet in Go memory, for the slow path (upcalls, captures, packet_in).
func (p *Buf) Contents() []byte {
	b := make([]byte, p.Len())
	return b[:p.CopyOut(b, 0)]
}

// Pullup makes the first n bytes contiguous in the first segment, taking bytes from the following ones; segments that
// become empty are given back to a. It says false, and leaves the packet as it was, when the packet is shorter or the
// first segment has not enough room. A packet whose first segment is long enough costs one comparison.
func (p *Buf) Pullup(a Allocator, n int) bool {
	if n <= int(p.dataLen) {
		return true
	}
	return p.pullup(a, n)
}

// Linearize makes the packet one segment, or says false (and changes nothing) when the first has not enough room.
func (p *Buf) Linearize(a Allocator) bool {
	if p.next == nil {
		return true
	}
	if !p.Pullup(a, p.Len()) {
		return false
	}
	for p.next != nil { // empty segments at the end
		p.dropNext(a)
	}
	return true
}

func (p *Buf) pullup(a Allocator, n int) bool {
	if n > p.Len() || n-int(p.dataLen) > p.TailRoom()+p.HeadRoom() {
		return false
	}
	if need := n - int(p.dataLen); need > p.TailRoom() {
		shift := need - p.TailRoom() // use headroom too
		old := p.Bytes()
		p.dataOff -= uint16(shift)
		copy(p.Bytes(), old)
	}
	for int(p.dataLen) < n {
		s := p.next
		take := min(n-int(p.dataLen), int(s.dataLen))
		end := unsafe.Slice((*byte)(unsafe.Add(p.Data(), uintptr(p.dataLen))), take)
		copy(end, s.Bytes())
		p.dataLen += uint16(take)
		s.dataOff += uint16(take)
		s.dataLen -= uint16(take)
		if s.dataLen == 0 {
			p.dropNext(a)
		}
	}
	return true
}

// dropNext unlinks the second segment and frees it.
func (p *Buf) dropNext(a Allocator) {
	s := p.next
	p.next = s.next
	p.nbSegs--
	s.next = nil
	s.nbSegs = 1
	a.FreeOne(s)
}

// CloneBatch fills dst with deep copies of src's packets, in order, for as many as there is memory for: one bulk
// allocation for the usual single-segment packets. Copies keep the headroom and the receive metadata.
func CloneBatch(a Allocator, dst, src *Batch) {
	a.Alloc(dst, src.N)
	n := 0
	for i := 0; i < dst.N; i++ {
		if c := cloneInto(a, dst.Bufs[i], src.Bufs[i]); c {
			dst.Bufs[n] = dst.Bufs[i]
			n++
		} else {
			a.FreeOne(dst.Bufs[i])
		}
	}
	dst.N = n
}

// CloneInto makes the empty buffer c (fresh from a) a deep copy of p, taking more buffers from a as needed. When it
// says false there was not enough memory; c is still valid, with undefined content, and belongs to the caller.
func CloneInto(a Allocator, c, p *Buf) bool { return cloneInto(a, c, p) }

func cloneInto(a Allocator, c, p *Buf) bool {
	c.OlFlags = p.OlFlags
	c.PacketType = p.PacketType
	c.VlanTCI = p.VlanTCI
	c.vlanOuter = p.vlanOuter
	c.RSS = p.RSS
	c.hashHi = p.hashHi
	c.InPort = p.InPort
	c.TxOffload = p.TxOffload
	off := p.dataOff
	if off > c.bufLen {
		off = c.bufLen
	}
	c.dataOff = off
	if p.next == nil && int(p.dataLen) <= int(c.bufLen)-int(off) {
		c.dataLen = p.dataLen
		c.pktLen = p.pktLen
		copy(c.Bytes(), p.Bytes())
		return true
	}
	return cloneSegments(a, c, p)
}

func cloneSegments(a Allocator, c, p *Buf) bool {
	one := Batch{} // Alloc of every Allocator accepts a Go batch, only slower
	cur := c
	for s := p; s != nil; s = s.next {
		src := s.Bytes()
		for len(src) > 0 {
			room := cur.TailRoom()
			if room == 0 {
				a.Alloc(&one, 1)
				if one.N == 0 {
					return false
				}
				cur = one.Bufs[0]
				last := c
				for last.next != nil {
					last = last.next
				}
				last.next = cur
				c.nbSegs++
				continue
			}
			n := min(room, len(src))
			d := unsafe.Slice((*byte)(unsafe.Add(cur.Data(), uintptr(cur.dataLen))), n)
			copy(d, src[:n])
			cur.dataLen += uint16(n)
			c.pktLen += uint32(n)
			src = src[n:]
		}
	}
	return true
}
