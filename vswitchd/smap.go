package vswitchd

import (
	"strconv"
	"strings"
)

// smap reads the string-to-string maps of the database (other_config, options) with the original's leniency: a
// value that does not parse counts as unset.
type smap map[string]string

// str returns the value of key, or def when it is unset.
func (m smap) str(key, def string) string {
	if v, ok := m[key]; ok {
		return v
	}
	return def
}

// boolean returns true only for "true" when the default is false, and false only for "false" when it is true, in any case
// of letters.
func (m smap) boolean(key string, def bool) bool {
	v, ok := m[key]
	if !ok {
		return def
	}
	if def {
		return !strings.EqualFold(v, "false")
	}
	return strings.EqualFold(v, "true")
}

// integer returns the value of key as a decimal integer, or def when it is unset or is not one.
func (m smap) integer(key string, def int64) int64 {
	v, ok := m[key]
	if !ok {
		return def
	}
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	if err != nil {
		return def
	}
	return n
}

// integerIn is integer with values outside [lo, hi] taken for unset.
func (m smap) integerIn(key string, def, lo, hi int64) int64 {
	if n := m.integer(key, def); n >= lo && n <= hi {
		return n
	}
	return def
}
