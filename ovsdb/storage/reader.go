package storage

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"govs/internal/strerror"
	"govs/ovsdb"
	"govs/ovsdb/ojson"
)

// The magic words at the start of record headers.
const (
	Magic        = "OVSDB JSON"
	ClusterMagic = "OVSDB CLUSTER"
)

// maxRecord bounds the length that a header may claim: a corrupt one must not make us allocate the earth.
const maxRecord = 1 << 32

// Reader reads the records of a log one after another. It belongs to one goroutine.
type Reader struct {
	name   string
	r      *bufio.Reader
	offset int64 // of the record to be read next
	prev   int64 // of the record read last
	filler bool  // the record read last may be a filler
	err    error // the error that ended the log
}

// NewReader returns a reader of the records of r. name is the file's name, for errors.
func NewReader(r io.Reader, name string) *Reader {
	return &Reader{name: name, r: bufio.NewReaderSize(r, 1<<16)}
}

// Offset returns where the record to be read next starts: behind the last good one.
func (r *Reader) Offset() int64 { return r.offset }

// Next returns the next record, which is a JSON object, and io.EOF at the end of the log. Any other error is an
// *ovsdb.Error in the original's words; every later call returns it again. The value is the caller's.
func (r *Reader) Next() (ojson.Value, error) {
	if r.err != nil {
		return ojson.Value{}, r.err
	}
	v, n, err := r.read()
	if err != nil {
		r.err = err
		if r.filler {
			r.offset = r.prev
		}
		return ojson.Value{}, err
	}
	r.prev = r.offset
	r.offset += n
	r.filler = v.Len() == 0 && n >= fillerMin
	return v, nil
}

// Unread makes the record that Next returned last the end of the log, with the given error: it was well-formed, but
// its meaning is not acceptable.
func (r *Reader) Unread(err error) {
	r.offset = r.prev
	r.err = err
}

func (r *Reader) read() (ojson.Value, int64, error) {
	header, err := r.r.ReadSlice('\n')
	if len(header) == 0 && err == io.EOF {
		return ojson.Value{}, 0, io.EOF
	}
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		return ojson.Value{}, 0, &ovsdb.Error{Tag: "I/O error", Details: r.name + ": read failed", IOError: strerror.Text(err)}
	}
	bad := func() (ojson.Value, int64, error) {
		line := strings.TrimRight(string(header), "\n")
		if i := strings.IndexByte(line, ' '); i >= 0 {
			if j := strings.IndexByte(line[i+1:], ' '); j >= 0 {
				line = line[:i+1+j]
			}
		}
		if len(line) > 128 {
			line = line[:128]
		}
		return ojson.Value{}, 0, ovsdb.Errorf("syntax error", "%s: parse error at offset %d in header line \"%s\"",
			r.name, r.offset, line)
	}
	length, hash, ok := parseHeader(string(header))
	if !ok || err != nil {
		return bad()
	}
	headerLen := int64(len(header))
	body := make([]byte, 0, min(length, 1<<20))
	for int64(len(body)) < length {
		chunk := min(length-int64(len(body)), max(1<<20, int64(cap(body))))
		old := len(body)
		body = append(body, make([]byte, chunk)...)
		n, err := io.ReadFull(r.r, body[old:])
		if err != nil {
			body = body[:old+n]
			if err == io.ErrUnexpectedEOF || err == io.EOF {
				err = io.EOF
			}
			return ojson.Value{}, 0, &ovsdb.Error{Tag: "I/O error", IOError: strerror.Text(err), Details: fmt.Sprintf(
				"%s: error reading %d bytes starting at offset %d", r.name, length-int64(len(body)),
				r.offset+headerLen+int64(len(body)))}
		}
	}
	sum := sha1.Sum(body)
	at := r.offset + headerLen
	if got := hex.EncodeToString(sum[:]); got != hash {
		return ojson.Value{}, 0, ovsdb.Errorf("syntax error",
			"%s: %d bytes starting at offset %d have SHA-1 hash %s but should have hash %s", r.name, length, at, got, hash)
	}
	v, err := ojson.ParseDocument(string(body))
	if err != nil {
		return ojson.Value{}, 0, ovsdb.Errorf("syntax error", "%s: %d bytes starting at offset %d are not valid JSON (%s)",
			r.name, length, at, err)
	}
	if v.Kind() != ojson.Object {
		return ojson.Value{}, 0, ovsdb.Errorf("syntax error", "%s: %d bytes starting at offset %d are not a JSON object",
			r.name, length, at)
	}
	return v, headerLen + length, nil
}

func parseHeader(line string) (length int64, hash string, ok bool) {
	rest, ok := strings.CutPrefix(line, Magic+" ")
	if !ok {
		return 0, "", false
	}
	rest, ok = strings.CutSuffix(rest, "\n")
	if !ok {
		return 0, "", false
	}
	num, hash, ok := strings.Cut(rest, " ")
	if !ok || len(hash) != 2*sha1.Size {
		return 0, "", false
	}
	if _, err := hex.DecodeString(hash); err != nil || strings.ToLower(hash) != hash {
		return 0, "", false
	}
	n, err := strconv.ParseUint(num, 10, 63)
	if err != nil || n == 0 || n > maxRecord {
		return 0, "", false
	}
	return int64(n), hash, true
}

// appendRecord appends a record with the given JSON text to b.
func appendRecord(b, body []byte) []byte {
	h := sha1.New()
	h.Write(body)
	h.Write([]byte{'\n'})
	var sum [sha1.Size]byte
	b = append(b, Magic...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(body))+1, 10)
	b = append(b, ' ')
	b = hex.AppendEncode(b, h.Sum(sum[:0]))
	b = append(b, '\n')
	b = append(b, body...)
	return append(b, '\n')
}

// checkMagic looks at the start of the file and fails, in the original's words, when it is not a standalone
// database.
func checkMagic(f *os.File, name string) error {
	var buf [128]byte
	n, err := f.ReadAt(buf[:], 0)
	if err != nil && err != io.EOF {
		return &ovsdb.Error{Tag: "I/O error", Details: name + ": read failed", IOError: strerror.Text(err)}
	}
	start, _, _ := strings.Cut(string(buf[:n]), "\n")
	_, _, ok := parseHeader(start + "\n")
	switch {
	case n == 0:
		return ovsdb.Errorf("ovsdb error", "%s: cannot identify file type", name)
	case strings.HasPrefix(start, ClusterMagic):
		return ErrClustered(name)
	case !ok:
		return ovsdb.Errorf("ovsdb error", "%s: unexpected file format", name)
	}
	return nil
}

// ErrClustered returns the error about the clustered database file name.
func ErrClustered(name string) error {
	return ovsdb.Errorf("ovsdb error", "%s: clustered databases are not supported", name)
}

func errnoText(err error) string { return strerror.Text(err) }
