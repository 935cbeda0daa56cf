package netdev

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"govs/ports"
)

// Shared is a Kernel that is opened when it is first asked for, in the network namespace of the thread that asks; what openers of
// ports on kernel devices have in common. It may be used from any goroutine. The zero value is ready.
type Shared struct {
	mu     sync.Mutex // guards kernel
	kernel *Kernel
}

// Kernel returns the Kernel.
func (s *Shared) Kernel() (*Kernel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kernel == nil {
		k, err := Open()
		if err != nil {
			return nil, err
		}
		s.kernel = k
	}
	return s.kernel, nil
}

// Close ends the watching of devices. All ports must be closed.
func (s *Shared) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kernel != nil {
		s.kernel.Close()
		s.kernel = nil
	}
}

// Device is a port's device as the kernel has it: the part of ports.Port that ports on kernel devices have in common. They have one
// receive queue and wait for it.
type Device struct {
	name, typ string
	kernel    *Kernel
	index     int
	txQs      int
	seq       atomic.Uint64
	unwatch   func()
}

// Bind makes d the device of that index, and watches it until Unbind.
func (d *Device) Bind(k *Kernel, index int, c ports.Config) {
	d.name, d.typ, d.kernel, d.index, d.txQs = c.Name, c.Type, k, index, max(1, c.TxQs)
	d.seq.Store(1)
	d.unwatch = k.Watch(index, func() { d.seq.Add(1) })
}

// Unbind ends the watching. Once.
func (d *Device) Unbind() { d.unwatch() }

// Configure gives the device the address and the MTU that c asks for.
func (d *Device) Configure(c ports.Config) error {
	if c.MAC != nil {
		if err := d.SetMAC(c.MAC); err != nil {
			return err
		}
	}
	if c.MTU > 0 {
		return d.SetMTU(c.MTU)
	}
	return nil
}

// Index is the interface index.
func (d *Device) Index() int { return d.index }

// KernelStats fills s with the kernel's counters of the device, and says whether it could.
func (d *Device) KernelStats(s *ports.Stats) bool { return d.kernel.Stats(d.index, s) == nil }

// Name implements ports.Port.
func (d *Device) Name() string { return d.name }

// Type implements ports.Port.
func (d *Device) Type() string { return d.typ }

// Polled implements ports.Port.
func (d *Device) Polled() bool { return false }

// RxQueues implements ports.Port.
func (d *Device) RxQueues() int { return 1 }

// TxQueues implements ports.Port.
func (d *Device) TxQueues() int { return d.txQs }

// Seq implements ports.Port.
func (d *Device) Seq() uint64 { return d.seq.Load() }

// Status implements ports.Port.
func (d *Device) Status() ports.Status {
	s := d.kernel.Status(d.index)
	s.RxQueues, s.TxQueues = 1, d.txQs
	return s
}

// SetMTU implements ports.Port.
func (d *Device) SetMTU(mtu int) error { return d.set("MTU", d.kernel.SetMTU(d.index, mtu)) }

// SetMAC implements ports.Port.
func (d *Device) SetMAC(mac net.HardwareAddr) error {
	return d.set("address", d.kernel.SetMAC(d.index, mac))
}

// SetAdminUp implements ports.Port.
func (d *Device) SetAdminUp(up bool) error { return d.set("state", d.kernel.SetUp(d.index, up)) }

func (d *Device) set(what string, err error) error {
	d.seq.Add(1)
	if err != nil {
		return fmt.Errorf("%s: cannot set the %s: %w", d.name, what, err)
	}
	return nil
}
