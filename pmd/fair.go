package pmd

import "govs/dpif"

// Fairness between the queues of one poller.
//
// Queues are polled in turn, a burst each. That is fair as long as looking their packets up costs about the same. A packet that no
// megaflow matches costs tens of times as much, and so may one whose megaflow is found only after a long search: a port that
// sends such packets would leave little of the thread to the others. So the cycles of such a burst are a debt. While another queue's
// bursts are full (it has more packets waiting), a queue in debt is passed over until the others have had as many cycles as
// it owes; a cycle of a long search counts half as much again, so that the others keep more than half of the thread, and one on misses
// several times. When no other queue has more waiting, nothing is lost by polling it. A queue whose packets are found, but after long searches,
// lets those go first whose searches are short; a queue of misses lets both.
const (
	fairSearch = 48      // cycles a packet that a search in the classifier may take, and cost nothing
	missWeight = 4       // what a cycle on misses counts
	maxDebt    = 1 << 22 // cycles: some milliseconds
)

// charge accounts for a burst of n packets of q that cost so many cycles. The search in the classifier took some of them, and missed
// packets were found nowhere.
func (p *poller) charge(q *rxq, n, missed int, search, cost uint64) {
	q.missing = missed*2 > n
	known, long := missed*8 <= n, search > uint64(n)*fairSearch
	if known && n == burst {
		if long {
			p.pressing.long += int64(cost)
		} else {
			p.pressing.short += int64(cost)
		}
	}
	switch {
	case known && !long || len(p.rxqs) < 2 || p.core == dpif.NonPMD:
		return
	case q.missing:
		cost *= missWeight
	default:
		cost += cost / 2
	}
	q.debt = min(q.debt+int64(cost), maxDebt)
}

// chargeVerdicts lets the queues whose packets miss pay for the verdicts that were carried out in that many cycles.
func (p *poller) chargeVerdicts(cost uint64) {
	for _, q := range p.rxqs {
		if q.missing {
			q.debt = min(q.debt+int64(cost)*missWeight, maxDebt)
		}
	}
}

// pressure is the cycles spent in an iteration on queues of known packets that have more waiting: those with short and with long searches.
type pressure struct{ short, long int64 }

// passOver says whether q, which is in debt, has to let others go first, who pressed in the last iteration.
func (q *rxq) passOver(by pressure) bool {
	pressed := by.short
	if q.missing {
		pressed += by.long
	}
	if pressed == 0 {
		q.debt = 0
		return false
	}
	q.debt -= pressed
	return q.debt > 0
}
