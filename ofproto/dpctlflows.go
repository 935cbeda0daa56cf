package ofproto

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"govs/actions"
	"govs/dpif"
	"govs/flow"
	"govs/internal/strerror"
	"govs/ofproto/upcall"
)

// moreDpctlCommands are those that deal with single flows and files of flows, and those about what this datapath does not have.
func (s *Switch) moreDpctlCommands() []Command {
	return []Command{
		{"dpctl/get-flow", "[dp] ufid", 1, 2, s.cmdGetFlow},
		{"dpctl/add-flows", "[dp] file", 1, 2, func(args []string) (string, error) { return s.flowsIn(args, "add") }},
		{"dpctl/mod-flows", "[dp] file", 1, 2, func(args []string) (string, error) { return s.flowsIn(args, "modify") }},
		{"dpctl/parse-actions", "actions", 1, 1, s.cmdParseActions},
		{"dpctl/cache-get-size", "[dp]", 0, 1, s.cmdCacheSize},
		{"dpctl/cache-set-size", "dp cache <size>", 3, 3, func([]string) (string, error) {
			return "", errors.New("ovs-vswitchd: Setting caches not supported (Operation not supported)")
		}},
		{"dpctl/offload-stats-show", "[dp]", 0, 1, func(args []string) (string, error) {
			if _, err := s.dpArg(args, 0); err != nil {
				return "", err
			}
			return "", errors.New("ovs-vswitchd: retrieving offload statistics (Invalid argument)")
		}},
	}
}

// cmdGetFlow shows the megaflow with a UFID. Of one that several pollers have, the first.
func (s *Switch) cmdGetFlow(args []string) (string, error) {
	args, err := s.dpArg(args, 1)
	if err != nil {
		return "", err
	}
	want, ok := flow.ParseUFID(strings.TrimPrefix(args[0], "ufid:"))
	if !ok || !strings.HasPrefix(args[0], "ufid:") {
		return "ovs-vswitchd: parsing flow ufid\n", nil
	}
	text := ""
	s.opt.Datapath.Flows(func(f *dpif.Flow) bool {
		if flow.UFID(f.UFID()) != want {
			return true
		}
		k := upcall.Key(f)
		text = s.flowLine(dumpFormat{}, f, &k, nil, s.now()) + "\n"
		return false
	})
	if text == "" {
		return "", errors.New("ovs-vswitchd: getting flow (No such file or directory)")
	}
	return text, nil
}

// flowsIn carries out a file of flows, one a line: "add", "modify" or "delete", or nothing, which is verb, then the flow, then its
// actions behind a space. Trouble with a line is told in the answer, which is a success all the same.
func (s *Switch) flowsIn(args []string, verb string) (string, error) {
	args, err := s.dpArg(args, 1)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Sprintf("ovs-vswitchd: Opening file \"%s\" failed (%s)\n", args[0], strerror.Text(err)), nil
	}
	var b strings.Builder
	for l := range strings.Lines(string(text)) {
		l, _, _ = strings.Cut(l, "#")
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if err := s.flowLineIn(l, verb); err != nil {
			b.WriteString(err.Error() + "\n")
		}
	}
	return b.String(), nil
}

func (s *Switch) flowLineIn(l, verb string) error {
	switch first, rest, _ := strings.Cut(l, " "); first {
	case "add", "modify", "delete":
		verb, l = first, strings.TrimSpace(rest)
	}
	if verb == "delete" {
		_, err := s.cmdDelFlow([]string{l})
		return err
	}
	i := strings.LastIndexByte(l, ' ')
	if i < 0 {
		return errors.New("ovs-vswitchd: parsing actions (Invalid argument)")
	}
	key := strings.TrimSuffix(strings.TrimSpace(l[:i]), ",")
	switch there, err := s.hasFlow(key); {
	case err != nil:
		return err
	case verb == "modify" && !there:
		return errors.New("ovs-vswitchd: updating flow table (No such file or directory)")
	case verb == "add" && there:
		return errors.New("ovs-vswitchd: updating flow table (File exists)")
	}
	_, err := s.cmdAddFlow([]string{key, strings.TrimPrefix(l[i+1:], "actions:")})
	return err
}

// hasFlow says whether there is a megaflow that is exactly spec.
func (s *Switch) hasFlow(spec string) (found bool, err error) {
	k, m, err := s.parseFlow(spec)
	if err != nil {
		return false, err
	}
	s.opt.Datapath.Flows(func(f *dpif.Flow) bool {
		fk := f.Key()
		found = *f.Mask == m
		for i := range fk {
			found = found && fk[i] == k[i]&m[i]
		}
		return !found
	})
	return found, nil
}

// cmdParseActions shows datapath actions as they are understood.
func (s *Switch) cmdParseActions(args []string) (string, error) {
	list, err := actions.Parse(args[0], s.dpNames())
	if err != nil {
		return "", errors.New("ovs-vswitchd: parsing actions (Invalid argument)")
	}
	return string(list.AppendText(nil, nil)) + "\n", nil
}

// cmdCacheSize lists the sizes of a datapath's caches: those of kernel datapaths, which have a name and can be set.
func (s *Switch) cmdCacheSize(args []string) (string, error) {
	if _, err := s.dpArg(args, 0); err != nil {
		return "", fmt.Errorf("ovs-vswitchd: Opening datapath %s failed (No such device)", args[0])
	}
	return s.fullName() + ":\n", nil
}
