package vsctl

import (
	"fmt"
	"slices"

	"govs/internal/stream"
	"govs/ovsdb"
	"govs/ovsdb/dbctl"
	"govs/ovsdb/vswitch"
)

func needController(c *dbctl.Context) error {
	c.Need(vswitch.TableController, "target")
	c.Need(vswitch.TableBridge, "controller")
	return need(c)
}

// realOf returns the bridge that has the settings of a bridge: its parent if it is fake.
func realOf(c *dbctl.Context, name string) (*bridge, error) {
	br, err := findBridge(c, name)
	if err == nil && br.parent != nil {
		br = br.parent
	}
	return br, err
}

// targets returns the targets of rows of Controller or Manager.
func targets(c *dbctl.Context, table string, rows []ovsdb.UUID) []string {
	var names []string
	for _, u := range rows {
		if c.Txn.Row(table, u) != nil {
			names = append(names, str(c, table, u, "target"))
		}
	}
	return names
}

// warnTargets warns of targets that look like mistakes.
func warnTargets(c *dbctl.Context, names []string) {
	for _, n := range names {
		if !stream.IsActive(n) && !stream.IsPassive(n) {
			stateOf(c).log.Warnf("target type \"%s\" is possibly erroneous", n)
		}
	}
}

// newTargets inserts rows of Controller or Manager.
func newTargets(c *dbctl.Context, table string, names []string) []ovsdb.UUID {
	probe, hasProbe := c.Options["--inactivity-probe"]
	var rows []ovsdb.UUID
	for _, n := range names {
		u := c.Txn.Insert(table, ovsdb.UUID{}, false).UUID()
		setString(c, table, u, "target", n)
		if hasProbe {
			c.Txn.Set(table, u, "inactivity_probe", ovsdb.NewScalar(ovsdb.IntAtom(atoi(probe))))
		}
		rows = append(rows, u)
	}
	return rows
}

func dropRows(c *dbctl.Context, table string, rows []ovsdb.UUID) {
	for _, u := range rows {
		c.Txn.Delete(table, u)
	}
}

func getController(c *dbctl.Context) error {
	br, err := realOf(c, c.Args[1])
	if err == nil {
		printNames(c, targets(c, vswitch.TableController, c.Txn.Get(vswitch.TableBridge, br.uuid, "controller").UUIDs()))
	}
	return err
}

func delController(c *dbctl.Context) error {
	br, err := findRealBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	old := c.Txn.Get(vswitch.TableBridge, br.uuid, "controller")
	if !old.IsEmpty() {
		c.Txn.Verify(vswitch.TableBridge, br.uuid, "controller")
		dropRows(c, vswitch.TableController, old.UUIDs())
		c.Txn.Set(vswitch.TableBridge, br.uuid, "controller", ovsdb.NewUUIDSet())
	}
	return nil
}

