package tsc

// Read reads the processor's time-stamp counter.
func Read() uint64
