package vhostuser

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

// The port types.
const (
	typeClient = "dpdkvhostuserclient"
	typeServer = "dpdkvhostuser"
)

// Limits and default of options:tx-retries-max.
const (
	defaultRetries = 8
	maxRetries     = 32
)

// Settings are what other_config says for all vhost-user ports.
type Settings struct {
	SockDir  string // directory of the sockets of dpdkvhostuser ports
	IOMMU    bool   // vhost-iommu-support; client ports
	Postcopy bool   // vhost-postcopy-support; client ports
}

// Opener opens vhost-user ports. It may be used from any goroutine.
type Opener struct {
	settings Settings
	logf     func(format string, args ...any)
}

// NewOpener returns an Opener. logf gets what the original logs about sockets (nil: nothing).
func NewOpener(s Settings, logf func(format string, args ...any)) *Opener {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	return &Opener{s, logf}
}

// Types implements ports.Opener.
func (o *Opener) Types() []string { return []string{typeClient, typeServer} }

// unavailable is why no port can be opened without DPDK: the original does not know the types then.
type unavailable struct{ name string }

func (u *unavailable) Error() string {
	return "could not open network device " + u.name + " (Address family not supported by protocol)"
}
func (u *unavailable) Unwrap() error { return ports.ErrNoDPDK }

// Open implements ports.Opener. A client port without a path is opened, but has no socket.
func (o *Opener) Open(c ports.Config) (ports.Port, error) {
	if !dpdk.Ready() {
		return nil, &unavailable{c.Name}
	}
	pool, ok := c.Alloc.(*dpdk.Mempool)
	if !ok {
		o.logf("%s: the datapath's buffers are not DPDK's", c.Name)
		return nil, &unavailable{c.Name}
	}
	p := &Port{opener: o, name: c.Name, typ: c.Type, alloc: c.Alloc, txQs: min(max(1, c.TxQs), dpdk.VhostMaxQueuePairs), adminUp: true, mtu: c.MTU, mac: c.MAC}
	if p.mtu <= 0 {
		p.mtu = 1500
	}
	if p.mac == nil {
		p.mac = make(net.HardwareAddr, packet.EthAddrLen)
	}
	flags := dpdk.VhostFlags{}
	if c.Type == typeServer {
		if strings.ContainsAny(c.Name, `/\`) {
			o.logf(`"%s" is not a valid name for a vhost-user port. A valid name must not include '/' or '\'`, c.Name)
			return nil, &ports.OpenError{Name: c.Name, Err: syscall.EINVAL}
		}
		p.path = filepath.Join(o.settings.SockDir, c.Name)
		removeStale(p.path)
	} else {
		p.path = c.Options["vhost-server-path"]
		flags = dpdk.VhostFlags{Client: true, IOMMU: o.settings.IOMMU, Postcopy: o.settings.Postcopy}
	}
	if p.path != "" {
		v, err := dpdk.VhostRegister(p.path, flags, pool)
		if err != nil {
			o.logf("%s: %v", c.Name, err)
			var errno syscall.Errno
			if !errors.As(err, &errno) {
				errno = syscall.EIO
			}
			return nil, &ports.OpenError{Name: c.Name, Err: errno}
		}
		p.vhost = v
		if flags.Client {
			o.logf("vHost User device '%s' created in 'client' mode, using client socket '%s'", c.Name, p.path)
		} else {
			o.logf("Socket %s created for vhost-user port %s", p.path, c.Name)
		}
	}
	if c.Type == typeServer {
		o.logf("dpdkvhostuser ports are considered deprecated;  please migrate to dpdkvhostuserclient ports.")
	}
	p.setRetries(c.Options)
	return p, nil
}

// removeStale removes a socket file that nobody listens on any more, left by a process that was killed.
func removeStale(path string) {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path)
	}
}

// Port is a vhost-user port.
type Port struct {
	opener *Opener
	name   string
	typ    string
	path   string
	alloc  packet.Allocator
	vhost  *dpdk.Vhost // nil: a client port without a path
	txQs   int
	seq    atomic.Uint64 // changes other than the guest's

	unsent atomic.Uint64 // packets sent to a port that has no socket or is switched off
	down   atomic.Bool   // !adminUp, for Rx and Tx

	mu      sync.Mutex // guards all below
	mtu     int
	mac     net.HardwareAddr
	adminUp bool
	retries int
	closed  bool
}

// Name implements ports.Port.
func (p *Port) Name() string { return p.name }

// Type implements ports.Port.
func (p *Port) Type() string { return p.typ }

// Polled implements ports.Port.
func (p *Port) Polled() bool { return true }

// RxQueues implements ports.Port: the guest's queue pairs, 1 while no guest is there.
func (p *Port) RxQueues() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return rxQueues(p.state())
}

// state is the guest's; called with mu held.
func (p *Port) state() dpdk.VhostState {
	if p.vhost == nil || p.closed {
		return dpdk.VhostState{VID: -1}
	}
	return p.vhost.State()
}

