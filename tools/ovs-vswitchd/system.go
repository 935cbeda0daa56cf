package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"govs/internal/clock"
	"govs/internal/coverage"
	"govs/internal/daemon"
	"govs/internal/stream"
	"govs/internal/strerror"
	"govs/internal/unixctl"
	"govs/internal/vlog"
	"govs/ofproto"
	"govs/ovsdb/client"
	"govs/ovsdb/vswitch"
	"govs/pmd"
	"govs/ports"
	portsdpdk "govs/ports/dpdk"
	"govs/ports/dummy"
	"govs/ports/system"
	"govs/ports/tap"
	"govs/ports/vhostuser"
	"govs/vswitchd"
)

// switchSystem is the running switch: the parts of the program and how they are joined.
type switchSystem struct {
	prog     *daemon.Program
	clock    *clock.Warp
	cfg      *config
	stop     context.CancelFunc // ends the program
	coverage *coverage.Registry

	dpdk    *dpdkControl
	dummies *dummy.Opener // nil without --enable-dummy
	openers map[string]ports.Opener
	db      *client.Client
	server  *embedded // nil without --embedded-db
	perfLog *pmd.PerfLog
	daemon  *vswitchd.Daemon
	ctl     *unixctl.Server

	running sync.WaitGroup
	ready   chan struct{}

	mu      sync.Mutex // guards backers
	backers map[string]*vswitchd.Backer
}

func newSystem(p *daemon.Program, clk *clock.Warp, c *config, stop context.CancelFunc) *switchSystem {
	s := &switchSystem{prog: p, clock: clk, cfg: c, stop: stop, coverage: coverage.New(), openers: make(map[string]ports.Opener),
		backers: make(map[string]*vswitchd.Backer), ready: make(chan struct{})}
	perfLog := p.Log.Module("pmd_perf")
	threads := map[int]*vlog.Module{} // used by the goroutine of warnings only
	s.perfLog = pmd.NewPerfLog(func(core int, text string) {
		if core == pmd.AllPollers {
			perfLog.Infof("%s", text)
			return
		}
		if threads[core] == nil {
			threads[core] = perfLog.Subprogram(fmt.Sprintf("pmd-c%02d", core))
		}
		threads[core].Warnf("%s", text)
	})
	s.dpdk = newDPDK(p)
	s.dpdk.onInit = append(s.dpdk.onInit, s.addDPDKPorts)
	s.addOpener(system.NewOpener())
	s.addOpener(tap.NewOpener())
	if c.dummy != "" {
		dummyLog := p.Log.Module("netdev_dummy")
		var override []string
		switch c.dummy {
		case "override":
			override = []string{"system", "tap", "internal", "afxdp", "afxdp-nonpmd"}
		case "system":
			override = []string{"system"}
		}
		s.dummies = dummy.NewOpener(override, clk.Now, func(format string, args ...any) { dummyLog.Warnf(format, args...) })
		s.addOpener(s.dummies)
	}
	return s
}

// addDPDKPorts makes the types of ports that need DPDK known, once it runs. Dummies that stand for them stay.
func (s *switchSystem) addDPDKPorts(otherConfig map[string]string) {
	dir := s.prog.Dirs.Run
	if d := otherConfig["vhost-sock-dir"]; d != "" {
		if strings.Contains(d, "..") {
			s.prog.Log.Module("dpdk").Errf("vhost-sock-dir request '%s' has illegal characters '..' - using %s instead.", d, dir)
		} else {
			dir = filepath.Join(dir, d)
		}
	}
	netdevLog := s.prog.Log.Module("netdev_dpdk")
	logf := func(format string, args ...any) { netdevLog.Infof(format, args...) }
	for _, o := range []ports.Opener{
		portsdpdk.NewOpener(logf),
		vhostuser.NewOpener(vhostuser.Settings{
			SockDir: dir, IOMMU: otherConfig["vhost-iommu-support"] == "true", Postcopy: otherConfig["vhost-postcopy-support"] == "true",
		}, logf),
	} {
		for _, t := range o.Types() {
			if s.openers[t] == nil {
				s.openers[t] = o
			}
		}
	}
}

func (s *switchSystem) addOpener(o ports.Opener) {
	for _, t := range o.Types() {
		s.openers[t] = o
	}
}

