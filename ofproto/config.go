package ofproto

import (
	"govs/dpif"
	"govs/internal/clock"
	"govs/internal/stream"
	"govs/openflow"
)

// Options are what a Switch is made with.
type Options struct {
	Datapath dpif.Datapath
	// DatapathName and DatapathType are what dpif/show and ofproto/trace call it, such as "ovs-netdev" and "netdev".
	DatapathName string
	DatapathType string
	Clock        clock.Clock
	// RunDir is where the management sockets BRIDGE.mgmt and BRIDGE.snoop are made; empty for none.
	RunDir string
	// Stream is how connections to controllers are made; nil: without SSL.
	Stream *stream.Options
	// Version is the software version in the description statistics, such as "3.1.0".
	Version string
	// Logf, if not nil, writes to the log of a module ("ofproto", "connmgr"…) at a level ("err", "warn", "info", "dbg").
	Logf func(module, level, format string, args ...any)
}

// Settings are those of Open_vSwitch.other_config that ofproto obeys. A zero member stands for the default.
type Settings struct {
	FlowLimit         int // flow-limit, megaflows: 200000
	MaxIdle           int // max-idle, ms: 10000
	MaxRevalidator    int // max-revalidator, ms: 500
	MinRevalidatePPS  int // min-revalidate-pps: 5; NoMinRevalidatePPS for 0
	Handlers          int // n-handler-threads
	Revalidators      int // n-revalidator-threads
	VLANLimit         int // vlan-limit: 1; 2 for two tags
	OffloadedStatsOff bool
}

// NoMinRevalidatePPS is MinRevalidatePPS's value for zero packets per second.
const NoMinRevalidatePPS = -1

// FailMode is what a bridge does without a controller connection.
type FailMode uint8

// Fail modes. The default is FailStandalone: a bridge that has no controllers, too, behaves as a learning switch.
const (
	FailStandalone FailMode = iota
	FailSecure
)

// BridgeConfig is the configuration of a bridge: the Bridge record with its Controllers and Flow_Tables.
type BridgeConfig struct {
	DatapathID  uint64 // as the caller computed it (other_config:datapath-id or the MAC address)
	FailMode    FailMode
	Protocols   openflow.Versions // 0: the default, OpenFlow 1.0 to 1.5
	Controllers []ControllerConfig
	// MACTableSize and MACAging are other_config:mac-table-size (8192) and mac-aging-time (300 s); 0 for these defaults.
	MACTableSize int
	MACAging     int
	FloodVLANs   []uint16 // flood_vlans: nothing is learned in them
	ForwardBPDU  bool     // other_config:forward-bpdu
	// Descriptions: other_config:dp-desc, and the serial number of the desc statistics.
	DPDesc, Serial string
	Tables         map[uint8]TableConfig
}

// ControllerConfig is one Controller record.
type ControllerConfig struct {
	Target       string // "tcp:…", "unix:…", "ptcp:…", "punix:…", "ssl:…"
	MaxBackoff   int    // ms; 0 default
	Probe        int    // inactivity_probe, ms; 0 default, negative never
	RateLimit    int    // controller_rate_limit, packets per second; 0 unlimited
	BurstLimit   int
	OutOfBand    bool   // connection_mode
	AsyncMessage bool   // enable_async_messages
	MaxPacketIn  int    // controller_queue_size; 0 default
	Type         string // "service" for a management connection
}

// TableConfig is one Flow_Table record.
type TableConfig struct {
	Name         string
	FlowLimit    int // -1 unlimited; 0 too
	Evict        bool
	EvictGroups  []string
	Prefixes     []string // nil: the default; empty: none
	VacancyBelow uint8
}

// PortConfig is one Interface of a bridge.
type PortConfig struct {
	Name string
	Type string // the Interface's type: "", "system", "internal", "tap", "patch", "dpdk"…
	// Request is ofport_request, or the number that the port had before (Interface.ofport); 0 for any.
	Request openflow.Port
	// Local makes it the bridge's local port (OFPP_LOCAL).
	Local bool
	// DPPort is the datapath's number of the port; dpif.PortNone for patch ports.
	DPPort dpif.PortNo
	// Device is the open port, for statistics, status and administrative state; nil for patch ports.
	Device dpif.Device
	// Peer is the name of the other end, for patch ports.
	Peer string
	// MAC is the address that port descriptions show when Device is nil.
	MAC [6]byte
}

// VLANMode is Port.vlan_mode.
type VLANMode uint8

// VLAN modes. VLANDefault is access if the port has a tag, else trunk.
const (
	VLANDefault VLANMode = iota
	VLANAccess
	VLANTrunk
	VLANNativeTagged
	VLANNativeUntagged
	VLANDot1qTunnel
)

// BundleConfig is one Port record: one or more interfaces that forward as one.
type BundleConfig struct {
	Name      string
	Ports     []string // names of interfaces, which AddPort has added
	Mode      VLANMode
	Tag       int      // -1 none
	Trunks    []uint16 // nil: all
	CVLANs    []uint16 // dot1q-tunnel
	PrioTags  string   // other_config:priority-tags: "never" (default), "if-nonzero", "always"
	Protected bool
	QinQEth   uint16 // other_config:qinq-ethtype: 0x88a8 (default) or 0x8100
}

// PortInfo is the present state of a port.
type PortInfo struct {
	Name   string
	Number openflow.Port
	DPPort dpif.PortNo
	Type   string
	Peer   string
}

// ControllerStatus is what the Controller record's status columns show.
type ControllerStatus struct {
	Target      string
	IsConnected bool
	Role        string // "primary", "secondary", "other", or empty
	Status      map[string]string
}

// Command is a unixctl command of this package. Args does not include the name. An error is replied as an error.
type Command struct {
	Name             string
	Usage            string
	MinArgs, MaxArgs int
	Run              func(args []string) (string, error)
}

// The API beside these types:
//
//	func New(o Options) *Switch
//	func (s *Switch) Close()
//	func (s *Switch) Configure(c Settings)
//	func (s *Switch) AddBridge(name string, c BridgeConfig) (*Bridge, error)
//	func (s *Switch) DelBridge(name string)
//	func (s *Switch) Bridge(name string) *Bridge            // nil if there is none
//	func (s *Switch) Bridges() []*Bridge                    // by name
//	func (s *Switch) Commands() []Command
//
//	func (b *Bridge) Name() string
//	func (b *Bridge) Configure(c BridgeConfig) error
//	func (b *Bridge) AddPort(c PortConfig) (openflow.Port, error)
//	func (b *Bridge) DelPort(name string)
//	func (b *Bridge) SetPort(c PortConfig) (openflow.Port, error) // changes an existing one (peer, number)
//	func (b *Bridge) Port(name string) (PortInfo, bool)
//	func (b *Bridge) Ports() []PortInfo
//	func (b *Bridge) SetBundle(c BundleConfig) error
//	func (b *Bridge) DelBundle(name string)
//	func (b *Bridge) PortStats(name string, s *dpif.PortStats) bool // patch ports, too
//	func (b *Bridge) PortChanged(name string)                       // Device's status changed
//	func (b *Bridge) Controllers() []ControllerStatus
