package main

import (
	"os"
	"runtime"
	"testing"
	"time"

	"govs/bench/guest"
	"govs/cgo/dpdk"
	"govs/test/ovs"
)

// TestStorm runs the whole course on our switch, shortly, and checks the answers, not the figures: established packets arrive in
// order and unchanged, also in the storm; the switch counts what it drops of the storm; new flows of another port are set up.
func TestStorm(t *testing.T) {
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
	c := &config{length: 500 * time.Millisecond, rounds: 1, max: 1, share: 0.3, nice: 0, sides: []string{string(ovs.Ours)}}
	results, err := c.measureAll()
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	for _, f := range []struct {
		name string
		*figures
	}{{"alone", &r.Alone}, {"storm", &r.Storm}} {
		if f.Sent == 0 || f.Wrong != 0 || f.Disorder != 0 {
			t.Errorf("%s: %+v", f.name, *f.figures)
		}
		if f.Lost+f.ApartLost > f.Sent/2 {
			t.Errorf("%s: more than half was lost: %+v", f.name, *f.figures)
		}
	}
	if r.Storm.Storm == 0 || r.Storm.Counted["missed"] == 0 {
		t.Errorf("there was no storm: %+v", r.Storm)
	}
	dropped := uint64(0)
	for reason, n := range r.Storm.Counted {
		if reason != "lost" && guest.ReCoverage.MatchString(reason+" 0 total: 0") {
			dropped += n
		}
	}
	if lost := r.Storm.Counted["lost"]; lost > dropped {
		t.Errorf("%d packets of the storm were dropped, %d under a reason: %v", lost, dropped, r.Storm.Counted)
	}
	for _, f := range []*figures{&r.FewAlone, &r.FewStorm} {
		if f.Few == 0 || f.FewLost*10 > f.Few {
			t.Errorf("new flows beside the storm: %+v", *f)
		}
	}
}
