// Package daemon holds the habits that Open vSwitch's programs share: their
// directories, the options about daemons, logging and SSL, help and version
// text, pid files, running in the background and being restarted after a crash.
//
// A tool makes one Program, adds the groups of options that it has, calls
// Parse, then (daemons) Start, opens what it serves, calls Complete, serves,
// and calls Close. Go cannot fork, so --detach and --monitor run the program
// again with the same arguments and an environment variable that says which
// role the new process has; Start tells the first process that its work is
// done once the daemon has called Complete or ended.
//
// A Program is used from the goroutine of main.
package daemon
