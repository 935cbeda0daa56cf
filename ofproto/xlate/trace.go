package xlate

import (
	"fmt"
	"strings"
)

// nodeKind is the kind of a line of a trace.
type nodeKind uint8

const (
	nodeBridge nodeKind = iota // "bridge("br0")", underlined
	nodeTable                  // " 0. match, priority 32768"
	nodeThaw                   // "thaw"
	nodeAction                 // an action
	nodeBucket                 // "bucket 0"
	nodeDetail                 // " -> …"
	nodeWarn                   // " >> …"
	nodeError                  // " >>>> … <<<<"
)

// node is a line of a trace with the lines below it. Tables that an action leads to stand beside it, not below.
type node struct {
	kind nodeKind
	text string
	subs []*node
}

// Trace records what a translation does, for ofproto/trace.
type Trace struct {
	root node
	cur  *node // where the next line goes
}

// NewTrace returns an empty trace.
func NewTrace() *Trace {
	t := &Trace{}
	t.cur = &t.root
	return t
}

// add appends a line.
func (t *Trace) add(k nodeKind, format string, args ...any) *node {
	n := &node{kind: k, text: fmt.Sprintf(format, args...)}
	t.cur.subs = append(t.cur.subs, n)
	return n
}

// enter appends a line and makes it the place for the next ones; leave goes back to the place that it returned.
func (t *Trace) enter(k nodeKind, format string, args ...any) (back *node) {
	back = t.cur
	t.cur = t.add(k, format, args...)
	return back
}

func (t *Trace) leave(back *node) { t.cur = back }

// String is the trace as ofproto/trace prints it.
func (t *Trace) String() string {
	var b strings.Builder
	printNodes(&b, t.root.subs, 0)
	return b.String()
}

// printNodes writes sibling lines. Lines with something after them, and those that nothing is ever below, are set in one step more than
// the last one, so that a chain of tail calls does not wander to the right.
func printNodes(b *strings.Builder, nodes []*node, level int) {
	for i, n := range nodes {
		if n.kind == nodeBridge {
			b.WriteByte('\n')
		}
		more := 0
		if i < len(nodes)-1 || n.kind >= nodeAction {
			more = 1
		}
		indent := strings.Repeat(" ", (level+more)*4)
		b.WriteString(indent)
		switch n.kind {
		case nodeDetail:
			fmt.Fprintf(b, " -> %s\n", n.text)
		case nodeWarn:
			fmt.Fprintf(b, " >> %s\n", n.text)
		case nodeError:
			fmt.Fprintf(b, " >>>> %s <<<<\n", n.text)
		case nodeBridge:
			fmt.Fprintf(b, "%s\n%s%s\n", n.text, indent, strings.Repeat("-", len(n.text)))
		default:
			fmt.Fprintf(b, "%s\n", n.text)
		}
		printNodes(b, n.subs, level+2*more)
	}
}
