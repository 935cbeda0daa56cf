package server

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestOVNController runs all of a hypervisor's OVN on our server with its three databases: ovn-northd, ovn-controller and the
// original ovs-vswitchd. A port that is bound on the hypervisor must come up in the northbound database, which takes the
// round through all of them.
func TestOVNController(t *testing.T) {
	needOriginal(t, "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovn-controller", "ovs-vsctl", "ovs-ofctl")
	daemon := "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
	if _, err := os.Stat(daemon); err != nil {
		p, err := exec.LookPath("ovs-vswitchd")
		if err != nil {
			t.Skip("the original ovs-vswitchd is not installed")
		}
		daemon = p
	}
	dir := shortTempDir(t)
	createFromSchema(t, dir+"/nb.db", "/usr/share/ovn/ovn-nb.ovsschema")
	createFromSchema(t, dir+"/sb.db", "/usr/share/ovn/ovn-sb.ovsschema")
	createFromSchema(t, dir+"/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
	srv, sock := startOurs(t, dir, dir+"/nb.db", dir+"/sb.db", dir+"/conf.db")
	db := "unix:" + sock
	run := func(prog string, args ...string) string {
		t.Helper()
		out, err := runEnv(dir, prog, append([]string{"--db=" + db, "--timeout=30"}, args...)...)
		if err != nil {
			t.Fatalf("%s %s: %v %s", prog, args, err, out)
		}
		return strings.TrimSpace(out)
	}
	run("ovs-vsctl", "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "external_ids:system-id=hv1", "external_ids:ovn-remote="+db,
		"external_ids:ovn-encap-type=geneve", "external_ids:ovn-encap-ip=127.0.0.1", "external_ids:ovn-bridge-datapath-type=dummy")
	background(t, dir, "ovn-northd", "--ovnnb-db="+db, "--ovnsb-db="+db, "--unixctl="+dir+"/northd.ctl", "-vconsole:warn")
	background(t, dir, daemon, "--enable-dummy=override", "--disable-system", "--disable-system-route", "--unixctl="+dir+"/v.ctl", "-vconsole:warn", db)
	background(t, dir, "ovn-controller", "-vconsole:warn", db)
	run("ovn-nbctl", "ls-add", "sw0", "--", "lsp-add", "sw0", "p0", "--", "lsp-set-addresses", "p0", "0a:00:00:00:00:01 10.0.0.1")
	run("ovs-vsctl", "--may-exist", "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=dummy", "fail-mode=secure")
	run("ovs-vsctl", "add-port", "br-int", "vif0", "--", "set", "interface", "vif0", "type=dummy", "external_ids:iface-id=p0")
	run("ovn-nbctl", "wait-until", "Logical_Switch_Port", "p0", "up=true")
	run("ovn-nbctl", "--wait=hv", "sync")
	if out := run("ovn-sbctl", "--bare", "--columns=name", "list", "Chassis"); out != "hv1" {
		t.Errorf("chassis: %q", out)
	}
	out, err := runEnv(dir, "ovs-ofctl", "-O", "OpenFlow15", "dump-flows", "unix:"+dir+"/br-int.mgmt")
	if err != nil || strings.Count(out, "\n") < 50 {
		t.Errorf("flows of br-int: %v %.500s", err, out)
	}
	run("ovs-vsctl", "del-port", "vif0")
	run("ovn-nbctl", "wait-until", "Logical_Switch_Port", "p0", "up=false")
	for _, n := range []string{"OVN_Northbound", "OVN_Southbound", "Open_vSwitch"} {
		checkInvariants(t, srv.DB(n))
	}
}
