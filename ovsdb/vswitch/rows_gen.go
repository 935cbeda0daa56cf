// Code generated from the Open_vSwitch schema, version 8.3.1. DO NOT EDIT.

package vswitch

import (
	"govs/ovsdb"
	"govs/ovsdb/client"
)

// TableAutoAttach is the name of the AutoAttach table.
const TableAutoAttach = "AutoAttach"

// AutoAttach is a row of the AutoAttach table. Optional columns are nil when they are empty.
type AutoAttach struct {
	UUID              ovsdb.UUID
	Mappings          map[int64]int64 // mappings
	SystemDescription string          // system_description
	SystemName        string          // system_name
}

// GetAutoAttach returns the row with the given UUID, or nil.
func GetAutoAttach(s *client.Snapshot, u ovsdb.UUID) *AutoAttach {
	t := s.Table(TableAutoAttach)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeAutoAttach(t, r)
}

// AllAutoAttach returns all rows of the table in the order of their UUIDs.
func AllAutoAttach(s *client.Snapshot) []*AutoAttach {
	t := s.Table(TableAutoAttach)
	rows := sortedRows(t)
	out := make([]*AutoAttach, len(rows))
	for i, r := range rows {
		out[i] = makeAutoAttach(t, r)
	}
	return out
}

func makeAutoAttach(t *client.Table, r *ovsdb.Row) *AutoAttach {
	return &AutoAttach{
		UUID:              r.UUID(),
		Mappings:          mapIntInt(t.Column(r, "mappings")),
		SystemDescription: scalarString(t.Column(r, "system_description")),
		SystemName:        scalarString(t.Column(r, "system_name")),
	}
}

// TableBridge is the name of the Bridge table.
const TableBridge = "Bridge"

// Bridge is a row of the Bridge table. Optional columns are nil when they are empty.
type Bridge struct {
	UUID                ovsdb.UUID
	AutoAttach          *ovsdb.UUID          // auto_attach
	Controller          []ovsdb.UUID         // controller
	DatapathID          *string              // datapath_id
	DatapathType        string               // datapath_type
	DatapathVersion     string               // datapath_version
	ExternalIds         map[string]string    // external_ids
	FailMode            *string              // fail_mode
	FloodVLANs          []int64              // flood_vlans
	FlowTables          map[int64]ovsdb.UUID // flow_tables
	IPFIX               *ovsdb.UUID          // ipfix
	McastSnoopingEnable bool                 // mcast_snooping_enable
	Mirrors             []ovsdb.UUID         // mirrors
	Name                string               // name
	NetFlow             *ovsdb.UUID          // netflow
	OtherConfig         map[string]string    // other_config
	Ports               []ovsdb.UUID         // ports
	Protocols           []string             // protocols
	RSTPEnable          bool                 // rstp_enable
	RSTPStatus          map[string]string    // rstp_status
	SFlow               *ovsdb.UUID          // sflow
	Status              map[string]string    // status
	STPEnable           bool                 // stp_enable
}

// GetBridge returns the row with the given UUID, or nil.
func GetBridge(s *client.Snapshot, u ovsdb.UUID) *Bridge {
	t := s.Table(TableBridge)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeBridge(t, r)
}

// AllBridge returns all rows of the table in the order of their UUIDs.
func AllBridge(s *client.Snapshot) []*Bridge {
	t := s.Table(TableBridge)
	rows := sortedRows(t)
	out := make([]*Bridge, len(rows))
	for i, r := range rows {
		out[i] = makeBridge(t, r)
	}
	return out
}

func makeBridge(t *client.Table, r *ovsdb.Row) *Bridge {
	return &Bridge{
		UUID:                r.UUID(),
		AutoAttach:          optUUID(t.Column(r, "auto_attach")),
		Controller:          setUUID(t.Column(r, "controller")),
		DatapathID:          optString(t.Column(r, "datapath_id")),
		DatapathType:        scalarString(t.Column(r, "datapath_type")),
		DatapathVersion:     scalarString(t.Column(r, "datapath_version")),
		ExternalIds:         mapStringString(t.Column(r, "external_ids")),
		FailMode:            optString(t.Column(r, "fail_mode")),
		FloodVLANs:          setInt(t.Column(r, "flood_vlans")),
		FlowTables:          mapIntUUID(t.Column(r, "flow_tables")),
		IPFIX:               optUUID(t.Column(r, "ipfix")),
		McastSnoopingEnable: scalarBool(t.Column(r, "mcast_snooping_enable")),
		Mirrors:             setUUID(t.Column(r, "mirrors")),
		Name:                scalarString(t.Column(r, "name")),
		NetFlow:             optUUID(t.Column(r, "netflow")),
		OtherConfig:         mapStringString(t.Column(r, "other_config")),
		Ports:               setUUID(t.Column(r, "ports")),
		Protocols:           setString(t.Column(r, "protocols")),
		RSTPEnable:          scalarBool(t.Column(r, "rstp_enable")),
		RSTPStatus:          mapStringString(t.Column(r, "rstp_status")),
		SFlow:               optUUID(t.Column(r, "sflow")),
		Status:              mapStringString(t.Column(r, "status")),
		STPEnable:           scalarBool(t.Column(r, "stp_enable")),
	}
}

