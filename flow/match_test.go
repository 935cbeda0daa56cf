package flow_test

import (
	"strings"
	"testing"

	"govs/flow"
)

// TestMatchLikeOriginal parses and prints matches and errors as the original does.
func TestMatchLikeOriginal(t *testing.T) {
	for _, l := range goldenLines(t, "match_original.txt") {
		in, want, _ := strings.Cut(l, "\t")
		m, err := flow.ParseMatch(in, nil)
		got := m.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// TestParseFlowLikeOriginal parses and prints the flows of ofproto/trace as the original does.
func TestParseFlowLikeOriginal(t *testing.T) {
	for _, l := range goldenLines(t, "flow.txt") {
		in, want, _ := strings.Cut(l, "\t")
		k, err := flow.ParseFlow(in, dummyPorts)
		got := k.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}
