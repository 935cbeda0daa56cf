package vlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"govs/internal/clock"
	"govs/internal/strerror"
)

// Options says how to make a Registry.
type Options struct {
	Program string      // program name: %A and the default log file's name
	LogDir  string      // directory of the default log file
	Clock   clock.Clock // source of time; the machine's clock if nil
	Console io.Writer   // the console; os.Stderr if nil
	Modules []string    // names of modules that exist from the start
}

// Registry holds the modules, levels, patterns and destinations of one program.
type Registry struct {
	program string
	logDir  string
	clock   clock.Clock
	start   time.Time
	pid     int
	main    *subprogram

	// mu guards every field below and the level fields of modules.
	mu       sync.Mutex
	modules  map[string]*module
	levels   [numDestinations]Level // of modules made from now on
	patterns [numDestinations]string
	facility int // RFC 5424 code, -1 for the default
	console  io.Writer
	fileName string
	file     *os.File
	syslog   syslogger
	target   syslogger // of --syslog-target
	self     *Module   // module "vlog"
}

// The default patterns.
const (
	defaultSyslogPattern  = "ovs|%05N|%c%T|%p|%m"
	defaultConsolePattern = "%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m"
	defaultFilePattern    = "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m"
	rfc5424Pattern        = "<%B>1 %D{%Y-%m-%dT%H:%M:%S.###Z} %E %A %P %c - \xef\xbb\xbf%m"
)

// subprogram is a source of messages within the program, with a name and
// serial numbers of its own. The main one's name is empty.
type subprogram struct {
	name   string
	serial atomic.Uint32 // number of the last message
}

// module is the state that all handles of one module share.
type module struct {
	name   string
	levels [numDestinations]Level // guarded by Registry.mu
	max    atomic.Int32           // least severe level enabled at any destination
	nolim  atomic.Bool            // rate limits are off
}

// Module is a handle through which one module logs. A nil *Module discards
// everything.
type Module struct {
	reg *Registry
	m   *module
	sub *subprogram
}

// New returns a registry that logs at level info to the console and to syslog,
// and to a file once OpenFile is called.
func New(o Options) *Registry {
	r := &Registry{
		program:  o.Program,
		logDir:   o.LogDir,
		clock:    o.Clock,
		pid:      os.Getpid(),
		main:     &subprogram{},
		modules:  map[string]*module{},
		levels:   [numDestinations]Level{Info, Info, Info},
		patterns: [numDestinations]string{defaultSyslogPattern, defaultConsolePattern, defaultFilePattern},
		facility: -1,
		console:  o.Console,
	}
	if r.clock == nil {
		r.clock = clock.Real{}
	}
	if r.console == nil {
		r.console = os.Stderr
	}
	r.start = r.clock.Now()
	method := os.Getenv("OVS_SYSLOG_METHOD")
	if method == "" || r.SetSyslogMethod(method) != nil {
		r.syslog = newLibcSyslog(r.program)
	}
	for _, name := range o.Modules {
		r.Module(name)
	}
	r.self = r.Module("vlog")
	return r
}

// Discard returns a registry that logs nowhere, for tests.
func Discard() *Registry {
	r := New(Options{Program: "test", Console: io.Discard})
	r.syslog = nullSyslog{}
	r.SetLevels("", nil, Off)
	return r
}

// Program returns the name of the program.
func (r *Registry) Program() string { return r.program }

// Module returns a handle for the module with the given name, which comes into
// being if it does not exist.
func (r *Registry) Module(name string) *Module {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.modules[name]
	if m == nil {
		m = &module{name: name, levels: r.levels}
		r.modules[name] = m
		r.updateLocked(m)
	}
	return &Module{reg: r, m: m, sub: r.main}
}

// Subprogram returns a handle for the same module whose messages are marked
// with the name of a thread or process, such as "monitor" or "pmd-c01/id:7".
func (m *Module) Subprogram(name string) *Module {
	if m == nil {
		return nil
	}
	return &Module{reg: m.reg, m: m.m, sub: &subprogram{name: name}}
}

// updateLocked recomputes the threshold of m.
func (r *Registry) updateLocked(m *module) {
	max := Off
	for d, l := range m.levels {
		if Destination(d) == File && r.file == nil {
			continue
		}
		if l > max {
			max = l
		}
	}
	m.max.Store(int32(max))
}

func (r *Registry) updateAllLocked() {
	for _, m := range r.modules {
		r.updateLocked(m)
	}
}

// SetLevels sets the level of a module, or of all modules if module is empty,
// at a destination, or at all destinations if d is nil.
func (r *Registry) SetLevels(module string, d *Destination, l Level) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set := func(levels *[numDestinations]Level) {
		for i := range levels {
			if d == nil || int(*d) == i {
				levels[i] = l
			}
		}
	}
	for name, m := range r.modules {
		if module == "" || name == module {
			set(&m.levels)
			r.updateLocked(m)
		}
	}
	if module == "" {
		set(&r.levels)
	}
}

// SetConsoleLevel sets the level of every module at the console.
func (r *Registry) SetConsoleLevel(l Level) {
	d := Console
	r.SetLevels("", &d, l)
}

// Name returns the module's name.
func (m *Module) Name() string { return m.m.name }

// Enabled tells whether a message of level l goes anywhere.
func (m *Module) Enabled(l Level) bool {
	return m != nil && l <= Level(m.m.max.Load())
}

