package pmd

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"govs/dpif"
	"govs/packet"
	"govs/ports"
)

// With tx-flush-interval packets wait in their output batch, and go together.
func TestTxFlushInterval(t *testing.T) {
	r := newRig(t, nil)
	in, out := r.port(1, "dummy-pmd"), r.port(2, "dummy-pmd")
	send := func(n int) {
		t.Helper()
		if err := in.Inject(0, udp(1000, n)); err != nil {
			t.Fatal(err)
		}
	}
	send(0)
	r.quiesce() // the flow is there
	if got := len(out.TakeSent()); got != 1 {
		t.Fatalf("%d packets at first", got)
	}
	const interval = 300 * time.Millisecond
	if err := r.d.Configure(dpif.Config{EMCInsertInvProb: 100, TxFlushInterval: interval.Microseconds(), PMDSleepMax: -1}); err != nil {
		t.Fatal(err)
	}
	p := r.d.allPollers()[1]
	received := func() uint64 { return p.stats.received.load() }
	batches, packets := p.stats.txBatches.load(), p.stats.txPackets.load()
	begin := time.Now()
	for i := range 5 {
		send(1 + i)
		for want := uint64(2 + i); received() < want; {
			runtime.Gosched()
		}
	}
	if took := time.Since(begin); took < interval/2 && len(out.TakeSent()) != 0 {
		t.Errorf("sent %v after the first came", took)
	}
	for p.stats.txPackets.load() < packets+5 {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("they are not sent")
		}
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(begin); took < interval*9/10 {
		t.Errorf("sent after %v", took)
	}
	if n := p.stats.txBatches.load() - batches; n != 1 && time.Since(begin) < 2*interval {
		t.Errorf("%d batches", n)
	}
	// A full batch does not wait.
	begin, packets = time.Now(), p.stats.txPackets.load()
	for i := range burst + 1 {
		send(100 + i)
	}
	for p.stats.txPackets.load() < packets+burst {
		if time.Since(begin) > 20*time.Second {
			t.Fatal("a full batch is not sent")
		}
		runtime.Gosched()
	}
}

// manyQueues is a port with several transmit queues that notes what came by which, and whether two used one at once.
type manyQueues struct {
	ports.Port
	n     int
	alloc packet.Allocator

	mu   sync.Mutex          // guards seen
	seen map[int]map[int]int // queue -> source port -> packets
	busy [8]sync.Mutex       // held during Tx on a queue
	t    *testing.T
}

func (m *manyQueues) TxQueues() int { return m.n }

func (m *manyQueues) Tx(q int, b *packet.Batch) {
	if !m.busy[q].TryLock() {
		m.t.Errorf("two send on queue %d at once", q)
	} else {
		defer m.busy[q].Unlock()
	}
	m.mu.Lock()
	for _, buf := range b.Bufs[:b.N] {
		if m.seen[q] == nil {
			m.seen[q] = map[int]int{}
		}
		m.seen[q][srcOf(buf.Bytes())]++
	}
	m.mu.Unlock()
	m.alloc.Free(b)
}

// tx-steering=hash spreads flows over all queues, and keeps each flow on one.
func TestTxSteeringHash(t *testing.T) {
	r := newRig(t, nil)
	in := r.port(1, "dummy-pmd")
	dev, err := r.opener.Open(ports.Config{Name: "out", Type: "dummy-pmd", Alloc: r.arena, TxQs: 1})
	if err != nil {
		t.Fatal(err)
	}
	out := &manyQueues{Port: dev, n: 4, alloc: r.arena, seen: map[int]map[int]int{}, t: t}
	if _, err := r.d.PortAdd(out, 2); err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		for i := range 64 {
			if err := in.Inject(0, udp(1000+i, 0)); err != nil {
				t.Fatal(err)
			}
		}
		r.quiesce()
	}
	send()
	if len(out.seen) != 1 {
		t.Errorf("by thread %d queues are used", len(out.seen))
	}
	clear(out.seen)
	if err := r.d.Configure(dpif.Config{EMCInsertInvProb: 100, TxHash: map[string]bool{"out": true}}); err != nil {
		t.Fatal(err)
	}
	send()
	send()
	if len(out.seen) != out.n {
		t.Errorf("by hash %d queues are used", len(out.seen))
	}
	of := map[int]int{}
	for q, sources := range out.seen {
		for src, n := range sources {
			if was, ok := of[src]; ok {
				t.Errorf("flow %d is on queues %d and %d", src, was, q)
			}
			of[src] = q
			if n != 2 {
				t.Errorf("%d packets of flow %d", n, src)
			}
		}
	}
	if len(of) != 64 {
		t.Errorf("%d flows", len(of))
	}
}

