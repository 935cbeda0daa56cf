package dpif

// The causes of loss in a datapath. Losses inside a device are in its port's statistics instead.
const (
	DropUpcallQueueFull DropReason = iota // a port had as many upcalls outstanding as it may have
	DropParkedLimit                       // a flow, or the poller, had as many packets waiting for a verdict as it may have
	DropUpcallError                       // an upcall ended without a way to deal with its packet
	DropExplicit                          // a drop action
	DropEmptyActions                      // a flow without actions: the pipeline decided to drop
	DropInvalidPort                       // output to a port that the datapath does not have
	DropRecirc                            // recirculation without a flow, or too deep
	DropMeter                             // exceeded a meter, or there is no such meter
	DropUserspace                         // a userspace action's copy found the upcall queue full
	DropNoMemory                          // no buffer for a copy
	DropUnsupported                       // an action that the datapath does not have
	DropEdit                              // an edit that the packet cannot take: no room, or no such header
	DropPortDeleted                       // waited for a verdict when its port was removed
	DropRxInvalid                         // received without a byte of data

	// NumDropReasons is the number of reasons.
	NumDropReasons
)

var dropNames = [NumDropReasons]string{
	"datapath_drop_upcall_queue_full",
	"datapath_drop_parked_limit",
	"datapath_drop_upcall_error",
	"datapath_drop_explicit_action",
	"datapath_drop_empty_actions",
	"datapath_drop_invalid_port",
	"datapath_drop_recirc_error",
	"datapath_drop_meter",
	"datapath_drop_userspace_action_error",
	"datapath_drop_no_memory",
	"datapath_drop_unsupported_action",
	"datapath_drop_edit_error",
	"datapath_drop_port_deleted",
	"datapath_drop_rx_invalid_packet",
}

// String is the reason's name as a coverage counter.
func (r DropReason) String() string {
	if r < NumDropReasons {
		return dropNames[r]
	}
	return "datapath_drop_unknown"
}