// start brings everything up, in the order in which the parts need each other, and returns when the first configuration is
// in force or the database cannot be had yet.
func (s *switchSystem) start(ctx context.Context, so *stream.Options, ctl *unixctl.Server) error {
	s.ctl = ctl
	remote := s.cfg.database
	if s.cfg.embedded {
		var err error
		if s.server, err = startEmbedded(s, so); err != nil {
			return err
		}
		remote = "unix:" + filepath.Join(s.prog.Dirs.Run, "db.sock")
	}
	s.db = client.New(client.Options{
		Remotes: []string{remote}, Database: vswitch.Database, Stream: so, Clock: clock.Real{}, Log: s.prog.Log, Lock: vswitchd.LockName,
	})
	var once sync.Once
	s.daemon = vswitchd.New(vswitchd.Options{
		DB: s.db, Clock: s.clock, Log: s.prog.Log, DPDK: s.dpdk,
		NewBacker: s.newBacker, OpenPort: s.openPort, DatapathType: s.datapathType,
		DatapathTypes: s.datapathTypes(), IfaceTypes: s.ifaceTypes,
		Ready:   func() { once.Do(func() { close(s.ready) }) },
		Version: s.prog.VersionText(),
	})
	registerCommands(s, ctl)
	s.goRun(func() { _ = s.db.Run(ctx) })
	if s.cfg.embedded {
		if err := describe(ctx, s.db, s.prog.Dirs.Run); err != nil && ctx.Err() == nil {
			return fmt.Errorf("embedded database: %w", err)
		}
	}
	s.goRun(func() { s.coverage.Run(ctx, s.clock) })
	s.goRun(func() { _ = s.daemon.Run(ctx) })
	// As the original does, go to the background when the database has been reached, or is known not to be there.
	select {
	case <-s.ready:
	case <-ctx.Done():
	case <-time.After(2 * time.Second):
	}
	return nil
}

func (s *switchSystem) goRun(f func()) {
	s.running.Add(1)
	go func() { defer s.running.Done(); f() }()
}

// wait returns when all goroutines that start began have ended.
func (s *switchSystem) wait() { s.running.Wait() }

func (s *switchSystem) close() {
	if s.server != nil {
		s.server.close()
	}
	s.dpdk.close()
}

// datapathType says which datapath serves a bridge. The kernel datapath is not there: its bridges get the userspace datapath.
func (s *switchSystem) datapathType(t string) string {
	if t == "" {
		t = "system"
	}
	if s.cfg.dummy == "override" {
		return t
	}
	if t == "system" {
		return "netdev"
	}
	return t
}

func (s *switchSystem) datapathTypes() []string {
	if s.cfg.dummy != "" {
		return []string{"dummy", "netdev", "system"}
	}
	return []string{"netdev", "system"}
}

func (s *switchSystem) ifaceTypes() []string {
	types := []string{"patch"}
	for t := range s.openers {
		types = append(types, t)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// openPort opens a device with the opener of its type. On a dummy datapath even internal ports are dummies.
func (s *switchSystem) openPort(b *vswitchd.Backer, c ports.Config) (ports.Port, error) {
	if b.Dummy && c.Type == "internal" && s.dummies != nil {
		c.Type = "dummy-internal"
	}
	o := s.openers[c.Type]
	if o == nil {
		s.prog.Log.Module("netdev").Warnf("could not create netdev %s of unknown type %s", c.Name, c.Type)
		return nil, fmt.Errorf("could not open network device %s (%s)", c.Name, strerror.Errno(unix.EAFNOSUPPORT))
	}
	if c.TxQs == 0 {
		c.TxQs = runtime.NumCPU() + 1
	}
	return o.Open(c)
}

// newBacker opens the datapath of a type and its own port, and makes the switch that controls it.
func (s *switchSystem) newBacker(typ string) (*vswitchd.Backer, error) {
	b := &vswitchd.Backer{Type: typ, Dummy: typ == "dummy" || s.cfg.dummy == "override"}
	switch {
	case typ == "netdev", typ == "system", typ == "dummy" && s.cfg.dummy != "":
	default:
		log := s.prog.Log.Module("ofproto")
		log.Warnf("unknown datapath type %s", typ)
		return nil, errors.New(strerror.Errno(unix.EAFNOSUPPORT))
	}
	var err error
	if b.Datapath, err = s.newDatapath(b); err != nil {
		return nil, err
	}
	if b.Own, err = s.openPort(b, ports.Config{Name: b.Name(), Type: "internal", Alloc: b.Datapath.Alloc()}); err != nil {
		// A datapath works without its own port, which nothing is sent to.
		s.prog.Log.Module("dpif_netdev").Warnf("%s: %v", b.Name(), err)
		b.Own = nil
	} else if _, err = b.Datapath.PortAdd(b.Own, 0); err != nil {
		_ = b.Own.Close()
		_ = b.Datapath.Close()
		return nil, err
	}
	b.Switch = ofproto.New(ofproto.Options{
		Datapath: b.Datapath, DatapathName: b.Name(), DatapathType: typ, Clock: s.clock, RunDir: s.prog.Dirs.Run, Version: daemon.Version,
		Logf: s.logf,
	})
	b.OnClose = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.backers, typ)
	}
	s.mu.Lock()
	s.backers[typ] = b
	s.mu.Unlock()
	return b, nil
}

// logf is the log for packages that name module and level by strings.
func (s *switchSystem) logf(module, level, format string, args ...any) {
	m := s.prog.Log.Module(module)
	switch level {
	case "err":
		m.Errf(format, args...)
	case "warn":
		m.Warnf(format, args...)
	case "info":
		m.Infof(format, args...)
	default:
		m.Dbgf(format, args...)
	}
}
