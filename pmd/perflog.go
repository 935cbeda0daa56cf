package pmd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
)

// PerfLog watches for iterations that take suspiciously long, or find a guest's queue suspiciously full, and logs them with
// their neighbours (dpif-netdev/pmd-perf-log-set). All datapaths of a process share one. It works only where pmd-perf-metrics
// is on.
type PerfLog struct {
	log     func(core int, text string)
	reports chan report
	lost    atomic.Uint64 // reports that came too fast

	on     atomic.Bool
	extend atomic.Bool // -e: a further one before the log is written makes it longer
	before atomic.Int32
	after  atomic.Int32
	us     atomic.Int32 // duration that is suspicious
	queue  atomic.Int32 // fill level that is
}

// Defaults of pmd-perf-log-set.
const (
	perfLogNeighbours = 5
	perfLogUs         = 250
	perfLogQueue      = 128
	perfLogSafe       = 100 // more iterations than that are logged once, and then the default number
)

// report is a suspicious iteration on its way to the log.
type report struct {
	core  int
	why   string
	iter  uint64
	us    uint64
	lines []reading
}

// NewPerfLog returns a PerfLog that is off. log gets the warnings about a PMD, on a goroutine of their own, which ends with Close, and
// for AllPollers what a command did.
func NewPerfLog(log func(core int, text string)) *PerfLog {
	l := &PerfLog{log: log, reports: make(chan report, 16)}
	l.defaults()
	l.us.Store(perfLogUs)
	l.queue.Store(perfLogQueue)
	go func() {
		for r := range l.reports {
			l.write(r)
		}
	}()
	return l
}

// Close ends the log. No datapath may use it any more.
func (l *PerfLog) Close() { close(l.reports) }

func (l *PerfLog) defaults() {
	l.before.Store(perfLogNeighbours)
	l.after.Store(perfLogNeighbours)
	l.extend.Store(false)
}

// errPerfLogUsage is the answer to arguments that are none.
var errPerfLogUsage = errors.New("Usage: ovs-appctl dpif-netdev/pmd-perf-log-set [on|off] [-b before] [-a after] [-e|-ne] [-us usec] [-q qlen]")

// Set carries out pmd-perf-log-set. Like the original it keeps what the arguments before a bad one said.
func (l *PerfLog) Set(args []string) error {
	for i := 0; i < len(args); i++ {
		var to *atomic.Int32
		switch args[i] {
		case "on", "off":
			l.on.Store(args[i] == "on")
		case "-e", "-ne":
			l.extend.Store(args[i] == "-e")
		case "-b":
			to = &l.before
		case "-a":
			to = &l.after
		case "-q":
			to = &l.queue
		case "-us":
			to = &l.us
		default:
			return errPerfLogUsage
		}
		if to == nil {
			continue
		}
		i++
		if i == len(args) {
			return errPerfLogUsage
		}
		n, err := strconv.Atoi(args[i])
		if err != nil {
			return errPerfLogUsage
		}
		to.Store(int32(n))
	}
	state := "off"
	if l.on.Load() {
		state = "on"
	}
	l.log(AllPollers, fmt.Sprintf("pmd-perf-log-set: %s, before=%d, after=%d, extend=%v, us_thr=%d, q_thr=%d",
		state, l.before.Load(), l.after.Load(), l.extend.Load(), l.us.Load(), l.queue.Load()))
	return nil
}

// suspicious looks at the iteration that f holds last, and reports what has its neighbours together. Only the poller calls it.
func (p *poller) suspicious(f *perf, l *PerfLog, r *reading) {
	n := f.nIters.mine()
	if f.suspect == 0 || l.extend.Load() {
		why := ""
		switch us := uint64(l.us.Load()); {
		case r.cycles > us*p.settings.perUs:
			why = "Excessive total cycles"
		case r.queue > uint64(l.queue.Load()):
			why = "Vhost RX queue full"
		}
		switch {
		case why == "":
		case f.suspect == 0:
			f.suspectWhy, f.suspectAt, f.suspectTook = why, f.iters[(n-1)%perfHistory].stamp.mine(), r.cycles
			f.suspect = n
			f.logBefore = int(l.before.Load())
			f.logAt = n + uint64(max(l.after.Load(), 0))
		case n-f.suspect < perfHistory/2: // it goes on, but not for ever
			f.logAt = n + uint64(max(l.after.Load(), 0))
		}
	}
	if f.suspect == 0 || n < f.logAt {
		return
	}
	lines := min(max(f.logBefore, 0)+1+int(n-f.suspect), perfHistory)
	select {
	case l.reports <- report{p.core, f.suspectWhy, f.suspectAt, f.suspectTook / max(p.settings.perUs, 1), latest(&f.iters, n, lines)}:
	default:
		l.lost.Add(1)
	}
	f.suspect = 0
	if lines > perfLogSafe {
		l.defaults()
	}
}

func (l *PerfLog) write(r report) {
	if n := l.lost.Swap(0); n != 0 {
		l.log(r.core, fmt.Sprintf("Dropped %d reports of suspicious iterations due to excessive rate", n))
	}
	l.log(r.core, fmt.Sprintf("Suspicious iteration (%s): iter=%d duration=%d us", r.why, r.iter, r.us))
	var b strings.Builder
	b.WriteString("Neighborhood of suspicious iteration:\n")
	iterationTable(&b, r.lines)
	l.log(r.core, strings.TrimSuffix(b.String(), "\n"))
}
