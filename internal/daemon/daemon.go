package daemon

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"govs/internal/strerror"
	"govs/internal/vlog"
)

// roleVar says which role a process has that --detach or --monitor started.
const roleVar = "GOVS_DAEMON_ROLE"

// The roles. The first process has none.
const (
	roleMonitor = "monitor" // watches the daemon and restarts it
	roleDaemon  = "daemon"  // does the work
)

// readyFD is the descriptor by which a started process says that it is ready; stateFD, in a process with stateVar, is Program.State.
const (
	readyFD  = 3
	stateFD  = 4
	stateVar = "GOVS_DAEMON_STATE"
)

func role() string { return os.Getenv(roleVar) }

// daemonState is the part of a Program that AddDaemonFlags fills in.
type daemonState struct {
	enabled   bool
	detach    bool
	monitor   bool
	noChdir   bool
	overwrite bool
	pidfile   string // path, or ""
	user      newUser
	datapath  bool
	keepOut   bool // standard output stays open
	pid       *Pidfile
	ready     *os.File // write end of the starter's pipe, in a started process
	state     *os.File // see State
}

// AddDaemonFlags adds --detach, --monitor, --no-chdir, --pidfile,
// --overwrite-pidfile, --user and --no-self-confinement.
func (p *Program) AddDaemonFlags() {
	d := &p.daemon
	d.enabled = true
	p.Flags.BoolVar(&d.detach, "detach", false, "")
	p.Flags.Bool("no-self-confinement", false, "")
	p.Flags.BoolVar(&d.noChdir, "no-chdir", false, "")
	p.OptionalFunc("pidfile", "", func(s string) error { d.pidfile = p.PidfilePath(s); return nil })
	p.Flags.BoolVar(&d.overwrite, "overwrite-pidfile", false, "")
	p.Flags.BoolVar(&d.monitor, "monitor", false, "")
	p.Func("user", "", p.parseUser)
}

// KeepStdout leaves standard output open in the background.
func (p *Program) KeepStdout() { p.daemon.keepOut = true }

// Detached tells whether --detach was given.
func (p *Program) Detached() bool { return p.daemon.detach }

// SetDetach is --detach, for tools in which a command implies it.
func (p *Program) SetDetach() { p.daemon.detach = true }

// Start goes to the background if --detach says so. When it returns done, this
// process was only there to start the daemon, or to watch over it, and ends with
// status code. Otherwise this process is the daemon and has its pid file.
func (p *Program) Start() (done bool, code int, err error) {
	d := &p.daemon
	if d.user.set {
		return false, 0, p.becomeUser()
	}
	r := role()
	os.Unsetenv(roleVar)
	if r != "" {
		unix.CloseOnExec(readyFD)
		d.ready = os.NewFile(readyFD, "ready")
	}
	if r == roleDaemon && os.Getenv(stateVar) != "" {
		unix.CloseOnExec(stateFD)
		d.state = os.NewFile(stateFD, "state")
	}
	os.Unsetenv(stateVar)
	if r == "" && d.pidfile != "" && !d.overwrite {
		pid, err := RunningPid(d.pidfile)
		if err != nil {
			return false, 0, fmt.Errorf("%s: %s", d.pidfile, strerror.Text(err))
		}
		if pid != 0 {
			return false, 0, fmt.Errorf("%s: already running as pid %d, aborting", d.pidfile, pid)
		}
	}
	switch {
	case r == "" && d.detach:
		next := roleDaemon
		if d.monitor {
			next = roleMonitor
		}
		return p.startAndWait(next)
	case r == roleMonitor, r == "" && d.monitor:
		p.openLog()
		code, err := p.watch()
		return true, code, err
	}
	if d.pidfile != "" {
		if d.pid, err = MakePidfile(d.pidfile); err != nil {
			return false, 0, err
		}
	}
	p.openLog()
	return false, 0, nil
}

// Complete tells whoever started this process that it is up, and lets go of
// the terminal and the directory it was started from.
func (p *Program) Complete() error {
	d := &p.daemon
	if d.ready != nil {
		_, _ = d.ready.Write([]byte{0})
		d.ready.Close()
		d.ready = nil
	}
	if d.detach {
		return p.letGo()
	}
	return nil
}

// SaveState keeps b for the daemon that the monitor starts if this one crashes. Without --monitor it does nothing.
func (p *Program) SaveState(b []byte) error {
	f := p.daemon.state
	if f == nil {
		return nil
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(b, 0)
	return err
}

// LoadState returns what a daemon that crashed had saved, or nil.
func (p *Program) LoadState() ([]byte, error) {
	f := p.daemon.state
	if f == nil {
		return nil, nil
	}
	return io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
}

// letGo leaves the working directory and closes the standard descriptors.
func (p *Program) letGo() error {
	if !p.daemon.noChdir {
		if err := os.Chdir("/"); err != nil {
			return err
		}
	}
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	p.Log.SetConsoleLevel(vlog.Off)
	for fd := range 3 {
		if fd == 1 && p.daemon.keepOut {
			continue
		}
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return err
		}
	}
	return nil
}

