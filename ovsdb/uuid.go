package ovsdb

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// UUID is a row's identifier (RFC 4122), in network byte order.
type UUID [16]byte

// NewUUID returns a random (version 4) UUID. It may be called from any goroutine.
func NewUUID() UUID {
	var u UUID
	rand.Read(u[:]) // never fails (crypto/rand aborts the program instead)
	return RandomUUID(u)
}

// RandomUUID makes a random (version 4) UUID of random bytes.
func RandomUUID(u [16]byte) UUID {
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// ParseUUID parses the 36-character form.
func ParseUUID(s string) (UUID, error) {
	u, ok := parseUUID(s)
	if !ok {
		return UUID{}, fmt.Errorf("\"%s\" is not a valid UUID", s)
	}
	return u, nil
}

func parseUUID(s string) (u UUID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	j := 0
	for i := 0; i < 36; {
		if s[i] == '-' {
			i++
			continue
		}
		hi, lo := hexVal(s[i]), hexVal(s[i+1])
		if hi > 15 || lo > 15 {
			return UUID{}, false
		}
		u[j] = hi<<4 | lo
		j++
		i += 2
	}
	return u, true
}

func hexVal(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// Append appends the 36-character form of u to b.
func (u UUID) Append(b []byte) []byte {
	b = hex.AppendEncode(b, u[0:4])
	b = append(b, '-')
	b = hex.AppendEncode(b, u[4:6])
	b = append(b, '-')
	b = hex.AppendEncode(b, u[6:8])
	b = append(b, '-')
	b = hex.AppendEncode(b, u[8:10])
	b = append(b, '-')
	return hex.AppendEncode(b, u[10:16])
}

// String returns the 36-character form.
func (u UUID) String() string { return string(u.Append(make([]byte, 0, 36))) }

// IsZero reports whether u is the all-zero UUID, which no row has.
func (u UUID) IsZero() bool { return u == UUID{} }

// Compare orders UUIDs as numbers.
func (u UUID) Compare(v UUID) int { return bytes.Compare(u[:], v[:]) }
