//go:build !race

package pmd

import "sync/atomic"

// counter is a number that one poller writes and anybody reads. The writer's store is an ordinary one: on every
// architecture that Go supports with 64-bit words it is not torn, and readers need no order between counters.
type counter struct{ v uint64 }

func (c *counter) add(n uint64)     { c.v += n }
func (c *counter) set(n uint64)     { c.v = n }
func (c *counter) load() uint64     { return atomic.LoadUint64(&c.v) }
func (c *counter) mine() uint64     { return c.v }
func bump(p *uint64, n uint64)      { *p += n }
func storeWord(p *uint64, v uint64) { *p = v }
