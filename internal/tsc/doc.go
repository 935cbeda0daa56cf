// Package tsc reads the processor's time-stamp counter, for the benchmarks: theirs is the clock of the poll loops that they
// measure. Any goroutine may call it. Package pmd has its own (cycles), whose calls its tests of the packet path know by name.
package tsc
