package pmd

import (
	"sync/atomic"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// kind says what a command asks for.
type kind uint8

const (
	cmdVerdict  kind = iota // up, which has the verdict; to install: flow
	cmdDone                 // up
	cmdPlan                 // plan
	cmdFlowPut              // flow, key, mask, actions
	cmdFlowMod              // flow, actions
	cmdFlowDel              // flow, final
	cmdFlush                // all flows
	cmdExecute              // packet, key, actions
	cmdForget               // port: drop what is parked for it
	cmdQuiesce              // done when nothing is going on
	cmdSettings             // settings

	cmdCall // call
	cmdStop // end the goroutine
)

// command is one entry of a poller's queue. done, if not nil, is called by the poller when it has been carried out. Each flow has one
// that removes it, so what only rarer ones need is apart.
type command struct {
	next    *command
	kind    kind
	port    dpif.PortNo
	up      *upcall
	flow    *dpif.Flow
	actions *actions.List
	call    func(p *poller)
	req     *request
	done    func()
	final   *dpif.Counters // where the flow's statistics are kept
}

// removal is a cmdFlowDel with what it needs: the poller is not to allocate.
type removal struct {
	command
	counters dpif.Counters
}

// request is what cmdPlan, cmdFlowPut, cmdExecute and cmdSettings have beside.
type request struct {
	key      *flow.Key
	mask     *flow.Mask
	packet   *packet.Buf
	plan     *plan
	settings *settings
	err      error // what came of it; read after done
}

// result is what came of a command that has been carried out.
func (c *command) result() error {
	if c.req == nil {
		return nil
	}
	return c.req.err
}

// queue is a poller's command queue: a stack that anybody pushes to and the poller takes whole.
type queue struct {
	head atomic.Pointer[command]
	_    [56]byte // the poller reads head in every iteration: keep others' writes off its cache line
}

func (q *queue) push(c *command) {
	for {
		h := q.head.Load()
		c.next = h
		if q.head.CompareAndSwap(h, c) {
			return
		}
	}
}

// take empties the queue and returns its commands, oldest first.
func (q *queue) take() *command {
	c := q.head.Swap(nil)
	var first *command
	for c != nil {
		next := c.next
		c.next = first
		first = c
		c = next
	}
	return first
}

// commands is a list of them, oldest first.
type commands struct{ first, last *command }

func (l *commands) add(c *command) {
	c.next = nil
	if l.first == nil {
		l.first = c
	} else {
		l.last.next = c
	}
	l.last = c
}

// remove returns the oldest, or nil.
func (l *commands) remove() *command {
	c := l.first
	if c != nil {
		l.first, c.next = c.next, nil
	}
	return c
}

// waiting says whether there are commands to serve.
func (p *poller) waiting() bool {
	return p.urgent.first != nil || p.later.first != nil || p.queue.head.Load() != nil
}

// urgentMisses is how many outstanding misses a port may have whose verdicts go before all other commands: those of ports that send nothing
// but new flows do not keep others' waiting.
const urgentMisses = 64

// sort takes what is queued and says what is urgent. Nothing depends on the order between verdicts and other commands: a port or a
// flow is known to others only when it is there.
func (p *poller) sort() {
	for c := p.queue.take(); c != nil; {
		next := c.next
		if c.kind == cmdVerdict && *count(&p.parked.misses, c.up.no) <= urgentMisses {
			p.urgent.add(c)
		} else {
			p.later.add(c)
		}
		c = next
	}
}

// send gives a command to the poller and wakes it if it sleeps.
func (p *poller) send(c *command) {
	p.queue.push(c)
	if p.ended.Load() {
		p.bury()
		return
	}
	p.kick()
}

// bury disposes of the commands to a poller whose goroutine has ended. Any goroutine may call it.
func (p *poller) bury() {
	for c := p.queue.take(); c != nil; {
		next := c.next
		switch c.kind {
		case cmdVerdict, cmdDone:
			if c.kind == cmdVerdict && !c.up.headRan {
				p.d.buried.Add(uint64(len(c.up.bufs)))
			}
			for _, buf := range c.up.bufs {
				p.d.alloc.FreeOne(buf)
			}
			c.up.bufs = nil
			if v := &c.up.verdict; v.OnInstalled != nil && v.Install {
				v.OnInstalled(v.Owner, nil)
			}
		case cmdExecute:
			p.d.alloc.FreeOne(c.req.packet)
			p.d.buried.Add(1)
		}
		if c.done != nil {
			c.done()
		}
		c = next
	}
}

// callWait sends a command and returns what came of it when it has been carried out.
func (p *poller) callWait(c *command) error {
	ch := make(chan struct{})
	c.done = func() { close(ch) }
	p.send(c)
	<-ch
	return c.result()
}

// kick wakes the poller if it sleeps and nobody else is about to wake it.
func (p *poller) kick() {
	if p.asleep.Load() && p.asleep.CompareAndSwap(true, false) {
		one := [8]byte{0: 1}
		_, _ = p.eventFile.Write(one[:]) // a full counter is readable all the same
	}
}

// The poller is loaded when, in the last loadedCycles, a queue has brought a burst of loadedBurst packets that were mostly known, or, in
// the last pureCycles, one that were all known: of traffic that new flows, on other ports, have nothing to do with. Commands then take
// serveCycles at a time, and the poller then does without them for serveRest times as long: a storm of new flows, or of expired ones,
// must not keep it from those packets.
const (
	serveCycles = 1 << 14 // some 6 microseconds
	serveRest   = 3

	serveCyclesIdle = 1 << 16 // otherwise, until the queues are looked at again

	loadedBurst  = burst / 4
	loadedCycles = 1 << 16 // some 25 microseconds
	pureCycles   = 1 << 19 // some 200 microseconds
)

// loaded says whether the poller is loaded now.
func (p *poller) loaded(now uint64) bool {
	return now-p.loadedTSC < loadedCycles || now-p.pureTSC < pureCycles
}

// serve carries out queued commands.
func (p *poller) serve() {
	begin := cycles()
	loaded := p.loaded(begin)
	if loaded && begin < p.serveTSC {
		return
	}
	limit := uint64(serveCyclesIdle)
	if loaded {
		limit = serveCycles
	}
	if p.queue.head.Load() != nil {
		p.sort()
	}
	for now := begin; ; now = cycles() {
		if now-begin > limit && p.stopping == nil {
			if loaded {
				p.serveTSC = now + (now-begin)*serveRest
			}
			break
		}
		c := p.urgent.remove()
		if c == nil {
			if c = p.later.remove(); c == nil {
				break
			}
		}
		p.hold()
		if now-p.safeTSC > safeCycles && p.steady {
			p.safePoint(now)
		}
		p.obey(c)
	}
	if len(p.scans) != 0 {
		p.releaseOthers()
	}
	p.empty()
	if len(p.notify) != 0 {
		p.wakeHandlers()
	}
}

func (p *poller) obey(c *command) {
	if c.kind > cmdFlowDel || c.kind == cmdPlan || c.kind == cmdFlowPut {
		p.unhold()
	}
	switch c.kind {
	case cmdVerdict:
		p.verdict(c)
		return // c is part of the upcall, which may be in use again
	case cmdDone:
		p.actionDone(c.up)
		return
	case cmdPlan:
		p.adopt(c.req.plan)
	case cmdFlowPut:
		c.req.err = p.put(c)
	case cmdFlowMod:
		p.modify(c.flow, c.actions)
	case cmdFlowDel:
		p.remove(c.flow, c.final)
	case cmdFlush:
		p.flushFlows()
	case cmdExecute:
		p.executePacket(c.req.packet, c.req.key, *c.actions)
		p.flush()
	case cmdForget:
		p.forget(c.port)
	case cmdQuiesce:
		p.quiet = append(p.quiet, c)
		p.busy = true
		return
	case cmdSettings:
		c.req.err = p.apply(c.req.settings)

	case cmdCall:
		c.call(p)
	case cmdStop:
		p.stopping = c
		return
	}
	if c.done != nil {
		c.done()
	}
}
