package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govs/test/ovs"
)

// frames are good frames of every protocol, the seeds of the bad ones.
var frames = []string{
	// IPv4: UDP, TCP with options, ICMP, SCTP, a fragment, options in the header.
	"50540000000a50540000000908004500002a00000000401166bd0a0000020a00000100010002001600000000000000000000000000000000",
	"50540000000a505400000009080045000034000000004006f95fc0a80001c0a800020050005100000000000000008002200000000000020405b40402080a0000000000000000",
	"50540000000a50540000000908004500001c000000004001f97cc0a80001c0a800020800f7ff00000000",
	"50540000000a505400000009080045000024000000004084f8f1c0a80001c0a80002000500060000000000000000000400000000000000000000",
	"50540000000a50540000000908004500002420b90000401100000a0000010a000002000100020010000000000000000000000000",
	"50540000000a5054000000090800460000280000000040110000 0a0000010a0000020101010000350036001000000000000000000000",
	// ARP, an Ethernet type of nothing, 802.2 with SNAP.
	"ffffffffffff50540000000908060001080006040001505400000009 0a000001000000000000 0a000002",
	"50540000000a50540000000912340102030405060708",
	"50540000000a5054000000090026aaaa030000000800450000200000",
	// IPv6: UDP, extension headers, a fragment, neighbor solicitation with an option.
	"50540000000a50540000000986dd60000000000c114020010db800000000000000000000000120010db80000000000000000000000020001000200 0c000000000000",
	"50540000000a50540000000986dd600000000020004020010db800000000000000000000000120010db80000000000000000000000023c00010400000000 2b00010400000000 1100000000000000 0001000200080000",
	"50540000000a50540000000986dd600000000010 2c4020010db800000000000000000000000120010db80000000000000000000000021100000112345678 0001000200080000",
	"50540000000a50540000000986dd6000000000203aff20010db800000000000000000000000120010db800000000000000000000000287000000000000002001 0db80000000000000000000000050101505400000009",
	// 802.1Q, 802.1ad.
	"50540000000a505400000009810060050800 4500002000000000401100000a0000020a00000100010002000c000000000000",
	"50540000000a50540000000988a860068100000708004500002000000000401100000a0000020a00000100010002000c000000000000",
	// MPLS.
	"50540000000a505400000009884700064140 45000020000000004011",
}

// mutate changes a message a little: cuts, flips, and lengths that lie.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return b
		}
		switch i := r.IntN(len(b)); r.IntN(6) {
		case 0:
			b = b[:i]
		case 1:
			b[i] ^= 1 << r.IntN(8)
		case 2:
			b[i] = byte(r.IntN(256))
		case 3:
			b[i] = [...]byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
		case 4:
			b = append(b, b[i:]...)
		case 5:
			if i+2 <= len(b) {
				binary.BigEndian.PutUint16(b[i:], uint16(r.IntN(64)))
			}
		}
	}
	return b
}

// unixctl is a connection to the switch's control socket, for many commands one after another.
type unixctl struct {
	c  net.Conn
	d  *json.Decoder
	id int
}

func dialUnixctl(t *testing.T, s *ovs.Switch) *unixctl {
	t.Helper()
	pid, err := s.PID()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", filepath.Join(s.Dir, fmt.Sprintf("ovs-vswitchd.%d.ctl", pid)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &unixctl{c: c, d: json.NewDecoder(c)}
}

func (u *unixctl) call(method string, params ...string) (result string, err error) {
	u.id++
	params = append([]string{}, params...) // null is no list
	u.c.SetDeadline(time.Now().Add(20 * time.Second))
	if err := json.NewEncoder(u.c).Encode(map[string]any{"id": u.id, "method": method, "params": params}); err != nil {
		return "", err
	}
	var reply struct{ Result, Error any }
	if err := u.d.Decode(&reply); err != nil {
		return "", err
	}
	if reply.Error != nil {
		return "", fmt.Errorf("%v", reply.Error)
	}
	return fmt.Sprint(reply.Result), nil
}

