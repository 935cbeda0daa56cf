//go:build race

package pmd

import "sync/atomic"

// counter is the race detector's version: the same, with stores that it understands.
type counter struct{ v uint64 }

func (c *counter) add(n uint64)     { atomic.AddUint64(&c.v, n) }
func (c *counter) set(n uint64)     { atomic.StoreUint64(&c.v, n) }
func (c *counter) load() uint64     { return atomic.LoadUint64(&c.v) }
func (c *counter) mine() uint64     { return atomic.LoadUint64(&c.v) }
func bump(p *uint64, n uint64)      { atomic.AddUint64(p, n) }
func storeWord(p *uint64, v uint64) { atomic.StoreUint64(p, v) }
