package dpdk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBuildArgs(t *testing.T) {
	huge := Hugepages{FreeMB: 4096}
	for _, c := range []struct {
		name  string
		other map[string]string
		cpus  []int
		huge  Hugepages
		want  string
		warns int
	}{
		// These are the words of Open vSwitch 3.1's "EAL ARGS" for the same settings, but for the program's name.
		{"all", map[string]string{"dpdk-lcore-mask": "0x1", "dpdk-hugepage-dir": "/dev/hugepages", "dpdk-socket-limit": "512", "dpdk-socket-mem": "256",
			"dpdk-extra": "--no-pci --file-prefix h3"}, []int{0}, huge,
			"ovs-vswitchd --no-pci --file-prefix h3 -c 0x1 --huge-dir /dev/hugepages --socket-limit 512 --socket-mem 256 --in-memory", 0},
		{"both", map[string]string{"dpdk-alloc-mem": "256", "dpdk-socket-mem": "128", "dpdk-extra": "--no-pci --file-prefix h3"}, []int{0}, huge,
			"ovs-vswitchd --no-pci --file-prefix h3 --socket-mem 128 --in-memory -l 0", 1},
		{"extra wins", map[string]string{"dpdk-alloc-mem": "256", "dpdk-extra": "--no-pci --file-prefix h3 -l 1 -m 64"}, []int{0}, huge,
			"ovs-vswitchd --no-pci --file-prefix h3 -l 1 -m 64 --in-memory", 1},
		{"lcores", map[string]string{"dpdk-lcore-mask": "0x1", "dpdk-extra": "--lcores 0@1"}, []int{0}, huge,
			"ovs-vswitchd --lcores 0@1 -c 0x1 --in-memory", 0},
		{"in memory already", map[string]string{"dpdk-extra": "--in-memory -m 512"}, []int{0}, huge, "ovs-vswitchd --in-memory -m 512 -l 0", 0},
		// What follows is ours.
		{"defaults", nil, []int{2, 3}, huge, "ovs-vswitchd --in-memory -l 2", 0},
		{"far cpu", nil, []int{200}, huge, "ovs-vswitchd --in-memory --lcores 0@200", 0},
		{"quoted", map[string]string{"dpdk-extra": "--file-prefix 'a b'"}, []int{0}, huge, "ovs-vswitchd --file-prefix a b --in-memory -l 0", 0},
		{"no pages", map[string]string{"dpdk-extra": "--no-pci --in-memory"}, []int{0}, Hugepages{},
			"ovs-vswitchd --no-pci -l 0 --no-huge -m 1024", 1},
		{"too few pages", map[string]string{"dpdk-socket-mem": "512,512", "dpdk-hugepage-dir": "/h"}, []int{0}, Hugepages{FreeMB: 1000},
			"ovs-vswitchd -l 0 --no-huge -m 1024", 1},
		{"few pages in extra", map[string]string{"dpdk-extra": "-m 200 --file-prefix=x"}, []int{0}, Hugepages{FreeMB: 100},
			"ovs-vswitchd --file-prefix=x -l 0 --no-huge -m 200", 1},
		{"asked for none", map[string]string{"dpdk-extra": "--no-huge"}, []int{0}, Hugepages{}, "ovs-vswitchd --no-huge -l 0", 0},
	} {
		args, warns := BuildArgs(ArgsConfig{Program: "ovs-vswitchd", OtherConfig: c.other, CPUs: c.cpus, Huge: c.huge})
		if got := strings.Join(args, " "); got != c.want || len(warns) != c.warns {
			t.Errorf("%s: %s %q\nwant %s and %d warnings", c.name, got, warns, c.want, c.warns)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for s, want := range map[string][]string{
		"": nil, "  ": nil, " a  b\tc ": {"a", "b", "c"}, `'a b' "c d"e`: {"a b", "c de"}, `a\ b "c\"d" 'e\'`: {"a b", `c"d`, `e\`},
		`""`: {""}, `"open`: {"open"},
	} {
		if got := SplitWords(s); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	f.Add(`--a 'b c' "d\"e" \`)
	f.Fuzz(func(t *testing.T, s string) {
		var quoted []string
		for _, w := range SplitWords(s) {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		if again := SplitWords(strings.Join(quoted, " ")); !slices.Equal(again, SplitWords(s)) {
			t.Fatalf("%q: %q", SplitWords(s), again)
		}
	})
}

func TestProbeHugepages(t *testing.T) {
	dir := t.TempDir()
	for size, n := range map[string]string{"hugepages-2048kB": "10\n", "hugepages-1048576kB": "1\n", "hugepages-xkB": "1"} {
		_ = os.Mkdir(filepath.Join(dir, size), 0o755)
		_ = os.WriteFile(filepath.Join(dir, size, "free_hugepages"), []byte(n), 0o644)
	}
	if got := probeHugepages(dir); got != (Hugepages{1044}) {
		t.Fatal(got)
	}
	if got := probeHugepages(filepath.Join(dir, "none")); got != (Hugepages{}) {
		t.Fatal(got)
	}
}
