package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"govs/internal/clock"
	"govs/internal/coverage"
	"govs/internal/daemon"
	"govs/internal/getopt"
	"govs/internal/replay"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/unixctl"
	"govs/internal/vlog"
	"govs/ovsdb/server"
)

func main() { os.Exit(run(os.Args[1:])) }

// config is what the command line says.
type config struct {
	remotes     []string
	unixctl     string
	runCommand  string
	syncFrom    string
	syncExclude string
	active      bool
	noDiff      bool
	journal     string // directory of the recording
	record      bool
	replay      bool
}

func run(args []string) int {
	tuneGC()
	clk := clock.NewWarp()
	p := daemon.NewProgram("ovsdb-server", clk, vlog.ServerModules())
	var c config
	addFlags(p, &c)
	p.Help = func() string { return usage(p) }
	files, err := p.Parse(args, getopt.Permute)
	if errors.Is(err, daemon.ErrDone) {
		return 0
	}
	if err != nil {
		p.Fatal(nil, "%s", err)
		return 1
	}
	if len(files) == 0 {
		files = []string{p.Dirs.DB + "/conf.db"}
	}
	if c.syncFrom == "" && c.active {
		// Like the original: the option has no effect by itself.
		c.active = false
	}
	files = absolute(files)
	done, code, err := p.Start()
	if err != nil {
		p.Fatal(nil, "%s", err)
		return 1
	}
	if done {
		return code
	}
	code, err = serve(p, clk, &c, files)
	var sig signalError
	if errors.As(err, &sig) {
		p.Log.Module("fatal_signal").Warnf("%s", sig)
		p.Close()
		daemon.DieBySignal(sig.sig)
	}
	p.Close()
	if err != nil {
		p.Fatal(nil, "%s", err)
		return 1
	}
	return code
}

