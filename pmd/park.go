package pmd

import (
	"slices"

	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// Bounds of what may wait for verdicts.
const (
	parkedPerFlow    = 1024 // packets of one identity
	parkedPerPort    = 2048 // packets of one port on one poller
	parkedTotal      = 4096 // packets of one poller
	parkedReserved   = 64   // packets of one port that may always wait, however many others do
	upcallsPerPort   = 1024 // outstanding misses of one port on one poller
	actionUpcallsMax = 256  // outstanding Action upcalls of one port on one poller
)

// parkMask has the fields that do not vary within a flow as its users see it. Packets are parked by what this mask leaves of
// their key, so that a flow's packets keep their order even if they differ in TTL, TOS or TCP flags. It is no more than an
// ordering: what a verdict applies to is found out by its own mask.
var parkMask = func() (m flow.Mask) {
	for i := range m {
		m[i] = ^uint64(0)
	}
	m[flow.WEthSrc] = ^uint64(0xffff)
	m[flow.WL4] = 0xff0000ffffffffff
	return m
}()

// upcall is a miss with the packets that wait for its verdict, or an Action upcall.
type upcall struct {
	dpif.Upcall
	next    *upcall // in a handler's inbox, or in the poller's list of spare ones
	p       *poller
	key     flow.Key
	hash    uint64 // of key under parkMask
	since   uint64 // cycles() when it was posted
	no      dpif.PortNo
	bufs    []*packet.Buf // Miss: in arrival order; the first may be being read by a handler
	headRan bool          // the first packet's actions have been done, by a copy; it is only kept for the handler
	gone    bool          // its port was removed
	verdict dpif.Verdict  // of a Miss
	cmd     command       // what Post or Done sends

	chain, after, before *upcall // in waiting
	waits                bool    // it is there
}

// parking is what a poller holds for verdicts. The hash stands for the identity: should two flows share one, they only wait for
// each other, as each packet is looked up again when it is released.
type parking struct {
	waiting
	packets int
	byPort  []int // of those, by port
	misses  []int // outstanding misses by port
	actions []int // outstanding Action upcalls by port
	nAction int
	nMiss   int
	spare   *upcall
	nSpare  int
}

// full says whether no may not park another packet.
func (k *parking) full(no dpif.PortNo) bool {
	n := *count(&k.byPort, no)
	return n >= parkedPerPort || k.packets >= parkedTotal && n >= parkedReserved
}

// add counts n packets of no.
func (k *parking) add(no dpif.PortNo, n int) {
	k.packets += n
	*count(&k.byPort, no) += n
}

// count returns the address of no's entry in a. Numbers that are no port's (a packet_out may have been received nowhere) share
// the datapath's own port's.
func count(a *[]int, no dpif.PortNo) *int {
	if no >= maxPort {
		no = dpif.PortLocal
	}
	for int(no) >= len(*a) {
		*a = append(*a, 0)
	}
	return &(*a)[no]
}

func (p *poller) newUpcall() *upcall {
	k := &p.parked
	u := k.spare
	if u == nil {
		u = &upcall{p: p}
		u.Priv = u
		u.Key = &u.key
		u.Poller = p.core
		return u
	}
	k.spare = u.next
	k.nSpare--
	u.next = nil
	return u
}

// recycle keeps u for later use. Nobody else knows of it any more.
func (p *poller) recycle(u *upcall) {
	k := &p.parked
	if k.nSpare >= 2*upcallsPerPort {
		return
	}
	clear(u.bufs)
	u.bufs = u.bufs[:0]
	u.headRan, u.gone = false, false
	u.Packet, u.Userdata = nil, nil
	u.cmd, u.verdict = command{}, dpif.Verdict{}
	u.next = k.spare
	k.spare = u
	k.nSpare++
}

// miss parks a packet that no megaflow matched, and posts an upcall unless one is under way for its identity.
func (p *poller) miss(buf *packet.Buf, k *flow.Key, n int, l flow.Layers, no dpif.PortNo) {
	if p.detached {
		p.detain(buf, no, false)
		return
	}
	s := &p.store.Seeds
	h := s.Hash(k, &parkMask)
	h = s.HashRest(h, k, &parkMask, n)
	park := &p.parked
	if u := park.find(h); u != nil {
		switch {
		case len(u.bufs) >= parkedPerFlow || park.full(no):
			p.stats.lost.add(1)
			p.drop(buf, dpif.DropParkedLimit)
		default:
			u.bufs = append(u.bufs, buf)
			park.add(no, 1)
		}
		return
	}
	misses := count(&park.misses, no)
	if *misses >= upcallsPerPort {
		p.stats.lost.add(1)
		p.drop(buf, dpif.DropUpcallQueueFull)
		return
	}
	if park.full(no) {
		p.stats.lost.add(1)
		p.drop(buf, dpif.DropParkedLimit)
		return
	}
	*misses++
	park.nMiss++
	park.add(no, 1)
	u := p.newUpcall()
	u.bufs = append(u.bufs, buf)
	p.postMiss(u, k, n, l, h, no)
	park.waiting.add(u)
}

// postMiss gives the upcall of u's first packet, with key k, to a handler.
func (p *poller) postMiss(u *upcall, k *flow.Key, n int, l flow.Layers, h uint64, no dpif.PortNo) {
	u.Kind = dpif.Miss
	u.hash, u.no = h, no
	copy(u.key[:n], k[:n])
	clear(u.key[n:])
	u.KeyLen, u.Layers, u.Packet = n, l, u.bufs[0]
	u.since = cycles()
	p.post(u)
}

// verdict carries out the answer to a Miss.
func (p *poller) verdict(c *command) {
	u := c.up
	p.stats.upcallCycles.add(cycles() - u.since)
	wide := false
	if u.verdict.Install {
		wide = p.install(c, u)
	}
	if wide {
		p.scanPort(u.no)
	}
	head := u.bufs[0]
	rest := u.bufs[1:]
	p.parked.add(u.no, -1)
	switch {
	case u.headRan:
		p.d.alloc.FreeOne(head)
	case u.gone:
		p.drop(head, dpif.DropPortDeleted)
	case u.verdict.Actions == nil:
		p.stats.missFailed.add(1)
		p.drop(head, dpif.DropUpcallError)
	default:
		p.stats.missOK.add(1)
		p.executePacket(head, &u.key, *u.verdict.Actions)
	}
	p.releaseRest(u, rest)
	p.flush()
}

// releaseRest deals with the packets that waited behind u's first, as if they came now, until one is a miss again: it becomes
// the first of u with all behind it. u is given up when none is left.
func (p *poller) releaseRest(u *upcall, rest []*packet.Buf) {
	var k flow.Key
	for i, buf := range rest {
		n, l := flow.ExtractVLAN(buf, u.no, p.settings.vlanLimit, &k)
		k[flow.WInPort] |= u.key[flow.WInPort] & 0xffffffff
		if p.hit(buf, &k, n) {
			p.parked.add(u.no, -1)
			continue
		}
		m := copy(u.bufs, rest[i:])
		clear(u.bufs[m:])
		u.bufs = u.bufs[:m]
		u.headRan = false
		u.cmd, u.verdict = command{}, dpif.Verdict{}
		p.postMiss(u, &k, n, l, u.hash, u.no)
		return
	}
	p.parked.remove(u)
	*count(&p.parked.misses, u.no)--
	p.parked.nMiss--
	p.recycle(u)
}

// hit looks up one packet, whose key of n words is k, and if a megaflow matches counts the packet and executes it.
func (p *poller) hit(buf *packet.Buf, k *flow.Key, n int) bool {
	if !p.forward(buf, k, n) {
		return false
	}
	p.stats.megaflowHits.add(1)
	p.stats.probes.add(1)
	return true
}

// forward is hit without the counting of lookups.
func (p *poller) forward(buf *packet.Buf, k *flow.Key, n int) bool {
	c := p.classifier(dpif.PortNo(k[flow.WInPort] >> 32))
	if c == nil {
		return false
	}
	r := c.Find(k, n)
	if r == 0 {
		return false
	}
	e := p.store.Entry(r)
	p.account(e, 1, uint64(buf.Len()), k[flow.WEthSrc])
	p.executePacket(buf, k, p.actionsOf(e))
	return true
}

// What one search for packets to release may take, and the least pause after it as a multiple of what it took, which doubles each
// time that nothing is found. A storm of wide megaflows must not keep the poller from its work; what is not released early waits
// for its own verdict, with what follows it: see lineUp.
const (
	scanCycles       = 1 << 17 // some 50 microseconds
	scanCyclesLoaded = 1 << 14 // while the poller is loaded with known packets
	scanRest         = 8
	scanRestMax      = 256
)

// scanPort asks for releaseOthers of a port.
func (p *poller) scanPort(no dpif.PortNo) {
	for _, x := range p.scans {
		if x == no {
			return
		}
	}
	p.scans = append(p.scans, no)
}

// overtakable says whether packets of no wait which later ones of theirs could overtake, as a megaflow may match them by now.
func (p *poller) overtakable(no dpif.PortNo) bool {
	i := slices.Index(p.scans, no)
	if i < 0 {
		return false
	}
	if int(no) < len(p.parked.byPort) && p.parked.byPort[no] != 0 {
		return true
	}
	if !p.detached {
		p.scans = slices.Delete(p.scans, i, i+1) // never while detached
	}
	return false
}

// lineUp lets those of n received packets wait that belong behind waiting ones. The others move together, as do their keys;
// it returns their number.
func (p *poller) lineUp(b *packet.Batch, n int, no dpif.PortNo) int {
	w, s := p.work, &p.store.Seeds
	if c := p.classifier(no); c != nil && c.Len() != 0 && c.Union().Len > flow.WMark {
		flow.ExtendBatch(n, &w.keys, &w.lens) // as lookup does
	}
	m := 0
	for i := 0; i < n && i < burst; i++ {
		buf, k, words := b.Bufs[i], &w.keys[i], int(w.lens[i])
		h := s.HashRest(s.Hash(k, &parkMask), k, &parkMask, words)
		if u := p.parked.find(h); u != nil && (!u.headRan || len(u.bufs) > 1) {
			p.miss(buf, k, words, w.layers[i], no)
			continue
		}
		if m != i {
			b.Bufs[m], w.lens[m], w.layers[m] = buf, w.lens[i], w.layers[i]
			copy(w.keys[m][:words], k[:words])
		}
		m++
	}
	b.N = m
	return m
}

// releaseOthers deals with the packets of other identities that wait although a megaflow which was just installed matches
// them: packets that come from now on will not wait, and must not overtake them. It is called after a number of verdicts and
// before anything is received. What it does not get to is left to lineUp.
func (p *poller) releaseOthers() {
	begin := cycles()
	if begin < p.nextScan {
		return
	}
	limit := uint64(scanCycles)
	if p.loaded(begin) {
		limit = scanCyclesLoaded
	}
	n, found, bufs := 0, false, true
	all := p.parked.each(func(o *upcall) bool {
		if n++; n&15 == 0 && cycles()-begin > limit {
			p.parked.first = o // where the next search begins
			return false
		}
		if o.headRan || o.gone || !slices.Contains(p.scans, o.no) {
			return true
		}
		r := p.classifier(o.no).Find(&o.key, o.KeyLen)
		if r == 0 {
			return true
		}
		c := p.d.alloc.Clone(o.bufs[0]) // a handler may be reading the packet itself
		if c == nil {
			bufs = false
			return true
		}
		// The verdict under way accounts for the first packet in OpenFlow's statistics, so it is not counted here.
		p.stats.missOK.add(1)
		p.executePacket(c, &o.key, p.actionsOf(p.store.Entry(r)))
		o.headRan = true
		found = true
		p.releaseWhile(o)
		return true
	})
	if all && bufs {
		p.scans = p.scans[:0]
	}
	if found {
		p.scanRest = scanRest
	} else {
		p.scanRest = min(max(2*p.scanRest, scanRest), scanRestMax)
	}
	now := cycles()
	p.nextScan = now + (now-begin)*p.scanRest
	p.flush()
}

// releaseWhile deals with the packets behind o's first as long as they hit.
func (p *poller) releaseWhile(o *upcall) {
	var k flow.Key
	rest := o.bufs[1:]
	done := 0
	for _, buf := range rest {
		n, _ := flow.ExtractVLAN(buf, o.no, p.settings.vlanLimit, &k)
		k[flow.WInPort] |= o.key[flow.WInPort] & 0xffffffff
		if !p.hit(buf, &k, n) {
			break
		}
		p.parked.add(o.no, -1)
		done++
	}
	k2 := copy(rest, rest[done:])
	clear(rest[k2:])
	o.bufs = o.bufs[:1+k2]
}

// forget drops what is parked for a port that was removed.
func (p *poller) forget(no dpif.PortNo) {
	p.parked.each(func(u *upcall) bool {
		if u.no != no || u.gone {
			return true
		}
		u.gone = true
		for _, buf := range u.bufs[1:] {
			p.drop(buf, dpif.DropPortDeleted)
			p.parked.add(no, -1)
		}
		clear(u.bufs[1:])
		u.bufs = u.bufs[:1]
		// A new port of that number begins with new upcalls.
		p.parked.remove(u)
		return true
	})
}

// leave gives back what the poller holds when it ends. Upcalls that handlers have are answered later (see Datapath.Post).
func (p *poller) leave() {
	p.flush()
	p.parked.each(func(u *upcall) bool {
		for _, buf := range u.bufs[1:] {
			p.drop(buf, dpif.DropPortDeleted)
		}
		clear(u.bufs[1:])
		u.bufs = u.bufs[:1]
		u.gone = true
		p.parked.remove(u)
		return true
	})
	p.empty()
	p.flushFlows()
}
