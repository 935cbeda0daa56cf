package pmd

import (
	"golang.org/x/sys/unix"

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

// doze is a PMD's sleep between empty polls (pmd-sleep-max): one microsecond longer each time, up to the maximum.
func (p *poller) doze(busy bool) {
	if p.settings.sleepMax == 0 || busy || len(p.dirty) != 0 || p.queue.head.Load() != nil {
		p.sleepFor = 0
		return
	}
	p.sleepFor = min(p.sleepFor+1000, p.settings.sleepMax)
	ts := unix.NsecToTimespec(p.sleepFor)
	_ = unix.Nanosleep(&ts, nil) // an interrupted sleep is as good
	p.stats.sleeps.add(1)
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
