package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"govs/internal/clock"
	"govs/ovsdb"
)

// Log is a database file open for reading and appending.
//
// Two locks: mu guards the file and what is appended to it; syncMu guards the group commit. They are not held
// together.
type Log struct {
	name string
	lock *fileLock

	mu     sync.Mutex // guards f, size, seq, broken, buf, reader, replacing
	f      *os.File
	size   int64  // length of the file's good part
	seq    uint64 // number of records appended by this Log
	broken error  // set when the end of the file is in an unknown state
	buf    []byte
	reader *Reader // until the first append
	replac bool    // a Replace is under way

	fillEnd  int64 // where the filler behind the last record ends; 0 if there is none
	hasher   fillerHasher
	watching bool // watchFiller will be called
	watchSeq uint64

	clock   clock.Clock
	inBurst atomic.Bool // durable transactions come in quick succession; see filler.go

	syncMu   sync.Mutex // guards the fields below
	syncCond *sync.Cond
	syncing  bool
	synced   uint64 // records up to this one are on stable storage
	syncErr  error
	burst    burst
}

// Options says how to open or create a Log.
type Options struct {
	// ReadOnly opens without lock and without the right to append.
	ReadOnly bool
	// Locks is where the process keeps its file locks; nil uses one of the Log's own.
	Locks *Locks
	// Clock is the source of time; nil is the machine's.
	Clock clock.Clock
	// Mode is the permissions of a created file; 0 means 0640.
	Mode os.FileMode
}

func (o *Options) locks() *Locks {
	if o.Locks == nil {
		return &Locks{}
	}
	return o.Locks
}

func (o *Options) clock() clock.Clock {
	if o.Clock == nil {
		return clock.Real{}
	}
	return o.Clock
}

// Open opens an existing database file. Read the records with Next before the first Append. Errors are in the
// original's words; one that wraps a *LockedError says that another process has the file.
func Open(name string, o Options) (*Log, error) {
	l := &Log{name: name, clock: o.clock()}
	l.syncCond = sync.NewCond(&l.syncMu)
	flags := os.O_RDONLY
	if !o.ReadOnly {
		lock, err := o.locks().lock(name)
		if err != nil {
			return nil, err
		}
		l.lock = lock
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		l.lock.unlock()
		return nil, &ovsdb.Error{Tag: "I/O error", Details: name + ": open failed", IOError: errnoText(err)}
	}
	if err := checkMagic(f, name); err != nil {
		f.Close()
		l.lock.unlock()
		return nil, err
	}
	l.f = f
	l.reader = NewReader(f, name)
	return l, nil
}

// Create makes a new database file, which must not exist, with the given first record (the schema's JSON), and
// syncs it.
func Create(name string, schema []byte, o Options) (*Log, error) {
	lock, err := o.locks().lock(name)
	if err != nil {
		return nil, err
	}
	l := &Log{name: name, lock: lock, clock: o.clock()}
	l.syncCond = sync.NewCond(&l.syncMu)
	mode := o.Mode
	if mode == 0 {
		mode = 0o640
	}
	fail := func(what string, err error) (*Log, error) {
		lock.unlock()
		return nil, &ovsdb.Error{Tag: "I/O error", Details: name + ": " + what, IOError: errnoText(err)}
	}
	if l.f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode); err != nil {
		return fail("create failed", err)
	}
	if _, err := l.Append(schema); err != nil {
		l.f.Close()
		os.Remove(name)
		lock.unlock()
		return nil, err
	}
	if err := l.f.Sync(); err != nil {
		l.f.Close()
		os.Remove(name)
		return fail("fsync failed", err)
	}
	syncDir(name)
	l.synced = l.seq
	return l, nil
}

// Name returns the file's name as it was given.
func (l *Log) Name() string { return l.name }

// Reader returns the reader of the records in the file. It may be used until the first Append.
func (l *Log) Reader() *Reader { return l.reader }

// Size returns the length of the file.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader != nil {
		return l.reader.offset
	}
	return l.size
}

