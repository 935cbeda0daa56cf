package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"govs/internal/clock"
	"govs/internal/daemon"
	"govs/internal/getopt"
	"govs/internal/stream"
	"govs/internal/table"
	"govs/internal/vlog"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vsctl"
)

func main() { os.Exit(run(os.Args)) }

func run(argv []string) int {
	p := daemon.NewProgram("ovs-vsctl", clock.Real{}, []string{"db_ctl_base", "vsctl", "reconnect", "jsonrpc", "ovsdb_idl",
		"fatal_signal", "stream", "stream_ssl", "stream_tcp", "stream_unix", "socket_util"})
	p.Log.SetConsoleLevel(vlog.Warn)
	if err := p.Log.Set("reconnect:warn"); err != nil {
		p.Fatal(nil, "%v", err)
		return 1
	}
	tool, err := vsctl.New(p.Log)
	if err != nil {
		p.Fatal(nil, "%v", err)
		return 1
	}
	o := vsctl.Options{Tool: tool, Log: p.Log, LogDir: p.Dirs.Log, Style: &table.Style{Format: table.FormatList},
		Out: os.Stdout, Err: os.Stderr}
	p.VersionMore = "DB Schema " + tool.Schema.Version + "\n"
	var timeout uint
	db := "unix:" + p.Dirs.Run + "/db.sock"
	p.Help = func() string { return usage(p) }
	p.Flags.StringVar(&db, "db", db, "")
	p.Flags.Bool("no-syslog", false, "")
	p.Flags.BoolVar(&o.NoWait, "no-wait", false, "")
	p.Flags.BoolVar(&o.DryRun, "dry-run", false, "")
	p.Flags.BoolVar(&o.Oneline, "oneline", false, "")
	p.Flags.BoolVar(&o.Retry, "retry", false, "")
	for _, name := range []string{"leader-only", "no-leader-only", "shuffle-remotes", "no-shuffle-remotes"} {
		p.Flags.Bool(name, false, "") // about clusters
	}
	p.Func("timeout", "t", func(s string) error {
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("value %s on -t or --timeout is invalid", s)
		}
		timeout = uint(n)
		return nil
	})
	p.AddLogFlags()
	o.Style.AddFlags(p.Flags)
	p.AddTLSFlags()
	p.Flags.Bool("commands", false, "")
	p.Flags.Bool("options", false, "")
	options := optionList(p)
	first := map[string]string{} // options of the first command
	for _, name := range tool.AllOptions() {
		if arg, ok := strings.CutSuffix(name, "="); ok {
			p.Func(arg, "", func(s string) error { first["--"+arg] = "=" + s; return nil })
		} else {
			p.NoArgFunc(name, func() { first["--"+name] = "" })
		}
	}
	rest, err := p.Parse(argv[1:], getopt.Posix)
	switch {
	case errors.Is(err, daemon.ErrDone):
		return 0
	case err != nil:
		p.Fatal(nil, "%v", err)
		return 1
	}
	for name, text := range map[string]string{"commands": tool.Completion(), "options": options} {
		if p.Flags.Lookup(name).Changed {
			fmt.Print(text)
			return 0
		}
	}
	if p.Flags.Lookup("no-syslog").Changed {
		d := vlog.Syslog
		p.Log.SetLevels("vsctl", &d, vlog.Warn)
	}
	called := escapeArgs(append([]string{"ovs-vsctl"}, argv[1:]...))
	cmds, err := tool.ParseCommands(rest, first)
	if err != nil {
		p.Fatal(nil, "%v", err)
		return 1
	}
	level := vlog.Info
	if dbctl.ReadOnly(cmds) {
		level = vlog.Dbg
	}
	p.Log.Module("vsctl").Logf(level, "Called as %s", called)
	p.SetAlarm(timeout)
	o.DB = db
	o.Retry = o.Retry || stream.IsPassive(db)
	o.Stream = p.StreamOptions(stream.OVSDBPort)
	o.Comment = comment(called)
	err = vsctl.Run(context.Background(), o, cmds)
	var exit vsctl.ExitError
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case err != nil:
		p.Fatal(nil, "%v", err)
		return 1
	}
	return 0
}

// optionList returns the text of --options, by which shells complete command lines.
func optionList(p *daemon.Program) string {
	var b strings.Builder
	p.Flags.VisitAll(func(f *pflag.Flag) {
		long, short := "", ""
		if t := f.Value.Type(); t != "bool" && t != "count" {
			long, short = "=ARG", " ARG"
		}
		fmt.Fprintf(&b, "--%s%s\n", f.Name, long)
		if f.Shorthand != "" {
			fmt.Fprintf(&b, "-%s%s\n", f.Shorthand, short)
		}
	})
	return b.String()
}

// comment returns what the transaction's comment says: who called us how.
func comment(called string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", os.Getppid()))
	parent, _, _ := strings.Cut(string(b), "\x00")
	if err != nil || parent == "" {
		return "ovs-vsctl: " + called
	}
	return fmt.Sprintf("ovs-vsctl (invoked by %s): %s", parent, called)
}

// escapeArgs joins arguments by spaces, with quotes around those that need them.
func escapeArgs(args []string) string {
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		if strings.ContainsAny(a, " \t\r\n\v\\'\"") {
			a = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`
		}
		b.WriteString(a)
	}
	return b.String()
}
