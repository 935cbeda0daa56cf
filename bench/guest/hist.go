package guest

import "math/bits"

// Hist is a log-linear histogram: 32 buckets to each power of two, so that a value is known to 3 %.
type Hist struct {
	n   [64 * sub]uint64
	sum uint64
	Max uint64
}

const (
	subBits = 5
	sub     = 1 << subBits
)

func bucket(v uint64) int {
	if v < sub {
		return int(v)
	}
	e := bits.Len64(v) - subBits - 1
	return (e+1)*sub + int(v>>e) - sub
}

// low is the smallest value of a bucket.
func low(b int) uint64 {
	if b < sub {
		return uint64(b)
	}
	e := b/sub - 1
	return uint64(b%sub+sub) << e
}

// Add counts a value.
func (h *Hist) Add(v uint64) {
	h.n[bucket(v)]++
	h.sum++
	h.Max = max(h.Max, v)
}

// Quantile is the value that a share q of all values does not exceed, or 0 of none.
func (h *Hist) Quantile(q float64) uint64 {
	if h.sum == 0 {
		return 0
	}
	want := uint64(q * float64(h.sum))
	seen := uint64(0)
	for b, n := range h.n {
		if seen += n; seen > want || seen == h.sum {
			return min(low(b+1), h.Max)
		}
	}
	return h.Max
}

// Count is how many values there are.
func (h *Hist) Count() uint64 { return h.sum }
