package pmd

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/emc"
	"govs/flow"
	"govs/packet"
	"govs/ports"
)

const (
	burst   = packet.BatchSize
	maxPort = megaflow.MaxPort // port numbers are below this
)

// poller serves receive queues. All members but queue, asleep and the counters belong to its goroutine.
type poller struct {
	queue queue // from anybody

	d         *Datapath
	core      int          // or dpif.NonPMD
	tid       atomic.Int32 // its thread
	numa      int
	event     int      // eventfd that ends a sleep
	eventFile *os.File // the same: for others to write to, safe against its closing

	rxqs  []*rxq
	outs  []*outPort    // by port number; nil where there is no port
	dirty []dpif.PortNo // output ports whose batches hold packets; long enough for all
	cls   []*megaflow.Classifier

	store  *megaflow.Store
	cache  *emc.Cache
	sigs   *emc.Signatures
	flows  flowTable
	work   *work
	parked parking
	stats  stats

	now          int64  // clock at the start of this iteration or a little earlier, ms
	stamp        uint64 // now<<16, as entries hold it
	nowTSC       uint64 // when now was read
	sortAt       int64  // when to sort the subtables next
	lastTSC      uint64 // up to when cycles are accounted for
	txDueTSC     uint64 // when the oldest output batch must go, with tx-flush-interval
	settings     settings
	busy         bool       // look again before sleeping
	quiet        []*command // Quiesce calls that wait
	stopping     *command
	planned      *plan                // what was sent last; Datapath.mu guards it
	isolated     bool                 // has pinned queues; Datapath.mu guards it
	history      history              // busy cycles
	interval     counter              // cycles in the last interval
	perf         atomic.Pointer[perf] // nil until pmd-perf-metrics; the poller makes it
	clearedAt    int64                // since when StatsText and PerfText count, ms; Datapath.mu guards it
	allBefore    uint64               // all cycles when the present interval began
	sampleAt     int64                // when it ends, ms
	parser       parser
	ended        atomic.Bool // its goroutine has ended: who sends a command carries it out
	quietChecked bool
	asleep       atomic.Bool // it sleeps, or is about to and will look at the queue first
	depth        int         // of recirculation and nested actions
	epoll        int         // -1 on PMDs
	fds          map[int32][]*rxq
	epollEvs     [64]unix.EpollEvent
	unwaited     bool // there is a queue whose port cannot be waited for
	notify       []*handler
	groups       []*group // for executing action lists, one per depth
	cloneBatch   *packet.Batch
	trash        *packet.Batch // dropped packets that are not freed yet
	scans        []dpif.PortNo // ports whose waiting packets may match a megaflow by now: see releaseOthers and lineUp
	nextScan     uint64        // not before this reading of cycles
	scanRest     uint64
	random       uint64
	steerKey     flow.Key // txHash's
	steerBatch   *packet.Batch
	sleeper      sleeper
	signalers    []ports.Signaler // of rxqs, as long as all have one; see signal
	signalFDs    []int            // what they gave; -1: nothing
	signalEvent  unix.EpollEvent
	signalled    bool // the devices have been asked to signal packets
	runtime      goRuntime
	detained     detention
	detached     bool     // see detach.go
	detachable   bool     // it may detach
	away         uint64   // cycles for which it was detached during serve
	steady       bool     // all queues and the allocator are ports.Steady: hold may hold
	held         bool     // the goroutine cannot be preempted now: see hold
	safeTSC      uint64   // last safePoint
	loadedTSC    uint64   // when a queue last brought many known packets: see loadedBurst
	pureTSC      uint64   // likewise, and no others
	serveTSC     uint64   // not before this are more commands served while loaded
	urgent       commands // taken from queue, to be carried out first: see sort
	later        commands // likewise, the others
	sleepFor     int64    // nanoseconds that the next sleep takes
	searching    uint64   // cycles that the last burst's search in the classifier took
	pressing     pressure // of this iteration: see passOver
	most         int      // packets that the fullest queue gave in the last iteration
	packetTSC    uint64   // when packets came last
	metrics      *perf    // perf while pmd-perf-metrics is on, else nil
}

// work is what one burst needs. It holds no Go pointer.
type work struct {
	keys   [burst]flow.Key
	lens   [burst]uint8
	idx    [burst]uint8
	before [burst]uint8
	refs   [burst]megaflow.Ref
	hashes [burst]uint64
	layers [burst]flow.Layers
}

