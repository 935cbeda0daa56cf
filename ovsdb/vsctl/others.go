package vsctl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vswitch"
)

func needAutoAttach(c *dbctl.Context) error {
	c.Need(vswitch.TableAutoAttach, "mappings")
	c.Need(vswitch.TableBridge, "auto_attach")
	return need(c)
}

// mappings returns the AutoAttach row of a bridge, if it has one, and its mappings of I-SIDs to VLANs.
func mappings(c *dbctl.Context, br *bridge) (u ovsdb.UUID, ok bool, m map[int64]int64) {
	m = map[int64]int64{}
	for _, u := range c.Txn.Get(vswitch.TableBridge, br.uuid, "auto_attach").UUIDs() {
		if c.Txn.Row(vswitch.TableAutoAttach, u) != nil {
			for k, v := range c.Txn.Get(vswitch.TableAutoAttach, u, "mappings").All() {
				m[k.Int()] = v.Int()
			}
			return u, true, m
		}
	}
	return u, false, m
}

func setMappings(c *dbctl.Context, u ovsdb.UUID, m map[int64]int64) {
	var b ovsdb.Builder
	b.Init(ovsdb.Integer, ovsdb.Integer)
	for k, v := range m {
		b.AddPair(ovsdb.IntAtom(k), ovsdb.IntAtom(v))
	}
	c.Txn.Verify(vswitch.TableAutoAttach, u, "mappings")
	c.Txn.Set(vswitch.TableAutoAttach, u, "mappings", b.Build())
}

func mappingArgs(c *dbctl.Context) (isid, vlan int64, err error) {
	for i, p := range []*int64{&isid, &vlan} {
		if *p, err = strconv.ParseInt(c.Args[2+i], 10, 64); err != nil {
			return 0, 0, fmt.Errorf("Invalid argument %s", c.Args[2+i])
		}
	}
	return isid, vlan, nil
}

func addAAMapping(c *dbctl.Context) error {
	isid, vlan, err := mappingArgs(c)
	if err != nil {
		return err
	}
	br, err := realOf(c, c.Args[1])
	if err != nil {
		return err
	}
	u, ok, m := mappings(c, br)
	if !ok {
		u = c.Txn.Insert(vswitch.TableAutoAttach, ovsdb.UUID{}, false).UUID()
		c.Txn.Verify(vswitch.TableBridge, br.uuid, "auto_attach")
		c.Txn.Set(vswitch.TableBridge, br.uuid, "auto_attach", ovsdb.NewUUIDSet(u))
	}
	if _, mapped := m[isid]; !mapped { // what is mapped stays mapped to its VLAN
		m[isid] = vlan
		setMappings(c, u, m)
	}
	return nil
}

func delAAMapping(c *dbctl.Context) error {
	isid, vlan, err := mappingArgs(c)
	if err != nil {
		return err
	}
	br, err := realOf(c, c.Args[1])
	if err != nil {
		return err
	}
	u, ok, m := mappings(c, br)
	if v, has := m[isid]; ok && has && v == vlan {
		delete(m, isid)
		setMappings(c, u, m)
	}
	return nil
}

func getAAMapping(c *dbctl.Context) error {
	br, err := realOf(c, c.Args[1])
	if err != nil {
		return err
	}
	u, ok, _ := mappings(c, br)
	if !ok {
		return nil
	}
	for k, v := range c.Txn.Get(vswitch.TableAutoAttach, u, "mappings").All() {
		fmt.Fprintf(&c.Out, "%d %d\n", k.Int(), v.Int())
	}
	return nil
}

func needZones(c *dbctl.Context) error {
	c.Need(vswitch.TableOpenvSwitch, "datapaths")
	c.Need(vswitch.TableDatapath)
	c.Need(vswitch.TableCTZone)
	c.Need(vswitch.TableCTTimeoutPolicy)
	return nil
}

// datapath finds a datapath by its name.
func datapath(c *dbctl.Context, name string) (ovsdb.UUID, bool) {
	d := c.Txn.Get(vswitch.TableOpenvSwitch, root(c), "datapaths")
	v, ok := d.Lookup(ovsdb.StringAtom(name))
	if !ok || c.Txn.Row(vswitch.TableDatapath, v.UUID()) == nil {
		return ovsdb.UUID{}, false
	}
	return v.UUID(), true
}

// zoneArg parses "zone=N".
func zoneArg(arg string) (int64, error) {
	n, ok := strings.CutPrefix(arg, "zone=")
	id, err := strconv.ParseInt(n, 10, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%s: argument does not have the form zone=ZONE_ID", arg)
	}
	return id, nil
}

func setZones(c *dbctl.Context, dp ovsdb.UUID, zones map[int64]ovsdb.UUID) {
	var b ovsdb.Builder
	b.Init(ovsdb.Integer, ovsdb.UUIDType)
	for id, u := range zones {
		b.AddPair(ovsdb.IntAtom(id), ovsdb.UUIDAtom(u))
	}
	c.Txn.Verify(vswitch.TableDatapath, dp, "ct_zones")
	c.Txn.Set(vswitch.TableDatapath, dp, "ct_zones", b.Build())
}

func zonesOf(c *dbctl.Context, dp ovsdb.UUID) map[int64]ovsdb.UUID {
	m := map[int64]ovsdb.UUID{}
	for k, v := range c.Txn.Get(vswitch.TableDatapath, dp, "ct_zones").All() {
		m[k.Int()] = v.UUID()
	}
	return m
}

