package ovs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Side says whose programs are meant.
type Side string

// The two sides.
const (
	Original Side = "original" // Open vSwitch 3.1 from Debian's packages
	Ours     Side = "ours"     // govs, from bin/
)

// Options say what to start. The zero value starts the original without dummy devices.
type Options struct {
	Side  Side // the daemons
	DB    Side // ovsdb-server; Side if empty
	Tools Side // ovs-vsctl and the other tools; Original if empty, also where we lack a tool

	// Dir holds the database, sockets, pid files and logs. If empty, a new directory is made, and Stop
	// removes it. An existing database in it is used, so a second Start in the same Dir is a restart.
	Dir string

	Dummy    bool     // dummy devices and datapaths in place of all others
	Embedded bool     // ours only: ovs-vswitchd hosts the database itself
	Config   []string // other_config of Open_vSwitch, set before ovs-vswitchd starts: "dpdk-init=true"
	Args     []string // further arguments of ovs-vswitchd
	NetNS    string   // the named network namespace in which daemons and tools run; "" is ours
	CPUs     string   // processors of the daemons' threads ("0"), as taskset -c takes them; "" is all

	// Env is added to the environment of the daemons.
	Env []string
	// Timeout bounds the start and each tool; 30 s if zero.
	Timeout time.Duration
}

// Switch is a running switch.
type Switch struct {
	Dir     string
	Options Options

	own      bool // Dir is ours to remove
	db, vsw  *daemon
	toolPath string
}

// daemon is one child process and how to wait for it.
type daemon struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has been reaped
	err  error         // valid after done
}

var originals = map[string][]string{
	"ovs-vswitchd": {"/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk", "/usr/lib/openvswitch-switch/ovs-vswitchd"},
	"ovsdb-server": {"/usr/sbin/ovsdb-server"},
	"ovs-vsctl":    {"/usr/bin/ovs-vsctl"},
	"ovs-ofctl":    {"/usr/bin/ovs-ofctl"},
	"ovs-appctl":   {"/usr/bin/ovs-appctl"},
	"ovs-dpctl":    {"/usr/bin/ovs-dpctl"},
	"ovsdb-client": {"/usr/bin/ovsdb-client"},
	"ovsdb-tool":   {"/usr/bin/ovsdb-tool"},
}

// schema is the database schema that both sides serve.
const schema = "/usr/share/openvswitch/vswitch.ovsschema"

// Bin is the directory of our programs: bin/ of the module whose tree the working directory lies in, or
// the directory of the running program if that holds ovs-vswitchd.
func Bin() string {
	if exe, err := os.Executable(); err == nil {
		if dir := filepath.Dir(exe); isFile(filepath.Join(dir, "ovs-vswitchd")) {
			return dir
		}
	}
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if isFile(filepath.Join(dir, "go.mod")) {
			return filepath.Join(dir, "bin")
		}
		dir = filepath.Dir(dir)
	}
	return "bin"
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

