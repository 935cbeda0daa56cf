package ofproto

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"govs/dpif"
	"govs/flow"
	"govs/ofproto/upcall"
	"govs/ofproto/xlate"
	"govs/openflow"
)

// Commands returns the unixctl commands of the switch and its bridges (ovs-vswitchd(8)).
func (s *Switch) Commands() []Command {
	return append(s.dpctlCommands(), []Command{
		{"ofproto/list", "", 0, 0, s.cmdList},
		{"ofproto/trace", "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]", 1, -1, s.cmdTrace},
		{"ofproto/trace-packet-out", "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions", 2, -1, s.cmdTracePacketOut},
		{"fdb/show", "bridge", 1, 1, s.cmdFDBShow},
		{"fdb/flush", "[bridge]", 0, 1, s.cmdFDBFlush},
		{"fdb/add", "bridge port vlan mac", 4, 4, s.cmdFDBAdd},
		{"fdb/del", "bridge vlan mac", 3, 3, s.cmdFDBDel},
		{"fdb/stats-show", "bridge", 1, 1, s.cmdFDBStats},
		{"fdb/stats-clear", "[bridge]", 0, 1, s.cmdFDBClear},
		{"dpif/show", "", 0, 0, s.cmdDPShow},
		{"dpif/dump-dps", "", 0, 0, s.cmdDPDump},
		{"dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 4, s.cmdDPFlows},
		{"bridge/dump-flows", "[--offload-stats] bridge", 1, 2, s.cmdBridgeFlows},
		{"upcall/show", "", 0, 0, s.cmdUpcallShow},
		{"upcall/disable-megaflows", "", 0, 0, func([]string) (string, error) { s.up.SetMegaflows(false); return "megaflows disabled\n", nil }},
		{"upcall/enable-megaflows", "", 0, 0, func([]string) (string, error) { s.up.SetMegaflows(true); return "megaflows enabled\n", nil }},
		{"upcall/disable-ufid", "", 0, 0, func([]string) (string, error) {
			s.up.SetUFID(false)
			return "Datapath dumping tersely using UFID disabled\n", nil
		}},
		{"upcall/enable-ufid", "", 0, 0, func([]string) (string, error) {
			s.up.SetUFID(true)
			return "Datapath dumping tersely using UFID enabled for supported datapaths\n", nil
		}},
		{"upcall/set-flow-limit", "flow-limit-number", 1, 1, s.cmdFlowLimit},
		{"revalidator/wait", "", 0, 0, func([]string) (string, error) { s.up.Wait(); return "", nil }},
		{"revalidator/pause", "", 0, 0, func([]string) (string, error) { s.up.Pause(); return "", nil }},
		{"revalidator/resume", "", 0, 0, func([]string) (string, error) { s.up.Resume(); return "", nil }},
		{"revalidator/purge", "", 0, 0, func([]string) (string, error) { s.up.Purge(); return "", nil }},
	}...)
}

var errNoBridge = errors.New("no such bridge")

func (s *Switch) cmdList([]string) (string, error) {
	var b strings.Builder
	for _, br := range s.Bridges() {
		b.WriteString(br.name + "\n")
	}
	return b.String(), nil
}

func (s *Switch) cmdFDBShow(args []string) (string, error) {
	br := s.Bridge(args[0])
	if br == nil {
		return "", errNoBridge
	}
	var b strings.Builder
	b.WriteString(" port  VLAN  MAC                Age\n")
	now := s.now()
	for _, e := range br.state.MAC.Entries() {
		port := "  ?"
		if bu := e.Bundle.Cur.Load(); bu != nil && len(bu.Ports) > 0 {
			port = string(flow.AppendPort(nil, bu.Ports[0].No.Wire32(), nil))
		}
		mac := flow.AppendEth(nil, e.MAC)
		if e.Static {
			fmt.Fprintf(&b, "%5s  %4d  %s  static\n", port, e.VLAN, mac)
		} else {
			fmt.Fprintf(&b, "%5s  %4d  %s  %3d\n", port, e.VLAN, mac, max(now-e.Used, 0)/1000)
		}
	}
	return b.String(), nil
}

// some returns the named bridge, or all.
func (s *Switch) some(args []string) ([]*Bridge, error) {
	if len(args) == 0 {
		return s.Bridges(), nil
	}
	if br := s.Bridge(args[0]); br != nil {
		return []*Bridge{br}, nil
	}
	return nil, errNoBridge
}

func (s *Switch) cmdFDBFlush(args []string) (string, error) {
	brs, err := s.some(args)
	if err != nil {
		return "", err
	}
	for _, br := range brs {
		br.state.MAC.Flush(nil)
	}
	return "table successfully flushed\n", nil
}

func (s *Switch) cmdFDBAdd(args []string) (string, error) {
	br := s.Bridge(args[0])
	if br == nil {
		return "", errNoBridge
	}
	mac, ok := flow.ParseEth(args[3])
	if !ok {
		return "", errors.New("bad MAC address")
	}
	vlan, _ := strconv.ParseUint(args[2], 10, 16)
	snap := s.snap.Load().Bridge(args[0])
	var bundle *xlate.BundleState
	if snap != nil {
		for _, bu := range snap.Bundles {
			for _, p := range bu.Ports {
				if p.Name == args[1] || bu.Name == args[1] {
					bundle = bu.State
				}
			}
		}
	}
	if bundle == nil {
		return "", errors.New("software error, odp port is present but no ofp port")
	}
	br.state.MAC.AddStatic(uint16(vlan), mac, bundle, s.now())
	return "", nil
}

func (s *Switch) cmdFDBDel(args []string) (string, error) {
	br := s.Bridge(args[0])
	if br == nil {
		return "", errNoBridge
	}
	mac, ok := flow.ParseEth(args[2])
	if !ok {
		return "", errors.New("bad MAC address")
	}
	vlan, _ := strconv.ParseUint(args[1], 10, 16)
	if !br.state.MAC.DeleteStatic(uint16(vlan), mac) {
		return "", errors.New("could not find static mac entry")
	}
	return "", nil
}

func (s *Switch) cmdFDBStats(args []string) (string, error) {
	br := s.Bridge(args[0])
	if br == nil {
		return "", errNoBridge
	}
	st := br.state.MAC.Stats()
	return fmt.Sprintf("Statistics for bridge %q:\n"+
		"  Current/maximum MAC entries in the table: %d/%d\n"+
		"  Current static MAC entries in the table : %d\n"+
		"  Total number of learned MAC entries     : %d\n"+
		"  Total number of expired MAC entries     : %d\n"+
		"  Total number of evicted MAC entries     : %d\n"+
		"  Total number of port moved MAC entries  : %d\n",
		br.name, st.Current, st.Max, st.Static, st.Learned, st.Expired, st.Evicted, st.Moved), nil
}

func (s *Switch) cmdFDBClear(args []string) (string, error) {
	brs, err := s.some(args)
	if err != nil {
		return "", err
	}
	for _, br := range brs {
		br.state.MAC.ClearStats()
	}
	return "statistics successfully cleared\n", nil
}

// fullName is the datapath's name with its type, as dpif/show prints it.
func (s *Switch) fullName() string { return s.opt.DatapathType + "@" + s.opt.DatapathName }

func (s *Switch) cmdDPDump([]string) (string, error) {
	var b strings.Builder
	for _, br := range s.Bridges() {
		fmt.Fprintf(&b, "%s@%s\n", s.opt.DatapathType, br.name)
	}
	return b.String(), nil
}

func (s *Switch) cmdDPShow([]string) (string, error) {
	var b strings.Builder
	st := s.opt.Datapath.Stats()
	fmt.Fprintf(&b, "%s: hit:%d missed:%d\n", s.fullName(), st.Hit, st.Missed)
	for _, br := range s.Bridges() {
		fmt.Fprintf(&b, "  %s:\n", br.name)
		s.mu.Lock()
		ports := br.byName()
		for _, p := range ports {
			fmt.Fprintf(&b, "    %s %d/", p.cfg.Name, p.no)
			typ := p.cfg.Type
			if typ == "" {
				typ = "system"
			}
			switch {
			case p.isPatch():
				fmt.Fprintf(&b, "none: (patch: peer=%s)\n", p.cfg.Peer)
			default:
				if p.cfg.Device != nil {
					typ = p.cfg.Device.Type()
				}
				fmt.Fprintf(&b, "%d: (%s)\n", p.cfg.DPPort, typ)
			}
		}
		s.mu.Unlock()
	}
	return b.String(), nil
}

func (s *Switch) cmdFlowLimit(args []string) (string, error) {
	n, _ := strconv.Atoi(args[0])
	s.up.SetLimit(n)
	return fmt.Sprintf("set flow_limit to %d\n", n), nil
}

func (s *Switch) cmdUpcallShow([]string) (string, error) {
	i := s.up.Info()
	return upcallText(s.fullName(), i), nil
}

func upcallText(name string, i upcall.Info) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n", name)
	fmt.Fprintf(&b, "  flows         : (current %d) (avg %d) (max %d) (limit %d)\n", i.Flows, i.Avg, i.Max, i.Limit)
	fmt.Fprintf(&b, "  dump duration : %dms\n", i.Duration.Milliseconds())
	fmt.Fprintf(&b, "  ufid enabled : %v\n\n", i.UFID)
	for n := range i.Revalidators {
		keys := i.Flows / int64(i.Revalidators)
		if int64(n) < i.Flows%int64(i.Revalidators) {
			keys++
		}
		fmt.Fprintf(&b, "  %d: (keys %d)\n", n+1, keys)
	}
	return b.String()
}

