package text

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"govs/flow"
	"govs/openflow"
)

// maxNesting bounds clone(clone(…)) and the like.
const maxNesting = 16

// parser reads action lists.
type parser struct {
	n *Names
}

// ParseActions reads a list of actions and instructions as ovs-actions(7) describes it. Instructions come back in execution order only if
// they were given so; else it is an error, as it is for ovs-ofctl.
func ParseActions(s string, n *Names) ([]openflow.Action, error) {
	p := parser{n}
	list, err := p.actions(s, 0)
	if err != nil {
		return nil, err
	}
	if err := checkNested(list, false); err != nil {
		return nil, err
	}
	return list, checkOrder(list)
}

// checkNested looks for actions in the wrong place.
func checkNested(list []openflow.Action, inCT bool) error {
	for _, a := range list {
		switch a := a.(type) {
		case *openflow.NAT:
			if !inCT {
				return errors.New("Cannot have NAT action outside of \"ct\" action")
			}
		case *openflow.CT:
			if err := checkNested(a.Actions, true); err != nil {
				return err
			}
		case *openflow.Clone:
			if err := checkNested(a.Actions, false); err != nil {
				return err
			}
		case *openflow.SetField:
			if !inCT && ctField(a.Field) {
				return errors.New("cannot set CT fields outside of ct action")
			}
		case *openflow.RegMove:
			if !inCT && ctField(a.Dst.Field) {
				return errors.New("cannot set CT fields outside of ct action")
			}
		}
	}
	return nil
}

func ctField(f flow.FieldID) bool { return f == flow.FieldCtMark || f == flow.FieldCtLabel }

// instruction ranks, for the order in which they must stand.
var instructionNames = []string{"meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table"}

func rank(a openflow.Action) int {
	switch a.(type) {
	case *openflow.Meter:
		return 0
	case *openflow.ClearActions:
		return 2
	case *openflow.WriteActions:
		return 3
	case *openflow.WriteMetadata:
		return 4
	case *openflow.GotoTable:
		return 5
	}
	return 1
}

func checkOrder(list []openflow.Action) error {
	last := -1
	for _, a := range list {
		r := rank(a)
		switch {
		case r == last && r != 1:
			return fmt.Errorf("duplicate %s instruction not allowed, for OpenFlow 1.1+ compatibility", instructionNames[r])
		case r < last:
			return fmt.Errorf("invalid instruction ordering: %s must appear before %s, for OpenFlow 1.1+ compatibility", instructionNames[r], instructionNames[last])
		}
		last = r
	}
	return nil
}

const blanks = ", \t\r\n"

// next splits the first "key", "key:value", "key=value" or "key(value)" off s. A value in parentheses may be followed by "->…",
// which then is part of it (with the parenthesis).
func next(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, blanks)
	if s == "" {
		return "", "", "", false
	}
	i := strings.IndexAny(s, ":=("+blanks)
	if i < 0 {
		return s, "", "", true
	}
	key = s[:i]
	switch s[i] {
	case ':', '=':
		v := s[i+1:]
		n := valueLen(v, false)
		return key, v[:n], v[n:], true
	case '(':
		v := s[i+1:]
		n := valueLen(v, true)
		value, rest = v[:n], v[n:]
		if strings.HasPrefix(rest, ")") {
			rest = rest[1:]
			if strings.HasPrefix(rest, "->") {
				m := valueLen(rest, false)
				return key, value + ")" + rest[:m], rest[m:], true
			}
		}
		return key, value, rest, true
	}
	return key, "", s[i:], true
}

// valueLen is the length of a value: up to a blank or comma, or to the closing parenthesis, outside nested parentheses.
func valueLen(s string, paren bool) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')':
			if depth == 0 && paren {
				return i
			}
			depth--
		case depth == 0 && !paren && strings.IndexByte(blanks, c) >= 0:
			return i
		}
	}
	return len(s)
}

