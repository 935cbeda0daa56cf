// Command dataplane measures cycles per packet of testpmd (the floor), the original OVS-DPDK and govs, in one
// run, on the same captures, on the same core, checks their answers, and holds the ratios against the goals. `make bench` runs it,
// `make bench ROW=emc-1k` only one row; -list names the rows. docs/benchmarking.md says how to read the result.
//
// Traffic comes from inside the process under test: a net_pcap device that replays a capture from memory for ever, and a net_null
// device that swallows what it is sent. So the poll loop is always full, and what is measured is the switch. What net_pcap cannot
// make (more flows than a mempool has packets, frames in segments) is made by traffic/traffic.c, which is compiled at run time and
// preloaded into all three programs. The vhost rows put testpmd in the place of the guests.
//
// All sides of a row run at once, with the same ovs-vsctl and ovs-ofctl commands and their poll loops on processor 1; everything else
// is on processor 0. The one that is measured has processor 1 to itself: the others' poll loops are scheduled as idle. The main figure is
// taken from outside, the same way for all: time-stamp counter cycles that the polling thread spent on its processor (its CPU time,
// from /proc) over the packets that left. The switch's own figure (pmd-stats-show) stands beside it in the JSON.
//
// The answers are checked: drops by reason, packets that did not leave, and, of a finite capture sent through the same rules
// afterwards, every byte and the order within each flow (check.go).
//
// rows.go is the table of profiles; subject.go starts, pauses and reads one side; measure.go takes turns; report.go and chart.go
// write the table, bench/out/dataplane.json and the SVG picture. All of it runs on the main goroutine, but for the sides' starts.
package main
