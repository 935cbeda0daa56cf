package vlog

import (
	"fmt"
	"sync"
	"time"
)

// RateLimit bounds how often a message is logged. Make one per place that may
// log without end; it may be shared between goroutines.
type RateLimit struct {
	rate  int // messages a minute
	burst int

	// mu guards the fields below.
	mu           sync.Mutex
	tokens       float64 // messages that may be logged now
	filled       time.Time
	dropped      uint
	firstDropped time.Time
	lastDropped  time.Time
}

// NewRateLimit returns a limit of rate messages a minute, with bursts of up to
// burst messages.
func NewRateLimit(rate, burst int) *RateLimit {
	return &RateLimit{rate: rate, burst: burst, tokens: float64(burst)}
}

// allow takes a token. If it may, it also returns the number of messages that
// were dropped since the last time, and when the first and the last of them.
func (rl *RateLimit) allow(now time.Time) (ok bool, dropped uint, first, last time.Time) {
	rl.mu.Lock()
	defer rl.mu.Unlock()
	if !rl.filled.IsZero() {
		if d := now.Sub(rl.filled); d > 0 {
			rl.tokens = min(rl.tokens+d.Minutes()*float64(rl.rate), float64(rl.burst))
		}
	}
	rl.filled = now
	if rl.tokens < 1 {
		if rl.dropped == 0 {
			rl.firstDropped = now
		}
		rl.lastDropped = now
		rl.dropped++
		return false, 0, first, last
	}
	rl.tokens--
	dropped, first, last = rl.dropped, rl.firstDropped, rl.lastDropped
	rl.dropped = 0
	return true, dropped, first, last
}

// LogRLf is Logf within a rate limit. The first message that gets through
// after others were dropped is preceded by their number.
func (m *Module) LogRLf(rl *RateLimit, l Level, format string, args ...any) {
	if !m.Enabled(l) {
		return
	}
	if !m.m.nolim.Load() {
		now := m.reg.clock.Now()
		ok, dropped, first, last := rl.allow(now)
		if !ok {
			return
		}
		if dropped > 0 {
			m.reg.write(m, l, fmt.Sprintf("Dropped %d log messages in last %d seconds "+
				"(most recently, %d seconds ago) due to excessive rate", dropped,
				int(now.Sub(first).Seconds()), int(now.Sub(last).Seconds())))
		}
	}
	m.Logf(l, format, args...)
}

// ErrRLf is Errf within a rate limit.
func (m *Module) ErrRLf(rl *RateLimit, format string, args ...any) {
	m.LogRLf(rl, Err, format, args...)
}

// WarnRLf is Warnf within a rate limit.
func (m *Module) WarnRLf(rl *RateLimit, format string, args ...any) {
	m.LogRLf(rl, Warn, format, args...)
}

// InfoRLf is Infof within a rate limit.
func (m *Module) InfoRLf(rl *RateLimit, format string, args ...any) {
	m.LogRLf(rl, Info, format, args...)
}

// DbgRLf is Dbgf within a rate limit.
func (m *Module) DbgRLf(rl *RateLimit, format string, args ...any) {
	m.LogRLf(rl, Dbg, format, args...)
}
