package conn

import "govs/openflow"

// PacketInOnMiss tells whether a connection gets a packet_in for packets that miss in a flow table which says nothing of
// misses: the behaviour before OpenFlow 1.3, so one of an earlier version, with controller id 0.
func (m *Manager) PacketInOnMiss() (wanted bool) {
	m.each(func(c *Conn, _ *controller) {
		if c.controllerID == 0 && c.version != 0 && c.version < openflow.OF13 && c.wantsLocked(openflow.AsyncPacketIn, uint8(openflow.ReasonNoMatch)) {
			wanted = true
		}
	})
	return wanted
}
