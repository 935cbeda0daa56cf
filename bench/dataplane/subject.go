package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"govs/internal/unixctl"
	"govs/test/ovs"
	"govs/test/testpmd"
)

// A subject is one side of a row while it runs: testpmd as the floor, or a switch and perhaps its guests. All subjects of a row
// run at once, with their poll loops on processor 1; those that are paused leave it to the one that is measured. One goroutine at
// a time may use a subject.
type subject struct {
	side string // floor, original or ours
	c    *config
	row  row

	bridge string // its name, which no other process's bridge has: the switch makes a network device of that name
	sw     *ovs.Switch
	ctl    *unixctl.Client  // to sw's ovs-vswitchd
	pmd    *testpmd.Testpmd // the floor's, or the guests'
	pid    int              // of the process under test
	polls  []int            // its threads on processor 1
	nice   int32            // of those threads

	netns    string // the switch's network namespace: in one and the same, two switches would both make a device ovs-netdev
	gateFile string // while it exists, a net_pcap0 that is started receives nothing (traffic.c)

	err error
}

// A result is one measurement of one side.
type result struct {
	Cycles  float64 `json:"cycles"`              // per packet: see config.between
	Outside float64 `json:"outside,omitempty"`   // rows of guests: the polling thread's time over packets, idle loops included
	Own     float64 `json:"own,omitempty"`       // the switch's own "avg processing cycles per packet"
	Walk    float64 `json:"subtables,omitempty"` // subtables that the switch says it looked into for a megaflow hit
	Mpps    float64 `json:"mpps"`                // packets that left, per elapsed microsecond
	In      uint64  `json:"in"`                  // packets received in the time
	Out     uint64  `json:"out"`                 // packets that left
	Dropped uint64  `json:"dropped"`             // packets that ports counted as dropped
	Flows   int     `json:"flows,omitempty"`     // megaflows at its end
	Share   float64 `json:"on_processor"`        // part of the time that the polling thread had its processor
	Note    string  `json:"note,omitempty"`
}

// reading is a point in time: what has come, left and been dropped, and how long the polling threads have run.
type reading struct {
	in, out, dropped uint64
	flows            int
	at               time.Time
	on               time.Duration
}

// bridgeName is the name of a side's bridge and of its network namespace.
func bridgeName(side string) string { return fmt.Sprintf("b%d%.3s", os.Getpid(), side) }

// newSubject starts one side of a row, up to traffic that flows.
func newSubject(c *config, side string, r row) (*subject, error) {
	s := &subject{side: side, c: c, row: r, bridge: bridgeName(side)}
	var err error
	if side == "floor" {
		err = s.startFloor()
	} else {
		err = s.startSwitch()
	}
	if err == nil {
		err = s.findPolls()
	}
	if err != nil {
		if s.sw != nil {
			log := s.sw.Log()
			err = fmt.Errorf("%w\n%s", err, log[max(0, len(log)-1500):])
		}
		s.stop()
		return nil, err
	}
	return s, nil
}

// eal are the EAL arguments about memory: huge pages where there are any.
func (c *config) eal() []string {
	if c.huge {
		return nil
	}
	return []string{"--no-huge", "-m", "1536"}
}

func (s *subject) startFloor() error {
	pcap, err := capture(s.c.dir, s.row)
	if err != nil {
		return err
	}
	env, err := traffic(s.c.dir, s.row)
	if err != nil {
		return err
	}
	s.pmd, err = testpmd.StartEnv(env, append(s.c.eal(), "-l", "0,1",
		"--vdev", "net_pcap0,rx_pcap="+pcap+",infinite_rx=1", "--vdev", "net_null0,size=64,no-rx=1"),
		[]string{"--forward-mode=io", "--nb-cores=1", "--total-num-mbufs=262144"})
	if err != nil {
		return err
	}
	s.pid = s.pmd.PID()
	_, err = s.pmd.Command("start", "packet forwarding")
	return err
}

