package storage

import (
	"bytes"
	"time"
)

// A file system must commit its journal before data that makes a file longer is on stable storage, but not before
// data that overwrites what is there. So while transactions are made durable in quick succession, the log ends in a
// filler: a record that is an empty object with many spaces in it, which every reader takes for a transaction that
// does nothing. Records are written over its start, each followed by the header of what remains of it. When the
// burst is over, or the log is closed, the filler is cut off; a reader that finds one at the end of the log after a
// crash cuts it off too. A crash in the middle of such a write leaves what any torn append leaves: an end of the log
// that is not a record.
const (
	fillerSize = 16 << 10 // bytes that a new filler takes
	fillerMin  = 96       // bytes below which what remains of one cannot be a record
	burstSyncs = 16       // syncs within burstTime that make a burst
	burstTime  = time.Second
)

// burst notices bursts of syncs. Log.syncMu guards it.
type burst struct {
	start time.Time
	n     int
}

// note counts a sync at the given time and reports whether it is part of a burst.
func (b *burst) note(now time.Time) bool {
	if now.Sub(b.start) > burstTime {
		b.start, b.n = now, 0
	}
	b.n++
	return b.n >= burstSyncs
}

// filler returns a filler record of exactly size bytes, which is at least fillerMin. There is none of a few sizes, where
// the number of digits of the length changes; then it returns nil.
func filler(size int) []byte {
	// The length of the header depends on the number of digits of the length of the body.
	for body := size - len(Magic) - 43; ; body-- {
		b := make([]byte, 0, size)
		text := bytes.Repeat([]byte{' '}, body-1)
		text[0], text[body-2] = '{', '}'
		if b = appendRecord(b, text); len(b) == size {
			return b
		} else if len(b) < size {
			return nil
		}
	}
}

// withFiller appends to the record in l.buf, which is about to be written at l.size, what keeps or makes a filler
// behind it, and returns where the filler will end (0 for none). l.mu is held.
func (l *Log) withFiller() int64 {
	end := l.size + int64(len(l.buf))
	rest := l.fillEnd - end
	if l.fillEnd > 0 && rest >= fillerMin {
		// The end of the filler is there already: only its header and first byte change.
		if f := filler(int(rest)); f != nil {
			l.buf = append(l.buf, f[:bytes.IndexByte(f, '\n')+2]...)
			return l.fillEnd
		}
	}
	if !l.inBurst.Load() || len(l.buf) >= fillerSize {
		return 0
	}
	// Cover what is left of the old one.
	for n := fillerSize + int(max(rest, 0)); ; n++ {
		if f := filler(n); f != nil {
			l.buf = append(l.buf, f...)
			return end + int64(n)
		}
	}
}

// dropFiller cuts the filler off. l.mu is held.
func (l *Log) dropFiller() {
	if l.fillEnd == 0 {
		return
	}
	l.fillEnd = 0
	if err := l.f.Truncate(l.size); err != nil {
		l.broken = err
	}
}

// watchFiller cuts the filler off when nothing has been appended for burstTime. It runs on a goroutine of the
// clock's.
func (l *Log) watchFiller() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil || l.fillEnd == 0 {
		l.watching = false
		return
	}
	if l.seq != l.watchSeq {
		l.watchSeq = l.seq
		l.clock.AfterFunc(burstTime, l.watchFiller)
		return
	}
	l.inBurst.Store(false)
	l.dropFiller()
	l.watching = false
}
