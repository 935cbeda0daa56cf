// Package testpmd runs dpdk-testpmd, the packet forwarder that comes with DPDK, and types its commands: as the
// guest on a switch's vhost-user sockets, and as the floor in benchmarks. It needs no network card: Start passes
// --no-pci --in-memory and a file prefix of its own.
package testpmd
