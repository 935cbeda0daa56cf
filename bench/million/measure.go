package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"govs/bench/dataplane/traffic"
	"govs/internal/unixctl"
	"govs/test/ovs"
)

// eachTuple reads the whole five-tuple, so that every five-tuple needs a megaflow of its own.
const eachTuple = "move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_IP_DST[]->NXM_NX_REG1[]," +
	"move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG2[16..31]"

const (
	// all is every packet's rule.
	all = "udp,in_port=1,actions=" + eachTuple + ",output:2"
	// hundredth is the rule of two of the 200 destination ports that traffic.c gives the flows evenly.
	hundredth = "priority=40000,udp,in_port=1,tp_dst=100/0xfffe,actions=" + eachTuple + ",output:3"
	// none is no packet's rule.
	none = "priority=50000,tcp,in_port=1,nw_src=172.16.0.0/16"

	fillLimit  = 25 * time.Second
	evictLimit = 15 * time.Second
)

// A run is one side while it runs.
type run struct {
	*bench
	s    *ovs.Switch
	ctl  *unixctl.Client
	pid  int
	pmd  int    // its poll-mode thread
	gate string // while this file exists, nothing is received
}

// side measures one switch.
func (b *bench) side(side ovs.Side) (*figures, error) {
	lib, err := traffic.Library(b.dir)
	if err != nil {
		return nil, err
	}
	r := &run{bench: b, gate: filepath.Join(b.dir, "gate-"+string(side))}
	if err := os.WriteFile(r.gate, nil, 0o644); err != nil {
		return nil, err
	}
	r.s, err = ovs.Start(ovs.Options{Side: side, CPUs: "0", Timeout: 60 * time.Second,
		Config: []string{"dpdk-init=true", "dpdk-extra=--no-pci --in-memory", "pmd-cpu-mask=0x2", "flow-limit=2000000", "max-idle=60000"},
		Env:    []string{"LD_PRELOAD=" + lib, fmt.Sprintf("GOVS_TRAFFIC_FLOWS=%d", b.flows), "GOVS_TRAFFIC_GATE=" + r.gate}})
	if err != nil {
		return nil, err
	}
	defer r.s.Stop()
	f := &figures{}
	if err = r.start(); err == nil {
		defer r.ctl.Close()
		err = r.measure(f)
	}
	if err != nil {
		log := r.s.Log()
		return nil, fmt.Errorf("%w\n%s", err, log[max(0, len(log)-2000):])
	}
	return f, nil
}

// start makes the bridge, its rules and its ports, and opens the gate to the packets: those that come before the bridge knows the port meet no rule.
func (r *run) start() error {
	var err error
	if r.pid, err = r.s.PID(); err != nil {
		return err
	}
	if r.ctl, err = unixctl.Dial(context.Background(), filepath.Join(r.s.Dir, fmt.Sprintf("ovs-vswitchd.%d.ctl", r.pid))); err != nil {
		return err
	}
	port := func(no int, name, args string) []string {
		return []string{"ovs-vsctl", "add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", "options:dpdk-devargs=" + args, fmt.Sprintf("ofport_request=%d", no)}
	}
	for _, c := range [][]string{
		{"ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"},
		{"ovs-ofctl", "add-flow", "br0", all},
		port(2, "dst", "net_null0,size=64,no-rx=1"),
		port(3, "dst2", "net_null1,size=64,no-rx=1"),
	} {
		if _, err := r.s.Run(c[0], c[1:]...); err != nil {
			return err
		}
	}
	// It starts at 10,000 otherwise, and grows by itself.
	if _, err := r.ctl.Transact("upcall/set-flow-limit", "2000000"); err != nil {
		return err
	}
	c := port(1, "src", "net_pcap0,rx_pcap="+filepath.Join(r.dir, "flows.pcap")+",infinite_rx=1")
	if _, err := r.s.Run(c[0], c[1:]...); err != nil {
		return err
	}
	if err := r.findPMD(); err != nil {
		return err
	}
	return os.Remove(r.gate)
}

// findPMD finds the thread that may run on processor 1 only.
func (r *run) findPMD() error {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", r.pid))
		for _, t := range tasks {
			if b, err := os.ReadFile(t + "/status"); err == nil && strings.Contains(string(b), "Cpus_allowed_list:\t1\n") {
				r.pmd, _ = strconv.Atoi(filepath.Base(t))
				return nil
			}
		}
	}
	return errors.New("the switch has no thread on processor 1")
}

