package xlate

import (
	"govs/flow"
	"govs/openflow"
	"govs/openflow/text"
)

// AppendActions appends the text of an action list.
func AppendActions(b []byte, list []openflow.Action, names *flow.PortNames) []byte {
	return appendActions(b, list, names)
}

// ParseActions reads an action list.
func ParseActions(s string) ([]openflow.Action, error) {
	return text.ParseActions(s, nil)
}