// startSwitch starts one side's switch with the settings and rules of the row, and its ports.
func (s *subject) startSwitch() error {
	extra := "--no-pci --in-memory"
	if !s.c.huge {
		extra = "--no-pci --no-shconf --legacy-mem --no-huge -m 2048"
	}
	conf := append([]string{
		"dpdk-init=true", "dpdk-extra=" + extra, "pmd-cpu-mask=0x2", "max-idle=60000", "flow-limit=200000",
	}, s.row.conf...)
	env, err := traffic(s.c.dir, s.row)
	if err != nil {
		return err
	}
	s.gateFile = filepath.Join(s.c.dir, "gate-"+s.side)
	env = append(env, "GOVS_TRAFFIC_GATE="+s.gateFile)
	if text, err := exec.Command("ip", "netns", "add", s.bridge).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns add %s: %w: %s", s.bridge, err, text)
	}
	s.netns = s.bridge
	s.sw, err = ovs.Start(ovs.Options{Side: ovs.Side(s.side), Config: conf, CPUs: "0", Timeout: 60 * time.Second, Env: env, NetNS: s.netns})
	if err != nil {
		return err
	}
	if s.pid, err = s.sw.PID(); err != nil {
		return err
	}
	ctls, _ := filepath.Glob(filepath.Join(s.sw.Dir, fmt.Sprintf("ovs-vswitchd*.%d.ctl", s.pid)))
	if len(ctls) != 1 {
		return fmt.Errorf("control sockets of process %d: %q", s.pid, ctls)
	}
	if s.ctl, err = unixctl.Dial(context.Background(), ctls[0]); err != nil {
		return err
	}
	if _, err = s.sw.Vsctl("add-br", s.bridge, "--", "set", "bridge", s.bridge, "datapath_type=netdev", "fail_mode=secure"); err != nil {
		return err
	}
	if s.c.huge {
		// Without huge pages the original's status says nothing else, so ask only where it must work.
		if _, err = s.sw.Vsctl("-t", "20", "wait-until", "Open_vSwitch", ".", "dpdk_initialized=true"); err != nil {
			return err
		}
	}
	rules := strings.Join(s.row.rules(max(s.row.flows, 1)), "\n") + "\n"
	if err = os.WriteFile(filepath.Join(s.sw.Dir, "rules"), []byte(rules), 0o644); err != nil {
		return err
	}
	if _, err = s.sw.Ofctl("add-flows", s.bridge, filepath.Join(s.sw.Dir, "rules")); err != nil {
		return err
	}
	if s.row.kind != replay {
		if err := s.startGuests(); err != nil {
			return err
		}
	}
	if s.row.kind == guests {
		return nil
	}
	pcap, err := capture(s.c.dir, s.row)
	if err != nil {
		return err
	}
	for i, name := range s.outPorts() {
		if err := s.port(outNumber(i), name, "dpdk", fmt.Sprintf("dpdk-devargs=net_null%d,size=64,no-rx=1", i)); err != nil {
			return err
		}
	}
	if s.row.ready != nil {
		if err := s.row.ready(s, "dst0"); err != nil {
			return err
		}
	}
	return s.port(1, "src", "dpdk", "dpdk-devargs=net_pcap0,rx_pcap="+pcap+",infinite_rx=1")
}

// startGuests connects testpmd as the guests of ports vh0 (and vh1), both of its lcores on processor 0.
func (s *subject) startGuests() error {
	eal := append(s.c.eal(), "--lcores", "0@0,1@0")
	if s.c.huge {
		eal = append(eal, "--single-file-segments")
	}
	mode := []string{"--forward-mode=flowgen"}
	ports := map[int]string{1: "vh0", 2: "vh1"}
	if s.row.kind == via {
		mode = []string{"--forward-mode=macswap", "--port-topology=loop"}
		ports = map[int]string{3: "vh0"}
	}
	for n, name := range ports {
		sock := filepath.Join(s.sw.Dir, name)
		if err := s.port(n, name, "dpdkvhostuserclient", "vhost-server-path="+sock); err != nil {
			return err
		}
	}
	for i := range len(ports) {
		eal = append(eal, "--vdev", fmt.Sprintf("net_virtio_user%d,path=%s,server=1,queues=1,queue_size=1024,mac=50:54:00:00:01:0%d",
			i, filepath.Join(s.sw.Dir, fmt.Sprintf("vh%d", i)), i))
	}
	// testpmd waits for the switch on each socket before it goes on.
	var err error
	s.pmd, err = testpmd.Start(eal, append(mode, "--nb-cores=1", "--total-num-mbufs=65536"))
	if err != nil {
		return err
	}
	for _, name := range ports {
		if _, err := s.sw.Vsctl("-t", "20", "wait-until", "interface", name, "link_state=up"); err != nil {
			return err
		}
	}
	_, err = s.pmd.Command("start", "packet forwarding")
	return err
}

