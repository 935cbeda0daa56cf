package actions

import (
	"testing"

	"govs/flow"
)

// TestShift compares shift with moving each offset by itself.
func TestShift(t *testing.T) {
	offsets := []uint16{0, 14, 18, 34, 1000, 0x7ffe, 0x7fff, 0x8000, 0xff00, flow.NoLayer}
	for _, n := range []int{4, -4, 14, -14, 50} {
		for i := range len(offsets) * len(offsets) * len(offsets) {
			l := flow.Layers{L25: offsets[i%10], L3: offsets[i/10%10], L4: offsets[i/100], Payload: offsets[(i+i/10)%10]}
			want := l
			for _, o := range []*uint16{&want.L25, &want.L3, &want.L4, &want.Payload} {
				if *o != flow.NoLayer {
					*o += uint16(n)
				}
			}
			got := l
			if shift(&got, n); got != want {
				t.Fatalf("%v by %d: %v, want %v", l, n, got, want)
			}
		}
	}
}
