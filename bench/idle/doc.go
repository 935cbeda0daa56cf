// Command idle measures a switch without traffic: what part of a processor it takes with two vhost-user ports, and how long
// the first packet after a pause takes from one to the other. govs and the original run in turn, with their defaults and with
// pmd-maxsleep. The guest is a pair of DPDK's virtio-user devices in this process, polled without pause.
package main