// Program returns the path of a program of one side.
func Program(side Side, name string) (string, error) {
	if side == Ours {
		p := filepath.Join(Bin(), name)
		if !isFile(p) {
			return "", fmt.Errorf("%s is not built (make)", p)
		}
		return p, nil
	}
	for _, p := range originals[name] {
		if isFile(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("the original %s is not installed (make deps)", name)
}

// Available tells why a side's switch cannot be started here, or nil.
func Available(side Side) error {
	for _, n := range []string{"ovs-vswitchd", "ovsdb-server"} {
		if _, err := Program(side, n); err != nil {
			return err
		}
	}
	if _, err := Program(Original, "ovs-vsctl"); err != nil {
		return err
	}
	return nil
}

// Start starts a switch and returns when ovs-vswitchd answers on its control socket.
func Start(o Options) (*Switch, error) {
	if o.Side == "" {
		o.Side = Original
	}
	if o.DB == "" {
		o.DB = o.Side
	}
	if o.Tools == "" {
		o.Tools = Original
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	s := &Switch{Dir: o.Dir, Options: o}
	if s.Dir == "" {
		d, err := os.MkdirTemp("", "gv")
		if err != nil {
			return nil, err
		}
		s.Dir, s.own = d, true
	}
	if err := s.start(); err != nil {
		log := s.logTail()
		s.Stop()
		if log != "" {
			err = fmt.Errorf("%w; end of its log:\n%s", err, log)
		}
		return nil, err
	}
	return s, nil
}

func (s *Switch) start() error {
	if err := s.linkTools(); err != nil {
		return err
	}
	if !s.Options.Embedded {
		if err := s.startDB(); err != nil {
			return err
		}
	}
	if err := s.StartVswitchd(); err != nil {
		return err
	}
	if s.Options.Embedded && len(s.Options.Config) > 0 {
		// The database comes up with the daemon, so the settings come after it.
		return s.configure()
	}
	return nil
}

// configure makes the database's one row, if need be, and sets Options.Config in it.
func (s *Switch) configure() error {
	args := []string{"--no-wait", "--", "init"}
	if len(s.Options.Config) > 0 {
		args = append(args, "--", "set", "Open_vSwitch", ".")
		for _, kv := range s.Options.Config {
			k, v, _ := strings.Cut(kv, "=")
			args = append(args, fmt.Sprintf("other_config:%s=%q", k, v))
		}
	}
	_, err := s.Vsctl(args...)
	return err
}

// linkTools makes a directory of links to the programs of the chosen sides, for PATH.
func (s *Switch) linkTools() error {
	s.toolPath = filepath.Join(s.Dir, ".tools")
	if err := os.MkdirAll(s.toolPath, 0o755); err != nil {
		return err
	}
	for name := range originals {
		side := s.Options.Tools
		if name == "ovs-vswitchd" || name == "ovsdb-server" {
			side = s.Options.Side // a daemon's name is the name by which it is run
		}
		if name == "ovsdb-server" {
			side = s.Options.DB
		}
		p, err := Program(side, name)
		if err != nil && side == s.Options.Tools {
			p, err = Program(Original, name)
		}
		if err != nil {
			return err
		}
		link := filepath.Join(s.toolPath, name)
		os.Remove(link)
		if err := os.Symlink(p, link); err != nil {
			return err
		}
	}
	return nil
}

func (s *Switch) startDB() error {
	conf := filepath.Join(s.Dir, "conf.db")
	if _, err := os.Stat(conf); errors.Is(err, os.ErrNotExist) {
		if _, err := s.Run("ovsdb-tool", "create", conf, schema); err != nil {
			return err
		}
	}
	var err error
	sock := filepath.Join(s.Dir, "db.sock")
	s.db, err = s.spawn("ovsdb-server", conf, "--remote=punix:"+sock, "--pidfile",
		"--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
		"--log-file", "-vconsole:off")
	if err != nil {
		return err
	}
	if err := s.waitFor(s.db, func() bool {
		c, err := net.Dial("unix", sock)
		if err == nil {
			c.Close()
		}
		return err == nil
	}); err != nil {
		return err
	}
	return s.configure()
}

// StartVswitchd starts ovs-vswitchd, for instance after Kill.
func (s *Switch) StartVswitchd() error {
	args := []string{"--pidfile", "--log-file", "-vconsole:off"}
	if s.Options.Dummy {
		args = append(args, "--enable-dummy=override", "--disable-system", "--disable-system-route")
	}
	args = append(args, s.Options.Args...)
	if s.Options.Embedded {
		args = append(args, "--embedded-db="+filepath.Join(s.Dir, "conf.db"))
	} else {
		args = append(args, "unix:"+filepath.Join(s.Dir, "db.sock"))
	}
	var err error
	s.vsw, err = s.spawn("ovs-vswitchd", args...)
	if err != nil {
		return err
	}
	return s.waitFor(s.vsw, func() bool {
		if _, err := s.Appctl("version"); err != nil {
			return false
		}
		if s.Options.Embedded {
			_, err := os.Stat(filepath.Join(s.Dir, "db.sock"))
			return err == nil
		}
		return true
	})
}

func (s *Switch) spawn(name string, args ...string) (*daemon, error) {
	path := filepath.Join(s.toolPath, name)
	if s.Options.CPUs != "" {
		path, args = "taskset", append([]string{"-c", s.Options.CPUs, path}, args...)
	}
	out, err := os.OpenFile(filepath.Join(s.Dir, name+".out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	c := s.command(context.Background(), path, args...)
	c.Env = append(c.Env, s.Options.Env...)
	c.Stdout, c.Stderr = out, out
	d := &daemon{name: name, cmd: c, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// A ^C at the terminal is for us, not for the daemons. PDEATHSIG is tied to the thread that forks: keep it until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
		if err := c.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		d.err = c.Wait()
		close(d.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return d, nil
}

// waitFor polls until ready, for at most the timeout, and gives up at once when the daemon ends.
func (s *Switch) waitFor(d *daemon, ready func() bool) error {
	deadline := time.Now().Add(s.Options.Timeout)
	for !ready() {
		select {
		case <-d.done:
			return fmt.Errorf("%s ended while it started: %v", d.name, d.err)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer after %v", d.name, s.Options.Timeout)
		}
	}
	return nil
}

// Env is the environment in which the tools find this switch.
func (s *Switch) Env() []string {
	env := []string{
		"OVS_RUNDIR=" + s.Dir, "OVS_DBDIR=" + s.Dir, "OVS_LOGDIR=" + s.Dir, "OVS_SYSCONFDIR=" + s.Dir,
		"PATH=" + s.toolPath + ":" + os.Getenv("PATH") + ":/usr/sbin:/sbin:/usr/bin:/bin",
		"LC_ALL=C", "TZ=UTC",
	}
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); k != "PATH" && k != "TZ" && !strings.HasPrefix(k, "OVS_") && !strings.HasPrefix(k, "LC_") {
			env = append(env, kv)
		}
	}
	return env
}

// command prepares a program with the switch's environment, directory and network namespace.
func (s *Switch) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	if filepath.Base(path) == path {
		if link := filepath.Join(s.toolPath, path); s.toolPath != "" {
			if _, err := os.Lstat(link); err == nil {
				path = link
			}
		}
	}
	if s.Options.NetNS != "" {
		path, args = "ip", append([]string{"netns", "exec", s.Options.NetNS, path}, args...)
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Dir, c.Env = s.Dir, s.Env()
	c.WaitDelay = time.Second
	return c
}

// Command prepares a tool (or any other program) to be run on this switch; the caller runs it.
func (s *Switch) Command(name string, args ...string) *exec.Cmd {
	return s.command(context.Background(), name, args...)
}

// Run runs a tool and returns its standard output. The error has its standard error.
func (s *Switch) Run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Options.Timeout)
	defer cancel()
	c := s.command(ctx, name, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer in %v", s.Options.Timeout)
		}
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// Vsctl runs ovs-vsctl.
func (s *Switch) Vsctl(args ...string) (string, error) { return s.Run("ovs-vsctl", args...) }

// Ofctl runs ovs-ofctl.
func (s *Switch) Ofctl(args ...string) (string, error) { return s.Run("ovs-ofctl", args...) }

// Appctl runs ovs-appctl on ovs-vswitchd.
func (s *Switch) Appctl(args ...string) (string, error) { return s.Run("ovs-appctl", args...) }

// Shell runs one line of shell in the switch's directory and returns what it printed on standard output and
// standard error together, and its exit status (-1 when it had to be ended).
func (s *Switch) Shell(line string) (string, int) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Options.Timeout)
	defer cancel()
	c := s.command(ctx, "/bin/sh", "-c", line)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return out.String() + fmt.Sprintf("(no end in %v)\n", s.Options.Timeout), -1
	case errors.As(err, &exit):
		return out.String(), exit.ExitCode()
	case err != nil:
		return out.String() + err.Error() + "\n", -1
	}
	return out.String(), 0
}

// PID is the process number of ovs-vswitchd, from its pid file.
func (s *Switch) PID() (int, error) {
	b, err := os.ReadFile(filepath.Join(s.Dir, "ovs-vswitchd.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// Exited is closed when ovs-vswitchd has ended, for whatever reason.
func (s *Switch) Exited() <-chan struct{} { return s.vsw.done }

// Kill ends ovs-vswitchd with SIGKILL and waits until it is gone. StartVswitchd starts it again.
func (s *Switch) Kill() error {
	pid, err := s.PID()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-s.vsw.done
	return nil
}

// Stop ends both daemons, politely first, and removes the directory if Start made it.
func (s *Switch) Stop() {
	s.vsw.stop(func() { s.Appctl("exit") })
	s.db.stop(func() { s.Appctl("-t", "ovsdb-server", "exit") })
	if s.own {
		os.RemoveAll(s.Dir)
	}
}

func (d *daemon) stop(polite func()) {
	if d == nil {
		return
	}
	select {
	case <-d.done:
		return
	default:
	}
	polite()
	select {
	case <-d.done:
		return
	case <-time.After(5 * time.Second):
	}
	d.cmd.Process.Kill()
	<-d.done
}

// Log is what ovs-vswitchd has logged to its file.
func (s *Switch) Log() string {
	b, _ := os.ReadFile(filepath.Join(s.Dir, "ovs-vswitchd.log"))
	return string(b)
}

// logTail is the end of the log and of what the daemons wrote to their standard output and error.
func (s *Switch) logTail() string {
	var b strings.Builder
	for _, f := range []string{"ovsdb-server.out", "ovs-vswitchd.log", "ovs-vswitchd.out"} {
		text, _ := os.ReadFile(filepath.Join(s.Dir, f))
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) > 30 {
			lines = lines[len(lines)-30:]
		}
		if len(text) > 0 {
			fmt.Fprintf(&b, "%s:\n%s\n", f, strings.Join(lines, "\n"))
		}
	}
	return b.String()
}

// Crashed tells whether the log speaks of a crash: a Go panic, a data race, a signal, an assertion.
func (s *Switch) Crashed() string {
	out, _ := os.ReadFile(filepath.Join(s.Dir, "ovs-vswitchd.out"))
	for _, line := range strings.Split(string(out)+"\n"+s.Log(), "\n") {
		for _, bad := range []string{"panic:", "fatal error:", "DATA RACE", "SIGSEGV", "assertion ", "EMER|"} {
			if strings.Contains(line, bad) {
				return line
			}
		}
	}
	return ""
}
