package ofswitch

import (
	"strings"
	"testing"

	"govs/ofproto"
	"govs/openflow"
)

// FuzzTrace gives ofproto/trace arbitrary flows and options: it answers or refuses, and never fails.
func FuzzTrace(f *testing.F) {
	for _, s := range []string{
		"br0 in_port=1,tcp,tp_dst=80", "br0 in_port=1,dl_vlan=5 -generate", "in_port(1),eth(),eth_type(0x0800),ipv4(proto=6),tcp(dst=80)",
		"br0 in_port=2,arp 50540000000a50540000000508060001080006040001", "br0 in_port=1,icmp6,icmp_type=135,nd_target=::1", "ovs-dummy in_port(9)",
		"br9 in_port=1", "br0", "br0 in_port=1 --l7", "br0 in_port=LOCAL,mpls,mpls_label=5", "br0 in_port=4,reg0=5,metadata=7,vlan_tci=0x1005",
	} {
		f.Add(s)
	}
	r := newRig(f)
	b := r.bridge("br0")
	b1 := r.bridge("br1")
	r.port(b, "p1", 1, ofproto.BundleConfig{})
	r.port(b, "p2", 2, ofproto.BundleConfig{Tag: 7})
	r.patch(b, "pa", "pb", 3)
	r.patch(b1, "pb", "pa", 4)
	mod(f, b, openflow.FlowMod{Match: match("tcp"), Priority: 5, Actions: []openflow.Action{
		&openflow.PushVLAN{EthType: 0x8100}, &openflow.DecTTL{IDs: []uint16{0}}, &openflow.Resubmit{InPort: openflow.PortInPort, Table: 1}}})
	mod(f, b, openflow.FlowMod{Table: 1, Priority: 5, Actions: []openflow.Action{
		&openflow.PushMPLS{EthType: 0x8847}, &openflow.Output{Port: openflow.PortAll}, &openflow.PopMPLS{EthType: 0x800}, &openflow.Output{Port: 2}}})
	var commands []ofproto.Command
	for _, c := range r.sw.Commands() {
		if c.Name == "ofproto/trace" || c.Name == "ofproto/trace-packet-out" {
			commands = append(commands, c)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		args := strings.Fields(s)
		for _, c := range commands {
			if len(args) < c.MinArgs {
				continue
			}
			out, err := c.Run(args)
			if (err == nil) == (out == "") {
				t.Errorf("%q: output %q, error %v", args, out, err)
			}
		}
	})
}
