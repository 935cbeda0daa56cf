package ports

import (
	"errors"
	"net"
	"syscall"

	"govs/packet"
)

// Stats are a port's counters since it was opened, in the terms of the Interface table's statistics column
// (ovs-vswitchd.conf.db(5)). A counter that the device does not have is NotCounted.
type Stats struct {
	RxPackets, TxPackets, RxBytes, TxBytes    uint64
	RxDropped, TxDropped, RxErrors, TxErrors  uint64
	Multicast, Collisions                     uint64
	RxLengthErrors, RxOverErrors, RxCRCErrors uint64
	RxFrameErrors, RxFIFOErrors, RxMissed     uint64
	TxAborted, TxCarrier, TxFIFO, TxHeartbeat uint64
	TxWindow                                  uint64
	Custom                                    map[string]uint64 // device-specific, e.g. ovs_tx_failure_drops, rx_q0_good_packets
}

// NotCounted marks a statistic that a device does not keep.
const NotCounted = ^uint64(0)

// Unset returns Stats of which nothing is counted, for implementations to start from.
func Unset() Stats {
	const n = NotCounted
	return Stats{n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, nil}
}

// Status is what a port reports about itself now.
type Status struct {
	MAC        net.HardwareAddr
	MTU        int
	AdminUp    bool
	LinkUp     bool
	LinkSpeed  uint64 // bits per second; 0 unknown
	FullDuplex bool
	LinkResets uint64            // times the link went up or down
	IfIndex    int               // 0 when it has none
	Driver     map[string]string // the Interface table's status column
	RxQueues   int
	TxQueues   int
}

// Port is one device of a datapath.
type Port interface {
	// Name is the Interface's name.
	Name() string
	// Type is the Interface's type as in the database ("dpdk", "dpdkvhostuserclient", "system", "internal", "dummy"…).
	Type() string
	// Polled says whether PMDs poll the port (true) or the datapath's non-PMD goroutine waits on it (false).
	Polled() bool
	// RxQueues is the number of receive queues that are worth polling, at least 1. It is constant while the port is open,
	// but for vhost-user ports: there it follows the guest, Seq changes with it, and Rx on a queue that is not, or no
	// longer, there is harmless and finds nothing.
	RxQueues() int
	// TxQueues is the number of transmit queues, at least 1; constant while the port is open.
	TxQueues() int
	// Rx receives a burst from queue q into b (which is empty on entry), sets b.N, and never blocks.
	// The packets belong to the caller.
	Rx(q int, b *packet.Batch)
	// Tx sends all of b on queue q and takes ownership of every packet: what could not be sent is freed and counted
	// in the port's statistics as TxDropped. Sets b.N to 0. Never blocks.
	Tx(q int, b *packet.Batch)
	// Stats fills s with the counters.
	Stats(s *Stats)
	// Status reports the present state. Seq changes whenever Status may have changed, and is cheap to call.
	Status() Status
	Seq() uint64
	// SetMTU, SetMAC and SetAdminUp change the device; ErrUnsupported when it cannot.
	SetMTU(mtu int) error
	SetMAC(mac net.HardwareAddr) error
	SetAdminUp(up bool) error
	// Close releases the device. The datapath no longer calls Rx or Tx.
	Close() error
}

// Waiter is implemented by ports that are not Polled: WaitFD is a file descriptor that becomes readable (poll(2) POLLIN)
// when Rx may return a packet.
type Waiter interface {
	WaitFD() int
}

// QueueEnabler is implemented by ports whose receive queues can be switched off by the other side (a guest). A queue
// that is not enabled need not be polled; polling it is harmless. Seq changes with it.
type QueueEnabler interface {
	RxEnabled(q int) bool
}

// Signaler is implemented by Polled ports whose receive queues can wake a poller that sleeps.
type Signaler interface {
	// SignalRx asks the device to signal the arrival of packets in queue q, or not to any more. With on it returns a descriptor,
	// which the caller closes, that has an edge-triggered event of epoll(7) for each signal, or -1 when nothing can come
	// before the port's state changes. Packets that were there before may not be signalled: look for them afterwards.
	// Only q's poller calls it.
	SignalRx(q int, on bool) (fd int)
}

// Steady is implemented by ports and allocators whose operations on packets (Rx, Tx; Alloc, Free) never make the goroutine wait: no
// mutex, no channel, no system call that the runtime knows of. A poller that has only such need not be preemptible.
type Steady interface {
	Steady() bool
}

// TxSharer is implemented by ports of which several goroutines may call Tx for the same queue at the same time: others' calls the datapath
// guards.
type TxSharer interface {
	TxShared() bool
}

// Backlogger is implemented by ports that can tell how many packets wait in a receive queue. Only q's poller calls it.
type Backlogger interface {
	RxBacklog(q int) int
}

// Describer is implemented by ports whose present configuration dpctl/show and dpif/show print after the type, as
// "configured_rx_queues=1, mtu=1500, ...", in key order.
type Describer interface {
	Describe() map[string]string
}

// OpenError is the original's text when a device cannot be opened: "could not open network device NAME (REASON)".
type OpenError struct {
	Name string
	Err  error // an errno or a sentence
}

// Error gives the text for Interface.error.
func (e *OpenError) Error() string {
	return "could not open network device " + e.Name + " (" + ErrText(e.Err) + ")"
}

// Unwrap gives the reason.
func (e *OpenError) Unwrap() error { return e.Err }

// ErrText is err's text; of a system error the C library's, which begins with a capital letter where Go's does not.
func ErrText(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	t := errno.Error()
	if t != "" && 'a' <= t[0] && t[0] <= 'z' {
		t = string(t[0]-'a'+'A') + t[1:]
	}
	return t
}

// Errors that implementations wrap.
var (
	ErrUnsupported = errors.New("operation not supported")
	ErrNoDPDK      = errors.New("DPDK not available")
	ErrReopen      = errors.New("the port must be closed and opened again")
)

// Reconfigurer is implemented by ports that can take changed options while they are open.
type Reconfigurer interface {
	// Reconfigure puts c into force while Rx and Tx go on, or changes nothing and returns ErrReopen when that needs a
	// new port. c's MTU and MAC are not looked at: SetMTU and SetMAC change them. TxQs of 0 means as many as before.
	Reconfigure(c Config) error
}

// Config is what a port is opened with; unknown options are ignored, as the original does.
type Config struct {
	Name    string
	Type    string
	Options map[string]string // the Interface's options column
	MTU     int               // mtu_request, 0 for the default
	MAC     net.HardwareAddr  // requested address or nil
	RxQs    int               // options:n_rxq, 0 for the default
	TxQs    int               // number of transmit queues that the datapath wants (PMDs + 1)
	Alloc   packet.Allocator
}

// Opener opens ports of one or more types. An error is written to Interface.error as it is.
type Opener interface {
	Types() []string
	Open(c Config) (Port, error)
}
