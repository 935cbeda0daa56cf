//go:build dpdk

package dpdk

/*
#cgo pkg-config: libdpdk
#cgo CFLAGS: -O3 -Wall
#cgo noescape gv_pool_alloc
#cgo nocallback gv_pool_alloc
#cgo noescape gv_free
#cgo nocallback gv_free
#cgo noescape gv_free_one
#cgo nocallback gv_free_one
#include <stdlib.h>
#include "gv.h"
*/
import "C"

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"govs/packet"
)

// Built says whether the program was built with DPDK.
const Built = true

// Version is DPDK's version, e.g. "DPDK 22.11.11".
func Version() string { return C.GoString(C.gv_version()) }

// Ready says whether Start has succeeded.
func Ready() bool { return C.gv_eal_ready() != 0 }

// HasHugepages says whether EAL has huge pages.
func HasHugepages() bool { return C.gv_has_hugepages() != 0 }

// Start initialises EAL with args (BuildArgs makes them; args[0] is the program's name). It can be done once in a
// process; after a failure DPDK may refuse another try. log may be nil.
func Start(args []string, log LogFunc) error {
	if Ready() {
		return &Error{"rte_eal_init", syscall.EALREADY}
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return fmt.Errorf("pipe for DPDK's log: %w", err)
	}
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, 1<<20)
	go readLog(os.NewFile(uintptr(fds[0]), "dpdk-log"), log)

	done := make(chan C.int)
	go func() {
		// This thread stays DPDK's main lcore for the life of the process: the goroutine never ends.
		runtime.LockOSThread()
		first := (**C.char)(C.calloc(C.size_t(len(args)+1), C.size_t(unsafe.Sizeof(uintptr(0)))))
		argv := unsafe.Slice(first, len(args)+1)
		for i, a := range args {
			argv[i] = C.CString(a) // EAL keeps them
		}
		done <- C.gv_eal_init(C.int(len(args)), first, C.int(fds[1]))
		select {}
	}()
	if r := <-done; r < 0 {
		return &Error{"rte_eal_init", syscall.Errno(-r)}
	}
	return nil
}

// Cleanup ends DPDK: hot-plugged devices, huge pages and runtime files go. Nothing of this package may be used after it.
func Cleanup() {
	if Ready() {
		C.gv_eal_cleanup()
	}
}

// readLog turns the records of gv_eal.c's log_write into lines.
func readLog(f *os.File, log LogFunc) {
	var head [3]byte
	var line strings.Builder
	buf := make([]byte, 1<<16)
	for {
		if _, err := io.ReadFull(f, head[:]); err != nil {
			return
		}
		n := int(head[1]) | int(head[2])<<8
		if _, err := io.ReadFull(f, buf[:n]); err != nil {
			return
		}
		for _, c := range buf[:n] {
			switch {
			case c != '\n':
				line.WriteByte(c)
			case log != nil && line.Len() > 0:
				log(int(head[0]), line.String())
				fallthrough
			default:
				line.Reset()
			}
		}
	}
}

// SetLogLevel sets the level (1 emergency to 8 debug) of the log types that match a pattern such as "lib.vhost.*".
func SetLogLevel(pattern string, level int) error {
	p := C.CString(pattern)
	defer C.free(unsafe.Pointer(p))
	if r := C.gv_log_set_level(p, C.uint32_t(level)); r < 0 {
		return &Error{"rte_log_set_level_pattern", syscall.Errno(-r)}
	}
	return nil
}

// RegisterThread makes the calling thread, which the goroutine must have locked, known to EAL.
func RegisterThread() error {
	if !Ready() {
		return ErrNoDPDK
	}
	if r := C.gv_thread_register(); r < 0 {
		return &Error{"rte_thread_register", syscall.Errno(-r)}
	}
	return nil
}

// UnregisterThread undoes RegisterThread, on the same thread.
func UnregisterThread() {
	if Ready() {
		C.gv_thread_unregister()
	}
}

