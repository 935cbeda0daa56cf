package guest

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Pin keeps the scheduler from taking the goroutine off its thread, which it otherwise does to goroutines that run for
// 10 ms, and with it the garbage collector: nothing may be collected meanwhile.
//
//go:linkname Pin runtime.procPin
func Pin() int

// Unpin ends what Pin began.
//
//go:linkname Unpin runtime.procUnpin
func Unpin()

// Pread reads a file from its beginning, likewise.
func Pread(fd int, b []byte) int {
	n, _, _ := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
	return int(n)
}

// Nap sleeps without telling the scheduler, which would have the goroutine wait for its turn afterwards.
func Nap(t *unix.Timespec) {
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(t)), 0, 0)
}
