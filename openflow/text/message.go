package text

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"govs/flow"
	"govs/openflow"
)

// Options say how messages are printed.
type Options struct {
	Names   *Names
	Options openflow.Options // for the message that an error quotes
}

// Message returns a message as ovs-ofctl prints it at its usual verbosity, with a newline at the end.
func Message(m *openflow.Msg, o Options) string {
	w := &msgWriter{writer: writer{n: o.Names}, m: m, o: o}
	w.head(openflow.MessageName(m.Body, m.Version))
	w.body()
	if n := len(w.b); n == 0 || w.b[n-1] != '\n' {
		w.s("\n")
	}
	return string(w.b)
}

// Wire decodes and prints an encoded message; if that fails, it prints the error and the bytes.
func Wire(b []byte, o Options) string {
	m, err := openflow.Decode(b, o.Options)
	if err == nil {
		return Message(m, o)
	}
	w := &msgWriter{writer: writer{n: o.Names}, m: m, o: o}
	name := openflow.WireName(b)
	if name == "" || openflow.IsLength(err) {
		name = "***decode error: " + codeName(err) + "***"
		return name + "\n" + hexDump(b)
	}
	w.head(name)
	w.f(" ***decode error: %s***\n%s", codeName(err), hexDump(b))
	return string(w.b)
}

func codeName(err error) string {
	s, _, _ := strings.Cut(err.Error(), ":")
	return s
}

// hexDump prints bytes as hexdump -C does, with a dash in the middle.
func hexDump(b []byte) string {
	var s strings.Builder
	for o := 0; o < len(b); o += 16 {
		fmt.Fprintf(&s, "%08x ", o)
		for i := range 16 {
			sep := " "
			if i == 8 && o+8 <= len(b) {
				sep = "-"
			}
			if o+i < len(b) {
				fmt.Fprintf(&s, "%s%02x", sep, b[o+i])
			} else {
				s.WriteString(sep + "  ")
			}
		}
		s.WriteString(" |")
		for i := range 16 {
			switch {
			case o+i >= len(b):
				s.WriteString(" ")
			case b[o+i] >= 0x20 && b[o+i] < 0x7f:
				s.WriteByte(b[o+i])
			default:
				s.WriteString(".")
			}
		}
		s.WriteString("|\n")
	}
	return s.String()
}

type msgWriter struct {
	writer
	m *openflow.Msg
	o Options
}

// head writes "NAME (OF1.3) (xid=0x1):".
func (w *msgWriter) head(name string) {
	w.s(name)
	if v := w.m.Version.Short(); v != "" && w.m.Version != openflow.OF10 {
		w.f(" (%s)", v)
	}
	w.f(" (xid=0x%x):", w.m.XID)
	w.statsFlags()
}

// statsFlags writes the flags of a multipart message that came over the wire.
func (w *msgWriter) statsFlags() {
	m := w.m
	if len(m.Raw) < 12 || m.Body == nil || !openflow.IsStats(m.Body, m.Version) {
		return
	}
	flags := uint16(m.Raw[10])<<8 | uint16(m.Raw[11])
	if flags == 0 {
		return
	}
	w.s(" flags=")
	if m.More {
		w.s("[more]")
		flags &^= 1
	}
	if flags != 0 {
		w.f("[***unknown flags 0x%04x***]", flags)
	}
}

var fragNames = []string{"normal", "drop", "reassemble", "nx-match"}

var pinFormats = []string{"standard", "nxt_packet_in", "nxt_packet_in2"}

