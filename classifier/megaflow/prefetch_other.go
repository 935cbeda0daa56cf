//go:build !amd64

package megaflow

// prefetch does nothing on this architecture: out-of-order execution overlaps the misses as far as it reaches.
func prefetch(addrs *[Burst]uintptr, n int) {}
