package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"govs/cgo/dpdk"
	"govs/dpif"
	"govs/flow"
	"govs/internal/unixctl"
	"govs/ofproto"
	"govs/packet"
	"govs/pmd"
	"govs/ports/dummy"
	"govs/vswitchd"
)

// registerCommands adds the daemon's own commands to the control socket. Those of a datapath and its switch are dispatched
// to the backers that exist when the command comes.
func registerCommands(s *switchSystem, ctl *unixctl.Server) {
	ctl.Register("exit", "[--cleanup]", 0, 1, func(_ context.Context, _ []string, r *unixctl.Reply) {
		r.Reply("")
		s.stop()
	})
	ctl.RegisterFunc("memory/show", "", 0, 0, func([]string) (string, error) { return s.memory(), nil })
	// The commands' names and usages do not depend on a switch being there.
	for _, c := range (*ofproto.Switch)(nil).Commands() {
		ctl.RegisterFunc(c.Name, c.Usage, c.MinArgs, c.MaxArgs, func(args []string) (string, error) { return s.dispatch(c.Name, args) })
	}
	pmd.RegisterCommands(ctl, s.datapaths, s.perfLog)
	ctl.RegisterFunc("netdev-dpdk/get-mempool-info", "[netdev]", 0, 1, s.mempoolInfo)
	s.coverage.Collect(func() {
		for r := dpif.DropReason(0); r < dpif.NumDropReasons; r++ {
			total := uint64(0)
			for _, d := range s.datapaths() {
				total += d.Drops()[r]
			}
			s.coverage.Counter(r.String()).Raise(total)
		}
	})
	if s.dummies != nil {
		registerDummy(s, ctl)
	}
}

// mempoolInfo describes the pool that a DPDK port's packets come from. All ports share one.
func (s *switchSystem) mempoolInfo(args []string) (string, error) {
	var pool *dpdk.Mempool
	for _, b := range s.sortedBackers() {
		m, ok := b.Datapath.Alloc().(*dpdk.Mempool)
		if !ok {
			continue
		}
		if len(args) == 0 {
			pool = m
		}
		for _, p := range b.Datapath.Ports() {
			if len(args) > 0 && p.Port.Name() == args[0] {
				if !strings.HasPrefix(p.Port.Type(), "dpdk") {
					return "", errors.New("Not a DPDK Interface")
				}
				pool = m
			}
		}
	}
	switch {
	case pool != nil:
		return pool.Dump(), nil
	case len(args) > 0:
		return "", errors.New("No such Interface")
	}
	return "", errors.New("Not allocated")
}

// datapaths returns the datapaths by name.
func (s *switchSystem) datapaths() map[string]*pmd.Datapath {
	out := make(map[string]*pmd.Datapath)
	for _, b := range s.sortedBackers() {
		if d, ok := b.Datapath.(*pmd.Datapath); ok {
			out[b.Type+"@"+b.Name()] = d
		}
	}
	return out
}

// sortedBackers returns the backers by type.
func (s *switchSystem) sortedBackers() []*vswitchd.Backer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*vswitchd.Backer
	for _, b := range s.backers {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *vswitchd.Backer) int { return strings.Compare(a.Type, b.Type) })
	return out
}

var errNoDatapath = errors.New("no datapath")

// ofAll are the commands that speak of all switches, at least without arguments; the others concern the one that has the
// bridge or datapath named.
var ofAll = map[string]bool{
	"ofproto/list": true, "dpif/show": true, "dpif/dump-dps": true, "dpctl/dump-dps": true, "dpctl/show": true, "dpctl/cache-get-size": true, "upcall/show": true, "fdb/flush": true,
	"revalidator/wait": true, "revalidator/purge": true, "upcall/disable-megaflows": true, "upcall/enable-megaflows": true,
	"upcall/disable-ufid": true, "upcall/enable-ufid": true, "upcall/set-flow-limit": true,
}

// dispatch runs a command on the switches: on all of them if it speaks of all, else on the first that does not refuse it.
func (s *switchSystem) dispatch(name string, args []string) (string, error) {
	all := ofAll[name] && (len(args) == 0 || name == "upcall/set-flow-limit")
	var texts []string
	err := errNoDatapath
	for _, b := range s.sortedBackers() {
		for _, c := range b.Switch.Commands() {
			if c.Name != name {
				continue
			}
			text, e := c.Run(args)
			if e == nil {
				texts = append(texts, text)
				if !all {
					return text, nil
				}
			}
			err = e
		}
	}
	switch {
	case len(texts) > 0 || all && errors.Is(err, errNoDatapath):
		return strings.Join(slices.Compact(texts), ""), nil
	case errors.Is(err, errNoDatapath) && len(args) > 0:
		return "", errors.New("no such bridge")
	}
	return "", err
}

// memory is the text of memory/show.
func (s *switchSystem) memory() string {
	var u ofproto.Usage
	keys := 0
	for _, b := range s.sortedBackers() {
		n := b.Switch.Usage()
		u.Handlers, u.Revalidators = u.Handlers+n.Handlers, u.Revalidators+n.Revalidators
		u.Ports, u.Rules = u.Ports+n.Ports, u.Rules+n.Rules
		keys += b.Datapath.Stats().Flows
	}
	return fmt.Sprintf("handlers:%d ports:%d revalidators:%d rules:%d udpif keys:%d\n", u.Handlers, u.Ports, u.Revalidators, u.Rules, keys)
}

