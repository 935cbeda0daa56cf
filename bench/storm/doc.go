// Command storm measures what a storm of new flows does to a switch's other traffic, the original OVS-DPDK beside govs in
// one run. `make bench ROW=storm` runs it.
//
// The generator is a program on our own DPDK binding: its virtio_user ports are the guests' side of the switch's vhost-user ports.
// One thread, pinned to processor 0 at the highest priority, sends and receives; the switch's poll-mode thread has processor
// 1, its other threads share processor 0. Guest a sends 1,000 established flows to guest b, each packet with its flow, number
// and time; guest c sends only five-tuples that were never seen before, as fast as the switch takes them, to a port that
// swallows them; guest d begins a new flow now and then, to b.
//
// First the highest rate from a to b that loses nothing is found. At 70 % of it the same phase runs without and with the storm,
// and loss, order, contents on a sample and the latency's distribution of the established flows are compared. Then the storm
// and d run alone, for fairness: how long the first packet of a new flow takes with and without another port's storm.
//
// Times are taken by one thread with one clock. When that thread itself was kept from its processor, packets that were on
// their way meanwhile count for loss and order but not for latency, and the table says how many those were. The rate is kept
// over the time that the thread ran, and nothing is sent to catch up.
package main
