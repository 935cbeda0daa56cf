// Package affinity binds threads to CPUs and knows which CPUs there are.
//
// A CPU set is a sorted slice of CPU numbers. Pin and Get act on the calling
// thread: the goroutine must be locked to it (runtime.LockOSThread).
package affinity
