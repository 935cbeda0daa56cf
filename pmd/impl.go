package pmd

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The original chooses among implementations of the same thing: of its input loop, of parsing, of looking up a subtable. Here there
// is one of each, which is what the original calls scalar or generic. The commands about them say so, and remember what an
// operator's script asks for: an autovalidator compares the implementations that there are with the generic one, and a study
// picks the fastest, so with one implementation both amount to it.

// Names of implementations, as the original has them.
const (
	implScalar        = "scalar"
	implAutovalidator = "autovalidator"
	implStudy         = "study"
	implGeneric       = "generic"
	implDPIF          = "dpif_scalar"

	studyDefault = 128 // packets
)

// parser is what miniflow-parser-set said for a poller. Datapath.mu guards it.
type parser struct {
	name  string // "" is scalar
	until uint64 // the study is over when the poller has received so many packets
}

// parserNow is the poller's parser. Datapath.mu is held.
func (p *poller) parserNow() string {
	if p.parser.name == implStudy && p.stats.received.load() >= p.parser.until || p.parser.name == "" {
		return implScalar
	}
	return p.parser.name
}

// implementations is the state of the commands; one for a process.
type implementations struct {
	find func() map[string]*Datapath

	mu       sync.Mutex // guards all below
	action   string     // of actions; "" is scalar
	priority [2]uint8   // of the functions that look up a subtable
	kept     [2]uint64  // subtables of the main thread that were there when the function was no longer the best: they keep it
}

// lookups are the functions that look up a subtable, in the order in which they are listed.
var lookups = [2]string{implAutovalidator, implGeneric}

func registerImplementations(r Registrar, find func() map[string]*Datapath) {
	m := &implementations{find: find, priority: [2]uint8{0, 1}}
	r.RegisterFunc("dpif-netdev/dpif-impl-get", "", 0, 0, func([]string) (string, error) {
		text := m.eachPMD("Available DPIF implementations:\n", []string{implDPIF}, func(*poller) string { return implDPIF }, " (pmds: %s)\n")
		return text, nil
	})
	r.RegisterFunc("dpif-netdev/dpif-impl-set", "dpif_implementation_name", 1, 1, func(args []string) (string, error) {
		if args[0] != implDPIF {
			return "", fmt.Errorf("DPIF implementation not available: Unknown DPIF implementation %s.", args[0])
		}
		return "DPIF implementation set to " + implDPIF + ".\n", nil
	})
	r.RegisterFunc("dpif-netdev/miniflow-parser-get", "", 0, 0, func([]string) (string, error) {
		return m.eachPMD("Available MFEX implementations:\n", []string{implAutovalidator, implScalar, implStudy}, (*poller).parserNow,
			" (available: True pmds: %s)\n"), nil
	})
	r.RegisterFunc("dpif-netdev/miniflow-parser-set", "[-pmd core] miniflow_implementation_name [study_pkt_cnt]", 1, 5, m.setParser)
	for _, name := range []string{"info", "prio"} { // the second is the first's name of before
		r.RegisterFunc("dpif-netdev/subtable-lookup-"+name+"-get", "", 0, 0, func([]string) (string, error) { return m.lookupText(), nil })
	}
	r.RegisterFunc("odp-execute/action-impl-show", "", 0, 0, func([]string) (string, error) { return m.actionText(), nil })
	r.RegisterFunc("odp-execute/action-impl-set", "name", 1, 1, m.setAction)
	r.RegisterFunc("dpif-netdev/subtable-lookup-prio-set", "[lookup_func] [prio]", 2, 2, m.setPriority)
}

// eachPMD lists names, and with each the cores of those PMDs for which of gives it.
func (m *implementations) eachPMD(title string, names []string, of func(*poller) string, format string) string {
	var b strings.Builder
	for _, d := range m.sorted() {
		d.mu.Lock()
		b.WriteString(title)
		for _, name := range names {
			var cores []string
			for _, p := range d.allPollers()[1:] {
				if of(p) == name {
					cores = append(cores, strconv.Itoa(p.core))
				}
			}
			if len(cores) == 0 {
				cores = []string{"none"}
			}
			fmt.Fprintf(&b, "  "+name+format, strings.Join(cores, ","))
		}
		d.mu.Unlock()
	}
	return b.String()
}

// sorted returns the datapaths by name.
func (m *implementations) sorted() []*Datapath {
	var l []*Datapath
	for _, d := range m.find() {
		l = append(l, d)
	}
	slices.SortFunc(l, func(a, b *Datapath) int { return strings.Compare(a.opt.Name, b.opt.Name) })
	return l
}