func (p *parser) actions(s string, depth int) ([]openflow.Action, error) {
	if depth > maxNesting {
		return nil, errors.New("actions are nested too deeply")
	}
	var list []openflow.Action
	for {
		key, value, rest, ok := next(s)
		if !ok {
			return list, nil
		}
		if strings.EqualFold(key, "drop") {
			if _, _, _, more := next(rest); more || len(list) > 0 {
				return nil, errors.New("\"drop\" must not be accompanied by any other action or instruction")
			}
			return nil, nil
		}
		if a, err := p.action(strings.ToLower(key), key, value, depth); err != nil {
			return nil, err
		} else if a != nil {
			list = append(list, a)
		}
		s = rest
	}
}

// uint reads a number of at most bits bits, decimal or hexadecimal. name says what it is in the error.
func uintOf(s, name string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(strings.TrimSpace(s), 0, 64)
	if err != nil || bits < 64 && v>>bits != 0 {
		if bits >= 32 {
			return 0, fmt.Errorf("invalid numeric format %s", s)
		}
		return 0, fmt.Errorf("invalid %s \"%s\"", name, s)
	}
	return v, nil
}

func num[T uint8 | uint16 | uint32 | uint64](dst *T, s, name string) error {
	bits := map[string]int{"uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}[fmt.Sprintf("%T", *dst)]
	v, err := uintOf(s, name, bits)
	*dst = T(v)
	return err
}

func (p *parser) port(s string) (openflow.Port, bool) {
	n, ok := flow.ParsePort(s, p.n.ports())
	if !ok {
		return 0, false
	}
	return openflow.PortFromWire32(n)
}

// table reads a table's number or name.
func (p *parser) table(s string) (uint8, error) {
	if p.n != nil && p.n.TableNumber != nil {
		if t, ok := p.n.TableNumber(strings.Trim(s, `"`)); ok {
			return t, nil
		}
	}
	v, err := strconv.ParseUint(s, 0, 8)
	if err != nil || v >= 255 {
		return 0, fmt.Errorf("unknown table %q", s)
	}
	return uint8(v), nil
}

// plain are actions without arguments.
var plain = map[string]func() openflow.Action{
	"strip_vlan": func() openflow.Action { return &openflow.StripVLAN{} }, "pop_vlan": func() openflow.Action { return &openflow.StripVLAN{Pop: true} },
	"dec_mpls_ttl": func() openflow.Action { return &openflow.DecMPLSTTL{} }, "dec_nsh_ttl": func() openflow.Action { return &openflow.DecNSHTTL{} },
	"pop_queue": func() openflow.Action { return &openflow.PopQueue{} }, "exit": func() openflow.Action { return &openflow.Exit{} },
	"ct_clear": func() openflow.Action { return &openflow.CTClear{} }, "debug_recirc": func() openflow.Action { return &openflow.DebugRecirc{} },
	"debug_slow": func() openflow.Action { return &openflow.DebugSlow{} }, "clear_actions": func() openflow.Action { return &openflow.ClearActions{} },
}

var modForms = map[string]struct {
	form openflow.SetFieldForm
	id   flow.FieldID
}{
	"mod_dl_src": {openflow.FormModDlSrc, flow.FieldEthSrc}, "mod_dl_dst": {openflow.FormModDlDst, flow.FieldEthDst},
	"mod_nw_src": {openflow.FormModNwSrc, flow.FieldNwSrc}, "mod_nw_dst": {openflow.FormModNwDst, flow.FieldNwDst},
	"mod_tp_src": {openflow.FormModTpSrc, flow.FieldTCPSrc}, "mod_tp_dst": {openflow.FormModTpDst, flow.FieldTCPDst},
}

func (p *parser) action(key, given, value string, depth int) (openflow.Action, error) {
	if f := plain[key]; f != nil {
		return f(), nil
	}
	if m, ok := modForms[key]; ok {
		return p.mod(key, m.form, m.id, value)
	}
	switch key {
	case "output":
		return p.output(value)
	case "controller":
		return p.controller(value)
	case "enqueue":
		return p.enqueue(value)
	case "group":
		a := &openflow.Group{}
		return a, num(&a.ID, value, "group")
	case "bundle", "bundle_load":
		return p.bundle(key, value)
	case "set_field":
		return p.setField(value)
	case "load":
		return p.load(value)
	case "move":
		return p.move(value)
	case "push", "pop":
		s, err := p.subfield(value)
		if err != nil {
			return nil, err
		}
		if key == "pop" {
			return &openflow.StackPop{Dst: s}, writable(s)
		}
		return &openflow.StackPush{Src: s}, nil
	case "mod_vlan_vid", "set_vlan_vid":
		a := &openflow.SetVLANVID{PushIfMissing: key == "mod_vlan_vid"}
		if err := num(&a.VID, value, "VLAN VID"); err != nil {
			return nil, err
		}
		if a.VID > 0xfff {
			return nil, fmt.Errorf("%s: not a valid VLAN VID", value)
		}
		return a, nil
	case "mod_vlan_pcp", "set_vlan_pcp":
		a := &openflow.SetVLANPCP{PushIfMissing: key == "mod_vlan_pcp"}
		if err := num(&a.PCP, value, "VLAN PCP"); err != nil {
			return nil, err
		}
		if a.PCP > 7 {
			return nil, fmt.Errorf("%s: not a valid VLAN PCP", value)
		}
		return a, nil
	case "push_vlan":
		a := &openflow.PushVLAN{}
		if err := num(&a.EthType, value, "ethertype"); err != nil {
			return nil, err
		}
		if a.EthType != 0x8100 && a.EthType != 0x88a8 {
			return nil, fmt.Errorf("%s: not a valid VLAN ethertype", value)
		}
		return a, nil
	case "push_mpls":
		a := &openflow.PushMPLS{}
		return a, num(&a.EthType, value, "push_mpls")
	case "pop_mpls":
		a := &openflow.PopMPLS{}
		return a, num(&a.EthType, value, "pop_mpls")
	case "set_mpls_label":
		a := &openflow.SetMPLSLabel{}
		return a, num(&a.Label, value, "MPLS label")
	case "set_mpls_tc":
		a := &openflow.SetMPLSTC{}
		if err := num(&a.TC, value, "MPLS TC"); err != nil {
			return nil, err
		}
		if a.TC > 7 {
			return nil, fmt.Errorf("%s: not a valid MPLS TC", value)
		}
		return a, nil
	case "set_mpls_ttl":
		a := &openflow.SetMPLSTTL{}
		return a, num(&a.TTL, value, "MPLS TTL")
	case "mod_nw_tos":
		var tos uint8
		if err := num(&tos, value, "TOS"); err != nil {
			return nil, err
		}
		if tos&3 != 0 {
			return nil, fmt.Errorf("%s: not a valid TOS", value)
		}
		return &openflow.SetField{Field: flow.FieldNwTOS, Value: flow.U(uint64(tos)), Mask: flow.U(0xfc), Legacy: openflow.FormModNwTos}, nil
	case "mod_nw_ecn":
		var ecn uint8
		if err := num(&ecn, value, "ECN"); err != nil {
			return nil, err
		}
		if ecn > 3 {
			return nil, fmt.Errorf("%s: not a valid ECN", value)
		}
		return &openflow.SetField{Field: flow.FieldNwECN, Value: flow.U(uint64(ecn)), Mask: flow.U(3), Legacy: openflow.FormModNwECN}, nil
	case "mod_nw_ttl":
		a := &openflow.SetTTL{}
		return a, num(&a.TTL, value, "TTL")
	case "dec_ttl":
		return decTTL(value)
	case "set_tunnel", "set_tunnel64":
		a := &openflow.SetTunnel{Wide: key == "set_tunnel64"}
		return a, num(&a.ID, value, "tunnel")
	case "set_queue":
		a := &openflow.SetQueue{}
		return a, num(&a.Queue, value, "queue")
	case "delete_field":
		id, ok := fieldByName(value)
		if !ok {
			return nil, fmt.Errorf("%s: invalid field", value)
		}
		return &openflow.DeleteField{Field: id}, nil
	case "meter":
		a := &openflow.Meter{}
		return a, num(&a.ID, value, "meter")
	}
	return p.more(key, given, value, depth)
}

// more reads the actions that steer the pipeline; what is left may be a port.
func (p *parser) more(key, given, value string, depth int) (openflow.Action, error) {
	switch key {
	case "resubmit":
		return p.resubmit(value)
	case "learn":
		return p.learn(value)
	case "multipath":
		return p.multipath(value)
	case "conjunction":
		return conjunction(value)
	case "note":
		return note(value)
	case "fin_timeout":
		return finTimeout(value)
	case "sample":
		return p.sample(value)
	case "ct":
		return p.ct(value, depth)
	case "nat":
		return p.nat(value)
	case "clone":
		list, err := p.actions(value, depth+1)
		return &openflow.Clone{Actions: list}, err
	case "check_pkt_larger":
		return p.checkPktLarger(value)
	case "encap":
		return encap(value)
	case "decap":
		return decap(value)
	case "write_actions":
		list, err := p.actions(value, depth+1)
		return &openflow.WriteActions{Actions: list}, err
	case "write_metadata":
		v, m, masked := strings.Cut(value, "/")
		a := &openflow.WriteMetadata{Mask: ^uint64(0)}
		if err := num(&a.Metadata, v, "metadata"); err != nil {
			return nil, err
		}
		if masked {
			return a, num(&a.Mask, m, "metadata")
		}
		return a, nil
	case "goto_table":
		t, err := p.table(value)
		if err != nil && value != "255" {
			return nil, fmt.Errorf("unknown table %q", value)
		}
		if err != nil {
			t = openflow.TableAll
		}
		return &openflow.GotoTable{Table: t}, nil
	case "apply_actions":
		return nil, errors.New("apply_actions is the default instruction")
	}
	if value == "" {
		if port, ok := p.port(given); ok {
			return &openflow.Output{Port: port, MaxLen: 0}, nil
		}
	}
	return nil, fmt.Errorf("unknown action %s", given)
}

func (p *parser) mod(key string, form openflow.SetFieldForm, id flow.FieldID, value string) (openflow.Action, error) {
	var v flow.Value
	switch form {
	case openflow.FormModDlSrc, openflow.FormModDlDst:
		n, ok := flow.ParseEth(value)
		if !ok {
			return nil, fmt.Errorf("%s: invalid Ethernet address", value)
		}
		v = flow.U(n)
	case openflow.FormModNwSrc, openflow.FormModNwDst:
		n, ok := flow.ParseIPv4(value)
		if !ok {
			return nil, fmt.Errorf("%s: invalid IP address", value)
		}
		v = flow.U(uint64(n))
	default:
		var n uint16
		if err := num(&n, value, map[openflow.SetFieldForm]string{openflow.FormModTpSrc: "source port", openflow.FormModTpDst: "destination port"}[form]); err != nil {
			return nil, err
		}
		v = flow.U(uint64(n))
	}
	return &openflow.SetField{Field: id, Value: v, Mask: id.Info().AllOnes(), Legacy: form}, nil
}

func (p *parser) output(value string) (openflow.Action, error) {
	if port, ok := p.port(value); ok {
		a := &openflow.Output{Port: port}
		if port == openflow.PortController {
			a.MaxLen = 0xffff
		}
		return a, nil
	}
	if strings.Contains(value, "port=") && !strings.Contains(value, "[") {
		a := &openflow.OutputTrunc{Port: openflow.PortNone}
		for s := value; ; {
			k, v, rest, ok := next(s)
			if !ok {
				break
			}
			s = rest
			switch k {
			case "port":
				port, ok := p.port(v)
				if !ok {
					return nil, fmt.Errorf("output to unknown truncate port: %s", v)
				}
				if port >= openflow.PortMax && port != openflow.PortLocal && port != openflow.PortInPort {
					return nil, fmt.Errorf("output to unsupported truncate port: %s", v)
				}
				a.Port = port
			case "max_len":
				if err := num(&a.MaxLen, v, "max_len"); err != nil {
					return nil, err
				}
			default:
				return nil, fmt.Errorf("invalid key '%s' in output_trunc argument", k)
			}
		}
		if a.MaxLen < 14 {
			return nil, fmt.Errorf("max_len %d is less than the minimum value %d", a.MaxLen, 14)
		}
		if a.Port == openflow.PortNone {
			return nil, errors.New("output to unknown truncate port: NONE")
		}
		return a, nil
	}
	s, err := p.subfield(value)
	if err != nil {
		return nil, fmt.Errorf("%s: output to unknown port", value)
	}
	return &openflow.OutputReg{Src: s, MaxLen: 0xffff}, nil
}

func (p *parser) controller(value string) (openflow.Action, error) {
	if value == "" {
		return &openflow.Output{Port: openflow.PortController, MaxLen: 0xffff}, nil
	}
	if n, err := strconv.ParseUint(value, 0, 16); err == nil {
		return &openflow.Output{Port: openflow.PortController, MaxLen: uint16(n)}, nil
	}
	a := &openflow.Controller{MaxLen: 0xffff, Reason: openflow.ReasonAction, Meter: openflow.MeterNone}
	for s := value; ; {
		k, v, rest, ok := next(s)
		if !ok {
			break
		}
		s = rest
		var err error
		switch k {
		case "reason":
			i := indexOf(reasonNames[:6], v)
			if i < 0 {
				return nil, fmt.Errorf("unknown reason \"%s\"", v)
			}
			a.Reason = openflow.PacketInReason(i)
		case "max_len":
			err = num(&a.MaxLen, v, "max_len")
		case "id":
			err = num(&a.ControllerID, v, "id")
		case "userdata":
			a.Userdata, err = hexBytes(v)
			if err != nil {
				err = errors.New("bad hex digit in `controller' action `userdata'")
			}
		case "pause":
			a.Pause = true
		case "meter_id":
			err = num(&a.Meter, v, "meter_id")
		default:
			err = fmt.Errorf("unknown key \"%s\" parsing controller action", k)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.Reason == openflow.ReasonAction && a.ControllerID == 0 && len(a.Userdata) == 0 && !a.Pause && a.Meter == openflow.MeterNone {
		return &openflow.Output{Port: openflow.PortController, MaxLen: a.MaxLen}, nil
	}
	return a, nil
}

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// hexBytes reads pairs of hexadecimal digits, which dots may separate.
func hexBytes(s string) ([]byte, error) {
	var out []byte
	for {
		s = strings.TrimPrefix(s, ".")
		if s == "" {
			return out, nil
		}
		if len(s) < 2 {
			return nil, errors.New("odd number of digits")
		}
		n, err := strconv.ParseUint(s[:2], 16, 8)
		if err != nil {
			return nil, err
		}
		out = append(out, byte(n))
		s = s[2:]
	}
}

func (p *parser) enqueue(value string) (openflow.Action, error) {
	f := strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ',' })
	if len(f) != 2 {
		return nil, errors.New("\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"")
	}
	port, ok := p.port(f[0])
	if !ok {
		return nil, fmt.Errorf("%s: enqueue to unknown port", f[0])
	}
	a := &openflow.Enqueue{Port: port}
	return a, num(&a.Queue, f[1], "queue")
}

func decTTL(value string) (openflow.Action, error) {
	if value == "" {
		return &openflow.DecTTL{IDs: []uint16{0}}, nil
	}
	a := &openflow.DecTTL{List: true}
	for _, s := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(blanks, r) }) {
		var id uint16
		if err := num(&id, s, "controller id"); err != nil {
			return nil, err
		}
		a.IDs = append(a.IDs, id)
	}
	if len(a.IDs) == 0 {
		return nil, errors.New("dec_ttl_cnt_ids: expected at least one controller id.")
	}
	return a, nil
}

