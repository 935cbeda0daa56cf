package dpif

import (
	"context"

	"govs/actions"
	"govs/flow"
	"govs/packet"
	"govs/ports"
)

// PortNo is a datapath port number ("odp port"). It appears in flow.Key's in_port and in output actions.
type PortNo = uint32

const (
	// PortLocal is the datapath's own port (the internal port named like the datapath).
	PortLocal PortNo = 0
	// PortNone is no port.
	PortNone PortNo = ^PortNo(0)
)

// NonPMD is the Poller of the goroutine that serves ports which are not Polled.
const NonPMD = 0x7fffffff

// Kind of an Upcall.
type Kind uint8

const (
	// Miss is a packet that no megaflow matched. It must be answered with one Verdict.
	Miss Kind = iota
	// Action is a packet that a userspace action sent up. It is answered with Datapath.Done.
	Action
)

// Upcall is a packet that the datapath passes to ofproto. Key and Packet belong to the datapath and may be read, not
// written, until the upcall is answered.
type Upcall struct {
	Kind     Kind
	Poller   int
	Key      *flow.Key
	KeyLen   int // leading words of Key that are valid
	Layers   flow.Layers
	Packet   *packet.Buf        // Miss: the first parked packet. Action: a copy, as it was when the action ran
	Userdata *actions.Userspace // Action: what the userspace action carried
	Priv     any                // the datapath's own; ofproto leaves it alone
}

// Verdict answers a Miss.
type Verdict struct {
	// Install says whether a megaflow is to be installed; if not, only the parked packets are dealt with.
	Install bool
	Mask    *flow.Mask    // which bits of the upcall's key were read to decide; the poller computes the masked key
	Actions *actions.List // the megaflow's actions; also executed on the parked packets
	Owner   any           // stored in Flow.Owner
	// OnInstalled, if not nil, is called by the poller (it must be quick and must not block) with Owner and the Flow that was
	// installed, or with nil when it was not, because an equal flow was there already, the table is full or the
	// port is gone.
	OnInstalled func(owner any, f *Flow)
}

// Datapath is one userspace datapath. Methods may be called from any goroutine except a poller.
type Datapath interface {
	// PortAdd gives the port the number want, or a free one if want is PortNone, and starts to poll it. The datapath
	// does not close the port when PortAdd fails.
	PortAdd(p ports.Port, want PortNo) (PortNo, error)
	// PortDel stops polling the port, drops its queued packets and flows of that in_port stay until revalidated. It
	// returns when no poller uses the port any more; the caller closes the Port.
	PortDel(no PortNo) error
	// Ports lists the ports in number order.
	Ports() []PortInfo

	// Recv blocks until upcalls are there for handler h or ctx ends, and fills us. Handlers share the upcalls; those of
	// one flow always go to the same handler, in order; ports are served in turn (one port's misses cannot starve another's).
	Recv(ctx context.Context, h int, us []*Upcall) (int, error)
	// SetHandlers sets the number of handlers that Recv serves, at least 1.
	SetHandlers(n int)
	// Post answers a Miss. The upcall must not be used afterwards.
	Post(u *Upcall, v Verdict)
	// Done ends an Action upcall, whose packet is freed.
	Done(u *Upcall)

	// Flows calls f for every installed megaflow, poller by poller, until it returns false. Flows that come and go
	// meanwhile may or may not be seen.
	Flows(f func(*Flow) bool)
	// FlowPut installs a megaflow in the poller pmd (used by dpctl/add-flow), or replaces its actions.
	FlowPut(pmd int, k *flow.Key, m *flow.Mask, a *actions.List) error
	// FlowMod replaces a flow's actions; FlowDel takes it out. Both are queued to the owning poller and return at once;
	// done, if not nil, is called by the poller when it has happened: the flow's statistics are final then. It must not wait for
	// anything, not even a mutex that others take.
	FlowMod(f *Flow, a *actions.List, done func())
	FlowDel(f *Flow, done func())
	// FlowFlush takes out all flows and returns when that has happened.
	FlowFlush()

	// Execute runs actions on a packet as if it had entered at k's in_port (packet_out, and what handlers send). The packet
	// is taken over. It runs on the non-PMD poller and returns when it has happened if wait is set.
	Execute(p *packet.Buf, k *flow.Key, a *actions.List, wait bool)

	// Quiesce returns when all packets that dummy ports received before have been dealt with: lookups, upcalls,
	// verdicts and transmissions (netdev-dummy/receive).
	Quiesce(ctx context.Context) error

	// Configure applies a configuration and returns when all pollers run it.
	Configure(c Config) error
	// Stats are the datapath's lookup totals (dpctl/show).
	Stats() Stats
	// Drops are the counts of packets not delivered, by reason, over all pollers and ports.
	Drops() map[DropReason]uint64
	// Alloc is the allocator of the datapath's packets.
	Alloc() packet.Allocator
	Close() error
}

// PortInfo describes a port of a datapath.
type PortInfo struct {
	No   PortNo
	Port ports.Port
}

// Stats are totals over all pollers.
type Stats struct {
	Hit, Missed, Lost uint64 // lookups that hit (EMC, SMC or megaflow), that missed, and misses dropped before an upcall
	Flows             int
	Masks             int
	MaskHits          uint64 // subtables probed for the megaflow hits
	CacheHits         uint64 // EMC hits
}

// The limits to the number of VLAN tags that are parsed: what holds unless other_config:vlan-limit says otherwise, and the most.
const (
	DefaultVLANLimit = flow.DefaultVLANLimit
	MaxVLANLimit     = flow.MaxVLANs
)

// Config is the datapath part of other_config, resolved by vswitchd (ovs-vswitchd.conf.db(5), Open_vSwitch table).
type Config struct {
	PMDCPUs          []int             // cores that run a PMD, from pmd-cpu-mask; empty: one per NUMA node if a polled port exists
	EMCInsertInvProb uint32            // emc-insert-inv-prob: 0 never, 1 always, n one in n
	SMCEnable        bool              // smc-enable
	TxFlushInterval  int64             // tx-flush-interval, microseconds
	PMDSleepMax      int64             // pmd-maxsleep, microseconds; 0: never sleep; below 0: only when there has been no traffic for a while
	RxqAffinity      map[string]string // port name -> other_config:pmd-rxq-affinity
	RxqAssign        string            // pmd-rxq-assign: cycles, roundrobin, group
	PerfMetrics      bool              // pmd-perf-metrics
	RxqShared        bool              // pmd-rxq-isolate is false: cores that queues are pinned to get others as well
	AutoLB           AutoLB            // pmd-auto-lb*
	TxHash           map[string]bool   // port name -> other_config:tx-steering is hash
	VLANLimit        int               // vlan-limit, 1 or 2: tags that are parsed; 0 is the default of 1
}

// AutoLB are the settings of automatic load balancing between PMDs.
type AutoLB struct {
	Enabled     bool
	Interval    int // minutes
	Load        int // percent from which a PMD is overloaded
	Improvement int // percent by which the variance of loads must become smaller
}

// DropReason names a cause of loss. Its String is the coverage counter's and Prometheus label's name.
type DropReason uint8
