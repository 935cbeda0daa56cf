package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"govs/bench/guest"
	"govs/internal/tsc"
)

const (
	flows     = 1000
	each      = 50  // flow_mods to a barrier
	window    = 16  // barriers without a reply, at most
	bystander = 500 // rules that match no packet, at any time
	priority  = 10  // of version 0
)

// version is one version of a flow's rule. The changer writes before and after, the generator the rest.
type version struct {
	before, after atomic.Uint64 // when it was sent, and when the switch had confirmed it; 0 is not yet
	last          uint64        // when the last packet was sent that it forwarded
}

// changer changes rules.
type changer struct {
	c               *conn
	rate            float64
	hz              float64
	nice            int
	versions        [flows][]version
	number          [flows]uint32 // the newest version
	flow            int           // next to be redirected
	others          uint64        // flow_mods that concern no packet
	moves           uint64        // flow_mods that redirect
	trips           *guest.Hist   // from the sending of each batch to the barrier's reply, cycles
	batches         [window]batch
	sent, confirmed atomic.Uint64 // batches
	ended           atomic.Bool
	took            float64 // seconds
}

// newChanger connects and adds version 0 of each flow's rule.
func newChanger(sock string, rate int, length time.Duration, hz float64, nice int) (*changer, error) {
	c, err := connect(sock)
	if err != nil {
		return nil, err
	}
	x := &changer{c: c, rate: float64(rate), hz: hz, nice: nice, trips: new(guest.Hist)}
	room := int(length.Seconds()*x.rate/flows) + 10
	var out []byte
	for f := range flows {
		x.versions[f] = make([]version, room)
		out = flowMod(out, 0, rule{command: cmdAdd, priority: priority, network: netEstablished, n: uint64(f)})
		x.versions[f][0].before.Store(tsc.Read())
	}
	err = c.send(out)
	for ok := false; !ok && err == nil; {
		ok, err = c.await()
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("first rules: %w", err)
	}
	for f := range flows {
		x.versions[f][0].after.Store(tsc.Read())
	}
	return x, nil
}

// batch is what a barrier covers.
type batch struct {
	sent  uint64 // when
	moved []*version
}

// run changes rules for a while, and returns when all are confirmed. It has threads of its own, as eager as the switch's.
func (x *changer) run(length time.Duration) error {
	x.eager()
	done := make(chan error, 1)
	begin := time.Now()
	go func() { done <- x.confirm() }()
	err := x.change(begin, length)
	x.ended.Store(true)
	if e := <-done; err == nil {
		err = e
	}
	x.took = time.Since(begin).Seconds()
	return err
}

// eager gives a goroutine a thread of its own.
func (x *changer) eager() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), x.nice) // as good as we may
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}

// change sends flow_mods at the rate.
func (x *changer) change(begin time.Time, length time.Duration) error {
	var out []byte
	for due := 0; ; due += each {
		wait := time.Duration(float64(due)/x.rate*1e9) - time.Since(begin)
		if time.Since(begin)+max(wait, 0) >= length {
			return nil
		}
		if wait > 0 {
			nap := unix.NsecToTimespec(int64(wait))
			guest.Nap(&nap)
		}
		for x.sent.Load()-x.confirmed.Load() == window {
			if x.ended.Load() {
				return nil // confirm knows why
			}
			nap := unix.NsecToTimespec(int64(100 * time.Microsecond))
			guest.Nap(&nap)
		}
		out = out[:0]
		b := &x.batches[x.sent.Load()%window]
		b.moved = b.moved[:0]
		for n := uint64(0); n < each; {
			if x.others <= x.moves {
				out = x.other(out)
				n++
				continue
			}
			f := x.flow
			if x.flow++; x.flow == flows {
				x.flow = 0
			}
			if int(x.number[f])+1 == len(x.versions[f]) {
				return fmt.Errorf("flow %d has had more versions than there is room for", f)
			}
			before := x.moves
			out = x.move(out, f)
			n += x.moves - before
			b.moved = append(b.moved, &x.versions[f][x.number[f]])
		}
		b.sent = tsc.Read()
		for _, v := range b.moved {
			v.before.Store(b.sent)
		}
		x.sent.Add(1)
		if err := x.c.send(out); err != nil {
			return err
		}
	}
}

// confirm takes the replies to the barriers.
func (x *changer) confirm() error {
	x.eager()
	defer x.ended.Store(true)
	for !x.ended.Load() || x.confirmed.Load() < x.sent.Load() {
		ok, err := x.c.await()
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		b := &x.batches[x.confirmed.Load()%window]
		now := tsc.Read()
		x.trips.Add(now - b.sent)
		for _, v := range b.moved {
			v.after.Store(now)
		}
		x.confirmed.Add(1)
	}
	return nil
}

// other adds a rule that matches no packet, or deletes the oldest one.
func (x *changer) other(out []byte) []byte {
	n := x.others / 2
	r := rule{command: cmdAdd, priority: priority, network: netOthers, n: n}
	if x.others&1 != 0 {
		r.command, r.n = cmdDeleteStrict, n-min(n, bystander)
	}
	x.others++
	return flowMod(out, uint32(x.others), r)
}

// move redirects a flow to the other port.
func (x *changer) move(out []byte, f int) []byte {
	x.number[f]++
	v := x.number[f]
	r := rule{command: cmdModifyStrict, priority: priority, network: netEstablished, n: uint64(f), version: v}
	if f&1 != 0 {
		r.command, r.priority = cmdAdd, priority+uint16(v)
		out = flowMod(out, v, r)
		x.moves++
		r.command, r.priority = cmdDeleteStrict, r.priority-1
	}
	x.moves++
	return flowMod(out, v, r)
}

// force are the changes' in-force times, sorted, in cycles: from the confirmation, and from the sending. seen is how many of the
// versions forwarded a packet.
func (x *changer) force() (confirmed, asked []uint64, seen int) {
	for f := range flows {
		last := uint64(0)
		for v := range x.versions[f] {
			now := &x.versions[f][v]
			after, before := now.after.Load(), now.before.Load()
			if after == 0 {
				break
			}
			if v > 0 {
				confirmed, asked = append(confirmed, last-min(last, after)), append(asked, last-min(last, before))
				if now.last != 0 {
					seen++
				}
			}
			last = max(last, now.last)
		}
	}
	slices.Sort(confirmed)
	slices.Sort(asked)
	return confirmed, asked, seen
}
