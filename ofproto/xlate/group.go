package xlate

import (
	"math/bits"

	"govs/flow"
	"govs/openflow"
)

// group executes a group.
func (c *Ctx) group(id uint32, last bool) {
	var g *Group
	if m := c.bridge.State.Groups.Load(); m != nil {
		g = (*m)[id]
	}
	if g == nil {
		c.warn("output to nonexistent group %d", id)
		return
	}
	if c.depth >= maxDepth {
		c.reportError("over max translation depth %d", maxDepth)
		c.fail(ErrRecursionTooDeep)
		return
	}
	wasInGroup := c.inGroup
	c.inGroup = true
	c.effects = append(c.effects, g.Stats)
	switch g.Type {
	case openflow.GroupAllType, openflow.GroupIndirect:
		for i := range g.Buckets {
			c.bucket(g, i)
			if c.err != OK {
				break
			}
		}
	case openflow.GroupFastFailover:
		if i := c.firstLive(g, 0); i >= 0 {
			c.detail("using bucket %d", g.Buckets[i].ID)
			c.bucket(g, i)
		} else {
			c.detail("no live bucket")
		}
	case openflow.GroupSelect:
		if i := c.selectBucket(g); i >= 0 {
			c.detail("using bucket %d", g.Buckets[i].ID)
			c.bucket(g, i)
		} else {
			c.detail("no live bucket")
		}
	}
	c.inGroup = wasInGroup
}

// bucket executes one bucket on a copy of the packet.
func (c *Ctx) bucket(g *Group, i int) {
	b := &g.Buckets[i]
	var back *node
	if c.tr != nil {
		back = c.tr.enter(nodeBucket, "bucket %d", b.ID)
	}
	c.effects = append(c.effects, g.PerBkt[i])
	s := c.save()
	exit := c.exit
	list := b.Actions
	if len(list) > 1 || len(list) == 1 && setRank(list[0]) == rankSet {
		list = SetOrder(list)
	}
	c.depth++
	c.doActions(list, false)
	c.depth--
	c.exit = exit
	c.restore(s)
	if c.tr != nil {
		c.tr.leave(back)
	}
}

// live says whether a bucket can be used: its watched port has link and its watched group a live bucket.
func (c *Ctx) live(g *Group, b *openflow.Bucket, depth int) bool {
	if depth >= maxDepth {
		return false
	}
	noPort := b.WatchPort == openflow.PortNone
	noGroup := b.WatchGroup == openflow.GroupAny || b.WatchGroup == 0 && noPort
	if noPort && noGroup {
		return g.Type != openflow.GroupFastFailover
	}
	if !noPort {
		if p := c.bridge.Port(b.WatchPort); p != nil && p.LinkUp && p.Config&openflow.PortDown == 0 {
			return true
		}
		c.detail("bucket %d: not live due to port %d", b.ID, b.WatchPort)
	}
	if b.WatchGroup != openflow.GroupAny && b.WatchGroup != 0 {
		if m := c.bridge.State.Groups.Load(); m != nil {
			if w := (*m)[b.WatchGroup]; w != nil {
				return c.firstLive(w, depth+1) >= 0
			}
		}
	}
	return false
}

// firstLive is the index of the first live bucket, or -1.
func (c *Ctx) firstLive(g *Group, depth int) int {
	for i := range g.Buckets {
		if c.live(g, &g.Buckets[i], depth) {
			return i
		}
	}
	return -1
}

// selectBucket chooses a live bucket by a hash of the packet and the buckets' weights: highest random weight, so that a change of
// one bucket moves only its own packets. It returns -1 if no bucket is live.
func (c *Ctx) selectBucket(g *Group) int {
	h := c.symHash(g)
	best, bestScore := -1, uint64(0)
	for i := range g.Buckets {
		b := &g.Buckets[i]
		if b.Weight == 0 || !c.live(g, b, 0) {
			continue
		}
		x := hash2(h, uint64(b.ID)) & 0xffff
		if score := x * uint64(b.Weight); best < 0 || score > bestScore {
			best, bestScore = i, score
		}
	}
	return best
}

func hash2(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	x := hi ^ lo
	x ^= x >> 29
	return x * 0xbf58476d1ce4e5b9 >> 16
}

