package guest

import (
	"math/rand/v2"
	"testing"

	"govs/packet"
)

// TestFrames holds the generator's packets to what it says of them.
func TestFrames(t *testing.T) {
	seen := map[string]bool{}
	for range 10000 {
		n := rand.Uint64() >> 20
		b := Template(11<<24, 1)
		SetTuple(b, 11<<24, n)
		if packet.Checksum(b[14:34]) != 0 {
			t.Fatalf("frame %d has a wrong checksum", n)
		}
		if key := string(b[OffSrc : OffPorts+4]); seen[key] {
			t.Fatalf("the five-tuple of %d is not new", n)
		} else {
			seen[key] = true
		}
	}
}

func TestHist(t *testing.T) {
	h := new(Hist)
	for v := range uint64(100_000) {
		h.Add(v)
	}
	for _, q := range []float64{.01, .5, .99, .999, 1} {
		if got, want := float64(h.Quantile(q)), q*100_000; got < want*0.96-1 || got > want*1.04+1 {
			t.Errorf("quantile %v is %v", q, got)
		}
	}
}
