package pmd

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
	"govs/ports"
)

// genPort is a polled port that receives what its generator makes, as fast as it is polled, and counts what is sent to it.
type genPort struct {
	ports.Port // nothing but what is defined below is called
	name       string
	alloc      packet.Allocator
	polled     bool
	txqs       int
	next       func(q int, seq uint64) []byte // nil: receives nothing
	seq        atomic.Uint64
	paused     atomic.Bool
	rx, tx     atomic.Uint64
	closed     atomic.Bool
	check      func(*packet.Buf)
	t          testing.TB
}

func (g *genPort) Name() string  { return g.name }
func (g *genPort) Type() string  { return "gen" }
func (g *genPort) Polled() bool  { return g.polled }
func (g *genPort) RxQueues() int { return 1 }
func (g *genPort) TxQueues() int { return g.txqs }
func (g *genPort) Close() error  { g.closed.Store(true); return nil }
func (g *genPort) Rx(q int, b *packet.Batch) {
	if g.closed.Load() {
		g.t.Error("Rx on a closed port")
	}
	b.N = 0
	if g.next == nil || g.paused.Load() {
		return
	}
	g.alloc.Alloc(b, packet.BatchSize)
	for i := 0; i < b.N; i++ {
		b.Bufs[i].SetData(g.next(q, g.seq.Add(1)))
	}
	g.rx.Add(uint64(b.N))
}
func (g *genPort) Tx(_ int, b *packet.Batch) {
	if g.closed.Load() {
		g.t.Error("Tx on a closed port")
	}
	if g.check != nil {
		for _, p := range b.Bufs[:b.N] {
			g.check(p)
		}
	}
	g.tx.Add(uint64(b.N))
	g.alloc.Free(b)
}

func (r *rig) gen(no dpif.PortNo, polled bool, next func(q int, seq uint64) []byte, check ...func(*packet.Buf)) *genPort {
	r.t.Helper()
	g := &genPort{name: "g" + string(rune('a'+no)), alloc: r.arena, polled: polled, txqs: 1, next: next, t: r.t}
	if len(check) > 0 {
		g.check = check[0]
	}
	if got, err := r.d.PortAdd(g, no); err != nil || got != no {
		r.t.Fatalf("PortAdd: %d, %v", got, err)
	}
	return g
}

// balance checks that all that was received was sent or counted. Generators are paused.
func (r *rig) balance(gens ...*genPort) {
	r.t.Helper()
	var rx, tx, drops uint64
	for _, g := range gens {
		rx += g.rx.Load()
		tx += g.tx.Load()
	}
	for _, n := range r.d.Drops() {
		drops += n
	}
	if rx != tx+drops {
		r.t.Errorf("%d packets received, %d sent, %d dropped: %v", rx, tx, drops, r.d.Drops())
	}
}

// TestStress lets two ports send to each other through a PMD and the non-PMD poller while others add and remove ports, remove and
// change flows, read statistics, and change the configuration. Every packet must be accounted for, and nothing be left over.
func TestStress(t *testing.T) {
	length := 2 * time.Second
	if testing.Short() {
		length = 300 * time.Millisecond
	}
	r := newRig(t, func(r *rig) { r.d.SetHandlers(2) })
	ctx, cancel := context.WithCancel(context.Background())
	r.serve(ctx, 1)
	flowsOf := func(n int) func(int, uint64) []byte {
		return func(_ int, seq uint64) []byte { return udp(int(seq)%n, int(seq)) }
	}
	own := func(p *packet.Buf) {
		if got := srcOf(p.Bytes()); got >= 100 {
			t.Errorf("port 2 was sent a packet of flow %d", got)
		}
	}
	gens := []*genPort{r.gen(1, true, flowsOf(100)), r.gen(2, true, nil, own), r.gen(3, false, flowsOf(500)), r.gen(4, false, nil)}
	var extra sync.Map // of genPorts that came and went
	var wg sync.WaitGroup
	end := time.Now().Add(length)
	worker := func(f func(rnd *rand.Rand)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(1, 2))
			for time.Now().Before(end) {
				f(rnd)
				runtime.Gosched()
			}
		}()
	}
	for w := range 2 { // ports come and go
		worker(func(rnd *rand.Rand) {
			no := dpif.PortNo(5 + 2*w)
			a := r.gen(no, rnd.IntN(2) == 0, flowsOf(50))
			b := r.gen(no+1, rnd.IntN(2) == 0, nil)
			extra.Store(a, nil)
			extra.Store(b, nil)
			time.Sleep(time.Duration(rnd.IntN(2000)) * time.Microsecond)
			for _, n := range []dpif.PortNo{no, no + 1} {
				if err := r.d.PortDel(n); err != nil {
					t.Error(err)
				}
			}
			a.Close()
			b.Close()
		})
	}
	worker(func(rnd *rand.Rand) { // a revalidator
		var fs []*dpif.Flow
		r.d.Flows(func(f *dpif.Flow) bool {
			if s := f.Stats(); s.Packets > 0 && s.Bytes != s.Packets*64 {
				// The two are read one after the other, but never far apart.
				if d := int64(s.Bytes/64) - int64(s.Packets); d < -1e6 || d > 1e6 {
					t.Errorf("flow statistics: %+v", s)
				}
			}
			if rnd.IntN(4) == 0 {
				fs = append(fs, f)
			}
			return true
		})
		for _, f := range fs {
			in := f.Whole()[0] >> 32
			if rnd.IntN(2) == 0 {
				r.d.FlowDel(f, nil)
			} else {
				r.d.FlowMod(f, outputs(pairOf(in)), nil)
			}
		}
		time.Sleep(time.Millisecond)
	})
	worker(func(rnd *rand.Rand) { // an operator
		cpus := [][]int{nil, {0}, {1}, {0, 1}}[rnd.IntN(4)]
		if runtime.NumCPU() < 2 {
			cpus = nil
		}
		c := dpif.Config{PMDCPUs: cpus, EMCInsertInvProb: uint32(rnd.IntN(3)), RxqAssign: []string{"cycles", "roundrobin", "group"}[rnd.IntN(3)], TxFlushInterval: int64(rnd.IntN(2) * 50)}
		if err := r.d.Configure(c); err != nil {
			t.Error(err)
		}
		_ = r.d.StatsText(AllPollers)
		_ = r.d.RxqText(AllPollers, 60)
		_ = r.d.Stats()
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
	})
	worker(func(rnd *rand.Rand) { // packet_outs
		var k flow.Key
		k[flow.WInPort] = 1 << 32
		r.d.Execute(r.buf(udp(1, 1)), &k, &actions.List{actions.Output(4)}, rnd.IntN(2) == 0)
		gens[0].rx.Add(1)
		time.Sleep(100 * time.Microsecond)
	})
	wg.Wait()
	for _, g := range gens {
		g.paused.Store(true)
	}
	r.quiesce()
	all := gens
	extra.Range(func(g, _ any) bool { all = append(all, g.(*genPort)); return true })
	r.balance(all...)
	t.Logf("%d ports came and went, %d misses, %d packets; drops %v", len(all)-4, r.misses.Load(), gens[0].rx.Load()+gens[2].rx.Load(), r.d.Drops())
	cancel()
}

