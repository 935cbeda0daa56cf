package openflow

import (
	"errors"
	"testing"

	"govs/flow"
)

func TestCheck(t *testing.T) {
	parse := func(s string) *flow.Match {
		m, err := flow.ParseMatch(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return &m
	}
	ipSrc := &SetField{Field: flow.FieldNwSrc, Value: flow.U(1), Mask: flow.U(0xffffffff)}
	modSrc := &SetField{Field: flow.FieldNwSrc, Value: flow.U(1), Mask: flow.U(0xffffffff), Legacy: FormModNwSrc}
	vid := &SetField{Field: flow.FieldVlanVID, Value: flow.U(0x1005), Mask: flow.U(0x1fff)}
	for _, c := range []struct {
		match string
		list  []Action
		v10   error // in OpenFlow 1.0
		v13   error
	}{
		{"ip", []Action{ipSrc}, nil, nil},
		{"", []Action{ipSrc}, OFPBAC_MATCH_INCONSISTENT, OFPBAC_MATCH_INCONSISTENT},
		{"", []Action{modSrc}, nil, OFPBAC_MATCH_INCONSISTENT},
		{"", []Action{&WriteActions{[]Action{ipSrc}}}, OFPBAC_MATCH_INCONSISTENT, OFPBAC_MATCH_INCONSISTENT},
		{"", []Action{vid}, OFPBAC_MATCH_INCONSISTENT, OFPBAC_MATCH_INCONSISTENT},
		{"", []Action{&PushVLAN{0x8100}, vid}, nil, nil},
		{"dl_vlan=5", []Action{vid, &StripVLAN{}}, nil, nil},
		{"", []Action{&StripVLAN{}}, nil, OFPBAC_MATCH_INCONSISTENT},
		{"", []Action{&GotoTable{2}}, OFPBIC_BAD_TABLE_ID, OFPBIC_BAD_TABLE_ID},
		{"", []Action{&GotoTable{3}}, nil, nil},
		{"", []Action{&GotoTable{254}}, OFPBIC_BAD_TABLE_ID, OFPBIC_BAD_TABLE_ID},
		{"", []Action{&Output{Port: PortNone}}, OFPBAC_BAD_OUT_PORT, OFPBAC_BAD_OUT_PORT},
		{"", []Action{&Clone{[]Action{&Output{Port: 0xff80}}}}, OFPBAC_BAD_OUT_PORT, OFPBAC_BAD_OUT_PORT},
		{"tcp", []Action{&CT{RecircTab: CTNoRecirc}}, nil, nil},
		{"", []Action{&CT{RecircTab: CTNoRecirc}}, OFPBAC_MATCH_INCONSISTENT, OFPBAC_MATCH_INCONSISTENT},
	} {
		for v, want := range map[Version]error{OF10: c.v10, OF13: c.v13} {
			err := Check(c.list, parse(c.match), CheckOptions{Table: 2, Tables: 254, Version: v})
			if want == nil && err != nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s %s %T: got %v, want %v", v, c.match, c.list[0], err, want)
			}
		}
	}
	set := &SetVLANVID{VID: 5, PushIfMissing: true}
	if err := Check([]Action{set}, parse("dl_vlan=3"), CheckOptions{Version: OF10}); err != nil || !set.FlowHasVLAN {
		t.Errorf("set_vlan_vid in a flow of tagged packets: %v %+v", err, set)
	}
}
