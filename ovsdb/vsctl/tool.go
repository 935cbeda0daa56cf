package vsctl

import (
	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/ojson"
	"govs/ovsdb/vswitch"
)

// New returns ovs-vsctl's description of its database and its commands.
func New(log *vlog.Registry) (*dbctl.Tool, error) {
	v, err := ojson.Parse(vswitch.SchemaJSON)
	if err != nil {
		return nil, err
	}
	schema, err := ovsdb.ParseSchema(&v)
	if err != nil {
		return nil, err
	}
	self := func(column string) []dbctl.Naming { return []dbctl.Naming{{Column: column}} }
	via := func(table, ref string) []dbctl.Naming {
		return []dbctl.Naming{{Table: table, Column: "name", Ref: ref}}
	}
	only := []dbctl.Naming{{}}
	return &dbctl.Tool{
		Program: "ovs-vsctl",
		Schema:  schema,
		Log:     log.Module("db_ctl_base"),
		RowLog:  log.Module("vsctl"),
		Classes: []dbctl.Class{
			{Table: vswitch.TableBridge, Names: self("name")},
			{Table: vswitch.TableController, Names: via(vswitch.TableBridge, "controller")},
			{Table: vswitch.TableInterface, Names: self("name")},
			{Table: vswitch.TableMirror, Names: self("name")},
			{Table: vswitch.TableManager, Names: self("target")},
			{Table: vswitch.TableNetFlow, Names: via(vswitch.TableBridge, "netflow")},
			{Table: vswitch.TableOpenvSwitch, Names: only},
			{Table: vswitch.TablePort, Names: self("name")},
			{Table: vswitch.TableQoS, Names: via(vswitch.TablePort, "qos")},
			{Table: vswitch.TableSSL, Names: only},
			{Table: vswitch.TableSFlow, Names: via(vswitch.TableBridge, "sflow")},
			{Table: vswitch.TableFlowTable, Names: self("name")},
			{Table: vswitch.TableIPFIX, Names: via(vswitch.TableBridge, "ipfix")},
			{Table: vswitch.TableAutoAttach, Names: via(vswitch.TableBridge, "auto_attach")},
			{Table: vswitch.TableFlowSampleCollectorSet, Names: self("id")},
		},
		Shows: []dbctl.Show{
			{Table: vswitch.TableOpenvSwitch, Columns: []string{"manager_options", "bridges", "ovs_version"}},
			{Table: vswitch.TableBridge, Name: "name", Columns: []string{"controller", "fail_mode", "datapath_type", "ports"}},
			{Table: vswitch.TablePort, Name: "name", Columns: []string{"tag", "trunks", "interfaces"}},
			{Table: vswitch.TableInterface, Name: "name", Columns: []string{"type", "options", "error"}},
			{Table: vswitch.TableController, Name: "target", Columns: []string{"is_connected"}},
			{Table: vswitch.TableManager, Name: "target", Columns: []string{"is_connected"}},
		},
		Commands: commands,
	}, nil
}

