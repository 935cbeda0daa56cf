package dummy

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"
)

// captures are a port's capture files (options pcap, rxq_pcap and tx_pcap). The port's mutex guards them.
type captures struct {
	rx, tx         *os.File
	rxPath, txPath string
}

// open opens the files that the options name and closes those that they no longer name. A file that cannot be opened
// is a warning, as in the original.
func (c *captures) open(options map[string]string, logf func(string, ...any)) {
	rx, tx := options["rxq_pcap"], options["tx_pcap"]
	if both := options["pcap"]; both != "" {
		rx, tx = both, both
	}
	if rx == c.rxPath && tx == c.txPath {
		return
	}
	c.close()
	c.rxPath, c.txPath = rx, tx
	if rx != "" {
		c.rx = openCapture(rx, logf)
	}
	switch {
	case tx == rx:
		c.tx = c.rx
	case tx != "":
		c.tx = openCapture(tx, logf)
	}
}

func (c *captures) close() {
	if c.rx != nil {
		_ = c.rx.Close()
	}
	if c.tx != nil && c.tx != c.rx {
		_ = c.tx.Close()
	}
	*c = captures{}
}

func (c *captures) received(frame []byte, at time.Time) { writeCapture(c.rx, frame, at) }
func (c *captures) sent(frame []byte, at time.Time)     { writeCapture(c.tx, frame, at) }

// openCapture opens path for appending and writes the file header of the classic capture format
// (draft-ietf-opsawg-pcap: magic, version 2.4, zone, accuracy, snapshot length, link type 1) if the file is new.
func openCapture(path string, logf func(string, ...any)) *os.File {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		logf("%s: failed to open pcap file for appending (%s)", path, errnoText(err))
		return nil
	}
	if st, err := f.Stat(); err == nil && st.Size() == 0 {
		h := make([]byte, 24)
		binary.LittleEndian.PutUint32(h[0:], 0xa1b2c3d4)
		binary.LittleEndian.PutUint16(h[4:], 2)
		binary.LittleEndian.PutUint16(h[6:], 4)
		binary.LittleEndian.PutUint32(h[16:], 1518)
		binary.LittleEndian.PutUint32(h[20:], 1)
		_, _ = f.Write(h)
	}
	return f
}

func writeCapture(f *os.File, frame []byte, at time.Time) {
	if f == nil {
		return
	}
	rec := make([]byte, 16, 16+len(frame))
	binary.LittleEndian.PutUint32(rec[0:], uint32(at.Unix()))
	binary.LittleEndian.PutUint32(rec[4:], uint32(at.Nanosecond()/1000))
	binary.LittleEndian.PutUint32(rec[8:], uint32(len(frame)))
	binary.LittleEndian.PutUint32(rec[12:], uint32(len(frame)))
	_, _ = f.Write(append(rec, frame...))
}

// errnoText is the C library's text of the system error in err.
func errnoText(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	t := errno.Error()
	if t != "" && 'a' <= t[0] && t[0] <= 'z' {
		t = string(t[0]-'a'+'A') + t[1:]
	}
	return t
}