// registerDummy adds the commands of --enable-dummy.
func registerDummy(s *switchSystem, ctl *unixctl.Server) {
	ctl.Register("netdev-dummy/receive", "name [--qid queue_id] packet|flow [--len packet_len]", 2, -1,
		func(ctx context.Context, args []string, r *unixctl.Reply) {
			if err := s.dummyReceive(ctx, args); err != nil {
				r.Error(err.Error())
				return
			}
			r.Reply("")
		})
	ctl.Register("netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2, func(ctx context.Context, args []string, r *unixctl.Reply) {
		text, err := s.setAdminState(ctx, args)
		if err != nil {
			r.Error(err.Error())
			return
		}
		r.Reply(text)
	})
	ctl.RegisterFunc("netdev-dummy/conn-state", "[netdev]", 0, 1, func(args []string) (string, error) {
		if len(args) > 0 {
			p := s.dummies.Lookup(args[0])
			if p == nil {
				return "unknown interface", nil
			}
			return p.Name() + ": " + p.ConnState() + "\n", nil
		}
		var b strings.Builder
		for _, p := range s.dummies.All() {
			fmt.Fprintf(&b, "%s: %s\n", p.Name(), p.ConnState())
		}
		return b.String(), nil
	})
}

// setAdminState brings a dummy port, or all, up or down, and returns when OpenFlow shows it.
func (s *switchSystem) setAdminState(ctx context.Context, args []string) (string, error) {
	var up bool
	switch state := args[len(args)-1]; strings.ToLower(state) {
	case "up":
		up = true
	case "down":
	default:
		return "", errors.New("Invalid Admin State")
	}
	name := ""
	if len(args) > 1 {
		name = args[0]
	}
	if name != "" && s.dummies.Lookup(name) == nil {
		return "", errors.New("Unknown Dummy Interface")
	}
	if err := s.dummies.SetAdminState(name, up); err != nil {
		return "", err
	}
	return "OK", s.daemon.SyncDevices(ctx)
}

// dummyReceive passes packets to a dummy port as if they had come in, and returns when all that they set off has happened.
// A packet is hexadecimal digits, or the text of a datapath flow or an OpenFlow match from which one is made.
func (s *switchSystem) dummyReceive(ctx context.Context, args []string) error {
	p := s.dummies.Lookup(args[0])
	if p == nil {
		return errors.New("no such dummy netdev")
	}
	args = args[1:]
	queue := 0
	if len(args) > 1 && args[0] == "--qid" {
		if _, err := fmt.Sscanf(args[1], "%d", &queue); err != nil || queue < 0 || queue >= p.RxQueues() {
			return errors.New("Invalid rx queue id.")
		}
		args = args[2:]
	}
	for i := 0; i < len(args); i++ {
		size := 0
		text := args[i]
		if i+2 < len(args) && args[i+1] == "--len" {
			if _, err := fmt.Sscanf(args[i+2], "%d", &size); err != nil {
				return fmt.Errorf("--len %s: not a packet length", args[i+2])
			}
			i += 2
		}
		frame, err := packetOf(text, size, s.vlanLimit())
		if err != nil {
			return err
		}
		if err := s.inject(ctx, p, queue, frame); err != nil {
			return err
		}
	}
	return nil
}

func (s *switchSystem) inject(ctx context.Context, p *dummy.Port, queue int, frame []byte) error {
	for _, b := range s.sortedBackers() {
		b.Switch.Settle() // changes made before are in force for the packet
	}
	if err := p.Inject(queue, frame); err != nil && !errors.Is(err, dummy.ErrQueueFull) {
		return err
	}
	for _, b := range s.sortedBackers() {
		if err := b.Datapath.Quiesce(ctx); err != nil {
			return err
		}
	}
	return nil
}

// vlanLimit is the limit that all datapaths share.
func (s *switchSystem) vlanLimit() int {
	for _, b := range s.sortedBackers() {
		return b.Switch.VLANLimit()
	}
	return dpif.DefaultVLANLimit
}

// packetOf makes a packet from its hexadecimal digits, or from the text of a datapath flow, of which vlanLimit tags are known; size is the length that one of a
// flow is to have, 0 for any.
func packetOf(text string, size, vlanLimit int) ([]byte, error) {
	digits := strings.Join(strings.Fields(text), "")
	if frame, err := hex.DecodeString(digits); err == nil && len(frame) >= packet.EthHdrLen {
		return frame, nil
	}
	f, err := flow.ParseODP(text, nil)
	if err != nil {
		return nil, err
	}
	if t := f.Key.EthType(); t < firstEthertype && strings.Contains(text, "eth_type(") {
		return nil, fmt.Errorf("invalid Ethertype %d in flow key; the flow key in error is: %s", t, text)
	}
	// Only as many tags are looked into as other_config:vlan-limit has it: a second is then but an Ethernet type.
	if inner := uint32(f.Key[flow.WVLAN]); vlanLimit < flow.MaxVLANs && inner&flow.VLANPresent != 0 {
		f.Key[flow.WVLAN] &^= 0xffffffff
		f.Key.SetEthType(uint16(inner >> 16))
	}
	return flow.Compose(&f.Key, size)
}

// firstEthertype is the lowest value of an Ethernet frame's type field that is a type and not a length (IEEE 802.3).
const firstEthertype = 0x600
