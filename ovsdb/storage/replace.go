package storage

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"govs/ovsdb"
)

// Mark is a position between two records of a Log, for Replace.
type Mark struct{ offset int64 }

// Mark returns the current end of the log. Take it together with the snapshot of the contents that Replace is to
// write, while nobody can append.
func (l *Log) Mark() Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader != nil {
		return Mark{l.reader.offset}
	}
	return Mark{l.size}
}

// Replace replaces the file by one that holds the given records (the schema first), followed by whatever was
// appended to the log since mark. The file's name always leads to a complete database; other goroutines may go on
// appending. Only one Replace may be under way at a time.
func (l *Log) Replace(mark Mark, records ...[]byte) error {
	l.mu.Lock()
	if l.f == nil || l.replac {
		l.mu.Unlock()
		return fmt.Errorf("%s: file is closed or being replaced already", l.name)
	}
	if l.reader != nil {
		if err := l.cutTail(); err != nil {
			l.mu.Unlock()
			return err
		}
	}
	l.replac = true
	old := l.f
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.replac = false
		l.mu.Unlock()
	}()

	// Follow a symbolic link: the file is replaced, not the link.
	target := l.name
	if real, err := filepath.EvalSymlinks(target); err == nil {
		target = real
	}
	tmp := target + ".tmp"
	ioErr := func(what string, err error) error {
		os.Remove(tmp)
		return &ovsdb.Error{Tag: "I/O error", Details: tmp + ": " + what, IOError: errnoText(err)}
	}
	mode := os.FileMode(0o640)
	if fi, err := old.Stat(); err == nil {
		mode = fi.Mode().Perm()
	}
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return ioErr("create failed", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	var size int64
	for _, r := range records {
		rec := appendRecord(nil, r)
		size += int64(len(rec))
		if _, err := w.Write(rec); err != nil {
			f.Close()
			return ioErr("write failed", err)
		}
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return ioErr("write failed", err)
	}
	// Copy what was appended meanwhile: most of it, and the sync, without holding up the writers.
	from := mark.offset
	copyTail := func(end int64) error {
		n, err := io.Copy(io.NewOffsetWriter(f, size), io.NewSectionReader(old, from, end-from))
		from += n
		size += n
		return err
	}
	if err := copyTail(l.Size()); err != nil {
		f.Close()
		return ioErr("write failed", err)
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return ioErr("fsync failed", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		f.Close()
		os.Remove(tmp)
		return fmt.Errorf("%s: file was closed", l.name)
	}
	if from < l.size {
		if err = copyTail(l.size); err == nil {
			err = f.Sync()
		}
	}
	if err == nil {
		err = os.Rename(tmp, target)
	}
	if err != nil {
		f.Close()
		return ioErr("failed to rename \""+tmp+"\" to \""+target+"\"", err)
	}
	syncDir(target)
	l.f.Close()
	l.f, l.size, l.broken, l.fillEnd = f, size, nil, 0
	seq := l.seq
	go l.markSynced(seq) // lock order: syncMu is never taken while mu is held
	return nil
}
