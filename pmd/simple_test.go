package pmd

import (
	"encoding/binary"
	"testing"

	"govs/dpif"
	"govs/flow"
	"govs/packet"
)

// tcp6 is an Ethernet frame with TCP over IPv6.
func tcp6(flags byte) []byte {
	b := make([]byte, 14+40+20)
	b[12], b[13], b[14] = 0x86, 0xdd, 0x60
	binary.BigEndian.PutUint16(b[18:], 20)
	b[20], b[21] = 6, 64
	b[14+40+12], b[14+40+13] = 0x50, flags
	return b
}

func tcp4(flags byte) []byte {
	b := udp(1, 1)
	b[23] = 6
	b[14+20+12], b[14+20+13] = 0x50, flags
	return b
}

// checkKind holds kindOf against Extract: what it takes must be of that kind.
func checkKind(t *testing.T, a *packet.Arena, frame []byte) (kind uint64) {
	var b packet.Batch
	a.Alloc(&b, 1)
	defer a.Free(&b)
	if !b.Bufs[0].SetData(frame) {
		return 0
	}
	kind, flags := kindOf(b.Bufs[0])
	if kind == 0 {
		return 0
	}
	var k flow.Key
	flow.Extract(b.Bufs[0], 1, &k)
	if got := k[flow.WEthDst] & 0xffff; got != kind {
		t.Fatalf("kind %#x, Extract says %#x: %x", kind, got, frame)
	}
	if k[flow.WVLAN] != 0 || k[flow.WL4]>>32&0xff != 0 || k[flow.WEthSrc]&0xffff != flags {
		t.Fatalf("tags %#x, L4 %#x, TCP flags %#x (kindOf: %#x): %x", k[flow.WVLAN], k[flow.WL4], k[flow.WEthSrc]&0xffff, flags, frame)
	}
	return kind
}

func TestKind(t *testing.T) {
	a, err := packet.NewArena(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	fragment := udp(1, 1)
	fragment[20] = 0x20
	for name, c := range map[string]struct {
		frame []byte
		want  uint64
	}{
		"UDP": {udp(1, 1), packet.EtherTypeIPv4}, "TCP": {tcp4(0x12), packet.EtherTypeIPv4}, "TCP6": {tcp6(0x12), packet.EtherTypeIPv6},
		"fragment": {fragment, 0}, "short": {udp(1, 1)[:40], 0}, "empty": {nil, 0},
		"VLAN": {append(append(udp(1, 1)[:12:12], 0x81, 0, 0, 5), udp(1, 1)[12:]...), 0},
	} {
		if got := checkKind(t, a, c.frame); got != c.want {
			t.Errorf("%s: %#x, want %#x", name, got, c.want)
		}
	}
}

func FuzzKind(f *testing.F) {
	a, err := packet.NewArena(0, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(udp(1, 1))
	f.Add(tcp4(2))
	f.Add(tcp6(2))
	f.Fuzz(func(t *testing.T, frame []byte) { checkKind(t, a, frame) })
}

// TestSimple sends bursts through the shortcut and past it, and changes the flow under it.
func TestSimple(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.decide = nil
	})
	p1, p2, p3 := r.port(1, "dummy"), r.port(2, "dummy"), r.port(3, "dummy")
	var k flow.Key
	k[flow.WInPort] = 1 << 32
	k[flow.WEthDst] = packet.EtherTypeIPv4
	if err := r.d.FlowPut(dpif.NonPMD, &k, inPortOnly(), outputs(2)); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		r.inject(p1, tcp4(byte(i%3)))
	}
	r.quiesce()
	s := r.d.Counters()[0]
	if got := len(p2.TakeSent()); got != 20 || s.SimpleHits != 20 {
		t.Fatalf("%d packets arrived, %d by the shortcut; want 20", got, s.SimpleHits)
	}
	r.d.Flows(func(f *dpif.Flow) bool {
		if st := f.Stats(); st.Packets != 20 || st.Bytes != 20*64 || st.TCPFlags != 3 {
			t.Errorf("flow: %+v", st)
		}
		return true
	})
	if err := r.d.FlowPut(dpif.NonPMD, &k, inPortOnly(), outputs(3)); err != nil { // other actions
		t.Fatal(err)
	}
	r.inject(p1, udp(1, 1))
	r.quiesce()
	if a, b := len(p2.TakeSent()), len(p3.TakeSent()); a != 0 || b != 1 {
		t.Fatalf("after a change: %d, %d", a, b)
	}
	if err := r.d.FlowPut(dpif.NonPMD, &k, inPortOnly(), outputs(3, 2)); err != nil { // actions that the shortcut does not do
		t.Fatal(err)
	}
	r.inject(p1, udp(1, 1))
	r.quiesce()
	if a, b := len(p2.TakeSent()), len(p3.TakeSent()); a != 1 || b != 1 {
		t.Fatalf("two outputs: %d, %d", a, b)
	}
	r.d.FlowFlush()
	r.inject(p1, udp(1, 1))
	r.quiesce()
	if r.misses.Load() != 1 {
		t.Fatalf("after a flush: %d upcalls", r.misses.Load())
	}
	if got := len(p2.TakeSent()); got != 1 {
		t.Fatalf("after a flush: %d packets", got)
	}
}
