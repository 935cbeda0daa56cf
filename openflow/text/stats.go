package text

import (
	"fmt"
	"strings"

	"govs/flow"
	"govs/openflow"
)

// stats writes multipart messages and queue_get_config.
func (w *msgWriter) stats() {
	switch b := w.m.Body.(type) {
	case *openflow.DescReply:
		w.f("\nManufacturer: %s\nHardware: %s\nSoftware: %s\nSerial Num: %s\nDP Description: %s\n", b.Manufacturer, b.Hardware, b.Software, b.Serial, b.Datapath)
	case *openflow.FlowStatsRequest:
		if b.Table != openflow.TableAll {
			w.s(" table=")
			w.table(b.Table)
		}
		if b.OutPort != openflow.PortNone {
			w.s(" out_port=")
			w.port(b.OutPort)
		}
		w.s(" ")
		w.b = b.Match.AppendText(w.b, w.n.ports())
		if w.b[len(w.b)-1] == ' ' {
			w.b = w.b[:len(w.b)-1]
		}
	case *openflow.FlowStatsReply:
		for i := range b.Flows {
			w.s("\n")
			w.b = AppendFlow(w.b, &b.Flows[i], FlowOptions{Names: w.n})
		}
	case *openflow.AggregateReply:
		w.f(" packet_count=%d byte_count=%d flow_count=%d", b.Packets, b.Bytes, b.Flows)
	case *openflow.TableStatsReply:
		w.tables(b.Tables)
	case *openflow.PortStatsRequest:
		w.s(" port_no=")
		w.port(b.Port)
	case *openflow.PortStatsReply:
		w.f(" %d ports\n", len(b.Ports))
		for i := range b.Ports {
			w.portStats(&b.Ports[i])
		}
	case *openflow.PortDescRequest:
		w.s(" port=")
		w.port(b.Port)
	case *openflow.PortDescReply:
		w.s("\n")
		w.ports(b.Ports)
	case *openflow.QueueStatsRequest:
		w.s(" port=")
		w.port(b.Port)
		w.s(" queue=")
		w.queue(b.Queue)
	case *openflow.QueueStatsReply:
		w.f(" %d queues\n", len(b.Queues))
		for _, q := range b.Queues {
			w.s("  port ")
			w.port(q.Port)
			w.s(" queue ")
			w.queue(q.Queue)
			w.s(":")
			w.counter(" bytes=", q.TxBytes)
			w.counter(", pkts=", q.TxPackets)
			w.counter(", errors=", q.TxErrors)
			w.s(", duration=")
			if q.DurationSec == ^uint32(0) {
				w.s("?")
			} else {
				w.duration(q.DurationSec, q.DurationNsec)
			}
			w.s("\n")
		}
	case *openflow.QueueGetConfigRequest:
		w.s(" port=")
		w.port(b.Port)
		if w.m.Version >= openflow.OF14 && b.Queue != openflow.QueueAll {
			w.s(" queue=")
			w.queue(b.Queue)
		}
	case *openflow.QueueGetConfigReply:
		w.s(" port=")
		w.port(b.Port)
		w.s("\n")
		for _, q := range b.Queues {
			w.f("queue %d:", q.Queue)
			w.rate(" min_rate:", q.MinRate)
			w.rate(" max_rate:", q.MaxRate)
			w.s("\n")
		}
	case *openflow.TableDescReply:
		for _, t := range b.Tables {
			w.f("\n  table %d:\n   eviction=%s vacancy=%s", t.Table, onOff(t.Config&openflow.TableEviction != 0), onOff(t.Config&openflow.TableVacancy != 0))
		}
	case *openflow.FlowMonitorRequest:
		for i := range b.Monitors {
			m := &b.Monitors[i]
			w.f("\n id=%d flags=%s", m.ID, monitorFlags(m.Flags))
			if m.OutPort != openflow.PortNone {
				w.s(" out_port=")
				w.port(m.OutPort)
			}
			if m.Table != openflow.TableAll {
				w.s(" table=")
				w.table(m.Table)
			}
			w.s(" ")
			w.b = m.Match.AppendText(w.b, w.n.ports())
			w.b = []byte(strings.TrimRight(string(w.b), " "))
		}
	case *openflow.FlowMonitorReply:
		for i := range b.Updates {
			w.update(&b.Updates[i])
		}
	default:
		w.groupStats()
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

var monitorFlagNames = []string{"initial", "add", "delete", "modify", "actions", "own"}

func monitorFlags(f openflow.MonitorFlags) string {
	var s []string
	for i, n := range monitorFlagNames {
		if f&(1<<i) != 0 {
			s = append(s, n)
		}
	}
	return strings.Join(s, ",")
}

func (w *msgWriter) update(u *openflow.FlowUpdate) {
	w.s("\n event=")
	switch u.Event {
	case openflow.FlowAbbrev:
		w.f("ABBREV xid=0x%x", u.XID)
		return
	case openflow.FlowAdded:
		w.s("ADDED")
	case openflow.FlowDeleted:
		w.f("DELETED reason=%s", removedNames[min(int(u.Reason), len(removedNames)-1)])
	case openflow.FlowModified:
		w.s("MODIFIED")
	}
	w.s(" table=")
	w.table(u.Table)
	if u.IdleTimeout != 0 {
		w.f(" idle_timeout=%d", u.IdleTimeout)
	}
	if u.HardTimeout != 0 {
		w.f(" hard_timeout=%d", u.HardTimeout)
	}
	w.f(" cookie=0x%x", u.Cookie)
	w.s(" ")
	n := len(w.b)
	w.matchAndPriority(&u.Match, u.Priority)
	if len(u.Actions) > 0 {
		if len(w.b) > n {
			w.s(" ")
		}
		w.s("actions=")
		w.actions(u.Actions)
	} else if len(w.b) == n {
		w.b = w.b[:n-1]
	}
}

func (w *msgWriter) queue(q uint32) {
	if q == openflow.QueueAll {
		w.s("ALL")
	} else {
		w.f("%d", q)
	}
}

func (w *msgWriter) rate(name string, r uint16) {
	switch {
	case r == 0xffff:
	case r > 1000:
		w.s(name + "(disabled)")
	default:
		w.f("%s%d.%d%%", name, r/10, r%10)
	}
}

// counter writes a counter, "?" if it is unknown.
func (w *msgWriter) counter(name string, n uint64) {
	w.s(name)
	if n == openflow.Unknown {
		w.s("?")
	} else {
		w.f("%d", n)
	}
}

func (w *msgWriter) portStats(p *openflow.PortStats) {
	w.s("  port ")
	name := string(portText(p.Port, w.n))
	if len(name) < 2 {
		name = " " + name
	}
	w.s(name + ":")
	w.counter(" rx pkts=", p.RxPackets)
	w.counter(", bytes=", p.RxBytes)
	w.counter(", drop=", p.RxDropped)
	w.counter(", errs=", p.RxErrors)
	w.counter(", frame=", p.RxFrameErr)
	w.counter(", over=", p.RxOverErr)
	w.counter(", crc=", p.RxCRCErr)
	w.counter("\n           tx pkts=", p.TxPackets)
	w.counter(", bytes=", p.TxBytes)
	w.counter(", drop=", p.TxDropped)
	w.counter(", errs=", p.TxErrors)
	w.counter(", coll=", p.Collisions)
	w.s("\n")
	if p.DurationSec != ^uint32(0) {
		w.s("           duration=")
		w.duration(p.DurationSec, p.DurationNsec)
		w.s("\n")
	}
}

func portText(p openflow.Port, n *Names) []byte {
	w := writer{nil, n}
	w.port(p)
	return w.b
}

// tables writes table statistics. A run of tables that are alike is written once.
func (w *msgWriter) tables(list []openflow.TableStats) {
	w.s("\n")
	i := 0
	for i < len(list) {
		j := i + 1
		for j < len(list) && i > 0 && sameTable(&list[i-1], &list[j-1], w.m.Version) && list[j-1].Table == list[i-1].Table+uint8(j-i) {
			j++
		}
		// Tables i to j-1 are all like the one before i, if there is one.
		if i > 0 && sameTable(&list[i-1], &list[i], w.m.Version) {
			last := i
			for last+1 < len(list) && sameTable(&list[last], &list[last+1], w.m.Version) {
				last++
			}
			if last == i {
				w.f("  table %d: ditto\n", list[i].Table)
			} else {
				w.f("  tables %d...%d: ditto\n", list[i].Table, list[last].Table)
			}
			i = last + 1
			continue
		}
		var prev *openflow.TableStats
		if i > 0 {
			prev = &list[i-1]
		}
		w.oneTable(&list[i], prev)
		i++
	}
}

func sameTable(a, b *openflow.TableStats, v openflow.Version) bool {
	return a.Active == b.Active && a.Lookups == b.Lookups && a.Matched == b.Matched && (v >= openflow.OF13 || sameFeatures(a, b)) && a.Name == "" && b.Name == "" || a.Active == b.Active &&
		a.Lookups == b.Lookups && a.Matched == b.Matched && (v >= openflow.OF13 || sameFeatures(a, b)) && defaultName(a) && defaultName(b)
}

// defaultName says whether the table has no name of its own.
func defaultName(t *openflow.TableStats) bool {
	return t.Name == "" || t.Name == fmt.Sprintf("table%d", t.Table)
}

func sameFeatures(a, b *openflow.TableStats) bool {
	return a.MaxEntries == b.MaxEntries && a.Wildcards == b.Wildcards
}

func (w *msgWriter) oneTable(t, prev *openflow.TableStats) {
	w.f("  table %d", t.Table)
	if t.Name != "" && !defaultName(t) {
		w.f(" (\"%s\")", t.Name)
	}
	w.f(":\n    active=%d, lookup=%d, matched=%d\n", t.Active, t.Lookups, t.Matched)
	if w.m.Version < openflow.OF13 {
		if prev != nil && sameFeatures(t, prev) {
			w.s("    (same features)\n")
		} else {
			w.f("    max_entries=%d\n", t.MaxEntries)
			if w.m.Version == openflow.OF10 {
				w.s("    matching:\n")
				w.wildcards10(t.Wildcards)
			}
		}
	}
	w.s("\n")
}

// wildcards10 says which fields of 1.0 may be wildcarded.
func (w *msgWriter) wildcards10(wc uint32) {
	groups := []struct {
		prefix string
		names  []string
		bits   []uint32
	}{
		{"in_port", nil, []uint32{1}},
		{"eth_", []string{"src", "dst", "type"}, []uint32{4, 8, 16}},
		{"vlan_", []string{"vid", "pcp"}, []uint32{2, 1 << 20}},
		{"ip_", []string{"src", "dst"}, []uint32{63 << 8, 63 << 14}},
		{"nw_", []string{"proto", "tos"}, []uint32{32, 1 << 21}},
		{"tcp_", []string{"src", "dst"}, []uint32{64, 128}},
	}
	for _, wild := range []bool{true, false} {
		line := ""
		for _, g := range groups {
			var in []string
			for i, b := range g.bits {
				if (wc&b != 0) == wild {
					if g.names == nil {
						in = append(in, "")
					} else {
						in = append(in, g.names[i])
					}
				}
			}
			switch {
			case len(in) == 0:
			case g.names == nil:
				line += " " + g.prefix
			case len(in) == 1:
				line += " " + g.prefix + in[0]
			default:
				line += " " + g.prefix + "{" + strings.Join(in, ",") + "}"
			}
		}
		if line != "" {
			w.s("      " + map[bool]string{true: "exact match or wildcard", false: "must exact match"}[wild] + ":" + line + "\n")
		}
	}
}

var groupTypes = []string{"all", "select", "indirect", "ff"}

func (w *msgWriter) groupMod(m *openflow.GroupMod) {
	cmd := "INVALID"
	switch m.Command {
	case openflow.GroupAdd:
		cmd = "ADD"
	case openflow.GroupModify:
		cmd = "MOD"
	case openflow.GroupDelete:
		cmd = "DEL"
	case openflow.GroupAddOrMod:
		cmd = "ADD_OR_MOD"
	case openflow.GroupInsertBucket:
		cmd = "INSERT_BUCKET"
	case openflow.GroupRemoveBucket:
		cmd = "REMOVE_BUCKET"
	}
	w.f("\n %s ", cmd)
	if m.Command == openflow.GroupInsertBucket || m.Command == openflow.GroupRemoveBucket {
		w.s("command_bucket_id:")
		switch m.CommandBucketID {
		case 0xfffffffd:
			w.s("first")
		case 0xfffffffe:
			w.s("last")
		case 0xffffffff:
			w.s("all")
		default:
			w.f("%d", m.CommandBucketID)
		}
		w.f(",group_id=%d", m.Group)
		w.buckets(openflow.GroupSelect, m.Buckets)
		return
	}
	w.group(m.Group, m.Type, &m.Props, m.Buckets)
}

func (w *msgWriter) group(id uint32, t openflow.GroupType, g *openflow.GroupProps, buckets []openflow.Bucket) {
	w.f("group_id=%d,type=%s", id, groupTypes[t&3])
	if g.Method != "" {
		w.s(",selection_method=" + g.Method)
		if g.MethodParam != 0 {
			w.f(",selection_method_param=%d", g.MethodParam)
		}
		w.methodFields(g)
	}
	w.buckets(t, buckets)
}

// methodFields writes the fields that a selection method hashes: "fields=ip_src", or "fields(ip_src,ip_dst)" for several.
func (w *msgWriter) methodFields(g *openflow.GroupProps) {
	var names []string
	for i := range flow.Fields() {
		f := flow.FieldID(i)
		all := f.Info().AllOnes()
		m := g.Fields.Mask.Get(f).And(all)
		if f.Info().Overlay || m.IsZero() || f.Info().Name == "" {
			continue
		}
		x := writer{b: []byte(f.String())}
		if m != all {
			x.s("=")
			x.b = flow.AppendValue(x.b, f, m, all, nil)
		}
		names = append(names, string(x.b))
	}
	switch {
	case len(names) == 0:
	case len(names) == 1 && !strings.Contains(names[0], "="):
		w.s(",fields=" + names[0])
	default:
		w.s(",fields(" + strings.Join(names, ",") + ")")
	}
}

func (w *msgWriter) buckets(t openflow.GroupType, buckets []openflow.Bucket) {
	for _, b := range buckets {
		w.s(",bucket=")
		if w.m.Version >= openflow.OF15 || w.m.Version == openflow.OF10 {
			w.f("bucket_id:%d,", b.ID)
		}
		if b.Weight != 0 || t == openflow.GroupSelect && b.Weight != 1 {
			w.f("weight:%d,", b.Weight)
		}
		if b.WatchPort != openflow.PortNone {
			w.s("watch_port:")
			w.port(b.WatchPort)
			w.s(",")
		}
		if b.WatchGroup != openflow.GroupAny {
			w.f("watch_group:%d,", b.WatchGroup)
		}
		w.s("actions=")
		w.actions(b.Actions)
	}
}

func (w *msgWriter) groupID(id uint32) {
	switch id {
	case openflow.GroupAll:
		w.s("ALL")
	case openflow.GroupAny:
		w.s("ANY")
	default:
		w.f("%d", id)
	}
}

func (w *msgWriter) meterID(id uint32) {
	switch id {
	case openflow.MeterSlowpath:
		w.s("slowpath")
	case openflow.MeterController:
		w.s("controller")
	case openflow.MeterAll:
		w.s("all")
	default:
		if id == 0 || id > openflow.MeterMax {
			w.s("unknown")
			return
		}
		w.f("%d", id)
	}
}

func (w *msgWriter) meterMod(m *openflow.MeterMod) {
	w.f(" %s meter=", []string{"ADD", "MOD", "DEL"}[min(int(m.Command), 2)])
	w.meterID(m.Meter.ID)
	w.meterFlags(m.Meter.Flags)
	w.bands(&m.Meter)
}

func (w *msgWriter) meterFlags(f openflow.MeterFlags) {
	for i, n := range []string{"kbps", "pktps", "burst", "stats"} {
		if f&(1<<i) != 0 {
			w.s(" " + n)
		}
	}
	if f &^= 15; f != 0 {
		w.f(" flags:0x%x", f)
	}
}

func (w *msgWriter) bands(m *openflow.MeterConfig) {
	w.s(" bands=\n")
	for _, b := range m.Bands {
		w.f("type=%s rate=%d", map[uint16]string{1: "drop", 2: "dscp_remark"}[b.Type], b.Rate)
		if m.Flags&openflow.MeterBurst != 0 {
			w.f(" burst_size=%d", b.Burst)
		}
		if b.Type == 2 {
			w.f(" prec_level=%d", b.PrecLevel)
		}
		w.s("\n")
	}
}

func (w *msgWriter) groupStats() {
	switch b := w.m.Body.(type) {
	case *openflow.GroupStatsRequest:
		w.s(" group_id=")
		w.groupID(b.Group)
	case *openflow.GroupDescRequest:
		w.s(" group_id=")
		w.groupID(b.Group)
	case *openflow.GroupStatsReply:
		for _, g := range b.Groups {
			w.f("\n group_id=%d,", g.Group)
			if g.DurationSec != ^uint32(0) {
				w.s("duration=")
				w.duration(g.DurationSec, g.DurationNsec)
				w.s(",")
			}
			w.f("ref_count=%d,packet_count=%d,byte_count=%d", g.RefCount, g.Packets, g.Bytes)
			for i, c := range g.Buckets {
				w.f(",bucket%d:packet_count=%d,byte_count=%d", i, c.Packets, c.Bytes)
			}
		}
	case *openflow.GroupDescReply:
		for _, g := range b.Groups {
			w.s("\n ")
			w.group(g.Group, g.Type, &g.Props, g.Buckets)
		}
	case *openflow.GroupFeaturesReply:
		w.f("\n Group table:\n    Types:  0x%x\n    Capabilities:  0x%x\n", b.Types, b.Capabilities)
		for t, name := range groupTypes {
			if b.Types&(1<<t) != 0 {
				if t == int(openflow.GroupFastFailover) {
					name = "fast failover"
				}
				w.f("    %s group:\n       max_groups=0x%x\n       actions:", name, b.MaxGroups[t])
				w.groupActions(b.Actions[t])
				w.s("\n")
			}
		}
	case *openflow.MeterStatsRequest:
		w.s(" meter=")
		w.meterID(b.Meter)
	case *openflow.MeterConfigRequest:
		w.s(" meter=")
		w.meterID(b.Meter)
	case *openflow.MeterConfigReply:
		for i := range b.Meters {
			w.s("\nmeter=")
			w.meterID(b.Meters[i].ID)
			w.meterFlags(b.Meters[i].Flags)
			w.bands(&b.Meters[i])
			w.b = []byte(strings.TrimSuffix(string(w.b), "\n"))
		}
	case *openflow.MeterStatsReply:
		for _, m := range b.Meters {
			w.s("\nmeter:")
			w.meterID(m.Meter)
			w.f(" flow_count:%d packet_in_count:%d byte_in_count:%d duration:", m.FlowCount, m.PacketsIn, m.BytesIn)
			w.duration(m.DurationSec, m.DurationNsec)
			w.s(" bands:\n")
			for i, x := range m.Bands {
				w.f("%d: packet_count:%d byte_count:%d\n", i, x.Packets, x.Bytes)
			}
			w.b = []byte(strings.TrimSuffix(string(w.b), "\n"))
		}
	case *openflow.MeterFeaturesReply:
		w.f("\nmax_meter:%d max_bands:%d max_color:%d\nband_types:", b.MaxMeters, b.MaxBands, b.MaxColor)
		for i, n := range []string{"", "drop", "dscp_remark"} {
			if i > 0 && b.BandTypes&(1<<i) != 0 {
				w.s(" " + n)
			}
		}
		w.s("\ncapabilities:")
		w.meterFlags(openflow.MeterFlags(b.Capabilities & 15))
		if c := b.Capabilities &^ 15; c != 0 {
			w.f(" 0x%x", c)
		}
		w.s("\n")
	}
}

// groupActionNames are the actions of OpenFlow 1.1 to 1.3 with their numbers, in the order in which group features name them.
var groupActionNames = []struct {
	bit  int
	name string
}{
	{0, "output"}, {22, "group"}, {25, "set_field"}, {18, "strip_vlan"}, {17, "push_vlan"}, {23, "mod_nw_ttl"}, {24, "dec_ttl"},
	{15, "set_mpls_ttl"}, {16, "dec_mpls_ttl"}, {19, "push_mpls"}, {20, "pop_mpls"}, {21, "set_queue"},
}

func (w *msgWriter) groupActions(bits uint32) {
	if w.m.Version == openflow.OF10 {
		w.actions10(bits)
		return
	}
	for _, a := range groupActionNames {
		if bits&(1<<a.bit) != 0 {
			w.s(" " + a.name)
		}
	}
}
