//go:build dpdk

package vhostuser

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"govs/packet"
	"govs/ports"
)

// server opens a port that guests connect to; its socket's path.
func server(t testing.TB) (*Port, string) {
	t.Helper()
	dir := shortDir(t)
	p := open(t, NewOpener(Settings{SockDir: dir}, nil), ports.Config{Name: "vd", Type: "dpdkvhostuser", TxQs: 1})
	if err := p.SetMTU(9100); err != nil {
		t.Fatal(err)
	}
	return p, filepath.Join(dir, "vd")
}

// join connects a frontend to the port and waits until the port knows it.
func join(t testing.TB, p *Port, path string, features uint64) *frontend {
	t.Helper()
	f := dial(t, path, features)
	wait(t, "the frontend", connected(p))
	return f
}

// leave ends the connection and waits until the port knows that.
func (f *frontend) leave(p *Port) {
	f.t.Helper()
	f.close()
	wait(f.t, "its end", func() bool { return !p.Status().LinkUp })
}

// direct are the packets of both directions that went the direct path.
func direct(p *Port) (rx, tx uint64) {
	r, s := p.vhost.Counters(0)
	return r.Direct, s.Direct
}

// receive polls until a packet comes.
func receive(t testing.TB, p *Port, b *packet.Batch) {
	t.Helper()
	wait(t, "a packet", func() bool { p.Rx(0, b); return b.N > 0 })
}

// pattern is n bytes that say which packet they are of.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*7 + seed
	}
	b[0] = 2
	return b
}

// put writes a packet where a layout has room for it.
func (f *frontend) put(data []byte, places []int) {
	for i := 0; i < len(places); i += 2 {
		n := copy(f.mem[places[i]:places[i]+places[i+1]], data)
		data = data[n:]
	}
}

func (f *frontend) got(n int, places []int) []byte {
	var b []byte
	for i := 0; i < len(places); i += 2 {
		b = append(b, f.mem[places[i]:places[i]+places[i+1]]...)
	}
	return b[:n]
}

var combinations = []uint64{
	0, featMergeable, featVersion1, featVersion1 | featMergeable | featIndirect, featVersion1 | featMergeable | featEventIdx | featIndirect,
}

// TestLayouts passes packets of many lengths to the guest and back in all layouts of descriptors, with all kinds of headers.
func TestLayouts(t *testing.T) {
	p, path := server(t)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	for _, features := range combinations {
		f := join(t, p, path, features)
		for _, l := range layouts {
			// The ways of the direct path need a burst of rte_vhost's first.
			for _, n := range []int{60, 60, 61, 64, 65, 100, 127, 128, 129, 192, 255, 256, 257, 1514, 2048, 2049, 9000} {
				data := pattern(n, byte(n))
				rx0, tx0 := direct(p)
				hdr, places := l.lay(f, txRing, 1, n)
				clear(f.mem[hdr : hdr+f.hdr])
				f.put(data, places)
				at := f.used(txRing)
				f.post(txRing, 1)
				receive(t, p, b)
				if b.N != 1 || !bytes.Equal(b.Bufs[0].Contents(), data) {
					t.Fatalf("%v, %s, %d bytes from the guest: %d packets, %d bytes", f, l.name, n, b.N, b.Bufs[0].Len())
				}
				if head, k := f.usedElem(txRing, at); f.used(txRing) != at+1 || head != 1 || k != 0 {
					t.Fatalf("%v, %s: used %d, head %d, length %d", f, l.name, f.used(txRing)-at, head, k)
				}

				hdr, places = l.lay(f, rxRing, 2, n)
				last := places[len(places)-2] + places[len(places)-1]
				for i := range bufLen {
					f.mem[f.buf(rxRing, 2)+i] = 0xee
				}
				at = f.used(rxRing)
				f.post(rxRing, 2)
				p.Tx(0, b)
				if head, k := f.usedElem(rxRing, at); f.used(rxRing) != at+1 || head != 2 || k != n+f.hdr {
					t.Fatalf("%v, %s, %d bytes: used %d, head %d, length %d", f, l.name, n, f.used(rxRing)-at, head, k)
				}
				if !bytes.Equal(f.got(n, places), data) || f.mem[last] != 0xee {
					t.Fatalf("%v, %s, %d bytes to the guest: other bytes arrived", f, l.name, n)
				}
				h := f.mem[hdr : hdr+f.hdr]
				if !bytes.Equal(h[:10], make([]byte, 10)) && l.name != "header in two" || f.features&featMergeable != 0 && h[10] != 1 {
					t.Fatalf("%v, %s: header % x", f, l.name, h)
				}
				rx1, tx1 := direct(p)
				if f.used(rxRing) > 1 && (l.direct && n <= 2048) != (rx1 > rx0) || f.used(rxRing) > 1 && l.direct != (tx1 > tx0) {
					t.Fatalf("%v, %s, %d bytes: %d received and %d sent the direct way", f, l.name, n, rx1-rx0, tx1-tx0)
				}
			}
		}
		f.leave(p)
	}
}

