package pmd

import (
	"math/bits"

	"govs/flow"
)

// steerMask has a packet's five-tuple: what tx-steering=hash goes by.
var steerMask = func() (m flow.Mask) {
	m[flow.WIPv4] = ^uint64(0)
	m[flow.WL4] = 0xff000000ffffffff
	for i := flow.WIPv6Src; i < flow.WIPv6Misc; i++ {
		m[i] = ^uint64(0)
	}
	return m
}()

// txHash sends o's batch, each packet on the queue that the hash of its five-tuple says: a flow keeps its queue and its order, and
// one poller uses all queues. All pollers do so, hence the locks.
func (p *poller) txHash(o *outPort) {
	n := len(o.locks)
	b := o.batch
	var queue [burst]uint8
	used := [4]uint64{} // a bit for each queue; devices have at most 256 here
	for i := range b.N {
		words, _ := flow.ExtractVLAN(b.Bufs[i], 0, p.settings.vlanLimit, &p.steerKey)
		s := &p.store.Seeds
		h := s.HashRest(s.Hash(&p.steerKey, &steerMask), &p.steerKey, &steerMask, min(words, flow.WIPv6Misc))
		q := uint8((h >> 32) * uint64(min(n, 256)) >> 32)
		queue[i] = q
		used[q>>6] |= 1 << (q & 63)
	}
	t := p.steerBatch
	for w := range used {
		for rest := used[w]; rest != 0; rest &= rest - 1 {
			q := uint8(w<<6 + bits.TrailingZeros64(rest))
			t.N = 0
			for i := range b.N {
				if queue[i] == q {
					t.Bufs[t.N] = b.Bufs[i]
					t.N++
				}
			}
			o.locks[q].Lock()
			o.dev.Tx(int(q), t)
			o.locks[q].Unlock()
		}
	}
	b.N = 0
}