// absolute makes file names independent of the current directory, which --detach changes, and drops duplicates.
func absolute(files []string) []string {
	wd, err := os.Getwd()
	if err != nil {
		return files
	}
	var out []string
	for _, f := range files {
		if !strings.HasPrefix(f, "/") && !strings.HasPrefix(f, "relay:") {
			f = wd + "/" + f
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

func addFlags(p *daemon.Program, c *config) {
	p.AddDaemonFlags()
	p.AddLogFlags()
	p.AddTLSFlags()
	p.Func("remote", "", func(s string) error { c.remotes = append(c.remotes, s); return nil })
	p.Flags.StringVar(&c.unixctl, "unixctl", "", "")
	p.Flags.StringVar(&c.runCommand, "run", "", "")
	p.Flags.StringVar(&c.syncFrom, "sync-from", "", "")
	p.Flags.StringVar(&c.syncExclude, "sync-exclude-tables", "", "")
	p.Flags.BoolVar(&c.active, "active", false, "")
	p.Flags.BoolVar(&c.noDiff, "disable-file-column-diff", false, "")
	// The last of these counts.
	p.OptionalFunc("record", "", func(dir string) error { c.journal, c.record, c.replay = dir, true, false; return nil })
	p.OptionalFunc("replay", "", func(dir string) error { c.journal, c.record, c.replay = dir, false, true; return nil })
}

func usage(p *daemon.Program) string {
	return "ovsdb-server: Open vSwitch database server\n" +
		"usage: ovsdb-server [OPTIONS] [DATABASE...]\n" +
		"where each DATABASE is a database file in ovsdb format.\n" +
		"The default DATABASE, if none is given, is\n" +
		p.Dirs.DB + "/conf.db.\n" +
		"\nJSON-RPC options (may be specified any number of times):\n" +
		"  --remote=REMOTE         connect or listen to REMOTE\n" +
		daemon.StreamUsage("JSON-RPC", true, true, true) +
		p.DaemonUsage() +
		p.LogUsage() +
		"\nSyncing options:\n" +
		"  --sync-from=SERVER      sync DATABASE from active SERVER and start in\n" +
		"                          backup mode (except with --active)\n" +
		"  --sync-exclude-tables=DB:TABLE,...\n" +
		"                          exclude the TABLE in DB from syncing\n" +
		"  --active                with --sync-from, start in active mode\n" +
		"\nOther options:\n" +
		"  --run COMMAND           run COMMAND as subprocess then exit\n" +
		"  --unixctl=SOCKET        override default control socket name\n" +
		"  --disable-file-column-diff\n" +
		"                          don't use column diff in database file\n" +
		"  -h, --help              display this help message\n" +
		"  -V, --version           display version information\n"
}

// serve runs the server until it is told to exit and returns the exit status.
func serve(p *daemon.Program, clk *clock.Warp, c *config, files []string) (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGALRM)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	files, err := loadState(p, c, files)
	if err != nil {
		return 1, err
	}
	cfg := p.TLSConfig()
	journal, turn, err := openJournal(p, clk, c)
	if err != nil {
		return 1, err
	}
	serverClock := clock.Clock(clk)
	if journal != nil {
		serverClock = journal.Clock()
	}
	srv := server.New(server.Options{
		Clock: serverClock, Log: p.Log, RunDir: p.Dirs.Run, DBDir: p.Dirs.DB, Journal: journal,
		TLS: &stream.TLS{}, TLSConfig: cfg, NoColumnDiff: c.noDiff,
	})
	defer srv.Close()
	defer journal.Close()
	if c.syncExclude != "" {
		if err := srv.SetSyncExclude(c.syncExclude); err != nil {
			return 1, err
		}
	}
	if c.syncFrom != "" {
		srv.SetActiveServer(c.syncFrom)
		if !c.active {
			if err := srv.StartBackup(); err != nil {
				return 1, err
			}
		}
	}
	for _, f := range files {
		var err error
		if spec, ok := strings.CutPrefix(f, "relay:"); ok {
			err = srv.AddRelay(spec)
		} else {
			err = srv.AddDB(f)
		}
		if err != nil {
			return 1, err
		}
	}
	for _, r := range c.remotes {
		if err := srv.AddRemote(r); err != nil {
			return 1, err
		}
	}
	u := unixctl.NewServer(p.VersionText(), p.Log)
	defer u.Close()
	u.SetJournal(journal)
	exited := make(chan struct{})
	u.Register("exit", "", 0, 0, func(_ context.Context, _ []string, r *unixctl.Reply) {
		r.Reply("")
		close(exited)
	})
	u.RegisterTime(clk)
	cov := coverage.New()
	cov.Register(u)
	go cov.Run(ctx, clk)
	save := func() {
		b, err := json.Marshal(srv.State())
		if err == nil {
			err = p.SaveState(b)
		}
		if err != nil {
			p.Log.Module("ovsdb_server").Warnf("failed to save the configuration: %s", strerror.Text(err))
		}
	}
	save()
	srv.RegisterUnixctl(u, save)
	if err := u.Listen(unixctl.SocketPath(c.unixctl, p.Dirs.Run, p.Name, os.Getpid())); err != nil {
		return 1, err
	}
	if err := p.Complete(); err != nil {
		return 1, err
	}
	if c.runCommand == "" {
		p.Log.Module("ovsdb_server").Infof("%s", p.VersionText())
	}
	child := make(chan error, 1)
	turn.Leave()
	if c.runCommand != "" && !c.replay {
		cmd := exec.Command("/bin/sh", "-c", c.runCommand)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			return 1, err
		}
		go func() { child <- cmd.Wait() }()
	}
	ended := journal.Done()
	for {
		select {
		case sig := <-signals:
			return 0, signalError{sig.(syscall.Signal)}
		case <-exited:
			return 0, nil
		case err := <-child:
			return childStatus(c.runCommand, err)
		case <-ended:
			ended = nil
			err := journal.Err()
			if c.replay {
				p.Log.Module("ovs_replay").Infof("end of the recording")
				return 0, err
			}
			p.Log.Module("ovs_replay").Errf("recording has ended: %v", err)
		}
	}
}

// loadState changes the configuration to what commands had made of it when an earlier daemon of the same monitor crashed, and returns the
// names of the databases.
func loadState(p *daemon.Program, c *config, files []string) ([]string, error) {
	b, err := p.LoadState()
	if err != nil || len(b) == 0 {
		return files, err
	}
	var s server.State
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("bad saved configuration: %w", err)
	}
	c.remotes, c.syncFrom, c.syncExclude, c.active = s.Remotes, s.SyncFrom, s.SyncExclude, !s.Backup
	return s.Databases, nil
}

// openJournal opens the recording that --record or --replay names; nil without these.
func openJournal(p *daemon.Program, clk clock.Clock, c *config) (j *replay.Journal, turn *replay.Party, err error) {
	dir := c.journal
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(p.Dirs.Run, dir)
	}
	switch {
	case c.record:
		j, turn, err = replay.Record(dir, clk)
	case c.replay:
		j, turn, err = replay.Replay(dir, clk)
	default:
		return nil, nil, nil
	}
	if (c.record || c.replay) && err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			p.Log.Module("ovs_replay").Errf("%s: fopen failed: %s", pe.Path, strerror.Text(pe.Err))
			err = fmt.Errorf("failed to open replay file: %s.", strerror.Text(pe.Err))
		}
	}
	return j, turn, err
}

// signalError says that the process was told to end by a signal.
type signalError struct{ sig syscall.Signal }

func (e signalError) Error() string {
	return fmt.Sprintf("terminating with signal %d (%s)", e.sig, daemon.SignalText(e.sig))
}

// childStatus returns what the end of the --run command makes the server return.
func childStatus(command string, err error) (int, error) {
	var ee *exec.ExitError
	if err == nil {
		return 0, nil
	}
	if !errors.As(err, &ee) {
		return 1, err
	}
	ws, ok := ee.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return 1, fmt.Errorf("%s: child exited, killed (%s)", command, daemon.SignalText(ws.Signal()))
	}
	return 1, fmt.Errorf("%s: child exited, exit status %d", command, ee.ExitCode())
}
