package xlate

import (
	"slices"
	"sync"
	"sync/atomic"

	"govs/flow"
)

// Deps are what a translation looked at, as far as it takes to tell which changes can concern it.
type Deps struct {
	Tables uint64 // tables that were searched, one bit each (see tableBit); bits are shared
	MACs   uint64 // the two MAC table entries that were asked for, 32 bits of hash each; 0 none, anyMAC more than two
	Dirty  uint64 // words of the key in which a search saw something else than the packet's own value: bit i for word i, the last for all others
}

// anyMAC is Deps.MACs of a translation that asked for more entries than are noted.
const anyMAC = ^uint64(0)

// dirtyWords is the number of words that have a bit of their own in Deps.Dirty. The others are tunnel options and, never in a
// megaflow's mask, the pipeline's.
const dirtyWords = flow.WTunMeta

// dirtyBit is word i's bit in Deps.Dirty.
func dirtyBit(i int) uint64 { return 1 << min(i, dirtyWords) }

// tableBit is a table's bit in Deps.Tables.
func (s *BridgeState) tableBit(id uint8) uint64 { return 1 << ((uint32(id) + s.ID*37) % 64) }

// noteTable records that a table is searched with the present flow.
func (c *Ctx) noteTable(id uint8) {
	c.deps.Tables |= c.bridge.State.tableBit(id)
	if c.flow[0] != c.word0 {
		c.deps.Dirty |= 1
	}
	in := c.in.Key
	if *(*[dirtyWords - 1]uint64)(c.flow[1:dirtyWords]) != *(*[dirtyWords - 1]uint64)(in[1:dirtyWords]) {
		for i := 1; i < dirtyWords; i++ {
			if c.flow[i] != in[i] {
				c.deps.Dirty |= 1 << i
			}
		}
	}
	if *(*[flow.LenPacket - dirtyWords]uint64)(c.flow[dirtyWords:flow.LenPacket]) != *(*[flow.LenPacket - dirtyWords]uint64)(in[dirtyWords:flow.LenPacket]) {
		c.deps.Dirty |= 1 << dirtyWords
	}
}

// noteMAC records that the present bridge's MAC table is asked for an address.
func (c *Ctx) noteMAC(vlan uint16, mac uint64) {
	h := uint64(c.bridge.State.MAC.hash(vlan, mac))
	d := &c.deps.MACs
	switch {
	case *d == anyMAC || uint32(*d) == uint32(h) || *d>>32 == h:
	case uint32(*d) == 0:
		*d |= h
	case *d>>32 == 0:
		*d |= h << 32
	default:
		*d = anyMAC
	}
}

// Change is something that may alter translations.
type Change struct {
	// All says that any translation may be concerned; nothing else counts then.
	All bool
	// MAC is the hash of an entry of a MAC table, 0 for none.
	MAC uint32
	// Bridge, Added and Removed are rules that have become visible or invisible. The lists are only read and must not change.
	Bridge         *BridgeState
	Added, Removed []*Rule
}

// Bounds of what is remembered of changes. What is forgotten counts as a change of everything.
const (
	maxChanges     = 1 << 19 // entries
	maxRules       = 1 << 19 // rules in them
	keptRounds     = 4       // rounds of revalidation whose changes are known one by one
	maxRuleGroups  = 64      // masks of changed rules that are told apart
	maxProjections = 64      // forms under which the rules of one mask are hashed
)

// Changes numbers the changes of a switch and remembers the latest. The zero Changes is ready. Its methods may be called
// from any goroutine, but Round and Concerned from one at a time with respect to Round.
type Changes struct {
	seq atomic.Uint64 // number of the last change

	mu     sync.Mutex // guards all below
	base   uint64     // number of the change before list
	list   []Change
	rules  int      // in list
	rounds []uint64 // numbers at which the last rounds began, oldest first
}

// Seq is the number of the last change. A translation that begins afterwards sees that change and all before it.
func (l *Changes) Seq() uint64 { return l.seq.Load() }

// Add numbers a change, which has been published.
func (l *Changes) Add(c Change) {
	l.mu.Lock()
	l.list = append(l.list, c)
	l.rules += len(c.Added) + len(c.Removed)
	n := l.base + uint64(len(l.list))
	if len(l.list) > maxChanges || l.rules > maxRules {
		l.list, l.base, l.rules = nil, n, 0
	}
	l.seq.Store(n)
	l.mu.Unlock()
}

// Round is one round of revalidation: it tells which megaflows the changes up to Seq can concern.
type Round struct {
	Seq   uint64
	since []uint64 // oldest first
	tests []*test  // tests[i]: changes after since[i]
}

// Round begins a round.
func (l *Changes) Round() *Round {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Round{Seq: l.base + uint64(len(l.list))}
	for _, s := range l.rounds {
		if s >= l.base {
			r.since = append(r.since, s)
			r.tests = append(r.tests, &test{changes: l.list[s-l.base:]})
		}
	}
	// What comes next is compared with this round and the last ones.
	l.rounds = append(l.rounds, r.Seq)
	if drop := len(l.rounds) - keptRounds; drop > 0 {
		l.rounds = slices.Delete(l.rounds, 0, drop)
	}
	if cut := l.rounds[0]; cut > l.base {
		for _, c := range l.list[:cut-l.base] {
			l.rules -= len(c.Added) + len(c.Removed)
		}
		l.list = append([]Change(nil), l.list[cut-l.base:]...) // tests keep the old one for as long as they live
		l.base = cut
	}
	return r
}

// test is made of some changes when it is first needed.
type test struct {
	changes []Change
	once    sync.Once

	all    bool
	macs   map[uint32]struct{}
	anyOf  uint64 // tables of which any rule may have changed
	tables uint64 // tables of which the rules in groups have changed
	groups []*ruleGroup
}

