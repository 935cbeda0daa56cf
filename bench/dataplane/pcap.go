package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// capture writes the row's capture to dir, if it is not there yet, and returns its path: each flow once, in an order that visits
// neighbours far apart. A capture of fewer than 64 flows repeats them, so that a burst is full.
func capture(dir string, r row) (string, error) {
	path := filepath.Join(dir, r.name+".pcap")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if r.whole != nil {
		return path, writePcap(path, r.whole())
	}
	n := r.flows
	if r.spread > 0 {
		n = 4096 // traffic.c makes the flows: it only needs frames
	}
	count := max(n, 64)
	count -= count % n // whole rounds
	frames := make([][]byte, count)
	for i := range frames {
		frames[i] = r.make(visit(i, n), 0)
	}
	return path, writePcap(path, frames)
}

// visit is the i-th step through n flows. 7919 is prime, so the steps visit each flow once in n.
func visit(i, n int) int { return i * 7919 % n }

// writePcap writes frames as a capture file of Ethernet packets.
func writePcap(path string, frames [][]byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	le := binary.LittleEndian
	h := le.AppendUint32(nil, 0xa1b2c3d4)
	h = le.AppendUint16(h, 2)
	h = le.AppendUint16(h, 4)
	h = append(h, make([]byte, 8)...)
	h = le.AppendUint32(h, 65535)
	h = le.AppendUint32(h, 1) // Ethernet
	w.Write(h)
	for i, b := range frames {
		r := le.AppendUint32(nil, 0)
		r = le.AppendUint32(r, uint32(i%1000000))
		r = le.AppendUint32(r, uint32(len(b)))
		r = le.AppendUint32(r, uint32(len(b)))
		w.Write(r)
		w.Write(b)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// readPcap reads the frames of a capture file of this machine's byte order (little endian), at most limit of them; all if it is 0.
func readPcap(path string, limit int) ([][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	h := make([]byte, 24)
	if _, err := io.ReadFull(r, h); err != nil {
		return nil, fmt.Errorf("%s: header: %w", path, err)
	}
	le := binary.LittleEndian
	if m := le.Uint32(h); m != 0xa1b2c3d4 && m != 0xa1b23c4d {
		return nil, fmt.Errorf("%s: not a capture file: it begins with %#x", path, m)
	}
	var frames [][]byte
	for limit == 0 || len(frames) < limit {
		if _, err := io.ReadFull(r, h[:16]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return frames, fmt.Errorf("%s: record %d: %w", path, len(frames), err)
		}
		n, whole := le.Uint32(h[8:]), le.Uint32(h[12:])
		if n != whole || n > 65535 {
			return frames, fmt.Errorf("%s: record %d has %d of %d bytes", path, len(frames), n, whole)
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return frames, fmt.Errorf("%s: record %d: %w", path, len(frames), err)
		}
		frames = append(frames, b)
	}
	return frames, nil
}
