package actions

import "govs/flow"

// Type is the kind of an Action.
type Type uint8

// The actions of a datapath. Edits say so: they change only the packet and can be given to Apply.
const (
	TypeOutput      Type = iota // send a copy to port Arg
	TypeUserspace               // send a copy to the slow path: Userspace
	TypeSet                     // edit: overwrite a header: Attr, Set (all mask bits are ones)
	TypeSetMasked               // edit: overwrite parts of a header: Attr, Set
	TypePushVLAN                // edit: push a VLAN tag: Arg is TPID<<16 | TCI (bit 12 of TCI is set)
	TypePopVLAN                 // edit: remove the outer VLAN tag
	TypePushMPLS                // edit: push label stack entry Arg under Ethernet type Arg2
	TypePopMPLS                 // edit: remove the outer label stack entry; the Ethernet type becomes Arg2
	TypePushEth                 // edit: push an Ethernet header: Set.V[0] destination<<16, Set.V[1] source<<16
	TypePopEth                  // edit: remove the Ethernet header
	TypePushNSH                 // push an NSH header
	TypePopNSH                  // remove the NSH header
	TypeTrunc                   // the next output sends at most Arg bytes
	TypeHash                    // dp_hash = hash of the packet: Arg is the HashL4 or HashSymL4, Arg2 the basis
	TypeRecirc                  // start again with recirc_id Arg
	TypeSample                  // with probability Arg/2^32 do Nested.Actions on a copy
	TypeClone                   // do Nested.Actions on a copy
	TypeCheckPktLen             // if longer than Arg bytes do Nested.Actions, else Nested.Else
	TypeCT                      // connection tracking: CT
	TypeCTClear                 // forget the connection tracking state
	TypeMeter                   // meter Arg
	TypeDrop                    // drop explicitly, with error code Arg
	TypeTunnelPush              // push a prebuilt tunnel header: Tunnel
	TypeTunnelPop               // hand to the tunnel port Arg
	TypeLbOutput                // balanced output to bond Arg

	// NumTypes is the number of action types.
	NumTypes
)

// Attr is the header that a Set or SetMasked action writes.
type Attr uint8

// Headers for Set. The comment lists the words of flow.Key that Set.V and Set.M hold, in order.
const (
	AttrNone        Attr = iota
	AttrEth              // WEthDst, WEthSrc (the 48 address bits)
	AttrIPv4             // WIPv4, WL4 (nw_tos and nw_ttl)
	AttrIPv6             // WIPv6Src, +1, WIPv6Dst, +1, WIPv6Misc (ipv6_label), WL4 (nw_tos and nw_ttl)
	AttrTCP              // WL4 (tp_src, tp_dst)
	AttrUDP              // WL4 (tp_src, tp_dst)
	AttrSCTP             // WL4 (tp_src, tp_dst)
	AttrICMP             // WL4 (tp_src type, tp_dst code)
	AttrICMPv6           // WL4 (tp_src type, tp_dst code)
	AttrARP              // WIPv4, WL4 (nw_proto is the opcode), WARPSha, WARPTha
	AttrND               // WNDTarget, +1, WARPSha, WARPTha
	AttrNDExt            // WIPv6Misc (nd_reserved), WARPSha (nd_options_type)
	AttrMPLS             // WMPLS (the first label stack entry)
	AttrSkbPriority      // WMark (skb_priority)
	AttrSkbMark          // WMark (pkt_mark)
	AttrTunnel           // Action.Tunnel instead of Set
	AttrNSH              // WIPv6Src, WIPv6Src + 1, WIPv6Dst
	AttrVLAN             // WVLAN (the outer TCI)

	// NumAttrs is the number of headers.
	NumAttrs
)

// Set is the argument of a Set or SetMasked action: words of a flow.Key (see the Attr constants) and the bits of them to write.
type Set struct {
	V, M [6]uint64
}

// HashL4 and HashSymL4 are the algorithms of a Hash action.
const (
	HashL4    = 0
	HashSymL4 = 1
)

// Action is one action. Type says which of the other members are used.
type Action struct {
	Type      Type
	Attr      Attr       // Set, SetMasked
	Arg       uint32     // see Type
	Arg2      uint32     // see Type
	Set       *Set       // Set, SetMasked, PushEth
	Userspace *Userspace // Userspace
	Nested    *Nested    // Sample, Clone, CheckPktLen
	CT        *CT        // CT
	Tunnel    *Tunnel    // Set of AttrTunnel, TunnelPush
}

// List is an action list, executed in order. An empty list drops.
type List []Action

// Nested holds the lists inside Sample, Clone and CheckPktLen.
type Nested struct {
	Actions List // executed (CheckPktLen: if the packet is longer)
	Else    List // CheckPktLen: executed otherwise
}

// UserspaceKind is what a Userspace action is for.
type UserspaceKind uint8

// Kinds of Userspace actions.
const (
	UserspaceNone       UserspaceKind = iota // no cookie
	UserspaceRaw                             // unknown cookie: Data
	UserspaceSlowPath                        // translate again in the slow path and execute there: Slow
	UserspaceController                      // packet_in to a controller
	UserspaceSFlow                           // sFlow sample
	UserspaceFlowSample                      // IPFIX flow sample
	UserspaceIPFIX                           // IPFIX bridge sample
)

// Reasons for the slow path, a set of bits.
const (
	SlowCFM    = 1 << iota // connectivity fault management
	SlowBFD                // bidirectional forwarding detection
	SlowLACP               // LACP
	SlowSTP                // STP or RSTP
	SlowLLDP               // LLDP
	SlowAction             // an action that the datapath lacks
	SlowMatch              // a match that the datapath lacks
)

