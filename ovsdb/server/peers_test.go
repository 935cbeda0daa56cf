package server

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runEnv runs a program with the OVS and OVN directories in dir.
func runEnv(dir, prog string, args ...string) (string, error) {
	cmd := exec.Command(prog, args...)
	cmd.Env = peerEnv(dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func peerEnv(dir string) []string {
	return append(os.Environ(), "OVS_RUNDIR="+dir, "OVS_DBDIR="+dir, "OVS_LOGDIR="+dir, "OVS_SYSCONFDIR="+dir, "OVN_RUNDIR="+dir,
		"OVN_DBDIR="+dir, "OVN_LOGDIR="+dir, "OVN_SYSCONFDIR="+dir)
}

// background starts a program that is killed at the end of the test.
func background(t *testing.T, dir, prog string, args ...string) {
	t.Helper()
	cmd := exec.Command(prog, args...)
	cmd.Dir = dir
	cmd.Env = peerEnv(dir)
	log, err := os.Create(filepath.Join(dir, filepath.Base(prog)+".out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("%s: %.3000s", prog, b)
		}
	})
}

// TestOVN runs ovn-northd on our server with OVN's two databases: what is made in the northbound one must appear in
// the southbound one.
func TestOVN(t *testing.T) {
	needOriginal(t, "ovn-northd", "ovn-nbctl", "ovn-sbctl")
	dir := shortTempDir(t)
	for _, n := range []string{"nb", "sb"} {
		createFromSchema(t, dir+"/"+n+".db", "/usr/share/ovn/ovn-"+n+".ovsschema")
	}
	srv, sock := startOurs(t, dir, dir+"/nb.db", dir+"/sb.db")
	db := "unix:" + sock
	background(t, dir, "ovn-northd", "--ovnnb-db="+db, "--ovnsb-db="+db, "--unixctl="+dir+"/northd.ctl", "-vconsole:warn")
	for _, args := range [][]string{
		{"ls-add", "sw0"},
		{"lsp-add", "sw0", "p0"}, {"lsp-set-addresses", "p0", "0a:00:00:00:00:01 10.0.0.1"},
		{"lr-add", "r0"}, {"lrp-add", "r0", "rp0", "0a:00:00:00:01:00", "10.0.0.254/24"},
		{"lsp-add", "sw0", "sp0", "--", "lsp-set-type", "sp0", "router", "--", "lsp-set-addresses", "sp0", "router", "--",
			"lsp-set-options", "sp0", "router-port=rp0"},
		{"acl-add", "sw0", "from-lport", "100", "ip4", "allow-related"},
		{"set", "address_set", "a", "x"},
	} {
		out, err := runEnv(dir, "ovn-nbctl", append([]string{"--db=" + db, "--wait=sb", "--timeout=20"}, args...)...)
		if (err != nil) != (args[0] == "set") {
			t.Fatalf("ovn-nbctl %s: %v %s", args, err, out)
		}
	}
	out, err := runEnv(dir, "ovn-sbctl", "--db="+db, "--bare", "--columns=external_ids", "list", "datapath_binding")
	if err != nil || !strings.Contains(out, "name=sw0") || !strings.Contains(out, "name=r0") {
		t.Errorf("datapaths: %v %s", err, out)
	}
	out, err = runEnv(dir, "ovn-sbctl", "--db="+db, "--bare", "--columns=logical_port", "list", "port_binding")
	if err != nil || !strings.Contains(out, "p0") || !strings.Contains(out, "rp0") {
		t.Errorf("port bindings: %v %s", err, out)
	}
	out, err = runEnv(dir, "ovn-sbctl", "--db="+db, "lflow-list", "sw0")
	if err != nil || strings.Count(out, "\n") < 50 {
		t.Errorf("logical flows: %v %.500s", err, out)
	}
	if out, err := runEnv(dir, "ovn-nbctl", "--db="+db, "--wait=sb", "--timeout=20", "ls-del", "sw0"); err != nil {
		t.Errorf("ls-del: %v %s", err, out)
	}
	out, _ = runEnv(dir, "ovn-sbctl", "--db="+db, "--bare", "--columns=external_ids", "list", "datapath_binding")
	if strings.Contains(out, "name=sw0") {
		t.Errorf("sw0 is still there: %s", out)
	}
	for _, n := range []string{"OVN_Northbound", "OVN_Southbound"} {
		checkInvariants(t, srv.DB(n))
	}
}

// TestOriginalVswitchd runs the original ovs-vswitchd in dummy mode and the original ovs-vsctl on our server.
func TestOriginalVswitchd(t *testing.T) {
	needOriginal(t, "ovs-vsctl")
	daemon := "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
	if p, err := exec.LookPath("ovs-vswitchd"); err == nil {
		daemon = p
	}
	if _, err := os.Stat(daemon); err != nil {
		t.Skip("the original ovs-vswitchd is not installed")
	}
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
	srv, sock := startOurs(t, dir, dir+"/conf.db")
	db := "unix:" + sock
	vsctl := func(args ...string) string {
		t.Helper()
		out, err := runEnv(dir, "ovs-vsctl", append([]string{"--db=" + db, "--timeout=20"}, args...)...)
		if err != nil {
			t.Fatalf("ovs-vsctl %s: %v %s", args, err, out)
		}
		return out
	}
	vsctl("--no-wait", "init")
	background(t, dir, daemon, "--enable-dummy=override", "--disable-system", "--disable-system-route",
		"--unixctl="+dir+"/v.ctl", "-vconsole:warn", db)
	vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=secure")
	for i := 0; i < 20; i++ {
		p := "p" + string(rune('a'+i))
		vsctl("add-port", "br0", p, "--", "set", "interface", p, "type=dummy")
	}
	if got := strings.TrimSpace(vsctl("get", "interface", "pa", "ofport")); got == "[]" || got == "-1" {
		t.Errorf("ofport %s", got)
	}
	if n := len(strings.Fields(vsctl("list-ports", "br0"))); n != 20 {
		t.Errorf("%d ports", n)
	}
	vsctl("del-port", "pc")
	vsctl("del-br", "br0")
	waitFor(t, "statistics to settle", func() bool { return strings.TrimSpace(vsctl("list-br")) == "" })
	checkInvariants(t, srv.DB("Open_vSwitch"))
}