func rxQueues(s dpdk.VhostState) int {
	if !s.Connected {
		return 1
	}
	return max(1, s.Vrings/2)
}

// RxEnabled implements ports.QueueEnabler.
func (p *Port) RxEnabled(q int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.state().Connected {
		return q == 0
	}
	return p.vhost.RxEnabled(q)
}

// SignalRx implements ports.Signaler.
func (p *Port) SignalRx(q int, on bool) int {
	if p.vhost == nil {
		return -1
	}
	return p.vhost.Signal(q, on)
}

// RxBacklog implements ports.Backlogger.
func (p *Port) RxBacklog(q int) int {
	if p.vhost == nil || p.down.Load() {
		return 0
	}
	return p.vhost.Waiting(q)
}

// TxQueues implements ports.Port. They are spread over the queues that the guest has enabled.
func (p *Port) TxQueues() int { return p.txQs }

// TxShared implements ports.TxSharer: each ring has a lock that is held for a burst.
func (p *Port) TxShared() bool { return true }

// Steady implements ports.Steady.
func (p *Port) Steady() bool { return dpdk.Steady }

// Rx implements ports.Port.
func (p *Port) Rx(q int, b *packet.Batch) {
	if p.vhost == nil || p.down.Load() {
		b.N = 0
		return
	}
	p.vhost.Rx(q, b)
}

// Tx implements ports.Port.
func (p *Port) Tx(q int, b *packet.Batch) {
	if b.N == 0 {
		return
	}
	if p.vhost == nil || p.down.Load() {
		p.unsent.Add(uint64(b.N))
		p.alloc.Free(b)
		return
	}
	p.vhost.Tx(q, b)
}

// Seq implements ports.Port.
func (p *Port) Seq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.vhost == nil || p.closed {
		return p.seq.Load()
	}
	return p.seq.Load() + p.vhost.Seq()
}

// sizeNames are the size classes of dpdk.VhostQueue.Sizes in a queue's counters and in a port's.
var sizeNames = [...]struct{ queue, port string }{
	{"undersize", "1_to_64"}, {"size_64", "1_to_64"}, {"size_65_127", "65_to_127"}, {"size_128_255", "128_to_255"},
	{"size_256_511", "256_to_511"}, {"size_512_1023", "512_to_1023"}, {"size_1024_1518", "1024_to_1522"}, {"size_1519_max", "1523_to_max"},
}

// Stats implements ports.Port. As in the original the packet counters show only while a guest is there.
func (p *Port) Stats(s *ports.Stats) {
	*s = ports.Unset()
	c := map[string]uint64{
		"ovs_tx_qos_drops": 0, "ovs_rx_qos_drops": 0, "ovs_tx_invalid_hwol_drops": 0,
		"ovs_tx_failure_drops": p.unsent.Load(), "ovs_tx_mtu_exceeded_drops": 0, "ovs_tx_retries": 0,
	}
	s.Custom = c
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.vhost == nil || p.closed {
		return
	}
	state := p.vhost.State()
	var rx, tx dpdk.VhostQueue
	for q := range dpdk.VhostMaxQueuePairs {
		r, t := p.vhost.Counters(q)
		sum(&rx, &r)
		sum(&tx, &t)
		if state.Connected && q < state.Vrings/2 {
			perQueue(c, "rx", q, &r)
			perQueue(c, "tx", q, &t)
		}
	}
	c["ovs_tx_failure_drops"] += tx.Failed + tx.Disabled
	c["ovs_tx_mtu_exceeded_drops"] = tx.MTUExceeded
	c["ovs_tx_retries"] = tx.Retries
	if !state.Connected {
		return
	}
	for i, n := range sizeNames {
		c["rx_"+n.port+"_packets"] += rx.Sizes[i]
		c["tx_"+n.port+"_packets"] += tx.Sizes[i]
	}
	c["rx_broadcast_packets"], c["tx_broadcast_packets"] = rx.Broadcast, tx.Broadcast
	c["tx_multicast_packets"] = tx.Multicast
	s.Multicast = rx.Multicast
	s.RxPackets, s.RxBytes, s.TxPackets, s.TxBytes = rx.Packets, rx.Bytes, tx.Packets, tx.Bytes
	s.RxDropped = 0
	s.TxDropped = c["ovs_tx_failure_drops"] + tx.MTUExceeded
}

func sum(to, q *dpdk.VhostQueue) {
	to.Packets += q.Packets
	to.Bytes += q.Bytes
	to.Multicast += q.Multicast
	to.Broadcast += q.Broadcast
	to.Failed += q.Failed
	to.Retries += q.Retries
	to.MTUExceeded += q.MTUExceeded
	to.Disabled += q.Disabled
	for i, n := range q.Sizes {
		to.Sizes[i] += n
	}
}

