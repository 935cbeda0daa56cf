package conn

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govs/flow"
	"govs/openflow"
)

func ofctl(t *testing.T, args ...string) string {
	t.Helper()
	p, err := exec.LookPath("ovs-ofctl")
	if err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, p, args...).CombinedOutput()
	if err != nil {
		t.Errorf("ovs-ofctl %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// TestOfctl drives the connections with the original ovs-ofctl.
func TestOfctl(t *testing.T) {
	r := newRig(t)
	sw := "unix:" + r.mgmt()
	for _, v := range []string{"OpenFlow10", "OpenFlow13"} {
		ofctl(t, "-O", v, "probe", sw)
		if s := ofctl(t, "-O", v, "show", sw); !strings.Contains(s, "dpid:000000000000abcd") || !strings.Contains(s, " 1(p1): addr:02:00:00:00:00:01") ||
			!strings.Contains(s, "LOCAL(br0)") || !strings.Contains(s, "frags=normal miss_send_len=0") {
			t.Errorf("show:\n%s", s)
		}
		if s := ofctl(t, "-O", v, "ping", sw, "20"); !strings.Contains(s, "20 bytes from") {
			t.Errorf("ping: %s", s)
		}
		ofctl(t, "-O", v, "--no-names", "del-flows", sw)
		ofctl(t, "-O", v, "--no-names", "add-flow", sw, "priority=5,tcp,tp_dst=80,actions=mod_nw_dst:1.2.3.4,output:1")
		s := ofctl(t, "-O", v, "--no-names", "--no-stats", "dump-flows", sw)
		if !strings.Contains(s, "priority=5,tcp,tp_dst=80 actions=") || !strings.Contains(s, "1.2.3.4") || !strings.Contains(s, ",output:1") {
			t.Errorf("dump-flows: %s", s)
		}
		ofctl(t, "-O", v, "set-frags", sw, "drop")
		if s := ofctl(t, "-O", v, "get-frags", sw); s != "drop\n" {
			t.Errorf("get-frags: %s", s)
		}
		ofctl(t, "-O", v, "set-frags", sw, "normal")
	}
	r.sw.mu.Lock()
	r.sw.flows = nil
	var m flow.Match
	for i := range 20000 { // many parts
		m.SetExact(flow.FieldEthDst, flow.U(uint64(i)))
		r.sw.flows = append(r.sw.flows, openflow.FlowStats{Match: m, Priority: 1, Actions: []openflow.Action{&openflow.Output{Port: 1}}})
	}
	r.sw.mu.Unlock()
	for _, v := range []string{"OpenFlow10", "OpenFlow13"} {
		if n := strings.Count(ofctl(t, "-O", v, "--no-names", "dump-flows", sw), "\n cookie="); n != 20000 {
			t.Errorf("%s: %d flows", v, n)
		}
	}
	if l := r.log.String(); !strings.Contains(l, "1 flow_mods in the last 0 s (1 adds)") {
		t.Errorf("log:\n%s", l)
	}
}

// TestMonitor shows packet_ins and port changes in ovs-ofctl monitor.
func TestMonitor(t *testing.T) {
	r := newRig(t)
	p, err := exec.LookPath("ovs-ofctl")
	if err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p, "-O", "OpenFlow13", "monitor", "unix:"+r.mgmt(), "65534", "--unixctl="+filepath.Join(r.dir, "ctl"))
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+r.dir)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	lines := make(chan string, 100)
	go func() {
		s := bufio.NewScanner(pipe)
		for s.Scan() {
			lines <- s.Text()
		}
		close(lines)
	}()
	// Until the monitor has asked for them, nothing is sent: go on until the first arrives.
	pin := &openflow.PacketIn{Packet: make([]byte, 64), TotalLen: 64, Reason: openflow.ReasonAction, Cookie: 5, Table: 2, BufferID: openflow.NoBuffer}
	pin.Metadata.SetExact(flow.FieldInPort, flow.U(3))
	deadline := time.After(20 * time.Second)
	for {
		r.PacketIn(pin, 0, 0xffff)
		select {
		case l, ok := <-lines:
			if !ok {
				t.Fatal("ovs-ofctl ended")
			}
			if strings.HasPrefix(l, "NXT_PACKET_IN2 (OF1.3)") {
				if !strings.Contains(l, "table_id=2 cookie=0x5 total_len=64 in_port=3 (via action) data_len=64 (unbuffered)") {
					t.Errorf("%s", l)
				}
				return
			}
		case <-deadline:
			t.Fatal("no packet_in")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestOsKen lets os-ken's learning switch control the fake: it must install its table-miss flow and answer a packet_in.
func TestOsKen(t *testing.T) {
	osken, err := exec.LookPath("osken-manager")
	if err != nil {
		t.Skip("os-ken is not installed")
	}
	r := newRig(t)
	app := filepath.Join(r.dir, "app.py")
	const code = `
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3

class App(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def features(self, ev):
        dp = ev.msg.datapath
        p, o = dp.ofproto_parser, dp.ofproto
        acts = [p.OFPActionOutput(o.OFPP_CONTROLLER, o.OFPCML_NO_BUFFER)]
        inst = [p.OFPInstructionActions(o.OFPIT_APPLY_ACTIONS, acts)]
        dp.send_msg(p.OFPFlowMod(datapath=dp, priority=0, match=p.OFPMatch(), instructions=inst))
        dp.send_msg(p.OFPFlowMod(datapath=dp, priority=dp.id & 0xffff, match=p.OFPMatch(eth_type=0x800, ipv4_dst=('10.0.0.0', '255.0.0.0')), instructions=inst))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def pin(self, ev):
        m = ev.msg
        dp = m.datapath
        p, o = dp.ofproto_parser, dp.ofproto
        dp.send_msg(p.OFPPacketOut(datapath=dp, buffer_id=o.OFP_NO_BUFFER, in_port=m.match['in_port'],
                                   actions=[p.OFPActionOutput(o.OFPP_FLOOD)], data=m.data))
`
	if err := os.WriteFile(app, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, port, _ := net.SplitHostPort(addr)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, osken, "--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", port, app)
	cmd.Dir = r.dir
	out := &logbuf{}
	cmd.Stdout, cmd.Stderr = writerFunc(func(b []byte) { out.logf("", "", "%s", b) }), nil
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	r.sw.out = make(chan struct{}, 1000)
	r.Configure(Config{Controllers: []Controller{{Target: "tcp:" + addr, Probe: -1, Async: true}}})
	pin := &openflow.PacketIn{Packet: make([]byte, 64), TotalLen: 64, Reason: openflow.ReasonNoMatch}
	pin.Metadata.SetExact(flow.FieldInPort, flow.U(1))
	for deadline := time.Now().Add(40 * time.Second); ; {
		r.clk.Advance(time.Second) // the back-off
		r.PacketIn(pin, 0, 0xffff)
		select {
		case <-r.sw.out:
		case <-time.After(50 * time.Millisecond):
			if time.Now().After(deadline) {
				t.Fatalf("no packet_out\n%s\n%s", r.log, out)
			}
			continue
		}
		break
	}
	r.sw.mu.Lock()
	defer r.sw.mu.Unlock()
	if len(r.sw.flows) < 2 || r.sw.flows[1].Priority != 0xabcd || r.sw.flows[1].Match.String() != "ip,nw_dst=10.0.0.0/8" {
		t.Errorf("flows: %+v", r.sw.flows)
	}
	if o, ok := r.sw.outs[0].Actions[0].(*openflow.Output); !ok || o.Port != openflow.PortFlood || r.sw.outs[0].InPort != 1 || len(r.sw.outs[0].Packet) != 64 {
		t.Errorf("packet_out: %+v", r.sw.outs[0])
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }
