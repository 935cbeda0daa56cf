//go:build !dpdk

package dpdk

import (
	"net"

	"govs/packet"
)

// Built says whether the program was built with DPDK.
const Built = false

// Version is empty without DPDK.
func Version() string { return "" }

// Ready is false without DPDK.
func Ready() bool { return false }

// HasHugepages is false without DPDK.
func HasHugepages() bool { return false }

// Start fails without DPDK.
func Start([]string, LogFunc) error { return ErrNoDPDK }

// Cleanup does nothing without DPDK.
func Cleanup() {}

// SetLogLevel fails without DPDK.
func SetLogLevel(string, int) error { return ErrNoDPDK }

// RegisterThread fails without DPDK.
func RegisterThread() error { return ErrNoDPDK }

// UnregisterThread does nothing without DPDK.
func UnregisterThread() {}

// LcoreID is -1 without DPDK.
func LcoreID() int { return -1 }

// Mempool cannot be had without DPDK.
type Mempool struct{ none packet.Arena }

// MempoolConf says what NewMempool makes.
type MempoolConf struct {
	Name   string // unique in the process
	Bufs   int    // number of buffers
	Cache  int    // buffers per thread cache
	Priv   int    // private bytes behind each mbuf
	Room   int    // packet bytes that a buffer holds after the headroom
	Socket int    // NUMA node, -1 any
}

// NewMempool fails without DPDK.
func NewMempool(MempoolConf) (*Mempool, error) { return nil, ErrNoDPDK }

// Release does nothing without DPDK.
func (m *Mempool) Release() {}

// Size is 0 without DPDK.
func (m *Mempool) Size() int { return 0 }

// Dump is empty without DPDK.
func (m *Mempool) Dump() string { return "" }

// Alloc implements packet.Allocator.
func (m *Mempool) Alloc(b *packet.Batch, n int) { m.none.Alloc(b, n) }

// Free implements packet.Allocator.
func (m *Mempool) Free(b *packet.Batch) { m.none.Free(b) }

// FreeOne implements packet.Allocator.
func (m *Mempool) FreeOne(p *packet.Buf) { m.none.FreeOne(p) }

// Clone implements packet.Allocator.
func (m *Mempool) Clone(p *packet.Buf) *packet.Buf { return m.none.Clone(p) }

// BufSize implements packet.Allocator.
func (m *Mempool) BufSize() int { return 0 }

// Steady says whether bursts are calls that the scheduler does not see.
const Steady = false

// InUse implements packet.Allocator.
func (m *Mempool) InUse() int { return 0 }

// EthFind fails without DPDK.
func EthFind(string) (uint16, error) { return 0, ErrNoDPDK }

// EthFindMAC fails without DPDK.
func EthFindMAC(net.HardwareAddr) (uint16, error) { return 0, ErrNoDPDK }

// EthAttach fails without DPDK.
func EthAttach(string) (uint16, error) { return 0, ErrNoDPDK }

// EthClose fails without DPDK.
func EthClose(uint16, bool) error { return ErrNoDPDK }

// EthDescribe fails without DPDK.
func EthDescribe(uint16) (EthInfo, error) { return EthInfo{}, ErrNoDPDK }

// EthConfigure fails without DPDK.
func EthConfigure(uint16, EthConf) error { return ErrNoDPDK }

// EthStart fails without DPDK.
func EthStart(uint16) error { return ErrNoDPDK }

// EthStop fails without DPDK.
func EthStop(uint16) error { return ErrNoDPDK }

// EthSetMTU fails without DPDK.
func EthSetMTU(uint16, int) error { return ErrNoDPDK }

// EthMTU is 0 without DPDK.
func EthMTU(uint16) int { return 0 }

// EthSetMAC fails without DPDK.
func EthSetMAC(uint16, net.HardwareAddr) error { return ErrNoDPDK }

// EthMAC is nil without DPDK.
func EthMAC(uint16) net.HardwareAddr { return nil }

// EthSetPromiscuous fails without DPDK.
func EthSetPromiscuous(uint16, bool) error { return ErrNoDPDK }

// EthSetLink fails without DPDK.
func EthSetLink(uint16, bool) error { return ErrNoDPDK }

// EthGetLink is down without DPDK.
func EthGetLink(uint16) EthLink { return EthLink{} }

// EthGetStats fails without DPDK.
func EthGetStats(uint16) (EthStats, error) { return EthStats{}, ErrNoDPDK }

// EthXStats fails without DPDK.
func EthXStats(uint16, func(string, uint64)) error { return ErrNoDPDK }

// EthRx receives nothing without DPDK.
func EthRx(_ uint16, _ int, b *packet.Batch) { b.N = 0 }

// EthTx cannot be called without DPDK, since no port can be opened.
func EthTx(_ uint16, _ int, b *packet.Batch, _ int) (tooLong, notSent int) {
	n := b.N
	b.N = 0
	return 0, n
}

// Vhost cannot be had without DPDK.
type Vhost struct{}

// VhostRegister fails without DPDK.
func VhostRegister(string, VhostFlags, *Mempool) (*Vhost, error) { return nil, ErrNoDPDK }

// Unregister fails without DPDK.
func (v *Vhost) Unregister() error { return ErrNoDPDK }

// Seq is 0 without DPDK.
func (v *Vhost) Seq() uint64 { return 0 }

// State is empty without DPDK.
func (v *Vhost) State() VhostState { return VhostState{VID: -1} }

// Counters are zero without DPDK.
func (v *Vhost) Counters(int) (rx, tx VhostQueue) { return VhostQueue{}, VhostQueue{} }

// RxEnabled is false without DPDK.
func (v *Vhost) RxEnabled(int) bool { return false }

// Set does nothing without DPDK.
func (v *Vhost) Set(maxLen, retries int) {}

// Signal has no guest to ask.
func (v *Vhost) Signal(q int, on bool) (fd int) { return -1 }

// Waiting finds nothing.
func (v *Vhost) Waiting(q int) int { return 0 }

// Rx receives nothing without DPDK.
func (v *Vhost) Rx(q int, b *packet.Batch) { b.N = 0 }

// Tx cannot be called without DPDK.
func (v *Vhost) Tx(q int, b *packet.Batch) { b.N = 0 }
