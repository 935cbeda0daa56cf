package flow

import (
	"fmt"

	"govs/packet"
)

// ParseFlow parses the exact flow that ofproto/trace takes, "in_port=1,tcp,tcp_dst=80" (ovs-vswitchd(8)): fields and protocol keywords,
// each after its prerequisites and without wildcards. Fields not named are 0. The error's text is the original's.
func ParseFlow(s string, ports *PortNames) (Key, error) {
	var m Match
	seen := map[FieldID]bool{}
	err := EachField(s, func(name, value string, hasValue bool) error {
		var word Match
		if word.SetKeyword(name) {
			if word.Mask.PacketType() != 0 {
				return nil
			}
			if m.Mask.EthType() != 0 {
				return fmt.Errorf("%s: Ethernet type set multiple times", s)
			}
			if word.Mask.NwProto() != 0 && m.Mask.NwProto() != 0 {
				return fmt.Errorf("%s: network protocol set multiple times", s)
			}
			m.SetKeyword(name)
			return nil
		}
		id, ok := FieldByName(name)
		switch {
		case !ok:
			return fmt.Errorf("%s: unknown field %s", s, name)
		case !id.Met(&m.Key, nil):
			return fmt.Errorf("%s: prerequisites not met for setting %s", s, name)
		case seen[id] || id == FieldEthType && m.Mask.EthType() != 0 || id == FieldNwProto && m.Mask.NwProto() != 0:
			return fmt.Errorf("%s: field %s set multiple times", s, name)
		}
		seen[id] = true
		v, w, err := ParseValue(id, value, ports)
		if err != nil {
			return fmt.Errorf("%s: bad value for %s (%w)", s, name, err)
		}
		if w != id.Info().AllOnes() {
			return fmt.Errorf("%s: bad value for %s (%s: wildcards not allowed here)", s, name, value)
		}
		m.Set(id, v, w)
		return nil
	})
	if err != nil {
		return Key{}, err
	}
	k := m.Key
	k.FixVLAN()
	return k, nil
}

// FixVLAN gives each VLAN tag without a TPID, as a match or set_field on vlan_vid makes it, the TPID 0x8100.
func (k *Key) FixVLAN() {
	if k.VlanTCI() != 0 && k.VlanTPID0() == 0 {
		k.SetVlanTPID0(packet.EtherTypeVLAN)
	}
	if k.VlanTCI1() != 0 && k.VlanTPID1() == 0 {
		k.SetVlanTPID1(packet.EtherTypeVLAN)
	}
}
