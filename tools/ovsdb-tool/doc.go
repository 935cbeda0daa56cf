// Command ovsdb-tool creates, inspects, compacts and converts database files without a server (ovsdb-tool(1)).
package main
