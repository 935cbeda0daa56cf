// Package xlate translates: it runs a packet's key through the tables of a switch and returns the datapath actions that the
// packet gets, the mask of the key bits that this depended on, and what is to be counted (effects).
//
// # What a translation reads
//
// A Snapshot holds bridges, ports and bundles as they were when it was published; it never changes. What changes more often is
// behind it, each with its own way of being read without a lock: flow tables by version (classifier/oftable), groups by
// an atomic pointer to an immutable map, the MAC learning table by its own mutex. xlate never calls its parent, except through
// the functions in Hooks, and only where a packet really came in (Input.Learn), not in a trace or a revalidation.
//
// # Promises
//
//   - The same snapshot, tables and key bits under Result.Mask give the same actions.
//   - A translation ends: depth, number of resubmits, and length of the result are bounded (the bounds of Open vSwitch).
//   - A Ctx allocates nothing for itself once it is warm; what it returns is valid until its next use.
//
// # Goroutines
//
// A Ctx belongs to one goroutine at a time. Handlers, revalidators, traces and packet-outs each have their own, all made with
// one Readers, by which the tables' writer knows when an old version is no longer in use.
package xlate
