// Package coverage counts events, as "ovs-appctl coverage/show" prints them:
// how often each happened in all, and its rate over the last 5 seconds, minute
// and hour.
//
// A package asks a Registry for a Counter once and keeps it; Inc and Add are
// one atomic addition and may be called from any goroutine, though not for each
// packet. The program calls Run, which samples the counters every 5 seconds, on
// a goroutine of its own. A nil *Counter counts nothing.
package coverage
