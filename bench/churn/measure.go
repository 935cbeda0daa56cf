package main

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"govs/bench/guest"
	"govs/test/ovs"
)

// figures are one phase as the JSON has it. Latencies are in microseconds.
type figures struct {
	Rate      float64           `json:"rate_mpps"`
	Sent      uint64            `json:"sent"`
	Refused   uint64            `json:"refused"`
	RingFull  uint64            `json:"ring_full"`
	AtB       uint64            `json:"at_b"`
	AtD       uint64            `json:"at_d"`
	Lost      int64             `json:"lost"` // less than 0: more came than was sent
	Misrouted uint64            `json:"misrouted"`
	Unknown   uint64            `json:"misrouted_unknown_version"`
	Astray    uint64            `json:"misrouted_wrong_port"`
	Old       uint64            `json:"old_version"` // within the time allowed
	Disorder  uint64            `json:"disorder"`
	Wrong     uint64            `json:"wrong"`
	P50       float64           `json:"p50_us"`
	P99       float64           `json:"p99_us"`
	P999      float64           `json:"p999_us"`
	Disturbed uint64            `json:"disturbed"` // packets without latency
	Stalled   float64           `json:"stalled_s"` // the generator
	Counted   map[string]uint64 `json:"counted"`   // by the switch
}

// force are in-force times in milliseconds.
type force struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// result is all that was measured of one side.
type result struct {
	Side      string  `json:"side"`
	Mods      float64 `json:"flow_mods_per_s"`
	Redirects int     `json:"redirects"`
	Seen      int     `json:"redirects_seen"` // those whose version forwarded a packet
	TripP50   float64 `json:"barrier_p50_us"`
	TripP99   float64 `json:"barrier_p99_us"`
	Alone     figures `json:"alone"`
	Churn     figures `json:"churn"`
	Confirmed force   `json:"in_force_after_barrier_reply"`
	Asked     force   `json:"in_force_after_flow_mod_sent"`
}

const settle = 1500 * time.Millisecond // traffic after the last change: longer than one may take

// measure measures one side.
func (c *config) measure(side ovs.Side) (r *result, err error) {
	s, err := guest.Start(side)
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	ports, err := guest.Connect(s, c.pool, []int{portA, portB, portD}, ringSize)
	if err == nil {
		c.pmd, err = guest.Priorities(s, c.nice)
	}
	if err == nil {
		r = &result{Side: string(side)}
		err = guest.OnThread(func() error { return c.phases(s, ports, r) })
	}
	if e := guest.Detach(ports); err == nil {
		err = e
	}
	if text := s.Crashed(); text != "" && err == nil {
		err = fmt.Errorf("the switch crashed: %s", text)
	}
	return r, err
}

// phases is the whole course, on the generator's thread.
func (c *config) phases(s *ovs.Switch, ports []uint16, r *result) error {
	rules, err := newChanger(filepath.Join(s.Dir, "br0.mgmt"), c.mods, c.length, c.hz, c.nice)
	if err != nil {
		return err
	}
	defer rules.c.close()
	x := newGenerator(c.pool, ports, rules, c.doze)
	defer x.close()
	for range 3 {
		x.run(100e3, 100*time.Millisecond) // sets up the flows
	}
	counted := func(into *figures, f func() *outcome) error {
		before, err := c.counters(s)
		if err != nil {
			return err
		}
		o := f()
		after, err := c.counters(s)
		*into = c.figures(o, guest.Delta(before, after))
		return err
	}
	if err := counted(&r.Alone, func() *outcome { return x.run(c.rate*1e6, max(c.length/3, time.Second)) }); err != nil {
		return err
	}
	done := make(chan error, 1)
	err = counted(&r.Churn, func() *outcome {
		go func() { done <- rules.run(c.length) }()
		o := x.run(c.rate*1e6, c.length)
		err = <-done
		// Another second and a half, for what the last changes have left.
		o.add(x.run(c.rate*1e6, settle))
		return o
	})
	if err != nil {
		return err
	}
	r.Mods = float64(rules.others+rules.moves) / rules.took
	r.TripP50, r.TripP99 = float64(rules.trips.Quantile(.5))/c.hz*1e6, float64(rules.trips.Quantile(.99))/c.hz*1e6
	confirmed, asked, seen := rules.force()
	if r.Redirects, r.Seen = len(confirmed), seen; r.Seen < r.Redirects/2 || r.Seen == 0 {
		// Everything else would say little: packets and changes did not meet.
		return fmt.Errorf("only %d of %d versions of rules forwarded a packet", r.Seen, r.Redirects)
	}
	r.Confirmed, r.Asked = c.force(confirmed), c.force(asked)
	return nil
}

func (c *config) force(sorted []uint64) force {
	ms := func(q float64) float64 { return float64(sorted[int(q*float64(len(sorted)-1))]) / c.hz * 1e3 }
	return force{ms(.5), ms(.99), ms(1)}
}

const fullRing = "tx_dropped_" // with the OpenFlow port

