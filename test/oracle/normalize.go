package oracle

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// The addresses that dummy devices get by themselves; the scripts give the bridges those that end in 00:00 and 00:01.
	reDummy = regexp.MustCompile(`aa:55:aa:55:00:(0[2-9a-f]|[1-9a-f][0-9a-f])`)

	reUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	rules  = []struct {
		re *regexp.Regexp
		to string
	}{
		{regexp.MustCompile(`duration=[0-9.]+s`), "duration=T"},
		{regexp.MustCompile(`idle_age=[0-9]+`), "idle_age=T"},
		{regexp.MustCompile(` hard_age=[0-9]+,`), ""}, // only there after a second
		{regexp.MustCompile(`used:[0-9.]+s`), "used:T"},
		{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`), "DATE"},
		{regexp.MustCompile(`/tmp/gv[A-Za-z0-9]+`), "DIR"},
		{regexp.MustCompile(`ovs-vswitchd\.[0-9]+\.ctl`), "ovs-vswitchd.PID.ctl"},
		{regexp.MustCompile(`pid [0-9]+`), "pid PID"},
		{regexp.MustCompile(`sec_since_(connect|disconnect)="[0-9]+"`), `sec_since_$1="N"`},
	}
)

// A Normalizer removes from a tool's output what differs from run to run: durations and ages, dates, the switch's
// directory, process numbers, and UUIDs and dummy devices' addresses, which are numbered in the order in which n first
// saw them.
type Normalizer struct {
	uuids, macs map[string]string
}

// Text normalizes one command's output.
func (n *Normalizer) Text(s string) string {
	if n.uuids == nil {
		n.uuids, n.macs = map[string]string{}, map[string]string{}
	}
	for _, r := range rules {
		s = r.re.ReplaceAllString(s, r.to)
	}
	s = reUUID.ReplaceAllStringFunc(s, func(u string) string {
		if u == "00000000-0000-0000-0000-000000000000" {
			return u
		}
		if n.uuids[u] == "" {
			n.uuids[u] = fmt.Sprintf("<uuid%d>", len(n.uuids))
		}
		return n.uuids[u]
	})
	s = reDummy.ReplaceAllStringFunc(s, func(m string) string {
		if n.macs[m] == "" {
			n.macs[m] = fmt.Sprintf("<mac%d>", len(n.macs))
		}
		return n.macs[m]
	})
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.Join(sortBlocks(lines), "\n")
}

// A flow or a port begins a line so, and goes on in lines that are indented deeper.
var reBlock = regexp.MustCompile(`^( *)(cookie=0x|port +[A-Za-z0-9]+: rx )`)

// sortBlocks sorts runs of neighbouring flows and runs of neighbouring ports: OpenFlow leaves their order to the
// switch, and the original's is that of its hash tables.
func sortBlocks(lines []string) []string {
	var out, run []string
	flush := func() {
		slices.Sort(run)
		out = append(out, run...)
		run = nil
	}
	for i := 0; i < len(lines); {
		m := reBlock.FindStringSubmatch(lines[i])
		if m == nil {
			flush()
			out = append(out, lines[i])
			i++
			continue
		}
		j := i + 1
		for j < len(lines) && strings.HasPrefix(lines[j], m[1]+"  ") && !reBlock.MatchString(lines[j]) {
			j++
		}
		run = append(run, strings.Join(lines[i:j], "\n"))
		i = j
	}
	flush()
	return out
}
