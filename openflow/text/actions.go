package text

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"govs/flow"
	"govs/openflow"
)

// Names are the names of ports and tables. A nil *Names, or nil members, mean numbers only.
type Names struct {
	Ports *flow.PortNames
	// Table returns the name of a table, or "".
	Table func(uint8) string
	// TableNumber returns the number of a table's name.
	TableNumber func(string) (uint8, bool)
}

func (n *Names) ports() *flow.PortNames {
	if n == nil {
		return nil
	}
	return n.Ports
}

// writer builds a text.
type writer struct {
	b []byte
	n *Names
}

func (w *writer) s(s string)                { w.b = append(w.b, s...) }
func (w *writer) f(format string, a ...any) { w.b = fmt.Appendf(w.b, format, a...) }
func (w *writer) port(p openflow.Port)      { w.b = flow.AppendPort(w.b, p.Wire32(), w.n.ports()) }

func (w *writer) table(t uint8) {
	if w.n != nil && w.n.Table != nil {
		if name := w.n.Table(t); name != "" {
			w.quoted(name)
			return
		}
	}
	w.b = strconv.AppendUint(w.b, uint64(t), 10)
}

// quoted writes a name, in quotes if it could be taken for something else.
func (w *writer) quoted(name string) {
	plain := name != ""
	for i := 0; i < len(name); i++ {
		c := name[i]
		alpha := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !alpha && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.')) {
			plain = false
		}
	}
	if plain {
		w.s(name)
	} else {
		w.b = strconv.AppendQuote(w.b, name)
	}
}

// AppendActions appends an action list, without "actions=": "drop" if it is empty.
func AppendActions(b []byte, list []openflow.Action, n *Names) []byte {
	w := writer{b, n}
	w.actions(list)
	return w.b
}

func (w *writer) actions(list []openflow.Action) {
	if len(list) == 0 {
		w.s("drop")
	}
	for i, a := range list {
		if i > 0 {
			w.s(",")
		}
		w.action(a)
	}
}

// FieldName is the name by which actions refer to parts of a field, such as "NXM_OF_ETH_SRC".
func FieldName(f flow.FieldID) string {
	if o := f.Info().OXM; len(o) > 0 {
		return o[0].Name
	}
	return f.Info().Name
}

func (w *writer) subfield(s openflow.Subfield) {
	w.s(FieldName(s.Field))
	info := s.Field.Info()
	switch {
	case s.Ofs == 0 && (uint8(s.NBits) == info.Bits || int(s.NBits) == width(s.Field)):
		w.s("[]")
	case s.NBits == 1:
		w.f("[%d]", s.Ofs)
	default:
		w.f("[%d..%d]", s.Ofs, s.Ofs+s.NBits-1)
	}
}

// AppendSubfield appends a subfield, such as "NXM_NX_REG0[0..15]".
func AppendSubfield(b []byte, s openflow.Subfield) []byte {
	w := writer{b: b}
	w.subfield(s)
	return w.b
}

func (w *writer) hex(v flow.Value) {
	switch {
	case v.Hi != 0:
		w.f("0x%x%016x", v.Hi, v.Lo)
	default:
		w.x(v.Lo)
	}
}

