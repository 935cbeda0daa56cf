package text

import (
	"fmt"

	"govs/flow"
	"govs/openflow"
)

// duration writes seconds and nanoseconds as ovs-ofctl does: "1.5" has as many digits as milliseconds need.
func (w *writer) duration(sec, nsec uint32) {
	switch {
	case nsec == 0:
		w.f("%ds", sec)
	case nsec%1000000 == 0:
		w.f("%d.%03ds", sec, nsec/1000000)
	case nsec%1000 == 0:
		w.f("%d.%06ds", sec, nsec/1000)
	default:
		w.f("%d.%09ds", sec, nsec)
	}
}

// FlowOptions say what of a flow is printed.
type FlowOptions struct {
	Names   *Names
	NoStats bool // --no-stats: without duration and counters
}

// AppendFlow appends a flow as dump-flows prints it, without a newline at the end.
func AppendFlow(b []byte, f *openflow.FlowStats, o FlowOptions) []byte {
	w := writer{b, o.Names}
	w.s(" ")
	if !o.NoStats || f.Cookie != 0 {
		w.f("cookie=0x%x, ", f.Cookie)
	}
	if !o.NoStats {
		w.s("duration=")
		w.duration(f.DurationSec, f.DurationNsec)
		w.s(", ")
	}
	named := false
	if o.Names != nil && o.Names.Table != nil {
		named = o.Names.Table(f.Table) != ""
	}
	if !o.NoStats || f.Table != 0 || named {
		w.s("table=")
		w.table(f.Table)
		w.s(", ")
	}
	if !o.NoStats {
		w.f("n_packets=%d, n_bytes=%d, ", f.Packets, f.Bytes)
	}
	if f.IdleTimeout != 0 {
		w.f("idle_timeout=%d, ", f.IdleTimeout)
	}
	if f.HardTimeout != 0 {
		w.f("hard_timeout=%d, ", f.HardTimeout)
	}
	w.flowFlags(f.Flags)
	if f.Importance != 0 {
		w.f("importance=%d, ", f.Importance)
	}
	if !o.NoStats && f.IdleAge >= 0 {
		w.f("idle_age=%d, ", f.IdleAge)
	}
	if !o.NoStats && f.HardAge >= 0 && uint32(f.HardAge) != f.DurationSec {
		w.f("hard_age=%d, ", f.HardAge)
	}
	w.matchAndPriority(&f.Match, f.Priority)
	if w.b[len(w.b)-1] != ' ' {
		w.s(" ")
	}
	w.s("actions=")
	w.actions(f.Actions)
	return w.b
}

// matchAndPriority writes "priority=5,ip", leaving out a priority of 32768.
func (w *writer) matchAndPriority(m *flow.Match, priority uint16) {
	if priority != 0x8000 {
		w.f("priority=%d", priority)
	}
	n := len(w.b)
	w.b = m.AppendText(w.b, w.n.ports())
	if len(w.b) > n && priority != 0x8000 {
		w.b = append(w.b, 0)
		copy(w.b[n+1:], w.b[n:])
		w.b[n] = ','
	}
}

var flowFlagNames = []struct {
	flag openflow.FlowModFlags
	name string
}{
	{openflow.FlowSendFlowRem, "send_flow_rem"}, {openflow.FlowCheckOverlap, "check_overlap"}, {openflow.FlowResetCounts, "reset_counts"},
	{openflow.FlowNoPktCounts, "no_packet_counts"}, {openflow.FlowNoBytCounts, "no_byte_counts"},
}

func (w *writer) flowFlags(f openflow.FlowModFlags) {
	for _, x := range flowFlagNames {
		if f&x.flag != 0 {
			w.s(x.name + " ")
		}
	}
}

// AppendMatch appends a match with a flow's priority, as in "priority=5,ip".
func AppendMatch(b []byte, m *flow.Match, priority uint16, n *Names) []byte {
	w := writer{b, n}
	w.matchAndPriority(m, priority)
	return w.b
}

var commandNames = []string{"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"}

// flowMod writes a flow_mod as it stands after the message's name.
func (w *writer) flowMod(m *openflow.FlowMod, v openflow.Version) {
	name := fmt.Sprintf("cmd:%d", m.Command)
	if int(m.Command) < len(commandNames) {
		name = commandNames[m.Command]
	}
	w.s(" " + name)
	if m.Table != 0 && !(v == openflow.OF10 && m.Table == openflow.TableAll) {
		w.s(" table:")
		w.table(m.Table)
	}
	w.s(" ")
	n := len(w.b)
	w.matchAndPriority(&m.Match, m.Priority)
	if len(w.b) > n {
		w.s(" ")
	}
	if m.CookieMask != 0 {
		w.f("cookie:0x%x/0x%x ", m.Cookie, m.CookieMask)
	}
	if m.NewCookie != 0 && m.NewCookie != ^uint64(0) {
		w.f("cookie:0x%x ", m.NewCookie)
	}
	if m.IdleTimeout != 0 {
		w.f("idle:%d ", m.IdleTimeout)
	}
	if m.HardTimeout != 0 {
		w.f("hard:%d ", m.HardTimeout)
	}
	if m.Importance != 0 {
		w.f("importance:%d ", m.Importance)
	}
	if m.BufferID != openflow.NoBuffer {
		w.f("buf:0x%x ", m.BufferID)
	}
	if m.OutPort != openflow.PortNone {
		w.s("out_port:")
		w.port(m.OutPort)
		w.s(" ")
	}
	w.flowFlags(m.Flags)
	w.s("actions=")
	w.actions(m.Actions)
}
