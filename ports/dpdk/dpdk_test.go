//go:build dpdk

package dpdk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

var pool *dpdk.Mempool

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var before, after unix.CPUSet
		runtime.LockOSThread()
		_ = unix.SchedGetaffinity(0, &before)
		args, warns := dpdk.BuildArgs(dpdk.ArgsConfig{Program: "test", CPUs: []int{0}, Huge: dpdk.ProbeHugepages(), OtherConfig: map[string]string{
			"dpdk-extra": fmt.Sprintf("--no-pci --no-telemetry --file-prefix gv%d %s", os.Getpid(), os.Getenv("GOVS_TEST_EAL")),
		}})
		for _, w := range warns {
			fmt.Fprintln(os.Stderr, w)
		}
		log := func(level int, line string) {
			if os.Getenv("GOVS_TEST_LOG") != "" {
				fmt.Fprintf(os.Stderr, "dpdk %d %s\n", level, line)
			}
		}
		if err := dpdk.Start(args, log); err != nil {
			fmt.Fprintln(os.Stderr, "EAL:", err, args)
			return 1
		}
		_ = unix.SchedGetaffinity(0, &after)
		if before != after {
			fmt.Fprintln(os.Stderr, "EAL changed the affinity")
			return 1
		}
		runtime.UnlockOSThread()
		var err error
		if pool, err = dpdk.NewMempool(dpdk.MempoolConf{Name: "test", Bufs: 16383, Cache: 256, Room: 2048, Socket: -1}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(fmt.Sprintf("/var/run/dpdk/gv%d", os.Getpid()))
		code := m.Run()
		if n := pool.InUse(); n != 0 && code == 0 {
			fmt.Fprintln(os.Stderr, n, "buffers leaked")
			code = 1
		}
		dpdk.Cleanup()
		return code
	}())
}