// TestLeaks adds and removes ports and PMDs a thousand times and looks for what is left over.
func TestLeaks(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	r := newRig(t, nil)
	round := func(i int) {
		g := r.gen(1, i%4 != 0, func(_ int, seq uint64) []byte { return udp(int(seq%10), 0) })
		h := r.gen(2, i%3 == 0, nil)
		for g.rx.Load() == 0 {
			runtime.Gosched()
		}
		if err := r.d.PortDel(1); err != nil {
			t.Fatal(err)
		}
		if err := r.d.PortDel(2); err != nil {
			t.Fatal(err)
		}
		g.Close()
		h.Close()
	}
	for i := range 20 {
		round(i)
	}
	runtime.GC()
	goroutines, files, maps := runtime.NumGoroutine(), countDir(t, "/proc/self/fd"), countLines(t, "/proc/self/maps")
	for i := range n {
		round(i)
	}
	r.quiesce()
	runtime.GC()
	if now := runtime.NumGoroutine(); now > goroutines+2 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
	if now := countDir(t, "/proc/self/fd"); now > files+2 {
		t.Errorf("%d files, %d before", now, files)
	}
	if now := countLines(t, "/proc/self/maps"); now > maps+20 {
		t.Errorf("%d mappings, %d before", now, maps)
	}
}

func countDir(t *testing.T, dir string) int {
	l, err := os.ReadDir(dir)
	if err != nil {
		t.Skip(err)
	}
	return len(l)
}

func countLines(t *testing.T, file string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Skip(err)
	}
	n := 0
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

// TestStorm has one port send nothing but new flows while another's flows are established: those lose nothing.
func TestStorm(t *testing.T) {
	r := newRig(t, nil)
	est := r.gen(1, true, func(_ int, seq uint64) []byte { return udp(int(seq%1000), int(seq)) })
	sink := r.gen(2, true, nil)
	for r.d.Stats().Flows < 1000 {
		time.Sleep(time.Millisecond)
	}
	est.paused.Store(true)
	r.quiesce()
	before, sent := sink.tx.Load(), est.rx.Load()
	drops := uint64(0)
	for _, n := range r.d.Drops() {
		drops += n
	}
	storm := r.gen(3, true, func(_ int, seq uint64) []byte {
		f := udp(int(seq), int(seq))
		f[28], f[29] = byte(seq>>16), byte(seq>>24) // addresses, too
		return f
	})
	stormSink := r.gen(4, true, nil)
	est.paused.Store(false)
	time.Sleep(500 * time.Millisecond)
	est.paused.Store(true)
	storm.paused.Store(true)
	r.quiesce()
	if got, want := sink.tx.Load()-before, est.rx.Load()-sent; got != want || want == 0 {
		t.Errorf("established flows: %d of %d packets arrived", got, want)
	}
	if stormSink.tx.Load() == 0 {
		t.Error("no packet of the storm arrived")
	}
	after := uint64(0)
	for _, n := range r.d.Drops() {
		after += n
	}
	if got, want := stormSink.tx.Load()+after-drops, storm.rx.Load(); got != want {
		t.Errorf("storm: %d packets, %d accounted for: %v", want, got, r.d.Drops())
	}
	t.Logf("established: %d packets; storm: %d packets, %d arrived, %d upcalls", est.rx.Load()-sent, storm.rx.Load(), stormSink.tx.Load(), r.misses.Load())
}