// TableCTTimeoutPolicy is the name of the CT_Timeout_Policy table.
const TableCTTimeoutPolicy = "CT_Timeout_Policy"

// CTTimeoutPolicy is a row of the CT_Timeout_Policy table. Optional columns are nil when they are empty.
type CTTimeoutPolicy struct {
	UUID        ovsdb.UUID
	ExternalIds map[string]string // external_ids
	Timeouts    map[string]int64  // timeouts
}

// GetCTTimeoutPolicy returns the row with the given UUID, or nil.
func GetCTTimeoutPolicy(s *client.Snapshot, u ovsdb.UUID) *CTTimeoutPolicy {
	t := s.Table(TableCTTimeoutPolicy)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeCTTimeoutPolicy(t, r)
}

// AllCTTimeoutPolicy returns all rows of the table in the order of their UUIDs.
func AllCTTimeoutPolicy(s *client.Snapshot) []*CTTimeoutPolicy {
	t := s.Table(TableCTTimeoutPolicy)
	rows := sortedRows(t)
	out := make([]*CTTimeoutPolicy, len(rows))
	for i, r := range rows {
		out[i] = makeCTTimeoutPolicy(t, r)
	}
	return out
}

func makeCTTimeoutPolicy(t *client.Table, r *ovsdb.Row) *CTTimeoutPolicy {
	return &CTTimeoutPolicy{
		UUID:        r.UUID(),
		ExternalIds: mapStringString(t.Column(r, "external_ids")),
		Timeouts:    mapStringInt(t.Column(r, "timeouts")),
	}
}

// TableCTZone is the name of the CT_Zone table.
const TableCTZone = "CT_Zone"

// CTZone is a row of the CT_Zone table. Optional columns are nil when they are empty.
type CTZone struct {
	UUID          ovsdb.UUID
	ExternalIds   map[string]string // external_ids
	TimeoutPolicy *ovsdb.UUID       // timeout_policy
}

// GetCTZone returns the row with the given UUID, or nil.
func GetCTZone(s *client.Snapshot, u ovsdb.UUID) *CTZone {
	t := s.Table(TableCTZone)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeCTZone(t, r)
}

// AllCTZone returns all rows of the table in the order of their UUIDs.
func AllCTZone(s *client.Snapshot) []*CTZone {
	t := s.Table(TableCTZone)
	rows := sortedRows(t)
	out := make([]*CTZone, len(rows))
	for i, r := range rows {
		out[i] = makeCTZone(t, r)
	}
	return out
}

func makeCTZone(t *client.Table, r *ovsdb.Row) *CTZone {
	return &CTZone{
		UUID:          r.UUID(),
		ExternalIds:   mapStringString(t.Column(r, "external_ids")),
		TimeoutPolicy: optUUID(t.Column(r, "timeout_policy")),
	}
}

// TableController is the name of the Controller table.
const TableController = "Controller"

// Controller is a row of the Controller table. Optional columns are nil when they are empty.
type Controller struct {
	UUID                 ovsdb.UUID
	ConnectionMode       *string           // connection_mode
	ControllerBurstLimit *int64            // controller_burst_limit
	ControllerQueueSize  *int64            // controller_queue_size
	ControllerRateLimit  *int64            // controller_rate_limit
	EnableAsyncMessages  *bool             // enable_async_messages
	ExternalIds          map[string]string // external_ids
	InactivityProbe      *int64            // inactivity_probe
	IsConnected          bool              // is_connected
	LocalGateway         *string           // local_gateway
	LocalIP              *string           // local_ip
	LocalNetmask         *string           // local_netmask
	MaxBackoff           *int64            // max_backoff
	OtherConfig          map[string]string // other_config
	Role                 *string           // role
	Status               map[string]string // status
	Target               string            // target
	Type                 *string           // type
}

// GetController returns the row with the given UUID, or nil.
func GetController(s *client.Snapshot, u ovsdb.UUID) *Controller {
	t := s.Table(TableController)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeController(t, r)
}

// AllController returns all rows of the table in the order of their UUIDs.
func AllController(s *client.Snapshot) []*Controller {
	t := s.Table(TableController)
	rows := sortedRows(t)
	out := make([]*Controller, len(rows))
	for i, r := range rows {
		out[i] = makeController(t, r)
	}
	return out
}

