package packet

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func newArena(t testing.TB, max, size int) *Arena {
	t.Helper()
	a, err := NewArena(max, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func one(t testing.TB, a Allocator) *Buf {
	t.Helper()
	b := NewBatch()
	defer FreeBatch(b)
	a.Alloc(b, 1)
	if b.N != 1 {
		t.Fatal("no buffer")
	}
	return b.Bufs[0]
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// chain returns a packet of the given segments.
func chain(t testing.TB, a Allocator, segs ...[]byte) *Buf {
	t.Helper()
	var p *Buf
	for _, s := range segs {
		q := one(t, a)
		if !q.SetData(s) {
			t.Fatalf("segment of %d bytes does not fit", len(s))
		}
		if p == nil {
			p = q
		} else {
			p.Chain(q)
		}
	}
	return p
}

func TestRoom(t *testing.T) {
	a := newArena(t, 4, 256)
	p := one(t, a)
	defer a.FreeOne(p)
	if p.Len() != 0 || p.HeadRoom() != Headroom || p.TailRoom() != 256 || p.Segs() != 1 || p.Next() != nil {
		t.Fatalf("fresh buffer: len %d headroom %d tailroom %d", p.Len(), p.HeadRoom(), p.TailRoom())
	}
	copy(p.Append(6), "abcdef")
	if !p.Push(2) {
		t.Fatal("no headroom")
	}
	copy(p.Bytes(), "12")
	if got := string(p.Bytes()); got != "12abcdef" {
		t.Fatalf("got %q", got)
	}
	if !p.Pop(3) || string(p.Bytes()) != "bcdef" || p.Len() != 5 {
		t.Fatalf("after Pop: %q", p.Bytes())
	}
	if !p.Adj(-1) || string(p.Bytes()) != "abcdef" || !p.Adj(1) || string(p.Bytes()) != "bcdef" {
		t.Fatalf("after Adj: %q", p.Bytes())
	}
	if p.Pop(6) || p.Push(Headroom+2) || p.Append(p.TailRoom()+1) != nil || p.Append(-1) != nil || p.Pop(-1) || p.Push(-1) {
		t.Fatal("went past the buffer")
	}
	p.Trim(2)
	if string(p.Bytes()) != "bc" || p.Len() != 2 {
		t.Fatalf("after Trim: %q", p.Bytes())
	}
	p.Trim(9)
	p.Trim(-1)
	if p.Len() != 2 {
		t.Fatalf("len %d", p.Len())
	}
	if p.SetData(make([]byte, 257)) {
		t.Fatal("257 bytes in a buffer of 256")
	}
}

func TestArena(t *testing.T) {
	a := newArena(t, 2*BatchSize+3, 64)
	b := NewBatch()
	defer FreeBatch(b)
	var all []*Buf
	seen := map[*Buf]bool{}
	for {
		a.Alloc(b, BatchSize)
		if b.N == 0 {
			break
		}
		for _, p := range b.Bufs[:b.N] {
			if seen[p] {
				t.Fatal("one buffer handed out twice")
			}
			seen[p] = true
			copy(p.Append(64), bytes.Repeat([]byte{byte(len(all))}, 64))
			all = append(all, p)
		}
	}
	if len(all) != 2*BatchSize+3 || a.InUse() != len(all) {
		t.Fatalf("%d buffers, %d in use, the limit is %d", len(all), a.InUse(), 2*BatchSize+3)
	}
	for i, p := range all {
		if !bytes.Equal(p.Bytes(), bytes.Repeat([]byte{byte(i)}, 64)) {
			t.Fatalf("buffer %d was overwritten", i)
		}
	}
	if err := a.Close(); err == nil {
		t.Fatal("closed with buffers in use")
	}
	for i, p := range all {
		if i%2 == 0 {
			a.FreeOne(p)
			continue
		}
		b.Bufs[0], b.N = p, 1
		a.Free(b)
		if b.N != 0 {
			t.Fatal("Free leaves the batch full")
		}
	}
	if a.InUse() != 0 {
		t.Fatalf("%d in use", a.InUse())
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a double free passed")
			}
		}()
		a.FreeOne(all[0])
	}()
	a.Alloc(b, -1)
	if b.N != 0 {
		t.Fatal("negative allocation")
	}
}

func TestArenaConcurrent(t *testing.T) {
	a := newArena(t, 4000, 64)
	done := make(chan struct{})
	for g := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			b := NewBatch()
			defer FreeBatch(b)
			for i := range 2000 {
				a.Alloc(b, 1+(i+g)%BatchSize)
				for _, p := range b.Bufs[:b.N] {
					p.Append(8)
				}
				if i%3 == 0 && b.N > 0 {
					b.N--
					a.FreeOne(b.Bufs[b.N])
				}
				a.Free(b)
			}
		}()
	}
	for range 4 {
		<-done
	}
	if n := a.InUse(); n != 0 {
		t.Fatalf("%d leaked", n)
	}
}