// Close removes the pid file.
func (p *Program) Close() { p.daemon.pid.Remove() }

// spawn runs this program again in another role. The file becomes readable
// when the new process is ready, and ends when it, or all that it started and
// that kept the descriptor, has ended.
func spawn(role string, state *os.File) (*exec.Cmd, *os.File, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(exe)
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	if role == roleDaemon && os.Getenv("GOTRACEBACK") == "" {
		// A panic ends in SIGABRT, which the monitor takes for a crash.
		cmd.Env = append(cmd.Env, "GOTRACEBACK=crash")
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	if state != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, state)
		cmd.Env = append(cmd.Env, stateVar+"=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		return nil, nil, err
	}
	return cmd, r, nil
}

// waitReady waits until a process is ready or has ended.
func waitReady(cmd *exec.Cmd, ready *os.File) (ok bool, st syscall.WaitStatus) {
	defer ready.Close()
	if n, _ := io.ReadFull(ready, make([]byte, 1)); n == 1 {
		return true, 0
	}
	return false, wait(cmd)
}

func wait(cmd *exec.Cmd) syscall.WaitStatus {
	_ = cmd.Wait()
	st, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return st
}

// startAndWait is the work of the first process with --detach.
func (p *Program) startAndWait(role string) (done bool, code int, err error) {
	cmd, ready, err := spawn(role, nil)
	if err != nil {
		return false, 0, fmt.Errorf("could not start the daemon: %w", err)
	}
	if ok, st := waitReady(cmd, ready); !ok {
		if st.Exited() && st.ExitStatus() != 0 {
			return true, st.ExitStatus(), nil // it has said why
		}
		return false, 0, fmt.Errorf("fork child died before signaling startup (%s)", statusText(st))
	}
	return true, 0, nil
}

// watch is the work of the monitor: it starts the daemon, and starts it again
// when it crashes.
func (p *Program) watch() (code int, err error) {
	log := p.Log.Module("daemon_unix").Subprogram("monitor")
	// Where the daemon keeps what the next one is to know; a file of no name, which is not lost with the daemon.
	var state *os.File
	if fd, err := unix.MemfdCreate("state", unix.MFD_CLOEXEC); err == nil {
		state = os.NewFile(uintptr(fd), "state")
		defer state.Close()
	} else {
		log.Warnf("no memory for the daemon's state: %s", strerror.Text(err))
	}
	// A terminal's ^C and whoever stops the monitor mean the daemon too.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	var lastRestart time.Time
	for first := true; ; first = false {
		cmd, ready, err := spawn(roleDaemon, state)
		if err != nil {
			return 1, fmt.Errorf("could not start the daemon: %w", err)
		}
		ended := make(chan struct{})
		go func() {
			select {
			case sig := <-stop:
				_ = cmd.Process.Signal(sig)
			case <-ended:
			}
		}()
		ok, st := waitReady(cmd, ready)
		if ok {
			if first {
				if err := p.Complete(); err != nil {
					log.Errf("%v", err)
				}
			}
			st = wait(cmd)
		}
		close(ended)
		msg := fmt.Sprintf("pid %d died, %s", cmd.Process.Pid, statusText(st))
		if first && !ok && st.Exited() {
			return st.ExitStatus(), nil
		}
		if !crashed(st) {
			log.Infof("%s, exiting", msg)
			return st.ExitStatus() & 0xff, nil
		}
		const interval = 10 * time.Second
		if since := time.Since(lastRestart); !lastRestart.IsZero() && since < interval {
			log.Errf("%s, waiting until 10 seconds since last restart", msg)
			select {
			case <-time.After(interval - since):
			case <-stop:
				return 0, nil
			}
		}
		lastRestart = time.Now()
		log.Errf("%s, restarting", msg)
	}
}

// crashed tells whether a process ended in a way that is worth a restart.
func crashed(st syscall.WaitStatus) bool {
	if !st.Signaled() {
		return false
	}
	switch st.Signal() {
	case syscall.SIGABRT, syscall.SIGALRM, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGPIPE,
		syscall.SIGSEGV, syscall.SIGXCPU, syscall.SIGXFSZ:
		return true
	}
	return false
}

// statusText describes how a process ended.
func statusText(st syscall.WaitStatus) string {
	s := ""
	switch {
	case st.Exited():
		s = fmt.Sprintf("exit status %d", st.ExitStatus())
	case st.Signaled():
		s = fmt.Sprintf("killed (%s)", SignalText(st.Signal()))
	default:
		s = fmt.Sprintf("terminated abnormally (%x)", uint32(st))
	}
	if st.CoreDump() {
		s += ", core dumped"
	}
	return s
}

// SignalText returns the C library's description of a signal.
func SignalText(sig syscall.Signal) string {
	s := sig.String()
	return strings.ToUpper(s[:1]) + s[1:]
}
