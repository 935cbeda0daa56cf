package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"govs/internal/tsc"
)

// threadsOn are the threads of a process that may run on the given processors ("1") and no other.
func threadsOn(pid int, cpus string) ([]int, error) {
	dirs, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(dirs) == 0 {
		return nil, fmt.Errorf("process %d has no threads in /proc", pid)
	}
	var tids []int
	for _, d := range dirs {
		b, err := os.ReadFile(filepath.Join(d, "status"))
		if err != nil {
			continue // it ended
		}
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok && strings.TrimSpace(v) == cpus {
				tid, _ := strconv.Atoi(filepath.Base(d))
				tids = append(tids, tid)
			}
		}
	}
	return tids, nil
}

// onProcessor is the time that the threads have spent on a processor.
func onProcessor(pid int, tids []int) (time.Duration, error) {
	var sum time.Duration
	for _, tid := range tids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, tid))
		if err != nil {
			return 0, err
		}
		f := strings.Fields(string(b))
		if len(f) == 0 {
			return 0, fmt.Errorf("thread %d: empty schedstat", tid)
		}
		ns, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("thread %d: %w", tid, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// tscHz measures the frequency of the time-stamp counter against the clock.
func tscHz() float64 {
	t0, c0 := time.Now(), tsc.Read()
	time.Sleep(200 * time.Millisecond)
	t1, c1 := time.Now(), tsc.Read()
	return float64(c1-c0) / t1.Sub(t0).Seconds()
}