// settings are what all pollers are told.
type settings struct {
	emcInvProb  uint32
	smc         bool
	txFlush     uint64 // cycles
	sleepMax    int64  // nanoseconds that a PMD sleeps at most; 0: not at all
	adaptive    bool   // sleepMax was not set: only when there is no traffic
	signalAfter uint64 // cycles
	timedAfter  uint64 // cycles
	perfMetrics bool
	perUs       uint64 // cycles per microsecond
	vlanLimit   int
}

// rxq is a receive queue. Its batch and cycles belong to the poller that has it in its plan.
type rxq struct {
	port  *port
	no    dpif.PortNo
	dev   ports.Port
	q     int
	batch *packet.Batch
	ready bool // non-PMD: it may hold packets

	// What simple found last: the flow of one kind of packet as long as the classifier stays as it is.
	simpleKind uint64
	simpleGen  uint64
	simpleOf   *megaflow.Classifier
	simpleRef  megaflow.Ref

	alike   likeness
	judge   emc.Judge
	debt    int64 // cycles that other queues may have first: see fair.go
	missing bool  // its last burst was mostly misses

	cycles  counter // spent on its packets since the datapath started
	packets counter
	// Assignment; Datapath.mu guards it.
	poller  int
	pinned  bool
	history history // cycles
}

// outPort is a port as one poller sends to it.
type outPort struct {
	no     dpif.PortNo
	dev    ports.Port
	q      int
	mu     *sync.Mutex  // guards Tx on q when pollers share it; else nil
	hash   bool         // tx-steering=hash: each packet goes to the queue that its flow's hash says
	locks  []sync.Mutex // with hash, guard Tx on the queues
	batch  *packet.Batch
	dirty  bool
	steady bool // dev is ports.Steady
	bound  bool // to send needs the runtime: not for a detached poller
}

// plan is a poller's configuration. It is immutable once sent.
type plan struct {
	rxqs []*rxq
	outs []*outPort
}

func newPoller(d *Datapath, core int) (*poller, error) {
	p := &poller{d: d, core: core, event: -1, epoll: -1, work: new(work), planned: &plan{}, fds: map[int32][]*rxq{}, clearedAt: d.opt.Now(), parser: parser{name: d.parser}}
	p.cloneBatch, p.trash, p.random = packet.NewBatch(), packet.NewBatch(), d.seed()
	p.steerBatch = packet.NewBatch()
	var err error
	fail := func(err error) (*poller, error) {
		p.release()
		return nil, err
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return fail(fmt.Errorf("eventfd: %w", err))
	}
	p.eventFile = os.NewFile(uintptr(p.event), "poller")
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fail(fmt.Errorf("epoll_create1: %w", err))
	}
	if err = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, p.event, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.event)}); err != nil {
		return fail(fmt.Errorf("epoll_ctl: %w", err))
	}
	if p.store, err = d.newStore(); err != nil {
		return fail(err)
	}
	if p.cache, err = emc.New(p.store, d.set.emcInvProb); err != nil {
		return fail(err)
	}
	if p.sigs, err = emc.NewSignatures(p.store); err != nil {
		return fail(err)
	}
	_ = p.apply(&d.set)
	return p, nil
}

// release gives everything back that the poller holds, once its goroutine has ended or never began. Datapath.mu is held.
func (p *poller) release() {
	for _, c := range p.cls {
		if c != nil {
			c.Close()
		}
	}
	p.cls = nil
	if p.cache != nil {
		p.cache.Close()
	}
	if p.sigs != nil {
		p.sigs.Close()
	}
	if p.store != nil {
		p.store.Reset()
		p.d.spareStores = append(p.d.spareStores, p.store)
	}
	for _, g := range p.groups {
		packet.FreeBatch(g.batch)
	}
	packet.FreeBatch(p.cloneBatch)
	packet.FreeBatch(p.trash)
	packet.FreeBatch(p.steerBatch)
	p.detained.release()
	if p.eventFile != nil {
		p.eventFile.Close()
	}
	if p.epoll >= 0 {
		unix.Close(p.epoll)
	}
}

// main is the poller's goroutine.
func (p *poller) main() {
	runtime.LockOSThread()
	p.tid.Store(int32(unix.Gettid()))
	if p.core != dpif.NonPMD {
		// A thread that has been pinned is not fit for other goroutines: it ends with this one, as it is never unlocked.
		pin(p.core, p.d.opt.Logf)
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // 50 microseconds otherwise, a good part of a sleep
		if p.d.opt.ThreadStart != nil {
			defer p.d.opt.ThreadStart(p.core)()
		}
	} else {
		defer runtime.UnlockOSThread()
	}
	p.runtime.init()
	p.tick(cycles())
	p.lastTSC = cycles()
	p.packetTSC = p.lastTSC
	p.loop()
	c := p.stopping
	if c.done != nil {
		c.done()
	}
}

