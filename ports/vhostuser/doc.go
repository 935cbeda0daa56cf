// Package vhostuser implements ports of type dpdkvhostuserclient (we connect to a socket that the guest's side makes,
// again and again) and dpdkvhostuser (we make the socket) on DPDK's vhost library.
//
// The PMDs of the datapath call Rx and Tx while guests come, go and change their queues: cgo/dpdk keeps a burst and the
// removal of a guest apart. The number of queues follows the guest. Everything else may be called from any goroutine
// until Close.
package vhostuser
