package actions

import (
	"govs/flow"
	"govs/packet"
)

// Commit appends to list the actions that turn a packet whose key is base into one whose key is now, and makes base equal to
// now in all that they change. Both keys are whole. Translation calls it before each output.
//
// mask is the megaflow's mask so far. It must already have every bit that translation wrote to now, even where the value did not
// change, as well as those that it read; Commit sets only fields that changed, in the bits that mask has, and adds to mask what
// the chosen actions depend on. slow holds Slow… bits if a datapath cannot be relied on to have these actions (SlowAction for
// ARP, ICMP and neighbour discovery headers).
//
// The arguments of set actions come from sets, unless it is nil.
func Commit(base, now *flow.Key, mask *flow.Mask, list List, sets *Sets) (_ List, slow uint32) {
	c := committer{base: base, now: now, mask: mask, list: list, sets: sets}
	c.encap()
	if now.PacketType() == 0 {
		c.set(AttrEth, true)
	}
	mplsDone := false
	if isMPLS(base.EthType()) && !isMPLS(now.EthType()) {
		c.mpls() // before what lies inside the label stack
		mplsDone = true
	}
	c.network()
	c.ports()
	c.icmp()
	if !mplsDone {
		c.mpls()
	}
	c.vlans()
	c.set(AttrSkbPriority, true)
	c.set(AttrSkbMark, true)
	return c.list, c.slow
}

// CommitTunnel appends the set(tunnel()) action if the tunnel words of now differ from base's, and makes base equal there.
func CommitTunnel(base, now *flow.Key, list List) List {
	b, n := base[flow.WTunID:flow.WMetadata], now[flow.WTunID:flow.WMetadata]
	same := true
	for i := range n {
		same = same && b[i] == n[i]
	}
	if same || now.TunDst() == 0 && now.TunIPv6Dst().IsZero() {
		return list
	}
	t := &Tunnel{}
	copy(t.Key[flow.WTunID:flow.WMetadata], n)
	copy(b, n)
	return append(list, Action{Type: TypeSet, Attr: AttrTunnel, Tunnel: t})
}

// Sets remembers what was set of late, so that what is set by many lists is made once. The zero Sets is empty. One goroutine uses it;
// the Sets that it gives out are shared and must not be changed.
type Sets struct {
	recent [1 << 8]*Set // by hash
}

// of returns a lasting copy of set.
func (s *Sets) of(set *Set) *Set {
	h := uint64(0)
	for i := range set.V {
		h = (h ^ set.V[i]) * 0x9e3779b97f4a7c15
		h = (h ^ h>>31 ^ set.M[i]) * 0xbf58476d1ce4e5b9
	}
	var none *Set
	p := &none
	if s != nil {
		p = &s.recent[h>>56]
	}
	if *p == nil || **p != *set {
		c := *set
		*p = &c
	}
	return *p
}

type committer struct {
	sets      *Sets
	base, now *flow.Key
	mask      *flow.Mask
	list      List
	slow      uint32
}

func isMPLS(t uint16) bool { return t == packet.EtherTypeMPLS || t == packet.EtherTypeMPLSM }

func isIP(t uint16) bool { return t == packet.EtherTypeIPv4 || t == packet.EtherTypeIPv6 }

// set appends a set of the header's fields that changed and reports whether there are any. If masked is false all fields of the
// header are set, and matched.
func (c *committer) set(attr Attr, masked bool) bool {
	s := &specs[attr]
	var set Set
	changed, exact := false, true
	for _, id := range s.fields {
		if !writable(attr, id) {
			exact = false
			continue
		}
		f := id.Info()
		v, old := c.now.Get(id), c.base.Get(id)
		if v == old {
			exact = false
			continue
		}
		changed = true
		m := c.mask.Get(id).And(wide(f)).Or(v.Xor(old))
		if m != wide(f) {
			exact = false
		}
		s.put(&set, id, v, m)
		c.mask.Set(id, c.mask.Get(id).Or(m))
		c.base.Set(id, v)
	}
	if !changed {
		return false
	}
	t := TypeSetMasked
	if exact || !masked {
		t = TypeSet
	}
	if !exact && !masked {
		set = Set{}
		for _, id := range s.fields {
			all := wide(id.Info())
			s.put(&set, id, c.now.Get(id), all)
			c.mask.Set(id, c.mask.Get(id).Or(all))
		}
	}
	c.list = append(c.list, Action{Type: t, Attr: attr, Set: c.sets.of(&set)})
	return true
}