func makeController(t *client.Table, r *ovsdb.Row) *Controller {
	return &Controller{
		UUID:                 r.UUID(),
		ConnectionMode:       optString(t.Column(r, "connection_mode")),
		ControllerBurstLimit: optInt(t.Column(r, "controller_burst_limit")),
		ControllerQueueSize:  optInt(t.Column(r, "controller_queue_size")),
		ControllerRateLimit:  optInt(t.Column(r, "controller_rate_limit")),
		EnableAsyncMessages:  optBool(t.Column(r, "enable_async_messages")),
		ExternalIds:          mapStringString(t.Column(r, "external_ids")),
		InactivityProbe:      optInt(t.Column(r, "inactivity_probe")),
		IsConnected:          scalarBool(t.Column(r, "is_connected")),
		LocalGateway:         optString(t.Column(r, "local_gateway")),
		LocalIP:              optString(t.Column(r, "local_ip")),
		LocalNetmask:         optString(t.Column(r, "local_netmask")),
		MaxBackoff:           optInt(t.Column(r, "max_backoff")),
		OtherConfig:          mapStringString(t.Column(r, "other_config")),
		Role:                 optString(t.Column(r, "role")),
		Status:               mapStringString(t.Column(r, "status")),
		Target:               scalarString(t.Column(r, "target")),
		Type:                 optString(t.Column(r, "type")),
	}
}

// TableDatapath is the name of the Datapath table.
const TableDatapath = "Datapath"

// Datapath is a row of the Datapath table. Optional columns are nil when they are empty.
type Datapath struct {
	UUID            ovsdb.UUID
	Capabilities    map[string]string    // capabilities
	CTZones         map[int64]ovsdb.UUID // ct_zones
	DatapathVersion string               // datapath_version
	ExternalIds     map[string]string    // external_ids
}

// GetDatapath returns the row with the given UUID, or nil.
func GetDatapath(s *client.Snapshot, u ovsdb.UUID) *Datapath {
	t := s.Table(TableDatapath)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeDatapath(t, r)
}

// AllDatapath returns all rows of the table in the order of their UUIDs.
func AllDatapath(s *client.Snapshot) []*Datapath {
	t := s.Table(TableDatapath)
	rows := sortedRows(t)
	out := make([]*Datapath, len(rows))
	for i, r := range rows {
		out[i] = makeDatapath(t, r)
	}
	return out
}

func makeDatapath(t *client.Table, r *ovsdb.Row) *Datapath {
	return &Datapath{
		UUID:            r.UUID(),
		Capabilities:    mapStringString(t.Column(r, "capabilities")),
		CTZones:         mapIntUUID(t.Column(r, "ct_zones")),
		DatapathVersion: scalarString(t.Column(r, "datapath_version")),
		ExternalIds:     mapStringString(t.Column(r, "external_ids")),
	}
}

// TableFlowSampleCollectorSet is the name of the Flow_Sample_Collector_Set table.
const TableFlowSampleCollectorSet = "Flow_Sample_Collector_Set"

// FlowSampleCollectorSet is a row of the Flow_Sample_Collector_Set table. Optional columns are nil when they are empty.
type FlowSampleCollectorSet struct {
	UUID        ovsdb.UUID
	Bridge      ovsdb.UUID        // bridge
	ExternalIds map[string]string // external_ids
	ID          int64             // id
	IPFIX       *ovsdb.UUID       // ipfix
}

// GetFlowSampleCollectorSet returns the row with the given UUID, or nil.
func GetFlowSampleCollectorSet(s *client.Snapshot, u ovsdb.UUID) *FlowSampleCollectorSet {
	t := s.Table(TableFlowSampleCollectorSet)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeFlowSampleCollectorSet(t, r)
}

// AllFlowSampleCollectorSet returns all rows of the table in the order of their UUIDs.
func AllFlowSampleCollectorSet(s *client.Snapshot) []*FlowSampleCollectorSet {
	t := s.Table(TableFlowSampleCollectorSet)
	rows := sortedRows(t)
	out := make([]*FlowSampleCollectorSet, len(rows))
	for i, r := range rows {
		out[i] = makeFlowSampleCollectorSet(t, r)
	}
	return out
}

func makeFlowSampleCollectorSet(t *client.Table, r *ovsdb.Row) *FlowSampleCollectorSet {
	return &FlowSampleCollectorSet{
		UUID:        r.UUID(),
		Bridge:      scalarUUID(t.Column(r, "bridge")),
		ExternalIds: mapStringString(t.Column(r, "external_ids")),
		ID:          scalarInt(t.Column(r, "id")),
		IPFIX:       optUUID(t.Column(r, "ipfix")),
	}
}

// TableFlowTable is the name of the Flow_Table table.
const TableFlowTable = "Flow_Table"

// FlowTable is a row of the Flow_Table table. Optional columns are nil when they are empty.
type FlowTable struct {
	UUID           ovsdb.UUID
	ExternalIds    map[string]string // external_ids
	FlowLimit      *int64            // flow_limit
	Groups         []string          // groups
	Name           *string           // name
	OverflowPolicy *string           // overflow_policy
	Prefixes       []string          // prefixes
}

// GetFlowTable returns the row with the given UUID, or nil.
func GetFlowTable(s *client.Snapshot, u ovsdb.UUID) *FlowTable {
	t := s.Table(TableFlowTable)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeFlowTable(t, r)
}

// AllFlowTable returns all rows of the table in the order of their UUIDs.
func AllFlowTable(s *client.Snapshot) []*FlowTable {
	t := s.Table(TableFlowTable)
	rows := sortedRows(t)
	out := make([]*FlowTable, len(rows))
	for i, r := range rows {
		out[i] = makeFlowTable(t, r)
	}
	return out
}

