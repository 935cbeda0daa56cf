package affinity

import (
	"runtime"
	"slices"
	"testing"
)

func TestMaskAndList(t *testing.T) {
	for _, tc := range []struct {
		mask, list string
		cpus       []int
	}{
		{"0x1", "0", []int{0}},
		{"0x16", "1-2,4", []int{1, 2, 4}},
		{"0x10000000000000001", "0,64", []int{0, 64}},
	} {
		if got, err := ParseMask(tc.mask); err != nil || !slices.Equal(got, tc.cpus) {
			t.Errorf("mask %s: %v, %v", tc.mask, got, err)
		}
		if got, err := ParseList(tc.list); err != nil || !slices.Equal(got, tc.cpus) {
			t.Errorf("list %s: %v, %v", tc.list, got, err)
		}
		if got := FormatMask(tc.cpus); got != tc.mask {
			t.Errorf("mask of %v: %s", tc.cpus, got)
		}
		if got := FormatList(tc.cpus); got != tc.list {
			t.Errorf("list of %v: %s", tc.cpus, got)
		}
	}
	for _, bad := range []string{"", "0x", "xyz", "0x1g"} {
		if got, err := ParseMask(bad); err == nil {
			t.Errorf("mask %q: %v", bad, got)
		}
	}
	for _, bad := range []string{"a", "3-1", "-1", "0-9999"} {
		if got, err := ParseList(bad); err == nil {
			t.Errorf("list %q: %v", bad, got)
		}
	}
}

func TestPin(t *testing.T) {
	online, err := Online()
	if err != nil || len(online) == 0 {
		t.Fatalf("online: %v, %v", online, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		may, err := Get()
		if err != nil {
			t.Error(err)
			return
		}
		last := may[len(may)-1]
		if err := Pin(last); err != nil {
			t.Error(err)
		}
		if got, err := Get(); err != nil || !slices.Equal(got, []int{last}) {
			t.Errorf("pinned to %v, %v; want %d", got, err, last)
		}
	}()
	<-done
	if err := Pin(-1); err == nil {
		t.Error("pinned to CPU -1")
	}
	if n := NUMANode(online[0]); n < 0 {
		t.Errorf("node %d", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0x16")
	f.Add("0-3,8")
	f.Fuzz(func(t *testing.T, s string) {
		if cpus, err := ParseList(s); err == nil {
			if again, err := ParseList(FormatList(cpus)); err != nil || !slices.Equal(cpus, again) {
				t.Errorf("%q: %v became %v", s, cpus, again)
			}
		}
		if cpus, err := ParseMask(s); err == nil && len(cpus) > 0 {
			if again, err := ParseMask(FormatMask(cpus)); err != nil || !slices.Equal(cpus, again) {
				t.Errorf("%q: %v became %v", s, cpus, again)
			}
		}
	})
}
