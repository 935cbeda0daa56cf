package xlate

import (
	"container/list"
	"math/bits"
	"math/rand/v2"
	"sync"
)

// MACTable is a bridge's MAC learning table: which bundle an address of a VLAN was last seen on. Entries age out, and the
// least recently used one goes when the table is full. All methods may be called from any goroutine.
type MACTable struct {
	mu      sync.Mutex // guards all below
	entries map[uint64]*list.Element
	lru     list.List // of *MACEntry, least recently used first
	max     int
	idle    int64 // ms
	flood   map[uint16]bool
	changed func(entry uint32)
	seed    uint64
	stats   MACStats
	statics int
}

// MACEntry is one learned address.
type MACEntry struct {
	MAC    uint64
	VLAN   uint16
	Bundle *BundleState
	Used   int64 // ms
	Static bool
}

// MACStats are the table's counters.
type MACStats struct {
	Current, Static, Learned, Expired, Evicted, Moved uint64
	Max                                               int
}

// Defaults of the table's size and of the idle time, in ms.
const (
	DefaultMACs    = 8192
	DefaultMACIdle = 300_000
)

// NewMACTable returns an empty table. changed is called, without locks held, when a translation may have a new answer: with the hash
// of the entry that has changed, as Change.MAC has it, or 0 for many.
func NewMACTable(changed func(entry uint32)) *MACTable {
	return &MACTable{
		entries: map[uint64]*list.Element{}, max: DefaultMACs, idle: DefaultMACIdle, changed: changed, seed: rand.Uint64(),
	}
}

// hash is an entry's hash, never 0.
func (t *MACTable) hash(vlan uint16, mac uint64) uint32 {
	hi, lo := bits.Mul64(macKey(vlan, mac)^t.seed, 0x9e3779b97f4a7c15)
	return max(uint32(hi^lo), 1)
}

func macKey(vlan uint16, mac uint64) uint64 { return uint64(vlan)<<48 | mac }

// Configure sets the size, the idle time in ms, and the VLANs in which nothing is learned.
func (t *MACTable) Configure(maxEntries int, idle int64, flood map[uint16]bool) {
	t.mu.Lock()
	t.max, t.idle, t.flood = max(maxEntries, 10), min(max(idle, 15_000), 3600_000), flood
	changed := false
	for k, e := range t.entries {
		if flood[uint16(k>>48)] {
			t.drop(e)
			changed = true
		}
	}
	for len(t.entries) > t.max {
		t.evict()
		changed = true
	}
	t.mu.Unlock()
	if changed {
		t.changed(0)
	}
}

func (t *MACTable) drop(e *list.Element) {
	m := e.Value.(*MACEntry)
	if m.Static {
		t.statics--
	}
	delete(t.entries, macKey(m.VLAN, m.MAC))
	t.lru.Remove(e)
}

// evict removes the least recently used entry that is not static and returns its hash, or 0 if there is none.
func (t *MACTable) evict() uint32 {
	for e := t.lru.Front(); e != nil; e = e.Next() {
		if m := e.Value.(*MACEntry); !m.Static {
			t.drop(e)
			t.stats.Evicted++
			return t.hash(m.VLAN, m.MAC)
		}
	}
	return 0
}

// Lookup returns the bundle of the address, or nil.
func (t *MACTable) Lookup(vlan uint16, mac uint64) *BundleState {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.flood[vlan] || mac>>40&1 != 0 {
		return nil
	}
	if e := t.entries[macKey(vlan, mac)]; e != nil {
		return e.Value.(*MACEntry).Bundle
	}
	return nil
}

// Known says whether a Learn with these arguments would only refresh an entry.
func (t *MACTable) Known(vlan uint16, mac uint64, b *BundleState) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[macKey(vlan, mac)]
	return e != nil && e.Value.(*MACEntry).Bundle == b
}

