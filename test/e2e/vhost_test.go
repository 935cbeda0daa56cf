package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"govs/test/ovs"
	"govs/test/testpmd"
)

// dpdkOptions are the settings of a switch with DPDK, with or without huge pages.
func dpdkOptions(t *testing.T) ovs.Options {
	needRoot(t)
	need(t, testpmd.Available())
	extra := "--no-pci --in-memory"
	if !hugePages() {
		extra = "--no-pci --no-shconf --legacy-mem --no-huge -m 2048"
	}
	return ovs.Options{Config: []string{"dpdk-init=true", "dpdk-extra=" + extra, "pmd-cpu-mask=0x1"}, Timeout: 60 * time.Second}
}

// hugePages reports whether there were enough free for a switch and a guest when the tests began.
var hugePages = sync.OnceValue(func() bool {
	if os.Getenv("GOVS_NO_HUGE") != "" {
		return false
	}
	b, _ := os.ReadFile("/proc/meminfo")
	free := 0
	for line := range strings.Lines(string(b)) {
		fmt.Sscanf(line, "HugePages_Free: %d", &free)
	}
	return free >= 900
})

// guest starts testpmd with two virtio-user devices on the sockets v0 and v1 of dir; the switch is the client.
func guest(t *testing.T, dir, mode string) *testpmd.Testpmd {
	t.Helper()
	eal := []string{"--lcores", "0@0,1@1", "--single-file-segments"}
	if !hugePages() {
		eal = []string{"--lcores", "0@0,1@1", "--no-huge", "-m", "256"}
	}
	for i := range 2 {
		eal = append(eal, "--vdev", fmt.Sprintf("net_virtio_user%d,path=%s,server=1,queues=1", i, filepath.Join(dir, fmt.Sprintf("v%d", i))))
	}
	g, err := testpmd.Start(eal, []string{"--forward-mode=" + mode, "--nb-cores=1", "--total-num-mbufs=16384"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	if _, err := g.Command("start", "packet forwarding"); err != nil {
		t.Fatal(err)
	}
	return g
}

// vhostBridge makes br0 with a vhost-user client port for each socket and a rule each way.
func vhostBridge(t *testing.T, s *ovs.Switch) {
	t.Helper()
	vsctl(t, s, "add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure")
	for i := range 2 {
		vsctl(t, s, fmt.Sprintf("add-port br0 vh%[1]d -- set interface vh%[1]d type=dpdkvhostuserclient options:vhost-server-path=%[2]s ofport_request=%[3]d",
			i, filepath.Join(s.Dir, fmt.Sprintf("v%d", i)), i+1))
		if s.Options.Side == ovs.Original {
			// On a busy machine it answers ovs-vsctl before it writes the number down.
			vsctl(t, s, fmt.Sprintf("-t 10 wait-until interface vh%d ofport=%d", i, i+1))
		}
		if got := vsctl(t, s, fmt.Sprintf("--columns=ofport,error -d bare --no-heading list interface vh%d", i)); got != fmt.Sprint(i+1) {
			t.Fatalf("vh%d: %s", i, got)
		}
	}
	crossed(t, s)
}

func crossed(t *testing.T, s *ovs.Switch) {
	t.Helper()
	flows(t, s, "br0", "in_port=1,actions=output:2", "in_port=2,actions=output:1")
}

// flowing waits until both of the guest's ports have received more packets than now, and says how long that took.
func flowing(t *testing.T, s *ovs.Switch, g *testpmd.Testpmd, limit time.Duration) time.Duration {
	t.Helper()
	begin := time.Now()
	defer func() {
		if t.Failed() {
			ports, _ := s.Ofctl("dump-ports", "br0")
			flows, _ := s.Appctl("dpctl/dump-flows")
			stats, _ := g.Command("show port stats all", "Tx-bps")
			t.Logf("the switch:\n%s%sthe guest:\n%s", ports, flows, stats)
		}
	}()
	for i := range 2 {
		first, _, err := g.Packets(i)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, limit, fmt.Sprintf("the guest's port %d receives packets", i), func() bool {
			rx, _, err := g.Packets(i)
			return err == nil && rx > first+1000
		})
	}
	return time.Since(begin)
}

// TestVhostUser: flowgen's packets pass between two vhost-user ports; the ports' state is told.
func TestVhostUser(t *testing.T) {
	s := start(t, dpdkOptions(t))
	vhostBridge(t, s)
	if got := vsctl(t, s, "get interface vh0 link_state"); got != "down" {
		t.Errorf("link_state without a guest is %s", got)
	}
	g := guest(t, s.Dir, "flowgen")
	flowing(t, s, g, 10*time.Second)
	vsctl(t, s, "-t 10 wait-until interface vh0 link_state=up")
	status := vsctl(t, s, "get interface vh0 status")
	for _, want := range []string{"mode=client", "status=connected", "num_of_vrings", "socket="} {
		if !strings.Contains(status, want) {
			t.Errorf("status lacks %s: %s", want, status)
		}
	}
	// Every packet that came in went out or is counted as dropped.
	text, err := s.Ofctl("dump-ports", "br0")
	if err != nil || !strings.Contains(text, "rx pkts=") {
		t.Errorf("dump-ports: %v %s", err, text)
	}
}

// TestRestart kills the switch with SIGKILL under vhost-user traffic, five times. Each new start finds bridges and
// ports in the database, the guest's ports reconnect, and traffic passes again, with the same testpmd all along.
func TestRestart(t *testing.T) {
	o := dpdkOptions(t)
	s := start(t, o)
	vhostBridge(t, s)
	g := guest(t, s.Dir, "flowgen")
	flowing(t, s, g, 10*time.Second)
	before := vsctl(t, s, "--columns=name,type,ofport,ofport_request -f csv --no-heading list interface")
	for i := range 5 {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		if err := s.StartVswitchd(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, "the bridge is back", func() bool {
			_, err := s.Ofctl("show", "br0")
			return err == nil
		})
		crossed(t, s)
		flowing(t, s, g, 20*time.Second)
		t.Logf("restart %d: traffic passes %.2f s after the kill", i+1, time.Since(killed).Seconds())
		if after := vsctl(t, s, "--columns=name,type,ofport,ofport_request -f csv --no-heading list interface"); sorted(after) != sorted(before) {
			t.Errorf("interfaces were\n%s\nand are\n%s", before, after)
		}
		select {
		case <-g.Exited():
			t.Fatal("testpmd has ended")
		default:
		}
	}
}

func sorted(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		for j := i + 1; j < len(lines); j++ {
			if lines[j] < lines[i] {
				lines[i], lines[j] = lines[j], lines[i]
			}
		}
	}
	return strings.Join(lines, "\n")
}

