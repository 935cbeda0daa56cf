// Package vswitchd is the configuration half of ovs-vswitchd: it turns a snapshot of the Open_vSwitch database into a desired
// state (a pure function, desired.go), finds the smallest change that brings the switch there (reconcile.go), and writes
// status and statistics back (status.go).
//
// One goroutine, Daemon.Run, owns all of the package's state. Commands of the control socket that need it run there
// through Daemon.Do. cur_cfg is written only after every port, flow table setting and poller runs the new configuration.
//
// What goes in comes from package ovsdb/client; what goes out is calls on package ofproto (bridges, OpenFlow ports,
// controllers) and on a dpif.Datapath (ports, pollers). The program that wires them is tools/ovs-vswitchd.
package vswitchd
