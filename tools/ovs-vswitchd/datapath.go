package main

import (
	"govs/dpif"
	"govs/internal/affinity"
	"govs/pmd"
	"govs/vswitchd"
)

// newDatapath makes the userspace datapath of a backer.
func (s *switchSystem) newDatapath(b *vswitchd.Backer) (dpif.Datapath, error) {
	alloc, err := s.dpdk.alloc()
	if err != nil {
		return nil, err
	}
	log := s.prog.Log.Module("dpif_netdev")
	return pmd.New(pmd.Options{
		Name:        b.Type + "@" + b.Name(),
		Alloc:       alloc,
		Now:         func() int64 { return s.clock.Now().UnixMilli() }, // as ofproto reads its clock
		ThreadStart: s.dpdk.threadStart,
		NUMA:        affinity.NUMANode,
		Clock:       s.clock,
		PerfLog:     s.perfLog,
		Logf:        func(format string, args ...any) { log.Infof(format, args...) },
		Warnf:       func(format string, args ...any) { log.Warnf(format, args...) },
	})
}
