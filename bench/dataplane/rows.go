package main

import (
	"fmt"
	"slices"
	"strings"

	"govs/test/ovs"
)

// kind says what a row connects.
type kind int

const (
	replay kind = iota // net_pcap0 replays a capture, net_null0 swallows
	guests             // two vhost-user guests: testpmd's flowgen on both ends
	via                // net_pcap0, a vhost-user guest that sends back (testpmd's macswap), net_null0
)

// goal is a bound on a ratio: what a row must reach and what it should.
type goal struct {
	Least float64 `json:"at_least"`
	Aim   float64 `json:"aim"`
}

// A row is one traffic profile and the rules for it.
type row struct {
	name  string
	about string
	kind  kind
	goal  goal // the original's cycles over ours
	floor goal // ours over the floor: at most; zero if the row has no such goal
	half  bool // its cycles are at most twice those of the row emc-1k

	flows  int                                // different flows in the capture
	spread int                                // traffic.c makes so many flows of the capture
	split  int                                // traffic.c cuts longer frames in two segments
	frame  func(flow, int, uint32) []byte     // the frame of the i-th flow that ends in these four bytes; 64 bytes UDP/IPv4 if nil
	outs   int                                // copies of each packet that leave; 1 if zero
	edit   func([]byte) []byte                // what the actions make of a frame; nil: nothing
	rules  func(flows int) []string           // OpenFlow rules
	conf   []string                           // other_config set before the start, beside those of every row
	ready  func(s *subject, out string) error // done when the port that packets leave by is there
	whole  func() [][]byte                    // the capture, in place of each flow's frame
	attack func(*subject) error               // measured again after this, which lets packets make as many masks as they can: see attack.go
	alone  bool                               // sides one after another, each with all its runs: its megaflows must not age while the other is measured
}

// make is the i-th flow's frame.
func (r *row) make(i int, tail uint32) []byte {
	f := flowN(i)
	if r.frame != nil {
		return r.frame(f, i, tail)
	}
	return f.udp(64, tail)
}

const out = "actions=output:2"

func inPort(int) []string { return []string{"in_port=1," + out} }

// perFlow gives each flow its own rule, so that each needs its own megaflow.
func perFlow(n int) []string {
	rules := make([]string, n)
	for i := range rules {
		rules[i] = flowN(i).match() + "," + out
	}
	return rules
}

func perFlow6(n int) []string {
	rules := make([]string, n)
	for i := range rules {
		rules[i] = flowN(i).match6() + "," + out
	}
	return rules
}

func with(actions string) func(int) []string {
	return func(int) []string { return []string{"ip,in_port=1,actions=" + actions} }
}

// shared has one rule for all flows, and with it one megaflow, that reads an address.
func shared(int) []string { return []string{"udp,nw_src=10.0.0.0/8," + out} }

// exact has one rule whose action reads the five-tuple, so that each flow needs its own megaflow.
func exact(int) []string {
	return []string{"udp,in_port=1,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_IP_DST[]->NXM_NX_REG1[]," +
		"move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG2[16..31],output:2"}
}

// subtables gives each of k masks the same share of the flows: the class of a flow, i%k, is its DSCP, and each class has a table of
// its own whose rules read so much of the source MAC beside the five-tuple. So each megaflow has the mask of its class.
func subtables(k int) func(int) []string {
	return func(n int) []string {
		var rules []string
		for m := range k {
			rules = append(rules, fmt.Sprintf("ip,nw_tos=%d,actions=resubmit(,%d)", m<<2, m+1))
		}
		for i := range n {
			f, m := flowN(i), i%k
			mask := uint64(1)<<48 - 1 - (uint64(1)<<(m+1) - 1)
			rules = append(rules, fmt.Sprintf("table=%d,dl_src=%s/%s,%s,%s", m+1, mac(f.smac&mask), mac(mask), f.match(), out))
		}
		return rules
	}
}

// classed are the frames for subtables(k).
func classed(k int) func(flow, int, uint32) []byte {
	return func(f flow, i int, tail uint32) []byte {
		b := f.udp(64, tail)
		b[15] = byte(i%k) << 2
		fix(b)
		return b
	}
}

// arpMix is UDP for every second flow, and ARP requests and replies.
func arpMix(f flow, i int, tail uint32) []byte {
	switch i % 4 {
	case 1:
		return f.arp(1, tail)
	case 3:
		return f.arp(2, tail)
	}
	return f.udp(64, tail)
}

