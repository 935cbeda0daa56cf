// Package ovsdbclient holds the commands of ovsdb-client(1): one connection to a server, one request after another, and printing
// of what comes back. tools/ovsdb-client adds the options. Everything runs on one goroutine, but for ovsdb-client's control
// socket while it monitors.
package ovsdbclient
