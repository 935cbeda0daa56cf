package ofproto

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/ofproto/xlate"
	"govs/openflow"
	"govs/openflow/text"
)

// traceArgs is what ofproto/trace was asked.
type traceArgs struct {
	bridge *xlate.Bridge
	key    flow.Key // with OpenFlow's in_port
	packet bool     // a packet is there: side effects take place
	snap   *xlate.Snapshot
}

// splitOptions takes the options out of args.
func splitOptions(args []string) (rest []string, generate bool, err error) {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; a {
		case "-generate", "--generate":
			generate = true
		case "--l7", "--l7-len", "--ct-next":
			if i++; i == len(args) {
				return nil, false, fmt.Errorf("Missing argument for option %s", a)
			}
		case "-consistent", "--consistent":
		default:
			if strings.HasPrefix(a, "--") {
				return nil, false, fmt.Errorf("Invalid option %s", a)
			}
			rest = append(rest, a)
		}
	}
	return rest, generate, nil
}

// parseTrace reads the arguments of ofproto/trace but for actions.
func (s *Switch) parseTrace(args []string) (*traceArgs, error) {
	args, generate, err := splitOptions(args)
	if err != nil {
		return nil, err
	}
	var data []byte
	if len(args) > 1 {
		if p, ok := packetArg(args[len(args)-1]); ok {
			data, args = p, args[:len(args)-1]
		}
	}
	t := &traceArgs{snap: s.snap.Load(), packet: generate || data != nil}
	if generate && data != nil {
		return nil, errors.New("cannot specify both -generate and packet")
	}
	switch len(args) {
	case 0:
		return nil, errors.New("must specify a flow")
	case 1, 2:
	case 3:
		return nil, errors.New("Trailing garbage in packet data")
	default:
		return nil, errors.New("too many arguments")
	}
	spec := args[len(args)-1]
	if len(args) == 2 {
		if t.bridge = t.snap.Bridge(args[0]); t.bridge == nil && args[0] != s.opt.DatapathName && args[0] != s.fullName() {
			if strings.Contains(spec, "(") {
				return nil, errors.New("Cannot find the datapath")
			}
			return nil, fmt.Errorf("%s: unknown bridge", args[0])
		}
	}
	if t.bridge != nil {
		err = t.parseBridgeFlow(spec)
	} else {
		err = t.parseDatapathFlow(spec)
	}
	if err != nil {
		return nil, err
	}
	if data != nil {
		md := t.key
		n, _ := flow.ExtractBytes(data, md.InPort(), t.bridge.VLANLimit, &t.key)
		t.key.ClearFrom(n)
		copy(t.key[flow.WMark:], md[flow.WMark:])
	}
	return t, nil
}

// packetArg reads a packet in hexadecimal.
func packetArg(s string) ([]byte, bool) {
	if len(s) < 28 {
		return nil, false
	}
	b, err := hex.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' {
			return -1
		}
		return r
	}, s))
	return b, err == nil
}

