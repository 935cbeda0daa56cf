package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"govs/internal/unixctl"
	"govs/test/ovs"
)

// figures are the medians of one side.
type figures struct {
	Installed []float64 `json:"installed_per_second"`
	Rate      float64   `json:"median_installed_per_second"`
	Change    []float64 `json:"change_in_force_ms"`
	Latency   float64   `json:"median_change_in_force_ms"`
}

type bench struct {
	dir    string
	flows  int
	runs   int
	noHuge bool
}

func main() {
	b := &bench{}
	sides := flag.String("sides", "original,ours", "sides to measure")
	out := flag.String("out", "bench/out", "directory of the results")
	flag.IntVar(&b.flows, "flows", 100_000, "different flows")
	flag.IntVar(&b.runs, "runs", 3, "runs of each side")
	flag.BoolVar(&b.noHuge, "no-huge", false, "do not use huge pages")
	flag.Parse()
	if err := b.run(strings.Split(*sides, ","), *out); err != nil {
		fmt.Fprintln(os.Stderr, "upcalls:", err)
		os.Exit(1)
	}
}

func (b *bench) run(sides []string, out string) error {
	dir, err := os.MkdirTemp("", "gvu")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if err := capture(b.capture(), b.flows); err != nil {
		return err
	}
	rules := make([]string, b.flows)
	for i := range rules {
		rules[i] = flowN(i).rule()
	}
	if err := os.WriteFile(b.rules(), []byte(strings.Join(rules, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	exec.Command("taskset", "-a", "-c", "-p", "0", fmt.Sprint(os.Getpid())).Run()
	res := map[string]*figures{}
	for _, name := range sides {
		if err := ovs.Available(ovs.Side(name)); err != nil {
			fmt.Fprintf(os.Stderr, "upcalls: without %s: %v\n", name, err)
			continue
		}
		f, err := b.side(ovs.Side(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		res[name] = f
		fmt.Printf("%-9s %9.0f flows translated and installed a second %v; a change is in force after %.0f ms %v\n",
			name, f.Rate, rounded(f.Installed), f.Latency, rounded(f.Change))
	}
	if o, g := res["original"], res["ours"]; o != nil && g != nil {
		fmt.Printf("ratios    %9.2f installed (ours over the original's), %.2f change (the original's over ours)\n", g.Rate/o.Rate, o.Latency/g.Latency)
	}
	text, err := json.MarshalIndent(map[string]any{"time": time.Now().UTC().Format(time.RFC3339), "flows": b.flows, "sides": res}, "", "  ")
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "upcalls.json"), append(text, '\n'), 0o644)
}

func rounded(l []float64) []int {
	r := make([]int, len(l))
	for i, v := range l {
		r[i] = int(v)
	}
	return r
}

func (b *bench) capture() string { return filepath.Join(b.dir, "flows.pcap") }
func (b *bench) rules() string   { return filepath.Join(b.dir, "rules") }

// side measures one switch.
func (b *bench) side(side ovs.Side) (*figures, error) {
	eal := "--no-pci --in-memory"
	if b.noHuge {
		eal = "--no-pci --no-shconf --legacy-mem --no-huge -m 2048"
	}
	s, err := ovs.Start(ovs.Options{Side: side, CPUs: "0", Timeout: 120 * time.Second, Config: []string{
		"dpdk-init=true", "dpdk-extra=" + eal, "pmd-cpu-mask=0x2", "max-idle=60000", "flow-limit=2000000",
	}})
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	f, err := b.measure(s)
	if err != nil {
		log := s.Log()
		err = fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
	}
	return f, err
}

func (b *bench) measure(s *ovs.Switch) (*figures, error) {
	steps := [][]string{
		{"ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"},
		{"ovs-ofctl", "--bundle", "add-flows", "br0", b.rules()},
		{"ovs-vsctl", "add-port", "br0", "dst", "--", "set", "interface", "dst", "type=dpdk", "options:dpdk-devargs=net_null0,size=64,no-rx=1", "ofport_request=2"},
		{"ovs-vsctl", "add-port", "br0", "dst2", "--", "set", "interface", "dst2", "type=dpdk", "options:dpdk-devargs=net_null1,size=64,no-rx=1", "ofport_request=3"},
	}
	for _, c := range steps {
		if _, err := s.Run(c[0], c[1:]...); err != nil {
			return nil, err
		}
	}
	pid, err := s.PID()
	if err != nil {
		return nil, err
	}
	ctl, err := unixctl.Dial(context.Background(), filepath.Join(s.Dir, fmt.Sprintf("ovs-vswitchd.%d.ctl", pid)))
	if err != nil {
		return nil, err
	}
	defer ctl.Close()
	f := &figures{}
	for range b.runs {
		if _, err := ctl.Transact("upcall/set-flow-limit", "2000000"); err != nil {
			return nil, err
		}
		rate, err := b.fill(s, ctl)
		if err != nil {
			return nil, err
		}
		f.Installed = append(f.Installed, rate)
		ms, err := b.change(s)
		if err != nil {
			return nil, err
		}
		f.Change = append(f.Change, ms)
		if _, err := s.Vsctl("del-port", "br0", "src"); err != nil {
			return nil, err
		}
		if err := empty(ctl); err != nil {
			return nil, err
		}
	}
	f.Rate, f.Latency = median(f.Installed), median(f.Change)
	return f, nil
}

func median(l []float64) float64 {
	s := slices.Sorted(slices.Values(l))
	return s[len(s)/2]
}

var reFlows = regexp.MustCompile(`flows: (\d+)`)

func installed(ctl *unixctl.Client) (int, error) {
	text, err := ctl.Transact("dpctl/show")
	if err != nil {
		return 0, err
	}
	m := reFlows.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no number of flows in %q", text)
	}
	return strconv.Atoi(m[1])
}

// empty waits until no megaflow is left.
func empty(ctl *unixctl.Client) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := ctl.Transact("revalidator/purge"); err != nil {
			return err
		}
		if n, err := installed(ctl); err != nil || n == 0 {
			return err
		}
	}
	return errors.New("the datapath does not become empty")
}

