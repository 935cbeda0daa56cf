// Package vswitch gives typed, read-only access to the rows of the Open_vSwitch database (ovs-vswitchd.conf.db(5)) in a
// client.Snapshot, and builders for the columns that the switch writes. rows_gen.go is generated from
// vswitch.ovsschema (go generate); a test regenerates it and compares. SchemaJSON is that schema, embedded, so that a
// daemon can create the database.
//
// Rows are values made from a snapshot: they may be read from any goroutine and never change.
package vswitch
