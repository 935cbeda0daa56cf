package coverage

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"govs/internal/clock"
	"govs/internal/unixctl"
)

const (
	interval  = 5 * time.Second
	perMinute = 12 // samples
	perHour   = 60 // minutes
)

// Counter counts one kind of event.
type Counter struct {
	name  string
	total atomic.Uint64

	// The fields below are guarded by Registry.mu.
	last   uint64            // total at the last sample
	minute [perMinute]uint64 // events in each of the last 12 samples
	hour   [perHour]uint64   // events in each of the last 60 minutes
}

// Inc counts one event.
func (c *Counter) Inc() { c.Add(1) }

// Add counts n events.
func (c *Counter) Add(n uint64) {
	if c != nil {
		c.total.Add(n)
	}
}

// Raise makes total the number of events so far, unless it is more already: for events that somebody else counts.
func (c *Counter) Raise(total uint64) {
	for {
		old := c.total.Load()
		if total <= old || c.total.CompareAndSwap(old, total) {
			return
		}
	}
}

// Total returns the number of events so far.
func (c *Counter) Total() uint64 { return c.total.Load() }

// Registry is the set of counters of a program.
type Registry struct {
	// mu guards the fields below and the samples of the counters.
	mu       sync.Mutex
	counters map[string]*Counter
	samples  int // taken so far
	collect  []func()
}

// New returns an empty registry.
func New() *Registry { return &Registry{counters: map[string]*Counter{}} }

// Counter returns the counter with the given name, which is made if need be.
func (r *Registry) Counter(name string) *Counter {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counters[name]
	if c == nil {
		c = &Counter{name: name}
		r.counters[name] = c
	}
	return c
}

// Collect makes r call f, which raises counters, before it samples or shows them.
func (r *Registry) Collect(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.collect = append(r.collect, f)
}

// refresh calls what Collect was given. mu is not held.
func (r *Registry) refresh() {
	r.mu.Lock()
	fs := r.collect
	r.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

// Run samples the counters until ctx is done.
func (r *Registry) Run(ctx context.Context, clk clock.Clock) {
	t := clk.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C():
			r.Sample()
		}
	}
}

// Sample closes an interval of 5 seconds. Run calls it; tests may.
func (r *Registry) Sample() {
	r.refresh()
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := r.samples % perMinute
	minute := r.samples / perMinute % perHour
	for _, c := range r.counters {
		now := c.total.Load()
		n := now - c.last
		c.last = now
		c.minute[slot] = n
		if slot == 0 {
			c.hour[minute] = 0
		}
		c.hour[minute] += n
	}
	r.samples++
}

// rates returns events per second over the last 5 seconds, minute and hour.
func (r *Registry) rates(c *Counter) (sec5, min, hour float64) {
	if r.samples == 0 {
		return 0, 0, 0
	}
	sum := func(v []uint64) (n float64) {
		for _, x := range v {
			n += float64(x)
		}
		return n
	}
	last := c.minute[(r.samples-1)%perMinute]
	return float64(last) / 5, sum(c.minute[:]) / 60, sum(c.hour[:]) / 3600
}

// Show returns the text of coverage/show.
func (r *Registry) Show() string {
	r.refresh()
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.counters))
	for name := range r.counters {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	never := 0
	var hash uint32 = 2166136261 // FNV-1a over the names of what happened
	for _, name := range names {
		c := r.counters[name]
		total := c.Total()
		if total == 0 {
			never++
			continue
		}
		for _, x := range []byte(name) {
			hash = (hash ^ uint32(x)) * 16777619
		}
		s5, m, h := r.rates(c)
		fmt.Fprintf(&b, "%-24s %5.1f/sec %9.3f/sec %13.4f/sec   total: %d\n", name, s5, m, h, total)
	}
	return fmt.Sprintf("Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash=%08x:\n%s%d events never hit\n",
		hash, b.String(), never)
}

// Register adds the commands coverage/show and coverage/read-counter.
func (r *Registry) Register(s *unixctl.Server) {
	s.RegisterFunc("coverage/show", "", 0, 0, func([]string) (string, error) { return r.Show(), nil })
	s.RegisterFunc("coverage/read-counter", "COUNTER", 1, 1, func(args []string) (string, error) {
		r.refresh()
		r.mu.Lock()
		c := r.counters[args[0]]
		r.mu.Unlock()
		if c == nil {
			return "", errors.New("No such counter")
		}
		return strconv.FormatUint(c.Total(), 10), nil
	})
}