// TestHostileFrames gives the switch 20,000 malformed frames through rules that read every field and actions that
// write them. It must live, and forward a good frame afterwards.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	s := start(t, ovs.Options{Dummy: true})
	vsctl(t, s, "add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure protocols=OpenFlow10,OpenFlow13"+
		" -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- add-port br0 p2 -- set interface p2 type=dummy ofport_request=2")
	flows(t, s, "br0",
		"priority=1,actions=NORMAL",
		"priority=9,tcp,tp_src=80,tcp_flags=+syn,actions=set_field:1->tcp_dst,dec_ttl,push_vlan:0x8100,output:2",
		"priority=8,udp,tp_src=53,actions=set_field:9.9.9.9->ip_src,set_field:7->udp_src,output:2",
		"priority=8,sctp,tp_src=5,actions=set_field:8->sctp_dst,output:2",
		"priority=7,icmp,icmp_type=8,actions=set_field:0->icmp_type,output:2",
		"priority=7,arp,arp_op=1,actions=set_field:1.1.1.1->arp_spa,set_field:00:00:00:00:00:01->arp_tha,output:2",
		"priority=7,icmp6,icmp_type=135,nd_target=2001:db8::5,actions=set_field:fe80::1->nd_target,output:2",
		"priority=6,udp6,tp_dst=2,actions=set_field:fe80::2->ipv6_dst,dec_ttl,output:2",
		"priority=5,ip,dl_vlan=5,actions=pop_vlan,dec_ttl,output:2",
		"priority=5,ip,nw_frag=later,actions=dec_ttl,output:2",
	)
	r := rand.New(rand.NewPCG(1, 2))
	u := dialUnixctl(t, s)
	const total = 20000
	refused := 0
	for i := range total {
		seed, err := hex.DecodeString(strings.ReplaceAll(frames[i%len(frames)], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b := mutate(r, seed)
		if len(b) < 14 { // the original takes no shorter frame by this command
			b = append(b, make([]byte, 14-len(b))...)
		}
		if _, err := u.call("netdev-dummy/receive", "p1", hex.EncodeToString(b)); err != nil {
			if _, open := err.(*net.OpError); open || err == io.EOF {
				t.Fatalf("frame %x: %v: %s", b, err, s.Crashed())
			}
			refused++
		}
		if i%1000 == 999 {
			if _, err := u.call("revalidator/purge"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused > 0 {
		t.Errorf("%d frames were refused by the test command", refused)
	}
	tx := func() (n int) {
		text, err := s.Ofctl("dump-ports", "br0", "2")
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ = strings.Cut(text, "tx pkts=")
		fmt.Sscanf(text, "%d", &n)
		return n
	}
	before := tx()
	if before < total/100 {
		t.Errorf("only %d of %d frames left by port 2", before, total)
	}
	// SCTP from port 5, which a rule sends to port 2 whatever NORMAL has learned.
	if _, err := u.call("netdev-dummy/receive", "p1", frames[3]); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "a good frame is forwarded after the bad ones", func() bool { return tx() == before+1 })
}

// messages are good OpenFlow messages, the seeds of the bad ones: 1.0 and 1.3.
var messages = map[byte][]string{
	1: {
		"010e0048000000010038200f0001000000000000000000000000000000000800000600000a0000010a000002000000500000000000000000000080000000ffffffff0000000000080002 0000",
		"010d001c00000002ffffffff0001000800000008000200001234567890ab",
		"0110000c0000000300000000", "0110002c000000040001000000382 0ff00000000000000000000000000000000000000000000000000000000ff00ffff",
		"010f0020000000050001aa55aa55000100000000000000010000000000000000", "010900 0c00000006000000ff", "0112000800000007",
		"01040018000000080000232000000 00c00000001000000 00",
	},
	4: {
		"040e0060000000010000000000000000000000000000000000000000000080000000ffffffffffffffffffff00000000000100 16800000040000000180000a020800800014010600 0000040018000000000000001000000002ffff000000000000",
		"040d003000000002ffffffff00000001001000000000000000000010000000020000000000000000000102030405060708090a0b",
		"041200100000000300 00000000000000", "0412003800000004000100000000000000000000ffffffffffffffff00000000000000000000000000000000000100040000 0000",
		"0412001000000005000d000000000000", "041200100000000600030000 00000000", "0414000800000007", "041a00080000000800", "04180018000000090000000100000000000000000000000 1",
		"040f001800000001000000000000000100000064000000 00", "041d001000000001000000010000 0001",
	},
}

// TestHostileOpenFlow sends 6,000 malformed OpenFlow messages to a bridge's management socket. The switch must
// live, and serve the next controller.
func TestHostileOpenFlow(t *testing.T) {
	t.Parallel()
	s := start(t, ovs.Options{Dummy: true})
	vsctl(t, s, "add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure protocols=OpenFlow10,OpenFlow13 -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1")
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		version := byte(1)
		if round%2 == 1 {
			version = 4
		}
		c, err := net.Dial("unix", filepath.Join(s.Dir, "br0.mgmt"))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write([]byte{version, 0, 0, 8, 0, 0, 0, 1})
		go io.Copy(io.Discard, c) // or the switch would wait for us
		seeds := messages[version]
		for i := range 100 {
			seed, err := hex.DecodeString(strings.ReplaceAll(seeds[i%len(seeds)], " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			b := mutate(r, seed)
			if len(b) < 8 {
				b = append(b, make([]byte, 8-len(b))...)
			}
			b[0] = version
			if r.IntN(20) > 0 { // mostly the length is true, so that the stream goes on
				binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			}
			if _, err := c.Write(b); err != nil {
				break // the switch may hang up on a length below 8
			}
		}
		c.Close()
	}
	for _, v := range []string{"OpenFlow10", "OpenFlow13"} {
		if _, err := s.Ofctl("-O", v, "show", "br0"); err != nil {
			t.Error(err)
		}
		if _, err := s.Ofctl("-O", v, "dump-flows", "br0"); err != nil {
			t.Error(err)
		}
	}
	flows(t, s, "br0", "in_port=1,actions=drop")
}
