package main

import (
	"fmt"

	preload "govs/bench/dataplane/traffic"
)

// traffic compiles traffic.c to dir, once, and returns the environment in which net_pcap0 makes the row's traffic.
func traffic(dir string, r row) ([]string, error) {
	lib, err := preload.Library(dir)
	if err != nil {
		return nil, err
	}
	env := []string{"LD_PRELOAD=" + lib}
	if r.spread > 0 {
		env = append(env, fmt.Sprintf("GOVS_TRAFFIC_FLOWS=%d", r.spread))
	}
	if r.split > 0 {
		env = append(env, fmt.Sprintf("GOVS_TRAFFIC_SPLIT=%d", r.split))
	}
	return env, nil
}
