// Package emc holds the two caches that a poller asks before its megaflow classifiers.
//
// Cache is the exact-match cache: keys, under the classifier's union mask (see package megaflow), to flow entries. Its entries are
// complete keys, so a hit needs nothing else. A key of the IPv4 shape is one cache line; longer ones (up to MaxWords) are two.
// It is 2-way associative. A miss that a megaflow answers is inserted with the probability emc-insert-inv-prob asks for,
// and a stream of packets of which few hit (more flows than entries) is kept from it for a time; see Judge.
//
// Signatures is the signature cache: 16 bits of hash to flow entries, which are then compared with the packet under their own
// mask. It holds eight flows a cache line and saves the search through many subtables.
//
// Both belong to one poller's goroutine. They hold megaflow.Ref numbers, never Go pointers, in memory outside the Go heap. A
// removed flow stays in them: the signature cache notices by comparing; the exact-match cache does not, so an entry number may be reused
// only after Sweep has passed over the whole cache (see Cache.Retire). Lookup does not allocate.
package emc
