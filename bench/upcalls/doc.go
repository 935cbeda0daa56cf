// Command upcalls measures how many distinct flows a second a switch translates and installs, end to end: the original
// OVS-DPDK and govs in one run, on the same capture, with the poll-mode thread on processor 1 and everything else on
// processor 0. `make bench ROW=upcalls` runs it.
//
// The capture holds as many different five-tuples as asked for, and each has an OpenFlow rule of its own, so that
// each needs its own megaflow. A net_pcap device replays it for ever: what a switch has no time for comes
// again. The number of installed megaflows is read every other millisecond from the control socket, and the rate is that
// between the first and the last tenth. Taking the port out and in again empties and refills the datapath, once a run.
//
// The second part measures how soon a change of a rule is in force for all packets, with all those megaflows
// installed and hit: a flow of higher priority sends everything to another port, and the time runs until the last packet
// has left by the old one.
package main
