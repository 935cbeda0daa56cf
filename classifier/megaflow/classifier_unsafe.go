package megaflow

import (
	"errors"
	"fmt"
	"sort"
	"unsafe"

	"govs/flow"
)

// Burst is the most packets that one Lookup takes.
const Burst = 32

// ErrExists says that an equal flow is there already.
var ErrExists = errors.New("flow exists")

// ErrMask says that a mask does not match in_port and recirc_id exactly, as every megaflow's must.
var ErrMask = errors.New("mask does not match in_port and recirc_id exactly")

// Subtable holds the flows of one mask.
type Subtable struct {
	tab   table // its last fields and the union's first share two cache lines, which a search of a small subtable reads
	last  int   // leading words of a key that the mask reads
	u     Union
	hits  uint64             // since the last Sort
	lines int                // cache lines of an entry
	words int                // compact words, at least inlineWords (padded with words that are masked to nothing)
	idx   [flow.Words]uint8  // word number of each compact word
	id    uint16             // in the store
	idx2  uint8              // the word that shares compact word 1
	mask2 uint64             // its mask, 0 when there is none
	cmask [flow.Words]uint64 // mask of each compact word
	hash  uint64             // of mask
	alias []*flow.Mask       // masks that Intern has returned and that differ from the subtable's own
	slot  int                // in the classifier's filter
	atoms []*atom            // of the mask; see filter
	Hits  uint64             // in all
}

// Mask returns the subtable's mask, which stays valid and constant.
func (t *Subtable) Mask() *flow.Mask { return &t.u.Mask }

// Intern returns a mask equal to m that all flows of the subtable share. m may have bits more than the subtable's own mask:
// those that need no comparison.
func (t *Subtable) Intern(m *flow.Mask) *flow.Mask {
	if *m == t.u.Mask {
		return &t.u.Mask
	}
	for _, a := range t.alias {
		if *a == *m {
			return a
		}
	}
	c := *m
	t.alias = append(t.alias, &c)
	return &c
}

// Last is the number of leading key words that the mask reads.
func (t *Subtable) Last() int { return t.last }

// Lines is the length in cache lines of the subtable's entries, which Store.Free wants to know.
func (t *Subtable) Lines() int { return t.lines }

// Len is the number of flows.
func (t *Subtable) Len() int { return t.tab.count }

// keyWord is k[i] for an i from a subtable's idx, which is in range.
func keyWord(k *flow.Key, i uint8) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(k), uintptr(i)*8))
}

// equal compares an entry with a key under the subtable's mask.
func (t *Subtable) equal(e *Entry, k *flow.Key) bool {
	if t.u.Short {
		x, y, z := t.u.Words(k)
		return (e.Words[0]^k[0])|(e.Words[1]^x)|(e.Words[2]^y)|(e.Words[3]^z) == 0
	}
	d := e.Words[0] ^ k[0] // every mask has all of word 0
	d |= e.Words[1] ^ (keyWord(k, t.idx[1])&t.cmask[1] | keyWord(k, t.idx2)&t.mask2)
	d |= e.Words[2] ^ keyWord(k, t.idx[2])&t.cmask[2]
	d |= e.Words[3] ^ keyWord(k, t.idx[3])&t.cmask[3]
	if d != 0 {
		return false
	}
	for i := inlineWords; i < t.words; i++ {
		if *e.word(i) != keyWord(k, t.idx[i])&t.cmask[i] {
			return false
		}
	}
	return true
}

// hashKey hashes the bits of k that the mask reads.
func (t *Subtable) hashKey(s *Seeds, k *flow.Key) uint32 {
	return uint32(s.HashUnder(&t.u, k, flow.Words))
}

// find looks for k and also gives its hash.
func (t *Subtable) find(s *Store, k *flow.Key) (Ref, uint32) {
	h := t.hashKey(&s.Seeds, k)
	return t.probe(s, k, h), h
}

// probe looks for k, whose hash is h, in its whole chain of buckets.
func (t *Subtable) probe(s *Store, k *flow.Key, h uint32) Ref {
	b := t.tab.bucket(t.tab.index(h))
	for {
		for m := b.match(tagOf(h)); m != 0; m &= m - 1 {
			r := b.ref(laneOf(m))
			if r != 0 && t.equal(s.Entry(r), k) {
				return r
			}
		}
		o := b.refs[slots]
		if o == 0 {
			return 0
		}
		b = t.tab.over(o)
	}
}

