// Package dbctl is the machine behind command-line tools that change a database by a list of commands in one transaction, such
// as ovs-vsctl(8): parsing of the command line, the generic commands (list, find, get, set, add, remove, clear, create, destroy,
// wait-until, comment, show), names for records and abbreviations of tables and columns.
//
// A tool describes its database (Classes: how rows are named; Shows: what "show" prints) and adds commands of its own. Run
// runs all commands on one client.Txn; nothing is sent before all of them have succeeded. Everything runs on one goroutine.
package dbctl
