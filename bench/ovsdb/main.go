package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// row is one line of the result. Bigger is better for rates, smaller for the rest.
type row struct {
	name    string
	unit    string
	rate    bool
	goal    float64 // the ratio to reach
	measure func(s *serverProc) (float64, error)
	// pair, instead of measure, measures the original and ours side by side.
	pair func(s *[2]serverProc) (values [2]float64, ratio float64, err error)
}

func main() {
	check := flag.Bool("check", false, "exit with status 1 when a ratio is below its goal")
	only := flag.String("run", "", "run only the rows whose name contains this")
	runs := flag.Int("runs", 3, "how many times to measure each; the best counts")
	bin := flag.String("bin", "", "our ovsdb-server; built from the source if empty")
	flag.Parse()
	if err := run(*check, *only, *runs, *bin); err != nil {
		fmt.Fprintf(os.Stderr, "bench/ovsdb: %s\n", err)
		os.Exit(1)
	}
}

func run(check bool, only string, runs int, bin string) error {
	original, err := exec.LookPath("ovsdb-server")
	if err != nil {
		return fmt.Errorf("the original ovsdb-server is not installed")
	}
	dir, err := os.MkdirTemp("", "gvb")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if bin == "" {
		bin = filepath.Join(dir, "ovsdb-server")
		build := exec.Command("go", "build", "-o", bin, "govs/tools/ovsdb-server")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building ovsdb-server: %w\n%s", err, out)
		}
	}
	// The servers run in directories of their own.
	if bin, err = filepath.Abs(bin); err != nil {
		return err
	}
	rows := []row{
		{"small transactions, not durable", "/s", true, 1.5, nil, smallTransactions(1, false)},
		{"small transactions, durable", "/s", true, 1.5, nil, smallTransactions(1, true)},
		{"64 clients, durable", "/s", true, 5, nil, smallTransactions(64, true)},
		{"one transaction of 50,000 inserts", "s", false, 1, bigInsert, nil},
		{"initial monitor of 50,000 rows", "s", false, 1, bigMonitor, nil},
		{"200 monitors of a changing table", "changes/s", true, 1, manyMonitors, nil},
		{"open a file of 50,000 rows", "s", false, 1, openBig, nil},
		{"memory with 50,000 rows", "MB", false, 1 / 1.5, bigMemory, nil},
	}
	fmt.Printf("%-36s %12s %12s %8s %6s\n", "ovsdb-server", "original", "govs", "ratio", "goal")
	failed := false
	for _, r := range rows {
		if !strings.Contains(r.name, only) {
			continue
		}
		values, ratio, err := r.compare(dir, [2]string{original, bin}, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		mark := ""
		if ratio < r.goal {
			mark, failed = "  below the goal", true
		}
		fmt.Printf("%-36s %12s %12s %8.2f %6.2f%s\n", r.name, format(values[0], r.unit), format(values[1], r.unit), ratio, r.goal, mark)
	}
	if failed && check {
		return fmt.Errorf("a ratio is below its goal")
	}
	return nil
}

func format(v float64, unit string) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.3f %s", v, unit)
}

// compare measures both programs and returns their figures and how many times better the second is: the best of the
// runs, or the medians of what is measured side by side.
func (r *row) compare(dir string, progs [2]string, runs int) (values [2]float64, ratio float64, err error) {
	if r.pair != nil {
		var s [2]serverProc
		for i, prog := range progs {
			sub, err := os.MkdirTemp(dir, "r")
			if err != nil {
				return values, 0, err
			}
			defer os.RemoveAll(sub)
			s[i] = serverProc{prog: prog, dir: sub}
			defer s[i].stop()
		}
		return r.pair(&s)
	}
	for i := range runs {
		for j, prog := range progs {
			v, err := measureOnce(dir, prog, r)
			if err != nil {
				return values, 0, fmt.Errorf("%s: %w", prog, err)
			}
			if i == 0 || r.rate == (v > values[j]) {
				values[j] = v
			}
		}
	}
	ratio = values[1] / values[0]
	if !r.rate {
		ratio = values[0] / values[1]
	}
	return values, ratio, nil
}

func measureOnce(dir, prog string, r *row) (float64, error) {
	sub, err := os.MkdirTemp(dir, "r")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(sub)
	s := &serverProc{prog: prog, dir: sub}
	defer s.stop()
	return r.measure(s)
}
