package pmd

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
)

// inject hands frames to a port, waiting for the switch whenever the port's queue is full.
func (r *rig) inject(p interface{ Inject(int, []byte) error }, frames ...[]byte) {
	r.t.Helper()
	for _, f := range frames {
		for p.Inject(0, f) != nil {
			r.quiesce()
		}
	}
}

func TestForward(t *testing.T) {
	for _, typ := range []string{"dummy", "dummy-pmd"} {
		t.Run(typ, func(t *testing.T) {
			r := newRig(t, nil)
			p1, p2 := r.port(1, typ), r.port(2, typ)
			for round := range 3 {
				for src := range 10 {
					r.inject(p1, udp(src, round))
				}
				r.quiesce()
			}
			got := p2.TakeSent()
			if len(got) != 30 || len(p1.TakeSent()) != 0 {
				t.Fatalf("%d frames arrived, want 30", len(got))
			}
			if n := r.misses.Load(); n != 10 {
				t.Errorf("%d upcalls, want 10", n)
			}
			s := r.d.Stats()
			if s.Hit != 20 || s.Missed != 10 || s.Lost != 0 || s.Flows != 10 {
				t.Errorf("stats: %+v", s)
			}
			flows := 0
			r.d.Flows(func(f *dpif.Flow) bool {
				flows++
				st := f.Stats()
				if st.Packets != 2 || st.Bytes != 128 || st.Used == 0 {
					t.Errorf("flow: %+v", st)
				}
				k := f.Key()
				if *f.Mask != *fiveTuple() || k[flow.WInPort] != 1<<32 || int(k[flow.WL4]>>16&0xffff) > 9 {
					t.Errorf("flow's key: %x under %x", k, *f.Mask)
				}
				return true
			})
			if flows != 10 {
				t.Errorf("Flows: %d", flows)
			}
			if len(r.d.Drops()) != 0 {
				t.Errorf("drops: %v", r.d.Drops())
			}
		})
	}
}

// TestOrder sends numbered packets of several flows while the verdicts wait, and more after them.
func TestOrder(t *testing.T) {
	for name, mask := range map[string]*flow.Mask{"five-tuple": fiveTuple(), "in_port": inPortOnly(), "in_port, none released early": inPortOnly()} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig) {
				r.hold = make(chan struct{}, 1000)
				r.decide = func(u *dpif.Upcall) dpif.Verdict {
					return dpif.Verdict{Install: true, Mask: mask, Actions: outputs(2)}
				}
			})
			p1, p2 := r.port(1, "dummy"), r.port(2, "dummy")
			if strings.Contains(name, "none released") {
				_ = r.d.allPollers()[0].callWait(&command{kind: cmdCall, call: func(p *poller) { p.nextScan = math.MaxUint64 }})
			}
			seq := 0
			send := func(n int) {
				for range n {
					f := udp(seq%5, seq)
					f[22] = byte(64 + seq%3) // TTLs differ within a flow
					seq++
					for p1.Inject(0, f) != nil {
						r.settle(p1)
					}
				}
				r.settle(p1)
			}
			send(90)
			for range 5 { // verdicts come one by one, with more packets between them
				r.hold <- struct{}{}
				send(10)
			}
			for range 500 {
				r.hold <- struct{}{}
			}
			send(50)
			r.quiesce()
			last := map[int]int{}
			got := p2.TakeSent()
			for _, f := range got {
				if prev, ok := last[srcOf(f)]; ok && prev >= seqOf(f) {
					t.Fatalf("flow %d: packet %d came after %d", srcOf(f), seqOf(f), prev)
				}
				last[srcOf(f)] = seqOf(f)
			}
			if len(got) != seq {
				t.Fatalf("%d packets arrived, %d were sent; drops: %v", len(got), seq, r.d.Drops())
			}
		})
	}
}

// settle returns when the poller has taken what is queued on a port; verdicts may still be out.
func (r *rig) settle(interface{ Inject(int, []byte) error }) {
	for range 8 { // one pass may be under way, and each takes a burst of the 100 packets that a port queues
		_ = r.d.allPollers()[0].callWait(&command{kind: cmdCall, call: func(p *poller) {
			for _, q := range p.rxqs {
				q.ready = true
			}
			p.busy = true
		}})
	}
}

