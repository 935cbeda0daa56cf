package main

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
)

// dist is a distribution of cycles: how many iterations were in the bucket that begins with a value.
type dist map[uint64]uint64

// parsePMD reads the text of dpif-netdev/pmd-iterations-show of one PMD.
func parsePMD(text string) dist {
	d := dist{}
	for line := range strings.Lines(text) {
		var low, high, n uint64
		if _, err := fmt.Sscanf(line, " %d..%d: %d", &low, &high, &n); err == nil {
			d[low] += n
		}
	}
	return d
}

// parseLoop reads the output of loop.c.
func parseLoop(text string) dist {
	d := dist{}
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		var low, n uint64
		if _, err := fmt.Sscan(s.Text(), &low, &n); err == nil {
			d[low] += n
		}
	}
	return d
}

// minus is what came to d since before.
func (d dist) minus(before dist) dist {
	r := dist{}
	for low, n := range d {
		if n > before[low] {
			r[low] = n - before[low]
		}
	}
	return r
}

func (d dist) total() (n uint64) {
	for _, v := range d {
		n += v
	}
	return n
}

// quantile is the lower bound of the bucket in which the value lies that a share q of all iterations does not exceed.
func (d dist) quantile(q float64) uint64 {
	lows := make([]uint64, 0, len(d))
	for low := range d {
		lows = append(lows, low)
	}
	slices.Sort(lows)
	want, seen := q*float64(d.total()), uint64(0)
	for _, low := range lows {
		if seen += d[low]; float64(seen) >= want {
			return low
		}
	}
	return 0
}

// beyond is how many iterations took at least so many cycles.
func (d dist) beyond(cycles uint64) (n uint64) {
	for low, v := range d {
		if low >= cycles {
			n += v
		}
	}
	return n
}
