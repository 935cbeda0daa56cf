package flow_test

import (
	"bytes"
	"testing"

	"govs/flow"
)

// FuzzParseODP checks that what ParseODP accepts is printed in a form that reads back as the same text.
func FuzzParseODP(f *testing.F) {
	for _, l := range goldenLines(f, "odp.txt") {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := flow.ParseODP(s, nil)
		if err != nil {
			return
		}
		for _, v := range []bool{false, true} {
			text := flow.AppendODP(nil, &a.Key, &a.Mask, flow.ODPFormat{Verbose: v})
			b, err := flow.ParseODP(string(text), nil)
			if err != nil {
				t.Fatalf("%q -> %q: %v", s, text, err)
			}
			if again := flow.AppendODP(nil, &b.Key, &b.Mask, flow.ODPFormat{Verbose: v}); !bytes.Equal(again, text) {
				t.Fatalf("%q -> %q -> %q", s, text, again)
			}
		}
	})
}

// FuzzParseMatch checks that what ParseMatch accepts is printed in a form that reads back as the same match.
func FuzzParseMatch(f *testing.F) {
	for _, l := range goldenLines(f, "match.txt") {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := flow.ParseMatch(s, nil)
		if err != nil {
			return
		}
		text := a.String()
		b, err := flow.ParseMatch(text, nil)
		if err != nil {
			t.Fatalf("%q -> %q: %v", s, text, err)
		}
		if b.String() != text {
			t.Fatalf("%q -> %q -> %q", s, text, b.String())
		}
	})
}