func arpMixRules(n int) []string {
	rules := []string{"arp,arp_op=1," + out, "arp,arp_op=2," + out}
	for i := 0; i < n; i += 2 {
		rules = append(rules, flowN(i).match()+","+out)
	}
	return rules
}

// imix are seven frames of 64 bytes, four of 590 and one of 1514 in twelve, in mixed order.
func imix(f flow, i int, tail uint32) []byte {
	return f.udp([]int{64, 590, 64, 590, 64, 64, 1514, 64, 590, 64, 590, 64}[i%12], tail)
}

// oneInHundred are frames of 64 bytes and, every hundredth, one of 1,400 that comes in two segments.
func oneInHundred(f flow, i int, tail uint32) []byte {
	if i%100 == 50 {
		return f.udp(1400, tail)
	}
	return f.udp(64, tail)
}

func tagged(tags ...uint16) func(flow, int, uint32) []byte {
	return func(f flow, _ int, tail uint32) []byte { return f.udp(64, tail, tags...) }
}

// learn tells NORMAL where the destinations are: 1,000 addresses behind the port that packets leave by.
func learn(s *subject, out string) error {
	for i := range 1000 {
		if _, err := s.ctl.Transact("fdb/add", s.bridge, out, "0", mac(flowN(i).dmac)); err != nil {
			return err
		}
	}
	return nil
}

// raise lets the flow limit start where the configured one is, not at the 10,000 from which it grows by itself.
func raise(s *subject, _ string) error {
	if s.side == string(ovs.Original) || s.side == string(ovs.Ours) {
		_, err := s.ctl.Transact("upcall/set-flow-limit", "2000000")
		return err
	}
	return nil
}

var (
	noEMC   = []string{"emc-insert-inv-prob=0"}
	ownConf = []string{"flow-limit=2000000"}

	common  = goal{1.8, 2.2}
	edits   = goal{1.6, 2.0}
	lookups = goal{1.8, 2.5}
	many    = goal{2.0, 4.0}
	virtual = goal{1.3, 1.6}
)

