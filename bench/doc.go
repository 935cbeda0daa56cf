// Package bench holds the benchmarks of whole programs against their peers.
//
//	bench/dataplane  cycles per packet of govs, OVS-DPDK and testpmd on the same captures (make bench)
//	bench/ovsdb      ovsdb-server beside the original's (make bench ROW=ovsdb)
//	bench/idle       processor time without traffic, and the first packet after a pause (make bench ROW=idle)
//	bench/million    a million megaflows kept, and counted exactly, beside the original (make bench ROW=million)
//	bench/storm      what a storm of new flows does to established ones, beside the original (make bench ROW=storm)
//	bench/churn      no lost or misrouted packet while rules change, beside the original (make bench ROW=churn)
//	bench/guest      what benchmarks over vhost-user ports share
//	bench/jitter     how evenly the poll loop runs beside a C loop (make bench ROW=jitter)
//	bench/pmdbench   one poll-mode thread of package pmd alone, for profiles
//
// Benchmarks of single functions stand beside the functions.
package bench
