package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// The garbage collector's settings, chosen by bench/storm and bench/jitter (docs/performance.md, "Jitter").
//
// Each collection stops the world twice, and with it the poll loops, for tens of microseconds on an idle machine and for longer when
// the processors beside theirs are busy; while it marks, poll loops can be preempted. What is left behind in a storm of new flows is
// tens of megabytes a second, and the live heap of a switch is small, so that the usual setting (collect when the heap has doubled)
// would collect several times a second just then. A ballast that is never touched, and so takes no memory, counts as live heap:
// the collector waits until gcBallast*gcPercent/100 more has been allocated than that. The percentage is below the usual 100
// to keep the memory of a million rules in bounds.
const (
	gcBallast = 256 << 20 // bytes
	gcPercent = 60
)

// tuneGC sets the garbage collector up and returns what must stay reachable while the daemon runs. GOGC in the environment turns this off.
func tuneGC(locked bool) (ballast []byte) {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	if locked { // all memory is resident, also what is never touched
		debug.SetGCPercent(4 * gcPercent)
		return nil
	}
	debug.SetGCPercent(gcPercent)
	return make([]byte, gcBallast)
}

// keep marks the end of the ballast's use.
func keep(ballast []byte) { runtime.KeepAlive(ballast) }
