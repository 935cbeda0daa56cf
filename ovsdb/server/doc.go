// Package server is the OVSDB server (RFC 7047, ovsdb-server(1), ovsdb-server(7)): databases in memory with their
// log files, transactions, monitors, locks, remotes. tools/ovsdb-server wraps it in a process; ovs-vswitchd hosts
// it with --embedded-db. Any schema works; nothing here knows the vswitch.
//
//	srv := server.New(server.Options{Clock: clk, Log: logs, RunDir: dir})
//	err := srv.AddDB("/etc/openvswitch/conf.db")
//	err = srv.AddRemote("punix:/var/run/openvswitch/db.sock")
//	err = srv.Run(ctx)      // until ctx is done
//
// # The way of a transaction
//
// A session goroutine (session.go) reads a request and parses its JSON. It takes the database's lock and executes
// the operations on a Txn, which overlays changed rows on the tables (exec.go, txn.go). Precommit (commit.go) works
// out what changed and checks references, garbage, row limits, weak references and indexes. The record goes to the
// log with one write(2); then the changes are applied to the tables and handed to the monitors, and the lock is
// released. The reply goes through the session's outbox, which first waits for the disk when the transaction asked
// for durability; sessions that wait at the same time share one fdatasync.
//
// # Invariants
//
//   - Rows are immutable once committed; a change makes a new Row. So monitors, compaction and selects share rows
//     without copying, and a snapshot is a copy of the tables' maps.
//   - Database.mu guards everything in the database and serialises its transactions. Nothing is waited for while
//     it is held except the write(2) of the log.
//   - Updates that a transaction causes are in a session's outbox before the reply to that transaction. Those of a durable one are sent
//     when its record is on the disk, as the original does, which waits for the disk before it does anything else.
//   - A session's memory is bounded: it reads no request while replies wait to be written, and updates that the
//     client does not read collapse into the difference to what it last saw.
//
// # Where it differs from ovsdb-server 3.1 on purpose
//
//   - Clustered databases are refused with an error.
//   - --record and --replay have a file format of govs' own (internal/replay), which has the times too; a replay ends with the
//     recording. Replication and relays cannot be recorded. Row versions are new in a replay.
//   - A monitor request with two parameters, a conversion that fails on a map's value, and remove-db after a
//     failed add-db get an error; each ends the original.
//   - A weak reference goes with the row it names also when the referring row was changed in the transaction whose
//     garbage collection deletes that row.
//   - A read-only client cannot convert a database. A cancelled transaction gets the reply that RFC 7047 wants.
//   - TLS 1.3 is on by default. Reals are written with as many digits as they need.
//   - A client that does not read its replies is not served further; there are bounds on what a session may hold.
//
// # Locks, in the order in which they may be taken together
//
// Server.mu (databases, remotes, named locks), Database.mu, session.outMu.
package server
