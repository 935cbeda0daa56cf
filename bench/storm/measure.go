package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"govs/bench/guest"
	"govs/test/ovs"
)

// figures are one phase as the JSON has it. Latencies are in microseconds.
type figures struct {
	Rate      float64           `json:"rate_mpps"` // of the established packets while the generator ran
	Sent      uint64            `json:"sent"`
	Lost      uint64            `json:"lost"`
	Refused   uint64            `json:"refused"` // no room in the sender's ring, whenever
	Apart     uint64            `json:"apart"`   // of those sent, while the poll-mode thread was kept from its processor: not in what follows nor in lost
	ApartLost uint64            `json:"apart_lost"`
	Disorder  uint64            `json:"disorder"`
	Wrong     uint64            `json:"wrong"`
	P50       float64           `json:"p50_us"`
	P99       float64           `json:"p99_us"`
	P999      float64           `json:"p999_us"`
	P9999     float64           `json:"p9999_us"`
	Max       float64           `json:"max_us"`
	Storm     uint64            `json:"storm"` // packets that the switch took from the storm's port
	StormRate float64           `json:"storm_mpps"`
	Few       uint64            `json:"few"`
	FewLost   uint64            `json:"few_lost"`
	Stalls    int               `json:"stalls"` // of the generator
	Stalled   float64           `json:"stalled_share"`
	Disturbed uint64            `json:"disturbed"` // packets without latency
	Counted   map[string]uint64 `json:"counted"`   // by the switch
}

// round is the established flows' traffic without the storm and with it, one after the other.
type round struct {
	Alone     figures `json:"alone"`
	Storm     figures `json:"storm"`
	TailRatio float64 `json:"p999_ratio"`
}

// result is all that was measured of one side. Its round is the one whose TailRatio is the median.
type result struct {
	Side  string  `json:"side"`
	Max   float64 `json:"max_mpps"`
	Limit string  `json:"limit"` // what ends the ramp
	round
	Rounds   []round `json:"rounds"`
	FewAlone figures `json:"few_alone"`
	FewStorm figures `json:"few_storm"`
	FewRatio float64 `json:"few_p99_ratio"`
}

func (c *config) figures(o *outcome, h *guest.Hist, counted map[string]uint64) figures {
	us := func(q float64) float64 { return float64(h.Quantile(q)) / c.hz * 1e6 }
	f := figures{
		Sent: o.sent, Lost: o.lost(), Refused: o.refused, Apart: o.apart, ApartLost: o.apartRefused, Disorder: o.disorder, Wrong: o.wrong,
		P50: us(.5), P99: us(.99), P999: us(.999), P9999: us(.9999), Max: float64(h.Max) / c.hz * 1e6,
		Storm: o.storm, Few: o.few, FewLost: o.few - min(o.few, o.fewBack), Stalls: o.stalls, Disturbed: o.disturbed, Counted: counted,
	}
	if o.active > 0 {
		f.Rate, f.StormRate = float64(o.sent)/o.active/1e6, float64(o.storm)/o.active/1e6
		f.Stalled = o.stalled.Seconds() / (o.active + o.stalled.Seconds())
	}
	return f
}

// measure measures one side.
func (c *config) measure(side ovs.Side) (r *result, err error) {
	s, err := c.start(side)
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	g, err := c.connect(s)
	if err != nil {
		return nil, err
	}
	r = &result{Side: string(side)}
	err = guest.OnThread(func() error { return c.phases(s, g, r) })
	if e := guest.Detach([]uint16{g.a, g.b, g.c, g.d}); err == nil {
		err = e
	}
	if text, e := os.ReadFile(filepath.Join(s.Dir, "ovs-vswitchd.out")); c.verbose && e == nil {
		fmt.Fprintf(os.Stderr, "%s", text)
	}
	if text := s.Crashed(); text != "" && err == nil {
		err = fmt.Errorf("the switch crashed: %s", text)
	}
	return r, err
}