func perQueue(c map[string]uint64, dir string, q int, n *dpdk.VhostQueue) {
	prefix := dir + "_q" + strconv.Itoa(q) + "_"
	c[prefix+"good_packets"] = n.Packets
	c[prefix+"good_bytes"] = n.Bytes
	c[prefix+"multicast_packets"] = n.Multicast
	c[prefix+"broadcast_packets"] = n.Broadcast
	for i, name := range sizeNames {
		c[prefix+name.queue+"_packets"] = n.Sizes[i]
	}
}

// Status implements ports.Port.
func (p *Port) Status() ports.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ports.Status{MAC: p.mac, MTU: p.mtu, AdminUp: p.adminUp, IfIndex: ifIndex(p.name), RxQueues: 1, TxQueues: p.txQs}
	s.Driver = map[string]string{"mode": "client", "status": "disconnected"}
	if p.typ == typeServer || p.path == "" {
		s.Driver["mode"] = "server"
	}
	if p.vhost == nil || p.closed {
		return s
	}
	v := p.state()
	s.LinkUp = v.Connected && p.adminUp
	s.RxQueues = rxQueues(v)
	s.LinkResets = 2 * v.Connects // each guest came and went…
	if !v.Connected {
		return s
	}
	s.LinkResets-- // …but the last one is still there
	s.Driver["status"] = "connected"
	s.Driver["features"] = fmt.Sprintf("0x%016x", v.Features)
	s.Driver["num_of_vrings"] = strconv.Itoa(v.Vrings)
	s.Driver["numa"] = strconv.Itoa(max(0, v.NUMA))
	s.Driver["socket"] = p.path
	for i, n := range v.VringSizes {
		s.Driver[fmt.Sprintf("vring_%d_size", i)] = strconv.Itoa(n)
	}
	return s
}

// ifIndex is a stable number of 24 bits for a device that the kernel does not know.
func ifIndex(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32() & 0xffffff)
}

// Describe implements ports.Describer.
func (p *Port) Describe() map[string]string {
	rxqs := strconv.Itoa(p.RxQueues())
	p.mu.Lock()
	defer p.mu.Unlock()
	txqs := strconv.Itoa(p.txQs)
	return map[string]string{
		"requested_rx_queues": rxqs, "configured_rx_queues": rxqs,
		"requested_tx_queues": txqs, "configured_tx_queues": txqs, "mtu": strconv.Itoa(p.mtu),
	}
}

// setRetries takes options:tx-retries-max, 8 if it is missing or out of range.
func (p *Port) setRetries(options map[string]string) {
	n := defaultRetries
	if v, ok := options["tx-retries-max"]; ok && p.typ == typeClient {
		if k, err := strconv.Atoi(v); err == nil && k >= 0 && k <= maxRetries {
			n = k
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retries != n && p.seq.Load() != 0 {
		p.opener.logf("Max Tx retries for vhost device '%s' set to %d", p.name, n)
	}
	p.retries = n
	p.apply()
	p.seq.Add(1)
}

// apply tells the datapath side of the socket about mtu and retries. Called with mu held.
func (p *Port) apply() {
	if p.vhost != nil {
		p.vhost.Set(p.mtu+packet.EthHdrLen+packet.VLANHdrLen, p.retries)
	}
}

// Reconfigure implements ports.Reconfigurer: another path needs a new port.
func (p *Port) Reconfigure(c ports.Config) error {
	if p.typ == typeClient && c.Options["vhost-server-path"] != p.path ||
		c.TxQs > 0 && min(c.TxQs, dpdk.VhostMaxQueuePairs) != p.txQs {
		return ports.ErrReopen
	}
	p.setRetries(c.Options)
	return nil
}

// SetMTU implements ports.Port.
func (p *Port) SetMTU(mtu int) error {
	if mtu < 68 || mtu > 65535-packet.EthHdrLen-packet.VLANHdrLen {
		return fmt.Errorf("%s: MTU %d is out of range", p.name, mtu)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mtu != mtu {
		p.mtu = mtu
		p.apply()
		p.seq.Add(1)
	}
	return nil
}

// SetMAC implements ports.Port. The address is ours only; the guest has its own.
func (p *Port) SetMAC(mac net.HardwareAddr) error {
	if len(mac) != packet.EthAddrLen {
		return fmt.Errorf("%s: %q is no Ethernet address", p.name, mac)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mac = append(net.HardwareAddr(nil), mac...)
	p.seq.Add(1)
	return nil
}

// SetAdminUp implements ports.Port.
func (p *Port) SetAdminUp(up bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.adminUp != up {
		p.adminUp = up
		p.down.Store(!up)
		p.seq.Add(1)
	}
	return nil
}

// Close implements ports.Port: the guest is disconnected.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.vhost == nil {
		p.closed = true
		return nil
	}
	p.closed = true
	if err := p.vhost.Unregister(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}