// TestBounds holds all verdicts back and checks that what does not fit is counted.
func TestBounds(t *testing.T) {
	r := newRig(t, func(r *rig) { r.hold = make(chan struct{}) })
	p1, p2 := r.port(1, "dummy"), r.port(2, "dummy")
	p3, p4 := r.port(3, "dummy"), r.port(4, "dummy")
	send := func(n int, f func(i int) []byte) {
		for i := range n {
			for p1.Inject(0, f(i)) != nil {
				r.settle(p1)
			}
		}
		r.settle(p1)
	}
	send(parkedPerFlow+10, func(i int) []byte { return udp(1, i) })
	if got := r.d.Drops()[dpif.DropParkedLimit]; got != 10 {
		t.Errorf("one flow: %d drops, want 10", got)
	}
	send(upcallsPerPort+20, func(i int) []byte { return udp(1000+i, i) })
	if got := r.d.Drops()[dpif.DropUpcallQueueFull]; got != 21 {
		t.Errorf("many flows: %d drops, want 21", got)
	}
	// Another port's misses still get their upcalls, and soon: the handler has the first one, and takes turns.
	if err := p3.Inject(0, udp(7, 7)); err != nil {
		t.Fatal(err)
	}
	r.settle(p3)
	for range 64 + 3 { // what one Recv had taken before, and one turn
		r.hold <- struct{}{}
	}
	for len(p4.TakeSent()) == 0 {
		r.settle(p3)
		select {
		case r.hold <- struct{}{}:
			if n := r.misses.Load(); n > 2*64+3 {
				t.Fatalf("port 3 waited for %d upcalls of port 1", n)
			}
		default:
		}
	}
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for {
			select {
			case r.hold <- struct{}{}:
			case <-stop:
				return
			}
		}
	}()
	r.quiesce()
	stop <- struct{}{}
	<-stop
	if got, want := len(p2.TakeSent()), parkedPerFlow+upcallsPerPort-1; got != want {
		t.Errorf("%d packets arrived, want %d", got, want)
	}
	if s := r.d.Stats(); s.Lost != 31 {
		t.Errorf("lost: %d, want 31", s.Lost)
	}
}

func TestVerdictWithoutInstall(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.decide = func(u *dpif.Upcall) dpif.Verdict {
			return dpif.Verdict{Mask: fiveTuple(), Actions: outputs(2)}
		}
	})
	p1, p2 := r.port(1, "dummy"), r.port(2, "dummy")
	for i := range 50 {
		r.inject(p1, udp(1, i))
	}
	r.quiesce()
	got := p2.TakeSent()
	if len(got) != 50 || r.misses.Load() != 50 {
		t.Fatalf("%d packets arrived after %d upcalls, want 50 and 50", len(got), r.misses.Load())
	}
	for i, f := range got {
		if seqOf(f) != i {
			t.Fatalf("packet %d is number %d", i, seqOf(f))
		}
	}
	if s := r.d.Stats(); s.Flows != 0 || s.Missed != 50 {
		t.Errorf("stats: %+v", s)
	}
}

