package e2e

import (
	"strings"
	"testing"

	"govs/test/ovs"
)

// TestEmbedded runs the switch with the database in its own process: a new one describes itself, and after a SIGKILL the
// same bridges, ports and numbers are there again.
func TestEmbedded(t *testing.T) {
	if side(t) != ovs.Ours {
		t.Skip("the original cannot host its database")
	}
	s := start(t, ovs.Options{Dummy: true, Embedded: true})
	get := func(args ...string) string {
		t.Helper()
		out, err := s.Vsctl(args...)
		if err != nil {
			t.Fatalf("ovs-vsctl %s: %v", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(out)
	}
	if a, b := get("show"), get("show"); a != b || !strings.Contains(a, `ovs_version: "3.1.0"`) {
		t.Errorf("show prints\n%s\nand then\n%s", a, b)
	}
	for _, column := range []string{"external_ids:system-id", "db_version", "system_type"} {
		if v := get("get", "Open_vSwitch", ".", column); v == "" || v == "[]" {
			t.Errorf("%s is %q", column, v)
		}
	}
	get("add-br", "br0")
	get("add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy")
	get("add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=7")
	get("del-port", "p1")
	get("add-port", "br0", "p3", "--", "set", "interface", "p3", "type=dummy")
	before := get("show") + get("--columns=name,ofport", "list", "interface") + get("get", "Open_vSwitch", ".", "external_ids")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.StartVswitchd(); err != nil {
		t.Fatal(err)
	}
	after := get("show") + get("--columns=name,ofport", "list", "interface") + get("get", "Open_vSwitch", ".", "external_ids")
	if before != after {
		t.Errorf("before SIGKILL\n%s\nafter it\n%s", before, after)
	}
	if out, err := s.Ofctl("show", "br0"); err != nil || !strings.Contains(out, "7(p2)") {
		t.Errorf("ovs-ofctl show: %v\n%s", err, out)
	}
}
