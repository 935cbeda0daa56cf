package flow_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"govs/flow"
	"govs/packet"
)

// cutter takes bytes from the front of a packet; once they run out it is empty and says so.
type cutter struct{ b []byte }

func (c *cutter) take(n int) ([]byte, bool) {
	if n < 0 || n > len(c.b) {
		return nil, false
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out, true
}

func u16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func u32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func eth(b []byte) uint64 { return flow.ValueOf(b[:6]).Lo }

// reference is a slow and simple parser, written from the RFCs field by field, that says what Extract should.
func reference(b []byte, inPort uint32, vlanLimit int) (k flow.Key, l flow.Layers) {
	l = flow.Layers{L25: flow.NoLayer, L3: flow.NoLayer, L4: flow.NoLayer, Payload: flow.NoLayer}
	k.SetInPort(inPort)
	if len(b) < 14 {
		return k, l
	}
	at := func(c *cutter) uint16 { return uint16(len(b) - len(c.b)) }
	c := &cutter{b}
	h, _ := c.take(12)
	k.SetEthDst(eth(h))
	k.SetEthSrc(eth(h[6:]))
	for i := 0; i < min(vlanLimit, 2) && len(c.b) >= 6 && (u16(c.b) == 0x8100 || u16(c.b) == 0x88a8); i++ {
		tag, _ := c.take(4)
		if i == 0 {
			k.SetVlanTPID0(u16(tag))
			k.SetVlanTCI(u16(tag[2:]) | 0x1000)
		} else {
			k.SetVlanTPID1(u16(tag))
			k.SetVlanTCI1(u16(tag[2:]) | 0x1000)
		}
	}
	h, _ = c.take(2)
	typ := u16(h)
	if typ < 0x600 {
		typ = 0x5ff
		if len(c.b) >= 8 && bytes.Equal(c.b[:6], []byte{0xaa, 0xaa, 3, 0, 0, 0}) {
			h, _ = c.take(8)
			if t := u16(h[6:]); t >= 0x600 {
				typ = t
			}
		}
	}
	k.SetEthType(typ)
	if typ == 0x8847 || typ == 0x8848 {
		l.L25 = at(c)
		for n := 0; ; n++ {
			h, ok := c.take(4)
			if !ok {
				break
			}
			if n < 3 {
				k.Set([]flow.FieldID{flow.FieldMPLSLSE0, flow.FieldMPLSLSE1, flow.FieldMPLSLSE2}[n], flow.U(uint64(u32(h))))
			}
			if h[2]&1 != 0 {
				break
			}
		}
	}
	l.L3 = at(c)
	proto := uint8(0)
	switch typ {
	case 0x0806, 0x8035:
		if h, ok := c.take(28); ok && bytes.Equal(h[:6], []byte{0, 1, 8, 0, 6, 4}) {
			if h[6] == 0 {
				k.SetNwProto(h[7])
			}
			k.SetARPSha(eth(h[8:]))
			k.SetNwSrc(u32(h[14:]))
			k.SetARPTha(eth(h[18:]))
			k.SetNwDst(u32(h[24:]))
		}
		return k, l
	case 0x894f:
		referenceNSH(&k, c.b)
		return k, l
	case 0x0800:
		if len(c.b) < 20 {
			return k, l
		}
		hlen, tot := int(c.b[0]&15)*4, int(u16(c.b[2:]))
		if hlen < 20 || hlen > len(c.b) || tot > len(c.b) || hlen > tot {
			return k, l
		}
		c.b = c.b[:tot]
		b = b[:int(l.L3)+tot]
		h, _ := c.take(hlen)
		k.SetNwTOS(h[1])
		k.SetNwTTL(h[8])
		k.SetNwProto(h[9])
		k.SetNwSrc(u32(h[12:]))
		k.SetNwDst(u32(h[16:]))
		switch f := u16(h[6:]); {
		case f&0x1fff != 0:
			k.SetNwFrag(3)
			return k, l
		case f&0x2000 != 0:
			k.SetNwFrag(1)
		}
		proto = h[9]
	case 0x86dd:
		if len(c.b) < 40 || 40+int(u16(c.b[4:])) > len(c.b) {
			return k, l
		}
		tot := 40 + int(u16(c.b[4:]))
		c.b = c.b[:tot]
		b = b[:int(l.L3)+tot]
		h, _ := c.take(40)
		k.SetIPv6Src(flow.ValueOf(h[8:24]))
		k.SetIPv6Dst(flow.ValueOf(h[24:40]))
		frag, ok := uint8(0), true
		if proto, frag, ok = referenceExt(c, h[6]); !ok {
			return k, l
		}
		k.SetNwTOS(uint8(u32(h) >> 20))
		k.SetIPv6Label(u32(h) & 0xfffff)
		k.SetNwTTL(h[7])
		k.SetNwProto(proto)
		k.SetNwFrag(frag)
		if frag == 3 {
			return k, l
		}
	default:
		return k, l
	}
	l.L4 = at(c)
	if n := referenceL4(&k, c, proto, typ == 0x86dd); n >= 0 {
		l.Payload = l.L4 + uint16(n)
	}
	return k, l
}

// referenceExt skips IPv6 extension headers.
func referenceExt(c *cutter, next uint8) (proto, frag uint8, ok bool) {
	for {
		n := 0
		if next != 0 && next != 43 && next != 60 && next != 51 && next != 44 {
			return next, frag, true
		}
		if len(c.b) < 8 {
			return next, frag, false
		}
		switch next {
		case 51:
			n = 8 + 4*int(c.b[1])
		case 44:
			n = 8
			if u16(c.b[2:]) != 0 {
				frag = 1
			}
			if u16(c.b[2:])>>3 != 0 {
				return 44, 3, true
			}
		default:
			n = 8 + 8*int(c.b[1])
		}
		h, ok := c.take(n)
		if !ok {
			return next, frag, false
		}
		next = h[0]
	}
}

// referenceL4 reads the transport header and returns its length, or -1.
func referenceL4(k *flow.Key, c *cutter, proto uint8, v6 bool) int {
	n := map[uint8]int{6: 20, 17: 8, 132: 12, 1: 8, 2: 8, 58: 8}[proto]
	if n == 0 || len(c.b) < n {
		return -1
	}
	h := c.b
	switch proto {
	case 6:
		off := int(h[12]>>4) * 4
		if off < 20 || off > len(h) {
			return -1
		}
		n = off
		k.SetTCPFlags(u16(h[12:]) & 0xfff)
		fallthrough
	case 17, 132:
		k.SetTpSrc(u16(h))
		k.SetTpDst(u16(h[2:]))
	default:
		k.SetTpSrc(uint16(h[0]))
		k.SetTpDst(uint16(h[1]))
	}
	if proto == 2 && !v6 {
		k.SetIGMPGroup(u32(h[4:]))
	}
	if proto == 58 && v6 && (h[0] == 135 || h[0] == 136) && h[1] == 0 {
		k.SetNDReserved(u32(h[4:]))
		referenceND(k, h[8:])
	}
	return n
}

func referenceND(k *flow.Key, b []byte) {
	c := &cutter{b}
	target, ok := c.take(16)
	if !ok {
		return
	}
	var lla [3]uint64
	first := uint8(0)
	for len(c.b) >= 8 && c.b[1] != 0 {
		o, ok := c.take(int(c.b[1]) * 8)
		if !ok {
			break
		}
		if len(o) == 8 && (o[0] == 1 || o[0] == 2) {
			if lla[o[0]] != 0 {
				return
			}
			lla[o[0]] = eth(o[2:])
			if first == 0 {
				first = o[0]
			}
		}
	}
	k.SetNDTarget(flow.ValueOf(target))
	k.SetNDSll(lla[1])
	k.SetNDTll(lla[2])
	k.SetNDOptionsType(uint16(first))
}

func referenceNSH(k *flow.Key, b []byte) {
	if len(b) < 8 {
		return
	}
	n := int(u16(b)&0x3f) * 4
	if b[0]>>6 != 0 || n > len(b) || b[2] == 1 && n != 24 || b[2] == 2 && n < 8 {
		return
	}
	k.SetNSHFlags(b[0] >> 4 & 3)
	k.SetNSHTTL(uint8(u16(b) >> 6 & 0x3f))
	k.SetNSHMdType(b[2])
	k.SetNSHNp(b[3])
	k.SetNSHSpi(u32(b[4:]) >> 8)
	k.SetNSHSi(b[7])
	if b[2] == 1 {
		k.SetNSHC1(u32(b[8:]))
		k.SetNSHC2(u32(b[12:]))
		k.SetNSHC3(u32(b[16:]))
		k.SetNSHC4(u32(b[20:]))
	}
}

// fence holds packets so that they end where readable memory ends: reading one byte too many is a fault.
type fence struct {
	mem  []byte
	size int
}

func newFence(t testing.TB) *fence {
	t.Helper()
	page := unix.Getpagesize()
	size := 17 * page
	mem, err := unix.Mmap(-1, 0, size+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mprotect(mem[size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	return &fence{mem, size}
}

func (f *fence) put(p []byte) []byte {
	b := f.mem[f.size-len(p) : f.size]
	copy(b, p)
	return b
}

// checkExtract compares Extract with the reference; words beyond the length must stay as they were.
func checkExtract(t *testing.T, f *fence, p []byte) {
	t.Helper()
	if len(p) > f.size {
		return
	}
	p = f.put(p)
	for limit := 0; limit <= flow.MaxVLANs; limit++ {
		want, wl := reference(p, 7, limit)
		const junk = 0xdeadbeefdeadbeef
		var got flow.Key
		for i := range got {
			got[i] = junk
		}
		n, l := flow.ExtractBytes(p, 7, limit, &got)
		for _, w := range got[n:] {
			if w != junk {
				t.Fatalf("%x: wrote beyond its length %d", p, n)
			}
		}
		got.ClearFrom(n)
		if got != want {
			t.Fatalf("%x limit %d\n got %s %x\nwant %s %x", p, limit, got.String(), got[:flow.LenMPLS], want.String(), want[:flow.LenMPLS])
		}
		if l != wl {
			t.Fatalf("%x limit %d: layers %v, want %v", p, limit, l, wl)
		}
		if min := shapeLen(&want); n < min {
			t.Fatalf("%x: length %d, its shape needs %d", p, n, min)
		}
	}
}

// shapeLen returns the least number of words that Extract must write, so that every mask whose prerequisites hold can be applied.
func shapeLen(k *flow.Key) int {
	m := flow.LenBase
	for _, f := range flow.Fields() {
		if f.Prereq == flow.PrereqNone || !f.Prereq.Met(k, nil) || int(f.Word) >= flow.LenMPLS || f.Name == "" {
			continue
		}
		n := int(f.Word) + 1
		if f.Width > 64 {
			n++
		}
		m = max(m, n)
	}
	return m
}

// TestExtractTruncated cuts every sample packet at each byte.
func TestExtractTruncated(t *testing.T) {
	f := newFence(t)
	for _, p := range samplePackets() {
		for i := 0; i <= len(p); i++ {
			checkExtract(t, f, p[:i])
		}
	}
}

// FuzzExtract compares Extract with the reference on arbitrary bytes.
func FuzzExtract(f *testing.F) {
	for _, p := range samplePackets() {
		f.Add(p)
	}
	fc := newFence(f)
	f.Fuzz(func(t *testing.T, p []byte) { checkExtract(t, fc, p) })
}

// FuzzExtractBatch holds ExtractBatch against Extract, one packet and all its truncations at a time.
func FuzzExtractBatch(f *testing.F) {
	a, err := packet.NewArena(64, 0)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,nw_tos=4,udp_src=1000,udp_dst=80",
		"tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_src=1000,tp_dst=80,tcp_flags=0x12",
		"icmp,nw_src=10.0.0.1,nw_dst=10.0.0.2,icmp_type=8",
	} {
		k, err := flow.ParseFlow(text, nil)
		if err != nil {
			f.Fatal(err)
		}
		p, err := flow.Compose(&k, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var b packet.Batch
		a.Alloc(&b, packet.BatchSize)
		defer a.Free(&b)
		for i := range b.N {
			if !b.Bufs[i].SetData(frame[:max(len(frame)-i, 0)]) {
				return
			}
		}
		var keys [packet.BatchSize]flow.Key
		var lens [packet.BatchSize]uint8
		var layers [packet.BatchSize]flow.Layers
		flow.ExtractBatch(&b, 7, 1, &keys, &lens, &layers)
		for i := range b.N {
			var k flow.Key
			n, l := flow.Extract(b.Bufs[i], 7, &k)
			if int(lens[i]) != n || layers[i] != l || keys[i] != k {
				t.Fatalf("%x: %d words, %v, %x; Extract: %d, %v, %x", b.Bufs[i].Bytes(), lens[i], layers[i], keys[i], n, l, k)
			}
		}
	})
}

// TestExtractSegments checks that the length of the whole packet counts for IP lengths, and headers must lie in the first segment.
func TestExtractSegments(t *testing.T) {
	a, err := packet.NewArena(8, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var b packet.Batch
	a.Alloc(&b, 2)
	whole := samplePackets()[2] // IPv4, UDP
	for cut := 14; cut <= len(whole); cut++ {
		head, tail := b.Bufs[0], b.Bufs[1]
		head.SetData(whole[:cut])
		tail.SetData(whole[cut:])
		if cut < len(whole) {
			head.Chain(tail)
		}
		var k flow.Key
		n, l := flow.Extract(head, 1, &k)
		k.ClearFrom(n)
		switch {
		case cut < 34 && (k.NwProto() != 0 || l.L4 != flow.NoLayer):
			t.Errorf("cut at %d: found an IP header: %s", cut, k.String())
		case cut >= 34 && cut < 42 && (k.NwProto() != 17 || k.TpSrc() != 0 || l.Payload != flow.NoLayer):
			t.Errorf("cut at %d: %s", cut, k.String())
		case cut >= 42 && (k.TpSrc() != 53 || l.Payload != 42):
			t.Errorf("cut at %d: %s", cut, k.String())
		}
	}
}

// TestExtractAllocs checks that Extract does not allocate.
func TestExtractAllocs(t *testing.T) {
	var k flow.Key
	for _, p := range samplePackets() {
		if n := testing.AllocsPerRun(10, func() { flow.ExtractBytes(p, 1, 2, &k) }); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	}
}
