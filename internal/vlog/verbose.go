package vlog

import (
	"errors"
	"fmt"
	"strings"
)

// Set applies one specification as "vlog/set" and --verbose take it: words
// separated by spaces, commas or colons (a module, a destination, a level, in
// any order), PATTERN:DESTINATION:PATTERN, or FACILITY:FACILITY. An empty
// specification sets everything to dbg.
func (r *Registry) Set(spec string) error {
	if rest, ok := cutWord(spec, "PATTERN"); ok {
		name, pattern, _ := strings.Cut(rest, ":")
		if rest == "" {
			return errors.New("missing destination")
		}
		d, ok := ParseDestination(name)
		if !ok {
			return fmt.Errorf("unknown destination \"%s\"", name)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.patterns[d] = pattern
		return nil
	}
	if rest, ok := cutWord(spec, "FACILITY"); ok {
		code, ok := parseFacility(rest)
		if !ok {
			return errors.New("invalid facility")
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.facility = code
		return nil
	}

	var module string
	var dest *Destination
	var level *Level
	words := strings.FieldsFunc(spec, func(c rune) bool { return c == ' ' || c == ',' || c == ':' })
	for _, word := range words {
		if strings.EqualFold(word, "ANY") {
			continue
		}
		if d, ok := ParseDestination(word); ok {
			if dest != nil {
				return errors.New("cannot specify multiple destinations")
			}
			dest = &d
		} else if l, ok := ParseLevel(word); ok {
			if level != nil {
				return errors.New("cannot specify multiple levels")
			}
			level = &l
		} else if name, ok := r.findModule(word); ok {
			if module != "" {
				return errors.New("cannot specify multiple modules")
			}
			module = name
		} else {
			return fmt.Errorf("no destination, level, or module \"%s\"", word)
		}
	}
	l := Dbg
	if level != nil {
		l = *level
	}
	r.SetLevels(module, dest, l)
	return nil
}

// SetVerbosity applies the argument of -v or --verbose; without one, pass "".
func (r *Registry) SetVerbosity(arg string) error {
	if err := r.Set(arg); err != nil {
		return fmt.Errorf("processing \"%s\": %w", arg, err)
	}
	return nil
}

// cutWord returns what follows "WORD:" at the start of spec, ignoring case.
func cutWord(spec, word string) (string, bool) {
	first, rest, _ := strings.Cut(spec, ":")
	return rest, strings.EqualFold(first, word)
}

// findModule returns the name of an existing module, ignoring case.
func (r *Registry) findModule(word string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.modules {
		if strings.EqualFold(name, word) {
			return name, true
		}
	}
	return "", false
}
