package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"govs/ovsdb"
)

// Locks keeps the lock files that one process holds. fcntl locks do not exclude their own process, so all Logs
// of a process that may meet on one file should share one. The zero value is ready for use.
type Locks struct {
	mu   sync.Mutex // guards held
	held map[fileID]bool
}

type fileID struct{ dev, ino uint64 }

// LockedError says that a database file's lock is held, by process PID (this process if it is its own).
type LockedError struct {
	LockName string
	PID      int
	Own      bool
}

func (e *LockedError) Error() string {
	if e.Own {
		return fmt.Sprintf("%s: cannot lock file because this process has already locked it", e.LockName)
	}
	return fmt.Sprintf("%s: cannot lock file because it is already locked by pid %d", e.LockName, e.PID)
}

// Unwrap returns the errno that fcntl gives in this case.
func (e *LockedError) Unwrap() error {
	if e.Own {
		return unix.EDEADLK
	}
	return unix.EAGAIN
}

// LockName returns the name of the lock file of the database file name. Symbolic links are followed, so that all
// names of a file share a lock.
func LockName(name string) string {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		if fi, err := os.Lstat(name); err == nil && fi.Mode()&os.ModeSymlink != 0 {
			name = real
		}
	}
	dir, base := filepath.Split(name)
	return dir + "." + base + ".~lock~"
}

type fileLock struct {
	locks *Locks
	f     *os.File
	id    fileID
}

// lock takes the lock of the database file name, or fails with an *ovsdb.Error whose Cause may be a
// *LockedError.
func (l *Locks) lock(name string) (*fileLock, error) {
	lockName := LockName(name)
	fl, err := l.lockFile(lockName)
	if err != nil {
		return nil, &ovsdb.Error{Tag: "I/O error", Details: name + ": failed to lock lockfile",
			IOError: errnoText(err), Cause: err}
	}
	return fl, nil
}

func (l *Locks) lockFile(lockName string) (*fileLock, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// A file of which this process holds the lock must not even be opened: closing it would drop the lock.
	var st unix.Stat_t
	if unix.Stat(lockName, &st) == nil && l.held[fileID{uint64(st.Dev), st.Ino}] {
		return nil, &LockedError{LockName: lockName, Own: true}
	}
	f, err := os.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	fl := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &fl); err != nil {
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			who := unix.Flock_t{Type: unix.F_WRLCK}
			unix.FcntlFlock(f.Fd(), unix.F_GETLK, &who)
			err = &LockedError{LockName: lockName, PID: int(who.Pid)}
		}
		f.Close()
		return nil, err
	}
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		f.Close()
		return nil, err
	}
	id := fileID{uint64(st.Dev), st.Ino}
	if l.held == nil {
		l.held = make(map[fileID]bool)
	}
	l.held[id] = true
	return &fileLock{locks: l, f: f, id: id}, nil
}

func (fl *fileLock) unlock() {
	if fl == nil {
		return
	}
	fl.locks.mu.Lock()
	defer fl.locks.mu.Unlock()
	delete(fl.locks.held, fl.id)
	fl.f.Close()
}
