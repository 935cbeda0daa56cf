package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// version is that of the JSON's form.
const version = 2

// report is the JSON: the rows that have been measured, each in its latest run. The head is that of the latest run.
type report struct {
	Version   int       `json:"version"`
	Time      string    `json:"time"`
	TscHz     float64   `json:"tsc_hz"`
	HugePages bool      `json:"huge_pages"`
	Runs      int       `json:"runs"`
	Length    float64   `json:"length_s"`
	Seconds   float64   `json:"seconds"`
	Rows      []outcome `json:"rows"`
}

// outcome is a row with all its measurements.
type outcome struct {
	Row     string                       `json:"row"`
	About   string                       `json:"about"`
	Runs    map[string][]result          `json:"runs"`                  // by side: floor, original, ours
	Median  map[string]float64           `json:"median"`                // of cycles
	Ratio   float64                      `json:"ratio"`                 // the original's cycles over ours
	Best    float64                      `json:"best_ratio"`            // the same of each side's best run, which other load disturbs less
	Floor   float64                      `json:"over_floor,omitempty"`  // ours over testpmd's
	OverK   float64                      `json:"over_emc_1k,omitempty"` // ours over ours in the row emc-1k
	Kept    map[string]float64           `json:"kept,omitempty"`        // rows attack and attack-own: the part of the rate that the established flows keep, by side
	Alone   bool                         `json:"alone,omitempty"`       // the sides ran one after another
	Goal    goal                         `json:"goal"`
	Verdict string                       `json:"verdict"`           // aim, pass or MISS, or ERROR, and what else there is to say
	Checked map[string]int               `json:"checked,omitempty"` // frames that left as they have to, by side
	Drops   map[string]map[string]uint64 `json:"drops,omitempty"`   // by side and reason
	Errors  map[string][]string          `json:"errors,omitempty"`  // by side; "bench" is the benchmark itself
}

// fail notes that something is wrong.
func (o *outcome) fail(side string, err error) {
	o.Errors[side] = append(o.Errors[side], err.Error())
}

// compare computes medians and ratios.
func (o *outcome) compare() {
	for side, runs := range o.Runs {
		o.Median[side] = median(runs)
	}
	if o.Median["ours"] == 0 {
		return
	}
	if o.Median["original"] > 0 {
		o.Ratio = o.Median["original"] / o.Median["ours"]
		o.Best = best(o.Runs["original"]) / best(o.Runs["ours"])
	}
	if o.Median["floor"] > 0 {
		o.Floor = o.Median["ours"] / o.Median["floor"]
	}
}

// complain prints what is wrong and what was noted.
func (o *outcome) complain(w io.Writer) {
	for _, side := range slices.Sorted(maps.Keys(o.Errors)) {
		for _, e := range o.Errors[side] {
			fmt.Fprintf(w, "bench: %s, %s: error: %s\n", o.Row, side, e)
		}
	}
	for _, side := range slices.Sorted(maps.Keys(o.Runs)) {
		for i, res := range o.Runs[side] {
			if res.Note != "" {
				fmt.Fprintf(w, "bench: %s, %s, run %d: %s\n", o.Row, side, i+1, res.Note)
			}
		}
	}
}

// merge returns the results with those of the rows of an older report that were not measured now, in the order of the table.
func (rep *report) merge(old *report) *report {
	whole := *rep
	whole.Rows = nil
	for _, r := range rows {
		for _, from := range []*report{rep, old} {
			if from == nil {
				continue
			}
			if i := slices.IndexFunc(from.Rows, func(o outcome) bool { return o.Row == r.name }); i >= 0 {
				whole.Rows = append(whole.Rows, from.Rows[i])
				break
			}
		}
	}
	return &whole
}

// only returns the results of some rows.
func (rep *report) only(chosen []row) *report {
	some := *rep
	some.Rows = slices.DeleteFunc(slices.Clone(rep.Rows), func(o outcome) bool {
		return !slices.ContainsFunc(chosen, func(r row) bool { return r.name == o.Row })
	})
	return &some
}

