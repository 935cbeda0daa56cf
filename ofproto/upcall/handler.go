package upcall

import (
	"context"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/ofproto/xlate"
	"govs/openflow"
)

// batch is the most upcalls that a handler takes at once. Those of ports that come meanwhile wait for as many.
const batch = 16

// handler is one handler goroutine.
type handler struct {
	set   *Set
	index int
	ctx   *xlate.Ctx
	in    xlate.Input
	res   xlate.Result
	push  xlate.Push
	key   flow.Key
	interned
}

func newHandler(s *Set, i int) *handler {
	return &handler{
		set: s, index: i, ctx: xlate.NewCtx(s.cfg.Readers, s.cfg.Recirc), interned: newInterned(),
	}
}

func (h *handler) run(ctx context.Context) {
	us := make([]*dpif.Upcall, batch)
	for {
		n, err := h.set.cfg.Datapath.Recv(ctx, h.index, us)
		if err != nil {
			return
		}
		for i, u := range us[:n] {
			if u.Kind == dpif.Miss {
				h.miss(u)
			} else {
				h.action(u)
			}
			us[i] = nil
		}
	}
}

// ukey is what is known of one megaflow, beside what its dpif.Flow says: that has the first packet's whole key (Whole), and its mask has
// no words beyond it. A ukey is made by a handler, and touched by one revalidator at a time afterwards. What other
// megaflows may share is not its own and never changes. Its size is one that the allocator has (80 bytes).
type ukey struct {
	seq     uint64         // the change number before the translation
	deps    *xlate.Deps    // shared
	effects []xlate.Effect // shared
	recircs *[]uint32      // shared; ids of frozen states that the actions refer to; nil if none
	created int64          // ms
	packets uint64         // already pushed
	bytes   uint64
	flags   uint16 // TCP flags seen so far
	marks   uint8  // what of WMark the translation read: see marksOf
	going   bool   // its removal has been asked for
}

// installed is called by the poller when it has dealt with the verdict of a ukey.
func (s *Set) installed(owner any, f *dpif.Flow) {
	if f == nil {
		s.release(owner.(*ukey))
		return
	}
	s.flows.Add(1)
}

// release gives back the frozen states that k holds.
func (s *Set) release(k *ukey) {
	if k.recircs != nil {
		s.cfg.Recirc.Release(*k.recircs)
		k.recircs = nil
	}
}

// miss translates a packet and posts the verdict.
func (h *handler) miss(u *dpif.Upcall) {
	s := h.set
	s.Misses.Add(1)
	seq := s.changes.Seq()
	now := s.now()
	h.key = *u.Key
	h.key.ClearFrom(u.KeyLen)
	h.in = xlate.Input{Snap: s.cfg.Snapshot(), Key: &h.key, Learn: true, Now: now}
	h.ctx.Translate(&h.in, &h.res)
	h.push = xlate.Push{Packets: 1, Bytes: uint64(u.Packet.Len()), Used: now, TCPFlags: h.key.TCPFlags()}
	for _, e := range h.res.Effects {
		e.Push(&h.push)
	}
	v := dpif.Verdict{Actions: h.list(h.res.Installed())}
	if h.res.Err != xlate.OK {
		s.Errors.Add(1)
	}
	if s.flows.Load() < s.limit.Load() && h.res.Bridge != nil {
		k := &ukey{
			seq: seq, deps: h.deps(&h.res.Deps), effects: h.effects(h.res.Effects), recircs: h.recircs(h.res.Recircs),
			created: now, flags: h.push.TCPFlags,
		}
		if s.exact.Load() {
			m := flow.MaskForPacket(&h.key)
			h.res.Mask.Or(&m)
		}
		matchTag(h.res.Mask, &h.key)
		k.marks = marksOf(h.res.Mask)
		// Words that the packet's shape lacks are zero for every packet of the flow: what it matches tells the shape.
		clear(h.res.Mask[u.KeyLen:])
		v.Install, v.Mask, v.Owner, v.OnInstalled = true, h.mask(h.res.Mask), k, s.onInstalled
	} else {
		s.cfg.Recirc.Release(h.res.Recircs)
	}
	s.cfg.Datapath.Post(u, v)
}

