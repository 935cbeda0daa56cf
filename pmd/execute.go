package pmd

import (
	"govs/actions"
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// maxDepth bounds recirculation and nested lists, as the original's does.
const maxDepth = 6

// group is a number of packets that an action list is executed on.
type group struct {
	batch  *packet.Batch
	layers [burst]flow.Layers
	no     dpif.PortNo // in_port
	recirc uint32      // recirc_id that the packets have
	trunc  uint32      // bytes that the next output sends at most; 0 all
}

// group returns the spare group of this depth, empty.
func (p *poller) group() *group {
	for p.depth >= len(p.groups) {
		p.groups = append(p.groups, &group{batch: packet.NewBatch()}) // never while detached
	}
	g := p.groups[p.depth]
	g.batch.N = 0
	g.trunc = 0
	g.recirc = 0
	return g
}

// outOf is how an entry holds an action list.
func outOf(l actions.List) uint16 {
	switch {
	case len(l) == 0:
		return megaflow.OutDrop
	case len(l) == 1 && l[0].Type == actions.TypeOutput && l[0].Arg < maxPort:
		return uint16(l[0].Arg)
	}
	return megaflow.OutComplex
}

// actionsOf returns the present action list of a live entry.
func (p *poller) actionsOf(e *megaflow.Entry) actions.List {
	if l := p.flows.at(e.Flow).Actions.Load(); l != nil {
		return *l
	}
	return nil
}

// sameActions counts the packets from j on, of n, whose flows have the action list l, and returns where they end. Flows that do the
// same share a list, mostly: so packets of several flows are edited together.
func (p *poller) sameActions(l *actions.List, b *packet.Batch, j, n int) int {
	w := p.work
	for ; j < n && j < burst; j++ {
		r := w.refs[j]
		if r == 0 {
			break
		}
		e := p.store.Entry(r)
		if e.Out != megaflow.OutComplex || p.flows.at(e.Flow).Actions.Load() != l {
			break
		}
		p.account(e, 1, uint64(b.Bufs[j].Len()), w.keys[j][flow.WEthSrc])
	}
	return j
}

// executeGroup executes l on the packets i to j-1 of b, which have w.layers.
func (p *poller) executeGroup(l *actions.List, b *packet.Batch, i, j int, no dpif.PortNo) {
	if l == nil {
		p.dropRange(b, i, j, dpif.DropEmptyActions)
		return
	}
	g := p.group()
	g.no = no
	g.batch.N = j - i
	copy(g.batch.Bufs[:], b.Bufs[i:j])
	copy(g.layers[:], p.work.layers[i:j])
	p.run(*l, g)
}

// executePacket executes l on one packet, which had the key k when it came in.
func (p *poller) executePacket(buf *packet.Buf, k *flow.Key, l actions.List) {
	if len(l) == 0 {
		p.drop(buf, dpif.DropEmptyActions)
		return
	}
	no := dpif.PortNo(k[flow.WInPort] >> 32)
	if o := outOf(l); o < maxPort {
		if port := p.out(uint32(o)); port != nil {
			p.outputOne(port, buf)
		} else {
			p.drop(buf, dpif.DropInvalidPort)
		}
		return
	}
	g := p.group()
	g.no, g.recirc = no, uint32(k[flow.WInPort])
	g.batch.N = 1
	g.batch.Bufs[0] = buf
	var scratch flow.Key
	_, g.layers[0] = flow.ExtractVLAN(buf, no, p.settings.vlanLimit, &scratch)
	p.run(l, g)
}

// run executes l on g's packets and disposes of them.
func (p *poller) run(l actions.List, g *group) {
	if !plain(l) {
		p.unhold()
	}
	for i := range l {
		a, last := &l[i], i == len(l)-1
		switch a.Type {
		case actions.TypeOutput:
			p.runOutput(a, g, last)
		case actions.TypeUserspace:
			for j := 0; j < g.batch.N; j++ {
				p.postAction(g.batch.Bufs[j], g, a.Userspace)
			}
		case actions.TypeTrunc:
			g.trunc = a.Arg
		case actions.TypeClone:
			p.runNested(a.Nested.Actions, g, last)
		case actions.TypeSample:
			p.runSample(a, g)
		case actions.TypeCheckPktLen:
			p.runCheckLen(a, g)
		case actions.TypeRecirc:
			p.runRecirc(a.Arg, g, last)
		case actions.TypeCTClear:
			// There is no connection tracking state to forget.
		case actions.TypeDrop:
			p.dropRange(g.batch, 0, g.batch.N, dpif.DropExplicit)
			g.batch.N = 0
		case actions.TypeMeter:
			p.dropRange(g.batch, 0, g.batch.N, dpif.DropMeter)
			g.batch.N = 0
		default:
			if (a.Type == actions.TypeSet || a.Type == actions.TypeSetMasked) &&
				(a.Attr == actions.AttrSkbMark || a.Attr == actions.AttrSkbPriority) {
				break // metadata for a kernel's queues and filters: nothing in the packet changes
			}
			if !a.IsEdit() {
				p.dropRange(g.batch, 0, g.batch.N, dpif.DropUnsupported)
				g.batch.N = 0
				break
			}
			p.runEdit(a, g)
		}
		if g.batch.N == 0 {
			return
		}
	}
	p.d.alloc.Free(g.batch) // copies of them went where they had to
}

// runEdit edits each packet. Those that cannot be edited are dropped.
func (p *poller) runEdit(a *actions.Action, g *group) {
	b := g.batch
	failed := a.ApplyBatch(b.Bufs[:b.N], g.layers[:b.N])
	if failed == 0 {
		return
	}
	n := 0
	for j := 0; j < b.N; j++ {
		if failed>>j&1 != 0 {
			p.drop(b.Bufs[j], dpif.DropEdit)
			continue
		}
		b.Bufs[n], g.layers[n] = b.Bufs[j], g.layers[j]
		n++
	}
	b.N = n
}

// runOutput sends g's packets, or copies if more actions follow.
func (p *poller) runOutput(a *actions.Action, g *group, last bool) {
	b := g.batch
	trunc := g.trunc
	g.trunc = 0
	o := p.out(a.Arg)
	if o == nil {
		if last {
			p.dropRange(b, 0, b.N, dpif.DropInvalidPort)
			b.N = 0
			return
		}
		p.stats.drops[dpif.DropInvalidPort].add(uint64(b.N))
		return
	}
	if !last {
		b = p.clones(b)
	}
	if trunc != 0 {
		for j := 0; j < b.N; j++ {
			b.Bufs[j].Trim(int(trunc))
		}
	}
	p.output(o, b, 0, b.N)
	b.N = 0
}

// clones returns copies of b's packets in a batch that is valid until the next call. What there is no memory for is counted.
func (p *poller) clones(b *packet.Batch) *packet.Batch {
	c := p.cloneBatch
	packet.CloneBatch(p.d.alloc, c, b)
	if c.N < b.N {
		p.stats.drops[dpif.DropNoMemory].add(uint64(b.N - c.N))
	}
	return c
}

// deeper makes room for a group of n packets one level down, or returns nil when that is too deep.
func (p *poller) deeper(g *group) *group {
	if p.depth+1 >= maxDepth {
		return nil
	}
	p.depth++
	n := p.group()
	n.no, n.recirc = g.no, g.recirc
	return n
}

// runNested executes l on g's packets, or on copies if more actions follow.
func (p *poller) runNested(l actions.List, g *group, last bool) {
	n := p.deeper(g)
	if n == nil {
		p.dropRange(g.batch, 0, g.batch.N, dpif.DropRecirc)
		g.batch.N = 0
		return
	}
	p.fill(n, g, last, func(*packet.Buf) bool { return true })
	p.run(l, n)
	p.depth--
}

// fill puts into n those of g's packets that want says yes to: themselves if move is set, else copies.
func (p *poller) fill(n, g *group, move bool, want func(*packet.Buf) bool) {
	b := g.batch
	left := 0
	for j := 0; j < b.N; j++ {
		buf := b.Bufs[j]
		if !want(buf) {
			b.Bufs[left], g.layers[left] = buf, g.layers[j]
			left++
			continue
		}
		take := buf
		if !move {
			b.Bufs[left], g.layers[left] = buf, g.layers[j]
			left++
			if take = p.d.alloc.Clone(buf); take == nil {
				p.stats.drops[dpif.DropNoMemory].add(1)
				continue
			}
			n.layers[n.batch.N] = g.layers[left-1]
		} else {
			n.layers[n.batch.N] = g.layers[j]
		}
		n.batch.Bufs[n.batch.N] = take
		n.batch.N++
	}
	b.N = left
}

// runSample executes the nested list on copies of some packets.
func (p *poller) runSample(a *actions.Action, g *group) {
	n := p.deeper(g)
	if n == nil {
		p.dropRange(g.batch, 0, g.batch.N, dpif.DropRecirc)
		g.batch.N = 0
		return
	}
	p.fill(n, g, false, func(*packet.Buf) bool {
		p.random ^= p.random << 13
		p.random ^= p.random >> 7
		p.random ^= p.random << 17
		return a.Arg == ^uint32(0) || uint32(p.random>>32) < a.Arg
	})
	if n.batch.N > 0 {
		p.run(a.Nested.Actions, n)
	}
	p.depth--
}

// runCheckLen does one list on the packets that are longer than Arg, the other on the rest; the packets themselves go on.
func (p *poller) runCheckLen(a *actions.Action, g *group) {
	for _, longer := range []bool{true, false} {
		l := a.Nested.Actions
		if !longer {
			l = a.Nested.Else
		}
		if len(l) == 0 {
			continue
		}
		n := p.deeper(g)
		if n == nil {
			p.dropRange(g.batch, 0, g.batch.N, dpif.DropRecirc)
			g.batch.N = 0
			return
		}
		p.fill(n, g, false, func(b *packet.Buf) bool { return (b.Len() > int(a.Arg)) == longer })
		if n.batch.N > 0 {
			p.run(l, n)
		}
		p.depth--
	}
}

// runRecirc looks g's packets, or copies if more actions follow, up again with another recirc_id.
func (p *poller) runRecirc(id uint32, g *group, last bool) {
	n := p.deeper(g)
	if n == nil {
		p.dropRange(g.batch, 0, g.batch.N, dpif.DropRecirc)
		g.batch.N = 0
		return
	}
	p.fill(n, g, last, func(*packet.Buf) bool { return true })
	p.stats.recircs.add(uint64(n.batch.N))
	var k flow.Key
	bufs := n.batch.Bufs
	count := n.batch.N
	n.batch.N = 0
	for _, buf := range bufs[:count] {
		words, l := flow.ExtractVLAN(buf, n.no, p.settings.vlanLimit, &k)
		k[flow.WInPort] |= uint64(id)
		if !p.hit(buf, &k, words) {
			p.miss(buf, &k, words, l, n.no)
		}
	}
	p.depth--
}

// postAction posts an Action upcall with a copy of buf.
func (p *poller) postAction(buf *packet.Buf, g *group, user *actions.Userspace) {
	n := count(&p.parked.actions, g.no)
	if *n >= actionUpcallsMax {
		p.drop1(dpif.DropUserspace)
		return
	}
	c := p.d.alloc.Clone(buf)
	if c == nil {
		p.drop1(dpif.DropNoMemory)
		return
	}
	*n++
	p.parked.nAction++
	u := p.newUpcall()
	u.bufs = append(u.bufs, c)
	clear(u.key[:])
	u.KeyLen, u.Layers = flow.ExtractVLAN(c, g.no, p.settings.vlanLimit, &u.key)
	u.key[flow.WInPort] |= uint64(g.recirc)
	s := &p.store.Seeds
	u.Kind, u.no, u.Packet, u.Userdata = dpif.Action, g.no, c, user
	u.hash = s.HashRest(s.Hash(&u.key, &parkMask), &u.key, &parkMask, u.KeyLen)
	p.post(u)
}

// drop1 counts a copy that was not made.
func (p *poller) drop1(why dpif.DropReason) { p.stats.drops[why].add(1) }

// actionDone ends an Action upcall.
func (p *poller) actionDone(u *upcall) {
	p.d.alloc.FreeOne(u.bufs[0])
	*count(&p.parked.actions, u.no)--
	p.parked.nAction--
	p.recycle(u)
}
