// Package netdev is what ports/tap and ports/system share about kernel network devices: state, counters and settings by
// rtnetlink and ethtool, notification of changes, and the cutting of oversized packets that the kernel leaves to its
// devices (segmentation offload) into frames.
//
// A Kernel speaks to the network namespace of the thread that made it, whichever goroutine uses it later. All its
// methods may be called from any goroutine.
package netdev