func (w *msgWriter) body() {
	switch b := w.m.Body.(type) {
	case *openflow.Hello:
		if b.Versions == 0 {
			b = &openflow.Hello{Versions: openflow.UpTo(w.m.Version)}
		}
		w.s("\n version bitmap: ")
		sep := ""
		for v := openflow.Version(1); v < 32; v++ {
			if b.Versions.Has(v) {
				w.f("%s0x%02x", sep, uint8(v))
				sep = ", "
			}
		}
	case *openflow.ErrorMsg:
		w.errorMsg(b)
	case *openflow.EchoRequest:
		w.echo(b.Data)
	case *openflow.EchoReply:
		w.echo(b.Data)
	case *openflow.FeaturesReply:
		w.features(b)
	case *openflow.GetConfigReply:
		w.config(b.Config)
	case *openflow.SetConfig:
		w.config(b.Config)
	case *openflow.RoleRequest:
		w.role(b.Role, b.HasGeneration, b.Generation)
	case *openflow.RoleReply:
		w.role(b.Role, b.HasGeneration, b.Generation)
	case *openflow.GetAsyncReply:
		w.async(&b.Config)
	case *openflow.SetAsync:
		w.async(&b.Config)
	case *openflow.SetFlowFormat:
		if b.NXM {
			w.s(" format=nxm")
		} else {
			w.s(" format=openflow10")
		}
	case *openflow.FlowModTableID:
		if b.Set {
			w.s(" enable")
		} else {
			w.s(" disable")
		}
	case *openflow.SetPacketInFormat:
		w.s(" format=" + pinFormats[min(int(b.Format), 2)])
	case *openflow.SetControllerID:
		w.f(" id=%d", b.ID)
	case *openflow.FlowMonitorCancel:
		w.f(" id=%d", b.ID)
	case *openflow.PacketIn:
		w.packetIn(b)
	case *openflow.Resume:
		w.packetIn(&b.PacketIn)
	case *openflow.PacketOut:
		w.packetOut(b)
	case *openflow.FlowRemoved:
		w.flowRemoved(b)
	case *openflow.PortStatus:
		w.f(" %s:", []string{"ADD", "DEL", "MOD"}[min(int(b.Reason), 2)])
		w.portDesc(&b.Desc)
	case *openflow.FlowMod:
		w.flowMod(b, w.m.Version)
	case *openflow.PortMod:
		w.s(" port: ")
		w.port(b.Port)
		w.s(": addr:")
		w.mac(b.HWAddr)
		w.s("\n     config: ")
		w.portConfig(b.Config)
		w.s("\n     mask:   ")
		w.portConfig(b.Mask)
		w.s("\n     advertise: ")
		if b.Advertise == 0 {
			w.s("UNCHANGED")
		} else {
			w.portFeatures(b.Advertise)
		}
		w.s("\n")
	case *openflow.TableMod:
		w.s(" table_id=")
		if b.Table == openflow.TableAll {
			w.s("ALL")
		} else {
			w.table(b.Table)
		}
		if c := b.Config & openflow.TableMissMask; c != 0 || w.m.Version < openflow.OF13 {
			w.s(", miss config=" + []string{"controller", "continue", "drop", "Unknown"}[c])
		}
	case *openflow.GroupMod:
		w.groupMod(b)
	case *openflow.MeterMod:
		w.meterMod(b)
	case *openflow.BundleCtrl:
		w.f("\n bundle_id=0x%x type=%s flags=%s", b.ID, bundleTypes[min(int(b.Type), len(bundleTypes)-1)], bundleFlags(b.Flags))
	case *openflow.BundleAdd:
		w.f("\n bundle_id=0x%x flags=%s\n", b.ID, bundleFlags(b.Flags))
		w.s(Message(b.Msg, w.o))
	default:
		w.stats()
	}
}

var bundleTypes = []string{"OPEN_REQUEST", "OPEN_REPLY", "CLOSE_REQUEST", "CLOSE_REPLY", "COMMIT_REQUEST", "COMMIT_REPLY", "DISCARD_REQUEST", "DISCARD_REPLY", "UNKNOWN"}

func bundleFlags(f openflow.BundleFlags) string {
	var s []string
	if f&openflow.BundleAtomic != 0 {
		s = append(s, "atomic")
	}
	if f&openflow.BundleOrdered != 0 {
		s = append(s, "ordered")
	}
	if len(s) == 0 {
		return "0"
	}
	return strings.Join(s, " ")
}

