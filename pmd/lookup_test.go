package pmd

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"govs/actions"
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
	"govs/ports"
)

// voidPort forgets what it is sent: whose packets they are stays with the test.
type voidPort struct{ ports.Port }

func (voidPort) Tx(_ int, b *packet.Batch) { b.N = 0 }

// bench is a poller that no goroutine runs, with one queue of in_port 1 and output ports 2 and 3.
type bench struct {
	t testing.TB
	p *poller
	q *rxq
	b *packet.Batch // 32 packets
	// What flows count when each packet is looked up by itself.
	want map[megaflow.Ref]*megaflow.Entry
}

func newBench(t testing.TB) *bench {
	t.Helper()
	r := newRig(t, nil)
	r.d.mu.Lock()
	p, err := newPoller(r.d, 9)
	r.d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	q := &rxq{no: 1, batch: packet.NewBatch(), ready: true}
	p.rxqs = []*rxq{q}
	p.outs = make([]*outPort, 4)
	for i := 2; i < 4; i++ {
		p.outs[i] = &outPort{no: uint32(i), dev: voidPort{}, batch: packet.NewBatch()}
	}
	b := &bench{t: t, p: p, q: q, b: packet.NewBatch(), want: map[megaflow.Ref]*megaflow.Entry{}}
	r.arena.Alloc(b.b, burst)
	t.Cleanup(func() { // before the rig's
		r.arena.Free(b.b)
		packet.FreeBatch(b.b)
		packet.FreeBatch(q.batch)
		for _, o := range p.outs[2:] {
			packet.FreeBatch(o.batch)
		}
		r.d.mu.Lock()
		p.release()
		r.d.mu.Unlock()
	})
	return b
}

// add installs the flow of a frame under m.
func (b *bench) add(frame []byte, m *flow.Mask, a *actions.List) {
	b.t.Helper()
	var k flow.Key
	n, _ := flow.ExtractBytes(frame, 1, 1, &k)
	k.ClearFrom(n)
	if _, err := b.p.insert(dpif.NewFlow(9, &k, n, a, nil), &k, n, m); err != nil {
		b.t.Fatal(err)
	}
}

// fill writes frames into the packets.
func (b *bench) fill(frame func(i int) []byte) {
	for i, p := range b.b.Bufs {
		if !p.SetData(frame(i)) {
			b.t.Fatal("frame too long")
		}
	}
}

// burst is one burst of the first n packets.
func (b *bench) burst(n int) {
	q := b.q.batch
	copy(q.Bufs[:n], b.b.Bufs[:n])
	q.N = n
	b.p.process(b.q)
	b.p.flush()
}

func frames(n int) func(i int) []byte { return func(i int) []byte { return udp(i%n, i) } }

// lookupCases are kinds of traffic that nothing misses.
func lookupCases() map[string]func(b *bench) {
	masks := func(n int) func(b *bench) {
		return func(b *bench) {
			for i := range max(n, 20) {
				m := fiveTuple()
				m[flow.WEthSrc] = uint64(i%n) << 16 // reads bits that are zero, or one
				b.add(udp(i, 0), m, outputs(2))
			}
			b.fill(frames(20))
		}
	}
	return map[string]func(b *bench){
		"exact-match cache": func(b *bench) { b.p.cache.SetInvProb(1); b.p.settings.emcInvProb = 1; masks(1)(b) },
		"one mask":          func(b *bench) { b.p.cache.SetInvProb(0); b.p.settings.emcInvProb = 0; masks(1)(b) },
		"signature cache":   func(b *bench) { b.p.cache.SetInvProb(0); masks(5)(b) },
		"filter":            func(b *bench) { b.p.cache.SetInvProb(0); masks(60)(b) },
		"one flow":          func(b *bench) { b.add(udp(0, 0), fiveTuple(), outputs(2)); b.fill(frames(1)) },
		"in_port":           func(b *bench) { b.add(udp(0, 0), inPortOnly(), outputs(2)); b.fill(frames(32)) },
		"two ports": func(b *bench) {
			b.add(udp(0, 0), fiveTuple(), outputs(2))
			b.add(udp(1, 0), fiveTuple(), outputs(3))
			b.fill(frames(2))
		},
		"edits": func(b *bench) {
			set := &actions.List{{Type: actions.TypeSetMasked, Attr: actions.AttrEth, Set: &actions.Set{V: [6]uint64{0x0606_0606_0606_0000}, M: [6]uint64{^uint64(0xffff)}}}, actions.Output(2)}
			for i := range 20 {
				b.add(udp(i, 0), fiveTuple(), set)
			}
			b.fill(frames(20))
		},
	}
}

