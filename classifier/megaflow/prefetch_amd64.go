package megaflow

// prefetch asks for the cache lines of the first n addresses. Any address is allowed: a prefetch never faults.
//
//go:noescape
func prefetch(addrs *[Burst]uintptr, n int)