// phases is the whole course, on the generator's thread.
func (c *config) phases(s *ovs.Switch, g guests, r *result) error {
	x := newGenerator(g, c.hz, c.pmd+"/schedstat")
	defer x.close()
	x.warm()
	if r.Max, r.Limit = c.max, "given"; c.max == 0 {
		if err := c.ramp(x, r); err != nil {
			return err
		}
	}
	counted := func(p phase) (o *outcome, n map[string]uint64, err error) {
		before, err := guest.Counters(s, c.pmd)
		if err != nil {
			return nil, nil, err
		}
		o = x.run(p)
		after, err := guest.Counters(s, c.pmd)
		return o, guest.Delta(before, after), err
	}
	short := max(c.length/3, time.Second)
	type step struct {
		into *figures
		phase
	}
	r.Rounds = make([]round, c.rounds)
	var steps []step
	for i := range r.Rounds {
		steps = append(steps, step{&r.Rounds[i].Alone, phase{rate: c.share * r.Max * 1e6, length: c.length}},
			step{&r.Rounds[i].Storm, phase{rate: c.share * r.Max * 1e6, storm: true, length: c.length}})
	}
	for _, p := range append(steps, []step{
		{&r.FewAlone, phase{few: 500, doze: 50 * time.Microsecond, length: short}},
		{&r.FewStorm, phase{few: 500, storm: true, doze: 50 * time.Microsecond, length: short}},
	}...) {
		if p.few > 0 || p.storm {
			// What earlier phases have left would be taken out during this one.
			if _, err := s.Appctl("revalidator/purge"); err != nil {
				return err
			}
		}
		if p.few == 0 {
			x.warm()
		}
		o, n, err := counted(p.phase)
		if err != nil {
			return err
		}
		h := o.latency
		if p.few > 0 {
			h = o.first
		}
		*p.into = c.figures(o, h, n)
		if c.verbose {
			fmt.Fprintf(os.Stderr, "%s: %v %+v\n", r.Side, time.Now(), *p.into)
		}
	}
	sorted := make([]round, 0, c.rounds)
	for i := range r.Rounds {
		x := &r.Rounds[i]
		x.TailRatio = ratio(x.Storm.P999, x.Alone.P999)
		sorted = append(sorted, *x)
	}
	slices.SortFunc(sorted, func(a, b round) int { return cmp.Compare(a.TailRatio, b.TailRatio) })
	r.round = sorted[len(sorted)/2]
	r.FewRatio = ratio(r.FewStorm.P99, r.FewAlone.P99)
	return nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// warm sets up the established flows.
func (x *generator) warm() {
	for range 3 {
		x.run(phase{rate: 100e3, doze: 100 * time.Microsecond, length: 100 * time.Millisecond})
	}
}

// lossless is the share of packets that may be missing at the highest rate.
const lossless = 1e-4

// enough is the share of a rate that the generator must reach.
const enough = 0.97

// ramp finds the highest rate without loss: in steps of a quarter up, then by halves.
func (c *config) ramp(x *generator, r *result) error {
	const step = 150 * time.Millisecond
	lastSent := 0.0
	try := func(rate float64) bool {
		lastSent = 0
		for range 4 { // a moment's disturbance is not the switch's limit
			o := x.run(phase{rate: rate, length: step})
			lastSent = max(lastSent, float64(o.sent)/o.active)
			if float64(o.lost()) <= lossless*float64(o.sent) && lastSent > enough*rate {
				return true
			}
		}
		return false
	}
	low, high := 0.0, 0.5e6
	for ; ; high *= 1.25 {
		if try(high) {
			low = high
			continue
		}
		if r.Limit = "loss"; lastSent < enough*high {
			low, r.Limit = max(low, lastSent), "generator"
		}
		break
	}
	if low == 0 {
		return fmt.Errorf("packets are lost at %.2f Mpps already", high/1e6)
	}
	if r.Limit == "loss" {
		for range 4 {
			mid := (low + high) / 2
			if try(mid) {
				low = mid
			} else {
				high = mid
			}
		}
	}
	r.Max = low / 1e6
	fmt.Fprintf(os.Stderr, "%s: highest rate %.2f Mpps (%s)\n", r.Side, r.Max, r.Limit)
	return nil
}

// losses is which part of the packets was lost in each round.
func (r *result) losses(of func(*round) *figures) string {
	var l []string
	for i := range r.Rounds {
		f := of(&r.Rounds[i])
		l = append(l, fmt.Sprintf("%.0f", ratio(float64(f.Lost), float64(f.Sent-f.Apart))*1e6))
	}
	return strings.Join(l, " ")
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
	line("", func(r *result) string { return r.Side })
	line("highest rate a to b, Mpps", func(r *result) string { return fmt.Sprintf("%.2f (%s)", r.Max, r.Limit) })
	for _, p := range []struct {
		name string
		of   func(r *result) *figures
	}{{"alone", func(r *result) *figures { return &r.Alone }}, {"storm", func(r *result) *figures { return &r.Storm }}} {
		line(p.name+": rate, Mpps", func(r *result) string { return fmt.Sprintf("%.2f", p.of(r).Rate) })
		line(p.name+": lost of sent", func(r *result) string {
			f := p.of(r)
			return fmt.Sprintf("%d of %d (%.4f %%)", f.Lost, f.Sent-f.Apart, ratio(float64(f.Lost), float64(f.Sent-f.Apart))*100)
		})
		line(p.name+": apart, the machine was busy", func(r *result) string {
			return fmt.Sprintf("%d of %d, loop kept waiting %.1f ms", p.of(r).ApartLost, p.of(r).Apart, float64(p.of(r).Counted["pmd_kept_waiting_us"])/1e3)
		})
		line(p.name+": out of order, wrong", func(r *result) string { return fmt.Sprintf("%d, %d", p.of(r).Disorder, p.of(r).Wrong) })
		line(p.name+": latency 50, 99, 99.9, 99.99 %, us", func(r *result) string {
			return fmt.Sprintf("%.0f, %.0f, %.0f, %.0f", p.of(r).P50, p.of(r).P99, p.of(r).P999, p.of(r).P9999)
		})
		line(p.name+": generator away", func(r *result) string {
			return fmt.Sprintf("%.1f %%, %d packets without latency", p.of(r).Stalled*100, p.of(r).Disturbed)
		})
	}
	line("99.9th percentile, storm over alone", func(r *result) string {
		if r.TailRatio == 0 {
			return "not known: no undisturbed millisecond"
		}
		return fmt.Sprintf("%.2f", r.TailRatio)
	})
	line("  in each round", func(r *result) string {
		var l []string
		for _, x := range r.Rounds {
			l = append(l, fmt.Sprintf("%.2f", x.TailRatio))
		}
		return strings.Join(l, " ")
	})
	line("lost in each round, ppm: alone", func(r *result) string { return r.losses(func(x *round) *figures { return &x.Alone }) })
	line("lost in each round, ppm: storm", func(r *result) string { return r.losses(func(x *round) *figures { return &x.Storm }) })
	line("storm: packets taken, Mpps", func(r *result) string { return fmt.Sprintf("%.3f", r.Storm.StormRate) })
	line("storm: megaflows after it", func(r *result) string { return fmt.Sprint(r.Storm.Counted["flows"]) })
	line("first packet alone: 50, 99 %, us; lost", func(r *result) string {
		return fmt.Sprintf("%.0f, %.0f; %d of %d", r.FewAlone.P50, r.FewAlone.P99, r.FewAlone.FewLost, r.FewAlone.Few)
	})
	line("first packet in a storm: 50, 99 %, us; lost", func(r *result) string {
		return fmt.Sprintf("%.0f, %.0f; %d of %d", r.FewStorm.P50, r.FewStorm.P99, r.FewStorm.FewLost, r.FewStorm.Few)
	})
	w.Flush()
	for _, r := range results {
		var parts []string
		for k, v := range r.Storm.Counted {
			if k != "flows" {
				parts = append(parts, fmt.Sprintf("%s %d", k, v))
			}
		}
		slices.Sort(parts)
		fmt.Fprintf(to, "%s counted in the storm: %s\n", r.Side, strings.Join(parts, ", "))
	}
}
