package pmd

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleeper is what a sleep hands to the kernel. It is part of the poller, as it would be allocated each time otherwise.
type sleeper struct {
	time  unix.Timespec
	event unix.PollFd
	drain [8]byte
}

// sleep sleeps for so many nanoseconds, or until fd is readable. Then it reads event, an eventfd that does not block, empty. A
// signal of the system's ends a sleep too.
//
// The Go scheduler is not told: it would take the processor away and give it back each time, and its monitor thread would wake
// fifty thousand times a second to look after that, for as long as PMDs sleep. Instead the goroutine counts as running. Whoever must
// stop it (the garbage collector) interrupts the sleep with the signal that it sends to running goroutines.
func (s *sleeper) sleep(fd, event int, ns int64) {
	s.time = unix.NsecToTimespec(ns)
	s.event = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&s.event)), 1, uintptr(unsafe.Pointer(&s.time)), 0, 0, 0)
	if n == 1 {
		_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(event), uintptr(unsafe.Pointer(&s.drain)), 8)
	}
}
