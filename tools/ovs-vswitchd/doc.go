// Command ovs-vswitchd is the switch daemon (ovs-vswitchd(8)): it follows an Open_vSwitch database and forwards packets on the
// userspace datapath. This package holds flags and wiring only.
package main
