package oftable

import (
	"math/bits"
	"sync/atomic"
)

// bits128 is up to 128 bits, the first one at the top of hi.
type bits128 struct{ hi, lo uint64 }

// bit returns bit i, counted from the first.
func (b bits128) bit(i int) int {
	if i < 64 {
		return int(b.hi >> (63 - i) & 1)
	}
	return int(b.lo >> (127 - i) & 1)
}

// shl drops the first n bits.
func (b bits128) shl(n int) bits128 {
	switch {
	case n == 0:
		return b
	case n < 64:
		return bits128{b.hi<<n | b.lo>>(64-n), b.lo << n}
	case n < 128:
		return bits128{b.lo << (n - 64), 0}
	}
	return bits128{}
}

// keep zeroes all but the first n bits.
func (b bits128) keep(n int) bits128 {
	switch {
	case n <= 0:
		return bits128{}
	case n < 64:
		return bits128{b.hi &^ (^uint64(0) >> n), 0}
	case n < 128:
		return bits128{b.hi, b.lo &^ (^uint64(0) >> (n - 64))}
	}
	return b
}

func (b *bits128) set(i int) {
	if i < 64 {
		b.hi |= 1 << (63 - i)
	} else {
		b.lo |= 1 << (127 - i)
	}
}

// maxRun is the longest run of bits in a node; longer ones are a chain of nodes.
const maxRun = 64

// trieNode is one edge's run of bits and what is below it. prefix and n never change; a node is replaced to change them.
type trieNode struct {
	prefix uint64                      // the run, left-aligned, zero beyond n bits
	rules  atomic.Int32                // rules whose prefix ends here
	n      uint8                       // length of the run, at most maxRun
	edges  [2]atomic.Pointer[trieNode] // by the bit after the run
}

// newPath returns the nodes for the first n bits of v, with one rule at the end.
func newPath(v bits128, n int) *trieNode {
	if n <= maxRun {
		t := &trieNode{prefix: v.keep(n).hi, n: uint8(n)}
		t.rules.Store(1)
		return t
	}
	t := &trieNode{prefix: v.hi, n: maxRun}
	t.edges[v.bit(maxRun)].Store(newPath(v.shl(maxRun), n-maxRun))
	return t
}

// common is the number of leading bits of v that the run agrees with.
func (t *trieNode) common(v bits128) int {
	return min(bits.LeadingZeros64(v.hi^t.prefix), int(t.n))
}

func (t *trieNode) leaf() bool {
	return t.edges[0].Load() == nil && t.edges[1].Load() == nil
}

// trie is a set of prefixes with the number of rules of each: a path-compressed binary tree. One writer, many readers.
type trie struct {
	root atomic.Pointer[trieNode]
}

// lookup finds which prefix lengths have a rule that covers v, as a bit set (bit i: length i+1), and how many
// leading bits of v had to be looked at to be sure of it. width is the length of v.
func (t *trie) lookup(v bits128, width int) (lens bits128, looked int) {
	at := 0
	var last *trieNode
	for n := t.root.Load(); n != nil; {
		eq := n.common(v.shl(at))
		at += eq
		if eq < int(n.n) {
			return lens, at + 1
		}
		if at > 0 && n.rules.Load() > 0 {
			lens.set(at - 1)
		}
		if at >= width {
			return lens, width
		}
		last = n
		n = n.edges[v.bit(at)].Load()
	}
	if last == nil || last.leaf() {
		return lens, at
	}
	return lens, at + 1 // one bit more, to rule out the other branch
}

// insert adds a rule with the first plen bits of v.
func (t *trie) insert(v bits128, plen int) {
	edge := &t.root
	at := 0
	for {
		n := edge.Load()
		if n == nil {
			edge.Store(newPath(v.shl(at), plen-at))
			return
		}
		eq := min(n.common(v.shl(at)), plen-at)
		if eq < int(n.n) {
			// Split the run: up holds its first eq bits, low the others and all that was below.
			low := &trieNode{prefix: n.prefix << eq, n: n.n - uint8(eq)}
			low.rules.Store(n.rules.Load())
			low.edges[0].Store(n.edges[0].Load())
			low.edges[1].Store(n.edges[1].Load())
			up := &trieNode{prefix: bits128{hi: n.prefix}.keep(eq).hi, n: uint8(eq)}
			up.edges[low.prefix>>63].Store(low)
			if at+eq == plen {
				up.rules.Store(1)
			} else {
				up.edges[v.bit(at+eq)].Store(newPath(v.shl(at+eq), plen-at-eq))
			}
			edge.Store(up)
			return
		}
		at += eq
		if at == plen {
			n.rules.Add(1)
			return
		}
		edge = &n.edges[v.bit(at)]
	}
}

// remove takes back an insert with the same arguments.
func (t *trie) remove(v bits128, plen int) {
	var path [130]*atomic.Pointer[trieNode]
	depth := 0
	edge := &t.root
	at := 0
	for {
		n := edge.Load()
		if n == nil {
			return
		}
		path[depth] = edge
		depth++
		at += int(n.n)
		if at == plen {
			n.rules.Add(-1)
			break
		}
		if at > plen {
			return
		}
		edge = &n.edges[v.bit(at)]
	}
	// Prune upwards: a node without rules that has at most one branch goes, merged into that branch.
	for depth--; depth >= 0; depth-- {
		n := path[depth].Load()
		if n.rules.Load() > 0 {
			return
		}
		e0, e1 := n.edges[0].Load(), n.edges[1].Load()
		switch {
		case e0 != nil && e1 != nil:
			return
		case e0 == nil && e1 == nil:
			path[depth].Store(nil)
		default:
			c := e0
			if c == nil {
				c = e1
			}
			if int(n.n)+int(c.n) > maxRun {
				return
			}
			m := &trieNode{prefix: n.prefix | c.prefix>>n.n, n: n.n + c.n}
			m.rules.Store(c.rules.Load())
			m.edges[0].Store(c.edges[0].Load())
			m.edges[1].Store(c.edges[1].Load())
			path[depth].Store(m)
			return
		}
	}
}
