// Package dbfile reads and writes whole databases in the format of standalone database files (ovsdb(5)), for the tools: storage
// knows the records, this package their meaning. Everything runs on the caller's goroutine.
package dbfile
