// Package ovsdbtool holds the commands of ovsdb-tool(1), which work on database files without a server. Transactions and
// conversions run on the server's own code, on a copy of the file or under its lock. tools/ovsdb-tool adds the options. Everything
// runs on one goroutine.
package ovsdbtool