func (w *msgWriter) errorMsg(b *openflow.ErrorMsg) {
	if b.Code == openflow.ErrUnknown {
		// Like what cannot be decoded.
		w.f(" ***decode error: OFPBRC_BAD_LEN***\n%s", hexDump(w.m.Raw))
		return
	}
	w.f(" %s\n", b.Code)
	if b.Code == openflow.OFPHFC_INCOMPATIBLE || b.Code == openflow.OFPHFC_EPERM {
		w.s(printable(b.Data) + "\n")
		return
	}
	if len(b.Data) < openflow.HeaderLen {
		w.s(hexDump(b.Data))
		return
	}
	// The quoted message may be cut off.
	if n := int(b.Data[2])<<8 | int(b.Data[3]); n == len(b.Data) {
		w.s(Wire(b.Data, w.o))
		return
	}
	name := openflow.WireName(b.Data)
	if name == "" {
		w.s(hexDump(b.Data))
		return
	}
	x := &msgWriter{m: &openflow.Msg{Version: openflow.Version(b.Data[0]), XID: uint32(b.Data[4])<<24 | uint32(b.Data[5])<<16 | uint32(b.Data[6])<<8 | uint32(b.Data[7])}}
	x.head(name)
	w.f("%s\n (***truncated to %d bytes from %d***)\n%s", x.b, len(b.Data), int(b.Data[2])<<8|int(b.Data[3]), hexDump(b.Data))
}

// printable replaces what is not plain text.
func printable(b []byte) string {
	b = append([]byte(nil), b...)
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
		if c < 0x20 || c >= 0x7f {
			b[i] = '.'
		}
	}
	return string(b)
}

func (w *msgWriter) echo(data []byte) {
	w.f(" %d bytes of payload\n", len(data))
	w.s(hexDump(data))
}

func (w *msgWriter) mac(a [6]byte) {
	w.b = flow.AppendEth(w.b, flow.ValueOf(a[:]).Lo)
}

var capNames = []struct {
	bit  openflow.Capabilities
	name string
}{
	{openflow.CapFlowStats, "FLOW_STATS"}, {openflow.CapTableStats, "TABLE_STATS"}, {openflow.CapPortStats, "PORT_STATS"},
	{openflow.CapIPReasm, "IP_REASM"}, {openflow.CapQueueStats, "QUEUE_STATS"}, {openflow.CapARPMatchIP, "ARP_MATCH_IP"},
	{openflow.CapSTP, "STP"}, {openflow.CapGroupStats, "GROUP_STATS"}, {openflow.CapPortBlocked, "PORT_BLOCKED"},
	{openflow.CapBundles, "BUNDLES"}, {openflow.CapFlowMon, "FLOW_MONITORING"},
}

var actionNames10 = []string{
	"output", "set_vlan_vid", "set_vlan_pcp", "strip_vlan", "mod_dl_src", "mod_dl_dst", "mod_nw_src", "mod_nw_dst", "mod_nw_tos",
	"mod_tp_src", "mod_tp_dst", "enqueue",
}

func (w *msgWriter) features(b *openflow.FeaturesReply) {
	w.f(" dpid:%016x\nn_tables:%d, n_buffers:%d", b.DatapathID, b.NTables, b.NBuffers)
	if b.AuxiliaryID != 0 {
		w.f(", auxiliary_id:%d", b.AuxiliaryID)
	}
	w.s("\ncapabilities:")
	order := capNames
	if w.m.Version != openflow.OF10 { // group statistics have the bit of spanning tree
		order = append(append(append(order[:0:0], capNames[:3]...), capNames[7]), capNames[3:7]...)
		order = append(order, capNames[8:]...)
	}
	for _, c := range order {
		if b.Capabilities&c.bit != 0 {
			w.s(" " + c.name)
		}
	}
	w.s("\n")
	if w.m.Version == openflow.OF10 {
		w.s("actions:")
		w.actions10(b.Actions)
		w.s("\n")
	}
	w.ports(b.Ports)
}

// actions10 writes a set of 1.0's actions.
func (w *msgWriter) actions10(bits uint32) {
	for _, i := range []int{0, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10} {
		if bits&(1<<i) != 0 {
			w.s(" " + actionNames10[i])
		}
	}
}

func (w *msgWriter) config(c openflow.SwitchConfig) {
	w.f(" frags=%s", fragNames[c.Frag&3])
	if c.InvalidTTL {
		w.s(" invalid_ttl_to_controller")
	}
	w.f(" miss_send_len=%d\n", c.MissSendLen)
}