// Userspace is the argument of a Userspace action.
type Userspace struct {
	PID  uint32 // netlink port id; 0 in a userspace datapath
	Kind UserspaceKind
	Slow uint32 // SlowPath: bits of Slow…
	// Controller.
	Reason       uint16 // OFPR_* reason
	DontSend     bool   // execute for side effects only
	Continuation bool   // the packet_in carries a continuation
	RecircID     uint32 // frozen state
	RuleCookie   uint64 // cookie of the rule that sent it
	ControllerID uint16 // controller to send it to
	MaxLen       uint16 // bytes to send at most
	// SFlow.
	VlanTCI uint16 // tag of the packet when sent
	Output  uint32 // SFlow, IPFIX, FlowSample: output port
	// FlowSample.
	Probability     uint16
	CollectorSetID  uint32
	ObsDomainID     uint32
	ObsPointID      uint32
	Direction       uint8  // 0 none, 1 ingress, 2 egress
	Data            []byte // Raw: the cookie's bytes
	IncludeActions  bool   // text "actions"
	TunnelOutPort   uint32 // text "tunnel_out_port=": with HasTunnelOutPort
	HasTunnelOut    bool
	OfprotoID       uint64 // the bridge; not in the text
	OpenFlowInPort  uint32 // the OpenFlow in_port; not in the text
	UserdataVersion uint8
}

// CT is the argument of a CT action.
type CT struct {
	Commit, Force     bool
	Zone              uint16
	Mark, MarkMask    uint32
	Label, LabelMask  flow.Value
	Helper            string
	Timeout           string
	EventMask         uint32
	HasEventMask      bool
	NAT               *NAT
	HasMark, HasLabel bool
}

// NAT is the nat() part of a CT action.
type NAT struct {
	Src, Dst                 bool // translate the source or the destination; neither: of established connections only
	IPv6                     bool
	MinAddr, MaxAddr         flow.Value // 0 when none was given
	MinPort, MaxPort         uint16     // 0 when none was given
	Persistent, Hash, Random bool
}

// Tunnel is a tunnel's outer header as the set(tunnel()) action has it: the words WTunID up to (not including) WMetadata of a
// flow.Key, and for TunnelPush the encoded header.
type Tunnel struct {
	Key     flow.Key // only the tunnel words are used
	Port    uint32   // TunnelPush: the tunnel port
	OutPort uint32   // TunnelPush: the port to send to
	Type    uint32   // TunnelPush: the datapath's vport type
	Header  []byte   // TunnelPush: the bytes to prepend
}

// Output returns an output action.
func Output(port uint32) Action { return Action{Type: TypeOutput, Arg: port} }

// Recirc returns a recirc action.
func Recirc(id uint32) Action { return Action{Type: TypeRecirc, Arg: id} }

// Trunc returns a trunc action: the next output sends at most max bytes.
func Trunc(max uint32) Action { return Action{Type: TypeTrunc, Arg: max} }

// Meter returns a meter action.
func Meter(id uint32) Action { return Action{Type: TypeMeter, Arg: id} }

// Drop returns an explicit drop action with an error code.
func Drop(code uint32) Action { return Action{Type: TypeDrop, Arg: code} }

// Hash returns a hash action with algorithm HashL4 or HashSymL4.
func Hash(alg, basis uint32) Action { return Action{Type: TypeHash, Arg: alg, Arg2: basis} }

// PushVLAN returns an action that pushes a tag; VLANPresent is added to the TCI.
func PushVLAN(tpid, tci uint16) Action {
	return Action{Type: TypePushVLAN, Arg: uint32(tpid)<<16 | uint32(tci) | flow.VLANPresent}
}

// PopVLAN returns an action that removes the outer tag.
func PopVLAN() Action { return Action{Type: TypePopVLAN} }

// PushMPLS returns an action that pushes a label stack entry and makes ethType the packet's Ethernet type.
func PushMPLS(lse uint32, ethType uint16) Action {
	return Action{Type: TypePushMPLS, Arg: lse, Arg2: uint32(ethType)}
}

// PopMPLS returns an action that removes a label stack entry and makes ethType the packet's Ethernet type.
func PopMPLS(ethType uint16) Action { return Action{Type: TypePopMPLS, Arg2: uint32(ethType)} }

// CTClear returns a ct_clear action.
func CTClear() Action { return Action{Type: TypeCTClear} }

// Sample returns an action that executes list on a copy with probability prob/2^32.
func Sample(prob uint32, list List) Action {
	return Action{Type: TypeSample, Arg: prob, Nested: &Nested{Actions: list}}
}

// Clone returns an action that executes list on a copy.
func Clone(list List) Action { return Action{Type: TypeClone, Nested: &Nested{Actions: list}} }

// CheckPktLen returns an action that executes gt on packets longer than n bytes and le on others.
func CheckPktLen(n uint32, gt, le List) Action {
	return Action{Type: TypeCheckPktLen, Arg: n, Nested: &Nested{Actions: gt, Else: le}}
}

// ToUserspace returns a userspace action.
func ToUserspace(u Userspace) Action { return Action{Type: TypeUserspace, Userspace: &u} }

// SlowPath returns the userspace action that hands a packet to the slow path for the given reasons (Slow… bits).
func SlowPath(reasons uint32) Action {
	return ToUserspace(Userspace{Kind: UserspaceSlowPath, Slow: reasons})
}

// IsEdit reports whether the action only edits the packet, so that Apply can execute it.
func (a *Action) IsEdit() bool {
	switch a.Type {
	case TypeSet, TypeSetMasked:
		return a.Attr != AttrSkbMark && a.Attr != AttrSkbPriority && a.Attr != AttrTunnel
	case TypePushVLAN, TypePopVLAN, TypePushMPLS, TypePopMPLS, TypePushEth, TypePopEth:
		return true
	}
	return false
}