// ruleGroup is the changed rules of one mask in tables of one bit.
type ruleGroup struct {
	table uint64
	rules []*Rule

	mu    sync.Mutex // guards projs
	projs []*projection
}

// projection is the rules of a group as far as some bits of the key tell.
type projection struct {
	mask   []uint64 // by word of the rules
	hashes map[uint64]struct{}
}

func (t *test) build() {
	type groupKey struct {
		mask  any
		table uint64
	}
	byMask := map[groupKey]*ruleGroup{}
	for i := range t.changes {
		c := &t.changes[i]
		if c.All {
			t.all = true
			return
		}
		if c.MAC != 0 {
			if t.macs == nil {
				t.macs = map[uint32]struct{}{}
			}
			t.macs[c.MAC] = struct{}{}
		}
		for _, list := range [2][]*Rule{c.Added, c.Removed} {
			for _, r := range list {
				k := groupKey{r.MaskID(), c.Bridge.tableBit(r.Data.Table)}
				g := byMask[k]
				if g == nil {
					if len(t.groups) == maxRuleGroups {
						t.anyOf |= k.table
						continue
					}
					g = &ruleGroup{table: k.table}
					byMask[k] = g
					t.groups = append(t.groups, g)
					t.tables |= k.table
				}
				g.rules = append(g.rules, r)
			}
		}
	}
	t.changes = nil
}

// project returns the group's rules under bits of the key, or nil if there are too many such forms.
func (g *ruleGroup) project(mask []uint64) *projection {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.projs {
		if slices.Equal(p.mask, mask) {
			return p
		}
	}
	if len(g.projs) == maxProjections {
		return nil
	}
	p := &projection{mask: slices.Clone(mask), hashes: make(map[uint64]struct{}, len(g.rules))}
	for _, r := range g.rules {
		h := uint64(0)
		for i, m := range mask {
			if m != 0 {
				_, _, v := r.Word(i)
				h = mixHash(h, v&m)
			}
		}
		p.hashes[h] = struct{}{}
	}
	g.projs = append(g.projs, p)
	return p
}

func mixHash(h, v uint64) uint64 {
	h = (h ^ v) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// Judge is one goroutine's view of a Round.
type Judge struct {
	round *Round
	snap  *Snapshot
	seen  map[judgeKey][]probe
}

type judgeKey struct {
	test  *test
	mask  *flow.Mask
	dirty uint64
}

// probe is how the megaflows of one mask are compared with one group.
type probe struct {
	table uint64
	words []int    // of the key
	mask  []uint64 // of these words
	proj  *projection
}

// NewJudge returns a Judge of a round, for translations with snap.
func NewJudge(r *Round, snap *Snapshot) *Judge {
	return &Judge{round: r, snap: snap, seen: map[judgeKey][]probe{}}
}

// Concerned says whether the translation of a megaflow, which began when Seq was seq and which depended on d, may have another
// result now. The megaflow covers the packets that agree with key in the bits of mask, which must not change; key has the
// datapath's in_port, and words beyond it are zero.
//
// It is sound because a megaflow's bits decide everything that its translation did: where a search saw the packet's own value
// of a word, it sees key's bits under mask for every packet of the megaflow, so that a rule which differs from them in a bit of
// both masks matches none of its packets. Words that a search saw changed are left out of the comparison.
func (j *Judge) Concerned(seq uint64, d *Deps, key []uint64, mask *flow.Mask) bool {
	r := j.round
	if seq >= r.Seq {
		return false
	}
	i := len(r.since) - 1
	for i >= 0 && r.since[i] > seq {
		i--
	}
	if i < 0 {
		return true
	}
	t := r.tests[i]
	t.once.Do(t.build)
	switch {
	case t.all, t.anyOf&d.Tables != 0:
		return true
	case t.macs != nil && d.MACs != 0 && t.hasMAC(d.MACs):
		return true
	case t.tables&d.Tables == 0:
		return false
	}
	in := j.snap.Port(uint32(key[0] >> 32))
	if in == nil {
		return true
	}
	word0 := uint64(in.No.Wire32())<<32 | key[0]&0xffffffff
	k := judgeKey{t, mask, d.Dirty}
	probes, ok := j.seen[k]
	if !ok {
		probes = t.probes(mask, d.Dirty)
		j.seen[k] = probes
	}
	for i := range probes {
		p := &probes[i]
		if p.table&d.Tables == 0 {
			continue
		}
		if p.proj == nil {
			return true
		}
		h := uint64(0)
		for x, w := range p.words {
			v := word0
			if w != 0 {
				if v = 0; w < len(key) {
					v = key[w]
				}
			}
			h = mixHash(h, v&p.mask[x])
		}
		if _, hit := p.proj.hashes[h]; hit {
			return true
		}
	}
	return false
}

func (t *test) hasMAC(macs uint64) bool {
	if macs == anyMAC {
		return true
	}
	if _, ok := t.macs[uint32(macs)]; ok {
		return true
	}
	_, ok := t.macs[uint32(macs>>32)]
	return ok
}

// probes returns how megaflows of a mask are compared with the groups.
func (t *test) probes(mask *flow.Mask, dirty uint64) []probe {
	out := make([]probe, 0, len(t.groups))
	for _, g := range t.groups {
		p := probe{table: g.table}
		r := g.rules[0]
		common := make([]uint64, r.NumWords())
		for i := range common {
			w, m, _ := r.Word(i)
			if m &= mask[w]; m != 0 && dirty&dirtyBit(w) == 0 {
				common[i] = m
				p.words = append(p.words, w)
				p.mask = append(p.mask, m)
			}
		}
		if len(p.words) > 0 {
			p.proj = g.project(common)
		}
		out = append(out, p)
	}
	return out
}
