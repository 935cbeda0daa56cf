package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"govs/test/ovs"
	"govs/test/testpmd"
)

func main() {
	limit := flag.Duration("for", 0, "stop after this time; until ^C if zero")
	side := flag.String("side", "ours", "ours, or original to compare")
	noHuge := flag.Bool("no-huge", false, "do not use huge pages")
	flag.Parse()
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := run(ovs.Side(*side), *limit, *noHuge, stop); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

var errStopped = errors.New("stopped")

func run(side ovs.Side, limit time.Duration, noHuge bool, stop <-chan os.Signal) (err error) {
	if err := ovs.Available(side); err != nil {
		return err
	}
	if err := testpmd.Available(); err != nil {
		return err
	}
	huge := false
	if !noHuge {
		var restore func()
		huge, restore = reserveHugePages(1024)
		defer restore()
	}
	fmt.Println(map[bool]string{true: "Memory: huge pages.", false: "Memory: no huge pages; it works without, only slower."}[huge])

	// The poll loop gets the last processor, the guest the first.
	extra := "--no-pci --in-memory"
	if !huge {
		extra = "--no-pci --no-shconf --legacy-mem --no-huge -m 1024"
	}
	s, err := ovs.Start(ovs.Options{
		Side: side, Embedded: side == ovs.Ours, Timeout: time.Minute,
		Config: []string{"dpdk-init=true", "dpdk-extra=" + extra, fmt.Sprintf("pmd-cpu-mask=0x%x", 1<<(runtime.NumCPU()-1))},
	})
	if err != nil {
		return err
	}
	defer s.Stop()

	socks := [2]string{filepath.Join(s.Dir, "guest0"), filepath.Join(s.Dir, "guest1")}
	setup := [][]string{
		{"ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure"},
		{"ovs-vsctl", "add-port", "br0", "vhost0", "--", "set", "interface", "vhost0", "type=dpdkvhostuserclient",
			"options:vhost-server-path=" + socks[0], "ofport_request=1"},
		{"ovs-vsctl", "add-port", "br0", "vhost1", "--", "set", "interface", "vhost1", "type=dpdkvhostuserclient",
			"options:vhost-server-path=" + socks[1], "ofport_request=2"},
		{"ovs-ofctl", "add-flow", "br0", "in_port=1,actions=output:2"},
		{"ovs-ofctl", "add-flow", "br0", "in_port=2,actions=output:1"},
	}
	fmt.Printf("\nThe switch runs in %s. It was made by:\n\n", s.Dir)
	for _, c := range setup {
		fmt.Println("   ", strings.Join(c, " "))
		if _, err := s.Run(c[0], c[1:]...); err != nil {
			return err
		}
	}
	for i := range socks {
		text, err := s.Vsctl("--columns=error", "-d", "bare", "--no-heading", "list", "interface", fmt.Sprintf("vhost%d", i))
		if text = strings.TrimSpace(text); err != nil || text != "" {
			return fmt.Errorf("port vhost%d: %s %v", i, text, err)
		}
	}
	fmt.Printf("\nIn another terminal:\n\n    export OVS_RUNDIR=%s\n", s.Dir)
	for _, c := range []string{"ovs-vsctl show", "ovs-ofctl dump-flows br0", "ovs-ofctl dump-ports br0", "ovs-appctl dpctl/dump-flows",
		"ovs-appctl dpif-netdev/pmd-stats-show", "ovs-appctl ofproto/trace br0 in_port=1,ip"} {
		fmt.Println("   ", c)
	}
	fmt.Println()

	eal := []string{"--lcores", "0@0,1@0", "--single-file-segments"}
	if !huge {
		eal = []string{"--lcores", "0@0,1@0", "--no-huge", "-m", "256"}
	}
	for i, sock := range socks {
		eal = append(eal, "--vdev", fmt.Sprintf("net_virtio_user%d,path=%s,server=1,queues=1", i, sock))
	}
	guest, err := testpmd.Start(eal, []string{"--forward-mode=flowgen", "--nb-cores=1", "--total-num-mbufs=16384"})
	if err != nil {
		return err
	}
	defer guest.Stop()
	if _, err := guest.Command("start", "packet forwarding"); err != nil {
		return err
	}
	err = watch(s, guest, limit, stop)
	fmt.Println("\nStopping.")
	if errors.Is(err, errStopped) {
		err = nil
	}
	return err
}

// watch shows the table each second.
func watch(s *ovs.Switch, guest *testpmd.Testpmd, limit time.Duration, stop <-chan os.Signal) error {
	var end <-chan time.Time
	if limit > 0 {
		end = time.After(limit)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	terminal := isTerminal()
	last, err := sample(s)
	if err != nil {
		return err
	}
	first, seconds, idle := last, 0, 0
	for {
		select {
		case <-stop:
			return errStopped
		case <-end:
			return verdict(first, last, idle)
		case <-s.Exited():
			return errors.New("the switch has ended: " + s.Crashed())
		case <-guest.Exited():
			return errors.New("dpdk-testpmd has ended")
		case <-tick.C:
		}
		now, err := sample(s)
		if err != nil {
			return err
		}
		text := table(last, now)
		if terminal && seconds > 0 {
			fmt.Printf("\033[%dA\033[J", strings.Count(text, "\n"))
		}
		fmt.Print(text)
		seconds++
		if seconds > 2 && now.ports["1"].rx == last.ports["1"].rx {
			idle++
		}
		last = now
	}
}

// verdict is what a run of limited length ends with.
func verdict(first, last snapshot, idle int) error {
	elapsed := last.at.Sub(first.at).Seconds()
	var in, out, drops float64
	for name, p := range last.ports {
		q := first.ports[name]
		in += float64(p.rx - q.rx)
		out += float64(p.tx - q.tx)
		drops += float64(p.drops - q.drops)
	}
	fmt.Printf("\nIn %.1f s: %.0f packets in, %.0f out (%.2f million a second), %.0f dropped because a guest's ring was full.\n",
		elapsed, in, out, out/elapsed/1e6, drops)
	if out == 0 {
		return errors.New("no packet passed")
	}
	if idle > 1 {
		return fmt.Errorf("the rate was not steady: %d seconds without a packet", idle)
	}
	// Packets within the switch when the counters were read.
	if lost := in - out - drops; lost > in/100+100000 {
		return fmt.Errorf("%.0f packets are neither sent nor counted as dropped", lost)
	}
	return nil
}

func isTerminal() bool {
	st, err := os.Stdout.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// reserveHugePages reserves 2 MB pages and mounts hugetlbfs where it may. restore undoes what it did.
func reserveHugePages(want int) (ok bool, restore func()) {
	const file = "/proc/sys/vm/nr_hugepages"
	read := func() int {
		b, _ := os.ReadFile(file)
		n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		return n
	}
	restore = func() {}
	before := read()
	if before < want {
		os.WriteFile(file, []byte(strconv.Itoa(want)), 0o644)
		restore = func() { os.WriteFile(file, []byte(strconv.Itoa(before)), 0o644) }
	}
	if read() < want {
		restore()
		return false, func() {}
	}
	mounts, _ := os.ReadFile("/proc/mounts")
	if !strings.Contains(string(mounts), " hugetlbfs ") {
		os.MkdirAll("/dev/hugepages", 0o755)
		if exec.Command("mount", "-t", "hugetlbfs", "nodev", "/dev/hugepages").Run() != nil {
			restore()
			return false, func() {}
		}
		pages := restore
		restore = func() {
			exec.Command("umount", "/dev/hugepages").Run()
			pages()
		}
	}
	return true, restore
}
