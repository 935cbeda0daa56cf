package pmd

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
	"govs/ports"
	"govs/ports/dummy"
)

// rig is a datapath on an arena with dummy ports and a handler that does what the test says.
type rig struct {
	t      testing.TB
	arena  *packet.Arena
	d      *Datapath
	opener *dummy.Opener
	cancel context.CancelFunc
	wg     sync.WaitGroup

	misses, acts atomic.Uint64
	// decide answers a miss; nil: output to the in_port's pair (1 and 2, 3 and 4…) on a five-tuple.
	decide func(u *dpif.Upcall) dpif.Verdict
	// hold, if not nil, is received from before each miss is answered.
	hold  chan struct{}
	onAct func(u *dpif.Upcall)
}

func fiveTuple() *flow.Mask {
	var m flow.Mask
	m[flow.WInPort] = ^uint64(0)
	m[flow.WEthDst] = 0xffff
	m[flow.WIPv4] = ^uint64(0)
	m[flow.WL4] = 0xff000000ffffffff
	return &m
}

// inPortOnly is the mask of a rule that reads nothing but the port.
func inPortOnly() *flow.Mask {
	var m flow.Mask
	m[flow.WInPort] = ^uint64(0)
	m[flow.WEthDst] = 0xffff
	return &m
}

func outputs(ports ...uint32) *actions.List {
	l := actions.List{}
	for _, p := range ports {
		l = append(l, actions.Output(p))
	}
	return &l
}

func pairOf(no uint64) uint32 { return uint32((no-1)^1) + 1 }

func newRig(t testing.TB, setup func(*rig)) *rig {
	t.Helper()
	a, err := packet.NewArena(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	d, err := New(Options{Name: "test", Alloc: a, Now: func() int64 { return time.Since(start).Milliseconds() + 1 }, Logf: t.Logf, MaxFlows: 100000})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, arena: a, d: d, opener: dummy.NewOpener(nil, nil, t.Logf)}
	if setup != nil {
		setup(r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.serve(ctx, 0)
	t.Cleanup(r.close)
	return r
}

// serve answers upcalls of handler h until ctx ends.
func (r *rig) serve(ctx context.Context, h int) {
	r.wg.Add(1)
	go func() {
		defer r.wg.Done()
		us := make([]*dpif.Upcall, 64)
		for {
			n, err := r.d.Recv(ctx, h, us)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					r.t.Errorf("Recv: %v", err)
				}
				return
			}
			for _, u := range us[:n] {
				if u.Kind == dpif.Action {
					r.acts.Add(1)
					if r.onAct != nil {
						r.onAct(u)
					}
					r.d.Done(u)
					continue
				}
				r.misses.Add(1)
				if r.hold != nil {
					<-r.hold
				}
				r.d.Post(u, r.verdict(u))
			}
		}
	}()
}

func (r *rig) verdict(u *dpif.Upcall) dpif.Verdict {
	if r.decide != nil {
		return r.decide(u)
	}
	return dpif.Verdict{Install: true, Mask: fiveTuple(), Actions: outputs(pairOf(u.Key[flow.WInPort] >> 32))}
}

// close ends everything and checks that no packet buffer is left over.
func (r *rig) close() {
	for _, pi := range r.d.Ports() {
		if err := r.d.PortDel(pi.No); err != nil {
			r.t.Error(err)
		}
		pi.Port.Close()
	}
	if r.hold != nil {
		close(r.hold)
	}
	r.quiesce()
	r.cancel()
	r.wg.Wait()
	if err := r.d.Close(); err != nil {
		r.t.Error(err)
	}
	if n := r.arena.InUse(); n != 0 {
		r.t.Errorf("%d packet buffers leaked", n)
	}
	if err := r.arena.Close(); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) quiesce() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.d.Quiesce(ctx); err != nil {
		r.t.Fatalf("Quiesce: %v", err)
	}
}

// port adds a dummy port with that number that keeps what it is sent.
func (r *rig) port(no dpif.PortNo, typ string) *dummy.Port {
	r.t.Helper()
	name := "p" + string(rune('0'+no/10)) + string(rune('0'+no%10))
	p, err := r.opener.Open(ports.Config{Name: name, Type: typ, Alloc: r.arena, TxQs: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	p.(*dummy.Port).KeepSent(true)
	got, err := r.d.PortAdd(p, no)
	if err != nil || got != no {
		r.t.Fatalf("PortAdd: %d, %v", got, err)
	}
	return p.(*dummy.Port)
}

// udp is an Ethernet frame of 64 bytes with UDP source port src and the number seq as payload.
func udp(src, seq int) []byte {
	b := make([]byte, 64)
	copy(b, []byte{2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint16(b[34:], uint16(src))
	binary.BigEndian.PutUint16(b[36:], 53)
	binary.BigEndian.PutUint16(b[38:], 30)
	binary.BigEndian.PutUint32(b[42:], uint32(seq))
	return b
}

func seqOf(b []byte) int { return int(binary.BigEndian.Uint32(b[42:])) }
func srcOf(b []byte) int { return int(binary.BigEndian.Uint16(b[34:])) }

// buf is a packet with that content.
func (r *rig) buf(content []byte) *packet.Buf {
	r.t.Helper()
	var b packet.Batch
	r.arena.Alloc(&b, 1)
	if b.N != 1 || !b.Bufs[0].SetData(content) {
		r.t.Fatal("no buffer")
	}
	return b.Bufs[0]
}
