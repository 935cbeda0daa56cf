// Package megaflow is the datapath's tuple-space classifier: the megaflows of one poller, without priorities, because
// ofproto makes megaflows that never overlap.
//
// A Store holds one poller's flow entries outside the Go heap: the statistics, the output port of the commonest action
// list, an index to the poller's Go objects, and the masked key, so that a flow whose mask has at most four words (a
// five-tuple, the Ethernet type and the VLAN tag: two of them share a word) is one cache line. A Classifier holds the flows of one in_port, as every megaflow
// matches its in_port exactly: one Subtable per distinct mask, ordered by hits. A Subtable is an open-addressing table of
// cache-line buckets with eight 16-bit tags and eight entry numbers.
//
// Lookup takes a burst and goes subtable by subtable, and within a subtable stage by stage (hash all, look at all buckets,
// compare all entries), with prefetches between, so that the cache misses of a burst overlap: with a million flows a
// lookup costs two misses, of which most of the wait is shared.
//
// Behind the most hit subtables a filter (filter.go) rules out nearly all of the others, so that a miss does not cost a search in
// each of hundreds of subtables.
//
// # Union mask
//
// Union is the OR of all the masks of a Classifier. Two packets that are equal under it match the same megaflow, so caches in
// front of the classifier (package emc) compare keys under the union mask and not exactly: packets that differ only in bits
// that no megaflow reads share one cache entry. An entry that was made under an older union stays right for as long as its
// flow lives, because the flow's mask was part of that union.
//
// # Thread-safety
//
// Everything is used by the owning poller's goroutine only, but for an Entry's first three words (the statistics), which
// other goroutines may read by atomic loads until the entry is freed. Lookup does not allocate.
package megaflow
