package ofswitch

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"govs/ofproto"
	"govs/openflow"
	"govs/openflow/text"
	"govs/ports/dummy"
)

// udpFrom is a UDP frame from the n-th address of 10.0.0.0/8.
func udpFrom(n int) []byte {
	f := frame(macB, macA, "0800 45000022 00000000 4011 0000 0a000000 0a000002 0005 0001 000e 0000")
	binary.BigEndian.PutUint32(f[26:], 0x0a000000+uint32(n))
	return f
}

func numberOf(f []byte) int { return int(binary.BigEndian.Uint32(f[26:]) - 0x0a000000) }

// inject waits for room in the port's queue.
func (r *rig) inject(p *dummy.Port, f []byte) {
	for p.Inject(0, f) == dummy.ErrQueueFull {
		r.settle()
	}
}

// perAddress is an action list that reads the whole source address, so that each address has its own megaflow.
func perAddress(port int) []openflow.Action {
	l, err := text.ParseActions(fmt.Sprintf("move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],output:%d", port), nil)
	if err != nil {
		panic(err)
	}
	return l
}

// three makes a bridge with ports 1 to 3 and no flows.
func (r *rig) three() (b *ofproto.Bridge, p1, p2, p3 *dummy.Port) {
	b = r.bridge("br0")
	p1 = r.port(b, "p1", 1, ofproto.BundleConfig{})
	p2 = r.port(b, "p2", 2, ofproto.BundleConfig{})
	p3 = r.port(b, "p3", 3, ofproto.BundleConfig{})
	mod(r.t, b, openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll})
	return b, p1, p2, p3
}

// load is the machine's load average of the last minute.
func load() (l float64) {
	b, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		fmt.Sscan(string(b), &l)
	}
	return l
}

// TestChangeInForce changes rules below 200,000 megaflows: each change must be in force for every packet within a second.
func TestChangeInForce(t *testing.T) {
	n, limit := 200_000, time.Second
	if raceDetector {
		n, limit = 20_000, 10*time.Second
	} else if l := load(); l > 2*float64(runtime.NumCPU()) {
		limit = 10 * time.Second
		t.Logf("the machine has a load of %.1f: a limit of %v", l, limit)
	}
	for _, revalidators := range []int{1, 3} {
		t.Run(fmt.Sprint(revalidators, " revalidators"), func(t *testing.T) {
			r := newRig(t)
			r.sw.Configure(ofproto.Settings{FlowLimit: 250_000, Revalidators: revalidators, MaxIdle: 3600_000})
			b, p1, p2, p3 := r.three()
			r.command("upcall/set-flow-limit", "250000")
			mod(t, b, openflow.FlowMod{Priority: 1, Match: match("udp"), Actions: perAddress(2)})
			for i := range n {
				r.inject(p1, udpFrom(i))
				if i%500 == 0 {
					r.settle() // so many may wait for their verdicts
				}
			}
			r.settle()
			r.command("revalidator/wait")
			if got := len(p2.TakeSent()); got != n {
				t.Fatalf("%d of %d packets arrived; %v", got, n, r.dp.Drops())
			}
			if st := r.dp.Stats(); st.Flows != n {
				t.Fatalf("%d megaflows, want %d", st.Flows, n)
			}
			// probe sends a packet of every 500th address and returns how many did not leave by the port that they should.
			probe := func(port func(i int) *dummy.Port) (wrong int) {
				want := map[*dummy.Port][]int{}
				for i := 0; i < n; i += 500 {
					want[port(i)] = append(want[port(i)], i)
					r.inject(p1, udpFrom(i))
				}
				r.settle()
				for _, p := range []*dummy.Port{p2, p3} {
					var got []int
					for _, f := range p.TakeSent() {
						got = append(got, numberOf(f))
					}
					slices.Sort(got)
					for _, i := range want[p] {
						if _, ok := slices.BinarySearch(got, i); !ok {
							wrong++
						}
					}
				}
				return wrong
			}
			for _, c := range []struct {
				what string
				do   func()
				port func(i int) *dummy.Port
			}{
				{"a rule for a quarter is added", func() {
					mod(t, b, openflow.FlowMod{Priority: 10, Match: match("udp,nw_src=10.0.0.0/255.192.192.0"), Actions: perAddress(3)})
				}, func(i int) *dummy.Port {
					if i&0xc000 == 0 {
						return p3
					}
					return p2
				}},
				{"it is removed", func() {
					mod(t, b, openflow.FlowMod{Command: openflow.FlowDeleteStrict, Priority: 10, Match: match("udp,nw_src=10.0.0.0/255.192.192.0")})
				}, func(int) *dummy.Port { return p2 }},
				{"all are modified", func() {
					mod(t, b, openflow.FlowMod{Command: openflow.FlowModifyStrict, Priority: 1, Match: match("udp"), Actions: perAddress(3), NewCookie: ^uint64(0)})
				}, func(int) *dummy.Port { return p3 }},
			} {
				begin := time.Now()
				c.do()
				for {
					asked := time.Now() // what is right now has been right for packets from now on
					wrong := probe(c.port)
					took := asked.Sub(begin)
					if wrong == 0 {
						t.Logf("%s: in force after %v", c.what, took)
						break
					}
					if took > limit {
						t.Fatalf("%s: %d of %d packets take the old way after %v", c.what, wrong, n/500, took)
					}
				}
			}
		})
	}
}