// TestMergedBuffers sends packets that need several of the guest's buffers, between ones that need one.
func TestMergedBuffers(t *testing.T) {
	p, path := server(t)
	f := join(t, p, path, featVersion1|featMergeable)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	for round := range 20 {
		for i := range ringSize {
			f.desc(rxRing, i, f.buf(rxRing, i), 600, 0, 0)
		}
		lens := []int{60, 588, 589, 1700, 64, 300}
		pool.Alloc(b, len(lens))
		for i, k := range b.Bufs[:b.N] {
			k.SetData(pattern(lens[i], byte(round+i)))
		}
		at := f.used(rxRing)
		f.post(rxRing, 5, 9, 7, 11, 1, 2, 3, 4, 8)
		p.Tx(0, b)
		for i, n := range lens {
			head, _ := f.usedElem(rxRing, at)
			count := int(binary.LittleEndian.Uint16(f.mem[f.buf(rxRing, head)+10:]))
			if want := (n + 12 + 599) / 600; count != want {
				t.Fatalf("round %d: %d bytes are in %d buffers, want %d", round, n, count, want)
			}
			var all []byte
			for range count {
				head, k := f.usedElem(rxRing, at)
				all = append(all, f.mem[f.buf(rxRing, head):f.buf(rxRing, head)+k]...)
				at++
			}
			if !bytes.Equal(all[12:], pattern(n, byte(round+i))) {
				t.Fatalf("round %d: %d bytes: other bytes arrived", round, n)
			}
		}
		if at != f.used(rxRing) {
			t.Fatalf("round %d: used index %d, want %d", round, f.used(rxRing), at)
		}
	}
	if _, tx := direct(p); tx == 0 {
		t.Error("nothing went the direct way")
	}
}

// shuttle is one round of n packets from the guest and back to it, one descriptor each.
func shuttle(t testing.TB, p *Port, f *frontend, b *packet.Batch, n int) {
	t.Helper()
	rx, tx := f.used(rxRing), f.used(txRing)
	for i := range n {
		h := f.avail[txRing] % ringSize
		layouts[0].lay(f, txRing, int(h), 60)
		f.put(pattern(60, byte(i)), []int{f.buf(txRing, int(h)) + f.hdr, 60})
		f.post(txRing, h)
		f.post(rxRing, f.avail[rxRing]%ringSize)
	}
	for got := 0; got < n; got += b.N {
		receive(t, p, b)
		k := b.N
		p.Tx(0, b)
		b.N = k
	}
	b.N = 0
	if f.used(rxRing) != rx+uint16(n) || f.used(txRing) != tx+uint16(n) {
		t.Fatalf("%d sent, %d came back", f.used(txRing)-tx, f.used(rxRing)-rx)
	}
}

