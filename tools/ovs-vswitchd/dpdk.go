package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"govs/cgo/dpdk"
	"govs/internal/affinity"
	"govs/internal/daemon"
	"govs/packet"
)

// Sizes of the packet pool: as many buffers as memory allows, between the two. One holds a frame of poolRoom bytes; longer
// ones take several.
const (
	poolMax  = 131072
	poolMin  = 8192
	poolRoom = 2048
	// poolCache is the number of buffers that a PMD keeps to itself.
	poolCache = 256
)

// dpdkControl starts DPDK when the database asks for it, and hands out the allocator of packets: DPDK's pool once it runs,
// before that an arena. It implements vswitchd.DPDK.
type dpdkControl struct {
	prog *daemon.Program

	mu    sync.Mutex // guards the fields below
	pool  *dpdk.Mempool
	arena *packet.Arena
	// onInit are called, in order, with other_config after DPDK has started.
	onInit []func(otherConfig map[string]string)
}

func newDPDK(p *daemon.Program) *dpdkControl { return &dpdkControl{prog: p} }

// Initialized implements vswitchd.DPDK.
func (c *dpdkControl) Initialized() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pool != nil
}

// Version implements vswitchd.DPDK.
func (c *dpdkControl) Version() string {
	if v := dpdk.Version(); v != "" {
		return v
	}
	return "none"
}

// Init implements vswitchd.DPDK.
func (c *dpdkControl) Init(oc map[string]string) error {
	if !dpdk.Built {
		return errors.New("DPDK not supported in this copy of Open vSwitch.")
	}
	log := c.prog.Log.Module("dpdk")
	cpus, err := affinity.Get()
	if err != nil {
		return fmt.Errorf("reading the process's CPU affinity: %w", err)
	}
	args, warnings := dpdk.BuildArgs(dpdk.ArgsConfig{Program: "ovs-vswitchd", OtherConfig: oc, CPUs: cpus, Huge: dpdk.ProbeHugepages()})
	for _, w := range warnings {
		log.Warnf("%s", w)
	}
	log.Infof("Using %s", dpdk.Version())
	log.Infof("EAL ARGS: %s", strings.Join(args, " "))
	err = dpdk.Start(args, func(level int, line string) {
		switch {
		case level <= 4:
			log.Errf("%s", line)
		case level == 5:
			log.Warnf("%s", line)
		case level <= 7:
			log.Infof("%s", line)
		default:
			log.Dbgf("%s", line)
		}
	})
	if err != nil {
		return fmt.Errorf("Unable to initialize DPDK: %w", err)
	}
	pool, err := newPool()
	if err != nil {
		return fmt.Errorf("DPDK has no memory for packets: %w", err)
	}
	log.Infof("%d packet buffers of %d bytes", pool.Size(), pool.BufSize())
	c.mu.Lock()
	c.pool = pool
	after := c.onInit
	c.mu.Unlock()
	for _, f := range after {
		f(oc)
	}
	return nil
}

func newPool() (*dpdk.Mempool, error) {
	for n := poolMax; ; n /= 2 {
		p, err := dpdk.NewMempool(dpdk.MempoolConf{Name: "ovs", Bufs: n - 1, Cache: poolCache, Room: poolRoom, Socket: -1})
		if err == nil || n/2 < poolMin {
			return p, err
		}
	}
}

// alloc returns the allocator for a new datapath.
func (c *dpdkControl) alloc() (packet.Allocator, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pool != nil {
		return c.pool, nil
	}
	if c.arena == nil {
		a, err := packet.NewArena(0, poolRoom)
		if err != nil {
			return nil, fmt.Errorf("memory for packets: %w", err)
		}
		c.arena = a
	}
	return c.arena, nil
}

// threadStart makes DPDK know a PMD's thread.
func (c *dpdkControl) threadStart(core int) func() {
	if !c.Initialized() {
		return func() {}
	}
	if err := dpdk.RegisterThread(); err != nil {
		c.prog.Log.Module("dpdk").Warnf("PMD thread on core %d: %v", core, err)
		return func() {}
	}
	return dpdk.UnregisterThread
}

// close ends DPDK.
func (c *dpdkControl) close() {
	if c.Initialized() {
		dpdk.Cleanup()
	}
}
