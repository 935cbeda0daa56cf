// Package ofswitch tests the OpenFlow switch (ofproto) on the userspace datapath (pmd) with dummy ports, all in one process:
// packets go in and come out, rules count, changes reach the datapath.
package ofswitch
