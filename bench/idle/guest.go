//go:build dpdk

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"runtime"
	"time"

	"govs/cgo/dpdk"
	"govs/internal/affinity"
	"govs/packet"
	"govs/ports"
	dpdkport "govs/ports/dpdk"
)

var (
	pool   *dpdk.Mempool // made by begin
	opener *dpdkport.Opener
	serial int
)

// begin starts DPDK in this process, on the first processor: the second is the switch's.
func begin() error {
	runtime.LockOSThread()
	if err := affinity.Pin(0); err != nil {
		return err
	}
	args, _ := dpdk.BuildArgs(dpdk.ArgsConfig{Program: "idle", CPUs: []int{0}, Huge: dpdk.Hugepages{}, OtherConfig: map[string]string{
		"dpdk-extra": fmt.Sprintf("--no-pci --no-huge -m 256 --no-telemetry --file-prefix gv%d", os.Getpid()),
	}})
	if err := dpdk.Start(args, func(int, string) {}); err != nil {
		return err
	}
	var err error
	if pool, err = dpdk.NewMempool(dpdk.MempoolConf{Name: "idle", Bufs: 8191, Cache: 256, Room: 2048, Socket: -1}); err != nil {
		return err
	}
	opener = dpdkport.NewOpener(func(format string, args ...any) {
		if os.Getenv("GOVS_BENCH_VERBOSE") != "" {
			log.Printf(format, args...)
		}
	})
	return dpdk.RegisterThread()
}

func end() {
	dpdk.UnregisterThread()
	dpdk.Cleanup()
}

// guest is two virtio devices, each on a socket of the switch's.
type guest struct {
	devs  []ports.Port
	batch *packet.Batch
	seq   uint64
}

func newGuest(socks []string) (*guest, error) {
	g := &guest{batch: packet.NewBatch()}
	for _, sock := range socks {
		serial++
		p, err := opener.Open(ports.Config{Name: fmt.Sprintf("g%d", serial), Type: "dpdk", TxQs: 1, Alloc: pool,
			Options: map[string]string{"dpdk-devargs": fmt.Sprintf("net_virtio_user%d,path=%s,server=1,queues=1", serial, sock), "n_rxq_desc": "256", "n_txq_desc": "256"}})
		if err != nil {
			g.close()
			return nil, err
		}
		g.devs = append(g.devs, p)
	}
	return g, nil
}

// pass sends a packet into the first device and waits for it at the second.
func (g *guest) pass(limit time.Duration) (time.Duration, bool) {
	g.seq++
	frame := make([]byte, 64)
	copy(frame, []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint64(frame[42:], g.seq)
	g.drain()
	pool.Alloc(g.batch, 1)
	if g.batch.N != 1 || !g.batch.Bufs[0].SetData(frame) {
		log.Fatal(errors.New("no buffer"))
	}
	begin := time.Now()
	g.devs[0].Tx(0, g.batch)
	for time.Since(begin) < limit {
		g.devs[1].Rx(0, g.batch)
		for _, b := range g.batch.Bufs[:g.batch.N] {
			if d := b.Bytes(); len(d) >= 50 && binary.BigEndian.Uint64(d[42:]) == g.seq {
				took := time.Since(begin)
				pool.Free(g.batch)
				return took, true
			}
		}
		pool.Free(g.batch)
	}
	return 0, false
}

// drain throws away what is left of packets that came too late.
func (g *guest) drain() {
	for g.devs[1].Rx(0, g.batch); g.batch.N != 0; g.devs[1].Rx(0, g.batch) {
		pool.Free(g.batch)
	}
}

func (g *guest) close() {
	for _, p := range g.devs {
		if err := p.Close(); err != nil {
			log.Print(err)
		}
	}
	packet.FreeBatch(g.batch)
}
