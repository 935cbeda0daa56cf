package main

import (
	"errors"
	"os"

	"govs/internal/clock"
	"govs/internal/daemon"
	"govs/internal/getopt"
	"govs/internal/vlog"
	"govs/ovsdb/ovsdbtool"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	p := daemon.NewProgram("ovsdb-tool", clock.Real{}, vlog.ServerModules())
	p.Log.SetConsoleLevel(vlog.Warn)
	o := ovsdbtool.Options{
		DefaultDB:     p.Dirs.DB + "/conf.db",
		DefaultSchema: p.Dirs.PkgData + "/vswitch.ovsschema",
		Version:       daemon.Version,
		Clock:         clock.Real{},
		Log:           p.Log,
		Out:           os.Stdout,
		Usage:         func() string { return usage(p) },
	}
	p.Help = o.Usage
	p.Flags.CountVarP(&o.More, "more", "m", "")
	p.Flags.StringVar(&o.Role, "rbac-role", "", "")
	p.Func("cid", "", func(string) error { return nil })            // of join-cluster, which is refused
	p.Func("election-timer", "", func(string) error { return nil }) // of create-cluster, likewise
	p.AddLogFlags()
	rest, err := p.Parse(args, getopt.Permute)
	var exit ovsdbtool.ExitError
	switch {
	case errors.Is(err, daemon.ErrDone):
		return 0
	case err == nil && len(rest) == 0:
		err = errors.New("missing command name; use --help for help")
	case err == nil:
		err = ovsdbtool.Run(o, rest)
	}
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case err != nil:
		p.Fatal(nil, "%v", err)
		return 1
	}
	return 0
}