// TestLookupAllocations holds the way of a burst that hits to no allocation.
func TestLookupAllocations(t *testing.T) {
	for name, setup := range lookupCases() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			setup(b)
			for range 100 {
				b.burst(burst)
			}
			if n := testing.AllocsPerRun(100, func() { b.burst(burst) }); n != 0 {
				t.Errorf("%v allocations a burst", n)
			}
			if b.p.stats.received.load() == 0 || b.p.parked.nMiss != 0 {
				t.Errorf("%d packets, %d misses", b.p.stats.received.load(), b.p.parked.nMiss)
			}
		})
	}
}

// TestShortcuts sends random bursts of few kinds through whatever shortcut takes them, and holds the flows' counters against a
// look-up of each packet by itself.
func TestShortcuts(t *testing.T) {
	for seed := range uint64(12) {
		b := newBench(t)
		r := rand.New(rand.NewPCG(seed, 1))
		b.p.cache.SetInvProb(uint32(seed % 3))
		random := func() []byte {
			f := udp(r.IntN(4), 0)
			switch r.IntN(4) {
			case 0:
				f = tcp4(byte(r.IntN(64)))
			case 1:
				f = tcp6(byte(r.IntN(64)))
			}
			f[11] = byte(r.IntN(2))
			if r.IntN(4) == 0 {
				f = append(append(append([]byte(nil), f[:12]...), 0x81, 0, 0, byte(r.IntN(3))), f[12:]...)
			}
			return f
		}
		// Flows that do not overlap: they differ in what all of their masks read.
		base := inPortOnly()
		base[flow.WVLAN] = 0x1fff << 32
		base[flow.WL4] = 0xff000000ffff0000
		wide := func(f []byte) *flow.Mask {
			m := *base
			m[flow.WEthSrc] = []uint64{0, 0x10000, 0xffff}[(int(f[34])+int(f[35])+int(f[12]))%3]
			return &m
		}
		live := func() (n int) { return b.p.classifier(1).Len() }
		b.p.makeClassifier(1)
		bursts := 400
		for range bursts {
			one := random()
			if r.IntN(3) == 0 {
				b.fill(func(int) []byte { return random() })
			} else {
				b.fill(func(int) []byte { one[5]++; return one })
			}
			n := 1 + r.IntN(burst)
			var keys [burst]flow.Key
			for i, p := range b.b.Bufs[:n] {
				k := &keys[i]
				words, _ := flow.ExtractVLAN(p, 1, b.p.settings.vlanLimit, k)
				k.ClearFrom(words)
				ref := b.p.classifier(1).Find(k, words)
				if ref == 0 {
					b.add(p.Contents(), wide(p.Contents()), outputs(uint32(2+r.IntN(2))))
					if ref = b.p.classifier(1).Find(k, words); ref == 0 {
						t.Fatal("not found")
					}
				}
				w := b.want[ref]
				if w == nil {
					w = &megaflow.Entry{}
					b.want[ref] = w
				}
				w.Packets++
				w.Bytes += uint64(p.Len())
				w.UsedFlags |= k[flow.WEthSrc] & 0xffff
			}
			// Packets before the last flow that was added could match only it: megaflows do not overlap, so they count the same.
			b.burst(n)
			if r.IntN(20) == 0 { // a flow goes, with its counters
				for ref := range b.want {
					b.check(ref)
					delete(b.want, ref)
					b.p.remove(b.p.flows.at(b.p.store.Entry(ref).Flow), new(dpif.Counters))
					break
				}
			}
			for b.p.cache.Sweep() {
			}
		}
		for ref := range b.want {
			b.check(ref)
		}
		if live() == 0 || b.p.parked.nMiss != 0 {
			t.Fatalf("%d flows, %d misses", live(), b.p.parked.nMiss)
		}
		if b.q.alike.of == nil {
			t.Error("no burst was recognized as being of one flow: the test proves little")
		}
	}
}

func (b *bench) check(ref megaflow.Ref) {
	b.t.Helper()
	e, w := b.p.store.Entry(ref), b.want[ref]
	if e.Packets != w.Packets || e.Bytes != w.Bytes || e.UsedFlags&0xffff != w.UsedFlags {
		b.t.Fatalf("flow %d counts %d packets, %d bytes, flags %#x; want %d, %d, %#x", ref, e.Packets, e.Bytes, e.UsedFlags&0xffff, w.Packets, w.Bytes, w.UsedFlags)
	}
}