// Emerf logs that a failure forced the process to abort.
func (m *Module) Emerf(format string, args ...any) { m.Logf(Emer, format, args...) }

// Errf logs that an operation or a subsystem failed.
func (m *Module) Errf(format string, args ...any) { m.Logf(Err, format, args...) }

// Warnf logs a failure that others may recover from.
func (m *Module) Warnf(format string, args ...any) { m.Logf(Warn, format, args...) }

// Infof logs what helps to understand a problem later.
func (m *Module) Infof(format string, args ...any) { m.Logf(Info, format, args...) }

// Dbgf logs detail for those who know the code.
func (m *Module) Dbgf(format string, args ...any) { m.Logf(Dbg, format, args...) }

// Logf logs a message of level l, formatted as by fmt.Sprintf.
func (m *Module) Logf(l Level, format string, args ...any) {
	if !m.Enabled(l) {
		return
	}
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	m.reg.write(m, l, msg)
}

// write sends one message to the destinations that want it.
func (r *Registry) write(m *Module, l Level, msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := record{reg: r, module: m.m.name, sub: m.sub.name, serial: m.sub.serial.Add(1),
		level: l, msg: msg, now: r.clock.Now()}
	if l <= m.m.levels[Console] {
		fmt.Fprintf(r.console, "%s\n", rec.format(r.patterns[Console]))
	}
	if l <= m.m.levels[Syslog] {
		for _, line := range strings.Split(strings.TrimRight(msg, "\n"), "\n") {
			rec.msg = line
			r.syslog.send(&rec, r.patterns[Syslog])
			if r.target != nil {
				r.target.send(&rec, rfc5424Pattern)
			}
		}
		rec.msg = msg
	}
	if r.file != nil && l <= m.m.levels[File] {
		line := append(rec.format(r.patterns[File]), '\n')
		// A log that cannot be written has nowhere to say so.
		_, _ = r.file.Write(line)
	}
}

// facilityCode returns the facility to send, given a default.
func (r *Registry) facilityCode(def int) int {
	if r.facility >= 0 {
		return r.facility
	}
	return def
}

// OpenFile starts logging to a file, PROGRAM.log in the log directory if name
// is empty. It logs the failure and returns it if that cannot be done.
func (r *Registry) OpenFile(name string) error {
	if name == "" {
		name = filepath.Join(r.logDir, r.program+".log")
	} else if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	r.mu.Lock()
	old := r.file
	r.mu.Unlock()
	if old != nil {
		r.self.Infof("closing log file")
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o660)
	r.mu.Lock()
	if old != nil {
		old.Close()
	}
	r.fileName = name
	r.file = file
	if err != nil {
		r.file = nil
	}
	r.updateAllLocked()
	r.mu.Unlock()
	if err != nil {
		r.self.Warnf("failed to open %s for logging: %s", name, strerror.Text(err))
		return fmt.Errorf("failed to open %s for logging: %w", name, err)
	}
	r.self.Infof("opened log file %s", name)
	return nil
}

// FileName returns the name of the log file, or "" if OpenFile was never called.
func (r *Registry) FileName() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fileName
}

// ErrNoFile is returned by Reopen when logging to a file is not configured.
var ErrNoFile = errors.New("Logging to file not configured")

// Reopen closes the log file and opens it anew, for the benefit of log
// rotation.
func (r *Registry) Reopen() error {
	name := r.FileName()
	if name == "" {
		return ErrNoFile
	}
	return r.OpenFile(name)
}

// CloseFile stops logging to the file until Reopen.
func (r *Registry) CloseFile() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return
	}
	r.file.Close()
	r.file = nil
	r.updateAllLocked()
}

// sortedLocked returns all modules in the order of their names.
func (r *Registry) sortedLocked() []*module {
	all := make([]*module, 0, len(r.modules))
	for _, m := range r.modules {
		all = append(all, m)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// List returns the text of "vlog/list".
func (r *Registry) List() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b bytes.Buffer
	b.WriteString("                 console    syslog    file\n")
	b.WriteString("                 -------    ------    ------\n")
	for _, m := range r.sortedLocked() {
		fmt.Fprintf(&b, "%-16s  %4s       %4s       %4s",
			m.name, m.levels[Console], m.levels[Syslog], m.levels[File])
		if m.nolim.Load() {
			b.WriteString("    (rate limiting disabled)")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// ListPatterns returns the text of "vlog/list-pattern".
func (r *Registry) ListPatterns() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b bytes.Buffer
	b.WriteString("         prefix                            format\n")
	b.WriteString("         ------                            ------\n")
	for d, p := range r.patterns {
		prefix := "none"
		if Destination(d) == Syslog {
			prefix = r.syslog.prefix()
		}
		fmt.Fprintf(&b, "%-8s %-33s %s\n", strings.ToUpper(destinationNames[d]), prefix, p)
	}
	return b.String()
}

// SetRateLimits turns the rate limits of the named modules, or of all modules
// when there are none, on or off.
func (r *Registry) SetRateLimits(names []string, on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if strings.EqualFold(name, "ANY") || name == "" {
			names = nil
			break
		}
		if r.modules[name] == nil {
			return errors.New("unknown module")
		}
	}
	for name, m := range r.modules {
		wanted := len(names) == 0
		for _, n := range names {
			wanted = wanted || n == name
		}
		if wanted {
			m.nolim.Store(!on)
		}
	}
	return nil
}
