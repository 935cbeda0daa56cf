// Command demo is `make run`: it starts the switch with an embedded database, makes br0 with two vhost-user ports
// and an OpenFlow rule each way, starts dpdk-testpmd as the guest on both sockets, and shows a live table until ^C or
// for the time that -for gives. Then it stops everything and leaves nothing behind: no process, no directory, no
// huge page more than before.
//
// It drives the switch by the same ovs-vsctl, ovs-ofctl and ovs-appctl commands that it prints, so -side original
// runs the same on the original Open vSwitch.
package main
