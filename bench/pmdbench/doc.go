//go:build dpdk

// Command pmdbench measures one PMD of package pmd alone, without OpenFlow: a capture that net_pcap replays for ever goes through the
// datapath into net_null, and a handler of its own answers the misses.
//
//	go run -tags dpdk ./bench/pmdbench -flows 1000 -core 1 -for 3s
package main