// TestInterrupts: a guest is signalled when it asks for that, with and without VIRTIO_RING_F_EVENT_IDX, by both paths.
func TestInterrupts(t *testing.T) {
	p, path := server(t)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	f := join(t, p, path, featVersion1|featMergeable)
	for _, n := range []int{1, 1, 32} {
		for _, quiet := range []bool{true, false} {
			for ring := range 2 {
				f.quiet(ring, quiet)
				f.signals(ring)
			}
			shuttle(t, p, f, b, n)
			for ring := range 2 {
				if s := f.signals(ring); (s == 0) != quiet {
					t.Fatalf("ring %d, NO_INTERRUPT %v: %d signals", ring, quiet, s)
				}
			}
		}
	}
	f.leave(p)

	f = join(t, p, path, featVersion1|featMergeable|featEventIdx)
	events := func(want bool, n int, ahead uint16) {
		t.Helper()
		for ring := range 2 {
			f.event(ring, f.used(ring)+ahead)
			f.signals(ring)
		}
		shuttle(t, p, f, b, n)
		for ring := range 2 {
			if s := f.signals(ring); (s > 0) != want {
				t.Fatalf("ring %d, event %d ahead, %d packets: %d signals", ring, ahead, n, s)
			}
		}
	}
	shuttle(t, p, f, b, 4)
	rx0, tx0 := direct(p)
	for range 3 {
		events(true, 1, 0)
		events(true, 20, 19)
		events(false, 20, 20)
		events(false, 20, 0x8000)
	}
	if rx1, tx1 := direct(p); rx1 == rx0 || tx1 == tx0 {
		t.Fatal("nothing went the direct way")
	}
	// rte_vhost's own bursts after nearly 65,536 entries: where it signalled last must not confuse it.
	for round := range 3 {
		for left := 65536 - 2; left > 0; left -= min(left, packet.BatchSize) {
			for ring := range 2 {
				f.event(ring, f.used(ring)-1)
			}
			shuttle(t, p, f, b, min(left, packet.BatchSize))
		}
		for ring := range 2 {
			f.event(ring, f.used(ring))
			f.signals(ring)
		}
		for i := range 4 {
			_, places := chained.lay(f, txRing, i, 60)
			f.put(pattern(60, 1), places)
			chained.lay(f, rxRing, i, 60)
			f.post(rxRing, uint16(i))
		}
		f.post(txRing, 0, 1, 2, 3)
		receive(t, p, b)
		if b.N != 4 {
			t.Fatalf("%d packets", b.N)
		}
		p.Tx(0, b)
		for ring := range 2 {
			if f.signals(ring) == 0 {
				t.Fatalf("round %d: ring %d was not signalled", round, ring)
			}
			f.plain(ring)
		}
	}
}

