package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"govs/internal/tsc"
	"govs/test/ovs"
)

//go:embed loop/loop.c
var loopSource []byte

// config is what the flags say.
type config struct {
	length  time.Duration
	rules   int
	mods    int
	env     string
	metrics bool
	out     string
}

// side is one loop's figures. Lengths are in microseconds.
type side struct {
	Iterations uint64  `json:"iterations"`
	P50        float64 `json:"p50_us"`
	P99        float64 `json:"p99_us"`
	P999       float64 `json:"p999_us"`
	P9999      float64 `json:"p9999_us"`
	P99999     float64 `json:"p99999_us"`
	Max        float64 `json:"max_us"`
	Over       uint64  `json:"over_100us"`
	Waited     float64 `json:"kept_waiting_ms"` // by other processes
}

// result is all that was measured.
type result struct {
	Poll        side    `json:"poll_loop"`
	Plain       side    `json:"c_loop"`
	Ratio       float64 `json:"p9999_ratio"`
	Rules       int     `json:"rules"`
	Load        float64 `json:"load_s"`
	RSS         float64 `json:"rss_mb"`
	FlowMods    float64 `json:"flow_mods_per_s"`
	Collections int     `json:"collections"`
	GC          string  `json:"last_collection,omitempty"`
}

func main() {
	c := &config{}
	flag.DurationVar(&c.length, "length", 10*time.Second, "length of each measurement")
	flag.IntVar(&c.rules, "rules", 1_000_000, "OpenFlow rules")
	flag.IntVar(&c.mods, "mods", 1000, "flow_mods a second")
	flag.StringVar(&c.env, "env", "", "environment of the daemon, such as GOGC=20, separated by commas")
	flag.BoolVar(&c.metrics, "preemptible", false, "with pmd-perf-metrics=true, for which the poll loop lets itself be preempted")
	flag.StringVar(&c.out, "out", "bench/out", "directory of the results")
	flag.Parse()
	if err := c.run(); err != nil {
		fmt.Fprintln(os.Stderr, "jitter:", err)
		os.Exit(1)
	}
}

func (c *config) run() error {
	r, err := c.measure()
	if err != nil {
		return err
	}
	r.print(os.Stdout)
	if err := os.MkdirAll(c.out, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(c.out, "jitter.json")
	fmt.Println("written to", path)
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func (c *config) measure() (*result, error) {
	dir, err := os.MkdirTemp("", "gvj")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	loop := filepath.Join(dir, "loop")
	if err := os.WriteFile(loop+".c", loopSource, 0o644); err != nil {
		return nil, err
	}
	if text, err := exec.Command("cc", "-O2", "-o", loop, loop+".c").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cc: %w: %s", err, text)
	}
	r := &result{Rules: c.rules}
	s, err := c.start(r)
	if err != nil {
		return nil, err
	}
	hz, mean, err := c.poll(s, r)
	if err == nil {
		r.collections(s)
		if text := s.Crashed(); text != "" {
			err = fmt.Errorf("the switch crashed: %s", text)
		}
	}
	s.Stop()
	if err != nil {
		return nil, err
	}
	if err := c.plain(loop, hz, mean, r); err != nil {
		return nil, err
	}
	if r.Plain.P9999 > 0 {
		r.Ratio = r.Poll.P9999 / r.Plain.P9999
	}
	return r, nil
}

// start starts the switch and loads the rules.
func (c *config) start(r *result) (*ovs.Switch, error) {
	conf := []string{"dpdk-init=true", "dpdk-extra=--no-pci --in-memory", "pmd-cpu-mask=0x2"}
	if c.metrics {
		conf = append(conf, "pmd-perf-metrics=true")
	}
	env := []string{"GODEBUG=gctrace=1"}
	if c.env != "" {
		env = append(env, strings.Split(c.env, ",")...)
	}
	s, err := ovs.Start(ovs.Options{Side: ovs.Ours, CPUs: "0", Timeout: 10 * time.Minute, Config: conf, Env: env})
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*ovs.Switch, error) {
		log := s.Log()
		s.Stop()
		return nil, fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
	}
	if _, err := s.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"); err != nil {
		return fail(err)
	}
	if _, err := s.Vsctl("-t", "20", "wait-until", "Open_vSwitch", ".", "dpdk_initialized=true"); err != nil {
		return fail(err)
	}
	if _, err := s.Ofctl("add-flow", "br0", "priority=100,in_port=1,actions=output:2"); err != nil {
		return fail(err)
	}
	fmt.Fprintf(os.Stderr, "loading %d rules\n", c.rules)
	begin := time.Now()
	if err := load(filepath.Join(s.Dir, "br0.mgmt"), c.rules); err != nil {
		return fail(fmt.Errorf("loading the rules: %w", err))
	}
	r.Load = time.Since(begin).Seconds()
	for i, args := range []string{"dpdk-devargs=net_null0,size=64", "dpdk-devargs=net_null1,size=64,no-rx=1"} {
		name := fmt.Sprintf("n%d", i)
		if _, err := s.Vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", "options:"+args, fmt.Sprintf("ofport_request=%d", i+1)); err != nil {
			return fail(err)
		}
	}
	return s, nil
}

