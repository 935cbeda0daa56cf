// Package storage reads and writes database files in the log format of standalone databases: a sequence of
// records, each a header line "OVSDB JSON <length> <sha1>\n" and <length> bytes of JSON that end in a newline. The
// first record is the schema, every further one a transaction. What the records mean is the business of
// ovsdb/server; this package only knows that they are JSON objects.
//
// Invariants:
//   - A record is written with one write(2) at the end of the file, under Log.mu, before the transaction takes
//     effect in memory. What Append returned without error survives the death of the process; what WaitDurable
//     returned for without error survives the death of the machine.
//   - A record that cannot be read ends the log. Opening for writing cuts the file there, once, after the caller
//     was told; nothing before it is ever changed.
//   - While durable transactions come quickly the file ends in a filler, an empty record (filler.go).
//   - A file open for writing is locked (".NAME.~lock~" beside it, by fcntl), against other processes and against
//     a second Log in this process.
//   - Replace (compaction) writes a new file beside the old one and renames it over it, so that at any time the
//     name leads to a complete database. Commits go on meanwhile; they are copied over before the rename.
//
// Any goroutine may call the methods of a Log. ovsdb/server appends while it holds its database's lock, waits for
// durability without it, and compacts from a goroutine of its own. The database tools use Open, Create and Replace
// from their main goroutine.
package storage
