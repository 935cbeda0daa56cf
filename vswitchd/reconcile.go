package vswitchd

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"
	"slices"

	"govs/dpif"
	"govs/internal/strerror"
	"govs/ofproto"
	"govs/openflow"
	"govs/ports"

	"golang.org/x/sys/unix"
)

// bridge is a bridge that runs, or one that could not be made (of is nil then).
type bridge struct {
	state       *BridgeState
	backer      *Backer
	of          *ofproto.Bridge
	ifaces      map[string]*iface               // by name
	bundles     map[string]ofproto.BundleConfig // as last given to of
	config      ofproto.BridgeConfig            // as last given to of
	defaultEA   net.HardwareAddr                // the local port's address when no port offers one
	hwaddr      net.HardwareAddr                // the local port's address
	dpid        uint64
	controllers map[string]string // what was last seen of each controller, by target
	announced   bool              // dpid is in the log
}

// iface is an interface that runs, or one that could not be opened (dev is nil and err says why).
type iface struct {
	state  *IfaceState
	port   string // name of its Port record
	dev    ports.Port
	dp     dpif.PortNo
	ofport openflow.Port
	rxqs   int  // receive queues of dev that the datapath polls
	added  bool // it is in the bridge
	err    error
	seq    uint64           // of dev, when its status was last read
	mac    net.HardwareAddr // of a patch port
}

// reconfigure brings the switch to the desired state, changing as little as it can. What fails is kept in the bridge's
// or interface's err, goes to the log and the database, and does not stop the rest.
func (d *Daemon) reconfigure(want *Desired) {
	for _, e := range want.Errors {
		d.log.Warnf("%s", e)
	}
	d.previous = want.Previous
	d.initDPDK(want)
	d.removeUnwanted(want)
	d.addWanted(want)
	d.configureBridges(want)
	d.applied = want
}

// initDPDK starts DPDK when it is first asked for. Datapaths that run already are taken down, because from then on
// all packets must come from DPDK's memory; they come back in the same reconfiguration.
func (d *Daemon) initDPDK(want *Desired) {
	if d.opts.DPDK == nil || d.opts.DPDK.Initialized() || !wantsDPDK(want.DPDK) || reflect.DeepEqual(d.dpdkTried, want.DPDK) {
		return
	}
	d.dpdkTried = maps.Clone(want.DPDK)
	for name, br := range d.bridges {
		d.destroyBridge(br)
		delete(d.bridges, name)
	}
	d.closeUnusedBackers()
	if err := d.opts.DPDK.Init(want.DPDK); err != nil {
		d.dpdkLog.Errf("%v", err)
		return
	}
	d.dpdkLog.Infof("DPDK Enabled - initialized")
}

// wantsDPDK reads other_config:dpdk-init. "try" is like true, but a failure is not fatal; a failure never is here.
func wantsDPDK(oc smap) bool {
	return oc.boolean("dpdk-init", false) || oc.str("dpdk-init", "") == "try"
}

// removeUnwanted deletes the bridges and interfaces that are not wanted, or not in the way that they are, so that their names,
// numbers and devices are free for the additions.
func (d *Daemon) removeUnwanted(want *Desired) {
	for name, br := range d.bridges {
		w := want.Bridges[name]
		if w == nil || w.DatapathType != br.state.DatapathType || w.UUID != br.state.UUID || br.of == nil {
			d.destroyBridge(br)
			delete(d.bridges, name)
			continue
		}
		wanted := make(map[string]*IfaceState)
		for _, p := range w.Ports {
			maps.Copy(wanted, p.Ifaces)
		}
		for bn := range br.bundles {
			if w.Ports[bn] == nil {
				br.of.DelBundle(bn)
				delete(br.bundles, bn)
			}
		}
		for in, ifc := range br.ifaces {
			if wi := wanted[in]; wi == nil || ifc.dev == nil && !isPatch(ifc.state) || !sameDevice(ifc, wi) {
				d.removeIface(br, ifc)
			}
		}
	}
	d.closeUnusedBackers()
}

// sameDevice tells whether the open interface can serve the wanted state without being opened again, after it has been given
// new options if it takes them while open.
func sameDevice(ifc *iface, w *IfaceState) bool {
	s := ifc.state
	if s.Type != w.Type || s.UUID != w.UUID {
		return false
	}
	if isPatch(s) {
		return ifc.err == nil && validPatch(w) == nil
	}
	if maps.Equal(s.Options, w.Options) {
		return true
	}
	r, ok := ifc.dev.(ports.Reconfigurer)
	return ok && r.Reconfigure(ports.Config{Name: w.Name, Type: w.Type, Options: w.Options, MTU: w.MTU, MAC: w.MAC}) == nil
}

