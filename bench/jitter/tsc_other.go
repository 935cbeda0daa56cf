//go:build !amd64

package main

import "time"

var epoch = time.Now()

// tsc stands in for a time-stamp counter where we do not know one: nanoseconds.
func tsc() uint64 { return uint64(time.Since(epoch)) }