// TestGuestRestart restarts the guest instead, ten times; the switch keeps running and traffic passes each time.
func TestGuestRestart(t *testing.T) {
	s := start(t, dpdkOptions(t))
	vhostBridge(t, s)
	for range 5 {
		g := guest(t, s.Dir, "flowgen")
		flowing(t, s, g, 10*time.Second)
		g.Stop()
	}
}

// TestDPDKErrors gives DPDK ports bad arguments while traffic passes: Interface.error has the original's words, and
// the traffic goes on.
func TestDPDKErrors(t *testing.T) {
	need(t, ovs.Available(ovs.Original))
	bad := []string{
		"bad1 type=dpdk options:dpdk-devargs=net_nosuch0",
		"bad2 type=dpdk options:dpdk-devargs=0000:ff:1f.7",
		"bad3 type=dpdk",
		"bad4 type=dpdk options:dpdk-devargs=net_pcap7,rx_pcap=/nosuch.pcap",
		"bad5 type=dpdkvhostuserclient",
		"bad/6 type=dpdkvhostuser",
		"bad7 type=dpdkvhostuserclient options:vhost-server-path=/" + strings.Repeat("x", 200),
		"ok1 type=dpdk options:dpdk-devargs=net_null5",
		"bad8 type=dpdk options:dpdk-devargs=net_null5",
		"ok2 type=dpdkvhostuserclient options:vhost-server-path=/nosuch/dir/socket",
	}
	play := func(side ovs.Side, traffic bool) (map[string]string, error) {
		o := dpdkOptions(t)
		o.Side = side
		s, err := ovs.Start(o)
		if err != nil {
			return nil, err
		}
		defer s.Stop()
		vhostBridge(t, s)
		var g *testpmd.Testpmd
		if traffic {
			g = guest(t, s.Dir, "flowgen")
			flowing(t, s, g, 10*time.Second)
		}
		errs := map[string]string{}
		for _, p := range bad {
			name, rest, _ := strings.Cut(p, " ")
			s.Vsctl(strings.Fields("add-port br0 " + name + " -- set interface " + name + " " + rest)...)
			text, err := s.Vsctl("--columns=error", "-d", "bare", "--no-heading", "list", "interface", name)
			if err != nil {
				text = "(no row)"
			}
			errs[name] = strings.ReplaceAll(strings.TrimSpace(text), s.Dir, "DIR")
		}
		if traffic {
			flowing(t, s, g, 10*time.Second)
		}
		if line := s.Crashed(); line != "" {
			return errs, errors.New(line)
		}
		return errs, nil
	}
	want, err := play(ovs.Original, false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := play(side(t), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bad {
		name, _, _ := strings.Cut(p, " ")
		// Where the original cuts a path short or stays silent for another reason, a clear error of ours is no fault;
		// a port that can be must have none.
		if got[name] != want[name] && (want[name] != "" || strings.HasPrefix(name, "ok")) {
			t.Errorf("%s: %q, the original says %q", p, got[name], want[name])
		}
		t.Logf("%s: %q", p, want[name])
	}
}

// TestMbufs adds and removes DPDK and vhost-user ports 1,000 times while a guest's traffic goes through the
// ports that stay, and then wants the traffic to be as good as before, and as many mbufs in the pool.
func TestMbufs(t *testing.T) {
	s := start(t, dpdkOptions(t))
	vhostBridge(t, s)
	g := guest(t, s.Dir, "flowgen")
	flowing(t, s, g, 10*time.Second)
	// Packets go to the ports that come and go, too.
	flows(t, s, "br0", "in_port=1,actions=output:2,output:3,output:4", "in_port=2,actions=output:1,output:3,output:4")
	free := func() (n int) {
		text, err := s.Appctl("netdev-dpdk/get-mempool-info", "vh0")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			fmt.Sscanf(strings.TrimSpace(line), "common_pool_count=%d", &n)
		}
		return n
	}
	at := func(i int) {
		vsctl(t, s, fmt.Sprintf("add-port br0 n%[1]d -- set interface n%[1]d type=dpdk options:dpdk-devargs=net_null%[1]d,no-rx=1 ofport_request=3"+
			" -- add-port br0 c%[1]d -- set interface c%[1]d type=dpdkvhostuserclient options:vhost-server-path=%[2]s/none ofport_request=4", i, s.Dir))
		vsctl(t, s, fmt.Sprintf("del-port n%[1]d -- del-port c%[1]d", i))
	}
	for i := range 3 {
		at(10 + i)
	}
	n0, u0 := free(), measure(t, s)
	for i := range 500 {
		at(10 + i%20)
	}
	flowing(t, s, g, 10*time.Second)
	n1, u1 := free(), measure(t, s)
	if u1.fds > u0.fds+2 {
		t.Errorf("files leaked: %+v, then %+v", u0, u1)
	}
	// Caches and rings hold some hundreds of mbufs, more or fewer at each moment.
	if n1 < n0-4096 {
		t.Errorf("%d mbufs are free, %d were: leaked", n1, n0)
	}
	t.Logf("mbufs free: %d, then %d; %+v, then %+v", n0, n1, u0, u1)
}
