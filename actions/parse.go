package actions

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"govs/flow"
	"govs/packet"
)

// ErrSyntax says that an action list's text cannot be parsed; the original says no more.
var ErrSyntax = errors.New("parsing actions (Invalid argument)")

// maxDepth bounds the nesting of sample, clone and check_pkt_len in text.
const maxDepth = 16

// Parse parses an action list as AppendText prints it; "drop" is the empty list. Actions are separated by commas or blanks.
// tnl_push is not accepted.
func Parse(s string, ports *flow.PortNames) (List, error) {
	l, ok := parseList(s, ports, 0)
	if !ok {
		return nil, ErrSyntax
	}
	return l, nil
}

func parseList(s string, ports *flow.PortNames, depth int) (List, bool) {
	if depth > maxDepth {
		return nil, false
	}
	if strings.EqualFold(strings.TrimSpace(s), "drop") {
		return nil, true
	}
	var list List
	for {
		s = strings.TrimLeft(s, ", \t\r\n")
		if s == "" {
			return list, true
		}
		name, body, rest, hasBody, ok := cutAction(s)
		if !ok {
			return nil, false
		}
		a, ok := parseAction(name, body, hasBody, ports, depth)
		if !ok {
			return nil, false
		}
		list = append(list, a)
		s = rest
	}
}

// cutAction splits "name(body)rest" or "name rest".
func cutAction(s string) (name, body, rest string, hasBody, ok bool) {
	end := strings.IndexAny(s, "(), \t\r\n")
	switch {
	case end < 0:
		return s, "", "", false, true
	case s[end] == ')':
		return
	case s[end] != '(':
		return s[:end], "", s[end:], false, true
	}
	depth := 0
	for i := end; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s[:end], s[end+1 : i], s[i+1:], true, true
			}
		}
	}
	return
}

func parseAction(name, body string, hasBody bool, ports *flow.PortNames, depth int) (a Action, ok bool) {
	if !hasBody {
		switch name {
		case "pop_vlan":
			return PopVLAN(), true
		case "pop_eth":
			return Action{Type: TypePopEth}, true
		case "ct":
			return Action{Type: TypeCT, CT: &CT{}}, true
		case "ct_clear":
			return CTClear(), true
		}
		p, ok := parsePort(name, ports)
		return Output(p), ok
	}
	switch name {
	case "userspace":
		u, ok := parseUserspace(body)
		return ToUserspace(u), ok
	case "set":
		return parseSet(body)
	case "push_vlan":
		return parsePushVLAN(body)
	case "push_mpls":
		return parsePushMPLS(body)
	case "pop_mpls":
		kv, ok := pairs(body, "eth_type")
		t, ok2 := num(kv["eth_type"], 16)
		return PopMPLS(uint16(t)), ok && ok2
	case "push_eth":
		kv, ok := pairs(body, "src", "dst")
		src, ok1 := flow.ParseEth(kv["src"])
		dst, ok2 := flow.ParseEth(kv["dst"])
		const m = (1<<48 - 1) << 16
		return Action{Type: TypePushEth, Set: &Set{V: [6]uint64{dst << 16, src << 16}, M: [6]uint64{m, m}}}, ok && ok1 && ok2
	case "trunc":
		n, ok := num(body, 32)
		return Trunc(uint32(n)), ok
	case "recirc":
		n, ok := num(body, 32)
		return Recirc(uint32(n)), ok
	case "hash":
		return parseHash(body)
	case "meter":
		n, ok := num(body, 32)
		return Meter(uint32(n)), ok
	case "lb_output":
		n, ok := num(body, 32)
		return Action{Type: TypeLbOutput, Arg: uint32(n)}, ok
	case "tnl_pop":
		p, ok := parsePort(body, ports)
		return Action{Type: TypeTunnelPop, Arg: p}, ok
	case "pop_nsh":
		return Action{Type: TypePopNSH}, body == ""
	case "sample":
		return parseSample(body, ports, depth)
	case "clone":
		l, ok := parseList(body, ports, depth+1)
		return Clone(l), ok
	case "check_pkt_len":
		return parseCheckPktLen(body, ports, depth)
	case "ct":
		c, ok := parseCT(body)
		return Action{Type: TypeCT, CT: c}, ok
	}
	return a, false
}

// num parses a C integer of at most width bits.
func num(s string, width int) (uint64, bool) {
	n, err := strconv.ParseUint(s, 0, width)
	return n, err == nil && !strings.Contains(s, "_")
}

func parsePort(s string, ports *flow.PortNames) (uint32, bool) {
	if n, ok := num(s, 32); ok {
		return uint32(n), true
	}
	if ports != nil && ports.Number != nil {
		return ports.Number(s)
	}
	return 0, false
}