// outPorts are the names of the ports that packets leave by.
func (s *subject) outPorts() []string {
	if s.row.kind == guests {
		return []string{"vh0", "vh1"}
	}
	names := make([]string, max(1, s.row.outs))
	for i := range names {
		names[i] = fmt.Sprintf("dst%d", i)
	}
	return names
}

// outNumber is the OpenFlow number of the i-th port that packets leave by.
func outNumber(i int) int { return 2 + i }

// port adds a port, with more columns set, and fails with the switch's own words if it does not come up.
func (s *subject) port(n int, name, kind, option string, more ...string) error {
	if _, err := s.sw.Vsctl(append([]string{"add-port", s.bridge, name, "--", "set", "interface", name, "type=" + kind,
		"options:" + option, fmt.Sprintf("ofport_request=%d", n)}, more...)...); err != nil {
		return err
	}
	text, err := s.sw.Vsctl("--columns=error", "-d", "bare", "--no-heading", "list", "interface", name)
	if text = strings.TrimSpace(text); err == nil && text != "" {
		err = fmt.Errorf("port %s: %s", name, text)
	}
	return err
}

// findPolls finds the threads that may run on processor 1 only.
func (s *subject) findPolls() error {
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s.polls, err = threadsOn(s.pid, "1"); err != nil || len(s.polls) > 0 {
			break
		}
	}
	if err == nil && len(s.polls) == 0 {
		err = fmt.Errorf("no thread of process %d is bound to processor 1", s.pid)
	}
	if err == nil {
		var a *unix.SchedAttr
		if a, err = unix.SchedGetAttr(s.polls[0], 0); err == nil {
			s.nice = a.Nice
		}
	}
	return err
}

// pause leaves processor 1 to others: the poll loop gets it only when nobody wants it, and testpmd not at all. The switch's other
// threads go on, so that its clocks, flow limit and connections are those of a switch without traffic, not of one that slept.
func (s *subject) pause() error {
	if s.pmd != nil {
		if err := syscall.Kill(s.pmd.PID(), syscall.SIGSTOP); err != nil {
			return err
		}
	}
	if s.sw == nil {
		return nil
	}
	return s.schedule(unix.SCHED_IDLE)
}

// resume undoes pause.
func (s *subject) resume() error {
	if s.pmd != nil {
		if err := syscall.Kill(s.pmd.PID(), syscall.SIGCONT); err != nil {
			return err
		}
	}
	if s.sw == nil {
		return nil
	}
	return s.schedule(unix.SCHED_NORMAL)
}

func (s *subject) schedule(policy uint32) error {
	for _, tid := range s.polls {
		a := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Nice: s.nice}
		if err := unix.SchedSetAttr(tid, &a, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("scheduling of thread %d: %w", tid, err)
		}
	}
	return nil
}

// stop ends the side's processes, paused or not.
func (s *subject) stop() {
	s.resume()
	if s.ctl != nil {
		s.ctl.Close()
	}
	if s.sw != nil && s.pmd != nil {
		s.pmd.Stop() // before the switch, whose ports would go away under it
	}
	if s.sw != nil {
		s.sw.Stop()
	} else if s.pmd != nil {
		s.pmd.Stop()
	}
	if s.netns != "" {
		exec.Command("ip", "netns", "del", s.netns).Run()
	}
}

