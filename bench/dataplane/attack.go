package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// A tuple-space attack: a port's packets are looked for under one rule for an address they come from and one for an address they
// go to, and differ from each in any of its 32 bits first. The switch has to tell by which prefixes they do: 32 times 32 masks,
// each with one megaflow, and random bits behind the prefixes, so that few packets are alike.
var attackRules = []string{
	"priority=40002,in_port=8,ip,nw_src=10.0.0.1,actions=output:9",
	"priority=40001,in_port=8,ip,nw_dst=11.0.0.1,actions=output:9",
	"priority=40000,in_port=8,actions=drop",
}

const attackFrames = 8192

// keepAtLeast is the part of their rate that the established flows have to keep.
const keepAtLeast = 0.5

// differ returns an address that differs from a in bit n (0 is the first) and behind it at random.
func differ(a uint32, n int, rnd *rand.Rand) uint32 {
	return a&^(1<<(32-n)-1) | ^a&(1<<(31-n)) | rnd.Uint32()&(1<<(31-n)-1)
}

// attackCapture writes the attacker's capture to dir, if it is not there yet, and returns its path.
func attackCapture(dir string) (string, error) {
	path := filepath.Join(dir, "attacker.pcap")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	frames := make([][]byte, attackFrames)
	for i := range frames {
		frames[i] = attackFrame(i, rnd)
	}
	return path, writePcap(path, frames)
}

// attackFrame is the attacker's i-th frame, of one mask after the other.
func attackFrame(i int, rnd *rand.Rand) []byte {
	n := visit(i, 1024)
	b := flowN(i%1000).udp(64, uint32(i))
	binary.BigEndian.PutUint32(b[26:], differ(10<<24|1, n/32, rnd))
	binary.BigEndian.PutUint32(b[30:], differ(11<<24|1, n%32, rnd))
	return b
}

// In the row attack-own attackers and established flows share a port, and by turns a packet of each comes. The DSCP tells which table looks
// for them. The attackers' at first has one rule, so that all their packets need one megaflow; then it gets the rules of the attack. All
// leave by one port: the cycles are those of the mix, and how they grow is the masks' doing.
const attackTOS = 4

// mixed is the capture of the row attack-own.
func mixed() [][]byte {
	rnd := rand.New(rand.NewPCG(1, 1))
	frames := make([][]byte, 0, 2*8000) // whole rounds of the established flows
	for i := range cap(frames) / 2 {
		b := attackFrame(i, rnd)
		b[15] = attackTOS
		fix(b)
		frames = append(frames, flowN(visit(i, 1000)).udp(64, 0), b)
	}
	return frames
}

// mixedRules are those without the attack.
func mixedRules(n int) []string {
	rules := []string{
		"ip,in_port=1,nw_tos=0,actions=resubmit(,1)",
		fmt.Sprintf("ip,in_port=1,nw_tos=%d,actions=resubmit(,2)", attackTOS),
		"table=2,priority=0," + out,
	}
	for _, r := range perFlow(n) {
		rules = append(rules, "table=1,"+r)
	}
	return rules
}

// attackOwn lets the attackers' packets make their masks.
func (s *subject) attackOwn() error {
	for _, a := range []string{"priority=3,ip,nw_src=10.0.0.1", "priority=2,ip,nw_dst=11.0.0.1"} {
		if _, err := s.sw.Ofctl("add-flow", s.bridge, "table=2,"+a+","+out); err != nil {
			return err
		}
	}
	time.Sleep(time.Second) // the one megaflow goes, and the others come
	if err := s.settle(); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return nil
}

// attack adds the attacker's port and the one that its packets might leave by, and gives the switch time to install what it makes of them.
func (s *subject) attack() error {
	pcap, err := attackCapture(s.c.dir)
	if err != nil {
		return err
	}
	if err := s.port(9, "sink", "dpdk", "dpdk-devargs=net_null9,size=64,no-rx=1"); err != nil {
		return err
	}
	if err := s.port(8, "attacker", "dpdk", "dpdk-devargs=net_pcap8,rx_pcap="+pcap+",infinite_rx=1"); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return nil
}

// keptText says what is left of the rate of the established flows.
func (o *outcome) keptText() string {
	word := "pass"
	if o.Kept["ours"] < keepAtLeast {
		word = "MISS"
	}
	return fmt.Sprintf("keeps %.0f %% of its rate, the original %.0f %%: %s (%.0f %%)", o.Kept["ours"]*100, o.Kept["original"]*100, word, keepAtLeast*100)
}