// writable reports whether a set of the header can change the field.
func writable(attr Attr, id flow.FieldID) bool {
	return !(id == flow.FieldNwFrag || id == flow.FieldNwProto && attr != AttrARP)
}

// encap pushes or pops the Ethernet header when the packet type changed.
func (c *committer) encap() {
	from, to := c.base.PacketType(), c.now.PacketType()
	switch {
	case from == to:
		return
	case to == 0: // to Ethernet
		set := &Set{}
		set.V[0], set.M[0] = c.now.EthDst()<<16, (1<<48-1)<<16
		set.V[1], set.M[1] = c.now.EthSrc()<<16, (1<<48-1)<<16
		c.list = append(c.list, Action{Type: TypePushEth, Set: set, Arg2: from & 0xffff})
		c.base.SetEthDst(c.now.EthDst())
		c.base.SetEthSrc(c.now.EthSrc())
	case from == 0:
		c.popVLANs()
		c.list = append(c.list, Action{Type: TypePopEth})
	}
	c.base.SetPacketType(to)
	c.base.SetEthType(c.now.EthType())
}

func (c *committer) popVLANs() {
	for c.base.VlanTCI()&flow.VLANPresent != 0 {
		c.popVLAN()
	}
}

// popVLAN pops the outer tag. If it is one of the packet's own, and not one that was pushed before, it is matched.
func (c *committer) popVLAN() {
	pushed, popped := 0, 0
	for i := range c.list {
		switch {
		case c.list[i].Type == TypePushVLAN:
			pushed++
		case c.list[i].Type == TypePopVLAN && pushed > 0:
			pushed--
		case c.list[i].Type == TypePopVLAN:
			popped++
		}
	}
	if pushed == 0 && popped < flow.MaxVLANs {
		c.mask[flow.WVLAN] |= 0xffffffff << (32 - 32*popped)
	}
	c.list = append(c.list, PopVLAN())
	c.base[flow.WVLAN] <<= 32
}

func (c *committer) network() {
	if c.now.NwProto() == 0 && c.mask.NwProto() == 0xff {
		return // no network header, or a malformed one; where the mask does not tell, such a packet has nothing to be set
	}
	switch c.base.EthType() {
	case packet.EtherTypeIPv4:
		c.set(AttrIPv4, true)
	case packet.EtherTypeIPv6:
		c.set(AttrIPv6, true)
		if isND(c.now) {
			if c.set(AttrND, true) {
				c.slow |= SlowAction
			}
			if c.set(AttrNDExt, true) {
				c.slow |= SlowAction
			}
		}
	case packet.EtherTypeARP:
		if c.set(AttrARP, true) {
			c.slow |= SlowAction
		}
	}
}

// isND reports whether k is of a neighbour solicitation or advertisement.
func isND(k *flow.Key) bool {
	return k.EthType() == packet.EtherTypeIPv6 && k.NwProto() == packet.ProtoICMPv6 && k.TpDst() == 0 &&
		(k.TpSrc() == packet.ND_NS || k.TpSrc() == packet.ND_NA)
}

func (c *committer) ports() {
	if !isIP(c.base.EthType()) || c.base.NwFrag()&flow.FragLater != 0 {
		return
	}
	switch c.now.NwProto() {
	case packet.ProtoTCP:
		c.set(AttrTCP, true)
	case packet.ProtoUDP:
		c.set(AttrUDP, true)
	case packet.ProtoSCTP:
		c.set(AttrSCTP, true)
	}
}

