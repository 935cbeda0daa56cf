// Package upcall keeps a datapath's megaflows in step with the OpenFlow tables.
//
// Handler goroutines take misses from the datapath, translate them (ofproto/xlate) and answer with a verdict that installs a
// megaflow. Each megaflow's Owner is its ukey: what the translation said is to be counted, and when it was made. A
// revalidator walks all megaflows, at once when something changed and else every max-revalidator milliseconds: it moves the
// datapath's counters to the rules, ports and learned addresses that they belong to, removes flows that were idle for
// max-idle, and translates again those that are older than the last change; it then keeps, repairs or removes them.
//
// # Changes
//
// Whoever changes what a translation may say calls Changed after publishing the change. A ukey notes the change number
// from before its translation began, so a flow whose translation raced with a change is translated again.
//
// # The flow limit
//
// The number of megaflows is limited by what the revalidator manages to walk in about a second, up to the configured
// flow-limit, as in Open vSwitch: a walk of more than 2 s or 1.3 s lowers the limit, one of less than 1 s raises it.
//
// # Goroutines
//
// Handlers only create ukeys; the revalidator, one round at a time (Set.round), is the only one to touch them after that. The
// datapath's callbacks only count and append to a list. Wait and Purge may be called from any goroutine but these.
package upcall
