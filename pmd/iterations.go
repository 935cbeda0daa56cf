package pmd

import (
	"fmt"
	"math/bits"
	"strings"

	"govs/dpif"
)

// The lengths of all iterations, in cycles, are counted in buckets of which there are lengthSub to each power of two: fine enough
// to compare the tail of the distribution with that of another loop (bench/jitter), and cheap enough to be always on.
const (
	lengthBits = 3
	lengthSub  = 1 << lengthBits
	numLengths = iterBuckets * lengthSub
)

// lengthBucket is where a number of cycles is counted.
func lengthBucket(v uint64) int {
	e := bits.Len64(v|lengthSub) - lengthBits - 1
	return min(e<<lengthBits+int(v>>e), numLengths-1)
}

// lengthOf is the least number of cycles that is counted in a bucket.
func lengthOf(b int) uint64 {
	if b < 2*lengthSub {
		return uint64(b)
	}
	e := b/lengthSub - 1
	return uint64(b%lengthSub+lengthSub) << e
}

// IterationsText is the text of dpif-netdev/pmd-iterations-show: for each PMD, lines of the number of iterations that took so many
// cycles up to so many, since the datapath began. What it did while the Go runtime had stopped (see detach.go) is told first, if it did.
func (d *Datapath) IterationsText(core int) string {
	var b strings.Builder
	for _, p := range d.selected(core) {
		if p.core == dpif.NonPMD {
			continue
		}
		fmt.Fprintf(&b, "%s\n", p.title())
		if n := p.stats.detached.load(); n > 0 {
			fmt.Fprintf(&b, "  detached: %d times, %d cycles\n", n, p.stats.awayCycles.load())
		}
		for i := range p.stats.lengths {
			if n := p.stats.lengths[i].load(); n > 0 {
				fmt.Fprintf(&b, "  %d..%d: %d\n", lengthOf(i), lengthOf(i+1)-1, n)
			}
		}
	}
	return b.String()
}
