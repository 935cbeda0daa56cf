package actions

import (
	"fmt"
	"strconv"

	"govs/flow"
	"govs/packet"
)

// String returns the list's text with numbers for ports; see AppendText.
func (list List) String() string { return string(list.AppendText(nil, nil)) }

// AppendText appends the list as dpctl/dump-flows prints it after "actions:", with names for ports if ports is not nil. An empty
// list is "drop".
func (list List) AppendText(b []byte, ports *flow.PortNames) []byte {
	if len(list) == 0 {
		return append(b, "drop"...)
	}
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = list[i].AppendText(b, ports)
	}
	return b
}

// AppendText appends one action's text.
func (a *Action) AppendText(b []byte, ports *flow.PortNames) []byte {
	switch a.Type {
	case TypeOutput:
		return appendPort(b, a.Arg, ports)
	case TypeUserspace:
		return a.Userspace.appendText(b)
	case TypeSet, TypeSetMasked:
		return a.appendSet(b)
	case TypePushVLAN:
		return appendPushVLAN(b, a.Arg)
	case TypePopVLAN:
		return append(b, "pop_vlan"...)
	case TypePushMPLS:
		b = append(b, "push_mpls("...)
		b = appendLSE(b, a.Arg, 0, true)
		return append(fmt.Appendf(b, ",eth_type=0x%x", a.Arg2), ')')
	case TypePopMPLS:
		return fmt.Appendf(b, "pop_mpls(eth_type=0x%x)", a.Arg2)
	case TypePushEth:
		b = flow.AppendEth(append(b, "push_eth(src="...), a.Set.V[1]>>16)
		return append(flow.AppendEth(append(b, ",dst="...), a.Set.V[0]>>16), ')')
	case TypePopEth:
		return append(b, "pop_eth"...)
	case TypePushNSH:
		return append(b, "push_nsh()"...)
	case TypePopNSH:
		return append(b, "pop_nsh()"...)
	case TypeTrunc:
		return fmt.Appendf(b, "trunc(%d)", a.Arg)
	case TypeHash:
		if a.Arg == HashSymL4 {
			return fmt.Appendf(b, "hash(sym_l4(%d))", a.Arg2)
		}
		return fmt.Appendf(b, "hash(hash_l4(%d))", a.Arg2)
	case TypeRecirc:
		return append(appendHex(append(b, "recirc("...), uint64(a.Arg)), ')')
	case TypeSample:
		b = fmt.Appendf(b, "sample(sample=%.1f%%,actions(", 100*float64(a.Arg)/float64(1<<32-1))
		return append(a.Nested.Actions.AppendText(b, ports), "))"...)
	case TypeClone:
		return append(a.Nested.Actions.AppendText(append(b, "clone("...), ports), ')')
	case TypeCheckPktLen:
		b = fmt.Appendf(b, "check_pkt_len(size=%d,gt(", a.Arg)
		b = append(a.Nested.Actions.AppendText(b, ports), "),le("...)
		return append(a.Nested.Else.AppendText(b, ports), "))"...)
	case TypeCT:
		return a.CT.appendText(b)
	case TypeCTClear:
		return append(b, "ct_clear"...)
	case TypeMeter:
		return fmt.Appendf(b, "meter(%d)", a.Arg)
	case TypeDrop:
		return append(b, "drop"...)
	case TypeTunnelPop:
		return append(appendPort(append(b, "tnl_pop("...), a.Arg, ports), ')')
	case TypeTunnelPush:
		b = appendPort(append(b, "tnl_push(tnl_port("...), a.Tunnel.Port, ports)
		b = fmt.Appendf(b, "),header(size=%d,type=%d", len(a.Tunnel.Header), a.Tunnel.Type)
		return append(appendPort(append(b, "),out_port("...), a.Tunnel.OutPort, ports), "))"...)
	case TypeLbOutput:
		return fmt.Appendf(b, "lb_output(%d)", a.Arg)
	}
	return fmt.Appendf(b, "action%d()", a.Type)
}

func appendPort(b []byte, port uint32, ports *flow.PortNames) []byte {
	if ports != nil && ports.Name != nil {
		if n := ports.Name(port); n != "" {
			return append(b, n...)
		}
	}
	return strconv.AppendUint(b, uint64(port), 10)
}