// Classifier holds the megaflows of one in_port.
type Classifier struct {
	s      *Store
	subs   []*Subtable // most hit first
	union  Union
	count  int
	Hits   uint64 // packets that Lookup found
	Probes uint64 // subtables that were searched for those packets
	Gen    uint64 // changes with every Insert and Remove
	// Removed is the number of flows that have been taken out.
	Removed uint64
	work    *scratch
	filter  filter
	leading int // subtables that are searched before the filter is asked
}

// scratch is a Lookup's working memory.
type scratch struct {
	addr [Burst]uintptr
	hash [Burst]uint32
	cand [Burst]Ref
	slot [Burst]int32 // in the filter: where lookupFiltered looks for a packet first; -1: nowhere
	next [Burst]int32 // and then

	primed bool // Hash has asked for the buckets
}

// New returns an empty classifier with entries in s.
func New(s *Store) *Classifier {
	return &Classifier{s: s, work: new(scratch), filter: filter{mult: s.Seeds[0] | 1}}
}

// Len is the number of flows.
func (c *Classifier) Len() int { return c.count }

// Bytes is the memory of the subtables' hash tables.
func (c *Classifier) Bytes() uint64 {
	n := uint64(0)
	for _, t := range c.subs {
		n += uint64(t.tab.n+t.tab.ovNext) * Line
	}
	return n
}

// Subtables returns the subtables, most hit first. The slice is the classifier's own.
func (c *Classifier) Subtables() []*Subtable { return c.subs }

// Union returns the OR of all masks. It stays the classifier's own and changes with it.
func (c *Classifier) Union() *Union { return &c.union }

// Close gives back the memory of all subtables. Entries are not freed.
func (c *Classifier) Close() {
	for _, t := range c.subs {
		t.tab.close()
		c.s.subs[t.id] = nil
	}
	c.subs = nil
	c.filter = filter{mult: c.filter.mult}
	c.count = 0
	c.reunite()
}

// Lookup finds the megaflows of a burst: of the packets idx[0..n-1], whose keys have lens[i] valid leading words and the hash
// hashes[i] under the Union. It writes refs[i] of those that it finds, leaves in idx the others, in their order, and
// returns how many they are. The keys must have the classifier's in_port.
func (c *Classifier) Lookup(keys *[Burst]flow.Key, lens *[Burst]uint8, hashes *[Burst]uint64, idx *[Burst]uint8, n int, refs *[Burst]Ref) int {
	if len(c.subs) == 1 && n <= Burst {
		// The only mask is the union: the hashes are there already.
		w, t := c.work, c.subs[0]
		for j := 0; j < n; j++ {
			h := uint32(hashes[idx[j]&(Burst-1)])
			w.hash[j&(Burst-1)] = h
			w.addr[j&(Burst-1)] = t.tab.addr(h)
		}
		left := t.search(c.s, w, keys, lens, idx, n, refs)
		t.hits += uint64(n - left)
		c.Hits += uint64(n - left)
		c.Probes += uint64(n - left)
		return left
	}
	for pos, t := range c.subs {
		if n == 0 {
			break
		}
		if pos == c.leading && len(c.subs) >= filterFrom {
			return c.lookupFiltered(keys, lens, idx, n, refs)
		}
		t.hashAll(c.s, c.work, keys, lens, idx, n)
		left := t.search(c.s, c.work, keys, lens, idx, n, refs)
		found := uint64(n - left)
		t.hits += found
		c.Hits += found
		c.Probes += found * uint64(pos+1)
		n = left
	}
	return n
}

// stride is how many packets are dealt with between prefetches: their lines are under way while the next ones' addresses are computed.
const stride = 8

// Hash computes the packets' hashes under the Union, as emc.Hash does, for a Lookup that follows at once. When there is one large
// table it asks for the lines that the Lookup will read first.
func (c *Classifier) Hash(keys *[Burst]flow.Key, lens *[Burst]uint8, n int, hashes *[Burst]uint64) {
	u, seeds, w := &c.union, &c.s.Seeds, c.work
	n = min(n, Burst)
	w.primed = len(c.subs) == 1 && c.subs[0].tab.large()
	var t *table
	step := Burst
	if w.primed {
		t, step = &c.subs[0].tab, stride
	}
	for from := 0; from < n; from += step {
		to := min(from+step, n)
		if u.Short {
			for i := from; i < to; i++ {
				x, y, z := u.Words(&keys[i])
				hashes[i] = seeds.HashShort(keys[i][0], x, y, z)
			}
		} else {
			for i := from; i < to; i++ {
				hashes[i] = seeds.HashUnder(u, &keys[i], int(lens[i]))
			}
		}
		if t != nil {
			for i := from; i < to; i++ {
				w.addr[i-from] = t.addr(uint32(hashes[i]))
			}
			prefetch(&w.addr, to-from)
		}
	}
}

