//go:build !cgo

package packet

// notInHeap has no meaning without cgo, and so without DPDK.
type notInHeap = struct{}