// symHash hashes the fields that identify a connection, the same for both directions, and notes that the result depends on them.
func (c *Ctx) symHash(g *Group) uint64 {
	if g != nil && g.Props.Method == "hash" && g.Props.Fields.Mask != (flow.Mask{}) {
		h := g.Props.MethodParam
		for i, m := range g.Props.Fields.Mask {
			if m != 0 {
				c.wc[i] |= m
				h = hash2(h, c.flow[i]&m)
			}
		}
		return h
	}
	return c.symHashL4(0, true)
}

// symHashL4 is the symmetric hash of addresses, VLAN, type, protocol and, with l4, ports.
func (c *Ctx) symHashL4(basis uint64, l4 bool) uint64 {
	k := &c.flow
	c.wc[flow.WEthDst] = ^uint64(0)
	c.wc[flow.WEthSrc] |= ^uint64(0xffff)
	c.wc[flow.WVLAN] |= 0x1fff << 32
	h := hash2(basis, k.EthSrc()^k.EthDst())
	h = hash2(h, uint64(k.EthType())<<16|uint64(k.VlanTCI()&0xfff))
	switch k.EthType() {
	case 0x0800:
		c.wc[flow.WIPv4] = ^uint64(0)
		h = hash2(h, uint64(k.NwSrc()^k.NwDst()))
	case 0x86dd:
		for i := range 4 {
			c.wc[flow.WIPv6Src+i] = ^uint64(0)
		}
		h = hash2(h, k[flow.WIPv6Src]^k[flow.WIPv6Dst])
		h = hash2(h, k[flow.WIPv6Src+1]^k[flow.WIPv6Dst+1])
	default:
		return h
	}
	c.wc.SetExact(flow.FieldNwProto)
	h = hash2(h, uint64(k.NwProto()))
	if p := k.NwProto(); l4 && (p == 6 || p == 17 || p == 132) && k.NwFrag()&flow.FragLater == 0 {
		c.wc[flow.WL4] |= 0xffffffff
		h = hash2(h, uint64(k.TpSrc()^k.TpDst()))
	}
	return h
}

// hashFields hashes what multipath and bundle ask for.
func (c *Ctx) hashFields(f openflow.HashFields, basis uint16) uint64 {
	b := uint64(basis)
	switch f {
	case openflow.HashEthSrc:
		c.wc[flow.WEthSrc] |= ^uint64(0xffff)
		return hash2(b, c.flow.EthSrc())
	case openflow.HashNwSrc:
		if c.flow.EthType() == 0x0800 {
			c.wc.SetExact(flow.FieldNwSrc)
			return hash2(b, uint64(c.flow.NwSrc()))
		}
		return b
	case openflow.HashNwDst:
		if c.flow.EthType() == 0x0800 {
			c.wc.SetExact(flow.FieldNwDst)
			return hash2(b, uint64(c.flow[flow.WIPv4]&0xffffffff))
		}
		return b
	case openflow.HashSymmetricL3:
		return c.symHashL4(b, false)
	}
	return c.symHashL4(b, true)
}

// multipath chooses a link and stores its number.
func (c *Ctx) multipath(a *openflow.Multipath) {
	h := c.hashFields(a.Fields, a.Basis)
	n := uint64(a.MaxLink) + 1
	var link uint64
	switch a.Algorithm {
	case openflow.MultipathHashThreshold:
		link = (h & 0xffffffff) / (0x100000000/n + 1)
	case openflow.MultipathHRW, openflow.MultipathIterHash:
		best := uint64(0)
		for i := range n {
			if s := hash2(h, i); i == 0 || s > best {
				best, link = s, i
			}
		}
	default:
		link = h % n
	}
	c.write(a.Dst, flow.U(link))
	c.traceField(a.Dst)
}

// bundle chooses one of several ports, and sends to it or stores its number.
func (c *Ctx) bundle(a *openflow.Bundle) {
	up := func(no openflow.Port) bool {
		p := c.bridge.Port(no)
		return p != nil && p.LinkUp && p.Config&openflow.PortDown == 0
	}
	choice := openflow.PortNone
	if a.Algorithm == openflow.BundleActiveBackup {
		for _, no := range a.Members {
			if up(no) {
				choice = no
				break
			}
		}
	} else {
		h := c.hashFields(a.Fields, a.Basis)
		best := uint64(0)
		for i, no := range a.Members {
			if s := hash2(h, uint64(i)); up(no) && (choice == openflow.PortNone || s > best) {
				best, choice = s, no
			}
		}
	}
	if a.Load {
		c.write(a.Dst, flow.U(uint64(choice)))
		c.traceField(a.Dst)
		return
	}
	c.output(choice, 0xffff, false)
}
