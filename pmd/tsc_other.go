//go:build !amd64

package pmd

import "time"

var cyclesEpoch = time.Now()

// cycles counts nanoseconds where there is no time-stamp counter to read cheaply.
func cycles() uint64 { return uint64(time.Since(cyclesEpoch)) }
