package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"govs/test/ovs"
	"govs/test/testpmd"
)

// A result is one measurement of one side.
type result struct {
	Cycles float64 `json:"cycles"` // per packet that left, while the poll loop was on its processor
	Wall   float64 `json:"wall"`   // the same over elapsed time, interruptions included
	Own    float64 `json:"own"`    // the switch's own "avg processing cycles per packet"
	Mpps   float64 `json:"mpps"`   // packets that left, per elapsed microsecond
	Note   string  `json:"note,omitempty"`
}

// reading is a point in time: what has left and how long each thread has run.
type reading struct {
	out   uint64
	tsc   uint64
	at    time.Time
	times map[int]time.Duration
}

func (c *config) between(a, b reading) (result, error) {
	n := b.out - a.out
	if n == 0 {
		return result{}, errors.New("no packet left")
	}
	_, on := busiest(a.times, b.times)
	elapsed := b.at.Sub(a.at)
	r := result{
		Cycles: on.Seconds() * c.hz / float64(n),
		Wall:   float64(b.tsc-a.tsc) / float64(n),
		Mpps:   float64(n) / elapsed.Seconds() / 1e6,
	}
	if share := on.Seconds() / elapsed.Seconds(); share < 0.9 {
		r.Note = fmt.Sprintf("on its processor %.0f %% of the time", share*100)
	}
	return r, nil
}

// eal are the EAL arguments about memory: huge pages where there are any.
func (c *config) eal() []string {
	if c.huge {
		return nil
	}
	return []string{"--no-huge", "-m", "1536"}
}

func (c *config) floor(r row) (result, error) {
	pcap, err := capture(c.dir, r.flows, 64, r.vlan)
	if err != nil {
		return result{}, err
	}
	t, err := testpmd.Start(append(c.eal(), "-l", "0,1",
		"--vdev", "net_pcap0,rx_pcap="+pcap+",infinite_rx=1", "--vdev", "net_null0,size=64,no-rx=1"),
		[]string{"--forward-mode=io", "--nb-cores=1", "--total-num-mbufs=262144"})
	if err != nil {
		return result{}, err
	}
	defer t.Stop()
	if _, err := t.Command("start", "packet forwarding"); err != nil {
		return result{}, err
	}
	read := func() (p reading, err error) {
		if _, p.out, err = t.Packets(1); err != nil {
			return p, err
		}
		p.tsc, p.at = tsc(), time.Now()
		p.times, err = threadTimes(t.PID())
		return p, err
	}
	time.Sleep(300 * time.Millisecond)
	a, err := read()
	if err != nil {
		return result{}, err
	}
	time.Sleep(c.length)
	b, err := read()
	if err != nil {
		return result{}, err
	}
	return c.between(a, b)
}

// start starts one side's switch with the settings of the row and a bridge br0 without rules.
func (c *config) start(side ovs.Side, r row) (*ovs.Switch, error) {
	extra := "--no-pci --in-memory"
	if !c.huge {
		extra = "--no-pci --no-shconf --legacy-mem --no-huge -m 2048"
	}
	conf := append([]string{
		"dpdk-init=true", "dpdk-extra=" + extra, "pmd-cpu-mask=0x2", "max-idle=60000", "flow-limit=200000",
	}, r.conf...)
	s, err := ovs.Start(ovs.Options{Side: side, Config: conf, CPUs: "0", Timeout: 60 * time.Second})
	if err != nil {
		return nil, err
	}
	if _, err = s.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"); err == nil && c.huge {
		// Without huge pages the original's status says nothing else, so ask only where it must work.
		_, err = s.Vsctl("-t", "20", "wait-until", "Open_vSwitch", ".", "dpdk_initialized=true")
	}
	if err == nil {
		rules := r.rules(max(r.flows, 1))
		if err = os.WriteFile(filepath.Join(s.Dir, "rules"), []byte(strings.Join(rules, "\n")+"\n"), 0o644); err == nil {
			_, err = s.Ofctl("add-flows", "br0", filepath.Join(s.Dir, "rules"))
		}
	}
	if err != nil {
		log := s.Log()
		s.Stop()
		return nil, fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
	}
	return s, nil
}

