package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"govs/internal/clock"
	"govs/internal/daemon"
	"govs/internal/getopt"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/unixctl"
	"govs/internal/vlog"
)

func main() { os.Exit(run(os.Args[1:])) }

// config is what the command line says.
type config struct {
	database      string // connection name of the database server
	embedded      bool   // host the database in this process
	embeddedFile  string
	unixctl       string
	dummy         string // "", "enable", "override" or "system": --enable-dummy
	mlockall      bool
	disableSystem bool
}

const usageHead = `ovs-vswitchd: Open vSwitch daemon
usage: ovs-vswitchd [OPTIONS] [DATABASE]
where DATABASE is a socket on which ovsdb-server is listening
      (default: "unix:%s/db.sock").
`

const usageTail = `
DPDK options:
DPDK is configured through the database: other_config:dpdk-init and others.

Other options:
  --embedded-db[=FILE]      serve the database from this process, making FILE
                            if it is missing (default: %s/conf.db)
  --enable-dummy[=override|system]
                            offer datapaths and ports for tests
  --mlockall                lock all of the process's memory
  --unixctl=SOCKET          override default control socket name
  -h, --help                display this help message
  -V, --version             display version information
`

func run(args []string) int {
	// The clock only stands still for those who ask (time/stop), so every run uses the one that can.
	clk := clock.NewWarp()
	p := daemon.NewProgram("ovs-vswitchd", clk, vlog.VswitchdModules())
	var c config
	p.Help = func() string {
		return fmt.Sprintf(usageHead, p.Dirs.Run) + daemon.StreamUsage("DATABASE", true, false, true) + p.DaemonUsage() + p.LogUsage() +
			fmt.Sprintf(usageTail, p.Dirs.DB)
	}
	p.Flags.StringVar(&c.unixctl, "unixctl", "", "")
	p.Flags.BoolVar(&c.mlockall, "mlockall", false, "")
	p.Flags.BoolVar(&c.disableSystem, "disable-system", false, "")
	p.Flags.Bool("disable-system-route", false, "")
	p.OptionalFunc("enable-dummy", "", func(s string) error {
		if c.dummy = s; s != "override" && s != "system" {
			c.dummy = "enable"
		}
		return nil
	})
	p.OptionalFunc("embedded-db", "", func(s string) error { c.embedded, c.embeddedFile = true, s; return nil })
	p.AddDaemonFlags()
	p.UseDatapath()
	p.AddLogFlags()
	p.AddTLSFlags()
	rest, err := p.Parse(args, getopt.Permute)
	switch {
	case errors.Is(err, daemon.ErrDone):
		return 0
	case err != nil:
		p.Fatal(nil, "%v", err)
		return 1
	case len(rest) > 1:
		p.Fatal(nil, "at most one non-option argument accepted; use --help for usage")
		return 1
	case len(rest) == 1:
		c.database = rest[0]
	default:
		c.database = "unix:" + p.Dirs.Run + "/db.sock"
	}
	if c.embedded && c.embeddedFile == "" {
		c.embeddedFile = p.Dirs.DB + "/conf.db"
	}

	done, code, err := p.Start()
	if err != nil {
		p.Fatal(err, "could not start")
		return 1
	}
	if done {
		return code
	}
	defer p.Close()
	if c.mlockall {
		if err := syscall.Mlockall(syscall.MCL_CURRENT | syscall.MCL_FUTURE); err != nil {
			p.Log.Module("vswitchd").Errf("mlockall failed: %s", strerror.Text(err))
		}
	}
	return serve(p, clk, &c)
}

// serve runs the switch until it is told to stop.
func serve(p *daemon.Program, clk *clock.Warp, c *config) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	sw := newSystem(p, clk, c, stop)
	go tuneGC(ctx, sw.misses)

	ctl := unixctl.NewServer(p.VersionText(), p.Log)
	ctl.RegisterTime(clk)
	sw.coverage.Register(ctl)
	path := unixctl.SocketPath(c.unixctl, p.Dirs.Run, "ovs-vswitchd", os.Getpid())
	if err := ctl.Listen(path); err != nil {
		p.Fatal(err, "could not initialize control socket %s", path)
		return 1
	}
	defer ctl.Close()

	so := p.StreamOptions(stream.OVSDBPort)
	if err := sw.start(ctx, so, ctl); err != nil {
		p.Fatal(nil, "%v", err)
		return 1
	}
	defer sw.close()
	if err := p.Complete(); err != nil {
		p.Fatal(err, "could not complete start")
		return 1
	}
	sw.wait()
	return 0
}
