// Package dpif is the contract between the OpenFlow switch (ofproto) and a datapath (pmd): ports, megaflows with their
// statistics, upcalls and verdicts. Neither side imports the other; tools/ovs-vswitchd joins them.
//
// A miss never blocks a poller. The poller parks the packet under its exact key and posts one Upcall; ofproto's handler
// goroutines take upcalls with Datapath.Recv, translate, and answer each Miss with exactly one Verdict through
// Datapath.Post. The poller takes verdicts at the top of its loop, installs the megaflow itself and releases the
// parked packets in arrival order. Revalidators walk the flows of each poller, read statistics by atomic loads, and
// send changes as commands, which the poller that owns the flow carries out.
package dpif
