package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"govs/test/ovs"
)

// config is what the flags say and what holds for the whole run.
type config struct {
	dir    string // captures
	out    string // where the JSON goes
	hz     float64
	huge   bool
	length time.Duration
	runs   int
	sides  []string
}

// outcome is a row with all its measurements, as the JSON has it.
type outcome struct {
	Row    string              `json:"row"`
	About  string              `json:"about"`
	Runs   map[string][]result `json:"runs"`       // by side: floor, original, ours
	Median map[string]float64  `json:"median"`     // of cycles
	Ratio  float64             `json:"ratio"`      // the original's cycles over ours
	Best   float64             `json:"best_ratio"` // the same of each side's best run, which other load disturbs less
	Floor  float64             `json:"over_floor,omitempty"`
	Errors map[string]string   `json:"errors,omitempty"`
}

func main() {
	c := &config{}
	names := flag.String("row", "", "rows to run, separated by commas; all, or the default set if empty")
	list := flag.Bool("list", false, "list the rows and stop")
	sides := flag.String("sides", "floor,original,ours", "sides to measure")
	flag.IntVar(&c.runs, "runs", 3, "alternating runs of each side")
	flag.DurationVar(&c.length, "length", 2*time.Second, "length of one measurement")
	flag.StringVar(&c.out, "out", "bench/out", "directory of the results")
	noHuge := flag.Bool("no-huge", false, "do not use huge pages")
	flag.Parse()
	if *list {
		for _, r := range rows {
			fmt.Printf("%-14s %s\n", r.name, r.about)
		}
		return
	}
	c.sides = strings.Split(*sides, ",")
	chosen, err := choose(*names)
	if err == nil {
		err = c.run(chosen, *noHuge)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (c *config) run(chosen []row, noHuge bool) error {
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("the poll loop and the rest need a processor each: this machine has %d", runtime.NumCPU())
	}
	for _, side := range []ovs.Side{ovs.Original, ovs.Ours} {
		if err := ovs.Available(side); err != nil && slices.Contains(c.sides, string(side)) {
			fmt.Fprintf(os.Stderr, "bench: without %s: %v\n", side, err)
			c.sides = slices.DeleteFunc(c.sides, func(s string) bool { return s == string(side) })
		}
	}
	if len(c.sides) == 0 {
		return fmt.Errorf("nothing to measure")
	}
	dir, err := os.MkdirTemp("", "gvb")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.dir = dir
	c.hz = tscHz()
	c.huge = !noHuge && hugePages() >= 900<<20
	fmt.Printf("%.0f MHz time-stamp counter, %s, %d runs of %v each; cycles per packet (medians)\n",
		c.hz/1e6, map[bool]string{true: "huge pages", false: "no huge pages"}[c.huge], c.runs, c.length)

	// Stay off the poll loop's processor ourselves.
	exec.Command("taskset", "-a", "-c", "-p", "0", fmt.Sprint(os.Getpid())).Run()

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	var all []outcome
	for _, r := range chosen {
		o := c.row(r)
		all = append(all, o)
		if r.name == chosen[0].name {
			fmt.Fprintf(w, "row\ttestpmd io\tOVS-DPDK\tgovs\tratio\tof best\tover floor\town: OVS\tgovs\t\n")
		}
		own := func(side string) string { return num(median(o.Runs[side], func(r result) float64 { return r.Own })) }
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.name, num(o.Median["floor"]), num(o.Median["original"]), num(o.Median["ours"]),
			ratio(o.Ratio), ratio(o.Best), ratio(o.Floor), own("original"), own("ours"))
		for _, side := range c.sides {
			if e := o.Errors[side]; e != "" {
				fmt.Fprintf(os.Stderr, "bench: %s, %s: %s\n", r.name, side, e)
			}
			for i, res := range o.Runs[side] {
				if res.Note != "" {
					fmt.Fprintf(os.Stderr, "bench: %s, %s, run %d: %s\n", r.name, side, i+1, res.Note)
				}
			}
		}
	}
	w.Flush()
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(map[string]any{
		"time": time.Now().UTC().Format(time.RFC3339), "tsc_hz": c.hz, "huge_pages": c.huge, "runs": c.runs, "rows": all,
	}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(c.out, "dataplane.json")
	fmt.Println("written to", path)
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// row measures all sides of a row, alternating.
func (c *config) row(r row) outcome {
	o := outcome{Row: r.name, About: r.about, Runs: map[string][]result{}, Median: map[string]float64{}, Errors: map[string]string{}}
	for i := range c.runs {
		for _, side := range c.sides {
			if o.Errors[side] != "" || side == "floor" && r.vhost {
				continue
			}
			fmt.Fprintf(os.Stderr, "\r\033[K%s: run %d of %d: %s", r.name, i+1, c.runs, side)
			var res result
			var err error
			if side == "floor" {
				res, err = c.floor(r)
			} else {
				res, err = c.measure(ovs.Side(side), r)
			}
			if err != nil {
				o.Errors[side] = err.Error()
				continue
			}
			o.Runs[side] = append(o.Runs[side], res)
		}
	}
	fmt.Fprint(os.Stderr, "\r\033[K")
	for _, side := range c.sides {
		o.Median[side] = median(o.Runs[side], func(r result) float64 { return r.Cycles })
	}
	if o.Median["ours"] > 0 {
		o.Ratio = o.Median["original"] / o.Median["ours"]
		o.Best = best(o.Runs["original"]) / best(o.Runs["ours"])
		if o.Median["floor"] > 0 {
			o.Floor = o.Median["ours"] / o.Median["floor"]
		}
	}
	return o
}

// best is the fewest cycles of all runs; 0 without any.
func best(rs []result) float64 {
	if len(rs) == 0 {
		return 0
	}
	return slices.MinFunc(rs, func(a, b result) int { return cmp.Compare(a.Cycles, b.Cycles) }).Cycles
}

func median(rs []result, f func(result) float64) float64 {
	if len(rs) == 0 {
		return 0
	}
	v := make([]float64, len(rs))
	for i, r := range rs {
		v[i] = f(r)
	}
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func num(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

func ratio(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

// hugePages is how much memory is free in huge pages, having reserved some if we may.
func hugePages() int {
	script := "tools/scripts/hugepages.sh"
	if _, err := os.Stat(script); err == nil {
		exec.Command(script, "1024").Run()
	}
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	free, size := 0, 0
	for line := range strings.Lines(string(b)) {
		fmt.Sscanf(line, "HugePages_Free: %d", &free)
		fmt.Sscanf(line, "Hugepagesize: %d kB", &size)
	}
	return free * size << 10
}
