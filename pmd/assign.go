package pmd

import (
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"govs/dpif"
)

// wantedCores returns the cores that should run a PMD: those of pmd-cpu-mask, or one, provided that a port is to be
// polled. mu is held.
func (d *Datapath) wantedCores() []int {
	polled := false
	for _, pt := range d.ports {
		polled = polled || pt.dev.Polled()
	}
	if !polled {
		return nil
	}
	var cores []int
	for _, c := range d.cfg.PMDCPUs {
		if usable(c) && !slices.Contains(cores, c) {
			cores = append(cores, c)
		}
	}
	if len(cores) == 0 {
		cores = []int{firstCore()}
	}
	sort.Ints(cores)
	return cores
}

func usable(core int) bool { return core >= 0 && core < runtime.NumCPU()+1024 && coreExists(core) }

// coreExists says whether the system has that core.
func coreExists(core int) bool {
	var set unix.CPUSet
	if unix.SchedGetaffinity(1, &set) == nil && set.IsSet(core) { // init's, which nobody has narrowed
		return true
	}
	return unix.SchedGetaffinity(0, &set) == nil && set.IsSet(core)
}

func firstCore() int {
	for c := 0; c < 1024; c++ {
		if coreExists(c) {
			return c
		}
	}
	return 0
}

// assign decides which poller polls which queue: q.poller. mu is held.
//
// Queues of ports that are not polled belong to the non-PMD poller. Pinned queues (pmd-rxq-affinity) go to their core, which is then
// isolated: it gets no others. The rest are spread as pmd-rxq-assign says: "cycles" (the busiest queues first, over the
// cores and back), "roundrobin" (in port order), "group" (the busiest first, to the least loaded core).
func (d *Datapath) assign(now []*poller) {
	pmds := now[1:]
	var rest []*rxq
	isolated := map[int]bool{}
	load := map[int]uint64{}
	for _, pt := range d.sortedPorts() {
		pins := affinity(d.cfg.RxqAffinity[pt.dev.Name()])
		for _, q := range pt.rxqs {
			q.pinned = false
			if !pt.dev.Polled() {
				q.poller = dpif.NonPMD
				continue
			}
			if core, ok := pins[q.q]; ok {
				if i := slices.IndexFunc(pmds, func(p *poller) bool { return p.core == core }); i >= 0 {
					q.poller, q.pinned = core, true
					isolated[core] = true
					load[core] += q.measured()
					continue
				}
				d.opt.Logf("Core %d cannot be pinned with port '%s' rx queue %d. Unknown numa.", core, pt.dev.Name(), q.q)
			}
			rest = append(rest, q)
		}
	}
	var free []int
	for _, p := range pmds {
		p.isolated = isolated[p.core]
		if !p.isolated {
			free = append(free, p.core)
		}
	}
	if len(free) == 0 { // all are isolated: better to share than not to poll
		for _, p := range pmds {
			free = append(free, p.core)
		}
	}
	if len(free) == 0 {
		return
	}
	if d.cfg.RxqAssign != "roundrobin" {
		sort.SliceStable(rest, func(i, j int) bool { return rest[i].measured() > rest[j].measured() })
	}
	for i, q := range rest {
		switch d.cfg.RxqAssign {
		case "group":
			best := free[0]
			for _, c := range free {
				if load[c] < load[best] {
					best = c
				}
			}
			q.poller = best
			load[best] += max(q.measured(), 1)
		case "roundrobin":
			q.poller = free[i%len(free)]
		default:
			n := len(free)
			if at := i % (2 * n); at < n {
				q.poller = free[at]
			} else {
				q.poller = free[2*n-1-at]
			}
		}
	}
}

// affinity parses other_config:pmd-rxq-affinity, "queue:core,…". What cannot be read is left out.
func affinity(s string) map[int]int {
	m := map[int]int{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		q, c, ok := strings.Cut(part, ":")
		queue, err1 := strconv.Atoi(q)
		core, err2 := strconv.Atoi(c)
		if ok && err1 == nil && err2 == nil {
			m[queue] = core
		}
	}
	return m
}

// measured is the load of a queue, in cycles over the last intervals.
func (q *rxq) measured() uint64 { return q.history.last(historyIntervals) }

// Rebalance assigns the receive queues anew (dpif-netdev/pmd-rxq-rebalance).
func (d *Datapath) Rebalance() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reconfigure()
}

// Configure implements dpif.Datapath.
func (d *Datapath) Configure(c dpif.Config) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cfg = c
	set := settings{
		emcInvProb: c.EMCInsertInvProb, smc: c.SMCEnable, sleepMax: c.PMDSleepMax * 1000, perfMetrics: c.PerfMetrics,
		signalAfter: uint64(signalAfter/time.Microsecond) * d.perUs(), timedAfter: uint64(timedAfter/time.Microsecond) * d.perUs(),
		vlanLimit: d.set.vlanLimit, txFlush: uint64(max(c.TxFlushInterval, 0)) * d.perUs(), perUs: d.perUs(),
	}
	if c.PMDSleepMax < 0 {
		set.adaptive, set.sleepMax = true, 0
	}
	if err := d.reconfigure(); err != nil {
		return err
	}
	if set == d.set {
		return nil
	}
	d.set = set
	return d.everywhere(func() *command { return &command{kind: cmdSettings, settings: &set} })
}

// hz is the rate of cycles() per second, measured since the datapath was made.
func (d *Datapath) hz() float64 {
	for {
		ns, c := monotonic()-d.startNs, cycles()-d.startTSC
		if ns >= 5e6 { // the first five milliseconds are waited for
			return float64(c) * 1e9 / float64(ns)
		}
		time.Sleep(time.Duration(5e6 - ns))
	}
}

// perUs is hz per microsecond, as the pollers reckon with it: the first value for good. mu is held.
func (d *Datapath) perUs() uint64 {
	if d.set.perUs == 0 {
		return max(uint64(d.hz()/1e6+0.5), 1)
	}
	return d.set.perUs
}

// monotonic is the system's monotonic clock in nanoseconds. (Not the injected one: it measures cycles().)
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// apply puts new settings into force on the poller.
func (p *poller) apply(s *settings) error {
	if s.emcInvProb != p.settings.emcInvProb {
		p.cache.SetInvProb(s.emcInvProb)
	}
	if s.perfMetrics && p.perf.Load() == nil && p.core != dpif.NonPMD {
		p.perf.Store(newPerf())
	}
	if p.metrics = nil; s.perfMetrics {
		p.metrics = p.perf.Load()
	}
	p.settings = *s
	p.sleepFor = 0
	return nil
}
