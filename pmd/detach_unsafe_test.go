//go:build amd64 && cgo && !race && go1.26 && !go1.27

package pmd

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
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

// TestRuntimeLayout compares what this package believes of the runtime's records with what the compiler says of them.
func TestRuntimeLayout(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module layout\ngo 1.26\n")
	write("main.go", "package main\nfunc main() {}\n")
	c := exec.Command("go", "build", "-o", "layout", ".")
	c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(filepath.Join(dir, "layout"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"runtime.g.stack": 0, "runtime.g.stackguard0": gStackGuard, "runtime.g.m": gM, "runtime.g.atomicstatus": gStatus,
		"runtime.m.procid": mThread, "runtime.m.curg": mG, "runtime.m.p": mP,
		"runtime.schedt.lock": schedLock, "runtime.schedt.npidle": schedIdle, "runtime.schedt.gcwaiting": schedStop,
	}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			break
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		if e.Tag == dwarf.TagStructType && (name == "runtime.g" || name == "runtime.m" || name == "runtime.schedt") {
			typ, err := d.Type(e.Offset)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range typ.(*dwarf.StructType).Field {
				n := name + "." + x.Name
				if off, ok := want[n]; ok {
					if off != x.ByteOffset {
						t.Errorf("%s is at %d, not at %d", n, x.ByteOffset, off)
					}
					delete(want, n)
				}
			}
		}
		if e.Tag != dwarf.TagCompileUnit {
			r.SkipChildren()
		}
	}
	for n := range want {
		t.Errorf("%s is not there", n)
	}
}

// TestDetachedWriteBarriers asks the compiler where it puts write barriers, and finds none in what a detached poller calls, but for
// lines that say why they are not reached then.
func TestDetachedWriteBarriers(t *testing.T) {
	const never = "// never while detached"
	called := map[string]bool{}
	for _, n := range append(onTheWay, detachedToo...) {
		called[n] = true
	}
	dirs := []string{"pmd", "emc", "classifier/megaflow", "flow", "packet", "actions"}
	args := []string{"build", "-gcflags=-d=wb=1"}
	for _, d := range dirs {
		args = append(args, "./"+d)
	}
	c := exec.Command("go", args...)
	c.Dir = ".."
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := map[string]map[int]bool{} // with write barriers, by file
	re := regexp.MustCompile(`(?m)^(?:\./)?(\S+\.go):(\d+):\d+: write barrier$`)
	for _, m := range re.FindAllStringSubmatch(string(out), -1) {
		if lines[m[1]] == nil {
			lines[m[1]] = map[int]bool{}
		}
		n, _ := strconv.Atoi(m[2])
		lines[m[1]][n] = true
	}
	if len(lines) < 10 {
		t.Fatalf("the compiler does not say where its write barriers are:\n%.500s", out)
	}
	set := token.NewFileSet()
	for _, d := range dirs {
		files, _ := filepath.Glob(filepath.Join("..", d, "*.go"))
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := goparser.ParseFile(set, file, src, 0)
			if err != nil {
				t.Fatal(err)
			}
			text := bytes.Split(src, []byte("\n"))
			for _, decl := range f.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || fn.Body == nil || !called[funcName(fn)] {
					continue
				}
				delete(called, funcName(fn))
				from, to := set.Position(fn.Pos()).Line, set.Position(fn.End()).Line
				for n := range lines[strings.TrimPrefix(file, "../")] {
					if n >= from && n <= to && !bytes.Contains(text[n-1], []byte(never)) {
						t.Errorf("%s:%d: a write barrier in %s, which a detached poller calls", file, n, funcName(fn))
					}
				}
			}
		}
	}
	for n := range called {
		t.Errorf("%s is not there", n)
	}
}

// detachedToo are functions that a detached poller calls besides those on the way of a packet that hits.
var detachedToo = strings.Fields(`poller.detachedPasses poller.detain detention.full poller.plain poller.bound plain poller.lineUp poller.overtakable poller.again poller.executePacket
	poller.executeGroup poller.group poller.run poller.runEdit poller.runOutput poller.clones poller.tx poller.dropRange poller.drop poller.discard
	poller.empty poller.sameActions poller.actionsOf CloneBatch Action.ApplyBatch Set.apply Set.eth Set.ipv4 Set.ipv6 Set.ports Set.sctp Set.icmp
	Set.arp Set.nd Set.ndExt Set.mpls Set.nsh Set.vlan pushVLAN popVLAN pushMPLS popMPLS pushEth popEth rxq.passOver poller.charge
	Classifier.Find filter.find`)

