package main

import (
	"fmt"
	"strings"
)

// A row is one traffic profile and the rules for it.
type row struct {
	name  string
	about string
	flows int      // different flows in the capture
	conf  []string // other_config set before the start, beside those of every row
	vlan  bool     // frames carry a VLAN tag
	vhost bool     // testpmd's flowgen on both ends instead of the capture
	extra bool     // not of the default set: for -row all or its name
	outs  int      // copies of each packet that leave; 1 if zero
	rules func(flows int) []string
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

func with(actions string) func(int) []string {
	return func(int) []string { return []string{"ip,in_port=1,actions=" + actions} }
}

// shared has one rule for all flows, and with it one megaflow, that reads an address.
func shared(int) []string { return []string{"udp,nw_src=10.0.0.0/8," + out} }

// subtables gives each of k masks the same share of the flows; every packet of flow i matches mask i%k only.
func subtables(k int) func(int) []string {
	return func(n int) []string {
		var rules []string
		for i := range n {
			f := flowN(i)
			// The masks differ in how much of the source MAC they read besides the whole five-tuple.
			m := i % k
			mask := uint64(1)<<48 - 1 - (uint64(1)<<(m+1) - 1)
			rules = append(rules, fmt.Sprintf("dl_src=%s/%s,%s,%s", mac(f.smac&mask), mac(mask), f.match(), out))
		}
		return rules
	}
}

func mac(m uint64) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m>>40&255, m>>32&255, m>>24&255, m>>16&255, m>>8&255, m&255)
}

var noEMC = []string{"emc-insert-inv-prob=0"}

var rows = []row{
	{name: "in-port", about: "one in_port rule", flows: 1, rules: inPort},
	{name: "emc-1", about: "five-tuple rules, defaults, 1 flow", flows: 1, rules: perFlow},
	{name: "emc-1k", about: "five-tuple rules, defaults, 1,000 flows", flows: 1000, rules: perFlow},
	{name: "emc-10k", about: "five-tuple rules, defaults, 10,000 flows", flows: 10000, rules: perFlow},
	{name: "megaflow-1", about: "megaflow only, 1 flow", flows: 1, conf: noEMC, rules: perFlow},
	{name: "megaflow-1k", about: "megaflow only, 1,000 flows", flows: 1000, conf: noEMC, rules: perFlow},
	{name: "megaflow-10k", about: "megaflow only, 10,000 flows", flows: 10000, conf: noEMC, rules: perFlow},
	{name: "megaflow-100k", about: "megaflow only, 100,000 flows that share one megaflow", flows: 100000, conf: noEMC, rules: shared},
	{name: "wide-100k", about: "100,000 flows that share one megaflow, defaults", flows: 100000, rules: shared, extra: true},
	{name: "subtables-5", about: "megaflow only, 5 subtables hit evenly, 1,000 flows", flows: 1000, conf: noEMC, rules: subtables(5), extra: true},
	{name: "subtables-20", about: "megaflow only, 20 subtables hit evenly, 1,000 flows", flows: 1000, conf: noEMC, rules: subtables(20), extra: true},
	{name: "normal", about: "NORMAL, 1,000 flows to a learned MAC", flows: 1000, extra: true, rules: func(int) []string { return []string{"actions=NORMAL"} }},
	{name: "set-mac", about: "set_field on both MACs", flows: 1000, extra: true, rules: with("mod_dl_src:00:00:00:00:00:01,mod_dl_dst:00:00:00:00:00:02,output:2")},
	{name: "set-ip-port", about: "set_field on IP addresses and ports", flows: 1000, extra: true, rules: func(int) []string {
		return []string{"udp,in_port=1,actions=mod_nw_src:1.1.1.1,mod_nw_dst:2.2.2.2,mod_tp_src:3,mod_tp_dst:4,output:2"}
	}},
	{name: "push-vlan", about: "push_vlan", flows: 1000, extra: true, rules: with("mod_vlan_vid:7,output:2")},
	{name: "pop-vlan", about: "pop_vlan", flows: 1000, extra: true, vlan: true, rules: with("strip_vlan,output:2")},
	{name: "dec-ttl", about: "dec_ttl", flows: 1000, extra: true, rules: with("dec_ttl,output:2")},
	{name: "output-3", about: "output to 3 ports", flows: 1000, extra: true, outs: 3, rules: with("output:2,output:3,output:4")},
	{name: "vhost", about: "vhost-user to vhost-user, flowgen on both ends", vhost: true,
		rules: func(int) []string { return []string{"in_port=1,actions=output:2", "in_port=2,actions=output:1"} }},
}

// choose returns the rows that the -row flag names: a comma-separated list of names or prefixes with "*", "all", or
// the default set if it is empty.
func choose(names string) ([]row, error) {
	var chosen []row
	for _, r := range rows {
		take := names == "all" || names == "" && !r.extra
		for _, n := range strings.Split(names, ",") {
			prefix, glob := strings.CutSuffix(n, "*")
			take = take || n == r.name || glob && strings.HasPrefix(r.name, prefix)
		}
		if take {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no row %q (-list shows them)", names)
	}
	return chosen, nil
}
