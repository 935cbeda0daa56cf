package pmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"govs/actions"
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
	"govs/internal/clock"
	"govs/packet"
	"govs/ports"
)

// Options are what a Datapath is made with.
type Options struct {
	Name  string           // for messages
	Alloc packet.Allocator // of all packets
	// Now is the time in milliseconds as ofproto reads it, of which Flow.Stats.Used is an instant. Pollers call it every so often.
	// It must not wait for anything, not even a mutex: see hold.
	Now func() int64
	// ThreadStart, if not nil, is called on the thread of each new PMD, after it has been pinned to its core; what it
	// returns is called when the PMD ends. (DPDK wants to know the threads that use it.)
	ThreadStart func(core int) func()
	// MaxFlows bounds the megaflows of one poller; 0 is 2 million. Address space is reserved for as many.
	MaxFlows int
	// Logf gets messages for the operator; nil: none.
	Logf func(format string, args ...any)
	// Warnf gets warnings; nil: Logf does.
	Warnf func(format string, args ...any)
	// NUMA gives the NUMA node of a core; nil: always 0.
	NUMA func(core int) int
	// Clock is what automatic load balancing waits by; nil: there is none.
	Clock clock.Clock
	// PerfLog is where suspicious iterations are logged; nil: nowhere.
	PerfLog *PerfLog
}

// Datapath is a userspace datapath; see dpif.Datapath, which it implements. Its methods may be called from any goroutine
// but a poller's.
type Datapath struct {
	opt       Options
	alloc     packet.Allocator
	handlers  atomic.Pointer[[]*handler] // all that were ever made
	nHandlers atomic.Int32               // the first so many are given upcalls
	pollers   atomic.Pointer[[]*poller]  // the non-PMD poller, then the PMDs in core order; replaced under mu
	closed    atomic.Bool
	buried    atomic.Uint64 // packets that were on their way to a PMD which had ended

	mu          sync.Mutex // guards everything below, and changes of what is above
	ports       map[dpif.PortNo]*port
	cfg         dpif.Config
	set         settings
	past        baseline // counters of PMDs that have ended
	pastDrops   [dpif.NumDropReasons]uint64
	spareStores []*megaflow.Store // of PMDs that have ended, to be used again: see newStore
	cpus        unix.CPUSet       // that the process may use
	restCPUs    unix.CPUSet       // that threads other than PMDs use
	room        int               // PMDs that there are Go processors for: see makeRoom
	balancer    balancer
	configured  bool   // there has been a Configure
	parser      string // of new PMDs; see parser
	startMs     int64  // when the datapath was made, as opt.Now says,
	startTSC    uint64 // cycles() when the datapath was made,
	startNs     int64  // and the monotonic clock
	wg          sync.WaitGroup
}

// port is a port of the datapath.
type port struct {
	no   dpif.PortNo
	dev  ports.Port
	rxqs []*rxq
	tx   []sync.Mutex // one for each transmit queue; used where pollers share it
}

var _ dpif.Datapath = (*Datapath)(nil)

// New returns a datapath without ports, with its non-PMD poller running.
func New(o Options) (*Datapath, error) {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Warnf == nil {
		o.Warnf = o.Logf
	}
	if o.MaxFlows == 0 {
		o.MaxFlows = 2 << 20
	}
	if o.Alloc == nil || o.Now == nil {
		return nil, errors.New("pmd: Alloc and Now are required")
	}
	d := &Datapath{opt: o, alloc: o.Alloc, ports: map[dpif.PortNo]*port{}}
	d.startMs, d.startNs, d.startTSC = o.Now(), monotonic(), cycles()
	d.set = settings{emcInvProb: 100, vlanLimit: flow.DefaultVLANLimit}
	d.cfg = dpif.Config{EMCInsertInvProb: 100}
	if err := unix.SchedGetaffinity(os.Getpid(), &d.cpus); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	d.restCPUs = d.cpus
	h, err := newHandler()
	if err != nil {
		return nil, fmt.Errorf("upcall handler: %w", err)
	}
	d.handlers.Store(&[]*handler{h})
	d.nHandlers.Store(1)
	p, err := newPoller(d, dpif.NonPMD)
	if err != nil {
		return nil, err
	}
	d.pollers.Store(&[]*poller{p})
	d.start(p)
	return d, nil
}

