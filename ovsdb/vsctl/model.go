package vsctl

import (
	"fmt"
	"slices"
	"strings"

	"govs/internal/vlog"
	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vswitch"
)

// A fake bridge is a Port with fake_bridge set and a VLAN tag: it looks like a bridge that has the ports of its parent with that
// tag.

type bridge struct {
	name     string
	uuid     ovsdb.UUID // Bridge row; of the parent for a fake bridge
	parent   *bridge    // nil for a real bridge
	vlan     int64
	children []*bridge
	ports    []*port
}

type port struct {
	name   string
	uuid   ovsdb.UUID
	bridge *bridge
	ifaces []*iface
}

type iface struct {
	name string
	uuid ovsdb.UUID
	port *port
}

// model is the bridges, ports and interfaces as the transaction leaves them.
type model struct {
	bridges map[string]*bridge
	ports   map[string]*port
	ifaces  map[string]*iface
}

// state is shared by the commands of one run.
type state struct {
	model *model // nil when it must be read again
	// added are the interfaces whose set-up is checked after the commit.
	added []string
	log   *vlog.Module // module "vsctl"
}

func stateOf(c *dbctl.Context) *state { return c.State.(*state) }

// changed makes the next command read the model again.
func changed(c *dbctl.Context) { stateOf(c).model = nil }

// need is the Prepare of commands that use the model.
func need(c *dbctl.Context) error {
	c.Need(vswitch.TableOpenvSwitch, "bridges")
	c.Need(vswitch.TableBridge, "name", "ports")
	c.Need(vswitch.TablePort, "name", "fake_bridge", "tag", "interfaces")
	c.Need(vswitch.TableInterface, "name")
	return nil
}

// root returns the only row of the Open_vSwitch table.
func root(c *dbctl.Context) ovsdb.UUID {
	if rows := c.Txn.Rows(vswitch.TableOpenvSwitch); len(rows) > 0 {
		return rows[0].UUID()
	}
	return ovsdb.UUID{}
}

func str(c *dbctl.Context, table string, u ovsdb.UUID, column string) string {
	return c.Txn.Get(table, u, column).Scalar().Str()
}

func isTrue(c *dbctl.Context, table string, u ovsdb.UUID, column string) bool {
	d := c.Txn.Get(table, u, column)
	return !d.IsEmpty() && d.Scalar().Bool()
}

// tagOf returns the VLAN tag of a port, or -1.
func tagOf(c *dbctl.Context, u ovsdb.UUID) int64 {
	if tags := c.Txn.Get(vswitch.TablePort, u, "tag").Ints(); len(tags) == 1 {
		return tags[0]
	}
	return -1
}

func modelOf(c *dbctl.Context) *model {
	st := stateOf(c)
	if st.model == nil {
		st.model = readModel(c)
	}
	return st.model
}

func readModel(c *dbctl.Context) *model {
	m := &model{map[string]*bridge{}, map[string]*port{}, map[string]*iface{}}
	var real []*bridge
	for _, u := range c.Txn.Get(vswitch.TableOpenvSwitch, root(c), "bridges").UUIDs() {
		if c.Txn.Row(vswitch.TableBridge, u) == nil {
			continue
		}
		br := &bridge{name: str(c, vswitch.TableBridge, u, "name"), uuid: u}
		if m.bridges[br.name] != nil {
			continue
		}
		m.bridges[br.name] = br
		real = append(real, br)
	}
	for _, br := range real {
		for _, u := range c.Txn.Get(vswitch.TableBridge, br.uuid, "ports").UUIDs() {
			name := str(c, vswitch.TablePort, u, "name")
			if vlan := tagOf(c, u); isTrue(c, vswitch.TablePort, u, "fake_bridge") && vlan >= 0 && m.bridges[name] == nil {
				child := &bridge{name: name, uuid: br.uuid, parent: br, vlan: vlan}
				m.bridges[name] = child
				br.children = append(br.children, child)
			}
		}
	}
	for _, br := range real {
		for _, u := range c.Txn.Get(vswitch.TableBridge, br.uuid, "ports").UUIDs() {
			if c.Txn.Row(vswitch.TablePort, u) != nil {
				m.addPort(c, br, u)
			}
		}
	}
	return m
}

