//go:build dpdk

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math/bits"
	"math/rand/v2"
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
	rule := flag.String("rule", "5tuple", "5tuple, in_port, or wide (which reads a few bits of an address)")
	inv := flag.Uint("emc", 100, "emc-insert-inv-prob")
	edit := flag.String("edit", "", "edit packets: set-mac, push-vlan, dec-ttl")
	core := flag.Int("core", 1, "the PMD's core")
	length := flag.Duration("for", 2*time.Second, "how long to measure")
	attacks := flag.Int("attack", 0, "distinct megaflow masks of a second port's traffic, at most 1024")
	own := flag.Bool("own", false, "the attack comes on the first port, a packet of it after each of the others")
	frames := flag.Int("frames", 8192, "the attack's packets, after which it repeats them")
	gen := flag.Bool("gen", false, "write the packets' headers as they come, instead of a capture")
	storm := flag.Bool("storm", false, "a second port's packets miss")
	profile := flag.String("cpuprofile", "", "write a profile")
	prios := flag.Bool("v", false, "show all counters")
	flag.Parse()
	runtime.GOMAXPROCS(2)

	dir, err := os.MkdirTemp("", "gv")
	check(err)
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "in.pcap")
	if !*gen {
		packets := capture(*flows)
		if *own {
			packets = turns(packets, attack(*attacks, *frames, *storm))
		}
		check(os.WriteFile(file, packets, 0o600))
	}

	if *profile != "" { // from the beginning: a poller that is held never comes to hear of it later
		f, err := os.Create(*profile)
		check(err)
		check(pprof.StartCPUProfile(f))
	}
	args, _ := dpdk.BuildArgs(dpdk.ArgsConfig{Program: "pmdbench", CPUs: []int{0}, Huge: dpdk.ProbeHugepages(), OtherConfig: map[string]string{
		"dpdk-extra": fmt.Sprintf("--no-pci --in-memory --no-telemetry --file-prefix gv%d", os.Getpid()),
	}})
	check(dpdk.Start(args, func(int, string) {}))
	bufs := max(32767, *flows*2, *frames*3)
	if *gen {
		bufs = 32767
	}
	pool, err := dpdk.NewMempool(dpdk.MempoolConf{Name: "bench", Bufs: bufs, Cache: 256, Room: 2048, Socket: -1})
	check(err)
	start := time.Now()
	d, err := pmd.New(pmd.Options{
		Name: "bench", Alloc: pool, Now: func() int64 { return time.Since(start).Milliseconds() }, Logf: log.Printf,
		ThreadStart: func(int) func() { check(dpdk.RegisterThread()); return dpdk.UnregisterThread },
	})
	check(err)
	check(d.Configure(dpif.Config{PMDCPUs: []int{*core}, EMCInsertInvProb: uint32(*inv)}))
	go answer(d, *rule, *masks, *storm, edits(*edit))
	o := dpdkport.NewOpener(log.Printf)
	open := func(name, devargs string) ports.Port {
		p, err := o.Open(ports.Config{Name: name, Type: "dpdk", Options: map[string]string{"dpdk-devargs": devargs}, TxQs: 2, Alloc: pool})
		check(err)
		return p
	}
	out := open("out", "net_null0,size=64,no-rx=1")
	out2 := open("out2", "net_null1,size=64,no-rx=1")
	_, err = d.PortAdd(out2, 4)
	check(err)
	var in2 ports.Port
	if (*attacks > 0 || *storm) && !*own {
		file := filepath.Join(dir, "in2.pcap")
		check(os.WriteFile(file, attack(*attacks, *frames, *storm), 0o600))
		in2 = open("in2", "net_pcap1,rx_pcap="+file+",infinite_rx=1")
	}
	var in ports.Port
	if *gen {
		in = &generator{Port: open("in", "net_null2,size=60"), flows: uint32(*flows), step: step(uint32(*flows))}
	} else {
		in = open("in", "net_pcap0,rx_pcap="+file+",infinite_rx=1")
	}
	_, err = d.PortAdd(out, 2)
	check(err)
	_, err = d.PortAdd(in, 1)
	check(err)
	if in2 != nil {
		time.Sleep(500 * time.Millisecond)
		alone := rate(out, *length/2)
		_, err = d.PortAdd(in2, 3)
		check(err)
		time.Sleep(2 * time.Second)
		n, a := 0, d.Counters()[1]
		beside := rate(out, *length)
		b := d.Counters()[1]
		d.Flows(func(*dpif.Flow) bool { n++; return true })
		fmt.Printf("established alone: %.2f Mpps, beside the attack: %.2f Mpps (%.0f %%); %d megaflows; attack: %.3f Mpps received, %.3f Mpps missed\n", alone, beside, 100*beside/alone, n,
			float64(b.Received-a.Received)/length.Seconds()/1e6-beside, float64(b.Misses-a.Misses)/length.Seconds()/1e6)
	}
	time.Sleep(time.Second + time.Duration(*flows/100000)*time.Second)
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
	if in2 != nil {
		check(in2.Close())
	}
	check(out2.Close())
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

// rate is what leaves by p, in millions of packets a second.
func rate(p ports.Port, length time.Duration) float64 {
	var a, b ports.Stats
	p.Stats(&a)
	start := time.Now()
	time.Sleep(length)
	p.Stats(&b)
	return float64(b.TxPackets-a.TxPackets) / time.Since(start).Seconds() / 1e6
}

// attackMask is the mask that a switch makes of a packet that differs from an allowed pair of addresses: of each address the prefix as far as
// the first bit that differs.
func attackMask(k *flow.Key) *flow.Mask {
	m := new(flow.Mask)
	m[flow.WInPort] = ^uint64(0)
	m[flow.WEthDst] = 0xffff
	for _, shift := range []int{32, 0} {
		diff := uint32(k[flow.WIPv4]>>shift) ^ uint32(uint64(0x0a000001_0b000001)>>shift)
		m[flow.WIPv4] |= uint64(^uint32(0)<<(31-bits.LeadingZeros32(diff|1))) << shift
	}
	return m
}

