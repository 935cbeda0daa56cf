// Package oftable is the classifier behind an OpenFlow table: rules with a match and a priority, looked up by packet key.
//
// A Table is a tuple space: the rules that share a mask form a subtable, which is one hash table. Lookup probes
// subtables in order of the highest priority that each holds and stops as soon as no later subtable can win.
//
// # Un-wildcarding
//
// A lookup also reports which bits of the key it depended on, by setting them in a mask, so that the caller can install a
// megaflow that covers every packet that would have got the same answer for the same reasons. The mask is kept narrow
// in three ways, none of which changes which rule is found:
//
//   - Stages. The fields of a subtable are hashed in four steps (metadata, L2, L3, L4) with an index after each but the
//     last. A packet that no rule agrees with in an early step does not depend on the fields of the later steps.
//   - Prefix tries. For the table's prefix fields (IPv4 source and destination unless set otherwise) a trie of all rules'
//     prefixes tells that a subtable cannot match from fewer address bits than the subtable's prefix has.
//   - A ports trie in each subtable that matches L4 ports: when everything but the ports agreed, only the
//     leading port bits that rule out all the subtable's ports count.
//
// # Versions
//
// A rule is visible to lookups at versions in [added, removed). A writer prepares any number of rules for version v+1 while
// readers look up at v, and publishes all at once by letting readers use v+1. A rule whose removal is published is taken out
// of the table with Remove when no reader uses an older version.
//
// # Goroutines
//
// Any number of goroutines may call Lookup, Find, Each and Overlap, without locks, while one writer at a time calls Insert,
// Remove or SetPrefixes. Readers reach everything through atomic pointers; what a writer replaced is
// reclaimed by the garbage collector when the last reader has gone. A reader must obtain the version it asks for before
// it calls Lookup, so that the rules of that version are already in place.
//
// Package ofproto owns one Table per OpenFlow table of each bridge; ofproto/xlate looks up in it.
package oftable