func makeFlowTable(t *client.Table, r *ovsdb.Row) *FlowTable {
	return &FlowTable{
		UUID:           r.UUID(),
		ExternalIds:    mapStringString(t.Column(r, "external_ids")),
		FlowLimit:      optInt(t.Column(r, "flow_limit")),
		Groups:         setString(t.Column(r, "groups")),
		Name:           optString(t.Column(r, "name")),
		OverflowPolicy: optString(t.Column(r, "overflow_policy")),
		Prefixes:       setString(t.Column(r, "prefixes")),
	}
}

// TableIPFIX is the name of the IPFIX table.
const TableIPFIX = "IPFIX"

// IPFIX is a row of the IPFIX table. Optional columns are nil when they are empty.
type IPFIX struct {
	UUID               ovsdb.UUID
	CacheActiveTimeout *int64            // cache_active_timeout
	CacheMaxFlows      *int64            // cache_max_flows
	ExternalIds        map[string]string // external_ids
	ObsDomainID        *int64            // obs_domain_id
	ObsPointID         *int64            // obs_point_id
	OtherConfig        map[string]string // other_config
	Sampling           *int64            // sampling
	Targets            []string          // targets
}

// GetIPFIX returns the row with the given UUID, or nil.
func GetIPFIX(s *client.Snapshot, u ovsdb.UUID) *IPFIX {
	t := s.Table(TableIPFIX)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeIPFIX(t, r)
}

// AllIPFIX returns all rows of the table in the order of their UUIDs.
func AllIPFIX(s *client.Snapshot) []*IPFIX {
	t := s.Table(TableIPFIX)
	rows := sortedRows(t)
	out := make([]*IPFIX, len(rows))
	for i, r := range rows {
		out[i] = makeIPFIX(t, r)
	}
	return out
}

func makeIPFIX(t *client.Table, r *ovsdb.Row) *IPFIX {
	return &IPFIX{
		UUID:               r.UUID(),
		CacheActiveTimeout: optInt(t.Column(r, "cache_active_timeout")),
		CacheMaxFlows:      optInt(t.Column(r, "cache_max_flows")),
		ExternalIds:        mapStringString(t.Column(r, "external_ids")),
		ObsDomainID:        optInt(t.Column(r, "obs_domain_id")),
		ObsPointID:         optInt(t.Column(r, "obs_point_id")),
		OtherConfig:        mapStringString(t.Column(r, "other_config")),
		Sampling:           optInt(t.Column(r, "sampling")),
		Targets:            setString(t.Column(r, "targets")),
	}
}

// TableInterface is the name of the Interface table.
const TableInterface = "Interface"

// Interface is a row of the Interface table. Optional columns are nil when they are empty.
type Interface struct {
	UUID                      ovsdb.UUID
	AdminState                *string           // admin_state
	BFD                       map[string]string // bfd
	BFDStatus                 map[string]string // bfd_status
	CFMFault                  *bool             // cfm_fault
	CFMFaultStatus            []string          // cfm_fault_status
	CFMFlapCount              *int64            // cfm_flap_count
	CFMHealth                 *int64            // cfm_health
	CFMMpid                   *int64            // cfm_mpid
	CFMRemoteMpids            []int64           // cfm_remote_mpids
	CFMRemoteOpstate          *string           // cfm_remote_opstate
	Duplex                    *string           // duplex
	Error                     *string           // error
	ExternalIds               map[string]string // external_ids
	Ifindex                   *int64            // ifindex
	IngressPolicingBurst      int64             // ingress_policing_burst
	IngressPolicingKpktsBurst int64             // ingress_policing_kpkts_burst
	IngressPolicingKpktsRate  int64             // ingress_policing_kpkts_rate
	IngressPolicingRate       int64             // ingress_policing_rate
	LACPCurrent               *bool             // lacp_current
	LinkResets                *int64            // link_resets
	LinkSpeed                 *int64            // link_speed
	LinkState                 *string           // link_state
	LLDP                      map[string]string // lldp
	MAC                       *string           // mac
	MACInUse                  *string           // mac_in_use
	MTU                       *int64            // mtu
	MTURequest                *int64            // mtu_request
	Name                      string            // name
	OFPort                    *int64            // ofport
	OFPortRequest             *int64            // ofport_request
	Options                   map[string]string // options
	OtherConfig               map[string]string // other_config
	Statistics                map[string]int64  // statistics
	Status                    map[string]string // status
	Type                      string            // type
}

// GetInterface returns the row with the given UUID, or nil.
func GetInterface(s *client.Snapshot, u ovsdb.UUID) *Interface {
	t := s.Table(TableInterface)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeInterface(t, r)
}

// AllInterface returns all rows of the table in the order of their UUIDs.
func AllInterface(s *client.Snapshot) []*Interface {
	t := s.Table(TableInterface)
	rows := sortedRows(t)
	out := make([]*Interface, len(rows))
	for i, r := range rows {
		out[i] = makeInterface(t, r)
	}
	return out
}

