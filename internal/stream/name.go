package stream

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Default port numbers, assigned by IANA.
const (
	OVSDBPort    = 6640
	OpenFlowPort = 6653
)

// Target is a parsed connection name.
type Target struct {
	Passive bool
	Scheme  string // "unix", "tcp" or "ssl"
	Path    string // of a unix socket, absolute
	Host    string // empty for every local address; may be an IPv6 address without brackets
	Port    int    // 0 lets the system choose (passive only)
	// DefaultPort tells that the name had no port.
	DefaultPort bool
}

// Address returns Host and Port in the form that package net takes.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// NameError says that a string is not a connection name. It wraps EAFNOSUPPORT.
type NameError struct {
	Name   string // the whole name
	Rest   string // the part after the scheme that is wrong, or ""
	Reason string // what is wrong with it, or ""
}

// Error implements error.
func (e *NameError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s: not a valid connection name", e.Name)
	}
	return fmt.Sprintf("%s: %s", e.Rest, e.Reason)
}

// Unwrap returns the errno that Open vSwitch reports.
func (e *NameError) Unwrap() error { return syscall.EAFNOSUPPORT }

// IsActive tells whether name begins like the name of an active connection.
func IsActive(name string) bool {
	return hasScheme(name, "unix:", "tcp:", "ssl:")
}

// IsPassive tells whether name begins like the name of a passive connection.
func IsPassive(name string) bool {
	return hasScheme(name, "punix:", "ptcp:", "pssl:")
}

func hasScheme(name string, schemes ...string) bool {
	for _, s := range schemes {
		if strings.HasPrefix(name, s) {
			return true
		}
	}
	return false
}

// Parse parses the name of an active or passive connection. A port of 0 for
// defaultPort means that the name must have one.
func Parse(name, runDir string, defaultPort int) (Target, error) {
	scheme, rest, ok := strings.Cut(name, ":")
	if !ok {
		return Target{}, &NameError{Name: name}
	}
	t := Target{Scheme: scheme}
	switch scheme {
	case "punix", "ptcp", "pssl":
		t.Passive, t.Scheme = true, scheme[1:]
	case "unix", "tcp", "ssl":
	default:
		return Target{}, &NameError{Name: name}
	}
	if t.Scheme == "unix" {
		t.Path = rest
		if !filepath.IsAbs(rest) {
			t.Path = runDir + "/" + rest
		}
		return t, nil
	}
	bad := func(format string, args ...any) (Target, error) {
		return Target{}, &NameError{Name: name, Rest: rest, Reason: fmt.Sprintf(format, args...)}
	}
	first, second, err := splitTokens(rest)
	if err != "" {
		return bad("%s", err)
	}
	host, port := first, second
	if t.Passive {
		host, port = second, first
	} else if host == "" {
		return bad("host must be specified")
	}
	t.Host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if port == "" {
		if defaultPort == 0 {
			return bad("port must be specified")
		}
		t.Port, t.DefaultPort = defaultPort, true
		return t, nil
	}
	n, perr := strconv.ParseUint(port, 10, 16)
	if perr != nil || n == 0 && !t.Passive {
		return bad("bad port number \"%s\"", port)
	}
	t.Port = int(n)
	return t, nil
}

// splitTokens splits A[:B], either of which may be a bracketed IPv6 address.
func splitTokens(s string) (a, b, problem string) {
	a, rest, ok := token(s)
	if !ok {
		return "", "", "port must be specified"
	}
	if rest == "" {
		return a, "", ""
	}
	b, rest, ok = token(rest[1:])
	if !ok || rest != "" {
		return "", "", "port must be specified"
	}
	return a, b, ""
}

// token returns the part of s before the next colon outside of brackets, and
// the rest from that colon on.
func token(s string) (tok, rest string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || end+1 < len(s) && s[end+1] != ':' {
			return "", "", false
		}
		return s[:end+1], s[end+1:], true
	}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", true
}
