package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
)

// chart draws the results as an SVG picture: a pair of bars for each row, the original's cycles and ours, a mark at the floor, and
// the ratio. The same results give the same bytes. Colours are such as can be read on a white and on a black page.
func chart(rep *report) []byte {
	const (
		left, width, right = 140, 560, 90 // labels, bars, ratios
		top, line, thick   = 66, 34, 11
		text, grid         = "#768390", "#76839055"
		theirs, ours, mark = "#8b949e", "#2f81f7", "#d29922"
	)
	most := 1.0
	var drawn []outcome
	for _, o := range rep.Rows {
		if o.Median["ours"] > 0 {
			drawn = append(drawn, o)
			most = max(most, o.Median["original"], o.Median["ours"])
		}
	}
	// A few rows may be far slower than all others: they run out of the picture at three times the median of the rest.
	scaleTo := math.Ceil(min(most, clip(drawn))/100) * 100
	x := func(v float64) float64 { return math.Round(min(v, scaleTo)/scaleTo*width*10) / 10 }
	height := top + line*len(drawn) + 28

	var b bytes.Buffer
	pf := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	words := func(s string) string {
		var e bytes.Buffer
		xml.EscapeText(&e, []byte(s))
		return e.String()
	}
	pf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" role="img">`,
		left+width+right, height, left+width+right, height)
	pf(`<title>Cycles per packet of OVS-DPDK 3.1 and govs</title>`)
	pf(`<text x="8" y="20" fill="%s" font-size="15" font-weight="600">Cycles per packet, one core: fewer is better</text>`, text)
	for i, l := range []struct{ name, fill string }{{"OVS-DPDK 3.1", theirs}, {"govs", ours}, {"testpmd io, the floor", mark}} {
		pf(`<rect x="%d" y="31" width="12" height="12" fill="%s"/>`, left+i*150, l.fill)
		pf(`<text x="%d" y="42" fill="%s">%s</text>`, left+i*150+18, text, l.name)
	}
	for v := 0.0; v <= scaleTo; v += scaleTo / 4 {
		pf(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>`, left+x(v), top-8, left+x(v), height-24, grid)
		pf(`<text x="%.1f" y="%d" fill="%s" text-anchor="middle" font-size="10">%.0f</text>`, left+x(v), height-10, text, v)
	}
	for i, o := range drawn {
		y := top + i*line
		pf(`<text x="%d" y="%d" fill="%s" text-anchor="end"><title>%s</title>%s</text>`, left-10, y+15, text, words(o.About), words(o.Row))
		bar := func(y int, v float64, fill string) {
			if v <= 0 {
				return
			}
			pf(`<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, y, x(v), thick, fill)
			at, anchor, colour, more := left+x(v)+4, "start", text, ""
			if v > scaleTo*0.93 {
				at, anchor, colour = left+x(v)-4, "end", "#ffffff"
			}
			if v > scaleTo {
				more = " »"
			}
			pf(`<text x="%.1f" y="%d" fill="%s" text-anchor="%s" font-size="10">%.0f%s</text>`, at, y+thick-2, colour, anchor, v, more)
		}
		bar(y, o.Median["original"], theirs)
		bar(y+thick+1, o.Median["ours"], ours)
		if f := o.Median["floor"]; f > 0 {
			pf(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-width="2"/>`, left+x(f), y-1, left+x(f), y+2*thick+2, mark)
		}
		if o.Ratio > 0 {
			pf(`<text x="%d" y="%d" fill="%s" font-weight="600">%.1f×</text>`, left+width+20, y+16, text, o.Ratio)
		}
	}
	pf(`</svg>`)
	return b.Bytes()
}

// clip is where the scale ends at the latest.
func clip(drawn []outcome) float64 {
	var rs []result
	for _, o := range drawn {
		rs = append(rs, result{Cycles: max(o.Median["original"], o.Median["ours"])})
	}
	if len(rs) == 0 {
		return math.Inf(1)
	}
	return 3 * median(rs)
}
