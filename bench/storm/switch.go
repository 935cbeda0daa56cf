package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"govs/bench/guest"
	"govs/test/ovs"
)

// eachTuple reads the whole five-tuple, so that every five-tuple needs a megaflow of its own.
const eachTuple = "move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_IP_DST[]->NXM_NX_REG1[]," +
	"move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],move:NXM_OF_UDP_DST[]->NXM_NX_REG2[16..31]"

// start starts a switch with its bridge and rules, without the guests' ports.
func (c *config) start(side ovs.Side) (*ovs.Switch, error) {
	s, err := guest.Start(side)
	if err != nil {
		return nil, err
	}
	var rules []string
	for i := range established {
		rules = append(rules, fmt.Sprintf("priority=10,in_port=%d,%s,actions=output:%d", portA, guest.MatchOf(netEstablished, uint64(i)), portB))
	}
	rules = append(rules, fmt.Sprintf("in_port=%d,udp,actions=%s,output:%d", portC, eachTuple, portSink),
		fmt.Sprintf("in_port=%d,udp,actions=%s,output:%d", portD, eachTuple, portB))
	file := filepath.Join(s.Dir, "rules")
	if err = os.WriteFile(file, []byte(strings.Join(rules, "\n")+"\n"), 0o644); err == nil {
		_, err = s.Ofctl("add-flows", "br0", file)
	}
	if err == nil {
		_, err = s.Vsctl("add-port", "br0", "sink", "--", "set", "interface", "sink", "type=dpdk",
			"options:dpdk-devargs=net_null0,size=64,no-rx=1", fmt.Sprintf("ofport_request=%d", portSink))
	}
	if err != nil {
		return nil, guest.GiveUp(s, err)
	}
	return s, nil
}

// connect adds the guests' ports to the switch and brings both ends up.
func (c *config) connect(s *ovs.Switch) (g guests, err error) {
	ids, err := guest.Connect(s, c.pool, []int{portA, portB, portC, portD}, ringSize)
	if err != nil {
		return g, err
	}
	c.pmd, err = guest.Priorities(s, c.nice)
	return guests{c.pool, ids[0], ids[1], ids[2], ids[3]}, err
}
