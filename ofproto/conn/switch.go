package conn

import (
	"iter"

	"govs/openflow"
)

// Switch is what a Manager needs of the OpenFlow switch. ofproto implements it. All methods are called from connections' reading
// goroutines: one at a time for a Conn, concurrently for different ones.
type Switch interface {
	// Handle executes one message and returns the replies' bodies, in order (none for most modifications). Changes have taken
	// effect when it returns. An error becomes an OpenFlow error reply: an *openflow.Error or openflow.ErrCode with its code, any other
	// error as OFPBRC_EPERM.
	//
	// These messages come: FeaturesRequest, FlowMod, GroupMod, MeterMod, PortMod, TableMod, PacketOut, all multipart requests
	// (reassembled), QueueGetConfigRequest, Resume. The connection itself answers hello, echo, config, barrier, role, async
	// configuration, packet-in formats, controller ids, flow monitors and bundles.
	Handle(c *Conn, m *openflow.Msg) ([]openflow.Body, error)

	// Commit executes the messages of a bundle as one change: all or nothing. If a message fails it returns its index in msgs and the
	// error. Each message is decoded when msgs comes to it, and not kept.
	Commit(c *Conn, flags openflow.BundleFlags, msgs iter.Seq[*openflow.Msg]) (failed int, err error)

	// Frag and SetFrag read and change how the switch treats IP fragments.
	Frag() openflow.FragMode
	SetFrag(openflow.FragMode) error

	// MonitorFlows returns the flows that a flow monitor selects, as FlowAdded updates with actions, for its initial dump.
	MonitorFlows(m *openflow.FlowMonitor) []openflow.FlowUpdate
}