func (w *writer) action(a openflow.Action) {
	switch a := a.(type) {
	case *openflow.Output:
		switch {
		case a.Port == openflow.PortController:
			w.f("CONTROLLER:%d", a.MaxLen)
		case a.Port < openflow.PortMax:
			w.s("output:")
			w.port(a.Port)
		default:
			w.port(a.Port)
		}
	case *openflow.OutputReg:
		w.s("output:")
		w.subfield(a.Src)
	case *openflow.OutputTrunc:
		w.s("output(port=")
		w.port(a.Port)
		w.f(",max_len=%d)", a.MaxLen)
	case *openflow.Enqueue:
		w.s("enqueue:")
		w.port(a.Port)
		w.f(":%d", a.Queue)
	case *openflow.Group:
		w.f("group:%d", a.ID)
	case *openflow.Controller:
		w.controller(a)
	case *openflow.Bundle:
		w.bundle(a)
	case *openflow.SetField:
		w.setField(a)
	case *openflow.RegMove:
		w.s("move:")
		w.subfield(a.Src)
		w.s("->")
		w.subfield(a.Dst)
	case *openflow.StackPush:
		w.s("push:")
		w.subfield(a.Src)
	case *openflow.StackPop:
		w.s("pop:")
		w.subfield(a.Dst)
	case *openflow.SetVLANVID:
		w.f("%s_vlan_vid:%d", modOrSet(a.PushIfMissing), a.VID)
	case *openflow.SetVLANPCP:
		w.f("%s_vlan_pcp:%d", modOrSet(a.PushIfMissing), a.PCP)
	case *openflow.StripVLAN:
		if a.Pop {
			w.s("pop_vlan")
		} else {
			w.s("strip_vlan")
		}
	case *openflow.PushVLAN:
		w.f("push_vlan:0x%x", a.EthType)
	case *openflow.PushMPLS:
		w.f("push_mpls:0x%04x", a.EthType)
	case *openflow.PopMPLS:
		w.f("pop_mpls:0x%04x", a.EthType)
	case *openflow.SetMPLSLabel:
		w.f("set_mpls_label(%d)", a.Label)
	case *openflow.SetMPLSTC:
		w.f("set_mpls_tc(%d)", a.TC)
	case *openflow.SetMPLSTTL:
		w.f("set_mpls_ttl(%d)", a.TTL)
	case *openflow.DecMPLSTTL:
		w.s("dec_mpls_ttl")
	case *openflow.DecTTL:
		w.s("dec_ttl")
		if a.List {
			for i, id := range a.IDs {
				w.f("%s%d", map[bool]string{true: "(", false: ","}[i == 0], id)
			}
			w.s(")")
		}
	case *openflow.SetTTL:
		w.f("mod_nw_ttl:%d", a.TTL)
	case *openflow.DecNSHTTL:
		w.s("dec_nsh_ttl")
	case *openflow.SetTunnel:
		if a.Wide || a.ID > 0xffffffff {
			w.s("set_tunnel64:")
			w.x(a.ID)
		} else {
			w.s("set_tunnel:")
			w.x(a.ID)
		}
	case *openflow.SetQueue:
		w.f("set_queue:%d", a.Queue)
	case *openflow.PopQueue:
		w.s("pop_queue")
	case *openflow.DeleteField:
		w.f("delete_field:%s", a.Field)
	case *openflow.CheckPktLarger:
		w.f("check_pkt_larger(%d)->", a.Len)
		w.subfield(a.Dst)
	case *openflow.Encap:
		w.encap(a)
	case *openflow.Decap:
		if a.NewType == decapUseNext {
			w.s("decap()")
		} else {
			w.f("decap(packet_type(ns=%d,type=", a.NewType>>16)
			w.x(uint64(a.NewType & 0xffff))
			w.s("))")
		}
	default:
		w.control(a)
	}
}

// decapUseNext is Decap's NewType that leaves the new type to the header.
const decapUseNext = 0xfffe

func modOrSet(push bool) string {
	if push {
		return "mod"
	}
	return "set"
}