func pin(core int, logf func(string, ...any)) {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		logf("PMD on core %d: cannot pin its thread: %v", core, err)
	}
}

// clockCycles is how stale, in cycles, a PMD lets its clock become: some tenths of a millisecond.
const clockCycles = 1 << 20

// tick reads the clock and says whether it has moved.
func (p *poller) tick(tsc uint64) bool {
	p.nowTSC = tsc
	ms := p.d.opt.Now()
	moved := ms != p.now
	p.now = ms
	p.stamp = uint64(ms) << 16
	return moved
}

// adopt makes pl the poller's configuration. Its output batches are empty then.
func (p *poller) adopt(pl *plan) {
	p.flush()
	for _, q := range p.rxqs {
		if !contains(pl.rxqs, q) {
			p.unwatch(q)
		}
	}
	for _, q := range pl.rxqs {
		if !contains(p.rxqs, q) {
			p.watch(q)
		}
	}
	if p.signalled {
		p.signal(false)
	}
	p.rxqs, p.outs = pl.rxqs, pl.outs
	p.signalers, p.signalFDs = p.signalers[:0], p.signalFDs[:0]
	p.unwaited = false
	p.steady = p.core != dpif.NonPMD && isSteady(p.d.alloc)
	for _, q := range p.rxqs {
		p.steady = p.steady && isSteady(q.dev)
		if _, ok := q.dev.(ports.Waiter); !ok {
			p.unwaited = true
		}
		if s, ok := q.dev.(ports.Signaler); ok {
			p.signalers, p.signalFDs = append(p.signalers, s), append(p.signalFDs, -1)
		}
	}
	if cap(p.dirty) < len(p.outs) {
		p.dirty = make([]dpif.PortNo, 0, len(p.outs))
	}
	if p.detachable = p.mayDetach(); p.detachable {
		p.detained.prepare()
		p.group() // so that it is there
	}
	p.busy = true
}

// isSteady says whether v is ports.Steady and says so.
func isSteady(v any) bool {
	s, ok := v.(ports.Steady)
	return ok && s.Steady()
}

func contains(qs []*rxq, q *rxq) bool {
	for _, x := range qs {
		if x == q {
			return true
		}
	}
	return false
}

// watch lets the non-PMD poller wake up for q.
func (p *poller) watch(q *rxq) {
	q.ready = true
	w, ok := q.dev.(ports.Waiter)
	if !ok || p.core != dpif.NonPMD {
		return
	}
	fd := int32(w.WaitFD())
	if p.fds[fd] == nil {
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: fd}
		if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, int(fd), &ev); err != nil {
			p.d.opt.Logf("%s: cannot wait for packets: %v", q.dev.Name(), err)
		}
	}
	p.fds[fd] = append(p.fds[fd], q)
}

func (p *poller) unwatch(q *rxq) {
	if p.core != dpif.NonPMD {
		return
	}
	for fd, qs := range p.fds {
		for i, x := range qs {
			if x != q {
				continue
			}
			qs = append(qs[:i:i], qs[i+1:]...)
			if len(qs) == 0 {
				delete(p.fds, fd)
				_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, int(fd), nil) // it may be closed already
			} else {
				p.fds[fd] = qs
			}
			return
		}
	}
}

// wait sleeps until a queue may hold packets or a command comes, but at most ms milliseconds (-1: for ever, 0: only look).
func (p *poller) wait(ms int) {
	p.unhold()
	if ms != 0 {
		p.asleep.Store(true)
		if p.waiting() {
			ms = 0
		}
	}
	n, err := unix.EpollWait(p.epoll, p.epollEvs[:], ms)
	if p.asleep.Load() {
		p.asleep.Store(false)
	}
	if err != nil {
		return // EINTR: look again
	}
	for i := 0; i < n; i++ {
		fd := p.epollEvs[i].Fd
		if int(fd) == p.event {
			var buf [8]byte
			_, _ = unix.Read(p.event, buf[:])
			continue
		}
		for _, q := range p.fds[fd] {
			q.ready = true
		}
	}
}

// classifier returns the classifier of a port, or nil.
func (p *poller) classifier(no dpif.PortNo) *megaflow.Classifier {
	if int(no) < len(p.cls) {
		return p.cls[no]
	}
	return nil
}

// makeClassifier is classifier, but makes it.
func (p *poller) makeClassifier(no dpif.PortNo) *megaflow.Classifier {
	for int(no) >= len(p.cls) {
		p.cls = append(p.cls, nil)
	}
	if p.cls[no] == nil {
		p.cls[no] = megaflow.New(p.store)
	}
	return p.cls[no]
}
