package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"govs/bench/dataplane/traffic"
	"govs/internal/tsc"
	"govs/test/ovs"
)

// figures are one side's.
type figures struct {
	Fill     float64           `json:"fill_s"`                // until the number of megaflows no longer rose
	Filled   int               `json:"megaflows_when_filled"` // and what it was
	Quiet    phase             `json:"quiet"`                 // without changes of rules
	Changes  phase             `json:"changes"`               // with two each second
	Changed  float64           `json:"change_in_force_s"`     // the rule for a hundredth of the flows; negative: not before the end
	Evict    float64           `json:"evict_s"`
	Purged   bool              `json:"purged"` // they did not all go by themselves
	Received uint64            `json:"received"`
	Counted  uint64            `json:"counted"` // by the rules
	Drops    map[string]uint64 `json:"drops"`   // before a rule, by name
	Lost     int64             `json:"unaccounted"`
	RSS      float64           `json:"rss_mb"`
}

// phase is what was seen in a time of steady traffic.
type phase struct {
	Seconds   float64 `json:"seconds"`
	Least     int     `json:"megaflows_least"`
	Most      int     `json:"megaflows_most"`
	Limit     int     `json:"flow_limit_least"`
	Dump      int     `json:"dump_ms_median"`
	DumpMost  int     `json:"dump_ms_most"`
	Processor float64 `json:"processor_of_others"` // time of all threads but the PMD's, as a share of one processor
	Cycles    float64 `json:"cycles_per_packet"`
	Mpps      float64 `json:"mpps"`
}

type bench struct {
	dir   string
	flows int
	watch time.Duration
	hz    float64
}

func main() {
	b := &bench{}
	sides := flag.String("sides", "original,ours", "sides to measure")
	out := flag.String("out", "bench/out", "directory of the results")
	flag.IntVar(&b.flows, "flows", 1_000_000, "different flows")
	flag.DurationVar(&b.watch, "watch", 15*time.Second, "how long the switch is watched")
	flag.Parse()
	if err := b.run(strings.Split(*sides, ","), *out); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

func (b *bench) run(sides []string, out string) error {
	dir, err := os.MkdirTemp("", "gvm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := capture(filepath.Join(dir, "flows.pcap")); err != nil {
		return err
	}
	if _, err := traffic.Library(dir); err != nil {
		return err
	}
	b.hz = tscHz()
	exec.Command("taskset", "-a", "-c", "-p", "0", fmt.Sprint(os.Getpid())).Run()
	res := map[string]*figures{}
	for _, name := range sides {
		if err := ovs.Available(ovs.Side(name)); err != nil {
			fmt.Fprintf(os.Stderr, "million: without %s: %v\n", name, err)
			continue
		}
		f, err := b.side(ovs.Side(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		res[name] = f
	}
	b.print(sides, res)
	text, err := json.MarshalIndent(map[string]any{
		"time": time.Now().UTC().Format(time.RFC3339), "flows": b.flows, "watch_s": b.watch.Seconds(), "tsc_hz": b.hz, "sides": res}, "", "  ")
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(out, "million.json"), append(text, '\n'), 0o644)
	}
	if f := res[string(ovs.Ours)]; err == nil && f != nil && f.Lost != 0 {
		err = fmt.Errorf("govs: %d packets are in no counter", f.Lost)
	}
	return err
}

// print writes the table.
func (b *bench) print(sides []string, res map[string]*figures) {
	titles := map[string]string{"original": "OVS-DPDK", "ours": "govs"}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	line := func(what string, f func(*figures) string) {
		fmt.Fprint(w, what)
		for _, s := range sides {
			if r := res[s]; r != nil {
				fmt.Fprint(w, "\t", f(r))
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%d flows", b.flows)
	for _, s := range sides {
		if res[s] != nil {
			fmt.Fprint(w, "\t", titles[s])
		}
	}
	fmt.Fprintln(w)
	line("megaflows no longer rise after, s", func(f *figures) string { return fmt.Sprintf("%.1f", f.Fill) })
	for _, p := range []struct {
		name string
		of   func(*figures) *phase
	}{
		{"quiet", func(f *figures) *phase { return &f.Quiet }},
		{"rules change", func(f *figures) *phase { return &f.Changes }},
	} {
		part := func(what string, f func(*phase) string) {
			line(p.name+": "+what, func(x *figures) string { return f(p.of(x)) })
		}
		part("megaflows, least to most", func(f *phase) string { return fmt.Sprintf("%d to %d", f.Least, f.Most) })
		part("flow limit, least", func(f *phase) string { return fmt.Sprint(f.Limit) })
		part("dump duration, median and most, ms", func(f *phase) string { return fmt.Sprintf("%d, %d", f.Dump, f.DumpMost) })
		part("processor, all threads but the PMD's", func(f *phase) string { return fmt.Sprintf("%.1f %%", f.Processor*100) })
		part("PMD, cycles per packet", func(f *phase) string { return fmt.Sprintf("%.1f", f.Cycles) })
		part("Mpps", func(f *phase) string { return fmt.Sprintf("%.2f", f.Mpps) })
	}
	line("a rule for a hundredth of them is in force after, s", func(f *figures) string {
		if f.Changed < 0 {
			return "not in time"
		}
		return fmt.Sprintf("%.2f", f.Changed)
	})
	line("resident memory, MB", func(f *figures) string { return fmt.Sprintf("%.0f", f.RSS) })
	line("all evicted after the traffic's end, s", func(f *figures) string {
		if f.Purged {
			return fmt.Sprintf("%.1f, by revalidator/purge", f.Evict)
		}
		return fmt.Sprintf("%.1f", f.Evict)
	})
	line("packets received", func(f *figures) string { return fmt.Sprint(f.Received) })
	line("counted by the rules", func(f *figures) string { return fmt.Sprint(f.Counted) })
	line("dropped before a rule", func(f *figures) string { return fmt.Sprint(total(f.Drops)) })
	line("in no counter", func(f *figures) string { return fmt.Sprint(f.Lost) })
	w.Flush()
}

func total(drops map[string]uint64) (n uint64) {
	for _, v := range drops {
		n += v
	}
	return n
}

// tscHz measures the frequency of the time-stamp counter against the clock.
func tscHz() float64 {
	t0, c0 := time.Now(), tsc.Read()
	time.Sleep(200 * time.Millisecond)
	t1, c1 := time.Now(), tsc.Read()
	return float64(c1-c0) / t1.Sub(t0).Seconds()
}
