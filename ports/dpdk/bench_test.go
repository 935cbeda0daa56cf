//go:build dpdk

package dpdk

import (
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

// BenchmarkForward passes bursts of 64-byte frames from net_pcap to net_null through the Port interface: what a poll
// loop costs before it looks at a packet. testpmd's io mode on the same devices is the floor. The smallest of many short
// measurements counts, since other programs may use the processor too.
func BenchmarkForward(b *testing.B) {
	o := NewOpener(nil)
	frames := make([][]byte, 32)
	for i := range frames {
		frames[i] = make([]byte, 60)
	}
	var in, out ports.Port = open(b, o, "in", "net_pcap_gvb,infinite_rx=1,rx_pcap="+writePcap(b, frames...)), open(b, o, "out", "net_null_gvb,no-rx=1")
	batch := packet.NewBatch()
	defer packet.FreeBatch(batch)
	done := make(chan float64)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, and its affinity with it
		var set unix.CPUSet
		set.Set(runtime.NumCPU() - 1)
		_ = unix.SchedSetaffinity(0, &set)
		if err := dpdk.RegisterThread(); err != nil {
			b.Error(err)
		}
		defer dpdk.UnregisterThread()
		const bursts = 2000
		best := 1e9
		for range max(b.N/(bursts*packet.BatchSize), 20) {
			start := time.Now()
			n := 0
			for range bursts {
				in.Rx(0, batch)
				n += batch.N
				out.Tx(0, batch)
			}
			best = min(best, float64(time.Since(start).Nanoseconds())/float64(n))
		}
		done <- best
	}()
	ns := <-done
	b.ReportMetric(ns, "ns/packet")
	b.ReportMetric(ns*ghz(), "cycles/packet")
}

// ghz is the processor's clock according to /proc/cpuinfo.
func ghz() float64 {
	s, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`cpu MHz\s*: ([0-9.]+)`).FindSubmatch(s); m != nil {
		f, _ := strconv.ParseFloat(string(m[1]), 64)
		return f / 1000
	}
	return 0
}
