package vlog

import "strings"

// Level is the severity of a message. Lower values are more severe.
type Level int32

// The levels, in descending order of severity. Off is no message's level; as
// a destination's level it disables logging there.
const (
	Off Level = iota
	Emer
	Err
	Warn
	Info
	Dbg
)

var levelNames = [...]string{"OFF", "EMER", "ERR", "WARN", "INFO", "DBG"}

// String returns the level's name in capitals.
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return "?"
	}
	return levelNames[l]
}

// ParseLevel finds a level by its name in any case.
func ParseLevel(s string) (Level, bool) {
	for i, n := range levelNames {
		if strings.EqualFold(n, s) {
			return Level(i), true
		}
	}
	return 0, false
}

// severity returns the syslog severity (RFC 5424 section 6.2.1).
func (l Level) severity() int {
	return [...]int{7, 1, 3, 4, 6, 7}[l]
}

// Destination is a place that messages go to.
type Destination int

// The destinations.
const (
	Syslog Destination = iota
	Console
	File
	numDestinations
)

var destinationNames = [...]string{"syslog", "console", "file"}

// String returns the destination's name in lower case.
func (d Destination) String() string { return destinationNames[d] }

// ParseDestination finds a destination by its name in any case.
func ParseDestination(s string) (Destination, bool) {
	for i, n := range destinationNames {
		if strings.EqualFold(n, s) {
			return Destination(i), true
		}
	}
	return 0, false
}

// facilities are the names of the RFC 5424 facilities in order of their codes.
var facilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp",
	"clock", "ftp", "ntp", "audit", "alert", "clock2", "local0", "local1", "local2", "local3", "local4",
	"local5", "local6", "local7"}

// parseFacility returns the code of a facility.
func parseFacility(s string) (int, bool) {
	for i, n := range facilities {
		if strings.EqualFold(n, s) {
			if i >= 10 { // code 10 is authpriv, which has no name here
				return i + 1, true
			}
			return i, true
		}
	}
	return 0, false
}
