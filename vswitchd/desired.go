package vswitchd

import (
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"govs/dpif"
	"govs/internal/affinity"
	"govs/ofproto"
	"govs/openflow"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/vswitch"
)

// Compute returns what the snapshot asks for. It is a pure function: it looks at nothing but its arguments.
// datapathType maps Bridge.datapath_type to the type of datapath that serves it.
func Compute(s *client.Snapshot, datapathType func(string) string) *Desired {
	want := &Desired{Bridges: make(map[string]*BridgeState), Previous: make(map[ovsdb.UUID]uint16)}
	rows := vswitch.AllOpenvSwitch(s)
	if len(rows) == 0 {
		return want
	}
	ovs := rows[0]
	oc := smap(ovs.OtherConfig)
	want.NextCfg = ovs.NextCfg
	want.DPDK = dpdkConfig(oc)
	want.Settings = settings(oc)
	want.Datapath = datapathConfig(oc)
	want.StatsInterval = time.Duration(oc.integerIn("stats-update-interval", 5000, 5000, 1<<31)) * time.Millisecond
	for _, u := range ovs.Bridges {
		br := vswitch.GetBridge(s, u)
		if br == nil {
			continue
		}
		if strings.ContainsAny(br.Name, "/\\") || br.Name == "." || br.Name == ".." {
			// The name becomes the name of a socket: it must not lead elsewhere.
			want.Errors = append(want.Errors, fmt.Sprintf("ignoring bridge with invalid name %q", br.Name))
			continue
		}
		want.Bridges[br.Name] = computeBridge(s, br, oc, datapathType(br.DatapathType), want)
	}
	return want
}

// dpdkConfig is the part of other_config that DPDK's start reads. A change of it after the start has no effect.
func dpdkConfig(oc smap) map[string]string {
	out := make(map[string]string)
	for k, v := range oc {
		if strings.HasPrefix(k, "dpdk-") || k == "vhost-sock-dir" || strings.HasPrefix(k, "vhost-") || k == "per-port-memory" || k == "shared-mempool-config" || k == "userspace-tso-enable" {
			out[k] = v
		}
	}
	return out
}

func settings(oc smap) ofproto.Settings {
	s := ofproto.Settings{
		FlowLimit:         int(oc.integerIn("flow-limit", 0, 0, 1<<31-1)),
		MaxIdle:           int(oc.integerIn("max-idle", 0, 500, 1<<31-1)),
		MaxRevalidator:    int(oc.integerIn("max-revalidator", 0, 100, 1<<31-1)),
		MinRevalidatePPS:  int(oc.integerIn("min-revalidate-pps", 5, 0, 1<<31-1)),
		Handlers:          int(oc.integerIn("n-handler-threads", 0, 1, 1<<10)),
		Revalidators:      int(oc.integerIn("n-revalidator-threads", 0, 1, 1<<10)),
		VLANLimit:         vlanLimit(oc),
		OffloadedStatsOff: false,
	}
	if s.MinRevalidatePPS == 0 {
		s.MinRevalidatePPS = ofproto.NoMinRevalidatePPS
	}
	return s
}

// vlanLimit is how many VLAN tags are parsed: as many as can be for 0.
func vlanLimit(oc smap) int {
	n := oc.integerIn("vlan-limit", dpif.DefaultVLANLimit, 0, math.MaxInt32)
	if n == 0 || n > dpif.MaxVLANLimit {
		return dpif.MaxVLANLimit
	}
	return int(n)
}

func datapathConfig(oc smap) dpif.Config {
	c := dpif.Config{
		VLANLimit:       vlanLimit(oc),
		SMCEnable:       oc.boolean("smc-enable", false),
		TxFlushInterval: oc.integerIn("tx-flush-interval", 0, 0, 1000000),
		PMDSleepMax:     min(oc.integerIn("pmd-maxsleep", oc.integerIn("pmd-sleep-max", -1, 0, 1<<62), 0, 1<<62), 10000),
		RxqAssign:       oc.str("pmd-rxq-assign", "cycles"),
		PerfMetrics:     oc.boolean("pmd-perf-metrics", false),
		RxqAffinity:     make(map[string]string),
		RxqShared:       !oc.boolean("pmd-rxq-isolate", true),
		AutoLB: dpif.AutoLB{
			Enabled:     oc.boolean("pmd-auto-lb", false),
			Interval:    int(oc.integerIn("pmd-auto-lb-rebal-interval", 1, 1, 20000)),
			Load:        int(oc.integerIn("pmd-auto-lb-load-threshold", 95, 0, 100)),
			Improvement: int(oc.integerIn("pmd-auto-lb-improvement-threshold", 25, 0, 100)),
		},
		TxHash: make(map[string]bool),
	}
	// The default inserts one flow in 100; 0 switches the cache off (ovs-vswitchd.conf.db(5)).
	c.EMCInsertInvProb = uint32(oc.integerIn("emc-insert-inv-prob", 100, 0, 1<<32-1))
	if m := oc.str("pmd-cpu-mask", ""); m != "" {
		if cpus, err := affinity.ParseMask(m); err == nil {
			c.PMDCPUs = cpus
		}
	}
	return c
}

