// Package ports defines Port, what a datapath asks of a network device, and its subpackages implement it:
// ports/dpdk (any DPDK devargs), ports/vhostuser (rte_vhost client and server sockets), ports/system (AF_PACKET on an
// existing device), ports/tap (TAP devices; also the internal ports of the userspace datapath) and ports/dummy (in memory,
// for --enable-dummy and tests). Patch ports never reach a datapath: ofproto resolves them.
//
// Goroutines: Rx on a queue is called by the one goroutine that polls the queue; Tx on a queue by one goroutine at a
// time (the datapath gives each PMD a transmit queue, or locks a shared one). All other methods may be called from any
// goroutine while Rx and Tx run, except Close, which is called after the datapath has stopped using the port.
package ports