// parseBridgeFlow reads a flow in the form of ovs-ofctl.
func (t *traceArgs) parseBridgeFlow(text string) error {
	names := &flow.PortNames{Number: func(name string) (uint32, bool) {
		for _, p := range t.bridge.Ports {
			if p.Name == name {
				return p.No.Wire32(), true
			}
		}
		return 0, false
	}}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("Bad openflow flow syntax: %s: %s", text, fmt.Sprintf(format, args...))
	}
	var m flow.Match
	err := flow.EachField(text, func(name, value string, _ bool) error {
		if m.SetKeyword(name) {
			return nil
		}
		id, ok := flow.FieldByName(name)
		if !ok {
			return fail("unknown field %s", name)
		}
		if !id.Met(&m.Key, nil) {
			return fail("prerequisites not met for setting %s", name)
		}
		if !m.Key.Get(id).IsZero() {
			return fail("field %s set multiple times", name)
		}
		if err := m.ParseField(name, value, names); err != nil {
			return fail("bad value for %s (%v)", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.key = m.Key
	if m.Mask.IsWild(flow.FieldInPort) {
		t.key.SetInPort(openflow.PortNone.Wire32())
	}
	// A tag that is matched is one that is there.
	for i, f := range []flow.FieldID{flow.FieldVlanTCI, flow.FieldVlanTCI1} {
		v, w := m.Get(f)
		if !w.IsZero() && v.Lo != 0 {
			t.key.Set(f, flow.U(v.Lo|flow.VLANPresent))
			tpid := []flow.FieldID{flow.FieldVlanTPID0, flow.FieldVlanTPID1}[i]
			if t.key.Get(tpid).IsZero() {
				t.key.Set(tpid, flow.U(0x8100))
			}
		}
	}
	return nil
}

// parseDatapathFlow reads a flow in the form of dpctl/dump-flows.
func (t *traceArgs) parseDatapathFlow(text string) error {
	names := &flow.PortNames{Number: func(name string) (uint32, bool) {
		for _, b := range t.snap.Bridges {
			for _, p := range b.Ports {
				if p.Name == name && p.DP != dpif.PortNone {
					return p.DP, true
				}
			}
		}
		return 0, false
	}}
	of, err := flow.ParseODP(text, names)
	if err != nil {
		return fmt.Errorf("%v (or the bridge name was omitted)", err)
	}
	t.key = of.Key
	p := t.snap.Port(t.key.InPort())
	if p == nil {
		return fmt.Errorf("no OpenFlow port for datapath port %d", t.key.InPort())
	}
	t.bridge = p.Bridge
	t.key.SetInPort(p.No.Wire32())
	return nil
}

func (s *Switch) cmdTrace(args []string) (string, error) {
	t, err := s.parseTrace(args)
	if err != nil {
		return "", err
	}
	return s.trace(t, nil), nil
}

func (s *Switch) cmdTracePacketOut(args []string) (string, error) {
	n := len(args) - 1
	list, err := text.ParseActions(args[n], nil)
	if err != nil {
		return "", err
	}
	t, err := s.parseTrace(args[:n])
	if err != nil {
		return "", err
	}
	if list == nil {
		list = []openflow.Action{}
	}
	return s.trace(t, list), nil
}

// trace translates and describes what happened.
func (s *Switch) trace(t *traceArgs, list []openflow.Action) string {
	s.traceMu.Lock()
	defer s.traceMu.Unlock()
	tr := xlate.NewTrace()
	in := xlate.Input{
		Snap: t.snap, Key: &t.key, Bridge: t.bridge, Actions: list, PacketOut: list != nil, Learn: t.packet, Now: s.now(), Trace: tr,
	}
	var res xlate.Result
	s.tracer.Translate(&in, &res)
	defer s.recirc.Release(append([]uint32(nil), res.Recircs...))

	var b strings.Builder
	b.WriteString("Flow: ")
	b.Write(t.key.AppendText(nil, nil))
	b.WriteByte('\n')
	b.WriteString(tr.String())
	b.WriteString("\nFinal flow: ")
	final := *res.Flow
	initial := t.key
	initial.SetActsetOutput(openflow.PortUnset.Wire32())
	if final == initial {
		b.WriteString("unchanged")
	} else {
		final.SetActsetOutput(0)
		b.Write(final.AppendText(nil, nil))
	}
	m := flow.Match{Key: t.key, Mask: *res.Mask}
	m.Normalize()
	b.WriteString("\nMegaflow: ")
	b.Write(m.AppendText(nil, nil))
	b.WriteString("\nDatapath actions: ")
	if len(res.Actions) == 0 {
		b.WriteString("drop")
	} else {
		b.Write(res.Actions.AppendText(nil, nil))
	}
	b.WriteByte('\n')
	if res.Err != xlate.OK {
		fmt.Fprintf(&b, "Translation failed (%s), packet is dropped.\n", res.Err)
	} else if res.Slow&actions.SlowAction != 0 {
		b.WriteString("This flow is handled by the userspace slow path because it:\n  - Uses action(s) not supported by datapath.\n")
	}
	return b.String()
}