func makeInterface(t *client.Table, r *ovsdb.Row) *Interface {
	return &Interface{
		UUID:                      r.UUID(),
		AdminState:                optString(t.Column(r, "admin_state")),
		BFD:                       mapStringString(t.Column(r, "bfd")),
		BFDStatus:                 mapStringString(t.Column(r, "bfd_status")),
		CFMFault:                  optBool(t.Column(r, "cfm_fault")),
		CFMFaultStatus:            setString(t.Column(r, "cfm_fault_status")),
		CFMFlapCount:              optInt(t.Column(r, "cfm_flap_count")),
		CFMHealth:                 optInt(t.Column(r, "cfm_health")),
		CFMMpid:                   optInt(t.Column(r, "cfm_mpid")),
		CFMRemoteMpids:            setInt(t.Column(r, "cfm_remote_mpids")),
		CFMRemoteOpstate:          optString(t.Column(r, "cfm_remote_opstate")),
		Duplex:                    optString(t.Column(r, "duplex")),
		Error:                     optString(t.Column(r, "error")),
		ExternalIds:               mapStringString(t.Column(r, "external_ids")),
		Ifindex:                   optInt(t.Column(r, "ifindex")),
		IngressPolicingBurst:      scalarInt(t.Column(r, "ingress_policing_burst")),
		IngressPolicingKpktsBurst: scalarInt(t.Column(r, "ingress_policing_kpkts_burst")),
		IngressPolicingKpktsRate:  scalarInt(t.Column(r, "ingress_policing_kpkts_rate")),
		IngressPolicingRate:       scalarInt(t.Column(r, "ingress_policing_rate")),
		LACPCurrent:               optBool(t.Column(r, "lacp_current")),
		LinkResets:                optInt(t.Column(r, "link_resets")),
		LinkSpeed:                 optInt(t.Column(r, "link_speed")),
		LinkState:                 optString(t.Column(r, "link_state")),
		LLDP:                      mapStringString(t.Column(r, "lldp")),
		MAC:                       optString(t.Column(r, "mac")),
		MACInUse:                  optString(t.Column(r, "mac_in_use")),
		MTU:                       optInt(t.Column(r, "mtu")),
		MTURequest:                optInt(t.Column(r, "mtu_request")),
		Name:                      scalarString(t.Column(r, "name")),
		OFPort:                    optInt(t.Column(r, "ofport")),
		OFPortRequest:             optInt(t.Column(r, "ofport_request")),
		Options:                   mapStringString(t.Column(r, "options")),
		OtherConfig:               mapStringString(t.Column(r, "other_config")),
		Statistics:                mapStringInt(t.Column(r, "statistics")),
		Status:                    mapStringString(t.Column(r, "status")),
		Type:                      scalarString(t.Column(r, "type")),
	}
}

// TableManager is the name of the Manager table.
const TableManager = "Manager"

// Manager is a row of the Manager table. Optional columns are nil when they are empty.
type Manager struct {
	UUID            ovsdb.UUID
	ConnectionMode  *string           // connection_mode
	ExternalIds     map[string]string // external_ids
	InactivityProbe *int64            // inactivity_probe
	IsConnected     bool              // is_connected
	MaxBackoff      *int64            // max_backoff
	OtherConfig     map[string]string // other_config
	Status          map[string]string // status
	Target          string            // target
}

// GetManager returns the row with the given UUID, or nil.
func GetManager(s *client.Snapshot, u ovsdb.UUID) *Manager {
	t := s.Table(TableManager)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeManager(t, r)
}

// AllManager returns all rows of the table in the order of their UUIDs.
func AllManager(s *client.Snapshot) []*Manager {
	t := s.Table(TableManager)
	rows := sortedRows(t)
	out := make([]*Manager, len(rows))
	for i, r := range rows {
		out[i] = makeManager(t, r)
	}
	return out
}

func makeManager(t *client.Table, r *ovsdb.Row) *Manager {
	return &Manager{
		UUID:            r.UUID(),
		ConnectionMode:  optString(t.Column(r, "connection_mode")),
		ExternalIds:     mapStringString(t.Column(r, "external_ids")),
		InactivityProbe: optInt(t.Column(r, "inactivity_probe")),
		IsConnected:     scalarBool(t.Column(r, "is_connected")),
		MaxBackoff:      optInt(t.Column(r, "max_backoff")),
		OtherConfig:     mapStringString(t.Column(r, "other_config")),
		Status:          mapStringString(t.Column(r, "status")),
		Target:          scalarString(t.Column(r, "target")),
	}
}

// TableMirror is the name of the Mirror table.
const TableMirror = "Mirror"

// Mirror is a row of the Mirror table. Optional columns are nil when they are empty.
type Mirror struct {
	UUID          ovsdb.UUID
	ExternalIds   map[string]string // external_ids
	Name          string            // name
	OutputPort    *ovsdb.UUID       // output_port
	OutputVLAN    *int64            // output_vlan
	SelectAll     bool              // select_all
	SelectDstPort []ovsdb.UUID      // select_dst_port
	SelectSrcPort []ovsdb.UUID      // select_src_port
	SelectVLAN    []int64           // select_vlan
	Snaplen       *int64            // snaplen
	Statistics    map[string]int64  // statistics
}

