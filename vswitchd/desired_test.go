package vswitchd

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"govs/ofproto"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/ojson"
	"govs/ovsdb/server"
	"govs/ovsdb/vswitch"
)

// startDB serves a new, empty Open_vSwitch database until the test ends and returns a client of it.
func startDB(t *testing.T, ctx context.Context) *client.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	v, err := ojson.Parse(vswitch.SchemaJSON)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "db")
	if err := server.CreateFile(file, schema, nil); err != nil {
		t.Fatal(err)
	}
	srv := server.New(server.Options{RunDir: dir})
	if err := srv.AddDB(file); err != nil {
		t.Fatal(err)
	}
	if err := srv.AddRemote("punix:" + filepath.Join(dir, "s")); err != nil {
		t.Fatal(err)
	}
	sctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Run(sctx) }()
	c := client.New(client.Options{Remotes: []string{"unix:" + filepath.Join(dir, "s")}, Database: vswitch.Database, Lock: LockName})
	cctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	go func() { defer close(gone); _ = c.Run(cctx) }()
	t.Cleanup(func() { cancel(); <-gone; stop(); <-ended })
	if _, err := c.WaitFor(ctx, func(*client.Snapshot) bool { return c.HasLock() }); err != nil {
		t.Fatal(err)
	}
	return c
}

// insert makes the operations that add rows, given as JSON text, to a database.
func insert(t *testing.T, ops string) []client.Op {
	t.Helper()
	v, err := ojson.Parse(ops)
	if err != nil {
		t.Fatal(err)
	}
	return v.Elems()
}

const someBridges = `[
 {"op":"insert","table":"Interface","uuid-name":"i0","row":{"name":"br0","type":"internal"}},
 {"op":"insert","table":"Interface","uuid-name":"i1","row":{"name":"p1","type":"dpdk","options":["map",[["dpdk-devargs","net_null0"]]],
   "ofport_request":7,"mtu_request":9000,"other_config":["map",[["pmd-rxq-affinity","0:1"]]]}},
 {"op":"insert","table":"Interface","uuid-name":"i2","row":{"name":"p2","mac":"00:11:22:33:44:55"}},
 {"op":"insert","table":"Interface","uuid-name":"i3","row":{"name":"pp","type":"patch","options":["map",[["peer","qq"]]]}},
 {"op":"insert","table":"Interface","uuid-name":"i4","row":{"name":"p4"}},
 {"op":"insert","table":"Port","uuid-name":"p0","row":{"name":"br0","interfaces":["named-uuid","i0"]}},
 {"op":"insert","table":"Port","uuid-name":"p1","row":{"name":"p1","interfaces":["named-uuid","i1"],"tag":10}},
 {"op":"insert","table":"Port","uuid-name":"p2","row":{"name":"p2","interfaces":["named-uuid","i2"],"trunks":["set",[30,20]],"vlan_mode":"native-tagged","tag":20}},
 {"op":"insert","table":"Port","uuid-name":"p3","row":{"name":"pp","interfaces":["named-uuid","i3"]}},
 {"op":"insert","table":"Port","uuid-name":"p4","row":{"name":"p4","interfaces":["named-uuid","i4"],"trunks":5}},
 {"op":"insert","table":"Controller","uuid-name":"c","row":{"target":"tcp:127.0.0.1:6653","max_backoff":2000,"inactivity_probe":0}},
 {"op":"insert","table":"Flow_Table","uuid-name":"t","row":{"name":"first","flow_limit":10,"overflow_policy":"evict","prefixes":["set",["ip_dst"]]}},
 {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0","datapath_type":"netdev","fail_mode":"secure",
   "ports":["set",[["named-uuid","p0"],["named-uuid","p1"],["named-uuid","p2"],["named-uuid","p3"]]],"controller":["named-uuid","c"],
   "flow_tables":["map",[[0,["named-uuid","t"]]]],"protocols":["set",["OpenFlow10","OpenFlow13"]],
   "other_config":["map",[["datapath-id","00000000000000aa"],["mac-aging-time","60"],["hwaddr","02:00:00:00:00:05"],["mac-table-size","x"]]]}},
 {"op":"insert","table":"Bridge","uuid-name":"e","row":{"name":"br1","ports":["named-uuid","p4"]}},
 {"op":"insert","table":"Bridge","uuid-name":"x","row":{"name":"../evil"}},
 {"op":"insert","table":"Open_vSwitch","row":{"bridges":["set",[["named-uuid","b"],["named-uuid","e"],["named-uuid","x"]]],"next_cfg":5,
   "other_config":["map",[["pmd-cpu-mask","0x6"],["emc-insert-inv-prob","1"],["flow-limit","1000"],["dpdk-init","true"],["max-idle","100"],
     ["n-handler-threads","2"],["min-revalidate-pps","0"],["stats-update-interval","1000"],["tx-flush-interval","50"],["pmd-sleep-max","99999999"]]]}}
]`

