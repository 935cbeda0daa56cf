// Package jsonrpc is JSON-RPC 1.0 as OVSDB (RFC 7047 section 4) and the control
// sockets of Open vSwitch's programs use it: JSON objects one after another on
// a byte stream, with no delimiter between them.
//
// Decoder cuts a stream into messages; every byte is checked to be JSON, but
// params, result, error and id are left undecoded (json.RawMessage) for the
// caller, who may keep them. Conn sends and receives messages on one stream.
// Session keeps a client connected: it dials, backs off, probes a silent peer
// and answers its probes.
//
// Bounds: a message longer than Limits.MaxBytes or nested deeper than
// Limits.MaxDepth ends the connection; so does an output queue longer than
// Options.MaxBacklog.
//
// Conn.Send may be called from any goroutine and never blocks; Conn.Recv from
// one at a time. A Session calls its Handler from the goroutine of Run only.
package jsonrpc
