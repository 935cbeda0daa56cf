// Package e2e moves packets through a whole switch: between network namespaces over veth and tap ports, and
// between vhost-user guests (dpdk-testpmd). It also adds and removes ports and bridges a thousand times and looks
// for leaks, gives the switch bad input, and kills it.
//
// The tests run on govs from bin/. GOVS_SIDE=original runs them on the original Open vSwitch, which proves the
// tests themselves. They need root; each makes its own network namespaces and directory and removes them, so they
// may run beside each other.
package e2e
