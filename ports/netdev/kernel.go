package netdev

import (
	"fmt"
	"net"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"govs/ports"
)

// Kernel is a connection to the kernel's network devices.
type Kernel struct {
	handle *netlink.Handle
	ctl    int // a socket for ethtool requests
	done   chan struct{}

	mu    sync.Mutex        // guards watch
	watch map[int][]*func() // by interface index
}

// Open connects to the network namespace of the calling thread.
func Open() (*Kernel, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("rtnetlink: %w", err)
	}
	ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	k := &Kernel{handle: h, ctl: ctl, done: make(chan struct{}), watch: map[int][]*func(){}}
	updates := make(chan netlink.LinkUpdate, 64)
	// After an error (an overrun) the subscription ends: watchers are told that anything may have changed.
	if err := netlink.LinkSubscribeWithOptions(updates, k.done, netlink.LinkSubscribeOptions{ErrorCallback: func(error) { k.tellAll() }}); err != nil {
		unix.Close(ctl)
		h.Close()
		return nil, fmt.Errorf("rtnetlink subscription: %w", err)
	}
	go func() {
		for u := range updates {
			k.tell(int(u.Index))
		}
	}()
	return k, nil
}

// Close ends notifications and closes the sockets.
func (k *Kernel) Close() {
	close(k.done)
	k.handle.Close()
	unix.Close(k.ctl)
}

// Watch calls f, on a goroutine of the Kernel's, whenever the device with that index changes, until the returned function is called.
func (k *Kernel) Watch(index int, f func()) (stop func()) {
	entry := &f
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watch[index] = append(k.watch[index], entry)
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		var rest []*func()
		for _, e := range k.watch[index] {
			if e != entry {
				rest = append(rest, e)
			}
		}
		if len(rest) == 0 {
			delete(k.watch, index)
		} else {
			k.watch[index] = rest
		}
	}
}

func (k *Kernel) tell(index int) {
	k.mu.Lock()
	fs := k.watch[index]
	k.mu.Unlock()
	for _, f := range fs {
		(*f)()
	}
}

func (k *Kernel) tellAll() {
	k.mu.Lock()
	var indexes []int
	for i := range k.watch {
		indexes = append(indexes, i)
	}
	k.mu.Unlock()
	for _, i := range indexes {
		k.tell(i)
	}
}

// Index is the interface index of the device of that name; ENODEV when there is none.
func (k *Kernel) Index(name string) (int, error) {
	l, err := k.handle.LinkByName(name)
	if err != nil {
		if _, none := err.(netlink.LinkNotFoundError); none {
			return 0, unix.ENODEV
		}
		return 0, err
	}
	return l.Attrs().Index, nil
}

// Status reads a device's present state; a device that is gone is all zero but for the index. The queue counts are the
// caller's to fill in.
func (k *Kernel) Status(index int) ports.Status {
	s := ports.Status{IfIndex: index}
	l, err := k.handle.LinkByIndex(index)
	if err != nil {
		return s
	}
	a := l.Attrs()
	s.MAC = a.HardwareAddr
	s.MTU = a.MTU
	s.AdminUp = a.RawFlags&unix.IFF_UP != 0
	s.LinkUp = a.RawFlags&unix.IFF_RUNNING != 0
	s.LinkSpeed, s.FullDuplex = k.speed(a.Name)
	s.Driver = map[string]string{}
	if d, err := unix.IoctlGetEthtoolDrvinfo(k.ctl, a.Name); err == nil {
		s.Driver["driver_name"] = unix.ByteSliceToString(d.Driver[:])
		s.Driver["driver_version"] = unix.ByteSliceToString(d.Version[:])
		s.Driver["firmware_version"] = unix.ByteSliceToString(d.Fw_version[:])
	}
	return s
}

// Stats reads a device's counters as the kernel counts them: what the device received is RxPackets. Those that the
// original does not show for kernel devices are left uncounted.
func (k *Kernel) Stats(index int, s *ports.Stats) error {
	*s = ports.Unset()
	l, err := k.handle.LinkByIndex(index)
	if err != nil {
		return err
	}
	n := l.Attrs().Statistics
	if n == nil {
		return unix.EOPNOTSUPP
	}
	s.RxPackets, s.TxPackets, s.RxBytes, s.TxBytes = n.RxPackets, n.TxPackets, n.RxBytes, n.TxBytes
	s.RxErrors, s.TxErrors, s.RxDropped, s.TxDropped = n.RxErrors, n.TxErrors, n.RxDropped, n.TxDropped
	s.Multicast, s.Collisions = n.Multicast, n.Collisions
	s.RxOverErrors, s.RxCRCErrors, s.RxFrameErrors, s.RxMissed = n.RxOverErrors, n.RxCrcErrors, n.RxFrameErrors, n.RxMissedErrors
	return nil
}

// SetMTU changes a device's MTU.
func (k *Kernel) SetMTU(index, mtu int) error { return k.handle.LinkSetMTU(link(index), mtu) }

// SetMAC changes a device's address.
func (k *Kernel) SetMAC(index int, mac net.HardwareAddr) error {
	return k.handle.LinkSetHardwareAddr(link(index), mac)
}

// SetUp switches a device on or off.
func (k *Kernel) SetUp(index int, up bool) error {
	if up {
		return k.handle.LinkSetUp(link(index))
	}
	return k.handle.LinkSetDown(link(index))
}

func link(index int) netlink.Link {
	a := netlink.NewLinkAttrs()
	a.Index = index
	return &netlink.Device{LinkAttrs: a}
}
