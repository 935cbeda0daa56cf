//go:build dpdk

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"govs/actions"
	"govs/cgo/dpdk"
	"govs/dpif"
	"govs/flow"
	"govs/packet"
	"govs/pmd"
	"govs/ports"
	dpdkport "govs/ports/dpdk"
)

func main() {
	flows := flag.Int("flows", 1, "distinct five-tuples")
	masks := flag.Int("masks", 1, "distinct megaflow masks, hit evenly")
	rule := flag.String("rule", "5tuple", "5tuple or in_port")
	inv := flag.Uint("emc", 100, "emc-insert-inv-prob")
	core := flag.Int("core", 1, "the PMD's core")
	length := flag.Duration("for", 2*time.Second, "how long to measure")
	profile := flag.String("cpuprofile", "", "write a profile")
	prios := flag.Bool("v", false, "show all counters")
	flag.Parse()
	runtime.GOMAXPROCS(2)

	dir, err := os.MkdirTemp("", "gv")
	check(err)
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "in.pcap")
	check(os.WriteFile(file, capture(*flows), 0o600))

	args, _ := dpdk.BuildArgs(dpdk.ArgsConfig{Program: "pmdbench", CPUs: []int{0}, Huge: dpdk.ProbeHugepages(), OtherConfig: map[string]string{
		"dpdk-extra": fmt.Sprintf("--no-pci --in-memory --no-telemetry --file-prefix gv%d", os.Getpid()),
	}})
	check(dpdk.Start(args, func(int, string) {}))
	pool, err := dpdk.NewMempool(dpdk.MempoolConf{Name: "bench", Bufs: max(32767, *flows*2), Cache: 256, Room: 2048, Socket: -1})
	check(err)
	start := time.Now()
	d, err := pmd.New(pmd.Options{
		Name: "bench", Alloc: pool, Now: func() int64 { return time.Since(start).Milliseconds() }, Logf: log.Printf,
		ThreadStart: func(int) func() { check(dpdk.RegisterThread()); return dpdk.UnregisterThread },
	})
	check(err)
	check(d.Configure(dpif.Config{PMDCPUs: []int{*core}, EMCInsertInvProb: uint32(*inv)}))
	go answer(d, *rule, *masks)
	o := dpdkport.NewOpener(log.Printf)
	open := func(name, devargs string) ports.Port {
		p, err := o.Open(ports.Config{Name: name, Type: "dpdk", Options: map[string]string{"dpdk-devargs": devargs}, TxQs: 2, Alloc: pool})
		check(err)
		return p
	}
	out := open("out", "net_null0,size=64,no-rx=1")
	in := open("in", "net_pcap0,rx_pcap="+file+",infinite_rx=1")
	_, err = d.PortAdd(out, 2)
	check(err)
	_, err = d.PortAdd(in, 1)
	check(err)
	time.Sleep(time.Second + time.Duration(*flows/100000)*time.Second)
	if *profile != "" {
		f, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(f))
	}
	before := d.Counters()[1]
	windows := measure(d, *length)
	after := d.Counters()[1]
	if *profile != "" {
		pprof.StopCPUProfile()
	}
	n := float64(after.Received - before.Received)
	share := func(a, b uint64) float64 { return 100 * float64(a-b) / n }
	fmt.Printf("flows %7d masks %3d rule %-7s emc 1/%-3d: %6.1f cycles/packet (best decile of 1 ms: %6.1f) %5.2f Mpps  emc %5.1f%% smc %5.1f%% megaflow %5.1f%% miss %.1f%%\n",
		*flows, *masks, *rule, *inv, float64(after.BusyCycles-before.BusyCycles)/n, windows[len(windows)/10], n/length.Seconds()/1e6,
		share(after.EMCHits, before.EMCHits), share(after.SMCHits, before.SMCHits), share(after.MegaflowHits, before.MegaflowHits),
		share(after.Misses, before.Misses))
	if *prios {
		fmt.Printf("%+v\n%v\n", after, d.Drops())
		for i, c := range after.Lengths {
			if n := c - before.Lengths[i]; n > 0 {
				fmt.Printf("iterations of less than %8.1f us: %d\n", float64(uint64(1)<<i)/2596, n)
			}
		}
	}
	var s ports.Stats
	out.Stats(&s)
	if s.TxPackets == 0 {
		log.Fatal("nothing was sent")
	}
	check(d.Close())
	check(in.Close())
	check(out.Close())
	if n := pool.InUse(); n != 0 {
		log.Fatalf("%d buffers leaked", n)
	}
	dpdk.Cleanup()
}

// measure returns the cycles per packet of windows of about a millisecond, least first: those in which the PMD had its core for itself
// are among the first.
func measure(d *pmd.Datapath, length time.Duration) []float64 {
	var l []float64
	end := time.Now().Add(length)
	last := d.Counters()[1]
	for time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		c := d.Counters()[1]
		if n := c.Received - last.Received; n > 1000 {
			l = append(l, float64(c.BusyCycles-last.BusyCycles)/float64(n))
		}
		last = c
	}
	slices.Sort(l)
	return append(l, 0)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// answer is the upcall handler.
func answer(d *pmd.Datapath, rule string, masks int) {
	us := make([]*dpif.Upcall, 64)
	out := &actions.List{actions.Output(2)}
	ms := make([]*flow.Mask, masks)
	for i := range ms {
		ms[i] = new(flow.Mask)
		ms[i][flow.WInPort] = ^uint64(0)
		ms[i][flow.WEthDst] = 0xffff
		if rule == "5tuple" {
			ms[i][flow.WIPv4] = ^uint64(0)
			ms[i][flow.WL4] = 0xff000000ffffffff
		}
		ms[i][flow.WEthSrc] = uint64(i) << 16
	}
	for {
		n, err := d.Recv(context.Background(), 0, us)
		if err != nil {
			return
		}
		for _, u := range us[:n] {
			d.Post(u, dpif.Verdict{Install: true, Mask: ms[int(u.Key[flow.WIPv4])%masks], Actions: out})
		}
	}
}

// capture is a capture file of 64-byte UDP frames (with the checksum that is not captured), one per flow, in random order.
func capture(flows int) []byte {
	var b bytes.Buffer
	for _, v := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 65535, 1} { // the pcap header: version 2.4, Ethernet
		check(binary.Write(&b, binary.LittleEndian, v))
	}
	one := make([]byte, 60)
	copy(one, []byte{2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 11, 0, 0, 0})
	binary.BigEndian.PutUint16(one[36:], 53)
	binary.BigEndian.PutUint16(one[38:], 26)
	total := max(flows, 64)
	for i := 0; i < total; i++ {
		f := uint32(i%flows) * 2654435761 % uint32(1<<20)
		binary.BigEndian.PutUint32(one[30:], 0x0b000000|f)
		binary.BigEndian.PutUint16(one[34:], uint16(i%flows))
		check(binary.Write(&b, binary.LittleEndian, []uint32{0, 0, uint32(len(one)), uint32(len(one))}))
		b.Write(one)
	}
	return b.Bytes()
}

var _ packet.Allocator = (*dpdk.Mempool)(nil)