func (p *parser) resubmit(value string) (openflow.Action, error) {
	a := &openflow.Resubmit{InPort: openflow.PortInPort, Table: openflow.TableAll}
	f := strings.Split(value, ",")
	if s := strings.TrimSpace(f[0]); s != "" {
		port, ok := p.port(s)
		if !ok {
			return nil, fmt.Errorf("%s: resubmit to unknown port", s)
		}
		a.InPort = port
	}
	if len(f) > 1 {
		if s := strings.TrimSpace(f[1]); s != "" {
			t, err := p.table(s)
			if err != nil && s != "255" {
				return nil, fmt.Errorf("%s: resubmit to unknown table", s)
			}
			if s == "255" {
				t = openflow.TableAll
			}
			a.Table = t
		}
	}
	if len(f) > 2 {
		if strings.TrimSpace(f[2]) != "ct" {
			return nil, fmt.Errorf("%s: unknown parameter", f[2])
		}
		a.WithCT = true
	}
	if a.InPort == openflow.PortInPort && a.Table == openflow.TableAll {
		return nil, errors.New("at least one \"in_port\" or \"table\" must be specified on resubmit")
	}
	return a, nil
}

func conjunction(value string) (openflow.Action, error) {
	f := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '/' || r == ' ' })
	if len(f) < 3 {
		return nil, errors.New("\"conjunction\" syntax is \"conjunction(id,i/n)\"")
	}
	a := &openflow.Conjunction{}
	if err := num(&a.ID, f[0], "conjunction ID"); err != nil {
		return nil, err
	}
	var clause uint8
	if err := num(&clause, f[1], "conjunction clause"); err != nil {
		return nil, err
	}
	if err := num(&a.NClauses, f[2], "conjunction number of clauses"); err != nil {
		return nil, err
	}
	switch {
	case a.NClauses < 2:
		return nil, errors.New("conjunction must have at least 2 clauses")
	case a.NClauses > 64:
		return nil, errors.New("conjunction must have at most 64 clauses")
	case clause < 1:
		return nil, errors.New("clause index must be positive")
	case clause > a.NClauses:
		return nil, errors.New("clause index must be less than or equal to number of clauses")
	}
	a.Clause = clause - 1
	return a, nil
}