// addWanted makes the bridges and interfaces that are wanted and missing.
func (d *Daemon) addWanted(want *Desired) {
	for _, name := range slices.Sorted(maps.Keys(want.Bridges)) {
		w := want.Bridges[name]
		br := d.bridges[name]
		if br == nil {
			br = &bridge{ifaces: make(map[string]*iface), bundles: make(map[string]ofproto.BundleConfig), defaultEA: randomMAC()}
			d.bridges[name] = br
			br.state = w
			if err := d.createBridge(br, want); err != nil {
				d.log.Errf("failed to create bridge %s: %v", name, err)
				continue
			}
		}
		br.state = w
		for _, pn := range slices.Sorted(maps.Keys(w.Ports)) {
			p := w.Ports[pn]
			for _, in := range slices.Sorted(maps.Keys(p.Ifaces)) {
				d.wantIface(br, pn, p.Ifaces[in])
			}
		}
	}
}

// createBridge opens the bridge's datapath, if it is the first of its type, and makes the OpenFlow switch.
func (d *Daemon) createBridge(br *bridge, want *Desired) error {
	b := d.backers[br.state.DatapathType]
	if b == nil {
		var err error
		if b, err = d.opts.NewBacker(br.state.DatapathType); err != nil {
			return err
		}
		d.backers[br.state.DatapathType] = b
		b.Switch.Configure(want.Settings)
	}
	br.backer = b
	br.config = br.state.Config
	br.dpid = macToID(br.defaultEA)
	if br.state.DatapathID != 0 {
		br.dpid = br.state.DatapathID
	}
	br.config.DatapathID = br.dpid
	var err error
	if br.of, err = b.Switch.AddBridge(br.state.Name, br.config); err != nil {
		br.of = nil
		return err
	}
	return nil
}

// wantIface opens the interface and adds it to the bridge, or changes what can be changed in one that is there.
func (d *Daemon) wantIface(br *bridge, port string, w *IfaceState) {
	ifc := br.ifaces[w.Name]
	if ifc == nil {
		ifc = &iface{state: w, port: port}
		br.ifaces[w.Name] = ifc
		if ifc.err = d.addIface(br, ifc); ifc.err != nil {
			d.log.Warnf("%v", ifc.err)
		}
		return
	}
	old := ifc.state
	ifc.state, ifc.port = w, port
	if w.Request != 0 && w.Request != uint16(ifc.ofport) && w.Request != old.Request || isPatch(w) && w.Options["peer"] != old.Options["peer"] {
		br.of.DelPort(w.Name)
		delete(br.bundles, port)
		if err := d.addToBridge(br, ifc); err != nil {
			ifc.err = err
			d.log.Warnf("%v", err)
			return
		}
	}
	if ifc.dev != nil && w.MTU != old.MTU && w.MTU != 0 {
		d.setMTU(ifc)
	}
}

func (d *Daemon) addIface(br *bridge, ifc *iface) error {
	w := ifc.state
	if other := d.findIface(w.Name); other != nil && other != ifc {
		return fmt.Errorf("could not open network device %s (%s)", w.Name, strerror.Errno(unix.EEXIST))
	}
	ifc.dp = dpif.PortNone
	if isPatch(w) {
		if err := validPatch(w); err != nil {
			return err
		}
		return d.addToBridge(br, ifc)
	}
	dev, err := d.opts.OpenPort(br.backer, ports.Config{
		Name: w.Name, Type: w.Type, Options: w.Options, MTU: w.MTU, MAC: w.MAC, Alloc: br.backer.Datapath.Alloc(),
	})
	if err != nil {
		return err
	}
	ifc.dev, ifc.rxqs = dev, dev.RxQueues()
	no, err := br.backer.Datapath.PortAdd(dev, br.backer.wantedNumber(w.Name, func(n dpif.PortNo) bool { return d.dpPortTaken(br.backer, n) }))
	if err != nil {
		_ = dev.Close()
		ifc.dev = nil
		return fmt.Errorf("could not add network device %s to ofproto (%w)", w.Name, err)
	}
	ifc.dp = no
	if err := d.addToBridge(br, ifc); err != nil {
		d.closeDevice(br, ifc)
		return err
	}
	if w.MTU != 0 {
		d.setMTU(ifc)
	}
	return nil
}