// setParser is miniflow-parser-set.
func (m *implementations) setParser(args []string) (string, error) {
	core, count := AllPollers, uint64(studyDefault)
	if args[0] == "-pmd" {
		if len(args) < 2 {
			return "", errors.New("Error: -pmd option requires a thread id argument.")
		}
		n, err := strconv.ParseUint(args[1], 10, 31)
		if err != nil {
			return "", fmt.Errorf("Error: miniflow extract parser not changed, PMD thread passed is not valid: '%s'. Pass a valid pmd thread ID.", args[1])
		}
		core = int(n)
		args = args[2:]
	}
	if len(args) == 0 {
		return "", errors.New("Error: no miniflow extract name provided. Output of miniflow-parser-get shows implementation list.")
	}
	name, args := args[0], args[1:]
	for _, a := range args {
		if name != implStudy {
			return "", fmt.Errorf("Error: unknown argument %s.", a)
		}
		n, err := strconv.ParseUint(a, 10, 32)
		if err != nil || n == 0 {
			return "", fmt.Errorf("Error: invalid study_pkt_cnt value: %s.", a)
		}
		count = n
	}
	if !slices.Contains([]string{implScalar, implAutovalidator, implStudy}, name) {
		return "", fmt.Errorf("Error: unknown miniflow extract implementation %s.", name)
	}
	all := m.sorted()
	if len(all) == 0 {
		return "", fmt.Errorf("Error: miniflow extract not available due to CPU ISA requirements: %s", name)
	}
	found := false
	for _, d := range all {
		d.mu.Lock()
		if core == AllPollers {
			d.parser = name
		}
		for _, p := range d.selected(core) {
			p.parser = parser{name, p.stats.received.load() + count}
			found = true
		}
		d.mu.Unlock()
	}
	if !found && core != AllPollers {
		return "", fmt.Errorf("Error: miniflow extract parser not changed, PMD thread %d not in use, pass a valid pmd thread ID.", core)
	}
	text := "Miniflow extract implementation set to " + name
	if core != AllPollers {
		text += fmt.Sprintf(", on pmd thread %d", core)
	}
	if name == implStudy {
		text += fmt.Sprintf(", studying %d packets", count)
	}
	return text + ".\n", nil
}

// actionText is the text of odp-execute/action-impl-show.
func (m *implementations) actionText() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	b.WriteString("Available Actions implementations:\n")
	for _, name := range []string{implScalar, implAutovalidator} {
		active := "No"
		if name == cmp.Or(m.action, implScalar) {
			active = "Yes"
		}
		fmt.Fprintf(&b, "  %s (available: Yes, active: %s)\n", name, active)
	}
	return b.String()
}

// setAction is odp-execute/action-impl-set.
func (m *implementations) setAction(args []string) (string, error) {
	if args[0] != implScalar && args[0] != implAutovalidator {
		return "", fmt.Errorf("Error: unknown action implementation, %s, specified!", args[0])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.action = args[0]
	return "Action implementation set to " + args[0] + ".\n", nil
}

// chosen is the function with the highest priority, of equals the first. mu is held.
func (m *implementations) chosen() int {
	if m.priority[1] > m.priority[0] {
		return 1
	}
	return 0
}

// classifiers returns how many classifiers of PMDs have subtables, how many subtables, and how many the main thread has.
func (m *implementations) classifiers() (ports, subtables, ofMain uint64) {
	for _, d := range m.find() {
		for i, p := range d.allPollers() {
			_ = p.callWait(&command{kind: cmdCall, call: func(p *poller) {
				for _, c := range p.cls {
					switch {
					case c == nil || len(c.Subtables()) == 0:
					case i == 0:
						ofMain += uint64(len(c.Subtables()))
					default:
						ports++
						subtables += uint64(len(c.Subtables()))
					}
				}
			}})
		}
	}
	return ports, subtables, ofMain
}

// keep forgets kept subtables that are gone. mu is held.
func (m *implementations) keep(ofMain uint64) {
	for i := range m.kept {
		m.kept[i] = min(m.kept[i], ofMain)
		ofMain -= m.kept[i]
	}
}

func (m *implementations) lookupText() string {
	_, used, ofMain := m.classifiers()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(ofMain)
	var b strings.Builder
	b.WriteString("Available dpcls implementations:\n")
	for i, name := range lookups {
		n := m.kept[i]
		if i == m.chosen() {
			n = used + ofMain - m.kept[1-i]
		}
		fmt.Fprintf(&b, "  %s (Use count: %d, Priority: %d)\n", name, n, m.priority[i])
	}
	return b.String()
}

// setPriority is subtable-lookup-prio-set. A priority that is no number is 0, as for the original.
func (m *implementations) setPriority(args []string) (string, error) {
	i := slices.Index(lookups[:], args[0])
	n, err := strconv.Atoi(args[1])
	if err != nil {
		n = 0
	}
	if n < 0 || n > 255 {
		return "", errors.New("error converting priority, use integer in range 0-255\n")
	}
	if i < 0 {
		return "", errors.New("error, subtable lookup function not found\n")
	}
	ports, subtables, ofMain := m.classifiers()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(ofMain)
	before := m.chosen()
	m.priority[i] = uint8(n)
	if m.chosen() == before {
		ports, subtables = 0, 0
	} else {
		m.kept[before] = ofMain - m.kept[1-before]
	}
	return fmt.Sprintf("Lookup priority change affected %d dpcls ports and %d subtables.\n", ports, subtables), nil
}