// addPort adds a port to its bridge, which is a fake one if the tag is that of one.
func (m *model) addPort(c *dbctl.Context, br *bridge, u ovsdb.UUID) {
	p := &port{name: str(c, vswitch.TablePort, u, "name"), uuid: u, bridge: br}
	if m.ports[p.name] != nil {
		return
	}
	if vlan := tagOf(c, u); vlan >= 0 {
		for _, child := range br.children {
			if child.vlan == vlan {
				p.bridge = child
			}
		}
	}
	m.ports[p.name] = p
	p.bridge.ports = append(p.bridge.ports, p)
	for _, iu := range c.Txn.Get(vswitch.TablePort, u, "interfaces").UUIDs() {
		if c.Txn.Row(vswitch.TableInterface, iu) == nil {
			continue
		}
		i := &iface{name: str(c, vswitch.TableInterface, iu, "name"), uuid: iu, port: p}
		if m.ifaces[i.name] == nil {
			m.ifaces[i.name] = i
			p.ifaces = append(p.ifaces, i)
		}
	}
}

func findBridge(c *dbctl.Context, name string) (*bridge, error) {
	if br := modelOf(c).bridges[name]; br != nil {
		return br, nil
	}
	return nil, fmt.Errorf("no bridge named %s", name)
}

func findRealBridge(c *dbctl.Context, name string) (*bridge, error) {
	br, err := findBridge(c, name)
	if err == nil && br.parent != nil {
		return nil, fmt.Errorf("%s is a fake bridge", name)
	}
	return br, err
}

// findPort finds a port that is no bridge's local one.
func findPort(c *dbctl.Context, name string) (*port, error) {
	if p := modelOf(c).ports[name]; p != nil && p.bridge.name != name {
		return p, nil
	}
	return nil, fmt.Errorf("no port named %s", name)
}

func findIface(c *dbctl.Context, name string) (*iface, error) {
	if i := modelOf(c).ifaces[name]; i != nil && i.port.bridge.name != name {
		return i, nil
	}
	return nil, fmt.Errorf("no interface named %s", name)
}

// checkFree returns an error that begins with what if a bridge, port or interface has the name.
func checkFree(c *dbctl.Context, name, what string) error {
	m := modelOf(c)
	if m.bridges[name] != nil {
		return fmt.Errorf("%s because a bridge named %s already exists", what, name)
	}
	if p := m.ports[name]; p != nil {
		return fmt.Errorf("%s because a port named %s already exists on bridge %s", what, name, p.bridge.name)
	}
	if i := m.ifaces[name]; i != nil {
		return fmt.Errorf("%s because an interface named %s already exists on bridge %s", what, name, i.port.bridge.name)
	}
	return nil
}

// addRef and removeRef change a column that is a set of references.
func addRef(c *dbctl.Context, table string, u ovsdb.UUID, column string, ref ovsdb.UUID) {
	refs := append(c.Txn.Get(table, u, column).UUIDs(), ref)
	c.Txn.Verify(table, u, column)
	c.Txn.Set(table, u, column, ovsdb.NewUUIDSet(refs...))
}

func removeRef(c *dbctl.Context, table string, u ovsdb.UUID, column string, ref ovsdb.UUID) {
	refs := slices.DeleteFunc(c.Txn.Get(table, u, column).UUIDs(), func(x ovsdb.UUID) bool { return x == ref })
	c.Txn.Verify(table, u, column)
	c.Txn.Set(table, u, column, ovsdb.NewUUIDSet(refs...))
}

func setString(c *dbctl.Context, table string, u ovsdb.UUID, column, value string) {
	c.Txn.Set(table, u, column, ovsdb.NewScalar(ovsdb.StringAtom(value)))
}

// printNames prints names in order, one on a line.
func printNames(c *dbctl.Context, names []string) {
	slices.Sort(names)
	for _, n := range names {
		c.Out.WriteString(n + "\n")
	}
}

// given returns the command as it was given, for messages about --may-exist.
func given(c *dbctl.Context, n int) string {
	return "--may-exist " + strings.Join(c.Args[:n], " ")
}
