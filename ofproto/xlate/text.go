package xlate

import (
	"fmt"

	"govs/flow"
	"govs/openflow"
)

// AppendActions appends the text of an action list.
func AppendActions(b []byte, list []openflow.Action, names *flow.PortNames) []byte {
	return appendActions(b, list, names)
}

// ParseActions reads an action list.
func ParseActions(s string) ([]openflow.Action, error) {
	return nil, fmt.Errorf("unknown action %s", s)
}
