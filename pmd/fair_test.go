package pmd

import "testing"

// TestFair plays iterations of a poller whose queues cost what the test says, and counts the cycles that each got.
func TestFair(t *testing.T) {
	play := func(n int, cost, search, missed [2]int, backlog func(q, pass int) bool) (share [2]float64, polls [2]int) {
		p := &poller{rxqs: []*rxq{{}, {}}}
		var used [2]int
		for pass := range n {
			pressed := p.pressing
			p.pressing = 0
			for i, q := range p.rxqs {
				if q.debt > 0 && q.passOver(pressed) {
					continue
				}
				got := burst
				if !backlog(i, pass) {
					got = burst / 2
				}
				used[i] += cost[i]
				polls[i]++
				p.charge(q, got, missed[i], uint64(search[i]), uint64(cost[i]))
			}
		}
		all := float64(used[0] + used[1])
		return [2]float64{float64(used[0]) / all, float64(used[1]) / all}, polls
	}
	full := func(int, int) bool { return true }
	// Equal: in turn.
	if _, polls := play(1000, [2]int{2000, 2000}, [2]int{}, [2]int{}, full); polls != [2]int{1000, 1000} {
		t.Errorf("two equal queues were polled %v times", polls)
	}
	// One's packets are large, or edited: in turn.
	if _, polls := play(1000, [2]int{2000, 800 * burst}, [2]int{0, 50 * burst}, [2]int{}, full); polls != [2]int{1000, 1000} {
		t.Errorf("ordinary queues were polled %v times", polls)
	}
	// Long searches: half of the cycles at most, and not nothing.
	if share, _ := play(100000, [2]int{2000, 60000}, [2]int{0, 50000}, [2]int{}, full); share[0] < 0.48 || share[0] > 0.7 {
		t.Errorf("beside long searches a queue gets %.2f of the cycles, want about half", share[0])
	}
	// Misses: less.
	if share, _ := play(100000, [2]int{2000, 60000}, [2]int{}, [2]int{0, burst}, full); share[0] < 0.75 || share[0] > 0.95 {
		t.Errorf("beside misses a queue gets %.2f of the cycles, want four fifths", share[0])
	}
	// The other queue has no more waiting: misses cost nobody anything.
	if _, polls := play(1000, [2]int{2000, 60000}, [2]int{}, [2]int{0, burst}, func(q, _ int) bool { return q == 1 }); polls[1] != 1000 {
		t.Errorf("with nothing waiting elsewhere the queue was polled %d times of 1000", polls[1])
	}
	// Alone.
	if _, polls := play(1000, [2]int{60000, 60000}, [2]int{}, [2]int{burst, burst}, full); polls != [2]int{1000, 1000} {
		t.Errorf("two queues of misses were polled %v times", polls)
	}
}
