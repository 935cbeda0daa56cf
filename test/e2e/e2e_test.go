package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"govs/test/ovs"
)

// need skips a test when what it needs is not here; where everything must be here (make test), it fails.
func need(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("GOVS_TEST_ALL") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// side is the side under test.
func side(t *testing.T) ovs.Side {
	s := ovs.Ours
	if os.Getenv("GOVS_SIDE") == "original" {
		s = ovs.Original
	}
	need(t, ovs.Available(s))
	return s
}

func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		need(t, errors.New("needs root, for network namespaces"))
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			need(t, fmt.Errorf("%s is not installed (make deps)", p))
		}
	}
}

// start starts a switch for the test and stops it at its end. The test fails if the switch crashed.
func start(t *testing.T, o ovs.Options) *ovs.Switch {
	t.Helper()
	o.Side = side(t)
	s, err := ovs.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			lines := strings.Split(s.Log(), "\n")
			t.Logf("end of the switch's log:\n%s", strings.Join(lines[max(0, len(lines)-25):], "\n"))
		}
		if line := s.Crashed(); line != "" {
			t.Error("the switch crashed: ", line)
		}
		s.Stop()
	})
	return s
}

// vsctl runs ovs-vsctl and fails the test if that fails.
func vsctl(t *testing.T, s *ovs.Switch, line string) string {
	t.Helper()
	out, err := s.Vsctl(strings.Fields(line)...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func flows(t *testing.T, s *ovs.Switch, bridge string, rules ...string) {
	t.Helper()
	if _, err := s.Ofctl("del-flows", bridge); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if _, err := s.Ofctl("-O", "OpenFlow13", "add-flow", bridge, r); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually polls until ok, and fails the test with what it was about after the limit.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %v: %s", limit, what)
		}
	}
}

// A namespace is a network namespace that the test made.
type namespace string

var serial atomic.Int32

func newNetns(t *testing.T) namespace {
	t.Helper()
	n := namespace(fmt.Sprintf("gv%d-%d", os.Getpid(), serial.Add(1)))
	sh(t, "ip netns add %s", n)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", string(n)).Run() })
	n.sh(t, "ip link set lo up")
	// No router solicitations or neighbours of its own accord: captures hold what the test sent.
	n.sh(t, "sysctl -q -w net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.dad_transmits=0 net.ipv6.conf.default.accept_dad=0")
	return n
}

func sh(t *testing.T, format string, args ...any) string {
	t.Helper()
	f := strings.Fields(fmt.Sprintf(format, args...))
	out, err := exec.Command(f[0], f[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(f, " "), err, out)
	}
	return string(out)
}

func (n namespace) command(format string, args ...any) *exec.Cmd {
	f := append([]string{"netns", "exec", string(n)}, strings.Fields(fmt.Sprintf(format, args...))...)
	return exec.Command("ip", f...)
}

func (n namespace) sh(t *testing.T, format string, args ...any) string {
	t.Helper()
	c := n.command(format, args...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(c.Args, " "), err, out)
	}
	return string(out)
}

// ping reports whether an address answers at least 2 of 3 echo requests.
func (n namespace) ping(addr string) bool {
	out, _ := n.command("ping -n -c 3 -i 0.1 -W 1 %s", addr).CombinedOutput()
	return strings.Contains(string(out), " 3 received") || strings.Contains(string(out), " 2 received")
}

// silent reports whether no echo request to an address is answered.
func (n namespace) silent(addr string) bool {
	out, _ := n.command("ping -n -c 3 -i 0.1 -W 1 %s", addr).CombinedOutput()
	return strings.Contains(string(out), " 0 received")
}
