package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"govs/internal/strerror"
	"govs/internal/vlog"
)

// A pid file holds the decimal number of a process, which keeps it locked
// (fcntl) as long as it runs. The lock, not the file, tells that it runs.

// Pidfile is a pid file that this process made.
type Pidfile struct {
	path string
	file *os.File // keeps the lock
}

// RunningPid returns the process that holds the lock of the pid file at path,
// or 0 if there is none.
func RunningPid(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return 0, nil
		}
		return 0, err
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return 0, &os.PathError{Op: "fcntl", Path: path, Err: err}
	}
	if lock.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}

// ReadPidfile returns the number of the running process that made the pid
// file at path. A file that nobody holds locked is ESRCH. Failures are also
// logged to module daemon_unix.
func ReadPidfile(path string, reg *vlog.Registry) (int, error) {
	log := reg.Module("daemon_unix")
	b, err := os.ReadFile(path)
	if err != nil {
		log.Warnf("%s: open: %s", path, strerror.Text(err))
		return 0, err
	}
	pid, err := RunningPid(path)
	if err != nil {
		log.Warnf("%s: fcntl: %s", path, strerror.Text(err))
		return 0, err
	}
	if pid == 0 {
		return 0, fmt.Errorf("%s: %w", path, syscall.ESRCH)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if n, err := strconv.Atoi(strings.TrimSpace(line)); err != nil || n != pid {
		log.Warnf("%s: stale pidfile for pid %s being read, locked by pid %d", path, line, pid)
		return 0, fmt.Errorf("%s: %w", path, syscall.ESRCH)
	}
	return pid, nil
}

// MakePidfile writes and locks a pid file for this process.
func MakePidfile(path string) (*Pidfile, error) {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, fmt.Errorf("%s: create failed (%s)", tmp, strerror.Text(err))
	}
	fail := func(what string, err error) (*Pidfile, error) {
		f.Close()
		return nil, fmt.Errorf("%s: %s failed (%s)", tmp, what, strerror.Text(err))
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock); err != nil {
		return fail("fcntl(F_SETLK)", err)
	}
	if err := f.Truncate(0); err != nil {
		return fail("truncate", err)
	}
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		return fail("write", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		f.Close()
		return nil, fmt.Errorf("failed to rename \"%s\" to \"%s\" (%s)", tmp, path, strerror.Text(err))
	}
	return &Pidfile{path: path, file: f}, nil
}

// Remove removes the file. The lock goes with the process, so that there is no
// moment at which the file is there and unlocked.
func (p *Pidfile) Remove() {
	if p != nil {
		_ = os.Remove(p.path)
	}
}

// PidfilePath returns the path that --pidfile[=arg] means.
func (p *Program) PidfilePath(arg string) string {
	switch {
	case arg == "":
		return p.Dirs.Run + "/" + p.Name + ".pid"
	case filepath.IsAbs(arg):
		return arg
	}
	return p.Dirs.Run + "/" + arg
}
