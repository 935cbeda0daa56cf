package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	vm "govs/test/guest"
	"govs/test/ovs"
)

// machine is a virtual machine whose network card is a vhost-user port of br0; machine i has the port vh<i>, the
// addresses 10.9.1.i+1 and fd09:1::i+1.
type machine struct {
	*vm.Guest
	t *testing.T
}

func vmIP4(i int) string { return fmt.Sprintf("10.9.1.%d", i+1) }
func vmIP6(i int) string { return fmt.Sprintf("fd09:1::%d", i+1) }

// boot starts a machine for each entry of queues, on the sockets v0, v1… of dir, all at once, and waits for them.
func boot(t *testing.T, dir string, queues ...int) []machine {
	t.Helper()
	im, err := vm.NewImage(filepath.Join(ovs.Bin(), "guest"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var ms []machine
	for i, q := range queues {
		g, err := im.Start(vm.Options{Socket: filepath.Join(dir, fmt.Sprintf("v%d", i)), MAC: fmt.Sprintf("52:54:00:09:01:%02x", i+1), Queues: q})
		if err != nil {
			t.Fatal(err)
		}
		m := machine{g, t}
		t.Cleanup(func() {
			if t.Failed() {
				text := m.Console()
				t.Logf("end of guest %d's console:\n%s", i+1, text[max(0, len(text)-1500):])
			}
			m.Stop()
		})
		ms = append(ms, m)
	}
	for i, m := range ms {
		if err := m.Up(60 * time.Second); err != nil {
			t.Fatalf("guest %d: %v", i+1, err)
		}
		m.must("echo 0 >/proc/sys/net/ipv6/conf/eth0/dad_transmits; ip addr add %s/24 dev eth0 && ip addr add %s/64 dev eth0 && ip link set eth0 up", vmIP4(i), vmIP6(i))
	}
	return ms
}

// sh runs one line of shell in the machine and returns its output and exit status.
func (m machine) sh(format string, args ...any) (string, int) {
	m.t.Helper()
	out, status, err := m.Run(30*time.Second, fmt.Sprintf(format, args...))
	if err != nil {
		m.t.Fatalf("guest: %v: %s", err, out)
	}
	return out, status
}

// must is sh for what has to succeed.
func (m machine) must(format string, args ...any) string {
	m.t.Helper()
	out, status := m.sh(format, args...)
	if status != 0 {
		m.t.Fatalf("guest: %s: exit status %d: %s", fmt.Sprintf(format, args...), status, out)
	}
	return out
}

// answers waits until an address answers the machine's echo request, then wants an answer to five more, and says
// how long the first took.
func (m machine) answers(addr string) time.Duration {
	m.t.Helper()
	begin := time.Now()
	eventually(m.t, 20*time.Second, addr+" answers", func() bool {
		_, status := m.sh("ping -q -c 1 -W 1 %s", addr)
		return status == 0
	})
	first := time.Since(begin)
	if out, _ := m.sh("ping -q -A -c 5 -W 2 %s", addr); !strings.Contains(out, " 0% packet loss") {
		m.t.Errorf("ping %s: %s", addr, out)
	}
	return first
}

// silent reports that an address answers none of three echo requests.
func (m machine) silent(addr string) bool {
	m.t.Helper()
	out, _ := m.sh("ping -q -i 0.2 -c 3 -W 1 %s", addr)
	return strings.Contains(out, " 0 packets received")
}

// transfer sends megabytes over TCP from one machine to another, which answers with the checksum of what arrived.
func transfer(t *testing.T, from, to machine, addr string, megabytes int) {
	t.Helper()
	to.must("nc -l -p 5001 -e /bin/md5sum &")
	eventually(t, 5*time.Second, "nc listens", func() bool {
		_, status := to.sh("netstat -ltn | grep -q ':5001 '")
		return status == 0
	})
	want := from.must("dd if=/dev/urandom of=/tmp/out bs=1M count=%d 2>/dev/null; md5sum </tmp/out", megabytes)
	begin := time.Now()
	if got := from.must("timeout 20 nc %s 5001 </tmp/out", addr); got != want {
		t.Errorf("TCP to %s: %s was sent, %s arrived", addr, want, got)
	}
	t.Logf("TCP to %s: %d MB in %.2f s", addr, megabytes, time.Since(begin).Seconds())
}

// TestGuests boots two virtual machines on vhost-user ports, one of them with two queue pairs. With NORMAL they reach
// each other; they do so again after the switch was killed and started anew, without noticing; VLAN access ports
// separate them.
func TestGuests(t *testing.T) {
	o := dpdkOptions(t)
	needRoot(t, "ip", "sysctl")
	need(t, vm.Available(filepath.Join(ovs.Bin(), "guest")))
	o.NetNS = string(newNetns(t)) // for the bridge's own device
	s := start(t, o)
	vsctl(t, s, "add-br br0 -- set bridge br0 datapath_type=netdev")
	for i := range 2 {
		vsctl(t, s, fmt.Sprintf("add-port br0 vh%[1]d -- set interface vh%[1]d type=dpdkvhostuserclient options:vhost-server-path=%[2]s",
			i, filepath.Join(s.Dir, fmt.Sprintf("v%d", i))))
	}
	begin := time.Now()
	m := boot(t, s.Dir, 1, 2)
	t.Logf("up after %.1f s", time.Since(begin).Seconds())
	defer func() {
		if t.Failed() {
			ports, _ := s.Ofctl("dump-ports", "br0")
			flows, _ := s.Appctl("dpctl/dump-flows")
			fdb, _ := s.Appctl("fdb/show", "br0")
			status, _ := s.Vsctl("--columns=name,status,link_state", "list", "interface")
			t.Logf("the switch:\n%s%s%s%s", ports, flows, fdb, status)
		}
	}()

	reach := func(when string) {
		t.Helper()
		t.Logf("%s: the first answer came after %.2f s", when, m[0].answers(vmIP4(1)).Seconds())
		m[1].answers(vmIP4(0))
		m[0].answers(vmIP6(1))
		m[1].answers(vmIP6(0))
	}
	reach("NORMAL")
	transfer(t, m[0], m[1], vmIP4(1), 8)
	transfer(t, m[1], m[0], vmIP6(0), 8)

	// Each of the second machine's processors sends on its own queue; the switch must poll both.
	vsctl(t, s, "-t 10 wait-until interface vh1 link_state=up")
	if status := vsctl(t, s, "get interface vh1 status"); !strings.Contains(status, "num_of_vrings=\"4\"") && !strings.Contains(status, "num_of_vrings=4") {
		t.Errorf("two queue pairs: %s", status)
	}
	rxqs, err := s.Appctl("dpif-netdev/pmd-rxq-show")
	if err != nil || !strings.Contains(rxqs, "vh1") {
		t.Errorf("pmd-rxq-show: %v %s", err, rxqs)
	}
	for queue := range 2 {
		found := false
		for line := range strings.Lines(rxqs) {
			f := strings.Fields(line)
			found = found || len(f) > 3 && f[0] == "port:" && f[1] == "vh1" && f[2] == "queue-id:" && f[3] == fmt.Sprint(queue)
		}
		if !found {
			t.Errorf("queue %d of vh1 is not polled:\n%s", queue, rxqs)
		}
		if out, _ := m[1].sh("taskset %d ping -q -A -c 5 -W 2 %s", 1<<queue, vmIP4(0)); !strings.Contains(out, " 0% packet loss") {
			t.Errorf("ping from processor %d: %s", queue, out)
		}
	}

	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if !m[0].silent(vmIP4(1)) {
		t.Error("a dead switch forwards")
	}
	if err := s.StartVswitchd(); err != nil {
		t.Fatal(err)
	}
	reach("started again")

	vsctl(t, s, "set port vh0 tag=10 -- set port vh1 tag=20")
	for i := range 2 {
		if !m[i].silent(vmIP4(1-i)) || !m[i].silent(vmIP6(1-i)) {
			t.Errorf("guest %d reaches the other VLAN", i+1)
		}
	}
	vsctl(t, s, "set port vh1 tag=10")
	reach("in one VLAN")
	for i := range m {
		select {
		case <-m[i].Exited():
			t.Errorf("guest %d has ended", i+1)
		default:
		}
	}
}