var (
	reUpcall = regexp.MustCompile(`flows +: \(current (\d+)\).*\(limit (\d+)\)\s+dump duration : (\d+)ms`)
	rePort   = regexp.MustCompile(`port \d+: (\S+) \(.*\)\s+RX packets:(\d+) .*\s+TX packets:(\d+) `)
	// What is dropped before it meets a rule: other drops are actions of rules, or come after them.
	reDrop = regexp.MustCompile(`(?m)^(datapath_drop_(?:upcall_error|upcall_queue_full|parked_limit|lock_error|rx_invalid_packet)) .*total: (\d+)$`)
	reSum  = regexp.MustCompile(`packet_count=(\d+)`)
	reRSS  = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
)

// upcalls are the megaflows, the flow limit and the length of the last dump.
func (r *run) upcalls() (flows, limit, dump int, err error) {
	text, err := r.ctl.Transact("upcall/show")
	if err != nil {
		return 0, 0, 0, err
	}
	m := reUpcall.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, 0, fmt.Errorf("upcall/show says %q", text)
	}
	flows, _ = strconv.Atoi(m[1])
	limit, _ = strconv.Atoi(m[2])
	dump, _ = strconv.Atoi(m[3])
	return flows, limit, dump, nil
}

// ports are the packets that src received, and those that left by dst2.
func (r *run) ports() (rx, redirected uint64, err error) {
	text, err := r.ctl.Transact("dpctl/show", "-s")
	if err != nil {
		return 0, 0, err
	}
	found := 0
	for _, m := range rePort.FindAllStringSubmatch(text, -1) {
		switch m[1] {
		case "src":
			rx, _ = strconv.ParseUint(m[2], 10, 64)
			found++
		case "dst2":
			redirected, _ = strconv.ParseUint(m[3], 10, 64)
			found++
		}
	}
	if found != 2 {
		return 0, 0, fmt.Errorf("dpctl/show -s does not show both ports: %q", text)
	}
	return rx, redirected, nil
}

// ticks is the processor time of the process and that of its poll-mode thread, from the kernel.
func (r *run) ticks() (whole, pmd time.Duration, err error) {
	read := func(path string) time.Duration {
		b, e := os.ReadFile(path)
		if e != nil {
			err = e
			return 0
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		if len(f) < 13 {
			err = fmt.Errorf("%s: %q", path, b)
			return 0
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
	}
	whole = read(fmt.Sprintf("/proc/%d/stat", r.pid))
	pmd = read(fmt.Sprintf("/proc/%d/task/%d/stat", r.pid, r.pmd))
	return whole, pmd, err
}

func (r *run) measure(f *figures) error {
	if err := r.fill(f); err != nil {
		return err
	}
	if err := r.steady(&f.Quiet, nil, r.watch/3); err != nil {
		return err
	}
	f.Changed = -1
	if err := r.steady(&f.Changes, &f.Changed, r.watch-r.watch/3); err != nil {
		return err
	}
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid)); err == nil {
		if m := reRSS.FindSubmatch(b); m != nil {
			kb, _ := strconv.Atoi(string(m[1]))
			f.RSS = float64(kb) / 1024
		}
	}
	return r.account(f)
}

