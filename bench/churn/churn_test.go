package main

import (
	"encoding/binary"
	"os"
	"runtime"
	"testing"
	"time"

	"govs/bench/guest"
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

// TestCheck shows the generator packets of each kind that it must tell apart: a flow whose versions 1 and 2 were sent at 100
// and 300, and confirmed at 200 and 400, with 1000 allowed.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name     string
		version  uint32
		port     int
		at, seq  uint64
		spoil    int // byte to be changed, or 0
		expected outcome
	}{
		{"first version", 0, 0, 50, 5, 0, outcome{}},
		{"new before it was confirmed", 1, 1, 150, 5, 0, outcome{}},
		{"old before the new was confirmed", 1, 1, 350, 5, 0, outcome{}},
		{"old within the time allowed", 1, 1, 1400, 5, 0, outcome{old: 1}},
		{"old after it", 1, 1, 1401, 5, 0, outcome{misrouted: 1}},
		{"older still", 0, 0, 1201, 5, 0, outcome{misrouted: 1}},
		{"newest", 2, 0, 9000, 5, 0, outcome{}},
		{"another port than its version's", 2, 1, 450, 5, 0, outcome{misrouted: 1, astray: 1}},
		{"not sent yet", 3, 1, 450, 5, 0, outcome{misrouted: 1, unknown: 1}},
		{"none of ours", 1000, 0, 450, 5, 0, outcome{misrouted: 1, unknown: 1}},
		{"overtaken", 2, 0, 450, 4, 0, outcome{disorder: 1}},
		{"the first again", 2, 0, 450, 3, 0, outcome{disorder: 1}},
		{"other contents", 2, 0, 450, 5, guest.OffPorts, outcome{wrong: 1}},
		{"other contents behind", 2, 0, 450, 5, guest.FrameLen - 1, outcome{wrong: 1}},
	} {
		rules := &changer{}
		rules.versions[7] = make([]version, 10)
		for v, at := range [][2]uint64{{1, 2}, {100, 200}, {300, 400}} {
			rules.versions[7][v].before.Store(at[0])
			rules.versions[7][v].after.Store(at[1])
		}
		x := &generator{rules: rules, within: 1000}
		x.frames[7] = guest.Template(netEstablished, 0xaa)
		guest.SetTuple(x.frames[7], netEstablished, 7)
		x.next[c.port][7] = 5
		b := append([]byte(nil), x.frames[7]...)
		b[offTag], b[offTag+1] = tag0, tag1
		binary.BigEndian.PutUint32(b[offTag+2:], c.version)
		binary.LittleEndian.PutUint64(b[guest.OffSeq:], c.seq)
		binary.LittleEndian.PutUint64(b[guest.OffTime:], c.at)
		if c.spoil != 0 {
			b[c.spoil] ^= 1
		}
		o := &outcome{latency: new(guest.Hist)}
		o.got[c.port] = sampleMask // so that it is compared
		x.check(b, c.port, 10_000, o)
		o.latency, o.got = nil, [2]uint64{}
		if *o != c.expected {
			t.Errorf("%s: %+v, not %+v", c.name, *o, c.expected)
		}
	}
}

// TestForce holds in-force times to their definition.
func TestForce(t *testing.T) {
	x := &changer{}
	x.versions[0] = make([]version, 5)
	for v, at := range [][3]uint64{{1, 2, 250}, {100, 200, 320}, {300, 400, 900}} {
		x.versions[0][v].before.Store(at[0])
		x.versions[0][v].after.Store(at[1])
		x.versions[0][v].last = at[2]
	}
	confirmed, asked, seen := x.force()
	if len(confirmed) != 2 || confirmed[0] != 0 || confirmed[1] != 50 || len(asked) != 2 || asked[0] != 20 || asked[1] != 150 || seen != 2 {
		t.Error(confirmed, asked, seen)
	}
}
