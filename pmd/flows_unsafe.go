package pmd

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"govs/actions"
	"govs/classifier/megaflow"
	"govs/dpif"
	"govs/flow"
)

const (
	chunkFlows = 1024
	maxChunks  = 4096
)

// flowTable holds a poller's Flow objects by the number that entries carry. The poller writes it; anybody may walk it.
type flowTable struct {
	chunks [maxChunks]atomic.Pointer[flowChunk]
	used   atomic.Uint32 // numbers below this have been used
	live   atomic.Int64  // flows in the table
	nFree  uint32        // numbers that have been given back: a stack in the chunks, which never moves

	// spare is the next chunk, from prepare: a first use of memory takes the kernel long, and the host of a virtual machine longer.
	spare atomic.Pointer[flowChunk]
}

type flowChunk struct {
	flows [chunkFlows]atomic.Pointer[dpif.Flow]
	free  [chunkFlows]uint32 // a part of the stack
}

// at returns flow i, which is in the table.
func (t *flowTable) at(i uint32) *dpif.Flow {
	return t.chunks[i/chunkFlows%maxChunks].Load().flows[i%chunkFlows].Load()
}

// prepare has memory ready for flows to come. Anybody may call it.
func (t *flowTable) prepare() {
	if t.spare.Load() != nil || t.used.Load() == 0 {
		return
	}
	c := new(flowChunk)
	const page = 4096
	for i := 0; i < chunkFlows; i += page / 8 {
		c.flows[i].Store(nil)
	}
	for i := 0; i < chunkFlows; i += page / 4 {
		atomic.StoreUint32(&c.free[i], 0)
	}
	t.spare.CompareAndSwap(nil, c)
}

// reserve returns a free number.
func (t *flowTable) reserve() (uint32, bool) {
	if n := t.nFree; n != 0 {
		t.nFree = n - 1
		return t.chunks[(n-1)/chunkFlows].Load().free[(n-1)%chunkFlows], true
	}
	i := t.used.Load()
	if i == chunkFlows*maxChunks {
		return 0, false
	}
	if i%chunkFlows == 0 {
		c := t.spare.Swap(nil)
		if c == nil {
			c = new(flowChunk)
		}
		t.chunks[i/chunkFlows].Store(c)
	}
	t.used.Store(i + 1)
	return i, true
}

// publish puts f, which is complete, into the table under a reserved number.
func (t *flowTable) publish(i uint32, f *dpif.Flow) {
	t.chunks[i/chunkFlows].Load().flows[i%chunkFlows].Store(f)
	t.live.Add(1)
}

func (t *flowTable) remove(i uint32) {
	t.chunks[i/chunkFlows].Load().flows[i%chunkFlows].Store(nil)
	t.chunks[t.nFree/chunkFlows].Load().free[t.nFree%chunkFlows] = i
	t.nFree++
	t.live.Add(-1)
}

// each calls f for every flow until it returns false, and says whether it came to the end.
func (t *flowTable) each(f func(*dpif.Flow) bool) bool {
	for i, n := uint32(0), t.used.Load(); i < n; i++ {
		if x := t.chunks[i/chunkFlows].Load().flows[i%chunkFlows].Load(); x != nil && !f(x) {
			return false
		}
	}
	return true
}

// megaflowMask returns m, or a copy of it that also matches in_port and recirc_id exactly, as each megaflow does.
func megaflowMask(m *flow.Mask) *flow.Mask {
	if m != nil && m[flow.WInPort] == ^uint64(0) {
		return m
	}
	c := new(flow.Mask)
	if m != nil {
		*c = *m
	}
	c[flow.WInPort] = ^uint64(0)
	return c
}

// counters is where e counts, as dpif knows it.
func counters(e *megaflow.Entry) *dpif.Counters { return (*dpif.Counters)(unsafe.Pointer(e)) }

// The first words of an Entry are a Counters.
var _ [unsafe.Offsetof(megaflow.Entry{}.UsedFlags) - unsafe.Offsetof(dpif.Counters{}.UsedFlags)]struct{}
var _ [unsafe.Offsetof(dpif.Counters{}.UsedFlags) - unsafe.Offsetof(megaflow.Entry{}.UsedFlags)]struct{}
var _ [unsafe.Offsetof(megaflow.Entry{}.Bytes) - unsafe.Offsetof(dpif.Counters{}.Bytes)]struct{}
var _ [unsafe.Offsetof(dpif.Counters{}.Bytes) - unsafe.Offsetof(megaflow.Entry{}.Bytes)]struct{}

