package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"govs/test/ovs"
)

// eachTuple reads the whole five-tuple, so that every five-tuple needs a megaflow of its own.
const eachTuple = "move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_IP_DST[]->NXM_NX_REG1[]," +
	"move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG2[16..31]"

// start starts a switch with its bridge and rules, without the guests' ports.
func (c *config) start(side ovs.Side) (*ovs.Switch, error) {
	s, err := ovs.Start(ovs.Options{Side: side, CPUs: "0", Timeout: 60 * time.Second, Config: []string{
		"dpdk-init=true", "dpdk-extra=--no-pci --in-memory", "pmd-cpu-mask=0x2",
	}})
	if err != nil {
		return nil, err
	}
	var rules []string
	for i := range established {
		rules = append(rules, fmt.Sprintf("priority=10,in_port=%d,%s,actions=output:%d", portA, matchOf(netEstablished, uint64(i)), portB))
	}
	rules = append(rules, fmt.Sprintf("in_port=%d,udp,actions=%s,output:%d", portC, eachTuple, portSink),
		fmt.Sprintf("in_port=%d,udp,actions=%s,output:%d", portD, eachTuple, portB))
	if _, err = s.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"); err == nil {
		_, err = s.Vsctl("-t", "20", "wait-until", "Open_vSwitch", ".", "dpdk_initialized=true")
	}
	if err == nil {
		file := filepath.Join(s.Dir, "rules")
		if err = os.WriteFile(file, []byte(strings.Join(rules, "\n")+"\n"), 0o644); err == nil {
			_, err = s.Ofctl("add-flows", "br0", file)
		}
	}
	if err == nil {
		_, err = s.Vsctl("add-port", "br0", "sink", "--", "set", "interface", "sink", "type=dpdk",
			"options:dpdk-devargs=net_null0,size=64,no-rx=1", fmt.Sprintf("ofport_request=%d", portSink))
	}
	if err != nil {
		log := s.Log()
		s.Stop()
		return nil, fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
	}
	return s, nil
}

// connect adds the guests' ports to the switch and brings both ends up.
func (c *config) connect(s *ovs.Switch) (guests, error) {
	var socks [4]string
	for i := range socks {
		socks[i] = filepath.Join(s.Dir, fmt.Sprintf("g%d", i))
	}
	type end struct {
		g   guests
		err error
	}
	done := make(chan end, 1)
	go func() {
		g, err := attach(c.pool, socks)
		done <- end{g, err}
	}()
	for i, no := range []int{portA, portB, portC, portD} {
		name := fmt.Sprintf("v%d", i)
		if _, err := s.Vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdkvhostuserclient",
			"options:vhost-server-path="+socks[i], fmt.Sprintf("ofport_request=%d", no)); err != nil {
			return guests{}, err
		}
	}
	e := <-done
	if e.err != nil {
		return e.g, e.err
	}
	for i := range socks {
		if _, err := s.Vsctl("-t", "20", "wait-until", "interface", fmt.Sprintf("v%d", i), "link_state=up"); err != nil {
			return e.g, err
		}
	}
	return e.g, c.priorities(s)
}

// slice is how long each of the switch's threads on processor 0 runs at a time. It is short, so that one that wakes up does so before
// the generator's turn is over, as it would on a processor without a generator; its share of the time stays that of its niceness.
const slice = 100 * time.Microsecond

// priorities gives the switch's poll-mode thread the highest priority, and its other threads c.nice and short slices.
func (c *config) priorities(s *ovs.Switch) error {
	pid, err := s.PID()
	if err != nil {
		return err
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		return err
	}
	pmds := 0
	for _, t := range tasks {
		tid, _ := strconv.Atoi(filepath.Base(t))
		b, err := os.ReadFile(t + "/status")
		if err != nil {
			continue // it ended
		}
		nice := c.nice
		if strings.Contains(string(b), "Cpus_allowed_list:\t1\n") {
			nice = -20
			pmds++
			c.pmd = t
		}
		// As good as we may; older kernels do not know slices.
		_ = unix.Setpriority(unix.PRIO_PROCESS, tid, nice)
		if nice == c.nice {
			_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(nice), Runtime: uint64(slice)}, 0)
		}
	}
	if pmds == 0 {
		return fmt.Errorf("the switch has no thread on processor 1")
	}
	return nil
}

var (
	reCoverage = regexp.MustCompile(`(?m)^(datapath_drop_\w+|dpif_\w*|upcall_\w+)\s.*total: (\d+)`)
	reFlows    = regexp.MustCompile(`flows: (\d+)`)
	reLost     = regexp.MustCompile(`lookups: hit:(\d+) missed:(\d+) lost:(\d+)`)
)

// keptWaiting is for how many microseconds the poll-mode thread would have run but for other processes.
func (c *config) keptWaiting() uint64 {
	b, _ := os.ReadFile(c.pmd + "/schedstat")
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	ns, _ := strconv.ParseUint(f[1], 10, 64)
	return ns / 1000
}

// counters reads what the switch counts as dropped, by reason, and its megaflows.
func (c *config) counters(s *ovs.Switch) (map[string]uint64, error) {
	text, err := s.Appctl("coverage/show")
	if err != nil {
		return nil, err
	}
	n := map[string]uint64{"pmd_kept_waiting_us": c.keptWaiting()}
	for _, m := range reCoverage.FindAllStringSubmatch(text, -1) {
		n[m[1]], _ = strconv.ParseUint(m[2], 10, 64)
	}
	if text, err = s.Appctl("dpctl/show"); err != nil {
		return nil, err
	}
	if m := reLost.FindStringSubmatch(text); m != nil {
		n["missed"], _ = strconv.ParseUint(m[2], 10, 64)
		n["lost"], _ = strconv.ParseUint(m[3], 10, 64)
	}
	if m := reFlows.FindStringSubmatch(text); m != nil {
		n["flows"], _ = strconv.ParseUint(m[1], 10, 64)
	}
	return n, nil
}

// delta is what was counted between two readings; megaflows are a level.
func delta(before, after map[string]uint64) map[string]uint64 {
	d := map[string]uint64{}
	for k, v := range after {
		if k == "flows" {
			d[k] = v
		} else if v > before[k] {
			d[k] = v - before[k]
		}
	}
	return d
}