func (w *msgWriter) role(r openflow.Role, has bool, gen uint64) {
	w.s(" role=" + []string{"nochange", "equal", "primary", "secondary"}[r&3])
	if has {
		w.f(" generation_id=%d", gen)
	}
}

var asyncNames = []struct {
	t       openflow.AsyncType
	name    string
	reasons []string
}{
	{openflow.AsyncPacketIn, "PACKET_IN", reasonNames[:6]},
	{openflow.AsyncPortStatus, "PORT_STATUS", []string{"add", "delete", "modify"}},
	{openflow.AsyncFlowRemoved, "FLOW_REMOVED", removedNames},
	{openflow.AsyncRoleStatus, "ROLE_STATUS", []string{"primary_request", "configuration_changed", "experimenter_data_changed"}},
	{openflow.AsyncTableStatus, "TABLE_STATUS", []string{"", "", "", "vacancy_down", "vacancy_up"}},
	{openflow.AsyncRequestForward, "REQUESTFORWARD", []string{"group_mod_request", "meter_mod_request"}},
}

var removedNames = []string{"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"}

func (w *msgWriter) async(c *openflow.AsyncConfig) {
	for i, role := range []string{"primary", "secondary"} {
		w.f("\n %s:\n", role)
		masks := c.Master
		if i == 1 {
			masks = c.Slave
		}
		for _, a := range asyncNames {
			w.f("%16s:", a.name)
			m, any := masks[a.t], false
			for bit := range 32 {
				if m&(1<<bit) == 0 {
					continue
				}
				// Of what has no name, ovs-ofctl says nothing.
				if bit < len(a.reasons) && a.reasons[bit] != "" {
					w.s(" " + a.reasons[bit])
					any = true
				}
			}
			if !any {
				w.s(" (off)")
			}
			w.s("\n")
		}
	}
}

func (w *msgWriter) packetIn(p *openflow.PacketIn) {
	if p.Table != 0 {
		w.s(" table_id=")
		w.table(p.Table)
	}
	if p.Cookie != ^uint64(0) {
		w.f(" cookie=0x%x", p.Cookie)
	}
	w.f(" total_len=%d ", p.TotalLen)
	w.b = p.Metadata.AppendText(w.b, w.n.ports())
	w.f(" (via %s)", reasonName(p.Reason))
	w.f(" data_len=%d", len(p.Packet))
	if p.BufferID == openflow.NoBuffer {
		w.s(" (unbuffered)")
		if int(p.TotalLen) > len(p.Packet) {
			w.s(" (***truncated***)")
		}
	} else {
		w.f(" buffer=0x%08x", p.BufferID)
	}
	w.s("\n")
	if len(p.Userdata) > 0 {
		w.s(" userdata=")
		w.bytes(p.Userdata)
		w.s("\n")
	}
	if p.Continuation != nil {
		w.s(" continuation\n")
	}
	w.packet(p.Packet)
}

// packet writes what is in a packet as a flow.
func (w *msgWriter) packet(b []byte) {
	if len(b) == 0 {
		return
	}
	var k flow.Key
	n, _ := flow.ExtractBytes(b, 0, 2, &k)
	k.ClearFrom(n)
	w.b = append(packetText(w.b, &k), '\n')
}

// packetText writes the fields that a packet of k's shape has: "tcp,vlan_tci=0x0000,dl_src=..,…", without the port.
func packetText(b []byte, k *flow.Key) []byte {
	s := strings.Replace(string(k.AppendText(nil, nil)), "in_port=0,", "", 1)
	return append(b, s...)
}

func (w *msgWriter) packetOut(p *openflow.PacketOut) {
	w.s(" ")
	w.b = p.Metadata.AppendText(w.b, w.n.ports())
	w.s(" actions=")
	w.actions(p.Actions)
	if p.BufferID == openflow.NoBuffer {
		w.f(" data_len=%d", len(p.Packet))
		if len(p.Packet) > 0 {
			w.s("\n")
			w.packet(p.Packet)
		}
	} else {
		w.f(" buffer=0x%08x", p.BufferID)
	}
	w.s("\n")
	w.b = []byte(strings.TrimSuffix(string(w.b), "\n\n") + map[bool]string{true: "\n", false: ""}[strings.HasSuffix(string(w.b), "\n\n")])
}

