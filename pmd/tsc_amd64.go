package pmd

// cycles reads the processor's time-stamp counter.
//
//go:noescape
func cycles() uint64
