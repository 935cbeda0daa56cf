// Package oracle compares govs with the original Open vSwitch by running the same commands on both and comparing
// what they print.
//
// A script is a file testdata/*.txt. Each line is one shell command, run in the switch's own directory with the
// OVS_* variables set and the tools on PATH; "#" begins a comment line, a line that ends in a backslash goes on
// in the next, and "<<NAME" at the end of a line begins a file of that name, up to a line "END". What a command
// prints on standard output and standard error, and its exit status, are compared after Normalize. Both sides
// start empty, with dummy devices.
//
// The order of flows and ports in a list is not compared: OpenFlow leaves it to the switch.
//
// Scripts must give the same text twice on the original: TestSelf proves that. So they set the datapath id and
// hardware address of each bridge, sort what the original prints in the order of random UUIDs, stop time
// (time/stop, time/warp) before statistics matter, and end a monitor with ofctl/exit before reading its output.
//
// Known differences stand in testdata/known.txt, one "script:line: command" a line after a "# reason". One that is
// gone is logged, so that it can be removed.
package oracle