func setController(c *dbctl.Context) error {
	br, err := findRealBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	names := c.Args[2:]
	// Leave it alone if nothing changes: controllers would be disconnected.
	old := c.Txn.Get(vswitch.TableBridge, br.uuid, "controller").UUIDs()
	c.Txn.Verify(vswitch.TableBridge, br.uuid, "controller")
	if !c.Has("--inactivity-probe") && sameNames(targets(c, vswitch.TableController, old), names) {
		return nil
	}
	warnTargets(c, names)
	dropRows(c, vswitch.TableController, old)
	c.Txn.Set(vswitch.TableBridge, br.uuid, "controller", ovsdb.NewUUIDSet(newTargets(c, vswitch.TableController, names)...))
	return nil
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func needFailMode(c *dbctl.Context) error {
	c.Need(vswitch.TableBridge, "fail_mode")
	return need(c)
}

func getFailMode(c *dbctl.Context) error {
	br, err := realOf(c, c.Args[1])
	if err != nil {
		return err
	}
	if mode := c.Txn.Get(vswitch.TableBridge, br.uuid, "fail_mode").Strings(); len(mode) == 1 && mode[0] != "" {
		c.Out.WriteString(mode[0] + "\n")
	}
	return nil
}

func delFailMode(c *dbctl.Context) error {
	br, err := findRealBridge(c, c.Args[1])
	if err == nil {
		c.Txn.Set(vswitch.TableBridge, br.uuid, "fail_mode", ovsdb.NewStringSet())
	}
	return err
}

func setFailMode(c *dbctl.Context) error {
	br, err := findRealBridge(c, c.Args[1])
	if err != nil {
		return err
	}
	mode := c.Args[2]
	if mode != "standalone" && mode != "secure" {
		return fmt.Errorf("fail-mode must be \"standalone\" or \"secure\"")
	}
	c.Txn.Set(vswitch.TableBridge, br.uuid, "fail_mode", ovsdb.NewStringSet(mode))
	return nil
}

func needManager(c *dbctl.Context) error {
	c.Need(vswitch.TableOpenvSwitch, "manager_options")
	c.Need(vswitch.TableManager, "target")
	return nil
}

func managers(c *dbctl.Context) []ovsdb.UUID {
	return c.Txn.Get(vswitch.TableOpenvSwitch, root(c), "manager_options").UUIDs()
}

func getManager(c *dbctl.Context) error {
	printNames(c, targets(c, vswitch.TableManager, managers(c)))
	return nil
}

func delManager(c *dbctl.Context) error {
	c.Txn.Verify(vswitch.TableOpenvSwitch, root(c), "manager_options")
	old := managers(c)
	if len(old) == 0 {
		return nil
	}
	dropRows(c, vswitch.TableManager, old)
	c.Txn.Set(vswitch.TableOpenvSwitch, root(c), "manager_options", ovsdb.NewUUIDSet())
	return nil
}

func setManager(c *dbctl.Context) error {
	names := c.Args[1:]
	c.Txn.Verify(vswitch.TableOpenvSwitch, root(c), "manager_options")
	old := managers(c)
	if !c.Has("--inactivity-probe") && sameNames(targets(c, vswitch.TableManager, old), names) {
		return nil
	}
	warnTargets(c, names)
	dropRows(c, vswitch.TableManager, old)
	c.Txn.Set(vswitch.TableOpenvSwitch, root(c), "manager_options", ovsdb.NewUUIDSet(newTargets(c, vswitch.TableManager, names)...))
	return nil
}

func needSSL(c *dbctl.Context) error {
	c.Need(vswitch.TableOpenvSwitch, "ssl")
	c.Need(vswitch.TableSSL)
	return nil
}

func getSSL(c *dbctl.Context) error {
	for _, u := range c.Txn.Get(vswitch.TableOpenvSwitch, root(c), "ssl").UUIDs() {
		if c.Txn.Row(vswitch.TableSSL, u) == nil {
			continue
		}
		fmt.Fprintf(&c.Out, "Private key: %s\n", str(c, vswitch.TableSSL, u, "private_key"))
		fmt.Fprintf(&c.Out, "Certificate: %s\n", str(c, vswitch.TableSSL, u, "certificate"))
		fmt.Fprintf(&c.Out, "CA Certificate: %s\n", str(c, vswitch.TableSSL, u, "ca_cert"))
		fmt.Fprintf(&c.Out, "Bootstrap: %t\n", isTrue(c, vswitch.TableSSL, u, "bootstrap_ca_cert"))
	}
	return nil
}

func delSSL(c *dbctl.Context) error {
	old := c.Txn.Get(vswitch.TableOpenvSwitch, root(c), "ssl").UUIDs()
	if len(old) == 0 {
		return nil
	}
	c.Txn.Verify(vswitch.TableOpenvSwitch, root(c), "ssl")
	dropRows(c, vswitch.TableSSL, old)
	c.Txn.Set(vswitch.TableOpenvSwitch, root(c), "ssl", ovsdb.NewUUIDSet())
	return nil
}

func setSSL(c *dbctl.Context) error {
	c.Txn.Verify(vswitch.TableOpenvSwitch, root(c), "ssl")
	dropRows(c, vswitch.TableSSL, c.Txn.Get(vswitch.TableOpenvSwitch, root(c), "ssl").UUIDs())
	u := c.Txn.Insert(vswitch.TableSSL, ovsdb.UUID{}, false).UUID()
	setString(c, vswitch.TableSSL, u, "private_key", c.Args[1])
	setString(c, vswitch.TableSSL, u, "certificate", c.Args[2])
	setString(c, vswitch.TableSSL, u, "ca_cert", c.Args[3])
	c.Txn.Set(vswitch.TableSSL, u, "bootstrap_ca_cert", ovsdb.NewScalar(ovsdb.BoolAtom(c.Has("--bootstrap"))))
	c.Txn.Set(vswitch.TableOpenvSwitch, root(c), "ssl", ovsdb.NewUUIDSet(u))
	return nil
}
