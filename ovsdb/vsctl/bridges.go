package vsctl

import (
	"fmt"
	"strconv"
	"strings"

	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vswitch"
)

// ExitError ends the program with a status and no message.
type ExitError int

// Error implements error.
func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// atoi is atoi(3): what is no number is 0.
func atoi(s string) int64 {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[0] == '-') {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 64)
	return n
}

func addBr(c *dbctl.Context) error {
	name := c.Args[1]
	var parent string
	var vlan int64
	switch len(c.Args) {
	case 2:
	case 4:
		parent, vlan = c.Args[2], atoi(c.Args[3])
		if vlan < 0 || vlan > 4095 {
			return fmt.Errorf("add-br: vlan must be between 0 and 4095")
		}
	default:
		return fmt.Errorf("'add-br' command takes exactly 1 or 3 arguments")
	}
	if name == "" {
		return fmt.Errorf("bridge name must not be empty string")
	}
	m := modelOf(c)
	if br := m.bridges[name]; br != nil && c.Has("--may-exist") {
		switch {
		case parent == "" && br.parent != nil:
			return fmt.Errorf("\"--may-exist add-br %s\" but %s is a VLAN bridge for VLAN %d", name, name, br.vlan)
		case parent != "" && br.parent == nil:
			return fmt.Errorf("\"--may-exist add-br %s %s %d\" but %s is not a VLAN bridge", name, parent, vlan, name)
		case parent != "" && br.parent.name != parent:
			return fmt.Errorf("\"--may-exist add-br %s %s %d\" but %s has the wrong parent %s", name, parent, vlan, name,
				br.parent.name)
		case parent != "" && br.vlan != vlan:
			return fmt.Errorf("\"--may-exist add-br %s %s %d\" but %s is a VLAN bridge for the wrong VLAN %d", name, parent,
				vlan, name, br.vlan)
		}
		return nil
	}
	if err := checkFree(c, name, "cannot create a bridge named "+name); err != nil {
		return err
	}
	if parent == "" {
		p := newPort(c, name, []ovsdb.UUID{newIface(c, name, "internal")})
		br := c.Txn.Insert(vswitch.TableBridge, ovsdb.UUID{}, false).UUID()
		setString(c, vswitch.TableBridge, br, "name", name)
		c.Txn.Set(vswitch.TableBridge, br, "ports", ovsdb.NewUUIDSet(p))
		addRef(c, vswitch.TableOpenvSwitch, root(c), "bridges", br)
		changed(c)
		return nil
	}
	br, err := findBridge(c, parent)
	if err != nil {
		return fmt.Errorf("parent bridge %s does not exist", parent)
	}
	if br.parent != nil {
		return fmt.Errorf("cannot create bridge with fake bridge as parent")
	}
	for _, child := range br.children {
		if child.vlan == vlan {
			return fmt.Errorf("bridge %s already has a child VLAN bridge %s on VLAN %d", parent, child.name, vlan)
		}
	}
	p := newPort(c, name, []ovsdb.UUID{newIface(c, name, "internal")})
	c.Txn.Set(vswitch.TablePort, p, "fake_bridge", ovsdb.NewScalar(ovsdb.BoolAtom(true)))
	c.Txn.Set(vswitch.TablePort, p, "tag", ovsdb.NewScalar(ovsdb.IntAtom(vlan)))
	addRef(c, vswitch.TableBridge, br.uuid, "ports", p)
	changed(c)
	return nil
}

func newIface(c *dbctl.Context, name, typ string) ovsdb.UUID {
	u := c.Txn.Insert(vswitch.TableInterface, ovsdb.UUID{}, false).UUID()
	setString(c, vswitch.TableInterface, u, "name", name)
	if typ != "" {
		setString(c, vswitch.TableInterface, u, "type", typ)
	}
	stateOf(c).added = append(stateOf(c).added, name)
	return u
}

func newPort(c *dbctl.Context, name string, ifaces []ovsdb.UUID) ovsdb.UUID {
	u := c.Txn.Insert(vswitch.TablePort, ovsdb.UUID{}, false).UUID()
	setString(c, vswitch.TablePort, u, "name", name)
	c.Txn.Set(vswitch.TablePort, u, "interfaces", ovsdb.NewUUIDSet(ifaces...))
	return u
}