// ask runs a command on the switch's control socket.
func (s *subject) ask(command string, args ...string) (string, error) {
	limit := time.AfterFunc(60*time.Second, s.ctl.Close)
	defer limit.Stop()
	text, err := s.ctl.Transact(command, args...)
	if err != nil {
		err = fmt.Errorf("%s: %w", command, err)
	}
	return text, err
}

// counts are the counters of a port in "dpctl/show -s".
type counts struct{ rx, tx, rxDropped, txDropped uint64 }

var (
	reFlows = regexp.MustCompile(`flows: (\d+)`)
	rePort  = regexp.MustCompile(`port \d+: (\S+) \(.*\)\s+RX packets:(\d+) errors:\S+ dropped:(\d+|\?).*\s+TX packets:(\d+) errors:\S+ dropped:(\d+|\?)`)
	reOwn   = regexp.MustCompile(`avg processing cycles per packet: ([0-9.]+)`)
	reWalk  = regexp.MustCompile(`avg. subtable lookups per megaflow hit: ([0-9.]+)`)
	reMiss  = regexp.MustCompile(`miss with failed upcall: (\d+)`)
	reDrop  = regexp.MustCompile(`(?m)^(\S*drop\S*|netdev_dpdk_\S*drop\S*) .*total: (\d+)$`)
)

func number(re *regexp.Regexp, text string) float64 {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v
}

func parsePorts(text string) map[string]counts {
	ports := map[string]counts{}
	for _, m := range rePort.FindAllStringSubmatch(text, -1) {
		n := func(i int) uint64 { v, _ := strconv.ParseUint(m[i], 10, 64); return v }
		ports[m[1]] = counts{rx: n(2), rxDropped: n(3), tx: n(4), txDropped: n(5)}
	}
	return ports
}

// ports reads the ports' counters and the number of megaflows.
func (s *subject) ports() (map[string]counts, int, error) {
	text, err := s.ask("dpctl/show", "-s")
	if err != nil {
		return nil, 0, err
	}
	return parsePorts(text), int(number(reFlows, text)), nil
}

func (s *subject) read() (p reading, err error) {
	if s.sw == nil {
		var rx uint64
		if rx, _, err = s.pmd.Packets(0); err != nil {
			return p, err
		}
		if _, p.out, err = s.pmd.Packets(1); err != nil {
			return p, err
		}
		p.in = rx
	} else {
		ports, flows, err := s.ports()
		if err != nil {
			return p, err
		}
		p.flows = flows
		for name, c := range ports {
			if name == "src" || s.row.kind == guests {
				p.in += c.rx
			}
			p.dropped += c.rxDropped + c.txDropped
		}
		for _, name := range s.outPorts() {
			p.out += ports[name].tx
		}
		p.out /= uint64(max(1, s.row.outs))
	}
	p.at = time.Now()
	p.on, err = onProcessor(s.pid, s.polls)
	return p, err
}

// drops are the named drop counters, of those that are not zero.
func (s *subject) drops() (map[string]uint64, error) {
	text, err := s.ask("coverage/show")
	if err != nil {
		return nil, err
	}
	d := map[string]uint64{}
	for _, m := range reDrop.FindAllStringSubmatch(text, -1) {
		d[m[1]], _ = strconv.ParseUint(m[2], 10, 64)
	}
	return d, nil
}

// own are the switch's own figures since the last pmd-stats-clear: cycles per packet, subtables per megaflow hit, failed upcalls.
func (s *subject) own() (cycles, walk, failed float64, err error) {
	text, err := s.ask("dpif-netdev/pmd-stats-show")
	if err != nil {
		return 0, 0, 0, err
	}
	// The section of the poll-mode thread, not that of the main thread.
	if i := strings.Index(text, "pmd thread"); i >= 0 {
		text = text[i:]
		if j := strings.Index(text, "main thread"); j >= 0 {
			text = text[:j]
		}
	}
	return number(reOwn, text), number(reWalk, text), number(reMiss, text), nil
}