var rePorts = regexp.MustCompile(`port +"?(\w+)"?: rx pkts=\d+, bytes=\d+, drop=(\d+|\?).*\n +tx pkts=\d+, bytes=\d+, drop=(\d+|\?)`)

// counters reads what the switch counts, and what its ports had to drop.
func (c *config) counters(s *ovs.Switch) (map[string]uint64, error) {
	n, err := guest.Counters(s, c.pmd)
	if err != nil {
		return nil, err
	}
	text, err := s.Ofctl("dump-ports", "br0")
	if err != nil {
		return nil, err
	}
	for _, m := range rePorts.FindAllStringSubmatch(text, -1) {
		n["rx_dropped_"+m[1]], _ = strconv.ParseUint(m[2], 10, 64)
		n[fullRing+m[1]], _ = strconv.ParseUint(m[3], 10, 64)
	}
	for _, no := range []int{portB, portD} {
		if _, ok := n[fullRing+strconv.Itoa(no)]; !ok {
			return nil, fmt.Errorf("no statistics of port %d in %q", no, text)
		}
	}
	return n, nil
}

func (c *config) figures(o *outcome, counted map[string]uint64) figures {
	us := func(q float64) float64 { return float64(o.latency.Quantile(q)) / c.hz * 1e6 }
	f := figures{
		Sent: o.sent, Refused: o.refused, AtB: o.got[0], AtD: o.got[1], RingFull: counted[fullRing+strconv.Itoa(portB)] + counted[fullRing+strconv.Itoa(portD)],
		Misrouted: o.misrouted, Unknown: o.unknown, Astray: o.astray, Old: o.old, Disorder: o.disorder, Wrong: o.wrong,
		P50: us(.5), P99: us(.99), P999: us(.999), Disturbed: o.disturbed, Stalled: o.stalled, Counted: counted,
	}
	f.Lost = int64(f.Sent) - int64(f.Refused+f.RingFull+f.AtB+f.AtD)
	if o.active > 0 {
		f.Rate = float64(o.latency.Count()+o.disturbed) / o.active / 1e6
	}
	return f
}

// printTable prints the sides beside each other.
func printTable(to io.Writer, results []*result) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(name string, f func(r *result) string) {
		cells := []string{name}
		for _, r := range results {
			cells = append(cells, f(r))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	times := func(f force) string { return fmt.Sprintf("%.1f, %.1f, %.1f", f.P50, f.P99, f.Max) }
	line("", func(r *result) string { return r.Side })
	line("flow_mods a second", func(r *result) string { return fmt.Sprintf("%.0f", r.Mods) })
	line("50 flow_mods to the barrier's reply: 50, 99 %, us", func(r *result) string { return fmt.Sprintf("%.0f, %.0f", r.TripP50, r.TripP99) })
	line("redirects of a flow, seen by packets", func(r *result) string { return fmt.Sprintf("%d, %d", r.Redirects, r.Seen) })
	for _, p := range []struct {
		name string
		of   func(r *result) *figures
	}{{"alone", func(r *result) *figures { return &r.Alone }}, {"churn", func(r *result) *figures { return &r.Churn }}} {
		row := func(name string, f func(f *figures) string) {
			line(p.name+": "+name, func(r *result) string { return f(p.of(r)) })
		}
		row("packets sent", func(f *figures) string { return fmt.Sprintf("%d (%.2f Mpps)", f.Sent, f.Rate) })
		row("received at b, d", func(f *figures) string { return fmt.Sprintf("%d, %d", f.AtB, f.AtD) })
		row("lost", func(f *figures) string { return fmt.Sprint(f.Lost) })
		row("refused, receiver's ring full", func(f *figures) string { return fmt.Sprintf("%d, %d", f.Refused, f.RingFull) })
		row("misrouted (unknown version, wrong port)", func(f *figures) string { return fmt.Sprintf("%d (%d, %d)", f.Misrouted, f.Unknown, f.Astray) })
		row("by a replaced version, within 1 s", func(f *figures) string { return fmt.Sprint(f.Old) })
		row("out of order, wrong contents", func(f *figures) string { return fmt.Sprintf("%d, %d", f.Disorder, f.Wrong) })
		row("latency 50, 99, 99.9 %, us", func(f *figures) string { return fmt.Sprintf("%.0f, %.0f, %.0f", f.P50, f.P99, f.P999) })
		row("generator away, s; packets without latency", func(f *figures) string { return fmt.Sprintf("%.2f; %d", f.Stalled, f.Disturbed) })
	}
	line("in force after the barrier's reply: 50, 99, 100 %, ms", func(r *result) string { return times(r.Confirmed) })
	line("in force after the flow_mod was sent: 50, 99, 100 %, ms", func(r *result) string { return times(r.Asked) })
	w.Flush()
	for _, r := range results {
		var parts []string
		for k, v := range r.Churn.Counted {
			if k != "flows" {
				parts = append(parts, fmt.Sprintf("%s %d", k, v))
			}
		}
		slices.Sort(parts)
		fmt.Fprintf(to, "%s counted: %s\n", r.Side, strings.Join(parts, ", "))
	}
}
