package megaflow

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"govs/flow"
)

// Ref numbers an entry of a Store: its address divided by the cache line's size. 0 is no entry.
type Ref uint32

// Line is the size of a cache line in bytes.
const Line = 64

// headerWords is the length of an Entry before its key words.
const headerWords = 4

// inlineWords is the length of Entry.Words as declared. An entry has room for as many as its subtable's mask has words.
const inlineWords = Line/8 - headerWords

// Values of Entry.Out that are not a port number.
const (
	OutDrop    = 0xffff // no action
	OutComplex = 0xfffe // anything but one output: see the flow's action list
	OutDead    = 0xfffd // the flow is gone: caches treat it as a miss
	MaxPort    = 0xfff0 // port numbers are below this
)

// Entry is a flow as the lookups see it. Packets, Bytes and UsedFlags (the time of the last hit in milliseconds << 16, and
// the OR of the TCP flags) are written by the owning poller and read by anybody by atomic loads.
type Entry struct {
	Packets   uint64
	Bytes     uint64
	UsedFlags uint64
	Flow      uint32              // index of the poller's Go object
	Out       uint16              // output port when that is the only action, or an Out… value
	Sub       uint16              // number of the subtable
	Words     [inlineWords]uint64 // the masked key, compact; longer than declared when the mask is
}

// word returns the address of the i-th masked key word.
func (e *Entry) word(i int) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(&e.Words), uintptr(i)*8))
}

// deadWord is the first key word of a free or dead entry. No packet has it, as ports are below MaxPort.
const deadWord = ^uint64(0)

// ErrFull says that a Store or a Classifier has no room for another flow.
var ErrFull = errors.New("flow table full")

// Store is the memory of one poller's flow entries.
type Store struct {
	base    unsafe.Pointer
	size    uintptr
	next    uint32             // first line that was never used
	limit   uint32             // lines in all
	free    [maxLines + 1]List // by length in lines
	subs    []*Subtable        // by Entry.Sub; nil when the number is free
	smalls  unsafe.Pointer     // the small tables, by number of the subtable
	live    int
	layouts uint32 // of all Unions so far
	Seeds   Seeds
	addrs   [Burst]uintptr // for Prefetch

	used      atomic.Uint64 // bytes that have been given out, for Prepare
	ready     atomic.Uint64 // bytes that Prepare has seen to
	preparing atomic.Bool   // somebody is in Prepare
	asked     [8]request    // see Ask
	asking    atomic.Int32  // requests that may be there
}

// request is memory that somebody is to make ready. at is written last, and 0 when it is done.
type request struct{ at, size atomic.Uintptr }

// How much memory Prepare keeps ready, in bytes, beyond what is used: some tens of thousands of flows.
const (
	prepareFrom  = 1 << 20 // a switch with few flows needs none of this
	prepareBelow = 4 << 20
	prepareStep  = 8 << 20
)

// Ask asks those who prepare for size bytes of memory at p, in huge pages where it is as long as one. Only the poller calls it.
func (s *Store) Ask(p unsafe.Pointer, size uintptr) {
	for i := range s.asked {
		if x := &s.asked[i]; x.at.Load() == 0 {
			x.size.Store(size)
			x.at.Store(uintptr(p))
			s.asking.Add(1)
			return
		}
	}
}

// provide does what Ask asked for. The memory may have been given back meanwhile: the kernel then says no, and that is all.
func (s *Store) provide() {
	for i := range s.asked {
		x := &s.asked[i]
		at, size := x.at.Load(), x.size.Load()
		if at == 0 || !x.at.CompareAndSwap(at, 0) {
			continue
		}
		s.asking.Add(-1)
		if size >= hugePage {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, at, size, unix.MADV_HUGEPAGE)
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, at, size, unix.MADV_POPULATE_WRITE)
	}
}

