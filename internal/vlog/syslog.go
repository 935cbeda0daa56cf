package vlog

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// syslogger sends records to a syslog daemon. A daemon that cannot be reached
// loses messages silently.
type syslogger interface {
	send(rec *record, pattern string)
	// prefix is what "vlog/list-pattern" shows before the pattern.
	prefix() string
}

// SetSyslogMethod chooses how messages get to the syslog daemon: "libc",
// "null", "unix:FILE" or "udp:IP:PORT".
func (r *Registry) SetSyslogMethod(method string) error {
	var s syslogger
	switch {
	case method == "null":
		s = nullSyslog{}
	case method == "libc":
		s = newLibcSyslog(r.program)
	case strings.HasPrefix(method, "unix:"):
		s = &directSyslog{network: "unixgram", address: method[len("unix:"):]}
	case strings.HasPrefix(method, "udp:"):
		s = &directSyslog{network: "udp", address: method[len("udp:"):]}
	default:
		return fmt.Errorf("unsupported syslog method '%s'", method)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.syslog = s
	return nil
}

// SetSyslogTarget additionally sends messages in RFC 5424 form to HOST:PORT by
// UDP.
func (r *Registry) SetSyslogTarget(target string) {
	if _, _, err := net.SplitHostPort(target); err != nil {
		target = net.JoinHostPort(strings.Trim(target, "[]"), "514")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = &directSyslog{network: "udp", address: target, whole: true}
}

type nullSyslog struct{}

func (nullSyslog) send(*record, string) {}
func (nullSyslog) prefix() string       { return "" }

// directSyslog sends datagrams to a socket. It is guarded by Registry.mu.
type directSyslog struct {
	network, address string
	whole            bool // the pattern has the priority already
	conn             net.Conn
	retry            time.Time // do not dial again before this
}

func (d *directSyslog) prefix() string { return "<%B>" }

func (d *directSyslog) send(rec *record, pattern string) {
	if !d.whole {
		pattern = "<%B>" + pattern
	}
	d.write(rec, rec.format(pattern))
}

func (d *directSyslog) write(rec *record, b []byte) {
	for range 2 {
		if d.conn == nil {
			if rec.now.Before(d.retry) {
				return
			}
			conn, err := net.Dial(d.network, d.address)
			if err != nil {
				d.retry = rec.now.Add(time.Second)
				return
			}
			d.conn = conn
		}
		if _, err := d.conn.Write(b); err == nil {
			return
		}
		d.conn.Close()
		d.conn = nil
	}
}

// libcSyslog sends what syslog(3) sends to /dev/log.
type libcSyslog struct {
	directSyslog
	program string
}

func newLibcSyslog(program string) *libcSyslog {
	l := &libcSyslog{program: program}
	l.network, l.address = "unixgram", "/dev/log"
	return l
}

func (l *libcSyslog) prefix() string { return "<%B> %D{%h %e %T} %E %A:" }

func (l *libcSyslog) send(rec *record, pattern string) {
	if l.conn == nil {
		if _, err := os.Stat(l.address); err != nil {
			return
		}
	}
	const daemonFacility = 3
	b := fmt.Appendf(nil, "<%d>%s %s: ", rec.reg.facilityCode(daemonFacility)<<3|rec.level.severity(),
		rec.now.Local().Format(time.Stamp), l.program)
	l.write(rec, append(b, rec.format(pattern)...))
}