func (d *Daemon) dpPortTaken(b *Backer, n dpif.PortNo) bool {
	return slices.ContainsFunc(b.Datapath.Ports(), func(p dpif.PortInfo) bool { return p.No == n })
}

func (d *Daemon) addToBridge(br *bridge, ifc *iface) error {
	w := ifc.state
	pc := ofproto.PortConfig{
		Name: w.Name, Type: w.Type, Local: w.Name == br.state.Name, DPPort: ifc.dp, Device: ifc.dev, Peer: w.Options["peer"],
		Request: openflow.Port(w.Request),
	}
	if pc.Request == 0 {
		pc.Request = openflow.Port(d.previous[w.UUID])
	}
	if isPatch(w) {
		if ifc.mac == nil {
			ifc.mac = randomMAC()
		}
		copy(pc.MAC[:], ifc.mac)
	} else {
		pc.Peer = ""
	}
	no, err := br.of.AddPort(pc)
	if err != nil {
		return fmt.Errorf("could not add network device %s to ofproto (%w)", w.Name, err)
	}
	ifc.ofport, ifc.added = no, true
	d.log.Infof("bridge %s: added interface %s on port %d", br.state.Name, w.Name, no)
	return nil
}

func (d *Daemon) setMTU(ifc *iface) {
	if err := ifc.dev.SetMTU(ifc.state.MTU); err != nil && !errors.Is(err, ports.ErrUnsupported) {
		d.log.Warnf("could not set mtu_request=%d on network device %s: %v", ifc.state.MTU, ifc.state.Name, err)
	}
}

// removeIface takes the interface out of the bridge and closes it.
func (d *Daemon) removeIface(br *bridge, ifc *iface) {
	if ifc.added {
		br.of.DelPort(ifc.state.Name)
		ifc.added = false
		d.log.Infof("bridge %s: deleted interface %s on port %d", br.state.Name, ifc.state.Name, ifc.ofport)
		// The bundle names an interface that is gone: give it to the bridge again.
		delete(br.bundles, ifc.port)
	}
	d.closeDevice(br, ifc)
	delete(br.ifaces, ifc.state.Name)
}

func (d *Daemon) closeDevice(br *bridge, ifc *iface) {
	if ifc.dev == nil {
		return
	}
	if err := br.backer.Datapath.PortDel(ifc.dp); err != nil {
		d.log.Warnf("%s: could not remove port %d from datapath: %v", ifc.state.Name, ifc.dp, err)
	}
	if err := ifc.dev.Close(); err != nil {
		d.log.Warnf("%s: closing: %v", ifc.state.Name, err)
	}
	ifc.dev = nil
}

func (d *Daemon) destroyBridge(br *bridge) {
	if br.of == nil {
		return
	}
	for bn := range br.bundles {
		br.of.DelBundle(bn)
	}
	for _, ifc := range br.ifaces {
		d.removeIface(br, ifc)
	}
	br.backer.Switch.DelBridge(br.state.Name)
	br.of = nil
}

func (d *Daemon) closeUnusedBackers() {
	for typ, b := range d.backers {
		used := false
		for _, br := range d.bridges {
			used = used || br.backer == b && br.of != nil
		}
		if !used {
			b.close()
			delete(d.backers, typ)
		}
	}
}

// configureBridges applies all settings that name no device: bundles, patch peers, addresses, controllers, pollers.
func (d *Daemon) configureBridges(want *Desired) {
	for _, b := range d.backers {
		if d.applied == nil || !reflect.DeepEqual(d.applied.Settings, want.Settings) {
			b.Switch.Configure(want.Settings)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.bridges)) {
		br := d.bridges[name]
		if br.of == nil {
			continue
		}
		d.configureBundles(br)
		d.configureAddress(br)
		cfg := br.state.Config
		cfg.DatapathID = br.dpid
		if !reflect.DeepEqual(cfg, br.config) {
			if err := br.of.Configure(cfg); err != nil {
				d.log.Warnf("bridge %s: %v", name, err)
			}
			br.config = cfg
		}
	}
	for _, b := range d.backers {
		if err := b.Datapath.Configure(want.Datapath); err != nil {
			d.log.Warnf("datapath %s: %v", b.Name(), err)
		}
	}
}

func (d *Daemon) configureBundles(br *bridge) {
	for pn, p := range br.state.Ports {
		c := p.Bundle
		c.Ports = nil
		for in := range p.Ifaces {
			if ifc := br.ifaces[in]; ifc != nil && ifc.added {
				c.Ports = append(c.Ports, in)
			}
		}
		if len(c.Ports) == 0 {
			continue
		}
		slices.Sort(c.Ports)
		if old, ok := br.bundles[pn]; ok && reflect.DeepEqual(old, c) {
			continue
		}
		if err := br.of.SetBundle(c); err != nil {
			d.log.Warnf("bridge %s: port %s: %v", br.state.Name, pn, err)
			continue
		}
		br.bundles[pn] = c
	}
}