// control writes the actions that steer the pipeline, and instructions.
func (w *writer) control(a openflow.Action) {
	switch a := a.(type) {
	case *openflow.Resubmit:
		if a.InPort != openflow.PortInPort && a.Table == openflow.TableAll && !a.WithCT {
			w.s("resubmit:")
			w.port(a.InPort)
			return
		}
		w.s("resubmit(")
		if a.InPort != openflow.PortInPort {
			w.port(a.InPort)
		}
		w.s(",")
		if a.Table != openflow.TableAll {
			w.table(a.Table)
		}
		if a.WithCT {
			w.s(",ct")
		}
		w.s(")")
	case *openflow.Learn:
		w.learn(a)
	case *openflow.Multipath:
		w.f("multipath(%s,%d,%s,%d,%d,", hashName(a.Fields), a.Basis, multipathNames[min(int(a.Algorithm), len(multipathNames)-1)], int(a.MaxLink)+1, a.Arg)
		w.subfield(a.Dst)
		w.s(")")
	case *openflow.Conjunction:
		w.f("conjunction(%d,%d/%d)", a.ID, int(a.Clause)+1, a.NClauses)
	case *openflow.Exit:
		w.s("exit")
	case *openflow.Note:
		w.s("note:")
		w.bytes(a.Data)
	case *openflow.FinTimeout:
		w.s("fin_timeout(")
		if a.Idle != 0 {
			w.f("idle_timeout=%d,", a.Idle)
		}
		if a.Hard != 0 {
			w.f("hard_timeout=%d,", a.Hard)
		}
		w.chomp()
		w.s(")")
	case *openflow.Sample:
		w.f("sample(probability=%d,collector_set_id=%d,obs_domain_id=%d,obs_point_id=%d", a.Probability, a.CollectorSet, a.ObsDomain, a.ObsPoint)
		if a.SamplingPort != openflow.PortNone {
			w.s(",sampling_port=")
			w.port(a.SamplingPort)
		}
		switch a.Direction {
		case openflow.SampleIngress:
			w.s(",ingress")
		case openflow.SampleEgress:
			w.s(",egress")
		}
		w.s(")")
	case *openflow.CT:
		w.ct(a)
	case *openflow.NAT:
		w.nat(a)
	case *openflow.CTClear:
		w.s("ct_clear")
	case *openflow.Clone:
		w.s("clone(")
		w.actions(a.Actions)
		w.s(")")
	case *openflow.DebugRecirc:
		w.s("debug_recirc")
	case *openflow.DebugSlow:
		w.s("debug_slow")
	case *openflow.Meter:
		w.f("meter:%d", a.ID)
	case *openflow.ClearActions:
		w.s("clear_actions")
	case *openflow.WriteActions:
		w.s("write_actions(")
		w.actions(a.Actions)
		w.s(")")
	case *openflow.WriteMetadata:
		w.s("write_metadata:")
		w.x(a.Metadata)
		if a.Mask != ^uint64(0) {
			w.s("/")
			w.x(a.Mask)
		}
	case *openflow.GotoTable:
		w.s("goto_table:")
		w.table(a.Table)
	}
}

// x writes a number as C's %#x does: 0 has no prefix.
func (w *writer) x(n uint64) {
	if n == 0 {
		w.s("0")
	} else {
		w.f("0x%x", n)
	}
}

// chomp removes a comma at the end.
func (w *writer) chomp() {
	if n := len(w.b); n > 0 && w.b[n-1] == ',' {
		w.b = w.b[:n-1]
	}
}

func (w *writer) bytes(b []byte) {
	for i, c := range b {
		if i > 0 {
			w.s(".")
		}
		w.f("%02x", c)
	}
}

var reasonNames = []string{"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "explicit_miss", "implicit_miss"}

func reasonName(r openflow.PacketInReason) string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return strconv.Itoa(int(r))
}

func (w *writer) controller(a *openflow.Controller) {
	if a.Reason == openflow.ReasonAction && a.ControllerID == 0 && len(a.Userdata) == 0 && !a.Pause && a.Meter == openflow.MeterNone {
		w.f("CONTROLLER:%d", a.MaxLen)
		return
	}
	w.s("controller(")
	if a.Reason != openflow.ReasonAction {
		w.f("reason=%s,", reasonName(a.Reason))
	}
	if a.MaxLen != 0xffff {
		w.f("max_len=%d,", a.MaxLen)
	}
	if a.ControllerID != 0 {
		w.f("id=%d,", a.ControllerID)
	}
	if len(a.Userdata) > 0 {
		w.s("userdata=")
		w.bytes(a.Userdata)
		w.s(",")
	}
	if a.Pause {
		w.s("pause,")
	}
	if a.Meter != openflow.MeterNone {
		w.f("meter_id=%d,", a.Meter)
	}
	w.chomp()
	w.s(")")
}

var hashNames = []string{"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"}

var multipathNames = []string{"modulo_n", "hash_threshold", "hrw", "iter_hash"}

func hashName(h openflow.HashFields) string {
	if int(h) < len(hashNames) {
		return hashNames[h]
	}
	return "<unknown>"
}

func (w *writer) bundle(a *openflow.Bundle) {
	w.s("bundle")
	if a.Load {
		w.s("_load")
	}
	alg := "hrw"
	if a.Algorithm == openflow.BundleActiveBackup {
		alg = "active_backup"
	}
	w.f("(%s,%d,%s,ofport,", hashName(a.Fields), a.Basis, alg)
	if a.Load {
		w.subfield(a.Dst)
		w.s(",")
	}
	w.s("members:")
	for i, p := range a.Members {
		if i > 0 {
			w.s(",")
		}
		w.port(p)
	}
	w.s(")")
}

