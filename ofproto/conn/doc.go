// Package conn holds a switch's OpenFlow connections: the listeners (management sockets, ptcp, pssl), the active connections to
// controllers with their back-off, and for each connection the version negotiation, the inactivity probe, the role, the
// asynchronous configuration and the queues.
//
// A Manager belongs to one bridge. It reads and decodes messages and gives those that concern the switch to its Switch (which
// ofproto implements), and sends back the replies. In the other direction, ofproto calls the Manager's broadcast functions
// with packet_ins, port_status and flow_removed, and the Manager sends them to every connection that wants them.
//
// # Goroutines
//
// Each connection has one goroutine that reads and handles and one that writes. Switch methods are called from the reading
// goroutines: one at a time for a connection, several at a time for a switch. Because a message has taken effect when Handle
// returns, a barrier is answered at once. Broadcast functions never block and may be called from any goroutine, also from
// Handle.
//
// # Slow clients
//
// Replies to a client that does not read stop that client's reading goroutine (so it is throttled, and nobody else). Messages
// that the client did not ask for are dropped beyond a bound, and counted.
package conn