// TestMalformed: a guest that writes nonsense into its rings hurts itself only. What it does is left to rte_vhost, which drops it or
// stops; the next guest is served.
func TestMalformed(t *testing.T) {
	p, path := server(t)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	const end = guestBase + memLen
	at := func(ring, i int) int { return ring*ringStride + 16*i }
	cases := []struct {
		name string
		do   func(f *frontend, ring int)
	}{
		{"head out of range", func(f *frontend, ring int) { f.post(ring, ringSize) }},
		{"head far out of range", func(f *frontend, ring int) { f.post(ring, 3, 0xffff) }},
		{"address 0", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), 0, 100, 0, 0); f.post(ring, 3) }},
		{"address behind the memory", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), end, 100, 0, 0); f.post(ring, 3) }},
		{"address -1", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), 1<<64-1, 100, 0, 0); f.post(ring, 3) }},
		{"over the end", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), end-50, 100, 0, 0); f.post(ring, 3) }},
		{"address and length wrap", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), 1<<64-16, 1<<32-1, 0, 0); f.post(ring, 3) }},
		{"all of the length", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), guestBase, 1<<32-1, 0, 0); f.post(ring, 3) }},
		{"no length", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), guestBase+buffers, 0, 0, 0); f.post(ring, 3) }},
		{"shorter than a header", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), guestBase+buffers, 11, 0, 0); f.post(ring, 3) }},
		{"only a header", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), guestBase+buffers, 12, 0, 0); f.post(ring, 3) }},
		{"a chain of itself", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+buffers, 12, descNext, 3)
			f.post(ring, 3)
		}},
		{"a loop", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+buffers, 12, descNext, 4)
			f.rawDesc(at(ring, 4), guestBase+buffers, 100, descNext, 3)
			f.post(ring, 3)
		}},
		{"next out of range", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+buffers, 12, descNext, ringSize)
			f.post(ring, 3)
		}},
		{"next far out of range", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+buffers, 12, descNext, 0xffff)
			f.post(ring, 3)
		}},
		{"data nowhere", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+buffers, 12, descNext, 4)
			f.rawDesc(at(ring, 4), 42, 100, 0, 0)
			f.post(ring, 3)
		}},
		{"an empty table", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables, 0, descIndirect, 0)
			f.post(ring, 3)
		}},
		{"less than an entry", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables, 15, descIndirect, 0)
			f.post(ring, 3)
		}},
		{"a huge table", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables, 1<<32-1, descIndirect, 0)
			f.post(ring, 3)
		}},
		{"a table nowhere", func(f *frontend, ring int) { f.rawDesc(at(ring, 3), end+16, 32, descIndirect, 0); f.post(ring, 3) }},
		{"a table at an odd address", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables+1, 32, descIndirect, 0)
			f.post(ring, 3)
		}},
		{"a table in a chain", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables, 32, descIndirect|descNext, 4)
			f.post(ring, 3)
		}},
		{"a table in a table", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables, 32, descIndirect, 0)
			f.rawDesc(tables, guestBase+tables, 32, descIndirect, 0)
			f.post(ring, 3)
		}},
		{"next out of the table", func(f *frontend, ring int) {
			f.rawDesc(at(ring, 3), guestBase+tables, 32, descIndirect, 0)
			f.rawDesc(tables, guestBase+buffers, 12, descNext, 2)
			f.post(ring, 3)
		}},
		{"the rings as buffers", func(f *frontend, ring int) {
			for i := range 8 {
				f.rawDesc(at(ring, i), guestBase+uint64(ring*ringStride)+uint64(i)*0x800, 200, 0, 0)
			}
			f.post(ring, 0, 1, 2, 3, 4, 5, 6, 7)
		}},
		{"one buffer many times", func(f *frontend, ring int) { f.post(ring, make([]uint16, 300)...) }},
		{"an index that jumps", func(f *frontend, ring int) { f.avail[ring] += 40000; f.post(ring) }},
		{"an index that goes back", func(f *frontend, ring int) { f.avail[ring] -= 3; f.post(ring) }},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(f *frontend, ring int) {
		for i := range ringSize {
			addr := guestBase + rng.Uint64N(memLen+1000)
			f.rawDesc(at(ring, i), addr, rng.Uint32N(3000), uint16(rng.Uint32N(8)), uint16(rng.Uint32N(ringSize+2)))
		}
		for range ringSize {
			f.post(ring, uint16(rng.Uint32N(ringSize+1)))
		}
	}
	for range 60 {
		cases = append(cases, struct {
			name string
			do   func(f *frontend, ring int)
		}{"random", random})
	}
	inUse := pool.InUse()
	for _, c := range cases {
		for ring := range 2 {
			f := join(t, p, path, featVersion1|featMergeable|featIndirect)
			shuttle(t, p, f, b, 3)
			rx0, tx0 := direct(p)
			shuttle(t, p, f, b, 3)
			if rx1, tx1 := direct(p); rx1 == rx0 || tx1 == tx0 {
				t.Fatalf("%s: the direct path is not in use", c.name)
			}
			c.do(f, ring)
			for range 4 {
				if ring == txRing {
					p.Rx(0, b)
					pool.Free(b)
				} else {
					pool.Alloc(b, packet.BatchSize)
					for _, k := range b.Bufs[:b.N] {
						k.SetData(pattern(60, 1))
					}
					p.Tx(0, b)
				}
			}
			f.leave(p)
		}
	}
	if n := pool.InUse(); n != inUse {
		t.Errorf("%d buffers in use, not %d", n, inUse)
	}
}

// TestTwoGuests: the second guest on one socket takes the place of the first, whose end it survives.
func TestTwoGuests(t *testing.T) {
	p, path := server(t)
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	for range 20 {
		connects := p.vhost.State().Connects
		first := join(t, p, path, featVersion1)
		shuttle(t, p, first, b, 5)
		second := dial(t, path, featVersion1|featMergeable)
		wait(t, "the second guest", func() bool { return p.vhost.State().Connects == connects+2 })
		shuttle(t, p, second, b, 5)
		first.close()
		for range 5 {
			second.post(txRing, second.avail[txRing]%ringSize)
			receive(t, p, b)
			pool.Free(b)
		}
		second.leave(p)
	}
}

