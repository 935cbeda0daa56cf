package ofproto

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/internal/strerror"
	"govs/ofproto/upcall"
)

// dumpFormat is how flows are listed.
type dumpFormat struct {
	verbose bool
	names   bool
	bridge  bool // for dpif/dump-flows
	filter  *flow.Match
	kind    string // type=
	pmd     string // pmd=
}

// dumpOptions takes the options of a flow dump out of args.
func dumpOptions(args []string) (o dumpFormat, rest []string, err error) {
	for _, a := range args {
		switch {
		case a == "-m" || a == "--more":
			o.verbose = true
			o.names = true
		case a == "--names":
			o.names = true
		case a == "--no-names":
			o.names = false
		case strings.HasPrefix(a, "filter="):
			text := strings.TrimPrefix(a, "filter=")
			m, err := flow.ParseMatch(text, nil)
			if err != nil {
				if name, _, ok := strings.Cut(text, "="); !ok {
					err = fmt.Errorf("%s: unknown field %s", text, name)
				}
				return o, nil, fmt.Errorf("ovs-vswitchd: Failed to parse filter (%v)", err)
			}
			o.filter = &m
		case strings.HasPrefix(a, "type="):
			o.kind = strings.TrimPrefix(a, "type=")
			for _, k := range strings.Split(o.kind, ",") {
				switch k {
				case "ovs", "tc", "dpdk", "offloaded", "non-offloaded", "partially-offloaded":
				default:
					return o, nil, fmt.Errorf("ovs-vswitchd: Failed to parse type (%s) (Invalid argument)", k)
				}
			}
		case strings.HasPrefix(a, "pmd="):
			o.pmd = strings.TrimPrefix(a, "pmd=")
		case strings.HasPrefix(a, "-") && len(a) > 1:
			return o, nil, fmt.Errorf("Unrecognized option %s", a)
		default:
			rest = append(rest, a)
		}
	}
	return o, rest, nil
}

// dpNames are the names of the datapath's ports.
func (s *Switch) dpNames() *flow.PortNames {
	byNo := map[uint32]string{}
	byName := map[string]uint32{}
	for _, p := range s.opt.Datapath.Ports() {
		byNo[p.No] = p.Port.Name()
		byName[p.Port.Name()] = p.No
	}
	return &flow.PortNames{
		Name:   func(no uint32) string { return byNo[no] },
		Number: func(n string) (uint32, bool) { no, ok := byName[n]; return no, ok },
	}
}

