package pmd

import (
	"time"

	"govs/dpif"
)

// idle is what an iteration without packets ends with: answer Quiesce calls, then sleep if this poller may.
func (p *poller) idle() {
	if len(p.quiet) != 0 {
		p.answerQuiesce()
	}
	busy := p.busy
	p.busy = false
	if p.core == dpif.NonPMD || len(p.rxqs) == 0 {
		switch {
		case busy || p.queue.head.Load() != nil:
			p.wait(0)
		case len(p.dirty) != 0 || p.unwaited:
			p.wait(1)
			for _, q := range p.rxqs {
				q.ready = true
			}
		default:
			p.wait(-1)
		}
		p.tick(cycles())
		return
	}
	p.doze(busy)
}

// How a PMD sleeps. Without a setting (pmd-maxsleep is not there) it polls without pause until no packet has come for idleAfter:
// traffic never meets a sleeping PMD, only the first packet after a pause does. With one it does what Open vSwitch does:
// it sleeps after every iteration in which no queue gave lightLoad packets.
const (
	lightLoad   = burst / 2
	idleAfter   = 50 * time.Millisecond
	idleMax     = 250 * time.Microsecond // docs/performance.md says why
	idleStep    = 5 * time.Microsecond
	settingStep = time.Microsecond
)

// doze is a PMD's sleep between polls: longer each time, up to the maximum. A command ends it.
func (p *poller) doze(busy bool) {
	s := &p.settings
	step := int64(settingStep)
	if s.adaptive {
		step = int64(idleStep)
		if p.lastTSC-p.packetTSC < s.idleAfter {
			p.sleepFor = 0
			return
		}
	}
	if s.sleepMax == 0 || busy || p.most >= lightLoad || p.parked.nMiss != 0 || p.queue.head.Load() != nil {
		p.sleepFor = 0
		return
	}
	if len(p.dirty) != 0 {
		p.flush()
	}
	p.sleepFor = min(p.sleepFor+step, s.sleepMax)
	p.sleep(p.sleepFor)
}

// sleep sleeps for so many nanoseconds, or until there is a command.
func (p *poller) sleep(ns int64) {
	begin := cycles()
	p.asleep.Store(true)
	if p.queue.head.Load() == nil {
		p.sleeper.sleep(p.event, ns)
	}
	p.asleep.Store(false)
	end := cycles()
	p.stats.sleeps.add(1)
	p.stats.sleepCycles.add(end - begin)
	p.stats.idleCycles.add(begin - p.lastTSC)
	p.lastTSC = end
}

// answerQuiesce ends the Quiesce calls if nothing is going on: the last pass found no packet, no packet waits for a verdict, no
// handler has an Action upcall, and no command is queued. Queues that this poller watches are looked at once more, whether
// or not they were found ready.
func (p *poller) answerQuiesce() {
	if p.parked.nMiss != 0 || p.parked.nAction != 0 || p.queue.head.Load() != nil {
		return // what ends the wait is a command, which ends a sleep
	}
	for _, q := range p.rxqs {
		if !q.ready {
			q.ready = true
			p.busy = true
		}
	}
	if p.busy {
		for _, c := range p.quiet {
			c.err = nil
		}
		if !p.quietChecked {
			p.quietChecked = true
			return
		}
	}
	p.quietChecked = false
	p.busy = false
	if len(p.dirty) != 0 {
		p.flush()
	}
	p.upkeep()
	for i, c := range p.quiet {
		c.done()
		p.quiet[i] = nil
	}
	p.quiet = p.quiet[:0]
}
