package pmd

import (
	"errors"
	"strconv"
	"strings"
)

// Registrar takes commands for ovs-appctl; unixctl.Server is one.
type Registrar interface {
	RegisterFunc(name, usage string, min, max int, f func(args []string) (string, error))
}

// RegisterCommands registers the dpif-netdev commands. find returns the datapaths there are by name; log is the PerfLog that
// they were made with.
func RegisterCommands(r Registrar, find func() map[string]*Datapath, log *PerfLog) {
	r.RegisterFunc("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, func(args []string) (string, error) {
		return each(find, args, func(d *Datapath, core, _ int) string { return d.StatsText(core) })
	})
	r.RegisterFunc("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, func(args []string) (string, error) {
		return each(find, args, func(d *Datapath, core, _ int) string { d.StatsClear(core); return "" })
	})
	r.RegisterFunc("dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 0, 5, func(args []string) (string, error) {
		return each(find, args, func(d *Datapath, core, secs int) string { return d.RxqText(core, secs) })
	})
	r.RegisterFunc("dpif-netdev/pmd-rxq-rebalance", "[dp]", 0, 1, func(args []string) (string, error) {
		d, err := choose(find, args)
		if err != nil {
			return "", err
		}
		if err := d.Rebalance(); err != nil {
			return "", err
		}
		return "pmd rxq rebalance requested.\n", nil
	})
	r.RegisterFunc("dpif-netdev/pmd-perf-show", "[-nh] [-it iter-history-len] [-ms ms-history-len] [-pmd core] [dp]", 0, 8,
		func(args []string) (string, error) {
			o, rest := perfOptions(args)
			return each(find, rest, func(d *Datapath, core, _ int) string { return d.PerfText(core, o) })
		})
	r.RegisterFunc("dpif-netdev/pmd-perf-log-set", "on|off [-b before] [-a after] [-e|-ne] [-us usec] [-q qlen]", 0, 10,
		func(args []string) (string, error) { return "", log.Set(args) })
	r.RegisterFunc("dpif-netdev/bond-show", "[dp]", 0, 1, func(args []string) (string, error) {
		_, err := choose(find, args)
		return "", err // the datapath has no tables of bonds: ofproto chooses the member
	})
	r.RegisterFunc("dpif-netdev/pmd-iterations-show", "[-pmd core] [dp]", 0, 3, func(args []string) (string, error) {
		return each(find, args, func(d *Datapath, core, _ int) string { return d.IterationsText(core) })
	})
	registerImplementations(r, find)
}

// perfOptions takes the options of pmd-perf-show that come first off args.
func perfOptions(args []string) (o PerfOptions, rest []string) {
	for len(args) > 0 {
		switch {
		case args[0] == "-nh":
			o.NoHistograms = true
			args = args[1:]
			continue
		case args[0] == "-it" && len(args) > 1:
			o.Iterations = leading(args[1])
		case args[0] == "-ms" && len(args) > 1:
			o.Milliseconds = leading(args[1])
		default:
			return o, args
		}
		args = args[2:]
	}
	return o, nil
}

// leading is the number that s begins with, 0 if there is none or it does not fit.
func leading(s string) int {
	end := 0
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 31)
	return int(n)
}

// errNoSuchDatapath is the answer to a name that none has.
var errNoSuchDatapath = errors.New("please specify an existing datapath")

// choose returns the datapath that args name, or the only one.
func choose(find func() map[string]*Datapath, args []string) (*Datapath, error) {
	all := find()
	if len(args) > 0 {
		if d := named(all, args[0]); d != nil {
			return d, nil
		}
	} else if len(all) == 1 {
		for _, d := range all {
			return d, nil
		}
	}
	return nil, errNoSuchDatapath
}

// named returns the datapath of that name, with its type (netdev@ovs-netdev) or without.
func named(all map[string]*Datapath, name string) *Datapath {
	for full, d := range all {
		if _, short, ok := strings.Cut(full, "@"); full == name || ok && short == name {
			return d
		}
	}
	return nil
}

// each parses the arguments that the commands share and calls f for the datapath that they name.
func each(find func() map[string]*Datapath, args []string, f func(d *Datapath, core, secs int) string) (string, error) {
	core, secs, name := AllPollers, 0, ""
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-pmd" && i+1 < len(args):
			if n, err := strconv.ParseUint(args[i+1], 10, 31); err == nil {
				core = int(n)
			}
			i++
		case args[i] == "-secs" && i+1 < len(args):
			if n, err := strconv.ParseUint(args[i+1], 10, 31); err == nil {
				secs = int(n)
			}
			i++
		default:
			name = args[i]
		}
	}
	all := find()
	d := named(all, name)
	if d == nil && len(all) == 1 { // the only one will do, whatever it was called
		for _, d = range all {
		}
	}
	if d == nil {
		return "", errNoSuchDatapath
	}
	return f(d, core, secs), nil
}
