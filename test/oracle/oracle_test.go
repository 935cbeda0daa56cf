package oracle

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"govs/test/ovs"
)

// TestMain lets more scripts play at once than there are processors: they wait more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "8")
	os.Exit(m.Run())
}

// need skips a test when what it needs is not here; where everything must be here (make test), it fails.
func need(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("GOVS_TEST_ALL") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

var originals = Sides{ovs.Original, ovs.Original, ovs.Original}

type script struct {
	name string
	cmds []Command
	once func() ([]Answer, error) // the original's answers
}

func scripts(t *testing.T) []*script {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var all []*script
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		if name == "known" {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		cmds, err := Parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		s := &script{name: name, cmds: cmds}
		s.once = sync.OnceValues(func() ([]Answer, error) { return Play(originals, cmds) })
		all = append(all, s)
	}
	return all
}

// known returns the known differences: "script:line: command" -> reason.
func known(t *testing.T) map[string]string {
	text, err := os.ReadFile("testdata/known.txt")
	if err != nil {
		t.Fatal(err)
	}
	k, reason := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if r, ok := strings.CutPrefix(line, "#"); ok {
			reason = strings.TrimSpace(r)
		} else if line != "" {
			k[line] = reason
		}
	}
	return k
}

// TestOriginal runs every script on the original and on govs, both driven by the original's tools.
func TestOriginal(t *testing.T) {
	need(t, ovs.Available(ovs.Original))
	need(t, ovs.Available(ovs.Ours))
	compare(t, func(s *script) ([]Answer, error) {
		return Play(Sides{Switch: ovs.Ours, DB: ovs.Ours, Tools: ovs.Original}, s.cmds)
	})
}

// TestOurSwitch runs scripts with our ovs-vswitchd on the original's ovsdb-server: those that show that the two speak, or all with
// GOVS_ORACLE_MIX=1, which tells whether a difference is the switch's or the database's.
func TestOurSwitch(t *testing.T) {
	need(t, ovs.Available(ovs.Original))
	need(t, ovs.Available(ovs.Ours))
	play := func(s *script) ([]Answer, error) {
		return Play(Sides{Switch: ovs.Ours, DB: ovs.Original, Tools: ovs.Original}, s.cmds)
	}
	if os.Getenv("GOVS_ORACLE_MIX") != "" {
		compare(t, play)
		return
	}
	for _, s := range scripts(t) {
		if !slices.Contains([]string{"smoke", "vsctl-bridges", "vsctl-ports", "standalone"}, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a, err := s.once()
			if err != nil {
				t.Fatal(err)
			}
			b, err := play(s)
			if err != nil {
				t.Error(err)
			}
			for _, d := range steady(t, s, b, Compare(a, b)) {
				t.Error(d)
			}
		})
	}
}

// TestOurDatabase runs the scripts about the database with the original's ovs-vswitchd on our ovsdb-server.
func TestOurDatabase(t *testing.T) {
	need(t, ovs.Available(ovs.Original))
	_, err := ovs.Program(ovs.Ours, "ovsdb-server")
	need(t, err)
	for _, s := range scripts(t) {
		if !strings.HasPrefix(s.name, "vsctl") && s.name != "smoke" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a, err := s.once()
			if err != nil {
				t.Fatal(err)
			}
			b, err := Play(Sides{Switch: ovs.Original, DB: ovs.Ours, Tools: ovs.Original}, s.cmds)
			if err != nil {
				t.Error(err)
			}
			for _, d := range steady(t, s, b, Compare(a, b)) {
				t.Error(d)
			}
		})
	}
}

// TestOurAppctl runs every script that uses ovs-appctl with ours, on the original's daemon.
func TestOurAppctl(t *testing.T) {
	need(t, ovs.Available(ovs.Original))
	_, err := ovs.Program(ovs.Ours, "ovs-appctl")
	need(t, err)
	for _, s := range scripts(t) {
		if !strings.HasPrefix(s.name, "appctl") {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a, err := s.once()
			if err != nil {
				t.Fatal(err)
			}
			b, err := Play(Sides{Switch: ovs.Original, DB: ovs.Original, Tools: ovs.Ours}, s.cmds)
			if err != nil {
				t.Error(err)
			}
			for _, d := range steady(t, s, b, Compare(a, b)) {
				t.Error(d)
			}
		})
	}
}

// TestSelf proves the harness and the scripts: the original compared with itself. It runs only when asked
// (GOVS_ORACLE_SELF=1), after a change of a script, because TestOriginal would show an unsteady one too.
func TestSelf(t *testing.T) {
	need(t, ovs.Available(ovs.Original))
	if os.Getenv("GOVS_ORACLE_SELF") == "" {
		t.Skip("GOVS_ORACLE_SELF is not set: run after changing a script")
	}
	for _, s := range scripts(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a, err := s.once()
			if err != nil {
				t.Fatal(err)
			}
			if dir := os.Getenv("GOVS_ORACLE_SAVE"); dir != "" {
				save(t, filepath.Join(dir, s.name+".out"), a)
			}
			b, err := Play(originals, s.cmds)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range Compare(a, b) {
				t.Errorf("differs between two runs of the original: %v", d)
			}
		})
	}
}

