package xlate

import (
	"fmt"

	"govs/flow"
	"govs/openflow"
)

func appendActions(b []byte, list []openflow.Action, names *flow.PortNames) []byte {
	return fmt.Appendf(b, "%v", list)
}

func appendSubfield(b []byte, sf openflow.Subfield) []byte { return fmt.Appendf(b, "%v", sf) }
