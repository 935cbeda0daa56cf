package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"govs/test/ovs"
)

// row is one operation; the figures are by side, one for each run.
type row struct {
	Name   string               `json:"row"`
	Unit   string               `json:"unit"`
	Values map[string][]float64 `json:"values"`
	Ratio  float64              `json:"ratio"` // the original's median over ours
}

func main() {
	sides := flag.String("sides", "original,ours", "sides to measure")
	out := flag.String("out", "bench/out", "directory of the results")
	n := flag.Int("flows", 100_000, "flows")
	runs := flag.Int("runs", 3, "alternating runs of each side")
	flag.Parse()
	if err := run(strings.Split(*sides, ","), *out, *n, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "openflow:", err)
		os.Exit(1)
	}
}

func run(sides []string, out string, n, runs int) error {
	dir, err := os.MkdirTemp("", "gvo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	rules := filepath.Join(dir, "rules")
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "priority=%d,udp,nw_src=10.%d.%d.%d,nw_dst=192.168.%d.%d,tp_src=%d,tp_dst=53,actions=output:2\n",
			1000+i%50, i>>16&255, i>>8&255, i&255, i>>8&255, i&255, i&0xffff)
	}
	if err := os.WriteFile(rules, []byte(text.String()), 0o644); err != nil {
		return err
	}
	var rows []*row
	for range runs {
		for _, s := range sides {
			if err := ovs.Available(ovs.Side(s)); err != nil {
				return err
			}
			if err := measure(ovs.Side(s), rules, n, &rows); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d flows\toriginal\tgovs\tratio\t\n", n)
	for _, r := range rows {
		o, g := median(r.Values["original"]), median(r.Values["ours"])
		if g > 0 {
			r.Ratio = o / g
		}
		fmt.Fprintf(w, "%s, %s\t%.2f\t%.2f\t%.2f\t\n", r.Name, r.Unit, o, g, r.Ratio)
	}
	w.Flush()
	b, err := json.MarshalIndent(map[string]any{"time": time.Now().UTC().Format(time.RFC3339), "flows": n, "rows": rows}, "", "  ")
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "openflow.json"), append(b, '\n'), 0o644)
}

func median(l []float64) float64 {
	if len(l) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(l))
	return s[len(s)/2]
}

// measure starts a switch and goes through all operations. Both ways of adding must have added all flows.
func measure(side ovs.Side, rules string, n int, rows *[]*row) error {
	s, err := ovs.Start(ovs.Options{Side: side, Dummy: true, Timeout: 120 * time.Second})
	if err != nil {
		return err
	}
	defer s.Stop()
	if _, err := s.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure"); err != nil {
		return err
	}
	note := func(name, unit string, v float64) {
		for _, r := range *rows {
			if r.Name == name {
				r.Values[string(side)] = append(r.Values[string(side)], v)
				return
			}
		}
		*rows = append(*rows, &row{Name: name, Unit: unit, Values: map[string][]float64{string(side): {v}}})
	}
	timed := func(name string, args ...string) error {
		at := time.Now()
		_, err := s.Ofctl(args...)
		note(name, "s", time.Since(at).Seconds())
		return err
	}
	count := func() error {
		text, err := s.Ofctl("dump-aggregate", "br0")
		if err == nil && !strings.Contains(text, fmt.Sprintf("flow_count=%d\n", n)) {
			err = fmt.Errorf("%s, not %d flows", strings.TrimSpace(text), n)
		}
		return err
	}
	if err := timed("add-flows", "add-flows", "br0", rules); err != nil {
		return err
	}
	if err := count(); err != nil {
		return err
	}
	if err := timed("dump-flows", "dump-flows", "br0"); err != nil {
		return err
	}
	rss, err := memory(s, "VmRSS:")
	if err != nil {
		return err
	}
	note("memory with the flows", "MB", rss)
	if err := timed("del-flows", "del-flows", "br0"); err != nil {
		return err
	}
	if err := timed("add-flows --bundle", "--bundle", "add-flows", "br0", rules); err != nil {
		return err
	}
	if err := count(); err != nil {
		return err
	}
	peak, err := memory(s, "VmHWM:")
	note("memory at most", "MB", peak)
	return err
}

// memory is a figure of /proc/PID/status in MB.
func memory(s *ovs.Switch, field string) (float64, error) {
	pid, err := s.PID()
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			var kb float64
			_, err := fmt.Sscan(rest, &kb)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc/%d/status", field, pid)
}
