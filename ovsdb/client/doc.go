// Package client keeps an in-memory copy of a remote database (RFC 7047, ovsdb-server(7)) and runs transactions on it.
//
// A Client connects, reconnects with back-off, monitors the tables it was asked for by monitor_cond_since (falling back to
// monitor_cond and monitor with older servers), and publishes every consistent state as an immutable Snapshot.
// Compare tells what changed between two snapshots. Transact sends a transaction and waits for its result; it does not wait for the
// result to show in a snapshot. WaitFor waits until a snapshot satisfies a predicate.
//
// Client.Run is one goroutine, which owns the connection. All other methods may be called from any goroutine. Snapshots and
// their rows are never modified: keep them as long as you like.
//
// Typed access to the rows of the Open_vSwitch database is in ovsdb/vswitch.
package client
