package packet

import (
	"fmt"
	"sync"
	"unsafe"
)

// DefaultBufSize is the room for packet bytes after Headroom in an Arena's buffers: a full Ethernet frame of the usual
// MTU with some tags, as RTE_MBUF_DEFAULT_BUF_SIZE.
const DefaultBufSize = 2048

// arenaChunk is how many buffers an Arena maps at a time.
const arenaChunk = 1024

// Arena is an Allocator that needs no DPDK: buffers in mapped memory outside the Go heap and one locked free list.
// It grows in steps up to its limit and never shrinks before Close. All methods may be called from any goroutine.
type Arena struct {
	bufSize int
	stride  uintptr
	max     int

	mu     sync.Mutex // guards everything below
	free   []*Buf     // unused buffers, last in first out
	chunks []unsafe.Pointer
	made   int
}

// NewArena returns an Arena of at most max buffers (0: a million) with room for bufSize bytes after Headroom
// (0: DefaultBufSize). Memory is taken as it is needed.
func NewArena(max, bufSize int) (*Arena, error) {
	if max <= 0 {
		max = 1 << 20
	}
	if bufSize <= 0 {
		bufSize = DefaultBufSize
	}
	if bufSize+Headroom > maxSegmentBytes {
		return nil, fmt.Errorf("buffer size %d: at most %d", bufSize, maxSegmentBytes-Headroom)
	}
	stride := (BufStructSize + uintptr(Headroom+bufSize) + 63) &^ 63
	return &Arena{bufSize: bufSize, stride: stride, max: max}, nil
}

// Close unmaps the arena's memory. It fails, and keeps the memory, while buffers are in use.
func (a *Arena) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.made - len(a.free); n != 0 {
		return fmt.Errorf("packet arena: %d buffers are in use", n)
	}
	for _, c := range a.chunks {
		FreeOffHeap(c, int(a.stride)*arenaChunk)
	}
	a.chunks, a.free, a.made = nil, nil, 0
	a.max = 0
	return nil
}

// BufSize implements Allocator.
func (a *Arena) BufSize() int { return a.bufSize }

// InUse implements Allocator.
func (a *Arena) InUse() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.made - len(a.free)
}

// Alloc implements Allocator.
func (a *Arena) Alloc(b *Batch, n int) {
	n = min(n, BatchSize)
	a.mu.Lock()
	if len(a.free) < n {
		a.grow()
	}
	n = min(n, len(a.free))
	b.N = n
	if n <= 0 {
		b.N = 0
		a.mu.Unlock()
		return
	}
	rest := len(a.free) - n
	copy(b.Bufs[:n], a.free[rest:])
	a.free = a.free[:rest]
	a.mu.Unlock()
	for _, p := range b.Bufs[:n] {
		p.refcnt = 1
		p.Reset()
	}
}

// grow maps one more chunk, if the limit and the system allow. Called with mu held.
func (a *Arena) grow() {
	n := min(arenaChunk, a.max-a.made)
	if n <= 0 {
		return
	}
	mem, err := mapMemory(a.stride * arenaChunk)
	if err != nil {
		return
	}
	a.chunks = append(a.chunks, mem)
	for i := n - 1; i >= 0; i-- {
		p := (*Buf)(unsafe.Add(mem, uintptr(i)*a.stride))
		p.addr = unsafe.Add(unsafe.Pointer(p), BufStructSize)
		p.bufLen = uint16(Headroom + a.bufSize)
		p.pool = a.chunks[0]
		p.nbSegs = 1
		a.free = append(a.free, p)
	}
	a.made += n
}

// Free implements Allocator.
func (a *Arena) Free(b *Batch) {
	a.mu.Lock()
	for _, p := range b.Bufs[:b.N] {
		a.put(p)
	}
	a.mu.Unlock()
	b.N = 0
}

// FreeOne implements Allocator.
func (a *Arena) FreeOne(p *Buf) {
	a.mu.Lock()
	a.put(p)
	a.mu.Unlock()
}

// put returns all segments of p. Called with mu held. A buffer that is already free or another allocator's is a
// programming error that would corrupt memory later: it panics at once.
func (a *Arena) put(p *Buf) {
	for p != nil {
		next := p.next
		if p.refcnt != 1 || p.pool != a.chunks[0] {
			a.mu.Unlock()
			panic("packet: a buffer was freed twice or to the wrong arena")
		}
		p.refcnt = 0
		p.next = nil
		a.free = append(a.free, p)
		p = next
	}
}

// Clone implements Allocator.
func (a *Arena) Clone(p *Buf) *Buf { return CloneOne(a, p) }

// CloneOne is Allocator.Clone in terms of Alloc and FreeOne, for Allocators to use.
func CloneOne(a Allocator, p *Buf) *Buf {
	var b Batch
	a.Alloc(&b, 1)
	if b.N == 0 {
		return nil
	}
	c := b.Bufs[0]
	if !cloneInto(a, c, p) {
		a.FreeOne(c)
		return nil
	}
	return c
}