func TestSegments(t *testing.T) {
	a := newArena(t, 100, 128)
	for range 200 {
		var want []byte
		var segs [][]byte
		for range 1 + rand.IntN(5) {
			s := random(rand.IntN(50))
			segs = append(segs, s)
			want = append(want, s...)
		}
		p := chain(t, a, segs...)
		if p.Len() != len(want) || p.Segs() != len(segs) || !bytes.Equal(p.Contents(), want) {
			t.Fatal("the chain's content")
		}
		c := a.Clone(p)
		off := rand.IntN(len(want) + 1)
		patch := random(rand.IntN(len(want) - off + 1))
		if n := p.CopyIn(patch, off); n != len(patch) {
			t.Fatalf("CopyIn of %d bytes at %d of %d: %d", len(patch), off, len(want), n)
		}
		if !bytes.Equal(c.Contents(), want) {
			t.Fatal("the clone differs or shares memory")
		}
		copy(want[off:], patch)
		n := rand.IntN(len(want) + 1)
		if ok := p.Pullup(a, n); !ok && n <= 128+Headroom || ok && p.SegLen() < n {
			t.Fatalf("Pullup(%d) of %d: %v, %d", n, len(want), ok, p.SegLen())
		}
		if !bytes.Equal(p.Contents(), want) {
			t.Fatal("Pullup changed the packet")
		}
		if p.Pullup(a, len(want)+1) {
			t.Fatal("Pullup past the end")
		}
		if lin := p.Linearize(a); lin != (len(want) <= 128+Headroom) && p.Next() != nil || lin && p.Segs() != 1 {
			t.Fatalf("Linearize of %d: %v", len(want), lin)
		}
		if !bytes.Equal(p.Contents(), want) {
			t.Fatal("Linearize changed the packet")
		}
		k := rand.IntN(len(want) + 1)
		c.Trim(k)
		if c.Len() != k || len(c.Contents()) != k {
			t.Fatalf("Trim(%d) gives %d", k, c.Len())
		}
		a.FreeOne(p)
		a.FreeOne(c)
	}
}

func TestCloneBatch(t *testing.T) {
	a := newArena(t, 40, 128)
	src, dst := NewBatch(), NewBatch()
	defer FreeBatch(src)
	defer FreeBatch(dst)
	a.Alloc(src, 30)
	for i, p := range src.Bufs[:src.N] {
		p.SetData(random(100))
		p.OlFlags = uint64(i)
		p.RSS = uint32(i)
	}
	src.Bufs[0].Pop(10)
	CloneBatch(a, dst, src)
	if dst.N != 10 {
		t.Fatalf("%d clones from 10 free buffers", dst.N)
	}
	for i, p := range dst.Bufs[:dst.N] {
		q := src.Bufs[i]
		if !bytes.Equal(p.Contents(), q.Contents()) || p.RSS != uint32(i) || p.OlFlags != uint64(i) || p.HeadRoom() != q.HeadRoom() {
			t.Fatalf("clone %d differs", i)
		}
	}
	a.Free(dst)
	a.Free(src)
}

