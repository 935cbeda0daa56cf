package pmd

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// housekeeping is the least number of Go processors beside those of the PMDs: for handlers, revalidators and the rest.
const housekeeping = 2

// settle fits the process to the PMDs: enough Go processors (GOMAXPROCS) that PMDs, which never give theirs up, leave some
// for everybody else, and no other thread on a PMD's core as long as there are other cores. It never lowers GOMAXPROCS.
// mu is held.
func (d *Datapath) settle() {
	pmds := d.allPollers()[1:]
	if n := len(pmds) + max(housekeeping, d.cpus.Count()-len(pmds)); len(pmds) > 0 && n > runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(n)
	}
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
