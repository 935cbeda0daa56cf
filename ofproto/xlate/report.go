package xlate

import (
	"fmt"

	"govs/flow"
	"govs/openflow"
)

func (c *Ctx) detail(format string, args ...any) {
	if c.tr != nil {
		c.tr.add(nodeDetail, format, args...)
	}
}

func (c *Ctx) warn(format string, args ...any) {
	if c.tr != nil {
		c.tr.add(nodeWarn, format, args...)
	}
}

func (c *Ctx) reportError(format string, args ...any) {
	if c.tr != nil {
		c.tr.add(nodeError, format, args...)
	}
}

// traceRule begins a table's part of the trace.
func (c *Ctx) traceRule(r *Rule) *node {
	switch {
	case r == nil, r.Data.Kind != RuleNormal && c.bridge.State == c.startBridge().State:
		if r != nil && r.Data.Kind == RuleDropFrags {
			return c.tr.enter(nodeTable, "%2d. Packets are IP fragments and the fragment handling mode is \"drop\".", c.table)
		}
		return c.tr.enter(nodeTable, "%2d. No match.", c.table)
	case r.Data.Kind != RuleNormal:
		// In another bridge than the one where the packet came in, the original shows its internal rules.
		return c.tr.enter(nodeTable, "%2d. reg0=%#x, priority 0", c.table, uint8(r.Data.Kind))
	}
	var m flow.Match
	r.Match(&m)
	m.Mask.SetPacketType(0)
	text := m.AppendText(nil, c.portNames())
	if len(text) > 0 {
		text = append(text, ", "...)
	}
	text = fmt.Appendf(text, "priority %d", r.Priority())
	if r.Data.Cookie != 0 {
		text = fmt.Appendf(text, ", cookie %#x", r.Data.Cookie)
	}
	return c.tr.enter(nodeTable, "%2d. %s", c.table, text)
}

// startBridge is where the packet came into the switch.
func (c *Ctx) startBridge() *Bridge {
	if c.in.Bridge != nil {
		return c.in.Bridge
	}
	return c.in.Snap.Port(c.in.Key.InPort()).Bridge
}

// portNames is nil: traces show numbers.
func (c *Ctx) portNames() *flow.PortNames { return nil }

// traceAction adds an action's text.
func (c *Ctx) traceAction(a openflow.Action) {
	c.tr.add(nodeAction, "%s", appendActions(nil, []openflow.Action{a}, c.portNames()))
}

// traceField reports the new value of a field.
func (c *Ctx) traceField(sf openflow.Subfield) {
	if c.tr == nil {
		return
	}
	v := c.flow.Get(sf.Field).Shr(uint(sf.Ofs)).And(onesValue(int(sf.NBits)))
	c.detail("%s is now %s", appendSubfield(nil, sf), fieldText(sf, v))
}

// fieldText is the value of a subfield: in the field's own form if it is whole, else in hexadecimal.
func fieldText(sf openflow.Subfield, v flow.Value) string {
	f := sf.Field.Info()
	if int(sf.NBits) == int(f.Bits) || int(sf.NBits) == int(f.Width) {
		switch f.Form {
		case flow.FormEth:
			return string(flow.AppendEth(nil, v.Lo))
		case flow.FormIPv4:
			return string(flow.AppendIPv4(nil, uint32(v.Lo)))
		case flow.FormIPv6:
			return string(flow.AppendIPv6(nil, v))
		case flow.FormDec:
			return fmt.Sprintf("%d", v.Lo)
		case flow.FormPort:
			return string(flow.AppendPort(nil, uint32(v.Lo), nil))
		}
	}
	return valueText(v)
}

// valueText is a value in hexadecimal.
func valueText(v flow.Value) string {
	if v.Hi != 0 {
		return fmt.Sprintf("0x%x%016x", v.Hi, v.Lo)
	}
	return fmt.Sprintf("%#x", v.Lo)
}