// LcoreID is EAL's number of the calling thread, -1 when it is not registered.
func LcoreID() int { return int(C.gv_lcore_id()) }

// Mempool is a pool of packet buffers in DPDK memory; it implements packet.Allocator. Its methods may be called from
// any goroutine; registered threads use a cache of their own.
type Mempool struct {
	mp   unsafe.Pointer
	room int
}

// MempoolConf says what NewMempool makes.
type MempoolConf struct {
	Name   string // unique in the process
	Bufs   int    // number of buffers
	Cache  int    // buffers per thread cache; at most 512 and Bufs/1.5
	Priv   int    // private bytes behind each mbuf, a multiple of 8
	Room   int    // packet bytes that a buffer holds after the headroom
	Socket int    // NUMA node, -1 any
}

// NewMempool makes a pool. ENOMEM means that fewer buffers might do.
func NewMempool(c MempoolConf) (*Mempool, error) {
	if !Ready() {
		return nil, ErrNoDPDK
	}
	if c.Room+packet.Headroom > 0xffff || c.Room < 64 || c.Bufs <= 0 {
		return nil, fmt.Errorf("mempool %s: %d buffers of %d bytes: out of range", c.Name, c.Bufs, c.Room)
	}
	name := C.CString(c.Name)
	defer C.free(unsafe.Pointer(name))
	var errno C.int
	mp := C.gv_pool_create(name, C.uint(c.Bufs), C.uint(c.Cache), C.uint(c.Priv), C.uint(c.Room+packet.Headroom), C.int(c.Socket), &errno)
	if mp == nil {
		return nil, &Error{"rte_pktmbuf_pool_create " + c.Name, syscall.Errno(errno)}
	}
	return &Mempool{mp: mp, room: c.Room}, nil
}

// Release frees the pool's memory. No buffer may be in use, and no device or socket configured with it.
func (m *Mempool) Release() {
	C.gv_pool_free(m.mp)
	m.mp = nil
}

// Size is the number of buffers that the pool has.
func (m *Mempool) Size() int { return int(C.gv_pool_size(m.mp)) }

// Dump describes the pool and its free buffers in DPDK's words (rte_mempool_dump).
func (m *Mempool) Dump() string {
	text := C.gv_pool_dump(m.mp)
	if text == nil {
		return ""
	}
	defer C.free(unsafe.Pointer(text))
	return C.GoString(text)
}

// Alloc implements packet.Allocator.
func (m *Mempool) Alloc(b *packet.Batch, n int) {
	if fast {
		a := fastArgs{object: m.mp, batch: uintptr(unsafe.Pointer(b)), number: uint64(n)}
		a.call(fastAlloc)
		return
	}
	C.gv_pool_alloc(m.mp, C.uintptr_t(uintptr(unsafe.Pointer(b))), C.int(n))
}

// Free implements packet.Allocator.
func (m *Mempool) Free(b *packet.Batch) {
	if b.N > 0 {
		if fast {
			a := fastArgs{batch: uintptr(unsafe.Pointer(b))}
			a.call(fastFree)
			return
		}
		C.gv_free(C.uintptr_t(uintptr(unsafe.Pointer(b))))
	}
}

// FreeOne implements packet.Allocator.
func (m *Mempool) FreeOne(p *packet.Buf) {
	if fast {
		a := fastArgs{batch: uintptr(unsafe.Pointer(p))}
		a.call(fastFreeOne)
		return
	}
	C.gv_free_one(C.uintptr_t(uintptr(unsafe.Pointer(p))))
}

// Clone implements packet.Allocator.
func (m *Mempool) Clone(p *packet.Buf) *packet.Buf { return packet.CloneOne(m, p) }

// BufSize implements packet.Allocator.
func (m *Mempool) BufSize() int { return m.room }

// InUse implements packet.Allocator. It counts the buffers of all threads' caches: not for the packet path.
func (m *Mempool) InUse() int { return int(C.gv_pool_in_use(m.mp)) }