// A transmit queue is locked only if pollers share it.
func TestTxQueueSharing(t *testing.T) {
	r := newRig(t, nil)
	if !usable(1) {
		t.Skip("one processor")
	}
	for i, n := range []int{1, 2, 3, 4} {
		dev, err := r.opener.Open(ports.Config{Name: "q" + string(rune('0'+n)), Type: "dummy-pmd", Alloc: r.arena, TxQs: 1})
		if err != nil {
			t.Fatal(err)
		}
		m := &manyQueues{Port: dev, n: n, alloc: r.arena, seen: map[int]map[int]int{}, t: t}
		if _, err := r.d.PortAdd(m, dpif.PortNo(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.d.Configure(dpif.Config{EMCInsertInvProb: 100, PMDCPUs: []int{0, 1}, PMDSleepMax: 100}); err != nil {
		t.Fatal(err)
	}
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	for no, want := range map[int][3]bool{1: {true, true, true}, 2: {true, false, true}, 3: {}, 4: {}} {
		for i, p := range r.d.allPollers() {
			if got := p.planned.outs[no].mu != nil; got != want[i] {
				t.Errorf("%d queues, poller %d: locked is %v", no, i, got)
			}
		}
	}
}

// A poller neither allocates nor waits, whether it is busy, idle or asleep: with the datapath's lock held by somebody else,
// packets pass, and memory allocation is at rest.
func TestLoopNeedsNobody(t *testing.T) {
	r := newRig(t, nil)
	in, out := r.port(1, "dummy-pmd"), r.port(2, "dummy-pmd")
	for name, c := range map[string]dpif.Config{
		"polling": {EMCInsertInvProb: 1}, "sleeping": {EMCInsertInvProb: 1, PMDSleepMax: 50}, "adaptive": {EMCInsertInvProb: 1, PMDSleepMax: -1},
		"metrics": {EMCInsertInvProb: 1, PerfMetrics: true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := r.d.Configure(c); err != nil {
				t.Fatal(err)
			}
			if err := in.Inject(0, udp(1000, 0)); err != nil {
				t.Fatal(err)
			}
			r.quiesce()
			out.TakeSent()
			p := r.d.allPollers()[1]
			slept := p.stats.sleeps.load()
			iterations := func() uint64 { return p.stats.iterations.load() }
			r.d.mu.Lock()
			defer r.d.mu.Unlock()
			var before, after runtime.MemStats
			begin, start := iterations(), time.Now()
			runtime.ReadMemStats(&before)
			for iterations() < begin+1000 && time.Since(start) < 10*time.Second {
				time.Sleep(10 * time.Millisecond)
			}
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > 100 { // of what else runs in this process
				t.Errorf("%d allocations in %d idle iterations", n, iterations()-begin)
			}
			sent := p.stats.txPackets.load()
			for i := range 100 {
				if err := in.Inject(0, udp(1000, i)); err != nil {
					t.Fatal(err)
				}
			}
			for start := time.Now(); p.stats.txPackets.load() < sent+100; time.Sleep(time.Millisecond) {
				if time.Since(start) > 10*time.Second {
					t.Fatalf("%d of 100 packets pass", p.stats.txPackets.load()-sent)
				}
			}
			if asleep := p.stats.sleeps.load() != slept; name == "polling" && asleep {
				t.Error("it sleeps")
			}
		})
	}
	if r.d.allPollers()[1].stats.sleeps.load() == 0 {
		t.Error("it never slept")
	}
}