// modNames are the names of SetField's forms that set a whole field.
var modNames = map[openflow.SetFieldForm]string{
	openflow.FormModDlSrc: "mod_dl_src", openflow.FormModDlDst: "mod_dl_dst", openflow.FormModNwSrc: "mod_nw_src",
	openflow.FormModNwDst: "mod_nw_dst", openflow.FormModNwTos: "mod_nw_tos", openflow.FormModNwECN: "mod_nw_ecn",
	openflow.FormModTpSrc: "mod_tp_src", openflow.FormModTpDst: "mod_tp_dst",
}

func (w *writer) setField(a *openflow.SetField) {
	switch a.Legacy {
	case openflow.FormRegLoad:
		ofs, n := span(a.Mask)
		w.s("load:")
		w.hex(a.Value.Shr(uint(ofs)))
		w.s("->")
		w.subfield(openflow.Subfield{Field: a.Field, Ofs: uint16(ofs), NBits: uint16(n)})
	case openflow.FormSetField:
		w.s("set_field:")
		w.b = flow.AppendValue(w.b, a.Field, a.Value, a.Mask, w.n.ports())
		w.f("->%s", a.Field)
	default:
		w.f("%s:", modNames[a.Legacy])
		w.b = flow.AppendValue(w.b, a.Field, a.Value, a.Field.Info().AllOnes(), w.n.ports())
	}
}

// span is the position of the lowest one of m and the number of bits from there to the highest.
func span(m flow.Value) (ofs, n int) {
	for ofs < 128 && m.Shr(uint(ofs)).Lo&1 == 0 {
		ofs++
	}
	for n < 128-ofs && !m.Shr(uint(ofs+n)).IsZero() {
		n++
	}
	return ofs, n
}

func (w *writer) learn(a *openflow.Learn) {
	w.s("learn(table=")
	w.table(a.Table)
	num := func(name string, v uint16, def uint16) {
		if v != def {
			w.f(",%s=%d", name, v)
		}
	}
	num("idle_timeout", a.IdleTimeout, 0)
	num("hard_timeout", a.HardTimeout, 0)
	num("fin_idle_timeout", a.FinIdleTimeout, 0)
	num("fin_hard_timeout", a.FinHardTimeout, 0)
	num("priority", a.Priority, 0x8000)
	if a.Flags&openflow.LearnSendFlowRem != 0 {
		w.s(",send_flow_rem")
	}
	if a.Flags&openflow.LearnDeleteLearned != 0 {
		w.s(",delete_learned")
	}
	if a.Cookie != 0 {
		w.f(",cookie=%#x", a.Cookie)
	}
	if a.Limit != 0 {
		w.f(",limit=%d", a.Limit)
	}
	if a.Flags&openflow.LearnWriteResult != 0 {
		w.s(",result_dst=")
		w.subfield(a.ResultDst)
	}
	for i := range a.Specs {
		w.s(",")
		w.learnSpec(&a.Specs[i])
	}
	w.s(")")
}

func (w *writer) learnSpec(s *openflow.LearnSpec) {
	switch {
	case s.Type == openflow.LearnOutput:
		w.s("output:")
		w.subfield(s.Src)
	case s.Type == openflow.LearnLoad:
		w.s("load:")
		if s.SrcImm {
			w.hex(s.Imm)
		} else {
			w.subfield(s.Src)
		}
		w.s("->")
		w.subfield(s.Dst)
	case s.SrcImm:
		info := s.Dst.Field.Info()
		if s.Dst.Ofs == 0 && (uint8(s.NBits) == info.Bits || uint8(s.NBits) == info.Width) {
			w.f("%s=", s.Dst.Field)
			w.b = flow.AppendValue(w.b, s.Dst.Field, s.Imm, info.AllOnes(), w.n.ports())
			return
		}
		w.subfield(s.Dst)
		w.s("=")
		w.hex(s.Imm)
	default:
		w.subfield(s.Dst)
		if s.Src != s.Dst {
			w.s("=")
			w.subfield(s.Src)
		}
	}
}

