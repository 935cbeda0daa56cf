package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"govs/test/ovs"
)

// counters are a port's.
type counters struct{ rx, tx, drops uint64 }

// poller are the counters of one poll-mode thread.
type poller struct {
	cycles                                      float64 // processing, in all
	packets, simple, emc, smc, mega, miss, lost float64
}

// snapshot is what the switch says at one time.
type snapshot struct {
	at      time.Time
	ports   map[string]counters // by OpenFlow port number
	pollers map[string]poller   // by the name in pmd-stats-show
}

var (
	rePort  = regexp.MustCompile(`port +"?([^":]+)"?: rx pkts=(\d+), bytes=\d+, drop=(\d+|\?)[^\n]*\n +tx pkts=(\d+), bytes=\d+, drop=(\d+|\?)`)
	reValue = regexp.MustCompile(`^  ([a-z][a-z ]*[a-z]): ([0-9.]+)(?: \(([0-9]+)/([0-9]+)\))?`)
)

func sample(s *ovs.Switch) (snapshot, error) {
	n := snapshot{at: time.Now(), ports: map[string]counters{}, pollers: map[string]poller{}}
	text, err := s.Ofctl("dump-ports", "br0")
	if err != nil {
		return n, err
	}
	for _, m := range rePort.FindAllStringSubmatch(text, -1) {
		if m[1] != "LOCAL" {
			n.ports[m[1]] = counters{rx: number(m[2]), tx: number(m[4]), drops: number(m[3]) + number(m[5])}
		}
	}
	if text, err = s.Appctl("dpif-netdev/pmd-stats-show"); err != nil {
		return n, err
	}
	name := ""
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") {
			name = strings.TrimSuffix(strings.TrimSpace(line), ":")
			continue
		}
		m := reValue.FindStringSubmatch(line)
		if m == nil || !strings.HasPrefix(name, "pmd ") {
			continue
		}
		v, _ := strconv.ParseFloat(m[2], 64)
		p := n.pollers[name]
		switch m[1] {
		case "packets received":
			p.packets = v
		case "simple match hits":
			p.simple = v
		case "emc hits":
			p.emc = v
		case "smc hits":
			p.smc = v
		case "megaflow hits":
			p.mega = v
		case "miss with success upcall":
			p.miss = v
		case "miss with failed upcall":
			p.lost = v
		case "avg processing cycles per packet":
			p.cycles, _ = strconv.ParseFloat(m[3], 64)
		}
		n.pollers[name] = p
	}
	return n, nil
}

func number(s string) uint64 {
	v, _ := strconv.ParseUint(s, 10, 64)
	return v
}

// table shows what happened between two snapshots.
func table(a, b snapshot) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	seconds := b.at.Sub(a.at).Seconds()
	rate := func(x, y uint64) string { return fmt.Sprintf("%.3f", float64(y-x)/seconds/1e6) }
	fmt.Fprintf(w, "%s\treceived M/s\tsent M/s\tdropped M/s\t\n", b.at.Format("15:04:05"))
	for _, name := range sortedKeys(b.ports) {
		p, q := a.ports[name], b.ports[name]
		fmt.Fprintf(w, "port %s\t%s\t%s\t%s\t\n", name, rate(p.rx, q.rx), rate(p.tx, q.tx), rate(p.drops, q.drops))
	}
	w.Flush()
	w = tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\tcycles/packet\tsimple %%\tEMC %%\tSMC %%\tmegaflow %%\tupcall %%\tlost\t\n")
	for _, name := range sortedKeys(b.pollers) {
		p, q := a.pollers[name], b.pollers[name]
		n := q.packets - p.packets
		share := func(x, y float64) string {
			if n <= 0 {
				return "-"
			}
			return fmt.Sprintf("%.1f", (y-x)/n*100)
		}
		cycles := "-"
		if n > 0 {
			cycles = fmt.Sprintf("%.0f", (q.cycles-p.cycles)/n)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t\n", strings.TrimPrefix(name, "pmd thread "), cycles,
			share(p.simple, q.simple), share(p.emc, q.emc), share(p.smc, q.smc), share(p.mega, q.mega), share(p.miss, q.miss), q.lost-p.lost)
	}
	w.Flush()
	out.WriteString("\n")
	return out.String()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