func computeBridge(s *client.Snapshot, br *vswitch.Bridge, global smap, dpType string, want *Desired) *BridgeState {
	oc := smap(br.OtherConfig)
	b := &BridgeState{
		UUID: br.UUID, Name: br.Name, DatapathType: dpType,
		Ports: make(map[string]*PortState), Controllers: make(map[string]ovsdb.UUID),
		Config: ofproto.BridgeConfig{
			MACTableSize: int(oc.integerIn("mac-table-size", 0, 10, 1000000)),
			MACAging:     int(oc.integerIn("mac-aging-time", 0, 1, 3600)),
			ForwardBPDU:  oc.boolean("forward-bpdu", false),
			DPDesc:       oc.str("dp-desc", ""),
			Serial:       oc.str("dp-sn", ""),
			FloodVLANs:   vlans(br.FloodVLANs),
			Tables:       computeTables(s, br),
		},
	}
	if br.FailMode != nil && *br.FailMode == "secure" {
		b.Config.FailMode = ofproto.FailSecure
	}
	for _, p := range br.Protocols {
		v, ok := openflow.ParseVersion(p)
		if !ok {
			want.Errors = append(want.Errors, fmt.Sprintf("bridge %s: unknown protocol %s", br.Name, p))
			continue
		}
		b.Config.Protocols |= openflow.SetOf(v)
	}
	if ea, err := net.ParseMAC(oc.str("hwaddr", "")); err == nil && len(ea) == 6 && ea[0]&1 == 0 {
		b.HWAddr = ea
	}
	if id := oc.str("datapath-id", ""); id != "" {
		b.DatapathID = parseDatapathID(id)
	}
	for _, u := range br.Controller {
		if c := vswitch.GetController(s, u); c != nil {
			b.Config.Controllers = append(b.Config.Controllers, controllerConfig(c))
			b.Controllers[c.Target] = u
		}
	}
	for _, u := range br.Ports {
		if p := vswitch.GetPort(s, u); p != nil {
			computePort(s, b, p, want)
		}
	}
	if !hasIface(b, br.Name) {
		// The local port is there even when the database does not name it.
		b.Ports[br.Name] = &PortState{
			Bundle: ofproto.BundleConfig{Name: br.Name, Tag: -1},
			Ifaces: map[string]*IfaceState{br.Name: {Name: br.Name, Type: "internal"}},
		}
	}
	return b
}

func hasIface(b *BridgeState, name string) bool {
	for _, p := range b.Ports {
		if p.Ifaces[name] != nil {
			return true
		}
	}
	return false
}

// parseDatapathID reads 16 hexadecimal digits, or "0x" and up to 16. Anything else, and zero, is unset.
func parseDatapathID(s string) uint64 {
	hex, prefixed := strings.CutPrefix(s, "0x")
	if !prefixed && len(hex) != 16 || len(hex) > 16 {
		return 0
	}
	id, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		return 0
	}
	return id
}

func controllerConfig(c *vswitch.Controller) ofproto.ControllerConfig {
	out := ofproto.ControllerConfig{Target: c.Target, AsyncMessage: c.EnableAsyncMessages == nil || *c.EnableAsyncMessages}
	if c.MaxBackoff != nil {
		out.MaxBackoff = int(*c.MaxBackoff)
	}
	if c.InactivityProbe != nil {
		out.Probe = int(*c.InactivityProbe)
		if out.Probe == 0 {
			out.Probe = -1
		}
	}
	if c.ControllerRateLimit != nil {
		out.RateLimit = int(*c.ControllerRateLimit)
	}
	if c.ControllerBurstLimit != nil {
		out.BurstLimit = int(*c.ControllerBurstLimit)
	}
	if c.ControllerQueueSize != nil {
		out.MaxPacketIn = int(*c.ControllerQueueSize)
	}
	if c.ConnectionMode != nil {
		out.OutOfBand = *c.ConnectionMode == "out-of-band"
	}
	if c.Type != nil {
		out.Type = *c.Type
	}
	return out
}

