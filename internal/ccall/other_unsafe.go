//go:build !amd64

package ccall

import "unsafe"

// Supported says whether Call works on this architecture.
const Supported = false

// Call is not there on this architecture; see Supported.
func Call(fn, arg unsafe.Pointer) int32 { panic("ccall: not supported on this architecture") }
