//go:build dpdk

package vhostuser

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

// BenchmarkForward passes bursts between two guests (one testpmd with two devices, in flowgen mode, on the first
// processor) through the Port interface on the last processor. Only the calls that moved packets are timed.
func BenchmarkForward(b *testing.B) {
	if runtime.NumCPU() < 2 {
		b.Skip("needs two processors")
	}
	dir := shortDir(b)
	o := NewOpener(Settings{}, nil)
	var p [2]*Port
	for i, name := range []string{"a", "b"} {
		p[i] = open(b, o, ports.Config{Name: name, Type: "dpdkvhostuserclient", Options: map[string]string{"vhost-server-path": filepath.Join(dir, name)}})
	}
	start(b, "net_virtio_user0,server=1,queues=1,path="+filepath.Join(dir, "a"), "flowgen",
		"--vdev", "net_virtio_user1,server=1,queues=1,path="+filepath.Join(dir, "b"), "--")
	for i := range p {
		wait(b, "the guest", connected(p[i]))
	}
	batch := packet.NewBatch()
	defer packet.FreeBatch(batch)
	done := make(chan float64)
	b.ResetTimer()
	go func() {
		runtime.LockOSThread()
		var set unix.CPUSet
		set.Set(runtime.NumCPU() - 1)
		_ = unix.SchedSetaffinity(0, &set)
		if err := dpdk.RegisterThread(); err != nil {
			b.Error(err)
		}
		defer dpdk.UnregisterThread()
		best := 1e9
		begin := time.Now()
		for round := 0; round < 200 || time.Since(begin) < 2*time.Second; round++ {
			n, empty := 0, 0
			start := time.Now()
			for range 500 {
				for i := range 2 {
					p[i].Rx(0, batch)
					if batch.N == 0 {
						empty++
						continue
					}
					n += batch.N
					p[1-i].Tx(0, batch)
				}
			}
			if n > 16000 {
				best = min(best, float64(time.Since(start).Nanoseconds())/float64(n))
			}
		}
		done <- best
	}()
	b.ReportMetric(<-done, "ns/packet")
}