// newStore returns a store for a poller. A store is not unmapped before Close, as somebody may just be reading the
// statistics of a flow in it. mu is held.
func (d *Datapath) newStore() (*megaflow.Store, error) {
	if n := len(d.spareStores); n > 0 {
		s := d.spareStores[n-1]
		d.spareStores = d.spareStores[:n-1]
		return s, nil
	}
	return megaflow.NewStore(d.opt.MaxFlows, d.seed())
}

func (d *Datapath) seed() uint64 { return rand.Uint64() }

func (d *Datapath) start(p *poller) {
	d.wg.Add(1)
	go func() {
		defer d.wg.Done()
		p.main()
	}()
}

// allPollers returns the pollers: the non-PMD one, then the PMDs in core order.
func (d *Datapath) allPollers() []*poller { return *d.pollers.Load() }

// pollerOf returns the poller with that id, or nil.
func (d *Datapath) pollerOf(id int) *poller {
	for _, p := range d.allPollers() {
		if p.core == id {
			return p
		}
	}
	return nil
}

// stop ends a poller's goroutine and keeps its counters. mu is held.
func (d *Datapath) stop(p *poller) {
	_ = p.callWait(&command{kind: cmdStop})
	p.ended.Store(true)
	p.bury()
	b := p.stats.read()
	for i := range b {
		d.past[i] += b[i]
	}
	for r := range p.stats.drops {
		d.pastDrops[r] += p.stats.drops[r].load()
	}
	p.freeOuts()
	p.release()
}

// PortAdd implements dpif.Datapath.
func (d *Datapath) PortAdd(dev ports.Port, want dpif.PortNo) (dpif.PortNo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return dpif.PortNone, syscall.ENODEV
	}
	no := want
	if no == dpif.PortNone {
		for no = 1; d.ports[no] != nil; no++ {
		}
	}
	if no >= maxPort {
		return dpif.PortNone, fmt.Errorf("port number %d: %w", no, syscall.EFBIG)
	}
	if d.ports[no] != nil {
		return dpif.PortNone, fmt.Errorf("port number %d: %w", no, syscall.EEXIST)
	}
	for _, pt := range d.ports {
		if pt.dev.Name() == dev.Name() {
			return dpif.PortNone, fmt.Errorf("%s: %w", dev.Name(), syscall.EEXIST)
		}
	}
	pt := &port{no: no, dev: dev, tx: make([]sync.Mutex, max(dev.TxQueues(), 1))}
	for q := range max(dev.RxQueues(), 1) {
		pt.rxqs = append(pt.rxqs, &rxq{port: pt, no: no, dev: dev, q: q, batch: packet.NewBatch()})
	}
	d.ports[no] = pt
	if err := d.reconfigure(); err != nil {
		delete(d.ports, no)
		_ = d.reconfigure() // fewer ports need no more pollers
		pt.free(d)
		return dpif.PortNone, err
	}
	return no, nil
}

// PortDel implements dpif.Datapath.
func (d *Datapath) PortDel(no dpif.PortNo) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	pt := d.ports[no]
	if pt == nil {
		return fmt.Errorf("port number %d: %w", no, syscall.ENODEV)
	}
	delete(d.ports, no)
	err := d.reconfigure()
	d.everywhere(func() *command { return &command{kind: cmdForget, port: no} })
	pt.free(d)
	return err
}

// free gives back a port's batches, which no poller uses any more.
func (pt *port) free(d *Datapath) {
	for _, q := range pt.rxqs {
		d.alloc.Free(q.batch)
		packet.FreeBatch(q.batch)
	}
}

// Ports implements dpif.Datapath.
func (d *Datapath) Ports() []dpif.PortInfo {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := make([]dpif.PortInfo, 0, len(d.ports))
	for no, pt := range d.ports {
		l = append(l, dpif.PortInfo{No: no, Port: pt.dev})
	}
	sort.Slice(l, func(i, j int) bool { return l[i].No < l[j].No })
	return l
}

// everywhere sends a command to each poller and returns when all have carried it out, with the first error.
func (d *Datapath) everywhere(make1 func() *command) error {
	var wg sync.WaitGroup
	var cs []*command
	for _, p := range d.allPollers() {
		c := make1()
		cs = append(cs, c)
		wg.Add(1)
		c.done = wg.Done
		p.send(c)
	}
	wg.Wait()
	for _, c := range cs {
		if err := c.result(); err != nil {
			return err
		}
	}
	return nil
}

