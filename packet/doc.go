// Package packet holds the packet buffer that every layer passes by pointer, the burst that carries buffers
// between ports and the datapath, the protocol header offsets and the Internet checksums.
//
// A Buf has the layout of the first two cache lines of a DPDK rte_mbuf, whoever allocated it: with DPDK it is the
// mbuf; without, it comes from an Arena. package cgo/dpdk asserts every offset at compile time. All the buffers and
// batches of a datapath live outside the Go heap and come from one Allocator, so that any port can send and free what
// any other port received; the garbage collector never sees them and they may be handed to C.
//
// Ownership: whoever holds a *Buf owns it, until it passes it to a port's Tx, to Allocator.Free or to a parked
// packet queue. A Buf is used by one goroutine at a time. Reading the bytes of a parked Buf from an upcall handler is
// allowed until the verdict is posted, since nobody writes to it meanwhile.
package packet
