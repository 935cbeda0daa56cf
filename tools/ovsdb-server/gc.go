package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The collector's percentage that keeps a big database within 1.5 times the memory of the original's, and the
// bounds for a small one, for which collecting every few hundred transactions would cost more than it saves.
const (
	gcPercentBig   = 40
	gcPercentSmall = 400
	gcAllowance    = 16 << 20 // bytes of garbage that are fine in any case
)

// tuneGC sets the garbage collector's percentage by the size of the live heap, after each collection. GOGC in the
// environment turns this off.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(gcPercentSmall)
	now := gcPercentSmall
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func()
	watch = func() {
		// A fresh object's finalizer runs after the next collection.
		runtime.SetFinalizer(&struct{ _ [16]byte }{}, func(*struct{ _ [16]byte }) {
			metrics.Read(sample)
			live := max(sample[0].Value.Uint64(), 1<<20)
			want := min(max(int(gcAllowance*100/live), gcPercentBig), gcPercentSmall)
			if want != now {
				now = want
				debug.SetGCPercent(want)
			}
			watch()
		})
	}
	watch()
}