func funcName(fn *ast.FuncDecl) string {
	name := fn.Name.Name
	if fn.Recv != nil {
		recv := fn.Recv.List[0].Type
		if p, ok := recv.(*ast.StarExpr); ok {
			recv = p.X
		}
		if id, ok := recv.(*ast.Ident); ok {
			name = id.Name + "." + name
		}
	}
	return name
}

// steadyArena is an allocator that nobody waits for, as only one goroutine uses it. Its list of free buffers has room for all.
type steadyArena struct{ *packet.Arena }

func (steadyArena) Steady() bool { return true }

// pulsePort is a polled, steady port that receives bursts of packets of known flows, and now and then one of a new flow. Every packet
// has the number that it has in its flow. It touches nothing that needs the runtime.
type pulsePort struct {
	ports.Port
	alloc  packet.Allocator
	frame  [64]byte
	flows  int    // known ones: UDP source ports below this
	every  uint64 // a packet of a new flow in so many bursts; 0: none
	burst  int
	bursts uint64
	seq    [1 << 16]uint32 // next, by source port
	fresh  int             // the source port of the present new flow
	paused atomic.Bool
	rx     atomic.Uint64
}

func (g *pulsePort) Name() string  { return "pulse" }
func (g *pulsePort) Type() string  { return "pulse" }
func (g *pulsePort) Polled() bool  { return true }
func (g *pulsePort) RxQueues() int { return 1 }
func (g *pulsePort) TxQueues() int { return 2 }
func (g *pulsePort) Close() error  { return nil }
func (g *pulsePort) Steady() bool  { return true }
func (g *pulsePort) Rx(_ int, b *packet.Batch) {
	b.N = 0
	if g.paused.Load() {
		return
	}
	g.alloc.Alloc(b, g.burst)
	g.bursts++
	for i := range b.N {
		src := int(g.bursts*7+uint64(i)) % g.flows
		if i == 0 && g.every != 0 && g.bursts%g.every < 3 { // three packets, one after the other
			if g.bursts%g.every == 0 {
				if g.fresh++; g.fresh < g.flows || g.fresh == 1<<16 {
					g.fresh = g.flows
				}
			}
			src = max(g.fresh, g.flows)
		}
		binary.BigEndian.PutUint16(g.frame[34:], uint16(src))
		binary.BigEndian.PutUint32(g.frame[42:], g.seq[src])
		g.seq[src]++
		b.Bufs[i].SetData(g.frame[:])
	}
	g.rx.Add(uint64(b.N))
}

// sinkPort is a polled, steady port that checks the order of what it is sent.
type sinkPort struct {
	ports.Port
	name     string
	alloc    packet.Allocator
	next     [1 << 16]uint32
	disorder atomic.Uint64
	tx       atomic.Uint64
}

func (s *sinkPort) Name() string              { return s.name }
func (s *sinkPort) Type() string              { return "sink" }
func (s *sinkPort) Polled() bool              { return true }
func (s *sinkPort) RxQueues() int             { return 1 }
func (s *sinkPort) TxQueues() int             { return 2 }
func (s *sinkPort) Close() error              { return nil }
func (s *sinkPort) Steady() bool              { return true }
func (s *sinkPort) Rx(_ int, b *packet.Batch) { b.N = 0 }
func (s *sinkPort) Tx(_ int, b *packet.Batch) {
	for _, p := range b.Bufs[:b.N] {
		d := (*[64]byte)(p.Data())
		src, seq := binary.BigEndian.Uint16(d[34:]), binary.BigEndian.Uint32(d[42:])
		if seq < s.next[src] {
			s.disorder.Add(1)
		} else {
			s.next[src] = seq + 1
		}
	}
	s.tx.Add(uint64(b.N))
	s.alloc.Free(b)
}

// boundPort is a sinkPort that is not steady: a detached poller must not send to it.
type boundPort struct {
	sinkPort
	p   *poller
	bad atomic.Uint64 // calls of Tx by a detached poller
}

func (s *boundPort) Steady() bool { return false }
func (s *boundPort) Polled() bool { return false }
func (s *boundPort) Tx(q int, b *packet.Batch) {
	if s.p != nil && s.p.detached {
		s.bad.Add(1)
	}
	s.sinkPort.Tx(q, b)
}

// detachRig is a PMD that forwards from a pulsePort to a sinkPort, and perhaps a boundPort.
type detachRig struct {
	*rig
	in    *pulsePort
	out   *sinkPort
	bound *boundPort
	p     *poller
	core  int
}