// port adds a DPDK port and fails with the switch's own words if it does not come up.
func port(s *ovs.Switch, n int, name, kind, option string) error {
	if _, err := s.Vsctl("add-port", "br0", name, "--", "set", "interface", name, "type="+kind,
		"options:"+option, fmt.Sprintf("ofport_request=%d", n)); err != nil {
		return err
	}
	text, err := s.Vsctl("--columns=error", "-d", "bare", "--no-heading", "list", "interface", name)
	if text = strings.TrimSpace(text); err == nil && text != "" {
		err = fmt.Errorf("port %s: %s", name, text)
	}
	return err
}

var (
	reTx   = regexp.MustCompile(`tx pkts=(\d+)`)
	reRx   = regexp.MustCompile(`rx pkts=(\d+)`)
	reOwn  = regexp.MustCompile(`avg processing cycles per packet: ([0-9.]+)`)
	reMiss = regexp.MustCompile(`miss with failed upcall: (\d+)`)
)

func number(re *regexp.Regexp, text string) float64 {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v
}

// sent reads how many packets have left by the ports, or entered them.
func sent(s *ovs.Switch, re *regexp.Regexp, ports ...string) (n uint64, err error) {
	for _, p := range ports {
		text, err := s.Ofctl("dump-ports", "br0", p)
		if err != nil {
			return 0, err
		}
		n += uint64(number(re, text))
	}
	return n, nil
}

func (c *config) read(s *ovs.Switch, re *regexp.Regexp, ports ...string) (p reading, err error) {
	if p.out, err = sent(s, re, ports...); err != nil {
		return p, err
	}
	p.tsc, p.at = tsc(), time.Now()
	pid, err := s.PID()
	if err != nil {
		return p, err
	}
	p.times, err = threadTimes(pid)
	return p, err
}

// own is the switch's own figure and what it counts as dropped, since the last pmd-stats-clear.
func own(s *ovs.Switch) (cycles float64, note string) {
	text, err := s.Appctl("dpif-netdev/pmd-stats-show")
	if err != nil {
		return 0, err.Error()
	}
	// The section of the poll-mode thread, not that of the main thread.
	if i := strings.Index(text, "pmd thread"); i >= 0 {
		text = text[i:]
		if j := strings.Index(text, "main thread"); j >= 0 {
			text = text[:j]
		}
	}
	if lost := number(reMiss, text); lost > 0 {
		note = fmt.Sprintf("%.0f failed upcalls", lost)
	}
	return number(reOwn, text), note
}

// measure measures one side of one row.
func (c *config) measure(side ovs.Side, r row) (res result, err error) {
	s, err := c.start(side, r)
	if err != nil {
		return res, err
	}
	defer s.Stop()
	if r.vhost {
		return c.vhost(s)
	}
	pcap, err := capture(c.dir, r.flows, 64, r.vlan)
	if err != nil {
		return res, err
	}
	if err := port(s, 2, "dst", "dpdk", "dpdk-devargs=net_null0,size=64,no-rx=1"); err != nil {
		return res, err
	}
	ports := []string{"dst"}
	for i := 1; i < r.outs; i++ {
		name := fmt.Sprintf("dst%d", i)
		if err := port(s, 2+i, name, "dpdk", fmt.Sprintf("dpdk-devargs=net_null%d,size=64,no-rx=1", i)); err != nil {
			return res, err
		}
		ports = append(ports, name)
	}
	if r.name == "normal" {
		// The destination has spoken before: one packet from it, so that NORMAL does not flood.
		for i := range r.flows {
			s.Appctl("fdb/add", "br0", "dst", "0", mac(flowN(i).dmac))
		}
	}
	if err := port(s, 1, "src", "dpdk", "dpdk-devargs=net_pcap0,rx_pcap="+pcap+",infinite_rx=1"); err != nil {
		return res, err
	}
	if err := settle(s); err != nil {
		return res, err
	}
	rx0, err := sent(s, reRx, "src")
	if err != nil {
		return res, err
	}
	a, err := c.read(s, reTx, ports...)
	if err != nil {
		return res, err
	}
	s.Appctl("dpif-netdev/pmd-stats-clear")
	time.Sleep(c.length)
	cycles, note := own(s)
	b, err := c.read(s, reTx, ports...)
	if err != nil {
		return res, err
	}
	rx1, err := sent(s, reRx, "src")
	if err != nil {
		return res, err
	}
	b.out = a.out + (b.out-a.out)/uint64(max(1, r.outs))
	if res, err = c.between(a, b); err != nil {
		return res, fmt.Errorf("%w; flows:\n%s", err, head(s, 5))
	}
	res.Own = cycles
	// The readings of rx enclose those of tx by a few milliseconds of traffic.
	if in, out := float64(rx1-rx0), float64(b.out-a.out); out < in*0.97 {
		note = strings.TrimPrefix(note+fmt.Sprintf("; %.1f %% dropped", (1-out/in)*100), "; ")
	}
	if note != "" {
		res.Note = strings.TrimPrefix(res.Note+"; "+note, "; ")
	}
	return res, nil
}

