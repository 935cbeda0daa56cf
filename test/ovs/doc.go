// Package ovs starts a whole switch (ovsdb-server and ovs-vswitchd) in a directory of its own and runs the
// command-line tools on it. The same calls start the original Open vSwitch from Debian's packages or govs from
// bin/, so that a test, a benchmark or a demonstration says only which side it wants.
//
// Nothing is shared with a switch that the machine runs: OVS_RUNDIR, OVS_DBDIR, OVS_LOGDIR and OVS_SYSCONFDIR
// all point into Switch.Dir, and the programs are children of this process that die with it (PR_SET_PDEATHSIG).
// A Switch may be used from several goroutines, except Start, Kill, Restart and Stop, which one goroutine calls.
package ovs
