// Package unixctl is the control channel of every program: the socket
// PROGRAM.PID.ctl in the run directory, to which ovs-appctl sends commands as
// JSON-RPC requests (the method is the command, the params its arguments, all
// strings) and from which it gets text or an error back.
//
// Server dispatches commands to registered handlers. A connection's commands
// run one after another; those of different connections run at once, each on
// a goroutine of its own, so handlers lock what they touch. A handler may
// answer later and from any goroutine; its context ends when the client goes
// away or the server is closed.
//
// Client sends commands. The commands that every program has (list-commands,
// version, vlog/..., and with a clock.Warp time/...) are registered by
// NewServer, RegisterVlog and RegisterTime.
package unixctl
