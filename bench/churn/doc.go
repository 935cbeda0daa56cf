// Command churn shows that rules are inserted and removed while packets flow, 10,000 a second, without a lost or misrouted packet,
// the original OVS-DPDK beside govs in one run. `make bench ROW=churn` runs it.
//
// Guest a sends 1,000 flows at a fixed rate over vhost-user ports; guests b and d receive (package bench/guest; as in bench/storm, one
// thread on processor 0 sends and receives, and the switch's poll-mode thread has processor 1). Meanwhile an OpenFlow connection
// sends flow_mods, with a barrier after every 50. Half of them add and delete rules that match no packet. The others redirect
// the flows, one after the other, from b to d and back: the flows with even numbers by modify_strict, those with odd ones by adding a rule of higher
// priority and deleting the one before.
//
// Each version of a flow's rule also writes its number to the packet's source address, so every packet that arrives says which
// version it was forwarded by. Version 0 and all even ones lead to b, odd ones to d. For each version is known when it was sent
// and when the reply to the barrier behind it had come; packets carry the time at which they were sent. A packet is misrouted if its version
// does not exist yet, if it came to the other port than its version's, or if it was sent more than a second after the switch had
// confirmed the next version. A change's in-force time is that from its confirmation until the last packet was sent that an
// earlier version forwarded, or 0.
//
// Sent are all packets; refused those for which the switch left no room in the sender's ring, and ring full those for
// which b or d had no room in theirs, as the switch's port statistics say. Lost is what else did not arrive.
package main
