package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// TestJitter runs the whole course, shortly, and checks that there are answers.
func TestJitter(t *testing.T) {
	if !dpdk.Built {
		t.Skip("built without DPDK")
	}
	if os.Getuid() != 0 || runtime.NumCPU() < 2 {
		t.Skip("needs root and two processors")
	}
	if err := ovs.Available(ovs.Ours); err != nil {
		t.Skip(err)
	}
	c := &config{length: 500 * time.Millisecond, rules: 5000, mods: 1000}
	r, err := c.measure()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []side{r.Poll, r.Plain} {
		if s.Iterations < 1000 || s.P50 <= 0 || s.P9999 < s.P50 || s.Max < s.P9999 {
			t.Errorf("%+v", s)
		}
	}
	if r.FlowMods < 300 || r.RSS == 0 || r.Ratio <= 0 {
		t.Errorf("%+v", r)
	}
}

// TestLoop compares the C loop's buckets with those that the parser expects.
func TestLoop(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/loop.c", loopSource, 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("cc", "-O2", "-o", dir+"/loop", dir+"/loop.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	out, err := exec.Command(dir+"/loop", "2000", "20000000").Output()
	if err != nil {
		t.Fatal(err)
	}
	d := parseLoop(string(out))
	if n := d.total(); n < 100 || n > 10000 {
		t.Errorf("%d iterations of 2000 cycles in 20 million", n)
	}
	if m := d.quantile(0.5); m < 1700 {
		t.Errorf("the median is %d cycles", m)
	}
}

func TestDist(t *testing.T) {
	d := parsePMD("pmd thread numa_id 0 core_id 1:\n  16..17: 90\n  1024..1151: 9\n  4096..4607: 1\n")
	if d.total() != 100 || d.quantile(.5) != 16 || d.quantile(.99) != 1024 || d.quantile(1) != 4096 || d.beyond(1024) != 10 {
		t.Error(d)
	}
	if r := d.minus(parsePMD("  16..17: 90\n  1024..1151: 8\n")); r.total() != 2 || r[1024] != 1 {
		t.Error(r)
	}
	if !strings.Contains(string(loopSource), "SUB_BITS 3") {
		t.Error("loop.c counts in other buckets than pmd/iterations.go")
	}
}
