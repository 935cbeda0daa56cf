// Command million shows what a million megaflows cost a switch and whether it counts exactly what they forward: the original OVS-DPDK and
// govs one after the other, on the same traffic, with the poll-mode thread on processor 1 and everything else on processor 0.
// `make bench ROW=million` runs it.
//
// A net_pcap device gives packets of as many five-tuples as asked for in turn, as fast as it is polled (bench/dataplane/traffic
// makes them), into one rule whose actions read the five-tuple, so that each needs a megaflow of its own. When their number no longer
// rises, the switch is watched for a while: megaflows kept, flow limit, length of a dump, processor time of all threads but the
// poll-mode thread, and cycles per packet of that one. In the last two thirds of that time a rule that concerns none of the packets is added
// and deleted each second, and once one that redirects a hundredth of the flows comes; it is in force for all of them when a hundredth of what is received leaves by
// another port.
//
// Then the device falls silent, all megaflows are evicted, and the sum of the rules' n_packets is compared with the packets that
// the port received, less those that the datapath dropped under a name before they met a rule. The difference must be 0.
package main
