//go:build amd64 && cgo && !race && go1.26 && !go1.27

package pmd

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where Go 1.26 has what a detached poller asks (TestRuntimeLayout compares them with the debugging information of a program that
// this Go builds, and known with what they must hold).
const (
	gStackGuard = 16
	gM          = 48
	gStatus     = 144
	mThread     = 64
	mG          = 184
	mP          = 208
	schedLock   = 32
	schedIdle   = 112 // number of idle Ps
	schedStop   = 264 // one byte: somebody wants the world to stop

	statusRunning = 2
	statusScan    = 0x1000
)

//go:linkname sched runtime.sched
var sched [512]byte

// currentG is the address of the goroutine's record, which does not move.
func currentG() uintptr

// reserveStack makes sure that there are 32 kB of stack below its caller's frame.
func reserveStack()

// openStack lets the goroutine, which is in a system call, use the stack that there is.
func openStack()

// goRuntime is what a poller knows of its goroutine's place in the scheduler. The goroutine is locked to its thread.
type goRuntime struct {
	g, m uintptr
}

// init is called on the poller's goroutine.
func (r *goRuntime) init() {
	r.g, r.m = 0, 0
	g := currentG()
	m := word(g, gM)
	if g == 0 || m == 0 {
		return
	}
	idle := *(*int32)(unsafe.Pointer(&sched[schedIdle]))
	if word(m, mG) == g && word(m, mThread) == uintptr(unix.Gettid()) && word(m, mP) != 0 && half(g, gStatus)&^statusScan == statusRunning &&
		idle >= 0 && int(idle) < runtime.GOMAXPROCS(0) {
		r.g, r.m = g, m
	}
}

// known says whether the runtime is laid out as expected.
func (r *goRuntime) known() bool { return r.g != 0 }

// returns says whether the end of the system call that the goroutine is in would not make it wait: the world is not stopped,
// its stack is not being scanned, and it has a P or there is an idle one.
func (r *goRuntime) returns() bool {
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&sched[schedStop])))&0xff == 0 && *(*uintptr)(unsafe.Pointer(&sched[schedLock])) == 0 && half(r.g, gStatus)&statusScan == 0 &&
		(word(r.m, mP) != 0 || atomic.LoadInt32((*int32)(unsafe.Pointer(&sched[schedIdle]))) > 0)
}

func word(base uintptr, off uintptr) uintptr {
	return atomic.LoadUintptr((*uintptr)(at(base, off)))
}

func half(base uintptr, off uintptr) uint32 {
	return atomic.LoadUint32((*uint32)(at(base, off)))
}

// at is an address in the runtime's own memory, which does not move.
func at(base, off uintptr) unsafe.Pointer {
	base += off
	return *(*unsafe.Pointer)(unsafe.Pointer(&base))
}
