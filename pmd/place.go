package pmd

import (
	"cmp"
	"fmt"
	"slices"
)

// The values of other_config:pmd-rxq-assign.
const (
	assignCycles     = "cycles"
	assignGroup      = "group"
	assignRoundRobin = "roundrobin"
)

// nowhere is the poller of a queue that nobody polls.
const nowhere = -1

// queueAt is a receive queue of a polled port as place sees it.
type queueAt struct {
	q    *rxq
	port string
	id   int
	numa int    // of the device
	pin  int    // the core that pmd-rxq-affinity says, or nowhere
	load uint64 // cycles over the last intervals
}

// coreAt is a core with a PMD.
type coreAt struct {
	core, numa int
	isolated   bool
	load       uint64 // of its queues
	queues     int
	unpinned   int // of those, not pinned
}

// placement says which PMD polls which queue.
type placement struct {
	cores  []coreAt // as place got them, with their loads
	of     map[*rxq]int
	pinned map[*rxq]bool
	texts  []logged // in the original's words
}

// logged is a message for the log.
type logged struct {
	warn bool
	text string
}

// place decides which PMD polls which queue. Pinned queues go to their core, which is then isolated: it gets no others, unless isolate is
// false. The rest are spread over the cores of their device's NUMA node, or of the next one that has any, as how says:
// "cycles" (the busiest first, over the cores and back), "roundrobin" (in order), "group" (the busiest first, each to the
// core with the least load). What finds no core is not polled.
func place(cores []coreAt, queues []queueAt, how string, isolate bool) *placement {
	p := &placement{cores: slices.Clone(cores), of: map[*rxq]int{}, pinned: map[*rxq]bool{}}
	measured := func(q *queueAt) string {
		if how == assignRoundRobin {
			return ""
		}
		return fmt.Sprintf(" (measured processing cycles %d)", q.load)
	}
	var rest []queueAt
	for _, q := range queues {
		if q.pin == nowhere {
			rest = append(rest, q)
			continue
		}
		i := slices.IndexFunc(p.cores, func(c coreAt) bool { return c.core == q.pin })
		if i < 0 {
			p.warnf("Core %2d cannot be pinned with port '%s' rx queue %d. Use pmd-cpu-mask to enable a pmd on core %d. An alternative core will be assigned.",
				q.pin, q.port, q.id, q.pin)
			rest = append(rest, q)
			continue
		}
		c := &p.cores[i]
		c.isolated = isolate
		p.put(&q, c)
		p.pinned[q.q] = true
		p.logf("Core %2d on numa node %d is pinned with port '%s' rx queue %d%s", c.core, c.numa, q.port, q.id, measured(&q))
	}
	if len(rest) == 0 {
		return p
	}
	if how != assignRoundRobin {
		slices.SortStableFunc(rest, func(a, b queueAt) int { return cmp.Compare(b.load, a.load) })
	}
	p.logf("Performing pmd to rx queue assignment using %s algorithm.", how)
	nodes := p.nodes()
	for i := range rest {
		q := &rest[i]
		n := slices.IndexFunc(nodes, func(n *node) bool { return n.numa == q.numa })
		if n < 0 || len(nodes[n].cores) == 0 {
			other := slices.IndexFunc(nodes, func(n *node) bool { return len(n.cores) > 0 })
			if other < 0 {
				p.of[q.q] = nowhere
				p.warnf("No non-isolated pmd on any numa available for port '%s' rx queue %d%s. This rx queue will not be polled.", q.port, q.id, measured(q))
				continue
			}
			p.warnf("There's no available (non-isolated) pmd thread on numa node %d. Port '%s' rx queue %d will be assigned to a pmd on numa node %d. "+
				"This may lead to reduced performance.", q.numa, q.port, q.id, nodes[other].numa)
			n = other
			nodes = append(append(nodes[:n:n], nodes[n+1:]...), nodes[n]) // the next such queue goes to the next node
			n = len(nodes) - 1
		}
		c := nodes[n].next(how, q)
		c.unpinned++
		p.put(q, c)
		p.logf("Core %2d on numa node %d assigned port '%s' rx queue %d%s.", c.core, c.numa, q.port, q.id, measured(q))
	}
	return p
}

func (p *placement) logf(format string, args ...any) {
	p.texts = append(p.texts, logged{false, fmt.Sprintf(format, args...)})
}

func (p *placement) warnf(format string, args ...any) {
	p.texts = append(p.texts, logged{true, fmt.Sprintf(format, args...)})
}

func (p *placement) put(q *queueAt, c *coreAt) {
	p.of[q.q] = c.core
	c.load += q.load
	c.queues++
}

// node is a NUMA node with its cores that are not isolated.
type node struct {
	numa  int
	cores []*coreAt
	at    int // where the next queue goes
	back  bool
}

func (p *placement) nodes() []*node {
	var l []*node
	for i := range p.cores {
		c := &p.cores[i]
		n := slices.IndexFunc(l, func(n *node) bool { return n.numa == c.numa })
		if n < 0 {
			n = len(l)
			l = append(l, &node{numa: c.numa})
		}
		if !c.isolated {
			l[n].cores = append(l[n].cores, c)
		}
	}
	return l
}

// next chooses the core for q.
func (n *node) next(how string, q *queueAt) *coreAt {
	switch how {
	case assignGroup:
		return slices.MinFunc(n.cores, func(a, b *coreAt) int {
			if q.load == 0 {
				return cmp.Compare(a.queues, b.queues)
			}
			return cmp.Compare(a.load, b.load)
		})
	case assignRoundRobin:
		c := n.cores[n.at]
		n.at = (n.at + 1) % len(n.cores)
		return c
	}
	c := n.cores[n.at]
	switch {
	case !n.back && n.at == len(n.cores)-1, n.back && n.at == 0:
		n.back = !n.back // each end has two turns
	case n.back:
		n.at--
	default:
		n.at++
	}
	return c
}
