package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"govs/internal/clock"
	"govs/internal/coverage"
	"govs/internal/daemon"
	"govs/internal/getopt"
	"govs/internal/stream"
	"govs/internal/table"
	"govs/internal/unixctl"
	"govs/ovsdb/ovsdbclient"
)

func main() { os.Exit(run(os.Args)) }

func run(argv []string) int {
	p := daemon.NewProgram("ovsdb-client", clock.Real{}, []string{"jsonrpc", "reconnect", "ovsdb_client", "fatal_signal", "daemon",
		"stream", "stream_ssl", "stream_tcp", "stream_unix", "socket_util", "unixctl"})
	o := ovsdbclient.Options{DefaultServer: "unix:" + p.Dirs.Run + "/db.sock", Log: p.Log, Clock: clock.Real{},
		Style: &table.Style{Format: table.FormatTable}, In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	fail := func(err error) int {
		p.Fatal(nil, "%v", err)
		return 1
	}
	aware, unaware := true, false
	var timeout uint
	p.Help = func() string { return usage(p) }
	p.Flags.BoolVar(&o.Timestamp, "timestamp", false, "")
	p.Flags.BoolVar(&o.Force, "force", false, "")
	p.NoArgFunc("db-change-aware", func() { o.ChangeAware = &aware })
	p.NoArgFunc("no-db-change-aware", func() { o.ChangeAware = &unaware })
	p.Flags.Bool("leader-only", false, "") // every standalone server is its own leader
	p.Flags.Bool("no-leader-only", false, "")
	p.Func("timeout", "t", func(s string) error {
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("value %s on -t or --timeout is invalid", s)
		}
		timeout = uint(n)
		return nil
	})
	p.AddLogFlags()
	p.AddDaemonFlags()
	o.Style.AddFlags(p.Flags)
	p.AddTLSFlags()
	rest, err := p.Parse(argv[1:], getopt.Permute)
	switch {
	case errors.Is(err, daemon.ErrDone):
		return 0
	case err != nil:
		return fail(err)
	case len(rest) == 0:
		return fail(errors.New("missing command name; use --help for help"))
	case rest[0] == "help":
		fmt.Print(usage(p))
		return 0
	}
	p.SetAlarm(timeout)
	o.Stream = p.StreamOptions(stream.OVSDBPort)
	if p.Detached() {
		p.KeepStdout()
		done, code, err := p.Start()
		if err != nil {
			return fail(err)
		}
		if done {
			return code
		}
		defer p.Close()
		ctl := unixctl.NewServer(p.VersionText(), p.Log)
		defer ctl.Close()
		coverage.New().Register(ctl)
		o.Detach = func(m *ovsdbclient.Monitor) error {
			m.Register(ctl)
			path := unixctl.SocketPath("", p.Dirs.Run, p.Name, os.Getpid())
			if err := ctl.Listen(path); err != nil {
				return err
			}
			return p.Complete()
		}
	}
	if err := ovsdbclient.Run(context.Background(), o, rest); err != nil {
		return fail(err)
	}
	return 0
}
