package guest

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"govs/cgo/dpdk"
	"govs/internal/affinity"
	"govs/internal/tsc"
)

// OnThread runs f on a thread of its own, on processor 0 and before all others there.
func OnThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		err := affinity.Pin(0)
		if err == nil {
			err = dpdk.RegisterThread()
		}
		if err == nil {
			defer dpdk.UnregisterThread()
			_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -20) // as good as we may
			_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
			err = f()
		}
		done <- err
	}()
	return <-done
}

// StartDPDK starts DPDK in this process and makes the guests' mempool. hz is the rate of the time-stamp counter.
func StartDPDK(name string, bufs int) (pool *dpdk.Mempool, hz float64, err error) {
	t0, c0 := time.Now(), tsc.Read()
	var last []string
	if err := dpdk.Start([]string{name, "--no-pci", "--in-memory", "--single-file-segments", "-l", "0"}, func(_ int, line string) {
		last = append(last, line)
	}); err != nil {
		return nil, 0, fmt.Errorf("%w\n%s", err, strings.Join(last, "\n"))
	}
	if pool, err = dpdk.NewMempool(dpdk.MempoolConf{Name: name, Bufs: bufs, Cache: 256, Room: 2048, Socket: -1}); err != nil {
		return nil, 0, err
	}
	time.Sleep(200*time.Millisecond - time.Since(t0))
	return pool, float64(tsc.Read()-c0) / time.Since(t0).Seconds(), nil
}

// attach makes the guests' ports on the sockets and waits until the switch has connected to all of them.
func attach(pool *dpdk.Mempool, socks []string, ring int) (ids []uint16, err error) {
	for i, sock := range socks {
		id, err := dpdk.EthAttach(fmt.Sprintf("net_virtio_user%d,path=%s,server=1,queues=1,queue_size=%d", i, sock, ring))
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
		if err := dpdk.EthConfigure(id, dpdk.EthConf{RxQs: 1, TxQs: 1, RxDescs: ring, TxDescs: ring, MTU: 1500, Pool: pool}); err != nil {
			return ids, err
		}
		if err := dpdk.EthStart(id); err != nil {
			return ids, err
		}
	}
	return ids, nil
}

// Detach takes the guests' ports away.
func Detach(ids []uint16) error {
	var errs []error
	for _, id := range ids {
		errs = append(errs, dpdk.EthStop(id), dpdk.EthClose(id, true))
	}
	return errors.Join(errs...)
}
