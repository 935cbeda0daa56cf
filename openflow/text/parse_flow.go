package text

import (
	"errors"
	"fmt"
	"strings"

	"govs/flow"
	"govs/openflow"
)

// ParseFlowMod reads a flow as add-flow, mod-flows and del-flows take it: fields, settings and, for commands that need them, actions.
func ParseFlowMod(s string, cmd openflow.FlowModCommand, n *Names) (*openflow.FlowMod, error) {
	del := cmd == openflow.FlowDelete || cmd == openflow.FlowDeleteStrict
	m := &openflow.FlowMod{
		Command: cmd, Priority: 0x8000, BufferID: openflow.NoBuffer, OutPort: openflow.PortNone, OutGroup: openflow.GroupAny,
	}
	switch cmd {
	case openflow.FlowModify, openflow.FlowModifyStrict:
		// A modification of no cookie in particular, which becomes an addition, gives the cookie that is asked for.
		m.ModifyCookie, m.NewCookie = false, ^uint64(0)
	case openflow.FlowAdd:
		m.ModifyCookie = true
	default:
		m.Table, m.NewCookie = openflow.TableAll, ^uint64(0)
	}
	fields, acts, has := s, "", false
	if !del {
		i := strings.Index(s, "action")
		if i < 0 {
			return nil, errors.New("must specify an action")
		}
		fields, acts, has = s[:i], s[i:], true
	}
	p := parser{n}
	masked := false
	err := flow.EachField(fields, func(name, value string, hasValue bool) error {
		switch name {
		case "send_flow_rem":
			m.Flags |= openflow.FlowSendFlowRem
		case "check_overlap":
			m.Flags |= openflow.FlowCheckOverlap
		case "reset_counts":
			m.Flags |= openflow.FlowResetCounts
		case "no_packet_counts":
			m.Flags |= openflow.FlowNoPktCounts
		case "no_byte_counts":
			m.Flags |= openflow.FlowNoBytCounts
		case "allow_hidden_fields":
		default:
			if m.Match.SetKeyword(name) {
				return nil
			}
			if !hasValue {
				return fmt.Errorf("field %s missing value", name)
			}
			return p.flowSetting(m, name, value, &masked)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if masked && cmd == openflow.FlowAdd {
		return nil, errors.New("cannot set cookie mask on add")
	}
	if m.NewCookie == ^uint64(0) && m.CookieMask == 0 && !del { // a modification that may add a flow gives it a cookie
		m.NewCookie, m.ModifyCookie = 0, true
	}
	if !has {
		return m, nil
	}
	if _, v, ok := strings.Cut(acts, "="); ok {
		acts = v
	} else {
		return nil, errors.New("must specify an action")
	}
	m.Actions, err = ParseActions(acts, n)
	if err != nil {
		return nil, err
	}
	o := openflow.CheckOptions{Table: openflow.TableAll, Version: openflow.OF10}
	if err := openflow.Check(m.Actions, &m.Match, o); err != nil {
		var code openflow.ErrCode
		if errors.As(err, &code) {
			return nil, fmt.Errorf("actions are invalid with specified match (%s)", code)
		}
		return nil, err
	}
	return m, nil
}

// minusOne writes -1 in a way that a 64-bit number can be read from.
func minusOne(s string) string {
	if s == "-1" {
		return "0xffffffffffffffff"
	}
	return s
}

// flowSetting applies one "name=value" that is no flag.
func (p *parser) flowSetting(m *openflow.FlowMod, name, value string, masked *bool) error {
	switch name {
	case "table":
		t, err := p.table(value)
		if err != nil {
			return fmt.Errorf("unknown table \"%s\"", value)
		}
		m.Table = t
		return nil
	case "priority":
		return num(&m.Priority, value, name)
	case "idle_timeout":
		return num(&m.IdleTimeout, value, name)
	case "hard_timeout":
		return num(&m.HardTimeout, value, name)
	case "importance":
		return num(&m.Importance, value, name)
	case "out_port":
		port, ok := p.port(value)
		if !ok {
			return fmt.Errorf("%s is not a valid OpenFlow port", value)
		}
		m.OutPort = port
		return nil
	case "out_group":
		return num(&m.OutGroup, value, name)
	case "cookie":
		v, mask, has := strings.Cut(value, "/")
		if has {
			// A masked cookie is one to match.
			*masked = true
			if err := num(&m.Cookie, minusOne(v), name); err != nil {
				return err
			}
			return num(&m.CookieMask, minusOne(mask), name)
		}
		if m.Command == openflow.FlowDelete || m.Command == openflow.FlowDeleteStrict {
			return fmt.Errorf("cannot set cookie (to match on a cookie, specify a mask, e.g. cookie=%s/-1)", v)
		}
		if err := num(&m.NewCookie, v, name); err != nil {
			return err
		}
		m.ModifyCookie = m.NewCookie != ^uint64(0)
		return nil
	case "duration", "n_packets", "n_bytes", "idle_age", "hard_age":
		// What dump-flows prints may be given back.
		return nil
	}
	if err := m.Match.ParseField(name, value, p.n.ports()); err != nil {
		return err
	}
	return nil
}
