// Package actions holds the datapath's action list: its types, its text form, the packet edits, and Commit, which turns the
// difference between two flow keys into actions.
//
// A List is immutable once it is published (installed in a megaflow or sent to a datapath); any goroutine may read it. Edits
// (Action.Apply, Action.ApplyBatch) change packets and run on the goroutine that owns the packets; they neither allocate nor
// lock. What needs more than the packet — output, userspace, recirc, ct, meter, sample, clone — is executed by the datapath
// (package pmd), which walks the list itself and calls ApplyBatch for the edits.
//
// ofproto/xlate builds lists with Commit and the constructors here; dpctl and the tests parse and format them.
package actions