// lookupMask returns what of m a lookup has to compare for packets whose keys have n valid words: m without the words after.
// Those are zero by definition (metadata that such packets do not carry: marks, connection tracking, tunnels), or headers
// that the mask's own prerequisites exclude. It returns m itself if nothing is left out.
func lookupMask(m *flow.Mask, n int) *flow.Mask {
	for i := n; i < len(m); i++ {
		if m[i] != 0 {
			c := *m
			clear(c[n:])
			return &c
		}
	}
	return m
}

// keyLen guesses the valid words of the packets that a flow of k under m, which did not come from an upcall, is meant for: those
// of a packet without metadata unless the flow asks for some.
func keyLen(k *flow.Key, m *flow.Mask) int {
	for i := len(m) - 1; i >= flow.LenMPLS; i-- {
		if k[i]&m[i] != 0 {
			return i + 1
		}
	}
	return flow.LenMPLS
}

// insert installs f, which is of k, which has n valid words, under m. If an equal flow is there it returns that one's
// entry and ErrExists.
func (p *poller) insert(f *dpif.Flow, k *flow.Key, n int, m *flow.Mask) (megaflow.Ref, error) {
	no := dpif.PortNo(k[flow.WInPort] >> 32)
	if no >= maxPort {
		return 0, errPortRange
	}
	c := p.makeClassifier(no)
	r, sub, err := c.Insert(k, lookupMask(m, n))
	if err != nil {
		return r, err
	}
	e := p.store.Entry(r)
	i, ok := p.flows.reserve()
	if !ok {
		p.cache.Retire(r, c.Remove(r))
		return 0, megaflow.ErrFull
	}
	e.Flow = i
	e.Out = outOf(*f.Actions.Load())
	f.Mask = sub.Intern(m)
	f.Ref = uint32(r)
	f.Bind(counters(e))
	p.flows.publish(i, f)
	return r, nil
}

var errPortRange = errors.New("port number out of range")

// install carries out a verdict's Install, unless the port is gone, and says whether the flow may match packets that are parked
// under other identities.
func (p *poller) install(c *command, u *upcall) (wide bool) {
	f := c.flow
	if u.gone {
		f = nil
	} else if _, err := p.insert(f, &u.key, u.KeyLen, u.verdict.Mask); err != nil {
		if !errors.Is(err, megaflow.ErrExists) {
			p.stats.installFailed.add(1)
		}
		f = nil
	}
	if on := u.verdict.OnInstalled; on != nil {
		if f == nil { // it has something to clean up
			p.unhold()
		}
		on(u.verdict.Owner, f)
		p.hold()
	}
	if f == nil {
		return false
	}
	if p.parked.nMiss < 2 {
		return false
	}
	for i := 0; i < u.KeyLen; i++ {
		if parkMask[i]&^u.verdict.Mask[i] != 0 {
			return true
		}
	}
	return false
}

// put is dpif.Datapath's FlowPut on the poller.
func (p *poller) put(c *command) error {
	r, err := p.insert(c.flow, c.req.key, keyLen(c.req.key, c.req.mask), c.req.mask)
	if errors.Is(err, megaflow.ErrExists) {
		p.modify(p.flows.at(p.store.Entry(r).Flow), c.flow.Actions.Load())
		return nil
	}
	return err
}

// modify replaces f's actions.
func (p *poller) modify(f *dpif.Flow, a *actions.List) {
	if a == nil {
		a = new(actions.List)
	}
	f.Actions.Store(a)
	if !f.Dead.Load() {
		p.store.Entry(megaflow.Ref(f.Ref)).Out = outOf(*a)
	}
}

// remove takes f out. Its statistics stay readable.
func (p *poller) remove(f *dpif.Flow, final *dpif.Counters) {
	if f.Dead.Load() {
		return
	}
	r := megaflow.Ref(f.Ref)
	e := p.store.Entry(r)
	*final = dpif.Counters{Packets: e.Packets, Bytes: e.Bytes, UsedFlags: e.UsedFlags}
	f.Bind(final)
	p.flows.remove(e.Flow)
	no := dpif.PortNo(f.Whole()[0] >> 32)
	p.cache.Retire(r, p.classifier(no).Remove(r))
	f.Dead.Store(true)
}

// flushFlows takes all flows out.
func (p *poller) flushFlows() {
	p.flows.each(func(f *dpif.Flow) bool {
		p.remove(f, new(dpif.Counters))
		return true
	})
}
