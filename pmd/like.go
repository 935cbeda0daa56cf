package pmd

import (
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// likeBurst is the least burst, all of one flow, from which a queue's model is made.
const likeBurst = 4

// likeWait is how many bursts a queue keeps its model at least: making one costs as much as looking up some packets.
const likeWait = 8

// likeness is a queue's memory of the last whole burst that was of one megaflow: packets that are equal to it under the
// megaflow's own mask, which their raw bytes tell, are of the same megaflow, as megaflows do not overlap. It holds while no
// flow of the classifier is removed.
type likeness struct {
	like  flow.Like
	of    *megaflow.Classifier
	gone  uint64 // of.Removed then
	limit int    // vlan-limit then
	ref   megaflow.Ref
	wait  int // bursts until another model may be made
}

// alike is the shortcut for a burst that is wholly of the flow of an earlier burst: it is neither parsed nor looked up. It
// does the whole of the burst and says true, or nothing.
func (p *poller) alike(q *rxq, c *megaflow.Classifier) bool {
	s, b := &q.alike, q.batch
	n, bytes, flags := s.like.Match(b)
	if n == 0 || n != b.N || s.gone != c.Removed || s.of != c || s.limit != p.settings.vlanLimit {
		return false
	}
	e := p.store.Entry(s.ref)
	if p.detached && !p.plain(e) {
		return false
	}
	if p.settings.emcInvProb != 0 {
		p.stats.emcHits.add(uint64(n))
	} else {
		p.stats.megaflowHits.add(uint64(n))
		p.stats.probes.add(uint64(n))
	}
	p.account(e, uint64(n), uint64(bytes), flags)
	switch out := e.Out; {
	case out < maxPort:
		if o := p.out(uint32(out)); o != nil {
			p.output(o, b, 0, n)
		} else {
			p.dropRange(b, 0, n, dpif.DropInvalidPort)
		}
	case out == megaflow.OutDrop:
		p.dropRange(b, 0, n, dpif.DropEmptyActions)
	default:
		w, l := p.work, s.like.Layers()
		for i := range w.layers[:n] {
			w.layers[i] = l
		}
		p.executeGroup(p.flows.at(e.Flow).Actions.Load(), b, 0, n, q.no)
	}
	b.N = 0
	return true
}

// learn makes a model of q's burst, which has been looked up and not executed yet, if it is wholly of one flow.
func (p *poller) learn(q *rxq, c *megaflow.Classifier) {
	s, w, b := &q.alike, p.work, q.batch
	if s.wait--; s.wait > 0 || b.N < likeBurst {
		return
	}
	r := w.refs[0]
	for i := 1; i < b.N && i < packet.BatchSize; i++ {
		if w.refs[i] != r {
			return
		}
	}
	e := p.store.Entry(r)
	t := p.store.Subtable(e)
	if r == 0 || t == nil || e.Out == megaflow.OutDead {
		return
	}
	s.like.Set(b.Bufs[0], w.layers[0], t.Mask())
	s.of, s.gone, s.limit, s.ref, s.wait = c, c.Removed, p.settings.vlanLimit, r, likeWait // never while detached
}
