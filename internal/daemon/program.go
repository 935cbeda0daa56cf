package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"govs/internal/clock"
	"govs/internal/getopt"
	"govs/internal/stream"
	"govs/internal/vlog"
)

// Version is the release of Open vSwitch that the programs are compatible with.
const Version = "3.1.0"

// Dirs are the directories of an installation.
type Dirs struct {
	Run     string // sockets and pid files
	DB      string // databases
	Log     string
	Sysconf string
	PkgData string // schemas
}

// DefaultDirs returns the directories that the environment variables
// OVS_RUNDIR, OVS_DBDIR, OVS_LOGDIR, OVS_SYSCONFDIR and OVS_PKGDATADIR name, or
// Debian's.
func DefaultDirs() Dirs {
	env := func(name, def string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return def
	}
	d := Dirs{
		Run:     env("OVS_RUNDIR", "/var/run/openvswitch"),
		Log:     env("OVS_LOGDIR", "/var/log/openvswitch"),
		Sysconf: env("OVS_SYSCONFDIR", "/etc"),
		PkgData: env("OVS_PKGDATADIR", "/usr/share/openvswitch"),
	}
	d.DB = env("OVS_DBDIR", d.Sysconf+"/openvswitch")
	return d
}

// Program is one running program: its name, options and shared facilities.
type Program struct {
	Name  string
	Dirs  Dirs
	Log   *vlog.Registry
	Flags *pflag.FlagSet
	// Help returns the text of --help; nil if there is no such option.
	Help func() string
	// VersionMore is what --version prints after its first line, whole lines.
	VersionMore string

	daemon  daemonState
	tls     stream.TLSConfig
	logFile *string // argument of --log-file, once given
	out     io.Writer
}

// NewProgram returns a program with the options --help and --version. modules
// are the names that -v knows from the start, in addition to those that
// packages ask for.
func NewProgram(name string, clk clock.Clock, modules []string) *Program {
	dirs := DefaultDirs()
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.BoolP("help", "h", false, "")
	fs.BoolP("version", "V", false, "")
	return &Program{
		Name:  name,
		Dirs:  dirs,
		Flags: fs,
		Log:   vlog.New(vlog.Options{Program: name, LogDir: dirs.Log, Clock: clk, Modules: modules}),
		out:   os.Stdout,
	}
}

// VersionText returns the first line of --version.
func (p *Program) VersionText() string { return p.Name + " (Open vSwitch) " + Version }

// ErrDone is returned by Parse when --help or --version has been printed: the
// program ends with status 0.
var ErrDone = errors.New("done")

// Parse parses the command line (without the program's name) and returns the
// arguments that are no options.
func (p *Program) Parse(args []string, mode getopt.Mode) ([]string, error) {
	rest, err := getopt.Parse(p.Flags, args, mode)
	if err != nil {
		return nil, err
	}
	if p.Flags.Lookup("help").Changed {
		if p.Help != nil {
			fmt.Fprint(p.out, p.Help())
		}
		return nil, ErrDone
	}
	if p.Flags.Lookup("version").Changed {
		fmt.Fprintf(p.out, "%s\n%s", p.VersionText(), p.VersionMore)
		return nil, ErrDone
	}
	if !p.daemon.user.set && (!p.daemon.enabled || !p.daemon.detach || role() != "") {
		p.openLog()
	}
	return rest, nil
}

// openLog opens the log file that --log-file asked for. Failure is logged and
// otherwise ignored, as the original does.
func (p *Program) openLog() {
	if p.logFile != nil {
		_ = p.Log.OpenFile(*p.logFile)
		p.logFile = nil
	}
}

// Fatal prints "PROGRAM: message" to standard error, followed by the text of
// err in parentheses unless it is nil.
func (p *Program) Fatal(err error, format string, args ...any) {
	name := p.Name
	for _, a := range args {
		var usage *getopt.Error
		if e, ok := a.(error); ok && errors.As(e, &usage) {
			name = os.Args[0] // as getopt_long(3) has it
		}
	}
	msg := fmt.Sprintf(format, args...)
	if err != nil {
		msg += " (" + err.Error() + ")"
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, msg)
}

// funcValue is a flag whose Set is a function.
type funcValue struct {
	set  func(string) error
	text string
}

func (v *funcValue) String() string     { return v.text }
func (v *funcValue) Type() string       { return "func" }
func (v *funcValue) Set(s string) error { v.text = s; return v.set(s) }

// Func adds an option that calls f with its argument each time it is given.
func (p *Program) Func(name, short string, f func(string) error) {
	p.Flags.VarP(&funcValue{set: f}, name, short, "")
}

// OptionalFunc is Func for an option whose argument may be left out; f gets
// the empty string then.
func (p *Program) OptionalFunc(name, short string, f func(string) error) {
	const absent = "\x00"
	p.Flags.VarP(&funcValue{set: func(s string) error {
		if s == absent {
			s = ""
		}
		return f(s)
	}}, name, short, "")
	p.Flags.Lookup(name).NoOptDefVal = absent
}

