//go:build amd64

package ccall

import "unsafe"

// Supported says whether Call works on this architecture.
const Supported = true

// Call calls the C function int fn(void *arg) on the thread's C stack and returns what it returns. arg may point into Go
// memory, also into the stack, as nothing moves meanwhile; C must not keep it.
//
//go:noescape
func Call(fn, arg unsafe.Pointer) int32
