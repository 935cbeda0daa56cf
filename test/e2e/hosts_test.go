package e2e

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"govs/test/ovs"
)

// hosts is a switch in a namespace of its own and four hosts: h[0] and h[1] on veth pairs (system ports), h[2] and
// h[3] on tap ports. Host i has 10.9.0.i+1 and fd09::i+1 on its device dev[i]; its port on br0 is number i+1 and
// has the name port[i].
type hosts struct {
	s         *ovs.Switch
	h         [4]namespace
	dev, port [4]string
}

func newHosts(t *testing.T) *hosts {
	needRoot(t, "ip", "ping", "ethtool", "sysctl")
	side(t)
	n := &hosts{}
	sw := newNetns(t)
	for i := range n.h {
		n.h[i] = newNetns(t)
	}
	n.s = start(t, ovs.Options{NetNS: string(sw)})
	vsctl(t, n.s, "add-br br0 -- set bridge br0 datapath_type=netdev protocols=OpenFlow10,OpenFlow13 fail_mode=secure")
	for i := range n.h {
		n.port[i] = fmt.Sprintf("p%d", i+1)
		kind := "system"
		if i < 2 {
			n.dev[i] = "eth0"
			sh(t, "ip -n %s link add %s type veth peer name eth0 netns %s", sw, n.port[i], n.h[i])
			sh(t, "ip -n %s link set %s up", sw, n.port[i])
			// The switch gets whole packets with real checksums, as from a wire.
			n.h[i].sh(t, "ethtool -K eth0 tx off tso off gso off gro off")
			sw.sh(t, "ethtool -K %s gro off", n.port[i])
		} else {
			kind, n.dev[i] = "tap", n.port[i]
		}
		vsctl(t, n.s, fmt.Sprintf("add-port br0 %[1]s -- set interface %[1]s type=%[2]s ofport_request=%[3]d", n.port[i], kind, i+1))
		if got := vsctl(t, n.s, "get interface "+n.port[i]+" ofport"); got != fmt.Sprint(i+1) {
			t.Fatalf("port %s is number %s: %s", n.port[i], got, vsctl(t, n.s, "get interface "+n.port[i]+" error"))
		}
		if kind == "tap" {
			sh(t, "ip -n %s link set %s netns %s", sw, n.port[i], n.h[i])
		}
		sh(t, "ip -n %s addr add 10.9.0.%d/24 dev %s", n.h[i], i+1, n.dev[i])
		sh(t, "ip -n %s addr add fd09::%d/64 dev %s nodad", n.h[i], i+1, n.dev[i])
		sh(t, "ip -n %s link set %s up", n.h[i], n.dev[i])
	}
	return n
}

func ip4(i int) string { return fmt.Sprintf("10.9.0.%d", i+1) }
func ip6(i int) string { return fmt.Sprintf("fd09::%d", i+1) }

// reaches checks that a pings b over IPv4 and IPv6.
func (n *hosts) reaches(t *testing.T, a, b int) {
	t.Helper()
	for _, addr := range []string{ip4(b), ip6(b)} {
		if !n.h[a].ping(addr) {
			t.Errorf("host %d gets no answer from %s", a+1, addr)
			dp, _ := n.s.Appctl("dpctl/dump-flows")
			of, _ := n.s.Ofctl("dump-flows", "br0")
			t.Logf("%s%s", dp, of)
		}
	}
}

// tcp runs iperf3 from a to b for a second and returns the megabytes that arrived.
func (n *hosts) tcp(t *testing.T, a, b int) float64 {
	t.Helper()
	var out []byte
	var err error
	for range 3 { // a server that is not yet listening when the client comes
		server := n.h[b].command("iperf3 -s -1 -B %s", ip4(b))
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "iperf3 listens", func() bool {
			return strings.Contains(n.h[b].sh(t, "ss -Hltn sport = :5201"), "5201")
		})
		out, err = n.h[a].command("iperf3 -c %s -t 1 -J --connect-timeout 2000", ip4(b)).Output()
		server.Process.Kill()
		server.Wait()
		if err == nil {
			break
		}
		t.Logf("iperf3: %v: %s", err, out)
	}
	var r struct {
		Error string
		End   struct {
			Received struct{ Bytes float64 }   `json:"sum_received"`
			Sent     struct{ Retransmits int } `json:"sum_sent"`
		}
	}
	if err := json.Unmarshal(out, &r); err != nil || r.Error != "" {
		t.Fatalf("iperf3 from host %d to host %d: %v %s\n%s", a+1, b+1, err, r.Error, out)
	}
	mb := r.End.Received.Bytes / 1e6
	t.Logf("TCP from host %d to host %d: %.0f MB in a second, %d segments sent again", a+1, b+1, mb, r.End.Sent.Retransmits)
	return mb
}