// reconfigure makes the pollers that there should be, assigns the receive queues, and returns when all pollers run the new
// plan. mu is held.
func (d *Datapath) reconfigure() error {
	cores := d.wantedCores()
	old := d.allPollers()
	var now, fresh []*poller
	now = append(now, old[0])
	for _, core := range cores {
		p := d.pollerOf(core)
		if p == nil {
			var err error
			if p, err = newPoller(d, core); err != nil {
				for _, f := range fresh {
					f.release()
				}
				return fmt.Errorf("PMD on core %d: %w", core, err)
			}
			if d.opt.NUMA != nil {
				p.numa = d.opt.NUMA(core)
			}
			d.opt.Logf("PMD thread on numa_id: %d, core id: %2d created.", p.numa, core)
			fresh = append(fresh, p)
		}
		now = append(now, p)
	}
	for _, p := range old {
		if !slices.Contains(now, p) {
			d.opt.Logf("PMD thread on numa_id: %d, core id: %2d destroyed.", p.numa, p.core)
		}
	}
	if len(fresh) > 0 || len(now) < len(old) {
		perNode := map[int]int{}
		for _, p := range now[1:] {
			perNode[p.numa]++
		}
		for _, numa := range slices.Sorted(maps.Keys(perNode)) {
			d.opt.Logf("There are %d pmd threads on numa node %d", perNode[numa], numa)
		}
	}
	d.assign(now)
	d.makeRoom(len(now) - 1)
	for _, p := range fresh {
		d.start(p)
	}
	// Two steps: first nobody polls a queue that it loses, then everybody polls what it gains.
	d.deliver(old, now, false)
	d.deliver(now, now, true)
	d.pollers.Store(&now)
	for _, p := range old {
		if !slices.Contains(now, p) {
			d.stop(p)
		}
	}
	d.settle()
	return nil
}

// deliver sends ps their plans as far as pollers in now have any, and waits. Unless gain is set, a plan has only those queues that
// the poller has already.
func (d *Datapath) deliver(ps, now []*poller, gain bool) {
	var wg sync.WaitGroup
	var dead []*outPort
	for _, p := range ps {
		pl := &plan{}
		for _, pt := range d.sortedPorts() {
			for _, q := range pt.rxqs {
				if slices.Contains(now, p) && q.poller == p.core && (gain || slices.Contains(p.planned.rxqs, q)) {
					pl.rxqs = append(pl.rxqs, q)
				}
			}
		}
		pl.outs = d.outPorts(p, now, &dead)
		p.planned = pl
		wg.Add(1)
		p.send(&command{kind: cmdPlan, req: &request{plan: pl}, done: wg.Done})
	}
	wg.Wait()
	for _, o := range dead {
		packet.FreeBatch(o.batch)
	}
}

func (d *Datapath) sortedPorts() []*port {
	l := make([]*port, 0, len(d.ports))
	for _, pt := range d.ports {
		l = append(l, pt)
	}
	sort.Slice(l, func(i, j int) bool { return l[i].no < l[j].no })
	return l
}

// outPorts returns the ports as p is to send to them; dead gets what p's present plan has and the new one has not.
func (d *Datapath) outPorts(p *poller, now []*poller, dead *[]*outPort) []*outPort {
	index := max(slices.Index(now, p), 0)
	top := 0
	for no := range d.ports {
		top = max(top, int(no)+1)
	}
	outs := make([]*outPort, top)
	for no, pt := range d.ports {
		nq := len(pt.tx)
		o := &outPort{no: no, dev: pt.dev, q: index % nq, steady: isSteady(pt.dev)}
		o.hash = d.cfg.TxHash[pt.dev.Name()] && nq > 1
		others := index >= nq || index+nq < len(now) // it is another poller's queue as well
		sharer, ok := pt.dev.(ports.TxSharer)
		if o.hash {
			o.locks = pt.tx
		} else if others && !(ok && sharer.TxShared()) {
			o.mu = &pt.tx[o.q]
		}
		o.bound = !o.steady || o.mu != nil || o.hash
		if int(no) < len(p.planned.outs) {
			if was := p.planned.outs[no]; was != nil && was.dev == o.dev {
				if was.q == o.q && was.mu == o.mu && was.hash == o.hash {
					o = was
				} else {
					o.batch = nil
				}
			}
		}
		if o.batch == nil {
			o.batch = packet.NewBatch()
		}
		outs[no] = o
	}
	for no, was := range p.planned.outs {
		if was != nil && (no >= len(outs) || outs[no] != was) {
			*dead = append(*dead, was)
		}
	}
	return outs
}