func newDetachRig(t *testing.T, actionsOf func(src int) *actions.List, mask *flow.Mask, every uint64) *detachRig {
	var arena steadyArena
	x := &detachRig{core: runtime.NumCPU() - 1}
	x.rig = newRig(t, func(r *rig) {
		arena = steadyArena{r.arena}
		r.d.alloc = arena
		r.decide = func(u *dpif.Upcall) dpif.Verdict {
			src := int(u.Key[flow.WL4] >> 16 & 0xffff)
			if *mask == *inPortOnly() {
				src = 0
			}
			return dpif.Verdict{Install: true, Mask: mask, Actions: actionsOf(src)}
		}
	})
	// All buffers that there will be have been free once.
	var all [256]*packet.Batch
	for i := range all {
		all[i] = packet.NewBatch()
		arena.Alloc(all[i], burst)
	}
	for _, b := range all {
		arena.Free(b)
		packet.FreeBatch(b)
	}
	if err := x.d.Configure(dpif.Config{EMCInsertInvProb: 1, PMDCPUs: []int{x.core}}); err != nil {
		t.Fatal(err)
	}
	x.in = &pulsePort{alloc: arena, flows: 100, every: every, burst: 16}
	x.in.paused.Store(true)
	copy(x.in.frame[:], udp(0, 0))
	x.out = &sinkPort{name: "sink", alloc: arena}
	x.bound = &boundPort{sinkPort: sinkPort{name: "bound", alloc: arena}}
	for no, p := range []ports.Port{1: x.in, 2: x.out, 3: nil, 4: x.bound} {
		if p == nil {
			continue
		}
		if _, err := x.d.PortAdd(p, dpif.PortNo(no)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range x.d.allPollers() {
		if p.core == x.core {
			x.p = p
		}
	}
	if x.p == nil {
		t.Fatal("no PMD")
	}
	x.bound.p = x.p
	if err := x.p.callWait(&command{kind: cmdCall, call: func(p *poller) {
		if !p.detachable {
			t.Errorf("the PMD may not detach: steady %v, runtime known %v", p.steady, p.runtime.known())
		}
	}}); err != nil || t.Failed() {
		t.FailNow()
	}
	return x
}

// stop pauses the traffic and checks that all packets went out, in order, or were counted.
func (x *detachRig) stop() {
	x.t.Helper()
	x.in.paused.Store(true)
	x.quiesce()
	drops := uint64(0)
	for why, n := range x.d.Drops() {
		if why != dpif.DropUserspace { // of a copy
			drops += n
		}
	}
	disorder := x.out.disorder.Load() + x.bound.disorder.Load()
	if rx, tx := x.in.rx.Load(), x.out.tx.Load()+x.bound.tx.Load(); rx != tx+drops || disorder != 0 {
		x.t.Errorf("%d packets received, %d sent, %d out of order, %d dropped: %v", rx, tx, disorder, drops, x.d.Drops())
	}
	if n := x.bound.bad.Load(); n != 0 {
		x.t.Errorf("the detached poller sent %d times to a port that it must not send to", n)
	}
	st := x.d.Stats()
	if st.Hit+st.Missed != x.in.rx.Load() {
		x.t.Errorf("%d lookups hit and %d missed, of %d packets", st.Hit, st.Missed, x.in.rx.Load())
	}
}

// holdWorld keeps somebody who wants to stop the world waiting for so long, and returns what f said before and after.
func holdWorld(length time.Duration, f func() uint64) (before, after uint64) {
	var wg sync.WaitGroup
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wg.Go(func() {
		time.Sleep(5 * time.Millisecond)
		var m runtime.MemStats
		runtime.ReadMemStats(&m) // stops the world
	})
	holdOn()
	begin := time.Now()
	for time.Since(begin) < 20*time.Millisecond { // by now it waits
	}
	before = f()
	for time.Since(begin) < 20*time.Millisecond+length {
	}
	after = f()
	letGo()
	wg.Wait()
	return before, after
}

// TestDetached stops the world for long, while packets of known flows, and of new ones, come. The known ones go on, the new ones wait, in
// order, and nothing is lost or counted wrongly.
func TestDetached(t *testing.T) {
	edit, err := actions.Parse("set(ipv4(ttl=63)),push_vlan(vid=5,pcp=0),pop_vlan,2", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		mask  *flow.Mask
		list  *actions.List
		every uint64
	}{
		{"known flows", fiveTuple(), outputs(2), 0},
		{"one megaflow", inPortOnly(), outputs(2), 0},
		{"edits", fiveTuple(), &edit, 0},
		{"new flows", fiveTuple(), outputs(2), 50_000},
		{"two outputs", fiveTuple(), outputs(3, 2), 0}, // there is no port 3
		{"a port that waits", fiveTuple(), nil, 0},
		{"flooded to a port that waits", fiveTuple(), nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newDetachRig(t, func(src int) *actions.List {
				switch {
				case c.list != nil:
					return c.list
				case src%50 != 0:
					return outputs(2)
				case c.name == "a port that waits":
					return outputs(4)
				}
				return outputs(3, 4)
			}, c.mask, c.every)
			x.in.paused.Store(false)
			for begin := time.Now(); x.out.tx.Load() < 10_000 && time.Since(begin) < 10*time.Second; {
				time.Sleep(time.Millisecond)
			}
			const length = 60 * time.Millisecond
			before, after := holdWorld(length, x.out.tx.Load)
			if n := after - before; n < 1000 {
				t.Errorf("%d packets went out in %v of a world about to stop", n, length)
			} else {
				t.Logf("%d packets in %v", n, length)
			}
			if strings.Contains(c.name, "two") || strings.Contains(c.name, "flooded") {
				x.in.paused.Store(true)
				x.quiesce()
				if x.bound.bad.Load() != 0 || x.bound.disorder.Load() != 0 || strings.Contains(c.name, "flooded") != (x.bound.tx.Load() != 0) {
					t.Errorf("to the port that waits: %d sent, %d while detached, %d out of order", x.bound.tx.Load(), x.bound.bad.Load(), x.bound.disorder.Load())
				}
				return // a drop for each packet that is sent, too
			}
			x.stop()
			if c.list == nil && x.bound.tx.Load() == 0 {
				t.Error("nothing went to the port that waits")
			}
		})
	}
}

// TestDetachedFull stops the world while a port sends many packets of new flows. Those that there is no room for stay in the port: none is
// dropped while the world is stopped, if that is not for too long.
func TestDetachedFull(t *testing.T) {
	defer func(was uint64) { detainedWait = was }(detainedWait)
	detainedWait = 1 << 40
	x := newDetachRig(t, func(int) *actions.List { return outputs(2) }, fiveTuple(), 1)
	x.in.paused.Store(false)
	for begin := time.Now(); x.out.tx.Load() < 10_000 && time.Since(begin) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	rx := x.in.rx.Load()
	before, after := holdWorld(60*time.Millisecond, func() uint64 { return x.p.stats.drops[dpif.DropUpcallQueueFull].load() })
	if before != after {
		t.Errorf("%d packets were dropped while the world was about to stop", after-before)
	}
	if x.in.rx.Load() == rx {
		t.Error("nothing was received")
	}
	x.stop()
}

// TestDetachedChurn collects garbage without end while known and new flows come.
func TestDetachedChurn(t *testing.T) {
	length := 2 * time.Second
	if testing.Short() {
		length = 300 * time.Millisecond
	}
	user := actions.List{{Type: actions.TypeUserspace, Userspace: &actions.Userspace{Kind: actions.UserspaceController}}, actions.Output(2)}
	plain := outputs(2)
	x := newDetachRig(t, func(src int) *actions.List {
		if src == 5 { // a flow with an action that a detached poller does not do
			return &user
		}
		return plain
	}, fiveTuple(), 100)
	x.in.burst = 4
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		var keep [64][]byte
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				keep[i%len(keep)] = make([]byte, 10_000)
				if i%100 == 0 {
					runtime.GC()
				}
			}
		}
	})
	wg.Go(func() {
		var m runtime.MemStats
		for {
			select {
			case <-stop:
				return
			default:
				runtime.ReadMemStats(&m)
				time.Sleep(time.Millisecond)
			}
		}
	})
	x.in.paused.Store(false)
	time.Sleep(length)
	close(stop)
	wg.Wait()
	x.stop()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	missed, detached := x.d.Stats().Missed, uint64(0)
	_ = x.p.callWait(&command{kind: cmdCall, call: func(p *poller) { detached = p.stats.detached.load() }})
	if m.NumGC < 20 || missed == 0 || detached == 0 {
		t.Errorf("%d collections, %d misses, detached %d times", m.NumGC, missed, detached)
	}
	t.Logf("%d collections, %d packets, %d misses, detached %d times", m.NumGC, x.in.rx.Load(), missed, detached)
}
