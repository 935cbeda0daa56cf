// Package vsctl holds the commands of ovs-vsctl(8) that know what bridges, ports, bonds and controllers are, and the run of a
// command line as one transaction: connect, run, commit, wait until ovs-vswitchd has taken the change, report its errors. The
// generic database commands are in ovsdb/dbctl; tools/ovs-vsctl adds the options.
//
// Everything runs on one goroutine but for the client's own.
package vsctl
