// Package dpdk implements ports of type dpdk: any Ethernet device that DPDK drives, named by options:dpdk-devargs (a
// PCI address, a virtual device such as net_pcap0,…, or class=eth,mac=…).
//
// Devices are attached when a port is opened and detached when it is closed. The PMDs of the datapath call Rx and Tx;
// the rest is called by the goroutine that configures the switch, and Opener's mutex keeps DPDK's control functions, which are
// not safe for concurrent use, apart. All ports take their receive buffers from the datapath's cgo/dpdk.Mempool.
package dpdk
