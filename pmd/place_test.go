package pmd

import (
	"slices"
	"testing"
	"time"

	"govs/dpif"
	"govs/internal/clock"
)

func TestPlace(t *testing.T) {
	cores := func(numas ...int) (l []coreAt) {
		for i, n := range numas {
			l = append(l, coreAt{core: i, numa: n})
		}
		return l
	}
	type queue struct {
		load uint64
		pin  int
		numa int
	}
	free := func(load uint64) queue { return queue{load, nowhere, 0} }
	for _, c := range []struct {
		name   string
		cores  []coreAt
		queues []queue
		how    string
		shared bool
		want   []int
		text   string // one of the log
	}{
		{"cycles: the busiest first, over the cores and back", cores(0, 0), []queue{free(10), free(40), free(30), free(20)}, assignCycles, false, []int{0, 0, 1, 1},
			"Core  0 on numa node 0 assigned port 'p' rx queue 1 (measured processing cycles 40)."},
		{"roundrobin: in order, whatever the load", cores(0, 0), []queue{free(10), free(40), free(30)}, assignRoundRobin, false, []int{0, 1, 0},
			"Core  1 on numa node 0 assigned port 'p' rx queue 1."},
		{"group: the least load", cores(0, 0), []queue{free(100), free(10), free(20), free(30)}, assignGroup, false, []int{0, 1, 1, 1},
			"Performing pmd to rx queue assignment using group algorithm."},
		{"group without load: the fewest queues", cores(0, 0), []queue{free(0), free(0), free(0)}, assignGroup, false, []int{0, 1, 0}, ""},
		{"a pinned queue isolates its core", cores(0, 0), []queue{{5, 0, 0}, free(1), free(1)}, assignCycles, false, []int{0, 1, 1},
			"Core  0 on numa node 0 is pinned with port 'p' rx queue 0 (measured processing cycles 5)"},
		{"unless it is shared", cores(0, 0), []queue{{5, 0, 0}, free(4), free(3)}, assignGroup, true, []int{0, 1, 1}, ""},
		{"pinned to a core without a PMD", cores(0), []queue{{0, 7, 0}}, assignCycles, false, []int{0},
			"Core  7 cannot be pinned with port 'p' rx queue 0. Use pmd-cpu-mask to enable a pmd on core 7. An alternative core will be assigned."},
		{"all cores isolated", cores(0), []queue{{0, 0, 0}, free(0)}, assignRoundRobin, false, []int{0, nowhere},
			"No non-isolated pmd on any numa available for port 'p' rx queue 1. This rx queue will not be polled."},
		{"its own node first", cores(0, 1), []queue{{1, nowhere, 1}, {2, nowhere, 1}, {3, nowhere, 0}}, assignCycles, false, []int{1, 1, 0}, ""},
		{"another node", cores(0, 0), []queue{{0, nowhere, 1}}, assignCycles, false, []int{0},
			"There's no available (non-isolated) pmd thread on numa node 1. Port 'p' rx queue 0 will be assigned to a pmd on numa node 0. This may lead to reduced performance."},
	} {
		t.Run(c.name, func(t *testing.T) {
			var qs []queueAt
			for i, q := range c.queues {
				qs = append(qs, queueAt{q: &rxq{q: i}, port: "p", id: i, numa: q.numa, pin: q.pin, load: q.load})
			}
			p := place(c.cores, qs, c.how, !c.shared)
			for i, q := range qs {
				if got := p.of[q.q]; got != c.want[i] {
					t.Errorf("queue %d is on core %d, not %d", i, got, c.want[i])
				}
			}
			if c.text != "" && !slices.ContainsFunc(p.texts, func(l logged) bool { return l.text == c.text }) {
				t.Errorf("no %q in %v", c.text, p.texts)
			}
		})
	}
}

// An overloaded PMD whose queues could be spread gives some away, after the interval, if that makes loads more equal.
func TestAutoBalance(t *testing.T) {
	clk := clock.NewStopped(time.Unix(1000, 0))
	r := newRig(t, func(r *rig) { r.d.opt.Clock = clk })
	if !usable(1) {
		t.Skip("one processor")
	}
	cfg := dpif.Config{EMCInsertInvProb: 100, PMDCPUs: []int{0, 1}, RxqAssign: assignCycles, AutoLB: dpif.AutoLB{Enabled: true, Interval: 1, Load: 95, Improvement: 25}}
	for i := range 3 {
		r.port(dpif.PortNo(i+1), "dummy-pmd")
	}
	if err := r.d.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	d := r.d
	// Say that all queues are on core 0, which they keep busy, and that core 1 has nothing to do.
	func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		pmds := d.allPollers()[1:]
		for _, pt := range d.ports {
			pt.rxqs[0].poller = 0
		}
		d.deliver(pmds, d.allPollers(), false)
		d.deliver(pmds, d.allPollers(), true)
		for _, p := range pmds {
			_ = p.callWait(&command{kind: cmdCall, call: func(p *poller) {
				p.sampleAt = p.now + 1<<40 // nothing else is measured
				p.interval.set(1000)
				p.history.at.set(historyIntervals)
				for i := range historyIntervals {
					p.history.intervals[i].set(uint64(len(p.rxqs)) * 330)
					for _, q := range p.rxqs {
						q.history.at.set(historyIntervals)
						q.history.intervals[i].set(330)
					}
				}
			}})
		}
	}()
	queues := func() (a, b int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.allPollers()[1].planned.rxqs), len(d.allPollers()[2].planned.rxqs)
	}
	if a, b := queues(); a != 3 || b != 0 {
		t.Fatalf("%d and %d queues at first", a, b)
	}
	for start := time.Now(); ; {
		clk.Advance(time.Minute) // until the balancer has had its turn
		if a, b := queues(); b != 0 {
			if a+b != 3 || a == 0 {
				t.Errorf("%d and %d queues", a, b)
			}
			break
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal("nothing was balanced")
		}
	}
	d.mu.Lock()
	again := d.wantsBalance()
	d.mu.Unlock()
	if again {
		t.Error("it would go on and on")
	}
}

func TestVariance(t *testing.T) {
	if v := variance([]float64{1, 3}); v != 1 {
		t.Errorf("%v", v)
	}
}
