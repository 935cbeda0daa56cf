package actions_test

import (
	"strconv"
	"strings"
	"testing"

	"govs/actions"
	"govs/flow"
	"govs/packet"
)

// sets is shared by all cases, as by all translations of a thread.
var sets actions.Sets

// translate does to now and mask what a translation of the operations in commit.txt would do; it commits before each output.
func translate(t *testing.T, base flow.Key, mask *flow.Mask, ops string) (list actions.List, slow uint32) {
	t.Helper()
	now := base
	port := uint32(2)
	output := func() {
		var s uint32
		list, s = actions.Commit(&base, &now, mask, list, &sets)
		slow |= s
		list = append(list, actions.Output(port))
		port++
	}
	set := func(id flow.FieldID, v, m flow.Value) {
		later := now.NwFrag()&flow.FragLater != 0
		if p := id.Info().Prereq; later && (p == flow.PrereqTCP || p == flow.PrereqUDP) {
			return
		}
		if id.Info().Prereq == flow.PrereqARP {
			mask.SetExact(flow.FieldNwProto) // as ofproto/xlate does
		}
		mask.Set(id, mask.Get(id).Or(m))
		now.Set(id, now.Get(id).AndNot(m).Or(v.And(m)))
	}
	for _, op := range strings.Split(ops, ";") {
		name, arg, isSet := strings.Cut(op, "=")
		word, hex, _ := strings.Cut(op, ":")
		num, _ := strconv.ParseUint(hex, 0, 16)
		switch {
		case op == "out":
			output()
		case op == "dec_ttl":
			mask.SetExact(flow.FieldNwTTL)
			now.SetNwTTL(now.NwTTL() - 1)
		case op == "dec_mpls_ttl":
			mask.SetExact(flow.FieldMPLSTTL)
			now.SetMPLSTTL(now.MPLSTTL() - 1)
		case op == "pop_vlan":
			now[flow.WVLAN] <<= 32
		case !isSet && word == "push_vlan":
			now[flow.WVLAN] = num<<48 | flow.VLANPresent<<32 | now[flow.WVLAN]>>32
		case !isSet && word == "push_mpls":
			lse := uint32(now.NwTTL()) | packet.MPLSBoS | uint32(now.NwTOS()>>2&7)<<packet.MPLSTCShift
			if now.EthType() == packet.EtherTypeMPLS {
				lse = now.MPLSLSE0() &^ packet.MPLSBoS
			}
			now[flow.WMPLS+1] = now[flow.WMPLS] << 32
			now[flow.WMPLS] = uint64(lse)<<32 | now[flow.WMPLS]>>32
			now.SetEthType(uint16(num))
		case !isSet && word == "pop_mpls":
			now[flow.WMPLS] <<= 32
			now.SetEthType(uint16(num))
		default:
			id, ok := flow.FieldByName(name)
			if !ok {
				t.Fatalf("no field %s", name)
			}
			v, m, err := flow.ParseValue(id, arg, nil)
			if err != nil {
				t.Fatal(err)
			}
			if id == flow.FieldVlanVID {
				m.Lo &^= flow.VLANPresent
			}
			if id == flow.FieldIPDSCP {
				id, v, m = flow.FieldNwTOS, v.Shl(2), flow.U(0xfc)
			}
			set(id, v, m)
		}
	}
	if !strings.Contains(ops, "out") {
		output()
	}
	return list, slow
}

// TestCommitLikeOriginal compares committed actions with those of the original's ofproto/trace.
func TestCommitLikeOriginal(t *testing.T) {
	for _, l := range goldenLines(t, "commit.txt") {
		f := strings.Split(l, "\t")
		if strings.Contains(f[4], "userspace") || strings.Contains(f[4], "recirc") || f[4] == "drop" {
			continue // not what Commit decides
		}
		k, err := flow.ParseMatch(f[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		rule, err := flow.ParseMatch(f[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		mask := rule.Mask
		list, slow := translate(t, k.Key, &mask, f[2])
		if want, err := flow.ParseMatch(f[3], nil); err != nil {
			t.Fatal(err)
		} else if !strings.Contains(f[2], "mpls") && !strings.Contains(f[2], "push_vlan") {
			for _, fd := range flow.Fields() {
				switch fd.ID {
				case flow.FieldRecircID, flow.FieldInPort, flow.FieldPacketType, flow.FieldEthType, flow.FieldNwFrag, flow.FieldVlanTPID0, flow.FieldVlanTPID1:
					continue // not Commit's business
				}
				got, want := mask.Get(fd.ID), want.Mask.Get(fd.ID)
				if strings.Contains(f[3], "icmp_type=") && fd.Word == flow.WL4 && fd.Shift < 32 {
					got.Lo, want.Lo = got.Lo&0xff, want.Lo&0xff // an 8-bit mask reads as exact
				}
				if got != want && !fd.Overlay {
					t.Errorf("%s\n %s: mask of %s is %x, want %x (%s)", f[0], f[2], fd.Name, got, want, f[3])
				}
			}
		}
		if got := list.String(); got != f[4] {
			t.Errorf("%s\n %s\n got %s\nwant %s", f[0], f[2], got, f[4])
		}
		if (slow != 0) != (f[5] == "slow") {
			t.Errorf("%s\n %s: slow %#x, want %q", f[0], f[2], slow, f[5])
		}
	}
}
