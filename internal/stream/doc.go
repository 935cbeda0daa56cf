// Package stream opens and accepts the byte streams that OVSDB and OpenFlow
// run over, by the connection names of ovsdb(7):
//
//	unix:FILE  tcp:HOST[:PORT]  ssl:HOST[:PORT]           active
//	punix:FILE ptcp:[PORT][:HOST] pssl:[PORT][:HOST]      passive
//
// A relative FILE is taken in Options.RunDir. IPv6 addresses are written in
// brackets.
//
// Errors wrap a syscall.Errno where Open vSwitch reports one, so that
// strerror.Text gives its text: EAFNOSUPPORT for a name that is no connection
// name, ENOPROTOOPT for SSL that is not configured, EPROTO for a handshake that
// failed.
//
// Options and TLS may be used from any goroutine at once; a Conn and a Listener
// behave as the net package's.
package stream
