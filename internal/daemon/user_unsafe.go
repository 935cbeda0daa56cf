package daemon

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"govs/internal/strerror"
)

// userVar says that --user has been obeyed: the process runs as that user already.
const userVar = "GOVS_DAEMON_USER"

// newUser is what --user asks for.
type newUser struct {
	set      bool
	uid, gid int
}

// parseUser reads "user", "user:group" or ":group". An empty part is the present user, or the user's own group.
func (p *Program) parseUser(spec string) error {
	if os.Getenv(userVar) != "" {
		return nil
	}
	file := p.daemon.pidfile
	if file == "" {
		file = "(null)" // what the original prints
	}
	if os.Geteuid() != 0 || os.Getuid() != 0 {
		return fmt.Errorf("%s: only root can use --user option", file)
	}
	name, group, _ := strings.Cut(strings.TrimSpace(spec), ":")
	u, err := user.Current()
	if name != "" {
		u, err = user.Lookup(name)
	}
	if err != nil {
		return fmt.Errorf("%s: user %s not found, aborting.", file, name)
	}
	n := newUser{set: true}
	n.uid, _ = strconv.Atoi(u.Uid)
	n.gid, _ = strconv.Atoi(u.Gid)
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return fmt.Errorf("%s: group %s not found, aborting.", file, group)
		}
		if ids, err := u.GroupIds(); g.Gid != u.Gid && (err != nil || !slices.Contains(ids, g.Gid)) {
			return fmt.Errorf("%s: Invalid --user option %s (user %s is not in group %s), aborting.", file, spec, u.Username, group)
		}
		n.gid, _ = strconv.Atoi(g.Gid)
	}
	p.daemon.user = n
	return nil
}

// UseDatapath makes --user keep what a program needs that deals with network devices.
func (p *Program) UseDatapath() { p.daemon.datapath = true }

// becomeUser starts this program again as the user that --user names, in this process, with the capabilities to lock memory and to bind to
// reserved ports and no others (and three about networks for UseDatapath). They are ambient, so that they stay across --detach and
// --monitor. It returns only if it fails.
func (p *Program) becomeUser() error {
	n := p.daemon.user
	p.giveLog(n)
	caps := []uintptr{unix.CAP_IPC_LOCK, unix.CAP_NET_BIND_SERVICE}
	if p.daemon.datapath {
		caps = append(caps, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BROADCAST)
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	// The credentials of this thread become the new program's.
	runtime.LockOSThread()
	fail := func(what string, err error) error {
		return fmt.Errorf("failed to change user: %s (%s)", what, strerror.Text(err))
	}
	const noRoot = 1<<0 | 1<<1 // SECBIT_NOROOT and its lock: user 0 has no capabilities by itself
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0); err != nil {
		return fail("securebits", err)
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return fail("capget", err)
	}
	capset := func() error {
		_, _, e := syscall.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&data[0])), 0)
		if e != 0 {
			return e
		}
		return nil
	}
	for _, c := range caps { // while the bounding set allows
		data[c/32].Inheritable |= 1 << (c % 32)
	}
	if err := capset(); err != nil {
		return fail("inheritable capabilities", err)
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && err != unix.EINVAL {
			return fail("capability bounding set", err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fail("keep capabilities", err)
	}
	if _, _, e := syscall.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
		return fail("setgroups", e)
	}
	if _, _, e := syscall.RawSyscall(unix.SYS_SETRESGID, uintptr(n.gid), uintptr(n.gid), uintptr(n.gid)); e != 0 {
		return fail("setresgid", e)
	}
	if _, _, e := syscall.RawSyscall(unix.SYS_SETRESUID, uintptr(n.uid), uintptr(n.uid), uintptr(n.uid)); e != 0 {
		return fail("setresuid", e)
	}
	for i := range data {
		data[i] = unix.CapUserData{}
	}
	for _, c := range caps {
		data[c/32].Permitted |= 1 << (c % 32)
	}
	for i := range data {
		data[i].Effective, data[i].Inheritable = data[i].Permitted, data[i].Permitted
	}
	if err := capset(); err != nil {
		return fail("capset", err)
	}
	for _, c := range caps {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0); err != nil {
			return fail("ambient capabilities", err)
		}
	}
	return fail("exec", syscall.Exec(exe, os.Args, append(os.Environ(), userVar+"=1")))
}

// giveLog makes the log file, if there is to be one, and gives it to the new user.
func (p *Program) giveLog(n newUser) {
	if p.logFile == nil {
		return
	}
	name := *p.logFile
	if name == "" {
		name = filepath.Join(p.Dirs.Log, p.Name+".log")
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o660)
	if err != nil {
		return // the new process says so
	}
	defer f.Close()
	_ = f.Chown(n.uid, n.gid)
}