// split splits at commas that are not in parentheses or brackets.
func split(s string) []string {
	if s == "" {
		return nil
	}
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}

// pairs parses "a=1,b=2" with only the given names.
func pairs(s string, names ...string) (map[string]string, bool) {
	kv := map[string]string{}
	for _, part := range split(s) {
		k, v, ok := strings.Cut(part, "=")
		known := false
		for _, n := range names {
			known = known || n == k
		}
		if !ok || !known {
			return nil, false
		}
		kv[k] = v
	}
	return kv, true
}

func parseSet(body string) (a Action, ok bool) {
	name, inner, rest, has, ok := cutAction(body)
	if !ok || !has || rest != "" {
		return a, false
	}
	if name == "tunnel" {
		t := &Tunnel{}
		return Action{Type: TypeSet, Attr: AttrTunnel, Tunnel: t}, flow.ParseODPTunnel(inner, &t.Key)
	}
	attr := AttrNone
	for i := range specs {
		if specs[i].name == name && name != "" {
			attr = Attr(i)
		}
	}
	if attr == AttrNone || attr == AttrNSH {
		return a, false
	}
	s := &specs[attr]
	set := &Set{}
	a = Action{Type: TypeSetMasked, Attr: attr, Set: set}
	switch attr {
	case AttrMPLS:
		v, m, ok := parseLSE(inner)
		s.put(set, flow.FieldMPLSLSE0, flow.U(uint64(v)), flow.U(uint64(m)))
		if m == 1<<32-1 {
			a.Type = TypeSet
		}
		return a, ok
	case AttrSkbMark, AttrSkbPriority:
		v, m, ok := flow.ParseODPValue(s.fields[0], inner)
		s.put(set, s.fields[0], v, m)
		if m.Lo == 1<<32-1 {
			a.Type = TypeSet
		}
		return a, ok
	case AttrVLAN:
		tag, ok := parseTag(inner)
		s.put(set, flow.FieldVlanTCI, flow.U(uint64(tag&0xffff)), flow.U(0xffff))
		a.Type = TypeSet
		return a, ok
	}
	for _, part := range split(inner) {
		k, val, has := strings.Cut(part, "=")
		i := 0
		for i < len(s.names) && s.names[i] != k {
			i++
		}
		if !has || i == len(s.names) {
			return a, false
		}
		v, m, ok := flow.ParseODPValue(s.fields[i], val)
		if !ok {
			return a, false
		}
		s.put(set, s.fields[i], v, m)
	}
	exact := true
	for _, id := range s.fields {
		_, m := s.get(set, id)
		exact = exact && m.And(wide(id.Info())) == wide(id.Info())
	}
	if exact {
		a.Type = TypeSet
	}
	return a, true
}

// parseLSE parses the parts of a label stack entry, with their masks.
func parseLSE(s string) (v, m uint32, ok bool) {
	kv, ok := pairs(s, "label", "tc", "ttl", "bos")
	for _, p := range []struct {
		name  string
		shift int
		width int
	}{{"label", packet.MPLSLabelShift, 20}, {"tc", packet.MPLSTCShift, 3}, {"ttl", 0, 8}, {"bos", 8, 1}} {
		text, given := kv[p.name]
		if !given {
			continue
		}
		val, mask, masked := strings.Cut(text, "/")
		x, ok1 := num(val, p.width)
		w, ok2 := uint64(1)<<p.width-1, true
		if masked {
			w, ok2 = num(mask, p.width)
		}
		ok = ok && ok1 && ok2
		v |= uint32(x) << p.shift
		m |= uint32(w) << p.shift
	}
	return v, m, ok
}

// parseTag parses "tpid=…,vid=…,pcp=…,cfi=…"; vid and pcp are needed.
func parseTag(s string) (uint32, bool) {
	kv, ok := pairs(s, "tpid", "vid", "pcp", "cfi")
	tpid, cfi := uint64(packet.EtherTypeVLAN), uint64(1)
	if t, given := kv["tpid"]; given && ok {
		tpid, ok = num(t, 16)
	}
	if c, given := kv["cfi"]; given && ok {
		cfi, ok = num(c, 1)
	}
	vid, ok1 := num(kv["vid"], 12)
	pcp, ok2 := num(kv["pcp"], 3)
	return uint32(tpid)<<16 | uint32(pcp)<<packet.VLANPCPShift | uint32(cfi)<<12 | uint32(vid), ok && ok1 && ok2
}

func parsePushVLAN(body string) (Action, bool) {
	tag, ok := parseTag(body)
	return Action{Type: TypePushVLAN, Arg: tag}, ok
}

