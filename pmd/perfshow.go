package pmd

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"govs/dpif"
)

// PerfOptions say what PerfText shows beside the counters.
type PerfOptions struct {
	NoHistograms bool
	Iterations   int // how many of the last iterations, at most 1000
	Milliseconds int // how many of the last milliseconds, at most 1000
}

// cnum formats x as C's printf does, with its names for what is no number.
func cnum(x float64, width, digits int) string {
	s := ""
	switch {
	case math.IsNaN(x):
		s = "-nan"
	case math.IsInf(x, 1):
		s = "inf"
	case math.IsInf(x, -1):
		s = "-inf"
	default:
		s = strconv.FormatFloat(x, 'f', digits, 64)
	}
	return strings.Repeat(" ", max(0, width-len(s))) + s
}

func share(part, whole uint64) string { return cnum(100*float64(part)/float64(whole), 5, 1) }

// PerfText is the text of dpif-netdev/pmd-perf-show, of one PMD or of AllPollers.
func (d *Datapath) PerfText(core int, o PerfOptions) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	now, hz := d.opt.Now(), d.hz()
	for _, p := range d.selected(core) {
		if p.core == dpif.NonPMD {
			continue
		}
		seconds := float64(now-p.clearedAt) / 1000
		fmt.Fprintf(&b, "\nTime: %s\n", time.UnixMilli(now).UTC().Format("15:04:05.000"))
		fmt.Fprintf(&b, "Measurement duration: %.3f s\n\n%s\n", seconds, p.title())
		s := p.stats.shown()
		perfCounters(&b, &s, seconds, hz)
		f := p.perf.Load()
		if f == nil || !d.set.perfMetrics {
			continue
		}
		if !o.NoHistograms {
			f.histograms(&b)
		}
		if n := min(o.Iterations, perfHistory); n > 0 {
			b.WriteByte('\n')
			iterationTable(&b, latest(&f.iters, f.nIters.load(), n))
		}
		if n := min(o.Milliseconds, perfHistory); n > 0 {
			b.WriteByte('\n')
			millisecondTable(&b, latest(&f.ms, f.nMs.load(), n))
		}
	}
	return b.String()
}

// perfCounters writes the part that is always there.
func perfCounters(b *strings.Builder, s *baseline, seconds, hz float64) {
	line := func(label string, n uint64, format string, args ...any) {
		fmt.Fprintf(b, "  %-20s%12d", label, n)
		if format != "" {
			fmt.Fprintf(b, "  ("+format+")", args...)
		}
		b.WriteByte('\n')
	}
	used := s[fBusy] + s[fIdle]
	its := s[fIterations]
	total := seconds * hz
	line("Iterations:", its, "%s us/it", cnum(float64(used+s[fSleepCycles])/float64(its)/hz*1e6, 0, 2))
	line("- Used TSC cycles:", used, "%s %% of total cycles", cnum(100*float64(used)/total, 5, 1))
	line("- idle iterations:", its-s[fBusyIterations], "%s %% of used cycles", share(s[fIdle], used))
	line("- busy iterations:", s[fBusyIterations], "%s %% of used cycles", share(s[fBusy], used))
	line("- sleep iterations:", s[fSleeps], "%s %% of iterations", cnum(100*ratio(s[fSleeps], its), 5, 1))
	slept := float64(s[fSleepCycles]) / hz * 1e6
	each := 0.0
	if s[fSleeps] != 0 {
		each = slept / float64(s[fSleeps])
	}
	line("Sleep time (us):", uint64(math.Round(slept)), "%s us/iteration avg.", cnum(each, 3, 0))
	rx := s[fReceived]
	if rx == 0 {
		line("Rx packets:", 0, "")
	} else {
		passes := rx + s[fRecircs]
		line("Rx packets:", rx, "%s Kpps, %.0f cycles/pkt", cnum(float64(rx)/seconds/1000, 0, 0), ratio(s[fBusy], rx))
		line("Datapath passes:", passes, "%.2f passes/pkt", ratio(passes, rx))
		line("- PHWOL hits:", 0, "%s %%", share(0, passes))
		line("- MFEX Opt hits:", 0, "%s %%", share(0, passes))
		line("- Simple Match hits:", s[fSimple], "%s %%", share(s[fSimple], passes))
		line("- EMC hits:", s[fEMC], "%s %%", share(s[fEMC], passes))
		line("- SMC hits:", s[fSMC], "%s %%", share(s[fSMC], passes))
		line("- Megaflow hits:", s[fMegaflow], "%s %%, %.2f subtbl lookups/hit", share(s[fMegaflow], passes), ratio(s[fLookups], s[fMegaflow]))
		line("- Upcalls:", s[fMissOK]+s[fMissFailed], "%s %%, %.1f us/upcall", share(s[fMissOK]+s[fMissFailed], passes),
			ratio(s[fUpcallCycles], s[fMissOK]+s[fMissFailed])/hz*1e6)
		line("- Lost upcalls:", s[fLost], "%s %%", share(s[fLost], passes))
	}
	if s[fTxPackets] == 0 {
		line("Tx packets:", 0, "")
		b.WriteByte('\n')
		return
	}
	line("Tx packets:", s[fTxPackets], "%s Kpps", cnum(float64(s[fTxPackets])/seconds/1000, 0, 0))
	line("Tx batches:", s[fTxBatches], "%.2f pkts/batch", ratio(s[fTxPackets], s[fTxBatches]))
}

