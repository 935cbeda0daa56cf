package pmd

// Counters are one poller's lookup and cycle counters since it began.
type Counters struct {
	Core                                         int // or dpif.NonPMD
	Received, Recirculated                       uint64
	EMCHits, SMCHits, MegaflowHits, Misses, Lost uint64
	SubtableLookups                              uint64 // subtables searched for MegaflowHits
	TxPackets, TxBatches                         uint64
	BusyCycles, IdleCycles, Iterations           uint64
}

// Counters returns the counters of all pollers: the non-PMD one first, then the PMDs in core order.
func (d *Datapath) Counters() []Counters {
	var l []Counters
	for _, p := range d.allPollers() {
		b := p.stats.read()
		l = append(l, Counters{
			Core: p.core, Received: b[fReceived], Recirculated: b[fRecircs], EMCHits: b[fEMC], SMCHits: b[fSMC],
			MegaflowHits: b[fMegaflow], Misses: b[fMissOK] + b[fMissFailed] + b[fLost], Lost: b[fLost], SubtableLookups: b[fLookups],
			TxPackets: b[fTxPackets], TxBatches: b[fTxBatches], BusyCycles: b[fBusy], IdleCycles: b[fIdle], Iterations: b[fIterations],
		})
	}
	return l
}
