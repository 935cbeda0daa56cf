package actions

import "govs/flow"

// attrSpec says how a Set of one header relates to flow.Key.
type attrSpec struct {
	name   string         // in the text form
	slots  []uint8        // the words of flow.Key that Set.V and Set.M hold, in order
	fields []flow.FieldID // the header's fields in the order of the text
	names  []string       // their names in the text
}

// specs is indexed by Attr. AttrTunnel is not here. It is never written.
var specs = [NumAttrs]attrSpec{
	AttrEth: {"eth", []uint8{flow.WEthDst, flow.WEthSrc},
		[]flow.FieldID{flow.FieldEthSrc, flow.FieldEthDst}, []string{"src", "dst"}},
	AttrIPv4: {"ipv4", []uint8{flow.WIPv4, flow.WL4},
		[]flow.FieldID{flow.FieldNwSrc, flow.FieldNwDst, flow.FieldNwProto, flow.FieldNwTOS, flow.FieldNwTTL, flow.FieldNwFrag},
		[]string{"src", "dst", "proto", "tos", "ttl", "frag"}},
	AttrIPv6: {"ipv6", []uint8{flow.WIPv6Src, flow.WIPv6Src + 1, flow.WIPv6Dst, flow.WIPv6Dst + 1, flow.WIPv6Misc, flow.WL4},
		[]flow.FieldID{flow.FieldIPv6Src, flow.FieldIPv6Dst, flow.FieldIPv6Label, flow.FieldNwProto, flow.FieldNwTOS, flow.FieldNwTTL, flow.FieldNwFrag},
		[]string{"src", "dst", "label", "proto", "tclass", "hlimit", "frag"}},
	AttrTCP:    {"tcp", []uint8{flow.WL4}, []flow.FieldID{flow.FieldTpSrc, flow.FieldTpDst}, []string{"src", "dst"}},
	AttrUDP:    {"udp", []uint8{flow.WL4}, []flow.FieldID{flow.FieldTpSrc, flow.FieldTpDst}, []string{"src", "dst"}},
	AttrSCTP:   {"sctp", []uint8{flow.WL4}, []flow.FieldID{flow.FieldTpSrc, flow.FieldTpDst}, []string{"src", "dst"}},
	AttrICMP:   {"icmp", []uint8{flow.WL4}, []flow.FieldID{flow.FieldTpSrc, flow.FieldTpDst}, []string{"type", "code"}},
	AttrICMPv6: {"icmpv6", []uint8{flow.WL4}, []flow.FieldID{flow.FieldTpSrc, flow.FieldTpDst}, []string{"type", "code"}},
	AttrARP: {"arp", []uint8{flow.WIPv4, flow.WL4, flow.WARPSha, flow.WARPTha},
		[]flow.FieldID{flow.FieldNwSrc, flow.FieldNwDst, flow.FieldNwProto, flow.FieldARPSha, flow.FieldARPTha},
		[]string{"sip", "tip", "op", "sha", "tha"}},
	AttrND: {"nd", []uint8{flow.WNDTarget, flow.WNDTarget + 1, flow.WARPSha, flow.WARPTha},
		[]flow.FieldID{flow.FieldNDTarget, flow.FieldARPSha, flow.FieldARPTha}, []string{"target", "sll", "tll"}},
	AttrNDExt: {"nd_ext", []uint8{flow.WIPv6Misc, flow.WARPSha},
		[]flow.FieldID{flow.FieldNDReserved, flow.FieldNDOptionsType}, []string{"nd_reserved", "nd_options_type"}},
	AttrMPLS:        {"mpls", []uint8{flow.WMPLS}, []flow.FieldID{flow.FieldMPLSLSE0}, []string{"lse"}},
	AttrSkbPriority: {"skb_priority", []uint8{flow.WMark}, []flow.FieldID{flow.FieldSkbPriority}, []string{""}},
	AttrSkbMark:     {"skb_mark", []uint8{flow.WMark}, []flow.FieldID{flow.FieldPktMark}, []string{""}},
	AttrNSH: {"nsh", []uint8{flow.WIPv6Src, flow.WIPv6Src + 1, flow.WIPv6Dst},
		[]flow.FieldID{flow.FieldNSHFlags, flow.FieldNSHTTL, flow.FieldNSHSpi, flow.FieldNSHSi, flow.FieldNSHC1, flow.FieldNSHC2, flow.FieldNSHC3, flow.FieldNSHC4},
		[]string{"flags", "ttl", "spi", "si", "c1", "c2", "c3", "c4"}},
	AttrVLAN: {"vlan", []uint8{flow.WVLAN}, []flow.FieldID{flow.FieldVlanTCI}, []string{"tci"}},
}

// slot returns the index in Set.V of word w of a key.
func (s *attrSpec) slot(w uint8) int {
	for i, x := range s.slots {
		if x == w {
			return i
		}
	}
	return -1
}

// put writes the field's value and mask to a set.
func (s *attrSpec) put(set *Set, id flow.FieldID, v, mask flow.Value) {
	f := id.Info()
	i := s.slot(f.Word)
	if f.Width == 128 {
		set.V[i], set.M[i] = v.Hi&mask.Hi, mask.Hi
		set.V[i+1], set.M[i+1] = v.Lo&mask.Lo, mask.Lo
		return
	}
	set.M[i] |= mask.Lo << f.Shift
	set.V[i] |= v.Lo & mask.Lo << f.Shift
}

// get reads the field's value and mask from a set.
func (s *attrSpec) get(set *Set, id flow.FieldID) (v, mask flow.Value) {
	f := id.Info()
	i := s.slot(f.Word)
	if f.Width == 128 {
		return flow.Value{Hi: set.V[i], Lo: set.V[i+1]}, flow.Value{Hi: set.M[i], Lo: set.M[i+1]}
	}
	all := wide(f)
	return flow.U(set.V[i] >> f.Shift & all.Lo), flow.U(set.M[i] >> f.Shift & all.Lo)
}

// wide returns the field's bits in the datapath's header, which may be more than OpenFlow lets one match (nw_tos has ECN too).
func wide(f *flow.Field) flow.Value {
	switch {
	case f.Width == 128:
		return f.AllOnes()
	case f.ID == flow.FieldNwTOS || f.ID == flow.FieldNwFrag:
		return flow.U(0xff)
	}
	return f.AllOnes()
}

// ApplyKey writes the set's words to a key, as a packet would have it after Apply and a new Extract. For skb_priority and
// skb_mark this is all that the action does.
func (a *Action) ApplyKey(k *flow.Key) {
	if a.Type != TypeSet && a.Type != TypeSetMasked {
		return
	}
	if a.Attr == AttrTunnel {
		copy(k[flow.WTunID:flow.WMetadata], a.Tunnel.Key[flow.WTunID:flow.WMetadata])
		return
	}
	for i, w := range specs[a.Attr].slots {
		k[w] = k[w]&^a.Set.M[i] | a.Set.V[i]&a.Set.M[i]
	}
}
