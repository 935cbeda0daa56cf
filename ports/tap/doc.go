// Package tap implements ports of type tap and internal: TAP devices, which the kernel's stack sees as network
// devices of its own. What the kernel sends to the device is received here and the other way round, so that the
// device's counters are turned round too.
//
// The non-PMD goroutine of the datapath waits on the descriptor and calls Rx; Tx may be called from any one goroutine
// per queue. The device goes when the port is closed or the process ends.
package tap