// matchTag makes a mask tell packets with a VLAN tag from those without, and tags of different ids: the Ethernet type that a key
// has is the one behind the tags, and Open vSwitch's datapath flows are no wider.
func matchTag(m *flow.Mask, k *flow.Key) {
	if m[flow.WVLAN]>>32&0xffff == 0 {
		m[flow.WVLAN] |= (flow.VLANPresent | 0xfff) << 32
	}
	if k.VlanTCI()&flow.VLANPresent != 0 {
		m[flow.WVLAN] |= 0xffff << 48
		if k.VlanTCI1()&flow.VLANPresent != 0 {
			m[flow.WVLAN] |= 0xffff<<16 | flow.VLANPresent
		}
	}
}

// marksOf says whether a mask has skb_priority (bit 0) and pkt_mark (bit 1), which packets have not when they are received.
func marksOf(m *flow.Mask) (b uint8) {
	if uint32(m[flow.WMark]) != 0 {
		b = 1
	}
	if m[flow.WMark]>>32 != 0 {
		b |= 2
	}
	return b
}

// Mask is a megaflow's mask as it is listed: with the fields that are the same for all of the datapath's packets.
func Mask(f *dpif.Flow) flow.Mask {
	m := *f.Mask
	if k, ok := f.Owner.(*ukey); ok && k != nil {
		m.SetExact(flow.FieldPacketType)
		if k.marks&1 != 0 {
			m.SetExact(flow.FieldSkbPriority)
		}
		if k.marks&2 != 0 {
			m.SetExact(flow.FieldPktMark)
		}
	}
	return m
}

// Key is the whole key of the first packet of a megaflow, or what the datapath knows of it for flows that no handler made.
func Key(f *dpif.Flow) flow.Key {
	if k, ok := f.Owner.(*ukey); ok && k != nil {
		var key flow.Key
		copy(key[:], f.Whole())
		return key
	}
	return f.Key()
}

// action deals with a packet that a userspace action sent.
func (h *handler) action(u *dpif.Upcall) {
	defer h.set.cfg.Datapath.Done(u)
	a := u.Userdata
	if a != nil && a.Kind == actions.UserspaceSlowPath {
		h.slowPath(u)
		return
	}
	if a == nil || a.Kind != actions.UserspaceController || a.DontSend {
		return
	}
	f, ok := h.set.cfg.Recirc.State(a.RecircID)
	if !ok || f.Bridge.Hooks == nil || f.Bridge.Hooks.PacketIn == nil {
		return
	}
	h.key = *u.Key
	h.key.ClearFrom(u.KeyLen)
	f.Apply(&h.key)
	pi := &xlate.PacketIn{
		Packet: u.Packet.Contents(), Reason: openflow.PacketInReason(a.Reason), Table: f.Table, Cookie: a.RuleCookie,
		ControllerID: a.ControllerID, MaxLen: a.MaxLen, Key: &h.key,
	}
	if f.Userdata != "" {
		pi.Userdata = []byte(f.Userdata)
	}
	f.Bridge.Hooks.PacketIn(f.Bridge, pi)
}

// slowPath translates a packet of a flow that the datapath is not trusted with, and executes the actions on a copy. The packet has
// been counted by its megaflow.
func (h *handler) slowPath(u *dpif.Upcall) {
	s := h.set
	h.key = *u.Key
	h.key.ClearFrom(u.KeyLen)
	h.in = xlate.Input{Snap: s.cfg.Snapshot(), Key: &h.key, Learn: true, Now: s.now()}
	h.ctx.Translate(&h.in, &h.res)
	if h.res.Err != xlate.OK {
		s.Errors.Add(1)
	}
	// Frozen states must outlive the execution.
	defer s.cfg.Recirc.Release(append([]uint32(nil), h.res.Recircs...))
	if len(h.res.Actions) == 0 {
		return
	}
	buf := s.cfg.Datapath.Alloc().Clone(u.Packet)
	if buf == nil {
		return // no buffers: the packet is lost, uncounted
	}
	list := append(actions.List(nil), h.res.Actions...)
	s.cfg.Datapath.Execute(buf, &h.key, &list, true)
}