// GetMirror returns the row with the given UUID, or nil.
func GetMirror(s *client.Snapshot, u ovsdb.UUID) *Mirror {
	t := s.Table(TableMirror)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeMirror(t, r)
}

// AllMirror returns all rows of the table in the order of their UUIDs.
func AllMirror(s *client.Snapshot) []*Mirror {
	t := s.Table(TableMirror)
	rows := sortedRows(t)
	out := make([]*Mirror, len(rows))
	for i, r := range rows {
		out[i] = makeMirror(t, r)
	}
	return out
}

func makeMirror(t *client.Table, r *ovsdb.Row) *Mirror {
	return &Mirror{
		UUID:          r.UUID(),
		ExternalIds:   mapStringString(t.Column(r, "external_ids")),
		Name:          scalarString(t.Column(r, "name")),
		OutputPort:    optUUID(t.Column(r, "output_port")),
		OutputVLAN:    optInt(t.Column(r, "output_vlan")),
		SelectAll:     scalarBool(t.Column(r, "select_all")),
		SelectDstPort: setUUID(t.Column(r, "select_dst_port")),
		SelectSrcPort: setUUID(t.Column(r, "select_src_port")),
		SelectVLAN:    setInt(t.Column(r, "select_vlan")),
		Snaplen:       optInt(t.Column(r, "snaplen")),
		Statistics:    mapStringInt(t.Column(r, "statistics")),
	}
}

// TableNetFlow is the name of the NetFlow table.
const TableNetFlow = "NetFlow"

// NetFlow is a row of the NetFlow table. Optional columns are nil when they are empty.
type NetFlow struct {
	UUID             ovsdb.UUID
	ActiveTimeout    int64             // active_timeout
	AddIDToInterface bool              // add_id_to_interface
	EngineID         *int64            // engine_id
	EngineType       *int64            // engine_type
	ExternalIds      map[string]string // external_ids
	Targets          []string          // targets
}

// GetNetFlow returns the row with the given UUID, or nil.
func GetNetFlow(s *client.Snapshot, u ovsdb.UUID) *NetFlow {
	t := s.Table(TableNetFlow)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeNetFlow(t, r)
}

// AllNetFlow returns all rows of the table in the order of their UUIDs.
func AllNetFlow(s *client.Snapshot) []*NetFlow {
	t := s.Table(TableNetFlow)
	rows := sortedRows(t)
	out := make([]*NetFlow, len(rows))
	for i, r := range rows {
		out[i] = makeNetFlow(t, r)
	}
	return out
}

func makeNetFlow(t *client.Table, r *ovsdb.Row) *NetFlow {
	return &NetFlow{
		UUID:             r.UUID(),
		ActiveTimeout:    scalarInt(t.Column(r, "active_timeout")),
		AddIDToInterface: scalarBool(t.Column(r, "add_id_to_interface")),
		EngineID:         optInt(t.Column(r, "engine_id")),
		EngineType:       optInt(t.Column(r, "engine_type")),
		ExternalIds:      mapStringString(t.Column(r, "external_ids")),
		Targets:          setString(t.Column(r, "targets")),
	}
}

// TableOpenvSwitch is the name of the Open_vSwitch table.
const TableOpenvSwitch = "Open_vSwitch"

// OpenvSwitch is a row of the Open_vSwitch table. Optional columns are nil when they are empty.
type OpenvSwitch struct {
	UUID            ovsdb.UUID
	Bridges         []ovsdb.UUID          // bridges
	CurCfg          int64                 // cur_cfg
	DatapathTypes   []string              // datapath_types
	Datapaths       map[string]ovsdb.UUID // datapaths
	DBVersion       *string               // db_version
	DPDKInitialized bool                  // dpdk_initialized
	DPDKVersion     *string               // dpdk_version
	ExternalIds     map[string]string     // external_ids
	IfaceTypes      []string              // iface_types
	ManagerOptions  []ovsdb.UUID          // manager_options
	NextCfg         int64                 // next_cfg
	OtherConfig     map[string]string     // other_config
	OVSVersion      *string               // ovs_version
	SSL             *ovsdb.UUID           // ssl
	Statistics      map[string]string     // statistics
	SystemType      *string               // system_type
	SystemVersion   *string               // system_version
}

// GetOpenvSwitch returns the row with the given UUID, or nil.
func GetOpenvSwitch(s *client.Snapshot, u ovsdb.UUID) *OpenvSwitch {
	t := s.Table(TableOpenvSwitch)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeOpenvSwitch(t, r)
}

// AllOpenvSwitch returns all rows of the table in the order of their UUIDs.
func AllOpenvSwitch(s *client.Snapshot) []*OpenvSwitch {
	t := s.Table(TableOpenvSwitch)
	rows := sortedRows(t)
	out := make([]*OpenvSwitch, len(rows))
	for i, r := range rows {
		out[i] = makeOpenvSwitch(t, r)
	}
	return out
}

