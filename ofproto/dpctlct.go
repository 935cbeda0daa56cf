package ofproto

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ctCommands are the dpctl commands that look at connections. No action makes connections here yet (xlate.Supported), so the table that they
// speak of is empty; the commands that set its limits are not there.
func (s *Switch) ctCommands() []Command {
	return []Command{
		{"dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, s.cmdDumpConntrack},
		{"dpctl/flush-conntrack", "[dp] [zone=N] [ct-orig-tuple] [ct-reply-tuple]", 0, 4, s.cmdFlushConntrack},
		{"dpctl/ct-stats-show", "[dp] [zone=N]", 0, 3, s.ctTotals("Connections Stats:\n    Total: 0\n", "zone=", "verbose")},
		{"dpctl/ct-bkts", "[dp] [gt=N]", 0, 2, s.ctTotals("Total Buckets: 1\nCurrent Connections: 0\n\n", "gt=")},
		{"dpctl/ct-get-nconns", "[dp]", 0, 1, s.ctTotals("0\n")},
	}
}

// ctArgs checks arguments of which at most one is not among the options: the datapath. An option that ends in "=" has a number.
func (s *Switch) ctArgs(args []string, options ...string) error {
	var rest []string
next:
	for _, a := range args {
		for _, o := range options {
			if a == o && !strings.HasSuffix(o, "=") {
				continue next
			}
			if n, ok := strings.CutPrefix(a, o); ok && strings.HasSuffix(o, "=") {
				if _, err := strconv.ParseUint(n, 0, 32); err == nil {
					continue next
				}
			}
		}
		rest = append(rest, a)
	}
	_, err := s.dpArg(rest, 0)
	return err
}

func (s *Switch) cmdDumpConntrack(args []string) (string, error) {
	return "", s.ctArgs(args, "zone=", "-m", "--more", "-s", "--statistics")
}

// ctTotals returns a command that answers text.
func (s *Switch) ctTotals(text string, options ...string) func([]string) (string, error) {
	return func(args []string) (string, error) {
		if err := s.ctArgs(args, options...); err != nil {
			return "", err
		}
		return text, nil
	}
}

// cmdFlushConntrack checks its arguments; there is nothing to flush. A connection that is given by all of its fields is missed.
func (s *Switch) cmdFlushConntrack(args []string) (string, error) {
	if len(args) > 1 && (args[0] == s.opt.DatapathName || args[0] == s.fullName()) {
		args = args[1:]
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "zone=") {
		if _, err := strconv.ParseUint(args[0][len("zone="):], 10, 32); err != nil {
			return "", errors.New("ovs-vswitchd: failed to parse zone (Invalid argument)")
		}
		args = args[1:]
	}
	found := false
	for i, a := range args {
		whole, err := ctTuple(a)
		if err != nil {
			return "", fmt.Errorf("ovs-vswitchd: %w (Invalid argument)", err)
		}
		found = found || i == 0 && whole
	}
	if found && len(args) == 1 {
		return "", errors.New("ovs-vswitchd: failed to flush conntrack (No such file or directory)")
	}
	return "", nil
}

// ctTuple checks the text of a connection's tuple, and says whether it has all the fields of one.
func ctTuple(text string) (whole bool, err error) {
	var family netip.Addr
	proto, port := uint64(0), false
	set := map[string]bool{}
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, value, _ := strings.Cut(f, "=")
		if value == "" {
			return false, fmt.Errorf("field %s missing value", name)
		}
		bad := fmt.Errorf("failed to parse field %s", name)
		number := func(bits int) (uint64, error) {
			n, err := strconv.ParseUint(value, 10, bits)
			if err != nil {
				return 0, bad
			}
			return n, nil
		}
		switch name {
		case "ct_nw_src", "ct_nw_dst", "ct_ipv6_src", "ct_ipv6_dst":
			a, err := netip.ParseAddr(value)
			if err != nil || a.Zone() != "" {
				return false, bad
			}
			if family.IsValid() && family.Is4() != a.Is4() {
				return false, fmt.Errorf("the L3 protocol does not match %s", value)
			}
			family = a
		case "ct_nw_proto":
			if proto, err = number(8); err != nil {
				return false, err
			}
		case "ct_tp_src", "ct_tp_dst":
			if proto == 0 && !strings.Contains(text, "ct_nw_proto=") {
				return false, errors.New("port is set without protocol")
			}
			if _, err = number(16); err != nil {
				return false, err
			}
			port = true
		case "icmp_type", "icmp_code":
			if _, err = number(8); err != nil {
				return false, err
			}
		case "icmp_id":
			if _, err = number(16); err != nil {
				return false, err
			}
		default:
			return false, fmt.Errorf("invalid conntrack tuple field: %s", name)
		}
		set[strings.Replace(name, "ipv6", "nw", 1)] = true
	}
	whole = set["ct_nw_src"] && set["ct_nw_dst"] && set["ct_nw_proto"]
	if port {
		return whole && set["ct_tp_src"] && set["ct_tp_dst"], nil
	}
	return whole && set["icmp_type"] && set["icmp_code"] && set["icmp_id"], nil
}
