package vswitchd

import (
	"context"
	"fmt"

	"govs/dpif"
	"govs/ovsdb"
	"govs/ovsdb/client"
	"govs/ovsdb/ojson"
	"govs/ovsdb/vswitch"
	"govs/ports"
)

// writer collects column values and turns those that differ from the snapshot into operations.
type writer struct {
	snap *client.Snapshot
	rows map[rowKey]int // index into vals
	keys []rowKey
	vals [][]any // alternating column names and values of each row
}

type rowKey struct {
	table string
	uuid  ovsdb.UUID
}

func newWriter(s *client.Snapshot) *writer { return &writer{snap: s, rows: make(map[rowKey]int)} }

// set asks for a column's value. Rows that are not in the snapshot and columns that the schema lacks are passed over.
func (w *writer) set(table string, u ovsdb.UUID, column string, d ovsdb.Datum) {
	t := w.snap.Table(table)
	r := t.Row(u)
	if r == nil {
		return
	}
	c := t.Schema.Column(column)
	if c == nil || r.Cols[c.Index] == d {
		return
	}
	k := rowKey{table, u}
	i, ok := w.rows[k]
	if !ok {
		i = len(w.keys)
		w.rows[k] = i
		w.keys = append(w.keys, k)
		w.vals = append(w.vals, nil)
	}
	w.vals[i] = append(w.vals[i], column, d.JSON(&c.Type))
}

func (w *writer) operations() []client.Op {
	var ops []client.Op
	for i, k := range w.keys {
		ops = append(ops, client.Update(k.table, k.uuid, ojson.Obj(w.vals[i]...)))
	}
	return ops
}

func intDatum(n int64) ovsdb.Datum  { return ovsdb.NewScalar(ovsdb.IntAtom(n)) }
func strDatum(s string) ovsdb.Datum { return ovsdb.NewScalar(ovsdb.StringAtom(s)) }
func boolDatum(b bool) ovsdb.Datum  { return ovsdb.NewScalar(ovsdb.BoolAtom(b)) }

// empty is the value of an optional column that has none.
var empty = ovsdb.NewSet()

func upDown(up bool) ovsdb.Datum {
	if up {
		return strDatum("up")
	}
	return strDatum("down")
}

func intMap(m map[string]uint64) ovsdb.Datum {
	var b ovsdb.Builder
	b.Init(ovsdb.String, ovsdb.Integer)
	for k, v := range m {
		b.AddPair(ovsdb.StringAtom(k), ovsdb.IntAtom(int64(v)))
	}
	return b.Build()
}

// writeStatus brings the database's status columns up to date with one transaction, which also sets cur_cfg. If one is under way,
// another follows it.
func (d *Daemon) writeStatus(ctx context.Context) {
	if d.applied == nil || d.snap == nil {
		return
	}
	if d.writing {
		d.again = true
		return
	}
	// Compare with what the database has now, not with what it had when the configuration was read.
	w := newWriter(d.opts.DB.Snapshot())
	d.globalStatus(w)
	for _, br := range d.bridges {
		d.bridgeStatus(w, br)
	}
	ops := w.operations()
	d.statsDue = false
	if len(ops) == 0 {
		return
	}
	ops = append([]client.Op{client.Assert(LockName)}, ops...)
	d.writing = true
	go func() {
		_, err := d.opts.DB.Transact(ctx, ops...)
		d.written <- err
	}()
}

func (d *Daemon) globalStatus(w *writer) {
	rows := vswitch.AllOpenvSwitch(w.snap)
	if len(rows) == 0 {
		return
	}
	u := rows[0].UUID
	set := func(col string, v ovsdb.Datum) { w.set(vswitch.TableOpenvSwitch, u, col, v) }
	set("cur_cfg", intDatum(d.applied.NextCfg))
	set("datapath_types", ovsdb.NewStringSet(d.opts.DatapathTypes...))
	set("iface_types", ovsdb.NewStringSet(d.opts.IfaceTypes()...))
	set("dpdk_initialized", boolDatum(d.opts.DPDK != nil && d.opts.DPDK.Initialized()))
	if d.opts.DPDK != nil {
		set("dpdk_version", strDatum(d.opts.DPDK.Version()))
	} else {
		set("dpdk_version", strDatum("none"))
	}
}

