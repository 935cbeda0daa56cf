// Command dataplane measures cycles per packet of testpmd (the floor), the original OVS-DPDK and govs, in one
// run, on the same captures, on the same core, and prints the ratios. `make bench` runs it, `make bench
// ROW=emc-1k` only one row; -list names the rows.
//
// Traffic comes from inside the process under test: a net_pcap device that replays a capture of 64-byte frames from memory
// for ever, and a net_null device that swallows what it is sent. So the poll loop is always full, and what is
// measured is the switch. The vhost rows put testpmd's flowgen on both ends of the switch as the guests.
//
// Both switches get the same ovs-vsctl and ovs-ofctl commands. The poll loop has processor 1, everything else has
// processor 0. The main figure is taken from outside, the same way for all: time-stamp counter cycles that
// the polling thread spent on its processor (its CPU time, from /proc) over the packets that left by the last
// port. The switch's own figure (pmd-stats-show) stands beside it. Sides alternate, and the table shows medians.
//
// The answers are checked too: a row whose packets do not all leave, or leave changed in number, says so.
package main