// naive is RFC 1071 word by word.
func naive(b []byte) uint16 {
	var s uint32
	for i := 0; i < len(b); i += 2 {
		w := uint32(b[i]) << 8
		if i+1 < len(b) {
			w |= uint32(b[i+1])
		}
		s += w
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

func TestChecksum(t *testing.T) {
	// RFC 1071 section 3's example: the sum of these is ddf2.
	if got := Checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Fatalf("RFC 1071 example: %#x", got)
	}
	for n := range 300 {
		b := random(n)
		if n%7 == 0 {
			b = bytes.Repeat([]byte{0xff}, n)
		}
		if got, want := Checksum(b), naive(b); got != want {
			t.Fatalf("%d bytes: %#x, want %#x", n, got, want)
		}
	}
	a := newArena(t, 100, 128)
	for range 300 {
		x, y, z := random(rand.IntN(60)), random(rand.IntN(60)), random(rand.IntN(60))
		all := append(append(append([]byte{}, x...), y...), z...)
		p := chain(t, a, x, y, z)
		off := rand.IntN(len(all) + 1)
		n := rand.IntN(len(all) - off + 1)
		if got, want := Fold(p.SumRange(off, n, 0)), naive(all[off:off+n]); got != want {
			t.Fatalf("segments %d %d %d, range %d+%d: %#x, want %#x", len(x), len(y), len(z), off, n, got, want)
		}
		a.FreeOne(p)
	}
}

func TestUpdate(t *testing.T) {
	for range 2000 {
		b := random(40)
		old := Checksum(b)
		i := rand.IntN(6) * 4
		switch rand.IntN(3) {
		case 0:
			v := uint16(rand.Uint32())
			was := binary.BigEndian.Uint16(b[i:])
			binary.BigEndian.PutUint16(b[i:], v)
			old = Update16(old, was, v)
		case 1:
			v := rand.Uint32()
			was := binary.BigEndian.Uint32(b[i:])
			binary.BigEndian.PutUint32(b[i:], v)
			old = Update32(old, was, v)
		case 2:
			was, v := [16]byte(b[i:i+16]), [16]byte(random(16))
			copy(b[i:], v[:])
			old = Update128(old, &was, &v)
		}
		if got := Checksum(b); got != old {
			t.Fatalf("incremental %#x, full %#x", old, got)
		}
	}
	// RFC 1624 section 4's example.
	if got := Update16(0xdd2f, 0x5555, 0x3285); got != 0 {
		t.Fatalf("RFC 1624 example: %#x", got)
	}
}

// TestL4Checksum compares with gopacket's.
func TestL4Checksum(t *testing.T) {
	a := newArena(t, 10, 2048)
	v4 := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
	v6 := &layers.IPv6{Version: 6, HopLimit: 64, SrcIP: random(16), DstIP: random(16)}
	eth := &layers.Ethernet{SrcMAC: random(6), DstMAC: random(6)}
	for _, six := range []bool{false, true} {
		for _, proto := range []uint8{ProtoTCP, ProtoUDP, ProtoICMPv6, ProtoSCTP} {
			if proto == ProtoICMPv6 && !six {
				continue
			}
			var net gopacket.SerializableLayer = v4
			var nl gopacket.NetworkLayer = v4
			eth.EthernetType = layers.EthernetTypeIPv4
			l3, l4 := EthHdrLen, EthHdrLen+IPv4HdrLen
			if six {
				net, nl, eth.EthernetType, l4 = v6, v6, layers.EthernetTypeIPv6, EthHdrLen+IPv6HdrLen
			}
			v4.Protocol, v6.NextHeader = layers.IPProtocol(proto), layers.IPProtocol(proto)
			var tr gopacket.SerializableLayer
			var at int
			switch proto {
			case ProtoTCP:
				l := &layers.TCP{SrcPort: 1, DstPort: 2, Seq: rand.Uint32()}
				l.SetNetworkLayerForChecksum(nl)
				tr, at = l, TCPCsum
			case ProtoUDP:
				l := &layers.UDP{SrcPort: 1, DstPort: 2}
				l.SetNetworkLayerForChecksum(nl)
				tr, at = l, UDPCsum
			case ProtoICMPv6:
				l := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}
				l.SetNetworkLayerForChecksum(nl)
				tr, at = l, ICMPCsum
			case ProtoSCTP:
				tr, at = &layers.SCTP{SrcPort: 1, DstPort: 2, VerificationTag: 7}, SCTPCsum
			}
			buf := gopacket.NewSerializeBuffer()
			err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
				eth, net, tr, gopacket.Payload(random(101)))
			if err != nil {
				t.Fatal(err)
			}
			b := buf.Bytes()
			want := binary.BigEndian.Uint16(b[l4+at:])
			p := chain(t, a, b[:l4+at+7], b[l4+at+7:])
			if proto == ProtoSCTP {
				got := p.SCTPChecksum(l4, len(b)-l4, MakeCRC32c())
				if want := binary.LittleEndian.Uint32(b[l4+at:]); got != want {
					t.Errorf("SCTP: %#x, gopacket %#x", got, want)
				}
				if _, ok := p.L4Checksum(l3, l4, len(b)-l4, proto); ok {
					t.Error("an Internet checksum for SCTP")
				}
			} else if got, ok := p.L4Checksum(l3, l4, len(b)-l4, proto); !ok || got != want {
				t.Errorf("protocol %d, IPv6 %v: %#x %v, gopacket %#x", proto, six, got, ok, want)
			}
			if !six && IPv4HeaderChecksum(b[l3:l4]) != binary.BigEndian.Uint16(b[l3+IPv4Csum:]) {
				t.Error("IPv4 header checksum")
			}
			if proto != ProtoSCTP { // what a kernel that leaves the checksum to the device sends
				sum := PseudoIPv4(b[l3:], proto, len(b)-l4)
				if six {
					sum = PseudoIPv6(b[l3:], proto, len(b)-l4)
				}
				p.CopyIn([]byte{byte(sum >> 8), byte(sum)}, l4+at)
				if !p.CompleteChecksum(l4, at) {
					t.Error("CompleteChecksum failed")
				}
				if got := p.Contents(); !bytes.Equal(got, b) {
					t.Errorf("protocol %d: completed to %x, want %x", proto, got[l4+at:l4+at+2], want)
				}
				if p.CompleteChecksum(l4, p.Len()) || p.CompleteChecksum(-1, 0) {
					t.Error("a checksum outside the packet")
				}
			}
			if _, ok := p.L4Checksum(l3, l4, len(b), proto); ok {
				t.Error("a checksum past the packet's end")
			}
			a.FreeOne(p)
		}
	}
}