// cmdBridgeFlows lists all rules of a bridge, the switch's own too.
func (s *Switch) cmdBridgeFlows(args []string) (string, error) {
	name := args[len(args)-1]
	offload := ""
	if len(args) == 2 && args[0] == "--offload-stats" {
		offload = "n_offload_packets=0, n_offload_bytes=0, " // nothing is offloaded
	} else if len(args) == 2 {
		return "", fmt.Errorf("invalid argument %s", args[0])
	}
	br := s.Bridge(name)
	if br == nil {
		return "", errors.New("Unknown bridge")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	now := s.now()
	line := func(table int, r *xlate.Rule) {
		d := &r.Data
		if table > 0 {
			fmt.Fprintf(&b, "table_id=%d, ", table)
		}
		fmt.Fprintf(&b, "duration=%ds, n_packets=%d, n_bytes=%d, %s", (now-d.Created)/1000, d.Stats.Packets.Load(), d.Stats.Bytes.Load(), offload)
		var m flow.Match
		r.Match(&m)
		m.Mask.SetPacketType(0)
		text := m.AppendText(nil, nil)
		if p := r.Priority(); p != 0x8000 {
			fmt.Fprintf(&b, "priority=%d", p)
			if len(text) > 0 {
				b.WriteByte(',')
			}
		}
		acts := "drop"
		if len(d.Actions) > 0 {
			acts = string(xlate.AppendActions(nil, d.Actions, nil))
		}
		fmt.Fprintf(&b, "%s,actions=%s\n", text, acts)
	}
	v := br.state.Version.Load()
	br.eachTable(openflow.TableAll, func(id uint8, t *xlate.Table) {
		t.Rules.Each(v, func(r *xlate.Rule) bool { line(int(id), r); return true })
	})
	return b.String(), nil
}

// cmdDPFlows lists the megaflows of a bridge.
func (s *Switch) cmdDPFlows(args []string) (string, error) {
	o, rest, err := dumpOptions(args)
	if err != nil {
		return "", err
	}
	if len(rest) != 1 {
		return "", errors.New("must specify a bridge")
	}
	o.bridge = true
	snap := s.snap.Load()
	br := snap.Bridge(rest[0])
	if br == nil {
		return "", errNoBridge
	}
	return s.dumpFlows(o, func(f *dpif.Flow) bool {
		k := f.Key()
		p := snap.Port(k.InPort())
		return p != nil && p.Bridge == br
	}), nil
}