func (w *msgWriter) flowRemoved(f *openflow.FlowRemoved) {
	w.s(" ")
	w.matchAndPriority(&f.Match, f.Priority)
	reason := fmt.Sprint(f.Reason)
	if int(f.Reason) < len(removedNames) {
		reason = removedNames[f.Reason]
	}
	w.f(" reason=%s", reason)
	if f.Table != openflow.TableAll {
		w.s(" table_id=")
		w.table(f.Table)
	}
	if f.Cookie != 0 {
		w.f(" cookie:0x%x", f.Cookie)
	}
	w.s(" duration")
	w.duration(f.DurationSec, f.DurationNsec)
	w.f(" idle%d", f.IdleTimeout)
	if f.HardTimeout != 0 {
		w.f(" hard%d", f.HardTimeout)
	}
	w.f(" pkts%d bytes%d\n", f.Packets, f.Bytes)
}

// ports writes port descriptions in the order of their numbers.
func (w *msgWriter) ports(list []openflow.PortDesc) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b openflow.PortDesc) int { return cmp.Compare(a.Port, b.Port) })
	for i := range list {
		w.portDesc(&list[i])
	}
}

func (w *msgWriter) portDesc(p *openflow.PortDesc) {
	w.s(" ")
	w.b = flow.AppendPort(w.b, p.Port.Wire32(), nil)
	w.f("(%s): addr:", p.Name)
	w.mac(p.HWAddr)
	w.s("\n     config:     ")
	w.portConfig(p.Config)
	w.s("\n     state:      ")
	w.portState(p.State)
	w.s("\n")
	for _, f := range []struct {
		name string
		f    openflow.PortFeatures
	}{{"current:    ", p.Curr}, {"advertised: ", p.Advertised}, {"supported:  ", p.Supported}, {"peer:       ", p.Peer}} {
		if f.f != 0 {
			w.s("     " + f.name)
			w.portFeatures(f.f)
			w.s("\n")
		}
	}
	w.f("     speed: %d Mbps now, %d Mbps max\n", p.CurrSpeed/1000, p.MaxSpeed/1000)
}

func (w *msgWriter) bitNames(v uint32, names []string) {
	if v == 0 {
		w.s("0")
		return
	}
	sep := ""
	for i := range 32 {
		if v&(1<<i) == 0 {
			continue
		}
		v &^= 1 << i
		if i < len(names) && names[i] != "" {
			w.s(sep + names[i])
		} else {
			w.f("%s0x%x", sep, uint32(1)<<i)
		}
		sep = " "
	}
}

func (w *msgWriter) portConfig(c openflow.PortConfig) {
	w.bitNames(uint32(c), []string{"PORT_DOWN", "NO_STP", "NO_RECV", "NO_RECV_STP", "NO_FLOOD", "NO_FWD", "NO_PACKET_IN"})
}

func (w *msgWriter) portState(s openflow.PortState) {
	switch {
	case s&openflow.PortSTPMask == 0:
		w.bitNames(uint32(s), []string{"LINK_DOWN", "BLOCKED", "LIVE"})
	default:
		if s&^openflow.PortSTPMask != 0 {
			w.bitNames(uint32(s&^openflow.PortSTPMask), []string{"LINK_DOWN", "BLOCKED", "LIVE"})
			w.s(" ")
		}
		w.s([]string{"STP_LISTEN", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"}[s>>8&3])
	}
}

func (w *msgWriter) portFeatures(f openflow.PortFeatures) {
	w.bitNames(uint32(f), []string{
		"10MB-HD", "10MB-FD", "100MB-HD", "100MB-FD", "1GB-HD", "1GB-FD", "10GB-FD", "40GB-FD", "100GB-FD", "1TB-FD", "OTHER",
		"COPPER", "FIBER", "AUTO_NEG", "AUTO_PAUSE", "AUTO_PAUSE_ASYM",
	})
}
