// Package ccall calls short C functions from a poll loop without the scheduler's part of a cgo call.
//
// An ordinary cgo call tells the scheduler twice that the goroutine is away, so that others can have its processor if C takes long.
// That costs about 30 ns, which is too much for a function that takes 100 ns and is called for every burst. Call does the rest
// of a cgo call: it changes to the thread's C stack, calls, and comes back.
//
// The price: while C runs, the goroutine cannot be stopped, so the garbage collector's short stops of the world wait for it. Use it
// for functions that never block, never call back into Go and take microseconds at most: bursts, and mempool operations. The
// runtime itself calls the C library in this way where it needs it.
package ccall
