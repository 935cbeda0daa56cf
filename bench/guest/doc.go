// Package guest is what the benchmarks over vhost-user ports share (bench/storm, bench/churn): the guests' ends, which are
// virtio_user ports on our own DPDK binding; the thread that drives them; their packets; and the switch that they
// are connected to.
package guest
