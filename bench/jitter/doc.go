// Command jitter measures how evenly the poll loop runs: the distribution of the lengths of its iterations beside that of a plain C
// loop on the same processor, one after the other at the same priority for the same time, while the daemon holds a million
// OpenFlow rules and gets a thousand flow_mods a second. `make bench ROW=jitter` runs it.
//
// The switch's poll-mode thread has processor 1 and forwards what a net_null device gives it for ever, so that it never sleeps; the
// daemon counts the length of every iteration (dpif-netdev/pmd-iterations-show). The C loop (loop/loop.c, compiled with
// the machine's compiler when the program runs) has no more to do than to look at the time-stamp counter until the poll loop's
// average iteration is over, and counts in the same buckets. What both see are the machine's interrupts and other processes;
// what only the poll loop sees is the cost of its work, and of Go's runtime.
package main
