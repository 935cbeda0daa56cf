package pmd

import (
	"time"

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
		case busy || p.waiting():
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

// How a PMD sleeps, if nobody has said how (pmd-maxsleep is not set): not at all while there is traffic. When no packet has
// come for a while it asks its queues' devices to signal arrivals, looks once more, and sleeps until there is a signal. If
// not all of them can, it waits longer, and sleeps and looks in turn. docs/performance.md has the measurements behind these numbers.
const (
	signalAfter = 10 * time.Millisecond  // without a packet, where all queues can signal
	signalMax   = 10 * time.Millisecond  // then the longest sleep: what comes by itself, such as a new guest, waits so long
	timedAfter  = 50 * time.Millisecond  // without a packet, where not all can
	timedMax    = 500 * time.Microsecond // then the longest sleep: what a first packet may wait
	timedStep   = 10 * time.Microsecond  // each sleep is longer than the one before by this
)

// With pmd-maxsleep a PMD does what Open vSwitch does: it sleeps after each iteration in which no queue gave lightLoad packets, a
// microsecond longer each time, at most so long as was said.
const (
	lightLoad   = burst / 2
	settingStep = time.Microsecond
)

// doze is a PMD's sleep between polls. A command ends it.
func (p *poller) doze(busy bool) {
	s := &p.settings
	quiet := p.lastTSC - p.packetTSC
	if s.sleepMax == 0 && !s.adaptive || s.adaptive && quiet < s.signalAfter ||
		busy || p.most >= lightLoad || p.parked.nMiss != 0 || p.waiting() {
		p.sleepFor = 0
		if p.signalled {
			p.signal(false)
		}
		return
	}
	if len(p.dirty) != 0 {
		if s.adaptive { // tx-flush-interval says how long
			return
		}
		p.flush()
	}
	for _, q := range p.rxqs {
		if q.debt > 0 { // it was passed over and may hold packets
			return
		}
	}
	switch {
	case !s.adaptive:
		p.sleepFor = min(p.sleepFor+int64(settingStep), s.sleepMax)
		p.sleep(p.sleepFor)
	case len(p.signalers) == len(p.rxqs):
		if !p.signalled {
			p.signal(true)
			return // the next pass finds what came before
		}
		p.sleep(int64(signalMax))
		p.signal(false)
	case quiet >= s.timedAfter:
		p.sleepFor = min(p.sleepFor+int64(timedStep), int64(timedMax))
		p.sleep(p.sleepFor)
	}
}

// signal asks the devices of all queues to signal packets, or not to.
func (p *poller) signal(on bool) {
	p.unhold()
	p.signalled = on
	if !on {
		for i, fd := range p.signalFDs {
			if fd >= 0 { // closing it would not take it out: the device has the same file open
				_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil)
				_ = unix.Close(fd)
			}
			p.signalers[i].SignalRx(p.rxqs[i].q, false)
		}
		return
	}
	for i, q := range p.rxqs {
		fd := p.signalers[i].SignalRx(q.q, true)
		p.signalFDs[i] = fd
		if fd < 0 {
			continue
		}
		p.signalEvent = unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
		if unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &p.signalEvent) != nil { // no room: signalMax bounds the wait
			_ = unix.Close(fd)
			p.signalFDs[i] = -1
		}
	}
	_, _ = unix.EpollWait(p.epoll, p.epollEvs[:], 0) // signals of before
}

// sleep sleeps for so many nanoseconds, or until there is a command or a signal.
func (p *poller) sleep(ns int64) {
	p.unhold()
	begin := cycles()
	p.asleep.Store(true)
	if !p.waiting() {
		p.sleeper.sleep(p.epoll, p.event, ns)
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
	p.unhold()
	if p.parked.nMiss != 0 || p.parked.nAction != 0 || p.waiting() {
		return // what ends the wait is a command, which ends a sleep
	}
	for _, q := range p.rxqs {
		if !q.ready {
			q.ready = true
			p.busy = true
		}
	}
	if p.busy && !p.quietChecked {
		p.quietChecked = true
		return
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
