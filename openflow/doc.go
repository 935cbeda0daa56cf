// Package openflow turns OpenFlow messages into version-free structs and back. It knows OpenFlow 1.0 and 1.3, the Nicira
// extensions, and keeps everything in which versions differ in tables (message numbers, action and instruction
// numbers, error codes, structure sizes, flag bits), so that another version is another column.
//
// A received frame is split off by ReadMsg, decoded by Decode into a Msg whose Body is one of the structs of this package, and
// encoded again by Encode. The structs carry no trace of the version except where a message exists in two forms for one version
// (a Nicira and a standard one), which a field named NX says. Ports are 16-bit, as in OpenFlow 1.0; the upper 256 of
// OpenFlow 1.1's 32-bit numbers stand for the reserved ports. Matches are flow.Match.
//
// # Promises
//
// Decoding never panics and never reads past the message, whatever the bytes (FuzzDecode); what is wrong is returned as an
// *Error that has the OpenFlow error type and code to send back. Decoded structs share no memory with the input, except
// Msg.Raw, which is the input. A value of this package may be used by any number of goroutines as long as none writes it.
//
// Text forms (what ovs-ofctl prints and parses) are in openflow/text. Connections are in ofproto/conn.
package openflow
