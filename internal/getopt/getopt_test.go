package getopt

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("prog", pflag.ContinueOnError)
	fs.Bool("no-chdir", false, "")
	fs.Bool("no-dbs", false, "")
	fs.CountP("more", "m", "")
	fs.StringP("target", "t", "", "")
	fs.StringP("verbose", "v", "", "")
	fs.Lookup("verbose").NoOptDefVal = "any"
	return fs
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		args string
		mode Mode
		want string
	}{
		{"a -t x b", Permute, "[a b] target=x"},
		{"a -t x b", Posix, "[a -t x b]"},
		{"-tx --more -mm", Permute, "[] more=3 target=x"},
		{"--tar=x --no-c -- -m", Permute, "[-m] no-chdir=true target=x"},
		{"--target x -v y -vz", Permute, "[y] target=x verbose=z"},
		{"-mv", Permute, "[] more=1 verbose=any"},
		{"-", Permute, "[-]"},
		{"--no", Permute, "option '--no' is ambiguous; possibilities: '--no-chdir' '--no-dbs'"},
		{"--foo=1", Permute, "unrecognized option '--foo'"},
		{"--no-d=4", Permute, "option '--no-dbs' doesn't allow an argument"},
		{"--targ", Permute, "option '--target' requires an argument"},
		{"-mt", Permute, "option requires an argument -- 't'"},
		{"-x", Permute, "invalid option -- 'x'"},
	} {
		fs := flags()
		rest, err := Parse(fs, strings.Fields(tc.args), tc.mode)
		got := fmt.Sprint(rest)
		fs.Visit(func(*pflag.Flag) {})
		fs.VisitAll(func(f *pflag.Flag) {
			if f.Changed {
				got += " " + f.Name + "=" + f.Value.String()
			}
		})
		if err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.args, got, tc.want)
		}
	}
}
