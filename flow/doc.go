// Package flow holds the key by which packets are matched everywhere in govs: the datapath's caches and megaflows, the
// OpenFlow tables, upcalls and traces. A Key is a fixed array of 64-bit words; a Mask is the array of the same shape with a
// one for every bit that matters. Every match field is declared once, in the field table (fields.go), with its word, shift
// and width, its prerequisites, its OXM/NXM numbers, its datapath name and its text form; accessors are generated from it.
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
package flow