// poll measures the poll loop while flow_mods come.
func (c *config) poll(s *ovs.Switch, r *result) (hz float64, mean uint64, err error) {
	pid, err := s.PID()
	if err != nil {
		return 0, 0, err
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	pmd := ""
	for _, t := range tasks {
		if b, err := os.ReadFile(t + "/status"); err == nil && strings.Contains(string(b), "Cpus_allowed_list:\t1\n") {
			pmd = t
			tid, _ := strconv.Atoi(filepath.Base(t))
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, -20) // as good as we may
		}
	}
	if pmd == "" {
		return 0, 0, fmt.Errorf("the switch has no thread on processor 1")
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type mods struct {
		n   int
		err error
	}
	done := make(chan mods, 1)
	begin := time.Now()
	go func() {
		n, err := change(ctx, filepath.Join(s.Dir, "br0.mgmt"), c.mods)
		done <- mods{n, err}
	}()
	time.Sleep(time.Second)
	read := func() (dist, error) {
		text, err := s.Appctl("dpif-netdev/pmd-iterations-show")
		return parsePMD(text), err
	}
	waited := keptWaiting(pmd)
	before, err := read()
	if err != nil {
		return 0, 0, err
	}
	t0, c0 := time.Now(), tsc.Read()
	time.Sleep(c.length)
	took, cycles := time.Since(t0), tsc.Read()-c0
	after, err := read()
	if err != nil {
		return 0, 0, err
	}
	waited = keptWaiting(pmd) - waited
	cancel()
	m := <-done
	if m.err != nil {
		return 0, 0, fmt.Errorf("flow_mods: %w", m.err)
	}
	r.FlowMods = float64(m.n) / time.Since(begin).Seconds()
	r.RSS = rss(pid)
	d := after.minus(before)
	if d.total() == 0 {
		return 0, 0, fmt.Errorf("the poll loop does not run")
	}
	hz = float64(cycles) / took.Seconds()
	r.Poll = figures(d, hz, waited)
	return hz, d.quantile(0.5), nil
}

// plain measures the C loop.
func (c *config) plain(loop string, hz float64, each uint64, r *result) error {
	cmd := exec.Command("taskset", "-c", "1", "nice", "-n", "-20", loop, fmt.Sprint(each), fmt.Sprint(uint64(c.length.Seconds()*hz)))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	task := fmt.Sprintf("/proc/%d/task/%d", cmd.Process.Pid, cmd.Process.Pid)
	time.Sleep(c.length - 50*time.Millisecond)
	waited := keptWaiting(task)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the C loop: %w", err)
	}
	r.Plain = figures(parseLoop(out.String()), hz, waited)
	return nil
}

func figures(d dist, hz, waited float64) side {
	us := func(q float64) float64 { return float64(d.quantile(q)) / hz * 1e6 }
	return side{d.total(), us(.5), us(.99), us(.999), us(.9999), us(.99999), us(1), d.beyond(uint64(hz / 1e4)), waited}
}

// keptWaiting is for how many milliseconds a thread would have run but for others.
func keptWaiting(task string) float64 {
	b, _ := os.ReadFile(task + "/schedstat")
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	ns, _ := strconv.ParseFloat(f[1], 64)
	return ns / 1e6
}

// rss is a process's resident memory in megabytes.
func rss(pid int) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	kb := 0.0
	for line := range strings.Lines(string(b)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			break
		}
	}
	return kb / 1024
}

var reGC = regexp.MustCompile(`(?m)^gc \d+ @.*$`)

// collections reads what the garbage collector has said.
func (r *result) collections(s *ovs.Switch) {
	text, _ := os.ReadFile(filepath.Join(s.Dir, "ovs-vswitchd.out"))
	if l := reGC.FindAllString(string(text), -1); len(l) > 0 {
		r.Collections, r.GC = len(l), l[len(l)-1]
	}
}

func (r *result) print(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "iterations, us\tcount\t50 %%\t99 %%\t99.9 %%\t99.99 %%\t99.999 %%\tmax\tover 100 us\tkept waiting, ms\t\n")
	for _, l := range []struct {
		name string
		s    side
	}{{"poll loop", r.Poll}, {"C loop", r.Plain}} {
		s := l.s
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%d\t%.1f\t\n", l.name, s.Iterations, s.P50, s.P99, s.P999, s.P9999, s.P99999, s.Max, s.Over, s.Waited)
	}
	w.Flush()
	fmt.Fprintf(to, "99.99th percentile, poll loop over C loop: %.2f\n", r.Ratio)
	fmt.Fprintf(to, "%d rules loaded in %.1f s; %.0f MB resident; %.0f flow_mods/s; %d collections\n", r.Rules, r.Load, r.RSS, r.FlowMods, r.Collections)
}
