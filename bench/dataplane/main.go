package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"govs/test/ovs"
)

// config is what the flags say and what holds for the whole run.
type config struct {
	dir    string // captures
	out    string // where the JSON and the chart go
	hz     float64
	huge   bool
	check  bool
	length time.Duration
	runs   int
	sides  []string
}

func main() {
	c := &config{}
	names := flag.String("row", "", "rows to run, separated by commas, with * at the end for a prefix; all if empty")
	list := flag.Bool("list", false, "list the rows and stop")
	sides := flag.String("sides", "floor,original,ours", "sides to measure")
	draw := flag.String("draw", "", "draw the chart of the results that are already there to this file, and stop")
	markdown := flag.Bool("markdown", false, "print the results that are already there as a table for documentation, and stop")
	flag.IntVar(&c.runs, "runs", 5, "alternating runs of each side")
	flag.DurationVar(&c.length, "length", 600*time.Millisecond, "length of one measurement")
	flag.StringVar(&c.out, "out", "bench/out", "directory of the results")
	flag.BoolVar(&c.check, "check", true, "check the answers, too")
	noHuge := flag.Bool("no-huge", false, "do not use huge pages")
	flag.Parse()
	if *list {
		for _, r := range rows {
			fmt.Printf("%-16s %s\n", r.name, r.about)
		}
		return
	}
	c.sides = strings.Split(*sides, ",")
	chosen, err := choose(*names)
	switch {
	case err != nil:
	case *draw != "" || *markdown:
		err = c.show(chosen, *draw, *markdown)
	default:
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
	for _, side := range c.sides {
		var err error
		switch side {
		case "floor":
			_, err = exec.LookPath("dpdk-testpmd")
		case string(ovs.Original), string(ovs.Ours):
			err = ovs.Available(ovs.Side(side))
		default:
			return fmt.Errorf("no side %q: they are floor, original and ours", side)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: without %s: %v\n", side, err)
			c.sides = slices.DeleteFunc(slices.Clone(c.sides), func(s string) bool { return s == side })
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
	restore := func() {}
	if !noHuge {
		var free int
		free, restore = reserve(3072)
		defer restore()
		c.huge = free >= 3000<<20
	}
	// The processes under test end with us.
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ended
		restore()
		for _, side := range c.sides {
			exec.Command("ip", "netns", "del", bridgeName(side)).Run()
		}
		os.RemoveAll(dir)
		os.Exit(130)
	}()
	begin := time.Now()
	fmt.Printf("%.0f MHz time-stamp counter, %s, %d runs of %v each; cycles per packet (medians)\n",
		c.hz/1e6, map[bool]string{true: "huge pages", false: "no huge pages"}[c.huge], c.runs, c.length)

	// Stay off the poll loop's processor ourselves.
	exec.Command("taskset", "-a", "-c", "-p", "0", fmt.Sprint(os.Getpid())).Run()

	old, err := load(c.out)
	if err != nil {
		return err
	}
	rep := &report{TscHz: c.hz, HugePages: c.huge, Runs: c.runs, Length: c.length.Seconds()}
	for _, r := range chosen {
		o := c.measureRow(r)
		rep.Rows = append(rep.Rows, o)
		o.complain(os.Stderr)
	}
	rep.Time = time.Now().UTC().Format(time.RFC3339)
	rep.Seconds = time.Since(begin).Seconds()
	whole := rep.merge(old)
	whole.judge()
	whole.only(chosen).print(os.Stdout)
	fmt.Printf("%.0f s\n", rep.Seconds)
	return whole.save(c.out)
}

// show draws the chart of the results in c.out for some rows to a file, unless that is "", and prints them.
func (c *config) show(chosen []row, path string, markdown bool) error {
	rep, err := load(c.out)
	if err != nil {
		return err
	}
	if rep == nil {
		return fmt.Errorf("there are no results in %s", filepath.Join(c.out, resultsFile))
	}
	rep = rep.only(chosen)
	if markdown {
		rep.markdown(os.Stdout)
	}
	if path == "" {
		return nil
	}
	return os.WriteFile(path, chart(rep), 0o644)
}

// progress says what is being done on the last line of a terminal.
func (c *config) progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\r\033[K"+fmt.Sprintf(format, args...))
	}
}

// reserve makes sure of so many huge pages of 2 MB, if it may, and tells how much memory is free in huge pages. restore puts
// their number back.
func reserve(want int) (free int, restore func()) {
	const file = "/proc/sys/vm/nr_hugepages"
	restore = func() {}
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, restore
	}
	before, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	if before < want {
		if os.WriteFile(file, []byte(strconv.Itoa(want)), 0) == nil {
			restore = func() { os.WriteFile(file, []byte(strconv.Itoa(before)), 0) }
		}
	}
	if script := "tools/scripts/hugepages.sh"; exists(script) {
		exec.Command(script, strconv.Itoa(min(before, 1024))).Run() // mounts hugetlbfs, too
	}
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, restore
	}
	pages, size := 0, 0
	for line := range strings.Lines(string(info)) {
		fmt.Sscanf(line, "HugePages_Free: %d", &pages)
		fmt.Sscanf(line, "Hugepagesize: %d kB", &size)
	}
	return pages * size << 10, restore
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

const resultsFile, chartFile = "dataplane.json", "dataplane.svg"

// load reads the results of earlier runs; nil if there are none.
func load(dir string) (*report, error) {
	path := filepath.Join(dir, resultsFile)
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rep report
	if err := json.Unmarshal(b, &rep); err != nil || rep.Version != version {
		// Of another form: it is replaced.
		return nil, nil
	}
	return &rep, nil
}

// save writes the results and their chart.
func (rep *report) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	rep.Version = version
	b, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, resultsFile), append(b, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, chartFile), chart(rep), 0o644); err != nil {
		return err
	}
	fmt.Printf("written to %s and %s\n", filepath.Join(dir, resultsFile), filepath.Join(dir, chartFile))
	return nil
}
