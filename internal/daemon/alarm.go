package daemon

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// ParseTimeout checks the argument of a -T, -t or --timeout option.
func ParseTimeout(s string) (uint, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("value %s on -T or --timeout is invalid", s)
	}
	return uint(n), nil
}

// SetAlarm ends the process by SIGALRM after so many seconds. For 0 seconds
// the environment variable OVS_CTL_TIMEOUT is used, if it holds a number.
func (p *Program) SetAlarm(seconds uint) {
	if seconds == 0 {
		n, err := strconv.ParseUint(os.Getenv("OVS_CTL_TIMEOUT"), 10, 32)
		if err != nil || n == 0 {
			return
		}
		seconds = uint(n)
	}
	time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		p.Log.Module("fatal_signal").Subprogram("").Warnf("terminating with signal %d (%s)", int(syscall.SIGALRM),
			SignalText(syscall.SIGALRM))
		DieBySignal(syscall.SIGALRM)
	})
}
