package jsonrpc

import (
	"fmt"
	"io"
)

// Limits bounds what a Decoder accepts.
type Limits struct {
	MaxBytes int // longest message; 0 means DefaultMaxBytes
	MaxDepth int // deepest nesting; 0 means DefaultMaxDepth
}

// The limits when none are given.
const (
	DefaultMaxBytes = 1 << 30
	DefaultMaxDepth = 1000
)

// Decoder reads values one after another from a stream.
type Decoder struct {
	r       io.Reader
	limits  Limits
	s       scanner
	buf     []byte // what has been read; never overwritten once returned
	start   int    // where the current value begins
	scanned int    // how far it has been scanned
	offset  int64  // stream offset of buf[0]
	err     error
}

// NewDecoder returns a decoder of r.
func NewDecoder(r io.Reader, l Limits) *Decoder {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	return &Decoder{r: r, limits: l, s: scanner{maxDepth: l.MaxDepth}}
}

// Next returns the bytes of the next object or array, which the caller may
// keep. It returns io.EOF at the end of the stream, io.ErrUnexpectedEOF at its
// end in the middle of a value, and a SyntaxError for what is not JSON.
func (d *Decoder) Next() ([]byte, error) {
	for d.err == nil {
		n, done, reason := d.s.scan(d.buf[d.scanned:])
		d.scanned += n
		switch {
		case reason != "":
			d.err = &SyntaxError{Offset: d.offset + int64(d.scanned), Reason: reason}
		case d.scanned-d.start > d.limits.MaxBytes:
			d.err = &SyntaxError{Offset: d.offset + int64(d.scanned),
				Reason: fmt.Sprintf("message exceeds %d bytes", d.limits.MaxBytes)}
		case done:
			value := d.buf[d.start:d.scanned:d.scanned]
			d.start = d.scanned
			d.s.reset()
			return value, nil
		default:
			d.err = d.fill()
		}
	}
	return nil, d.err
}

// Buffered tells whether bytes have been read that were not returned yet.
func (d *Decoder) Buffered() bool { return d.start < len(d.buf) }

// fill reads more bytes after those in buf.
func (d *Decoder) fill() error {
	const chunk = 4096
	if cap(d.buf)-len(d.buf) < chunk/4 {
		// Move the incomplete value to a new buffer: the old one belongs
		// to those who got its values.
		rest := d.buf[d.start:]
		buf := make([]byte, len(rest), max(chunk, 2*len(rest)))
		copy(buf, rest)
		d.offset += int64(d.start)
		d.scanned -= d.start
		d.start = 0
		d.buf = buf
	}
	for range 100 {
		n, err := d.r.Read(d.buf[len(d.buf):cap(d.buf)])
		d.buf = d.buf[:len(d.buf)+n]
		if n > 0 {
			return nil
		}
		if err == io.EOF && d.s.state != scanStart {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}
