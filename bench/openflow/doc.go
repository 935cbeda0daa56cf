// Command openflow measures what ovs-ofctl's bulk operations cost on the original switch and on govs, in one run: many flows
// added one by one and as one bundle, listed, and deleted, with the memory of the daemon. Both switches run with dummy devices
// and get the same commands of the same ovs-ofctl.
package main
