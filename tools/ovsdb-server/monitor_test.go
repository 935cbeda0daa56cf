package main

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"govs/internal/unixctl"
	"govs/ovsdb"
	"govs/ovsdb/server"
)

// pidOf waits until the pid file names a process other than old, and returns it.
func pidOf(t *testing.T, file string, old int) int {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid != old {
			return pid
		}
	}
	t.Fatalf("%s: no new process", file)
	return 0
}

// ask runs a command on a control socket, waiting for the socket.
func ask(t *testing.T, path, command string, args ...string) string {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var u *unixctl.Client
		if u, err = unixctl.Dial(context.Background(), path); err == nil {
			var out string
			out, err = u.Transact(command, args...)
			u.Close()
			if err == nil {
				return out
			}
		}
	}
	t.Fatalf("%s %v: %v", command, args, err)
	return ""
}

// TestMonitorKeepsConfiguration changes remotes and databases at run time, makes the daemon crash, and looks whether the one that the
// monitor starts in its place has them, on both sides.
func TestMonitorKeepsConfiguration(t *testing.T) {
	for _, ours := range []bool{false, true} {
		name := map[bool]string{false: "original", true: "ours"}[ours]
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath("ovsdb-server"); err != nil && !ours {
				t.Skip("the original ovsdb-server is not installed")
			}
			dir := tempDir(t)
			createDB(t, dir)
			for _, n := range []string{"U", "V"} {
				if err := os.WriteFile(dir+"/s", []byte(strings.Replace(schemaText, `"T"`, `"`+n+`"`, 1)), 0o600); err != nil {
					t.Fatal(err)
				}
				s, err := ovsdb.ReadSchemaFile(dir + "/s")
				if err != nil {
					t.Fatal(err)
				}
				if err := server.CreateFile(dir+"/"+n+".db", s, nil); err != nil {
					t.Fatal(err)
				}
			}
			cmd := command(ours, dir, "--detach", "--monitor", "--pidfile", "--unixctl="+dir+"/ctl", "--log-file", "-vconsole:off",
				"--remote=punix:"+dir+"/a.sock", "t.db", "V.db")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			first := pidOf(t, dir+"/ovsdb-server.pid", 0)
			last := first
			t.Cleanup(func() {
				if b, _ := os.ReadFile("/proc/" + strconv.Itoa(last) + "/cmdline"); strings.Contains(string(b), dir) {
					syscall.Kill(last, syscall.SIGTERM)
				}
			})
			ctl := dir + "/ctl"
			ask(t, ctl, "ovsdb-server/add-db", dir+"/U.db")
			ask(t, ctl, "ovsdb-server/remove-db", "V")
			ask(t, ctl, "ovsdb-server/add-remote", "punix:"+dir+"/b.sock")
			ask(t, ctl, "ovsdb-server/remove-remote", "punix:"+dir+"/a.sock")
			ask(t, ctl, "ovsdb-server/set-active-ovsdb-server", "unix:"+dir+"/nowhere")
			if err := syscall.Kill(first, syscall.SIGSEGV); err != nil {
				t.Fatal(err)
			}
			last = pidOf(t, dir+"/ovsdb-server.pid", first)
			for _, c := range []struct{ command, want string }{
				{"ovsdb-server/list-dbs", "T\nU\n_Server\n"},
				{"ovsdb-server/list-remotes", "punix:" + dir + "/b.sock\n"},
				{"ovsdb-server/get-active-ovsdb-server", "unix:" + dir + "/nowhere\n"},
			} {
				if got := ask(t, ctl, c.command); got != c.want {
					t.Errorf("%s: %q, want %q", c.command, got, c.want)
				}
			}
			dial(t, dir+"/b.sock")
			ask(t, ctl, "exit")
		})
	}
}