// freeOuts gives back the output batches of a poller that has ended.
func (p *poller) freeOuts() {
	for _, o := range p.planned.outs {
		if o != nil {
			packet.FreeBatch(o.batch)
		}
	}
	p.planned = &plan{}
}

// Flows implements dpif.Datapath.
func (d *Datapath) Flows(f func(*dpif.Flow) bool) {
	for _, p := range d.allPollers() {
		if !p.flows.each(f) {
			return
		}
	}
}

// FlowPut implements dpif.Datapath.
func (d *Datapath) FlowPut(id int, k *flow.Key, m *flow.Mask, a *actions.List) error {
	p := d.pollerOf(id)
	if p == nil {
		return fmt.Errorf("poller %d: %w", id, syscall.ENOENT)
	}
	if k[flow.WInPort]>>32 >= maxPort {
		return errPortRange
	}
	key := *k
	m = megaflowMask(m)
	n := len(key)
	for n > 1 && key[n-1]&m[n-1] == 0 {
		n--
	}
	return p.callWait(&command{kind: cmdFlowPut, flow: dpif.NewFlow(id, &key, n, a, nil), req: &request{key: &key, mask: m}})
}

// FlowMod implements dpif.Datapath.
func (d *Datapath) FlowMod(f *dpif.Flow, a *actions.List, done func()) {
	d.toOwner(f, &command{kind: cmdFlowMod, flow: f, actions: a, done: done})
}

// FlowDel implements dpif.Datapath.
func (d *Datapath) FlowDel(f *dpif.Flow, done func()) {
	r := &removal{command: command{kind: cmdFlowDel, flow: f, done: done}}
	r.final = &r.counters
	d.toOwner(f, &r.command)
}

// toOwner sends a command to f's poller. If that has ended, f is dead and there is nothing to do.
func (d *Datapath) toOwner(f *dpif.Flow, c *command) {
	if p := d.pollerOf(int(f.Poller)); p != nil {
		p.send(c)
		return
	}
	if c.done != nil {
		c.done()
	}
}

// FlowFlush implements dpif.Datapath.
func (d *Datapath) FlowFlush() {
	_ = d.everywhere(func() *command { return &command{kind: cmdFlush} })
}

// Execute implements dpif.Datapath.
func (d *Datapath) Execute(b *packet.Buf, k *flow.Key, a *actions.List, wait bool) {
	key := *k
	c := &command{kind: cmdExecute, actions: a, req: &request{packet: b, key: &key}}
	p := d.allPollers()[0]
	if wait {
		_ = p.callWait(c)
		return
	}
	p.send(c)
}

// Quiesce implements dpif.Datapath. Packets that a poller sends into a port which comes back into the datapath count as
// new ones.
func (d *Datapath) Quiesce(ctx context.Context) error {
	for _, p := range d.allPollers() {
		ch := make(chan struct{})
		p.send(&command{kind: cmdQuiesce, done: func() { close(ch) }})
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Alloc implements dpif.Datapath.
func (d *Datapath) Alloc() packet.Allocator { return d.alloc }

// Close implements dpif.Datapath. Ports are not closed. Upcalls may be answered afterwards. No Flow.Stats call may be under
// way, but later ones are allowed.
func (d *Datapath) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Swap(true) {
		return nil
	}
	d.setBalancer()
	for no, pt := range d.ports {
		delete(d.ports, no)
		defer pt.free(d)
	}
	err := d.reconfigure()
	p := d.allPollers()[0]
	d.stop(p)
	for _, h := range *d.handlers.Load() {
		h.wake()
	}
	d.wg.Wait()
	for _, s := range d.spareStores {
		s.Close()
	}
	d.spareStores = nil
	return err
}
