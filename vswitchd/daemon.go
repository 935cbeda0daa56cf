package vswitchd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"govs/internal/clock"
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ports"
)

// DPDK is what the daemon needs of the DPDK binding. It is nil in a build without DPDK.
type DPDK interface {
	// Init starts DPDK with other_config's dpdk-… and vhost-… keys. It is called at most once for one set of keys.
	Init(otherConfig map[string]string) error
	Initialized() bool
	// Version is the DPDK version string, such as "DPDK 22.11.4"; it does not need Init.
	Version() string
}

// Options are what a Daemon works with. All but DPDK must be set.
type Options struct {
	DB    *client.Client
	Clock clock.Clock
	Log   *vlog.Registry
	DPDK  DPDK
	// NewBacker opens the datapath of the given type, with its switch.
	NewBacker func(datapathType string) (*Backer, error)
	// OpenPort opens a device for a datapath. Its error text becomes Interface.error as it is.
	OpenPort func(b *Backer, c ports.Config) (ports.Port, error)
	// DatapathType maps Bridge.datapath_type to the type of the datapath that serves it.
	DatapathType func(string) string
	// DatapathTypes and IfaceTypes are for the columns of those names; IfaceTypes is read at every write, because types come
	// with DPDK's start.
	DatapathTypes []string
	IfaceTypes    func() []string
	// Ready, if not nil, is called once, after the first reconfiguration.
	Ready func()
	// Version is what the program's log line and version commands show.
	Version string
}

// LockName is the database lock that keeps two daemons from serving one database.
const LockName = "ovs_vswitchd"

// Daemon runs the configuration. All fields belong to Run's goroutine.
type Daemon struct {
	opts    Options
	log     *vlog.Module
	dpdkLog *vlog.Module
	calls   chan func()

	backers   map[string]*Backer
	bridges   map[string]*bridge
	applied   *Desired // the last desired state that reconfigure was given
	previous  map[ovsdb.UUID]uint16
	dpdkTried map[string]string
	contended bool

	snap       *client.Snapshot
	writing    bool       // a write-back transaction is under way
	again      bool       // what it wrote is out of date
	written    chan error // its end
	statsDue   bool       // the next write includes statistics
	statusTick clock.Ticker
	stats      clock.Timer
}

// statusInterval is how often the state of devices is looked at.
const statusInterval = 100 * time.Millisecond

// retryTicks is how many status intervals pass between attempts to open interfaces that failed to open.
const retryTicks = 10

// controllerTicks is how many status intervals pass between looks at the connections to controllers.
const controllerTicks = 5

// New returns a daemon that starts when Run is called.
func New(o Options) *Daemon {
	return &Daemon{
		opts: o, log: o.Log.Module("bridge"), dpdkLog: o.Log.Module("dpdk"), calls: make(chan func()),
		backers: make(map[string]*Backer), bridges: make(map[string]*bridge), written: make(chan error, 1),
	}
}

// Do runs f on the daemon's goroutine and returns when it has returned. It may be called from any other goroutine while
// Run runs; it returns the context's error when ctx ends first.
func (d *Daemon) Do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case d.calls <- func() { f(); close(done) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	return nil
}

// Run follows the database until ctx ends, then takes everything down. It returns nil.
func (d *Daemon) Run(ctx context.Context) error {
	// Devices change whether the test clock runs or not.
	d.statusTick = clock.Real{}.NewTicker(statusInterval)
	defer d.statusTick.Stop()
	d.stats = d.opts.Clock.NewTimer(5 * time.Second)
	defer d.stats.Stop()
	defer d.shutdown()
	ticks := 0
	for {
		changed := d.opts.DB.Changed()
		d.follow(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case f := <-d.calls:
			f()
		case err := <-d.written:
			d.wrote(ctx, err)
		case <-d.stats.C():
			d.statsDue = true
			d.writeStatus(ctx)
			d.resetStats()
		case <-d.statusTick.C():
			if ticks++; ticks%retryTicks == 0 {
				d.retryFailed(ctx)
			}
			d.checkDevices(ctx)
			if ticks%controllerTicks == 0 {
				d.checkControllers(ctx)
			}
		}
	}
}

func (d *Daemon) resetStats() {
	interval := 5 * time.Second
	if d.applied != nil {
		interval = d.applied.StatsInterval
	}
	d.stats.Reset(interval)
}

