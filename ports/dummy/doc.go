// Package dummy implements ports that exist in memory only: what Open vSwitch's --enable-dummy gives. Packets enter
// by Port.Inject (netdev-dummy/receive, tests) or from a peer on a stream socket, and what is sent to a port is
// counted, written to capture files and to the stream peer, and kept when a test asks for it.
//
// Inject may be called from any goroutine; it queues a copy of the frame, and Rx, called by the datapath, turns queued
// frames into packets of the datapath's allocator. Nothing here touches the network or needs privileges.
package dummy
