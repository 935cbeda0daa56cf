package dpdk

import (
	"fmt"
	"hash/fnv"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"govs/cgo/dpdk"
	"govs/packet"
	"govs/ports"
)

// Port is an Ethernet device of DPDK's. Rx and Tx on one queue are each used by one goroutine at a time.
type Port struct {
	opener   *Opener
	name     string
	id       uint16
	pool     *dpdk.Mempool
	info     dpdk.EthInfo
	devargs  string
	attached bool // we attached the device and will detach it

	rxQs, txQs         int
	wantRxQs, wantTxQs int
	rxDescs, txDescs   int
	maxLen             atomic.Int64 // longest frame that is sent, without FCS
	drops              []queueDrops // per transmit queue
	seq                atomic.Uint64

	mu         sync.Mutex // guards all below; taken after Opener.mu if both
	mtu        int
	mac        net.HardwareAddr
	adminUp    bool
	link       dpdk.EthLink
	linkResets uint64
	closed     bool
}

// queueDrops counts what a transmit queue's user could not send; on a cache line of its own.
type queueDrops struct {
	failed, tooLong atomic.Uint64
	_               [48]byte
}

// Name implements ports.Port.
func (p *Port) Name() string { return p.name }

// Type implements ports.Port.
func (p *Port) Type() string { return "dpdk" }

// Polled implements ports.Port.
func (p *Port) Polled() bool { return true }

// RxQueues implements ports.Port.
func (p *Port) RxQueues() int { return p.rxQs }

// TxQueues implements ports.Port.
func (p *Port) TxQueues() int { return p.txQs }

// NUMA is the node that the device is on, -1 unknown.
func (p *Port) NUMA() int { return p.info.NUMA }

// Steady implements ports.Steady.
func (p *Port) Steady() bool { return dpdk.Steady }

// Rx implements ports.Port.
func (p *Port) Rx(q int, b *packet.Batch) { dpdk.EthRx(p.id, q, b) }

// Tx implements ports.Port.
func (p *Port) Tx(q int, b *packet.Batch) {
	if b.N == 0 {
		return
	}
	tooLong, notSent := dpdk.EthTx(p.id, q, b, int(p.maxLen.Load()))
	if tooLong != 0 {
		p.drops[q].tooLong.Add(uint64(tooLong))
	}
	if notSent != 0 {
		p.drops[q].failed.Add(uint64(notSent))
	}
}

// Seq implements ports.Port.
func (p *Port) Seq() uint64 { return p.seq.Load() }

// updateLink reads the link. Called with the Opener's mu held.
func (p *Port) updateLink() {
	l := dpdk.EthGetLink(p.id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.Up != p.link.Up {
		p.linkResets++
	}
	if l != p.link {
		p.link = l
		p.seq.Add(1)
	}
}

// Stats implements ports.Port.
func (p *Port) Stats(s *ports.Stats) {
	*s = ports.Unset()
	p.opener.mu.Lock()
	defer p.opener.mu.Unlock()
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return
	}
	d, err := dpdk.EthGetStats(p.id)
	if err != nil {
		return
	}
	var failed, tooLong uint64
	for i := range p.drops {
		failed += p.drops[i].failed.Load()
		tooLong += p.drops[i].tooLong.Load()
	}
	s.RxPackets, s.TxPackets, s.RxBytes, s.TxBytes = d.RxPackets, d.TxPackets, d.RxBytes, d.TxBytes
	s.RxErrors, s.TxErrors, s.RxMissed, s.RxDropped = d.RxErrors, d.TxErrors, d.RxMissed, d.RxNoMbuf
	s.TxDropped = failed + tooLong
	s.Custom = map[string]uint64{
		"ovs_tx_failure_drops": failed, "ovs_tx_mtu_exceeded_drops": tooLong,
		"ovs_tx_qos_drops": 0, "ovs_rx_qos_drops": 0, "ovs_tx_invalid_hwol_drops": 0,
	}
	_ = dpdk.EthXStats(p.id, func(name string, v uint64) {
		if shownXStat(name) {
			s.Custom[name] = v
		}
	})
}

