package pmd

import (
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// loop is the poll loop: commands, then every receive queue, then what is to be sent.
func (p *poller) loop() {
	for {
		if p.waiting() {
			before := cycles()
			p.away = 0
			p.serve()
			if p.stopping != nil {
				break
			}
			p.chargeVerdicts(cycles() - before - p.away)
		}
		p.hold()
		switch n := p.pass(); {
		case n == 0:
			p.idle()
		case p.core == dpif.NonPMD:
			p.wait(0) // some queues may be busy for ever: see which others are ready
		case p.signalled:
			p.signal(false)
		case p.settings.sleepMax != 0:
			p.doze(false)
		}
		if p.cache.Retired() != 0 && p.cache.Sweep() {
			p.busy = true
		}
	}
	p.unhold()
	p.leave()
}

// pass polls each queue once and returns how many packets came.
func (p *poller) pass() int {
	total := 0
	most := 0 // in one queue
	tsc := p.lastTSC
	perf := p.metrics
	var it reading
	pressed := p.pressing
	p.pressing = pressure{}
	for _, q := range p.rxqs {
		if !q.ready || q.debt > 0 && q.passOver(pressed) || p.detached && p.detained.full(q.no, tsc) {
			continue
		}
		b := q.batch
		q.dev.Rx(q.q, b)
		if b.N == 0 {
			q.ready = p.core != dpif.NonPMD // a PMD's queues are always polled
			continue
		}
		n := b.N
		total += n
		most = max(most, n)
		if perf != nil {
			it.batches++
			it.queue = max(it.queue, p.backlog(q))
		}
		p.searching = 0
		missed := p.process(q)
		now := cycles()
		p.charge(q, n, missed, p.searching, now-tsc)
		if n >= loadedBurst && missed*2 <= n {
			p.loadedTSC = now
			if missed == 0 {
				p.pureTSC = now
			}
		}
		q.cycles.add(now - tsc)
		p.stats.busyCycles.add(now - tsc)
		tsc = now
	}
	p.empty()
	if len(p.dirty) != 0 && (p.settings.txFlush == 0 || tsc >= p.txDueTSC) {
		p.flush()
	}
	now := cycles()
	if total != 0 {
		p.stats.busyCycles.add(now - tsc)
		p.stats.busyIters.add(1)
		p.packetTSC = now
	} else {
		p.stats.idleCycles.add(now - tsc)
	}
	p.stats.iterations.add(1)
	p.stats.lengths[lengthBucket(now-p.lastTSC)].add(1)
	if perf != nil {
		it.packets = uint64(total)
		p.iterated(perf, now-p.lastTSC, &it)
	}
	p.lastTSC = now
	p.most = most
	if p.detached {
		return total
	}
	if now-p.safeTSC > safeCycles && p.steady {
		p.safePoint(now)
	}
	if now-p.nowTSC > clockCycles || p.core == dpif.NonPMD {
		if p.tick(now) {
			p.upkeep()
		}
	}
	return total
}

// process is the way of a burst: extract, look up, execute, and deal with the misses, whose number it returns.
func (p *poller) process(q *rxq) int {
	w, b := p.work, q.batch
	n := b.N
	p.stats.received.add(uint64(n))
	q.packets.add(uint64(n))
	c := p.classifier(q.no)
	mixed := len(p.scans) != 0 && p.overtakable(q.no)
	if c != nil && c.Len() != 0 && !mixed && (p.alike(q, c) || c.Union().Simple && p.simple(q, c)) {
		return 0
	}
	flow.ExtractBatch(b, uint32(q.no), p.settings.vlanLimit, &w.keys, &w.lens, &w.layers)
	if mixed {
		n = p.lineUp(b, n, q.no)
	}
	left := p.lookup(q, n)
	if left == 0 && !p.detached {
		p.learn(q, c)
	}
	p.execute(b, n, q.no)
	for j := 0; j < left; j++ {
		i := w.idx[j] & (burst - 1)
		p.miss(b.Bufs[i], &w.keys[i], int(w.lens[i]), w.layers[i], q.no)
	}
	b.N = 0
	if len(p.notify) != 0 {
		p.wakeHandlers()
	}
	return left
}

// lookup finds the flows of n packets of q: in refs what it finds, 0 for a miss; idx lists the misses and their
// number is returned.
func (p *poller) lookup(q *rxq, n int) int {
	w := p.work
	w.refs = [burst]megaflow.Ref{}
	c := p.classifier(q.no)
	if c == nil || c.Len() == 0 {
		for i := 0; i < n && i < burst; i++ {
			w.idx[i] = uint8(i)
		}
		return n
	}
	union := c.Union()
	if union.Len > flow.WMark { // some flow reads metadata: zeros in a packet that was just received
		flow.ExtendBatch(n, &w.keys, &w.lens)
	}
	left := n
	if p.cache.Active(&q.judge, n) {
		left = p.cache.HashLookup(&w.keys, &w.lens, n, union, &w.hashes, &w.idx, &w.refs)
		q.judge.Count(n, n-left)
		p.stats.emcHits.add(uint64(n - left))
		if left == 0 {
			return 0
		}
	} else {
		c.Hash(&w.keys, &w.lens, n, &w.hashes)
		for i := 0; i < n && i < burst; i++ {
			w.idx[i] = uint8(i)
		}
	}
	return p.lookupRest(q, c, left, union)
}

// smcSubtables is the number of subtables from which asking the signature cache first is cheaper than searching them.
const smcSubtables = 2

// lookupRest looks for what the exact-match cache does not have.
func (p *poller) lookupRest(q *rxq, c *megaflow.Classifier, n int, union *megaflow.Union) int {
	w := p.work
	smc := len(c.Subtables()) >= smcSubtables
	if smc {
		w.before = w.idx
		left := p.sigs.Lookup(&w.keys, &w.lens, &w.hashes, &w.idx, n, &w.refs)
		if p.settings.smc {
			p.stats.smcHits.add(uint64(n - left))
		} else { // the operator does not know of this cache: it is part of the megaflow lookup, which tried one mask
			p.stats.megaflowHits.add(uint64(n - left))
			p.stats.probes.add(uint64(n - left))
		}
		if left != n {
			p.cacheFound(q, n, union)
		}
		if n = left; n == 0 {
			return 0
		}
	}
	w.before = w.idx
	start := uint64(0)
	if len(p.rxqs) > 1 {
		start = cycles()
	}
	left := c.Lookup(&w.keys, &w.lens, &w.hashes, &w.idx, n, &w.refs)
	if len(p.rxqs) > 1 {
		p.searching = cycles() - start
	}
	p.stats.megaflowHits.add(uint64(n - left))
	p.cacheFound(q, n, union)
	if smc {
		for j := 0; j < n; j++ {
			i := w.before[j&(burst-1)] & (burst - 1)
			if r := w.refs[i]; r != 0 {
				p.sigs.Insert(w.hashes[i], r)
			}
		}
	}
	return left
}

// cacheFound enters, now and then, those of the n packets in before that were found into the exact-match cache.
func (p *poller) cacheFound(q *rxq, n int, union *megaflow.Union) {
	w := p.work
	if !p.cache.Active(&q.judge, 0) {
		return
	}
	for j := 0; j < n; j++ {
		if !p.cache.Chance() {
			continue
		}
		i := w.before[j&(burst-1)] & (burst - 1)
		if r := w.refs[i]; r != 0 {
			p.cache.Insert(&w.keys[i], int(w.lens[i]), union, w.hashes[i], r)
		}
	}
}

// execute counts the packets of b that were found and does their flows' actions. Packets in a row of the same flow are
// one group.
func (p *poller) execute(b *packet.Batch, n int, no dpif.PortNo) {
	w := p.work
	var o *outPort // of lastOut
	lastOut := uint16(megaflow.OutDead)
	bound := false
	for i := 0; i < n && i < burst; {
		r := w.refs[i]
		if r == 0 {
			i++
			continue
		}
		e := p.store.Entry(r)
		bytes, flags := uint64(b.Bufs[i].Len()), w.keys[i][flow.WEthSrc]
		j := i + 1
		for ; j < n && j < burst && w.refs[j] == r; j++ {
			bytes += uint64(b.Bufs[j].Len())
			flags |= w.keys[j][flow.WEthSrc]
		}
		out := e.Out
		if out < maxPort {
			if out != lastOut {
				o, lastOut = p.out(uint32(out)), out
				bound = p.detached && o != nil && o.bound
			}
			if bound {
				for ; i < j; i++ {
					p.detain(b.Bufs[i], no, true)
				}
				continue
			}
			p.account(e, uint64(j-i), bytes, flags)
			if o != nil {
				if m := o.batch.N; j == i+1 && m < burst && o.dirty { // output, without the call
					o.batch.Bufs[m&(burst-1)] = b.Bufs[i]
					o.batch.N = m + 1
				} else {
					p.output(o, b, i, j)
				}
			} else {
				p.dropRange(b, i, j, dpif.DropInvalidPort)
			}
		} else if out == megaflow.OutDead {
			p.again(b, i, j, no)
		} else if p.detached && !p.plain(e) {
			for ; i < j; i++ {
				p.detain(b.Bufs[i], no, true)
			}
		} else {
			p.account(e, uint64(j-i), bytes, flags)
			if out == megaflow.OutDrop {
				p.dropRange(b, i, j, dpif.DropEmptyActions)
			} else {
				l := p.flows.at(e.Flow).Actions.Load()
				j = p.sameActions(l, b, j, n)
				p.executeGroup(l, b, i, j, no)
			}
		}
		i = j
	}
}

// account adds packets to a flow's statistics.
func (p *poller) account(e *megaflow.Entry, packets, bytes, flags uint64) {
	bump(&e.Packets, packets)
	bump(&e.Bytes, bytes)
	storeWord(&e.UsedFlags, p.stamp|(e.UsedFlags|flags)&0xffff)
}

// out returns the output port of that number, or nil.
func (p *poller) out(no dpif.PortNo) *outPort {
	if int(no) < len(p.outs) {
		return p.outs[no]
	}
	return nil
}

// output queues the packets i to j-1 of b to o.
func (p *poller) output(o *outPort, b *packet.Batch, i, j int) {
	t := o.batch
	m := t.N
	if m+j-i > burst {
		for ; i < j; i++ {
			p.outputOne(o, b.Bufs[i])
		}
		return
	}
	if !o.dirty {
		p.soil(o)
	}
	for ; i < j && i < burst && m < burst; i++ {
		t.Bufs[m] = b.Bufs[i]
		m++
	}
	t.N = m
}

// outputOne queues one packet to o.
func (p *poller) outputOne(o *outPort, buf *packet.Buf) {
	t := o.batch
	if t.N == burst {
		p.tx(o)
	}
	if !o.dirty {
		p.soil(o)
	}
	t.Bufs[t.N&(burst-1)] = buf
	t.N++
}

// soil lists o among the ports that have something to send.
func (p *poller) soil(o *outPort) {
	if len(p.dirty) == 0 && p.settings.txFlush != 0 {
		p.txDueTSC = cycles() + p.settings.txFlush
	}
	o.dirty = true
	p.dirty = append(p.dirty, o.no) // never while detached: there is room
}

// tx sends o's batch.
func (p *poller) tx(o *outPort) {
	p.stats.txPackets.add(uint64(o.batch.N))
	p.stats.txBatches.add(1)
	if o.bound {
		p.unhold()
	}
	if o.hash {
		p.txHash(o)
		return
	}
	if o.mu != nil {
		o.mu.Lock()
		o.dev.Tx(o.q, o.batch)
		o.mu.Unlock()
		return
	}
	o.dev.Tx(o.q, o.batch)
}

// flush sends all output batches that the poller may send now.
func (p *poller) flush() {
	left := 0
	for _, no := range p.dirty {
		o := p.outs[no]
		if o.bound && p.detached { // from before
			p.dirty[left] = no
			left++
			continue
		}
		if o.batch.N != 0 {
			p.tx(o)
		}
		o.dirty = false
	}
	p.dirty = p.dirty[:left]
}

// again deals with packets whose cache entry named a removed flow.
func (p *poller) again(b *packet.Batch, i, j int, no dpif.PortNo) {
	w := p.work
	for ; i < j; i++ {
		c := p.classifier(no)
		r := megaflow.Ref(0)
		if c != nil {
			r = c.Find(&w.keys[i], int(w.lens[i]))
		}
		p.stats.emcHits.add(^uint64(0))
		if r == 0 {
			p.miss(b.Bufs[i], &w.keys[i], int(w.lens[i]), w.layers[i], no)
			continue
		}
		p.stats.megaflowHits.add(1)
		p.stats.probes.add(1)
		e := p.store.Entry(r)
		if p.detached && !p.plain(e) {
			p.detain(b.Bufs[i], no, true)
			continue
		}
		p.account(e, 1, uint64(b.Bufs[i].Len()), w.keys[i][flow.WEthSrc])
		p.executePacket(b.Bufs[i], &w.keys[i], p.actionsOf(e))
	}
}

// dropRange counts and frees the packets i to j-1 of b.
func (p *poller) dropRange(b *packet.Batch, i, j int, why dpif.DropReason) {
	p.stats.drops[why].add(uint64(j - i))
	for ; i < j; i++ {
		p.discard(b.Bufs[i])
	}
}

// drop counts and frees one packet.
func (p *poller) drop(buf *packet.Buf, why dpif.DropReason) {
	p.stats.drops[why].add(1)
	p.discard(buf)
}

// discard frees a packet, with others, before the iteration ends.
func (p *poller) discard(buf *packet.Buf) {
	t := p.trash
	if t.N == burst {
		p.d.alloc.Free(t)
	}
	t.Bufs[t.N&(burst-1)] = buf
	t.N++
}

// empty frees what was discarded.
func (p *poller) empty() {
	if p.trash.N != 0 {
		p.d.alloc.Free(p.trash)
	}
}
