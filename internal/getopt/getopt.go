package getopt

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Mode says what happens at the first argument that is no option.
type Mode int

const (
	// Permute goes on: options may follow other arguments.
	Permute Mode = iota
	// Posix stops: everything from there on is an argument.
	Posix
)

// Parse sets flags from args and returns the arguments that are no options.
// Options take effect in order, so that a flag's Set sees those before it.
func Parse(fs *pflag.FlagSet, args []string, mode Mode) (rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(rest, args...), nil
		case strings.HasPrefix(arg, "--"):
			if args, err = parseLong(fs, arg[2:], args); err != nil {
				return nil, err
			}
		case len(arg) > 1 && arg[0] == '-':
			if args, err = parseShort(fs, arg[1:], args); err != nil {
				return nil, err
			}
		case mode == Posix:
			return append(append(rest, arg), args...), nil
		default:
			rest = append(rest, arg)
		}
	}
	return rest, nil
}

// Lookup finds a flag by its name or a unique prefix of it.
func Lookup(fs *pflag.FlagSet, name string) (*pflag.Flag, error) {
	if f := fs.Lookup(name); f != nil && f.Name == name {
		return f, nil
	}
	sorted := fs.SortFlags
	fs.SortFlags = false
	var found []*pflag.Flag
	fs.VisitAll(func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, name) {
			found = append(found, f)
		}
	})
	fs.SortFlags = sorted
	switch len(found) {
	case 0:
		return nil, errorf("unrecognized option '--%s'", name)
	case 1:
		return found[0], nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "option '--%s' is ambiguous; possibilities:", name)
	for _, f := range found {
		fmt.Fprintf(&b, " '--%s'", f.Name)
	}
	return nil, &Error{b.String()}
}

// Error says that a command line does not fit the options. getopt_long(3) prints it after argv[0].
type Error struct{ Text string }

// Error implements error.
func (e *Error) Error() string { return e.Text }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

func takesNone(f *pflag.Flag) bool {
	t := f.Value.Type()
	return t == "bool" || t == "count"
}

func set(f *pflag.Flag, value string) error {
	if err := f.Value.Set(value); err != nil {
		return err
	}
	f.Changed = true
	return nil
}

func parseLong(fs *pflag.FlagSet, opt string, args []string) ([]string, error) {
	name, value, attached := strings.Cut(opt, "=")
	f, err := Lookup(fs, name)
	if err != nil {
		return nil, err
	}
	switch {
	case takesNone(f):
		if attached {
			return nil, errorf("option '--%s' doesn't allow an argument", f.Name)
		}
		return args, set(f, noArgument(f))
	case attached:
		return args, set(f, value)
	case f.NoOptDefVal != "":
		return args, set(f, f.NoOptDefVal)
	case len(args) == 0:
		return nil, errorf("option '--%s' requires an argument", f.Name)
	}
	return args[1:], set(f, args[0])
}

func parseShort(fs *pflag.FlagSet, letters string, args []string) ([]string, error) {
	for len(letters) > 0 {
		c := letters[:1]
		letters = letters[1:]
		f := fs.ShorthandLookup(c)
		if f == nil {
			return nil, errorf("invalid option -- '%s'", c)
		}
		var err error
		switch {
		case takesNone(f):
			err = set(f, noArgument(f))
			if err == nil {
				continue
			}
		case letters != "":
			err = set(f, letters)
		case f.NoOptDefVal != "":
			err = set(f, f.NoOptDefVal)
		case len(args) == 0:
			err = errorf("option requires an argument -- '%s'", c)
		default:
			err = set(f, args[0])
			args = args[1:]
		}
		return args, err
	}
	return args, nil
}

func noArgument(f *pflag.Flag) string {
	if f.NoOptDefVal != "" {
		return f.NoOptDefVal
	}
	return "true"
}
