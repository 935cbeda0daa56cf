package packet

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapMemory returns size bytes of zeroed memory outside the Go heap.
func mapMemory(size uintptr) (unsafe.Pointer, error) {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("mmap of %d bytes: %w", size, err)
	}
	return p, nil
}

// AllocOffHeap returns size bytes of zeroed, page-aligned memory outside the Go heap, which may be passed to C and is
// not scanned by the garbage collector; FreeOffHeap gives it back. No Go pointer may be stored in it.
func AllocOffHeap(size int) (unsafe.Pointer, error) { return mapMemory(uintptr(size)) }

// FreeOffHeap gives back what AllocOffHeap returned; size is the same.
func FreeOffHeap(p unsafe.Pointer, size int) { _ = unix.MunmapPtr(p, uintptr(size)) }

const (
	batchSlot  = 320 // sizeof(Batch) rounded up to cache lines
	batchSlots = 12  // how many fit in a page
)

// NewBatch returns an empty batch outside the Go heap. FreeBatch gives it back; the garbage collector does not.
// It panics when the system has no page left.
//
// The batch begins at a place in its page that depends on the page's address, so that the batches of one thread do not
// all compete for the same sets of the first-level cache.
func NewBatch() *Batch {
	p, err := mapMemory(uintptr(os.Getpagesize()))
	if err != nil {
		panic("packet: NewBatch: " + err.Error())
	}
	slot := uintptr(p) >> 12 % batchSlots
	return (*Batch)(unsafe.Add(p, slot*batchSlot))
}

// FreeBatch gives back a batch from NewBatch. It does not free the packets in it.
func FreeBatch(b *Batch) {
	page := uintptr(os.Getpagesize())
	off := uintptr(unsafe.Pointer(b)) % page
	_ = unix.MunmapPtr(unsafe.Add(unsafe.Pointer(b), -int(off)), page)
}
