package pmd

import (
	"strings"
	"testing"

	"govs/dpif"
)

// The walls of the original's histograms, from its pmd-perf-show.
func TestPerfWalls(t *testing.T) {
	f := newPerf()
	for _, c := range []struct {
		hist, bin int
		want      uint64
	}{
		{histCycles, 0, 499}, {histCycles, 1, 716}, {histCycles, 15, 109544}, {histCycles, 29, 16755981}, {histCycles, 30, 24000000},
		{histPackets, 0, 0}, {histPackets, 1, 1}, {histPackets, 11, 11}, {histPackets, 12, 13}, {histPackets, 29, 788}, {histPackets, 30, 1000},
		{histCyclesPerPacket, 0, 100}, {histCyclesPerPacket, 1, 1096}, {histCyclesPerPacket, 30, 30000},
		{histPacketsPerBatch, 14, 14}, {histPacketsPerBatch, 15, 16}, {histPacketsPerBatch, 30, 32},
		{histQueue, 13, 13}, {histQueue, 14, 16}, {histQueue, 29, 412}, {histQueue, 30, 512}, {histUpcalls, 30, 30},
		{histCyclesPerUpcall, 0, 999}, {histCyclesPerUpcall, 10, 9999}, {histCyclesPerUpcall, 20, 99999}, {histCyclesPerUpcall, 30, 1000000},
	} {
		if got := f.hists[c.hist].walls[c.bin]; got != c.want {
			t.Errorf("histogram %d, wall %d is %d, not %d", c.hist, c.bin, got, c.want)
		}
	}
}

func TestHistogramAdd(t *testing.T) {
	f := newPerf()
	h := &f.hists[histPackets]
	for bin := range perfBins {
		if bin == perfBins-1 {
			h.add(h.walls[bin-1] + 1)
		} else {
			h.add(h.walls[bin])
		}
		for b := range perfBins {
			if got, want := h.bins[b].load(), one(uint64(bin+1)-min(uint64(b), uint64(bin+1))); got != want {
				t.Fatalf("after a value for bin %d, bin %d holds %d, not %d", bin, b, got, want)
			}
		}
	}
}

// Every packet that comes while metrics are on is in the histograms and the histories, and pmd-stats-clear forgets them.
func TestPerfMetrics(t *testing.T) {
	r := newRig(t, nil)
	in, out := r.port(1, "dummy-pmd"), r.port(2, "dummy-pmd")
	if err := r.d.Configure(dpif.Config{EMCInsertInvProb: 100, PerfMetrics: true}); err != nil {
		t.Fatal(err)
	}
	const n = 10
	for i := range n {
		if err := in.Inject(0, udp(1000, i)); err != nil {
			t.Fatal(err)
		}
		r.quiesce()
	}
	if got := len(out.TakeSent()); got != n {
		t.Fatalf("%d packets came out", got)
	}
	p := r.d.allPollers()[1]
	total := p.perf.Load().total.read()
	if total.packets != n || total.batches != n || total.upcalls != 1 || total.upcallCycles == 0 || total.busyCycles == 0 {
		t.Errorf("totals are %+v", total)
	}
	text := r.d.PerfText(AllPollers, PerfOptions{Iterations: 5, Milliseconds: 3})
	for _, want := range []string{
		"pmd thread numa_id 0 core_id ", "  Rx packets:                   10  (", "  Tx packets:                   10  (", "Histograms\n   cycles/it ",
		"  - Upcalls:                     1  ( 10.0 %, ", "   1         10           ", "\n   iter  ", "\n   ms  ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if lines := strings.Split(text[strings.Index(text, "   iter "):strings.Index(text, "   ms ")], "\n"); len(lines) != 1+5+1+1 {
		t.Errorf("%d lines of iterations", len(lines))
	}
	r.d.StatsClear(AllPollers)
	if total := p.perf.Load().total.read(); total.packets != 0 {
		t.Errorf("after clearing %+v", total)
	}
	if text := r.d.PerfText(p.core, PerfOptions{NoHistograms: true}); !strings.Contains(text, "  Rx packets:                    0\n  Tx packets:                    0\n\n") {
		t.Errorf("after clearing\n%s", text)
	}
}

// An iteration that takes too long is logged with its neighbours.
func TestPerfLog(t *testing.T) {
	logged := make(chan string, 64)
	l := NewPerfLog(func(core int, text string) { logged <- text })
	defer l.Close()
	if err := l.Set([]string{"on", "-b", "2", "-a", "1", "-us", "0", "-q", "500"}); err != nil {
		t.Fatal(err)
	}
	if got, want := <-logged, "pmd-perf-log-set: on, before=2, after=1, extend=false, us_thr=0, q_thr=500"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	for _, bad := range [][]string{{"x"}, {"-b"}, {"-a", "y"}} {
		if err := l.Set(bad); err == nil || !strings.HasPrefix(err.Error(), "Usage: ovs-appctl dpif-netdev/pmd-perf-log-set ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	p := &poller{core: 3, d: &Datapath{opt: Options{PerfLog: l}}}
	p.settings.perUs = 100
	f := newPerf()
	l.us.Store(10)
	for i, took := range []uint64{1, 2, 3, 1001, 4, 5, 6} {
		p.stats.iterations.set(uint64(i))
		p.iterated(f, took, &reading{})
	}
	if got, want := <-logged, "Suspicious iteration (Excessive total cycles): iter=3 duration=10 us"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	text := <-logged
	lines := strings.Split(text, "\n")
	if len(lines) != 2+2+1+1 || !strings.HasPrefix(lines[2], "   4                   4  ") || !strings.HasPrefix(lines[5], "   1                   2  ") {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	p.iterated(f, 1, &reading{queue: 501})
	p.iterated(f, 1, &reading{})
	if got := <-logged; !strings.HasPrefix(got, "Suspicious iteration (Vhost RX queue full): ") {
		t.Errorf("%q", got)
	}
	select {
	case got := <-logged:
		if !strings.HasPrefix(got, "Neighborhood") {
			t.Errorf("too much: %q", got)
		}
	default:
	}
}