// appendHex appends v as C's %#x does: 0 without a prefix.
func appendHex(b []byte, v uint64) []byte {
	if v != 0 {
		b = append(b, "0x"...)
	}
	return strconv.AppendUint(b, v, 16)
}

func appendHexValue(b []byte, v flow.Value) []byte {
	if v.Hi == 0 {
		return appendHex(b, v.Lo)
	}
	return fmt.Appendf(b, "0x%x%016x", v.Hi, v.Lo)
}

func (a *Action) appendSet(b []byte) []byte {
	b = append(b, "set("...)
	if a.Attr == AttrTunnel {
		b = append(b, "tunnel("...)
		return append(flow.AppendODPTunnel(b, &a.Tunnel.Key), "))"...)
	}
	s := &specs[a.Attr]
	b = append(append(b, s.name...), '(')
	switch a.Attr {
	case AttrMPLS:
		v, m := s.get(a.Set, flow.FieldMPLSLSE0)
		b = appendLSE(b, uint32(v.Lo), uint32(m.Lo), m.Lo == 1<<32-1)
	case AttrSkbMark, AttrSkbPriority:
		v, m := s.get(a.Set, s.fields[0])
		b = append(b, "0x"...)
		b = strconv.AppendUint(b, v.Lo, 16)
		if m.Lo != 1<<32-1 {
			b = appendHex(append(b, '/'), m.Lo)
		}
	case AttrVLAN:
		v, _ := s.get(a.Set, flow.FieldVlanTCI)
		b = appendTCI(b, uint16(v.Lo)|flow.VLANPresent)
	default:
		sep := false
		for i, id := range s.fields {
			v, m := s.get(a.Set, id)
			if m.IsZero() && !(a.Attr == AttrNDExt && id == flow.FieldNDReserved) {
				continue
			}
			if sep {
				b = append(b, ',')
			}
			sep = true
			b = append(append(b, s.names[i]...), '=')
			if a.Attr == AttrICMP || a.Attr == AttrICMPv6 {
				v.Lo, m.Lo = v.Lo&0xff, m.Lo&0xff
				if m.Lo == 0xff {
					m.Lo = 0xffff
				}
			}
			if m.IsZero() {
				m = wide(id.Info())
			}
			b = flow.AppendODPValue(b, id, v, m)
		}
	}
	return append(b, "))"...)
}

// appendLSE appends a label stack entry; with all parts and their masks unless exact.
func appendLSE(b []byte, v, m uint32, exact bool) []byte {
	label, tc, bos, ttl := v>>packet.MPLSLabelShift, v>>packet.MPLSTCShift&7, v>>8&1, v&0xff
	if exact {
		return fmt.Appendf(b, "label=%d,tc=%d,ttl=%d,bos=%d", label, tc, ttl, bos)
	}
	return fmt.Appendf(b, "label=%d/0x%x,tc=%d/%x,ttl=%d/0x%x,bos=%d/%x", label, m>>packet.MPLSLabelShift, tc, m>>packet.MPLSTCShift&7, ttl, m&0xff, bos, m>>8&1)
}

func appendPushVLAN(b []byte, tag uint32) []byte {
	b = append(b, "push_vlan("...)
	if tpid := tag >> 16; tpid != packet.EtherTypeVLAN {
		b = fmt.Appendf(b, "tpid=0x%04x,", tpid)
	}
	return append(appendTCI(b, uint16(tag)), ')')
}

func appendTCI(b []byte, tci uint16) []byte {
	b = fmt.Appendf(b, "vid=%d,pcp=%d", tci&packet.VLANVIDMask, tci>>packet.VLANPCPShift)
	if tci&flow.VLANPresent == 0 {
		b = append(b, ",cfi=0"...)
	}
	return b
}

// slowNames are the names of the Slow… bits.
var slowNames = []string{"cfm", "bfd", "lacp", "stp", "lldp", "action", "match"}

