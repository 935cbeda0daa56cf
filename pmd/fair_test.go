package pmd

import (
	"testing"

	"govs/dpif"
)

// TestMissesAreFair lets three ports flood the datapath with new flows while no verdict comes. The one packet of a fourth port must still be
// taken, and its verdict be among the next that are given.
func TestMissesAreFair(t *testing.T) {
	r := newRig(t, func(r *rig) { r.hold = make(chan struct{}) })
	storm := []interface{ Inject(int, []byte) error }{r.port(1, "dummy"), r.port(2, "dummy"), r.port(3, "dummy")}
	victim, to := r.port(5, "dummy"), r.port(6, "dummy")
	inject := func(p interface{ Inject(int, []byte) error }, f []byte) {
		for p.Inject(0, f) != nil {
			r.settle(p)
		}
	}
	for i := range 3000 {
		for j, p := range storm {
			inject(p, udp(j<<12|i&0xfff, i))
			inject(p, udp(j<<12|i&0xfff, i)) // waits behind the first
		}
	}
	for _, p := range storm {
		r.settle(p)
	}
	lost := r.d.Drops()
	if lost[dpif.DropParkedLimit] == 0 {
		t.Fatalf("this is no storm: drops %v", lost)
	}
	inject(victim, udp(7, 7))
	r.settle(victim)
	if now := r.d.Drops(); now[dpif.DropUpcallQueueFull] != lost[dpif.DropUpcallQueueFull] || now[dpif.DropParkedLimit] != lost[dpif.DropParkedLimit] {
		t.Fatalf("the victim's packet was dropped: %v, before %v", now, lost)
	}
	// A handler has taken up to 64 upcalls already; then ports are served in turn.
	for n := 0; ; n++ {
		if n > 64+8 {
			t.Fatalf("no verdict for the victim among %d", n)
		}
		r.hold <- struct{}{}
		r.settle(victim)
		if got := to.TakeSent(); len(got) == 1 && seqOf(got[0]) == 7 {
			t.Logf("after %d verdicts", n+1)
			break
		}
	}
}
