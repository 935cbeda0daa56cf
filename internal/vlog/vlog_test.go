package vlog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govs/internal/clock"
)

func newTest(t *testing.T) (*Registry, *bytes.Buffer, *clock.Warp) {
	t.Helper()
	w := clock.NewStopped(time.Date(2024, 2, 3, 4, 5, 6, 789e6, time.UTC))
	var b bytes.Buffer
	r := New(Options{Program: "prog", Clock: w, Console: &b, LogDir: t.TempDir(), Modules: []string{"jsonrpc"}})
	if err := r.SetSyslogMethod("null"); err != nil {
		t.Fatal(err)
	}
	return r, &b, w
}

func TestConsoleLine(t *testing.T) {
	r, b, _ := newTest(t)
	m := r.Module("bridge")
	m.Infof("hello %d", 1)
	m.Dbgf("not shown")
	m.Subprogram("monitor").Warnf("100%%")
	want := "2024-02-03T04:05:06Z|00001|bridge|INFO|hello 1\n2024-02-03T04:05:06Z|00001|bridge(monitor)|WARN|100%%\n"
	if b.String() != want {
		t.Errorf("got %q\nwant %q", b, want)
	}
}

func TestPatterns(t *testing.T) {
	r, b, w := newTest(t)
	w.Advance(1500 * time.Millisecond)
	for _, tc := range []struct{ pattern, want string }{
		{"%A|%c|%p|%m", "prog|m|ERR|x"},
		{"%-8c|%8c|%08N", "m       |       m|00000002"},
		{"%r %t%T %%%n", "1500 main %\n"},
		{"%D{%Y%j %y %h %e %T.######}", "2024034 24 Feb  3 04:05:08.289000"},
		{"%B %P%", fmt.Sprintf("131 %d", os.Getpid())},
	} {
		if err := r.Set("PATTERN:console:" + tc.pattern); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		r.Module("m").Errf("x")
		if got := strings.TrimSuffix(b.String(), "\n"); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.pattern, got, tc.want)
		}
	}
}

func TestSet(t *testing.T) {
	r, _, _ := newTest(t)
	for spec, want := range map[string]string{
		"foo":                "no destination, level, or module \"foo\"",
		"err:warn":           "cannot specify multiple levels",
		"console:file":       "cannot specify multiple destinations",
		"jsonrpc vlog":       "cannot specify multiple modules",
		"PATTERN:foo:x":      "unknown destination \"foo\"",
		"PATTERN":            "missing destination",
		"FACILITY:foo":       "invalid facility",
		"FACILITY:local7":    "",
		"ANY:console:err":    "",
		"JSONRPC,syslog:dbg": "",
		"vlog file off":      "",
	} {
		got := ""
		if err := r.Set(spec); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", spec, got, want)
		}
	}
	want := `                 console    syslog    file
                 -------    ------    ------
jsonrpc            ERR        DBG       INFO
vlog               ERR       INFO        OFF
`
	if got := r.List(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestFileReopen(t *testing.T) {
	r, _, _ := newTest(t)
	if err := r.Reopen(); err != ErrNoFile {
		t.Errorf("reopen without a file: %v", err)
	}
	if err := r.OpenFile(""); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(r.logDir, "prog.log")
	r.Module("m").Infof("one")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Reopen(); err != nil {
		t.Fatal(err)
	}
	r.CloseFile()
	r.Module("m").Infof("lost")
	old, _ := os.ReadFile(name + ".1")
	now, _ := os.ReadFile(name)
	if !strings.HasSuffix(string(old), "04:05:06.789Z|00002|m|INFO|one\n2024-02-03T04:05:06.789Z|00003|vlog|INFO|closing log file\n") {
		t.Errorf("old file: %q", old)
	}
	if want := "2024-02-03T04:05:06.789Z|00004|vlog|INFO|opened log file " + name + "\n"; string(now) != want {
		t.Errorf("new file: %q, want %q", now, want)
	}
	if err := r.OpenFile("/nonexistent/x"); err == nil {
		t.Error("no error for a file that cannot be opened")
	}
}

func TestRateLimit(t *testing.T) {
	r, b, w := newTest(t)
	m, rl := r.Module("m"), NewRateLimit(60, 2)
	for range 5 {
		m.WarnRLf(rl, "x")
	}
	w.Advance(3 * time.Second)
	m.WarnRLf(rl, "y")
	if got := strings.Count(b.String(), "|x\n"); got != 2 {
		t.Errorf("%d messages in the burst, want 2", got)
	}
	if want := "Dropped 3 log messages in last 3 seconds (most recently, 3 seconds ago) due to excessive rate\n"; !strings.Contains(b.String(), want) {
		t.Errorf("got %q", b)
	}
	if err := r.SetRateLimits([]string{"nosuch"}, false); err == nil || err.Error() != "unknown module" {
		t.Errorf("unknown module: %v", err)
	}
	if err := r.SetRateLimits([]string{"m"}, false); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	for range 50 {
		m.WarnRLf(rl, "z")
	}
	if got := strings.Count(b.String(), "|z\n"); got != 50 {
		t.Errorf("%d messages without a limit, want 50", got)
	}
}

func TestDisabledIsFree(t *testing.T) {
	r, _, _ := newTest(t)
	m := r.Module("m")
	if n := testing.AllocsPerRun(100, func() { m.Dbgf("x") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	var none *Module
	none.Errf("nothing happens")
}

func FuzzSet(f *testing.F) {
	for _, s := range []string{"PATTERN:console:%D{%Y}%-05N%m", "console:dbg", "FACILITY:daemon", "%", "PATTERN:file:%0999999999999c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		r := New(Options{Program: "p", Console: &b})
		r.syslog = nullSyslog{}
		_ = r.Set(s)
		r.Module("m").Errf("x")
	})
}