// Prepare makes the kernel provide memory for the entries to come, and what tables asked for. Who is about to ask the poller to install flows calls it: a first use of memory
// takes the kernel 200 microseconds, a huge page at a time, or milliseconds where it has to find one first, in which the poller would not poll. Any goroutine may call it.
func (s *Store) Prepare() {
	if s.asking.Load() > 0 {
		s.provide()
	}
	used, ready := s.used.Load(), s.ready.Load()
	if used < prepareFrom || ready >= min(used+prepareBelow, uint64(s.size)) || !s.preparing.CompareAndSwap(false, true) {
		return
	}
	from := max(ready, used) &^ (hugePage - 1)
	to := min((used+prepareStep)&^(hugePage-1), uint64(s.size))
	if from < to {
		// Where the kernel does not know this, pages come when they are used first.
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(s.base, from)), to-from), unix.MADV_POPULATE_WRITE)
	}
	s.ready.Store(max(to, ready))
	s.preparing.Store(false)
}

const maxLines = (headerWords*8 + flow.Words*8 + Line - 1) / Line

// NewStore reserves address space for about maxFlows flows; memory is used as flows come. seed makes the hash secret.
func NewStore(maxFlows int, seed uint64) (*Store, error) {
	lines := uint64(maxFlows)*2 + 1024
	if maxFlows < 0 || lines >= 1<<32 {
		return nil, fmt.Errorf("%d flows: out of range", maxFlows)
	}
	size := uintptr(lines * Line)
	p, err := reserve(size)
	if err != nil {
		return nil, err
	}
	smalls, err := reserve(smallBytes << 16)
	if err != nil {
		unmapTable(p, size)
		return nil, err
	}
	adviseHuge(p, size)
	s := &Store{base: p, size: size, smalls: smalls, next: 1, limit: uint32(lines), subs: make([]*Subtable, 1, 64)}
	for i := range s.Seeds {
		seed += 0x9e3779b97f4a7c15
		s.Seeds[i] = Mix(seed, 0xbf58476d1ce4e5b9^seed>>29) | 1
	}
	return s, nil
}

// Close gives the memory back. No Ref may be used afterwards, nor counters of entries be read.
func (s *Store) Close() {
	if s.base != nil {
		unmapTable(s.base, s.size)
		unmapTable(s.smalls, smallBytes<<16)
		s.base, s.smalls = nil, nil
	}
}

// small is where the subtable with that number has its buckets while they are few.
func (s *Store) small(id uint16) unsafe.Pointer { return unsafe.Add(s.smalls, uintptr(id)*smallBytes) }

// Reset empties the store and gives its memory, but not its address space, back, so that a late reader of an entry's
// statistics reads zeros. All classifiers of it are closed.
func (s *Store) Reset() {
	_ = unix.Madvise(unsafe.Slice((*byte)(s.base), s.size), unix.MADV_DONTNEED) // pages come back as zeros
	clear(s.free[:])
	s.next, s.live, s.layouts, s.subs = 1, 0, 0, make([]*Subtable, 1, 64)
	s.used.Store(0)
	s.ready.Store(0)
}

// Entry returns the entry numbered r.
func (s *Store) Entry(r Ref) *Entry {
	return (*Entry)(unsafe.Add(s.base, uintptr(r)*Line))
}

// Prefetch asks for the entries refs[idx[0]], refs[idx[1]]… of n packets; a zero Ref does no harm.
func (s *Store) Prefetch(refs *[Burst]Ref, n int) {
	for i := 0; i < n && i < Burst; i++ {
		s.addrs[i] = uintptr(s.base) + uintptr(refs[i])*Line
	}
	prefetch(&s.addrs, min(n, Burst))
}

// manySubtables is the number of subtables from which what searches read of them does not stay in the first-level cache.
const manySubtables = 64

// PrefetchAll is Prefetch for Matches: when there are many subtables it asks for those of the entries, too.
func (s *Store) PrefetchAll(refs *[Burst]Ref, n int) {
	s.Prefetch(refs, n)
	if len(s.subs) < manySubtables {
		return
	}
	for i := 0; i < n && i < Burst; i++ {
		s.addrs[i] = uintptr(unsafe.Pointer(s.subs[s.Entry(refs[i]).Sub])) + unsafe.Offsetof(Subtable{}.tab.base)
	}
	prefetch(&s.addrs, min(n, Burst))
}

