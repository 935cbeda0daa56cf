package unixctl

import (
	"errors"
	"strconv"
	"time"

	"govs/internal/clock"
	"govs/internal/vlog"
)

// RegisterVlog adds the vlog/... commands. NewServer does it.
func (s *Server) RegisterVlog(reg *vlog.Registry) {
	s.RegisterFunc("vlog/list", "", 0, 0, func([]string) (string, error) { return reg.List(), nil })
	s.RegisterFunc("vlog/list-pattern", "", 0, 0, func([]string) (string, error) { return reg.ListPatterns(), nil })
	s.RegisterFunc("vlog/set", "{spec | PATTERN:destination:pattern}", 0, -1, func(args []string) (string, error) {
		if len(args) == 0 {
			args = []string{""}
		}
		for _, spec := range args {
			if err := reg.Set(spec); err != nil {
				return "", err
			}
		}
		return "", nil
	})
	s.RegisterFunc("vlog/reopen", "", 0, 0, func([]string) (string, error) { return "", reg.Reopen() })
	s.RegisterFunc("vlog/close", "", 0, 0, func([]string) (string, error) { reg.CloseFile(); return "", nil })
	s.RegisterFunc("vlog/disable-rate-limit", "[module]...", 0, -1, func(args []string) (string, error) {
		return "", reg.SetRateLimits(args, false)
	})
	s.RegisterFunc("vlog/enable-rate-limit", "[module]...", 0, -1, func(args []string) (string, error) {
		return "", reg.SetRateLimits(args, true)
	})
}

// RegisterTime adds time/stop and time/warp for a clock. With two arguments
// time/warp goes LARGE milliseconds in steps of MSECS, so that what one step
// sets off happens before the next.
func (s *Server) RegisterTime(w *clock.Warp) {
	s.RegisterFunc("time/stop", "", 0, 0, func([]string) (string, error) { w.Stop(); return "", nil })
	s.RegisterFunc("time/warp", "[large_msecs] msecs", 1, 2, func(args []string) (string, error) {
		msecs := func(s string) int { n, _ := strconv.Atoi(s); return n }
		total := msecs(args[0])
		if total <= 0 {
			return "", errors.New("invalid MSECS")
		}
		step := total
		if len(args) > 1 {
			if step = msecs(args[1]); step <= 0 {
				return "", errors.New("invalid MSECS")
			}
		}
		for total > 0 {
			d := min(step, total)
			w.Advance(time.Duration(d) * time.Millisecond)
			total -= d
		}
		return "warped", nil
	})
}
