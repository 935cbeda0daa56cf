package main

import (
	"os"
	"runtime"
	"testing"
	"time"

	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// TestChurn runs the whole course on our switch, shortly, and checks the answers, not the figures: every packet arrives, at a port
// to which a rule that was in force led it, in order and unchanged, while rules change.
func TestChurn(t *testing.T) {
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
	c := &config{length: time.Second, rate: 0.3, mods: 10_000, doze: 50 * time.Microsecond, sides: []string{string(ovs.Ours)}}
	results, err := c.measureAll()
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	for _, f := range []struct {
		name string
		*figures
	}{{"alone", &r.Alone}, {"churn", &r.Churn}} {
		if f.Sent == 0 || f.AtB == 0 || f.Lost != 0 || f.Misrouted != 0 || f.Disorder != 0 || f.Wrong != 0 {
			t.Errorf("%s: %+v", f.name, *f.figures)
		}
	}
	if r.Mods == 0 || r.Churn.AtD == 0 {
		t.Errorf("no rules were changed: %+v", *r)
	}
}
