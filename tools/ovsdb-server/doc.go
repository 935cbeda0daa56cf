// Command ovsdb-server serves Open vSwitch databases (ovsdb-server(1)).
package main
