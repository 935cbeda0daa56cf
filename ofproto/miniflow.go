package ofproto

import (
	"fmt"
	"math/bits"

	"govs/flow"
	"govs/packet"
)

// flowOffsets say where Open vSwitch 3.1 keeps fields: the first byte in its flow structure. It is never written. Fields that share bytes
// with these need no entry, nor those that its datapath does not match (in_port has tables of its own).
var flowOffsets = [...]struct {
	field  flow.FieldID
	offset int
}{
	{flow.FieldTunDst, 0}, {flow.FieldTunIPv6Dst, 4}, {flow.FieldTunSrc, 20}, {flow.FieldTunIPv6Src, 24}, {flow.FieldTunID, 40},
	{flow.FieldTunFlags, 48}, {flow.FieldTunTOS, 50}, {flow.FieldTunTTL, 51}, {flow.FieldTunTpSrc, 52}, {flow.FieldTunTpDst, 54},
	{flow.FieldTunGBPID, 56}, {flow.FieldTunGBPFlags, 58}, {flow.FieldTunERSPANVer, 59}, {flow.FieldTunERSPANIdx, 60},
	{flow.FieldTunERSPANDir, 64}, {flow.FieldTunERSPANHwid, 65}, {flow.FieldTunGTPUFlags, 66}, {flow.FieldTunGTPUMsgType, 67},
	{flow.FieldSkbPriority, 416}, {flow.FieldPktMark, 420}, {flow.FieldDpHash, 424}, {flow.FieldRecircID, 432}, {flow.FieldCtState, 436},
	{flow.FieldCtNwProto, 437}, {flow.FieldCtZone, 438}, {flow.FieldCtMark, 440}, {flow.FieldPacketType, 444}, {flow.FieldCtLabel, 448},
	{flow.FieldEthDst, 472}, {flow.FieldEthSrc, 478}, {flow.FieldEthType, 484}, {flow.FieldVlanTCI, 488}, {flow.FieldVlanTCI1, 492},
	{flow.FieldMPLSLSE0, 496}, {flow.FieldMPLSLSE1, 500}, {flow.FieldMPLSLSE2, 504},
	{flow.FieldNwSrc, 512}, {flow.FieldNwDst, 516}, {flow.FieldCtNwSrc, 520}, {flow.FieldCtNwDst, 524}, {flow.FieldIPv6Src, 528},
	{flow.FieldIPv6Dst, 544}, {flow.FieldCtIPv6Src, 560}, {flow.FieldCtIPv6Dst, 576}, {flow.FieldIPv6Label, 592}, {flow.FieldNwFrag, 596},
	{flow.FieldNwTOS, 597}, {flow.FieldNwTTL, 598}, {flow.FieldNwProto, 599}, {flow.FieldNDTarget, 600}, {flow.FieldARPSha, 616},
	{flow.FieldARPTha, 622}, {flow.FieldTCPFlags, 628}, {flow.FieldNDOptionsType, 628}, {flow.FieldTpSrc, 656}, {flow.FieldTpDst, 658},
	{flow.FieldCtTpSrc, 660}, {flow.FieldCtTpDst, 662}, {flow.FieldNDReserved, 664},
}

// miniflowBits is what Open vSwitch's datapath says of its packed form of a mask: how many 64-bit words of its flow structure it uses,
// of the first 64 and of the others. Every flow matches recirc_id and the outer VLAN tag there.
func miniflowBits(k *flow.Key, m *flow.Mask) string {
	var used [2]uint64
	use := func(offset int) { used[offset/512] |= 1 << (offset / 8 % 64) }
	use(432)
	use(488)
	igmp, nsh := false, k.EthType() == packet.EtherTypeNSH
	switch k.EthType() {
	case packet.EtherTypeIPv4, packet.EtherTypeIPv6: // which have no labels
		igmp = m[flow.WMPLS]|m[flow.WMPLS+1] != 0
	}
	for _, f := range flowOffsets {
		v := m.Get(f.field)
		if v.IsZero() {
			continue
		}
		switch {
		case igmp && (f.field == flow.FieldMPLSLSE0 || f.field == flow.FieldMPLSLSE1 || f.field == flow.FieldMPLSLSE2):
			use(664)
			continue
		case nsh && (f.field == flow.FieldIPv6Src || f.field == flow.FieldIPv6Dst):
			continue
		}
		n := (int(f.field.Info().Width) + 7) / 8
		for i := range n { // byte i from the right is the last but i
			if b := v.Shr(uint(8*i)).Lo & 0xff; b != 0 {
				use(f.offset + n - 1 - i)
			}
		}
	}
	if nsh { // 24 bytes: the three words that a key has
		for i, w := range []int{flow.WIPv6Src, flow.WIPv6Src + 1, flow.WIPv6Dst} {
			if m[w] != 0 {
				use(632 + 8*i)
			}
		}
	}
	return fmt.Sprintf("miniflow_bits(%d,%d)", bits.OnesCount64(used[0]), bits.OnesCount64(used[1]))
}