// TestMessages passes numbered packets through a poller while the guest changes what it may: its memory is mapped anew, queues are
// switched off and on, rings are stopped and started where they stopped, and the log of migration comes and goes. No packet is
// duplicated, overtaken or damaged; GET_VRING_BASE says where the ring is.
func TestMessages(t *testing.T) {
	p, path := server(t)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := packet.NewBatch()
		defer packet.FreeBatch(b)
		for !stop.Load() {
			p.Rx(0, b)
			p.Tx(0, b)
		}
	}()
	defer func() { stop.Store(true); <-done }()
	for _, features := range combinations {
		f := join(t, p, path, features|featIndirect)
		var sent, last, came uint32
		var taken, freed [2]uint16 // used entries that were looked at
		// run sends and receives for a while.
		run := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); {
				for ; freed[txRing] != f.used(txRing); freed[txRing]++ {
				}
				for f.avail[txRing]-freed[txRing] < ringSize/2 {
					h := int(f.avail[txRing] % (ringSize / 2))
					n := 60 + int(sent%7)*150
					_, places := layouts[int(sent/50)%4].lay(f, txRing, h, n)
					data := pattern(n, byte(sent))
					sent++
					binary.LittleEndian.PutUint32(data[14:], sent)
					f.put(data, places)
					f.post(txRing, uint16(h))
				}
				for f.avail[rxRing]-taken[rxRing] < ringSize/2 {
					f.post(rxRing, f.avail[rxRing]%ringSize)
				}
				for ; taken[rxRing] != f.used(rxRing); taken[rxRing]++ {
					head, k := f.usedElem(rxRing, taken[rxRing])
					data := f.mem[f.buf(rxRing, head)+f.hdr : f.buf(rxRing, head)+k]
					n := binary.LittleEndian.Uint32(data[14:])
					if n <= last || n > sent {
						t.Fatalf("%v: packet %d after %d, of %d", f, n, last, sent)
					}
					want := pattern(60+int((n-1)%7)*150, byte(n-1))
					binary.LittleEndian.PutUint32(want[14:], n)
					if !bytes.Equal(data, want) {
						t.Fatalf("%v: packet %d is damaged", f, n)
					}
					last = n
					came++
				}
			}
		}
		restart := func(ring int) {
			base := f.stop(ring)
			if base != f.used(ring) {
				t.Fatalf("%v: ring %d stopped at %d, used index is %d", f, ring, base, f.used(ring))
			}
			f.start(ring, base) // not emptied, as it is not 0
		}
		run(20 * time.Millisecond)
		for round := range 60 {
			switch round % 6 {
			case 0:
				f.memTable(1 + round/6%2)
			case 1:
				f.enable(round/6%2, false)
				run(2 * time.Millisecond)
				f.enable(round/6%2, true)
			case 2:
				f.set(reqSetFeatures, u64(f.features|featLogAll))
				rx0, tx0 := direct(p)
				run(2 * time.Millisecond)
				if rx1, tx1 := direct(p); rx1 != rx0 || tx1 != tx0 {
					t.Fatalf("%v: packets go the direct way while memory is logged", f)
				}
				f.set(reqSetFeatures, u64(f.features))
			case 3:
				if f.used(round/6%2) != 0 {
					restart(round / 6 % 2)
				}
			case 4:
				f.get(reqGetFeatures, nil)
			case 5:
				f.set(reqSetVringCall, u64(uint64(round/6%2)), f.call[round/6%2])
			}
			run(time.Duration(round%4) * time.Millisecond)
		}
		before := came
		rx0, tx0 := direct(p)
		run(50 * time.Millisecond)
		rx1, tx1 := direct(p)
		if came == before || rx1 == rx0 || tx1 == tx0 {
			t.Fatalf("%v: at the end %d packets came, %d and %d the direct way", f, came-before, rx1-rx0, tx1-tx0)
		}
		t.Logf("%v: %d packets sent, %d came back", f, sent, came)
		f.leave(p)
	}
}

// TestDrivers passes packets through DPDK's virtio driver with the kinds of rings that it knows; all but packed ones go the direct way.
func TestDrivers(t *testing.T) {
	for _, c := range []struct {
		options string
		direct  bool
	}{
		{"", true}, {",mrg_rxbuf=0", true}, {",in_order=0", true}, {",mrg_rxbuf=0,in_order=0", true}, {",vectorized=1,mrg_rxbuf=0", true}, {",packed_vq=1", false},
	} {
		sock := filepath.Join(shortDir(t), "d.sock")
		p := open(t, NewOpener(Settings{}, nil), ports.Config{Name: "vdrv", Type: "dpdkvhostuserclient", TxQs: 1, Options: map[string]string{"vhost-server-path": sock}})
		g := start(t, "net_virtio_user0,server=1,queues=1,path="+sock+c.options, "macswap")
		wait(t, "the guest", connected(p))
		echo(t, p, 20)
		if rx, tx := direct(p); (rx > 300) != c.direct || (tx > 300) != c.direct {
			t.Errorf("%q: %d received and %d sent the direct way", c.options, rx, tx)
		}
		g.kill()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