func (c *committer) icmp() {
	attr := AttrNone
	switch {
	case c.base.EthType() == packet.EtherTypeIPv4 && c.now.NwProto() == packet.ProtoICMP:
		attr = AttrICMP
	case c.base.EthType() == packet.EtherTypeIPv6 && c.now.NwProto() == packet.ProtoICMPv6:
		attr = AttrICMPv6
	default:
		return
	}
	if c.set(attr, false) {
		c.slow |= SlowAction
		// Types and codes have 8 bits; that the others are zero need not be matched.
		c.mask.SetTpSrc(c.mask.TpSrc() & 0xff)
		c.mask.SetTpDst(c.mask.TpDst() & 0xff)
	}
}

// lse returns label stack entry i of the key, 0 the outermost.
func lse(k *flow.Key, i int) uint32 { return uint32(k[flow.WMPLS+i/2] >> (32 - 32*(i%2))) }

func setLSE(k *flow.Key, i int, v uint32) {
	s := 32 - 32*(i%2)
	k[flow.WMPLS+i/2] = k[flow.WMPLS+i/2]&^(0xffffffff<<s) | uint64(v)<<s
}

// labels returns how many label stack entries the key knows: up to the bottom of the stack or, where no bottom is known, those that are
// not zero.
func labels(k *flow.Key) int {
	if !isMPLS(k.EthType()) {
		return 0
	}
	n := 0
	for i := 0; i < flow.MaxMPLS; i++ {
		e := lse(k, i)
		if e&packet.MPLSBoS != 0 {
			return i + 1
		}
		if e != 0 {
			n++
		}
	}
	return n
}

// mpls pops the label stack entries that now does not have, rewrites the topmost that differs, and pushes the new ones.
func (c *committer) mpls() {
	nb, nn := labels(c.base), labels(c.now)
	common := 0
	for common < nb && common < nn && lse(c.base, nb-1-common) == lse(c.now, nn-1-common) {
		common++
	}
	for nb > common {
		if nb-1 == common && nn > common {
			v := lse(c.now, nn-1-common)
			c.list = append(c.list, Action{Type: TypeSet, Attr: AttrMPLS, Set: &Set{V: [6]uint64{uint64(v) << 32}, M: [6]uint64{0xffffffff << 32}}})
			setLSE(c.base, 0, v)
			common++
			continue
		}
		t := c.now.EthType()
		if nb > 1 {
			t = c.base.EthType()
		}
		c.list = append(c.list, PopMPLS(t))
		for i := 0; i+1 < flow.MaxMPLS; i++ {
			setLSE(c.base, i, lse(c.base, i+1))
		}
		setLSE(c.base, flow.MaxMPLS-1, 0)
		nb--
		c.base.SetEthType(t)
	}
	for nb < nn {
		v := lse(c.now, nn-1-nb)
		c.list = append(c.list, PushMPLS(v, c.now.EthType()))
		for i := flow.MaxMPLS - 1; i > 0; i-- {
			setLSE(c.base, i, lse(c.base, i-1))
		}
		setLSE(c.base, 0, v)
		nb++
		c.base.SetEthType(c.now.EthType())
	}
}

// tag returns VLAN tag i of the key: TPID and TCI. A tag made by a match or an action that names no TPID is a C-tag.
func tag(k *flow.Key, i int) uint32 {
	t := uint32(k[flow.WVLAN] >> (32 - 32*i))
	if t>>16 == 0 && t&flow.VLANPresent != 0 {
		t |= packet.EtherTypeVLAN << 16
	}
	return t
}

// tags returns the number of VLAN tags.
func tags(k *flow.Key) int {
	n := 0
	for n < flow.MaxVLANs && tag(k, n)&flow.VLANPresent != 0 {
		n++
	}
	return n
}

// vlans pops the tags that now does not have and pushes the new ones, innermost first. Tags that are the same from the inside
// out stay.
func (c *committer) vlans() {
	nb, nn := tags(c.base), tags(c.now)
	for nb > 0 && nn > 0 && tag(c.base, nb-1) == tag(c.now, nn-1) {
		nb--
		nn--
	}
	for range nb {
		c.popVLAN()
	}
	for i := nn - 1; i >= 0; i-- {
		t := tag(c.now, i)
		c.list = append(c.list, Action{Type: TypePushVLAN, Arg: t})
	}
	c.base[flow.WVLAN] = c.now[flow.WVLAN]
}