// configureAddress chooses the local port's Ethernet address and the datapath identifier, as the mac column of Interface and
// other_config:hwaddr and datapath-id of Bridge describe (ovs-vswitchd.conf.db(5)).
func (d *Daemon) configureAddress(br *bridge) {
	ea := br.state.HWAddr
	if ea == nil {
		ea = lowestAddress(br)
	}
	if ea == nil {
		ea = br.defaultEA
	}
	local := br.ifaces[br.state.Name]
	if local != nil && local.dev != nil {
		if local.state.MAC != nil {
			d.log.Errf("ignoring mac in Interface record (use Bridge record to set local port's mac)")
		}
		if st := local.dev.Status(); !bytes.Equal(st.MAC, ea) {
			if err := local.dev.SetMAC(ea); err != nil && !errors.Is(err, ports.ErrUnsupported) {
				d.log.Errf("ignoring mac for bridge %s: %v", br.state.Name, err)
			}
			br.of.PortChanged(local.state.Name)
		}
	}
	br.hwaddr = ea
	id := br.state.DatapathID
	if id == 0 {
		id = macToID(ea)
	}
	if id != br.dpid || !br.announced {
		d.log.Infof("bridge %s: using datapath ID %016x", br.state.Name, id)
	}
	br.dpid = id
	br.announced = true
	for _, ifc := range br.ifaces {
		if ifc != local && ifc.dev != nil && ifc.state.Type == "internal" && ifc.state.MAC != nil && !bytes.Equal(ifc.dev.Status().MAC, ifc.state.MAC) {
			if err := ifc.dev.SetMAC(ifc.state.MAC); err != nil {
				d.log.Errf("interface %s: cannot set MAC: %v", ifc.state.Name, err)
			}
		}
	}
}

// lowestAddress is the numerically lowest globally administered unicast address among the bridge's ports that are
// devices, or nil. A Port's mac column stands for its interface's address.
func lowestAddress(br *bridge) net.HardwareAddr {
	var best net.HardwareAddr
	for _, ifc := range br.ifaces {
		if ifc.dev == nil || ifc.state.Type == "internal" {
			continue
		}
		ea := ifc.dev.Status().MAC
		if p := br.state.Ports[ifc.port]; p != nil && p.MAC != nil {
			ea = p.MAC
		}
		if len(ea) != 6 || ea[0]&3 != 0 || bytes.Equal(ea, make([]byte, 6)) {
			continue
		}
		if best == nil || bytes.Compare(ea, best) < 0 {
			best = ea
		}
	}
	return best
}

func (d *Daemon) findIface(name string) *iface {
	for _, br := range d.bridges {
		if ifc := br.ifaces[name]; ifc != nil {
			return ifc
		}
	}
	return nil
}

func isPatch(s *IfaceState) bool { return s.Type == "patch" }

// validPatch checks a patch port's options. The texts are the Interface.error that scripts look for.
func validPatch(s *IfaceState) error {
	switch peer := s.Options["peer"]; {
	case peer == "":
		return fmt.Errorf("%s: patch type requires valid 'peer' argument", s.Name)
	case peer == s.Name:
		return fmt.Errorf("%s: patch peer must not be self", s.Name)
	}
	return nil
}

// peerError says why a patch port has no usable peer, or nil.
func (d *Daemon) peerError(br *bridge, ifc *iface) error {
	peer := ifc.state.Options["peer"]
	for _, other := range d.bridges {
		if p := other.ifaces[peer]; p != nil && p.added && isPatch(p.state) && other.backer == br.backer && p.state.Options["peer"] == ifc.state.Name {
			return nil
		}
	}
	return fmt.Errorf("No usable peer '%s' exists in '%s' datapath.", peer, br.state.DatapathType) //nolint // the original's words
}

func macToID(ea net.HardwareAddr) uint64 {
	var id uint64
	for _, b := range ea {
		id = id<<8 | uint64(b)
	}
	return id
}

// randomMAC returns a random locally administered unicast address.
func randomMAC() net.HardwareAddr {
	ea := make(net.HardwareAddr, 6)
	_, _ = rand.Read(ea) // never fails (crypto/rand)
	ea[0] = ea[0]&^1 | 2
	return ea
}
