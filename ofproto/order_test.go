package ofproto

import (
	"slices"
	"testing"

	"govs/openflow"
)

// TestHashOrder: orders that the original was seen to list ports in.
func TestHashOrder(t *testing.T) {
	for _, want := range [][]openflow.Port{
		{65534, 1, 2}, {10, 65534, 1}, {11, 65534, 2}, {65534, 5, 1, 4, 6, 7, 2, 3}, {65534, 1, 2, 3},
	} {
		made := slices.Clone(want)
		slices.Sort(made)
		made = append([]openflow.Port{65534}, made[:len(made)-1]...)
		if got := hashOrder(made, func(p openflow.Port) openflow.Port { return p }); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", made, got, want)
		}
	}
}