func TestActions(t *testing.T) {
	list := func(as ...actions.Action) *actions.List { l := actions.List(as); return &l }
	for name, c := range map[string]struct {
		list   *actions.List
		p2, p3 int // frames that arrive there, of 3
		length int // of those at port 2
		acts   uint64
		drop   dpif.DropReason
		drops  uint64
	}{
		"drop":        {list: list(), drop: dpif.DropEmptyActions, drops: 3},
		"explicit":    {list: list(actions.Drop(1)), drop: dpif.DropExplicit, drops: 3},
		"two ports":   {list: outputs(2, 3), p2: 3, p3: 3, length: 64},
		"no port":     {list: outputs(9), drop: dpif.DropInvalidPort, drops: 3},
		"one wrong":   {list: outputs(9, 2), p2: 3, length: 64, drop: dpif.DropInvalidPort, drops: 3},
		"trunc":       {list: list(actions.Trunc(30), actions.Output(2), actions.Output(3)), p2: 3, p3: 3, length: 30},
		"clone":       {list: list(actions.Clone(*outputs(2)), actions.Output(3)), p2: 3, p3: 3, length: 64},
		"clone last":  {list: list(actions.Output(3), actions.Clone(*outputs(2))), p2: 3, p3: 3, length: 64},
		"sample all":  {list: list(actions.Sample(^uint32(0), *outputs(2)), actions.Output(3)), p2: 3, p3: 3, length: 64},
		"sample none": {list: list(actions.Sample(0, *outputs(2)), actions.Output(3)), p3: 3},
		"longer":      {list: list(actions.CheckPktLen(63, *outputs(2), *outputs(3))), p2: 3, length: 64},
		"not longer":  {list: list(actions.CheckPktLen(64, *outputs(2), *outputs(3))), p3: 3},
		"userspace":   {list: list(actions.SlowPath(1), actions.Output(2)), p2: 3, length: 64, acts: 3},
		"meter":       {list: list(actions.Meter(1), actions.Output(2)), drop: dpif.DropMeter, drops: 3},
		"ct":          {list: list(actions.Action{Type: actions.TypeCT, CT: &actions.CT{}}, actions.Output(2)), drop: dpif.DropUnsupported, drops: 3},
		"ct_clear":    {list: list(actions.CTClear(), actions.Output(2)), p2: 3, length: 64},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig) {
				r.decide = func(u *dpif.Upcall) dpif.Verdict {
					return dpif.Verdict{Install: true, Mask: inPortOnly(), Actions: c.list}
				}
			})
			p1, p2, p3 := r.port(1, "dummy"), r.port(2, "dummy"), r.port(3, "dummy")
			r.inject(p1, udp(1, 0))
			r.quiesce()
			r.inject(p1, udp(1, 1), udp(1, 2))
			r.quiesce()
			a, b := p2.TakeSent(), p3.TakeSent()
			if len(a) != c.p2 || len(b) != c.p3 {
				t.Errorf("port 2 got %d, port 3 %d; want %d and %d", len(a), len(b), c.p2, c.p3)
			}
			for i, f := range a {
				if len(f) != c.length || len(f) == 64 && seqOf(f) != i {
					t.Errorf("frame %d: %x", i, f)
				}
			}
			if n := r.acts.Load(); n != c.acts {
				t.Errorf("%d Action upcalls, want %d", n, c.acts)
			}
			drops := r.d.Drops()
			if drops[c.drop] != c.drops || c.drops == 0 && len(drops) != 0 {
				t.Errorf("drops: %v, want %d of %v", drops, c.drops, c.drop)
			}
		})
	}
}

// TestRecirc sends packets through two lookups.
func TestRecirc(t *testing.T) {
	m := inPortOnly()
	r := newRig(t, func(r *rig) {
		r.decide = func(u *dpif.Upcall) dpif.Verdict {
			l := outputs(2)
			if uint32(u.Key[flow.WInPort]) == 0 {
				l = &actions.List{actions.Recirc(7)}
			} else if uint32(u.Key[flow.WInPort]) != 7 {
				t.Errorf("recirc_id %d", uint32(u.Key[flow.WInPort]))
			}
			return dpif.Verdict{Install: true, Mask: m, Actions: l}
		}
	})
	p1, p2 := r.port(1, "dummy"), r.port(2, "dummy")
	for i := range 10 {
		r.inject(p1, udp(1, i))
	}
	r.quiesce()
	if got := p2.TakeSent(); len(got) != 10 || r.misses.Load() != 2 {
		t.Fatalf("%d packets arrived after %d upcalls, want 10 and 2; drops: %v", len(got), r.misses.Load(), r.d.Drops())
	}
}

func TestFlowCommands(t *testing.T) {
	r := newRig(t, nil)
	p1, p2, p3 := r.port(1, "dummy"), r.port(2, "dummy"), r.port(3, "dummy")
	r.inject(p1, udp(1, 0), udp(1, 1))
	r.quiesce()
	var f *dpif.Flow
	r.d.Flows(func(x *dpif.Flow) bool { f = x; return true })
	if f == nil {
		t.Fatal("no flow")
	}
	wait := make(chan struct{})
	r.d.FlowMod(f, outputs(3), func() { wait <- struct{}{} })
	<-wait
	r.inject(p1, udp(1, 2))
	r.quiesce()
	if a, b := len(p2.TakeSent()), len(p3.TakeSent()); a != 2 || b != 1 {
		t.Errorf("after FlowMod: %d, %d", a, b)
	}
	r.d.FlowDel(f, func() { wait <- struct{}{} })
	<-wait
	if st := f.Stats(); !f.Dead.Load() || st.Packets != 2 {
		t.Errorf("deleted flow: dead %v, %+v", f.Dead.Load(), st)
	}
	r.d.FlowDel(f, func() { wait <- struct{}{} }) // again: nothing happens
	<-wait
	if n := r.d.Stats().Flows; n != 0 {
		t.Errorf("%d flows", n)
	}
	k := f.Key()
	for range 2 { // the second time it replaces the actions
		if err := r.d.FlowPut(dpif.NonPMD, &k, fiveTuple(), outputs(3)); err != nil {
			t.Fatal(err)
		}
	}
	r.inject(p1, udp(1, 3))
	r.quiesce()
	if n := len(p3.TakeSent()); n != 1 || r.misses.Load() != 1 {
		t.Errorf("after FlowPut: %d packets, %d upcalls", n, r.misses.Load())
	}
	r.d.FlowFlush()
	if n := r.d.Stats().Flows; n != 0 {
		t.Errorf("%d flows after FlowFlush", n)
	}
	if err := r.d.FlowPut(99, &k, fiveTuple(), nil); err == nil {
		t.Error("FlowPut on a poller that is not there")
	}
}

