package main

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// On a machine that other programs use, the kernel keeps the poll-mode thread from its processor now and then, for milliseconds, and
// no switch forwards anything meanwhile. The kernel says how long each thread has waited to be run (schedstat, proc(5)). So the
// generator counts by windows of a millisecond, and what falls into windows in which, or just before or after which, the
// thread waited for more than a moment is counted apart.

const (
	windowMS    = 1
	lag         = 16 // windows that may still turn out to be disturbed
	latencies   = 1 << 14
	momentNS    = 20_000
	afterwards  = 2 // windows that a disturbance is felt
	schedstatSz = 128
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
	buf   [schedstatSz]byte
}

func newWindows(path string) *windows {
	w := &windows{fd: -1}
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
}

// start begins a phase.
func (w *windows) start(now uint64) {
	for i := range w.ring {
		w.ring[i] = window{latency: w.ring[i].latency[:0]}
	}
	w.begin, w.delay, w.bad = now, w.read(), 0
}

// read is how long the poll-mode thread has waited, ever.
func (w *windows) read() int64 {
	if w.fd < 0 {
		return 0
	}
	n := pread(w.fd, w.buf[:])
	f := strings.Fields(string(w.buf[:max(n, 0)]))
	if len(f) < 2 {
		return w.delay
	}
	ns, _ := strconv.ParseInt(f[1], 10, 64)
	return ns
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
		back := min(int(waited/1e6)+2, lag)
		for i := range back {
			w.ring[(w.at-i+lag)%lag].bad = true
		}
		w.bad = afterwards
	}
	w.delay = delay
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
			o.latency.add(uint64(l))
		}
	}
	*x = window{latency: x.latency[:0]}
}
