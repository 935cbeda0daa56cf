// Package test is the root of what tests govs from outside, with real programs and no mocks.
//
//	test/ovs     starts a switch: the original Open vSwitch or govs, with one Go API for both
//	test/oracle  runs scripts of commands on both and compares what they print
//	test/testpmd runs dpdk-testpmd, the guest on vhost-user sockets
//	test/e2e     moves packets between network namespaces and vhost-user guests
//	test/demo    the program behind `make run`
//	test/fresh   runs `make run` and `make test` in a new Debian 12 root
//
// All of it uses the programs in bin/, so it needs `make` first; `make test` does that.
package test
