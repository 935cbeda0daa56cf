package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed traffic/traffic.c
var trafficSource []byte

// traffic compiles traffic.c to dir, once, and returns the environment in which net_pcap0 makes the row's traffic.
func traffic(dir string, r row) ([]string, error) {
	lib := filepath.Join(dir, "traffic.so")
	if _, err := os.Stat(lib); err != nil {
		src := filepath.Join(dir, "traffic.c")
		if err := os.WriteFile(src, trafficSource, 0o644); err != nil {
			return nil, err
		}
		flags, err := exec.Command("pkg-config", "--cflags", "libdpdk").Output()
		if err != nil {
			return nil, fmt.Errorf("pkg-config --cflags libdpdk: %w", err)
		}
		args := append(strings.Fields(string(flags)), "-O3", "-shared", "-fPIC", "-o", lib, src,
			"-lrte_ethdev", "-lrte_mbuf", "-lrte_mempool", "-lrte_eal", "-ldl")
		if text, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("gcc traffic.c: %w\n%s", err, text)
		}
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
