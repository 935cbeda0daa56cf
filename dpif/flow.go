package dpif

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"govs/actions"
	"govs/flow"
)

// UFID is a megaflow's 128-bit unique identifier, as dpctl/dump-flows -m prints it.
type UFID [16]byte

// Flow is one megaflow installed in one poller. Poller, Owner and the key are immutable; Mask and Ref are set by the poller before
// it publishes the flow; Actions is replaced whole. Statistics are written by the owning poller only, outside the Go heap,
// and read by Stats from any goroutine. There may be a million of them: each byte here counts.
type Flow struct {
	Mask    *flow.Mask                   // interned: shared by all flows of a subtable
	Actions atomic.Pointer[actions.List] // what the datapath does with a packet of this flow
	Owner   any                          // ofproto's record of the flow (its ukey); the datapath only keeps it

	key      []uint64                 // see Whole
	counters atomic.Pointer[Counters] // where the poller counts; replaced by a final copy when the flow dies

	Ref    uint32      // the datapath's own handle; meaningless to others
	Poller int32       // the poller that owns it (a PMD's core id, or NonPMD)
	Dead   atomic.Bool // set by the poller once the flow is out of its tables; its statistics are final
}

// Flows whose key lies behind them, in one allocation: of the shapes that most packets have.
type (
	flowBase struct {
		Flow
		words [flow.LenBase]uint64
	}
	flowIPv6 struct {
		Flow
		words [flow.LenIPv6]uint64
	}
)

// NewFlow makes a Flow that is not installed yet, with a copy of k's first n words. Where its mask, which the datapath sets, has bits
// beyond them, k has zeros.
func NewFlow(poller int, k *flow.Key, n int, a *actions.List, owner any) *Flow {
	var f *Flow
	switch {
	case n <= flow.LenBase:
		x := new(flowBase)
		f, x.key = &x.Flow, x.words[:n:n]
	case n <= flow.LenIPv6:
		x := new(flowIPv6)
		f, x.key = &x.Flow, x.words[:n:n]
	default:
		f = &Flow{key: make([]uint64, n)}
	}
	copy(f.key, k[:n])
	if a == nil {
		a = new(actions.List)
	}
	f.Poller, f.Owner = int32(poller), owner
	f.Actions.Store(a)
	return f
}

// Whole is the leading words of the key that the flow was made for, those bits included that Mask leaves out: of the flow's first packet
// if a miss made it. The words after them are zero. It is the flow's own and must not be written.
func (f *Flow) Whole() []uint64 { return f.key }

// Key is the key under Mask: bits outside are zero.
func (f *Flow) Key() flow.Key {
	var k flow.Key
	for i, w := range f.key {
		k[i] = w & f.Mask[i]
	}
	return k
}

// ufidSeeds make UFIDs differ from one process to the next, as the original's do.
var ufidSeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// UFID computes the name of a flow that has been installed. Equal flows of different pollers have the same name. It is a UUID of
// version 4 in form.
func (f *Flow) UFID() (u UFID) {
	var b [flow.LenPacket * 16]byte
	k, m := f.Key(), f.Mask
	n := 0
	for i := 0; i < flow.LenPacket; i++ {
		if m[i] != 0 {
			binary.NativeEndian.PutUint64(b[n:], k[i])
			binary.NativeEndian.PutUint64(b[n+8:], m[i]^uint64(i)<<32)
			n += 16
		}
	}
	binary.BigEndian.PutUint64(u[:], maphash.Bytes(ufidSeeds[0], b[:n]))
	binary.BigEndian.PutUint64(u[8:], maphash.Bytes(ufidSeeds[1], b[:n]))
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// FlowStats is a reading of a flow's statistics.
type FlowStats struct {
	Packets, Bytes uint64
	Used           int64  // when last hit, in the datapath clock's monotonic milliseconds; 0 never
	TCPFlags       uint16 // OR of all TCP flags seen
}

// Counters is where a poller counts a flow's packets: the first words of the flow's entry in its tables. Only the owning
// poller writes.
type Counters struct {
	Packets   uint64
	Bytes     uint64
	UsedFlags uint64 // Used<<16 | TCPFlags
}

// Bind makes c the flow's counters. The previous counters are no longer read by Stats calls that begin, or end, later. The
// datapath, or a test that stands in for one, calls it.
func (f *Flow) Bind(c *Counters) { f.counters.Store(c) }

// Stats reads the flow's statistics. Any goroutine may call it, also after the flow is Dead. A flow without counters
// has zero statistics.
func (f *Flow) Stats() FlowStats {
	for {
		c := f.counters.Load()
		if c == nil {
			return FlowStats{}
		}
		s := FlowStats{Packets: atomic.LoadUint64(&c.Packets), Bytes: atomic.LoadUint64(&c.Bytes)}
		u := atomic.LoadUint64(&c.UsedFlags)
		s.Used, s.TCPFlags = int64(u>>16), uint16(u)
		// The poller binds a final copy before it reuses the counters, so an unchanged pointer means a true reading.
		if f.counters.Load() == c {
			return s
		}
	}
}