// fill adds the source of packets and returns the flows installed a second, between the first tenth and the last.
func (b *bench) fill(s *ovs.Switch, ctl *unixctl.Client) (float64, error) {
	added := make(chan error, 1)
	go func() {
		_, err := s.Vsctl("add-port", "br0", "src", "--", "set", "interface", "src", "type=dpdk",
			"options:dpdk-devargs=net_pcap0,rx_pcap="+b.capture()+",infinite_rx=1", "ofport_request=1")
		added <- err
	}()
	type point struct {
		at time.Time
		n  int
	}
	var first, last point
	end := time.Now().Add(60 * time.Second)
	for last.n < b.flows*9/10 {
		n, err := installed(ctl)
		if err != nil {
			return 0, err
		}
		p := point{time.Now(), n}
		if p.at.After(end) {
			return 0, fmt.Errorf("only %d of %d flows after 60 s", n, b.flows)
		}
		if first.n < b.flows/10 {
			first = p
		}
		last = p
		time.Sleep(2 * time.Millisecond)
	}
	if err := <-added; err != nil {
		return 0, err
	}
	for n := 0; n < b.flows; time.Sleep(10 * time.Millisecond) {
		var err error
		if n, err = installed(ctl); err != nil {
			return 0, err
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("only %d of %d flows after 60 s", n, b.flows)
		}
	}
	return float64(last.n-first.n) / last.at.Sub(first.at).Seconds(), nil
}

var reTx = regexp.MustCompile(`tx pkts=(\d+)`)

func sent(s *ovs.Switch, port string) (uint64, error) {
	text, err := s.Ofctl("dump-ports", "br0", port)
	if err != nil {
		return 0, err
	}
	m := reTx.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no counter in %q", text)
	}
	return strconv.ParseUint(m[1], 10, 64)
}

// change sends all flows to another port and returns how many milliseconds the last packet took to follow.
func (b *bench) change(s *ovs.Switch) (float64, error) {
	time.Sleep(1500 * time.Millisecond) // let the caches and the revalidators settle
	begin := time.Now()
	if _, err := s.Ofctl("add-flow", "br0", "priority=200,in_port=1,actions=output:3"); err != nil {
		return 0, err
	}
	lastSeen := begin
	old := uint64(0)
	for steady := 0; steady < 20; {
		at := time.Now()
		n, err := sent(s, "dst")
		if err != nil {
			return 0, err
		}
		if n != old {
			old, lastSeen, steady = n, at, 0
		} else {
			steady++
		}
		if time.Since(begin) > 30*time.Second {
			return 0, errors.New("packets still leave by the old port after 30 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := s.Ofctl("--strict", "del-flows", "br0", "priority=200,in_port=1"); err != nil {
		return 0, err
	}
	return float64(lastSeen.Sub(begin).Microseconds()) / 1000, nil
}
