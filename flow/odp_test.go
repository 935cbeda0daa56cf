package flow_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"govs/flow"
)

// goldenLines returns the lines of a file in testdata that are not comments.
func goldenLines(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if !strings.HasPrefix(sc.Text(), "#") && sc.Text() != "" {
			out = append(out, sc.Text())
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// dummyPorts are the ports of the dummy switch that made the golden files.
var dummyPorts = &flow.PortNames{
	Name: func(p uint32) string {
		switch p {
		case 1, 2, 3:
			return "p" + string(rune('0'+p))
		}
		return ""
	},
	Number: func(n string) (uint32, bool) {
		if len(n) == 2 && n[0] == 'p' && n[1] >= '1' && n[1] <= '3' {
			return uint32(n[1] - '0'), true
		}
		return 0, false
	},
}

// TestODPLikeOriginal reads the original's verbose dump and prints it again, in both forms.
func TestODPLikeOriginal(t *testing.T) {
	lines := goldenLines(t, "odp.txt")
	for i := 0; i+1 < len(lines); i += 2 {
		f, err := flow.ParseODP(lines[i], dummyPorts)
		if err != nil || !f.HasUFID {
			t.Errorf("%s: %v", lines[i], err)
			continue
		}
		got := "ufid:" + f.UFID.String() + ", " + string(flow.AppendODP(nil, &f.Key, &f.Mask, flow.ODPFormat{Verbose: true, Ports: dummyPorts}))
		if got != lines[i] {
			t.Errorf("verbose\n got %s\nwant %s", got, lines[i])
		}
		if got := string(flow.AppendODP(nil, &f.Key, &f.Mask, flow.ODPFormat{})); got != lines[i+1] {
			t.Errorf("short\n got %s\nwant %s", got, lines[i+1])
		}
		short, err := flow.ParseODP(lines[i+1], nil)
		if err != nil {
			t.Errorf("%s: %v", lines[i+1], err)
		} else if got := string(flow.AppendODP(nil, &short.Key, &short.Mask, flow.ODPFormat{})); got != lines[i+1] {
			t.Errorf("short again\n got %s\nwant %s", got, lines[i+1])
		}
	}
}