// Append writes one record with the given JSON text at the end of the file and returns its sequence number for
// WaitDurable. When it fails nothing was appended. A part of the file that could not be read is cut off first.
func (l *Log) Append(body []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader != nil {
		if err := l.cutTail(); err != nil {
			return 0, err
		}
	}
	if l.broken != nil {
		if err := l.repair(); err != nil {
			return 0, err
		}
	}
	l.buf = appendRecord(l.buf[:0], body)
	n := int64(len(l.buf))
	fillEnd := l.withFiller()
	if fillEnd == 0 && l.fillEnd > l.size+n {
		l.dropFiller()
	}
	if _, err := l.f.WriteAt(l.buf, l.size); err != nil {
		l.broken = err
		l.repair()
		return 0, &ovsdb.Error{Tag: "I/O error", IOError: errnoText(err),
			Details: fmt.Sprintf("%s: write failed", l.name)}
	}
	l.size += n
	l.fillEnd = fillEnd
	if fillEnd > 0 && !l.watching {
		l.watching, l.watchSeq = true, l.seq
		l.clock.AfterFunc(burstTime, l.watchFiller)
	}
	if cap(l.buf) > 1<<20 {
		l.buf = nil
	}
	l.seq++
	return l.seq, nil
}

// cutTail removes what follows the last good record. l.mu is held.
func (l *Log) cutTail() error {
	l.size = l.reader.offset
	l.reader = nil
	fi, err := l.f.Stat()
	if err == nil && fi.Size() > l.size {
		err = l.f.Truncate(l.size)
	}
	if err != nil {
		l.broken = err
		return l.repair()
	}
	return nil
}

// repair brings the file back to its good part after a failed write. l.mu is held.
func (l *Log) repair() error {
	if err := l.f.Truncate(l.size); err != nil {
		return &ovsdb.Error{Tag: "I/O error", IOError: errnoText(err),
			Details: fmt.Sprintf("%s: cannot truncate to length %d", l.name, l.size)}
	}
	l.broken, l.fillEnd = nil, 0
	return nil
}

// WaitDurable returns when the record with sequence number seq, and all before it, are on stable storage. Calls that
// overlap share the system calls (group commit).
func (l *Log) WaitDurable(seq uint64) error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	for l.synced < seq && l.syncErr == nil {
		if l.syncing {
			l.syncCond.Wait()
			continue
		}
		l.syncing = true
		l.syncMu.Unlock()
		l.mu.Lock()
		target, f := l.seq, l.f
		l.mu.Unlock()
		err := fdatasync(f)
		if errors.Is(err, os.ErrClosed) && l.replaced(f) {
			err, target = nil, 0 // Replace has closed the old file: the new one it is
		}
		l.syncMu.Lock()
		l.syncing = false
		if err != nil {
			l.syncErr = &ovsdb.Error{Tag: "I/O error", Details: l.name + ": fsync failed", IOError: errnoText(err)}
		} else if target > l.synced {
			l.synced = target
		}
		if l.burst.note(l.clock.Now()) {
			l.inBurst.Store(true)
		}
		l.syncCond.Broadcast()
	}
	if l.synced >= seq {
		return nil
	}
	return l.syncErr
}

// fdatasync brings a file's data to stable storage. Close may be called meanwhile: it takes effect afterwards.
func fdatasync(f *os.File) error {
	if f == nil {
		return os.ErrClosed
	}
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sync error
	if err := c.Control(func(fd uintptr) { sync = unix.Fdatasync(int(fd)) }); err != nil {
		return err
	}
	return sync
}

// replaced says whether another file has taken the place of f.
func (l *Log) replaced(f *os.File) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f != nil && l.f != f
}

// markSynced notes that a new file that holds everything up to seq is on stable storage.
func (l *Log) markSynced(seq uint64) {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	l.syncErr = nil
	if seq > l.synced {
		l.synced = seq
	}
	l.syncCond.Broadcast()
}

// Close closes the file and gives up its lock. The Log must not be used afterwards, except that calls of
// WaitDurable under way return.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	l.dropFiller()
	err := l.f.Close()
	l.f = nil
	l.lock.unlock()
	return err
}

// syncDir makes the directory entry of name durable. Some file systems cannot; that is no error.
func syncDir(name string) {
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return
	}
	d.Sync()
	d.Close()
}

var _ io.Closer = (*Log)(nil)
