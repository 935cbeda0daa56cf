package pmd

import "govs/dpif"

// Fairness between the queues of one poller.
//
// Queues are polled in turn, a burst each. That is fair as long as their packets cost about the same. A packet that no megaflow matches
// costs tens of times as much, and so may one whose megaflow is found only after a search: a port that sends such
// packets would leave little of the thread to the others. So what a queue costs beyond the ordinary is a debt. While another
// queue's bursts are full (it has more packets waiting), a queue in debt is passed over until the others have had as many
// cycles as it owes; a miss counts several times. When no other queue has more waiting nothing is lost by polling it.
const (
	fairCycles = 256     // a packet's ordinary cost at most
	missWeight = 4       // what a cycle on misses counts
	maxDebt    = 1 << 21 // cycles; under a millisecond
)

// charge accounts for a burst of n packets of q, missed of which were misses, that cost that many cycles.
func (p *poller) charge(q *rxq, n, missed int, cost uint64) {
	q.missing = missed*2 > n
	debt := int64(cost) - int64(n)*fairCycles
	switch {
	case debt <= 0:
		if n == burst {
			p.pressing += int64(cost)
		}
		return
	case len(p.rxqs) < 2 || p.core == dpif.NonPMD:
		return
	case q.missing:
		debt *= missWeight
	}
	q.debt = min(q.debt+debt, maxDebt)
}

// chargeVerdicts lets the queues whose packets miss pay for the verdicts that were carried out in that many cycles.
func (p *poller) chargeVerdicts(cost uint64) {
	for _, q := range p.rxqs {
		if q.missing {
			q.debt = min(q.debt+int64(cost)*missWeight, maxDebt)
		}
	}
}

// passOver says whether q, which is in debt, has to let others go first, who used pressed cycles in the last iteration.
func (q *rxq) passOver(pressed int64) bool {
	if pressed == 0 {
		q.debt = 0
		return false
	}
	q.debt -= pressed
	return q.debt > 0
}