func TestBatchPlacement(t *testing.T) {
	var bs []*Batch
	for range 40 {
		b := NewBatch()
		if b.N != 0 || b.Bufs[BatchSize-1] != nil {
			t.Fatal("not empty")
		}
		b.N = BatchSize
		b.Bufs[BatchSize-1] = nil
		bs = append(bs, b)
	}
	for _, b := range bs {
		FreeBatch(b)
	}
}

func TestNoAllocations(t *testing.T) {
	a := newArena(t, 100, 256)
	b := NewBatch()
	defer FreeBatch(b)
	a.Alloc(b, BatchSize)
	a.Free(b)
	if n := testing.AllocsPerRun(100, func() {
		a.Alloc(b, BatchSize)
		for _, p := range b.Bufs[:b.N] {
			p.Append(60)
			p.Push(4)
			p.Pop(4)
		}
		a.Free(b)
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkArena(b *testing.B) {
	a := newArena(b, 100, 256)
	batch := NewBatch()
	defer FreeBatch(batch)
	for b.Loop() {
		a.Alloc(batch, BatchSize)
		a.Free(batch)
	}
}

func BenchmarkChecksum1500(b *testing.B) {
	d := random(1500)
	b.SetBytes(1500)
	for b.Loop() {
		Checksum(d)
	}
}