func open(t testing.TB, o *Opener, name, devargs string, more ...string) *Port {
	t.Helper()
	opts := map[string]string{"dpdk-devargs": devargs}
	for i := 0; i+1 < len(more); i += 2 {
		opts[more[i]] = more[i+1]
	}
	p, err := o.Open(ports.Config{Name: name, Type: "dpdk", Options: opts, TxQs: 2, Alloc: pool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*Port)
}

func logTo(t testing.TB) func(string, ...any) {
	return func(f string, v ...any) { t.Logf(f, v...) }
}

// writePcap writes frames to a capture file in the classic format.
func writePcap(t testing.TB, frames ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.pcap")
	h := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0}
	for _, f := range frames {
		h = append(h, 0, 0, 0, 0, 0, 0, 0, 0)
		h = binary.LittleEndian.AppendUint32(h, uint32(len(f)))
		h = binary.LittleEndian.AppendUint32(h, uint32(len(f)))
		h = append(h, f...)
	}
	if err := os.WriteFile(path, h, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// polling runs f as a PMD would run: on a locked, registered thread.
func polling(t testing.TB, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := dpdk.RegisterThread()
		if err == nil {
			if dpdk.LcoreID() < 0 {
				err = errors.New("no lcore number")
			}
			f()
			dpdk.UnregisterThread()
		}
		runtime.UnlockOSThread()
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestMempool(t *testing.T) {
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	check := func() {
		for range 100 {
			pool.Alloc(b, packet.BatchSize)
			if b.N != packet.BatchSize {
				t.Error("no buffers")
				return
			}
			for i, p := range b.Bufs[:b.N] {
				if p.HeadRoom() != packet.Headroom || p.TailRoom() != 2048 || p.Len() != 0 || p.Segs() != 1 || p.Next() != nil {
					t.Errorf("fresh buffer: headroom %d, tailroom %d, len %d", p.HeadRoom(), p.TailRoom(), p.Len())
					return
				}
				copy(p.Append(100), bytes.Repeat([]byte{byte(i)}, 100))
			}
			c := pool.Clone(b.Bufs[3])
			if !bytes.Equal(c.Contents(), bytes.Repeat([]byte{3}, 100)) {
				t.Error("the clone differs")
			}
			pool.FreeOne(c)
			if n := pool.InUse(); n != packet.BatchSize {
				t.Errorf("%d in use", n)
				return
			}
			pool.Free(b)
		}
	}
	check()
	polling(t, check)
	small, err := dpdk.NewMempool(dpdk.MempoolConf{Name: "small", Bufs: 40, Room: 128, Socket: -1})
	if err != nil {
		t.Fatal(err)
	}
	b2 := packet.NewBatch()
	defer packet.FreeBatch(b2)
	small.Alloc(b, 32)
	small.Alloc(b2, 32)
	if b.N != 32 || b2.N != small.Size()-32 || small.InUse() != small.Size() {
		t.Fatalf("%d and %d of %d", b.N, b2.N, small.Size())
	}
	small.Free(b)
	small.Free(b2)
	if small.InUse() != 0 {
		t.Fatal("leak")
	}
	small.Release()
	if _, err := dpdk.NewMempool(dpdk.MempoolConf{Name: "huge", Bufs: 1 << 24, Room: 60000, Socket: -1}); !errors.Is(err, unix.ENOMEM) {
		t.Fatal(err)
	}
}

// TestRing sends through net_ring, which gives back what it is sent.
func TestRing(t *testing.T) {
	o := NewOpener(logTo(t))
	p := open(t, o, "r0", "net_ring_gv0", "n_rxq", "1")
	if s := p.Status(); !s.AdminUp || !s.LinkUp || s.MTU != 1500 || s.Driver["driver_name"] != "net_ring" || s.Driver["bus_info"] != "bus_name=vdev" {
		t.Fatalf("%+v", s)
	}
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	polling(t, func() {
		for round := range 50 {
			pool.Alloc(b, 20)
			for i, q := range b.Bufs[:b.N] {
				q.SetData(bytes.Repeat([]byte{byte(i + round)}, 60+i))
			}
			p.Tx(0, b)
			if b.N != 0 {
				t.Error("Tx left the batch full")
			}
			p.Rx(0, b)
			if b.N != 20 {
				t.Errorf("received %d", b.N)
				return
			}
			for i, q := range b.Bufs[:b.N] {
				if !bytes.Equal(q.Contents(), bytes.Repeat([]byte{byte(i + round)}, 60+i)) {
					t.Errorf("packet %d differs", i)
				}
			}
			pool.Free(b)
		}
		// One frame longer than the MTU allows, between two others.
		pool.Alloc(b, 3)
		for _, q := range b.Bufs[:3] {
			q.SetData(make([]byte, 1518))
		}
		b.Bufs[1].SetData(make([]byte, 1519))
		p.Tx(0, b)
		p.Rx(0, b)
		if b.N != 2 {
			t.Errorf("received %d", b.N)
		}
		pool.Free(b)
	})
	var s ports.Stats
	p.Stats(&s)
	if s.RxPackets != 1002 || s.TxPackets != 1002 || s.TxDropped != 1 || s.Custom["ovs_tx_mtu_exceeded_drops"] != 1 || s.Custom["ovs_tx_failure_drops"] != 0 {
		t.Fatalf("%+v", s)
	}
	if _, ok := s.Custom["rx_q0_packets"]; !ok {
		t.Fatalf("%+v", s.Custom)
	}
	// The ring holds fewer than this: the rest is dropped and counted.
	polling(t, func() {
		for range 200 {
			pool.Alloc(b, 32)
			for _, q := range b.Bufs[:b.N] {
				q.SetData(make([]byte, 60))
			}
			p.Tx(0, b)
		}
		got := 0
		for p.Rx(0, b); b.N > 0; p.Rx(0, b) {
			got += b.N
			pool.Free(b)
		}
		p.Stats(&s)
		if uint64(got)+s.Custom["ovs_tx_failure_drops"] != 6400 || got == 0 || s.TxDropped != s.Custom["ovs_tx_failure_drops"]+1 {
			t.Errorf("%d received, %+v", got, s)
		}
	})
}

// TestPcap reads a capture with a jumbo frame and writes it to another.
func TestPcap(t *testing.T) {
	o := NewOpener(logTo(t))
	out := filepath.Join(t.TempDir(), "out.pcap")
	frames := [][]byte{bytes.Repeat([]byte{1}, 60), bytes.Repeat([]byte{2}, 5000), bytes.Repeat([]byte{3}, 1514)}
	in := open(t, o, "in", "net_pcap_gv0,rx_pcap="+writePcap(t, frames...))
	to := open(t, o, "out", "net_pcap_gv1,tx_pcap="+out)
	if err := to.SetMTU(9000); err != nil {
		t.Fatal(err)
	}
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	polling(t, func() {
		in.Rx(0, b)
		if b.N != 3 || b.Bufs[1].Len() != 5000 || b.Bufs[1].Segs() != 3 {
			t.Errorf("%d packets", b.N)
		}
		for i, f := range frames {
			if i < b.N && !bytes.Equal(b.Bufs[i].Contents(), f) {
				t.Errorf("frame %d differs", i)
			}
		}
		to.Tx(0, b)
	})
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(out)
	for i, f := range frames {
		if !bytes.Contains(got, f) {
			t.Errorf("frame %d is not in the written capture", i)
		}
	}
}

// TestErrors compares with what Open vSwitch 3.1 writes to Interface.error for the same settings.
func TestErrors(t *testing.T) {
	o := NewOpener(logTo(t))
	open(t, o, "dp1", "net_null_gv0")
	for devargs, want := range map[string]string{
		"":                                "'dp0' is missing 'options:dpdk-devargs'. The old 'dpdk<port_id>' names are not supported",
		"bogus0":                          "Error attaching device 'bogus0' to DPDK",
		"0000:05:00.0":                    "Error attaching device '0000:05:00.0' to DPDK",
		"net_null_gv0":                    "'dp0' is trying to use device 'net_null_gv0' which is already in use by 'dp1'",
		"class=eth,mac=00:11:22:33:44:55": "Error attaching device 'class=eth,mac=00:11:22:33:44:55' to DPDK",
		"class=eth,mac=zz":                "Error attaching device 'class=eth,mac=zz' to DPDK",
		"net_pcap0,rx_pcap=/nonexistent":  "Error attaching device 'net_pcap0,rx_pcap=/nonexistent' to DPDK",
		",,,":                             "Error attaching device ',,,' to DPDK",
	} {
		if _, err := o.Open(ports.Config{Name: "dp0", Options: map[string]string{"dpdk-devargs": devargs}, Alloc: pool}); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", devargs, err, want)
		}
	}
	arena, _ := packet.NewArena(0, 0)
	if _, err := o.Open(ports.Config{Name: "dp0", Alloc: arena}); !errors.Is(err, ports.ErrNoDPDK) {
		t.Error(err)
	}
}

func TestByMAC(t *testing.T) {
	o := NewOpener(logTo(t))
	mac, _ := net.ParseMAC("02:00:00:00:77:01")
	id, err := dpdk.EthAttach("net_null_gvmac")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dpdk.EthClose(id, true) }()
	if err := dpdk.EthSetMAC(id, mac); err != nil {
		t.Fatal(err)
	}
	p := open(t, o, "m", "class=eth,mac=02:00:00:00:77:01")
	if p.id != id || p.attached || p.Status().MAC.String() != mac.String() {
		t.Fatalf("port %d %v", p.id, p.Status())
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	id, err = dpdk.EthFind("net_null_gvmac")
	t.Log("a port that was found by address is closed, its device stays:", id, err)
}

func TestQueuesAndState(t *testing.T) {
	o := NewOpener(logTo(t))
	p := open(t, o, "q", "net_null_gv3,size=100,copy=1", "n_rxq", "4", "n_rxq_desc", "77", "n_txq_desc", "512")
	if p.RxQueues() != 4 || p.TxQueues() != 2 || !p.Polled() {
		t.Fatalf("%d receive queues, %d transmit queues", p.RxQueues(), p.TxQueues())
	}
	if d := p.Describe(); d["configured_rxq_descriptors"] != "2048" || d["configured_txq_descriptors"] != "512" || d["configured_rx_queues"] != "4" {
		t.Fatal(d)
	}
	same := ports.Config{Options: map[string]string{"dpdk-devargs": p.devargs, "n_rxq": "4", "n_txq_desc": "512", "x": "y"}, TxQs: 2}
	if err := p.Reconfigure(same); err != nil {
		t.Fatal(err)
	}
	same.Options["n_rxq"] = "2"
	if err := p.Reconfigure(same); !errors.Is(err, ports.ErrReopen) {
		t.Fatal(err)
	}
	mac, _ := net.ParseMAC("02:00:00:00:00:09")
	seq := p.Seq()
	if p.SetMAC(mac) != nil || p.SetAdminUp(false) != nil || p.Seq() == seq {
		t.Fatal("cannot set")
	}
	if err := p.SetMTU(9000); err != nil {
		t.Fatal(err)
	}
	if s := p.Status(); s.MAC.String() != mac.String() || s.AdminUp || s.LinkUp || s.MTU != 9000 || s.Driver["link_speed"] != "10Gbps" || s.LinkSpeed != 1e10 || !s.FullDuplex {
		t.Fatalf("%+v", s)
	}
	if p.SetMTU(10) == nil || p.SetMTU(1<<20) == nil {
		t.Fatal("a mad MTU passed")
	}
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	polling(t, func() {
		for q := range 4 {
			p.Rx(q, b)
			if b.N != 32 || b.Bufs[31].Len() != 100 {
				t.Errorf("queue %d: %d", q, b.N)
			}
			p.Tx(q%2, b)
		}
	})
}

func countFDs(t *testing.T) int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

func countThreads(t *testing.T) int {
	d, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// TestOpenClose opens and closes devices 200 times and looks for leaks.
func TestOpenClose(t *testing.T) {
	o := NewOpener(nil)
	capture := writePcap(t, make([]byte, 60))
	b := packet.NewBatch()
	defer packet.FreeBatch(b)
	round := func() {
		for _, devargs := range []string{"net_null_gv5", "net_pcap_gv5,rx_pcap=" + capture + ",infinite_rx=1", "net_ring_gv5", "bogus7"} {
			p, err := o.Open(ports.Config{Name: "p", Type: "dpdk", Options: map[string]string{"dpdk-devargs": devargs}, TxQs: 1, Alloc: pool})
			if err != nil {
				if devargs != "bogus7" {
					t.Fatal(err)
				}
				continue
			}
			p.Rx(0, b)
			p.Tx(0, b)
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	fds, threads, bufs := countFDs(t), countThreads(t), pool.InUse()
	for range 200 {
		round()
	}
	if f, th, n := countFDs(t), countThreads(t), pool.InUse(); f != fds || th > threads+2 || n != bufs {
		t.Fatalf("descriptors %d, were %d; threads %d, were %d; buffers %d, were %d", f, fds, th, threads, n, bufs)
	}
}