func head(s *ovs.Switch, n int) string {
	text, _ := s.Appctl("dpctl/dump-flows")
	lines := strings.SplitN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

var reFlows = regexp.MustCompile(`flows: (\d+)`)

// settle waits until the number of datapath flows no longer grows, and then half a second more for the caches.
func settle(s *ovs.Switch) error {
	last, steady := -1.0, 0
	for end := time.Now().Add(30 * time.Second); steady < 3 && time.Now().Before(end); {
		text, err := s.Appctl("dpctl/show")
		if err != nil {
			return err
		}
		n := number(reFlows, text)
		if n == last && n > 0 {
			steady++
		} else {
			steady = 0
		}
		last = n
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	return nil
}

// vhost puts testpmd's flowgen on both ends, both of its lcores on processor 0.
func (c *config) vhost(s *ovs.Switch) (res result, err error) {
	socks := []string{filepath.Join(s.Dir, "v0"), filepath.Join(s.Dir, "v1")}
	for i, n := range []string{"vh1", "vh2"} {
		if err := port(s, i+1, n, "dpdkvhostuserclient", "vhost-server-path="+socks[i]); err != nil {
			return res, err
		}
	}
	// testpmd waits for the switch on each socket before it goes on.
	eal := append(c.eal(), "--lcores", "0@0,1@0")
	if c.huge {
		eal = append(eal, "--single-file-segments")
	}
	t, err := testpmd.Start(append(eal,
		"--vdev", "net_virtio_user0,path="+socks[0]+",server=1,queues=1",
		"--vdev", "net_virtio_user1,path="+socks[1]+",server=1,queues=1"),
		[]string{"--forward-mode=flowgen", "--nb-cores=1", "--total-num-mbufs=65536"})
	if err != nil {
		return res, err
	}
	defer t.Stop()
	for _, n := range []string{"vh1", "vh2"} {
		if err := waitUp(s, n); err != nil {
			return res, err
		}
	}
	if _, err := t.Command("start", "packet forwarding"); err != nil {
		return res, err
	}
	time.Sleep(1500 * time.Millisecond)
	a, err := c.read(s, reRx, "vh1", "vh2")
	if err != nil {
		return res, err
	}
	tx0, err := sent(s, reTx, "vh1", "vh2")
	if err != nil {
		return res, err
	}
	s.Appctl("dpif-netdev/pmd-stats-clear")
	time.Sleep(c.length)
	cycles, note := own(s)
	b, err := c.read(s, reRx, "vh1", "vh2")
	if err != nil {
		return res, err
	}
	tx1, err := sent(s, reTx, "vh1", "vh2")
	if err != nil {
		return res, err
	}
	if res, err = c.between(a, b); err != nil {
		return res, err
	}
	res.Own = cycles
	in, out := float64(b.out-a.out), float64(tx1-tx0)
	if out < in*0.97 {
		note = strings.TrimPrefix(note+fmt.Sprintf("; guests' rings full: %.1f %%", (1-out/in)*100), "; ")
	}
	res.Note = strings.Trim(res.Note+"; "+note, "; ")
	return res, nil
}

func waitUp(s *ovs.Switch, name string) error {
	_, err := s.Vsctl("-t", "20", "wait-until", "interface", name, "link_state=up")
	return err
}
