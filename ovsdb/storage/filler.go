package storage

import (
	"bytes"
	"crypto/sha1"
	"encoding"
	"encoding/hex"
	"strconv"
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
	fillerSize = 64 << 10 // bytes that a new filler takes
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

// fillerHasher makes headers of fillers without hashing the spaces each time. The zero value is ready; it belongs to
// one goroutine at a time.
type fillerHasher struct {
	states [][]byte // states[i] is the state of SHA-1 after the first 64*i bytes of a filler's body
	buf    []byte
}

// header appends the header of a filler record of exactly size bytes, which is at least fillerMin, to b. There is none
// of a few sizes, where the number of digits of the length changes; then ok is false.
func (h *fillerHasher) header(b []byte, size int) (out []byte, body int, ok bool) {
	for body = size - len(Magic) - 43; ; body-- {
		digits := len(strconv.Itoa(body))
		switch n := len(Magic) + 1 + digits + 1 + 2*sha1.Size + 1 + body; {
		case n < size:
			return b, 0, false
		case n > size:
			continue
		}
		b = append(b, Magic...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(body), 10)
		b = append(b, ' ')
		sum := h.sum(body)
		b = hex.AppendEncode(b, sum[:])
		return append(b, '\n'), body, true
	}
}

// sum returns the SHA-1 of a filler's body of n bytes: "{", spaces, "}\n".
func (h *fillerHasher) sum(n int) (out [sha1.Size]byte) {
	const block = sha1.BlockSize
	if h.buf == nil {
		h.buf = bytes.Repeat([]byte{' '}, 2*block)
	}
	k := (n - 2) / block // whole blocks that are all spaces but for the first byte
	d := sha1.New()
	if k > 0 {
		for len(h.states) <= k {
			i := len(h.states)
			e := sha1.New()
			if i > 1 {
				e.(encoding.BinaryUnmarshaler).UnmarshalBinary(h.states[i-1])
			}
			if i > 0 {
				h.buf[0] = ' '
				if i == 1 {
					h.buf[0] = '{'
				}
				e.Write(h.buf[:block])
			}
			st, _ := e.(encoding.BinaryMarshaler).MarshalBinary() // never fails
			h.states = append(h.states, st)
		}
		d.(encoding.BinaryUnmarshaler).UnmarshalBinary(h.states[k])
	}
	rest := n - 2 - k*block
	h.buf[0] = ' '
	if k == 0 {
		h.buf[0] = '{'
	}
	d.Write(h.buf[:rest])
	d.Write([]byte("}\n"))
	d.Sum(out[:0])
	return out
}

// record appends a whole filler record of size bytes to b.
func (h *fillerHasher) record(b []byte, size int) ([]byte, bool) {
	b, body, ok := h.header(b, size)
	if !ok {
		return b, false
	}
	b = append(b, '{')
	for i := 0; i < body-3; i++ {
		b = append(b, ' ')
	}
	return append(b, '}', '\n'), true
}

// withFiller appends to the record in l.buf, which is about to be written at l.size, what keeps or makes a filler
// behind it, and returns where the filler will end (0 for none). l.mu is held.
func (l *Log) withFiller() int64 {
	end := l.size + int64(len(l.buf))
	rest := l.fillEnd - end
	var ok bool
	if l.fillEnd > 0 && rest >= fillerMin {
		// The end of the filler is there already: only its header and first byte change.
		if l.buf, _, ok = l.hasher.header(l.buf, int(rest)); ok {
			l.buf = append(l.buf, '{')
			return l.fillEnd
		}
	}
	if !l.inBurst.Load() || len(l.buf) >= fillerSize {
		return 0
	}
	// Cover what is left of the old one.
	for n := fillerSize + int(max(rest, 0)); ; n++ {
		if l.buf, ok = l.hasher.record(l.buf, n); ok {
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