func parsePushMPLS(body string) (Action, bool) {
	i := strings.LastIndex(body, ",eth_type=")
	if i < 0 {
		return Action{}, false
	}
	v, m, ok := parseLSE(body[:i])
	t, ok2 := num(body[i+len(",eth_type="):], 16)
	return PushMPLS(v, uint16(t)), ok && ok2 && m == 1<<32-1
}

func parseHash(body string) (Action, bool) {
	name, inner, rest, has, ok := cutAction(body)
	basis, ok2 := num(inner, 32)
	alg := uint32(HashL4)
	switch name {
	case "hash_l4", "l4":
	case "sym_l4":
		alg = HashSymL4
	default:
		return Action{}, false
	}
	return Hash(alg, uint32(basis)), ok && ok2 && has && rest == ""
}

func parseSample(body string, ports *flow.PortNames, depth int) (Action, bool) {
	p, rest, ok := strings.Cut(body, ",")
	percent, ok1 := strings.CutPrefix(p, "sample=")
	percent, ok2 := strings.CutSuffix(percent, "%")
	f, err := strconv.ParseFloat(percent, 64)
	name, inner, tail, has, ok3 := cutAction(rest)
	if !ok || !ok1 || !ok2 || err != nil || !(f >= 0 && f <= 100) || !ok3 || !has || name != "actions" || tail != "" {
		return Action{}, false
	}
	l, ok := parseList(inner, ports, depth+1)
	return Sample(uint32(f/100*(1<<32-1)), l), ok
}

func parseCheckPktLen(body string, ports *flow.PortNames, depth int) (Action, bool) {
	parts := split(body)
	if len(parts) != 3 {
		return Action{}, false
	}
	text, ok := strings.CutPrefix(parts[0], "size=")
	size, ok1 := num(text, 16)
	gt, ok2 := strings.CutPrefix(parts[1], "gt(")
	le, ok3 := strings.CutPrefix(parts[2], "le(")
	gt, ok4 := strings.CutSuffix(gt, ")")
	le, ok5 := strings.CutSuffix(le, ")")
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return Action{}, false
	}
	g, ok := parseList(gt, ports, depth+1)
	l, ok1 := parseList(le, ports, depth+1)
	return CheckPktLen(uint32(size), g, l), ok && ok1
}

func parseUserspace(body string) (u Userspace, ok bool) {
	for i, part := range split(body) {
		name, inner, _, has, _ := cutAction(part)
		switch {
		case i == 0:
			text, ok1 := strings.CutPrefix(part, "pid=")
			n, ok2 := num(text, 32)
			if !ok1 || !ok2 {
				return u, false
			}
			u.PID = uint32(n)
		case part == "actions":
			u.IncludeActions = true
		case strings.HasPrefix(part, "tunnel_out_port="):
			n, ok := num(part[len("tunnel_out_port="):], 32)
			if !ok {
				return u, false
			}
			u.TunnelOutPort, u.HasTunnelOut = uint32(n), true
		case !has || u.Kind != UserspaceNone || !u.parseCookie(name, inner):
			return u, false
		}
	}
	return u, body != ""
}

func (u *Userspace) parseCookie(name, s string) bool {
	kv := map[string]uint64{}
	numbers := func(names ...string) bool {
		text, ok := pairs(s, names...)
		for k, t := range text {
			n, ok1 := num(t, 64)
			ok = ok && ok1
			kv[k] = n
		}
		return ok && len(text) == len(names)
	}
	switch name {
	case "userdata":
		d, err := hex.DecodeString(s)
		u.Kind, u.Data = UserspaceRaw, d
		return err == nil
	case "slow_path":
		u.Kind = UserspaceSlowPath
		if s == "" || s == "0" {
			return true
		}
		for _, w := range strings.Split(s, ",") {
			i := 0
			for i < len(slowNames) && slowNames[i] != w {
				i++
			}
			if i == len(slowNames) {
				return false
			}
			u.Slow |= 1 << i
		}
		return true
	case "controller":
		u.Kind = UserspaceController
		ok := numbers("reason", "dont_send", "continuation", "recirc_id", "rule_cookie", "controller_id", "max_len")
		u.Reason, u.DontSend, u.Continuation = uint16(kv["reason"]), kv["dont_send"] != 0, kv["continuation"] != 0
		u.RecircID, u.RuleCookie = uint32(kv["recirc_id"]), kv["rule_cookie"]
		u.ControllerID, u.MaxLen = uint16(kv["controller_id"]), uint16(kv["max_len"])
		return ok
	case "sFlow":
		u.Kind = UserspaceSFlow
		ok := numbers("vid", "pcp", "output")
		u.VlanTCI = uint16(kv["vid"]&packet.VLANVIDMask | kv["pcp"]&7<<packet.VLANPCPShift)
		u.Output = uint32(kv["output"])
		return ok
	case "flow_sample":
		u.Kind = UserspaceFlowSample
		if t, cut := strings.CutSuffix(s, ",ingress"); cut {
			s, u.Direction = t, 1
		} else if t, cut := strings.CutSuffix(s, ",egress"); cut {
			s, u.Direction = t, 2
		}
		ok := numbers("probability", "collector_set_id", "obs_domain_id", "obs_point_id", "output_port")
		u.Probability, u.CollectorSetID = uint16(kv["probability"]), uint32(kv["collector_set_id"])
		u.ObsDomainID, u.ObsPointID, u.Output = uint32(kv["obs_domain_id"]), uint32(kv["obs_point_id"]), uint32(kv["output_port"])
		return ok
	case "ipfix":
		u.Kind = UserspaceIPFIX
		ok := numbers("output_port")
		u.Output = uint32(kv["output_port"])
		return ok
	}
	return false
}

