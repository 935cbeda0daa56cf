// Command ovsdb-client talks to a database server (ovsdb-client(1)), ours or the original's: schemas, transactions, dumps, backups,
// monitors, locks.
package main