// capture records what arrives at a host, until the returned function is called, which gives the packets.
func (n *hosts) capture(t *testing.T, i int) func() []gopacket.Packet {
	t.Helper()
	needRoot(t, "tcpdump")
	file := filepath.Join(t.TempDir(), "capture.pcap")
	c := n.h[i].command("tcpdump --immediate-mode -i %s -Q in -U -s 0 -w %s", n.dev[i], file)
	if os.Getuid() == 0 {
		c.Args = append(c.Args, "-Z", "root")
	}
	stderr := &strings.Builder{}
	c.Stderr = stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	eventually(t, 5*time.Second, "tcpdump listens", func() bool {
		st, err := os.Stat(file)
		return err == nil && st.Size() >= 24 // the file's header
	})
	return func() []gopacket.Packet {
		t.Helper()
		time.Sleep(200 * time.Millisecond) // tcpdump has no sign that it has drained its socket
		c.Process.Signal(os.Interrupt)
		c.Wait()
		return packets(t, file)
	}
}

// packets reads a capture file as tcpdump writes it here: little endian, microseconds or nanoseconds.
func packets(t *testing.T, file string) (ps []gopacket.Packet) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 24 || b[0] != 0xd4 && b[0] != 0x4d {
		t.Fatalf("%s is no capture: % x", file, b[:min(len(b), 24)])
	}
	for b = b[24:]; len(b) >= 16; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		if len(b) < 16+n {
			break
		}
		ps = append(ps, gopacket.NewPacket(b[16:16+n], layers.LayerTypeEthernet, gopacket.Default))
		b = b[16+n:]
	}
	return ps
}

// checksums fails the test where a packet is malformed or its IPv4, TCP, UDP, ICMP or ICMPv6 checksum is wrong.
func checksums(t *testing.T, ps []gopacket.Packet) {
	t.Helper()
	bad := 0
	for _, p := range ps {
		if err := verify(p); err != nil {
			if bad++; bad <= 3 {
				t.Errorf("%v: %x", err, p.Data())
			}
		}
	}
	if bad > 3 {
		t.Errorf("%d such packets in all", bad)
	}
}

// verify checks lengths and Internet checksums (RFC 1071) of one packet.
func verify(p gopacket.Packet) error {
	var segment, pseudo []byte
	var proto byte
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		if sum(ip.Contents) != 0xffff {
			return errors.New("wrong IPv4 header checksum")
		}
		if int(ip.Length) != len(ip.Contents)+len(ip.Payload) {
			return fmt.Errorf("IPv4 total length %d, %d bytes are there", ip.Length, len(ip.Contents)+len(ip.Payload))
		}
		if ip.Flags&layers.IPv4MoreFragments != 0 || ip.FragOffset != 0 {
			return nil
		}
		segment, proto = ip.Payload, byte(ip.Protocol)
		pseudo = append(append(pseudo, ip.SrcIP.To4()...), ip.DstIP.To4()...)
	case *layers.IPv6:
		if p.Layer(layers.LayerTypeIPv6HopByHop) != nil {
			return nil // multicast listener reports
		}
		segment, proto = ip.Payload, byte(ip.NextHeader)
		if int(ip.Length) != len(segment) {
			return fmt.Errorf("IPv6 payload length %d, %d bytes are there", ip.Length, len(segment))
		}
		pseudo = append(append(pseudo, ip.SrcIP.To16()...), ip.DstIP.To16()...)
	default:
		if p.Layer(layers.LayerTypeARP) == nil {
			return fmt.Errorf("neither IP nor ARP")
		}
		return nil
	}
	switch proto {
	case 1:
		pseudo = nil
	case 6, 17, 58:
		pseudo = append(pseudo, 0, proto, byte(len(segment)>>8), byte(len(segment)))
	default:
		return nil
	}
	if proto == 17 && len(segment) >= 8 && segment[6] == 0 && segment[7] == 0 {
		return nil // UDP over IPv4 without a checksum
	}
	if sum(append(pseudo, segment...)) != 0xffff {
		return fmt.Errorf("wrong checksum, protocol %d", proto)
	}
	return nil
}

