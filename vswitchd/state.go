package vswitchd

import (
	"net"
	"reflect"
	"time"

	"govs/dpif"
	"govs/ofproto"
	"govs/ovsdb"
)

// Desired is the state that a database snapshot asks for. It is a value: two equal snapshots give equal Desired
// values, and nothing in it refers to anything that runs.
type Desired struct {
	NextCfg  int64
	DPDK     map[string]string // other_config keys that concern DPDK's start
	Settings ofproto.Settings
	Datapath dpif.Config
	// StatsInterval is how often statistics go to the database (other_config:stats-update-interval).
	StatsInterval time.Duration
	Bridges       map[string]*BridgeState
	// Previous are the OpenFlow port numbers that the database has, by Interface: a hint for interfaces that ask for none,
	// so that a restart keeps the numbers. It does not count when two desired states are compared.
	Previous map[ovsdb.UUID]uint16
	// Errors are contradictions found in the snapshot, for the log.
	Errors []string
}

// BridgeState is what one Bridge record asks for.
type BridgeState struct {
	UUID         ovsdb.UUID
	Name         string
	DatapathType string // normalized: "system" for ""
	Config       ofproto.BridgeConfig
	HWAddr       net.HardwareAddr // other_config:hwaddr
	DatapathID   uint64           // other_config:datapath-id, 0 unset
	Ports        map[string]*PortState
	Controllers  map[string]ovsdb.UUID // Controller records by target
}

// PortState is what one Port record asks for.
type PortState struct {
	UUID   ovsdb.UUID
	Bundle ofproto.BundleConfig
	Ifaces map[string]*IfaceState
	MAC    net.HardwareAddr // Port.mac
}

// IfaceState is what one Interface record asks for.
type IfaceState struct {
	UUID    ovsdb.UUID
	Name    string
	Type    string // normalized: "internal" for the local port, "system" for ""
	Options map[string]string
	MAC     net.HardwareAddr // mac, for internal interfaces
	MTU     int              // mtu_request
	Request uint16           // ofport_request, 0 unset
	Other   map[string]string
}

// Same tells whether two desired states ask for the same, NextCfg aside.
func (d *Desired) Same(o *Desired) bool {
	a, b := *d, *o
	a.Previous, b.Previous = nil, nil
	a.NextCfg, b.NextCfg = 0, 0
	return reflect.DeepEqual(&a, &b)
}