// TestRulesChurn inserts and removes rules at 10,000 a second while packets flow. No packet is lost; those that no rule but one ever
// matched go where that says; and each is counted by one rule.
func TestRulesChurn(t *testing.T) {
	length, rate := 3*time.Second, 10_000
	if raceDetector {
		length, rate = time.Second, 1000
	}
	r := newRig(t)
	r.sw.Configure(ofproto.Settings{Revalidators: 2})
	b, p1, p2, p3 := r.three()
	mod(t, b, openflow.FlowMod{Priority: 1, Match: match("udp"), Actions: perAddress(2)})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	mods := 0
	wg.Go(func() {
		// Rules for even addresses come and go; a few hundred are there at any time.
		begin := time.Now()
		var here []int
		rnd := rand.New(rand.NewPCG(1, 1))
		for {
			select {
			case <-stop:
				return
			default:
			}
			if due := int(time.Since(begin) * time.Duration(rate) / time.Second); mods >= due {
				time.Sleep(time.Millisecond)
				continue
			}
			mods++
			if len(here) > 300 || len(here) > 0 && rnd.IntN(2) == 0 {
				i := rnd.IntN(len(here))
				mod(t, b, openflow.FlowMod{Command: openflow.FlowDeleteStrict, Priority: 10, Match: match(fmt.Sprintf("udp,nw_src=10.0.%d.%d", here[i]>>8, here[i]&255))})
				here[i] = here[len(here)-1]
				here = here[:len(here)-1]
				continue
			}
			n := rnd.IntN(500) * 2
			if slices.Contains(here, n) {
				continue
			}
			here = append(here, n)
			mod(t, b, openflow.FlowMod{Priority: 10, Match: match(fmt.Sprintf("udp,nw_src=10.0.%d.%d", n>>8, n&255)), Actions: out(3)})
		}
	})
	sent, seen := 0, 0
	rnd := rand.New(rand.NewPCG(2, 2))
	check := func() {
		r.settle()
		for _, f := range p2.TakeSent() {
			seen++
			if i := numberOf(f); i >= 1000 {
				t.Errorf("%d is an address that was not sent from", i)
			}
		}
		for _, f := range p3.TakeSent() {
			seen++
			if i := numberOf(f); i%2 != 0 {
				t.Errorf("a packet from %d was misrouted", i)
			}
		}
	}
	for begin := time.Now(); time.Since(begin) < length; {
		for range 200 {
			r.inject(p1, udpFrom(rnd.IntN(1000)))
			sent++
		}
		check()
	}
	close(stop)
	wg.Wait()
	check()
	if seen != sent {
		t.Errorf("%d of %d packets arrived; drops %v", seen, sent, r.dp.Drops())
	}
	t.Logf("%d packets, %d changes of rules in %v", sent, mods, length)
	if mods < rate*int(length/time.Second)/2 && load() < 2*float64(runtime.NumCPU()) {
		t.Errorf("only %d changes", mods)
	}
	// At rest, each rule gets its packets.
	mod(t, b, openflow.FlowMod{Command: openflow.FlowDelete, Table: openflow.TableAll, Match: match("udp,nw_src=10.0.0.0/8")})
	r.sw.Settle()
	for i := range 1000 {
		r.inject(p1, udpFrom(i))
	}
	r.settle()
	if a, c := len(p2.TakeSent()), len(p3.TakeSent()); a != 1000 || c != 0 {
		t.Errorf("afterwards %d and %d packets", a, c)
	}
}
