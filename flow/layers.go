package flow

import "govs/packet"

// NoLayer is the offset of a layer that a packet does not have or that Extract could not find.
const NoLayer = 0xffff

// Layers holds the offsets of a packet's headers, in bytes from its first byte, as Extract found them. NoLayer means that the
// header is missing or malformed, so that nothing may be read or written there.
type Layers struct {
	L25     uint16 // first MPLS label stack entry
	L3      uint16 // first byte after the Ethernet header, the VLAN tags and the MPLS labels
	L4      uint16 // TCP, UDP, SCTP, ICMP, IGMP or other IP payload; NoLayer in later fragments
	Payload uint16 // first byte after the transport header
}

// DefaultVLANLimit is the number of VLAN tags that are parsed unless other_config:vlan-limit says otherwise (vswitchd.conf.db).
const DefaultVLANLimit = 1

// MaxVLANs is the most VLAN tags that a Key holds.
const MaxVLANs = 2

// MaxMPLS is the most MPLS label stack entries that a Key holds.
const MaxMPLS = 3

// Fragment bits of nw_frag.
const (
	FragAny   = 1 // the packet is a fragment
	FragLater = 2 // and not the first one
)

// VLANPresent is the bit of a TCI that says, in a Key, that there is a tag.
const VLANPresent = 0x1000

// ExtendBatch makes the first n keys whole packet keys: the words from lens[i] to LenPacket become 0, and lens[i] LenPacket. A
// lookup needs it when a mask reads metadata (words from WMark on) that received packets have as zeros, e.g. ct_state=-trk or
// pkt_mark=0; masks that read only headers do not (see the package comment).
func ExtendBatch(n int, keys *[packet.BatchSize]Key, lens *[packet.BatchSize]uint8) {
	for i := 0; i < n && i < packet.BatchSize; i++ {
		if lens[i] < LenPacket {
			clear(keys[i][lens[i]:LenPacket])
			lens[i] = LenPacket
		}
	}
}
