// Package text writes and reads OpenFlow in the words of ovs-ofctl 3.1: actions, flows, and whole messages as ovs-ofctl
// prints them; actions and flows as ovs-ofctl(8) and ovs-actions(7) let users write them. The log, ofproto/trace and ovs-ofctl use it.
//
// Functions are pure and may be called from any goroutine. Append functions append to a buffer and return it, like append.
// Errors of Parse functions are ovs-ofctl's own texts, without the program's name. The parser never panics (FuzzParse).
package text
