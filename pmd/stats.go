package pmd

import "govs/dpif"

// stats are one poller's counters. The poller writes them, anybody reads.
type stats struct {
	received      counter // packets
	simpleHits    counter // packets of bursts that simple dealt with
	emcHits       counter // packets that the exact-match cache knew
	smcHits       counter // packets that the signature cache knew
	megaflowHits  counter // packets that a classifier found
	probes        counter // subtables searched for packets that were looked up one by one
	missOK        counter // misses whose verdict came
	missFailed    counter // misses that ended without one
	lost          counter // misses dropped before an upcall, or before they could wait for one
	recircs       counter // packets that were looked up again
	txPackets     counter // packets given to ports
	txBatches     counter // bursts given to ports
	busyCycles    counter // in iterations that received something
	idleCycles    counter // in the others
	iterations    counter
	busyIters     counter             // iterations that received something
	installFailed counter             // megaflows that did not fit
	sleeps        counter             // iterations that ended with a sleep
	sleepCycles   counter             // slept; part of neither busyCycles nor idleCycles
	upcallCycles  counter             // between a miss and its verdict, added up
	detached      counter             // times that the poller went on without the runtime, see detach.go
	awayCycles    counter             // for how long
	lengths       [numLengths]counter // iterations by their cycles: see lengthBucket
	drops         [dpif.NumDropReasons]counter

	lookups counter // of the classifiers: subtables searched, published now and then
	masks   counter // subtables, published now and then
	base    baseline
}

// iterBuckets is enough for iterations of a minute.
const iterBuckets = 40

// baseline is what pmd-stats-clear subtracts. Datapath.mu guards it.
type baseline [numFields]uint64

// The counters that pmd-stats-show shows, as a list.
const (
	fReceived = iota
	fSimple
	fEMC
	fSMC
	fMegaflow
	fLookups
	fMissOK
	fMissFailed
	fLost
	fRecircs
	fTxPackets
	fTxBatches
	fBusy
	fIdle
	fIterations
	fBusyIterations
	fSleeps
	fSleepCycles
	fUpcallCycles
	numFields
)

// read returns all counters as they are now.
func (s *stats) read() (b baseline) {
	for i, c := range [numFields]*counter{
		&s.received, &s.simpleHits, &s.emcHits, &s.smcHits, &s.megaflowHits, &s.lookups, &s.missOK, &s.missFailed, &s.lost, &s.recircs,
		&s.txPackets, &s.txBatches, &s.busyCycles, &s.idleCycles, &s.iterations, &s.busyIters, &s.sleeps, &s.sleepCycles, &s.upcallCycles,
	} {
		b[i] = c.load()
	}
	return b
}

// shown returns the counters since the last clear. Datapath.mu is held.
func (s *stats) shown() baseline {
	b := s.read()
	for i := range b {
		b[i] -= s.base[i]
	}
	return b
}

// upkeep is done every so often, not in each iteration.
func (p *poller) upkeep() {
	probes, masks := p.stats.probes.mine(), 0
	p.sample()
	sorting := p.now >= p.sortAt
	if sorting {
		p.sortAt = p.now + 1000
	}
	for _, c := range p.cls {
		if c == nil {
			continue
		}
		probes += c.Probes
		masks += len(c.Subtables())
		if sorting {
			c.Sort()
		}
	}
	p.stats.lookups.set(probes)
	p.stats.masks.set(uint64(masks))
	if sorting {
		p.sigs.Resize(int(p.flows.live.Load()))
	}
}

// Stats implements dpif.Datapath.
func (d *Datapath) Stats() dpif.Stats {
	var t dpif.Stats
	masks := 0
	for _, p := range d.allPollers() {
		s := p.stats.read()
		t.Hit += s[fSimple] + s[fEMC] + s[fSMC] + s[fMegaflow]
		t.Missed += s[fMissOK] + s[fMissFailed] + s[fLost]
		t.Lost += s[fLost]
		t.MaskHits += s[fLookups]
		t.CacheHits += s[fEMC]
		t.Flows += int(p.flows.live.Load())
		masks = max(masks, int(p.stats.masks.load()))
	}
	t.Masks = masks
	d.mu.Lock()
	defer d.mu.Unlock()
	t.Hit += d.past[fSimple] + d.past[fEMC] + d.past[fSMC] + d.past[fMegaflow]
	t.Missed += d.past[fMissOK] + d.past[fMissFailed] + d.past[fLost]
	t.Lost += d.past[fLost]
	t.MaskHits += d.past[fLookups]
	t.CacheHits += d.past[fEMC]
	return t
}

// Drops implements dpif.Datapath.
func (d *Datapath) Drops() map[dpif.DropReason]uint64 {
	m := map[dpif.DropReason]uint64{}
	for _, p := range d.allPollers() {
		for r := range p.stats.drops {
			if n := p.stats.drops[r].load(); n != 0 {
				m[dpif.DropReason(r)] += n
			}
		}
	}
	if n := d.buried.Load(); n != 0 {
		m[dpif.DropPortDeleted] += n
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for r, n := range d.pastDrops {
		if n != 0 {
			m[dpif.DropReason(r)] += n
		}
	}
	return m
}

// Memory returns the number of megaflows, and the bytes outside the Go heap that they and their tables use.
func (d *Datapath) Memory() (flows int, bytes uint64) {
	for _, p := range d.allPollers() {
		flows += int(p.flows.live.Load())
		_ = p.callWait(&command{kind: cmdCall, call: func(p *poller) {
			bytes += p.store.Bytes()
			for _, c := range p.cls {
				if c != nil {
					bytes += c.Bytes()
				}
			}
		}})
	}
	return flows, bytes
}
