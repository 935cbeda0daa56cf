// Command ovs-appctl sends a command to a running daemon and prints its answer
// (ovs-appctl(8)). It finds the daemon's control socket by the daemon's name,
// through its pid file in the run directory, or by the socket's path, and works
// with the original's daemons as well as ours.
package main
