package main

import (
	"bytes"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	keys "govs/flow"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		names string
		want  []string // nil: an error
	}{
		{"emc-1k", []string{"emc-1k"}},
		{"own-*", []string{"own-100k", "own-1m"}},
		{"vhost,in-port", []string{"in-port", "vhost"}}, // in the order of the table
		{"emc-1k,emc-1k", []string{"emc-1k"}},
		{"emc-2k", nil},
		{"emc-1k,nothing", nil},
		{"zz*", nil},
	} {
		got, err := choose(c.names)
		var names []string
		for _, r := range got {
			names = append(names, r.name)
		}
		if (err != nil) != (c.want == nil) || !slices.Equal(names, c.want) {
			t.Errorf("choose(%q) = %q, %v; want %q", c.names, names, err, c.want)
		}
	}
	for _, all := range []string{"", "all"} {
		if got, err := choose(all); err != nil || len(got) != len(rows) {
			t.Errorf("choose(%q): %d rows, %v", all, len(got), err)
		}
	}
}

// Each row has a name of its own, goals, rules, and what the harness needs to know.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] || r.name == "" || r.about == "" || strings.ContainsAny(r.name, ",* ") {
			t.Errorf("row %q: %q", r.name, r.about)
		}
		seen[r.name] = true
		if r.goal.Least < 1 || r.goal.Aim <= r.goal.Least {
			t.Errorf("%s: goal %v", r.name, r.goal)
		}
		if len(r.rules(max(1, min(r.flows, 1000)))) == 0 {
			t.Errorf("%s: no rules", r.name)
		}
		if r.kind != guests && r.flows == 0 {
			t.Errorf("%s: no flows", r.name)
		}
		if r.spread > 0 && r.spread%7919 == 0 {
			t.Errorf("%s: the generator's steps would not visit every flow", r.name)
		}
	}
	if !seen["emc-1k"] {
		t.Error("no row emc-1k, which others are compared with")
	}
}