// lookupFiltered is Lookup for packets that the most hit subtables do not have.
func (c *Classifier) lookupFiltered(keys *[Burst]flow.Key, lens *[Burst]uint8, idx *[Burst]uint8, n int, refs *[Burst]Ref) int {
	s, w, f := c.s, c.work, &c.filter
	n = min(n, Burst)
	// Mostly the filter leaves one subtable or two for a packet. The look there is for later, for all packets stage by stage, so that their
	// misses overlap.
	var cand [maxCand]uint64
	for j := range n {
		i := idx[j] & (Burst - 1)
		refs[i] = 0
		w.slot[j], w.next[j], w.addr[j] = -1, -1, 0
		if len(f.all) > maxCand {
			f.findAll(s, &keys[i], int(lens[i])).note(c, &refs[i])
			continue
		}
		switch count := f.candidates(&keys[i], int(lens[i]), &cand); {
		case count == 0:
		case count <= 2:
			w.slot[j], w.next[j] = few(cand[:len(f.all)])
			w.addr[j] = uintptr(unsafe.Pointer(f.slots[w.slot[j]])) + unsafe.Offsetof(Subtable{}.tab.base)
		default:
			f.search(s, &keys[i], int(lens[i]), cand[:len(f.all)]).note(c, &refs[i])
		}
	}
	prefetch(&w.addr, n)
	for j := range n {
		i := idx[j] & (Burst - 1)
		if w.slot[j] < 0 {
			continue
		}
		t := f.slots[w.slot[j]]
		w.hash[j] = t.hashKey(&s.Seeds, &keys[i])
		w.addr[j] = t.tab.addr(w.hash[j])
	}
	prefetch(&w.addr, n)
	for j := range n {
		w.cand[j] = 0
		if w.slot[j] >= 0 {
			b := (*bucket)(*(*unsafe.Pointer)(unsafe.Pointer(&w.addr[j])))
			w.cand[j] = b.ref(laneOf(b.match(tagOf(w.hash[j]))))
		}
	}
	s.Prefetch(&w.cand, n)
	left := 0
	for j := range n {
		i := idx[j] & (Burst - 1)
		if w.slot[j] >= 0 {
			t := f.slots[w.slot[j]]
			if r := t.probe(s, &keys[i], w.hash[j]); r != 0 && t.last <= int(lens[i]) {
				found{r, t, 1}.note(c, &refs[i])
			} else if w.next[j] >= 0 {
				if t := f.slots[w.next[j]]; t.last <= int(lens[i]) {
					r, _ := t.find(s, &keys[i])
					found{r, t, 2}.note(c, &refs[i])
				}
			}
		}
		if refs[i] == 0 {
			idx[left&(Burst-1)] = i
			left++
		}
	}
	return left
}

// note counts a packet that was found, and where, after the subtables that come before the filter.
func (r found) note(c *Classifier, ref *Ref) {
	*ref = r.ref
	if r.ref != 0 {
		r.sub.hits++
		c.Hits++
		c.Probes += uint64(c.leading + r.probes)
	}
}

// hashAll computes the hashes and the buckets of a burst in one subtable.
func (t *Subtable) hashAll(s *Store, w *scratch, keys *[Burst]flow.Key, lens *[Burst]uint8, idx *[Burst]uint8, n int) {
	n = min(n, Burst)
	seeds := &s.Seeds
	if t.u.Short {
		for j := 0; j < n; j++ {
			k := &keys[idx[j]&(Burst-1)]
			x, y, z := t.u.Words(k)
			h := uint32(seeds.HashShort(k[0], x, y, z))
			w.hash[j] = h
			w.addr[j] = t.tab.addr(h)
		}
		return
	}
	for j := 0; j < n; j++ {
		i := idx[j] & (Burst - 1)
		h := uint32(seeds.HashUnder(&t.u, &keys[i], int(lens[i]))) // of a shape that the mask excludes it is never found
		w.hash[j] = h
		w.addr[j] = t.tab.addr(h)
	}
}

