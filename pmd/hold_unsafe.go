package pmd

import (
	"unsafe" // also for go:linkname

	"golang.org/x/sys/unix"
)

// Go's scheduler takes a goroutine that has run for 10 ms off its thread, and another thread has to be scheduled by the kernel
// before it goes on. For a poller that is a hundred gaps a second, of some ten microseconds on an idle machine and of milliseconds when
// the processors of the other threads are busy: packets are late or lost. So a poller whose devices allow it holds on to its thread
// (hold) while it polls, looks up and sends, and gives the runtime an opportunity to stop the world every safeCycles (safePoint).
// While the garbage collector marks, the opportunities are longer, because the stack has to be scanned. If the runtime has stopped the
// world, or its P is gone, the poller goes on without: see detach.go.
//
// While it holds on, the goroutine must not wait for anything: no contended mutex, channel or system call of Go's. Where the code
// might (callbacks, devices that are not ports.Steady, actions that are not plain, the clock, logs), it lets go first.

// holdOn is runtime.procPin: it makes the goroutine not preemptible. letGo is its opposite.
//
//go:linkname holdOn runtime.procPin
func holdOn() int

//go:linkname letGo runtime.procUnpin
func letGo()

//go:linkname enterSyscall runtime.entersyscall
func enterSyscall()

//go:linkname exitSyscall runtime.exitsyscall
func exitSyscall()

// writeBarrier is on while the garbage collector marks; the flag changes only while the world is stopped.
//
//go:linkname writeBarrier runtime.writeBarrier
var writeBarrier struct {
	enabled bool
	_       [3]byte
	_       uint64
}

const (
	// safeCycles is how long a poller holds on to its thread at most: some 40 microseconds.
	safeCycles = 100_000
	// scanWait is how long it then waits while the garbage collector marks, so that its stack can be scanned: some 4 microseconds.
	scanWait = 10_000
)

// breathe lets the runtime stop the world now, if it waits for that, or scan the goroutine's stack for so many cycles: as if the
// goroutine made a system call. It must not be split from holdOn by anything that looks at a request to be preempted, and
// must not touch what the garbage collector knows.
//
//go:nosplit
//go:norace
func breathe(wait uint64) {
	letGo()
	enterSyscall()
	if wait != 0 {
		for end := cycles() + wait; cycles() < end; {
		}
	}
	exitSyscall()
	holdOn()
}

// breatheDetached is breathe for a poller that may detach: it does not wait for the runtime, nor idle.
//
//go:nosplit
//go:norace
func (p *poller) breatheDetached(wait uint64) {
	letGo()
	enterSyscall()
	// The runtime knows the stack as it is here. What follows calls other frames, and this one does not change.
	if wait != 0 || !p.runtime.returns() {
		openStack()
		p.detachedPasses(wait)
	}
	exitSyscall()
	holdOn()
}

// hold keeps the goroutine on its thread until unhold.
func (p *poller) hold() {
	if p.steady && !p.held && p.metrics == nil {
		holdOn()
		p.held = true
	}
}

// unhold lets the goroutine be preempted and wait.
func (p *poller) unhold() {
	if p.held {
		p.held = false
		letGo()
	}
}

// safePoint is called at least every safeCycles, with the present reading of cycles.
func (p *poller) safePoint(now uint64) {
	p.safeTSC = now
	p.hold()
	if !p.held {
		return
	}
	wait := uint64(0)
	if writeBarrier.enabled {
		wait = scanWait
	}
	if !p.detachable {
		breathe(wait)
		return
	}
	reserveStack()
	p.breatheDetached(wait)
	if p.detained.n != 0 {
		p.attend()
	}
}

// signalEvent adds one to an eventfd, which does not block, without the scheduler's part of a system call.
func signalEvent(fd int) {
	one := uint64(1)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
}
