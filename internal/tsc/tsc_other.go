//go:build !amd64

package tsc

import "time"

var epoch = time.Now()

// Read stands in for a time-stamp counter where we do not know one: nanoseconds.
func Read() uint64 { return uint64(time.Since(epoch)) }
