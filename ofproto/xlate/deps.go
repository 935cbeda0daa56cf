package xlate

import (
	"fmt"

	"govs/flow"
	"govs/openflow"
	"govs/openflow/text"
)

func appendActions(b []byte, list []openflow.Action, names *flow.PortNames) []byte {
	return text.AppendActions(b, list, &text.Names{Ports: names})
}

// appendSubfield appends a subfield such as NXM_NX_REG0[0..15].
func appendSubfield(b []byte, s openflow.Subfield) []byte {
	b = append(b, text.FieldName(s.Field)...)
	info := s.Field.Info()
	switch {
	case s.Ofs == 0 && (int(s.NBits) == int(info.Bits) || int(s.NBits) == info.AllOnes().OnesCount()):
		return append(b, "[]"...)
	case s.NBits == 1:
		return fmt.Appendf(b, "[%d]", s.Ofs)
	}
	return fmt.Appendf(b, "[%d..%d]", s.Ofs, s.Ofs+s.NBits-1)
}
