// Package flow holds the key by which packets are matched everywhere in govs: the datapath's caches and megaflows, the
// OpenFlow tables, upcalls and traces. A Key is a fixed array of 64-bit words; a Mask is the array of the same shape with a
// one for every bit that matters. Every match field is declared once, in the field table (gen/table.go), with its word, shift
// and width, its prerequisites, its OXM/NXM numbers and its text form; go generate makes the identifiers, the table and the
// accessors in fields_gen.go from it. A Match is a key under a mask.
//
// # Shapes
//
// Words are ordered so that whatever a packet has is a prefix of the key. Extract returns the number of leading words that it
// wrote (the packet's length in words); later words are undefined in a datapath key and must not be read. A packet of
// Ethernet, VLAN, IPv4 and L4 is 6 words, ARP 13, IPv6 11, neighbour discovery 15. A mask that reads a
// word outside a shape also matches, in a word inside it, the prerequisite that excludes the shape, so a lookup skips a
// mask with more words than the packet. Words of metadata that OpenFlow pipelines use (registers, metadata) come last
// and never reach a datapath.
//
// Values in words are natural integers (host byte order), whatever their order on the wire.
// Masks that read metadata (words from WMark on) are the exception: a received packet has zeros there, and a lookup under such a
// mask first makes the key whole (ExtendBatch, Key.ClearFrom).
//
// # Text
//
// There are three forms. Match.AppendText and ParseMatch: OpenFlow matches, as ovs-ofctl prints and takes them. AppendODP and
// ParseODP: datapath flows, as dpctl/dump-flows prints and netdev-dummy/receive takes them. Key.AppendText and ParseFlow: exact
// flows, as ofproto/trace prints and takes them. Compose makes a packet of a flow.
//
// # Thread-safety
//
// Everything here is a value or a pure function and may be used from any goroutine on data that it owns. Extract and its variants
// run on the poller that received the packet; they neither allocate nor panic, and never read outside the first segment. They
// live in extract_unsafe.go and extract_general_unsafe.go, the only files here with unsafe.
package flow