// Learn notes that a packet from the address came in by b at now.
func (t *MACTable) Learn(vlan uint16, mac uint64, b *BundleState, now int64) {
	if mac>>40&1 != 0 {
		return
	}
	t.mu.Lock()
	if t.flood[vlan] {
		t.mu.Unlock()
		return
	}
	changed := false
	var evicted uint32
	if e := t.entries[macKey(vlan, mac)]; e != nil {
		m := e.Value.(*MACEntry)
		if m.Static || m.Bundle != b && now < m.Used {
			// Counters that come late say nothing of where the address is now.
			t.mu.Unlock()
			return
		}
		m.Used = max(m.Used, now)
		t.lru.MoveToBack(e)
		if m.Bundle != b {
			m.Bundle = b
			t.stats.Moved++
			changed = true
		}
	} else {
		if len(t.entries) >= t.max {
			if evicted = t.evict(); evicted == 0 {
				t.mu.Unlock()
				return
			}
		}
		t.entries[macKey(vlan, mac)] = t.lru.PushBack(&MACEntry{MAC: mac, VLAN: vlan, Bundle: b, Used: now})
		t.stats.Learned++
		changed = true
	}
	t.mu.Unlock()
	if evicted != 0 {
		t.changed(evicted)
	}
	if changed {
		t.changed(t.hash(vlan, mac))
	}
}

// AddStatic adds an entry that does not age (fdb/add). It returns false if the table is full.
func (t *MACTable) AddStatic(vlan uint16, mac uint64, b *BundleState, now int64) bool {
	t.mu.Lock()
	if e := t.entries[macKey(vlan, mac)]; e != nil {
		t.drop(e)
	}
	if len(t.entries) >= t.max && t.evict() == 0 {
		t.mu.Unlock()
		return false
	}
	t.entries[macKey(vlan, mac)] = t.lru.PushBack(&MACEntry{MAC: mac, VLAN: vlan, Bundle: b, Used: now, Static: true})
	t.statics++
	t.mu.Unlock()
	t.changed(0)
	return true
}

// Delete removes one entry and says whether it was there.
func (t *MACTable) Delete(vlan uint16, mac uint64) bool {
	t.mu.Lock()
	e := t.entries[macKey(vlan, mac)]
	if e != nil {
		t.drop(e)
	}
	t.mu.Unlock()
	if e != nil {
		t.changed(t.hash(vlan, mac))
	}
	return e != nil
}

// Flush removes all entries that were learned, or all those of one bundle.
func (t *MACTable) Flush(b *BundleState) {
	t.mu.Lock()
	n := 0
	for _, e := range t.entries {
		if m := e.Value.(*MACEntry); b == nil && !m.Static || b != nil && m.Bundle == b {
			t.drop(e)
			n++
		}
	}
	t.mu.Unlock()
	if n > 0 {
		t.changed(0)
	}
}

// Expire removes entries that were not used for the idle time.
func (t *MACTable) Expire(now int64) {
	t.mu.Lock()
	var gone []uint32
	for e := t.lru.Front(); e != nil; {
		next := e.Next()
		m := e.Value.(*MACEntry)
		if !m.Static {
			if now < m.Used+t.idle {
				break
			}
			t.drop(e)
			t.stats.Expired++
			gone = append(gone, t.hash(m.VLAN, m.MAC))
		}
		e = next
	}
	t.mu.Unlock()
	for _, h := range gone {
		t.changed(h)
	}
}

// Entries returns a copy of all entries, least recently used first.
func (t *MACTable) Entries() []MACEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]MACEntry, 0, len(t.entries))
	for e := t.lru.Front(); e != nil; e = e.Next() {
		out = append(out, *e.Value.(*MACEntry))
	}
	return out
}

// Stats returns the counters.
func (t *MACTable) Stats() MACStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Current, s.Static, s.Max = uint64(len(t.entries)), uint64(t.statics), t.max
	return s
}

// ClearStats zeroes the counters.
func (t *MACTable) ClearStats() {
	t.mu.Lock()
	t.stats = MACStats{}
	t.mu.Unlock()
}

// DeleteStatic removes an entry that AddStatic added, and says whether it was there.
func (t *MACTable) DeleteStatic(vlan uint16, mac uint64) bool {
	t.mu.Lock()
	e := t.entries[macKey(vlan, mac)]
	if e != nil && !e.Value.(*MACEntry).Static {
		e = nil
	}
	if e != nil {
		t.drop(e)
	}
	t.mu.Unlock()
	if e != nil {
		t.changed(t.hash(vlan, mac))
	}
	return e != nil
}
