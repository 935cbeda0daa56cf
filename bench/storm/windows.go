package main

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"govs/bench/guest"
)

// On a machine that other programs use, the kernel keeps the poll-mode thread from its processor now and then, for milliseconds, and
// on a virtual machine the host takes the processor away; no switch forwards anything meanwhile. The kernel says how long each
// thread has waited to be run (schedstat) and how long the host had a processor (steal, in /proc/stat, proc(5)). So the generator
// counts by windows of a millisecond, and what falls into windows in which, or just before or after which, either was more than a
// moment is counted apart.

const (
	windowMS   = 1
	lag        = 64 // windows that may still turn out to be disturbed
	latencies  = 1 << 13
	momentNS   = 20_000
	afterwards = 2 // windows that a disturbance is felt
	statEvery  = 8 // windows between looks at /proc/stat, which takes the kernel longer
	jiffyMS    = 10
)

// window is what happened in one.
type window struct {
	sent, refused uint64
	latency       []uint32 // cycles
	bad           bool
}

// windows are the last ones. The generator's thread writes them.
type windows struct {
	ring  [lag]window
	at    int
	begin uint64 // when the present one began
	fd    int    // schedstat of the poll-mode thread, or -1
	delay int64  // what it last said, ns
	bad   int    // windows to come that are disturbed
	stat  int    // /proc/stat, or -1
	steal int64  // of processor 1, jiffies
	looks int
	buf   [1024]byte
}

func newWindows(path string) *windows {
	w := &windows{fd: -1, stat: -1}
	if fd, err := unix.Open("/proc/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		w.stat = fd
	}
	if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		w.fd = fd
	}
	for i := range w.ring {
		w.ring[i].latency = make([]uint32, 0, latencies)
	}
	return w
}

func (w *windows) close() {
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
	if w.stat >= 0 {
		unix.Close(w.stat)
	}
}

// start begins a phase.
func (w *windows) start(now uint64) {
	for i := range w.ring {
		w.ring[i] = window{latency: w.ring[i].latency[:0]}
	}
	w.begin, w.delay, w.steal, w.bad = now, w.read(), w.readSteal(), 0
}

// read is how long the poll-mode thread has waited, ever.
func (w *windows) read() int64 {
	if w.fd < 0 {
		return 0
	}
	n := guest.Pread(w.fd, w.buf[:])
	f := strings.Fields(string(w.buf[:max(n, 0)]))
	if len(f) < 2 {
		return w.delay
	}
	ns, _ := strconv.ParseInt(f[1], 10, 64)
	return ns
}

// readSteal is for how many jiffies the host has had processor 1, ever.
func (w *windows) readSteal() int64 {
	if w.stat < 0 {
		return 0
	}
	n := guest.Pread(w.stat, w.buf[:])
	_, text, _ := strings.Cut(string(w.buf[:max(n, 0)]), "\ncpu1 ")
	f := strings.Fields(text)
	if len(f) < 8 {
		return w.steal
	}
	jiffies, _ := strconv.ParseInt(f[7], 10, 64)
	return jiffies
}

// spoil marks the last windows, and those that come next.
func (w *windows) spoil(n int) {
	for i := range min(n, lag) {
		w.ring[(w.at-i+lag)%lag].bad = true
	}
	w.bad = afterwards
}

// now is the present window.
func (w *windows) now() *window { return &w.ring[w.at] }

// turn ends the present window if its time is over, and settles the oldest.
func (w *windows) turn(now uint64, hz float64, o *outcome) {
	if float64(now-w.begin) < hz*windowMS/1000 {
		return
	}
	delay := w.read()
	if waited := delay - w.delay; waited > momentNS {
		w.spoil(int(waited/1e6) + 2)
	}
	w.delay = delay
	if w.looks++; w.looks%statEvery == 0 {
		if steal := w.readSteal(); steal != w.steal {
			w.spoil(int(steal-w.steal+1)*jiffyMS + statEvery)
			w.steal = steal
		}
	}
	w.at = (w.at + 1) % lag
	w.settle(w.now(), o)
	w.begin = now
	if w.bad > 0 {
		w.bad--
		w.now().bad = true
	}
}

// finish settles all windows.
func (w *windows) finish(o *outcome) {
	for i := range w.ring {
		w.settle(&w.ring[i], o)
	}
}

// settle adds a window to the outcome and empties it.
func (w *windows) settle(x *window, o *outcome) {
	if x.bad {
		o.apart += x.sent
		o.apartRefused += x.refused
		o.disturbed += uint64(len(x.latency))
	} else {
		for _, l := range x.latency {
			o.latency.Add(uint64(l))
		}
	}
	*x = window{latency: x.latency[:0]}
}
