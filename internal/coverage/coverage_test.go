package coverage

import (
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	r := New()
	r.Counter("never")
	c := r.Counter("flow_extract")
	if r.Counter("flow_extract") != c {
		t.Fatal("two counters of one name")
	}
	c.Add(50)
	r.Sample()
	c.Inc()
	got := r.Show()
	if want := "flow_extract              10.0/sec     0.833/sec        0.0139/sec   total: 51\n1 events never hit\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := "Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash="; !strings.HasPrefix(got, want) {
		t.Errorf("got %q", got)
	}
	for range perMinute {
		r.Sample()
	}
	r.mu.Lock()
	s5, m, h := r.rates(c)
	r.mu.Unlock()
	if s5 != 0 || m != 1.0/60 || h != 51.0/3600 {
		t.Errorf("a minute later: %v %v %v", s5, m, h)
	}
	var none *Counter
	none.Inc()
}
