package dpdk

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

// Descriptors per queue when n_rxq_desc or n_txq_desc do not say.
const defaultDescs = 2048

// linkInterval is how often links are looked at.
const linkInterval = time.Second

// Opener opens dpdk ports. It may be used from any goroutine.
type Opener struct {
	logf func(format string, args ...any)

	mu    sync.Mutex       // serialises DPDK's control functions; guards all below
	ports map[uint16]*Port // open ports by DPDK's number
	stop  chan struct{}    // ends the link watcher, which runs while there are ports
}

// NewOpener returns an Opener. logf gets what the original logs about devices (nil: nothing).
func NewOpener(logf func(format string, args ...any)) *Opener {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &Opener{logf: logf, ports: map[uint16]*Port{}}
}

// Types implements ports.Opener.
func (o *Opener) Types() []string { return []string{"dpdk"} }

// unavailable is why no dpdk port can be opened: the original does not know the type then.
type unavailable struct{ name string }

func (u *unavailable) Error() string {
	return "could not open network device " + u.name + " (Address family not supported by protocol)"
}
func (u *unavailable) Unwrap() error { return ports.ErrNoDPDK }

// Open implements ports.Opener.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	if !dpdk.Ready() {
		return nil, &unavailable{c.Name}
	}
	pool, ok := c.Alloc.(*dpdk.Mempool)
	if !ok {
		o.logf("%s: the datapath's buffers are not DPDK's", c.Name)
		return nil, &unavailable{c.Name}
	}
	devargs := c.Options["dpdk-devargs"]
	if devargs == "" {
		return nil, fmt.Errorf("'%s' is missing 'options:dpdk-devargs'. The old 'dpdk<port_id>' names are not supported", c.Name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	id, attached, err := o.attach(devargs)
	if err != nil {
		return nil, err
	}
	if other := o.ports[id]; other != nil {
		return nil, fmt.Errorf("'%s' is trying to use device '%s' which is already in use by '%s'", c.Name, devargs, other.name)
	}
	p, err := o.setUp(c, pool, id)
	if err != nil {
		_ = dpdk.EthClose(id, attached)
		return nil, err
	}
	p.devargs, p.attached = devargs, attached
	o.ports[id] = p
	if o.stop == nil {
		o.stop = make(chan struct{})
		go o.watchLinks(o.stop)
	}
	return p, nil
}

// attach finds or probes the device; attached says that we did the latter and have to detach it. Called with mu held.
func (o *Opener) attach(devargs string) (id uint16, attached bool, err error) {
	failed := fmt.Errorf("Error attaching device '%s' to DPDK", devargs)
	if mac, ok := strings.CutPrefix(devargs, "class=eth,mac="); ok {
		a, err := net.ParseMAC(mac)
		if err != nil {
			return 0, false, failed
		}
		if id, err = dpdk.EthFindMAC(a); err != nil {
			return 0, false, failed
		}
		return id, false, nil
	}
	if id, err = dpdk.EthFind(devargs); err == nil {
		return id, false, nil
	}
	if id, err = dpdk.EthAttach(devargs); err != nil {
		o.logf("Error attaching device '%s' to DPDK", devargs)
		return 0, false, failed
	}
	o.logf("Device '%s' attached to DPDK", devargs)
	return id, true, nil
}

// setUp configures and starts device id. Called with mu held.
func (o *Opener) setUp(c ports.Config, pool *dpdk.Mempool, id uint16) (*Port, error) {
	info, err := dpdk.EthDescribe(id)
	if err != nil {
		return nil, &ports.OpenError{Name: c.Name, Err: err}
	}
	p := &Port{opener: o, name: c.Name, id: id, pool: pool, info: info, mtu: c.MTU}
	p.seq.Store(1)
	if p.mtu <= 0 {
		p.mtu = 1500
	}
	if err := p.configure(c); err != nil {
		return nil, err
	}
	mac := c.MAC
	if vf := c.Options["dpdk-vf-mac"]; vf != "" {
		if !info.IsRepresentor {
			o.logf("'%s' is trying to set the VF MAC '%s' but 'options:dpdk-vf-mac' is only supported for VF representors.", c.Name, vf)
		} else if a, err := net.ParseMAC(vf); err != nil {
			o.logf("interface '%s': cannot parse VF MAC '%s'.", c.Name, vf)
		} else {
			mac = a
		}
	}
	if mac != nil {
		if err := dpdk.EthSetMAC(id, mac); err != nil {
			o.logf("%s: cannot set the address: %s", c.Name, ports.ErrText(err))
		}
	}
	if err := dpdk.EthStart(id); err != nil {
		return nil, p.failed("start", err)
	}
	if err := dpdk.EthSetPromiscuous(id, true); err != nil {
		o.logf("Interface %s: promiscuous mode: %s", c.Name, ports.ErrText(err))
	}
	p.mac = dpdk.EthMAC(id)
	p.adminUp = true
	p.link = dpdk.EthGetLink(id)
	o.logf("Port %d: %s", id, p.mac)
	return p, nil
}

// configure sets the device's queues up, as many as the device lets it have. Called with the Opener's mu held.
func (p *Port) configure(c ports.Config) error {
	rxqs := c.RxQs
	if rxqs <= 0 {
		rxqs = max(1, number(c.Options["n_rxq"]))
	}
	rxqs = min(rxqs, max(1, int(p.info.MaxRxQs)))
	txqs := min(max(1, c.TxQs), max(1, int(p.info.MaxTxQs)))
	p.rxDescs = descriptors(c.Options["n_rxq_desc"], p.info.RxDescMin, p.info.RxDescMax, p.info.RxDescAlign)
	p.txDescs = descriptors(c.Options["n_txq_desc"], p.info.TxDescMin, p.info.TxDescMax, p.info.TxDescAlign)
	frame := p.mtu + packet.EthHdrLen + packet.EthCRCLen
	if p.info.MaxRxPktLen != 0 && frame > int(p.info.MaxRxPktLen) {
		return p.failed(fmt.Sprintf("MTU (%d)", p.mtu), syscall.EINVAL)
	}
	if !p.info.RxChecksum {
		p.opener.logf("Rx checksum offload is not supported on port %d", p.id)
	}
	p.wantTxQs = txqs
	var err error
	// A device may refuse more queues than it can have now, or want as many to send as to receive.
	for _, try := range [][2]int{{rxqs, txqs}, {rxqs, rxqs}, {min(rxqs, txqs), min(rxqs, txqs)}, {1, 1}} {
		err = dpdk.EthConfigure(p.id, dpdk.EthConf{RxQs: try[0], TxQs: try[1], RxDescs: p.rxDescs, TxDescs: p.txDescs, MTU: p.mtu, Pool: p.pool})
		if err == nil {
			p.rxQs, p.txQs = try[0], try[1]
			p.wantRxQs = rxqs
			p.maxLen.Store(int64(p.mtu + packet.EthHdrLen + packet.VLANHdrLen))
			p.drops = make([]queueDrops, p.txQs)
			if m := dpdk.EthMTU(p.id); m != 0 && m != p.mtu {
				p.opener.logf("Interface %s: the device's MTU is %d, not %d", p.name, m, p.mtu)
			}
			return nil
		}
	}
	op := "eth_dev"
	var de *dpdk.Error
	if errors.As(err, &de) {
		op = de.Op
	}
	return p.failed(op, err)
}

// failed logs why the device cannot be used, in the original's words, and returns what Interface.error shows.
func (p *Port) failed(what string, err error) error {
	p.opener.logf("Interface %s %s setup error %s", p.name, what, ports.ErrText(err))
	return fmt.Errorf("could not add network device %s to ofproto (%s)", p.name, ports.ErrText(err))
}

// number reads a whole number, 0 when s is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// descriptors is a ring size option's value if it is a power of two in 1..4096 that the device takes, else the default.
func descriptors(s string, lo, hi, align uint16) int {
	n := number(s)
	if n <= 0 || n > 4096 || n&(n-1) != 0 {
		n = defaultDescs
	}
	if hi != 0 {
		n = min(n, int(hi))
	}
	n = max(n, int(lo))
	if align > 1 {
		n -= n % int(align)
	}
	return n
}

// watchLinks looks at all ports' links until stop is closed.
func (o *Opener) watchLinks(stop chan struct{}) {
	t := time.NewTicker(linkInterval)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			o.mu.Lock()
			for _, p := range o.ports {
				p.updateLink()
			}
			o.mu.Unlock()
		}
	}
}
