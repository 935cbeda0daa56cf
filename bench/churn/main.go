package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"govs/bench/guest"
	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// config is what the flags say and what holds for the whole run.
type config struct {
	length time.Duration
	rate   float64 // Mpps
	mods   int
	doze   time.Duration
	nice   int
	sides  []string
	out    string
	hz     float64
	pool   *dpdk.Mempool
	pmd    string // /proc/PID/task/TID of the poll-mode thread
}

func main() {
	c := &config{}
	flag.DurationVar(&c.length, "length", 10*time.Second, "how long rules are changed")
	flag.Float64Var(&c.rate, "rate", 1, "packets, Mpps")
	flag.IntVar(&c.mods, "mods", 10_000, "flow_mods a second")
	flag.DurationVar(&c.doze, "doze", 50*time.Microsecond, "pause of the generator in each round, so that other threads of its processor run")
	flag.IntVar(&c.nice, "nice", -15, "niceness of the switch's threads other than the poll-mode thread, and of the one that changes rules; the generator has -20")
	flag.StringVar(&c.out, "out", "bench/out", "directory of the results")
	sides := flag.String("sides", "original,ours", "sides to measure")
	flag.Parse()
	c.sides = strings.Split(*sides, ",")
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "churn:", err)
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
	path := filepath.Join(c.out, "churn.json")
	fmt.Println("written to", path)
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// measureAll measures each side.
func (c *config) measureAll() (results []*result, err error) {
	if !dpdk.Built {
		return nil, errors.New("built without DPDK")
	}
	// Stay off the poll loop's processor ourselves, with all threads that are to come.
	exec.Command("taskset", "-a", "-c", "-p", "0", fmt.Sprint(os.Getpid())).Run()
	// Go would take the one processor in the mask for all there is, and the generator keeps that for itself.
	runtime.GOMAXPROCS(4)
	if c.pool, c.hz, err = guest.StartDPDK("churn", 32767); err != nil {
		return nil, err
	}
	for _, side := range c.sides {
		if err := ovs.Available(ovs.Side(side)); err != nil {
			fmt.Fprintf(os.Stderr, "churn: without %s: %v\n", side, err)
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
