package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"govs/internal/clock"
	"govs/internal/getopt"
	"govs/internal/vlog"
)

// TestMain turns the test binary into a small daemon when it is told to, since
// going to the background runs the program again.
func TestMain(m *testing.M) {
	if mode := os.Getenv("GV_TEST_DAEMON"); mode != "" {
		os.Exit(testDaemon(mode))
	}
	os.Exit(m.Run())
}

// testDaemon reports to the unix socket "report" in the run directory: its pid
// and directory, once it is complete.
func testDaemon(mode string) int {
	p := NewProgram("testd", clock.Real{}, nil)
	p.AddDaemonFlags()
	p.AddLogFlags()
	if _, err := p.Parse(os.Args[1:], getopt.Permute); err != nil {
		p.Fatal(nil, "%v", err)
		return 1
	}
	done, code, err := p.Start()
	if err != nil {
		p.Fatal(nil, "%v", err)
		return 1
	}
	if done {
		return code
	}
	defer p.Close()
	switch mode {
	case "fail":
		p.Fatal(nil, "cannot start")
		return 7
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	if err := p.Complete(); err != nil {
		return 1
	}
	dir, _ := os.Getwd()
	c, err := net.Dial("unix", p.Dirs.Run+"/report")
	if err != nil {
		return 1
	}
	fmt.Fprintf(c, "%d %s\n", os.Getpid(), dir)
	c.Close()
	<-term
	return 0
}

type harness struct {
	t   *testing.T
	dir string
	l   net.Listener
}

func newHarness(t *testing.T) *harness {
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", dir+"/report")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &harness{t, dir, l}
}

func (h *harness) run(mode string, args ...string) (out string, code int) {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "GV_TEST_DAEMON="+mode, "OVS_RUNDIR="+h.dir, "OVS_LOGDIR="+h.dir)
	b, _ := cmd.CombinedOutput()
	return string(b), cmd.ProcessState.ExitCode()
}

func (h *harness) report() (pid int, dir string) {
	h.t.Helper()
	if err := h.l.(*net.UnixListener).SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	c, err := h.l.Accept()
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fscan(c, &pid, &dir); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid, dir
}

// gone waits until a process, which is not our child, has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for range 3000 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond) // nothing to wait on for other's children
	}
	t.Fatalf("process %d goes on", pid)
}

func TestDetach(t *testing.T) {
	h := newHarness(t)
	if out, code := h.run("ok", "--detach", "--pidfile", "-vconsole:off"); code != 0 || out != "" {
		t.Fatalf("exit status %d, output %q", code, out)
	}
	pid, dir := h.report()
	if dir != "/" {
		t.Errorf("working directory %s", dir)
	}
	file := filepath.Join(h.dir, "testd.pid")
	if got, err := ReadPidfile(file, vlog.Discard()); err != nil || got != pid {
		t.Errorf("pid file: %d, %v; want %d", got, err, pid)
	}
	want := fmt.Sprintf("testd: %s: already running as pid %d, aborting\n", file, pid)
	if out, code := h.run("ok", "--detach", "--pidfile"); code != 1 || out != want {
		t.Errorf("second daemon: exit status %d, output %q; want %q", code, out, want)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("pid file is left: %v", err)
	}
}

func TestDetachFails(t *testing.T) {
	h := newHarness(t)
	for _, args := range [][]string{{"--detach"}, {"--detach", "--monitor"}, {"--monitor"}, {}} {
		if out, code := h.run("fail", args...); code != 7 || out != "testd: cannot start\n" {
			t.Errorf("%v: exit status %d, output %q", args, code, out)
		}
	}
	want := "testd: fork child died before signaling startup (killed (Killed))\n"
	if out, code := h.run("die", "--detach"); code != 1 || out != want {
		t.Errorf("exit status %d, output %q", code, out)
	}
	want = "testd: /nonexistent/x.tmp: create failed (No such file or directory)\n"
	if out, code := h.run("ok", "--detach", "--pidfile=/nonexistent/x"); code != 1 || out != want {
		t.Errorf("exit status %d, output %q", code, out)
	}
}

func TestMonitorRestarts(t *testing.T) {
	h := newHarness(t)
	if out, code := h.run("ok", "--detach", "--monitor", "--pidfile", "--no-chdir", "--log-file", "-vconsole:off"); code != 0 {
		t.Fatalf("exit status %d, output %q", code, out)
	}
	first, dir := h.report()
	if dir != h.dir {
		t.Errorf("working directory %s", dir)
	}
	if err := syscall.Kill(first, syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	second, _ := h.report()
	if first == second {
		t.Fatal("not restarted")
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", second))
	if err != nil {
		t.Fatal(err)
	}
	var monitor int
	if _, err := fmt.Sscan(string(b)[strings.LastIndex(string(b), ")")+4:], &monitor); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(second, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	gone(t, second)
	gone(t, monitor)
	b, _ = os.ReadFile(h.dir + "/testd.log")
	for _, want := range []string{
		fmt.Sprintf("|daemon_unix(monitor)|ERR|pid %d died, ", first),
		"restarting\n",
		fmt.Sprintf("|daemon_unix(monitor)|INFO|pid %d died, exit status 0, exiting\n", second),
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in log:\n%s", want, b)
		}
	}
}

func TestStalePidfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pid")
	if err := os.WriteFile(file, []byte("1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPidfile(file, vlog.Discard()); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("got %v", err)
	}
}
