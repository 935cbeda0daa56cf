package pmd

import (
	"runtime"
	"testing"

	"govs/dpif"
)

// A process that is bound to one processor has one Go processor. PMDs take one each and keep it, so there are more before they start.
func TestGoProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(max(before, runtime.GOMAXPROCS(0)))
	r := newRig(t, nil)
	if err := r.d.Configure(dpif.Config{EMCInsertInvProb: 100, PMDCPUs: []int{0}}); err != nil {
		t.Fatal(err)
	}
	r.port(1, "dummy-pmd") // hangs if nobody but the PMD can run
	if n := runtime.GOMAXPROCS(0); n < 1+housekeeping {
		t.Errorf("%d Go processors for one PMD and the rest", n)
	}
}
