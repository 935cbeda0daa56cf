// Package bench holds the benchmarks of whole programs against their peers.
//
//	bench/dataplane  cycles per packet of govs, OVS-DPDK and testpmd on the same captures (make bench)
//
// Benchmarks of single functions stand beside the functions.
package bench