// histograms writes the histograms side by side, with the averages under them.
func (f *perf) histograms(b *strings.Builder) {
	b.WriteString("\nHistograms\n")
	row := func(cells ...string) {
		b.WriteString(" ")
		for _, c := range cells {
			fmt.Fprintf(b, "  %-21s", c)
		}
		b.WriteByte('\n')
	}
	row("cycles/it", "packets/it", "cycles/pkt", "pkts/batch", "max vhost qlen", "upcalls/it", "cycles/upcall")
	var cells [numHists]string
	for bin := range perfBins {
		for h := range cells {
			wall := ">"
			if bin < perfBins-1 {
				wall = strconv.FormatUint(f.hists[h].walls[bin], 10)
			}
			cells[h] = fmt.Sprintf("%-9s %-11d", wall, f.hists[h].bins[bin].load())
		}
		row(cells[:]...)
	}
	t := f.total.read()
	if t.iterations == 0 {
		return
	}
	b.WriteString(strings.Repeat("-", 154) + "\n")
	row("cycles/it", "packets/it", "cycles/pkt", "pkts/batch", "vhost qlen", "upcalls/it", "cycles/upcall")
	whole := func(a, b uint64) string { return strconv.FormatUint(a/max(b, 1), 10) }
	part := func(a, b uint64) string { return fmt.Sprintf("%.5f", ratio(a, b)) }
	row(whole(t.cycles, t.iterations), part(t.packets, t.iterations), whole(t.busyCycles, t.packets), part(t.packets, t.batches),
		part(t.queue, t.iterations), part(t.upcalls, t.iterations), whole(t.upcallCycles, t.upcalls))
}

// iterationTable writes iterations one a line.
func iterationTable(b *strings.Builder, l []reading) {
	b.WriteString("   iter                cycles       packets      cycles/pkt   pkts/batch   vhost qlen   upcalls      cycles/upcall\n")
	for _, r := range l {
		fmt.Fprintf(b, "   %-17d   %-11d  %-11d  %-11d  %-11d  %-11d  %-11d  %-11d\n", r.stamp, r.cycles, r.packets, r.cycles/max(r.packets, 1)*one(r.packets),
			r.packets/max(r.batches, 1), r.queue, r.upcalls, r.upcallCycles/max(r.upcalls, 1))
	}
}

// millisecondTable writes milliseconds one a line, with averages over their iterations.
func millisecondTable(b *strings.Builder, l []reading) {
	b.WriteString("   ms             iterations   cycles/it    Kpps         cycles/pkt   pkts/batch   vhost qlen   upcalls      cycles/upcall\n")
	for _, r := range l {
		its := max(r.iterations, 1)
		fmt.Fprintf(b, "   %-12d   %-11d  %-11d  %-11d  %-11d  %-11d  %-11d  %-11d  %-11d\n", r.stamp, r.iterations, r.cycles/its, r.packets,
			r.cycles/max(r.packets, 1)*one(r.packets), r.packets/max(r.batches, 1), r.queue/its, r.upcalls, r.upcallCycles/max(r.upcalls, 1))
	}
}

// one is 1, or 0 for 0.
func one(n uint64) uint64 { return min(n, 1) }
