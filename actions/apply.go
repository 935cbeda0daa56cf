package actions

import (
	"govs/flow"
	"govs/packet"
)

// Apply executes an edit (see IsEdit) on one packet and keeps l up to date. It is false if the packet has no headroom for the
// header to push; then it is unchanged and should be dropped. A header that the packet does not have is not edited.
func (a *Action) Apply(p *packet.Buf, l *flow.Layers) bool {
	one := [1]*packet.Buf{p}
	ls := [1]flow.Layers{*l}
	failed := a.ApplyBatch(one[:], ls[:])
	*l = ls[0]
	return failed == 0
}

// ApplyBatch executes an edit (see IsEdit) on up to 32 packets; ls[i] are the headers of ps[i] and are kept up to date. It
// returns a one bit for each packet that has no headroom for the header to push: it is unchanged and should be dropped.
// Checksums are updated incrementally (RFC 1624), so that wrong ones stay wrong. Packets must be owned by the caller; headers
// are looked for in their first segments.
func (a *Action) ApplyBatch(ps []*packet.Buf, ls []flow.Layers) (failed uint32) {
	switch a.Type {
	case TypeSet, TypeSetMasked:
		a.Set.apply(a.Attr, ps, ls)
	case TypePushVLAN:
		return pushVLAN(a.Arg, ps, ls)
	case TypePopVLAN:
		popVLAN(ps, ls)
	case TypePushMPLS:
		return pushMPLS(a.Arg, uint16(a.Arg2), ps, ls)
	case TypePopMPLS:
		popMPLS(uint16(a.Arg2), ps, ls)
	case TypePushEth:
		return pushEth(a.Set, uint16(a.Arg2), ps, ls)
	case TypePopEth:
		popEth(ps, ls)
	}
	return failed
}

// Apply executes the edits of list on one packet up to the first action that is no edit, and returns the number of
// actions done. ok is false if an edit failed.
func (list List) Apply(p *packet.Buf, l *flow.Layers) (n int, ok bool) {
	for i := range list {
		if !list[i].IsEdit() {
			return i, true
		}
		if !list[i].Apply(p, l) {
			return i, false
		}
	}
	return len(list), true
}

func (s *Set) apply(attr Attr, ps []*packet.Buf, ls []flow.Layers) {
	switch attr {
	case AttrEth:
		for _, p := range ps {
			s.eth(p)
		}
	case AttrIPv4:
		for i, p := range ps {
			s.ipv4(p, &ls[i])
		}
	case AttrIPv6:
		for i, p := range ps {
			s.ipv6(p, &ls[i])
		}
	case AttrTCP:
		for i, p := range ps {
			s.ports(p, &ls[i], packet.TCPCsum, packet.TCPHdrLen, false)
		}
	case AttrUDP:
		for i, p := range ps {
			s.ports(p, &ls[i], packet.UDPCsum, packet.UDPHdrLen, true)
		}
	case AttrSCTP:
		for i, p := range ps {
			s.sctp(p, &ls[i])
		}
	case AttrICMP, AttrICMPv6:
		for i, p := range ps {
			s.icmp(p, &ls[i])
		}
	case AttrARP:
		for i, p := range ps {
			s.arp(p, &ls[i])
		}
	case AttrND:
		for i, p := range ps {
			s.nd(p, &ls[i])
		}
	case AttrNDExt:
		for i, p := range ps {
			s.ndExt(p, &ls[i])
		}
	case AttrMPLS:
		for i, p := range ps {
			s.mpls(p, &ls[i])
		}
	case AttrNSH:
		for i, p := range ps {
			s.nsh(p, &ls[i])
		}
	case AttrVLAN:
		for _, p := range ps {
			s.vlan(p)
		}
	}
}