// judge holds each row against its goals.
func (rep *report) judge() {
	base := 0.0
	for _, o := range rep.Rows {
		if o.Row == "emc-1k" {
			base = o.Median["ours"]
		}
	}
	for i := range rep.Rows {
		o := &rep.Rows[i]
		k := slices.IndexFunc(rows, func(r row) bool { return r.name == o.Row })
		if k < 0 {
			continue
		}
		o.OverK = 0
		if base > 0 && rows[k].half && o.Median["ours"] > 0 {
			o.OverK = o.Median["ours"] / base
		}
		o.Goal = rows[k].goal
		o.Verdict = o.verdict(rows[k])
	}
}

func (o *outcome) verdict(r row) string {
	var v []string
	switch {
	case o.Ratio == 0:
		v = append(v, "-")
	case o.Ratio >= r.goal.Aim:
		v = append(v, "aim")
	case o.Ratio >= r.goal.Least:
		v = append(v, "pass")
	default:
		v = append(v, "MISS")
	}
	if r.floor.Least > 0 && o.Floor > 0 {
		switch {
		case o.Floor <= r.floor.Aim:
			v = append(v, fmt.Sprintf("floor: aim (%.1f)", r.floor.Aim))
		case o.Floor <= r.floor.Least:
			v = append(v, fmt.Sprintf("floor: pass (%.1f)", r.floor.Least))
		default:
			v = append(v, fmt.Sprintf("floor: MISS (%.1f)", r.floor.Least))
		}
	}
	if o.OverK > 0 {
		word := "pass"
		if o.OverK > 2 {
			word = "MISS"
		}
		v = append(v, fmt.Sprintf("%.2f of emc-1k: %s (2.0)", o.OverK, word))
	}
	if o.Kept["ours"] > 0 {
		v = append(v, o.keptText())
	}
	for _, side := range slices.Sorted(maps.Keys(o.Errors)) {
		v = append(v, "ERROR: "+side)
	}
	return strings.Join(v, ", ")
}

// print writes the table.
func (rep *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "row\ttestpmd io\tOVS-DPDK\tgovs\tratio\tof best\tat least\taim\tover floor\tflows: OVS\tgovs\tdropped: OVS\tgovs\tchecked\tverdict\n")
	for _, o := range rep.Rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%.1f\t%s\t%s\t%s\t%s\t%s\t%d/%d\t%s\n", o.Row,
			num(o.Median["floor"]), num(o.Median["original"]), num(o.Median["ours"]), ratio(o.Ratio), ratio(o.Best), o.Goal.Least, o.Goal.Aim, ratio(o.Floor),
			o.flows("original"), o.flows("ours"), o.drops("original"), o.drops("ours"), o.Checked["original"], o.Checked["ours"], o.Verdict)
	}
	w.Flush()
}

// markdown writes the table as docs/performance.md has it.
func (rep *report) markdown(w io.Writer) {
	fmt.Fprint(w, "| row | | testpmd io | OVS-DPDK 3.1 | govs | ratio | at least | aim | govs over the floor | verdict |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, o := range rep.Rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %.1f | %.1f | %s | %s |\n", o.Row, o.About,
			num(o.Median["floor"]), num(o.Median["original"]), num(o.Median["ours"]), ratio(o.Ratio), o.Goal.Least, o.Goal.Aim, ratio(o.Floor), o.Verdict)
	}
}

// flows is the number of megaflows at the end of the last run.
func (o *outcome) flows(side string) string {
	runs := o.Runs[side]
	if len(runs) == 0 {
		return "-"
	}
	return fmt.Sprint(runs[len(runs)-1].Flows)
}

func (o *outcome) drops(side string) string {
	if len(o.Drops[side]) == 0 {
		return "0"
	}
	var v []string
	for _, name := range slices.Sorted(maps.Keys(o.Drops[side])) {
		v = append(v, fmt.Sprintf("%s:%d", name, o.Drops[side][name]))
	}
	return strings.Join(v, ",")
}

// best is the fewest cycles of all runs; 0 without any.
func best(rs []result) float64 {
	if len(rs) == 0 {
		return 0
	}
	return slices.MinFunc(rs, func(a, b result) int { return cmp.Compare(a.Cycles, b.Cycles) }).Cycles
}

func median(rs []result) float64 {
	if len(rs) == 0 {
		return 0
	}
	v := make([]float64, len(rs))
	for i, r := range rs {
		v[i] = r.Cycles
	}
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

func num(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

func ratio(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}
