//go:build dpdk

package dpdk

/*
#cgo noescape gv_vhost_rx
#cgo nocallback gv_vhost_rx
#cgo noescape gv_vhost_tx
#cgo nocallback gv_vhost_tx
#cgo nocallback gv_vhost_seq
#include <stdlib.h>
#include "gv.h"
*/
import "C"

import (
	"syscall"
	"unsafe"

	"govs/packet"
)

var _ = [1]int{}[C.GV_VHOST_QPAIRS-VhostMaxQueuePairs]

// Vhost is a registered vhost-user socket. Rx and Tx may be called from any registered or unregistered thread, Rx on one
// queue by one at a time; all methods are safe while guests come and go, until Unregister.
type Vhost struct{ p unsafe.Pointer }

// VhostRegister makes a vhost-user socket at path, in server mode listening there, in client mode connecting to it (at
// once if somebody listens, else again and again in the background). Packets are received into pool.
func VhostRegister(path string, f VhostFlags, pool *Mempool) (*Vhost, error) {
	if !Ready() {
		return nil, ErrNoDPDK
	}
	flags := C.uint(0)
	if f.Client {
		flags |= C.GV_VHOST_CLIENT
	}
	if f.IOMMU {
		flags |= C.GV_VHOST_IOMMU
	}
	if f.Postcopy {
		flags |= C.GV_VHOST_POSTCOPY
	}
	s := C.CString(path)
	defer C.free(unsafe.Pointer(s))
	var errno C.int
	p := C.gv_vhost_register(s, flags, pool.mp, &errno)
	if p == nil {
		return nil, &Error{"rte_vhost_driver_register " + path, syscall.Errno(errno)}
	}
	return &Vhost{p}, nil
}

// Unregister disconnects the guest and closes the socket. Rx and Tx must not be called any more.
func (v *Vhost) Unregister() error {
	if r := C.gv_vhost_unregister(v.p); r != 0 {
		return &Error{"rte_vhost_driver_unregister", syscall.EIO}
	}
	v.p = nil
	return nil
}

// Seq changes when State may have changed.
func (v *Vhost) Seq() uint64 { return uint64(C.gv_vhost_seq(v.p)) }

// State says what the guest is doing.
func (v *Vhost) State() VhostState {
	var c C.struct_gv_vhost_state
	C.gv_vhost_state(v.p, &c)
	s := VhostState{
		Connected: c.vid >= 0, VID: int(c.vid), NUMA: int(c.numa), Vrings: int(c.vrings), RxQueues: int(c.rxqs), TxQueues: int(c.txqs),
		Features: uint64(c.features), Connects: uint64(c.connects), MTU: int(c.mtu),
	}
	if s.Connected {
		for _, n := range c.sizes[:s.Vrings] {
			s.VringSizes = append(s.VringSizes, int(n))
		}
	}
	return s
}

// Counters reads the packet counters of queue pair q: of what was received from the guest and what was sent to it.
func (v *Vhost) Counters(q int) (rx, tx VhostQueue) {
	var r, t [C.GV_C_N]C.uint64_t
	C.gv_vhost_counters(v.p, C.int(q), &r[0], &t[0])
	return queueCounters(&r), queueCounters(&t)
}

func queueCounters(c *[C.GV_C_N]C.uint64_t) VhostQueue {
	q := VhostQueue{
		Packets: uint64(c[C.GV_C_PACKETS]), Bytes: uint64(c[C.GV_C_BYTES]),
		Multicast: uint64(c[C.GV_C_MULTICAST]), Broadcast: uint64(c[C.GV_C_BROADCAST]),
		Failed: uint64(c[C.GV_C_DROPPED]), Retries: uint64(c[C.GV_C_RETRIES]),
		MTUExceeded: uint64(c[C.GV_C_MTU]), Disabled: uint64(c[C.GV_C_DISABLED]), Direct: uint64(c[C.GV_C_DIRECT]),
	}
	for i := range q.Sizes {
		q.Sizes[i] = uint64(c[C.GV_C_UNDER+i])
	}
	return q
}

// RxEnabled says whether the guest has enabled its transmit queue of pair q.
func (v *Vhost) RxEnabled(q int) bool {
	return q >= 0 && q < VhostMaxQueuePairs && C.gv_vhost_rx_enabled(v.p, C.int(q)) != 0
}

// Set changes the longest frame that is sent, in bytes, and how often a full ring is tried again.
func (v *Vhost) Set(maxLen, retries int) {
	C.gv_vhost_set(v.p, C.uint32_t(maxLen), C.int(retries))
}

// Signal asks the guest to signal packets that it puts into its transmit queue of pair q, or not to. The descriptor, which the caller
// closes, then has an event of epoll(7) (EPOLLET: it is never read) for each signal; -1 when there is no such queue now. Packets that
// were there before may not be signalled: look after Signal. It may take some microseconds.
func (v *Vhost) Signal(q int, on bool) (fd int) {
	flag := C.int(0)
	if on {
		flag = 1
	}
	return int(C.gv_vhost_signal(v.p, C.uint16_t(q), flag))
}

// Waiting is the number of packets in the guest's transmit queue of pair q.
func (v *Vhost) Waiting(q int) int { return int(C.gv_vhost_waiting(v.p, C.uint16_t(q))) }

// Rx receives a burst from the guest's transmit queue of pair q into b, which is empty; nothing when there is no such queue.
func (v *Vhost) Rx(q int, b *packet.Batch) {
	if fast {
		a := fastArgs{object: v.p, queue: uint64(q), batch: uintptr(unsafe.Pointer(b))}
		a.call(fastVhostRx)
		return
	}
	C.gv_vhost_rx(v.p, C.uint16_t(q), C.uintptr_t(uintptr(unsafe.Pointer(b))))
}

// Tx sends a burst to the guest and takes all of it; what cannot be sent is counted.
func (v *Vhost) Tx(q int, b *packet.Batch) {
	if fast {
		a := fastArgs{object: v.p, queue: uint64(q), batch: uintptr(unsafe.Pointer(b))}
		a.call(fastVhostTx)
		return
	}
	C.gv_vhost_tx(v.p, C.uint16_t(q), C.uintptr_t(uintptr(unsafe.Pointer(b))))
}
