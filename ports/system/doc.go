// Package system implements ports of type system: devices that the kernel has already (Ethernet cards, veth), through
// packet sockets (packet(7)). Frames that the kernel itself or we send on the device are not received. A VLAN tag that
// the kernel took off is put back, a checksum that the sender left to its device is completed, and a packet that it left to its
// device to cut into segments is cut, so that what enters the datapath is what would have been on the wire.
//
// The non-PMD goroutine of the datapath waits on the descriptor and calls Rx; Tx may be called from one goroutine at a
// time per queue. The device is in promiscuous mode while the port is open, also when the process dies.
package system