// sum is the one's complement sum.
func sum(b []byte) uint16 {
	var s uint32
	for i := 0; i < len(b); i += 2 {
		s += uint32(b[i]) << 8
		if i+1 < len(b) {
			s += uint32(b[i+1])
		}
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// send puts a frame on a host's device.
func (n *hosts) send(t *testing.T, i int, ls ...gopacket.SerializableLayer) {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { // on a thread of its own, which is in the host's namespace and ends with the goroutine
		runtime.LockOSThread()
		done <- func() error {
			h, err := netns.GetFromName(string(n.h[i]))
			if err != nil {
				return err
			}
			defer h.Close()
			if err := netns.Set(h); err != nil {
				return err
			}
			dev, err := net.InterfaceByName(n.dev[i])
			if err != nil {
				return err
			}
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendto(fd, b.Bytes(), 0, &unix.SockaddrLinklayer{Ifindex: dev.Index})
		}()
	}()
	if err := <-done; err != nil {
		t.Fatalf("send from host %d: %v", i+1, err)
	}
}

func (n *hosts) mac(t *testing.T, i int) net.HardwareAddr {
	t.Helper()
	m, err := net.ParseMAC(strings.TrimSpace(n.h[i].sh(t, "cat /sys/class/net/%s/address", n.dev[i])))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// taggedPing sends three echo requests from host a to host b with a VLAN tag (none if vid is 0), and tells b how to
// answer.
func (n *hosts) taggedPing(t *testing.T, a, b int, vid uint16) {
	t.Helper()
	sh(t, "ip -n %s neigh replace %s lladdr %s dev %s", n.h[b], ip4(a), n.mac(t, a), n.dev[b])
	for i := range 3 {
		ls := []gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: n.mac(t, a), DstMAC: n.mac(t, b), EthernetType: layers.EthernetTypeIPv4}}
		if vid != 0 {
			ls[0].(*layers.Ethernet).EthernetType = layers.EthernetTypeDot1Q
			ls = append(ls, &layers.Dot1Q{VLANIdentifier: vid, Type: layers.EthernetTypeIPv4})
		}
		n.send(t, a, append(ls,
			&layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolICMPv4, SrcIP: net.ParseIP(ip4(a)), DstIP: net.ParseIP(ip4(b))},
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: 77, Seq: uint16(i)},
			gopacket.Payload(make([]byte, 56)))...)
	}
}

// replies counts the echo replies from a host by their VLAN tag, 0 without one.
func replies(ps []gopacket.Packet, from int) map[uint16]int {
	n := map[uint16]int{}
	for _, p := range ps {
		ip, ok := p.NetworkLayer().(*layers.IPv4)
		icmp, ok2 := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
		if !ok || !ok2 || icmp.TypeCode.Type() != layers.ICMPv4TypeEchoReply || ip.SrcIP.String() != ip4(from) {
			continue
		}
		vid := uint16(0)
		if tag, ok := p.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q); ok {
			vid = tag.VLANIdentifier
		}
		n[vid]++
	}
	return n
}