// shownXStat picks the extended counters that the original shows: per queue ones, errors and drops. Those that are
// columns of their own are left out.
func shownXStat(name string) bool {
	switch name {
	case "rx_missed_errors", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped":
		return false
	}
	for _, prefix := range []string{"rx_q", "tx_q"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && '0' <= rest[0] && rest[0] <= '9' {
			return true
		}
	}
	return strings.HasSuffix(name, "_errors") || strings.Contains(name, "_dropped") || strings.Contains(name, "_missed")
}

// Status implements ports.Port.
func (p *Port) Status() ports.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := &p.info
	driver := map[string]string{
		"port_no":            strconv.Itoa(int(p.id)),
		"numa_id":            strconv.Itoa(max(0, i.NUMA)),
		"driver_name":        i.Driver,
		"min_rx_bufsize":     strconv.FormatUint(uint64(i.MinRxBuf), 10),
		"max_rx_pktlen":      strconv.Itoa(p.mtu + packet.EthHdrLen + packet.EthCRCLen),
		"max_rx_queues":      strconv.Itoa(int(i.MaxRxQs)),
		"max_tx_queues":      strconv.Itoa(int(i.MaxTxQs)),
		"max_mac_addrs":      strconv.FormatUint(uint64(i.MaxMACs), 10),
		"max_hash_mac_addrs": strconv.FormatUint(uint64(i.MaxHashMACs), 10),
		"max_vfs":            strconv.Itoa(int(i.MaxVFs)),
		"max_vmdq_pools":     strconv.Itoa(int(i.MaxVMDqPools)),
		"if_type":            "6", // IANA ifType ethernetCsmacd
		"if_descr":           dpdk.Version() + " " + i.Driver,
		"bus_info":           i.BusInfo,
		"link_speed":         speedText(p.link.Speed),
	}
	return ports.Status{
		MAC: p.mac, MTU: p.mtu, AdminUp: p.adminUp, LinkUp: p.link.Up && p.adminUp, LinkSpeed: p.link.Speed, FullDuplex: p.link.FullDuplex,
		LinkResets: p.linkResets, IfIndex: ifIndex(p.name), Driver: driver, RxQueues: p.rxQs, TxQueues: p.txQs,
	}
}

// speedText is a link speed as status:link_speed has it.
func speedText(bps uint64) string {
	switch {
	case bps == 0:
		return "Unknown"
	case bps >= 1e9 && bps%1e9 == 0:
		return fmt.Sprintf("%dGbps", bps/1e9)
	case bps == 2500e6:
		return "2.5Gbps"
	default:
		return fmt.Sprintf("%dMbps", bps/1e6)
	}
}

// ifIndex is a stable number of 24 bits for a device that the kernel does not know.
func ifIndex(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32() & 0xffffff)
}

// Describe implements ports.Describer.
func (p *Port) Describe() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return map[string]string{
		"requested_rx_queues": strconv.Itoa(p.wantRxQs), "configured_rx_queues": strconv.Itoa(p.rxQs),
		"requested_tx_queues": strconv.Itoa(p.wantTxQs), "configured_tx_queues": strconv.Itoa(p.txQs),
		"requested_rxq_descriptors": strconv.Itoa(p.rxDescs), "configured_rxq_descriptors": strconv.Itoa(p.rxDescs),
		"requested_txq_descriptors": strconv.Itoa(p.txDescs), "configured_txq_descriptors": strconv.Itoa(p.txDescs),
		"mtu": strconv.Itoa(p.mtu), "rx_csum_offload": strconv.FormatBool(p.info.RxChecksum), "tx_tso_offload": "false",
		"lsc_interrupt_mode": "false",
	}
}

