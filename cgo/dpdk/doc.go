// Package dpdk is the binding to DPDK (22.11 or newer, found with pkg-config): EAL, mempools, ethdev and rte_vhost. It is
// the only package of govs that says import "C". With the build tag dpdk it is real; without, every function returns
// ErrNoDPDK, so that its users compile everywhere.
//
// Invariants: nothing that C keeps points to Go memory. Bursts are packet.Batch, which lie outside the Go heap and are
// passed by address without cgo's pointer check. C never calls Go: logs come through a pipe, vhost events through
// counters and words in C memory that Go polls. The layout of packet.Buf and packet.Batch is compared with struct
// rte_mbuf and the C batch when the package is compiled (layout.go).
//
// The direct path: most bursts of a vhost-user port read and write the guest's rings themselves (gv_vring.c) with what rte_vhost's
// public functions tell of rings and memory; rte_vhost keeps the protocol and, written back after each burst, the positions. It
// applies to split rings without an IOMMU, without the log of dirty memory (migration) and without inflight memory, and to packets
// whose header and data lie in one descriptor or one each, indirect or not. Everything else goes through rte_vhost's own bursts: packets
// in more descriptors or buffers, ones with offloads, ones longer than a buffer of the mempool, malformed ones, packed rings, the first
// burst after each message of the guest's, and all after a message that failed.
//
// Threads: Start runs EAL on a thread of its own and leaves the process's affinity as it was. A goroutine that polls
// calls runtime.LockOSThread and RegisterThread first, which gives it the mempools' per-thread caches; other
// goroutines may call everything too, only slower. Rx and Tx bursts on one queue are made by one goroutine at a time.
// Control functions (attach, configure, register) are serialised by their callers in ports/dpdk and ports/vhostuser.
package dpdk
