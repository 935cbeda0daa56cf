//go:build cgo

package packet

import "runtime/cgo"

// notInHeap says that values of the type which has it as a member are never in Go's heap or on a stack: pointers to them are stored
// without write barriers, and the garbage collector does not look at them. A poller relies on that while the world is stopped.
type notInHeap = cgo.Incomplete
