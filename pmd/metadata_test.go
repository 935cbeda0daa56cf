package pmd

import (
	"testing"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
)

// TestMetadataMask checks that a megaflow that reads metadata of received packets (pkt_mark=0, ct_state=-trk) is found for packets
// whose keys have fewer words.
func TestMetadataMask(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.decide = func(u *dpif.Upcall) dpif.Verdict {
			m := fiveTuple()
			m.SetExact(flow.FieldPktMark)
			m.SetExact(flow.FieldCtState)
			return dpif.Verdict{Install: true, Mask: m, Actions: outputs(2)}
		}
	})
	p1, p2 := r.port(1, "dummy"), r.port(2, "dummy")
	for round := range 3 {
		r.inject(p1, udp(1, round))
		r.quiesce()
	}
	if n := len(p2.TakeSent()); n != 3 {
		t.Errorf("%d frames arrived, want 3", n)
	}
	if n := r.misses.Load(); n != 1 {
		t.Errorf("%d upcalls, want 1", n)
	}
}

// TestSetMetadata checks that setting the mark or the priority, which are not in the packet, does not stop it.
func TestSetMetadata(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.decide = func(u *dpif.Upcall) dpif.Verdict {
			l, err := actions.Parse("set(skb_priority(0x1)),set(skb_mark(0x7)),2", nil)
			if err != nil {
				t.Error(err)
			}
			return dpif.Verdict{Install: true, Mask: fiveTuple(), Actions: &l}
		}
	})
	p1, p2 := r.port(1, "dummy"), r.port(2, "dummy")
	for round := range 3 {
		r.inject(p1, udp(1, round))
		r.quiesce()
	}
	if n := len(p2.TakeSent()); n != 3 {
		t.Errorf("%d frames arrived, want 3", n)
	}
}
