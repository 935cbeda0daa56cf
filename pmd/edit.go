package pmd

import (
	"govs/actions"
	"govs/flow"
	"govs/packet"
)

// edit does one packet edit, keeps l true, and says whether the packet could take it.
func edit(a *actions.Action, buf *packet.Buf, l *flow.Layers) bool {
	return false
}
