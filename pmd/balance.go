package pmd

import (
	"cmp"
	"time"
)

// Automatic load balancing (other_config:pmd-auto-lb): once an interval, if a PMD is overloaded, queues are placed again, provided that this
// makes loads noticeably more equal.

// balancer is the goroutine that does it, while it is enabled.
type balancer struct {
	every time.Duration
	stop  chan struct{}
}

// setBalancer starts or ends automatic load balancing as d.cfg says. mu is held.
func (d *Datapath) setBalancer() {
	var every time.Duration
	if lb := d.cfg.AutoLB; lb.Enabled && d.opt.Clock != nil && d.cfg.RxqAssign != assignRoundRobin && !d.closed.Load() {
		every = time.Duration(max(lb.Interval, 1)) * time.Minute
	}
	if d.balancer.every == every {
		return
	}
	if d.balancer.every != 0 {
		close(d.balancer.stop)
	}
	d.balancer = balancer{every: every, stop: make(chan struct{})}
	if every == 0 {
		return
	}
	b := d.balancer
	t := d.opt.Clock.NewTicker(every)
	go func() { // Close does not wait for it: balance looks whether the datapath is closed
		defer t.Stop()
		for {
			select {
			case <-b.stop:
				return
			case <-t.C():
				d.balance()
			}
		}
	}()
}

// balance places the queues again if an overloaded PMD and the gain ask for it, and says whether it did.
func (d *Datapath) balance() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() || !d.wantsBalance() {
		return false
	}
	d.opt.Logf("PMD auto load balance dry run. Requesting datapath reconfigure.")
	if err := d.reconfigure(); err != nil {
		d.opt.Logf("PMD auto load balance: %v", err)
	}
	return true
}

// wantsBalance says whether a PMD that is not isolated is loaded above the threshold, and placing anew makes the variance of loads
// smaller by more than its threshold. mu is held.
func (d *Datapath) wantsBalance() bool {
	var percent []float64 // busy part of each such PMD
	cores := map[int]int{}
	overloaded, several := false, false
	capacity := uint64(0)
	for _, p := range d.allPollers()[1:] {
		if p.isolated {
			continue
		}
		all := p.interval.load() * historyIntervals
		capacity = max(capacity, all)
		load := 100 * ratio(p.history.last(historyIntervals), all)
		overloaded = overloaded || load >= float64(d.cfg.AutoLB.Load)
		unpinned := 0
		for _, q := range p.planned.rxqs {
			if !q.pinned {
				unpinned++
			}
		}
		several = several || unpinned > 1
		cores[p.core] = len(percent)
		sum := uint64(0)
		for _, q := range p.planned.rxqs {
			sum += q.measured()
		}
		percent = append(percent, 100*ratio(sum, all))
	}
	if !overloaded || len(percent) < 2 || !several || capacity == 0 {
		return false
	}
	after := make([]float64, len(percent))
	for _, c := range d.place(d.allPollers()[1:]).cores {
		if i, ok := cores[c.core]; ok {
			after[i] = 100 * ratio(c.load, capacity)
		}
	}
	old, estimated := variance(percent), variance(after)
	if old <= estimated {
		return d.cfg.AutoLB.Improvement == 0
	}
	return 100*(old-estimated)/old >= float64(d.cfg.AutoLB.Improvement)
}

func variance(l []float64) (v float64) {
	mean := 0.0
	for _, x := range l {
		mean += x / float64(len(l))
	}
	for _, x := range l {
		v += (x - mean) * (x - mean) / float64(len(l))
	}
	return v
}

// place is place for the datapath's queues and these PMDs. mu is held.
func (d *Datapath) place(pmds []*poller) *placement {
	var queues []queueAt
	for _, pt := range d.sortedPorts() {
		if !pt.dev.Polled() {
			continue
		}
		numa := 0
		if n, ok := pt.dev.(interface{ NUMA() int }); ok {
			numa = max(n.NUMA(), 0)
		}
		pins := affinity(d.cfg.RxqAffinity[pt.dev.Name()])
		for _, q := range pt.rxqs {
			pin, ok := pins[q.q]
			if !ok {
				pin = nowhere
			}
			queues = append(queues, queueAt{q: q, port: pt.dev.Name(), id: q.q, numa: numa, pin: pin, load: q.measured()})
		}
	}
	var cores []coreAt
	for _, p := range pmds {
		cores = append(cores, coreAt{core: p.core, numa: p.numa})
	}
	how := cmp.Or(d.cfg.RxqAssign, assignCycles)
	return place(cores, queues, how, !shared(&d.cfg))
}
