package ofswitch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"govs/ofproto"
	"govs/openflow"
	"govs/openflow/text"
	"govs/ports/dummy"
)

// TestStatisticsAreExact sends packets of many flows while rules are changed, megaflows revalidated, evicted and purged, and then counts: each packet
// is counted by exactly one rule.
func TestStatisticsAreExact(t *testing.T) {
	for _, threads := range []int{1, 3} {
		t.Run(fmt.Sprint(threads, " revalidators"), func(t *testing.T) { statisticsAreExact(t, threads) })
	}
}

func statisticsAreExact(t *testing.T, threads int) {
	r := newRig(t)
	r.sw.Configure(ofproto.Settings{Handlers: threads, Revalidators: threads})
	b := r.bridge("br0")
	p1 := r.port(b, "p1", 1, ofproto.BundleConfig{})
	r.port(b, "p2", 2, ofproto.BundleConfig{})
	r.port(b, "p3", 3, ofproto.BundleConfig{})
	mod(t, b, openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll})
	// Each source port has its own megaflow.
	own, err := text.ParseActions("move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[0..15],output:2", nil)
	if err != nil {
		t.Fatal(err)
	}
	mod(t, b, openflow.FlowMod{Priority: 1, Match: match("udp"), Actions: own})
	mod(t, b, openflow.FlowMod{Priority: 10, Match: match("udp,tp_dst=1"), Actions: out(3)})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-stop:
				return
			default:
			}
			// Modified, not removed: a removed rule takes its counters with it.
			mod(t, b, openflow.FlowMod{Command: openflow.FlowModifyStrict, Priority: 10, Match: match("udp,tp_dst=1"),
				Actions: out(2 + rnd.IntN(2)), NewCookie: ^uint64(0)})
			switch rnd.IntN(400) {
			case 0:
				r.command("revalidator/purge")
			case 1, 2, 3:
				r.command("upcall/set-flow-limit", fmt.Sprint(rnd.IntN(4000)))
			}
		}
	})
	const n = 12000
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		f := frame(macB, macA, "0800 45000022 00000000 4011 0000 0a000001 0a000002 0005 0001 000e 0000")
		binary.BigEndian.PutUint16(f[34:], uint16(rnd.IntN(2000)))
		binary.BigEndian.PutUint16(f[36:], uint16(rnd.IntN(3)))
		for p1.Inject(0, f) == dummy.ErrQueueFull {
			r.settle()
		}
		if i%100 == 0 {
			r.settle()
		}
	}
	close(stop)
	wg.Wait()
	r.settle()
	r.command("revalidator/wait")
	got, _ := packets(t, b, "")
	lost := uint64(0)
	for _, v := range r.dp.Drops() {
		lost += v
	}
	if got+lost != n && got != n {
		t.Errorf("rules counted %d packets of %d (%d dropped: %v)", got, n, lost, r.dp.Drops())
	}
	t.Logf("%d packets, %d dropped, %s", got, lost, r.command("upcall/show"))
}

// TestChurn adds and removes ports and bridges while packets pass.
func TestChurn(t *testing.T) {
	r := newRig(t)
	b := r.bridge("br0")
	p1 := r.port(b, "p1", 1, ofproto.BundleConfig{})
	for i := range 30 {
		name := fmt.Sprintf("x%d", i)
		p := r.port(b, name, 0, ofproto.BundleConfig{})
		o := r.bridge(fmt.Sprintf("b%d", i))
		r.patch(o, fmt.Sprintf("po%d", i), fmt.Sprintf("pb%d", i), 5)
		r.patch(b, fmt.Sprintf("pb%d", i), fmt.Sprintf("po%d", i), 0)
		r.send(p1, frame(macB, macA, "1234"))
		want(t, name, map[*dummy.Port]int{p: 1})
		info, _ := b.Port(name)
		b.DelBundle(name)
		b.DelPort(name)
		if err := r.dp.PortDel(info.DPPort); err != nil {
			t.Fatal(err)
		}
		p.Close()
		b.DelBundle(fmt.Sprintf("pb%d", i))
		b.DelPort(fmt.Sprintf("pb%d", i))
		r.sw.DelBridge(fmt.Sprintf("b%d", i))
	}
	r.command("revalidator/wait")
	r.send(p1, frame(macB, macA, "1234"))
	r.command("revalidator/purge")
	if st := r.dp.Stats(); st.Flows != 0 {
		t.Errorf("%d megaflows are left", st.Flows)
	}
	if n := r.arena.InUse(); n > 64 {
		t.Errorf("%d packet buffers are in use", n)
	}
}
