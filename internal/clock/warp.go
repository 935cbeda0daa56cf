package clock

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
)

// Warp is a clock that can be stopped and advanced by hand. Until Stop is
// called it runs at the machine's rate.
type Warp struct {
	// advance serialises Advance calls. It is taken before mu and never
	// while holding mu.
	advance sync.Mutex

	// mu guards every field below. Callbacks run without it.
	mu      sync.Mutex
	offset  time.Duration // added to the machine's clock while running
	stopped bool
	now     time.Time   // current time while stopped
	wheel   eventHeap   // pending events
	wake    *time.Timer // real timer for the earliest event while running
	seq     uint64      // orders events of equal deadline
	hooks   []func()    // run after each step of Advance

	// view is what Now reads without mu: poll loops must not wait for it. nil is a running clock without offset.
	view atomic.Pointer[view]
}

// view is a copy of the members of those names.
type view struct {
	offset  time.Duration
	stopped bool
	now     time.Time
}

// publishLocked follows each change of offset, stopped or now.
func (w *Warp) publishLocked() { w.view.Store(&view{w.offset, w.stopped, w.now}) }

// NewWarp returns a running clock that starts at the machine's current time.
func NewWarp() *Warp { return &Warp{} }

// NewStopped returns a clock that is stopped at t. Tests use it.
func NewStopped(t time.Time) *Warp {
	w := &Warp{stopped: true, now: t}
	w.publishLocked()
	return w
}

// Now implements Clock.
func (w *Warp) Now() time.Time {
	switch v := w.view.Load(); {
	case v == nil:
		return time.Now()
	case v.stopped:
		return v.now
	default:
		return time.Now().Add(v.offset)
	}
}

func (w *Warp) nowLocked() time.Time {
	if w.stopped {
		return w.now
	}
	return time.Now().Add(w.offset)
}

// Since implements Clock.
func (w *Warp) Since(t time.Time) time.Duration { return w.Now().Sub(t) }

// Stopped tells whether Stop was called.
func (w *Warp) Stopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// Stop freezes the clock at its current time, for good. Stopping a stopped
// clock does nothing.
func (w *Warp) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.now = w.nowLocked()
	w.stopped = true
	w.publishLocked()
	if w.wake != nil {
		w.wake.Stop()
	}
}

// OnAdvance registers f to be called after each step of Advance, on the
// goroutine that advances. A component whose timers only signal other
// goroutines registers a function that waits until those are idle again.
func (w *Warp) OnAdvance(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks = append(w.hooks, f)
}

// Advance moves the clock forward by d at once, firing what becomes due on the
// way in order of deadline, each with the clock at its deadline. It works on
// a running clock too, which then goes on running. Negative d is ignored.
func (w *Warp) Advance(d time.Duration) {
	if d < 0 {
		return
	}
	w.advance.Lock()
	defer w.advance.Unlock()

	w.mu.Lock()
	target := w.nowLocked().Add(d)
	for len(w.wheel) > 0 && !w.wheel[0].when.After(target) {
		e := w.wheel[0]
		if w.stopped {
			if e.when.After(w.now) {
				w.now = e.when
			}
		} else if ahead := e.when.Sub(w.nowLocked()); ahead > 0 {
			w.offset += ahead
		}
		w.publishLocked()
		w.popLocked(e)
		now := w.nowLocked()
		w.mu.Unlock()
		e.fire(now)
		w.mu.Lock()
	}
	if ahead := target.Sub(w.nowLocked()); ahead > 0 {
		if w.stopped {
			w.now = target
		} else {
			w.offset += ahead
		}
		w.publishLocked()
	}
	w.armLocked()
	hooks := append([]func(){}, w.hooks...)
	w.mu.Unlock()

	for _, f := range hooks {
		f()
	}
}

// popLocked removes e from the wheel and, for a ticker, puts its next tick in.
func (w *Warp) popLocked(e *event) {
	heap.Remove(&w.wheel, e.index)
	if e.period > 0 {
		e.when = e.when.Add(e.period)
		w.pushLocked(e)
	}
}

func (w *Warp) pushLocked(e *event) {
	w.seq++
	e.seq = w.seq
	heap.Push(&w.wheel, e)
}