// AddLogFlags adds -v, --verbose, --log-file, --syslog-method and
// --syslog-target.
func (p *Program) AddLogFlags() {
	p.OptionalFunc("verbose", "v", p.Log.SetVerbosity)
	p.OptionalFunc("log-file", "", func(s string) error { p.logFile = &s; return nil })
	p.Func("syslog-method", "", p.Log.SetSyslogMethod)
	p.Func("syslog-target", "", func(s string) error { p.Log.SetSyslogTarget(s); return nil })
}

// AddTLSFlags adds -p, -c, -C, --bootstrap-ca-cert, --peer-ca-cert,
// --ssl-protocols and --ssl-ciphers.
func (p *Program) AddTLSFlags() {
	p.Flags.StringVarP(&p.tls.PrivateKey, "private-key", "p", "", "")
	p.Flags.StringVarP(&p.tls.Certificate, "certificate", "c", "", "")
	p.Func("ca-cert", "C", func(s string) error { p.tls.CACert, p.tls.Bootstrap = s, false; return nil })
	p.Func("bootstrap-ca-cert", "", func(s string) error { p.tls.CACert, p.tls.Bootstrap = s, true; return nil })
	p.Flags.StringVar(&p.tls.PeerCACert, "peer-ca-cert", "", "")
	p.Flags.StringVar(&p.tls.Protocols, "ssl-protocols", "", "")
	p.Flags.StringVar(&p.tls.Ciphers, "ssl-ciphers", "", "")
}

// TLSConfig returns what the options of AddTLSFlags said.
func (p *Program) TLSConfig() stream.TLSConfig { return p.tls }

// StreamOptions returns options for streams with the keys of the command line.
// It logs settings that are not known.
func (p *Program) StreamOptions(defaultPort int) *stream.Options {
	t := &stream.TLS{}
	if err := t.Configure(p.tls); err != nil {
		p.Log.Module("stream_ssl").Errf("%v", err)
	}
	return &stream.Options{RunDir: p.Dirs.Run, DefaultPort: defaultPort, TLS: t, Log: p.Log}
}

// LogUsage returns the help text of AddLogFlags.
func (p *Program) LogUsage() string {
	return `
Logging options:
  -vSPEC, --verbose=SPEC   set logging levels
  -v, --verbose            set maximum verbosity level
  --log-file[=FILE]        enable logging to specified FILE
                           (default: ` + p.Dirs.Log + "/" + p.Name + `.log)
  --syslog-method=(libc|unix:file|udp:ip:port)
                           specify how to send messages to syslog daemon
  --syslog-target=HOST:PORT  also send syslog msgs to HOST:PORT via UDP
`
}

// DaemonUsage returns the help text of AddDaemonFlags.
func (p *Program) DaemonUsage() string {
	return `
Daemon options:
  --detach                run in background as daemon
  --monitor               creates a process to monitor this daemon
  --user=username[:group] changes the effective daemon user:group
  --no-chdir              do not chdir to '/'
  --pidfile[=FILE]        create pidfile (default: ` + p.Dirs.Run + "/" + p.Name + `.pid)
  --overwrite-pidfile     with --pidfile, start even if already running
`
}

// StreamUsage returns the help text about connection names and, if there are
// any, the options of AddTLSFlags. what is the protocol, e.g. "OpenFlow".
func StreamUsage(what string, active, passive, bootstrap bool) string {
	var b strings.Builder
	b.WriteByte('\n')
	if active {
		fmt.Fprintf(&b, "Active %s connection methods:\n", what)
		b.WriteString("  tcp:HOST:PORT           PORT at remote HOST\n")
		b.WriteString("  ssl:HOST:PORT           SSL PORT at remote HOST\n")
		b.WriteString("  unix:FILE               Unix domain socket named FILE\n")
	}
	if passive {
		fmt.Fprintf(&b, "Passive %s connection methods:\n", what)
		b.WriteString("  ptcp:PORT[:IP]          listen to TCP PORT on IP\n")
		b.WriteString("  pssl:PORT[:IP]          listen for SSL on PORT on IP\n")
		b.WriteString("  punix:FILE              listen on Unix domain socket FILE\n")
	}
	b.WriteString("PKI configuration (required to use SSL):\n" +
		"  -p, --private-key=FILE  file with private key\n" +
		"  -c, --certificate=FILE  file with certificate for private key\n" +
		"  -C, --ca-cert=FILE      file with peer CA certificate\n")
	if bootstrap {
		b.WriteString("  --bootstrap-ca-cert=FILE  file with peer CA certificate to read or create\n")
	}
	b.WriteString("SSL options:\n" +
		"  --ssl-protocols=PROTOS  list of SSL protocols to enable\n" +
		"  --ssl-ciphers=CIPHERS   list of SSL ciphers to enable\n")
	return b.String()
}

// NoArgFunc adds an option without an argument that calls f each time it is given.
func (p *Program) NoArgFunc(name string, f func()) {
	p.Flags.Var(noArgValue(f), name, "")
}

// noArgValue is a flag without an argument whose Set is a function.
type noArgValue func()

func (f noArgValue) Set(string) error { f(); return nil }
func (noArgValue) String() string     { return "" }
func (noArgValue) Type() string       { return "bool" }
