package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"govs/ovsdb"
	"govs/ovsdb/server"
)

// TestMain lets the test binary be ovsdb-server.
func TestMain(m *testing.M) {
	if os.Getenv("GOVS_BE_OVSDB_SERVER") != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

const schemaText = `{"name":"T","version":"1.0.0","tables":{"A":{"columns":{"n":{"type":"integer"}}}}}`

func createDB(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(dir+"/t.ovsschema", []byte(schemaText), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ovsdb.ReadSchemaFile(dir + "/t.ovsschema")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateFile(dir+"/t.db", s, nil); err != nil {
		t.Fatal(err)
	}
}

// command returns the original's program, or ours, to be run in dir.
func command(ours bool, dir string, args ...string) *exec.Cmd {
	prog := "ovsdb-server"
	env := append(os.Environ(), "OVS_RUNDIR="+dir, "OVS_DBDIR="+dir, "OVS_LOGDIR="+dir, "OVS_SYSCONFDIR="+dir)
	if ours {
		prog = os.Args[0]
		env = append(env, "GOVS_BE_OVSDB_SERVER=1")
	}
	cmd := exec.Command(prog, args...)
	cmd.Dir = dir
	cmd.Env = env
	return cmd
}

var stampRE = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|`)
var pidRE = regexp.MustCompile(`pid \d+`)

// TestCommandLineLikeOriginal runs both programs with the same arguments and compares output and exit status.
func TestCommandLineLikeOriginal(t *testing.T) {
	if _, err := exec.LookPath("ovsdb-server"); err != nil {
		t.Skip("the original ovsdb-server is not installed")
	}
	for _, args := range [][]string{
		{"--version"},
		{"--nonsense"},
		{"--remote"},
		{"nope.db"},
		{"t.ovsschema"},
		{"--remote=db:X", "t.db"},
		{"--remote=db:Q,A,n", "t.db"},
		{"--remote=db:T,Q,n", "t.db"},
		{"--remote=db:T,A,q", "t.db"},
		{"t.db", "t.db"},
		{"--run=exit 0", "--remote=punix:s", "t.db"},
		{"--run=exit 3", "--remote=punix:s", "t.db"},
		{"--run=ovsdb-client list-dbs unix:s", "--remote=punix:s", "t.db"},
		{"--run=ovsdb-client dump unix:s T A n", "--remote=punix:s", "t.db"},
		{"--unixctl=none", "--run=ovsdb-client list-dbs unix:s", "--remote=punix:s", "t.db"},
		{"--run=true"},
	} {
		var seen [2]string
		for i := range seen {
			dir := tempDir(t)
			createDB(t, dir)
			for j := range args {
				args[j] = strings.ReplaceAll(args[j], "unix:s", "unix:"+dir+"/s")
			}
			cmd := command(i == 1, dir, args...)
			// A program that goes on serving is ended after a while.
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(5*time.Second, func() { cmd.Process.Signal(syscall.SIGTERM) })
			err := cmd.Wait()
			code := 0
			var ee *exec.ExitError
			if !timer.Stop() {
				code = -1
			} else if errors.As(err, &ee) {
				code = ee.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			s := strings.ReplaceAll(out.String(), dir+"/", "")
			s = strings.TrimRight(strings.ReplaceAll(s, os.Args[0], "ovsdb-server"), "\n")
			seen[i] = "status " + strconv.Itoa(code) + "\n" + stampRE.ReplaceAllString(pidRE.ReplaceAllString(s, "pid N"), "DATE|")
			for j := range args {
				args[j] = strings.ReplaceAll(args[j], "unix:"+dir+"/s", "unix:s")
			}
		}
		if seen[0] != seen[1] {
			t.Errorf("%q\noriginal: %s\nours:     %s", args, seen[0], seen[1])
		}
	}
}

// TestDetach starts ours in the background, uses it with the original's tools, and ends it with ovs-appctl.
func TestDetach(t *testing.T) {
	for _, p := range []string{"ovs-appctl", "ovsdb-client"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("the original %s is not installed", p)
		}
	}
	dir := tempDir(t)
	createDB(t, dir)
	out, err := command(true, dir, "--detach", "--pidfile", "--log-file", "--no-chdir", "--remote=punix:db.sock", "t.db").CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	b, err := os.ReadFile(dir + "/ovsdb-server.pid")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmdline, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); strings.Contains(string(cmdline), dir) || strings.Contains(string(cmdline), "db.sock") {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	run := func(prog string, args ...string) string {
		t.Helper()
		cmd := exec.Command(prog, args...)
		cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v %s", prog, args, err, out)
		}
		return string(out)
	}
	// A second server cannot have the file.
	if out, err := command(true, dir, "t.db").CombinedOutput(); err == nil || !strings.Contains(string(out), "failed to lock lockfile (Resource temporarily unavailable)") {
		t.Errorf("second server: %v %s", err, out)
	}
	sock := "unix:" + dir + "/db.sock"
	run("ovsdb-client", "transact", sock, `["T",{"op":"insert","table":"A","row":{"n":5}}]`)
	if out := run("ovsdb-client", "--format=csv", "dump", sock, "T", "A", "n"); !strings.Contains(out, "\n5\n") {
		t.Errorf("dump: %s", out)
	}
	if out := run("ovs-appctl", "-t", "ovsdb-server", "ovsdb-server/list-dbs"); out != "T\n_Server\n" {
		t.Errorf("list-dbs: %s", out)
	}
	run("ovs-appctl", "-t", "ovsdb-server", "exit")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(dir + "/ovsdb-server.pid"); os.IsNotExist(err) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the pid file is still there")
		}
	}
	if log, err := os.ReadFile(dir + "/ovsdb-server.log"); err != nil || !strings.Contains(string(log), "|ovsdb_server|INFO|ovsdb-server (Open vSwitch) 3.1.0") {
		t.Errorf("log: %v %s", err, log)
	}
}