func makeOpenvSwitch(t *client.Table, r *ovsdb.Row) *OpenvSwitch {
	return &OpenvSwitch{
		UUID:            r.UUID(),
		Bridges:         setUUID(t.Column(r, "bridges")),
		CurCfg:          scalarInt(t.Column(r, "cur_cfg")),
		DatapathTypes:   setString(t.Column(r, "datapath_types")),
		Datapaths:       mapStringUUID(t.Column(r, "datapaths")),
		DBVersion:       optString(t.Column(r, "db_version")),
		DPDKInitialized: scalarBool(t.Column(r, "dpdk_initialized")),
		DPDKVersion:     optString(t.Column(r, "dpdk_version")),
		ExternalIds:     mapStringString(t.Column(r, "external_ids")),
		IfaceTypes:      setString(t.Column(r, "iface_types")),
		ManagerOptions:  setUUID(t.Column(r, "manager_options")),
		NextCfg:         scalarInt(t.Column(r, "next_cfg")),
		OtherConfig:     mapStringString(t.Column(r, "other_config")),
		OVSVersion:      optString(t.Column(r, "ovs_version")),
		SSL:             optUUID(t.Column(r, "ssl")),
		Statistics:      mapStringString(t.Column(r, "statistics")),
		SystemType:      optString(t.Column(r, "system_type")),
		SystemVersion:   optString(t.Column(r, "system_version")),
	}
}

// TablePort is the name of the Port table.
const TablePort = "Port"

// Port is a row of the Port table. Optional columns are nil when they are empty.
type Port struct {
	UUID            ovsdb.UUID
	BondActiveSlave *string           // bond_active_slave
	BondDowndelay   int64             // bond_downdelay
	BondFakeIface   bool              // bond_fake_iface
	BondMode        *string           // bond_mode
	BondUpdelay     int64             // bond_updelay
	CVLANs          []int64           // cvlans
	ExternalIds     map[string]string // external_ids
	FakeBridge      bool              // fake_bridge
	Interfaces      []ovsdb.UUID      // interfaces
	LACP            *string           // lacp
	MAC             *string           // mac
	Name            string            // name
	OtherConfig     map[string]string // other_config
	Protected       bool              // protected
	QoS             *ovsdb.UUID       // qos
	RSTPStatistics  map[string]int64  // rstp_statistics
	RSTPStatus      map[string]string // rstp_status
	Statistics      map[string]int64  // statistics
	Status          map[string]string // status
	Tag             *int64            // tag
	Trunks          []int64           // trunks
	VLANMode        *string           // vlan_mode
}

// GetPort returns the row with the given UUID, or nil.
func GetPort(s *client.Snapshot, u ovsdb.UUID) *Port {
	t := s.Table(TablePort)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makePort(t, r)
}

// AllPort returns all rows of the table in the order of their UUIDs.
func AllPort(s *client.Snapshot) []*Port {
	t := s.Table(TablePort)
	rows := sortedRows(t)
	out := make([]*Port, len(rows))
	for i, r := range rows {
		out[i] = makePort(t, r)
	}
	return out
}

func makePort(t *client.Table, r *ovsdb.Row) *Port {
	return &Port{
		UUID:            r.UUID(),
		BondActiveSlave: optString(t.Column(r, "bond_active_slave")),
		BondDowndelay:   scalarInt(t.Column(r, "bond_downdelay")),
		BondFakeIface:   scalarBool(t.Column(r, "bond_fake_iface")),
		BondMode:        optString(t.Column(r, "bond_mode")),
		BondUpdelay:     scalarInt(t.Column(r, "bond_updelay")),
		CVLANs:          setInt(t.Column(r, "cvlans")),
		ExternalIds:     mapStringString(t.Column(r, "external_ids")),
		FakeBridge:      scalarBool(t.Column(r, "fake_bridge")),
		Interfaces:      setUUID(t.Column(r, "interfaces")),
		LACP:            optString(t.Column(r, "lacp")),
		MAC:             optString(t.Column(r, "mac")),
		Name:            scalarString(t.Column(r, "name")),
		OtherConfig:     mapStringString(t.Column(r, "other_config")),
		Protected:       scalarBool(t.Column(r, "protected")),
		QoS:             optUUID(t.Column(r, "qos")),
		RSTPStatistics:  mapStringInt(t.Column(r, "rstp_statistics")),
		RSTPStatus:      mapStringString(t.Column(r, "rstp_status")),
		Statistics:      mapStringInt(t.Column(r, "statistics")),
		Status:          mapStringString(t.Column(r, "status")),
		Tag:             optInt(t.Column(r, "tag")),
		Trunks:          setInt(t.Column(r, "trunks")),
		VLANMode:        optString(t.Column(r, "vlan_mode")),
	}
}

// TableQoS is the name of the QoS table.
const TableQoS = "QoS"

// QoS is a row of the QoS table. Optional columns are nil when they are empty.
type QoS struct {
	UUID        ovsdb.UUID
	ExternalIds map[string]string    // external_ids
	OtherConfig map[string]string    // other_config
	Queues      map[int64]ovsdb.UUID // queues
	Type        string               // type
}

// GetQoS returns the row with the given UUID, or nil.
func GetQoS(s *client.Snapshot, u ovsdb.UUID) *QoS {
	t := s.Table(TableQoS)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeQoS(t, r)
}

