package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// TestMillion runs the whole course on our switch with fewer flows, shortly, and checks the answers, not the figures: each flow keeps a
// megaflow, a rule that is added comes into force, all megaflows go in the end, and every packet is in a counter.
func TestMillion(t *testing.T) {
	if !dpdk.Built {
		t.Skip("built without DPDK")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if runtime.NumCPU() < 2 {
		t.Skip("needs two processors")
	}
	if err := ovs.Available(ovs.Ours); err != nil {
		t.Skip(err)
	}
	const flows = 20_000
	dir := t.TempDir()
	b := &bench{flows: flows, watch: 3 * time.Second}
	if err := b.run([]string{string(ovs.Ours)}, dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "million.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sides map[ovs.Side]figures `json:"sides"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	f, ok := got.Sides[ovs.Ours]
	if !ok || f.Filled < flows || f.Quiet.Least < flows || f.Changed < 0 || f.Received == 0 || f.Counted == 0 || f.Lost != 0 {
		t.Errorf("%+v", f)
	}
}
