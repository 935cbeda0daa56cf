package flow_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"govs/flow"
	"govs/packet"
)

// likeMask makes a megaflow's mask from random bits: each word of it is nothing, everything, or random.
func likeMask(rnd *rand.Rand) *flow.Mask {
	var m flow.Mask
	m[flow.WInPort] = ^uint64(0)
	for i := 1; i < flow.LenIPv6; i++ {
		switch rnd.IntN(4) {
		case 0:
			m[i] = ^uint64(0)
		case 1:
			m[i] = rnd.Uint64() & rnd.Uint64()
		}
	}
	m[flow.WEthDst] |= 0xffff
	m[flow.WIPv6Misc] &^= 0xffff_ffff
	return &m
}

// checkLike holds Like against Extract: p is the model, q the packet that may be like it. It says whether Set took p and Match took q.
func checkLike(t *testing.T, a *packet.Arena, p, q []byte, m *flow.Mask, limit int) (set, match bool) {
	var b packet.Batch
	a.Alloc(&b, 2)
	defer a.Free(&b)
	if b.N != 2 || !b.Bufs[0].SetData(p) || !b.Bufs[1].SetData(q) {
		return
	}
	var k, kq flow.Key
	n, lay := flow.ExtractVLAN(b.Bufs[0], 1, limit, &k)
	var l flow.Like
	if !l.Set(b.Bufs[0], lay, m) {
		return
	}
	c, bytes, flags := l.Match(&b)
	if c < 1 {
		t.Fatalf("%x is not like itself", p)
	}
	nq, lq := flow.ExtractVLAN(b.Bufs[1], 1, limit, &kq)
	equal := n == nq && lay == lq
	for i := range n {
		equal = equal && k[i]&m[i] == kq[i]&m[i]
	}
	want := k[flow.WEthSrc] & 0xffff
	if c == 2 {
		want |= kq[flow.WEthSrc] & 0xffff
		if !equal || bytes != len(p)+len(q) {
			t.Fatalf("taken for alike under %x, limit %d, %d bytes:\n%x\n%x\n%x %v\n%x %v", m[:n], limit, bytes, p, q, k[:n], lay, kq[:nq], lq)
		}
	}
	if flags != want {
		t.Fatalf("TCP flags %#x, want %#x: %x %x", flags, want, p, q)
	}
	if l.Layers() != lay {
		t.Fatal("layers")
	}
	return true, c == 2
}

// FuzzLike makes models of arbitrary packets and compares variants of them.
func FuzzLike(f *testing.F) {
	a, err := packet.NewArena(64, 0)
	if err != nil {
		f.Fatal(err)
	}
	for i, p := range samplePackets() {
		f.Add(p, uint64(i), uint16(0))
		f.Add(p, uint64(i), uint16(0x0310))
	}
	f.Fuzz(func(t *testing.T, p []byte, seed uint64, change uint16) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		q := append([]byte(nil), p...)
		if n := int(change >> 8); n < len(q) {
			q[n] ^= byte(change)
		}
		if cut := int(seed >> 32 & 0xff); cut < len(q) {
			q = q[:len(q)-cut]
		}
		checkLike(t, a, p, q, likeMask(rnd), int(seed%3))
		checkLike(t, a, q, p, likeMask(rnd), int(seed%3))
	})
}

// TestLike changes each sample packet bit by bit, and in its length.
func TestLike(t *testing.T) {
	a, err := packet.NewArena(64, 0)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	taken, alike := 0, 0
	for _, p := range samplePackets() {
		for range 4 {
			m := likeMask(rnd)
			for limit := range 3 {
				for bit := range len(p) * 8 {
					q := append([]byte(nil), p...)
					q[bit/8] ^= 1 << (bit % 8)
					set, match := checkLike(t, a, p, q, m, limit)
					if set {
						taken++
					}
					if match {
						alike++
					}
				}
				for n := range p {
					checkLike(t, a, p, p[:n], m, limit)
				}
				checkLike(t, a, p, append(append([]byte(nil), p...), 1, 2, 3), m, limit)
			}
		}
	}
	if taken < 5000 || alike < taken/4 {
		t.Fatalf("of %d packets whose model was taken only %d were alike: the test proves little", taken, alike)
	}
}

// TestLikeFiveTuple checks what must be seen as alike: all that the mask does not read.
func TestLikeFiveTuple(t *testing.T) {
	a, err := packet.NewArena(64, 0)
	if err != nil {
		t.Fatal(err)
	}
	var m flow.Mask
	m[flow.WInPort], m[flow.WEthDst], m[flow.WIPv4], m[flow.WL4] = ^uint64(0), 0xffff, ^uint64(0), 0xff0000ffffffffff&^(0xff<<40)
	p := make([]byte, 60)
	copy(p, unhex("020202020202 040404040404 0800 4500002e 0000 0000 4011 0000 0a000001 0b000001 03e8 0035 001a 0000"))
	change := func(f func(q []byte)) bool {
		q := append([]byte(nil), p...)
		f(q)
		set, match := checkLike(t, a, p, q, &m, 1)
		if !set {
			t.Fatal("the model was not taken")
		}
		return match
	}
	for name, f := range map[string]func(q []byte){
		"nothing": func([]byte) {}, "MAC": func(q []byte) { q[0], q[11] = 6, 6 }, "TOS": func(q []byte) { q[15] = 4 }, "length": func(q []byte) { q[17] = 28 },
		"id": func(q []byte) { q[18] = 1 }, "TTL": func(q []byte) { q[22] = 3 }, "checksums": func(q []byte) { q[24], q[40] = 9, 9 }, "payload": func(q []byte) { q[42] = 7 },
		"DF": func(q []byte) { q[20] = 0x40 },
	} {
		if !change(f) {
			t.Errorf("another %s: not alike", name)
		}
	}
	for name, f := range map[string]func(q []byte){
		"type": func(q []byte) { q[13] = 6 }, "options": func(q []byte) { q[14] = 0x46 }, "length too large": func(q []byte) { q[17] = 60 }, "fragment": func(q []byte) { q[20] = 0x20 },
		"protocol": func(q []byte) { q[23] = 6 }, "nw_src": func(q []byte) { q[29] = 2 }, "nw_dst": func(q []byte) { q[30] = 2 }, "tp_src": func(q []byte) { q[35] = 2 },
		"tp_dst": func(q []byte) { q[36] = 2 }, "length too small": func(q []byte) { binary.BigEndian.PutUint16(q[16:], 27) },
	} {
		if change(f) {
			t.Errorf("another %s: alike", name)
		}
	}
}

func BenchmarkLike(b *testing.B) {
	a, err := packet.NewArena(64, 0)
	if err != nil {
		b.Fatal(err)
	}
	var m flow.Mask
	m[flow.WInPort], m[flow.WEthDst], m[flow.WIPv4], m[flow.WL4] = ^uint64(0), 0xffff, ^uint64(0), 0xff000000ffffffff
	var batch packet.Batch
	a.Alloc(&batch, packet.BatchSize)
	for _, p := range batch.Bufs {
		p.SetData(samplePackets()[2])
	}
	var k flow.Key
	_, lay := flow.Extract(batch.Bufs[0], 1, &k)
	var l flow.Like
	if !l.Set(batch.Bufs[0], lay, &m) {
		b.Fatal("not taken")
	}
	for i := 0; i < b.N; i += packet.BatchSize {
		if n, _, _ := l.Match(&batch); n != packet.BatchSize {
			b.Fatal(n)
		}
	}
}
