package dpdk

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrNoDPDK is returned by everything when the program was built without the tag dpdk, or before Start.
var ErrNoDPDK = errors.New("DPDK not available")

// Error is a failed DPDK call.
type Error struct {
	Op    string        // what was tried, e.g. "rte_eth_dev_configure"
	Errno syscall.Errno // DPDK's reason; 0 when it gave none
}

// Error gives the operation and the reason as the C library words it.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Op, ErrnoText(e.Errno)) }

// Unwrap lets errors.Is find the errno.
func (e *Error) Unwrap() error { return e.Errno }

// ErrnoText is strerror's text of e, which begins with a capital letter where Go's does not.
func ErrnoText(e syscall.Errno) string {
	t := e.Error()
	if t != "" && 'a' <= t[0] && t[0] <= 'z' {
		t = string(t[0]-'a'+'A') + t[1:]
	}
	return t
}

// LogFunc gets DPDK's log lines. level is RTE_LOG_EMERG (1) to RTE_LOG_DEBUG (8). It is called from one goroutine.
type LogFunc func(level int, line string)

// EthInfo describes an Ethernet device.
type EthInfo struct {
	Port                          uint16
	Driver                        string
	BusInfo                       string // bus name and what identifies the device there
	NUMA                          int    // -1: any
	MinRxBuf, MaxRxPktLen         uint32
	MaxRxQs, MaxTxQs              uint16
	MaxMACs, MaxHashMACs          uint32
	MaxVFs, MaxVMDqPools          uint16
	MinMTU, MaxMTU                uint16
	IfIndex                       uint32
	RxChecksum, TxMultiSeg        bool // offload capabilities
	RxScatter, TxChecksum, TxTSO  bool
	RxDescMax, RxDescMin          uint16
	TxDescMax, TxDescMin          uint16
	RxDescAlign, TxDescAlign      uint16
	IsRepresentor, LSCInterrupted bool
}

// EthConf is how EthConfigure sets a device up.
type EthConf struct {
	RxQs, TxQs       int
	RxDescs, TxDescs int
	MTU              int
	Pool             *Mempool
}

// EthLink is the state of a device's link.
type EthLink struct {
	Up         bool
	FullDuplex bool
	Speed      uint64 // bits per second, 0 unknown
}

// EthStats are a device's basic counters (struct rte_eth_stats).
type EthStats struct {
	RxPackets, TxPackets, RxBytes, TxBytes, RxMissed, RxErrors, TxErrors, RxNoMbuf uint64
}

// VhostFlags are how a vhost-user socket is registered.
type VhostFlags struct {
	Client   bool // connect to the guest's socket (and again when the connection is lost) instead of listening
	IOMMU    bool
	Postcopy bool
}

// VhostMaxQueuePairs is the most queue pairs of one vhost-user port.
const VhostMaxQueuePairs = 64

// VhostState is a consistent view of what a vhost-user port's guest is doing.
type VhostState struct {
	Connected  bool
	VID        int // DPDK's device number, -1 when there is none
	NUMA       int
	Vrings     int
	VringSizes []int // of the first Vrings rings, 0 unknown
	RxQueues   int   // queues that the guest transmits on and has enabled: one more than the highest one
	TxQueues   int   // queues that the guest receives on and has enabled
	Features   uint64
	Connects   uint64 // times a guest came up, ever
	MTU        int    // the guest's MTU, 0 when it did not negotiate one
}

// VhostQueue are the counters of one queue of a vhost-user port, from its registration on.
type VhostQueue struct {
	Packets, Bytes       uint64
	Multicast, Broadcast uint64    // packets
	Failed               uint64    // sent: no room in the guest's ring
	Retries              uint64    // sent: times a full ring was tried again
	MTUExceeded          uint64    // sent: longer than the port's MTU allows
	Disabled             uint64    // sent: while no guest was there or it had no queue enabled
	Sizes                [8]uint64 // packets of less than 64 bytes, 64, 65-127, 128-255, 256-511, 512-1023, 1024-1518, more
	Direct               uint64    // of the packets, those that did not go through rte_vhost's own bursts
}
