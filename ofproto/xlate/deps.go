package xlate

import (
	"fmt"

	"govs/actions"
	"govs/flow"
	"govs/openflow"
)

func appendActions(b []byte, list []openflow.Action, names *flow.PortNames) []byte {
	return fmt.Appendf(b, "%v", list)
}

func appendSubfield(b []byte, sf openflow.Subfield) []byte { return fmt.Appendf(b, "%v", sf) }

func commitActions(k, base *flow.Key, out *actions.List, wc *flow.Mask) { *base = *k }
