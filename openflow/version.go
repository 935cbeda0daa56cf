package openflow

import "strings"

// Version is an OpenFlow wire version, the first byte of every message.
type Version uint8

// The wire versions.
const (
	OF10 Version = 0x01 + iota
	OF11
	OF12
	OF13
	OF14
	OF15
)

// String is the name that the protocols column and the -O option use, such as "OpenFlow13".
func (v Version) String() string {
	switch {
	case v == 0:
		return "NULL"
	case v <= OF15:
		return "OpenFlow1" + string(rune('0'+v-1))
	}
	return "Unknown OpenFlow version"
}

// Short is the name that printed messages use, such as "OF1.3"; empty for OpenFlow 1.0.
func (v Version) Short() string {
	if v >= OF10 && v <= OF15 {
		return "OF1." + string(rune('0'+v-1))
	}
	return ""
}

// Versions is a set of versions: bit n stands for wire version n, as in the hello message's bitmap.
type Versions uint32

// SetOf is the set of the given versions.
func SetOf(vs ...Version) Versions {
	var s Versions
	for _, v := range vs {
		s |= 1 << v
	}
	return s
}

// UpTo is the set of all versions from 1.0 to v; what a hello without a bitmap means.
func UpTo(v Version) Versions {
	if v > 31 {
		v = 31
	}
	return Versions(uint64(1)<<(v+1)-1) &^ 1
}

// Has says whether v is in the set.
func (s Versions) Has(v Version) bool { return v < 32 && s&(1<<v) != 0 }

// Max is the highest version of the set, 0 if it is empty.
func (s Versions) Max() Version {
	for v := Version(31); v > 0; v-- {
		if s.Has(v) {
			return v
		}
	}
	return 0
}

// String lists the names, such as "OpenFlow10, OpenFlow13".
func (s Versions) String() string {
	var n []string
	for v := OF10; v < 32; v++ {
		if s.Has(v) {
			n = append(n, v.String())
		}
	}
	return strings.Join(n, ", ")
}

// ParseVersion reads a name such as "OpenFlow13" or "OpenFlow1.3".
func ParseVersion(s string) (Version, bool) {
	for v := OF10; v <= OF15; v++ {
		if s == v.String() || s == "OpenFlow1."+string(rune('0'+v-1)) {
			return v, true
		}
	}
	return 0, false
}
