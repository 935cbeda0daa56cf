package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"govs/test/ovs"
)

// A setting is one way to run a switch.
type setting struct {
	name string
	side ovs.Side
	conf []string
}

var settings = []setting{
	{"govs, defaults", ovs.Ours, nil},
	{"govs, pmd-maxsleep=0", ovs.Ours, []string{"pmd-maxsleep=0"}},
	{"govs, pmd-maxsleep=500", ovs.Ours, []string{"pmd-maxsleep=500"}},
	{"OVS-DPDK 3.1, defaults", ovs.Original, nil},
	{"OVS-DPDK 3.1, pmd-maxsleep=500", ovs.Original, []string{"pmd-maxsleep=500"}},
}

// A result is what one setting gave.
type result struct {
	cpu       float64         // percent of a processor, all threads
	latencies []time.Duration // of first packets, sorted
}

func (r *result) at(q float64) time.Duration { return r.latencies[int(q*float64(len(r.latencies)-1))] }

func main() {
	idle := flag.Duration("idle", 4*time.Second, "how long the processor time is measured")
	gap := flag.Duration("gap", 100*time.Millisecond, "pause before each packet")
	packets := flag.Int("packets", 50, "packets")
	only := flag.String("only", "", "measure only settings whose name has this in it")
	flag.Parse()
	log.SetFlags(0)
	if err := begin(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%-32s %10s  first packet after %v: %8s %8s %8s\n", "", "processor", *gap, "p50", "p99", "max")
	for _, s := range settings {
		if !strings.Contains(s.name, *only) {
			continue
		}
		r, err := measure(s, *idle, *gap, *packets)
		if err != nil {
			log.Fatalf("%s: %v", s.name, err)
		}
		fmt.Printf("%-32s %8.1f %%  %26v %8v %8v\n", s.name, r.cpu, micro(r.at(0.5)), micro(r.at(0.99)), micro(r.at(1)))
	}
	end()
}

func micro(d time.Duration) string { return fmt.Sprintf("%.0f us", float64(d.Nanoseconds())/1000) }

func measure(s setting, idle, gap time.Duration, packets int) (*result, error) {
	if err := ovs.Available(s.side); err != nil {
		return nil, err
	}
	conf := append([]string{"dpdk-init=true", "dpdk-extra=--no-pci --no-shconf --legacy-mem --no-huge -m 2048", "pmd-cpu-mask=0x2"}, s.conf...)
	sw, err := ovs.Start(ovs.Options{Side: s.side, Config: conf, CPUs: "0", Timeout: 60 * time.Second})
	if err != nil {
		return nil, err
	}
	defer sw.Stop()
	args := []string{"add-br", "gvidle", "--", "set", "bridge", "gvidle", "datapath_type=netdev", "fail_mode=secure"}
	socks := []string{filepath.Join(sw.Dir, "v0"), filepath.Join(sw.Dir, "v1")}
	for i, sock := range socks {
		name := fmt.Sprintf("v%d", i)
		args = append(args, "--", "add-port", "gvidle", name, "--", "set", "interface", name, "type=dpdkvhostuserclient",
			"options:vhost-server-path="+sock, fmt.Sprintf("ofport_request=%d", i+1))
	}
	if _, err := sw.Vsctl(args...); err != nil {
		return nil, err
	}
	g, err := newGuest(socks) // returns when the switch has connected
	if err != nil {
		return nil, err
	}
	defer g.close()
	if _, err := sw.Ofctl("add-flow", "gvidle", "in_port=1,actions=2"); err != nil {
		return nil, err
	}
	for end := time.Now().Add(20 * time.Second); ; { // until the guest is there and a packet passes, which sets the flow up
		if _, ok := g.pass(50 * time.Millisecond); ok {
			break
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("no packet passes; end of the log:\n%s", tail(sw.Log()))
		}
	}
	pid, err := sw.PID()
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	before, at := onProcessor(pid), time.Now()
	time.Sleep(idle)
	r := &result{cpu: 100 * float64(onProcessor(pid)-before) / float64(time.Since(at))}
	for range packets {
		time.Sleep(gap)
		d, ok := g.pass(time.Second)
		if !ok {
			return nil, fmt.Errorf("a packet was lost")
		}
		r.latencies = append(r.latencies, d)
	}
	slices.Sort(r.latencies)
	return r, nil
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// onProcessor is how long the threads of a process have been on a processor.
func onProcessor(pid int) (d time.Duration) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it ended
		}
		if word, _, ok := strings.Cut(string(b), " "); ok {
			ns, _ := strconv.ParseInt(word, 10, 64)
			d += time.Duration(ns)
		}
	}
	return d
}