func TestCompute(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := startDB(t, ctx)
	if _, err := c.Transact(ctx, insert(t, someBridges)...); err != nil {
		t.Fatal(err)
	}
	s, err := c.WaitFor(ctx, func(s *client.Snapshot) bool { return s.Table("Bridge").Len() == 3 })
	if err != nil {
		t.Fatal(err)
	}
	kind := func(s string) string {
		if s == "" {
			return "netdev"
		}
		return s
	}
	w := Compute(s, kind)
	if !w.Same(Compute(s, kind)) {
		t.Error("two computations of one snapshot differ")
	}
	if w.NextCfg != 5 || !reflect.DeepEqual(w.Datapath.PMDCPUs, []int{1, 2}) || w.Datapath.EMCInsertInvProb != 1 || w.Datapath.TxFlushInterval != 50 ||
		w.Datapath.PMDSleepMax != 10000 || w.StatsInterval != 5*time.Second || w.Datapath.RxqAffinity["p1"] != "0:1" {
		t.Errorf("datapath %+v, interval %v", w.Datapath, w.StatsInterval)
	}
	if g := w.Settings; g.FlowLimit != 1000 || g.MaxIdle != 0 || g.Handlers != 2 || g.MinRevalidatePPS != ofproto.NoMinRevalidatePPS {
		t.Errorf("settings %+v", g)
	}
	if w.DPDK["dpdk-init"] != "true" {
		t.Errorf("dpdk %v", w.DPDK)
	}
	if len(w.Errors) != 1 || !strings.Contains(w.Errors[0], "evil") || w.Bridges["../evil"] != nil {
		t.Errorf("errors %q", w.Errors)
	}
	br := w.Bridges["br0"]
	if br.DatapathID != 0xaa || br.HWAddr.String() != "02:00:00:00:00:05" || br.Config.FailMode != ofproto.FailSecure || br.Config.MACAging != 60 ||
		br.Config.MACTableSize != 0 || br.Config.Protocols.String() != "OpenFlow10, OpenFlow13" {
		t.Errorf("bridge %+v", br)
	}
	if ct := br.Config.Controllers; len(ct) != 1 || ct[0].MaxBackoff != 2000 || ct[0].Probe != -1 || !ct[0].AsyncMessage {
		t.Errorf("controllers %+v", ct)
	}
	if ft := br.Config.Tables[0]; ft.Name != "first" || ft.FlowLimit != 10 || !ft.Evict || !reflect.DeepEqual(ft.Prefixes, []string{"ip_dst"}) {
		t.Errorf("table %+v", ft)
	}
	p1 := br.Ports["p1"].Ifaces["p1"]
	if p1.Type != "dpdk" || p1.Request != 7 || p1.MTU != 9000 || p1.Options["dpdk-devargs"] != "net_null0" || br.Ports["p1"].Bundle.Mode != ofproto.VLANAccess || br.Ports["p1"].Bundle.Tag != 10 {
		t.Errorf("p1 %+v in %+v", p1, br.Ports["p1"])
	}
	if p2 := br.Ports["p2"]; p2.Bundle.Mode != ofproto.VLANNativeTagged || !reflect.DeepEqual(p2.Bundle.Trunks, []uint16{20, 30}) || p2.Ifaces["p2"].Type != "system" || p2.Ifaces["p2"].MAC == nil {
		t.Errorf("p2 %+v", p2)
	}
	// The second bridge has no local port in the database; it gets one all the same.
	br1 := w.Bridges["br1"]
	if br1.DatapathType != "netdev" || br1.Ports["br1"] == nil || br1.Ports["br1"].Ifaces["br1"].Type != "internal" || br1.Ports["p4"].Bundle.Mode != ofproto.VLANTrunk {
		t.Errorf("br1 %+v", br1)
	}
}

func TestDatapathID(t *testing.T) {
	for s, want := range map[string]uint64{
		"0123456789abcdef": 0x0123456789abcdef, "0x5": 5, "5": 0, "": 0, "0000000000000000": 0, "0x": 0, "0123456789abcdeg": 0, "0x10123456789abcdef": 0,
	} {
		if got := parseDatapathID(s); got != want {
			t.Errorf("datapath-id %q is %#x, want %#x", s, got, want)
		}
	}
}

func TestDummyPortNumbers(t *testing.T) {
	b := &Backer{Dummy: true}
	taken := map[uint32]bool{5: true}
	for name, want := range map[string]uint32{"p3": 3, "br0": 100, "br12": 112, "a5b6": ^uint32(0), "a7b6": 7, "x0": ^uint32(0), "abc": ^uint32(0), "p99999999999": ^uint32(0)} {
		if got := b.wantedNumber(name, func(n uint32) bool { return taken[n] }); got != want {
			t.Errorf("port %s asks for %d, want %d", name, int32(got), int32(want))
		}
	}
	if n := (&Backer{}).wantedNumber("p3", nil); n != ^uint32(0) {
		t.Errorf("a real datapath asks for %d", n)
	}
}