// fill waits until the number of megaflows has not risen for a second, or all are there.
func (r *run) fill(f *figures) error {
	begin := time.Now()
	f.Fill = 0
	for time.Since(begin) < fillLimit && time.Since(begin).Seconds() < f.Fill+1.5 {
		n, _, _, err := r.upcalls()
		if err != nil {
			return err
		}
		if n > f.Filled {
			f.Filled, f.Fill = n, time.Since(begin).Seconds()
		}
		if n >= r.flows {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	return nil
}

// change is how a rule comes into force: a hundredth of the packets leave by another port.
type change struct {
	added   time.Time
	mark    time.Time // begin of the present stretch
	rx, out uint64    // then
}

// look reads the counters, and when the stretch has seen each flow some times, tells whether all that was to be redirected in it was.
func (r *run) look(c *change) (inForce bool, err error) {
	at := time.Now()
	rx, out, err := r.ports()
	if err != nil {
		return false, err
	}
	if rx-c.rx < uint64(r.flows)*2 {
		return false, nil
	}
	inForce = float64(out-c.out) >= 0.99*float64(rx-c.rx)/100
	if !inForce {
		c.mark, c.rx, c.out = at, rx, out
	}
	return inForce, nil
}

// steady watches the switch for so long. Rules change meanwhile if there is a place for how many seconds the one for a hundredth of the flows
// takes to come into force.
func (r *run) steady(f *phase, changed *float64, watch time.Duration) error {
	whole, pmd, err := r.ticks()
	if err != nil {
		return err
	}
	rx, _, err := r.ports()
	if err != nil {
		return err
	}
	begin := time.Now()
	f.Least, f.Limit = 1<<62, 1<<62
	var dumps []int
	var c *change
	for i, next := 0, begin; time.Since(begin) < watch; time.Sleep(20 * time.Millisecond) {
		if !time.Now().Before(next) {
			next = next.Add(500 * time.Millisecond)
			n, limit, dump, err := r.upcalls()
			if err != nil {
				return err
			}
			f.Least, f.Most, f.Limit = min(f.Least, n), max(f.Most, n), min(f.Limit, limit)
			dumps = append(dumps, dump)
			if changed == nil {
				continue
			}
			if i%2 == 0 {
				_, err = r.s.Ofctl("add-flow", "br0", none+",actions=drop")
			} else {
				_, err = r.s.Ofctl("--strict", "del-flows", "br0", none)
			}
			if err != nil {
				return err
			}
			i++
		}
		if changed == nil {
			continue
		}
		if c == nil && time.Since(begin) > watch/4 {
			c = &change{added: time.Now()}
			if _, err := r.s.Ofctl("add-flow", "br0", hundredth); err != nil {
				return err
			}
			c.mark = time.Now()
			if c.rx, c.out, err = r.ports(); err != nil {
				return err
			}
		}
		if c != nil && *changed < 0 {
			done, err := r.look(c)
			if err != nil {
				return err
			}
			if done {
				*changed = c.mark.Sub(c.added).Seconds()
			}
		}
	}
	f.Seconds = time.Since(begin).Seconds()
	whole2, pmd2, err := r.ticks()
	if err != nil {
		return err
	}
	rx2, _, err := r.ports()
	if err != nil {
		return err
	}
	slices.Sort(dumps)
	f.Dump, f.DumpMost = dumps[len(dumps)/2], dumps[len(dumps)-1]
	f.Processor = (whole2 - whole - (pmd2 - pmd)).Seconds() / f.Seconds
	f.Cycles = (pmd2 - pmd).Seconds() * r.hz / float64(max(1, rx2-rx))
	f.Mpps = float64(rx2-rx) / f.Seconds / 1e6
	return nil
}

// account ends the traffic, waits until no megaflow is left, and compares the rules' counters with the port's.
func (r *run) account(f *figures) error {
	if err := os.WriteFile(r.gate, nil, 0o644); err != nil {
		return err
	}
	if _, err := r.s.Vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=1000"); err != nil {
		return err
	}
	begin := time.Now()
	for {
		n, _, _, err := r.upcalls()
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if late := time.Since(begin) - evictLimit; late > evictLimit {
			return fmt.Errorf("%d megaflows are left", n)
		} else if late > 0 {
			f.Purged = true
			if _, err := r.ctl.Transact("revalidator/purge"); err != nil {
				return err
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	f.Evict = time.Since(begin).Seconds()
	var err error
	var last uint64
	for steady := 0; steady < 3; time.Sleep(200 * time.Millisecond) {
		if f.Received, _, err = r.ports(); err != nil {
			return err
		}
		text, err := r.s.Ofctl("dump-aggregate", "br0", "in_port=1")
		if err != nil {
			return err
		}
		m := reSum.FindStringSubmatch(text)
		if m == nil {
			return fmt.Errorf("dump-aggregate says %q", text)
		}
		if f.Counted, err = strconv.ParseUint(m[1], 10, 64); err != nil {
			return err
		}
		if sum := f.Received + f.Counted; sum == last {
			steady++
		} else {
			last, steady = sum, 0
		}
	}
	text, err := r.ctl.Transact("coverage/show")
	if err != nil {
		return err
	}
	f.Drops = map[string]uint64{}
	for _, m := range reDrop.FindAllStringSubmatch(text, -1) {
		if n, _ := strconv.ParseUint(m[2], 10, 64); n > 0 {
			f.Drops[m[1]] = n
		}
	}
	f.Lost = int64(f.Received) - int64(f.Counted) - int64(total(f.Drops))
	return nil
}