func TestExecute(t *testing.T) {
	r := newRig(t, nil)
	r.port(1, "dummy")
	p2 := r.port(2, "dummy-pmd")
	b := r.buf(udp(1, 5))
	var k flow.Key
	k[flow.WInPort] = 1 << 32
	r.d.Execute(b, &k, outputs(2), true)
	if got := p2.TakeSent(); len(got) != 1 || seqOf(got[0]) != 5 {
		t.Fatalf("got %x", got)
	}
}

// TestExecuteFromNowhere executes what posts an upcall on a packet that was received on no port.
func TestExecuteFromNowhere(t *testing.T) {
	r := newRig(t, nil)
	p2 := r.port(2, "dummy")
	for _, no := range []uint64{0xffffffff, 0xfffd, 70000} {
		var k flow.Key
		k[flow.WInPort] = no << 32
		r.d.Execute(r.buf(udp(1, 5)), &k, &actions.List{actions.SlowPath(1), actions.Output(2)}, true)
		r.d.Execute(r.buf(udp(1, 5)), &k, &actions.List{actions.Recirc(3)}, true)
	}
	r.quiesce()
	if n := len(p2.TakeSent()); n != 3 || r.acts.Load() != 3 {
		t.Errorf("%d packets, %d Action upcalls; want 3 each", n, r.acts.Load())
	}
}

// TestBusyNeighbour checks that a port whose queue never runs dry keeps no other port of the same poller from being polled.
func TestBusyNeighbour(t *testing.T) {
	r := newRig(t, nil)
	r.gen(1, false, func(_ int, seq uint64) []byte { return udp(int(seq%10), int(seq)) })
	r.gen(2, false, nil)
	p3, p4 := r.port(3, "dummy"), r.port(4, "dummy")
	if err := p3.Inject(0, udp(1, 1)); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(p4.TakeSent()) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("starved")
		}
		time.Sleep(time.Millisecond)
	}
	g := r.d.Ports()[0].Port.(*genPort)
	g.paused.Store(true)
}

// TestInstalledNot: whoever posts a verdict hears of it, also when the port has gone meanwhile and nothing is installed.
func TestInstalledNot(t *testing.T) {
	type owner struct{ name string }
	told := make(chan *dpif.Flow, 1)
	r := newRig(t, func(r *rig) {
		r.hold = make(chan struct{}, 1)
		r.decide = func(u *dpif.Upcall) dpif.Verdict {
			me := &owner{"me"}
			return dpif.Verdict{Install: true, Mask: fiveTuple(), Actions: outputs(2), Owner: me, OnInstalled: func(o any, f *dpif.Flow) {
				if o != me || f != nil && f.Owner != me {
					t.Errorf("told of %v's flow", o)
				}
				told <- f
			}}
		}
	})
	p1, _ := r.port(1, "dummy"), r.port(2, "dummy")
	r.inject(p1, udp(1, 0))
	r.hold <- struct{}{}
	if f := <-told; f == nil {
		t.Error("the first flow was not installed")
	}
	r.inject(p1, udp(2, 0))
	for r.misses.Load() < 2 {
		runtime.Gosched()
	}
	if err := r.d.PortDel(1); err != nil {
		t.Fatal(err)
	}
	p1.Close()
	r.hold <- struct{}{}
	if f := <-told; f != nil {
		t.Error("a flow was installed for a port that is gone")
	}
}
