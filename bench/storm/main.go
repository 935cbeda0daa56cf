package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"govs/bench/guest"
	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// config is what the flags say and what holds for the whole run.
type config struct {
	length  time.Duration
	rounds  int
	max     float64 // Mpps; 0: found by a ramp
	share   float64 // of the highest rate
	nice    int     // of the switch's threads other than the poll-mode thread
	sides   []string
	verbose bool
	out     string
	hz      float64
	pool    *dpdk.Mempool
	pmd     string // /proc/PID/task/TID of the poll-mode thread
}

func main() {
	c := &config{}
	flag.DurationVar(&c.length, "length", 2*time.Second, "length of the phases that are compared")
	flag.IntVar(&c.rounds, "rounds", 5, "how often they are, in turn; medians are shown")
	flag.Float64Var(&c.max, "max", 0, "the highest rate, Mpps, if it is known; else it is looked for")
	flag.Float64Var(&c.share, "share", 0.7, "the established flows' share of the highest rate")
	flag.IntVar(&c.nice, "nice", -15, "niceness of the switch's threads other than the poll-mode thread; the generator has -20")
	flag.StringVar(&c.out, "out", "bench/out", "directory of the results")
	flag.BoolVar(&c.verbose, "v", false, "show each phase and what the switch writes to standard error")
	sides := flag.String("sides", "original,ours", "sides to measure")
	flag.Parse()
	c.sides = strings.Split(*sides, ",")
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1)
	}
}

func (c *config) run() error {
	results, err := c.measureAll()
	if err != nil {
		return err
	}
	printTable(os.Stdout, results)
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(map[string]any{"time": time.Now().UTC().Format(time.RFC3339), "length_s": c.length.Seconds(), "sides": results}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(c.out, "storm.json")
	fmt.Println("written to", path)
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// measureAll measures each side.
func (c *config) measureAll() ([]*result, error) {
	if !dpdk.Built {
		return nil, errors.New("built without DPDK")
	}
	// Stay off the poll loop's processor ourselves, with all threads that are to come.
	exec.Command("taskset", "-a", "-c", "-p", "0", fmt.Sprint(os.Getpid())).Run()
	if err := c.startDPDK(); err != nil {
		return nil, err
	}
	var results []*result
	for _, side := range c.sides {
		if err := ovs.Available(ovs.Side(side)); err != nil {
			fmt.Fprintf(os.Stderr, "storm: without %s: %v\n", side, err)
			continue
		}
		r, err := c.measure(ovs.Side(side))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", side, err)
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, errors.New("nothing to measure")
	}
	return results, nil
}

// startDPDK starts DPDK in this process, once.
func (c *config) startDPDK() error {
	if c.pool != nil {
		return nil
	}
	var err error
	c.pool, c.hz, err = guest.StartDPDK("storm", 16383)
	return err
}
