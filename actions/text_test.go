package actions_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"govs/actions"
)

func goldenLines(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if !strings.HasPrefix(sc.Text(), "#") && sc.Text() != "" {
			out = append(out, sc.Text())
		}
	}
	return out
}

// TestTextLikeOriginal parses and prints actions as the original does.
func TestTextLikeOriginal(t *testing.T) {
	for _, l := range goldenLines(t, "actions.txt") {
		in, want, _ := strings.Cut(l, "\t")
		list, err := actions.Parse(in, nil)
		got := list.String()
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// FuzzParse checks that what Parse accepts is printed in a form that reads back as the same text.
func FuzzParse(f *testing.F) {
	for _, l := range goldenLines(f, "actions.txt") {
		in, _, _ := strings.Cut(l, "\t")
		f.Add(in)
	}
	f.Add("push_mpls(label=60,tc=0,ttl=64,bos=1,eth_type=0x8847)")
	f.Add("pop_mpls(eth_type=0x800),hash(hash_l4(0)),recirc(0x1)")
	f.Add("push_eth(src=00:11:22:33:44:55,dst=00:11:22:33:44:66),pop_eth")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := actions.Parse(s, nil)
		if err != nil {
			return
		}
		text := a.String()
		b, err := actions.Parse(text, nil)
		if err != nil {
			t.Fatalf("%q -> %q: %v", s, text, err)
		}
		if b.String() != text {
			t.Fatalf("%q -> %q -> %q", s, text, b.String())
		}
	})
}
