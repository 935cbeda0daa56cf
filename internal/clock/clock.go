package clock

import "time"

// Clock tells the time and makes timers. Implementations may be used from any
// goroutine.
type Clock interface {
	// Now returns the current time. It carries a monotonic reading, so that
	// differences of two results are never negative.
	Now() time.Time
	// Since returns the time elapsed since t.
	Since(t time.Time) time.Duration
	// NewTimer returns a timer whose channel receives one value after d.
	NewTimer(d time.Duration) Timer
	// AfterFunc calls f after d. C of the result is nil.
	AfterFunc(d time.Duration, f func()) Timer
	// After is NewTimer(d).C().
	After(d time.Duration) <-chan time.Time
	// NewTicker returns a ticker with period d, which must be positive.
	// Ticks that nobody receives are dropped.
	NewTicker(d time.Duration) Ticker
}

// Timer is a single event in the future.
type Timer interface {
	// C is the channel on which the time is sent; nil for AfterFunc timers.
	C() <-chan time.Time
	// Stop prevents the timer from firing and tells whether it was pending.
	Stop() bool
	// Reset changes the timer to fire after d and tells whether it was pending.
	Reset(d time.Duration) bool
}

// Ticker delivers ticks at intervals.
type Ticker interface {
	// C is the channel on which ticks are sent.
	C() <-chan time.Time
	// Stop turns the ticker off. It does not close the channel.
	Stop()
	// Reset stops the ticker and sets its period to d.
	Reset(d time.Duration)
}

// Real is the machine's clock. Its zero value is ready for use.
type Real struct{}

// Now implements Clock.
func (Real) Now() time.Time { return time.Now() }

// Since implements Clock.
func (Real) Since(t time.Time) time.Duration { return time.Since(t) }

// NewTimer implements Clock.
func (Real) NewTimer(d time.Duration) Timer { return realTimer{time.NewTimer(d)} }

// AfterFunc implements Clock.
func (Real) AfterFunc(d time.Duration, f func()) Timer { return realTimer{time.AfterFunc(d, f)} }

// After implements Clock.
func (Real) After(d time.Duration) <-chan time.Time { return time.After(d) }

// NewTicker implements Clock.
func (Real) NewTicker(d time.Duration) Ticker { return realTicker{time.NewTicker(d)} }

type realTimer struct{ t *time.Timer }

func (t realTimer) C() <-chan time.Time        { return t.t.C }
func (t realTimer) Stop() bool                 { return t.t.Stop() }
func (t realTimer) Reset(d time.Duration) bool { return t.t.Reset(d) }

type realTicker struct{ t *time.Ticker }

func (t realTicker) C() <-chan time.Time   { return t.t.C }
func (t realTicker) Stop()                 { t.t.Stop() }
func (t realTicker) Reset(d time.Duration) { t.t.Reset(d) }
