// Package table prints tables in the formats of ovs-vsctl(8) and
// ovsdb-client(1): table, list, html, csv and json, with the data of cells as
// string, bare or json.
//
// Style holds what the options -f, -d, --no-headings, --pretty and --bare say
// and prints one table after another; it remembers whether a blank line must
// separate them. Nothing is safe for use by several goroutines at once.
package table
