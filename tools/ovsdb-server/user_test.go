package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestUser runs both programs with --user and compares what the processes may do, who owns their files, and the errors.
func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can use --user")
	}
	if _, err := exec.LookPath("ovsdb-server"); err != nil {
		t.Skip("the original ovsdb-server is not installed")
	}
	keep := regexp.MustCompile(`(?m)^(Uid|Gid|Groups|CapPrm|CapEff|CapBnd):.*$`)
	try := func(ours bool, owner int, args ...string) string {
		dir := tempDir(t)
		createDB(t, dir)
		os.Remove(dir + "/.t.db.~lock~")
		for _, f := range []string{dir, dir + "/t.db"} {
			if err := os.Chown(f, owner, owner); err != nil {
				t.Fatal(err)
			}
		}
		os.Chmod(dir, 0o755)
		cmd := command(ours, dir, append(args, "--pidfile", "--log-file", "-vconsole:off", "--remote=punix:"+dir+"/db.sock",
			"--unixctl="+dir+"/ctl", "--detach", "--no-chdir", dir+"/t.db")...)
		if ours {
			// The new user must be able to run the program.
			exe := dir + "/ovsdb-server"
			b, err := os.ReadFile(os.Args[0])
			if err != nil || os.WriteFile(exe, b, 0o755) != nil {
				t.Fatal(err)
			}
			cmd.Path, cmd.Args[0] = exe, exe
		}
		out, err := cmd.CombinedOutput()
		var b strings.Builder
		fmt.Fprintf(&b, "%v %s\n", err, regexp.MustCompile(`(?m)^.*opened log file.*\n`).ReplaceAllString(string(out), ""))
		text, err := os.ReadFile(dir + "/ovsdb-server.pid")
		if err != nil {
			return b.String()
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		defer func() {
			if c, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); strings.Contains(string(c), dir) {
				syscall.Kill(pid, syscall.SIGTERM)
				for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
					if _, err := os.Stat(dir + "/ovsdb-server.pid"); err != nil {
						break
					}
				}
			}
		}()
		status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		for _, l := range keep.FindAllString(string(status), -1) {
			b.WriteString(strings.TrimSpace(l) + "\n")
		}
		for _, f := range []string{"ctl", "db.sock", "ovsdb-server.pid", "ovsdb-server.log", "t.db"} {
			st, err := os.Stat(dir + "/" + f)
			if err != nil {
				fmt.Fprintln(&b, err)
				continue
			}
			s := st.Sys().(*syscall.Stat_t)
			fmt.Fprintf(&b, "%s %d:%d\n", f, s.Uid, s.Gid)
		}
		return b.String()
	}
	for _, c := range []struct {
		owner int
		args  string
	}{
		{65534, "--user=nobody"}, {65534, "--user=nobody:nogroup"}, {65534, "--user=nobody --monitor"}, {0, "--user=root"}, {0, "--user=root:root"},
		{0, "--user=:root"}, {0, "--user="}, {0, "--user=nosuch"}, {0, "--user=nobody:nosuch"}, {0, "--user=:nosuch"}, {0, "--user=nobody:daemon"},
	} {
		a, b := try(false, c.owner, strings.Fields(c.args)...), try(true, c.owner, strings.Fields(c.args)...)
		if a != b {
			t.Errorf("%s\noriginal: %s\nours: %s", c.args, a, b)
		}
	}
}
