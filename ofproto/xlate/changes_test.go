package xlate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"govs/classifier/oftable"
	"govs/flow"
)

// megaflowOf is a translation as a datapath would install it.
type megaflowOf struct {
	seq     uint64
	deps    Deps
	key     flow.Key
	mask    flow.Mask
	text    string
	effects []Effect
}

func (f *megaflowOf) covers(k *flow.Key) bool {
	for w := range k {
		if (f.key[w]^k[w])&f.mask[w] != 0 {
			return false
		}
	}
	return true
}

// TestUnconcernedIsSound makes random changes to random switches. Every packet of a megaflow that is said not to be concerned must be
// treated as the megaflow does, and counted in the same places.
func TestUnconcernedIsSound(t *testing.T) {
	var readers Readers
	ctx := NewCtx(&readers, NewRecircPool())
	asked, spared, pairs := 0, 0, 0
	for seed := uint64(0); seed < 200; seed++ {
		r := rand.New(rand.NewPCG(seed, 5))
		snap := testSwitch(r)
		var log Changes
		log.Add(Change{All: true})
		for i, b := range snap.Bridges {
			b.State.ID = uint32(i)
			m := NewMACTable(func(e uint32) { log.Add(Change{All: e == 0, MAC: e}) })
			for j := range 4 {
				m.Learn(uint16(j%2*5), 0x020000000000+uint64(j), b.Bundles[j%len(b.Bundles)].State, 1)
			}
			b.State.MAC = m
		}
		translate := func(k *flow.Key) *megaflowOf {
			f := &megaflowOf{seq: log.Seq(), key: *k}
			var res Result
			ctx.Translate(&Input{Snap: snap, Key: k, Now: 1}, &res)
			f.deps, f.mask, f.text, f.effects = res.Deps, *res.Mask, res.Actions.String(), slices.Clone(res.Effects)
			f.mask[flow.WVLAN] |= (flow.VLANPresent | 0xfff) << 32
			return f
		}
		var packets []*flow.Key
		var flows []*megaflowOf
		for range 100 {
			packets = append(packets, randomPacket(r))
		}
		for range 4 { // rounds
			for _, k := range packets {
				if r.IntN(2) == 0 {
					flows = append(flows, translate(k))
				}
			}
			for range r.IntN(3) {
				randomChange(r, snap, &log)
			}
			round := log.Round()
			judge := NewJudge(round, snap)
			now := map[*flow.Key]*megaflowOf{}
			for _, k := range packets {
				now[k] = translate(k)
			}
			flows = slices.DeleteFunc(flows, func(f *megaflowOf) bool {
				asked++
				if judge.Concerned(f.seq, &f.deps, f.key[:flow.LenPacket], &f.mask) {
					return true
				}
				spared++
				for _, k := range packets {
					if !f.covers(k) {
						continue
					}
					pairs++
					is := now[k]
					if is.text != f.text || !slices.Equal(is.effects, f.effects) {
						t.Fatalf("seed %d: %s is %q, the megaflow\n%s, which is said not to be concerned, does %q", seed, k, is.text,
							(&flow.Match{Key: f.key, Mask: f.mask}).String(), f.text)
					}
				}
				f.seq = round.Seq
				return false
			})
		}
	}
	t.Logf("%d of %d megaflows were not concerned, with %d packets", spared, asked, pairs)
	if spared < asked/2 || pairs < spared {
		t.Errorf("only %d of %d megaflows were not concerned (%d packets)", spared, asked, pairs)
	}
}

// randomChange inserts or removes some rules, or moves an address.
func randomChange(r *rand.Rand, snap *Snapshot, log *Changes) {
	b := choice(r, snap.Bridges...)
	st := b.State
	if r.IntN(4) == 0 {
		st.MAC.Learn(uint16(r.IntN(2)*5), 0x020000000000+uint64(r.IntN(5)), choice(r, b.Bundles...).State, 2)
		return
	}
	v := st.Version.Load() + 1
	c := Change{Bridge: st}
	for range 1 + r.IntN(3) {
		id := r.IntN(4)
		tab := st.Tables[id].Load()
		var all []*Rule
		tab.Rules.Each(v, func(r *Rule) bool { all = append(all, r); return true })
		// Priorities stay unique: which of two rules of one priority a packet gets is not defined, and may change.
		m, prio := randomRule(r), r.IntN(6)<<16|int(tab.Rules.Len())<<8
		if what := r.IntN(3); what > 0 && len(all) > 0 {
			old := choice(r, all...)
			old.SetRemoved(v)
			c.Removed = append(c.Removed, old)
			if what == 1 {
				continue
			}
			prio = old.Priority()
			old.Match(m)
		}
		rule := oftable.NewRule[RuleData](m, prio)
		rule.Data = RuleData{Stats: &RuleStats{}, Actions: randomActions(r, id), Table: uint8(id)}
		tab.Rules.Insert(rule, v)
		c.Added = append(c.Added, rule)
	}
	st.Version.Store(v)
	log.Add(c)
}

// TestChangesAreForgotten sees that a megaflow older than what is remembered counts as concerned, whatever it depends on.
func TestChangesAreForgotten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	snap := testSwitch(r)
	var log Changes
	key := make([]uint64, flow.LenBase)
	key[0] = 1 << 32
	var mask flow.Mask
	old := log.Seq()
	for range keptRounds + 1 {
		log.Add(Change{MAC: 7})
		log.Round()
	}
	log.Add(Change{MAC: 9})
	recent := log.Seq() - 1
	j := NewJudge(log.Round(), snap)
	if !j.Concerned(old, &Deps{}, key, &mask) {
		t.Error("a change is forgotten")
	}
	if j.Concerned(recent, &Deps{MACs: 8 << 32}, key, &mask) {
		t.Error("another address matters")
	}
	if !j.Concerned(recent, &Deps{MACs: 8<<32 | 9}, key, &mask) {
		t.Error("the address does not matter")
	}
	if !j.Concerned(recent, &Deps{MACs: anyMAC}, key, &mask) {
		t.Error("no address matters")
	}
	if len(log.list) > keptRounds+1 {
		t.Errorf("%d changes are kept", len(log.list))
	}
	for range maxChanges + 1 {
		log.Add(Change{MAC: 5})
	}
	if !NewJudge(log.Round(), snap).Concerned(recent, &Deps{}, key, &mask) {
		t.Error("too many changes are not everything")
	}
}
