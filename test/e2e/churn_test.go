package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"govs/test/ovs"
)

// usage is what a process holds.
type usage struct{ fds, threads, sockets int }

func measure(t *testing.T, s *ovs.Switch) usage {
	t.Helper()
	pid, err := s.PID()
	if err != nil {
		t.Fatal(err)
	}
	var u usage
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	u.fds = len(fds)
	for _, f := range fds {
		if l, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, f.Name())); strings.HasPrefix(l, "socket:") {
			u.sockets++
		}
	}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	u.threads = len(tasks)
	return u
}

// goroutines makes the switch print its goroutines and end, and counts them by what they run; nil for the original.
func goroutines(t *testing.T, s *ovs.Switch) map[string]int {
	t.Helper()
	if s.Options.Side != ovs.Ours {
		return nil
	}
	pid, err := s.PID()
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(pid, syscall.SIGQUIT)
	<-s.Exited()
	b, err := os.ReadFile(s.Dir + "/ovs-vswitchd.out")
	if err != nil {
		t.Fatal(err)
	}
	// The last "created by" of each goroutine says what it is.
	n := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^created by (\S+)`).FindAllStringSubmatch(string(b), -1) {
		n[m[1]]++
	}
	if len(n) == 0 {
		t.Errorf("SIGQUIT printed no goroutines")
	}
	return n
}

// cycle adds and removes 10 ports of every kind that needs no DPDK, and a bridge, in a few transactions.
func cycle(t *testing.T, s *ovs.Switch, i int) {
	t.Helper()
	vsctl(t, s, fmt.Sprintf("add-br c%[1]d -- set bridge c%[1]d datapath_type=netdev"+
		" -- add-port br0 i%[1]d -- set interface i%[1]d type=internal"+
		" -- add-port c%[1]d j%[1]d -- set interface j%[1]d type=internal"+
		" -- add-port br0 t%[1]d -- set interface t%[1]d type=tap"+
		" -- add-port c%[1]d u%[1]d -- set interface u%[1]d type=tap"+
		" -- add-port br0 x%[1]d -- set interface x%[1]d type=patch options:peer=y%[1]d"+
		" -- add-port c%[1]d y%[1]d -- set interface y%[1]d type=patch options:peer=x%[1]d"+
		" -- add-port br0 s%[1]d -- set interface s%[1]d type=nosuchtype"+
		" -- add-port br0 veth0"+
		" -- add-port c%[1]d nosuchdevice", i))
	if i%10 == 0 {
		flows(t, s, fmt.Sprintf("c%d", i), "actions=NORMAL", "in_port=1,actions=2")
	}
	vsctl(t, s, fmt.Sprintf("del-br c%[1]d -- del-port i%[1]d -- del-port t%[1]d -- del-port x%[1]d -- del-port s%[1]d -- del-port veth0", i))
}

// TestChurn adds and removes 1,000 ports and 100 bridges, then 1,000 bridges, and asks for what the switch still holds.
func TestChurn(t *testing.T) {
	needRoot(t, "ip")
	side(t)
	once := func(ports, bridges int) (before, after usage, g map[string]int) {
		sw := newNetns(t)
		sh(t, "ip -n %s link add veth0 type veth peer name veth1", sw)
		s := start(t, ovs.Options{NetNS: string(sw)})
		vsctl(t, s, "add-br br0 -- set bridge br0 datapath_type=netdev")
		for i := range 3 {
			cycle(t, s, i)
		}
		before = measure(t, s)
		for i := range ports / 10 {
			cycle(t, s, i)
		}
		for i := range bridges / 20 {
			var add, del strings.Builder
			for j := range 20 {
				fmt.Fprintf(&add, "-- add-br b%d-%d -- set bridge b%d-%d datapath_type=netdev ", i, j, i, j)
				fmt.Fprintf(&del, "-- del-br b%d-%d ", i, j)
			}
			vsctl(t, s, add.String())
			vsctl(t, s, del.String())
		}
		// A file may be closed a moment after the transaction is acknowledged.
		for end := time.Now().Add(3 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			if after = measure(t, s); after.fds <= before.fds || time.Now().After(end) {
				break
			}
		}
		if links := sw.sh(t, "ip -br link"); strings.Count(links, "\n") > 6 {
			t.Errorf("devices left behind:\n%s", links)
		}
		if text := vsctl(t, s, "list-br"); text != "br0" {
			t.Errorf("bridges left: %s", text)
		}
		return before, after, goroutines(t, s)
	}
	before, after, many := once(1000, 1000)
	if after.fds > before.fds+2 || after.sockets > before.sockets+2 {
		t.Errorf("files or sockets leaked: %+v, then %+v", before, after)
	}
	// Go keeps threads that it once needed, so only growth with the number of ports counts.
	if after.threads > before.threads+16 {
		t.Errorf("threads leaked: %+v, then %+v", before, after)
	}
	_, _, few := once(0, 0)
	for what, n := range many {
		if n > few[what]+3 {
			t.Errorf("%d goroutines made by %s after 1,000 ports, %d after 30", n, what, few[what])
		}
	}
}

// TestErrors gives the switch ports that cannot be, and compares what it says of them with the original's words.
func TestErrors(t *testing.T) {
	needRoot(t, "ip")
	need(t, ovs.Available(ovs.Original))
	play := func(side ovs.Side) map[string]string {
		sw := newNetns(t)
		s, err := ovs.Start(ovs.Options{Side: side, NetNS: string(sw)})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Stop()
		vsctl(t, s, "add-br br0 -- set bridge br0 datapath_type=netdev")
		for _, p := range []string{"nodev type=system", "nokind type=nosuch", "nopeer type=patch", "selfpeer type=patch options:peer=selfpeer",
			"nodpdk type=dpdk options:dpdk-devargs=net_null0", "novhost type=dpdkvhostuserclient options:vhost-server-path=/nosuch/socket",
			"wrongmode type=nosuch options:mode=x", "nofile type=dpdkvhostuser"} {
			name, rest, _ := strings.Cut(p, " ")
			s.Vsctl(strings.Fields("add-port br0 " + name + " -- set interface " + name + " " + rest)...)
		}
		got := map[string]string{}
		for _, name := range strings.Fields(vsctl(t, s, "list-ports br0")) {
			got[name] = vsctl(t, s, "--columns=error,ofport -d bare --no-heading list interface "+name)
		}
		if line := s.Crashed(); line != "" {
			t.Error(line)
		}
		return got
	}
	want, got := play(ovs.Original), play(side(t))
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %q, the original says %q", name, got[name], w)
		}
	}
	if len(want) < 8 {
		t.Errorf("the original has only %d ports", len(want))
	}
}