// armLocked sets the real timer for the earliest event of a running clock.
func (w *Warp) armLocked() {
	if w.stopped || len(w.wheel) == 0 {
		return
	}
	d := w.wheel[0].when.Sub(w.nowLocked())
	if w.wake == nil {
		w.wake = time.AfterFunc(d, w.expire)
	} else {
		w.wake.Reset(d)
	}
}

// expire fires what is due on a running clock.
func (w *Warp) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	now := w.nowLocked()
	for len(w.wheel) > 0 && !w.wheel[0].when.After(now) {
		e := w.wheel[0]
		w.popLocked(e)
		if e.f != nil {
			go e.f()
		} else {
			e.fire(now)
		}
	}
	w.armLocked()
}

// schedule sets e to fire after d and tells whether it was pending.
func (w *Warp) schedule(e *event, d time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	pending := e.index >= 0
	if pending {
		heap.Remove(&w.wheel, e.index)
	}
	if d < 0 {
		d = 0
	}
	e.when = w.nowLocked().Add(d)
	w.pushLocked(e)
	if d == 0 && w.stopped {
		// Due already: a stopped clock has nobody else to fire it.
		w.popLocked(e)
		if e.f != nil {
			go e.f()
		} else {
			e.fire(w.now)
		}
		return pending
	}
	w.armLocked()
	return pending
}

func (w *Warp) cancel(e *event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.index < 0 {
		return false
	}
	heap.Remove(&w.wheel, e.index)
	return true
}

// NewTimer implements Clock.
func (w *Warp) NewTimer(d time.Duration) Timer {
	t := &warpTimer{w: w, e: event{index: -1, ch: make(chan time.Time, 1)}}
	w.schedule(&t.e, d)
	return t
}

// AfterFunc implements Clock.
func (w *Warp) AfterFunc(d time.Duration, f func()) Timer {
	t := &warpTimer{w: w, e: event{index: -1, f: f}}
	w.schedule(&t.e, d)
	return t
}

// After implements Clock.
func (w *Warp) After(d time.Duration) <-chan time.Time { return w.NewTimer(d).C() }

// NewTicker implements Clock.
func (w *Warp) NewTicker(d time.Duration) Ticker {
	if d <= 0 {
		panic("clock: ticker period must be positive")
	}
	t := warpTicker{&warpTimer{w: w, e: event{index: -1, ch: make(chan time.Time, 1), period: d}}}
	w.schedule(&t.e, d)
	return t
}

type warpTimer struct {
	w *Warp
	e event
}

func (t *warpTimer) C() <-chan time.Time { return t.e.ch }
func (t *warpTimer) Stop() bool {
	stopped := t.w.cancel(&t.e)
	t.drain()
	return stopped
}
func (t *warpTimer) Reset(d time.Duration) bool {
	t.w.cancel(&t.e)
	t.drain()
	return t.w.schedule(&t.e, d)
}

// drain discards a value that was sent before Stop or Reset, as timers of Go
// 1.23 and later do.
func (t *warpTimer) drain() {
	select {
	case <-t.e.ch:
	default:
	}
}

type warpTicker struct{ *warpTimer }

func (t warpTicker) Stop() { t.warpTimer.Stop() }
func (t warpTicker) Reset(d time.Duration) {
	if d <= 0 {
		panic("clock: ticker period must be positive")
	}
	t.w.cancel(&t.e)
	t.drain()
	t.w.mu.Lock()
	t.e.period = d
	t.w.mu.Unlock()
	t.w.schedule(&t.e, d)
}

// event is one entry of the wheel. Its fields are guarded by Warp.mu, but for
// ch and f, which never change.
type event struct {
	when   time.Time
	seq    uint64
	index  int // position in the heap, -1 when not in it
	period time.Duration
	ch     chan time.Time
	f      func()
}

// fire signals the event's channel or calls its function.
func (e *event) fire(now time.Time) {
	if e.f != nil {
		e.f()
		return
	}
	select {
	case e.ch <- now:
	default:
	}
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].when.Equal(h[j].when) {
		return h[i].seq < h[j].seq
	}
	return h[i].when.Before(h[j].when)
}
func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
