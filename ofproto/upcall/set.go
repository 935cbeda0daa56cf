package upcall

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"govs/dpif"
	"govs/internal/clock"
	"govs/ofproto/xlate"
)

// Limits and intervals as in ovs-vswitchd.conf.db(5); times in ms.
const (
	DefaultFlowLimit        = 200_000
	DefaultMaxIdle          = 10_000
	DefaultMaxRevalidator   = 500
	DefaultMinRevalidatePPS = 5
	initialFlowLimit        = 10_000
	minFlowLimit            = 1_000
)

// Config is what a Set is made with.
type Config struct {
	Datapath dpif.Datapath
	Clock    clock.Clock
	Readers  *xlate.Readers
	Recirc   *xlate.RecircPool
	// Snapshot returns the newest snapshot of the switch.
	Snapshot func() *xlate.Snapshot
	// Tick, if not nil, is called by the revalidator before each walk: expiry of rules and addresses.
	Tick func(now int64)
	// AfterWalk, if not nil, is called when the counters of all flows have been pushed.
	AfterWalk func(now int64)
	// VLANLimit is the number of tags that a key holds.
	VLANLimit int
}

// Settings may change while a Set runs.
type Settings struct {
	FlowLimit, MaxIdle, MaxRevalidator, MinRevalidatePPS int
	Handlers, Revalidators                               int
}

// Set is the handlers and the revalidators of one datapath.
type Set struct {
	cfg Config

	settings atomic.Pointer[Settings]
	changes  xlate.Changes // never empty: there is one from the start
	limit    atomic.Int64  // present flow limit
	flows    atomic.Int64  // megaflows installed and not yet taken out
	exact    atomic.Bool   // upcall/disable-megaflows
	noUFID   atomic.Bool   // upcall/disable-ufid; only shown

	onInstalled func(any, *dpif.Flow) // installed, for all verdicts

	duration atomic.Int64 // ms; of the last walk
	avgFlows atomic.Int64
	maxFlows atomic.Int64

	// OpenFlow statistics that the handlers keep.
	Misses atomic.Uint64
	Errors atomic.Uint64
	// Revalidated counts megaflows that were translated again.
	Revalidated atomic.Uint64

	wake    chan struct{}      // capacity 1: something changed
	asks    chan chan struct{} // Wait and Purge
	purge   atomic.Bool
	paused  atomic.Bool
	settled atomic.Uint64 // the change number of the last walk that has ended
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu       sync.Mutex // guards handlers
	handlers []context.CancelFunc
}

// New starts the handlers and the revalidator.
func New(c Config) *Set {
	s := &Set{cfg: c, wake: make(chan struct{}, 1), asks: make(chan chan struct{})}
	s.onInstalled = s.installed
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.changes.Add(xlate.Change{All: true})
	s.settings.Store(fill(Settings{}))
	s.limit.Store(min(initialFlowLimit, DefaultFlowLimit))
	s.startHandlers(s.settings.Load().Handlers)
	s.wg.Go(s.revalidator)
	return s
}

func fill(c Settings) *Settings {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.FlowLimit, DefaultFlowLimit)
	def(&c.MaxIdle, DefaultMaxIdle)
	def(&c.MaxRevalidator, DefaultMaxRevalidator)
	def(&c.MinRevalidatePPS, DefaultMinRevalidatePPS)
	c.MinRevalidatePPS = max(c.MinRevalidatePPS, 0)
	n := runtime.NumCPU()
	if c.Handlers != 0 {
		def(&c.Revalidators, max(n-c.Handlers, 1))
	}
	def(&c.Revalidators, n/4+1)
	def(&c.Handlers, max(n-c.Revalidators, 1))
	return &c
}

// Configure changes the settings; zero members are the defaults.
func (s *Set) Configure(c Settings) {
	old := s.settings.Load()
	n := fill(c)
	s.settings.Store(n)
	s.limit.Store(min(s.limit.Load(), int64(n.FlowLimit)))
	if n.Handlers != old.Handlers {
		s.startHandlers(n.Handlers)
	}
	s.kick()
}

// startHandlers replaces the handlers by n new ones.
func (s *Set) startHandlers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stop := range s.handlers {
		stop()
	}
	s.handlers = nil
	s.cfg.Datapath.SetHandlers(n)
	for i := range n {
		ctx, stop := context.WithCancel(s.ctx)
		s.handlers = append(s.handlers, stop)
		h := newHandler(s, i)
		s.wg.Go(func() { h.run(ctx) })
	}
}

// Close stops everything. Megaflows stay as they are.
func (s *Set) Close() {
	s.cancel()
	s.wg.Wait()
}

// Changed says that translations may have new results from now on. It never blocks.
func (s *Set) Changed(c xlate.Change) {
	s.changes.Add(c)
	s.kick()
}

func (s *Set) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Wait returns when a whole walk that began after the call has ended: all changes are in the datapath and all counters are pushed.
func (s *Set) Wait() {
	done := make(chan struct{})
	select {
	case s.asks <- done:
		select {
		case <-done:
		case <-s.ctx.Done():
		}
	case <-s.ctx.Done():
	}
}

// Settle returns when the megaflows are in step with all changes before the call. It returns at once if they are.
func (s *Set) Settle() {
	if s.settled.Load() < s.changes.Seq() {
		s.Wait()
	}
}

// Pause stops the revalidation but for that which is waited for (Wait, Settle, Purge): megaflows stay as they are, and rules do not
// expire. It returns when none is under way.
func (s *Set) Pause() {
	s.paused.Store(true)
	s.Wait()
}

// Resume ends Pause.
func (s *Set) Resume() {
	s.paused.Store(false)
	s.Wait()
}

// Purge removes all megaflows, after their counters have been pushed.
func (s *Set) Purge() {
	s.purge.Store(true)
	s.Wait()
}

// now is the time in ms.
func (s *Set) now() int64 { return s.cfg.Clock.Now().UnixMilli() }

// SetLimit sets the present flow limit (upcall/set-flow-limit).
func (s *Set) SetLimit(n int) { s.limit.Store(int64(n)) }

// SetMegaflows turns wildcarding on or off (upcall/enable-megaflows, upcall/disable-megaflows) and starts afresh.
func (s *Set) SetMegaflows(on bool) {
	s.exact.Store(!on)
	s.Purge()
}

// SetUFID only changes what Info says: flows are always known by their ids.
func (s *Set) SetUFID(on bool) { s.noUFID.Store(!on) }

// Info is what upcall/show shows.
type Info struct {
	Flows, Avg, Max, Limit int64
	Duration               time.Duration
	UFID                   bool
	Revalidators           int
}

// Info returns the present figures.
func (s *Set) Info() Info {
	return Info{
		Flows: s.flows.Load(), Avg: s.avgFlows.Load(), Max: s.maxFlows.Load(), Limit: s.limit.Load(),
		Duration: time.Duration(s.duration.Load()) * time.Millisecond, UFID: !s.noUFID.Load(),
		Revalidators: s.settings.Load().Revalidators,
	}
}