// save writes a transcript for people to read.
func save(t *testing.T, file string, answers []Answer) {
	var b strings.Builder
	for _, a := range answers {
		fmt.Fprintf(&b, "$ %s\n%s", a.Text, a.Out)
		if a.Status != 0 {
			fmt.Fprintf(&b, "[%d]\n", a.Status)
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}

func compare(t *testing.T, play func(*script) ([]Answer, error)) {
	expected := known(t)
	var mu sync.Mutex // guards commands, equal
	commands, equal := 0, 0
	t.Cleanup(func() { t.Logf("%d of %d commands answer as the original's", equal, commands) })
	for _, s := range scripts(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			a, err := s.once()
			if err != nil {
				t.Fatal("the original: ", err)
			}
			b, err := play(s)
			if err != nil {
				t.Error(err)
			}
			if len(b) == 0 {
				return
			}
			diffs := Compare(a, b)
			mu.Lock()
			commands += len(a)
			equal += len(a) - len(diffs)
			mu.Unlock()
			differs := map[string]bool{}
			var news []Difference
			for _, d := range diffs {
				key := fmt.Sprintf("%s:%d: %s", s.name, d.A.Line, d.A.Text)
				differs[key] = true
				if expected[key] == "" {
					news = append(news, d)
				}
			}
			for _, d := range steady(t, s, b, news) {
				t.Error(d)
			}
			for _, c := range s.cmds {
				if key := fmt.Sprintf("%s:%d: %s", s.name, c.Line, c.Text); expected[key] != "" && !differs[key] {
					t.Logf("no longer differs: remove it from testdata/known.txt: %s", key)
				}
			}
		})
	}
}

// steady leaves those of the differences of b to the original that are still there when the original runs again. Its revalidators
// work on their own time, so now and then it answers otherwise itself, and b, which is not run again, has to be one of its answers.
func steady(t *testing.T, s *script, b []Answer, diffs []Difference) []Difference {
	t.Helper()
	for i := 0; i < 3 && len(diffs) > 0; i++ {
		again, err := Play(originals, s.cmds)
		if err != nil {
			t.Fatal("the original: ", err)
		}
		still := map[int]bool{}
		for _, d := range Compare(again, b) {
			still[d.A.Line] = true
		}
		diffs = slices.DeleteFunc(diffs, func(d Difference) bool {
			if !still[d.A.Line] {
				t.Logf("the original gives this answer, too, another time: line %d: %s", d.A.Line, d.A.Text)
			}
			return !still[d.A.Line]
		})
	}
	return diffs
}

func TestParse(t *testing.T) {
	cmds, err := Parse("# c\na b \\\n  c\n\n<<f.txt\nx\n y\nEND\nd\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Command{{Line: 2, Text: "a b c"}, {Line: 5, File: "f.txt", Body: "x\n y\n"}, {Line: 9, Text: "d"}}
	if fmt.Sprint(cmds) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", cmds, want)
	}
	if _, err := Parse("<<f\nx\n"); err == nil {
		t.Error("a file without END is accepted")
	}
}

func TestNormalize(t *testing.T) {
	var n Normalizer
	got := n.Text("a duration=1.25s, n_packets=3 0a0b0c0d-0000-1111-2222-333344445555 x  \nused:0.1s")
	if want := "a duration=T, n_packets=3 <uuid0> x\nused:T"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := n.Text("0a0b0c0d-0000-1111-2222-333344445555"); got != "<uuid0>" {
		t.Errorf("a UUID's second sight is %q", got)
	}
}

func TestSortBlocks(t *testing.T) {
	var n Normalizer
	got := n.Text("head\n cookie=0x2, b\n cookie=0x1, a\ntail\n  port LOCAL: rx x\n           tx y\n  port  1: rx z\n           tx w\n")
	want := "head\n cookie=0x1, a\n cookie=0x2, b\ntail\n  port  1: rx z\n           tx w\n  port LOCAL: rx x\n           tx y\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCompare(t *testing.T) {
	a := []Answer{{Out: "x\ny\n"}, {Out: "same\n"}}
	b := []Answer{{Out: "x\nz\n", Status: 1}, {Out: "same\n"}}
	d := Compare(a, b)
	if len(d) != 1 {
		t.Fatalf("%d differences", len(d))
	}
	if s := d[0].String(); !strings.Contains(s, "- y") || !strings.Contains(s, "+ z") || !strings.Contains(s, "exit status 1, not 0") {
		t.Errorf("%s", s)
	}
	if len(Compare(a, a[:1])) != 1 {
		t.Error("a command that was not run is not a difference")
	}
}
