package replay

import (
	"time"

	"govs/internal/clock"
)

// Party is a goroutine that takes input.
type Party struct {
	j    *Journal
	name string
	fire func() // a timer's function, in a replay

	held   bool        // has the turn; recording: the party's own; replay: guarded by j.mu
	asking bool        // replay: waits on next; guarded by j.mu
	next   chan *event // replay
}

// Party returns a party. In a replay there must be one of each name at most. The result is nil for a nil Journal.
func (j *Journal) Party(name string) *Party {
	if j == nil {
		return nil
	}
	p := &Party{j: j, name: name, next: make(chan *event, 1)}
	if j.replay {
		j.mu.Lock()
		j.parties[name] = p
		j.mu.Unlock()
	}
	return p
}

// Wait gives the turn back, calls wait for the next input, and returns it when the party has the turn again. In a replay wait is not called.
func (p *Party) Wait(wait func() ([]byte, error)) ([]byte, error) {
	if p == nil {
		return wait()
	}
	p.Leave()
	if p.j.replay {
		return p.receive()
	}
	b, err := wait()
	p.j.mu.Lock()
	closed := p.j.closed
	p.j.mu.Unlock()
	if closed {
		return b, err
	}
	p.j.turn.Lock()
	p.held = true
	p.j.put(&event{Party: p.name, Data: b, Err: text(err)})
	return b, err
}

// receive waits for the party's next event in a replay.
func (p *Party) receive() ([]byte, error) {
	j := p.j
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil, ErrEnded
	}
	p.asking = true
	j.arrived.Broadcast()
	j.mu.Unlock()
	select {
	case e := <-p.next:
		return e.Data, e.err()
	case <-j.done:
		return nil, ErrEnded
	}
}

// Leave gives the turn back, if the party has it.
func (p *Party) Leave() {
	if p == nil {
		return
	}
	if !p.j.replay {
		if p.held {
			p.held = false
			p.j.turn.Unlock()
		}
		return
	}
	p.j.mu.Lock()
	held := p.held
	p.held = false
	p.j.mu.Unlock()
	if held {
		select {
		case p.j.passed <- struct{}{}:
		case <-p.j.done:
		}
	}
}

// Clock returns a clock for the parties: it stands still at the time of the event that is being dealt with, and what AfterFunc starts is a
// party. Channels of timers and tickers are the machine's: to receive from one is for a function given to Wait.
func (j *Journal) Clock() clock.Clock { return journalClock{j.base, j} }

type journalClock struct {
	clock.Clock
	j *Journal
}

func (c journalClock) Now() time.Time {
	c.j.mu.Lock()
	defer c.j.mu.Unlock()
	return c.j.now
}

func (c journalClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c journalClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	p := &Party{j: c.j, name: c.j.Unique("timer")}
	if !c.j.replay {
		return c.Clock.AfterFunc(d, func() {
			_, _ = p.Wait(func() ([]byte, error) { return nil, nil })
			f()
			p.Leave()
		})
	}
	p.fire = func() {
		f()
		p.Leave()
	}
	c.j.mu.Lock()
	c.j.parties[p.name] = p
	c.j.mu.Unlock()
	return idleTimer{}
}

// idleTimer is a timer that only the journal fires.
type idleTimer struct{}

func (idleTimer) C() <-chan time.Time      { return nil }
func (idleTimer) Stop() bool               { return true }
func (idleTimer) Reset(time.Duration) bool { return true }