func (u *Userspace) appendText(b []byte) []byte {
	b = fmt.Appendf(b, "userspace(pid=%d", u.PID)
	switch u.Kind {
	case UserspaceRaw:
		b = fmt.Appendf(b, ",userdata(%x)", u.Data)
	case UserspaceSlowPath:
		b = append(b, ",slow_path("...)
		if u.Slow == 0 {
			b = append(b, '0')
		}
		sep := false
		for i, n := range slowNames {
			if u.Slow>>i&1 != 0 {
				if sep {
					b = append(b, ',')
				}
				sep = true
				b = append(b, n...)
			}
		}
		b = append(b, ')')
	case UserspaceController:
		b = fmt.Appendf(b, ",controller(reason=%d,dont_send=%d,continuation=%d,recirc_id=%d,rule_cookie=", u.Reason, bit(u.DontSend), bit(u.Continuation), u.RecircID)
		b = appendHex(b, u.RuleCookie)
		b = fmt.Appendf(b, ",controller_id=%d,max_len=%d)", u.ControllerID, u.MaxLen)
	case UserspaceSFlow:
		b = fmt.Appendf(b, ",sFlow(vid=%d,pcp=%d,output=%d)", u.VlanTCI&packet.VLANVIDMask, u.VlanTCI>>packet.VLANPCPShift, u.Output)
	case UserspaceFlowSample:
		b = fmt.Appendf(b, ",flow_sample(probability=%d,collector_set_id=%d,obs_domain_id=%d,obs_point_id=%d,output_port=%d",
			u.Probability, u.CollectorSetID, u.ObsDomainID, u.ObsPointID, u.Output)
		b = append(b, [3]string{"", ",ingress", ",egress"}[u.Direction%3]...)
		b = append(b, ')')
	case UserspaceIPFIX:
		b = fmt.Appendf(b, ",ipfix(output_port=%d)", u.Output)
	}
	if u.IncludeActions {
		b = append(b, ",actions"...)
	}
	if u.HasTunnelOut {
		b = fmt.Appendf(b, ",tunnel_out_port=%d", u.TunnelOutPort)
	}
	return append(b, ')')
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}

func (c *CT) appendText(b []byte) []byte {
	b = append(b, "ct"...)
	n := len(b)
	sep := func() {
		if len(b) == n {
			b = append(b, '(')
		} else {
			b = append(b, ',')
		}
	}
	if c.Commit {
		sep()
		if c.Force {
			b = append(b, "force_"...)
		}
		b = append(b, "commit"...)
	}
	if c.Zone != 0 {
		sep()
		b = fmt.Appendf(b, "zone=%d", c.Zone)
	}
	if c.HasMark {
		sep()
		b = fmt.Appendf(b, "mark=%#x/%#x", c.Mark, c.MarkMask)
	}
	if c.HasLabel {
		sep()
		b = appendHexValue(append(b, "label="...), c.Label)
		b = appendHexValue(append(b, '/'), c.LabelMask)
	}
	if c.Helper != "" {
		sep()
		b = append(append(b, "helper="...), c.Helper...)
	}
	if c.Timeout != "" {
		sep()
		b = append(append(b, "timeout="...), c.Timeout...)
	}
	if c.NAT != nil {
		sep()
		b = c.NAT.appendText(b)
	}
	if len(b) > n {
		b = append(b, ')')
	}
	return b
}

func (t *NAT) appendText(b []byte) []byte {
	b = append(b, "nat"...)
	if !t.Src && !t.Dst {
		return b
	}
	if t.Src {
		b = append(b, "(src"...)
	} else {
		b = append(b, "(dst"...)
	}
	if !t.MinAddr.IsZero() || t.MinPort != 0 {
		b = append(b, '=')
		ported := t.MinPort != 0
		b = t.appendAddr(b, t.MinAddr, ported)
		if t.MaxAddr != t.MinAddr && !t.MaxAddr.IsZero() {
			b = t.appendAddr(append(b, '-'), t.MaxAddr, ported)
		}
		if ported {
			b = strconv.AppendUint(append(b, ':'), uint64(t.MinPort), 10)
			if t.MaxPort != t.MinPort && t.MaxPort != 0 {
				b = strconv.AppendUint(append(b, '-'), uint64(t.MaxPort), 10)
			}
		}
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{t.Persistent, ",persistent"}, {t.Hash, ",hash"}, {t.Random, ",random"}} {
		if f.on {
			b = append(b, f.name...)
		}
	}
	return append(b, ')')
}

func (t *NAT) appendAddr(b []byte, a flow.Value, ported bool) []byte {
	switch {
	case a.IsZero():
		return b
	case !t.IPv6:
		return flow.AppendIPv4(b, uint32(a.Lo))
	case ported:
		return append(flow.AppendIPv6(append(b, '['), a), ']')
	}
	return flow.AppendIPv6(b, a)
}
