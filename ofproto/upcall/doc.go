// Package upcall keeps a datapath's megaflows in step with the OpenFlow tables.
//
// Handler goroutines take misses from the datapath, translate them (ofproto/xlate) and answer with a verdict that installs a
// megaflow. Each megaflow's Owner is its ukey: what the translation said is to be counted, what it depended on, and when it was
// made. Revalidators walk all megaflows, at once when something changed and else every max-revalidator milliseconds: they move
// the datapath's counters to the rules, ports and learned addresses that they belong to, remove flows that were idle for
// max-idle, and look at those that are older than the last change; what the changes since then can concern is
// translated again, and then kept, repaired or removed.
//
// # Changes
//
// Whoever changes what a translation may say calls Changed after publishing the change. A ukey notes the change number
// from before its translation began, so a flow whose translation raced with a change is looked at again. xlate.Changes remembers
// the changes of the last few walks: the rules that came and went, and the entries of MAC tables. A walk asks xlate.Judge for each
// flow whether those can concern it, which takes some tens of nanoseconds where a translation takes most of a microsecond.
//
// # The flow limit
//
// The number of megaflows is limited by what the revalidators manage to walk in about a second, up to the configured
// flow-limit, as in Open vSwitch: a walk of more than 2 s or 1.3 s lowers the limit, one of less than 1 s raises it, here by more
// than 1,000 when there are flows to use it.
//
// # Goroutines
//
// Handlers only create ukeys. One goroutine leads the walks; with n-revalidator-threads above 1 and many flows it hands them out to
// others, and a flow is touched by one of them. The datapath's callbacks only count and append to a list. Wait and Purge may be
// called from any goroutine but these.
package upcall
