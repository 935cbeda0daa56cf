package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"govs/internal/clock"
	"govs/internal/daemon"
	"govs/internal/getopt"
	"govs/internal/strerror"
	"govs/internal/unixctl"
)

const usage = `ovs-appctl, for querying and controlling Open vSwitch daemon
usage: ovs-appctl [TARGET] COMMAND [ARG...]
Targets:
  -t, --target=TARGET  pidfile or socket to contact
Common commands:
  list-commands      List commands supported by the target
  version            Print version of the target
  vlog/list          List current logging levels
  vlog/list-pattern  List logging patterns for each destination.
  vlog/set [SPEC]
      Set log levels as detailed in SPEC, which may include:
      A valid module name (all modules, by default)
      'syslog', 'console', 'file' (all destinations, by default))
      'off', 'emer', 'err', 'warn', 'info', or 'dbg' ('dbg', bydefault)
  vlog/reopen        Make the program reopen its log file
Other options:
  --timeout=SECS     wait at most SECS seconds for a response
  -h, --help         Print this helpful information
  -V, --version      Display ovs-appctl version information
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	p := daemon.NewProgram("ovs-appctl", clock.Real{}, []string{"unixctl", "daemon_unix"})
	p.Help = func() string { return usage }
	target := "ovs-vswitchd"
	var timeout uint
	p.Flags.StringVarP(&target, "target", "t", target, "")
	p.Flags.BoolP("execute", "e", false, "") // has no effect; old scripts have it
	p.Func("timeout", "T", func(s string) (err error) { timeout, err = daemon.ParseTimeout(s); return err })
	p.AddLogFlags()
	rest, err := p.Parse(args, getopt.Posix)
	switch {
	case errors.Is(err, daemon.ErrDone):
		return 0
	case err != nil:
		p.Fatal(nil, "%v", err)
		return 1
	case len(rest) == 0:
		p.Fatal(nil, "at least one non-option argument is required (use --help for help)")
		return 1
	}
	p.SetAlarm(timeout)

	path := target
	if !strings.HasPrefix(target, "/") {
		pidfile := p.Dirs.Run + "/" + target + ".pid"
		pid, err := daemon.ReadPidfile(pidfile, p.Log)
		if err != nil {
			p.Fatal(nil, "cannot read pidfile \"%s\" (%s)", pidfile, strerror.Text(err))
			return 1
		}
		path = unixctl.SocketPath("", p.Dirs.Run, target, pid)
	}
	client, err := unixctl.Dial(context.Background(), path)
	if err != nil {
		p.Log.Module("unixctl").Warnf("failed to connect to %s", path)
		p.Fatal(nil, "cannot connect to \"%s\" (%s)", path, strerror.Text(err))
		return 1
	}
	defer client.Close()

	text, err := client.Transact(rest[0], rest[1:]...)
	var failed *unixctl.CommandError
	switch {
	case errors.As(err, &failed):
		fmt.Fprint(os.Stderr, failed.Text)
		p.Fatal(nil, "%s: server returned an error", target)
		return 2
	case err != nil:
		reason := strerror.Text(err)
		if errors.Is(err, syscall.EPROTO) {
			reason = strerror.Text(io.EOF) // what was sent is no answer
		}
		p.Log.Module("unixctl").Warnf("error communicating with unix:%s: %s", path, reason)
		p.Fatal(nil, "%s: transaction error (%s)", target, reason)
		return 1
	}
	if _, err := io.WriteString(os.Stdout, text); err != nil {
		return 1
	}
	return 0
}
