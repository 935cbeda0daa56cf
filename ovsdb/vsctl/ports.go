package vsctl

import (
	"fmt"
	"slices"
	"strings"

	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vswitch"
)

func listPorts(c *dbctl.Context) error {
	br, err := findBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	var names []string
	for _, p := range br.ports {
		if p.name != br.name {
			names = append(names, p.name)
		}
	}
	printNames(c, names)
	return nil
}

func listIfaces(c *dbctl.Context) error {
	br, err := findBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	var names []string
	for _, p := range br.ports {
		for _, i := range p.ifaces {
			if i.name != br.name {
				names = append(names, i.name)
			}
		}
	}
	printNames(c, names)
	return nil
}

func portToBr(c *dbctl.Context) error {
	p, err := findPort(c, c.Args[1])
	if err == nil {
		c.Out.WriteString(p.bridge.name + "\n")
	}
	return err
}

func ifaceToBr(c *dbctl.Context) error {
	i, err := findIface(c, c.Args[1])
	if err == nil {
		c.Out.WriteString(i.port.bridge.name + "\n")
	}
	return err
}

func addPort(c *dbctl.Context) error {
	return addPortOf(c, c.Args[1], c.Args[2], c.Args[2:3], c.Args[3:], 3, false)
}

func addBond(c *dbctl.Context) error {
	// Arguments that have a "=" are settings; the others are interfaces.
	n := 3
	for n < len(c.Args) && !strings.Contains(c.Args[n], "=") {
		n++
	}
	ifaces := c.Args[3:n]
	if len(ifaces) < 2 {
		return fmt.Errorf("add-bond requires at least 2 interfaces, but only %d were specified", len(ifaces))
	}
	return addPortOf(c, c.Args[1], c.Args[2], ifaces, c.Args[n:], n, c.Has("--fake-iface"))
}

// addPortOf adds a port with the given interfaces and settings. n is the number of arguments that messages repeat.
func addPortOf(c *dbctl.Context, brName, name string, ifaces, settings []string, n int, fakeIface bool) error {
	if name == "" {
		return fmt.Errorf("port name must not be empty string")
	}
	br, err := findBridge(c, brName)
	if err != nil {
		return err
	}
	if p := modelOf(c).ports[name]; p != nil && p.name != p.bridge.name && c.Has("--may-exist") {
		want := slices.Sorted(slices.Values(ifaces))
		var have []string
		for _, i := range p.ifaces {
			have = append(have, i.name)
		}
		slices.Sort(have)
		switch {
		case p.bridge.name != brName:
			return fmt.Errorf("\"%s\" but %s is actually attached to bridge %s", given(c, n), name, p.bridge.name)
		case !slices.Equal(want, have):
			return fmt.Errorf("\"%s\" but %s actually has interface(s) %s", given(c, n), name, strings.Join(have, ", "))
		}
		return nil
	}
	if err := checkFree(c, name, "cannot create a port named "+name); err != nil {
		return err
	}
	for _, i := range ifaces {
		if err := checkIfaceName(i); err != nil {
			return err
		}
		if err := checkFree(c, i, "cannot create an interface named "+i); err != nil {
			return err
		}
	}
	var refs []ovsdb.UUID
	for _, i := range ifaces {
		refs = append(refs, newIface(c, i, ""))
	}
	u := newPort(c, name, refs)
	if fakeIface {
		c.Txn.Set(vswitch.TablePort, u, "bond_fake_iface", ovsdb.NewScalar(ovsdb.BoolAtom(true)))
	}
	if br.parent != nil {
		c.Txn.Set(vswitch.TablePort, u, "tag", ovsdb.NewScalar(ovsdb.IntAtom(br.vlan)))
	}
	ts := c.Txn.Snapshot().Schema.Tables[vswitch.TablePort]
	for _, arg := range settings {
		if err := c.SetColumn(ts, c.Txn.Row(vswitch.TablePort, u), arg); err != nil {
			return err
		}
	}
	addRef(c, vswitch.TableBridge, br.uuid, "ports", u)
	changed(c)
	return nil
}

func checkIfaceName(name string) error {
	if name == "" {
		return fmt.Errorf("interface name must not be empty string")
	}
	return nil
}

func delPort(c *dbctl.Context) error {
	must := !c.Has("--if-exists")
	target := c.Args[len(c.Args)-1]
	m := modelOf(c)
	p := m.ports[target]
	if p == nil && c.Has("--with-iface") {
		if i := m.ifaces[target]; i != nil {
			p = i.port
		}
	}
	if p == nil {
		if must {
			if c.Has("--with-iface") {
				return fmt.Errorf("no port or interface named %s", target)
			}
			return fmt.Errorf("no port named %s", target)
		}
		return nil
	}
	if len(c.Args) == 3 {
		br, err := findBridge(c, c.Args[1])
		if err != nil {
			return err
		}
		switch {
		case p.bridge == br:
		case p.bridge.parent == br:
			return fmt.Errorf("bridge %s does not have a port %s (although its child bridge %s does)", br.name, target, p.bridge.name)
		case br.parent == p.bridge:
			return fmt.Errorf("bridge %s does not have a port %s (although its parent bridge %s does)", br.name, target, p.bridge.name)
		default:
			return fmt.Errorf("bridge %s does not have a port %s", br.name, target)
		}
	}
	if m.bridges[p.name] != nil {
		return fmt.Errorf("cannot delete port %s because it is the local port for bridge %s (deleting this port requires "+
			"deleting the entire bridge)", p.name, p.name)
	}
	dropPort(c, p)
	changed(c)
	return nil
}

func addBondIface(c *dbctl.Context) error {
	bond, name := c.Args[1], c.Args[2]
	p, err := findPort(c, bond)
	if err != nil {
		return err
	}
	if i := modelOf(c).ifaces[name]; i != nil && c.Has("--may-exist") {
		if i.port != p {
			return fmt.Errorf("\"%s\" but %s is actually attached to port %s", given(c, 3), name, i.port.name)
		}
		return nil
	}
	if err := checkFree(c, name, "cannot create an interface named "+name); err != nil {
		return err
	}
	addRef(c, vswitch.TablePort, p.uuid, "interfaces", newIface(c, name, ""))
	changed(c)
	return nil
}

func delBondIface(c *dbctl.Context) error {
	name := c.Args[len(c.Args)-1]
	i, err := findIface(c, name)
	if err != nil {
		if c.Has("--if-exists") {
			return nil
		}
		return err
	}
	if len(c.Args) == 3 {
		p, err := findPort(c, c.Args[1])
		if err != nil {
			return err
		}
		if i.port != p {
			return fmt.Errorf("port %s does not have an interface %s", p.name, name)
		}
	}
	if len(i.port.ifaces) == 1 {
		return fmt.Errorf("cannot delete last interface from port %s", i.port.name)
	}
	removeRef(c, vswitch.TablePort, i.port.uuid, "interfaces", i.uuid)
	c.Txn.Delete(vswitch.TableInterface, i.uuid)
	changed(c)
	return nil
}
