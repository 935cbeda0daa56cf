// Package pmd is the userspace datapath: it polls ports, looks packets up, executes actions and transmits. It implements
// dpif.Datapath.
//
// # Pollers
//
// A poller is a goroutine, locked to its thread, that serves receive queues. A PMD is a poller pinned to one core that polls
// DPDK and vhost-user queues without pause; the non-PMD poller waits for the file descriptors of all other ports (system,
// tap, internal, dummy) and sleeps when there is nothing to do. Both run the same pipeline; loop.go shows it:
//
//	Rx -> Extract -> exact-match cache -> signature cache -> megaflow classifier of the in_port -> execute -> Tx
//
// A burst that is wholly of the megaflow of the burst before is known by its raw bytes and skips all up to execute (like.go). Queues whose
// look-ups are dear let the others go first (fair.go).
//
// A poller is the only one to touch its caches, tables and parked packets, so lookups take no lock and no atomic
// read-modify-write. Others talk to it through its command queue (command.go), which it looks at once per iteration:
// verdicts, flow changes, new configurations, packets to execute.
//
// # Misses
//
// A miss never blocks a poller. The packet is parked under its flow's identity (park.go) and one upcall goes to the inbox of a
// handler (upcall.go). Later packets of that identity queue behind it, within a bound. The verdict comes back as a
// command: the poller installs the megaflow, executes the verdict's actions on the first packet, and deals with those
// behind it, in arrival order, as if they came now. Each port may have a bounded number of upcalls outstanding, and handlers
// serve ports in turn, so that a port which sends nothing but new flows delays nobody else's.
//
// # The Go runtime
//
// A poller that receives from DPDK's ports and guests only cannot be preempted while it works (hold_unsafe.go), and goes on while the world is
// stopped (detach.go). It does not allocate, nor is it the first to use memory: whoever installs flows does that ahead (flowTable.prepare).
// Both lean on the runtime's internals, of the Go versions that the build tags name; with others a poller is an ordinary goroutine.
//
// # Configuration
//
// Datapath.mu guards what is configured. A change computes each poller's new, immutable plan (which queues to poll,
// which port numbers exist), sends it as a command, and returns when all pollers run it.
//
// # Counting
//
// Every packet that is received is transmitted, dropped by a port and counted there, or counted under a
// dpif.DropReason. Counters are written by their poller only and read by anybody (counter.go).
package pmd
