package xlate

import "govs/flow"

// The label stack of a key: up to three entries in words WMPLS and WMPLS+1 (upper half).

func (c *Ctx) labels() (l [flow.MaxMPLS]uint32) {
	return [flow.MaxMPLS]uint32{uint32(c.flow[flow.WMPLS] >> 32), uint32(c.flow[flow.WMPLS]), uint32(c.flow[flow.WMPLS+1] >> 32)}
}

func (c *Ctx) setLabels(l [flow.MaxMPLS]uint32) {
	c.flow[flow.WMPLS] = uint64(l[0])<<32 | uint64(l[1])
	c.flow[flow.WMPLS+1] = c.flow[flow.WMPLS+1]&0xffffffff | uint64(l[2])<<32
}

// pushMPLS adds an outermost label with the TTL and traffic class of the label or IP header below.
func (c *Ctx) pushMPLS(ethType uint16) {
	k := &c.flow
	n := c.depthMPLS()
	l := c.labels()
	switch {
	case n > 0:
		if n >= flow.MaxMPLS {
			c.reportError("%s: dropping packet on which an MPLS push action can't be performed as it would have more MPLS LSEs than the %d supported.",
				c.bridge.State.Name, flow.MaxMPLS)
			c.fail(ErrTooManyMPLS)
			return
		}
		c.readLabels(0, n)
		c.setLabels([flow.MaxMPLS]uint32{l[0] &^ 0x100, l[0], l[1]})
	default:
		label, tc, ttl := uint32(0), uint32(0), uint32(64)
		if isIP(k) {
			c.wc.SetExact(flow.FieldNwTTL)
			c.wc.SetExact(flow.FieldNwTOS)
			tc = uint32(k.NwTOS()>>2) & 7
			if t := k.NwTTL(); t != 0 {
				ttl = uint32(t)
			}
			if k.EthType() == 0x86dd {
				label = 2 // IPv6 explicit null
			}
		}
		c.commit()
		clear(k[flow.WIPv4:flow.WVLAN])
		clear(k[flow.WIPv6Src:flow.WMPLS])
		c.setLabels([flow.MaxMPLS]uint32{label<<12 | tc<<9 | 0x100 | ttl})
	}
	k.SetEthType(ethType)
}

// depthMPLS is how many labels the key has, and notes that the result depends on it. Entries after the bottom of the stack do not
// count, nor do, where no bottom is known, those that are zero.
func (c *Ctx) depthMPLS() int {
	if !isMPLS(&c.flow) {
		return 0
	}
	n := 0
	for i, l := range c.labels() {
		c.wc[flow.WMPLS+i/2] |= 0x100 << (32 - 32*(i%2))
		if l&0x100 != 0 {
			return i + 1
		}
		if l != 0 {
			n++
		}
	}
	return n
}

// readLabels notes that the result depends on labels from to to-1.
func (c *Ctx) readLabels(from, to int) {
	for i := from; i < to; i++ {
		c.wc[flow.WMPLS+i/2] |= 0xffffffff << (32 - 32*(i%2))
	}
}

// popMPLS removes the outermost label. The others, which the packet's key has in other places afterwards, are matched.
func (c *Ctx) popMPLS(ethType uint16) {
	k := &c.flow
	if !isMPLS(k) {
		return
	}
	c.readLabels(1, c.depthMPLS())
	l := c.labels()
	c.setLabels([flow.MaxMPLS]uint32{l[1], l[2], 0})
	k.SetEthType(ethType)
}

func (c *Ctx) setMPLS(f flow.FieldID, v uint64) {
	if isMPLS(&c.flow) {
		c.wc.SetExact(f)
		c.flow.Set(f, flow.U(v))
	}
}

// decMPLSTTL returns true if the TTL is used up.
func (c *Ctx) decMPLSTTL() bool {
	if !isMPLS(&c.flow) {
		return false
	}
	c.wc.SetExact(flow.FieldMPLSTTL)
	ttl := c.flow.Get(flow.FieldMPLSTTL).Lo
	if ttl > 1 {
		c.flow.Set(flow.FieldMPLSTTL, flow.U(ttl-1))
		return false
	}
	c.controller(0xffff, 2, 0, nil)
	return true
}