var rows = []row{
	{name: "in-port", about: "one in_port rule", flows: 1, rules: inPort, goal: common},
	{name: "emc-1", about: "five-tuple rules, defaults, 1 flow", flows: 1, rules: perFlow, goal: common, floor: goal{2.0, 1.5}},
	{name: "emc-1k", about: "five-tuple rules, defaults, 1,000 flows", flows: 1000, rules: perFlow, goal: common},
	{name: "emc-10k", about: "five-tuple rules, defaults, 10,000 flows", flows: 10000, rules: perFlow, goal: goal{2.0, 3.0}},
	{name: "emc-100k", about: "100,000 flows that share a megaflow, defaults", flows: 100000, spread: 100000, rules: shared, goal: many},
	{name: "emc-1m", about: "1,000,000 flows that share a megaflow, defaults", flows: 1000000, spread: 1000000, rules: shared, goal: many, half: true},
	{name: "own-100k", about: "100,000 flows with a megaflow each", flows: 100000, spread: 100000, rules: exact, conf: ownConf, ready: raise, goal: many, alone: true},
	{name: "own-1m", about: "1,000,000 flows with a megaflow each", flows: 1000000, spread: 1000000, rules: exact, conf: ownConf, ready: raise, goal: many, half: true, alone: true},
	{name: "megaflow-1", about: "megaflow only, 1 flow", flows: 1, conf: noEMC, rules: perFlow, goal: lookups},
	{name: "megaflow-1k", about: "megaflow only, 1,000 flows", flows: 1000, conf: noEMC, rules: perFlow, goal: lookups},
	{name: "megaflow-10k", about: "megaflow only, 10,000 flows", flows: 10000, conf: noEMC, rules: perFlow, goal: lookups},
	{name: "megaflow-100k", about: "megaflow only, 100,000 flows that share a megaflow", flows: 100000, spread: 100000, conf: noEMC, rules: shared, goal: lookups},
	{name: "subtables-1", about: "megaflow only, 1 subtable, 1,000 flows", flows: 1000, conf: noEMC, rules: subtables(1), frame: classed(1), goal: lookups},
	{name: "subtables-5", about: "megaflow only, 5 subtables hit evenly, 1,000 flows", flows: 1000, conf: noEMC, rules: subtables(5), frame: classed(5), goal: lookups},
	{name: "subtables-20", about: "megaflow only, 20 subtables hit evenly, 1,000 flows", flows: 1000, conf: noEMC, rules: subtables(20), frame: classed(20), goal: lookups},
	{name: "ipv6-tcp", about: "IPv6/TCP, five-tuple rules, 1,000 flows", flows: 1000, rules: perFlow6, goal: edits,
		frame: func(f flow, _ int, tail uint32) []byte { return f.tcp6(tail) }},
	{name: "qinq-udp", about: "two VLAN tags, UDP, five-tuple rules, 1,000 flows", flows: 1000, rules: perFlow, goal: edits,
		frame: tagged(0x88a8, 5, 0x8100, 6), conf: []string{"vlan-limit=0"}},
	{name: "arp-mix", about: "half ARP requests and replies, half UDP, 1,000 flows", flows: 1000, rules: arpMixRules, frame: arpMix, goal: edits},
	{name: "imix", about: "IMIX: 7 of 64, 4 of 590, 1 of 1,514 bytes, five-tuple rules, 1,000 flows", flows: 1000, rules: perFlow, frame: imix, goal: edits},
	{name: "multiseg", about: "1 % frames of 1,400 bytes in two segments, five-tuple rules, 1,000 flows", flows: 1000, split: 1024, rules: perFlow, frame: oneInHundred, goal: edits},
	{name: "set-mac", about: "set_field on both MACs", flows: 1000, goal: edits, edit: setMACs, rules: with("mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,output:2")},
	{name: "set-ip-port", about: "set_field on IP addresses and ports", flows: 1000, goal: edits, edit: setAddresses, rules: func(int) []string {
		return []string{"udp,in_port=1,actions=mod_nw_src:1.1.1.1,mod_nw_dst:2.2.2.2,mod_tp_src:3,mod_tp_dst:4,output:2"}
	}},
	{name: "push-vlan", about: "push_vlan", flows: 1000, goal: edits, edit: pushTag, rules: with("mod_vlan_vid:7,output:2")},
	{name: "pop-vlan", about: "pop_vlan", flows: 1000, goal: edits, edit: popTag, frame: tagged(0x8100, 5), rules: with("strip_vlan,output:2")},
	{name: "dec-ttl", about: "dec_ttl", flows: 1000, goal: edits, edit: decTTL, rules: with("dec_ttl,output:2")},
	{name: "output-3", about: "output to 3 ports", flows: 1000, goal: edits, outs: 3, rules: with("output:2,output:3,output:4")},
	{name: "normal", about: "NORMAL, 1,000 learned MACs", flows: 1000, goal: common, ready: learn, rules: func(int) []string { return []string{"actions=NORMAL"} }},
	{name: "attack", about: "five-tuple rules, 1,000 flows, beside a port whose packets make 1,024 masks", flows: 1000, attack: (*subject).attack, alone: true,
		goal: goal{1.0, 2.0}, rules: func(n int) []string { return append(perFlow(n), attackRules...) }},
	{name: "attack-own", about: "five-tuple rules, 1,000 flows, and between them on their own port as many packets that make 1,024 masks", flows: 1000,
		whole: mixed, attack: (*subject).attackOwn, alone: true, goal: goal{1.0, 2.0}, rules: mixedRules},
	{name: "vhost", about: "vhost-user to vhost-user, flowgen on both ends", kind: guests, goal: virtual,
		rules: func(int) []string { return []string{"in_port=1,actions=output:2", "in_port=2,actions=output:1"} }},
	{name: "dpdk-vhost-dpdk", about: "dpdk to a vhost-user guest (macswap) and back to dpdk", kind: via, flows: 1000, goal: virtual, edit: swapMACs,
		rules: func(int) []string { return []string{"in_port=1,actions=output:3", "in_port=3,actions=output:2"} }},
}

// choose returns the rows that the -row flag names: a comma-separated list of names or prefixes with "*"; all if it is empty
// or "all". A name that fits no row is an error.
func choose(names string) ([]row, error) {
	if names == "" || names == "all" {
		return slices.Clone(rows), nil
	}
	var chosen []row
	used := map[string]bool{}
	for _, r := range rows {
		take := false
		for _, n := range strings.Split(names, ",") {
			prefix, glob := strings.CutSuffix(n, "*")
			if n == r.name || glob && strings.HasPrefix(r.name, prefix) {
				take, used[n] = true, true
			}
		}
		if take {
			chosen = append(chosen, r)
		}
	}
	for _, n := range strings.Split(names, ",") {
		if !used[n] {
			return nil, fmt.Errorf("no row %q (-list shows them)", n)
		}
	}
	return chosen, nil
}
