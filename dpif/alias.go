package dpif

import "govs/ports"

// Names for users of the contract that may not import ports.
type (
	// Device is an open port.
	Device = ports.Port
	// PortStats are a port's counters.
	PortStats = ports.Stats
	// PortStatus is what a port reports about itself.
	PortStatus = ports.Status
)