func computeTables(s *client.Snapshot, br *vswitch.Bridge) map[uint8]ofproto.TableConfig {
	if len(br.FlowTables) == 0 {
		return nil
	}
	out := make(map[uint8]ofproto.TableConfig)
	for id, u := range br.FlowTables {
		ft := vswitch.GetFlowTable(s, u)
		if ft == nil || id < 0 || id > 253 {
			continue
		}
		tc := ofproto.TableConfig{FlowLimit: -1, Evict: ft.OverflowPolicy != nil && *ft.OverflowPolicy == "evict", EvictGroups: ft.Groups}
		if ft.Name != nil {
			tc.Name = *ft.Name
		}
		if ft.FlowLimit != nil {
			tc.FlowLimit = int(*ft.FlowLimit)
		}
		if len(ft.Prefixes) > 0 {
			tc.Prefixes = ft.Prefixes
			if len(ft.Prefixes) == 1 && ft.Prefixes[0] == "none" {
				tc.Prefixes = []string{}
			}
		}
		out[uint8(id)] = tc
	}
	return out
}

func computePort(s *client.Snapshot, b *BridgeState, p *vswitch.Port, want *Desired) {
	oc := smap(p.OtherConfig)
	if b.Ports[p.Name] != nil {
		want.Errors = append(want.Errors, fmt.Sprintf("bridge %s: %s specified twice as bridge port", b.Name, p.Name))
		return
	}
	ps := &PortState{UUID: p.UUID, Ifaces: make(map[string]*IfaceState), Bundle: ofproto.BundleConfig{
		Name: p.Name, Tag: -1, Protected: p.Protected, PrioTags: oc.str("priority-tags", "never"), QinQEth: 0x88a8,
	}}
	if ea, err := macOf(p.MAC); err == nil {
		ps.MAC = ea
	}
	c := &ps.Bundle
	if p.Tag != nil && *p.Tag >= 0 && *p.Tag <= 4095 {
		c.Tag = int(*p.Tag)
	}
	if len(p.Trunks) > 0 {
		c.Trunks = vlans(p.Trunks)
	}
	if len(p.CVLANs) > 0 {
		c.CVLANs = vlans(p.CVLANs)
	}
	if t := strings.ToLower(oc.str("qinq-ethtype", "")); t == "802.1q" {
		c.QinQEth = 0x8100
	}
	c.Mode = vlanMode(p.VLANMode, c.Tag)
	for _, u := range p.Interfaces {
		i := vswitch.GetInterface(s, u)
		if i == nil {
			continue
		}
		if hasIface(b, i.Name) || ps.Ifaces[i.Name] != nil {
			want.Errors = append(want.Errors, fmt.Sprintf("bridge %s: interface %s specified twice", b.Name, i.Name))
			continue
		}
		ps.Ifaces[i.Name] = ifaceState(b, i, want)
	}
	b.Ports[p.Name] = ps
}

func vlanMode(mode *string, tag int) ofproto.VLANMode {
	if mode != nil {
		switch *mode {
		case "access":
			return ofproto.VLANAccess
		case "trunk":
			return ofproto.VLANTrunk
		case "native-tagged":
			return ofproto.VLANNativeTagged
		case "native-untagged":
			return ofproto.VLANNativeUntagged
		case "dot1q-tunnel":
			return ofproto.VLANDot1qTunnel
		}
	}
	if tag >= 0 {
		return ofproto.VLANAccess
	}
	return ofproto.VLANTrunk
}

func ifaceState(b *BridgeState, i *vswitch.Interface, want *Desired) *IfaceState {
	w := &IfaceState{UUID: i.UUID, Name: i.Name, Type: i.Type, Options: maps.Clone(i.Options), Other: i.OtherConfig}
	switch {
	case i.Name == b.Name:
		w.Type = "internal"
	case w.Type == "":
		w.Type = "system"
	}
	if ea, err := macOf(i.MAC); err == nil {
		w.MAC = ea
	}
	if i.MTURequest != nil {
		w.MTU = int(*i.MTURequest)
	}
	if i.OFPortRequest != nil && *i.OFPortRequest > 0 && *i.OFPortRequest < 0xff00 {
		w.Request = uint16(*i.OFPortRequest)
	}
	if i.OFPort != nil && *i.OFPort > 0 && *i.OFPort < 0xff00 {
		want.Previous[i.UUID] = uint16(*i.OFPort)
	}
	if i.OtherConfig["tx-steering"] == "hash" {
		want.Datapath.TxHash[i.Name] = true
	}
	if a, ok := i.OtherConfig["pmd-rxq-affinity"]; ok {
		want.Datapath.RxqAffinity[i.Name] = a
	}
	return w
}

func macOf(s *string) (net.HardwareAddr, error) {
	if s == nil {
		return nil, fmt.Errorf("no address")
	}
	ea, err := net.ParseMAC(*s)
	if err != nil || len(ea) != 6 || ea[0]&1 != 0 {
		return nil, fmt.Errorf("%q is not a unicast Ethernet address", *s)
	}
	return ea, nil
}

func vlans(in []int64) []uint16 {
	var out []uint16
	for _, v := range in {
		if v >= 0 && v <= 4095 {
			out = append(out, uint16(v))
		}
	}
	slices.Sort(out)
	return out
}
