// Package vlog is the logging of every program: named modules, five levels and
// "off", three destinations (console, syslog, file), formatting patterns and
// rate limits, all changeable at run time by "ovs-appctl vlog/...".
//
// A program makes one Registry and hands it down; a package asks it for a
// Module by the name that Open vSwitch's log uses ("bridge", "dpif_netdev").
// There is no global state.
//
// Invariants: a message below every destination's level costs one atomic load
// and formats nothing (but its arguments have been evaluated by the caller;
// guard expensive ones with Enabled). Levels of a module that does not exist
// yet can be set if its name is in Options.Modules, and hold when it is made.
//
// Everything may be called from any goroutine. A message is written before the
// call returns.
package vlog