// What a capture file holds is what the row says: so many flows for our own Extract, with right checksums, and each equally often.
func TestCapture(t *testing.T) {
	dir := t.TempDir()
	for _, r := range rows {
		if r.kind == guests {
			continue
		}
		path, err := capture(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		frames, err := readPcap(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := r.flows
		if r.spread > 0 {
			want = 4096
		}
		count := map[keys.Key]int{}
		for i, b := range frames {
			var k keys.Key
			keys.ExtractBytes(b, 1, 2, &k)
			count[k]++
			if c := slices.Clone(b); true {
				fix(c)
				if !bytes.Equal(b, c) {
					t.Fatalf("%s: frame %d has wrong checksums: %x", r.name, i, b)
				}
			}
			if len(b) < 60 || len(b) > 1518 {
				t.Fatalf("%s: frame %d has %d bytes", r.name, i, len(b))
			}
		}
		if r.whole != nil {
			continue // of several kinds: TestMixed
		}
		if len(count) != want {
			t.Errorf("%s: %d different flows, want %d", r.name, len(count), want)
		}
		for _, n := range count {
			if n != len(frames)/want {
				t.Errorf("%s: a flow has %d of %d frames, want %d", r.name, n, len(frames), len(frames)/want)
				break
			}
		}
		again, err := capture(dir, r)
		if err != nil || again != path {
			t.Errorf("%s: the second capture: %s, %v", r.name, again, err)
		}
	}
}

// A million flows are a million for Extract, too.
func TestFlowsDiffer(t *testing.T) {
	seen := map[[2]uint64]int{}
	for i := range 1000000 {
		f := flowN(i)
		k := [2]uint64{uint64(f.src)<<32 | uint64(f.dst), uint64(f.sport)<<16 | uint64(f.dport)}
		if j, ok := seen[k]; ok {
			t.Fatalf("flows %d and %d are the same: %+v", j, i, f)
		}
		seen[k] = i
	}
}

// What Extract reads of a frame is what the flow is.
func TestFrames(t *testing.T) {
	f := flowN(70001)
	extract := func(b []byte) (k keys.Key) {
		keys.ExtractBytes(b, 1, 2, &k)
		return k
	}
	addresses := uint64(f.src)<<32 | uint64(f.dst)
	ports := uint64(f.sport)<<16 | uint64(f.dport)
	for name, b := range map[string][]byte{"plain": f.udp(64, 7), "qinq": f.udp(64, 7, 0x88a8, 5, 0x8100, 6), "long": f.udp(1514, 7)} {
		k := extract(b)
		if k[keys.WIPv4] != addresses || k[keys.WL4]&0xffffffff != ports || k[keys.WL4]>>56 != 17 || k[keys.WEthDst]>>16 != f.dmac || k[keys.WEthSrc]>>16 != f.smac {
			t.Errorf("%s: key %x", name, k[:keys.LenBase])
		}
	}
	if k := extract(f.udp(64, 7, 0x88a8, 5, 0x8100, 6)); k[keys.WVLAN] != 0x88a8_1005_8100_1006 {
		t.Errorf("tags %x", k[keys.WVLAN])
	}
	k := extract(f.tcp6(7))
	if k[keys.WIPv6Src] != 0x20010db800000000 || k[keys.WIPv6Src+1] != uint64(f.src) || k[keys.WIPv6Dst+1] != uint64(f.dst) || k[keys.WL4]&0xffffffff != ports || k[keys.WL4]>>56 != 6 {
		t.Errorf("tcp6: key %x", k[:keys.LenIPv6])
	}
	for op := byte(1); op <= 2; op++ {
		k := extract(f.arp(op, 7))
		if k[keys.WIPv4] != addresses || k[keys.WL4]>>56 != uint64(op) || k[keys.WARPSha]>>16 != f.smac {
			t.Errorf("arp: key %x", k[:keys.LenARP])
		}
	}
	for i := range 20 {
		if k := extract(classed(20)(f, i, 7)); k[keys.WL4]>>48&0xff != uint64(i<<2) {
			t.Errorf("class %d: TOS %x", i, k[keys.WL4]>>48&0xff)
		}
	}
}

// The model of the actions: a frame that they make is right, and is the change that they are said to make.
func TestEdits(t *testing.T) {
	f := flowN(3)
	plain := func() []byte { return f.udp(64, 9) }
	if b := popTag(pushTag(plain())); !bytes.Equal(b, plain()) {
		t.Errorf("pushed and popped: %x", b)
	}
	if b := pushTag(plain()); !bytes.Equal(b[12:18], []byte{0x81, 0, 0, 7, 8, 0}) {
		t.Errorf("pushed: %x", b)
	}
	if b := swapMACs(swapMACs(plain())); !bytes.Equal(b, plain()) {
		t.Errorf("swapped twice: %x", b)
	}
	if b := setMACs(plain()); !bytes.Equal(b[:12], []byte{0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1}) || !bytes.Equal(b[12:], plain()[12:]) {
		t.Errorf("set_field: %x", b)
	}
	b := decTTL(plain())
	if b[22] != 63 || sum(0, b[14:34]) != 0xffff {
		t.Errorf("dec_ttl: %x", b)
	}
	b = setAddresses(plain())
	if !bytes.Equal(b[26:38], []byte{1, 1, 1, 1, 2, 2, 2, 2, 0, 3, 0, 4}) || sum(0, b[14:34]) != 0xffff {
		t.Errorf("set_field: %x", b)
	}
	if s := sum(17+uint32(len(b)-34)+uint32(sum(0, b[26:34])), b[34:]); s != 0xffff {
		t.Errorf("UDP checksum: sum %x", s)
	}
}

// The check of what leaves accepts what is right and nothing else.
func TestCompare(t *testing.T) {
	chosen, err := choose("dec-ttl")
	if err != nil {
		t.Fatal(err)
	}
	r := chosen[0]
	_, wants := r.sampleFrames()
	right := func() [][]byte {
		var got [][]byte
		for _, w := range wants {
			got = append(got, slices.Clone(w.out))
		}
		return got
	}
	if err := r.compare(right(), wants); err != nil {
		t.Errorf("right frames: %v", err)
	}
	swapped := right()
	swapped[0], swapped[1] = swapped[1], swapped[0] // of two flows: no order between them
	if err := r.compare(swapped, wants); err != nil {
		t.Errorf("flows in another order: %v", err)
	}
	for name, spoil := range map[string]func([][]byte) [][]byte{
		"a bit":            func(g [][]byte) [][]byte { g[17][30] ^= 1; return g },
		"a byte more":      func(g [][]byte) [][]byte { g[17] = append([]byte{0}, g[17]...); return g },
		"one missing":      func(g [][]byte) [][]byte { return g[:len(g)-1] },
		"one twice":        func(g [][]byte) [][]byte { return append(g, g[5]) },
		"order":            func(g [][]byte) [][]byte { g[3], g[3+512] = g[3+512], g[3]; return g },
		"unknown":          func(g [][]byte) [][]byte { be.PutUint32(g[0][60:], 99999); return g },
		"short":            func(g [][]byte) [][]byte { g[0] = g[0][:10]; return g },
		"the frame as was": func(g [][]byte) [][]byte { g[9] = r.make(wants[9].flow, 9); return g },
	} {
		if err := r.compare(spoil(right()), wants); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzReadPcap(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	if err := writePcap(path, [][]byte{flowN(1).udp(64, 1), flowN(2).tcp6(2), {}}); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:24])
	f.Add(seed[:30])
	f.Add([]byte("not a capture"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
		if err := os.WriteFile(in, b, 0o644); err != nil {
			t.Fatal(err)
		}
		frames, err := readPcap(in, 0)
		if err != nil {
			return
		}
		if err := writePcap(out, frames); err != nil {
			t.Fatal(err)
		}
		again, err := readPcap(out, 0)
		if err != nil || !slices.EqualFunc(frames, again, bytes.Equal) {
			t.Fatalf("%d frames, written and read again %d: %v", len(frames), len(again), err)
		}
	})
}

// The capture of the row attack-own is by turns of the 1,000 established flows, each equally often, and of attackers that differ from
// both addresses that are looked for in each pair of first bits.
func TestMixed(t *testing.T) {
	flows, masks := map[string]int{}, map[[2]int]bool{}
	for i, b := range mixed() {
		if i%2 == 0 {
			if b[15] != 0 {
				t.Fatalf("frame %d: TOS %d", i, b[15])
			}
			flows[string(b[26:38])]++
			continue
		}
		if b[15] != attackTOS {
			t.Fatalf("frame %d: TOS %d", i, b[15])
		}
		masks[[2]int{bits.LeadingZeros32(be.Uint32(b[26:]) ^ (10<<24 | 1)), bits.LeadingZeros32(be.Uint32(b[30:]) ^ (11<<24 | 1))}] = true
	}
	for f, n := range flows {
		if n != 8 {
			t.Errorf("flow %x has %d frames", f, n)
		}
	}
	if len(flows) != 1000 || len(masks) != 1024 {
		t.Errorf("%d flows, %d masks", len(flows), len(masks))
	}
}
