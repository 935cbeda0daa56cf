package affinity

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxCPU bounds CPU numbers: the size of a unix.CPUSet.
const maxCPU = 1024

// Pin binds the calling thread to the given CPUs.
func Pin(cpus ...int) error {
	var set unix.CPUSet
	for _, c := range cpus {
		if c < 0 || c >= maxCPU {
			return fmt.Errorf("cpu %d: %w", c, unix.EINVAL)
		}
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("sched_setaffinity %s: %w", FormatList(cpus), err)
	}
	return nil
}

// Get returns the CPUs that the calling thread may run on.
func Get() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var cpus []int
	for c := range maxCPU {
		if set.IsSet(c) {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}

// ParseMask parses a mask of CPUs in hexadecimal, with or without 0x, as
// other_config:pmd-cpu-mask has it. Bit 0 is CPU 0.
func ParseMask(s string) ([]int, error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	if digits == "" {
		return nil, fmt.Errorf("%q is not a CPU mask", s)
	}
	var cpus []int
	for i := range digits {
		d := digits[len(digits)-1-i]
		v, err := strconv.ParseUint(string(d), 16, 4)
		if err != nil {
			return nil, fmt.Errorf("%q is not a CPU mask: bad digit %q", s, d)
		}
		for bit := range 4 {
			if v&(1<<bit) != 0 {
				if 4*i+bit >= maxCPU {
					return nil, fmt.Errorf("%q is not a CPU mask: CPU %d is too large", s, 4*i+bit)
				}
				cpus = append(cpus, 4*i+bit)
			}
		}
	}
	return cpus, nil
}

// FormatMask is the inverse of ParseMask, with 0x.
func FormatMask(cpus []int) string {
	top := 0
	for _, c := range cpus {
		top = max(top, c)
	}
	digits := make([]byte, top/4+1)
	for _, c := range cpus {
		digits[len(digits)-1-c/4] |= 1 << (c % 4)
	}
	for i, d := range digits {
		digits[i] = "0123456789abcdef"[d]
	}
	return "0x" + string(digits)
}

// ParseList parses a list such as "0-3,8", as the kernel and DPDK write it.
func ParseList(s string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		if part == "" {
			continue
		}
		lo, hi, isRange := strings.Cut(part, "-")
		if !isRange {
			hi = lo
		}
		a, err1 := strconv.Atoi(strings.TrimSpace(lo))
		b, err2 := strconv.Atoi(strings.TrimSpace(hi))
		if err1 != nil || err2 != nil || a < 0 || b < a || b >= maxCPU {
			return nil, fmt.Errorf("%q is not a list of CPUs", s)
		}
		for c := a; c <= b; c++ {
			cpus = append(cpus, c)
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), nil
}

// FormatList is the inverse of ParseList.
func FormatList(cpus []int) string {
	cpus = slices.Compact(slices.Sorted(slices.Values(cpus)))
	var b strings.Builder
	for i := 0; i < len(cpus); {
		j := i
		for j+1 < len(cpus) && cpus[j+1] == cpus[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(cpus[i]))
		if j > i {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(cpus[j]))
		}
		i = j + 1
	}
	return b.String()
}

// Online returns the CPUs that are online.
func Online() ([]int, error) {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return ParseList(string(b))
}

// NUMANode returns the NUMA node of a CPU, or 0 if the kernel does not say.
func NUMANode(cpu int) int {
	m, _ := filepath.Glob(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/node[0-9]*", cpu))
	if len(m) > 0 {
		if n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(m[0]), "node")); err == nil {
			return n
		}
	}
	return 0
}