// AllQoS returns all rows of the table in the order of their UUIDs.
func AllQoS(s *client.Snapshot) []*QoS {
	t := s.Table(TableQoS)
	rows := sortedRows(t)
	out := make([]*QoS, len(rows))
	for i, r := range rows {
		out[i] = makeQoS(t, r)
	}
	return out
}

func makeQoS(t *client.Table, r *ovsdb.Row) *QoS {
	return &QoS{
		UUID:        r.UUID(),
		ExternalIds: mapStringString(t.Column(r, "external_ids")),
		OtherConfig: mapStringString(t.Column(r, "other_config")),
		Queues:      mapIntUUID(t.Column(r, "queues")),
		Type:        scalarString(t.Column(r, "type")),
	}
}

// TableQueue is the name of the Queue table.
const TableQueue = "Queue"

// Queue is a row of the Queue table. Optional columns are nil when they are empty.
type Queue struct {
	UUID        ovsdb.UUID
	Dscp        *int64            // dscp
	ExternalIds map[string]string // external_ids
	OtherConfig map[string]string // other_config
}

// GetQueue returns the row with the given UUID, or nil.
func GetQueue(s *client.Snapshot, u ovsdb.UUID) *Queue {
	t := s.Table(TableQueue)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeQueue(t, r)
}

// AllQueue returns all rows of the table in the order of their UUIDs.
func AllQueue(s *client.Snapshot) []*Queue {
	t := s.Table(TableQueue)
	rows := sortedRows(t)
	out := make([]*Queue, len(rows))
	for i, r := range rows {
		out[i] = makeQueue(t, r)
	}
	return out
}

func makeQueue(t *client.Table, r *ovsdb.Row) *Queue {
	return &Queue{
		UUID:        r.UUID(),
		Dscp:        optInt(t.Column(r, "dscp")),
		ExternalIds: mapStringString(t.Column(r, "external_ids")),
		OtherConfig: mapStringString(t.Column(r, "other_config")),
	}
}

// TableSSL is the name of the SSL table.
const TableSSL = "SSL"

// SSL is a row of the SSL table. Optional columns are nil when they are empty.
type SSL struct {
	UUID            ovsdb.UUID
	BootstrapCACert bool              // bootstrap_ca_cert
	CACert          string            // ca_cert
	Certificate     string            // certificate
	ExternalIds     map[string]string // external_ids
	PrivateKey      string            // private_key
}

// GetSSL returns the row with the given UUID, or nil.
func GetSSL(s *client.Snapshot, u ovsdb.UUID) *SSL {
	t := s.Table(TableSSL)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeSSL(t, r)
}

// AllSSL returns all rows of the table in the order of their UUIDs.
func AllSSL(s *client.Snapshot) []*SSL {
	t := s.Table(TableSSL)
	rows := sortedRows(t)
	out := make([]*SSL, len(rows))
	for i, r := range rows {
		out[i] = makeSSL(t, r)
	}
	return out
}

func makeSSL(t *client.Table, r *ovsdb.Row) *SSL {
	return &SSL{
		UUID:            r.UUID(),
		BootstrapCACert: scalarBool(t.Column(r, "bootstrap_ca_cert")),
		CACert:          scalarString(t.Column(r, "ca_cert")),
		Certificate:     scalarString(t.Column(r, "certificate")),
		ExternalIds:     mapStringString(t.Column(r, "external_ids")),
		PrivateKey:      scalarString(t.Column(r, "private_key")),
	}
}

// TableSFlow is the name of the sFlow table.
const TableSFlow = "sFlow"

// SFlow is a row of the sFlow table. Optional columns are nil when they are empty.
type SFlow struct {
	UUID        ovsdb.UUID
	Agent       *string           // agent
	ExternalIds map[string]string // external_ids
	Header      *int64            // header
	Polling     *int64            // polling
	Sampling    *int64            // sampling
	Targets     []string          // targets
}

// GetSFlow returns the row with the given UUID, or nil.
func GetSFlow(s *client.Snapshot, u ovsdb.UUID) *SFlow {
	t := s.Table(TableSFlow)
	r := t.Row(u)
	if r == nil {
		return nil
	}
	return makeSFlow(t, r)
}

// AllSFlow returns all rows of the table in the order of their UUIDs.
func AllSFlow(s *client.Snapshot) []*SFlow {
	t := s.Table(TableSFlow)
	rows := sortedRows(t)
	out := make([]*SFlow, len(rows))
	for i, r := range rows {
		out[i] = makeSFlow(t, r)
	}
	return out
}

func makeSFlow(t *client.Table, r *ovsdb.Row) *SFlow {
	return &SFlow{
		UUID:        r.UUID(),
		Agent:       optString(t.Column(r, "agent")),
		ExternalIds: mapStringString(t.Column(r, "external_ids")),
		Header:      optInt(t.Column(r, "header")),
		Polling:     optInt(t.Column(r, "polling")),
		Sampling:    optInt(t.Column(r, "sampling")),
		Targets:     setString(t.Column(r, "targets")),
	}
}
