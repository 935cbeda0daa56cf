package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// Start starts a switch with DPDK, a poll-mode thread on processor 1 and an empty bridge br0.
func Start(side ovs.Side) (*ovs.Switch, error) {
	s, err := ovs.Start(ovs.Options{Side: side, CPUs: "0", Timeout: 60 * time.Second, Config: []string{
		"dpdk-init=true", "dpdk-extra=--no-pci --in-memory", "pmd-cpu-mask=0x2",
	}})
	if err != nil {
		return nil, err
	}
	if _, err = s.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"); err == nil {
		_, err = s.Vsctl("-t", "20", "wait-until", "Open_vSwitch", ".", "dpdk_initialized=true")
	}
	if err != nil {
		return nil, GiveUp(s, err)
	}
	return s, nil
}

// GiveUp stops a switch and adds the end of its log to the error.
func GiveUp(s *ovs.Switch, err error) error {
	log := s.Log()
	s.Stop()
	return fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
}

// Connect adds vhost-user ports with these OpenFlow numbers to the switch, brings both ends up and returns the guests' ends.
func Connect(s *ovs.Switch, pool *dpdk.Mempool, numbers []int, ring int) ([]uint16, error) {
	var socks []string
	for i := range numbers {
		socks = append(socks, filepath.Join(s.Dir, fmt.Sprintf("g%d", i)))
	}
	type end struct {
		ids []uint16
		err error
	}
	done := make(chan end, 1)
	go func() {
		ids, err := attach(pool, socks, ring)
		done <- end{ids, err}
	}()
	for i, no := range numbers {
		name := fmt.Sprintf("v%d", i)
		if _, err := s.Vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdkvhostuserclient",
			"options:vhost-server-path="+socks[i], fmt.Sprintf("ofport_request=%d", no)); err != nil {
			return nil, err
		}
	}
	e := <-done
	if e.err != nil {
		return e.ids, e.err
	}
	for i := range socks {
		if _, err := s.Vsctl("-t", "20", "wait-until", "interface", fmt.Sprintf("v%d", i), "link_state=up"); err != nil {
			return e.ids, err
		}
	}
	return e.ids, nil
}

// slice is how long each of the switch's threads on processor 0 runs at a time. It is short, so that one that wakes up does so before
// the generator's turn is over, as it would on a processor without a generator; its share of the time stays that of its niceness.
const slice = 100 * time.Microsecond

// Priorities gives the switch's poll-mode thread the highest priority, and its other threads a niceness and short slices. It returns the
// /proc/PID/task/TID of the poll-mode thread.
func Priorities(s *ovs.Switch, others int) (pmd string, err error) {
	pid, err := s.PID()
	if err != nil {
		return "", err
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		return "", err
	}
	for _, t := range tasks {
		tid, _ := strconv.Atoi(filepath.Base(t))
		b, err := os.ReadFile(t + "/status")
		if err != nil {
			continue // it ended
		}
		nice := others
		if strings.Contains(string(b), "Cpus_allowed_list:\t1\n") {
			nice = -20
			pmd = t
		}
		// As good as we may; older kernels do not know slices.
		_ = unix.Setpriority(unix.PRIO_PROCESS, tid, nice)
		if nice == others {
			_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: int32(nice), Runtime: uint64(slice)}, 0)
		}
	}
	if pmd == "" {
		return "", fmt.Errorf("the switch has no thread on processor 1")
	}
	return pmd, nil
}

// ReCoverage finds the counters of losses and upcalls in coverage/show.
var ReCoverage = regexp.MustCompile(`(?m)^(datapath_drop_\w+|dpif_\w*|upcall_\w+)\s.*total: (\d+)`)

var (
	reFlows = regexp.MustCompile(`flows: (\d+)`)
	reLost  = regexp.MustCompile(`lookups: hit:(\d+) missed:(\d+) lost:(\d+)`)
)

// KeptWaiting is for how many microseconds the poll-mode thread would have run but for other processes.
func KeptWaiting(task string) uint64 {
	b, _ := os.ReadFile(task + "/schedstat")
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	ns, _ := strconv.ParseUint(f[1], 10, 64)
	return ns / 1000
}

// Counters reads what the switch counts as dropped, by reason, and its megaflows.
func Counters(s *ovs.Switch, pmd string) (map[string]uint64, error) {
	text, err := s.Appctl("coverage/show")
	if err != nil {
		return nil, err
	}
	n := map[string]uint64{"pmd_kept_waiting_us": KeptWaiting(pmd)}
	for _, m := range ReCoverage.FindAllStringSubmatch(text, -1) {
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

// Delta is what was counted between two readings; megaflows are a level.
func Delta(before, after map[string]uint64) map[string]uint64 {
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