// dropPort deletes a port and its interfaces.
func dropPort(c *dbctl.Context, p *port) {
	br := p.bridge
	removeRef(c, vswitch.TableBridge, br.uuid, "ports", p.uuid)
	for _, i := range p.ifaces {
		c.Txn.Delete(vswitch.TableInterface, i.uuid)
	}
	c.Txn.Delete(vswitch.TablePort, p.uuid)
}

func delBr(c *dbctl.Context) error {
	name := c.Args[1]
	br, err := findBridge(c, name)
	if err != nil {
		if c.Has("--if-exists") {
			// A port may have that name; then the name is a mistake.
			if p := modelOf(c).ports[name]; p != nil {
				return fmt.Errorf("cannot delete a bridge named %s because it is a port of bridge %s", name, p.bridge.name)
			}
			return nil
		}
		return err
	}
	drop := func(b *bridge) {
		for _, p := range b.ports {
			dropPort(c, p)
		}
	}
	for _, child := range br.children {
		drop(child)
	}
	drop(br)
	if br.parent == nil {
		removeRef(c, vswitch.TableOpenvSwitch, root(c), "bridges", br.uuid)
		c.Txn.Delete(vswitch.TableBridge, br.uuid)
	} else if p := modelOf(c).ports[name]; p != nil && p.bridge != br {
		dropPort(c, p)
	}
	changed(c)
	return nil
}

func listBr(c *dbctl.Context) error {
	real, fake := c.Has("--real"), c.Has("--fake")
	var names []string
	for name, br := range modelOf(c).bridges {
		if real == fake || real && br.parent == nil || fake && br.parent != nil {
			names = append(names, name)
		}
	}
	printNames(c, names)
	return nil
}

func brExists(c *dbctl.Context) error {
	if modelOf(c).bridges[c.Args[1]] == nil {
		return ExitError(2)
	}
	return nil
}

func brToVlan(c *dbctl.Context) error {
	br, err := findBridge(c, c.Args[1])
	if err == nil {
		fmt.Fprintf(&c.Out, "%d\n", br.vlan)
	}
	return err
}

func brToParent(c *dbctl.Context) error {
	br, err := findBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	if br.parent != nil {
		br = br.parent
	}
	c.Out.WriteString(br.name + "\n")
	return nil
}

// externalIDs tells where the external IDs of a bridge are: those of a fake bridge are in its port, with a prefix.
func externalIDs(c *dbctl.Context, br *bridge) (table string, u ovsdb.UUID, prefix string) {
	if br.parent == nil {
		return vswitch.TableBridge, br.uuid, ""
	}
	if p := modelOf(c).ports[br.name]; p != nil {
		return vswitch.TablePort, p.uuid, "fake-bridge-"
	}
	return vswitch.TablePort, ovsdb.UUID{}, "fake-bridge-"
}

func needExternalIDs(c *dbctl.Context) error {
	c.Need(vswitch.TableBridge, "external_ids")
	c.Need(vswitch.TablePort, "external_ids")
	return need(c)
}

func brSetExternalID(c *dbctl.Context) error {
	br, err := findBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	table, u, prefix := externalIDs(c, br)
	ids := c.Txn.Get(table, u, "external_ids").StringMap()
	if ids == nil {
		ids = map[string]string{}
	}
	if len(c.Args) > 3 {
		ids[prefix+c.Args[2]] = c.Args[3]
	} else {
		delete(ids, prefix+c.Args[2])
	}
	c.Txn.Verify(table, u, "external_ids")
	c.Txn.Set(table, u, "external_ids", ovsdb.NewStringMap(ids))
	return nil
}

func brGetExternalID(c *dbctl.Context) error {
	br, err := findBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	table, u, prefix := externalIDs(c, br)
	ids := c.Txn.Get(table, u, "external_ids")
	if len(c.Args) > 2 {
		if v, ok := ids.LookupString(prefix + c.Args[2]); ok {
			c.Out.WriteString(v + "\n")
		}
		return nil
	}
	for k, v := range ids.All() {
		if key, ok := strings.CutPrefix(k.Str(), prefix); ok {
			c.Out.WriteString(key + "=" + v.Str() + "\n")
		}
	}
	return nil
}
