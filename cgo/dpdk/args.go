package dpdk

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ArgsConfig is what BuildArgs derives EAL's command line from.
type ArgsConfig struct {
	Program     string            // the name that EAL shows
	OtherConfig map[string]string // Open_vSwitch other_config (ovs-vswitchd.conf.db(5))
	CPUs        []int             // the process's CPU affinity, ascending
	Huge        Hugepages         // what the machine has now
}

// Hugepages says what huge page memory can be had.
type Hugepages struct {
	FreeMB int // free huge pages of all sizes, in MB
}

// Memory that EAL is given without huge pages, and what it must at least find to use huge pages, when other_config does
// not say, in MB.
const (
	noHugeMB  = 1024
	minHugeMB = 64
)

// maxLcore is DPDK's RTE_MAX_LCORE, the numbers that -l takes.
const maxLcore = 128

// BuildArgs makes EAL's arguments from other_config: dpdk-extra's words, then dpdk-lcore-mask, dpdk-hugepage-dir,
// dpdk-socket-limit and one of dpdk-alloc-mem and dpdk-socket-mem unless dpdk-extra has the same option, --in-memory, and the
// first CPU of the process's affinity as the main lcore if nothing chose one: what Open vSwitch 3.1 gives EAL. Where huge
// pages cannot be had it adds what EAL needs to do without, and a warning. It looks at nothing but its argument.
func BuildArgs(c ArgsConfig) (args, warnings []string) {
	warn := func(f string, v ...any) { warnings = append(warnings, fmt.Sprintf(f, v...)) }
	extra := SplitWords(c.OtherConfig["dpdk-extra"])
	has := func(options ...string) bool {
		for _, e := range extra {
			for _, o := range options {
				if e == o || strings.HasPrefix(o, "--") && strings.HasPrefix(e, o+"=") ||
					len(o) == 2 && strings.HasPrefix(e, o) && !strings.HasPrefix(e, "--") {
					return true
				}
			}
		}
		return false
	}
	args = append([]string{c.Program}, extra...)
	add := func(key, option string) {
		v := c.OtherConfig[key]
		if v == "" {
			return
		}
		if has(option) {
			warn("Ignoring database defined option '%s' due to dpdk-extra config", option)
			return
		}
		args = append(args, option, v)
	}
	add("dpdk-lcore-mask", "-c")
	add("dpdk-hugepage-dir", "--huge-dir")
	add("dpdk-socket-limit", "--socket-limit")
	alloc, socket := c.OtherConfig["dpdk-alloc-mem"], c.OtherConfig["dpdk-socket-mem"]
	switch {
	case alloc != "" && socket != "":
		warn("Multiple defined options for memory type. Please check your database settings and reconfigure if necessary.")
		add("dpdk-socket-mem", "--socket-mem")
	case socket != "":
		add("dpdk-socket-mem", "--socket-mem")
	default:
		add("dpdk-alloc-mem", "-m")
	}
	if !has("--in-memory", "--legacy-mem", "--no-huge") {
		args = append(args, "--in-memory")
	}
	if !has("-c", "-l", "--lcores") && c.OtherConfig["dpdk-lcore-mask"] == "" && len(c.CPUs) > 0 {
		if cpu := c.CPUs[0]; cpu < maxLcore {
			args = append(args, "-l", strconv.Itoa(cpu))
		} else {
			args = append(args, "--lcores", fmt.Sprintf("0@%d", cpu))
		}
	}
	if has("--no-huge") {
		return args, warnings
	}
	need := wantedMB(args)
	if c.Huge.FreeMB < max(need, minHugeMB) {
		warn("%d MB of free huge pages, %d MB wanted: going on without huge pages, which is slower", c.Huge.FreeMB, max(need, minHugeMB))
		if need == 0 {
			need = noHugeMB
		}
		args = append(without(args, "--in-memory", "--huge-dir=", "--socket-limit=", "--socket-mem=", "-m="),
			"--no-huge", "-m", strconv.Itoa(need))
	}
	return args, warnings
}

// wantedMB is how much memory the arguments ask for, 0 if they do not say.
func wantedMB(args []string) int {
	total := 0
	for i, a := range args {
		v := ""
		switch {
		case (a == "-m" || a == "--socket-mem") && i+1 < len(args):
			v = args[i+1]
		case strings.HasPrefix(a, "--socket-mem="):
			v = strings.TrimPrefix(a, "--socket-mem=")
		case strings.HasPrefix(a, "-m") && !strings.HasPrefix(a, "--"):
			v = strings.TrimPrefix(a, "-m")
		}
		for f := range strings.SplitSeq(v, ",") {
			if n, err := strconv.Atoi(f); err == nil && n > 0 {
				total += n
			}
		}
	}
	return total
}

// without returns args less the named options; a name that ends in = takes a value.
func without(args []string, options ...string) []string {
	var out []string
next:
	for i := 0; i < len(args); i++ {
		for _, o := range options {
			name, valued := strings.CutSuffix(o, "=")
			switch {
			case args[i] == name:
				if valued {
					i++
				}
				continue next
			case valued && strings.HasPrefix(args[i], o),
				valued && len(name) == 2 && strings.HasPrefix(args[i], name) && i > 0:
				continue next
			}
		}
		out = append(out, args[i])
	}
	return out
}

// SplitWords splits s at white space as a shell does: '…' and "…" group, a backslash takes the next character as it is
// (within "…" too). An unfinished quotation ends with s.
func SplitWords(s string) []string {
	var words []string
	var w strings.Builder
	in, quote := false, rune(0)
	esc := false
	for _, r := range s {
		switch {
		case esc:
			w.WriteRune(r)
			esc = false
		case r == '\\' && quote != '\'':
			in, esc = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				w.WriteRune(r)
			}
		case r == '\'' || r == '"':
			in, quote = true, r
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if in {
				words = append(words, w.String())
				w.Reset()
				in = false
			}
		default:
			in = true
			w.WriteRune(r)
		}
	}
	if in {
		words = append(words, w.String())
	}
	return words
}

// ProbeHugepages reads what huge pages are free now.
func ProbeHugepages() Hugepages { return probeHugepages("/sys/kernel/mm/hugepages") }

func probeHugepages(sys string) (h Hugepages) {
	dirs, _ := filepath.Glob(filepath.Join(sys, "hugepages-*kB"))
	for _, d := range dirs {
		kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(d), "hugepages-"), "kB"))
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join(d, "free_hugepages"))
		if err != nil {
			continue
		}
		n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		h.FreeMB += n * kb / 1024
	}
	return h
}