// onTheWay are the functions that a burst which hits may call, by receiver and name.
var onTheWay = strings.Fields(`
	poller.process poller.alike poller.learn poller.simple kindOf tcpKind poller.lookup poller.lookupRest poller.cacheFound poller.execute poller.sameActions
	poller.account poller.out poller.output poller.outputOne poller.soil poller.classifier counter.add bump storeWord flowTable.at
	Cache.Active Judge.Count Cache.HashLookup Cache.lookupShort Cache.lookupFull Cache.lookupIPv6 Cache.lookup Hash Cache.Chance Cache.Insert Cache.at Cache.second
	entry.equal entry.equalShort Cache.equalRest Cache.alive setOf tagOf Signatures.Lookup Signatures.others Signatures.Insert Signatures.bucket smcTag smcBucket.match smcLane
	Classifier.Lookup Classifier.Hash Classifier.lookupFiltered Classifier.Find Classifier.Union Classifier.Len Classifier.Subtables Subtable.hashAll Subtable.search Subtable.rest Subtable.find Subtable.look
	Subtable.probe Subtable.equal Subtable.hashKey Subtable.Mask keyWord filter.find filter.candidates filter.search filter.findAll filter.slot found.note
	lane.agree lane.set lane.keepAny keep keepEither few table.large table.index table.bucket table.over table.addr
	bucket.match bucket.ref laneOf Entry.word Store.Entry Store.Subtable Store.Matches Store.Prefetch Store.PrefetchAll Store.Many Prefetch Seeds.Hash Seeds.HashRest Seeds.HashPair Seeds.HashLast Seeds.HashShort Seeds.HashUnder Union.Words Mix
	ExtractBatch ExtendBatch ExtractVLAN extract extractSlow tcpCtl vlans etherType mplsLabels extractARP extractIPv4 extractIPv6 isExtHdr extHdrs extractL4
	typeCode extractICMPv6 extractND extractNSH be16 be32 be64 u8 Like.Match Like.Set Like.compile rawMask.put Like.Layers Buf.Data Buf.Len Buf.SegLen`)

// ends are calls where the way of a hit ends: what is done with the packet after the look-up, or with one that is not a hit; and what
// the compiler makes an instruction or a few of. tx locks a queue only if pollers share it.
var ends = strings.Fields(`plain detain miss lineUp overtakable wakeHandlers executeGroup dropRange again tx prefetch cycles
	len min max copy clear byte uint string int int32 int64 uint8 uint16 uint32 uint64 uintptr Ref Pointer unsafe.Add Add Offsetof Sizeof Slice
	Mul64 ReverseBytes16 ReverseBytes32 ReverseBytes64 TrailingZeros64 LeadingZeros64 OnesCount64 Load`)

// TestLookupLocks reads the source of everything that a burst which hits may call, and finds no lock, channel, atomic
// read-modify-write, map, defer or goroutine in it, nor a call of anything else.
func TestLookupLocks(t *testing.T) {
	want, known := map[string]bool{}, map[string]bool{}
	for _, n := range onTheWay {
		want[n] = true
		known[n[strings.Index(n, ".")+1:]] = true
	}
	for _, n := range ends {
		known[n] = true
	}
	set := token.NewFileSet()
	for _, dir := range []string{".", "../emc", "../classifier/megaflow", "../flow", "../packet"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(err, len(files))
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_race.go") || strings.HasSuffix(name, "_gen.go") {
				continue
			}
			f, err := goparser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				full := fn.Name.Name
				if fn.Recv != nil {
					recv := fn.Recv.List[0].Type
					if p, ok := recv.(*ast.StarExpr); ok {
						recv = p.X
					}
					if id, ok := recv.(*ast.Ident); ok {
						full = id.Name + "." + full
					}
				}
				if want[full] && fn.Body != nil {
					delete(want, full)
					checkBody(t, set, full, fn.Body, known)
				}
			}
		}
	}
	for n := range want {
		t.Errorf("%s is not there", n)
	}
}

func checkBody(t *testing.T, set *token.FileSet, name string, body *ast.BlockStmt, known map[string]bool) {
	bad := func(n ast.Node, what string) {
		t.Errorf("%v: %s in %s, which is on the way of a packet that hits", set.Position(n.Pos()), what, name)
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SendStmt, *ast.SelectStmt:
			bad(n, "a channel")
		case *ast.GoStmt:
			bad(n, "a goroutine")
		case *ast.DeferStmt:
			bad(n, "defer")
		case *ast.MapType:
			bad(n, "a map")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				bad(n, "a channel")
			}
		case *ast.CallExpr:
			called := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				called = f.Name
			case *ast.SelectorExpr:
				called = f.Sel.Name
				if x, ok := f.X.(*ast.Ident); called == "Add" && !(ok && x.Name == "unsafe") {
					called = "an atomic Add"
				}
			default:
				return true // a conversion
			}
			if called == "append" && name == "poller.soil" {
				return true // to the list of ports with packets, which soon is as long as it gets
			}
			if !known[called] {
				bad(n, "a call of "+called)
			}
		}
		return true
	})
}