func addZoneTP(c *dbctl.Context) error {
	zone, err := zoneArg(c.Args[2])
	if err != nil {
		return err
	}
	dp, ok := datapath(c, c.Args[1])
	if !ok {
		return fmt.Errorf("datapath %s does not exist", c.Args[1])
	}
	zones := zonesOf(c, dp)
	if _, exists := zones[zone]; exists {
		if c.Has("--may-exist") {
			return nil
		}
		return fmt.Errorf("zone id %d already exists", zone)
	}
	var b ovsdb.Builder
	b.Init(ovsdb.String, ovsdb.Integer)
	timeouts := map[string]int64{}
	for _, arg := range c.Args[3:] {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return fmt.Errorf("%s: invalid timeout policy", arg)
		}
		timeouts[key] = atoi(value)
	}
	for k, v := range timeouts {
		b.AddPair(ovsdb.StringAtom(k), ovsdb.IntAtom(v))
	}
	tp := c.Txn.Insert(vswitch.TableCTTimeoutPolicy, ovsdb.UUID{}, false).UUID()
	c.Txn.Set(vswitch.TableCTTimeoutPolicy, tp, "timeouts", b.Build())
	z := c.Txn.Insert(vswitch.TableCTZone, ovsdb.UUID{}, false).UUID()
	c.Txn.Set(vswitch.TableCTZone, z, "timeout_policy", ovsdb.NewUUIDSet(tp))
	zones[zone] = z
	setZones(c, dp, zones)
	return nil
}

func delZoneTP(c *dbctl.Context) error {
	zone, err := zoneArg(c.Args[2])
	if err != nil {
		return err
	}
	dp, ok := datapath(c, c.Args[1])
	if !ok {
		return fmt.Errorf("datapath %s does not exist", c.Args[1])
	}
	zones := zonesOf(c, dp)
	if _, exists := zones[zone]; !exists {
		if c.Has("--if-exists") {
			return nil
		}
		return fmt.Errorf("zone id %d does not exist", zone)
	}
	delete(zones, zone)
	setZones(c, dp, zones)
	return nil
}

func listZoneTP(c *dbctl.Context) error {
	dp, ok := datapath(c, c.Args[1])
	if !ok {
		return fmt.Errorf("datapath: %s record not found", c.Args[1])
	}
	zones := zonesOf(c, dp)
	ids := make([]int64, 0, len(zones))
	for id := range zones {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fmt.Fprintf(&c.Out, "Zone:%d, Timeout Policies:", id)
		tps := c.Txn.Get(vswitch.TableCTZone, zones[id], "timeout_policy").UUIDs()
		if len(tps) == 0 {
			c.Out.WriteString(" system default")
		} else {
			for k, v := range c.Txn.Get(vswitch.TableCTTimeoutPolicy, tps[0], "timeouts").All() {
				fmt.Fprintf(&c.Out, " %s=%d", k.Str(), v.Int())
			}
		}
		c.Out.WriteByte('\n')
	}
	return nil
}

func listDPCap(c *dbctl.Context) error {
	dp, ok := datapath(c, c.Args[1])
	if !ok {
		return fmt.Errorf("datapath \"%s\" record not found", c.Args[1])
	}
	var caps []string
	for k, v := range c.Txn.Get(vswitch.TableDatapath, dp, "capabilities").All() {
		caps = append(caps, k.Str()+"="+v.Str())
	}
	c.Out.WriteString(strings.Join(caps, " "))
	c.Out.WriteByte('\n')
	return nil
}

func needAll(c *dbctl.Context) error {
	for _, ts := range c.Tool.Schema.TableList {
		c.Need(ts.Name)
	}
	return nil
}

// emerReset removes controllers, managers, SSL, mirrors, sampling and every other_config but bridges' hwaddr.
func emerReset(c *dbctl.Context) error {
	empty := func(table string, u ovsdb.UUID, columns ...string) {
		ts := c.Txn.Snapshot().Schema.Tables[table]
		for _, name := range columns {
			if col := ts.Column(name); col != nil {
				c.Txn.Set(table, u, name, ovsdb.DefaultDatum(&col.Type))
			}
		}
	}
	each := func(table string, f func(u ovsdb.UUID)) {
		for _, r := range c.Txn.Rows(table) {
			f(r.UUID())
		}
	}
	each(vswitch.TableOpenvSwitch, func(u ovsdb.UUID) {
		empty(vswitch.TableOpenvSwitch, u, "other_config", "manager_options", "ssl")
	})
	each(vswitch.TableBridge, func(u ovsdb.UUID) {
		hwaddr, ok := c.Txn.Get(vswitch.TableBridge, u, "other_config").LookupString("hwaddr")
		empty(vswitch.TableBridge, u, "controller", "fail_mode", "mirrors", "netflow", "sflow", "ipfix", "other_config")
		if ok {
			c.Txn.Set(vswitch.TableBridge, u, "other_config", ovsdb.NewStringMap(map[string]string{"hwaddr": hwaddr}))
		}
	})
	each(vswitch.TablePort, func(u ovsdb.UUID) { empty(vswitch.TablePort, u, "other_config") })
	each(vswitch.TableInterface, func(u ovsdb.UUID) {
		empty(vswitch.TableInterface, u, "ingress_policing_rate", "ingress_policing_burst", "ingress_policing_kpkts_rate",
			"ingress_policing_kpkts_burst")
	})
	for _, table := range []string{vswitch.TableMirror, vswitch.TableController, vswitch.TableManager, vswitch.TableNetFlow,
		vswitch.TableSSL, vswitch.TableSFlow, vswitch.TableIPFIX, vswitch.TableFlowSampleCollectorSet} {
		each(table, func(u ovsdb.UUID) { c.Txn.Delete(table, u) })
	}
	changed(c)
	return nil
}