// Reconfigure implements ports.Reconfigurer: other devargs, queues or rings need a new port.
func (p *Port) Reconfigure(c ports.Config) error {
	if c.Options["dpdk-devargs"] != p.devargs {
		return ports.ErrReopen
	}
	rxqs := c.RxQs
	if rxqs <= 0 {
		rxqs = max(1, number(c.Options["n_rxq"]))
	}
	if min(rxqs, max(1, int(p.info.MaxRxQs))) != p.wantRxQs ||
		c.TxQs > 0 && min(c.TxQs, max(1, int(p.info.MaxTxQs))) != p.wantTxQs ||
		descriptors(c.Options["n_rxq_desc"], p.info.RxDescMin, p.info.RxDescMax, p.info.RxDescAlign) != p.rxDescs ||
		descriptors(c.Options["n_txq_desc"], p.info.TxDescMin, p.info.TxDescMax, p.info.TxDescAlign) != p.txDescs {
		return ports.ErrReopen
	}
	return nil
}

// SetMTU implements ports.Port. A device that can change its MTU only while it is stopped gives ErrReopen.
func (p *Port) SetMTU(mtu int) error {
	p.opener.mu.Lock()
	defer p.opener.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if mtu == p.mtu {
		return nil
	}
	if p.info.MaxRxPktLen != 0 && mtu+packet.EthHdrLen+packet.EthCRCLen > int(p.info.MaxRxPktLen) || mtu < 68 {
		return fmt.Errorf("%s: MTU %d: at most %d", p.name, mtu, int(p.info.MaxRxPktLen)-packet.EthHdrLen-packet.EthCRCLen)
	}
	if mtu+packet.EthHdrLen+packet.EthCRCLen+2*packet.VLANHdrLen > p.pool.BufSize() && p.info.RxScatter {
		return ports.ErrReopen // scattered reception is decided when the device is configured
	}
	switch err := dpdk.EthSetMTU(p.id, mtu); {
	case err == nil, isNotSup(err):
	case isBusy(err):
		return ports.ErrReopen
	default:
		return fmt.Errorf("%s: MTU %d: %s", p.name, mtu, ports.ErrText(err))
	}
	p.mtu = mtu
	p.maxLen.Store(int64(mtu + packet.EthHdrLen + packet.VLANHdrLen))
	p.seq.Add(1)
	return nil
}

// SetMAC implements ports.Port.
func (p *Port) SetMAC(mac net.HardwareAddr) error {
	p.opener.mu.Lock()
	defer p.opener.mu.Unlock()
	if err := dpdk.EthSetMAC(p.id, mac); err != nil {
		if isNotSup(err) {
			return ports.ErrUnsupported
		}
		return fmt.Errorf("%s: %s", p.name, ports.ErrText(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mac = append(net.HardwareAddr(nil), mac...)
	p.seq.Add(1)
	return nil
}

// SetAdminUp implements ports.Port. Devices that cannot switch their link go on passing packets; only the state shows it.
func (p *Port) SetAdminUp(up bool) error {
	p.opener.mu.Lock()
	defer p.opener.mu.Unlock()
	if err := dpdk.EthSetLink(p.id, up); err != nil && !isNotSup(err) {
		return fmt.Errorf("%s: %s", p.name, ports.ErrText(err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.adminUp != up {
		p.adminUp = up
		p.seq.Add(1)
	}
	return nil
}

// Close implements ports.Port.
func (p *Port) Close() error {
	o := p.opener
	o.mu.Lock()
	defer o.mu.Unlock()
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	p.mu.Unlock()
	if closed {
		return nil
	}
	delete(o.ports, p.id)
	if len(o.ports) == 0 && o.stop != nil {
		close(o.stop)
		o.stop = nil
	}
	if err := dpdk.EthClose(p.id, p.attached); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	o.logf("Device '%s' has been removed and detached", p.devargs)
	return nil
}