// search looks for a burst, hashed, in one subtable. Each stage is a loop of its own, so that the processor overlaps the
// packets' misses.
func (t *Subtable) search(s *Store, w *scratch, keys *[Burst]flow.Key, lens *[Burst]uint8, idx *[Burst]uint8, n int, refs *[Burst]Ref) int {
	n = min(n, Burst)
	long, short := t.last > HashWords, t.u.Short
	large := t.tab.large()
	if large && !w.primed {
		prefetch(&w.addr, n)
	}
	w.primed = false
	step := Burst
	if large {
		step = stride
	}
	for from := 0; from < n; from += step {
		to := min(from+step, n)
		for j := from; j < to; j++ {
			b := (*bucket)(*(*unsafe.Pointer)(unsafe.Pointer(&w.addr[j])))
			m := b.match(tagOf(w.hash[j]))
			r := b.ref(laneOf(m))
			if m == 0 {
				r = 0
			}
			w.cand[j] = r
		}
		if large {
			for j := from; j < to; j++ {
				s.addrs[j-from] = uintptr(s.base) + uintptr(w.cand[j])*Line
			}
			prefetch(&s.addrs, to-from)
		}
	}
	left := 0
	for j := 0; j < n; j++ {
		i := idx[j] & (Burst - 1)
		r := w.cand[j]
		if r != 0 {
			k, e := &keys[i], s.Entry(r)
			if short {
				x, y, z := t.u.Words(k)
				if (e.Words[0]^k[0])|(e.Words[1]^x)|(e.Words[2]^y)|(e.Words[3]^z) == 0 {
					refs[i] = r
					continue
				}
			} else if t.equal(e, k) && (!long || int(lens[i]) >= t.last) {
				refs[i] = r
				continue
			}
		}
		if r = t.rest(s, w, j, &keys[i], r); r != 0 && int(lens[i]) >= t.last {
			refs[i] = r
			continue
		}
		idx[left&(Burst-1)] = i
		left++
	}
	return left
}

// rest finishes the search for packet j whose first candidate, first, was not it.
func (t *Subtable) rest(s *Store, w *scratch, j int, k *flow.Key, first Ref) Ref {
	b := (*bucket)(*(*unsafe.Pointer)(unsafe.Pointer(&w.addr[j])))
	if first == 0 && b.refs[slots] == 0 {
		return 0
	}
	return t.probe(s, k, w.hash[j])
}

// Find looks for one packet, whose key has n valid words, in all subtables. If a mask reads metadata, which a received packet has as
// zeros, the words of k from n to flow.LenPacket become zero.
func (c *Classifier) Find(k *flow.Key, n int) Ref {
	if c.union.Len > flow.WMark && n < flow.LenPacket {
		clear(k[n:flow.LenPacket])
		n = flow.LenPacket
	}
	if len(c.subs) >= filterFrom {
		return c.filter.find(c.s, k, n).ref
	}
	for _, t := range c.subs {
		if t.last <= n {
			if r, _ := t.find(c.s, k); r != 0 {
				return r
			}
		}
	}
	return 0
}

// FindExact looks for the flow that has exactly the mask m and k's bits under it.
func (c *Classifier) FindExact(k *flow.Key, m *flow.Mask) Ref {
	if t := c.subtable(m, maskHash(m)); t != nil {
		r, _ := t.find(c.s, k)
		return r
	}
	return 0
}

// Insert adds the flow of k under m, and returns its entry, whose statistics are zero and whose Out is OutDrop, with its
// subtable, whose Mask is the interned m. When the flow is there already it returns that one and ErrExists.
func (c *Classifier) Insert(k *flow.Key, m *flow.Mask) (Ref, *Subtable, error) {
	if m[flow.WInPort] != ^uint64(0) {
		return 0, nil, ErrMask
	}
	hash := maskHash(m)
	t := c.subtable(m, hash)
	if t == nil {
		var err error
		if t, err = c.addSubtable(m, hash); err != nil {
			return 0, nil, err
		}
	}
	r, h := t.find(c.s, k)
	if r != 0 {
		return r, t, ErrExists
	}
	r, ok := c.s.alloc(t.lines)
	if !ok {
		c.drop(t)
		return 0, nil, fmt.Errorf("%d flows: %w", c.s.live, ErrFull)
	}
	e := c.s.Entry(r)
	*e = Entry{Out: OutDrop, Sub: t.id}
	for i := 0; i < t.words; i++ {
		*e.word(i) = k[t.idx[i]] & t.cmask[i]
	}
	e.Words[1] |= k[t.idx2] & t.mask2
	if err := t.tab.insert(h, r); err != nil {
		c.s.Free(r, t.lines)
		c.drop(t)
		return 0, nil, err
	}
	c.filter.insert(t, k)
	c.count++
	c.Gen++
	return r, t, nil
}

