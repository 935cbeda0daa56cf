package dbtools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const schemaFile = "/usr/share/openvswitch/vswitch.ovsschema"

// ours builds our tools once and returns the directory that they are in.
var ours = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gvbin")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", dir + "/"}
	for _, t := range []string{"ovs-vsctl", "ovsdb-client", "ovsdb-tool", "ovs-appctl", "ovsdb-server"} {
		args = append(args, "govs/tools/"+t)
	}
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := ours(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// side is the original's programs or ours.
type side string

const (
	original side = "original"
	our      side = "ours"
)

// program returns the path of a program.
func (s side) program(t *testing.T, name string) string {
	t.Helper()
	if s == original {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "/usr/sbin/" + name
			if _, err := os.Stat(path); err != nil {
				t.Skipf("the original %s is not installed", name)
			}
		}
		return path
	}
	dir, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// env is a place to run programs in: a directory for everything they make.
type env struct {
	t   *testing.T
	dir string
}

func newEnv(t *testing.T) *env {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &env{t, dir}
}

// result is what a program did.
type result struct {
	stdout, stderr string
	code           int
	timedOut       bool
}

// run runs a program, at most for the given time.
func (e *env) run(limit time.Duration, program string, args ...string) result {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = e.dir
	cmd.Env = e.environ()
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		e.t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode(), ctx.Err() != nil}
}

func (e *env) environ() []string {
	return append(os.Environ(), "OVS_RUNDIR="+e.dir, "OVS_DBDIR="+e.dir, "OVS_LOGDIR="+e.dir, "OVS_SYSCONFDIR="+e.dir,
		"OVS_SYSLOG_METHOD=null")
}

// must runs a program that must succeed.
func (e *env) must(program string, args ...string) string {
	e.t.Helper()
	r := e.run(20*time.Second, program, args...)
	if r.code != 0 {
		e.t.Fatalf("%s %q: exit status %d\n%s%s", program, args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// startServer runs an ovsdb-server on a new database until the test ends.
func (e *env) startServer(s side, schema string) {
	e.t.Helper()
	e.must(original.program(e.t, "ovsdb-tool"), "create", "conf.db", schema)
	cmd := exec.Command(s.program(e.t, "ovsdb-server"), "--pidfile", "-vconsole:off", "--remote=punix:"+e.dir+"/db.sock", e.dir+"/conf.db")
	cmd.Dir, cmd.Env = e.dir, e.environ()
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	e.must(original.program(e.t, "ovsdb-client"), "--timeout=15", "wait", "unix:"+e.dir+"/db.sock", "Open_vSwitch", "connected")
}

// words splits a command line as a shell does: by spaces, with quotes and backslashes.
func words(line string) []string {
	var out []string
	var word []byte
	in, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'' && c != '\'':
			word = append(word, c)
		case c == '\\' && quote != '\'' && i+1 < len(line) && (quote == 0 || strings.IndexByte(`"\`, line[i+1]) >= 0):
			i++
			word, in = append(word, line[i]), true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, in = c, true
		case quote == 0 && c == ' ':
			if in {
				out = append(out, string(word))
			}
			word, in = nil, false
		default:
			word, in = append(word, c), true
		}
	}
	if in {
		out = append(out, string(word))
	}
	return out
}

// lines reads a list of command lines.
func lines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

var patterns = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<uuid---------------------------uuid>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d\d\d)?Z`), "<time>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d\d`), "<time>"},
	{regexp.MustCompile(`(row|\() ?[0-9a-f]{8}\b`), "$1 <short>"},
	{regexp.MustCompile(`(/usr/s?bin|/tmp/gvbin\d+)/`), ""},
	{regexp.MustCompile(`/tmp/gv\d+`), "<dir>"},
}

func normalise(s string) string {
	for _, p := range patterns {
		s = p.re.ReplaceAllString(s, p.to)
	}
	return s
}

// sorted returns text with its lines in order, for output in the order of UUIDs or of hashes.
func sorted(s string) string {
	l := strings.Split(s, "\n")
	slices.Sort(l)
	return strings.Join(l, "\n")
}

// text returns what a program did as text to compare.
func (r result) text(unordered bool) string {
	out := normalise(r.stdout)
	if unordered {
		out = sorted(out)
	}
	code := fmt.Sprint(r.code)
	if r.timedOut {
		code = "timeout"
	}
	return out + normalise(r.stderr) + "exit status " + code + "\n"
}