// TestNormal: all hosts reach each other over one learning switch, by IPv4, IPv6 and TCP, and what arrives is whole.
func TestNormal(t *testing.T) {
	t.Parallel()
	n := newHosts(t)
	needRoot(t, "iperf3")
	flows(t, n.s, "br0", "actions=NORMAL")
	stop := n.capture(t, 2)
	for a := range n.h {
		for b := range n.h {
			if a != b {
				n.reaches(t, a, b)
			}
		}
	}
	ps := stop()
	checksums(t, ps)
	if len(ps) < 3*6 {
		t.Errorf("only %d packets were captured at host 3", len(ps))
	}
	for _, p := range ps {
		if p.Layer(layers.LayerTypeDot1Q) != nil {
			t.Errorf("a VLAN tag from nowhere: %v", p)
		}
	}
	// Learning: what host 1 says to host 2 is not flooded to host 4.
	stop = n.capture(t, 3)
	n.reaches(t, 0, 1)
	for _, p := range stop() {
		if ip, ok := p.NetworkLayer().(*layers.IPv4); ok && !ip.DstIP.Equal(net.ParseIP(ip4(3))) && !ip.DstIP.IsMulticast() {
			t.Errorf("flooded to host 4: %v -> %v", ip.SrcIP, ip.DstIP)
		}
	}
	fdb, err := n.s.Appctl("fdb/show", "br0")
	if err != nil || strings.Count(fdb, "\n") < 5 {
		t.Errorf("fdb/show: %v\n%s", err, fdb)
	}
	for _, pair := range [][2]int{{0, 1}, {0, 2}, {3, 1}, {2, 3}} {
		if mb := n.tcp(t, pair[0], pair[1]); mb < 5 {
			t.Errorf("TCP from host %d to host %d moved only %.1f MB in a second", pair[0]+1, pair[1]+1, mb)
		}
	}
}

// TestVLANs: access ports of two VLANs do not reach each other; a trunk port carries both, with tags.
func TestVLANs(t *testing.T) {
	t.Parallel()
	n := newHosts(t)
	flows(t, n.s, "br0", "actions=NORMAL")
	vsctl(t, n.s, "set port p1 tag=10 -- set port p3 tag=10 -- set port p2 tag=20")
	n.reaches(t, 0, 2)
	n.reaches(t, 2, 0)
	for _, pair := range [][2]int{{0, 1}, {1, 2}} {
		if !n.h[pair[0]].silent(ip4(pair[1])) {
			t.Errorf("host %d on one VLAN reaches host %d on another", pair[0]+1, pair[1]+1)
		}
	}
	// Host 4 is on the trunk: what it sends in VLAN 10 reaches hosts 1 and 3, in VLAN 20 host 2, and the answers
	// carry the tag. Its kernel need not know VLANs for that.
	for _, c := range []struct {
		to   int
		vid  uint16
		want map[uint16]int
	}{
		{0, 10, map[uint16]int{10: 3}}, {2, 10, map[uint16]int{10: 3}}, {1, 20, map[uint16]int{20: 3}},
		{0, 20, map[uint16]int{}}, {1, 10, map[uint16]int{}}, {0, 0, map[uint16]int{}},
	} {
		stop := n.capture(t, 3)
		n.taggedPing(t, 3, c.to, c.vid)
		ps := stop()
		checksums(t, ps)
		if got := replies(ps, c.to); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("echo requests from the trunk in VLAN %d to host %d: replies by tag %v, want %v", c.vid, c.to+1, got, c.want)
		}
	}
}

