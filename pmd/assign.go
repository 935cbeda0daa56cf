package pmd

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"govs/dpif"
	"govs/flow"
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
		cores = d.firstCores()
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

// firstCores returns the first core of each NUMA node.
func (d *Datapath) firstCores() []int {
	var cores []int
	seen := map[int]bool{}
	for c := range 1024 {
		if !coreExists(c) {
			continue
		}
		numa := 0
		if d.opt.NUMA != nil {
			numa = d.opt.NUMA(c)
		}
		if !seen[numa] {
			seen[numa] = true
			cores = append(cores, c)
		}
	}
	if len(cores) == 0 {
		cores = []int{0}
	}
	return cores
}

// assign makes place's decision the pollers' and the queues': q.poller. Queues of ports that are not polled belong to the non-PMD poller.
// mu is held.
func (d *Datapath) assign(now []*poller) {
	pmds := now[1:]
	pl := d.place(pmds)
	for _, pt := range d.ports {
		for _, q := range pt.rxqs {
			if !pt.dev.Polled() {
				q.poller = dpif.NonPMD
				continue
			}
			q.poller, q.pinned = pl.of[q], pl.pinned[q]
		}
	}
	for i, p := range pmds {
		p.isolated = pl.cores[i].isolated
	}
	for _, t := range pl.texts {
		if t.warn {
			d.opt.Warnf("%s", t.text)
		} else {
			d.opt.Logf("%s", t.text)
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
	before := d.cfg
	if how := c.RxqAssign; how != assignCycles && how != assignGroup && how != assignRoundRobin {
		if how != "" {
			d.opt.Warnf("Unsupported rx queue to PMD assignment mode in pmd-rxq-assign. Defaulting to 'cycles'.")
		}
		c.RxqAssign = assignCycles
	}
	d.cfg = c
	set := settings{
		emcInvProb: c.EMCInsertInvProb, smc: c.SMCEnable, sleepMax: c.PMDSleepMax * 1000, perfMetrics: c.PerfMetrics,
		signalAfter: uint64(signalAfter/time.Microsecond) * d.perUs(), timedAfter: uint64(timedAfter/time.Microsecond) * d.perUs(),
		vlanLimit: cmp.Or(c.VLANLimit, flow.DefaultVLANLimit), txFlush: uint64(max(c.TxFlushInterval, 0)) * d.perUs(), perUs: d.perUs(),
	}
	if c.PMDSleepMax < 0 {
		set.adaptive, set.sleepMax = true, 0
	}
	d.announce(&before)
	d.setBalancer()
	if !samePlacing(&before, &c) { // else queues stay where they are, whatever their loads have become
		if err := d.reconfigure(); err != nil {
			return err
		}
	}
	if set == d.set {
		return nil
	}
	d.set = set
	return d.everywhere(func() *command { return &command{kind: cmdSettings, req: &request{settings: &set}} })
}

// samePlacing says whether two configurations have the same PMDs, and place queues alike.
func samePlacing(a, b *dpif.Config) bool {
	return slices.Equal(a.PMDCPUs, b.PMDCPUs) && maps.Equal(a.RxqAffinity, b.RxqAffinity) && a.RxqAssign == b.RxqAssign && shared(a) == shared(b) &&
		maps.Equal(a.TxHash, b.TxHash)
}

// shared says whether a core that queues are pinned to gets others as well.
func shared(c *dpif.Config) bool { return c.RxqShared && c.RxqAssign == assignGroup }

// announce logs what has changed, in the original's words. mu is held.
func (d *Datapath) announce(before *dpif.Config) {
	c, log := &d.cfg, d.opt.Logf
	first := !d.configured
	d.configured = true
	if c.TxFlushInterval != before.TxFlushInterval {
		log("Flushing interval for tx queues set to %d us", c.TxFlushInterval)
	}
	if c.PerfMetrics != before.PerfMetrics {
		log("PMD performance metrics collection %s", enabled(c.PerfMetrics))
	}
	if c.RxqAssign != before.RxqAssign && (!first || c.RxqAssign != assignCycles) {
		log("Rxq to PMD assignment mode changed to: '%s'.", c.RxqAssign)
	}
	if c.RxqShared && c.RxqAssign != assignGroup && (!before.RxqShared || c.RxqAssign != before.RxqAssign) {
		d.opt.Warnf("pmd-rxq-isolate can only be set false when using pmd-rxq-assign=group")
	}
	if first || shared(c) != shared(before) {
		if shared(c) {
			log("pmd-rxq-affinity does not isolate PMD core")
		} else {
			log("pmd-rxq-affinity isolates PMD core")
		}
	}
	now, was := c.AutoLB, before.AutoLB
	if first || now.Interval != was.Interval {
		log("PMD auto load balance interval set to %d mins", now.Interval)
	}
	if first || now.Improvement != was.Improvement {
		log("PMD auto load balance improvement threshold set to %d%%", now.Improvement)
	}
	if first || now.Load != was.Load {
		log("PMD auto load balance load threshold set to %d%%", now.Load)
	}
	if first || now != was {
		if now.Enabled {
			log("PMD auto load balance is enabled, interval %d mins, pmd load threshold %d%%, improvement threshold %d%%.", now.Interval, now.Load, now.Improvement)
		} else if first || was.Enabled {
			log("PMD auto load balance is disabled.")
		}
	}
	switch {
	case !first && c.PMDSleepMax == before.PMDSleepMax:
	case c.PMDSleepMax < 0:
		log("PMD max sleep request is not set: PMDs sleep only when there is no traffic.")
	default:
		log("PMD max sleep request is %d usecs.", c.PMDSleepMax)
		log("PMD load based sleeps are %s.", enabled(c.PMDSleepMax > 0))
	}
}

func enabled(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
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