// commands are ovs-vsctl's own. It is never written.
var commands = []dbctl.Syntax{
	{Name: "init", Run: func(*dbctl.Context) error { return nil }},
	{Name: "emer-reset", Prepare: needAll, Run: emerReset},

	{Name: "add-br", Args: "!NEW-BRIDGE ?PARENT ?NEW-VLAN", MinArgs: 1, MaxArgs: 3, Options: []string{"--may-exist"}, Prepare: need, Run: addBr},
	{Name: "del-br", Args: "!BRIDGE", MinArgs: 1, MaxArgs: 1, Options: []string{"--if-exists"}, Prepare: need, Run: delBr},
	{Name: "list-br", ReadOnly: true, Options: []string{"--real", "--fake"}, Prepare: need, Run: listBr},
	{Name: "br-exists", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: brExists},
	{Name: "br-to-vlan", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: brToVlan},
	{Name: "br-to-parent", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: brToParent},
	{Name: "br-set-external-id", Args: "!BRIDGE !KEY ?VALUE", MinArgs: 2, MaxArgs: 3, Prepare: needExternalIDs, Run: brSetExternalID},
	{Name: "br-get-external-id", Args: "!BRIDGE ?KEY", ReadOnly: true, MinArgs: 1, MaxArgs: 2, Prepare: needExternalIDs, Run: brGetExternalID},

	{Name: "list-ports", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: listPorts},
	{Name: "add-port", Args: "!BRIDGE !NEW-PORT *COLUMN?:KEY=VALUE", MinArgs: 2, MaxArgs: dbctl.Unlimited, Options: []string{"--may-exist"}, Prepare: need, Run: addPort},
	{Name: "add-bond", Args: "!BRIDGE !BOND +IFACE *COLUMN?:KEY=VALUE", MinArgs: 4, MaxArgs: dbctl.Unlimited, Options: []string{"--may-exist", "--fake-iface"}, Prepare: need,
		Run: addBond},
	{Name: "add-bond-iface", Args: "!BOND !IFACE", MinArgs: 2, MaxArgs: 2, Options: []string{"--may-exist"}, Prepare: need, Run: addBondIface},
	{Name: "del-bond-iface", Args: "?BOND !IFACE", MinArgs: 1, MaxArgs: 2, Options: []string{"--if-exists"}, Prepare: need, Run: delBondIface},
	{Name: "del-port", Args: "?BRIDGE !PORT|IFACE", MinArgs: 1, MaxArgs: 2, Options: []string{"--if-exists", "--with-iface"}, Prepare: need, Run: delPort},
	{Name: "port-to-br", Args: "!PORT", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: portToBr},

	{Name: "list-ifaces", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: listIfaces},
	{Name: "iface-to-br", Args: "!IFACE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: need, Run: ifaceToBr},

	{Name: "add-zone-tp", MinArgs: 3, MaxArgs: 18, Options: []string{"--may-exist"}, Prepare: needZones, Run: addZoneTP},
	{Name: "del-zone-tp", MinArgs: 2, MaxArgs: 2, Options: []string{"--if-exists"}, Prepare: needZones, Run: delZoneTP},
	{Name: "list-zone-tp", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: needZones, Run: listZoneTP},
	{Name: "list-dp-cap", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: needZones, Run: listDPCap},

	{Name: "get-controller", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: needController, Run: getController},
	{Name: "del-controller", Args: "!BRIDGE", MinArgs: 1, MaxArgs: 1, Prepare: needController, Run: delController},
	{Name: "set-controller", Args: "!BRIDGE +TARGET", MinArgs: 1, MaxArgs: dbctl.Unlimited, Options: []string{"--inactivity-probe="},
		Prepare: needController, Run: setController},
	{Name: "get-fail-mode", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: needFailMode, Run: getFailMode},
	{Name: "del-fail-mode", Args: "!BRIDGE", MinArgs: 1, MaxArgs: 1, Prepare: needFailMode, Run: delFailMode},
	{Name: "set-fail-mode", Args: "!BRIDGE !MODE", MinArgs: 2, MaxArgs: 2, Prepare: needFailMode, Run: setFailMode},

	{Name: "get-manager", ReadOnly: true, Prepare: needManager, Run: getManager},
	{Name: "del-manager", Prepare: needManager, Run: delManager},
	{Name: "set-manager", Args: "+TARGET", MinArgs: 1, MaxArgs: dbctl.Unlimited, Options: []string{"--inactivity-probe="}, Prepare: needManager,
		Run: setManager},

	{Name: "get-ssl", ReadOnly: true, Prepare: needSSL, Run: getSSL},
	{Name: "del-ssl", Prepare: needSSL, Run: delSSL},
	{Name: "set-ssl", Args: "!PRIVATE-KEY !CERTIFICATE !CA-CERT", MinArgs: 3, MaxArgs: 3, Options: []string{"--bootstrap"}, Prepare: needSSL, Run: setSSL},

	{Name: "add-aa-mapping", Args: "!BRIDGE !ARG !ARG", MinArgs: 3, MaxArgs: 3, Prepare: needAutoAttach, Run: addAAMapping},
	{Name: "del-aa-mapping", Args: "!BRIDGE !ARG !ARG", MinArgs: 3, MaxArgs: 3, Prepare: needAutoAttach, Run: delAAMapping},
	{Name: "get-aa-mapping", Args: "!BRIDGE", ReadOnly: true, MinArgs: 1, MaxArgs: 1, Prepare: needAutoAttach, Run: getAAMapping},
}