func (w *writer) ct(a *openflow.CT) {
	w.s("ct(")
	if a.Flags&openflow.CTCommit != 0 {
		w.s("commit,")
	}
	if a.Flags&openflow.CTForce != 0 {
		w.s("force,")
	}
	if a.RecircTab != openflow.CTNoRecirc {
		w.s("table=")
		w.table(a.RecircTab)
		w.s(",")
	}
	switch {
	case a.ZoneSrc.IsSet():
		w.s("zone=")
		w.subfield(a.ZoneSrc)
		w.s(",")
	case a.ZoneImm != 0:
		w.f("zone=%d,", a.ZoneImm)
	}
	var exec []openflow.Action
	for _, x := range a.Actions {
		if n, ok := x.(*openflow.NAT); ok {
			w.nat(n)
			w.s(",")
		} else {
			exec = append(exec, x)
		}
	}
	if len(exec) > 0 {
		w.s("exec(")
		w.actions(exec)
		w.s("),")
	}
	switch a.ALG {
	case 0:
	case openflow.ALGFTP:
		w.s("alg=ftp,")
	case openflow.ALGTFTP:
		w.s("alg=tftp,")
	default:
		w.f("alg=%d,", a.ALG)
	}
	w.chomp()
	w.s(")")
}

func (w *writer) nat(a *openflow.NAT) {
	w.s("nat")
	if a.Flags&(openflow.NATSrc|openflow.NATDst) == 0 {
		return
	}
	w.s("(")
	if a.Flags&openflow.NATSrc != 0 {
		w.s("src")
	} else {
		w.s("dst")
	}
	if a.HasAddr {
		w.s("=")
		addr := func(v flow.Value) {
			switch {
			case !a.IsIPv6:
				w.b = flow.AppendIPv4(w.b, uint32(v.Lo))
			case a.PortMin != 0:
				w.s("[")
				w.b = flow.AppendIPv6(w.b, v)
				w.s("]")
			default:
				w.b = flow.AppendIPv6(w.b, v)
			}
		}
		addr(a.AddrMin)
		if a.AddrMax != a.AddrMin && !a.AddrMax.IsZero() {
			w.s("-")
			addr(a.AddrMax)
		}
		if a.PortMin != 0 {
			w.f(":%d", a.PortMin)
			if a.PortMax != 0 && a.PortMax != a.PortMin {
				w.f("-%d", a.PortMax)
			}
		}
	}
	for _, f := range natFlags {
		if a.Flags&f.flag != 0 {
			w.s("," + f.name)
		}
	}
	w.s(")")
}

var natFlags = []struct {
	flag openflow.NATFlags
	name string
}{{openflow.NATPersistent, "persistent"}, {openflow.NATProtoHash, "hash"}, {openflow.NATProtoRandom, "random"}}

// Packet types of Encap, and the classes and types of its properties.
const (
	ptNSH   = 1<<16 | 0x894f
	ptMPLS  = 1<<16 | 0x8847
	ptMPLSM = 1<<16 | 0x8848

	propClassNSH  = 4
	propNSHMdType = 1
	propNSHTLV    = 2
)

func (w *writer) encap(a *openflow.Encap) {
	w.s("encap(")
	switch a.PacketType {
	case 0:
		w.s("ethernet")
	case ptNSH:
		w.s("nsh")
	case ptMPLS:
		w.s("mpls")
	case ptMPLSM:
		w.s("mplsm")
	default:
		w.f("packet_type(%d,%#x)", a.PacketType>>16, a.PacketType&0xffff)
	}
	for i, p := range a.Props {
		if i == 0 {
			w.s("(")
		} else {
			w.s(",")
		}
		switch {
		case p.Class == propClassNSH && p.Type == propNSHMdType && len(p.Data) >= 1:
			w.f("md_type=%d", p.Data[0])
		case p.Class == propClassNSH && p.Type == propNSHTLV && len(p.Data) >= 4:
			n := min(int(p.Data[3]), len(p.Data)-4)
			w.f("tlv(0x%04x,%d,0x%x)", binary.BigEndian.Uint16(p.Data), p.Data[2], p.Data[4:4+n])
		default:
			w.f("class=0x%x,type=%d", p.Class, p.Type)
		}
	}
	if len(a.Props) > 0 {
		w.s(")")
	}
	w.s(")")
}