// edits is the action list that the flag of that name asks for.
func edits(name string) *actions.List {
	l := actions.List{}
	switch name {
	case "set-mac":
		l = append(l, actions.Action{Type: actions.TypeSetMasked, Attr: actions.AttrEth,
			Set: &actions.Set{V: [6]uint64{0x0606_0606_0606_0000, 0x0707_0707_0707_0000}, M: [6]uint64{^uint64(0xffff), ^uint64(0xffff)}}})
	case "push-vlan":
		l = append(l, actions.Action{Type: actions.TypePushVLAN, Arg: 0x8100_1007})
	case "dec-ttl":
		l = append(l, actions.Action{Type: actions.TypeSetMasked, Attr: actions.AttrIPv4, Set: &actions.Set{V: [6]uint64{1: 63 << 40}, M: [6]uint64{1: 0xff << 40}}})
	case "":
	default:
		log.Fatalf("no edit %q", name)
	}
	l = append(l, actions.Output(2))
	return &l
}

// answer is the upcall handler.
func answer(d *pmd.Datapath, rule string, masks int, storm bool, out *actions.List) {
	other := &actions.List{actions.Output(4)}
	us := make([]*dpif.Upcall, 64)
	ms := make([]*flow.Mask, masks)
	for i := range ms {
		ms[i] = new(flow.Mask)
		ms[i][flow.WInPort] = ^uint64(0)
		ms[i][flow.WEthDst] = 0xffff
		if rule == "5tuple" {
			ms[i][flow.WIPv4] = ^uint64(0)
			ms[i][flow.WL4] = 0xff0000ffffffffff
			ms[i][flow.WVLAN] = flow.VLANPresent << 32
		}
		if rule == "wide" { // four megaflows for all flows
			ms[i][flow.WIPv4] = 0x0000_0300
			ms[i][flow.WL4] = 0xff0000ff << 32
		}
		ms[i][flow.WEthSrc] = uint64(i) << 16
	}
	for {
		n, err := d.Recv(context.Background(), 0, us)
		if err != nil {
			return
		}
		for _, u := range us[:n] {
			if u.Key[flow.WIPv4]>>32 != established {
				if storm && u.Key[flow.WL4]&0xffff == 99 {
					d.Post(u, dpif.Verdict{Actions: other})
				} else {
					d.Post(u, dpif.Verdict{Install: true, Mask: attackMask(u.Key), Actions: other})
				}
				continue
			}
			d.Post(u, dpif.Verdict{Install: true, Mask: ms[int(u.Key[flow.WIPv4])%masks], Actions: out})
		}
	}
}

// turns is a capture of a packet of each in turn, until both have been through.
func turns(a, b []byte) []byte {
	const header, packet = 24, 16 + 60
	na, nb := (len(a)-header)/packet, (len(b)-header)/packet
	r := bytes.NewBuffer(pcapHeader())
	for i := range max(na, nb) {
		r.Write(a[header+i%na*packet:][:packet])
		r.Write(b[header+i%nb*packet:][:packet])
	}
	return r.Bytes()
}

// established is the source of the packets that are no attack.
const established = 0x0a000001

// attack is a capture of so many packets of that many masks' flows.
func attack(masks, total int, storm bool) []byte {
	b := bytes.NewBuffer(pcapHeader())
	one := frame()
	r := rand.New(rand.NewPCG(1, 2))
	for n := range total {
		i, j := n%max(masks, 1)/32, n%max(masks, 1)%32
		binary.BigEndian.PutUint32(one[26:], established^1<<(31-i)^r.Uint32()&(1<<(31-i)-1))
		binary.BigEndian.PutUint32(one[30:], 0x0b000001^1<<(31-j)^r.Uint32()&(1<<(31-j)-1))
		binary.BigEndian.PutUint16(one[34:], uint16(r.Uint32()))
		port := uint16(53)
		if storm {
			port = 99
		}
		binary.BigEndian.PutUint16(one[36:], port)
		check(binary.Write(b, binary.LittleEndian, []uint32{0, 0, uint32(len(one)), uint32(len(one))}))
		b.Write(one)
	}
	return b.Bytes()
}

func pcapHeader() []byte {
	var b bytes.Buffer
	for _, v := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 65535, 1} { // version 2.4, Ethernet
		check(binary.Write(&b, binary.LittleEndian, v))
	}
	return b.Bytes()
}

// frame is a UDP packet in a 64-byte frame, less the checksum that is not captured.
func frame() []byte {
	one := make([]byte, 60)
	copy(one, []byte{2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 11, 0, 0, 0})
	binary.BigEndian.PutUint16(one[36:], 53)
	binary.BigEndian.PutUint16(one[38:], 26)
	return one
}

// capture is a capture file of 64-byte UDP frames (with the checksum that is not captured), one per flow, in random order.
func capture(flows int) []byte {
	b := bytes.NewBuffer(pcapHeader())
	one := frame()
	total := max(flows, 64)
	for i := 0; i < total; i++ {
		f := uint32(i%flows) * 2654435761 % uint32(1<<20)
		binary.BigEndian.PutUint32(one[30:], 0x0b000000|f)
		binary.BigEndian.PutUint16(one[34:], uint16(i%flows))
		check(binary.Write(b, binary.LittleEndian, []uint32{0, 0, uint32(len(one)), uint32(len(one))}))
		b.Write(one)
	}
	return b.Bytes()
}

var _ packet.Allocator = (*dpdk.Mempool)(nil)