func (d *Daemon) bridgeStatus(w *writer, br *bridge) {
	set := func(col string, v ovsdb.Datum) { w.set(vswitch.TableBridge, br.state.UUID, col, v) }
	if br.of == nil {
		set("datapath_id", empty)
		set("datapath_version", strDatum("<unknown>"))
		return
	}
	set("datapath_id", strDatum(fmt.Sprintf("%016x", br.dpid)))
	set("datapath_version", strDatum("<built-in>"))
	for _, c := range br.of.Controllers() {
		u, ok := br.state.Controllers[c.Target]
		if !ok {
			continue
		}
		setC := func(col string, v ovsdb.Datum) { w.set(vswitch.TableController, u, col, v) }
		setC("is_connected", boolDatum(c.IsConnected))
		role := empty
		if c.Role != "" {
			role = strDatum(c.Role)
		}
		setC("role", role)
		setC("status", ovsdb.NewStringMap(c.Status))
	}
	for _, ifc := range br.ifaces {
		d.ifaceStatus(w, br, ifc)
	}
}

func (d *Daemon) ifaceStatus(w *writer, br *bridge, ifc *iface) {
	set := func(col string, v ovsdb.Datum) { w.set(vswitch.TableInterface, ifc.state.UUID, col, v) }
	if !ifc.added {
		set("ofport", intDatum(-1))
		if ifc.err != nil {
			set("error", strDatum(ifc.err.Error()))
		}
		for _, col := range []string{"admin_state", "duplex", "ifindex", "link_resets", "link_speed", "link_state", "mac_in_use", "mtu", "statistics", "status"} {
			set(col, empty)
		}
		return
	}
	set("ofport", intDatum(int64(ifc.ofport)))
	errText := empty
	if isPatch(ifc.state) {
		if err := d.peerError(br, ifc); err != nil {
			errText = strDatum(err.Error())
		}
	}
	set("error", errText)
	st := ports.Status{AdminUp: true, LinkUp: true}
	if ifc.dev != nil {
		st = ifc.dev.Status()
	}
	set("admin_state", upDown(st.AdminUp))
	set("link_state", upDown(st.LinkUp))
	set("link_resets", intDatum(int64(st.LinkResets)))
	set("ifindex", intDatum(int64(st.IfIndex)))
	speed, duplex, mtu, mac := empty, empty, empty, empty
	if st.LinkSpeed != 0 {
		speed, duplex = intDatum(int64(st.LinkSpeed)), strDatum("half")
		if st.FullDuplex {
			duplex = strDatum("full")
		}
	}
	if st.MTU != 0 {
		mtu = intDatum(int64(st.MTU))
	}
	if ea := st.MAC; len(ea) == 6 {
		mac = strDatum(ea.String())
	} else if ifc.dev == nil {
		mac = strDatum(ifc.mac.String())
	}
	set("link_speed", speed)
	set("duplex", duplex)
	set("mtu", mtu)
	set("mac_in_use", mac)
	set("status", ovsdb.NewStringMap(st.Driver))
	if d.statsDue {
		var s dpif.PortStats
		if br.of.PortStats(ifc.state.Name, &s) {
			set("statistics", intMap(statistics(&s)))
		}
	}
}

// statistics are a port's counters under the names of Interface.statistics.
func statistics(s *ports.Stats) map[string]uint64 {
	out := make(map[string]uint64, 14+len(s.Custom))
	for _, c := range []struct {
		name string
		v    uint64
	}{
		{"rx_packets", s.RxPackets}, {"tx_packets", s.TxPackets}, {"rx_bytes", s.RxBytes}, {"tx_bytes", s.TxBytes},
		{"rx_dropped", s.RxDropped}, {"tx_dropped", s.TxDropped}, {"rx_errors", s.RxErrors}, {"tx_errors", s.TxErrors},
		{"rx_frame_err", s.RxFrameErrors}, {"rx_over_err", s.RxOverErrors}, {"rx_crc_err", s.RxCRCErrors},
		{"collisions", s.Collisions}, {"rx_multicast_packets", s.Multicast}, {"rx_missed_errors", s.RxMissed},
	} {
		if c.v != ports.NotCounted {
			out[c.name] = c.v
		}
	}
	for k, v := range s.Custom {
		out[k] = v
	}
	return out
}