// follow acts on a new snapshot or a change of the lock.
func (d *Daemon) follow(ctx context.Context) {
	if d.opts.DB.LockContended() {
		if !d.contended {
			d.contended = true
			d.log.Errf("another ovs-vswitchd process is running, disabling this process (pid %d) until it goes away", os.Getpid())
			d.destroyAll()
			d.applied, d.snap = nil, nil
		}
		return
	}
	if !d.opts.DB.HasLock() && d.applied == nil {
		return
	}
	d.contended = false
	s := d.opts.DB.Snapshot()
	if s == nil || s == d.snap {
		return
	}
	d.snap = s
	want := Compute(s, d.opts.DatapathType)
	first := d.applied == nil
	if first || want.NextCfg != d.applied.NextCfg || !want.Same(d.applied) {
		if first {
			d.log.Infof("%s", d.opts.Version)
		}
		d.reconfigure(want)
		d.statsDue = true
		d.resetStats()
		if first && d.opts.Ready != nil {
			d.opts.Ready()
		}
	}
	d.writeStatus(ctx)
}

// retryFailed tries again to open the interfaces that could not be opened: their devices may have come.
func (d *Daemon) retryFailed(ctx context.Context) {
	opened := false
	for _, br := range d.bridges {
		if br.of == nil {
			continue
		}
		for _, ifc := range br.ifaces {
			if ifc.added || isPatch(ifc.state) || ifc.state.Type != "system" {
				continue
			}
			if err := d.addIface(br, ifc); err == nil {
				ifc.err, opened = nil, true
			}
		}
	}
	if opened {
		d.configureBridges(d.applied)
		d.writeStatus(ctx)
	}
}

// checkDevices passes on changes of devices' status.
func (d *Daemon) checkDevices(ctx context.Context) {
	changed := false
	for _, br := range d.bridges {
		for _, ifc := range br.ifaces {
			if ifc.dev == nil || !ifc.added {
				continue
			}
			if seq := ifc.dev.Seq(); seq != ifc.seq {
				ifc.seq = seq
				changed = true
				d.followQueues(br, ifc)
				br.of.PortChanged(ifc.state.Name)
			}
		}
	}
	if changed {
		d.writeStatus(ctx)
	}
}

// followQueues makes the datapath poll the queues that a device has now: a vhost-user guest decides on their number when it
// connects. The port keeps its number, so its flows stay.
func (d *Daemon) followQueues(br *bridge, ifc *iface) {
	n := ifc.dev.RxQueues()
	if n == ifc.rxqs {
		return
	}
	ifc.rxqs = n
	dp := br.backer.Datapath
	if err := dp.PortDel(ifc.dp); err != nil {
		d.log.Warnf("%s: could not remove port %d from datapath: %v", ifc.state.Name, ifc.dp, err)
		return
	}
	if _, err := dp.PortAdd(ifc.dev, ifc.dp); err != nil {
		d.log.Errf("%s: could not add port %d to datapath again: %v", ifc.state.Name, ifc.dp, err)
	}
}

// SyncDevices passes on at once what devices' status has become. It may be called from any goroutine but Run's.
func (d *Daemon) SyncDevices(ctx context.Context) error {
	return d.Do(ctx, func() { d.checkDevices(ctx) })
}

// checkControllers writes the state of controllers when one has connected, gone, or changed its role.
func (d *Daemon) checkControllers(ctx context.Context) {
	changed := false
	for _, br := range d.bridges {
		if br.of == nil || len(br.state.Controllers) == 0 {
			continue
		}
		now := make(map[string]string)
		for _, c := range br.of.Controllers() {
			now[c.Target] = fmt.Sprint(c.IsConnected, c.Role, c.Status["state"], c.Status["last_error"])
		}
		if !maps.Equal(now, br.controllers) {
			br.controllers, changed = now, true
		}
	}
	if changed {
		d.writeStatus(ctx)
	}
}

func (d *Daemon) destroyAll() {
	for name, br := range d.bridges {
		d.destroyBridge(br)
		delete(d.bridges, name)
	}
	d.closeUnusedBackers()
}

// shutdown takes everything down at the end of Run.
func (d *Daemon) shutdown() {
	d.destroyAll()
}

// wrote handles the end of a write-back transaction.
func (d *Daemon) wrote(ctx context.Context, err error) {
	d.writing = false
	if err != nil && !errors.Is(err, client.ErrDisconnected) && ctx.Err() == nil {
		d.log.Warnf("writing status to the database: %v", err)
	}
	if d.again {
		d.again = false
		d.writeStatus(ctx)
	}
}

// Bridges returns the backers, for commands that run through Do.
func (d *Daemon) Backers() map[string]*Backer { return d.backers }

// Device returns the open device of the interface with the given name, or nil, with its backer. For use through Do.
func (d *Daemon) Device(name string) (ports.Port, *Backer) {
	for _, br := range d.bridges {
		if ifc := br.ifaces[name]; ifc != nil && ifc.dev != nil {
			return ifc.dev, br.backer
		}
	}
	return nil, nil
}
