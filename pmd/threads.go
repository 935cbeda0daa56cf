package pmd

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// housekeeping is the least number of Go processors beside those of the PMDs: for handlers, revalidators and the rest.
const housekeeping = 2

// makeRoom sees to enough Go processors (GOMAXPROCS) that pmds PMDs, which never give theirs up, leave some for everybody else. It comes
// before they start: a process that was started on one processor has one, and whoever waits for a PMD would not get it back. It
// never lowers GOMAXPROCS.
func (d *Datapath) makeRoom(pmds int) {
	if more := pmds - d.room; more > 0 {
		// Each datapath adds to what there is, as it does not know of others. Said once, the runtime does not follow the threads' affinity
		// any more, which settle narrows.
		runtime.GOMAXPROCS(max(housekeeping, runtime.GOMAXPROCS(0)) + more)
		d.room = pmds
	}
}

// settle keeps every other thread off the PMDs' cores, as long as there are other cores. mu is held.
func (d *Datapath) settle() {
	pmds := d.allPollers()[1:]
	rest := d.cpus
	own := map[int]bool{}
	for _, p := range pmds {
		rest.Clear(p.core)
		own[int(p.tid.Load())] = true
	}
	if rest.Count() == 0 {
		rest = d.cpus
	}
	if rest == d.restCPUs {
		return
	}
	d.restCPUs = rest
	for range 2 { // a thread that begins meanwhile has its mask from one that may not have been dealt with
		for _, tid := range threads() {
			if !own[tid] {
				_ = unix.SchedSetaffinity(tid, &rest) // it may have ended
			}
		}
	}
}

// threads returns the process's threads.
func threads() []int {
	l, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	var tids []int
	for _, e := range l {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}
