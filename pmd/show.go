package pmd

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"govs/dpif"
	"govs/ports"
)

// Counters are one poller's lookup and cycle counters since it began.
type Counters struct {
	Core                                                     int // or dpif.NonPMD
	Received, Recirculated                                   uint64
	SimpleHits, EMCHits, SMCHits, MegaflowHits, Misses, Lost uint64
	SubtableLookups                                          uint64 // subtables searched for MegaflowHits
	TxPackets, TxBatches                                     uint64
	BusyCycles, IdleCycles, Iterations                       uint64
	Lengths                                                  [40]uint64 // iterations that took less than 1<<i cycles, and not less than half of it
}

// Counters returns the counters of all pollers: the non-PMD one first, then the PMDs in core order.
func (d *Datapath) Counters() []Counters {
	var l []Counters
	for _, p := range d.allPollers() {
		b := p.stats.read()
		var lengths [iterBuckets]uint64
		for i := range lengths {
			for j := range lengthSub {
				b := i*lengthSub + j
				if l := bits.Len64(lengthOf(b)); l < iterBuckets {
					lengths[l] += p.stats.lengths[b].load()
				}
			}
		}
		l = append(l, Counters{
			Lengths: lengths,
			Core:    p.core, Received: b[fReceived], Recirculated: b[fRecircs], SimpleHits: b[fSimple], EMCHits: b[fEMC], SMCHits: b[fSMC],
			MegaflowHits: b[fMegaflow], Misses: b[fMissOK] + b[fMissFailed] + b[fLost], Lost: b[fLost], SubtableLookups: b[fLookups],
			TxPackets: b[fTxPackets], TxBatches: b[fTxBatches], BusyCycles: b[fBusy], IdleCycles: b[fIdle], Iterations: b[fIterations],
		})
	}
	return l
}

// AllPollers as a core number means every poller.
const AllPollers = -1

// selected returns the pollers that a command is about, in the order in which the original lists them: PMDs, then the main
// thread.
func (d *Datapath) selected(core int) []*poller {
	all := d.allPollers()
	var l []*poller
	for _, p := range append(slices.Clone(all[1:]), all[0]) {
		if core == AllPollers || p.core == core {
			l = append(l, p)
		}
	}
	return l
}

// title is the line that begins a poller's part of a text.
func (p *poller) title() string {
	if p.core == dpif.NonPMD {
		return "main thread:\n"
	}
	return fmt.Sprintf("pmd thread numa_id %d core_id %d:\n", p.numa, p.core)
}

func ratio(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// StatsText is the text of dpif-netdev/pmd-stats-show, of one poller or of AllPollers. (A verdict that is waited for is an
// upcall that has neither succeeded nor failed yet.)
func (d *Datapath) StatsText(core int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, p := range d.selected(core) {
		s := p.stats.shown()
		total := s[fReceived]
		b.WriteString(p.title())
		fmt.Fprintf(&b, "  packets received: %d\n", total)
		fmt.Fprintf(&b, "  packet recirculations: %d\n", s[fRecircs])
		fmt.Fprintf(&b, "  avg. datapath passes per packet: %.2f\n", ratio(total+s[fRecircs], total))
		b.WriteString("  phwol hits: 0\n  mfex opt hits: 0\n")
		fmt.Fprintf(&b, "  simple match hits: %d\n", s[fSimple])
		fmt.Fprintf(&b, "  emc hits: %d\n", s[fEMC])
		fmt.Fprintf(&b, "  smc hits: %d\n", s[fSMC])
		fmt.Fprintf(&b, "  megaflow hits: %d\n", s[fMegaflow])
		fmt.Fprintf(&b, "  avg. subtable lookups per megaflow hit: %.2f\n", ratio(s[fLookups], s[fMegaflow]))
		fmt.Fprintf(&b, "  miss with success upcall: %d\n", s[fMissOK])
		fmt.Fprintf(&b, "  miss with failed upcall: %d\n", s[fMissFailed]+s[fLost])
		fmt.Fprintf(&b, "  avg. packets per output batch: %.2f\n", ratio(s[fTxPackets], s[fTxBatches]))
		if p.core == dpif.NonPMD {
			continue
		}
		cycles := s[fBusy] + s[fIdle]
		if cycles == 0 {
			continue
		}
		fmt.Fprintf(&b, "  idle cycles: %d (%.2f%%)\n", s[fIdle], 100*ratio(s[fIdle], cycles))
		fmt.Fprintf(&b, "  processing cycles: %d (%.2f%%)\n", s[fBusy], 100*ratio(s[fBusy], cycles))
		if total == 0 {
			continue
		}
		fmt.Fprintf(&b, "  avg cycles per packet: %.2f (%d/%d)\n", ratio(cycles, total), cycles, total)
		fmt.Fprintf(&b, "  avg processing cycles per packet: %.2f (%d/%d)\n", ratio(s[fBusy], total), s[fBusy], total)
	}
	return b.String()
}

// StatsClear is dpif-netdev/pmd-stats-clear: StatsText counts from now on.
func (d *Datapath) StatsClear(core int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.selected(core) {
		p.stats.base = p.stats.read()
		p.clearedAt = d.opt.Now()
		if p.perf.Load() != nil {
			_ = p.callWait(&command{kind: cmdCall, call: func(p *poller) { p.perf.Load().clear() }})
		}
	}
}

// RxqText is the text of dpif-netdev/pmd-rxq-show, with the load over the last secs seconds, at most 60.
func (d *Datapath) RxqText(core, secs int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if secs <= 0 || secs > historyIntervals*intervalSeconds {
		secs = historyIntervals * intervalSeconds
	}
	n := (secs + intervalSeconds - 1) / intervalSeconds
	var b strings.Builder
	for _, p := range d.selected(core) {
		if b.Len() == 0 {
			fmt.Fprintf(&b, "Displaying last %d seconds pmd usage %%\n", n*intervalSeconds)
		}
		if p.core == dpif.NonPMD {
			continue
		}
		b.WriteString(p.title())
		fmt.Fprintf(&b, "  isolated : %v\n", p.isolated)
		total := p.interval.load() * uint64(n)
		used := uint64(0)
		qs := sortedQueues(p.planned.rxqs)
		for _, q := range qs {
			state := "(enabled) "
			if e, ok := q.dev.(ports.QueueEnabler); ok && !e.RxEnabled(q.q) {
				state = "(disabled)"
			}
			c := q.history.last(n)
			used += c
			fmt.Fprintf(&b, "  port: %-16s  queue-id: %2d %s  pmd usage: %s\n", q.dev.Name(), q.q, state, percent(c, total))
		}
		if len(qs) > 0 {
			busy := p.history.last(n)
			fmt.Fprintf(&b, "  overhead: %s\n", percent(busy-min(used, busy), total))
		}
	}
	return b.String()
}

func percent(part, total uint64) string {
	if total == 0 {
		return "NOT AVAIL"
	}
	return fmt.Sprintf("%2d %%", part*100/total)
}