// Many says whether there are so many subtables that PrefetchAll pays for few entries, too.
func (s *Store) Many() bool { return len(s.subs) >= manySubtables }

// Prefetch asks for the cache lines at the first n addresses, which may be any.
func Prefetch(addrs *[Burst]uintptr, n int) { prefetch(addrs, min(n, Burst)) }

// Len is the number of entries in use, dead ones that are not freed yet included.
func (s *Store) Len() int { return s.live }

// Bytes is the memory that entries have used so far, at most.
func (s *Store) Bytes() uint64 { return uint64(s.next) * Line }

// Subtable returns the subtable of e, or nil.
func (s *Store) Subtable(e *Entry) *Subtable {
	if int(e.Sub) >= len(s.subs) {
		return nil
	}
	return s.subs[e.Sub]
}

// Matches says whether k, of length n words, is of the flow r: caches that hold only a signature ask it. r may be an entry
// that was freed meanwhile; the answer is then no.
func (s *Store) Matches(r Ref, k *flow.Key, n int) bool {
	e := s.Entry(r)
	t := s.subs[e.Sub]
	return t != nil && t.last <= n && t.equal(e, k)
}

func (s *Store) alloc(lines int) (Ref, bool) {
	if s.free[lines].Len() > 0 {
		r, _ := s.Pop(&s.free[lines])
		s.live++
		return r, true
	}
	if uint64(s.next)+uint64(lines) > uint64(s.limit) {
		return 0, false
	}
	r := Ref(s.next)
	s.next += uint32(lines)
	s.used.Store(uint64(s.next) * Line)
	s.live++
	return r, true
}

// Free makes the entry of a removed flow reusable. The caller has made sure that no cache which trusts a Ref blindly
// (the EMC) still holds it, and that nobody reads its statistics.
func (s *Store) Free(r Ref, lines int) {
	e := s.Entry(r)
	e.Out = OutDead
	e.Words[0] = deadWord
	s.Push(&s.free[lines], r, lines)
	s.live--
}

// List is a list of dead entries, linked through the entries themselves: it needs no memory that has to be found in time.
type List struct {
	first Ref
	n     int
}

// Len is the number of entries in l.
func (l *List) Len() int { return l.n }

// Push adds r, a dead entry of so many lines, whose statistics nobody needs any more, to l.
func (s *Store) Push(l *List, r Ref, lines int) {
	atomic.StoreUint64(&s.Entry(r).Bytes, uint64(lines)<<32|uint64(l.first)) // a late reader of the statistics notices
	l.first = r
	l.n++
}

// Pop takes the entry that was pushed last; l is not empty.
func (s *Store) Pop(l *List) (r Ref, lines int) {
	r = l.first
	x := s.Entry(r).Bytes
	l.first = Ref(uint32(x))
	l.n--
	return r, int(x >> 32)
}

// addSub gives t a number.
func (s *Store) addSub(t *Subtable) error {
	for i := 1; i < len(s.subs); i++ {
		if s.subs[i] == nil {
			s.subs[i] = t
			t.id = uint16(i)
			return nil
		}
	}
	if len(s.subs) >= 1<<16 {
		return fmt.Errorf("%d subtables: %w", len(s.subs), ErrFull)
	}
	t.id = uint16(len(s.subs))
	s.subs = append(s.subs, t)
	return nil
}

const hugePage = 2 << 20

// reserve returns zeroed memory outside the Go heap; pages are used when they are first written.
func reserve(size uintptr) (unsafe.Pointer, error) {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("mmap of %d bytes for flow tables: %w", size, err)
	}
	return p, nil
}

// adviseHuge asks for transparent huge pages: only faster, and not there on every kernel.
func adviseHuge(p unsafe.Pointer, size uintptr) {
	_ = unix.Madvise(unsafe.Slice((*byte)(p), size), unix.MADV_HUGEPAGE)
}

func unmapTable(p unsafe.Pointer, size uintptr) { _ = unix.MunmapPtr(p, size) }