func parseCT(body string) (c *CT, ok bool) {
	c = &CT{}
	for _, part := range split(body) {
		name, val, has := strings.Cut(part, "=")
		if i := strings.IndexByte(part, '('); i >= 0 && (!has || i < len(name)) {
			name, val, has = part[:i], strings.TrimSuffix(part[i+1:], ")"), true
		}
		v, m, masked := strings.Cut(val, "/")
		switch name {
		case "commit":
			c.Commit = true
		case "force_commit":
			c.Commit, c.Force = true, true
		case "zone":
			n, ok := num(val, 16)
			if !ok {
				return nil, false
			}
			c.Zone = uint16(n)
		case "mark":
			x, ok1 := num(v, 32)
			w, ok2 := uint64(1<<32-1), true
			if masked {
				w, ok2 = num(m, 32)
			}
			if !ok1 || !ok2 {
				return nil, false
			}
			c.HasMark, c.Mark, c.MarkMask = true, uint32(x), uint32(w)
		case "label":
			x, w, ok := flow.ParseODPValue(flow.FieldCtLabel, val)
			if !ok {
				return nil, false
			}
			c.HasLabel, c.Label, c.LabelMask = true, x, w
		case "helper", "timeout":
			if val == "" || len(val) > 31 || strings.ContainsAny(val, "()") {
				return nil, false
			}
			if name == "helper" {
				c.Helper = val
			} else {
				c.Timeout = val
			}
		case "nat":
			if c.NAT, ok = parseNAT(val); !ok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return c, true
}

func parseNAT(s string) (*NAT, bool) {
	t := &NAT{}
	for _, part := range split(s) {
		name, val, has := strings.Cut(part, "=")
		switch {
		case name == "src" || name == "dst":
			t.Src, t.Dst = name == "src", name == "dst"
			if has && !t.parseRange(val) {
				return nil, false
			}
		case part == "persistent":
			t.Persistent = true
		case part == "hash":
			t.Hash = true
		case part == "random":
			t.Random = true
		default:
			return nil, false
		}
	}
	return t, true
}

// parseRange parses "addr[-addr][:port[-port]]"; IPv6 addresses with ports are in brackets.
func (t *NAT) parseRange(s string) bool {
	addrs, portText := s, ""
	if i := strings.LastIndex(s, "]:"); i >= 0 {
		addrs, portText = s[:i+1], s[i+2:]
	} else if strings.Count(s, ":") == 1 {
		addrs, portText, _ = strings.Cut(s, ":")
	}
	if portText != "" {
		lo, hi, isRange := strings.Cut(portText, "-")
		n, ok := num(lo, 16)
		x, ok2 := n, true
		if isRange {
			x, ok2 = num(hi, 16)
		}
		if !ok || !ok2 || n == 0 || x < n {
			return false
		}
		t.MinPort, t.MaxPort = uint16(n), uint16(x)
	}
	if addrs == "" {
		return portText != ""
	}
	lo, hi, isRange := strings.Cut(addrs, "-")
	a, ok := t.parseAddr(lo)
	b, ok2 := a, true
	if isRange {
		b, ok2 = t.parseAddr(hi)
	}
	t.MinAddr, t.MaxAddr = a, b
	return ok && ok2 && !b.Less(a) && !a.IsZero()
}

func (t *NAT) parseAddr(s string) (flow.Value, bool) {
	if v, ok := flow.ParseIPv4(s); ok {
		return flow.U(uint64(v)), !t.IPv6
	}
	t.IPv6 = true
	if in, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(in, "]"); !ok {
			return flow.Value{}, false
		}
	}
	return flow.ParseIPv6(s)
}