// TestRules: explicit rules forward, rewrite, tag and drop, and the receiver's kernel agrees.
func TestRules(t *testing.T) {
	t.Parallel()
	n := newHosts(t)
	needRoot(t, "iperf3")
	flows(t, n.s, "br0",
		"priority=10,in_port=1,actions=output:2", "priority=10,in_port=2,actions=output:1",
		"priority=10,in_port=3,actions=output:4", "priority=10,in_port=4,actions=output:3")
	n.reaches(t, 0, 1)
	n.reaches(t, 2, 3)
	if !n.h[0].silent(ip4(2)) {
		t.Error("host 1 reaches host 3 without a rule")
	}
	for _, pair := range [][2]int{{0, 1}, {2, 3}} {
		if mb := n.tcp(t, pair[0], pair[1]); mb < 5 {
			t.Errorf("TCP moved only %.1f MB in a second", mb)
		}
	}

	// Rewriting: TTL, DSCP, and an address that host 2 does not have, translated there and back.
	stop := n.capture(t, 1)
	sh(t, "ip -n %s neigh replace 10.9.0.99 lladdr %s dev eth0", n.h[0], n.mac(t, 1))
	flows(t, n.s, "br0",
		"priority=20,in_port=1,ip,nw_dst=10.9.0.99,actions=dec_ttl,set_field:10.9.0.2->ip_dst,set_field:46->ip_dscp,output:2",
		"priority=20,in_port=2,ip,nw_dst=10.9.0.1,actions=set_field:10.9.0.99->ip_src,output:1",
		"priority=10,arp,actions=NORMAL")
	if !n.h[0].ping("10.9.0.99") {
		t.Error("no answer through the address translation")
	}
	ps := stop()
	checksums(t, ps)
	seen := 0
	for _, p := range ps {
		if ip, ok := p.NetworkLayer().(*layers.IPv4); ok && p.Layer(layers.LayerTypeICMPv4) != nil {
			seen++
			if ip.TTL != 63 || ip.TOS>>2 != 46 || ip.DstIP.String() != ip4(1) {
				t.Errorf("arrived with TTL %d, DSCP %d, for %v", ip.TTL, ip.TOS>>2, ip.DstIP)
			}
		}
	}
	if seen < 3 {
		t.Errorf("%d echo requests arrived", seen)
	}

	// Tags: what host 1 sends arrives at host 3 in VLAN 7; host 3's in VLAN 7 arrives at host 1 without.
	flows(t, n.s, "br0", "in_port=1,actions=push_vlan:0x8100,set_field:4103->vlan_vid,output:3", "in_port=3,dl_vlan=7,actions=pop_vlan,output:1")
	stop = n.capture(t, 2)
	n.taggedPing(t, 2, 0, 7)
	ps = stop()
	checksums(t, ps)
	if got := replies(ps, 0); got[7] != 3 || len(got) != 1 {
		t.Errorf("replies through push_vlan and pop_vlan by tag: %v", got)
	}

	// A rule that drops is in force within a second, for established traffic too.
	flows(t, n.s, "br0", "in_port=1,actions=output:2", "in_port=2,actions=output:1")
	n.reaches(t, 0, 1)
	if _, err := n.s.Ofctl("add-flow", "br0", "priority=65000,icmp,in_port=1,actions=drop"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if !n.h[0].silent(ip4(1)) {
		t.Error("a dropping rule is not in force after a second")
	}
	if mb := n.tcp(t, 0, 1); mb < 5 {
		t.Errorf("TCP, which the rule does not match, moved only %.1f MB in a second", mb)
	}

	// Counters: OpenFlow knows of the echo requests dropped.
	// It may also get those that passed before it but had not been counted yet, as in the original.
	eventually(t, 3*time.Second, "the dropping rule counts its packets", func() bool {
		text, _ := n.s.Ofctl("dump-flows", "br0", "icmp")
		_, text, _ = strings.Cut(text, "n_packets=")
		count := 0
		fmt.Sscanf(text, "%d", &count)
		return count >= 3 && count <= 6
	})
}

// TestLocal: the bridge's own port is a device of the switch's host.
func TestLocal(t *testing.T) {
	t.Parallel()
	n := newHosts(t)
	flows(t, n.s, "br0", "actions=NORMAL")
	sw := namespace(n.s.Options.NetNS)
	sw.sh(t, "ip addr add 10.9.0.100/24 dev br0")
	sw.sh(t, "ip link set br0 up")
	if !sw.ping(ip4(0)) || !sw.ping(ip4(2)) || !n.h[3].ping("10.9.0.100") {
		t.Error("the bridge's internal port does not reach the hosts")
	}
	vsctl(t, n.s, "add-port br0 int1 -- set interface int1 type=internal")
	sw.sh(t, "ip link show int1")
	vsctl(t, n.s, "del-port int1")
	if exec.Command("ip", "netns", "exec", string(sw), "ip", "link", "show", "int1").Run() == nil {
		t.Error("the device of a deleted internal port is still there")
	}
}