// Remove takes the flow r out. Its entry stays readable, with Out set to OutDead, until the caller frees it with Store.Free.
// It returns the entry's length in lines, or 0 when r was not there.
func (c *Classifier) Remove(r Ref) int {
	e := c.s.Entry(r)
	t := c.s.Subtable(e)
	if t == nil || e.Out == OutDead {
		return 0
	}
	var k flow.Key
	t.expand(e, &k)
	if !t.tab.remove(t.hashKey(&c.s.Seeds, &k), r) {
		return 0
	}
	c.filter.remove(t, &k)
	e.Out = OutDead
	e.Words[0] = deadWord
	c.count--
	c.Gen++
	c.Removed++
	c.drop(t)
	return t.lines
}

// Expand writes the masked key of a live entry to k, which must be zero.
func (s *Store) Expand(e *Entry, k *flow.Key) {
	if t := s.Subtable(e); t != nil {
		t.expand(e, k)
	}
}

func (t *Subtable) expand(e *Entry, k *flow.Key) {
	k[t.idx2] = e.Words[1] & t.mask2
	for i := t.words - 1; i > 0; i-- {
		k[t.idx[i]] = *e.word(i) & t.cmask[i]
	}
	k[0] = e.Words[0] // padding has written there
}

// Each calls f for every flow.
func (c *Classifier) Each(f func(Ref)) {
	for _, t := range c.subs {
		t.tab.each(f)
	}
}

// Sort orders the subtables by their hits since the last Sort, as OVS does once a second.
func (c *Classifier) Sort() {
	if len(c.subs) < 2 {
		for _, t := range c.subs {
			t.Hits += t.hits
			t.hits = 0
		}
		return
	}
	sort.SliceStable(c.subs, func(i, j int) bool { return c.subs[i].hits > c.subs[j].hits })
	all := uint64(0)
	for _, t := range c.subs {
		all += t.hits
	}
	c.leading = 0
	for c.leading < min(filterAfter, len(c.subs)) && c.subs[c.leading].hits*filterShare > all {
		c.leading++
	}
	for _, t := range c.subs {
		t.Hits += t.hits
		t.hits = 0
	}
}

func (c *Classifier) subtable(m *flow.Mask, hash uint64) *Subtable {
	for _, t := range c.subs {
		if t.hash == hash && t.u.Mask == *m {
			return t
		}
	}
	return nil
}

func (c *Classifier) addSubtable(m *flow.Mask, hash uint64) (*Subtable, error) {
	t := &Subtable{hash: hash}
	t.u.set(m)
	x := compact(m)
	t.last, t.words = t.u.Len, 1+x.n
	t.cmask[0] = m[0]
	for n, i := range x.idx[:x.n] {
		t.idx[1+n], t.cmask[1+n] = i, m[i]
	}
	if x.shared != 0 {
		t.idx2, t.mask2 = x.shared, m[x.shared]
	}
	if t.words < inlineWords {
		t.words = inlineWords
	}
	t.lines = ((headerWords+t.words)*8 + Line - 1) / Line
	if err := c.s.addSub(t); err != nil {
		return nil, err
	}
	t.tab.init(c.s, t.id)
	c.subs = append(c.subs, t)
	c.filter.add(t)
	c.reunite()
	return t, nil
}

// drop removes t if it has no flow left.
func (c *Classifier) drop(t *Subtable) {
	if t.tab.count != 0 {
		return
	}
	for i, u := range c.subs {
		if u == t {
			c.subs = append(c.subs[:i], c.subs[i+1:]...)
			break
		}
	}
	c.filter.drop(t)
	t.tab.close()
	c.s.subs[t.id] = nil
	c.reunite()
}

func (c *Classifier) reunite() {
	var m flow.Mask
	for _, t := range c.subs {
		for i := 0; i < t.last; i++ {
			m[i] |= t.u.Mask[i]
		}
	}
	before := c.union
	c.union.set(&m)
	if !c.union.sameLayout(&before) {
		c.s.layouts++
		c.union.Layout = c.s.layouts
	}
}

func maskHash(m *flow.Mask) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for i, w := range m {
		if w != 0 {
			h = Mix(h^w, 0xbf58476d1ce4e5b9^uint64(i)<<32)
		}
	}
	return h
}
