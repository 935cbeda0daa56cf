package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// threadTime is the time that each thread of a process has spent on a processor.
func threadTimes(pid int) (map[int]time.Duration, error) {
	dirs, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(dirs) == 0 {
		return nil, fmt.Errorf("process %d has no threads in /proc", pid)
	}
	times := map[int]time.Duration{}
	for _, d := range dirs {
		b, err := os.ReadFile(filepath.Join(d, "schedstat"))
		if err != nil {
			continue // it ended
		}
		f := strings.Fields(string(b))
		tid, _ := strconv.Atoi(filepath.Base(d))
		if len(f) > 0 {
			ns, _ := strconv.ParseInt(f[0], 10, 64)
			times[tid] = time.Duration(ns)
		}
	}
	return times, nil
}

// busiest is the thread that was on a processor the longest between two readings, and for how long.
func busiest(a, b map[int]time.Duration) (tid int, d time.Duration) {
	for t, v := range b {
		if v-a[t] > d {
			tid, d = t, v-a[t]
		}
	}
	return tid, d
}

// tscHz measures the frequency of the time-stamp counter against the clock.
func tscHz() float64 {
	t0, c0 := time.Now(), tsc()
	time.Sleep(200 * time.Millisecond)
	t1, c1 := time.Now(), tsc()
	return float64(c1-c0) / t1.Sub(t0).Seconds()
}
