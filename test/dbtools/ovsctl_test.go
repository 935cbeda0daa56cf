package dbtools

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOvsCtl has the original's start-up script start, inspect, restart and stop our database server with our tools.
func TestOvsCtl(t *testing.T) {
	const script = "/usr/share/openvswitch/scripts/ovs-ctl"
	if _, err := os.Stat(script); err != nil {
		t.Skip("the original's scripts are not installed")
	}
	e := newEnv(t)
	bin := filepath.Dir(our.program(t, "ovs-vsctl"))
	ctl := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(script, append([]string{"--no-ovs-vswitchd", "--no-monitor"}, args...)...)
		cmd.Dir = e.dir
		cmd.Env = append(e.environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil && args[len(args)-1] != "status" {
			t.Fatalf("ovs-ctl %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	t.Cleanup(func() { ctl("stop") })
	ctl("--system-id=test-id", "start")
	pid := strings.TrimSpace(e.read("ovsdb-server.pid"))
	if exe, err := os.Readlink("/proc/" + pid + "/exe"); err != nil || exe != bin+"/ovsdb-server" {
		t.Errorf("process %s runs %s, %v", pid, exe, err)
	}
	if out := ctl("status"); !strings.Contains(out, "ovsdb-server is running with pid "+pid) {
		t.Errorf("status: %s", out)
	}
	get := func(column string) string {
		return strings.TrimSpace(e.must(our.program(t, "ovs-vsctl"), "--no-wait", "get", "open", ".", column))
	}
	if got := get("external_ids:system-id"); got != "test-id" {
		t.Errorf("system-id %s", got)
	}
	if got := get("db_version"); got != `"8.3.1"` {
		t.Errorf("db_version %s", got)
	}
	e.must(our.program(t, "ovs-vsctl"), "--no-wait", "add-br", "br0")
	ctl("--system-id=test-id", "restart")
	if again := strings.TrimSpace(e.read("ovsdb-server.pid")); again == pid {
		t.Error("not restarted")
	}
	if got := e.must(our.program(t, "ovs-vsctl"), "--no-wait", "list-br"); got != "br0\n" {
		t.Errorf("bridges after the restart: %s", got)
	}
	ctl("stop")
	if _, err := os.Stat(e.dir + "/ovsdb-server.pid"); !os.IsNotExist(err) {
		t.Errorf("pid file is left: %v", err)
	}
}
