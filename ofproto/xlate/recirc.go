package xlate

import (
	"sync"

	"govs/flow"
)

// Frozen is the state of a translation that a userspace action of the result refers to by a recirculation id.
type Frozen struct {
	Bridge   *BridgeState
	Table    uint8
	Metadata uint64
	Regs     [8]uint64 // words of the registers
	TunID    uint64
	InPort   uint32 // OpenFlow's
	Userdata string
}

// Apply stores the frozen metadata in a key.
func (f *Frozen) Apply(k *flow.Key) {
	k[flow.WMetadata] = f.Metadata
	copy(k[flow.WReg:], f.Regs[:])
	k.SetInPort(f.InPort)
	k.SetTunID(f.TunID)
}

// RecircPool gives ids to frozen states. Equal states share one. All methods may be called from any goroutine.
type RecircPool struct {
	mu    sync.Mutex // guards all below
	next  uint32
	ids   map[Frozen]*recircEntry
	byID  map[uint32]*recircEntry
	limbo []*recircEntry
}

type recircEntry struct {
	id    uint32
	refs  int
	limbo int // 0 in use, 1 in limbo, 2 there since the last Expire
	state Frozen
}

// NewRecircPool returns an empty pool.
func NewRecircPool() *RecircPool {
	return &RecircPool{next: 1, ids: map[Frozen]*recircEntry{}, byID: map[uint32]*recircEntry{}}
}

// Get returns the id of the state and takes a reference to it.
func (p *RecircPool) Get(f *Frozen) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.ids[*f]
	if e == nil {
		for p.byID[p.next] != nil || p.next == 0 {
			p.next++
		}
		e = &recircEntry{id: p.next, state: *f}
		p.next++
		p.ids[*f], p.byID[e.id] = e, e
	}
	e.refs++
	return e.id
}

// State returns the state of an id.
func (p *RecircPool) State(id uint32) (Frozen, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byID[id]; e != nil {
		return e.state, true
	}
	return Frozen{}, false
}

// Release gives back references. A state without any is kept until the second Expire, for packets that are on their way.
func (p *RecircPool) Release(ids []uint32) {
	if len(ids) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		e := p.byID[id]
		if e == nil {
			continue
		}
		if e.refs--; e.refs == 0 && e.limbo == 0 {
			e.limbo = 1
			p.limbo = append(p.limbo, e)
		}
	}
}

// Expire forgets states that had no references at the last call, too. It is called every second or so.
func (p *RecircPool) Expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := p.limbo[:0]
	for _, e := range p.limbo {
		switch {
		case e.refs > 0:
			e.limbo = 0
		case e.limbo == 1:
			e.limbo = 2
			keep = append(keep, e)
		default:
			delete(p.ids, e.state)
			delete(p.byID, e.id)
		}
	}
	clear(p.limbo[len(keep):])
	p.limbo = keep
}
