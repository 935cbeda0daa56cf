package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage collector's settings, chosen by bench/storm and bench/jitter (docs/performance.md, "Jitter").
//
// A collection stops the world twice, and with it the poll loops: for tens of microseconds on an idle machine, for longer when the
// processors beside theirs are busy. A storm of new flows leaves tens of megabytes of garbage a second while the live heap of a switch
// is small, so that the usual rule (collect when the heap has doubled) would collect several times a second just then.
// So the heap may grow by gcAllowance before it is collected, and during a storm by gcStorm. When the storm is over the
// next collection comes soon and the memory goes back.
const (
	gcAllowance = 32 << 20  // bytes
	gcStorm     = 384 << 20 // bytes
	gcPercent   = 100       // of the live heap, if that is more

	stormMisses = 2000 // a second: more are a storm
	gcLook      = 200 * time.Millisecond
	gcCalm      = 10 * time.Second // without a storm, until the memory is given back
)

// tuneGC keeps the garbage collector's settings in step with the load until ctx ends. misses counts packets without a megaflow. GOGC in the
// environment turns this off.
func tuneGC(ctx context.Context, misses func() uint64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	percent := 0
	set := func(allowance uint64) {
		metrics.Read(live)
		want := max(int(allowance*100/max(live[0].Value.Uint64(), 4<<20)), gcPercent)
		// Setting it stops the world too: a rough fit will do.
		if want > percent*3/2 || want < percent*2/3 {
			percent = want
			debug.SetGCPercent(want)
		}
	}
	set(gcAllowance)
	tick := time.NewTicker(gcLook)
	defer tick.Stop()
	before, calm := misses(), time.Duration(0)
	storm := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := misses()
		many := now-before > uint64(stormMisses*gcLook/time.Second)
		before = now
		switch {
		case many:
			storm, calm = true, 0
			set(gcStorm)
		case !storm:
			set(gcAllowance)
		case calm < gcCalm:
			calm += gcLook
		default:
			storm = false
			set(gcAllowance)
		}
	}
}

// misses is how many packets no megaflow matched, ever.
func (s *switchSystem) misses() (n uint64) {
	for _, d := range s.datapaths() {
		n += d.Stats().Missed
	}
	return n
}