func note(value string) (openflow.Action, error) {
	b, err := hexBytes(value)
	if err != nil {
		return nil, errors.New("bad hex digit in `note' argument")
	}
	// The action's length is a multiple of 8, and the data begins at byte 10.
	for len(b) == 0 || (len(b)+10)%8 != 0 {
		b = append(b, 0)
	}
	return &openflow.Note{Data: b}, nil
}

func finTimeout(value string) (openflow.Action, error) {
	a := &openflow.FinTimeout{}
	for s := value; ; {
		k, v, rest, ok := next(s)
		if !ok {
			return a, nil
		}
		s = rest
		var err error
		switch k {
		case "idle_timeout":
			err = num(&a.Idle, v, k)
		case "hard_timeout":
			err = num(&a.Hard, v, k)
		default:
			err = fmt.Errorf("invalid key '%s' in 'fin_timeout' argument", k)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) sample(value string) (openflow.Action, error) {
	a := &openflow.Sample{SamplingPort: openflow.PortNone}
	for s := value; ; {
		k, v, rest, ok := next(s)
		if !ok {
			break
		}
		s = rest
		var err error
		switch k {
		case "probability":
			if err = num(&a.Probability, v, k); err == nil && a.Probability == 0 {
				err = fmt.Errorf("invalid probability value \"%s\"", v)
			}
		case "collector_set_id":
			err = num(&a.CollectorSet, v, k)
		case "obs_domain_id":
			err = num(&a.ObsDomain, v, k)
		case "obs_point_id":
			err = num(&a.ObsPoint, v, k)
		case "sampling_port":
			port, ok := p.port(v)
			if !ok {
				err = fmt.Errorf("%s: unknown port", v)
			}
			a.SamplingPort = port
		case "ingress":
			a.Direction = openflow.SampleIngress
		case "egress":
			a.Direction = openflow.SampleEgress
		default:
			err = fmt.Errorf("invalid key \"%s\" in \"sample\" argument", k)
		}
		if err != nil {
			return nil, err
		}
	}
	if a.Probability == 0 {
		return nil, errors.New("non-zero \"probability\" must be specified on sample")
	}
	return a, nil
}