// dumpFlows lists the megaflows that want is true for.
func (s *Switch) dumpFlows(o dumpFormat, want func(*dpif.Flow) bool) string {
	var names *flow.PortNames
	if o.names {
		names = s.dpNames()
	}
	now := s.now()
	lines := map[int][]string{}
	s.opt.Datapath.Flows(func(f *dpif.Flow) bool {
		if want != nil && !want(f) {
			return true
		}
		k := upcall.Key(f)
		if o.filter != nil && !o.overlaps(f, &k) {
			return true
		}
		p := int(f.Poller)
		lines[p] = append(lines[p], s.flowLine(o, f, &k, names, now))
		return true
	})
	var pollers []int
	for p := range lines {
		pollers = append(pollers, p)
	}
	sort.Ints(pollers)
	var b strings.Builder
	for _, p := range pollers {
		if want == nil {
			if p == dpif.NonPMD {
				b.WriteString("flow-dump from the main thread:\n")
			} else {
				fmt.Fprintf(&b, "flow-dump from pmd on cpu core: %d\n", p)
			}
		}
		for _, l := range lines[p] {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

func (o *dumpFormat) overlaps(f *dpif.Flow, k *flow.Key) bool {
	m := flow.Match{Key: *k, Mask: *f.Mask}
	m.Normalize()
	return o.filter.Overlaps(&m)
}

// flowLine is one megaflow as dpctl/dump-flows prints it.
func (s *Switch) flowLine(o dumpFormat, f *dpif.Flow, k *flow.Key, names *flow.PortNames, now int64) string {
	var b []byte
	if o.verbose {
		b = fmt.Appendf(b, "ufid:%s", flow.UFID(f.UFID()))
		if !o.bridge {
			b = append(b, ',')
		}
		b = append(b, ' ')
	}
	m := upcall.Mask(f)
	b = flow.AppendODP(b, k, &m, flow.ODPFormat{Verbose: o.verbose, Ports: names})
	st := f.Stats()
	b = fmt.Appendf(b, ", packets:%d, bytes:%d, used:", st.Packets, st.Bytes)
	if st.Used == 0 {
		b = append(b, "never"...)
	} else {
		b = fmt.Appendf(b, "%.3fs", float64(max(now-st.Used, 0))/1000)
	}
	if st.TCPFlags != 0 {
		b = append(b, ", flags:"...)
		b = append(b, tcpFlags(st.TCPFlags)...)
	}
	if o.verbose && !o.bridge {
		b = append(b, ", dp:ovs"...)
	}
	b = append(b, ", actions:"...)
	if l := f.Actions.Load(); l == nil || len(*l) == 0 {
		b = append(b, "drop"...)
	} else {
		b = l.AppendText(b, names)
	}
	if o.verbose && !o.bridge {
		b = fmt.Appendf(b, ", dp-extra-info:%s", miniflowBits(k, &m))
	}
	return string(b)
}

// tcpFlags are TCP flags as dpctl/dump-flows prints them.
func tcpFlags(f uint16) string {
	var b []byte
	for _, x := range []struct {
		bit uint16
		c   byte
	}{{2, 'S'}, {1, 'F'}, {8, 'P'}, {4, 'R'}, {0x20, 'U'}, {0x10, '.'}, {0x40, 'E'}, {0x80, 'C'}, {0x100, 'N'}} {
		if f&x.bit != 0 {
			b = append(b, x.c)
		}
	}
	return string(b)
}

// dpArg checks the optional name of the datapath in args[0] and returns the other arguments. need is how many these are.
func (s *Switch) dpArg(args []string, need int) ([]string, error) {
	if len(args) <= need {
		return args, nil
	}
	if n := args[0]; n != s.opt.DatapathName && n != s.fullName() {
		return nil, errors.New("ovs-vswitchd: datapath not found (Invalid argument)")
	}
	return args[1:], nil
}

// dpctlCommands are the commands on the datapath itself.
func (s *Switch) dpctlCommands() []Command {
	return append(append(s.ctCommands(), s.moreDpctlCommands()...), []Command{
		{"dpctl/dump-dps", "", 0, 0, func([]string) (string, error) { return s.fullName() + "\n", nil }},
		{"dpctl/dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 6, s.cmdDumpFlows},
		{"dpctl/show", "[-s] [dp...]", 0, -1, s.cmdDPCtlShow},
		{"dpctl/del-flows", "[dp] [file]", 0, 2, s.cmdDelFlows},
		{"dpctl/add-flow", "[dp] flow actions", 2, 3, s.cmdAddFlow},
		{"dpctl/mod-flow", "[dp] flow actions", 2, 3, s.cmdAddFlow},
		{"dpctl/del-flow", "[dp] flow", 1, 2, s.cmdDelFlow},
	}...)
}

func (s *Switch) cmdDumpFlows(args []string) (string, error) {
	o, rest, err := dumpOptions(args)
	if err != nil {
		return "", err
	}
	if _, err = s.dpArg(rest, 0); err != nil {
		return "", err
	}
	return s.dumpFlows(o, nil), nil
}

func (s *Switch) cmdDelFlows(args []string) (string, error) {
	if len(args) > 0 && (args[0] == s.opt.DatapathName || args[0] == s.fullName()) {
		args = args[1:]
	}
	if len(args) == 0 {
		s.up.Purge()
		return "", nil
	}
	return s.delFlowsIn(args[0])
}

func (s *Switch) cmdDPCtlShow(args []string) (string, error) {
	stats := false
	var rest []string
	for _, a := range args {
		if a == "-s" || a == "--statistics" {
			stats = true
		} else {
			rest = append(rest, a)
		}
	}
	if _, err := s.dpArg(rest, 0); err != nil {
		return "", fmt.Errorf("ovs-vswitchd: opening datapath %s failed (No such device)", rest[0])
	}
	var b strings.Builder
	st := s.opt.Datapath.Stats()
	fmt.Fprintf(&b, "%s:\n  lookups: hit:%d missed:%d lost:%d\n  flows: %d\n", s.fullName(), st.Hit, st.Missed, st.Lost, st.Flows)
	for _, p := range s.opt.Datapath.Ports() {
		typ := p.Port.Type()
		fmt.Fprintf(&b, "  port %d: %s", p.No, p.Port.Name())
		if typ != "system" && typ != "" {
			fmt.Fprintf(&b, " (%s%s)", typ, portArgs(p.Port))
		}
		b.WriteByte('\n')
		if stats {
			var ps dpif.PortStats
			p.Port.Stats(&ps)
			n := func(v uint64) string {
				if v == ^uint64(0) {
					return "?"
				}
				return fmt.Sprint(v)
			}
			fmt.Fprintf(&b, "    RX packets:%s errors:%s dropped:%s overruns:%s frame:%s\n", n(ps.RxPackets), n(ps.RxErrors), n(ps.RxDropped), n(ps.RxOverErrors), n(ps.RxFrameErrors))
			fmt.Fprintf(&b, "    TX packets:%s errors:%s dropped:%s aborted:%s carrier:%s\n", n(ps.TxPackets), n(ps.TxErrors), n(ps.TxDropped), n(ps.TxAborted), n(ps.TxCarrier))
			fmt.Fprintf(&b, "    collisions:%s\n", n(ps.Collisions))
			fmt.Fprintf(&b, "    RX bytes:%s%s  TX bytes:%s%s\n", n(ps.RxBytes), scaled(ps.RxBytes), n(ps.TxBytes), scaled(ps.TxBytes))
		}
	}
	return b.String(), nil
}

// scaled is a number of bytes in larger units, in parentheses.
func scaled(v uint64) string {
	if v == ^uint64(0) || v < 1024 {
		return ""
	}
	f := float64(v)
	for _, u := range []string{"KiB", "MiB", "GiB"} {
		f /= 1024
		if f < 1024 {
			return fmt.Sprintf(" (%.1f %s)", f, u)
		}
	}
	return fmt.Sprintf(" (%.1f TiB)", f/1024)
}

// portArgs is the configuration of a port as dpctl/show shows it.
func portArgs(p dpif.Device) string {
	if a, ok := p.(interface{ ShowArgs() string }); ok {
		if t := a.ShowArgs(); t != "" {
			return ": " + t
		}
	}
	return ""
}

// parseFlow reads a datapath flow: key and mask.
func (s *Switch) parseFlow(spec string) (flow.Key, flow.Mask, error) {
	of, err := flow.ParseODP(spec, s.dpNames())
	if err != nil {
		return flow.Key{}, flow.Mask{}, fmt.Errorf("ovs-vswitchd: parsing flow key (%v) (Invalid argument)", err)
	}
	m := of.Mask
	m[flow.WInPort] = ^uint64(0)
	clear(m[flow.WMark:])
	return of.Key, m, nil
}

// cmdAddFlow puts a megaflow in the non-PMD poller, or changes its actions. No translation stands behind it: revalidators leave it alone.
func (s *Switch) cmdAddFlow(args []string) (string, error) {
	args, err := s.dpArg(args, 2)
	if err != nil {
		return "", err
	}
	k, m, err := s.parseFlow(args[0])
	if err != nil {
		return "", err
	}
	list, err := actions.Parse(args[1], s.dpNames())
	if err != nil {
		return "", errors.New("ovs-vswitchd: parsing actions (Invalid argument)")
	}
	if err := s.opt.Datapath.FlowPut(dpif.NonPMD, &k, &m, &list); err != nil {
		return "", fmt.Errorf("ovs-vswitchd: updating flow table (%v)", err)
	}
	return "", nil
}

// delFlowsIn takes out the flows that a file lists, one a line. Trouble is told in the answer, which is a success all the same.
func (s *Switch) delFlowsIn(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Sprintf("ovs-vswitchd: Opening file \"%s\" failed (%s)\n", name, strerror.Text(err)), nil
	}
	for i, l := range strings.Split(string(text), "\n") {
		l = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l), "delete "))
		if l == "" || l[0] == '#' {
			continue
		}
		if _, err := s.cmdDelFlow([]string{l}); err != nil {
			return fmt.Sprintf("%s:%d: %v\n", name, i+1, err), nil
		}
	}
	return "", nil
}

// cmdDelFlow takes a megaflow out.
func (s *Switch) cmdDelFlow(args []string) (string, error) {
	args, err := s.dpArg(args, 1)
	if err != nil {
		return "", err
	}
	k, m, err := s.parseFlow(args[0])
	if err != nil {
		return "", err
	}
	var found []*dpif.Flow
	s.opt.Datapath.Flows(func(f *dpif.Flow) bool {
		fk := f.Key()
		same := true
		for i := range fk {
			same = same && (fk[i]^k[i])&f.Mask[i]&m[i] == 0 && f.Mask[i]&^m[i] == 0
		}
		if same {
			found = append(found, f)
		}
		return true
	})
	if len(found) == 0 {
		return "", errors.New("ovs-vswitchd: deleting flow (No such file or directory)\nPerhaps you need to specify a UFID?")
	}
	for _, f := range found {
		done := make(chan struct{})
		s.opt.Datapath.FlowDel(f, func() { close(done) })
		<-done
	}
	return "", nil
}
