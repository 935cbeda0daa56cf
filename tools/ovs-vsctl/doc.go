// Command ovs-vsctl queries and changes the configuration of ovs-vswitchd (ovs-vsctl(8)), in the database of our ovsdb-server or of the
// original's.
package main
